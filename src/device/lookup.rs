//! The default device, and the IPv4 network of a device.

use super::{flags, list};
use crate::error::{Error, Result};
use crate::sys::{Errno, ifaddrs};
use std::ffi::{CString, OsStr};
use std::os::fd::AsFd;

/// The best device, as `pcap_lookupdev(3PCAP)` has it.
///
/// # Errors
/// As [`list()`]; or there is nothing but loopback.
pub fn lookup_dev() -> Result<CString> {
    let best = list()?.into_iter().next();
    let suitable = best.filter(|device| device.flags & flags::LOOPBACK == 0);
    suitable.map(|device| device.name).ok_or_else(|| Error::new("no suitable device found"))
}

/// The IPv4 network number and netmask of `device`, both in network byte order, as
/// `pcap_lookupnet(3PCAP)` gives them. All zeros for what is no single network.
///
/// # Errors
/// There is no such device, or it has no IPv4 address.
pub fn lookup_net(device: Option<&OsStr>) -> Result<(u32, u32)> {
    let Some(name) = device.filter(|name| !without_network(name)) else { return Ok((0, 0)) };
    let shown = name.display();
    let socket = ifaddrs::ipv4_socket().map_err(|errno| Error::errno("socket", errno))?;
    let address = ifaddrs::ipv4_address(socket.as_fd(), name).map_err(|errno| match errno {
        Errno(libc::EADDRNOTAVAIL) => Error::new(format!("{shown}: no IPv4 address assigned")),
        _ => Error::errno(format!("SIOCGIFADDR: {shown}"), errno),
    })?;
    let mask = ifaddrs::ipv4_netmask(socket.as_fd(), name)
        .map_err(|errno| Error::errno(format!("SIOCGIFNETMASK: {shown}"), errno))?;
    let mask = if mask == 0 { class_mask(address)? } else { mask };
    Ok((address & mask, mask))
}

/// "any", and devices that are no network interfaces.
///
/// QUIRK: an interface whose name only contains such a word has no network either.
fn without_network(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name == "any" || name.contains("bluetooth") || name.contains("usbmon")
}

/// The netmask of an address's class, both in network byte order.
fn class_mask(address: u32) -> Result<u32> {
    match u32::from_be(address).leading_ones() {
        0 => Ok(0xff00_0000_u32.to_be()),
        1 => Ok(0xffff_0000_u32.to_be()),
        2 => Ok(0xffff_ff00_u32.to_be()),
        _ => Err(Error::new(format!("inet class for 0x{address:x} unknown"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_without_a_network() {
        for name in [None, Some("any"), Some("bluetooth0"), Some("usbmon1"), Some("my-usbmon")] {
            assert_eq!(lookup_net(name.map(OsStr::new)), Ok((0, 0)));
        }
    }

    #[test]
    fn devices_that_are_not_there() {
        for name in ["nosuch0", "a-name-that-is-too-long-for-an-interface", ""] {
            let text = lookup_net(Some(OsStr::new(name))).expect_err("an error").text().to_owned();
            assert_eq!(text, format!("SIOCGIFADDR: {name}: No such device"));
        }
    }

    #[test]
    fn classes() {
        let mask = |a: [u8; 4]| class_mask(u32::from_ne_bytes(a)).map(u32::to_ne_bytes);
        assert_eq!(mask([10, 0, 0, 200]), Ok([255, 0, 0, 0]));
        assert_eq!(mask([172, 16, 0, 1]), Ok([255, 255, 0, 0]));
        assert_eq!(mask([192, 168, 0, 1]), Ok([255, 255, 255, 0]));
        assert!(mask([224, 0, 0, 1]).is_err());
    }
}
