//! What carries other packets: MPLS, PPP over Ethernet, Geneve (RFC 8926) and VXLAN (RFC 7348). Each moves what is
//! asked later to the packet that it carries.

use super::link::{Link, Place, nowhere};
use super::{Lowering, Result, check};
use crate::filter::ast::BinOp;
use crate::filter::ir::{FormId, Set, Width};
use crate::filter::pred::Side;
use crate::linktype::dlt;
use crate::linktype::layout::{Layout, layout};

/// How long an entry of MPLS's label stack is.
const LABEL: u32 = 4;

const UDP: u32 = 17;
const UDP_HEADER: u32 = 8;

/// What says that a UDP packet carries another.
struct Tunnel {
    port: u32,
    /// The first byte of its header, masked.
    first: (u32, u32),
    /// What an error calls the network identifier.
    vni: &'static str,
}

/// Version 0.
const GENEVE: Tunnel = Tunnel { port: 6081, first: (0xc0, 0), vni: "Geneve VNI" };
/// Only the flag that there is an identifier.
const VXLAN: Tunnel = Tunnel { port: 4789, first: (u32::MAX, 0x08), vni: "VXLAN VNI" };

impl Lowering<'_> {
    /// `mpls [label]`: the first label, or another behind those that were asked for.
    pub(super) fn mpls(&mut self, label: Option<u32>) -> Result<FormId> {
        let mut is = match self.link.layout.mpls {
            _ if self.link.labels > 0 => {
                let is_last = self.is_last_label();
                self.ir.not(is_last)
            }
            Some(number) => self.proto(number)?,
            None => return self.unsupported("mpls"),
        };
        if let Some(label) = label {
            check("MPLS label", label, 0xf_ffff)?;
            let at = self.network();
            let entry = self.load(at, Width::Word);
            let label = self.ir.masked_is(entry, 0xffff_f000, label << 12);
            is = self.ir.and(is, label);
        }
        let link = &mut self.link;
        link.labels += 1;
        link.nl = link.nl.and_then(|nl| nl.checked_add(LABEL));
        link.nl_nosnap = link.nl_nosnap.and_then(|nl| nl.checked_add(LABEL));
        Ok(is)
    }

    /// Whether the label just read is the bottom of the stack.
    pub(super) fn is_last_label(&mut self) -> FormId {
        let third_byte = self.link.nl.and_then(|nl| nl.checked_sub(LABEL - 2));
        let at = third_byte.map_or_else(|| nowhere(self.ir), |n| self.link.payload.plus(n));
        let byte = self.load(at, Width::Byte);
        self.ir.any_bit(byte, 1)
    }

    /// `pppoes [session]`.
    pub(super) fn pppoes(&mut self, session: Option<u32>) -> Result<FormId> {
        let mut is = self.proto(0x8864)?;
        let header = self.network();
        if let Some(session) = session {
            check("PPPoE session number", session, 0xffff)?;
            let found = self.load(header.plus(2), Width::Half);
            let session = self.ir.is(found, session);
            is = self.ir.and(is, session);
        }
        let ppp = header.plus(6);
        self.link = Link {
            in_tunnel: self.link.in_tunnel,
            ..Link::carried(self.row(dlt::PPP)?, ppp, ppp, ppp.plus(2))
        };
        Ok(is)
    }

    /// `geneve [vni]`: an Ethernet frame, or a packet of the protocol that the header tells.
    pub(super) fn geneve(&mut self, vni: Option<u32>) -> Result<FormId> {
        let (is, tunnel) = self.tunnel(&GENEVE, vni)?;
        let first = self.load(tunnel, Width::Byte);
        let words = self.ir.mask(first, 0x3f);
        let two = self.ir.constant(2);
        let options = self.ir.binary(BinOp::Lsh, words, two);
        let header = self.further(tunnel.plus(8), options);
        let proto = self.load(tunnel.plus(2), Width::Half);
        let is_ethernet = self.ir.is(proto, 0x6558);
        let linktype = self.either_place(is_ethernet, header.plus(12), tunnel.plus(2));
        let payload = self.either_place(is_ethernet, header.plus(14), header);
        self.link = Link {
            tunnelled: true,
            in_tunnel: true,
            framed: Some(is_ethernet),
            ..Link::carried(self.row(dlt::EN10MB)?, header, linktype, payload)
        };
        Ok(is)
    }

    /// `vxlan [vni]`: an Ethernet frame.
    pub(super) fn vxlan(&mut self, vni: Option<u32>) -> Result<FormId> {
        let (is, tunnel) = self.tunnel(&VXLAN, vni)?;
        let header = tunnel.plus(8);
        self.link = Link {
            tunnelled: true,
            in_tunnel: true,
            ..Link::carried(self.row(dlt::EN10MB)?, header, header.plus(12), header.plus(14))
        };
        Ok(is)
    }

    /// Whether it is such a tunnel's packet of this network, and where the tunnel's header is if it is one of any.
    fn tunnel(&mut self, tunnel: &Tunnel, vni: Option<u32>) -> Result<(FormId, Place)> {
        let port = Set::one(tunnel.port);
        let over_ip = self.ports_over_ip(&[UDP], port.view(), Side::Dst)?;
        let over_ip6 = self.ports_over_ip6(&[UDP], port.view(), Side::Dst)?;
        if let Some(vni) = vni {
            check(tunnel.vni, vni, 0xff_ffff)?;
        }
        let (behind_ip, behind_ip6) = (self.behind_ip(), self.behind_ip6());
        let mut any = Vec::new();
        let mut arms = Vec::new();
        for (udp, transport) in [(over_ip, behind_ip), (over_ip6, behind_ip6)] {
            let at = transport.plus(UDP_HEADER);
            let first = self.load(at, Width::Byte);
            let (mask, value) = tunnel.first;
            let is = self.ir.masked_is(first, mask, value);
            let is = self.ir.and(udp, is);
            if is != FormId::FALSE {
                any.push(is);
                arms.push((is, self.offset(at)));
            }
        }
        let at = match arms[..] {
            [] => nowhere(self.ir),
            _ => Place { base: Some(self.ir.choose(&arms)), k: 0 },
        };
        let is = self.ir.any(&any);
        let Some(vni) = vni else { return Ok((is, at)) };
        let found = self.load(at.plus(4), Width::Word);
        let found = self.ir.masked_is(found, 0xffff_ff00, vni << 8);
        Ok((self.ir.and(is, found), at))
    }

    /// One place where the condition holds and another where it does not.
    fn either_place(&mut self, condition: FormId, then: Place, otherwise: Place) -> Place {
        let (then, otherwise) = (self.offset(then), self.offset(otherwise));
        let truth = self.ir.truth();
        Place { base: Some(self.ir.choose(&[(condition, then), (truth, otherwise)])), k: 0 }
    }

    /// The row of a link type that others carry.
    fn row(&self, number: i32) -> Result<Layout> {
        layout(number).ok_or_else(|| format!("unknown data link type {number}"))
    }
}
