//! The list of devices, best first.

use super::flags;
use super::netlink::{self, Address, Link};
use crate::error::{Error, Result};
use crate::sys::ifaddrs::{self, SockAddr};
use crate::sys::{Errno, ethtool, sysfs};
use std::collections::HashMap;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

/// One device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The name that opens it.
    pub name: CString,
    /// A description for people.
    pub description: Option<&'static CStr>,
    /// `PCAP_IF_*` flags, see [`flags`].
    pub flags: u32,
    /// Its addresses, in the kernel's order; the link-layer one, if any, is first.
    pub addrs: Vec<DeviceAddr>,
}

/// One address of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAddr {
    /// The address.
    pub addr: SockAddr,
    /// Its netmask.
    pub netmask: Option<SockAddr>,
    /// Its broadcast address, where the interface has broadcasts.
    pub broadaddr: Option<SockAddr>,
    /// The other end's address, where the interface has but one other end.
    pub dstaddr: Option<SockAddr>,
}

const IFF_BROADCAST: u32 = 0x2;
const IFF_POINTOPOINT: u32 = 0x10;

/// Every network interface, and "any". An interface that does not answer is in the list with what is
/// known of it.
///
/// # Errors
/// The kernel's list could not be read.
pub fn list() -> Result<Vec<Device>> {
    let (links, addresses) =
        netlink::interfaces().map_err(|errno| Error::errno("getifaddrs", errno))?;
    let states = States::of(&links);
    let mut devices = gather(links, addresses, |link| states.complete(link));
    devices.push(Device {
        name: c"any".to_owned(),
        description: Some(c"Pseudo-device that captures on all interfaces"),
        flags: flags::UP | flags::RUNNING | flags::CONNECTION_NOT_APPLICABLE,
        addrs: Vec::new(),
    });
    devices.sort_by_key(|device| flags::merit(device.flags, device.name.as_c_str() == c"any"));
    Ok(devices)
}

/// What the flags of interfaces depend on besides what the kernel lists with them.
struct States {
    /// Whether there may be Wi-Fi interfaces: if not, none is asked.
    wifi: bool,
    /// Of old kernels, each driver is asked through the socket.
    up: std::result::Result<HashMap<u32, bool>, Option<OwnedFd>>,
}

impl States {
    fn of(links: &[Link]) -> Self {
        let loopback = |link: &Link| flags::from_kernel(link.flags) & flags::LOOPBACK != 0;
        let up = if links.iter().all(loopback) {
            Err(None)
        } else {
            netlink::links_up().map_err(|_| ifaddrs::device_socket().ok())
        };
        Self { wifi: sysfs::has_wifi(), up }
    }

    fn complete(&self, link: &Link) -> u32 {
        let name = OsStr::from_bytes(link.name.to_bytes());
        let wifi = self.wifi && sysfs::exists(name, "wireless");
        flags::complete(flags::from_kernel(link.flags), link.kind, wifi, || match &self.up {
            Ok(up) => up.get(&link.index).copied().ok_or(Errno(libc::EOPNOTSUPP)),
            Err(Some(socket)) => ethtool::link_up(socket.as_fd(), name),
            Err(None) => Err(Errno(libc::ENOTSOCK)),
        })
    }
}

/// One device for each name, in order of appearance: interfaces, then what addresses are called. `flags` tells
/// a device's flags.
fn gather(links: Vec<Link>, addresses: Vec<Address>, flags: impl Fn(&Link) -> u32) -> Vec<Device> {
    let mut devices: Vec<Device> = Vec::new();
    let mut places: HashMap<CString, usize> = HashMap::new();
    let mut add = |label: &CStr, link: &Link, addr: Option<DeviceAddr>| {
        let name = without_alias(label);
        let place = *places.entry(name.clone()).or_insert_with(|| {
            let flags = flags(link);
            devices.push(Device { name, description: None, flags, addrs: Vec::new() });
            devices.len() - 1
        });
        if let (Some(device), Some(addr)) = (devices.get_mut(place), addr) {
            device.addrs.push(addr);
        }
    };
    for link in &links {
        let has_broadcast = link.flags & IFF_BROADCAST != 0;
        let broadaddr = link.broadcast.clone().filter(|_| has_broadcast);
        let to_one = link.flags & IFF_POINTOPOINT != 0;
        let dstaddr = link.broadcast.clone().filter(|_| to_one);
        let addr = link.address.clone();
        let addr = addr.map(|addr| DeviceAddr { addr, netmask: None, broadaddr, dstaddr });
        add(&link.name, link, addr);
    }
    let by_index: HashMap<u32, &Link> = links.iter().map(|link| (link.index, link)).collect();
    for address in addresses {
        // One that came up between the two lists is for the next time.
        let Some(link) = by_index.get(&address.index) else { continue };
        let addr = DeviceAddr {
            addr: address.address,
            netmask: Some(address.netmask),
            broadaddr: address.other.clone().filter(|_| link.flags & IFF_BROADCAST != 0),
            dstaddr: address.other.filter(|_| link.flags & IFF_POINTOPOINT != 0),
        };
        add(address.label.as_ref().unwrap_or(&link.name), link, Some(addr));
    }
    devices
}

/// An address label of the form "eth0:1" names an address of eth0, not another interface.
fn without_alias(name: &CStr) -> CString {
    let mut parts = name.to_bytes().splitn(2, |byte| *byte == b':');
    let (interface, alias) = (parts.next().unwrap_or_default(), parts.next());
    match alias {
        Some(digits) if digits.iter().all(u8::is_ascii_digit) => {
            // What had no NUL in it has none in a part.
            CString::new(interface).unwrap_or_else(|_| name.to_owned())
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_addresses_of_their_interface() {
        let cases = [
            (c"eth0", c"eth0"),
            (c"eth0:1", c"eth0"),
            (c"eth0:", c"eth0"),
            (c"eth0:a", c"eth0:a"),
            (c"eth0:1:2", c"eth0:1:2"),
            (c"", c""),
        ];
        for (name, want) in cases {
            assert_eq!(without_alias(name).as_c_str(), want, "{name:?}");
        }
    }

    #[test]
    fn entries_of_one_interface_come_together() {
        let link = |index, name: &CStr, flags| Link {
            index,
            name: name.to_owned(),
            flags,
            kind: 1,
            address: None,
            broadcast: None,
        };
        let address = |index, label: Option<&CStr>| Address {
            index,
            label: label.map(CStr::to_owned),
            address: SockAddr::ipv4([10, 0, 0, 1]),
            netmask: SockAddr::ipv4([255, 0, 0, 0]),
            other: Some(SockAddr::ipv4([10, 0, 0, 2])),
        };
        let links = vec![link(2, c"b", IFF_BROADCAST), link(1, c"a", IFF_POINTOPOINT)];
        let addresses = vec![
            address(2, Some(c"b:0")),
            address(1, None),
            address(3, None),
            address(1, Some(c"a:x")),
        ];
        let devices = gather(links, addresses, |link| link.flags);
        let found: Vec<_> = devices
            .iter()
            .map(|d| {
                let ends = d.addrs.iter().map(|a| (a.broadaddr.is_some(), a.dstaddr.is_some()));
                (d.name.as_c_str(), d.flags, ends.collect::<Vec<_>>())
            })
            .collect();
        let wanted = [
            (c"b", IFF_BROADCAST, vec![(true, false)]),
            (c"a", IFF_POINTOPOINT, vec![(false, true)]),
            (c"a:x", IFF_POINTOPOINT, vec![(false, true)]),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn this_machine_has_a_list() {
        let devices = list().expect("a list");
        let any = devices.iter().find(|d| d.name.as_c_str() == c"any").expect("any");
        assert_eq!(any.flags, 0x36);
        let is_any = |d: &Device| d.name.as_c_str() == c"any";
        assert!(devices.is_sorted_by_key(|d| flags::merit(d.flags, is_any(d))));
        if let Some(lo) = devices.iter().find(|d| d.name.as_c_str() == c"lo") {
            assert_eq!(lo.flags & 0x31, 0x31, "loopback, not to be connected");
            let link = lo.addrs.first().expect("a link-layer address");
            assert_eq!(link.addr.hardware_type(), Some(772));
            assert_eq!(link.addr.bytes().len(), 20);
        }
    }
}
