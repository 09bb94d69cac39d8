//! ioctls on network interfaces, as netdevice(7) describes them.

use super::{Errno, Sys, check, packet};
use std::ffi::{CStr, OsStr, OsString};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// `linux/net_tstamp.h`: stamp what is sent.
const HWTSTAMP_TX_ON: libc::c_int = 1;
/// `linux/net_tstamp.h`: stamp every packet that arrives.
const HWTSTAMP_FILTER_ALL: libc::c_int = 1;

/// `struct ifreq` for `name`; `ENODEV` for a name that no interface can have.
pub(super) fn request(name: &OsStr) -> Sys<libc::ifreq> {
    // SAFETY: `ifreq` is integers, pointers and byte arrays: all zeros is a value of each.
    let mut req: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.len() >= req.ifr_name.len() {
        return Err(Errno(libc::ENODEV));
    }
    for (to, from) in req.ifr_name.iter_mut().zip(name.as_bytes()) {
        *to = *from as libc::c_char;
    }
    Ok(req)
}

fn call(fd: BorrowedFd<'_>, code: libc::c_ulong, name: &OsStr) -> Sys<libc::ifreq> {
    let mut req = request(name)?;
    // SAFETY: every code passed here reads and writes one `ifreq`, which `req` is.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), code as _, &raw mut req) })?;
    Ok(req)
}

/// The interface's index.
pub fn index(fd: BorrowedFd<'_>, name: &OsStr) -> Sys<i32> {
    let req = call(fd, libc::SIOCGIFINDEX, name)?;
    // SAFETY: SIOCGIFINDEX has filled this member.
    Ok(unsafe { req.ifr_ifru.ifru_ifindex })
}

/// The name of the interface that has an index.
pub fn name(index: u32) -> Sys<String> {
    let mut name = [0 as libc::c_char; libc::IFNAMSIZ];
    // SAFETY: `name` has the room that if_indextoname(3) asks for.
    if unsafe { libc::if_indextoname(index, name.as_mut_ptr()) }.is_null() {
        return Err(Errno::last());
    }
    // SAFETY: if_indextoname(3) has ended the name.
    Ok(unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned())
}

/// The interface's `ARPHRD_*` type.
pub fn hardware_type(fd: BorrowedFd<'_>, name: &OsStr) -> Sys<u16> {
    let req = call(fd, libc::SIOCGIFHWADDR, name)?;
    // SAFETY: SIOCGIFHWADDR has filled this member.
    Ok(unsafe { req.ifr_ifru.ifru_hwaddr.sa_family })
}

/// Whether the interface has `IFF_UP`.
pub fn is_up(fd: BorrowedFd<'_>, name: &OsStr) -> Sys<bool> {
    let req = call(fd, libc::SIOCGIFFLAGS, name)?;
    // SAFETY: SIOCGIFFLAGS has filled this member.
    let flags = libc::c_int::from(unsafe { req.ifr_ifru.ifru_flags });
    Ok(flags & libc::IFF_UP != 0)
}

/// `SIOCGIWNAME` of `linux/wireless.h`, whose request is no larger than an `ifreq`.
const SIOCGIWNAME: libc::c_ulong = 0x8b01;

/// Whether the interface answers as Wi-Fi interfaces do, but for those of Wi-Fi 7.
pub fn is_wireless(fd: BorrowedFd<'_>, name: &OsStr) -> bool {
    call(fd, SIOCGIWNAME, name).is_ok()
}

/// The interface's MTU in bytes.
pub fn mtu(fd: BorrowedFd<'_>, name: &OsStr) -> Sys<u32> {
    let req = call(fd, libc::SIOCGIFMTU, name)?;
    // SAFETY: SIOCGIFMTU has filled this member.
    let mtu = unsafe { req.ifr_ifru.ifru_mtu };
    Ok(u32::try_from(mtu).unwrap_or(0))
}

/// The MTU of the interface that a packet socket is bound to, and has been known by this name; or has another one by
/// now, which is then put there.
pub fn mtu_of_bound(fd: BorrowedFd<'_>, name: &mut OsString) -> Sys<u32> {
    match mtu(fd, name) {
        Err(Errno(libc::ENODEV)) => {
            *name = name_now(fd, packet::bound_interface(fd)?)?;
            mtu(fd, name)
        }
        mtu => mtu,
    }
}

/// The name of the interface that has an index, in the namespace of a socket.
fn name_now(fd: BorrowedFd<'_>, index: i32) -> Sys<OsString> {
    let mut req = request(OsStr::new(""))?;
    req.ifr_ifru.ifru_ifindex = index;
    // SAFETY: SIOCGIFNAME reads and writes one `ifreq`, which `req` is.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::SIOCGIFNAME as _, &raw mut req) })?;
    let name = req.ifr_name.iter().take_while(|byte| **byte != 0);
    Ok(OsString::from_vec(name.map(|byte| *byte as u8).collect()))
}

/// `struct hwtstamp_config` of `linux/net_tstamp.h`.
#[repr(C)]
struct HwtstampConfig {
    flags: libc::c_int,
    tx_type: libc::c_int,
    rx_filter: libc::c_int,
}

/// Has the driver stamp every packet, sent or received.
pub fn stamp_in_hardware(fd: BorrowedFd<'_>, name: &OsStr) -> Sys<()> {
    let mut config =
        HwtstampConfig { flags: 0, tx_type: HWTSTAMP_TX_ON, rx_filter: HWTSTAMP_FILTER_ALL };
    let mut req = request(name)?;
    req.ifr_ifru.ifru_data = (&raw mut config).cast();
    // SAFETY: SIOCSHWTSTAMP reads and writes one `hwtstamp_config` behind the pointer in `req`; both live
    // until the call returns.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::SIOCSHWTSTAMP as _, &raw mut req) })?;
    Ok(())
}
