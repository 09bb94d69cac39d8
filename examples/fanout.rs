//! Captures on one device with several threads, each with a handle of one fanout group, and shows what each gets
//! while it runs: `cargo run --example fanout -- [-i device] [-m mode] [-n threads] [-c packets] [-t seconds]`.
//!
//! The same in C is `fanout.c`. Here each thread opens its own handle: the first one's group is new, the others join.
#![allow(unsafe_code, reason = "signal(2)")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "counts are what it is for")]

use pcap::capture::fanout::{MODES, Mode};
use pcap::error::Result;
use pcap::handle::told::What;
use pcap::handle::{Handle, Patience, Search, Step};
use pcap::sys::poll;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: fanout [-i device] [-m mode] [-n threads] [-c packets] [-t seconds]\n";
const INTERVAL: Duration = Duration::from_millis(500);
/// How long a thread sleeps at most, in milliseconds, before it looks whether to stop.
const NAP_MS: i32 = 100;

/// Set by signals, and by whoever has had enough.
static STOPPED: AtomicBool = AtomicBool::new(false);

extern "C" fn stop(_: libc::c_int) {
    STOPPED.store(true, Relaxed);
}

struct Options {
    device: String,
    mode: Mode,
    threads: usize,
    /// 0 for all that come.
    packets: u64,
    limit: Option<Duration>,
}

/// What a thread has counted, on cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Counts {
    packets: AtomicU64,
    drops: AtomicU64,
}

fn options() -> Option<Options> {
    let mut options =
        Options { device: "any".to_owned(), mode: Mode::Hash, threads: 2, packets: 0, limit: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next()?;
        match option.as_str() {
            "-i" => options.device = value,
            "-m" => options.mode = MODES.iter().find(|(name, _)| *name == value)?.1,
            "-n" => options.threads = value.parse().ok().filter(|n| (1..=256).contains(n))?,
            "-c" => options.packets = value.parse().ok()?,
            "-t" => options.limit = Duration::try_from_secs_f64(value.parse().ok()?).ok(),
            _ => return None,
        }
    }
    Some(options)
}

/// A handle of group `group`, or of a new one.
fn open(options: &Options, group: Option<u16>) -> Result<Handle> {
    let handle = Handle::default();
    handle.create(options.device.clone().into())?;
    handle.configure(|settings| {
        settings.snaplen = 128;
        settings.timeout_ms = 100;
        settings.buffer_size = 8 << 20;
        settings.nonblocking = true;
        settings.tuning.set_fanout(options.mode as i32, 0, group.map_or(-1, i32::from))
    })??;
    handle.activate()?;
    Ok(handle)
}

/// Reads until it is time to stop.
fn read(handle: &Handle, options: &Options, counts: &Counts, taken: &AtomicU64) -> Result<()> {
    let token = handle.control.token();
    while !STOPPED.load(Relaxed) {
        match handle.step(&mut Search::new(token, Patience::None, false))? {
            Step::Packets => {}
            _ => {
                let fd = handle.told.get(What::Fd);
                // What it comes to, the next step tells.
                let _ = poll::poll(&mut [poll::readable(fd)], NAP_MS);
            }
        }
        let batch = handle.lent();
        // Here the work would be done, on what each of the two returns.
        while batch.take_slot().is_some() || batch.take_from_run().is_some() {
            if options.packets != 0 && taken.fetch_add(1, Relaxed) >= options.packets {
                STOPPED.store(true, Relaxed);
                break;
            }
            counts.packets.fetch_add(1, Relaxed);
        }
        counts.drops.store(handle.stats(true)?.dropped, Relaxed);
    }
    Ok(())
}

/// One line a thread and one for all; over the last ones, if it is a terminal.
fn report(all: &[Counts], shown: &mut [u64], seconds: f64, since: f64, first: bool) {
    let mut out = std::io::stdout().lock();
    let (up, end) = match out.is_terminal() {
        true if !first => (format!("\x1b[{}A", all.len() + 2), "\x1b[K"),
        true => (String::new(), "\x1b[K"),
        false => (String::new(), ""),
    };
    let mut text = format!("{up}after {seconds:.1} seconds\n");
    let mut line = |name: &str, packets: u64, drops: u64, new: u64| {
        let rate = new as f64 / since;
        text +=
            &format!("{name:9} {packets:12} packets {drops:10} drops {rate:12.0} packets/s{end}\n");
    };
    let mut sum = (0, 0, 0);
    for (number, (counts, shown)) in all.iter().zip(shown).enumerate() {
        let (packets, drops) = (counts.packets.load(Relaxed), counts.drops.load(Relaxed));
        let new = packets - *shown;
        line(&format!("thread {number}"), packets, drops, new);
        *shown = packets;
        sum = (sum.0 + packets, sum.1 + drops, sum.2 + new);
    }
    line("all", sum.0, sum.1, sum.2);
    // Whoever reads it may be gone.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// What was shown, and when.
struct Watch {
    start: Instant,
    last: Instant,
    shown: Vec<u64>,
    first: bool,
}

impl Watch {
    fn report(&mut self, all: &[Counts]) {
        let (seconds, since) = (self.start.elapsed(), self.last.elapsed());
        report(all, &mut self.shown, seconds.as_secs_f64(), since.as_secs_f64(), self.first);
        (self.last, self.first) = (Instant::now(), false);
    }

    /// Shows the counts until it is time to stop.
    fn watch(&mut self, options: &Options, all: &[Counts]) {
        let over = |now: Duration| options.limit.is_some_and(|limit| now >= limit);
        while !STOPPED.load(Relaxed) && !over(self.start.elapsed()) {
            thread::sleep(Duration::from_millis(10));
            if self.last.elapsed() >= INTERVAL {
                self.report(all);
            }
        }
        STOPPED.store(true, Relaxed);
    }
}

fn run(options: &Options) -> Result<()> {
    let all: Vec<Counts> = (0..options.threads).map(|_| Counts::default()).collect();
    let taken = AtomicU64::new(0);
    let now = Instant::now();
    let mut watch = Watch { start: now, last: now, shown: vec![0; all.len()], first: true };
    thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        let mut group = None;
        for counts in &all {
            let (tell, taken) = (tell.clone(), &taken);
            scope.spawn(move || {
                let opened = open(options, group);
                let number = opened.as_ref().map_err(Clone::clone).and_then(Handle::group);
                let _ = tell.send(number);
                if let Ok(handle) = opened
                    && let Err(error) = read(&handle, options, counts, taken)
                {
                    eprintln!("fanout: {}", error.text());
                    STOPPED.store(true, Relaxed);
                }
            });
            // The first one's group is there before the second asks for it.
            let opened = told.recv().unwrap_or(Ok(None));
            group = opened.inspect_err(|_| STOPPED.store(true, Relaxed))?;
        }
        println!("group {}, {} threads", group.unwrap_or(0), options.threads);
        watch.watch(options, &all);
        Ok(())
    })?;
    watch.report(&all);
    Ok(())
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler does nothing but store to an atomic.
        unsafe { libc::signal(signal, stop as *const () as libc::sighandler_t) };
    }
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fanout: {}: {}", options.device, error.text());
            ExitCode::FAILURE
        }
    }
}
