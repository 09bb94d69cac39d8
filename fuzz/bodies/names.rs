//! The names that expressions may use in a fuzz target: a few, the same everywhere.

use pcap::names::ports::{Port, PortProtocol};
use pcap::names::resolver::{Addresses, Failure, Resolver};

/// Knows what is written here.
#[derive(Clone, Copy, Debug, Default)]
pub struct FewNames;

impl Resolver for FewNames {
    fn host(&self, name: &[u8]) -> Result<Addresses, Failure> {
        let v4 = |last| [10, 0, 0, last];
        let mut v6 = [0; 16];
        v6[15] = 1;
        let (v4, v6) = match name {
            b"localhost" => (vec![[127, 0, 0, 1]], vec![v6]),
            b"four" => (vec![v4(1)], vec![]),
            b"six" => (vec![], vec![v6]),
            b"many" => ((0..100).map(v4).collect(), vec![v6; 3]),
            _ => return Err(Failure::Unknown),
        };
        Ok(Addresses { v4, v6 })
    }

    fn network(&self, name: &[u8]) -> Option<u32> {
        match name {
            b"loopback" => Some(127),
            b"private" => Some(0x0a01),
            b"odd" => Some(0xc000_0207),
            _ => None,
        }
    }

    fn port(&self, name: &[u8]) -> Result<Port, Failure> {
        let port = |number, protocol| Ok(Port { number, protocol });
        match name {
            b"http" | b"www" => port(80, PortProtocol::Tcp),
            b"https" => port(443, PortProtocol::Any),
            b"domain" => port(53, PortProtocol::Any),
            b"bootps" => port(67, PortProtocol::Udp),
            _ => Err(Failure::Unknown),
        }
    }

    fn protocol(&self, name: &[u8]) -> Option<u32> {
        match name {
            b"tcp" => Some(6),
            b"udp" => Some(17),
            b"icmp" => Some(1),
            b"ospf" => Some(89),
            b"large" => Some(300),
            _ => None,
        }
    }

    fn ether(&self, name: &[u8]) -> Option<[u8; 6]> {
        (name == b"station").then_some([2, 0, 0, 0, 0, 1])
    }
}
