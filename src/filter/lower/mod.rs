//! From predicates to formulas: what a filter asks of a packet of one link type.
//!
//! Follows pcap-filter(7) and libpcap's gencode.c in what is supported where, and in its words. What differs from one
//! link layer to the next is a row of [`crate::linktype::layout`]; the strategies that rows name are functions here.
//! Nothing here knows instructions: values are functions of the packet, and where something is, too.

mod address;
mod arith;
mod atm;
mod direction;
mod encap;
mod host;
mod iso;
mod link;
mod pflog;
mod port;
mod proto;
mod ss7;
#[cfg(test)]
mod tests;
mod vlan;
mod wlan;

use super::Context;
use super::ast::{Byteop, Proto, Relop, Term};
use super::ir::{FormId, Ir, Set, Width};
use super::pred::{IpVersion, Match, Pred, ip_protocol};
use crate::linktype::{self, layout};
use link::Link;
use std::fmt::Debug;

/// Libpcap's words for what is wrong.
type Result<T> = std::result::Result<T, String>;

/// Lowers the predicates of one filter.
#[derive(Debug)]
pub struct Lowering<'a> {
    ir: &'a mut Ir,
    context: Context,
    link: Link,
}

impl<'a> Lowering<'a> {
    /// For filters of packets as in `context`.
    ///
    /// # Errors
    /// If nothing at all is known of the link type.
    pub fn new(ir: &'a mut Ir, context: Context) -> Result<Self> {
        let layout = layout::layout(context.dlt)
            .ok_or_else(|| format!("unknown data link type {}", context.dlt))?;
        let link = Link::outermost(ir, layout);
        Ok(Self { ir, context, link })
    }

    /// Where the formulas are kept.
    pub const fn ir(&mut self) -> &mut Ir {
        self.ir
    }

    /// One predicate, in reading order: some change what later ones mean.
    ///
    /// # Errors
    /// If the link type does not support it, or if a number in it is too large.
    pub fn pred(&mut self, pred: &Pred<'_>) -> Result<FormId> {
        match *pred {
            Term::Id(ref of) => self.matches(of),
            Term::Abbrev(proto) => self.abbrev(proto),
            Term::Relation { op, ref left, ref right } => self.relation(op, left, right),
            Term::Broadcast(proto) => self.broadcast(proto),
            Term::Multicast(proto) => self.multicast(proto),
            Term::Less(n) => Ok(self.compare_length(Relop::Le, n)),
            Term::Greater(n) => Ok(self.compare_length(Relop::Ge, n)),
            Term::Byte { offset, op, value } => self.byte(offset, op, value),
            Term::Inbound => self.direction("inbound", false),
            Term::Outbound => self.direction("outbound", true),
            Term::Ifindex(n) => self.ifindex(n),
            Term::Vlan(id) => self.vlan(id),
            Term::Mpls(label) => self.mpls(label),
            Term::Pppoed => self.proto(0x8863),
            Term::Pppoes(session) => self.pppoes(session),
            Term::Geneve(vni) => self.geneve(vni),
            Term::Vxlan(vni) => self.vxlan(vni),
            Term::Pf(field) => self.pf(field),
            Term::WlanType { value, mask } => self.wlan_field("type/subtype", 0, mask, value),
            Term::WlanDir(dir) => self.wlan_field("dir", 1, 0x03, dir),
            Term::Llc(llc) => self.llc(llc),
            Term::Atm(class) => self.atm(class),
            Term::AtmField { field, op, value } => self.atm_field(field, op, value),
            Term::Mtp2(unit) => self.mtp2(unit),
            Term::Mtp3 { field, op, value } => self.mtp3(field, op, value),
        }
    }

    /// The whole filter, from the formula of its expression.
    pub fn finish(&mut self, expression: FormId) -> FormId {
        match self.prefix_holds() {
            Some(holds) => self.ir.and(holds, expression),
            None => expression,
        }
    }

    /// What identifiers match.
    fn matches(&mut self, of: &Match) -> Result<FormId> {
        match *of {
            Match::Hosts { ref v4, v4_in, ref v6, side } => self.hosts(v4, v4_in, v6, side),
            Match::Gateway { ref mac, ref v4, v4_in } => self.gateway(mac, v4, v4_in),
            Match::Decnet { addr, side } => self.decnet(addr, side),
            Match::Mac48 { ref addr, field, context } => self.mac48(addr, field, context),
            Match::UnknownMac48 { ref name, context } => self.unknown_mac48(name, context),
            Match::Mac8 { addr, side } => self.mac8(addr, side),
            Match::Ports { protocol, low, high, side } => {
                self.ports(protocol, Set::range(low.into(), high.into()).view(), side)
            }
            Match::IpProto { version, protocol } => self.ip_proto(version, protocol),
            Match::ProtoChain { version, protocol } => self.proto_chain(version, protocol),
            Match::LinkProto(number) => self.proto(number),
            Match::IsoProto(nlpid) => self.iso(nlpid),
            Match::IsisProto(pdu) => self.isis(&[pdu]),
        }
    }

    /// A protocol by itself.
    fn abbrev(&mut self, proto: Proto) -> Result<FormId> {
        if let Some(number) = link_number(proto) {
            return self.proto(number);
        }
        if let Some(types) = iso::pdu_types(proto) {
            return self.isis(types);
        }
        if let Some(nlpid) = iso::nlpid(proto) {
            return self.iso(nlpid);
        }
        let version = match proto {
            Proto::Icmp | Proto::Igmp | Proto::Igrp | Proto::Vrrp | Proto::Carp => IpVersion::Ip,
            Proto::Icmp6 => IpVersion::Ip6,
            _ => IpVersion::Both,
        };
        match ip_protocol(proto) {
            Some(protocol) => self.ip_proto(version, protocol),
            None => Err(format!("'{}' cannot be used as an abbreviation", keyword(proto))),
        }
    }

    fn compare_length(&mut self, op: Relop, n: u32) -> FormId {
        let len = self.ir.len();
        let n = self.ir.constant(n);
        self.ir.relation(op, len, n)
    }

    /// `byte offset op value`.
    fn byte(&mut self, offset: u32, op: Byteop, value: u32) -> Result<FormId> {
        check("byte argument", value, 0xff)?;
        let byte = self.load(self.link.header.plus(offset), Width::Byte);
        Ok(match op {
            Byteop::Eq => self.ir.is(byte, value),
            Byteop::Lt => self.ir.test(byte, Set::range(value, u32::MAX).complement()),
            Byteop::Gt => self.ir.test(byte, Set::range(0, value).complement()),
            Byteop::And => self.ir.any_bit(byte, value),
            Byteop::Or => {
                let value = self.ir.constant(value);
                let either = self.ir.binary(super::ast::BinOp::Or, byte, value);
                self.ir.is_not(either, 0)
            }
        })
    }

    /// The error of a keyword that the link type does not support.
    fn unsupported<T>(&self, keyword: &str) -> Result<T> {
        Err(format!("'{keyword}' not supported on {}", self.link_name()))
    }

    /// What errors call the link type that is looked at.
    fn link_name(&self) -> String {
        let number = self.link.layout.dlt;
        match linktype::by_dlt(number) {
            Some(row) => {
                let (name, description) = (row.name, row.description);
                format!("DLT_{name} ({description})")
            }
            None => format!("DLT {number}"),
        }
    }
}

/// The number that link layers know a protocol by, if they do: an Ethertype or an LLC service access point.
const fn link_number(proto: Proto) -> Option<u32> {
    Some(match proto {
        Proto::Ip => proto::IP,
        Proto::Arp => proto::ARP,
        Proto::Rarp => proto::RARP,
        Proto::Atalk => proto::ATALK,
        Proto::Aarp => proto::AARP,
        Proto::Decnet => proto::DECNET,
        Proto::Lat => 0x6004,
        Proto::Sca => 0x6007,
        Proto::Mopdl => 0x6001,
        Proto::Moprc => 0x6002,
        Proto::Ip6 => proto::IP6,
        Proto::Iso => proto::SAP_ISO,
        Proto::Stp => proto::SAP_STP,
        Proto::Ipx => proto::SAP_IPX,
        Proto::Netbeui => proto::SAP_NETBEUI,
        _ => return None,
    })
}

/// How a keyword is written: its variant's name in small letters.
fn keyword(word: impl Debug) -> String {
    format!("{word:?}").to_lowercase()
}

/// Refuses numbers above `max`.
fn check(what: &str, n: u32, max: u32) -> Result<()> {
    if n > max { Err(format!("{what} {n} greater than maximum {max}")) } else { Ok(()) }
}
