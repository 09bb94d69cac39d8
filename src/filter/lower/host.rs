//! Network-layer addresses: IPv4's, in IP, ARP and RARP; IPv6's; DECnet's. And IP broadcasts and multicasts.

use super::link::Place;
use super::proto::{ARP, DECNET, IP, IP6, RARP, points};
use super::{Lowering, Result, keyword};
use crate::filter::ast::Proto;
use crate::filter::ir::{FormId, Width};
use crate::filter::pred::{Net4, Net6, Side, V4In};

/// Where the addresses of source and destination are in a header.
type Ends = (u32, u32);

const IP_ENDS: Ends = (12, 16);
const ARP_ENDS: Ends = (14, 24);
const IP6_ENDS: Ends = (8, 24);

impl Lowering<'_> {
    /// Any of these addresses.
    pub(super) fn hosts(
        &mut self,
        v4: &[Net4],
        v4_in: V4In,
        v6: &[Net6],
        side: Side,
    ) -> Result<FormId> {
        let mut any = Vec::new();
        if !v4.is_empty() {
            any.push(self.v4_hosts(v4, v4_in, side, true)?);
        }
        if !v6.is_empty() {
            let link = self.proto(IP6)?;
            let mut hosts = Vec::with_capacity(v6.len());
            for net in v6 {
                hosts.push(self.on_side(side, IP6_ENDS, |this, at| this.net6_is(at, *net)));
            }
            let hosts = self.ir.any(&hosts);
            any.push(self.ir.and(link, hosts));
        }
        Ok(self.ir.any(&any))
    }

    /// Forwarded by a host: its link-layer address is there and neither of its own addresses.
    pub(super) fn gateway(&mut self, mac: &[u8; 6], v4: &[u32], v4_in: V4In) -> Result<FormId> {
        self.check_gateway()?;
        let link = self.mac48(mac, super::address::EITHER, "gateway")?;
        let v4: Vec<Net4> = v4.iter().map(|&addr| Net4 { addr, mask: u32::MAX }).collect();
        let others = self.v4_hosts(&v4, v4_in, Side::SrcOrDst, false)?;
        Ok(self.ir.and(link, others))
    }

    pub(super) fn check_gateway(&self) -> Result<()> {
        let what = match self.link {
            ref link if link.labels > 0 => "MPLS",
            ref link if link.tunnelled => "VXLAN or Geneve",
            _ => return Ok(()),
        };
        Err(format!("'gateway' cannot be used within {what}"))
    }

    /// Any of these addresses, or none of them.
    fn v4_hosts(&mut self, nets: &[Net4], within: V4In, side: Side, any: bool) -> Result<FormId> {
        let (protocol, ends) = match within {
            V4In::Any => {
                let layers: &[_] = match self.link.labels {
                    0 => &[V4In::Ip, V4In::Arp, V4In::Rarp],
                    _ => &[V4In::Ip],
                };
                let mut layered = Vec::with_capacity(layers.len());
                for layer in layers {
                    layered.push(self.v4_hosts(nets, *layer, side, any)?);
                }
                return Ok(self.ir.any(&layered));
            }
            V4In::Ip => (IP, IP_ENDS),
            V4In::Arp => (ARP, ARP_ENDS),
            V4In::Rarp => (RARP, ARP_ENDS),
        };
        let link = self.proto(protocol)?;
        if link == FormId::FALSE {
            return Ok(link);
        }
        let mut hosts = Vec::with_capacity(nets.len());
        for net in nets {
            hosts.push(self.on_side(side, ends, |this, at| this.net4_is(at, *net)));
        }
        let mut hosts = self.ir.any(&hosts);
        if !any {
            hosts = self.ir.not(hosts);
        }
        Ok(self.ir.and(link, hosts))
    }

    /// A test of the source's field, the destination's, or both.
    fn on_side(
        &mut self,
        side: Side,
        (src, dst): Ends,
        mut test: impl FnMut(&mut Self, Place) -> FormId,
    ) -> FormId {
        let network = self.network();
        let (src, dst) = (network.plus(src), network.plus(dst));
        self.both_sides(side, |this, is_src| test(this, if is_src { src } else { dst }))
    }

    /// A test of the source, the destination, or both: the source first.
    pub(super) fn both_sides(
        &mut self,
        side: Side,
        mut test: impl FnMut(&mut Self, bool) -> FormId,
    ) -> FormId {
        match side {
            Side::Src => test(self, true),
            Side::Dst => test(self, false),
            Side::SrcOrDst => {
                let (src, dst) = (test(self, true), test(self, false));
                self.ir.or(src, dst)
            }
            Side::SrcAndDst => {
                let (src, dst) = (test(self, true), test(self, false));
                self.ir.and(src, dst)
            }
        }
    }

    fn net4_is(&mut self, at: Place, net: Net4) -> FormId {
        self.masked_word_is(at, net.mask, net.addr)
    }

    fn net6_is(&mut self, at: Place, net: Net6) -> FormId {
        let mut words = Vec::with_capacity(4);
        for n in 0..4 {
            let word = |whole: u128| (whole >> (96 - 32 * n)) as u32;
            words.push(self.masked_word_is(at.plus(4 * n), word(net.mask), word(net.addr)));
        }
        self.ir.all(&words)
    }

    /// Whether the word there is `n` where `mask` looks. A mask of nothing does not ask for the word.
    fn masked_word_is(&mut self, at: Place, mask: u32, n: u32) -> FormId {
        if mask == 0 {
            return self.known(n == 0);
        }
        let word = self.load(at, Width::Word);
        self.ir.masked_is(word, mask, n)
    }

    /// A DECnet address. There are short and long headers, each with or without a byte of padding in front.
    pub(super) fn decnet(&mut self, addr: u16, side: Side) -> Result<FormId> {
        let link = self.proto(DECNET)?;
        // Addresses are little-endian.
        let addr = addr.swap_bytes().into();
        let is = self.both_sides(side, |this, is_src| this.decnet_is(addr, is_src));
        Ok(self.ir.and(link, is))
    }

    fn decnet_is(&mut self, addr: u32, is_src: bool) -> FormId {
        let (short, long) = if is_src { (3, 15) } else { (1, 7) };
        // Behind two bytes of length: the flags and, counted from them, the address.
        let header = self.network().plus(2);
        let mut any = Vec::with_capacity(4);
        for (flags, distance) in [(0x02, short), (0x06, long)] {
            if distance == 1 {
                // Next to the flags: one load has both.
                let word = self.load(header, Width::Word);
                any.push(self.ir.masked_is(word, 0x07ff_ff00, flags << 24 | addr << 8));
                any.push(self.ir.masked_is(word, 0xff07_ffff, (0x8100 | flags) << 16 | addr));
                continue;
            }
            let byte = self.load(header, Width::Byte);
            let plain = self.ir.masked_is(byte, 0x07, flags);
            let half = self.load(header, Width::Half);
            let padded = self.ir.masked_is(half, 0xff07, 0x8100 | flags);
            for (is_form, at) in [(plain, distance), (padded, distance + 1)] {
                let found = self.load(header.plus(at), Width::Half);
                let is = self.ir.is(found, addr);
                any.push(self.ir.and(is_form, is));
            }
        }
        self.ir.any(&any)
    }

    /// `ip broadcast`: all host bits set, or none.
    pub(super) fn ip_broadcast(&mut self) -> Result<FormId> {
        if self.context.netmask == u32::MAX {
            return Err("netmask not known, so 'ip broadcast' not supported".to_owned());
        }
        let link = self.proto(IP)?;
        let host_bits = !self.context.netmask;
        let at = self.network().plus(IP_ENDS.1);
        let dst = self.load(at, Width::Word);
        let dst = self.ir.mask(dst, host_bits);
        let is = self.ir.test(dst, points([0, host_bits]));
        Ok(self.ir.and(link, is))
    }

    /// `[proto] multicast` on the network layer.
    pub(super) fn ip_multicast(&mut self, proto: Proto) -> Result<FormId> {
        let (protocol, dst, mask, value) = match proto {
            Proto::Ip => (IP, IP_ENDS.1, 0xf0, 0xe0),
            Proto::Ip6 => (IP6, IP6_ENDS.1, u32::MAX, 0xff),
            _ => return Err(invalid_qualifier(proto, "multicast")),
        };
        let link = self.proto(protocol)?;
        let at = self.network().plus(dst);
        let first = self.load(at, Width::Byte);
        let is = self.ir.masked_is(first, mask, value);
        Ok(self.ir.and(link, is))
    }
}

pub(super) fn invalid_qualifier(proto: Proto, of: &str) -> String {
    format!("'{}' is not a valid qualifier for '{of}'", keyword(proto))
}
