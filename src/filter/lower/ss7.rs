//! SS7: MTP2's signal units (ITU-T Q.703) and MTP3's routing label (Q.704).

use super::{Lowering, Result, check, keyword};
use crate::filter::ast::{Mtp2, Mtp3, Relop};
use crate::filter::ir::{FormId, Set, Width};
use std::fmt::Debug;

/// The highest point code.
const POINT_CODE: u32 = 0x3fff;

impl Lowering<'_> {
    /// A kind of signal unit: its length tells.
    pub(super) fn mtp2(&mut self, unit: Mtp2) -> Result<FormId> {
        let length_at = self.ss7(unit)?;
        let fast = matches!(unit, Mtp2::Hfisu | Mtp2::Hlssu | Mtp2::Hmsu);
        // High-speed links have a length of nine bits behind longer sequence numbers.
        let (at, width, mask, one) = match fast {
            false => (length_at, Width::Byte, 0x3f, 1),
            true => (length_at + 2, Width::Half, 0xff80, 0x80),
        };
        let lengths = match unit {
            Mtp2::Fisu | Mtp2::Hfisu => Set::one(0),
            Mtp2::Lssu | Mtp2::Hlssu => Set::range(1, 2 * one),
            Mtp2::Msu | Mtp2::Hmsu => Set::range(2 * one + 1, u32::MAX),
        };
        let length = self.ir.load(None, at, width);
        let length = self.ir.mask(length, mask);
        Ok(self.ir.test(length, lengths))
    }

    /// A field of MTP3, compared as it lies in the packet, where point codes are little-endian.
    // QUIRK: so comparisons by size of point codes are of numbers with their bytes the other way round.
    pub(super) fn mtp3(&mut self, field: Mtp3, op: Relop, value: u32) -> Result<FormId> {
        let length_at = self.ss7(field)?;
        let max = match field {
            Mtp3::Sio | Mtp3::Hsio => 0xff,
            Mtp3::Dpc | Mtp3::Hdpc | Mtp3::Opc | Mtp3::Hopc => POINT_CODE,
            Mtp3::Sls | Mtp3::Hsls => 0x0f,
        };
        check(&keyword(field), value, max)?;
        // Counted from the length indicator; and how a number is written there.
        let (at, width, place): (_, _, fn(u32) -> u32) = match field {
            Mtp3::Sio | Mtp3::Hsio => (1, Width::Byte, |n| n),
            Mtp3::Dpc | Mtp3::Hdpc => (2, Width::Half, |code| code.swap_bytes() >> 16),
            Mtp3::Opc | Mtp3::Hopc => (2, Width::Word, |code| (code << 14).swap_bytes()),
            Mtp3::Sls | Mtp3::Hsls => (5, Width::Byte, |n| n << 4),
        };
        let fast = matches!(field, Mtp3::Hsio | Mtp3::Hopc | Mtp3::Hdpc | Mtp3::Hsls);
        let found = self.ir.load(None, length_at + at + if fast { 3 } else { 0 }, width);
        let mask = if width == Width::Byte && max == 0xff { u32::MAX } else { place(max) };
        let found = self.ir.mask(found, mask);
        let value = self.ir.constant(place(value));
        Ok(self.ir.relation(op, found, value))
    }

    /// Where the length indicator is.
    fn ss7(&self, word: impl Debug) -> Result<u32> {
        let at = self.link.layout.mtp2;
        at.ok_or_else(|| format!("'{}' supported only on SS7", keyword(word)))
    }
}
