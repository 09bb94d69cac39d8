//! What the kernel lists: interfaces, their addresses and the state of their links, each in one request
//! (rtnetlink(7), `linux/ethtool_netlink.h`), whatever the number of interfaces.

use super::SockAddr;
use crate::sys::netlink::{Message, Netlink, attribute, attributes, half, number};
use crate::sys::{Errno, Sys};
use std::collections::HashMap;
use std::ffi::{CStr, CString};

/// `RTM_*` of `linux/rtnetlink.h`.
const NEWLINK: u16 = 16;
const GETLINK: u16 = 18;
const NEWADDR: u16 = 20;
const GETADDR: u16 = 22;
/// `IFLA_*` of `linux/if_link.h`; `RTEXT_FILTER_SKIP_STATS` leaves counters out.
mod ifla {
    pub const ADDRESS: u16 = 1;
    pub const BROADCAST: u16 = 2;
    pub const IFNAME: u16 = 3;
    pub const EXT_MASK: u16 = 29;
    pub const SKIP_STATS: u32 = 1 << 3;
}
/// `IFA_*` of `linux/if_addr.h`.
mod ifa {
    pub const ADDRESS: u16 = 1;
    pub const LOCAL: u16 = 2;
    pub const LABEL: u16 = 3;
    pub const BROADCAST: u16 = 4;
}
/// `struct ifinfomsg` and `struct ifaddrmsg`.
const IFINFOMSG: usize = 16;
const IFADDRMSG: usize = 8;

/// Generic netlink: the family that names families, what it is asked, and what a request's header is.
mod genl {
    pub const CTRL: u16 = 16;
    pub const GETFAMILY: u8 = 3;
    pub const FAMILY_ID: u16 = 1;
    pub const FAMILY_NAME: u16 = 2;
    pub const HEADER: usize = 4;
}
/// `ETHTOOL_*` of `linux/ethtool_netlink.h`.
mod ethtool {
    pub const LINKSTATE_GET: u8 = 6;
    pub const LINKSTATE_HEADER: u16 = 1;
    pub const LINKSTATE_LINK: u16 = 2;
    pub const HEADER_DEV_INDEX: u16 = 1;
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: CString,
    /// Its `IFF_*` flags.
    pub flags: u32,
    /// Its `ARPHRD_*` type.
    pub kind: u16,
    /// Its link-layer address, and the one for all.
    pub address: Option<SockAddr>,
    /// The address for all on its link.
    pub broadcast: Option<SockAddr>,
}

/// A network address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The interface's index.
    pub index: u32,
    /// What the address is called, if it is: "eth0:1".
    pub label: Option<CString>,
    /// The address.
    pub address: SockAddr,
    /// Its netmask.
    pub netmask: SockAddr,
    /// The broadcast address or, where the interface has but one other end, that one's.
    pub other: Option<SockAddr>,
}

/// The interfaces of this network namespace, and their addresses, in the kernel's order.
pub fn interfaces() -> Sys<(Vec<Link>, Vec<Address>)> {
    let mut socket = Netlink::open(libc::NETLINK_ROUTE)?;
    let skip = attribute(ifla::EXT_MASK, &ifla::SKIP_STATS.to_ne_bytes());
    let links = socket.list(GETLINK, &[&[0; IFINFOMSG][..], &skip].concat())?;
    let addresses = socket.list(GETADDR, &[0; IFADDRMSG])?;
    Ok((links.iter().filter_map(link).collect(), addresses.iter().filter_map(address).collect()))
}

/// Whether each interface's link is up, by index. An interface whose driver cannot say is left out. `EOPNOTSUPP`
/// where the kernel has no such list (before Linux 5.6).
pub fn links_up() -> Sys<HashMap<u32, bool>> {
    let mut socket = Netlink::open(libc::NETLINK_GENERIC)?;
    let request = |command: u8, attributes: &[u8]| [&[command, 1, 0, 0], attributes].concat();
    let name = attribute(genl::FAMILY_NAME, b"ethtool\0");
    let family = socket.get(genl::CTRL, &request(genl::GETFAMILY, &name))?;
    let id = find(&family, genl::HEADER, genl::FAMILY_ID).and_then(|id| half(id, 0));
    let header = attribute(ethtool::LINKSTATE_HEADER | NESTED, &[]);
    let ask = request(ethtool::LINKSTATE_GET, &header);
    let states = socket.list(id.ok_or(Errno(libc::EOPNOTSUPP))?, &ask)?;
    Ok(states.iter().filter_map(link_up).collect())
}

/// `NLA_F_NESTED`: attributes are inside.
const NESTED: u16 = 1 << 15;

/// The value of an attribute of a message whose attributes begin at `at`.
fn find(message: &Message, at: usize, kind: u16) -> Option<&[u8]> {
    let all = attributes(message.body.get(at..)?);
    all.filter(|(found, _)| *found == kind).map(|(_, value)| value).next()
}

fn link_up(message: &Message) -> Option<(u32, bool)> {
    let header = find(message, genl::HEADER, ethtool::LINKSTATE_HEADER)?;
    let mut index = attributes(header).filter(|(kind, _)| *kind == ethtool::HEADER_DEV_INDEX);
    let index = number(index.next()?.1, 0)?;
    let up = find(message, genl::HEADER, ethtool::LINKSTATE_LINK)?;
    Some((index, up.first().is_some_and(|up| *up != 0)))
}

fn text(value: &[u8]) -> Option<CString> {
    CStr::from_bytes_until_nul(value).ok().map(CStr::to_owned)
}

fn link(message: &Message) -> Option<Link> {
    if message.kind != NEWLINK {
        return None;
    }
    let (kind, index) = (half(&message.body, 2)?, number(&message.body, 4)?);
    let hardware =
        |attribute| Some(SockAddr::link(index, kind, find(message, IFINFOMSG, attribute)?));
    Some(Link {
        index,
        name: text(find(message, IFINFOMSG, ifla::IFNAME)?)?,
        flags: number(&message.body, 8)?,
        kind,
        address: hardware(ifla::ADDRESS),
        broadcast: hardware(ifla::BROADCAST),
    })
}

fn address(message: &Message) -> Option<Address> {
    let [family, prefix, ..] = *message.body.as_slice() else { return None };
    if message.kind != NEWADDR {
        return None;
    }
    let (prefix, index) = (u32::from(prefix), number(&message.body, 4)?);
    let at = |attribute| socket_address(family, find(message, IFADDRMSG, attribute)?, index);
    // As getifaddrs(3): where there is a local address, the other is at the other end.
    let (address, peer) = match at(ifa::LOCAL) {
        Some(local) => (local, at(ifa::ADDRESS)),
        None => (at(ifa::ADDRESS)?, None),
    };
    Some(Address {
        index,
        label: find(message, IFADDRMSG, ifa::LABEL).and_then(text),
        address,
        netmask: netmask(family, prefix)?,
        other: at(ifa::BROADCAST).or(peer),
    })
}

fn socket_address(family: u8, value: &[u8], index: u32) -> Option<SockAddr> {
    match i32::from(family) {
        libc::AF_INET => Some(SockAddr::ipv4(*value.first_chunk()?)),
        libc::AF_INET6 => {
            let address: [u8; 16] = *value.first_chunk()?;
            // fe80::/10, ff02::/16 in any of the multicast flags.
            let local = match address {
                [0xfe, second, ..] => second & 0xc0 == 0x80,
                [0xff, second, ..] => second & 0x0f == 2,
                _ => false,
            };
            Some(SockAddr::ipv6(address, if local { index } else { 0 }))
        }
        _ => None,
    }
}

/// The mask of a network whose addresses have `prefix` bits in common.
fn netmask(family: u8, prefix: u32) -> Option<SockAddr> {
    let ones = |bits: u32| u128::MAX.checked_shl(bits.saturating_sub(prefix)).unwrap_or(0);
    match i32::from(family) {
        libc::AF_INET => Some(SockAddr::ipv4((ones(32) as u32).to_be_bytes())),
        libc::AF_INET6 => Some(SockAddr::ipv6(ones(128).to_be_bytes(), 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netmasks() {
        let v4 = |prefix| netmask(2, prefix).map(|mask| mask.bytes().get(4..8).map(<[u8]>::to_vec));
        assert_eq!(v4(0), Some(Some(vec![0, 0, 0, 0])));
        assert_eq!(v4(12), Some(Some(vec![255, 240, 0, 0])));
        assert_eq!(v4(32), Some(Some(vec![255; 4])));
        assert_eq!(v4(200), Some(Some(vec![255; 4])));
        let v6 =
            |prefix| netmask(10, prefix).map(|mask| mask.bytes().get(8..24).map(<[u8]>::to_vec));
        assert_eq!(v6(0), Some(Some(vec![0; 16])));
        assert_eq!(v6(64), Some(Some([[255; 8], [0; 8]].concat())));
        assert_eq!(v6(128), Some(Some(vec![255; 16])));
        assert_eq!(netmask(17, 0), None);
    }

    #[test]
    fn scopes() {
        let scope = |first: [u8; 2]| {
            let mut address = [0; 16];
            address[..2].copy_from_slice(&first);
            let bytes = socket_address(10, &address, 7).map(|a| a.bytes().to_vec());
            bytes.and_then(|bytes| number(&bytes, 24))
        };
        let found =
            [[0xfe, 0x80], [0xfe, 0xbf], [0xfe, 0xc0], [0xff, 0x02], [0xff, 0x05], [0x20, 0x01]];
        assert_eq!(found.map(scope), [7, 7, 0, 7, 0, 0].map(Some));
    }

    #[test]
    fn a_point_to_point_address_has_another_end() {
        let body = |attributes: &[Vec<u8>]| {
            let head = [vec![2, 32, 0, 0], 9_u32.to_ne_bytes().to_vec()].concat();
            Message { kind: NEWADDR, body: [head, attributes.concat()].concat() }
        };
        let (local, peer) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        let message = body(&[attribute(ifa::ADDRESS, &peer), attribute(ifa::LOCAL, &local)]);
        let found = address(&message).expect("an address");
        assert_eq!((found.index, &found.label), (9, &None));
        assert_eq!(found.address, SockAddr::ipv4(local));
        assert_eq!(found.other, Some(SockAddr::ipv4(peer)));
        let message = body(&[attribute(ifa::ADDRESS, &peer), attribute(ifa::LABEL, b"p:1\0")]);
        let found = address(&message).expect("an address");
        assert_eq!((found.address, found.other), (SockAddr::ipv4(peer), None));
        assert_eq!(found.label.as_deref(), Some(c"p:1"));
        assert_eq!(address(&body(&[])), None);
        assert_eq!(address(&Message { kind: NEWADDR, body: vec![2] }), None);
    }
}
