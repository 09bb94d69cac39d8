//! What identifiers mean: names are numbers, defaults are filled in, and qualifiers that do not fit are refused.
//! What the resolver gives, and lowering and the judge in the tests take.
//!
//! All that depends on the link type is still open here.

use super::ast::{Proto, Term};

/// A predicate without names.
pub type Pred<'t> = Term<'t, Match>;

/// One direction, both, or either.
#[allow(missing_docs, reason = "each is the qualifier of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Src,
    Dst,
    SrcOrDst,
    SrcAndDst,
}

/// Which field of a link-layer header: of the ends of the way, or one of 802.11's.
#[allow(missing_docs, reason = "each is the qualifier of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkField {
    Side(Side),
    Addr1,
    Addr2,
    Addr3,
    Addr4,
    Ra,
    Ta,
}

/// Which headers an IPv4 address is looked for in.
#[allow(missing_docs, reason = "each is the qualifier of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum V4In {
    /// All of them; only IP within MPLS.
    Any,
    Ip,
    Arp,
    Rarp,
}

/// Which network layer.
#[allow(missing_docs, reason = "each is the qualifier of its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IpVersion {
    Ip,
    Ip6,
    Both,
}

/// An IPv4 network: an address without host bits, and its mask. Of a host, the mask is all ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Net4 {
    /// In host byte order.
    pub addr: u32,
    /// In host byte order; not always a prefix.
    pub mask: u32,
}

/// An IPv6 network: an address without host bits, and its mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Net6 {
    /// The address.
    pub addr: u128,
    /// The mask.
    pub mask: u128,
}

/// What an identifier matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// Any of these addresses, of either version. One of the lists may be empty.
    Hosts {
        /// IPv4 networks, in the order to test them.
        v4: Vec<Net4>,
        /// Where the IPv4 addresses are looked for.
        v4_in: V4In,
        /// IPv6 networks.
        v6: Vec<Net6>,
        /// Of source and destination.
        side: Side,
    },
    /// A link-layer address at either end while neither IPv4 address is one of the host's: a packet that it forwards.
    Gateway {
        /// The host's link-layer address.
        mac: [u8; 6],
        /// Its IPv4 addresses.
        v4: Vec<u32>,
        /// Where they are looked for.
        v4_in: V4In,
    },
    /// A DECnet phase IV address.
    Decnet {
        /// Area and node.
        addr: u16,
        /// Of source and destination.
        side: Side,
    },
    /// A six-byte link-layer address.
    Mac48 {
        /// The address.
        addr: [u8; 6],
        /// Where it is looked for.
        field: LinkField,
        /// What the address was written as, for errors: "link host NAME", "link host XX:XX:XX:XX:XX:XX".
        context: &'static str,
    },
    /// A name that no link-layer address is known for. That is an error, but a link type without such addresses
    /// comes first.
    UnknownMac48 {
        /// The name.
        name: String,
        /// As in `Mac48`, or "gateway".
        context: &'static str,
    },
    /// A one-byte link-layer address.
    Mac8 {
        /// The address.
        addr: u8,
        /// Of source and destination.
        side: Side,
    },
    /// Ports from `low` to `high`, both included.
    Ports {
        /// TCP, UDP, SCTP, or all three.
        protocol: Option<u8>,
        /// The lower one.
        low: u16,
        /// The higher one.
        high: u16,
        /// Of source and destination.
        side: Side,
    },
    /// `ip proto`, `ip6 proto`, `proto`: a protocol number.
    IpProto {
        /// Where.
        version: IpVersion,
        /// Which.
        protocol: u8,
    },
    /// `ip protochain` and so on: a protocol number anywhere in the chain of headers.
    ProtoChain {
        /// Where.
        version: IpVersion,
        /// Which.
        protocol: u8,
    },
    /// `ether proto`: an Ethertype or, up to 1500, an LLC service access point. Its range depends on the link type.
    LinkProto(u32),
    /// `iso proto`: a network layer protocol identifier.
    IsoProto(u8),
    /// `isis proto`: a PDU type of IS-IS, below 32.
    IsisProto(u8),
}

/// The IP protocol number behind a protocol keyword, if it has one.
#[must_use]
pub fn ip_protocol(proto: Proto) -> Option<u8> {
    Some(match proto {
        Proto::Icmp => 1,
        Proto::Igmp => 2,
        Proto::Tcp => 6,
        Proto::Igrp => 9,
        Proto::Udp => 17,
        Proto::Esp => 50,
        Proto::Ah => 51,
        Proto::Icmp6 => 58,
        Proto::Pim => 103,
        Proto::Vrrp | Proto::Carp => 112,
        Proto::Sctp => 132,
        _ => return None,
    })
}
