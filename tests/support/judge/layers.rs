//! Where the headers of a packet are: which link layer is looked at and where it, its type field and
//! its payload begin, and how `vlan`, `mpls`, `pppoes`, `geneve`, `vxlan` and `lane` change that for
//! the terms after them.

use super::super::dlt;
use super::truth::{Num, Tri, Truth};
use super::{Judge, Refused};
use pcap::filter::Source;
use pcap::filter::ast::{Arith, ArithStep, Atm, Proto, Term};
use pcap::filter::pred::Pred;

/// A place in the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// This many bytes from its beginning.
    Known(u64),
    /// The packet ends before the byte that tells.
    Cut,
    /// What should be there is not in this packet, or nothing tells where it is.
    Nowhere,
}

impl At {
    pub fn plus(self, bytes: u32) -> Self {
        match self {
            Self::Known(at) => Self::Known(at + u64::from(bytes)),
            nowhere => nowhere,
        }
    }

    pub fn back(self, bytes: u32) -> Self {
        match self {
            Self::Known(at) => Self::Known(at - u64::from(bytes)),
            nowhere => nowhere,
        }
    }

    fn known(at: Option<u32>) -> Self {
        at.map_or(Self::Cut, |at| Self::Known(at.into()))
    }

    /// Whether the packet has the bytes that tell where it is.
    fn found(self) -> Truth {
        if self == Self::Cut { Truth::MISSING } else { Truth::TRUE }
    }
}

/// The big-endian number of `size` bytes at a place.
pub fn number(packet: &[u8], at: At, size: u32) -> Option<u32> {
    let At::Known(at) = at else { return None };
    let at = usize::try_from(at).ok()?;
    let bytes = packet.get(at..)?.get(..size as usize)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

/// What has to hold of an emulated or tunnelled link layer before its addresses are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    None,
    /// LAN emulation: the marker here does not say that the packet is one of control.
    Lane(At),
    /// Geneve: what is inside begins with an Ethernet header.
    Inner(Truth),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers {
    /// The link type now looked at.
    pub dlt: i32,
    /// Where its header begins.
    pub link: At,
    /// Where its type field is, if it has one.
    pub kind: At,
    /// Where its payload begins: an LLC header, if there is one.
    pub payload: At,
    /// Where in the payload the network layer begins,
    pub nl: u32,
    /// ... and where after an LLC header without SNAP, if that can be.
    pub nosnap: Option<u32>,
    pub guard: Guard,
    /// Still the packet's own link layer, no tag seen: the kernel may have taken a tag out.
    pub outermost: bool,
    /// MPLS labels above the payload.
    pub labels: u32,
    /// Inside Geneve or VXLAN.
    pub tunnelled: bool,
    /// The offset of the payload is not the same in all packets.
    pub variable: bool,
}

impl Layers {
    /// Those of a packet as it begins.
    pub fn new(dlt: i32, packet: &[u8]) -> Self {
        let plain = Self {
            dlt,
            link: At::Known(0),
            kind: At::Nowhere,
            payload: At::Nowhere,
            nl: 0,
            nosnap: Some(0),
            guard: Guard::None,
            outermost: true,
            labels: 0,
            tunnelled: false,
            variable: false,
        };
        let at = |kind: u64, payload: u64| Self {
            kind: At::Known(kind),
            payload: At::Known(payload),
            ..plain
        };
        let no_llc = |layers: Self| Self { nosnap: None, ..layers };
        let llc = |payload| Self { nl: 8, nosnap: Some(3), ..at(payload, payload) };
        let ethernet = |kind| Self { nosnap: Some(3), ..at(kind, kind + 2) };
        let untyped = |payload| Self { kind: At::Nowhere, ..at(0, payload) };
        match dlt {
            dlt::ARCNET => at(2, 6),
            dlt::ARCNET_LINUX => at(4, 8),
            dlt::EN10MB => ethernet(12),
            dlt::NETANALYZER => Self { link: At::Known(4), ..ethernet(16) },
            dlt::NETANALYZER_TRANSPARENT => Self { link: At::Known(12), ..ethernet(24) },
            dlt::DSA_TAG_BRCM | dlt::DSA_TAG_DSA => ethernet(16),
            dlt::SLIP => untyped(16),
            dlt::SLIP_BSDOS => untyped(24),
            dlt::NULL | dlt::LOOP => at(0, 4),
            dlt::ENC => at(0, 12),
            dlt::PPP | dlt::PPP_PPPD | dlt::C_HDLC | dlt::HDLC | dlt::PPP_SERIAL => at(2, 4),
            dlt::PPP_ETHER => at(6, 8),
            dlt::PPP_BSDOS => at(5, 24),
            dlt::FDDI => llc(13),
            dlt::IEEE802 => llc(14),
            dlt::IP_OVER_FC => llc(16),
            dlt::ATM_RFC1483 | dlt::ATM_CLIP => llc(0),
            dlt::SUNATM => llc(4),
            dlt::RAW | dlt::IPV4 | dlt::IPV6 | dlt::LTALK | dlt::FRELAY => untyped(0),
            dlt::MFR => Self { nl: 4, ..untyped(0) },
            dlt::LINUX_SLL => at(14, 16),
            dlt::LINUX_SLL2 => at(0, 20),
            dlt::APPLE_IP_OVER_IEEE1394 => at(16, 18),
            dlt::SYMANTEC_FIREWALL => at(6, 44),
            dlt::IPNET => no_llc(at(1, 24)),
            dlt::PFSYNC => untyped(4),
            dlt::PFLOG => Self { payload: pflog_payload(packet), variable: true, ..plain },
            dlt if dlt::is_wlan(dlt) => {
                let link = radio_length(dlt, packet);
                let payload = wlan_payload(dlt, link, packet);
                Self { link, payload, nl: 8, nosnap: Some(3), variable: true, ..plain }
            }
            dlt::JUNIPER_MFR
            | dlt::JUNIPER_MLFR
            | dlt::JUNIPER_MLPPP
            | dlt::JUNIPER_PPP
            | dlt::JUNIPER_CHDLC
            | dlt::JUNIPER_FRELAY => no_llc(at(4, 4)),
            dlt::JUNIPER_ATM1 => Self { nosnap: Some(10), ..at(4, 4) },
            dlt::JUNIPER_ATM2 => Self { nosnap: Some(10), ..at(8, 8) },
            dlt::JUNIPER_PPPOE | dlt::JUNIPER_ETHER => {
                Self { nl: 18, nosnap: Some(21), ..at(16, 14) }
            }
            dlt::JUNIPER_PPPOE_ATM => no_llc(at(4, 6)),
            dlt::JUNIPER_GGSN => no_llc(at(6, 12)),
            dlt::JUNIPER_MONITOR => no_llc(at(12, 12)),
            _ => no_llc(plain),
        }
    }

    /// Where the network layer's header begins.
    pub fn network(&self) -> At {
        self.payload.plus(self.nl)
    }
}

/// The header of PFLOG says how long it is; it is padded to a multiple of four.
fn pflog_payload(packet: &[u8]) -> At {
    At::known(number(packet, At::Known(0), 1).map(|length| (length + 3) & !3))
}

/// Where 802.11 begins: after the header of the radio's, if there is one.
fn radio_length(dlt: i32, packet: &[u8]) -> At {
    let word = |at| number(packet, At::Known(at), 4);
    let length = match dlt {
        // Some drivers put AVS's header where Prism's should be.
        dlt::PRISM_HEADER => match word(0) {
            Some(cookie) if cookie & 0xffff_f000 == 0x8021_1000 => word(4),
            Some(_) => Some(144),
            None => None,
        },
        dlt::IEEE802_11_RADIO_AVS => word(4),
        dlt::IEEE802_11_RADIO | dlt::PPI => {
            number(packet, At::Known(2), 2).map(|length| u32::from((length as u16).swap_bytes()))
        }
        _ => Some(0),
    };
    At::known(length)
}

/// Where an 802.11 frame's LLC header begins, taken that it has one.
fn wlan_payload(dlt: i32, link: At, packet: &[u8]) -> At {
    let Some(control) = number(packet, link, 1) else { return At::Cut };
    let plain = link.plus(24);
    if control & 0x0c != 0x08 {
        return plain;
    }
    let payload = if control & 0x80 != 0 { plain.plus(2) } else { plain };
    if dlt != dlt::IEEE802_11_RADIO {
        return payload;
    }
    // Some radios pad the header to a multiple of four, and say so in radiotap's flags.
    let Some(present) = number(packet, At::Known(4), 4) else { return At::Cut };
    let present = present.swap_bytes();
    if present & 0x8000_0002 != 2 {
        return payload;
    }
    let flags = At::Known(if present & 1 != 0 { 16 } else { 8 });
    match (number(packet, flags, 1), payload) {
        (None, _) => At::Cut,
        (Some(flags), At::Known(payload)) if flags & 0x20 != 0 => At::Known((payload + 3) & !3),
        _ => payload,
    }
}

/// PPI may carry any link type; the filter takes it to be 802.11, and rejects what is not.
pub fn ppi_carries_wlan(dlt: i32, packet: &[u8]) -> Truth {
    if dlt != dlt::PPI {
        return Truth::TRUE;
    }
    let carried: Num = number(packet, At::Known(4), 4).into();
    carried.is(|carried| carried.swap_bytes() == dlt::IEEE802_11 as u32)
}

/// Which lengths a term cannot do without.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Link,
    Payload,
}

fn needs(term: &Pred) -> Needs {
    let arith = |steps: &Arith| {
        steps.iter().fold(Needs::Nothing, |needs, step| match step {
            ArithStep::Load { proto: Proto::Radio, .. } => needs,
            ArithStep::Load { proto: Proto::Link, .. } if needs == Needs::Nothing => Needs::Link,
            ArithStep::Load { proto: Proto::Link, .. } => needs,
            ArithStep::Load { .. } => Needs::Payload,
            _ => needs,
        })
    };
    match term {
        Term::Less(_) | Term::Greater(_) | Term::Inbound | Term::Outbound | Term::Ifindex(_) => {
            Needs::Nothing
        }
        Term::Byte { .. } => Needs::Link,
        Term::Relation { left, right, .. } => match (arith(left), arith(right)) {
            (Needs::Payload, _) | (_, Needs::Payload) => Needs::Payload,
            (Needs::Link, _) | (_, Needs::Link) => Needs::Link,
            _ => Needs::Nothing,
        },
        _ => Needs::Payload,
    }
}

impl Judge<'_> {
    /// Whether the packet is long enough to tell the lengths of headers that a term needs: a program
    /// may work them out at its beginning.
    pub fn lengths(&self, term: &Pred) -> Truth {
        match needs(term) {
            Needs::Nothing => Truth::TRUE,
            Needs::Link => self.layers.link.found(),
            Needs::Payload => self.layers.link.found().and(self.layers.payload.found()),
        }
    }

    /// Where headers are for the terms after this one.
    pub fn after(&self, term: &Pred) -> Result<Layers, Refused> {
        let now = self.layers;
        Ok(match term {
            Term::Vlan(_) => self.after_vlan(),
            Term::Mpls(_) => Layers {
                nl: now.nl + 4,
                nosnap: now.nosnap.map(|nosnap| nosnap + 4),
                labels: now.labels + 1,
                ..now
            },
            Term::Pppoes(_) => {
                let link = now.network().plus(6);
                Layers {
                    dlt: dlt::PPP,
                    link,
                    kind: link,
                    payload: link.plus(2),
                    nl: 0,
                    nosnap: Some(0),
                    guard: Guard::None,
                    outermost: false,
                    tunnelled: false,
                    ..now
                }
            }
            Term::Geneve(_) => self.after_geneve()?,
            Term::Vxlan(_) => self.after_vxlan()?,
            Term::Atm(Atm::Lane) => Layers {
                dlt: dlt::EN10MB,
                link: At::Known(6),
                kind: At::Known(18),
                payload: At::Known(20),
                nl: 0,
                nosnap: Some(3),
                guard: if now.dlt == dlt::SUNATM {
                    Guard::Lane(now.link.plus(4))
                } else {
                    Guard::None
                },
                outermost: false,
                ..now
            },
            _ => now,
        })
    }

    /// A tag is between the header and what follows, unless the kernel took it out: two bytes of its
    /// own, then the type of what it is on.
    fn after_vlan(&self) -> Layers {
        let now = self.layers;
        let (kind, payload) = match self.vlan_taken_out().strict {
            Tri::True => (now.kind, now.payload),
            Tri::False => (now.payload.plus(2), now.payload.plus(4)),
            Tri::Missing => (At::Cut, At::Cut),
        };
        let variable = now.variable || self.vlan_may_be_taken_out();
        Layers { kind, payload, outermost: false, variable, ..now }
    }

    /// Whether the kernel may have taken the outermost VLAN tag out of packets.
    pub fn vlan_may_be_taken_out(&self) -> bool {
        self.context.source == (Source::Live { vlan: true })
            && self.layers.outermost
            && matches!(self.layers.dlt, dlt::EN10MB | dlt::LINUX_SLL | dlt::LINUX_SLL2)
    }

    /// Whether it did.
    pub fn vlan_taken_out(&self) -> Truth {
        if !self.vlan_may_be_taken_out() {
            return Truth::FALSE;
        }
        self.meta.map_or(Truth::MISSING, |meta| meta.vlan_present.into())
    }

    /// Inside Geneve (RFC 8926): after its options, an Ethernet frame, or what its type field says.
    fn after_geneve(&self) -> Result<Layers, Refused> {
        let header = self.tunnel_header(Term::Geneve(None))?;
        let options = self.byte(header).map(|first| (first & 0x3f) * 4);
        let inner = match (header, options.strict) {
            (At::Known(_), Some(options)) => header.plus(8).plus(options),
            (At::Known(_), None) => At::Cut,
            (nowhere, _) => nowhere,
        };
        let ethernet = self.half_is(header.plus(2), 0x6558, 0xffff);
        let (kind, payload) = match ethernet.strict {
            Tri::True => (inner.plus(12), inner.plus(14)),
            Tri::False => (header.plus(2), inner),
            Tri::Missing if header == At::Nowhere => (At::Nowhere, At::Nowhere),
            Tri::Missing => (At::Cut, At::Cut),
        };
        Ok(Layers { kind, payload, guard: Guard::Inner(ethernet), ..self.inside(inner) })
    }

    /// Inside VXLAN (RFC 7348): an Ethernet frame.
    fn after_vxlan(&self) -> Result<Layers, Refused> {
        let inner = self.tunnel_header(Term::Vxlan(None))?.plus(8);
        Ok(self.inside(inner))
    }

    /// An Ethernet frame at `inner`, in a tunnel.
    fn inside(&self, inner: At) -> Layers {
        Layers {
            dlt: dlt::EN10MB,
            link: inner,
            kind: inner.plus(12),
            payload: inner.plus(14),
            nl: 0,
            nosnap: Some(3),
            guard: Guard::None,
            outermost: false,
            labels: 0,
            tunnelled: true,
            variable: true,
        }
    }

    /// Where the header of a tunnel begins in a packet that has one: after IPv4 or IPv6, and UDP.
    fn tunnel_header(&self, tunnel: Pred) -> Result<At, Refused> {
        let v4 = self.tunnel4(&tunnel)?;
        let v6 = self.tunnel6(&tunnel)?;
        Ok(match (v4.loose, v6.loose) {
            (Tri::True, _) => self.transport4().plus(8),
            (_, Tri::True) => self.transport6().plus(8),
            (Tri::False, Tri::False) => At::Nowhere,
            _ => At::Cut,
        })
    }
}
