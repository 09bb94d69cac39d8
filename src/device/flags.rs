//! The `PCAP_IF_*` flags of `pcap/pcap.h`: what is known of an interface before it is opened.

use crate::sys::Errno;

/// The interface is a loopback interface.
pub const LOOPBACK: u32 = 0x01;
/// It is up.
pub const UP: u32 = 0x02;
/// It is running.
pub const RUNNING: u32 = 0x04;
/// It is a radio, or infrared; "connected" then means that a network is joined.
pub const WIRELESS: u32 = 0x08;
/// The bits of the connection status.
pub const CONNECTION_STATUS: u32 = 0x30;
/// Status: not known.
pub const CONNECTION_UNKNOWN: u32 = 0x00;
/// Status: connected.
pub const CONNECTED: u32 = 0x10;
/// Status: disconnected.
pub const DISCONNECTED: u32 = 0x20;
/// Status: the question makes no sense for this interface.
pub const CONNECTION_NOT_APPLICABLE: u32 = 0x30;

/// `ARPHRD_LOOPBACK`.
const ARPHRD_LOOPBACK: u16 = 772;

/// The `ARPHRD_*` types without wires: IRDA, IEEE80211, IEEE80211_PRISM, IEEE80211_RADIOTAP,
/// IEEE802154, IEEE802154_MONITOR, 6LOWPAN. (Wi-Fi that is not in monitor mode says Ethernet.)
const WIRELESS_TYPES: &[u16] = &[783, 801, 802, 803, 804, 805, 825];

const IFF_UP: u32 = 0x1;
const IFF_LOOPBACK: u32 = 0x8;
const IFF_RUNNING: u32 = 0x40;

/// What the kernel's `IFF_*` flags say.
#[must_use]
pub fn from_kernel(iff: u32) -> u32 {
    [(IFF_LOOPBACK, LOOPBACK), (IFF_UP, UP), (IFF_RUNNING, RUNNING)]
        .iter()
        .filter(|(kernel, _)| iff & kernel != 0)
        .fold(0, |flags, (_, flag)| flags | flag)
}

/// What more there is to know of an interface of which `flags` are known: whether it is wireless, as `wifi` or its
/// `ARPHRD_*` type says, and whether connected, as `link_up` says if it can. This never fails.
#[must_use]
pub fn complete(
    flags: u32,
    hardware_type: u16,
    wifi: bool,
    link_up: impl FnOnce() -> Result<bool, Errno>,
) -> u32 {
    if flags & LOOPBACK != 0 {
        return flags | CONNECTION_NOT_APPLICABLE;
    }
    if !wifi && hardware_type == ARPHRD_LOOPBACK {
        return flags;
    }
    let wireless = if wifi || WIRELESS_TYPES.contains(&hardware_type) { WIRELESS } else { 0 };
    flags | wireless | connection(link_up())
}

/// The status that the driver's answer means.
fn connection(link: Result<bool, Errno>) -> u32 {
    match link {
        Ok(true) => CONNECTED,
        Ok(false) => DISCONNECTED,
        Err(Errno(libc::EOPNOTSUPP | libc::EINVAL)) => CONNECTION_NOT_APPLICABLE,
        Err(_) => CONNECTION_UNKNOWN,
    }
}

/// How far down the list a device belongs: 0 is best. Devices of the same merit keep their order.
#[must_use]
pub fn merit(flags: u32, is_any: bool) -> u32 {
    let unplugged = flags & WIRELESS == 0 && flags & CONNECTION_STATUS == DISCONNECTED;
    let faults = [
        (flags & RUNNING == 0, 0x8000_0000),
        (flags & UP == 0, 0x4000_0000),
        (unplugged, 0x2000_0000),
        (flags & LOOPBACK != 0, 0x1000_0000),
        (is_any, 0x0800_0000),
    ];
    faults.iter().filter(|(fault, _)| *fault).fold(0, |merit, (_, bit)| merit | bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_flags() {
        assert_eq!(from_kernel(0), 0);
        assert_eq!(from_kernel(0x49), LOOPBACK | UP | RUNNING);
        assert_eq!(from_kernel(0x1003), UP);
    }

    #[test]
    fn connection_status() {
        let answers = [
            Ok(true),
            Ok(false),
            Err(libc::EOPNOTSUPP),
            Err(libc::EINVAL),
            Err(libc::ENODEV),
            Err(libc::EPERM),
            Err(libc::EIO),
        ];
        let want = [
            CONNECTED,
            DISCONNECTED,
            CONNECTION_NOT_APPLICABLE,
            CONNECTION_NOT_APPLICABLE,
            CONNECTION_UNKNOWN,
            CONNECTION_UNKNOWN,
            CONNECTION_UNKNOWN,
        ];
        assert_eq!(answers.map(|answer| connection(answer.map_err(Errno))), want);
    }

    #[test]
    fn what_the_type_says() {
        let unknown = || Err(Errno(libc::EPERM));
        assert_eq!(complete(LOOPBACK, 1, false, unknown), LOOPBACK | CONNECTION_NOT_APPLICABLE);
        assert_eq!(complete(UP, 803, false, unknown), UP | WIRELESS);
        assert_eq!(complete(UP, 1, true, || Ok(true)), UP | WIRELESS | CONNECTED);
        assert_eq!(complete(UP, 772, false, || Ok(true)), UP);
        assert_eq!(complete(UP, 1, false, unknown), UP);
    }

    #[test]
    fn order_of_merit() {
        let ready = UP | RUNNING;
        let best_first = [
            merit(ready | CONNECTED, false),
            merit(ready, true),
            merit(ready | LOOPBACK, false),
            merit(ready | DISCONNECTED, false),
            merit(RUNNING, false),
            merit(UP, false),
            merit(0, false),
        ];
        assert!(best_first.is_sorted_by(|a, b| a < b), "{best_first:x?}");
        assert_eq!(merit(ready | WIRELESS | DISCONNECTED, false), 0);
    }
}
