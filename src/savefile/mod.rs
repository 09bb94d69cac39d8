//! Savefiles: reading them ([`Savefile`], a source of packets like a live one) and writing them.
//!
//! A file's bytes come through [`input`]; [`pcap`] and [`pcapng`] find the packets in them and leave them where they
//! are. Formats: pcap-savefile(5), the IETF's drafts of pcap and pcapng. Files are written by [`dumper`], in classic
//! format only: [`writer`] makes the bytes.

mod append;
pub mod compressed;
pub mod dumper;
pub mod fixup;
pub mod input;
pub mod pcap;
pub mod pcapng;
mod reader;
pub mod sink;
pub mod writer;

pub use reader::{NO_SENDING, NO_STATS, Savefile};

use crate::linktype;

/// What a file says of itself, as a handle tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// The `DLT_*` number.
    pub datalink: i32,
    /// What else is in the link type word.
    pub datalink_ext: i32,
    /// Bytes that packets are cut to; above 0.
    pub snapshot: i32,
    /// Whether it was written in the other byte order.
    pub swapped: bool,
    /// The version of its format.
    pub version: (i32, i32),
    /// Whether the handle's time stamps are in nanoseconds.
    pub nano: bool,
}

/// Why a reader has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// There is room for no more packets.
    Full,
    /// Something else than a packet comes, which is not read as long as packets are lent.
    Other,
    /// What comes next has at least this many bytes, and fewer are here.
    More(usize),
}

/// From a file's unit of fractions of a second to the handle's: `(fraction * mul) >> shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    mul: u64,
    shift: u8,
}

impl Scale {
    /// They are the same.
    pub const SAME: Self = Self { mul: 1, shift: 0 };
    /// From microseconds to nanoseconds.
    pub const UP: Self = Self { mul: 1000, shift: 0 };
    /// From nanoseconds to microseconds: divides every 32-bit number by 1000, rounding down.
    pub const DOWN: Self = Self { mul: 274_877_907, shift: 38 };

    /// The fraction in the handle's unit.
    #[inline(always)]
    pub fn apply(self, fraction: u32) -> libc::suseconds_t {
        let scaled = u64::from(fraction).wrapping_mul(self.mul);
        scaled.wrapping_shr(self.shift.into()) as libc::suseconds_t
    }
}

/// The snapshot length of a file that says `snaplen`; nonsense means the most there is.
pub fn snapshot(datalink: i32, snaplen: u32) -> i32 {
    match i32::try_from(snaplen) {
        Ok(snaplen @ 1..) => snaplen,
        _ => linktype::max_snaplen(datalink).cast_signed(),
    }
}
