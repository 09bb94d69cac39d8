//! TPACKET_V1's frame headers: it has no VLAN tags and stamps in microseconds.
//!
//! `tp_status` is an `unsigned long` of the kernel's, so a 32-bit process on a 64-bit kernel meets the
//! 64-bit layout.

use super::frames::{Description, Header};
use super::layout::{Tpacket1Hdr32, Tpacket1Hdr64};

/// Nanoseconds of a microsecond.
const MICRO: u32 = 1000;

impl Header for Tpacket1Hdr32 {
    fn describe(&self, _status: u32) -> Description {
        Description {
            sec: self.sec,
            nsec: self.usec.saturating_mul(MICRO),
            captured: self.snaplen,
            len: self.len,
            mac: self.mac,
            vlan: None,
        }
    }
}

impl Header for Tpacket1Hdr64 {
    const STATUS: usize = if cfg!(target_endian = "big") { 4 } else { 0 };

    fn describe(&self, _status: u32) -> Description {
        Description {
            sec: self.sec,
            nsec: self.usec.saturating_mul(MICRO),
            captured: self.snaplen,
            len: self.len,
            mac: self.mac,
            vlan: None,
        }
    }
}
