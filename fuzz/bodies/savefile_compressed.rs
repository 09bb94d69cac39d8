//! Compressed savefiles. Any bytes may be one; and what was made of a savefile, in several members that need no
//! compressor to make, must give what the savefile gives.
//!
//! The input's first byte says which. Made ones have two bytes for how they are read, one for how many members,
//! two for each (its format, its share of the file), and then the plan of a savefile.

use super::classic;
use super::offline::{Told, Way, check, read};
use super::savefile_structured::{Plan, blocks, classic_file};
use super::support::offline::Order;

pub fn body(data: &[u8]) {
    if data.len() > 1 << 20 {
        return;
    }
    let Some((&how, rest)) = data.split_first() else { return };
    if how & 1 == 0 {
        let way = match how >> 1 & 3 {
            0 => Way::File,
            1 => Way::Stream,
            2 => Way::Pipe(usize::MAX, &[]),
            _ => Way::Filtered(usize::from(how >> 3) + 1, 60),
        };
        let _ = check(rest, (how >> 3 & 1).into(), way);
    } else {
        made(how, &mut Plan(rest));
    }
}

fn made(how: u8, plan: &mut Plan<'_>) {
    let precision = u32::from(how >> 1 & 1);
    let order = Order::BOTH[usize::from(how >> 2 & 1)];
    let (small, cut) = (plan.byte(), plan.byte());
    let members: Vec<(u8, u8)> =
        (0..plan.byte() % 8 + 1).map(|_| (plan.byte(), plan.byte())).collect();
    let plain = match how & 8 {
        0 => classic_file(order, plan),
        _ => blocks(order, true, plan).0,
    };
    let mut rest = &plain.bytes[..];
    let mut packed = Vec::new();
    for (n, (format, share)) in members.iter().enumerate() {
        let len = if n + 1 == members.len() {
            rest.len()
        } else {
            rest.len() * usize::from(*share) / 255
        };
        let (now, after) = rest.split_at(len);
        rest = after;
        match format % 4 {
            0 => gzip(now, &mut packed),
            1 | 2 => zstd(now, &mut packed),
            _ => lz4_or_skipped(now, *share, &mut packed),
        }
    }
    // The magic of a member has to come first.
    if plain.bytes.is_empty() {
        return;
    }
    let expected = read(&plain.bytes, precision, Way::File);
    let way = match how >> 4 & 3 {
        0 => Way::File,
        1 => Way::Stream,
        2 => Way::Pipe(usize::MAX, &[]),
        _ => Way::Filtered(usize::from(small) + 1, 100),
    };
    let told = check(&packed, precision, way);
    // What is in a record that is larger than that is not looked for in a compressed file.
    let refused = |told: &Result<Told, String>| match told {
        Ok(told) => told.error.as_ref().is_some_and(|error| error.contains("compressed")),
        Err(error) => error.contains("compressed"),
    };
    if !refused(&told) {
        assert_eq!(told, expected, "compressed, and as it is");
        if matches!(way, Way::File) {
            classic::check(&plain.bytes, precision, &told);
        }
    }
    if how & 64 != 0 {
        packed.truncate(packed.len().saturating_sub(cut.into()));
        if let (Ok(told), Ok(expected)) = (read(&packed, precision, way), &expected)
            && !matches!(way, Way::Filtered(..))
        {
            assert!(
                expected.packets.starts_with(&told.packets),
                "the beginning of a file is another"
            );
        }
    }
}

/// A member of stored blocks: RFC 1952, RFC 1951.
fn gzip(bytes: &[u8], to: &mut Vec<u8>) {
    to.extend([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
    for block in bytes.chunks(40_000) {
        let len = block.len() as u16;
        to.push(0);
        to.extend([len.to_le_bytes(), (!len).to_le_bytes()].concat());
        to.extend(block);
    }
    to.extend([1, 0, 0, 0xff, 0xff]);
    to.extend(crc32(bytes).to_le_bytes());
    to.extend((bytes.len() as u32).to_le_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256_u32)
        .map(|n| (0..8).fold(n, |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }))
        .collect();
    !bytes.iter().fold(!0, |crc, byte| crc >> 8 ^ table[usize::from(crc as u8 ^ byte)])
}

/// A frame of raw blocks, and of runs where there are some: RFC 8878.
fn zstd(bytes: &[u8], to: &mut Vec<u8>) {
    to.extend([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]);
    for block in bytes.chunks(100_000) {
        let run = block.iter().all(|byte| *byte == block[0]);
        let header = (block.len() as u32) << 3 | u32::from(run) << 1;
        to.extend(&header.to_le_bytes()[..3]);
        to.extend(if run { &block[..1] } else { block });
    }
    to.extend([1, 0, 0]);
}

/// An LZ4 frame of blocks that are not compressed, without checksums; what may be skipped, before it.
fn lz4_or_skipped(bytes: &[u8], share: u8, to: &mut Vec<u8>) {
    if share & 1 == 1 && !to.is_empty() {
        to.extend([0x50 | share & 15, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    }
    // Version 1, independent blocks of up to 4 MiB; the header's checksum.
    to.extend([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]);
    for block in bytes.chunks(100_000) {
        to.extend((block.len() as u32 | 1 << 31).to_le_bytes());
        to.extend(block);
    }
    to.extend([0; 4]);
}
