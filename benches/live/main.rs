//! Live capture on our library and on the distribution's, side by side in one run.
//!
//! `cargo bench --bench live [-- --quick] [--only TEXT]`. Everything happens in a network namespace that the
//! bench makes for itself, over veth pairs: root, or a normal user with user namespaces. Where the
//! machine has no hardware counter or the user may not see the tracepoint, instructions and system
//! calls are counted with ptrace, and only while a full ring is emptied.
//!
//! Both libraries are loaded from their files ($PCAP_LIB_DIR or the one built with the bench, and
//! $PCAP_REFERENCE or the distribution's) and run one after the other in every repetition, so that
//! the drifts of a shared machine cancel in the ratio.
#![allow(unsafe_code, reason = "calls libpcap's C interface, perf_event_open and ptrace")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is what a bench is for")]

mod cases;
mod count;
#[path = "../shared/library.rs"]
mod library;
mod netns;
mod pcap;
mod report;
mod trace;
mod traffic;

use std::process::ExitCode;

use cases::{Case, DrainCase, LiveCase, TcpCase};
use library::{our_path, reference_path};
use pcap::{Api, Lib};

/// No run is longer than this many seconds: SIGALRM ends the process.
const LIMIT_SECS: u32 = 1200;

/// How much work one run does.
struct Effort {
    reps: usize,
    /// Packets of one measurement at a given rate.
    packets: usize,
    /// Packets sent into a ring that nobody reads yet.
    fill: usize,
    /// Bytes of one bulk transfer.
    bulk: usize,
    /// How rings are emptied, and of which packets.
    drains: &'static [(Api, usize)],
}

const FULL: Effort = Effort {
    reps: 7,
    packets: 200_000,
    fill: 60_000,
    bulk: 2 << 30,
    drains: &[
        (Api::Loop, 64),
        (Api::Loop, 1500),
        (Api::Dispatch, 64),
        (Api::NextEx, 64),
        (Api::Batch, 64),
    ],
};
const QUICK: Effort = Effort {
    reps: 3,
    packets: 20_000,
    fill: 20_000,
    bulk: 512 << 20,
    drains: &[(Api::Loop, 64), (Api::NextEx, 64), (Api::Batch, 64)],
};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|a| a == name);
    if !has("--bench") && !has("--quick") {
        // `cargo test --all-targets` runs benches without --bench.
        println!("run me with: cargo bench --bench live [-- --quick]");
        return ExitCode::SUCCESS;
    }
    let only = args.iter().position(|a| a == "--only").and_then(|i| args.get(i + 1));
    match run(if has("--quick") { &QUICK } else { &FULL }, only.map_or("", String::as_str)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("live: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(effort: &Effort, only: &str) -> Result<(), String> {
    // SAFETY: alarm() has no preconditions.
    unsafe { libc::alarm(LIMIT_SECS) };
    let libs = [Lib::load("libpcap", &reference_path()?)?, Lib::load("ours", &our_path()?)?];
    netns::enter()?;
    for lib in &libs {
        println!("{:8} {}  {}", lib.name, lib.path.display(), lib.version());
    }
    println!("{}", count::availability());

    let run = Run { libs, reps: effort.reps, only };
    run.table("At a rate: pcap_loop while the packets arrive", &live_cases(effort));
    run.table(
        "Emptying a ring that was filled while nobody read: the library's own cost",
        &drain_cases(effort),
    );
    run.table(
        "Bulk TCP with segmentation offload, both directions seen",
        &[true, false].map(|immediate| TcpCase { immediate, bytes: effort.bulk }),
    );
    Ok(())
}

/// What every table is made with.
struct Run<'a> {
    libs: [Lib; 2],
    reps: usize,
    /// Only cases with this text in their label.
    only: &'a str,
}

impl Run<'_> {
    /// Runs each case on each library, alternating which goes first, and prints one line per case.
    fn table<C: Case>(&self, title: &str, cases: &[C]) {
        let chosen: Vec<&C> = cases.iter().filter(|c| c.label().contains(self.only)).collect();
        if !chosen.is_empty() {
            report::head(title);
        }
        for case in chosen {
            let mut results = [Vec::new(), Vec::new()];
            for rep in 0..self.reps {
                for i in [rep % 2, 1 - rep % 2] {
                    results[i].push(case.measure(&self.libs[i], rep));
                }
            }
            report::line(&case.label(), &results);
        }
    }
}

fn live_cases(effort: &Effort) -> Vec<LiveCase> {
    let mut cases = vec![LiveCase {
        immediate: true,
        size: 64,
        buffer: None,
        rate: 300_000,
        packets: effort.packets * 2,
    }];
    for immediate in [false, true] {
        for (size, rate) in [(64, 200_000), (1500, 100_000)] {
            for mib in [2, 32] {
                let buffer = Some(mib << 20);
                cases.push(LiveCase { immediate, size, buffer, rate, packets: effort.packets });
            }
        }
    }
    cases
}

fn drain_cases(effort: &Effort) -> Vec<DrainCase> {
    let mut cases = Vec::new();
    for immediate in [false, true] {
        for &(api, size) in effort.drains {
            cases.push(DrainCase { immediate, size, api, packets: effort.fill });
        }
    }
    cases
}
