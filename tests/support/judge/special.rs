//! Every kind of term; here those of few link types, and those of no protocol.

use super::super::dlt;
use super::layers::At;
use super::truth::{Num, Truth, holds};
use super::{Answer, Judge, Refused, link};
use pcap::filter::Source;
use pcap::filter::ast::{Atm, AtmField, Byteop, Mtp2, Mtp3, Pf, Relop, Term};
use pcap::filter::pred::Pred;

/// `PACKET_OUTGOING` of `linux/if_packet.h`, also in cooked headers.
const OUTGOING: u8 = 4;

impl Judge<'_> {
    /// Whether a term holds.
    pub fn term(&self, term: &Pred) -> Answer {
        let here = &self.layers;
        match term {
            Term::Id(id) => self.identifier(id),
            Term::Abbrev(proto) => self.abbreviation(*proto),
            Term::Relation { op, left, right } => self.relation(*op, left, right),
            Term::Broadcast(proto) => self.any_broadcast(*proto),
            Term::Multicast(proto) => self.any_multicast(*proto),
            Term::Less(most) => Ok((self.wire_len <= *most).into()),
            Term::Greater(least) => Ok((self.wire_len >= *least).into()),
            Term::Byte { offset, op, value } => {
                let byte = self.byte(here.link.plus(*offset));
                at_most(Some(*value), 0xff)?;
                Ok(byte.is(|byte| match op {
                    Byteop::And => byte & value != 0,
                    Byteop::Or => byte | value != 0,
                    Byteop::Lt => byte < *value,
                    Byteop::Gt => byte > *value,
                    Byteop::Eq => byte == *value,
                }))
            }
            Term::Inbound => self.direction(false),
            Term::Outbound => self.direction(true),
            Term::Ifindex(index) => self.ifindex(*index),
            Term::Vlan(id) => self.vlan(*id),
            Term::Mpls(label) => self.mpls(*label),
            Term::Pppoed => self.carries(link::PPPOED),
            Term::Pppoes(session) => {
                let there = self.carries(link::PPPOES)?;
                at_most(*session, 0xffff)?;
                let number = |n: u32| self.half_is(here.network().plus(2), n as u16, 0xffff);
                Ok(there.and(session.map_or(Truth::TRUE, number)))
            }
            Term::Geneve(number) | Term::Vxlan(number) => {
                at_most(*number, 0xff_ffff)?;
                self.tunnelled(term)
            }
            Term::Pf(pf) => self.pf(pf),
            Term::WlanType { value, mask } => self.wlan_type(*value, *mask),
            Term::WlanDir(value) => self.wlan_dir(*value),
            Term::Llc(llc) => self.llc(*llc),
            Term::Atm(atm) => self.atm(*atm),
            Term::AtmField { field, op, value } => {
                let most = if *field == AtmField::Vpi { 0xff } else { 0xffff };
                at_most(Some(*value), most)?;
                Ok(self.atm_field(*field)?.is(|f| holds(*op, f, *value)))
            }
            Term::Mtp2(unit) => self.mtp2(*unit),
            Term::Mtp3 { field, op, value } => self.mtp3(*field, *op, *value),
        }
    }

    /// `outbound`, `inbound`: what the link's header says, or what the kernel does.
    fn direction(&self, out: bool) -> Answer {
        let here = &self.layers;
        let byte = |at, value, mask| Ok(self.byte_is(here.link.plus(at), value, mask));
        // What is not sent is received, whatever the other values mean.
        let sent = |sent: Truth| if out { sent } else { sent.not() };
        match here.dlt {
            dlt::SLIP | dlt::PPP_PPPD => byte(0, out.into(), 0xff),
            dlt::IPNET => Ok(self.half_is(here.link.plus(2), if out { 1 } else { 2 }, 0xffff)),
            dlt::LINUX_SLL => Ok(sent(self.half_is(here.link, OUTGOING.into(), 0xffff))),
            dlt::LINUX_SLL2 => Ok(sent(self.byte_is(here.link.plus(10), OUTGOING, 0xff))),
            dlt::PFLOG => byte(60, if out { 2 } else { 1 }, 0xff),
            dlt::DSA_TAG_BRCM => byte(12, if out { 0x20 } else { 0 }, 0xe0),
            dlt::DSA_TAG_DSA if out => byte(12, 0x40, 0xc0),
            dlt::DSA_TAG_DSA => byte(12, 0, 0x40),
            dlt if dlt::is_juniper(dlt) => byte(3, (!out).into(), 1),
            _ => match (self.context.source, self.meta) {
                (Source::Live { .. }, Some(meta)) => Ok(sent((meta.pkttype == OUTGOING).into())),
                (Source::Live { .. }, None) => Ok(Truth::MISSING),
                _ => Err(Refused),
            },
        }
    }

    fn ifindex(&self, index: u32) -> Answer {
        if self.layers.dlt == dlt::LINUX_SLL2 {
            return Ok(self.word_is(self.layers.link.plus(4), index, u32::MAX));
        }
        match (self.context.source, self.meta) {
            (Source::Live { .. }, Some(meta)) => Ok((meta.ifindex == index).into()),
            (Source::Live { .. }, None) => Ok(Truth::MISSING),
            _ => Err(Refused),
        }
    }

    /// `vlan`: the kernel's word first, then the packet's.
    fn vlan(&self, id: Option<u32>) -> Answer {
        let here = &self.layers;
        let has_tags = dlt::is_ethernet(here.dlt)
            || dlt::is_wlan(here.dlt) && here.dlt != dlt::PPI
            || matches!(here.dlt, dlt::LINUX_SLL | dlt::LINUX_SLL2);
        if here.labels > 0 || !has_tags {
            return Err(Refused);
        }
        at_most(id, 0xfff)?;
        let mut tagged = Truth::FALSE;
        for kind in [0x8100, 0x88a8, 0x9100] {
            tagged = tagged.or(self.carries(kind)?);
        }
        let number = |id: u32| self.half_is(here.network(), id as u16, 0x0fff);
        let in_packet = tagged.and(id.map_or(Truth::TRUE, number));
        let taken_out = self.vlan_taken_out();
        let tci: Num = self.meta.map(|meta| meta.vlan_tci.into()).into();
        let in_meta = id.map_or(Truth::TRUE, |id| tci.is(|tci| tci & 0xfff == id));
        Ok(taken_out.and(in_meta).or(taken_out.not().and(in_packet)))
    }

    /// `mpls`: the first label after the link layer, the others after one that is not the last.
    fn mpls(&self, label: Option<u32>) -> Answer {
        let here = &self.layers;
        let there = match here.dlt {
            _ if here.labels > 0 => self.last_label().not(),
            dlt::PPP => self.carries(0x0281)?,
            dlt if matches!(dlt, dlt::C_HDLC | dlt::HDLC) || dlt::is_ethernet(dlt) => {
                self.carries(link::MPLS)?
            }
            _ => return Err(Refused),
        };
        at_most(label, 0xfffff)?;
        let number = |label: u32| self.word_is(here.network(), label << 12, 0xffff_f000);
        Ok(there.and(label.map_or(Truth::TRUE, number)))
    }

    /// Fields of PFLOG's header (`net/if_pflog.h` of OpenBSD). Names match by their beginning.
    fn pf(&self, pf: &Pf) -> Answer {
        let here = &self.layers;
        if here.dlt != dlt::PFLOG {
            return Err(Refused);
        }
        let name = |at, name: &str| {
            let fits = name.len() < 16;
            fits.then(|| self.equal(here.link.plus(at), name.as_bytes())).ok_or(Refused)
        };
        let number = |at, value: u32| Ok(self.word_is(here.link.plus(at), value, u32::MAX));
        let code = |at, value: u32| Ok(self.byte(here.link.plus(at)).is(|byte| byte == value));
        match *pf {
            Pf::Ifname(text) => name(4, text),
            Pf::Ruleset(text) => name(20, text),
            Pf::Rulenum(value) => number(36, value),
            Pf::Subrulenum(value) => number(40, value),
            Pf::Reason(value) => code(3, value),
            Pf::Action(value) => code(2, value),
        }
    }

    /// The header of SUNATM, which is not asked for any more where another is emulated or carried.
    fn atm_field(&self, field: AtmField) -> Result<Num, Refused> {
        if self.layers.dlt != dlt::SUNATM {
            return Err(Refused);
        }
        Ok(match field {
            AtmField::Vpi => self.byte(At::Known(1)),
            AtmField::Vci => self.half(At::Known(2)),
        })
    }

    /// Classes of ATM traffic, by circuit and Q.2931's message types.
    fn atm(&self, atm: Atm) -> Answer {
        let vpi = self.atm_field(AtmField::Vpi)?.is(|vpi| vpi == 0);
        let vci = self.atm_field(AtmField::Vci)?;
        let circuit = |number: u32| vpi.and(vci.is(|vci| vci == number));
        let message = |types: &[u32]| self.byte(At::Known(9)).is(|of| types.contains(&of));
        Ok(match atm {
            Atm::Lane => self.byte_is(At::Known(0), 1, 0x0f),
            Atm::Metac => circuit(1),
            Atm::Bcc => circuit(2),
            Atm::Oamf4sc => circuit(3),
            Atm::Oamf4ec => circuit(4),
            Atm::Oam | Atm::Oamf4 => circuit(3).or(circuit(4)),
            Atm::Sc => circuit(5),
            Atm::Ilmic => circuit(16),
            Atm::Connectmsg => circuit(5).and(message(&[5, 2, 7, 0x0f, 0x4d, 0x5a])),
            Atm::Metaconnect => circuit(1).and(message(&[5, 2, 7, 0x4d, 0x5a])),
        })
    }

    /// Where MTP2's length indicator is (ITU-T Q.703).
    fn mtp2_header(&self) -> Result<At, Refused> {
        match self.layers.dlt {
            dlt::MTP2 => Ok(At::Known(2)),
            dlt::MTP2_WITH_PHDR => Ok(At::Known(6)),
            dlt::ERF => Ok(At::Known(22)),
            _ => Err(Refused),
        }
    }

    /// Signal units by their length: 0, 1 or 2, more. High-speed links have nine bits for it.
    fn mtp2(&self, unit: Mtp2) -> Answer {
        let header = self.mtp2_header()?;
        let length = match unit {
            Mtp2::Fisu | Mtp2::Lssu | Mtp2::Msu => self.byte(header).map(|li| li & 0x3f),
            _ => self.half(header.plus(2)).map(|li| li >> 7),
        };
        Ok(match unit {
            Mtp2::Fisu | Mtp2::Hfisu => length.is(|length| length == 0),
            Mtp2::Lssu | Mtp2::Hlssu => length.is(|length| (1..=2).contains(&length)),
            Mtp2::Msu | Mtp2::Hmsu => length.is(|length| length > 2),
        })
    }

    /// Fields of MTP3's routing label (ITU-T Q.704): DPC, OPC and SLS in a little-endian word.
    fn mtp3(&self, field: Mtp3, op: Relop, value: u32) -> Answer {
        let header = self.mtp2_header()?;
        let (field, header) = match field {
            Mtp3::Hsio => (Mtp3::Sio, header.plus(3)),
            Mtp3::Hopc => (Mtp3::Opc, header.plus(3)),
            Mtp3::Hdpc => (Mtp3::Dpc, header.plus(3)),
            Mtp3::Hsls => (Mtp3::Sls, header.plus(3)),
            plain => (plain, header),
        };
        let limit = match field {
            Mtp3::Sio => 0xff,
            Mtp3::Sls => 0x0f,
            _ => 0x3fff,
        };
        if value > limit {
            return Err(Refused);
        }
        let label = header.plus(2);
        Ok(match field {
            Mtp3::Sio => self.byte(header.plus(1)).is(|sio| holds(op, sio, value)),
            Mtp3::Sls => self.byte(label.plus(3)).is(|sls| holds(op, sls >> 4, value)),
            // Larger and smaller are of the bytes as they stand: the word is compared, not swapped.
            Mtp3::Dpc => {
                let (mask, value) = (0x3fff_u16.swap_bytes(), (value as u16).swap_bytes());
                self.half(label).is(|dpc| holds(op, dpc & u32::from(mask), value.into()))
            }
            _ => {
                let (mask, value) = (0x0fff_c000_u32.swap_bytes(), (value << 14).swap_bytes());
                self.word(label).is(|opc| holds(op, opc & mask, value))
            }
        })
    }
}

/// A number that the field it is compared with cannot have makes no filter.
fn at_most(number: Option<u32>, most: u32) -> Result<(), Refused> {
    if number.is_some_and(|number| number > most) { Err(Refused) } else { Ok(()) }
}
