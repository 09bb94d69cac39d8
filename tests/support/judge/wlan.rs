//! 802.11: frame types, directions and which of its addresses is which (IEEE 802.11, 9.3).

use super::super::dlt;
use super::layers::At;
use super::link::on_side;
use super::truth::Truth;
use super::{Answer, Judge, Refused};
use pcap::filter::pred::{LinkField, Side};

impl Judge<'_> {
    fn control(&self, value: u8, mask: u8) -> Truth {
        self.byte_is(self.layers.link, value, mask)
    }

    fn flag(&self, bit: u8) -> Truth {
        self.byte_is(self.layers.link.plus(1), bit, bit)
    }

    /// A data frame.
    pub fn is_data(&self) -> Truth {
        self.control(0x08, 0x0c)
    }

    /// `type`, `subtype`.
    pub fn wlan_type(&self, value: u8, mask: u8) -> Answer {
        if dlt::is_wlan(self.layers.dlt) { Ok(self.control(value, mask)) } else { Err(Refused) }
    }

    /// `dir`.
    pub fn wlan_dir(&self, value: u8) -> Answer {
        let bits = || self.byte_is(self.layers.link.plus(1), value, 3);
        if dlt::is_wlan(self.layers.dlt) { Ok(bits()) } else { Err(Refused) }
    }

    /// Whether `test` holds of an address, in a frame that has it.
    pub fn wlan_address(&self, field: LinkField, test: impl Fn(At) -> Truth) -> Truth {
        let at = |offset| test(self.layers.link.plus(offset));
        let control_frame = self.control(0x04, 0x0c);
        let management = self.control(0, 0x08);
        let clear_to_send = self.control(0xc0, 0xf0);
        let acknowledgement = self.control(0xd0, 0xf0);
        let has_second = control_frame.not().or(clear_to_send.not().and(acknowledgement.not()));
        match field {
            LinkField::Addr1 => at(4),
            LinkField::Addr2 => has_second.and(at(10)),
            LinkField::Addr3 => control_frame.not().and(at(16)),
            LinkField::Addr4 => self.byte_is(self.layers.link.plus(1), 3, 3).and(at(24)),
            LinkField::Ra => management.not().and(at(4)),
            LinkField::Ta => management.not().and(has_second).and(at(10)),
            LinkField::Side(side) => self.wlan_end(side, at),
        }
    }

    /// Source and destination, by the type of the frame and the direction of data frames.
    fn wlan_end(&self, side: Side, at: impl Fn(u32) -> Truth) -> Truth {
        let (to_ds, from_ds) = (self.flag(1), self.flag(2));
        let management = self.control(0, 0x08);
        // Control frames and those of the reserved type have neither.
        let has_ends = self.control(0, 0x04);
        let src = || {
            let in_data = from_ds
                .not()
                .and(at(10))
                .or(from_ds.and(to_ds.not().and(at(16)).or(to_ds.and(at(24)))));
            has_ends.and(management.and(at(10)).or(management.not().and(in_data)))
        };
        let dst = || {
            let in_data = to_ds.not().and(at(4)).or(to_ds.and(at(16)));
            has_ends.and(management.and(at(4)).or(management.not().and(in_data)))
        };
        on_side(side, src, dst)
    }
}
