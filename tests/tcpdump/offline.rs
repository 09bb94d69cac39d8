//! Reading: `-r` prints the same, and with `-w -` writes the same, whatever the file. The files are those of
//! tests/offline.rs, which compares what the libraries say of each in one process.

use std::fs;
use std::path::PathBuf;

use crate::support::corpus::{self, Entry};
use crate::support::library;
use crate::support::programs;
use crate::support::random::Random;
use crate::support::readers::{Reader, SavedBytes, Way};
use crate::support::tcpdump::{Bench, Run, assert_same};
use crate::support::transcripts::differs_at_all;
use pcap::linktype;

/// What is done with each file, by turns.
const TASKS: &[&str] = &[
    "-w -",
    "-tt -n -e -xx",
    "--nano -w -",
    "--nano -tt -n -e",
    "-w - less 90",
    "-tt -n -c 3 len > 60",
];

/// Fails unless tcpdump does the same with every file.
fn same(name: &str, files: impl Iterator<Item = (String, Vec<u8>)>) {
    let bench = Bench::new();
    let path = std::env::temp_dir().join(format!("libpcap-rs-{name}-{}", std::process::id()));
    let path = Removed(path);
    let file = path.0.display();
    let (mut done, mut differ) = (0, 0);
    for (n, (name, bytes)) in files.enumerate() {
        let task = TASKS[n % TASKS.len()];
        // Wanted differences are the business of tests/offline.rs.
        let memory = SavedBytes::new(&bytes);
        if differs_at_all(&memory, task.starts_with("--nano").into()) {
            differ += 1;
            continue;
        }
        fs::write(&path.0, &bytes).expect("a file");

        let args = format!("-r {file} {task}");
        let mut runs = bench.start(&args).finish();
        // It has no filters, not even none, for the newest link types and a few old ones.
        if runs[0].stderr.contains("unknown data link type") {
            differ += 1;
            continue;
        }
        name_link_type(&mut runs[0], &memory);
        assert_same(&format!("{args}, {name}"), &runs, &[]);
        let [theirs, ours @ ..] = &runs;
        for ours in ours {
            assert!(theirs.stdout == ours.stdout, "{args}, {name}: {:?}", ours.dir);
        }
        done += 1;
    }
    assert!(differ < done / 2, "{differ} are read differently, {done} are not");
}

/// Link types have the newest names and descriptions.
fn name_link_type(theirs: &mut Run, file: &SavedBytes) {
    let Ok(facts) = Reader::ours().read(file, 0, Way::NextEx).opened else { return };
    let (before, after) = ("link-type ", ", snapshot length ");
    let Some(at) = theirs.stderr.find(before).map(|at| at + before.len()) else { return };
    let Some(end) = theirs.stderr[at..].find(after).map(|len| at + len) else { return };
    let named =
        linktype::by_dlt(facts.datalink).map(|row| format!("{} ({})", row.name, row.description));
    let named = named.unwrap_or_else(|| facts.datalink.to_string());
    theirs.stderr.replace_range(at..end, &named);
}

/// A file that goes away.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn whole(entries: Vec<Entry>, every: usize) -> impl Iterator<Item = (String, Vec<u8>)> {
    entries.into_iter().step_by(every).map(|entry| (entry.name, entry.made.bytes))
}

fn damaged(entries: Vec<Entry>, every: usize) -> impl Iterator<Item = (String, Vec<u8>)> {
    entries.into_iter().skip(1).step_by(every).enumerate().map(|(n, entry)| {
        let bytes = corpus::damaged(&entry.made, &mut Random::new(n as u64));
        (format!("{}, damaged", entry.name), bytes)
    })
}

#[test]
fn files_of_other_programs() {
    same("programs", whole(programs::entries(&library::scratch("tcpdump-offline")), 1));
}

#[test]
fn classic_files() {
    same("classic", whole(corpus::classic(), 5).chain(damaged(corpus::classic(), 5)));
}

#[test]
fn pcapng_files() {
    same("pcapng", whole(corpus::pcapng(), 7).chain(damaged(corpus::pcapng(), 7)));
}
