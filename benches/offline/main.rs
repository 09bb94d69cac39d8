//! Savefiles read and written by our library and by the distribution's, side by side in one run.
//!
//! `cargo bench --bench offline [-- --quick] [--only TEXT] [--callgrind]`. Prints Markdown. Both libraries are loaded
//! from their files ($PCAP_LIB_DIR or the one built with the bench, and $PCAP_REFERENCE or the distribution's) and take
//! turns in every repetition; a ratio is the median of the repetitions' ratios. The files lie in memory. With
//! `--callgrind`, user instructions are counted by valgrind, in a process for each library and case.
#![allow(unsafe_code, reason = "calls libpcap's C interface, clock_gettime and getrusage")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is what a bench is for")]

mod callgrind;
mod cases;
mod files;
#[path = "../shared/library.rs"]
mod library;
#[path = "../shared/packets.rs"]
mod packets;
mod pcap;
#[path = "../shared/report.rs"]
mod report;

use self::pcap::Lib;
use cases::{Case, Place};
use library::{our_path, reference_path};
use report::Pair;
use std::path::PathBuf;
use std::process::ExitCode;

/// How much work one run does.
struct Effort {
    reps: usize,
    packets: u32,
}

const FULL: Effort = Effort { reps: 9, packets: 1_000_000 };
const QUICK: Effort = Effort { reps: 3, packets: 200_000 };

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|a| a == name);
    let after = |name: &str| args.iter().skip_while(|a| *a != name).nth(1);
    let result = if has(callgrind::ONE) {
        callgrind::child(&args)
    } else if has("--bench") || has("--quick") {
        let effort = if has("--quick") { &QUICK } else { &FULL };
        measure(effort, after("--only").map_or("", String::as_str), has("--callgrind"))
    } else {
        // `cargo test --all-targets` runs benches without --bench.
        println!(
            "run me with: cargo bench --bench offline [-- --quick] [--only TEXT] [--callgrind]"
        );
        Ok(())
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("offline: {e}");
            ExitCode::FAILURE
        }
    }
}

/// The two libraries' files: libpcap's and ours.
fn paths() -> Result<[PathBuf; 2], String> {
    Ok([reference_path()?, our_path()?])
}

fn measure(effort: &Effort, only: &str, callgrind: bool) -> Result<(), String> {
    let [theirs, ours] = paths()?;
    let libs = [Lib::load(&theirs)?, Lib::load(&ours)?];
    for (name, (lib, path)) in ["libpcap", "ours"].iter().zip(libs.iter().zip([theirs, ours])) {
        println!("- {name}: {} ({})", lib.version(), path.display());
    }
    let place = Place::new(effort.packets)?;
    let counted = if callgrind { Some(callgrind::Places::new()?) } else { None };
    let mut columns = vec!["CPU ns a packet", "user ns a packet"];
    columns.extend(callgrind.then_some("instructions a packet"));
    report::head("Savefiles, packets of 64 bytes", &columns);
    for (n, case) in cases::all().iter().enumerate().filter(|(_, case)| case.label().contains(only))
    {
        let mut pairs = Vec::from(interleaved(&libs, case, &place, effort)?);
        if let Some(places) = &counted {
            pairs.push(places.count(n));
        }
        report::line(&case.label(), &pairs);
    }
    Ok(())
}

/// Processor time and user time a packet. The kernel knows user time only by the tick: it is what all repetitions had
/// together. What fails in one library is noted, and what differs is an error.
fn interleaved(
    libs: &[Lib; 2],
    case: &Case,
    place: &Place,
    effort: &Effort,
) -> Result<[Pair; 2], String> {
    let (mut cpu, mut user) = (Pair::default(), [0.0; 2]);
    let mut seen = [None, None];
    for rep in 0..effort.reps {
        for side in [rep % 2, 1 - rep % 2] {
            let (began, user_began) = (cpu_ns(), user_ns());
            match case.run(&libs[side], place, effort.packets) {
                Ok(result) => {
                    user[side] += user_ns() - user_began;
                    cpu.values[side].push((cpu_ns() - began) / f64::from(effort.packets));
                    seen[side] = Some(result);
                }
                Err(why) => cpu.notes[side] = Some(why),
            }
        }
    }
    let user = user.map(|ns| ns / (f64::from(effort.packets) * effort.reps as f64));
    match seen {
        [Some(theirs), Some(ours)] if theirs != ours => {
            Err(format!("{}: libpcap's {theirs:?}, ours {ours:?}", case.label()))
        }
        [Some(_), Some(_)] => Ok([cpu, Pair::of(user[0], user[1])]),
        _ => Ok([cpu, Pair::default()]),
    }
}

/// The processor time that this thread has had, in nanoseconds.
fn cpu_ns() -> f64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: room for the result; the clock exists since Linux 2.6.12.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

/// The part of it that it had outside the kernel.
fn user_ns() -> f64 {
    // SAFETY: numbers: all zeros is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: room for the result.
    unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
    usage.ru_utime.tv_sec as f64 * 1e9 + usage.ru_utime.tv_usec as f64 * 1e3
}
