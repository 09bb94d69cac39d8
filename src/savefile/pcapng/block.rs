//! Blocks: what frames them, and the numbers in them. Knows not what they mean.

use crate::error::{Error, Result};

/// Bytes of a block's type and length, and of the length that ends it.
pub const HEADER: usize = 8;
const TRAILER: usize = 4;

/// In which byte order a file's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// In the other than this machine's.
    pub swapped: bool,
}

impl Order {
    /// The `n`th 16-bit number.
    #[inline(always)]
    pub fn half(self, bytes: &[u8], n: usize) -> u16 {
        let bytes = bytes.get(2 * n..).and_then(|rest| rest.first_chunk()).copied();
        let half = u16::from_ne_bytes(bytes.unwrap_or_default());
        if self.swapped { half.swap_bytes() } else { half }
    }

    /// The `n`th 32-bit number.
    #[inline(always)]
    pub fn word(self, bytes: &[u8], n: usize) -> u32 {
        let bytes = bytes.get(4 * n..).and_then(|rest| rest.first_chunk()).copied();
        let word = u32::from_ne_bytes(bytes.unwrap_or_default());
        if self.swapped { word.swap_bytes() } else { word }
    }

    /// The 64-bit number that the `n`th and the next word are, the upper half first in any order.
    #[inline(always)]
    pub fn halves(self, bytes: &[u8], n: usize) -> u64 {
        let bytes = bytes.get(4 * n..).and_then(|rest| rest.first_chunk()).copied();
        let long = self.long(bytes.unwrap_or_default());
        let little = cfg!(target_endian = "little") != self.swapped;
        if little { long.rotate_left(32) } else { long }
    }

    /// A 64-bit number.
    #[inline(always)]
    pub fn long(self, bytes: [u8; 8]) -> u64 {
        let long = u64::from_ne_bytes(bytes);
        if self.swapped { long.swap_bytes() } else { long }
    }
}

/// What lies at the beginning of a window.
pub enum Cut<'w> {
    /// A block of this type, what is in its frame, and what comes after it.
    Whole(u32, &'w mut [u8], &'w mut [u8]),
    /// A part of one, which has at least this many bytes.
    Part(usize),
}

/// Cuts the first block off `window`; none may be larger than `largest`.
#[inline(always)]
pub fn cut(order: Order, window: &mut [u8], largest: u32) -> Result<Cut<'_>> {
    let Some((header, rest)) = window.split_first_chunk_mut::<HEADER>() else {
        return Ok(Cut::Part(HEADER));
    };
    let (kind, total) = (order.word(header, 0), order.word(header, 1));
    // One test for too small, odd and too large: each becomes a large number.
    if total.wrapping_sub(SMALLEST).rotate_right(2) > largest.wrapping_sub(SMALLEST) >> 2 {
        return Err(bad_length(total, largest));
    }
    let length = (total as usize).wrapping_sub(HEADER);
    let Some((block, after)) = rest.split_at_mut_checked(length) else {
        return Ok(Cut::Part(total as usize));
    };
    let Some((body, trailer)) = block.split_last_chunk_mut::<TRAILER>() else {
        return Err(bad_length(total, largest));
    };
    let end = order.word(trailer, 0);
    if end != total {
        return Err(mismatch(total, end));
    }
    Ok(Cut::Whole(kind, body, after))
}

/// A block of nothing.
const SMALLEST: u32 = (HEADER + TRAILER) as u32;

#[cold]
fn bad_length(total: u32, largest: u32) -> Error {
    let length = format!("block in pcapng dump file has a length of {total}");
    Error::new(if total < SMALLEST {
        format!("{length} < {SMALLEST}")
    } else if !total.is_multiple_of(4) {
        format!("{length} that is not a multiple of 4")
    } else {
        format!("pcapng block size {total} > maximum {largest}")
    })
}

#[cold]
fn mismatch(header: u32, trailer: u32) -> Error {
    let text = format!("block total length in header {header} and trailer {trailer} don't match");
    Error::new(text)
}

/// The block, of this type, ends before what should be in it.
#[cold]
pub fn too_short(kind: u32) -> Error {
    Error::new(format!("block of type {kind} in pcapng dump file is too short"))
}

/// What is wrong with a file that ends with `window`, which is not a whole block.
pub fn truncated(order: Order, window: &[u8]) -> Error {
    // The header is read first, and then the rest.
    match window.first_chunk::<HEADER>() {
        None => ends_early(HEADER, window.len()),
        Some(header) => {
            let total = order.word(header, 1) as usize;
            ends_early(total.saturating_sub(HEADER), window.len().saturating_sub(HEADER))
        }
    }
}

/// A file that has `got` bytes where there should be `wanted`.
pub fn ends_early(wanted: usize, got: usize) -> Error {
    let text = format!("truncated pcapng dump file; tried to read {wanted} bytes, only got {got}");
    Error::new(text)
}
