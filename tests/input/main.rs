//! How the bytes of a savefile arrive, and who else holds the file: streams, positions, pipes, files that grow,
//! descriptors, and compressed files. Through the C interface, beside the distribution's library where it does the
//! same.

#[path = "../support/mod.rs"]
mod support;

mod api;
mod closing;
mod compressed;
mod hostile;
mod positions;
mod waiting;

use std::fs;
use std::path::{Path, PathBuf};

/// Where the first record of a file is.
const FIRST: usize = 24;

/// The lengths that packets take in turn.
const LENGTHS: [usize; 7] = [60, 0, 1514, 90, 61, 9000, 342];

/// The bytes of packet `n`.
fn packet(n: usize) -> Vec<u8> {
    (0..LENGTHS[n % LENGTHS.len()]).map(|at| (n.wrapping_mul(31) + at * at) as u8).collect()
}

/// The record of packet `n`.
fn record(n: usize) -> Vec<u8> {
    let data = packet(n);
    let header = [n as u32, (n % 999_983) as u32, data.len() as u32, data.len() as u32 + 1];
    header.into_iter().flat_map(u32::to_ne_bytes).chain(data).collect()
}

/// A file's header, for Ethernet.
fn header() -> Vec<u8> {
    let words = [0xa1b2_c3d4, u32::from_ne_bytes([2, 0, 4, 0]), 0, 0, 65_535, 1];
    words.into_iter().flat_map(u32::to_ne_bytes).collect()
}

/// A file of these packets.
fn capture(packets: std::ops::Range<usize>) -> Vec<u8> {
    header().into_iter().chain(packets.flat_map(record)).collect()
}

/// Where packet `n` of a file that begins with packet 0 begins.
fn offset(n: usize) -> usize {
    FIRST + (0..n).map(|n| record(n).len()).sum::<usize>()
}

/// A file of this test's own.
fn file(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, bytes).expect("write a file");
    path
}
