//! The measurements. Each opens its own capture, so that no state is carried from one to the next.

use std::ffi::{c_uchar, c_void};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::count::{self, Counters, Used};
use crate::netns;
use crate::pcap::{Api, Header, Lib, TIMEOUT_MS};
use crate::trace::{self, What};
use crate::traffic::{ETHERTYPE, Sender, pin, sink, source};

const READER_CPU: usize = 0;
const SENDER_CPU: usize = 1;
/// Longer than the capture's time-out, after which a part-filled block is handed over.
const SETTLE: Duration = Duration::from_millis(2 * TIMEOUT_MS as u64);
const DRAIN_RING: usize = 32 << 20;
/// A bulk transfer whose packets, acknowledgements included, are smaller than this on average was
/// not sent in large segments.
const NO_OFFLOAD: u64 = 4096;
/// Packets in the ring while ptrace counts instructions, at some 20 us each: the difference between
/// a short and a long run is the packets' own cost.
const TRACED: [usize; 2] = [16, 80];

/// One measurement, all per packet seen but `lost`, a share of the packets sent.
pub struct Sample {
    pub instructions: Option<f64>,
    pub syscalls: Option<f64>,
    pub cpu_ns: f64,
    /// None where nobody was to read.
    pub lost: Option<f64>,
    /// None where no packet is large enough to be cut.
    pub truncated: Option<f64>,
}

pub type Outcome = Result<Sample, String>;

/// Something that can be measured on either library.
pub trait Case {
    fn label(&self) -> String;
    /// Repetition 0 also measures what never varies and takes long.
    fn measure(&self, lib: &Lib, rep: usize) -> Outcome;
}

/// Packets arrive at a given rate while pcap_loop() reads.
pub struct LiveCase {
    pub immediate: bool,
    pub size: usize,
    /// None is the library's default.
    pub buffer: Option<usize>,
    /// Packets per second.
    pub rate: u32,
    pub packets: usize,
}

/// A ring is filled while nobody reads, then emptied.
pub struct DrainCase {
    pub immediate: bool,
    pub size: usize,
    pub api: Api,
    pub packets: usize,
}

/// One TCP connection sends as fast as it can.
pub struct TcpCase {
    pub immediate: bool,
    pub bytes: usize,
}

/// What the callback adds up. It reads the packet, as every real consumer does.
#[derive(Default)]
struct Tally {
    packets: u64,
    bytes: u64,
    truncated: u64,
}

impl Tally {
    fn sample(&self, used: &Used, lost: Option<f64>) -> Sample {
        let n = self.packets.max(1) as f64;
        Sample {
            instructions: used.instructions.map(|v| v / n),
            syscalls: used.syscalls.map(|v| v / n),
            cpu_ns: used.cpu_ns / n,
            lost,
            truncated: None,
        }
    }
}

/// Counts the frames that the bench sent: a dozen instructions, which are part of every figure.
///
/// # Safety
/// As pcap_loop(3PCAP) calls it, with a `Tally` as the user argument.
unsafe extern "C" fn on_frame(user: *mut c_void, header: *const Header, data: *const c_uchar) {
    // SAFETY: `user` is the Tally given to read(); header and data describe a packet of at least an
    // Ethernet header.
    unsafe {
        let tally = &mut *user.cast::<Tally>();
        if data.add(12).cast::<[u8; 2]>().read() == ETHERTYPE {
            tally.packets += 1;
            tally.bytes += u64::from((*header).caplen);
        }
    }
}

/// Counts every packet, and those that were cut.
///
/// # Safety
/// As `on_frame`.
unsafe extern "C" fn on_any(user: *mut c_void, header: *const Header, _data: *const c_uchar) {
    // SAFETY: `user` is the Tally given to read(), and header belongs to a packet.
    unsafe {
        let tally = &mut *user.cast::<Tally>();
        tally.packets += 1;
        tally.bytes += u64::from((*header).len);
        tally.truncated += u64::from((*header).caplen < (*header).len);
    }
}

const fn mode(immediate: bool) -> &'static str {
    if immediate { "immediate" } else { "default  " }
}

impl Case for LiveCase {
    fn label(&self) -> String {
        let buffer = self.buffer.map_or("default".to_owned(), |b| format!("{:2} MiB", b >> 20));
        let kpps = self.rate / 1000;
        format!("{} {:4} B {kpps} kpps {buffer}", mode(self.immediate), self.size)
    }

    fn measure(&self, lib: &Lib, _rep: usize) -> Outcome {
        let capture = lib.open(netns::CAPTURE, self.immediate, self.buffer)?;
        let sender = Sender::new(netns::SEND)?;
        let mut tally = Tally::default();
        pin(READER_CPU);
        let (sent, used) = thread::scope(|scope| {
            let sending = scope.spawn(|| {
                pin(SENDER_CPU);
                let sent = sender.flood(self.size, self.packets, Some(self.rate));
                thread::sleep(SETTLE);
                capture.stop();
                sent
            });
            let counters = Counters::start();
            let read = capture.read(Api::Loop, None, on_frame, &mut tally);
            let used = counters.stop();
            let sent = sending.join().map_err(|_| "the sender failed".to_owned())?;
            read.map(|()| (sent, used))
        })?;
        let lost = 1.0 - tally.packets as f64 / sent.max(1) as f64;
        Ok(tally.sample(&used, Some(lost)))
    }
}

impl DrainCase {
    /// Fills a ring and empties it; `around` runs the emptying and measures it.
    fn fill_and_drain<R>(
        &self,
        lib: &Lib,
        packets: usize,
        around: impl FnOnce(&mut dyn FnMut() -> Result<(), String>) -> R,
    ) -> Result<(Tally, R), String> {
        let capture = lib.open(netns::CAPTURE, self.immediate, Some(DRAIN_RING))?;
        pin(SENDER_CPU);
        Sender::new(netns::SEND)?.flood(self.size, packets, None);
        thread::sleep(SETTLE);
        pin(READER_CPU);
        let stats = capture.stats();
        let held = (stats.recv - stats.drop) as usize;
        let mut tally = Tally::default();
        let mut read = || {
            if held == 0 {
                return Err("nothing was captured".to_owned());
            }
            capture.read(self.api, Some(held), on_frame, &mut tally)
        };
        let measured = around(&mut read);
        Ok((tally, measured))
    }

    /// Instructions per packet, counted by ptrace.
    fn traced_instructions(&self, lib: &Lib) -> Option<f64> {
        let [short, long] = TRACED.map(|n| self.traced(lib, What::Instructions, n));
        Some((long? - short?) / (TRACED[1] - TRACED[0]) as f64)
    }

    /// What ptrace counts while a ring with so many packets is emptied.
    fn traced(&self, lib: &Lib, what: What, packets: usize) -> Option<f64> {
        trace::count(what, || {
            let _ = self.fill_and_drain(lib, packets, |read| {
                trace::mark();
                let _ = read();
                trace::mark();
            });
        })
    }
}

impl Case for DrainCase {
    fn label(&self) -> String {
        format!("{} {:4} B drain pcap_{}", mode(self.immediate), self.size, self.api.name())
    }

    fn measure(&self, lib: &Lib, rep: usize) -> Outcome {
        let (tally, measured) = self.fill_and_drain(lib, self.packets, |read| {
            let counters = Counters::start();
            read().map(|()| counters.stop())
        })?;
        let mut sample = tally.sample(&measured?, None);
        if rep == 0 && !count::sees_instructions() {
            sample.instructions = self.traced_instructions(lib);
        }
        if rep == 0 && !count::sees_syscalls() {
            let calls = self.traced(lib, What::Syscalls, self.packets);
            sample.syscalls = calls.map(|n| n / tally.packets.max(1) as f64);
        }
        Ok(sample)
    }
}

impl Case for TcpCase {
    fn label(&self) -> String {
        format!("{} TCP {} MiB", mode(self.immediate), self.bytes >> 20)
    }

    fn measure(&self, lib: &Lib, _rep: usize) -> Outcome {
        let (tid_tx, tid_rx) = mpsc::channel();
        let (go_tx, go_rx) = mpsc::channel();
        let bytes = self.bytes;
        let peer = thread::spawn(move || -> Result<(), String> {
            pin(SENDER_CPU);
            let _ = tid_tx.send(netns::enter_peer()?);
            let port = go_rx.recv().map_err(|e| e.to_string())?;
            netns::configure_peer()?;
            source((netns::TCP_ADDR, port), bytes).map_err(|e| format!("TCP source: {e}"))?;
            // This namespace, and the veth pair with it, must outlive the capture.
            let _ = go_rx.recv();
            Ok(())
        });
        let outcome = match tid_rx.recv() {
            Ok(tid) => netns::add_tcp_pair(tid).and_then(|()| self.receive(lib, &go_tx)),
            Err(_) => Err("no second namespace".to_owned()),
        };
        let removed = netns::remove_tcp_pair();
        // Lets the peer end, wherever it waits; its namespace goes with it.
        drop(go_tx);
        let sent = peer.join().unwrap_or_else(|_| Err("the TCP source failed".to_owned()));
        sent.and(outcome).and_then(|sample| removed.map(|()| sample))
    }
}

impl TcpCase {
    /// The receiving side with its capture; `go` starts the sender with the port to send to.
    fn receive(&self, lib: &Lib, go: &mpsc::Sender<u16>) -> Outcome {
        let io = |e: std::io::Error| format!("TCP sink: {e}");
        let listener = TcpListener::bind((netns::TCP_ADDR, 0)).map_err(io)?;
        let port = listener.local_addr().map_err(io)?.port();
        let capture = lib.open(netns::TCP, self.immediate, None)?;
        let before = netns::packets_on(netns::TCP);
        let mut tally = Tally::default();
        pin(READER_CPU);
        let used = thread::scope(|scope| {
            let sinking = scope.spawn(|| {
                pin(SENDER_CPU);
                let got = sink(&listener);
                thread::sleep(SETTLE);
                capture.stop();
                got
            });
            let counters = Counters::start();
            let _ = go.send(port);
            let read = capture.read(Api::Loop, None, on_any, &mut tally);
            let used = counters.stop();
            let got = sinking.join().map_err(|_| "the TCP sink failed".to_owned())?.map_err(io)?;
            read?;
            if got == self.bytes { Ok(used) } else { Err(format!("TCP moved {got} bytes only")) }
        })?;
        if tally.bytes < tally.packets * NO_OFFLOAD {
            return Err("the packets are small: no segmentation offload here".to_owned());
        }
        let crossed = netns::packets_on(netns::TCP) - before;
        let lost = 1.0 - tally.packets as f64 / crossed.max(1) as f64;
        let truncated = Some(tally.truncated as f64 / tally.packets.max(1) as f64);
        Ok(Sample { truncated, ..tally.sample(&used, Some(lost)) })
    }
}
