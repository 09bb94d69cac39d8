//! Every function of the C interface that answers at once, in our library and in the distribution's, side by side in one run.
//!
//! `cargo bench --bench api [-- --quick] [--only TEXT]`. Prints Markdown, and last which functions of ours take longer.
//! Both libraries are loaded from their files ($PCAP_LIB_DIR or what `make` built, and $PCAP_REFERENCE or the
//! distribution's) and take turns in every repetition. Processor time is the calling thread's; elapsed time is
//! what others on the machine disturb: a function takes longer if it does by both. Everything happens in a network
//! namespace that the bench makes.
#![allow(unsafe_code, reason = "calls libpcap's C interface, unshare and clock_gettime")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is what a bench is for")]

mod calls;
#[allow(unused_macros, unused_imports, reason = "looks functions up by name alone")]
#[path = "../shared/library.rs"]
mod library;
#[allow(dead_code, reason = "made for the bench of capturing, which sends, too")]
#[path = "../live/netns.rs"]
mod netns;
#[allow(dead_code, reason = "not all that the other benches print")]
#[path = "../shared/report.rs"]
mod report;
mod side;

use calls::CALLS;
use library::{our_path, reference_path};
use report::{Pair, head, line, median};
use side::{Prepared, Side, Step};
use std::hint::black_box;
use std::process::ExitCode;

/// How often is measured, and how long each time, in nanoseconds.
struct Effort {
    reps: usize,
    slice: u64,
}

const FULL: Effort = Effort { reps: 25, slice: 1_000_000 };
const QUICK: Effort = Effort { reps: 7, slice: 300_000 };

/// Ratios below are as good as 1: repetitions differ more.
const SAME: f64 = 1.03;
/// So are differences of fewer nanoseconds: they come and go with where code happens to lie.
const SAME_NS: f64 = 1.0;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|a| a == name);
    if !has("--bench") && !has("--quick") {
        // `cargo test --all-targets` runs benches without --bench.
        println!("run me with: cargo bench --bench api [-- --quick] [--only TEXT]");
        return ExitCode::SUCCESS;
    }
    let only = args.iter().position(|a| a == "--only").and_then(|at| args.get(at + 1));
    let effort = if has("--quick") { &QUICK } else { &FULL };
    match measure(effort, only.map_or("", String::as_str)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("api: {e}");
            ExitCode::FAILURE
        }
    }
}

fn measure(effort: &Effort, only: &str) -> Result<(), String> {
    let (theirs, ours) = (reference_path()?, our_path()?);
    netns::enter()?;
    let dir = std::env::temp_dir().join(format!("libpcap-rs-api-{}", std::process::id()));
    let dirs = ["theirs", "ours"].map(|name| dir.join(name));
    for dir in &dirs {
        std::fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    }
    let sides = [Side::new(&theirs, &dirs[0])?, Side::new(&ours, &dirs[1])?];
    head("Calls", &["CPU ns", "elapsed ns"]);
    let mut slower = Vec::new();
    for (name, steps) in CALLS.iter().filter(|(name, _)| name.contains(only)) {
        let times = times(steps, &sides, effort)?;
        line(name, &times);
        let ratio = times.iter().filter_map(ratio).fold(f64::INFINITY, f64::min);
        let difference = times.iter().filter_map(difference).fold(f64::INFINITY, f64::min);
        if ratio > SAME && difference > SAME_NS {
            slower.push(format!("{name} ({ratio:.2})"));
        }
    }
    let _ = std::fs::remove_dir_all(&dir);
    match slower.as_slice() {
        [] => println!("\nNone takes longer."),
        _ => println!("\nLonger: {}.", slower.join(", ")),
    }
    Ok(())
}

/// Ours to theirs.
fn ratio(pair: &Pair) -> Option<f64> {
    let ratios: Vec<f64> = pair.values[0].iter().zip(&pair.values[1]).map(|(t, o)| o / t).collect();
    median(&ratios)
}

/// By how many nanoseconds ours takes longer.
fn difference(pair: &Pair) -> Option<f64> {
    let differences: Vec<f64> =
        pair.values[0].iter().zip(&pair.values[1]).map(|(t, o)| o - t).collect();
    median(&differences)
}

/// What one call takes in each repetition: processor time, elapsed time.
fn times(steps: &[Step], sides: &[Side; 2], effort: &Effort) -> Result<[Pair; 2], String> {
    let mut calls = [Prepared::new(&sides[0], steps)?, Prepared::new(&sides[1], steps)?];
    let mut count = 1;
    while count < 1 << 20
        && calls.iter_mut().map(|call| spent(call, count)[1]).sum::<u64>() < effort.slice
    {
        count *= 2;
    }
    let mut pairs = [Pair::default(), Pair::default()];
    for rep in 0..effort.reps {
        for side in [rep % 2, 1 - rep % 2] {
            let spent = spent(&mut calls[side], count);
            for (pair, ns) in pairs.iter_mut().zip(spent) {
                pair.values[side].push(ns as f64 / f64::from(count));
            }
        }
    }
    Ok(pairs)
}

/// Processor and elapsed time of so many calls.
fn spent(call: &mut Prepared, count: u32) -> [u64; 2] {
    let clocks = [libc::CLOCK_THREAD_CPUTIME_ID, libc::CLOCK_MONOTONIC];
    let before = clocks.map(now);
    for _ in 0..count {
        black_box(call.make());
    }
    let after = clocks.map(now);
    [after[0] - before[0], after[1] - before[1]]
}

fn now(clock: libc::clockid_t) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: room for the result; the clocks exist since Linux 2.6.12.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}
