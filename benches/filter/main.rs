//! The filter compiler and its programs on our library and on the distribution's, side by side in one run.
//!
//! `cargo bench --bench filter [-- --quick]`. Prints Markdown. Both libraries are loaded from their files
//! ($PCAP_LIB_DIR or the one built with the bench, and $PCAP_REFERENCE or the distribution's) and take turns
//! in every repetition; times are processor time, and a ratio is the median of the repetitions' ratios.
#![allow(unsafe_code, reason = "calls libpcap's C interface, fork and clock_gettime")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is what a bench is for")]

mod compile;
mod expressions;
#[path = "../shared/library.rs"]
mod library;
mod native;
#[path = "../shared/packets.rs"]
mod packets;
mod pcap;
#[path = "../../fuzz/bodies/reference.rs"]
mod reference;
#[path = "../shared/report.rs"]
mod report;
mod run;

use self::pcap::Lib;
use library::{our_path, reference_path};
use std::process::ExitCode;

/// How much work one run does.
pub struct Effort {
    reps: usize,
    /// How long one measurement lasts, in microseconds.
    slice: u64,
    /// Terms of the longest list.
    longest: u32,
}

const FULL: Effort = Effort { reps: 9, slice: 10_000, longest: 10_000 };
const QUICK: Effort = Effort { reps: 3, slice: 3_000, longest: 1000 };

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|a| a == name);
    if !has("--bench") && !has("--quick") {
        // `cargo test --all-targets` runs benches without --bench.
        println!("run me with: cargo bench --bench filter [-- --quick]");
        return ExitCode::SUCCESS;
    }
    match measure(if has("--quick") { &QUICK } else { &FULL }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("filter: {e}");
            ExitCode::FAILURE
        }
    }
}

fn measure(effort: &Effort) -> Result<(), String> {
    let libs = [Lib::load("libpcap", &reference_path()?)?, Lib::load("ours", &our_path()?)?];
    for lib in &libs {
        println!("- {}: {} ({})", lib.name, lib.version(), lib.path.display());
    }
    compile::usual(&libs, effort)?;
    run::table(&libs, effort)?;
    compile::growth(&libs, effort)
}

/// The processor time that this thread has had, in nanoseconds.
pub fn thread_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: room for the result; the clock exists since Linux 2.6.12.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}
