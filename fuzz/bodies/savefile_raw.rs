//! Any bytes as a savefile: however they are read, it is the same, and what an independent reader finds.
//!
//! The input is the file; how it is read depends on all of it.

use super::classic;
use super::offline::{Way, check, hash, read};

pub fn body(data: &[u8]) {
    if data.len() > 1 << 20 {
        return;
    }
    let chance = hash(data);
    let precision = (chance & 1) as u32;
    let small = (chance >> 8) as usize % 24;
    let pieces = chance.to_le_bytes();
    let whole = match chance >> 1 & 7 {
        0 => check(data, precision, Way::Stream),
        1 => check(data, precision, Way::StreamAfter(small)),
        // All of a pipe's bytes are there at first: who knows how many are needed for opening it.
        2 if classic::magic(data).is_some() => check(data, precision, Way::Pipe(24, &pieces)),
        2 | 3 => check(data, precision, Way::Pipe(usize::MAX, &pieces)),
        4 => check(data, precision, Way::Growing((chance >> 16) as usize % (data.len() + 1))),
        5 => check(data, precision, Way::Filtered(small + 1, (chance >> 16) as u32 % 128)),
        6 => check(data, precision, Way::Filtered(1, (chance >> 16) as u32 % 2048)),
        _ => read(data, precision, Way::File),
    };
    classic::check(data, precision, &whole);
}
