//! Tests of the resolver, with names that only they know.

use super::*;
use crate::filter::ast::Step;
use crate::filter::parse::parse;
use crate::names::ports::{Port, PortProtocol};
use crate::names::resolver::Failure;
use crate::sys::Errno;

struct Names;

impl Resolver for Names {
    fn host(&self, name: &[u8]) -> std::result::Result<Addresses, Failure> {
        let v4 = |n: u8| [192, 0, 2, n];
        let v6 = |n: u8| [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n];
        match name {
            b"four" => Ok(Addresses { v4: vec![v4(1)], v6: vec![] }),
            b"six" => Ok(Addresses { v4: vec![], v6: vec![v6(1)] }),
            b"both" => Ok(Addresses { v4: vec![v4(1), v4(2)], v6: vec![v6(1), v6(2)] }),
            b"hundred" => Ok(Addresses { v4: (0..100).map(v4).collect(), v6: vec![] }),
            b"many" => Ok(Addresses { v4: (0..101).map(v4).collect(), v6: vec![] }),
            b"many6" => Ok(Addresses { v4: vec![], v6: (0..101).map(v6).collect() }),
            b"slow" => Err(Failure::Other(libc::EAI_AGAIN)),
            _ => Err(Failure::Unknown),
        }
    }

    fn network(&self, name: &[u8]) -> Option<u32> {
        match name {
            b"short" => Some(0x0a01),
            b"long" => Some(0x0a01_0000),
            b"nothing" => Some(0),
            _ => None,
        }
    }

    fn port(&self, name: &[u8]) -> std::result::Result<Port, Failure> {
        let port = |number, protocol| Ok(Port { number, protocol });
        match name {
            b"domain" => port(53, PortProtocol::Any),
            b"http" => port(80, PortProtocol::Tcp),
            b"https" => port(443, PortProtocol::Tcp),
            b"tftp" => port(69, PortProtocol::Udp),
            b"broken" => Err(Failure::System(Errno(libc::EIO))),
            b"slow" => Err(Failure::Other(libc::EAI_AGAIN)),
            _ => Err(Failure::Unknown),
        }
    }

    fn protocol(&self, name: &[u8]) -> Option<u32> {
        match name {
            b"tcp" => Some(6),
            b"large" => Some(300),
            _ => None,
        }
    }

    fn ether(&self, name: &[u8]) -> Option<[u8; 6]> {
        matches!(name, b"four" | b"six" | b"stranger").then_some([2, 0, 0, 0, 0, 7])
    }
}

/// What the last term of an expression resolves to.
fn last(text: &str) -> Result<Pred<'_>> {
    let parsed = parse(text);
    assert_eq!(parsed.error, None, "{text}");
    let mut terms = parsed.expr.iter().filter_map(|step| match step {
        Step::Term(term) => Some(resolve(&term.node, &Names)),
        _ => None,
    });
    terms.next_back().expect("a term")
}

fn matched(text: &str) -> Match {
    match last(text) {
        Ok(Term::Id(found)) => found,
        other => panic!("{text}: {other:?}"),
    }
}

#[track_caller]
fn refused(table: &[(&str, &str)]) {
    for (text, error) in table {
        assert_eq!(last(text).as_ref().map_err(String::as_str), Err(*error), "{text}");
    }
}

fn hosts(v4: &[(u32, u32)], v4_in: V4In, v6: &[(u128, u32)], side: Side) -> Match {
    Match::Hosts {
        v4: v4.iter().map(|&(addr, mask)| Net4 { addr, mask }).collect(),
        v4_in,
        v6: v6
            .iter()
            .map(|&(addr, len)| Net6 { addr, mask: u128::MAX.checked_shl(128 - len).unwrap_or(0) })
            .collect(),
        side,
    }
}

const ALL: u32 = u32::MAX;
const EITHER: Side = Side::SrcOrDst;
const DOC6: u128 = 0x2001_0db8 << 96;

#[test]
fn ipv4() {
    let one = |addr, mask| hosts(&[(addr, mask)], V4In::Any, &[], EITHER);
    for (text, expected) in [
        ("host 10.1.2.3", one(0x0a01_0203, ALL)),
        ("host 10.1", one(0x0a01_0000, 0xffff_0000)),
        ("net 10.1", one(0x0a01_0000, 0xffff_0000)),
        ("net 10", one(0x0a00_0000, 0xff00_0000)),
        ("net 0", one(0, ALL)),
        ("host 10", one(10, ALL)),
        ("net 0xc0a80000", one(0xc0a8_0000, ALL)),
        ("net 0.0.0.0/0", one(0, 0)),
        ("net 10.1.2.3/32", one(0x0a01_0203, ALL)),
        ("net 10.1/16", one(0x0a01_0000, 0xffff_0000)),
        ("net 10.0.2.0 mask 255.0.255", one(0x0a00_0200, 0xff00_ff00)),
        ("net short", one(0x0a01_0000, 0xffff_0000)),
        ("net long", one(0x0a01_0000, ALL)),
        ("src and dst host 1.2.3.4", hosts(&[(0x0102_0304, ALL)], V4In::Any, &[], Side::SrcAndDst)),
        ("arp src 1.2.3.4", hosts(&[(0x0102_0304, ALL)], V4In::Arp, &[], Side::Src)),
        ("ip dst net 1.2", hosts(&[(0x0102_0000, 0xffff_0000)], V4In::Ip, &[], Side::Dst)),
        ("host 10.1.2.3 or 10.1.2.4", one(0x0a01_0204, ALL)),
    ] {
        assert_eq!(matched(text), expected, "{text}");
    }
}

#[test]
fn ipv6() {
    for (text, addr, len, side) in [
        ("host 2001:db8::5", DOC6 | 5, 128, EITHER),
        ("src 2001:db8::5", DOC6 | 5, 128, Side::Src),
        ("ip6 net 2001:db8::/32", DOC6, 32, EITHER),
        ("net ::/0", 0, 0, EITHER),
        ("host ::1/128", 1, 128, EITHER),
    ] {
        assert_eq!(matched(text), hosts(&[], V4In::Any, &[(addr, len)], side), "{text}");
    }
}

#[test]
fn host_names() {
    let (one, two) = ((0xc000_0201, ALL), (0xc000_0202, ALL));
    let (one6, two6) = ((DOC6 | 1, 128), (DOC6 | 2, 128));
    for (text, expected) in [
        ("host four", hosts(&[one], V4In::Any, &[], EITHER)),
        ("host six", hosts(&[], V4In::Any, &[one6], EITHER)),
        ("host both", hosts(&[one, two], V4In::Any, &[one6, two6], EITHER)),
        ("ip host both", hosts(&[one, two], V4In::Ip, &[], EITHER)),
        ("rarp dst both", hosts(&[one, two], V4In::Rarp, &[], Side::Dst)),
        ("ip6 src both", hosts(&[], V4In::Any, &[one6, two6], Side::Src)),
    ] {
        assert_eq!(matched(text), expected, "{text}");
    }
    assert!(matches!(matched("host hundred"), Match::Hosts { v4, .. } if v4.len() == 100));
    refused(&[
        ("host nobody", "unknown host 'nobody'"),
        ("tcp host nobody", "unknown host 'nobody'"),
        ("ra host nobody", "unknown host 'nobody'"),
        ("host slow", "unknown host 'slow'"),
        ("arp host six", "unknown host 'six' for specified address family"),
        ("ip6 host four", "unknown host 'four' for specified address family"),
        ("host many", "More than 100 IPv4 addresses per name"),
        ("host many6", "More than 100 IPv6 addresses per name"),
        ("tcp host both", "'tcp' is not a valid qualifier for 'host <Internet hostname>'"),
        ("tcp host six", "'tcp' is not a valid qualifier for 'host <Internet hostname>'"),
        ("addr4 host both", "'addr4' is valid for 802.11 syntax only"),
        ("net nowhere", "unknown network 'nowhere'"),
        ("net nothing", "unknown network 'nothing'"),
        ("tcp net short", "'tcp' is not a valid qualifier for 'net <IPv4 network name>'"),
        ("link net short", "'link' is not a valid qualifier for 'net <IPv4 network name>'"),
        ("ta net short", "'ta' is valid for 802.11 syntax only"),
    ]);
}

#[test]
fn link_layer() {
    let mac = |addr, field, context| Match::Mac48 { addr, field, context };
    let either = LinkField::Side(EITHER);
    let mac_text = "link host XX:XX:XX:XX:XX:XX";
    for (text, expected) in [
        ("link host 0:1:2:3:4:5", mac([0, 1, 2, 3, 4, 5], either, mac_text)),
        ("wlan ra 0001.0203.0405", mac([0, 1, 2, 3, 4, 5], LinkField::Ra, mac_text)),
        ("link src four", mac([2, 0, 0, 0, 0, 7], LinkField::Side(Side::Src), "link host NAME")),
        ("link addr3 host four", mac([2, 0, 0, 0, 0, 7], LinkField::Addr3, "link host NAME")),
        (
            "link host nobody",
            Match::UnknownMac48 { name: "nobody".to_owned(), context: "link host NAME" },
        ),
        ("link dst $c", Match::Mac8 { addr: 12, side: Side::Dst }),
        (
            "gateway four",
            Match::Gateway { mac: [2, 0, 0, 0, 0, 7], v4: vec![0xc000_0201], v4_in: V4In::Any },
        ),
        (
            "arp gateway four",
            Match::Gateway { mac: [2, 0, 0, 0, 0, 7], v4: vec![0xc000_0201], v4_in: V4In::Arp },
        ),
        ("gateway nobody", Match::UnknownMac48 { name: "nobody".to_owned(), context: "gateway" }),
        ("decnet host 1.1023", Match::Decnet { addr: 0x07ff, side: EITHER }),
        ("decnet src 63.0", Match::Decnet { addr: 0xfc00, side: Side::Src }),
    ] {
        assert_eq!(matched(text), expected, "{text}");
    }
    refused(&[
        ("gateway six", "unknown host 'six'"),
        ("ip gateway six", "unknown host 'six' for specified address family"),
        ("gateway stranger", "unknown host 'stranger'"),
    ]);
}

#[test]
fn ports() {
    let ports = |protocol, low, high, side| Match::Ports { protocol, low, high, side };
    for (text, expected) in [
        ("port 80", ports(None, 80, 80, EITHER)),
        ("tcp src port 0", ports(Some(6), 0, 0, Side::Src)),
        ("sctp portrange 65535", ports(Some(132), 65535, 65535, EITHER)),
        ("port domain", ports(None, 53, 53, EITHER)),
        ("udp dst port domain", ports(Some(17), 53, 53, Side::Dst)),
        ("sctp port domain", ports(Some(132), 53, 53, EITHER)),
        ("port http", ports(Some(6), 80, 80, EITHER)),
        ("port tftp", ports(Some(17), 69, 69, EITHER)),
        ("portrange 1-2", ports(None, 1, 2, EITHER)),
        ("portrange 2-1", ports(None, 1, 2, EITHER)),
        ("udp portrange 0x10-010", ports(Some(17), 8, 16, EITHER)),
        ("portrange http-https", ports(Some(6), 80, 443, EITHER)),
        ("portrange http-tftp", ports(None, 69, 80, EITHER)),
        ("portrange 1-http", ports(None, 1, 80, EITHER)),
        ("tcp portrange tftp-http", ports(Some(6), 69, 80, EITHER)),
    ] {
        assert_eq!(matched(text), expected, "{text}");
    }
    refused(&[
        ("udp port http", "port 'http' is tcp"),
        ("tcp port tftp", "port 'tftp' is udp"),
        ("sctp port http", "port 'http' is tcp"),
        ("udp portrange http-https", "port in range 'http-https' is tcp"),
        ("sctp portrange tftp-tftp", "port in range 'tftp-tftp' is udp"),
        ("port slow", "unknown port 'slow'"),
        ("portrange slow-1", "getaddrinfo(\"slow\") fails with error: -3"),
        ("portrange broken-1", "getaddrinfo(\"broken\" fails with system error: 5"),
        ("ra port domain", "'ra' is not a valid qualifier for 'port'"),
        ("portrange http", "port range 'http' contains no hyphen"),
    ]);
}

#[test]
fn protocols() {
    use IpVersion::{Both, Ip, Ip6};
    for (text, expected) in [
        ("proto 17", Match::IpProto { version: Both, protocol: 17 }),
        ("ip proto \\tcp", Match::IpProto { version: Ip, protocol: 6 }),
        ("ip6 proto 255", Match::IpProto { version: Ip6, protocol: 255 }),
        ("protochain \\tcp", Match::ProtoChain { version: Both, protocol: 6 }),
        ("ip6 protochain 0", Match::ProtoChain { version: Ip6, protocol: 0 }),
        ("link proto \\ip6", Match::LinkProto(0x86dd)),
        ("link proto \\stp", Match::LinkProto(0x42)),
        ("link proto 99999", Match::LinkProto(99999)),
        ("iso proto \\clnp", Match::IsoProto(0x81)),
        ("iso proto 255", Match::IsoProto(255)),
        ("isis proto 31", Match::IsisProto(31)),
    ] {
        assert_eq!(matched(text), expected, "{text}");
    }
    refused(&[
        ("proto large", "protocol number 300 greater than maximum 255"),
        ("ip6 protochain large", "protocol number 300 greater than maximum 255"),
    ]);
}

/// The newest libpcap's texts.
#[test]
fn refusals() {
    const NOT_ETHER: &str = "Ethernet address used in non-ether expression";
    const SYNTAX: &str = "syntax error in filter expression";
    refused(&[
        ("net 10.0.0.0/33", "netmask length 33 greater than maximum 32"),
        ("net 10.0.0.1/8", "non-network bits set in \"10.0.0.1/8\""),
        (
            "net 10.0.0.1 mask 255.255.255.0",
            "non-network bits set in \"10.0.0.1 mask 255.255.255.0\"",
        ),
        ("net 10.0.0.0 mask 300.0.0.0", "invalid IPv4 address '300.0.0.0'"),
        ("net 300.0.0.0/8", "invalid IPv4 address '300.0.0.0'"),
        ("host 10.0.0.0/8", "'host' is not a valid qualifier for '10.0.0.0/8'"),
        ("src 10.0.0.0/8", "'host' is not a valid qualifier for '10.0.0.0/8'"),
        ("gateway 10.0.0.0/8", "'gateway' is not a valid qualifier for '10.0.0.0/8'"),
        ("decnet net 10.0.0.0/8", "'decnet' is not a valid qualifier for 'net'"),
        ("decnet src 10.0.0.0/8", "'decnet' is not a valid qualifier for 'host'"),
        ("tcp net 10.0.0.0/8", "'tcp' is not a valid qualifier for 'net <IPv4 prefix>'"),
        ("ra net 10.0.0.0/8", "'ra' is valid for 802.11 syntax only"),
        ("host 256.1.1.1", "invalid IPv4 address '256.1.1.1'"),
        ("host 0x10.1", "invalid IPv4 address '0x10.1'"),
        ("link host 10.0.0.1", "illegal link-layer address '10.0.0.1'"),
        ("link net 5", "illegal link-layer address '5'"),
        ("gateway 10.0.0.1", "'gateway' is not a valid qualifier for '10.0.0.1'"),
        ("gateway 5", "'gateway' is not a valid qualifier for '5'"),
        ("tcp host 10.0.0.1", "'tcp' is not a valid qualifier for 'host <IPv4 address>'"),
        ("icmp6 net 5", "'icmp6' is not a valid qualifier for 'net <IPv4 address>'"),
        ("addr1 host 10.0.0.1", "'addr1' is valid for 802.11 syntax only"),
        ("decnet host 10.0.0.1", "invalid DECnet address '10.0.0.1'"),
        ("decnet host 64.1", "invalid DECnet address '64.1'"),
        ("decnet host 5", "invalid DECnet address '5'"),
        ("decnet net 1.1", "'decnet' is not a valid qualifier for 'net'"),
        ("decnet ra host 1.1", "'ra' is valid for 802.11 syntax only"),
        ("decnet port 5", "'decnet' is not a valid qualifier for 'port'"),
        ("decnet src foo", "'decnet' is not a valid qualifier for 'host'"),
        ("decnet protochain foo", "'decnet' is not a valid qualifier for 'protochain'"),
        ("tcp gateway foo", "'tcp' is not a valid qualifier for 'gateway'"),
        ("tcp port 65536", "port number 65536 greater than maximum 65535"),
        ("ip port 80", "'ip' is not a valid qualifier for 'port'"),
        ("icmp portrange 80", "'icmp' is not a valid qualifier for 'portrange'"),
        ("icmp portrange 80-90", "'icmp' is not a valid qualifier for 'portrange'"),
        ("addr2 portrange 80", "'addr2' is not a valid qualifier for 'portrange'"),
        ("ta portrange 80-90", "'ta' is not a valid qualifier for 'portrange'"),
        ("port nosuchport", "unknown port 'nosuchport'"),
        ("portrange 1-2-3", "port range '1-2-3' contains more than one hyphen"),
        ("portrange 1-99999", "port number 99999 greater than maximum 65535"),
        ("portrange 99999-1", "port number 99999 greater than maximum 65535"),
        ("portrange 1-99999999999", "decimal number 99999999999 overflows 32 bits"),
        ("portrange 1-0400000000000", "octal number 0400000000000 overflows 32 bits"),
        ("portrange 0x1ffffffff-2", "hexadecimal number 0x1ffffffff overflows 32 bits"),
        ("portrange 1-nosuch", "'nosuch' is not a valid port"),
        ("portrange \\-80", "port range '-80' has no starting port"),
        ("portrange \\80-", "port range '80-' has no ending port"),
        ("portrange \\-", "port range '-' has no starting port"),
        ("ip6 proto 256", "protocol number 256 greater than maximum 255"),
        ("iso proto 256", "ISO protocol 256 greater than maximum 255"),
        ("isis proto 32", "IS-IS PDU type 32 greater than maximum 31"),
        ("isis proto foo", "unknown 'isis proto' value 'foo'"),
        ("tcp proto 5", "'tcp' is not a valid qualifier for 'proto'"),
        ("proto nosuch", "unknown 'proto' value 'nosuch'"),
        ("ip6 protochain nosuch", "unknown 'ip6 protochain' value 'nosuch'"),
        ("link proto \\tcp", "unknown 'link proto' value 'tcp'"),
        ("iso proto \\tcp", "unknown 'iso proto' value 'tcp'"),
        ("protochain 256", "protocol number 256 greater than maximum 255"),
        ("link protochain 6", "'link' is not a valid qualifier for 'protochain'"),
        ("ip6 net ::1/129", "mask length must be <= 128"),
        ("net ::1/64", "non-network bits set in \"::1/64\""),
        ("src ::/64", "'host' is not a valid qualifier for '::/64'"),
        ("gateway ::/64", "'gateway' is not a valid qualifier for '::/64'"),
        ("gateway ::1/128", "'gateway' is not a valid qualifier for '::1'"),
        ("ip host ::1", "'ip' is not a valid qualifier for 'host <IPv6 address>'"),
        ("ip src ::1", "'ip' is not a valid qualifier for 'net <IPv6 prefix>'"),
        ("decnet host ::1", "'decnet' is not a valid qualifier for 'host <IPv6 address>'"),
        ("ra host ::1", "'ra' is valid for 802.11 syntax only"),
        ("host 00:11:22:33:44:55", NOT_ETHER),
        ("link net 00:11:22:33:44:55", NOT_ETHER),
        ("tcp or 00:11:22:33:44:55", NOT_ETHER),
        ("addr1 host $1", "'addr1' is valid for 802.11 syntax only"),
        ("link net $1", "'net' is not a valid qualifier for '$XX'"),
        ("ip host $1", "'link' is the only valid proto qualifier for 'host $XX'"),
        ("tcp or 10.0.0.1", SYNTAX),
        ("tcp or 300.0.0.1", "invalid IPv4 address '300.0.0.1'"),
        ("tcp or 80", SYNTAX),
        ("tcp or foo", SYNTAX),
        ("tcp or $1", SYNTAX),
        ("tcp or ::1", SYNTAX),
        ("tcp or 10.0.0.0/8", SYNTAX),
        ("tcp or 10.0.0.1/8", "non-network bits set in \"10.0.0.1/8\""),
    ]);
}

/// Names come before link types.
#[test]
fn a_gateway_without_an_address_is_told_of_first() {
    let error = last("mpls and gateway six").expect_err("no IPv4 address");
    assert_eq!(error, "unknown host 'six'");
    assert!(last("mpls and gateway four").is_ok());
}
