//! Packets delivered and lost at full rate, by one reader and by two that share a fanout group.
//!
//! `cargo bench --bench fanout [-- --quick]`. In a network namespace of its own, over a veth pair: root, or a normal
//! user with user namespaces. One thread sends a number of packets as fast as sendmmsg(2) takes them; each reader
//! does the same work for each packet that it is given. All ways to read take turns in every repetition, and medians
//! are told.
#![allow(unsafe_code, reason = "calls libpcap's C interface and sendmmsg")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is what a bench is for")]

mod flows;
#[path = "../shared/library.rs"]
mod library;
#[path = "../live/netns.rs"]
#[allow(dead_code, reason = "shared with the bench of live captures")]
mod netns;
mod pcap;
#[path = "../shared/report.rs"]
#[allow(dead_code, reason = "shared with other benches")]
mod report;

use flows::Sender;
use library::{our_path, reference_path};
use pcap::{Capture, Header, Lib};
use report::median;
use std::ffi::{c_int, c_uchar, c_void};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// No run is longer than this many seconds: SIGALRM ends the process.
const LIMIT_SECS: u32 = 900;
/// Bytes of buffer for all readers of a case, the default of one.
const BUFFER: c_int = 2 << 20;
/// `PCAP_FANOUT_HASH` and `PCAP_FANOUT_LB`.
const HASH: c_int = 0;
const LB: c_int = 1;

/// A way to read.
struct Way {
    name: &'static str,
    ours: bool,
    fanout: Option<c_int>,
    readers: usize,
    /// Bytes of buffer for each reader.
    buffer: c_int,
}

const WAYS: [Way; 6] = [
    Way { name: "libpcap, 1 reader", ours: false, fanout: None, readers: 1, buffer: BUFFER },
    Way { name: "ours, 1 reader", ours: true, fanout: None, readers: 1, buffer: BUFFER },
    Way { name: "ours, group of 1", ours: true, fanout: Some(HASH), readers: 1, buffer: BUFFER },
    Way { name: "ours, 2 by hash", ours: true, fanout: Some(HASH), readers: 2, buffer: BUFFER },
    Way { name: "ours, 2 by turns", ours: true, fanout: Some(LB), readers: 2, buffer: BUFFER },
    Way {
        name: "ours, 2 by hash, half the buffer each",
        ours: true,
        fanout: Some(HASH),
        readers: 2,
        buffer: BUFFER / 2,
    },
];

/// What one run came to.
#[derive(Clone, Copy)]
struct Outcome {
    sent: f64,
    delivered: f64,
    dropped: f64,
    /// Packets sent in a second.
    rate: f64,
}

/// What a reader does and has done.
#[repr(align(128))]
struct Tally {
    packets: AtomicU64,
    /// How often it goes over the bytes of a packet.
    rounds: usize,
    /// What came of it, or it would not be done.
    sum: AtomicU64,
}

unsafe extern "C" fn work(user: *mut c_void, header: *const Header, data: *const c_uchar) {
    // SAFETY: the pointer that was given with this callback; a packet of `caplen` bytes.
    let (tally, bytes) = unsafe {
        (&*user.cast::<Tally>(), std::slice::from_raw_parts(data, (*header).caplen as usize))
    };
    let mut sum = tally.sum.load(Relaxed);
    for _ in 0..tally.rounds {
        for byte in bytes {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    tally.sum.store(sum, Relaxed);
    tally.packets.store(tally.packets.load(Relaxed) + 1, Relaxed);
}

/// Sends while the readers read, until they have read what was sent and not dropped.
fn measure(lib: &Lib, way: &Way, rounds: usize, packets: usize) -> Result<Outcome, String> {
    let all = lib.open(netns::CAPTURE, way.fanout, way.readers, way.buffer)?;
    let mut sender = Sender::new(netns::SEND)?;
    let tallies: Vec<Tally> = (0..way.readers)
        .map(|_| Tally { packets: AtomicU64::new(0), rounds, sum: AtomicU64::new(0) })
        .collect();
    let delivered = || tallies.iter().map(|tally| tally.packets.load(Relaxed)).sum::<u64>();
    let dropped = || all.iter().map(Capture::dropped).sum::<u64>();
    thread::scope(|scope| {
        for (capture, tally) in all.iter().zip(&tallies) {
            scope.spawn(move || capture.read(work, tally));
        }
        let start = Instant::now();
        let sent = sender.flood(packets);
        let seconds = start.elapsed().as_secs_f64();
        // The readers read what they have, which is at hand or lost.
        let (mut last, mut quiet) = (delivered(), Instant::now());
        while quiet.elapsed() < Duration::from_millis(200) {
            thread::sleep(Duration::from_millis(5));
            if delivered() != last {
                (last, quiet) = (delivered(), Instant::now());
            }
        }
        let outcome = Outcome {
            sent: sent as f64,
            delivered: delivered() as f64,
            dropped: dropped() as f64,
            rate: sent as f64 / seconds,
        };
        all.iter().for_each(Capture::stop);
        Ok(outcome)
    })
}

fn table(
    libs: &[Lib; 2],
    what: &str,
    rounds: usize,
    packets: usize,
    reps: usize,
) -> Result<(), String> {
    println!("\n### {what}\n");
    println!(
        "| | sent/s | sent | delivered | dropped | dropped % |\n|---|---:|---:|---:|---:|---:|"
    );
    let mut all: [Vec<Outcome>; WAYS.len()] = Default::default();
    for rep in 0..reps {
        for turn in 0..WAYS.len() {
            let at = (turn + rep) % WAYS.len();
            let lib = &libs[usize::from(WAYS[at].ours)];
            all[at].push(measure(lib, &WAYS[at], rounds, packets)?);
        }
    }
    let of = |at: usize, get: fn(&Outcome) -> f64| {
        median(&all[at].iter().map(get).collect::<Vec<_>>()).unwrap_or(f64::NAN)
    };
    for (at, way) in WAYS.iter().enumerate() {
        println!(
            "| {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} |",
            way.name,
            of(at, |o| o.rate),
            of(at, |o| o.sent),
            of(at, |o| o.delivered),
            of(at, |o| o.dropped),
            of(at, |o| 100.0 * o.dropped / o.sent),
        );
    }
    // What came neither here nor there would be a fault of the bench or of the library.
    let astray = all.iter().flatten().map(|o| o.sent - o.delivered - o.dropped).fold(0.0, f64::max);
    println!("\nSent, neither delivered nor dropped, at most: {astray:.0}.");
    for two in [3, 4] {
        let more = of(two, |o| o.delivered) >= of(1, |o| o.delivered);
        let fewer = of(two, |o| o.dropped) <= of(1, |o| o.dropped);
        let holds = if more && fewer { "holds" } else { "does not hold" };
        println!(
            "Two deliver at least as much as one and drop no more: {holds} ({}).",
            WAYS[two].name
        );
    }
    Ok(())
}

fn run(quick: bool) -> Result<(), String> {
    // SAFETY: alarm() has no preconditions.
    unsafe { libc::alarm(LIMIT_SECS) };
    let libs = [Lib::load(&reference_path()?, false)?, Lib::load(&our_path()?, true)?];
    netns::enter()?;
    let (packets, reps) = if quick { (200_000, 3) } else { (800_000, 9) };
    // The more there is to do for a packet, the fewer come through and the fewer are needed.
    for (rounds, packets) in [(1, packets), (32, packets / 4), (128, packets / 8)] {
        let what = format!("Readers that look at each of 64 bytes {rounds} times");
        table(&libs, &what, rounds, packets, reps)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|a| a == name);
    if !has("--bench") && !has("--quick") {
        // `cargo test --all-targets` runs benches without --bench.
        println!("run me with: cargo bench --bench fanout [-- --quick]");
        return ExitCode::SUCCESS;
    }
    match run(has("--quick")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("fanout: {e}");
            ExitCode::FAILURE
        }
    }
}
