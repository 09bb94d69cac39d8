//! Sending over a veth: packets per second of the sender's processor time, by the distribution's `pcap_sendpacket`,
//! by ours, by send queues, and by bare loops around the system calls.
//!
//! `cargo bench --bench send [-- --quick]`, in a network namespace that it makes for itself. All ways take turns in
//! every repetition, and a ratio is the median of the ratios within the repetitions. The time is the thread's own,
//! which has in it what the kernel does on its behalf, up to the other end of the veth.
#![allow(unsafe_code, reason = "calls libpcap's C interface and packet sockets")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is what a bench is for")]

mod bare;
#[path = "../shared/library.rs"]
mod library;
#[path = "../live/netns.rs"]
#[allow(dead_code, reason = "this bench needs no TCP")]
mod netns;
mod packets;
mod pcap;

use bare::Socket;
use packets::{COUNT, SIZE};
use pcap::{How, Lib};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// No run is longer than this many seconds: SIGALRM ends the process.
const LIMIT_SECS: u32 = 600;
/// Bytes of a ring to send from.
const RING: i32 = 2 << 20;

/// `PCAP_TX_RING_COPY`.
const COPY: i32 = 2;
/// `PCAP_TX_RING_XDP`.
const XDP: i32 = 4;

/// A way to send.
enum Way {
    Theirs,
    Ours,
    Queue(How),
    Sendmmsg { qdisc_bypass: bool },
    Ring { qdisc_bypass: bool },
}

const BARE: &str = "bare loop around sendmmsg(2)";
const QUEUE: &str = "our send queue";

fn ways() -> Vec<(&'static str, Way)> {
    let how = |qdisc_bypass, flags: Option<i32>| {
        Way::Queue(How { qdisc_bypass, tx_ring: flags.map(|flags| (RING, flags)) })
    };
    vec![
        ("pcap_sendpacket of the distribution", Way::Theirs),
        ("our pcap_sendpacket", Way::Ours),
        (QUEUE, how(false, None)),
        ("our send queue, past the queueing discipline", how(true, None)),
        ("our send queue, from a ring", how(false, Some(0))),
        ("our send queue, from a ring, past the queueing discipline", how(true, Some(0))),
        ("our send queue, copied from a ring", how(false, Some(COPY))),
        ("our send queue, copied from a ring, past the queueing discipline", how(true, Some(COPY))),
        ("our send queue, by XDP", how(false, Some(XDP))),
        (BARE, Way::Sendmmsg { qdisc_bypass: false }),
        ("the same, past the queueing discipline", Way::Sendmmsg { qdisc_bypass: true }),
        ("bare loop around a ring", Way::Ring { qdisc_bypass: false }),
        ("the same, past the queueing discipline", Way::Ring { qdisc_bypass: true }),
    ]
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|a| a == name);
    if !has("--bench") && !has("--quick") {
        // `cargo test --all-targets` runs benches without --bench.
        println!("run me with: cargo bench --bench send [-- --quick]");
        return ExitCode::SUCCESS;
    }
    // Rounds of all packets, and repetitions.
    let (rounds, reps) = if has("--quick") { (10, 3) } else { (30, 11) };
    match run(rounds, reps) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("send: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(rounds: usize, reps: usize) -> Result<(), String> {
    // SAFETY: alarm() has no preconditions.
    unsafe { libc::alarm(LIMIT_SECS) };
    let bench = Bench {
        theirs: Lib::load(&library::reference_path()?, false)?,
        ours: Lib::load(&library::our_path()?, true)?,
        packets: packets::packets(),
        rounds,
    };
    netns::enter()?;
    println!("libpcap  {}\nours     {}", bench.theirs.path.display(), bench.ours.path.display());
    table("nobody captures at the other end", &bench, reps)?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| -> Result<u64, String> {
            let handle = bench.theirs.open(netns::SEND, How::default())?;
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                handle.read(&mut count)?;
            }
            Ok(count)
        });
        let done = table("the distribution's library captures at the other end", &bench, reps);
        stop.store(true, Ordering::Relaxed);
        // A last packet ends a read that waits for one.
        bench.theirs.open(netns::CAPTURE, How::default())?.send(&bench.packets[0])?;
        let read = reader.join().map_err(|_| "the reader failed".to_owned())??;
        println!("\n{read} packets captured");
        done
    })
}

/// What is measured with.
struct Bench {
    theirs: Lib,
    ours: Lib,
    packets: Vec<[u8; SIZE]>,
    rounds: usize,
}

impl Bench {
    /// Packets per second.
    fn measure(&self, way: &Way) -> Result<f64, String> {
        let count = COUNT * self.rounds;
        match way {
            Way::Theirs | Way::Ours => {
                let lib = if matches!(way, Way::Ours) { &self.ours } else { &self.theirs };
                let handle = lib.open(netns::CAPTURE, How::default())?;
                rate(count, || (0..count).try_for_each(|n| handle.send(&self.packets[n % COUNT])))
            }
            Way::Queue(how) => {
                let handle = self.ours.open(netns::CAPTURE, *how)?;
                let mut queue = packets::queue(&self.packets);
                rate(count, || (0..self.rounds).try_for_each(|_| handle.transmit(&mut queue)))
            }
            Way::Sendmmsg { qdisc_bypass } => {
                let socket = Socket::new(netns::CAPTURE, *qdisc_bypass)?;
                rate(count, || socket.sendmmsg(&self.packets, count))
            }
            Way::Ring { qdisc_bypass } => {
                let socket = Socket::new(netns::CAPTURE, *qdisc_bypass)?;
                rate(count, || socket.ring(&self.packets, count))
            }
        }
    }
}

/// Packets per second of this thread's processor time.
fn rate(count: usize, send: impl FnOnce() -> Result<(), String>) -> Result<f64, String> {
    let start = thread_seconds();
    send()?;
    Ok(count as f64 / (thread_seconds() - start))
}

fn thread_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn table(title: &str, bench: &Bench, reps: usize) -> Result<(), String> {
    let ways = ways();
    let mut rates = vec![Vec::new(); ways.len()];
    for rep in 0..reps {
        for i in 0..ways.len() {
            // Each repetition begins with another one.
            let i = (i + rep) % ways.len();
            rates[i].push(bench.measure(&ways[i].1)?);
        }
    }
    println!("\n### {SIZE}-byte packets, {title}\n");
    println!("| | packets/s | of the distribution's pcap_sendpacket | of a bare sendmmsg loop |");
    println!("|---|---:|---:|---:|");
    let place = |name: &str| ways.iter().position(|(n, _)| *n == name).unwrap_or(0);
    let ratio =
        |i: usize, to: usize| median(rates[i].iter().zip(&rates[to]).map(|(a, b)| a / b).collect());
    let bare = place(BARE);
    for (i, (name, _)) in ways.iter().enumerate() {
        let (theirs, bare) = (ratio(i, 0), ratio(i, bare));
        println!("| {name} | {:.0} | {theirs:.2} | {bare:.2} |", median(rates[i].clone()));
    }
    let (queue, best) =
        (place(QUEUE), (0..ways.len()).filter(|i| matches!(ways[*i].1, Way::Queue(_))));
    let best = best.map(|i| ratio(i, 0)).fold(0.0, f64::max);
    println!(
        "\nWanted of a send queue: 1.4 times the distribution's pcap_sendpacket: {:.2}, by the best way {best:.2}.",
        ratio(queue, 0)
    );
    println!(
        "Wanted of it: at least 0.9 of a bare loop around sendmmsg(2): {:.2}.",
        ratio(queue, bare)
    );
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
