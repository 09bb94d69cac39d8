//! Any savefile, read by the distribution's library and by ours in one process: what they say of it, every packet,
//! and what they say at the end. From the environment:
//!
//! - `OFFLINE_TIMES`: so many times as many damaged files;
//! - `OFFLINE_SHOWN`: how many of the differences are shown;
//! - `PCAP_REFERENCE`: another library than the distribution's.

#[path = "support/mod.rs"]
mod support;

use support::corpus::{self, Entry};
use support::library;
use support::programs;
use support::random::Random;
use support::readers::{Reader, SavedBytes, Way};
use support::transcripts::difference;

const WAYS: &[Way] = &[
    Way::NextEx,
    Way::NextExOfStream,
    Way::Loop(-1),
    Way::Loop(3),
    Way::Loop(0),
    Way::Dispatch(-1),
    Way::Dispatch(1),
    Way::Dispatch(200),
    Way::Breaking(2),
    Way::DispatchBreaking(2),
    Way::DispatchBreaking(129),
    Way::Tell,
    Way::Filter(60),
    Way::Filter(100_000),
    Way::FilterInCallback(1, 60),
    Way::FilterInCallback(3, 50),
];

/// A number from the environment.
fn env(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// Compares files in some ways each, or all; fails with the first few differences.
fn compare(files: impl Iterator<Item = (String, Vec<u8>)>, ways: usize) {
    let mut random = Random::new(4);
    let (mut cases, mut bad) = (0, Vec::new());
    for (name, bytes) in files {
        let file = SavedBytes::new(&bytes);
        for way in WAYS.iter().take(ways) {
            let way = if ways == WAYS.len() { *way } else { random.pick(WAYS) };
            let precision = random.pick(&[0, 0, 0, 1, 1, 1, 7]);
            cases += 1;
            if let Some(difference) = difference(&bytes, &file, precision, way) {
                bad.push(format!("{name}, {way:?}, precision {precision}: {difference}"));
            }
        }
    }
    let first: Vec<_> = bad.iter().take(env("OFFLINE_SHOWN", 10)).map(String::as_str).collect();
    let whose = Reader::theirs().version();
    assert!(bad.is_empty(), "{} of {cases} differ from {whose}:\n{}", bad.len(), first.join("\n"));
}

fn whole(entries: Vec<Entry>) -> impl Iterator<Item = (String, Vec<u8>)> {
    entries.into_iter().map(|entry| (entry.name, entry.made.bytes))
}

/// Each of them, damaged in so many ways.
fn damaged(entries: Vec<Entry>, times: u32) -> impl Iterator<Item = (String, Vec<u8>)> {
    entries.into_iter().enumerate().flat_map(move |(n, entry)| {
        let times = times * env("OFFLINE_TIMES", 1) as u32;
        let times = if entry.made.bytes.len() > 20_000 { times / 4 } else { times };
        (0..times).map(move |time| {
            let mut random = Random::new((n as u64) << 32 | u64::from(time));
            (format!("{}, damage {time}", entry.name), corpus::damaged(&entry.made, &mut random))
        })
    })
}

/// Cut before, at and behind every field.
fn cut(entries: Vec<Entry>) -> impl Iterator<Item = (String, Vec<u8>)> {
    entries.into_iter().flat_map(|entry| {
        let marks = entry.made.marks.clone();
        let places =
            marks.into_iter().take(40).flat_map(|mark| [mark.wrapping_sub(1), mark, mark + 1]);
        let places: Vec<_> = places.filter(|place| *place <= entry.made.bytes.len()).collect();
        places.into_iter().map(move |place| {
            (format!("{}, cut at {place}", entry.name), entry.made.bytes[..place].to_vec())
        })
    })
}

/// What the distribution's programs write.
#[test]
fn files_of_other_programs() {
    let entries = programs::entries(&library::scratch("offline"));
    assert!(entries.len() > 60, "{} files", entries.len());
    compare(whole(entries.clone()), WAYS.len());
    compare(damaged(entries, 12), 2);
}

#[test]
fn classic_files() {
    compare(whole(corpus::classic()), WAYS.len());
}

#[test]
fn classic_files_cut() {
    compare(cut(corpus::classic()), 1);
}

#[test]
fn classic_files_damaged() {
    compare(damaged(corpus::classic(), 40), 2);
}

#[test]
fn pcapng_files() {
    compare(whole(corpus::pcapng()), WAYS.len());
}

#[test]
fn pcapng_files_cut() {
    compare(cut(corpus::pcapng()), 1);
}

#[test]
fn pcapng_files_damaged() {
    compare(damaged(corpus::pcapng(), 40), 2);
}
