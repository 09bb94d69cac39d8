//! What a driver says of its interface: `SIOCETHTOOL`, as `linux/ethtool.h` describes it. Any socket
//! will do; [`super::ifaddrs::device_socket`] needs no privilege.

use super::{Errno, Sys, check, iface};
use std::ffi::OsStr;
use std::os::fd::{AsRawFd, BorrowedFd};

const ETHTOOL_GLINK: u32 = 0x0a;
const ETHTOOL_GTSO: u32 = 0x1e;
const ETHTOOL_GUFO: u32 = 0x21;
const ETHTOOL_GGSO: u32 = 0x23;
const ETHTOOL_GFLAGS: u32 = 0x25;
const ETHTOOL_GGRO: u32 = 0x2b;
const ETHTOOL_GET_TS_INFO: u32 = 0x41;

/// Of `ETHTOOL_GFLAGS`: large receive offload.
const ETH_FLAG_LRO: u32 = 1 << 15;

/// A structure that `SIOCETHTOOL` fills: the number of the request first, integers only.
///
/// # Safety
/// The type begins with the request's number and has the size that the request asks for.
unsafe trait Request {}

/// `struct ethtool_value`.
#[repr(C)]
struct Value {
    cmd: u32,
    data: u32,
}

// SAFETY: the layout of ethtool_value.
unsafe impl Request for Value {}

/// `struct ethtool_ts_info`.
#[repr(C)]
struct RawTsInfo {
    cmd: u32,
    so_timestamping: u32,
    phc_index: i32,
    tx_types: u32,
    tx_reserved: [u32; 3],
    rx_filters: u32,
    rx_reserved: [u32; 3],
}

const _: () = assert!(size_of::<RawTsInfo>() == 44);

// SAFETY: the layout of ethtool_ts_info.
unsafe impl Request for RawTsInfo {}

fn call<T: Request>(fd: BorrowedFd<'_>, name: &OsStr, mut about: T) -> Sys<T> {
    let mut req = iface::request(name)?;
    req.ifr_ifru.ifru_data = (&raw mut about).cast();
    // SAFETY: SIOCETHTOOL reads one `ifreq` and fills the structure behind its pointer, which has the
    // size that its first member stands for (contract of Request); both live until the call returns.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut req) })?;
    Ok(about)
}

fn value(fd: BorrowedFd<'_>, name: &OsStr, cmd: u32) -> Sys<u32> {
    call(fd, name, Value { cmd, data: 0 }).map(|answer| answer.data)
}

/// Whether the link is up: a cable is plugged in, or a wireless network joined. `EOPNOTSUPP` where
/// that means nothing to the driver.
pub fn link_up(fd: BorrowedFd<'_>, name: &OsStr) -> Sys<bool> {
    value(fd, name, ETHTOOL_GLINK).map(|up| up != 0)
}

/// Which time stamps an interface can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TsInfo {
    /// Bits of `SOF_TIMESTAMPING_*`, of `linux/net_tstamp.h`.
    pub so_timestamping: u32,
    /// One bit for each number of `enum hwtstamp_rx_filters` that the driver takes.
    pub rx_filters: u32,
}

/// The interface's kinds of time stamps. `EOPNOTSUPP` or `EINVAL` where that cannot be asked.
pub fn ts_info(fd: BorrowedFd<'_>, name: &OsStr) -> Sys<TsInfo> {
    let about = RawTsInfo {
        cmd: ETHTOOL_GET_TS_INFO,
        so_timestamping: 0,
        phc_index: 0,
        tx_types: 0,
        tx_reserved: [0; 3],
        rx_filters: 0,
        rx_reserved: [0; 3],
    };
    let RawTsInfo { so_timestamping, rx_filters, .. } = call(fd, name, about)?;
    Ok(TsInfo { so_timestamping, rx_filters })
}

/// The requests that tell of offloads which make packets longer than the MTU, and the bits of the
/// answers that count.
const OFFLOADS: &[(u32, &str, u32)] = &[
    (ETHTOOL_GTSO, "ETHTOOL_GTSO", u32::MAX),
    (ETHTOOL_GGSO, "ETHTOOL_GGSO", u32::MAX),
    (ETHTOOL_GFLAGS, "ETHTOOL_GFLAGS", ETH_FLAG_LRO),
    (ETHTOOL_GGRO, "ETHTOOL_GGRO", u32::MAX),
    (ETHTOOL_GUFO, "ETHTOOL_GUFO", u32::MAX),
];

/// Whether segmentation or receive offload is on, so that packets may be longer than the MTU. What a
/// driver does not know is off. The error names the request that failed.
pub fn offloads_on(fd: BorrowedFd<'_>, name: &OsStr) -> Result<bool, (&'static str, Errno)> {
    for &(cmd, request, mask) in OFFLOADS {
        match value(fd, name, cmd) {
            Ok(data) if data & mask != 0 => return Ok(true),
            Ok(_) | Err(Errno(libc::EOPNOTSUPP | libc::EINVAL)) => (),
            // Kernels that have forgotten this one take it for a change of settings.
            Err(Errno(libc::EPERM)) if cmd == ETHTOOL_GUFO => (),
            Err(errno) => return Err((request, errno)),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::ifaddrs::device_socket;
    use std::os::fd::AsFd;

    /// `SOF_TIMESTAMPING_SOFTWARE`.
    const SOFTWARE: u32 = 1 << 4;

    #[test]
    fn loopback_answers() {
        let socket = device_socket().expect("a socket");
        let fd = socket.as_fd();
        let stamps = ts_info(fd, OsStr::new("lo")).expect("kinds of time stamps");
        assert_eq!(stamps.so_timestamping & SOFTWARE, SOFTWARE);
        assert_eq!(stamps.rx_filters, 0, "no hardware");
        assert!(link_up(fd, OsStr::new("lo")).is_ok());
        assert!(offloads_on(fd, OsStr::new("lo")).is_ok());
    }

    #[test]
    fn a_missing_interface_is_told() {
        let socket = device_socket().expect("a socket");
        let missing = Errno(libc::ENODEV);
        for name in ["nosuch0", "a-name-that-is-too-long", ""] {
            assert_eq!(link_up(socket.as_fd(), OsStr::new(name)), Err(missing));
            assert_eq!(ts_info(socket.as_fd(), OsStr::new(name)), Err(missing));
            assert_eq!(
                offloads_on(socket.as_fd(), OsStr::new(name)),
                Err(("ETHTOOL_GTSO", missing))
            );
        }
    }
}
