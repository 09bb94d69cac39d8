//! 802.11: types of frames, and addresses, whose places and meanings depend on them.

use super::{Lowering, Result};
use crate::filter::ir::{FormId, Width};
use crate::filter::pred::LinkField;
use crate::linktype::layout::Addr;

/// Bits of the first byte of the frame control field.
const CONTROL: u32 = 0x04;
const DATA: u32 = 0x08;
const TYPE: u32 = CONTROL | DATA;
const SUBTYPE: u32 = 0xf0;
const CTS: u32 = 0xc0;
const ACK: u32 = 0xd0;

/// Bits of the second.
const TO_DS: u32 = 0x01;
const FROM_DS: u32 = 0x02;

/// Where the four addresses are.
const ADDR: [u32; 4] = [4, 10, 16, 24];

impl Lowering<'_> {
    /// Bits of the frame control field.
    pub(super) fn wlan_field(
        &mut self,
        keyword: &str,
        at: u32,
        mask: u8,
        value: u8,
    ) -> Result<FormId> {
        match self.link.layout.addr {
            Addr::Wlan => Ok(self.control_is(at, mask.into(), value.into())),
            _ => self.unsupported(keyword),
        }
    }

    pub(super) fn is_data(&mut self) -> FormId {
        self.control_is(0, TYPE, DATA)
    }

    fn control_is(&mut self, at: u32, mask: u32, value: u32) -> FormId {
        let byte = self.load(self.link.header.plus(at), Width::Byte);
        self.ir.masked_is(byte, mask, value)
    }

    fn control_bit(&mut self, at: u32, bit: u32) -> FormId {
        let byte = self.load(self.link.header.plus(at), Width::Byte);
        self.ir.any_bit(byte, bit)
    }

    /// `wlan host` and its kin.
    pub(super) fn wlan_addr(&mut self, addr: &[u8; 6], field: LinkField) -> FormId {
        match field {
            LinkField::Side(side) => self.both_sides(side, |this, is_src| {
                if is_src { this.wlan_src(addr) } else { this.wlan_dst(addr) }
            }),
            LinkField::Addr1 => self.addr_is(0, addr),
            LinkField::Addr2 => {
                let has = self.has_addr2();
                let is = self.addr_is(1, addr);
                self.ir.and(has, is)
            }
            LinkField::Addr3 => {
                let control = self.control_is(0, TYPE, CONTROL);
                let has = self.ir.not(control);
                let is = self.addr_is(2, addr);
                self.ir.and(has, is)
            }
            LinkField::Addr4 => {
                let has = self.control_is(1, TO_DS | FROM_DS, TO_DS | FROM_DS);
                let is = self.addr_is(3, addr);
                self.ir.and(has, is)
            }
            LinkField::Ra => {
                let data = self.control_bit(0, DATA);
                let is = self.addr_is(0, addr);
                self.ir.and(data, is)
            }
            LinkField::Ta => {
                let data = self.control_bit(0, DATA);
                let has = self.has_addr2();
                let is = self.addr_is(1, addr);
                self.ir.all(&[data, has, is])
            }
        }
    }

    /// Clear-to-send and acknowledgement frames have one address only.
    fn has_addr2(&mut self) -> FormId {
        let control = self.control_is(0, TYPE, CONTROL);
        let others = self.ir.not(control);
        let cts = self.control_is(0, SUBTYPE, CTS);
        let not_cts = self.ir.not(cts);
        let ack = self.control_is(0, SUBTYPE, ACK);
        let not_ack = self.ir.not(ack);
        let neither = self.ir.and(not_cts, not_ack);
        self.ir.or(others, neither)
    }

    fn addr_is(&mut self, n: usize, addr: &[u8; 6]) -> FormId {
        self.mac48_is(self.link.header.plus(ADDR[n]), addr)
    }

    /// The source: in data frames from a distribution system, address 3, or 4 if it is to one, too.
    fn wlan_src(&mut self, addr: &[u8; 6]) -> FormId {
        let [second, third, fourth] = [1, 2, 3].map(|n| self.addr_is(n, addr));
        let to_ds = self.control_bit(1, TO_DS);
        let from_ds = self.control_bit(1, FROM_DS);
        let bridged = self.either(to_ds, fourth, third);
        let in_data = self.either(from_ds, bridged, second);
        self.unless_control(in_data, second)
    }

    /// The destination: in data frames to a distribution system, address 3.
    fn wlan_dst(&mut self, addr: &[u8; 6]) -> FormId {
        let [first, third] = [0, 2].map(|n| self.addr_is(n, addr));
        self.wlan_receiver(first, third)
    }

    /// `multicast`.
    pub(super) fn wlan_multicast(&mut self) -> FormId {
        let [first, third] = [0, 2].map(|n: usize| self.is_group(self.link.header.plus(ADDR[n])));
        self.wlan_receiver(first, third)
    }

    fn wlan_receiver(&mut self, first: FormId, third: FormId) -> FormId {
        let to_ds = self.control_bit(1, TO_DS);
        let in_data = self.either(to_ds, third, first);
        self.unless_control(in_data, first)
    }

    /// A test of data frames and one of management frames; control frames do not tell.
    fn unless_control(&mut self, in_data: FormId, in_management: FormId) -> FormId {
        let control = self.control_bit(0, CONTROL);
        let others = self.ir.not(control);
        let data = self.control_bit(0, DATA);
        let is = self.either(data, in_data, in_management);
        self.ir.and(others, is)
    }

    /// One test where `condition` holds and another where it does not.
    fn either(&mut self, condition: FormId, then: FormId, otherwise: FormId) -> FormId {
        let not = self.ir.not(condition);
        let otherwise = self.ir.and(not, otherwise);
        let then = self.ir.and(condition, then);
        self.ir.or(otherwise, then)
    }
}
