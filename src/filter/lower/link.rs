//! Where things are: the headers that the predicates read so far leave in front.

use super::Lowering;
use crate::filter::ast::BinOp;
use crate::filter::ir::{FormId, Ir, ValId, Value, Width};
use crate::linktype::layout::{Layout, Payload, Prefix};

/// The furthest that a packet reaches.
pub(super) const FURTHEST: u32 = i32::MAX as u32;

/// A place in the packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The part that varies. A value that fails where nobody knows the place.
    pub base: Option<ValId>,
    /// The part that does not.
    pub k: u32,
}

impl Place {
    pub const fn at(k: u32) -> Self {
        Self { base: None, k }
    }

    /// `n` bytes further on. Places never wrap: beyond 32 bits there is no packet.
    pub const fn plus(self, n: u32) -> Self {
        Self { base: self.base, k: self.k.saturating_add(n) }
    }
}

/// A link layer and the tags and labels behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub layout: Layout,
    pub header: Place,
    pub linktype: Place,
    /// Where an LLC header begins, if the link layer has them.
    pub payload: Place,
    /// From `payload` to the network layer.
    pub nl: Option<u32>,
    /// The same without a SNAP header.
    pub nl_nosnap: Option<u32>,
    /// MPLS labels that were asked for.
    pub labels: u32,
    /// VLAN tags that were asked for.
    pub tags: u32,
    /// Where the protocol behind the next tag is told, if the kernel may have taken out the last one.
    pub behind_tag: Option<Place>,
    /// Whether this is the packet's own, not one that another carries.
    pub outermost: bool,
    /// Whether Geneve or VXLAN carries it.
    pub tunnelled: bool,
    /// The same, whatever else may be between.
    pub in_tunnel: bool,
    /// What holds if there is a header with addresses at all.
    pub framed: Option<FormId>,
    /// What holds if there is a protocol to be told.
    pub typed: Option<FormId>,
}

impl Link {
    /// The packet's own.
    pub fn outermost(ir: &mut Ir, layout: Layout) -> Self {
        let header = prefix(ir, layout.prefix);
        let payload = match layout.payload {
            Payload::Unknown => nowhere(ir),
            Payload::At(k) => Place::at(k),
            Payload::Wlan => wlan_payload(ir, header, layout.prefix),
            Payload::Pflog => pflog_payload(ir),
        };
        let linktype = layout.linktype.map_or_else(|| nowhere(ir), Place::at);
        Self { outermost: true, ..Self::carried(layout, header, linktype, payload) }
    }

    /// One behind other headers.
    pub const fn carried(layout: Layout, header: Place, linktype: Place, payload: Place) -> Self {
        Self {
            layout,
            header,
            linktype,
            payload,
            nl: layout.nl,
            nl_nosnap: layout.nl_nosnap,
            labels: 0,
            tags: 0,
            behind_tag: None,
            outermost: false,
            tunnelled: false,
            in_tunnel: false,
            framed: None,
            typed: None,
        }
    }
}

impl Lowering<'_> {
    /// The bytes there.
    pub(super) fn load(&mut self, at: Place, width: Width) -> ValId {
        let at = if at.k > FURTHEST { nowhere(self.ir) } else { at };
        self.ir.load(at.base, at.k, width)
    }

    /// `value` bytes further on.
    pub(super) fn further(&mut self, at: Place, value: ValId) -> Place {
        let base = match at.base {
            Some(base) => self.ir.binary(BinOp::Add, base, value),
            None => value,
        };
        Place { base: Some(base), k: at.k }
    }

    /// Where the network layer begins.
    pub(super) fn network(&mut self) -> Place {
        self.behind_payload(self.link.nl)
    }

    /// Where it begins if there is no SNAP header.
    pub(super) fn network_nosnap(&mut self) -> Place {
        self.behind_payload(self.link.nl_nosnap)
    }

    fn behind_payload(&mut self, distance: Option<u32>) -> Place {
        match distance {
            Some(distance) => self.link.payload.plus(distance),
            None => nowhere(self.ir),
        }
    }

    /// Where IPv4's payload begins.
    pub(super) fn behind_ip(&mut self) -> Place {
        let network = self.network();
        let first = self.load(network, Width::Byte);
        let words = self.ir.mask(first, 0xf);
        let two = self.ir.constant(2);
        let length = self.ir.binary(BinOp::Lsh, words, two);
        self.further(network, length)
    }

    /// Where IPv6's payload begins, if there are no extension headers.
    pub(super) fn behind_ip6(&mut self) -> Place {
        self.network().plus(40)
    }

    /// The place as a number.
    pub(super) fn offset(&mut self, at: Place) -> ValId {
        let k = self.ir.constant(at.k);
        match at.base {
            Some(base) => self.ir.binary(BinOp::Add, base, k),
            None => k,
        }
    }

    /// Whether the place does not depend on the packet.
    pub(super) fn is_fixed(&self, at: Place) -> bool {
        at.base.is_none_or(|base| matches!(self.ir.get(base), Value::Fail))
    }

    /// What must hold for the packet to be of its type.
    pub(super) fn prefix_holds(&mut self) -> Option<FormId> {
        // A PPI header tells the type of what follows, in little-endian order; only 802.11 is looked into.
        let outermost = crate::linktype::layout::layout(self.context.dlt)?;
        (outermost.prefix == Prefix::Ppi).then(|| {
            let inner = self.ir.load(None, 4, Width::Word);
            self.ir.is(inner, crate::linktype::dlt::IEEE802_11.cast_unsigned().swap_bytes())
        })
    }
}

/// A place that no packet has.
pub(super) fn nowhere(ir: &mut Ir) -> Place {
    Place { base: Some(ir.load(None, u32::MAX, Width::Byte)), k: 0 }
}

/// Where the link-layer header begins.
fn prefix(ir: &mut Ir, prefix: Prefix) -> Place {
    let base = match prefix {
        Prefix::Fixed(k) => return Place::at(k),
        Prefix::Avs => ir.load(None, 4, Width::Word),
        Prefix::Prism => {
            // Some drivers put AVS headers there; those begin with a magic number and tell their length.
            let first = ir.load(None, 0, Width::Word);
            let is_avs = ir.masked_is(first, 0xffff_f000, 0x8021_1000);
            let truth = ir.truth();
            let (avs, prism) = (ir.load(None, 4, Width::Word), ir.constant(144));
            ir.choose(&[(is_avs, avs), (truth, prism)])
        }
        Prefix::Radiotap | Prefix::Ppi => {
            let (low, high) = (ir.load(None, 2, Width::Byte), ir.load(None, 3, Width::Byte));
            let eight = ir.constant(8);
            let high = ir.binary(BinOp::Lsh, high, eight);
            ir.binary(BinOp::Or, high, low)
        }
    };
    ir.allow_early(base);
    Place { base: Some(base), k: 0 }
}

/// Behind an 802.11 header: two bytes longer with QoS, and padded to whole words where radiotap says so.
fn wlan_payload(ir: &mut Ir, header: Place, prefix: Prefix) -> Place {
    let control = ir.load(header.base, header.k, Width::Byte);
    let is_qos = ir.masked_is(control, 0x8c, 0x88);
    let truth = ir.truth();
    let (start, two) = (header.base.unwrap_or_else(|| ir.constant(0)), ir.constant(2));
    let behind_qos = ir.binary(BinOp::Add, start, two);
    // From here on, what follows is where it is without QoS and padding: 24 bytes, a multiple of 4.
    let mut base = ir.choose(&[(is_qos, behind_qos), (truth, start)]);
    ir.allow_early(base);
    if prefix == Prefix::Radiotap {
        let is_padded = radiotap_pads(ir, control);
        let three = ir.constant(3);
        let padded = ir.binary(BinOp::Add, base, three);
        let padded = ir.mask(padded, !3);
        base = ir.choose(&[(is_padded, padded), (truth, base)]);
        ir.allow_early(base);
    }
    Place { base: Some(base), k: header.k + 24 }
}

/// Whether a data frame has padding behind its header: radiotap's flags say so, which are its first field or, if
/// there is a time stamp, its second.
fn radiotap_pads(ir: &mut Ir, control: ValId) -> FormId {
    let is_data = ir.masked_is(control, 0x0c, 0x08);
    let present = ir.load(None, 4, Width::Word);
    // The word is little-endian: bit 1 is the flags field, bit 31 a second such word, bit 0 the time stamp.
    let has_flags = ir.masked_is(present, 0x0200_0080, 0x0200_0000);
    let has_time = ir.any_bit(present, 0x0100_0000);
    let (second, first) = (ir.load(None, 16, Width::Byte), ir.load(None, 8, Width::Byte));
    let (second, first) = (ir.any_bit(second, 0x20), ir.any_bit(first, 0x20));
    let has_no_time = ir.not(has_time);
    let (second, first) = (ir.and(has_time, second), ir.and(has_no_time, first));
    let is_padded = ir.or(second, first);
    ir.all(&[is_data, has_flags, is_padded])
}

fn pflog_payload(ir: &mut Ir) -> Place {
    let length = ir.load(None, 0, Width::Byte);
    let three = ir.constant(3);
    let length = ir.binary(BinOp::Add, length, three);
    let length = ir.mask(length, !3);
    ir.allow_early(length);
    Place { base: Some(length), k: 0 }
}
