//! The list of devices, best first.

use super::flags;
use crate::error::{Error, Result};
use crate::sys::ifaddrs::{self, IfAddr, SockAddr};
use crate::sys::sysfs;
use std::collections::HashMap;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::AsFd;
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
    let entries = ifaddrs::list().map_err(|errno| Error::errno("getifaddrs", errno))?;
    let socket = ifaddrs::device_socket().ok();
    let complete = |entry: &IfAddr, name: &CStr| {
        let known = flags::from_kernel(entry.flags);
        let name = OsStr::from_bytes(name.to_bytes());
        let link = entry.addr.as_ref().and_then(SockAddr::hardware_type);
        let kind = link.or_else(|| sysfs::read_u64(name, "type")?.try_into().ok());
        flags::complete(known, name, kind, socket.as_ref().map(AsFd::as_fd))
    };
    let mut devices = gather(entries, complete);
    devices.push(Device {
        name: c"any".to_owned(),
        description: Some(c"Pseudo-device that captures on all interfaces"),
        flags: flags::UP | flags::RUNNING | flags::CONNECTION_NOT_APPLICABLE,
        addrs: Vec::new(),
    });
    devices.sort_by_key(|device| flags::merit(device.flags, device.name.as_c_str() == c"any"));
    Ok(devices)
}

/// One device for each name, in order of appearance. `flags` tells a new device's flags.
fn gather(entries: Vec<IfAddr>, flags: impl Fn(&IfAddr, &CStr) -> u32) -> Vec<Device> {
    let mut devices: Vec<Device> = Vec::new();
    let mut places: HashMap<CString, usize> = HashMap::new();
    for entry in entries {
        let name = without_alias(&entry.name);
        let place = *places.entry(name.clone()).or_insert_with(|| {
            let flags = flags(&entry, &name);
            devices.push(Device { name, description: None, flags, addrs: Vec::new() });
            devices.len() - 1
        });
        if let (Some(device), Some(addr)) = (devices.get_mut(place), entry.addr) {
            let has = |flag| entry.flags & flag != 0;
            device.addrs.push(DeviceAddr {
                addr,
                netmask: entry.netmask,
                broadaddr: entry.other.clone().filter(|_| has(IFF_BROADCAST)),
                dstaddr: entry.other.filter(|_| has(IFF_POINTOPOINT)),
            });
        }
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
        let bare = |name: &CStr, flags| IfAddr {
            name: name.to_owned(),
            flags,
            addr: None,
            netmask: None,
            other: None,
        };
        let entries = vec![bare(c"b", 1), bare(c"a", 0), bare(c"b:0", 7), bare(c"a", 9)];
        let devices = gather(entries, |entry, _| entry.flags);
        let found: Vec<_> = devices.iter().map(|d| (d.name.as_c_str(), d.flags)).collect();
        assert_eq!(found, [(c"b", 1), (c"a", 0)], "the first entry's flags count");
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
