//! What the filter compiler asks of names whose meaning is the system's: a trait, so that its tests and
//! fuzzers never touch a database or DNS. Names that are the filter language's own are in `protocols.rs`.

use super::ports::{self, Port};
use crate::sys::netdb::{self, AddrInfo};
use std::ffi::{CStr, CString};
use std::net::IpAddr;

pub use crate::sys::netdb::Failure;

/// The most addresses of a name, of each family, that libpcap's compiler takes.
pub const MAX_ADDRESSES: usize = 100;

/// The addresses of a host, in network byte order, each once and in the order of their numbers: a program
/// should not depend on the order in which DNS gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Those of IPv4.
    pub v4: Vec<[u8; 4]>,
    /// Those of IPv6.
    pub v6: Vec<[u8; 16]>,
}

impl FromIterator<IpAddr> for Addresses {
    fn from_iter<I: IntoIterator<Item = IpAddr>>(addresses: I) -> Self {
        let mut all = Self::default();
        for address in addresses {
            match address {
                IpAddr::V4(address) => all.v4.push(address.octets()),
                IpAddr::V6(address) => all.v6.push(address.octets()),
            }
        }
        all.v4.sort_unstable();
        all.v4.dedup();
        all.v6.sort_unstable();
        all.v6.dedup();
        all
    }
}

/// Knows names. A name is what stands in the expression, in whatever bytes; one with a NUL in it is unknown.
pub trait Resolver {
    /// A host's addresses, one at least.
    fn host(&self, name: &[u8]) -> Result<Addresses, Failure>;

    /// A network's number in host byte order, never 0. glibc justifies it left (10.1 is 0x0a010000), which
    /// nobody promises.
    fn network(&self, name: &[u8]) -> Option<u32>;

    /// The port of a service.
    fn port(&self, name: &[u8]) -> Result<Port, Failure>;

    /// An IP protocol's number, which need not fit into 8 bits.
    fn protocol(&self, name: &[u8]) -> Option<u32>;

    /// The Ethernet address of a host.
    fn ether(&self, name: &[u8]) -> Option<[u8; 6]>;
}

/// The network of this name in host byte order.
///
/// QUIRK: a network of the number 0 is unknown, for 0 is how C is told so.
#[must_use]
pub fn network(name: &CStr) -> Option<u32> {
    netdb::network(name).filter(|number| *number != 0)
}

/// The system's databases, through the C library.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

fn c_name(name: &[u8]) -> Option<CString> {
    CString::new(name).ok()
}

impl Resolver for System {
    fn host(&self, name: &[u8]) -> Result<Addresses, Failure> {
        let name = c_name(name).ok_or(Failure::Unknown)?;
        let addresses: Addresses =
            AddrInfo::of_host(&name)?.addresses().map(|address| address.ip()).collect();
        if addresses == Addresses::default() { Err(Failure::Unknown) } else { Ok(addresses) }
    }

    fn network(&self, name: &[u8]) -> Option<u32> {
        network(&c_name(name)?)
    }

    fn port(&self, name: &[u8]) -> Result<Port, Failure> {
        ports::port(&c_name(name).ok_or(Failure::Unknown)?)
    }

    fn protocol(&self, name: &[u8]) -> Option<u32> {
        u32::try_from(netdb::protocol(&c_name(name)?)?).ok()
    }

    fn ether(&self, name: &[u8]) -> Option<[u8; 6]> {
        netdb::ethernet_address(&c_name(name)?)
    }
}

/// Knows no name and asks nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl Resolver for NoNames {
    fn host(&self, _: &[u8]) -> Result<Addresses, Failure> {
        Err(Failure::Unknown)
    }

    fn network(&self, _: &[u8]) -> Option<u32> {
        None
    }

    fn port(&self, _: &[u8]) -> Result<Port, Failure> {
        Err(Failure::Unknown)
    }

    fn protocol(&self, _: &[u8]) -> Option<u32> {
        None
    }

    fn ether(&self, _: &[u8]) -> Option<[u8; 6]> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::ports::PortProtocol;
    use super::*;

    #[test]
    fn addresses_are_sorted_and_each_is_there_once() {
        let texts =
            ["10.0.0.2", "2001:db8::2", "9.255.0.1", "10.0.0.2", "2001:db8::1", "200.0.0.1", "::1"];
        let all: Addresses =
            texts.iter().map(|text| text.parse::<IpAddr>().expect("an address")).collect();
        assert_eq!(all.v4, [[9, 255, 0, 1], [10, 0, 0, 2], [200, 0, 0, 1]]);
        assert_eq!(
            all.v6.iter().map(|a| (a[1], a[15])).collect::<Vec<_>>(),
            [(0, 1), (1, 1), (1, 2)]
        );
    }

    /// What needs no database, so that this asks for nothing beyond the process.
    #[test]
    fn the_system_knows_numbers() {
        let host = |name| System.host(name);
        assert_eq!(host(b"192.0.2.1"), Ok(Addresses { v4: vec![[192, 0, 2, 1]], v6: vec![] }));
        assert_eq!(host(b"::1").map(|found| (found.v4.len(), found.v6.len())), Ok((0, 1)));
        assert_eq!(System.port(b"80"), Ok(Port { number: 80, protocol: PortProtocol::Any }));
    }

    #[test]
    fn a_name_with_a_nul_is_unknown() {
        let name = b"80\0";
        assert_eq!(System.host(b"127.0.0.1\0"), Err(Failure::Unknown));
        assert_eq!(System.port(name), Err(Failure::Unknown));
        assert_eq!(
            (System.network(name), System.protocol(b"tcp\0"), System.ether(name)),
            (None, None, None)
        );
    }

    #[test]
    fn no_names_knows_none() {
        let nobody: &dyn Resolver = &NoNames;
        for name in [&b"localhost"[..], b"80", b"127.0.0.1", b"", b"\xff"] {
            assert_eq!(
                (nobody.host(name), nobody.port(name)),
                (Err(Failure::Unknown), Err(Failure::Unknown))
            );
            assert_eq!(
                (nobody.network(name), nobody.protocol(name), nobody.ether(name)),
                (None, None, None)
            );
        }
    }
}
