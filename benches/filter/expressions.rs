//! What is compiled and run.

/// Usual filters.
pub const USUAL: &[&str] = &[
    "",
    "ip",
    "tcp",
    "ip6",
    "arp",
    "tcp port 80",
    "udp port 53",
    "host 10.0.0.1",
    "ip6 host 2001:db8::1",
    "net 192.168.0.0/16",
    "src net 10.0.0.0/8 and dst port 443",
    "portrange 1000-2000",
    "not port 22 and not arp",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    PAYLOAD,
    "icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply",
    "ip[6:2] & 0x1fff != 0",
    "greater 1000 and less 1500",
    "ether host 00:11:22:33:44:55",
    "ether multicast",
    "vlan 100 and tcp port 80",
    "mpls 1000 and ip",
    "pppoes and ip",
    "geneve and tcp port 80",
    "ip6 protochain 6",
    "sctp or igmp or esp or ah or pim or vrrp",
    COMPLEX,
];

/// Segments that carry something.
pub const PAYLOAD: &str =
    "tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)";

/// Some of everything.
pub const COMPLEX: &str = "(tcp port 80 or tcp port 8080 or udp port 53) and \
    (net 10.0.0.0/8 or net 192.168.0.0/16) and not host 10.0.0.1 and \
    (tcp[13] & 0x12 != 0 or udp)";

/// A list that grows: its name, and its term of a number.
pub type List = (&'static str, fn(u32) -> String);

/// Lists of one kind of term.
pub const LISTS: &[List] = &[
    ("tcp port", |n| format!("tcp port {}", 1 + n * 6)),
    ("host, consecutive", |n| host(0x0a09_0001 + n)),
    ("host, scattered", |n| host(scattered(n))),
    ("net", |n| format!("net {}.{}.{}.0/24", 11 + (n >> 16), n >> 8 & 0xff, n & 0xff)),
    ("ip6 host", |n| format!("ip6 host 2001:db8::{:x}", 0x1000 + n)),
    ("host and port", |n| format!("({} and port {})", host(0x0a09_0001 + n), 1 + n * 6)),
];

/// Numbers of terms.
pub const LENGTHS: &[u32] = &[300, 1000, 3000, 10_000];

/// Consecutive hosts, of which the packets of [`crate::packets`] have some.
pub fn hosts(n: u32) -> String {
    or_list(|n| host(0x0a09_0001 + n), n)
}

/// Ports, of which they have few.
pub fn ports(n: u32) -> String {
    or_list(|n| format!("port {}", 1000 + n * 7), n)
}

/// `n` terms.
pub fn or_list(term: fn(u32) -> String, n: u32) -> String {
    (0..n).map(term).collect::<Vec<_>>().join(" or ")
}

fn host(number: u32) -> String {
    format!("host {}", std::net::Ipv4Addr::from_bits(number))
}

/// Numbers with no order to them, each another one: the multiplier is odd.
const fn scattered(n: u32) -> u32 {
    (n + 1).wrapping_mul(0x9e37_79b1)
}
