//! VLAN tags (IEEE 802.1Q and 802.1ad, and the number that was used before), in the packet or with the kernel.

use super::link::Place;
use super::proto::points;
use super::{Lowering, Result, check};
use crate::bpf::insn::{SKF_AD_VLAN_TAG, SKF_AD_VLAN_TAG_PRESENT};
use crate::filter::Source;
use crate::filter::ir::{FormId, ValId, Width};
use crate::linktype::layout::{ProtoTest, Vlan};

/// The Ethertypes of tags.
const TPIDS: [u32; 3] = [0x8100, 0x88a8, 0x9100];

/// How long a tag is.
const TAG: u32 = 4;

/// The identifier in a tag.
const VID: u32 = 0x0fff;

impl Lowering<'_> {
    /// `vlan [id]`. What is asked later is asked of what the tag is on.
    pub(super) fn vlan(&mut self, id: Option<u32>) -> Result<FormId> {
        if self.link.labels > 0 {
            return Err("no VLAN match after MPLS".to_owned());
        }
        let (by, metadata) = match self.link.layout.vlan {
            Vlan::Unsupported => return self.unsupported("vlan"),
            Vlan::InPacket => (TAG, false),
            Vlan::OrMetadata { by } => (by, self.context.source == Source::Live { vlan: true }),
        };
        if let Some(id) = id {
            check("VLAN tag", id, VID)?;
        }
        let in_packet = self.has_tag();
        let at = self.network();
        let tag = self.load(at, Width::Half);
        let mut tagged = self.and_vid(in_packet, tag, id);
        match self.link.tags {
            0 if metadata && self.link.outermost => {
                let present = self.ir.ancillary(SKF_AD_VLAN_TAG_PRESENT, Width::Byte);
                let present = self.ir.is(present, 1);
                let stripped = self.ir.ancillary(SKF_AD_VLAN_TAG, Width::Half);
                let told = self.and_vid(present, stripped, id);
                let absent = self.ir.not(present);
                let found = self.ir.and(absent, tagged);
                tagged = self.ir.or(told, found);
                self.link.behind_tag = Some(self.unless(present, self.link.linktype, TAG).plus(by));
                self.link.linktype = self.unless(present, self.link.linktype, by);
                self.link.payload = self.unless(present, self.link.payload, TAG);
            }
            n => {
                let moved = match (self.link.framed, n) {
                    // Where Geneve carries a tag without a frame around it, what the tag is on is told in the tag.
                    (Some(_), _) => self.link.payload.plus(2),
                    (None, 0) => self.link.linktype.plus(by),
                    (None, _) => self.link.linktype.plus(TAG),
                };
                self.link.linktype = self.link.behind_tag.take().unwrap_or(moved);
                self.link.payload = self.link.payload.plus(TAG);
            }
        }
        self.link.tags += 1;
        Ok(tagged)
    }

    /// Tagged, and the tag is of this network.
    fn and_vid(&mut self, tagged: FormId, tag: ValId, id: Option<u32>) -> FormId {
        match id {
            Some(id) => {
                let is = self.ir.masked_is(tag, VID, id);
                self.ir.and(tagged, is)
            }
            None => tagged,
        }
    }

    /// Whether there is a tag in the packet.
    fn has_tag(&mut self) -> FormId {
        let (guard, at) = match self.link.layout.proto {
            ProtoTest::Wlan => (Some(self.is_data()), self.link.payload.plus(6)),
            _ => (self.link.typed, self.link.linktype),
        };
        let ethertype = self.load(at, Width::Half);
        let is = self.ir.test(ethertype, points(TPIDS));
        match guard {
            Some(guard) => self.ir.and(guard, is),
            None => is,
        }
    }

    /// This place, or where the condition does not hold, `n` bytes further on.
    fn unless(&mut self, condition: FormId, at: Place, n: u32) -> Place {
        let truth = self.ir.truth();
        let (zero, n) = (self.ir.constant(0), self.ir.constant(n));
        let moved = self.ir.choose(&[(condition, zero), (truth, n)]);
        self.further(at, moved)
    }
}
