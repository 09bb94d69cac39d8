//! 802.11 and the headers that radios put before it.

use super::super::dlt;
use super::{Packets, be32};

impl Packets {
    /// An 802.11 frame of any type. `padded` pads data frames' headers to a multiple of four.
    fn wlan(&mut self, padded: bool) -> Vec<u8> {
        // Data with something in it, mostly; else any type and subtype.
        let control = match self.random.below(3) {
            0 => self.random.pick(&[0x08, 0x88]),
            1 => self.random.pick(&[0x00, 0x10, 0x40, 0x50, 0x80, 0xb0, 0xc0, 0xd4, 0xc4, 0xb4]),
            _ => self.random.byte() & 0xfc,
        };
        let direction = self.random.pick(&[0, 1, 2, 3, 0x40, 0x41, 0x42]);
        let mut frame = vec![control, direction, 0, 0];
        let (first, second) = self.ends(Self::mac);
        frame.extend([first, second, self.mac()].concat());
        frame.extend(self.random.bytes(2));
        let is_data = control & 0x0c == 0x08;
        if is_data && control & 0x80 != 0 {
            frame.extend(self.random.bytes(2));
        }
        // Between distribution systems there is a fourth address; filters look behind it rarely.
        if direction & 3 == 3 && self.random.once_in(2) {
            frame.extend(self.mac());
        }
        if padded && is_data {
            frame.resize(frame.len().next_multiple_of(4), 0);
        }
        let payload = if is_data && !self.random.once_in(6) {
            let (kind, payload) = self.network(2);
            self.snap(&kind, payload)
        } else {
            self.random.bytes(30)
        };
        [frame, payload].concat()
    }

    /// 802.11 of a link type, with its radio's header.
    pub(super) fn radio(&mut self, dlt: i32) -> Vec<u8> {
        match dlt {
            dlt::PRISM_HEADER if !self.random.once_in(3) => {
                let mut header = be32(0x44).to_vec();
                header.extend(self.random.bytes(140));
                [header, self.wlan(false)].concat()
            }
            dlt::PRISM_HEADER | dlt::IEEE802_11_RADIO_AVS => {
                let version = self.random.pick(&[0x8021_1001, 0x8021_1002]);
                let len = self.random.pick(&[64, 40, 44, 8]);
                let header = [be32(version), be32(len)].concat();
                [header, self.random.bytes(len - 8), self.wlan(false)].concat()
            }
            dlt::IEEE802_11_RADIO => self.radiotap(),
            dlt::PPI => {
                let fields = self.random.pick(&[0, 8, 24]);
                let len = (8 + fields) as u16;
                let carried: u32 = if self.random.once_in(8) { 1 } else { 105 };
                let header = [[0, 0], len.to_le_bytes()].concat();
                let carried = carried.to_le_bytes().to_vec();
                [header, carried, self.random.bytes(fields), self.wlan(false)].concat()
            }
            _ => self.wlan(false),
        }
    }

    /// Radiotap: with or without a time stamp, flags, and a second word of presence bits.
    fn radiotap(&mut self) -> Vec<u8> {
        let present: u32 = self.random.pick(&[0, 1, 2, 3, 3, 0x8000_0002, 0x2e, 0x2f]);
        let padded = self.random.once_in(2);
        let mut fields = Vec::new();
        if present & 0x8000_0000 != 0 {
            fields.extend(self.random.pick(&[[0; 4], [0x20; 4]]));
        }
        if present & 1 != 0 {
            fields.extend(self.random.bytes(8));
        }
        let has_flags = present & 2 != 0;
        if has_flags {
            fields.push(if padded { 0x20 } else { self.random.pick(&[0, 2, 0x10]) });
        }
        if present & 0x2c != 0 {
            fields.extend(self.random.bytes(7));
        }
        let len = (8 + fields.len()) as u16;
        let header =
            [vec![0, 0], len.to_le_bytes().to_vec(), present.to_le_bytes().to_vec(), fields];
        let padded = padded && has_flags && present & 0x8000_0000 == 0;
        [header.concat(), self.wlan(padded)].concat()
    }
}
