//! Send queues: many packets that are sent in one call, at once or at the distances of their time stamps.
//!
//! A queue is memory of the program's, which may have filled it itself: records as Npcap lays them out, a
//! `struct pcap_pkthdr` and `caplen` bytes, one after the other without a gap. Each is checked before it is
//! sent. How packets get to the kernel is the caller's business: here is in which pieces, when, and what to do
//! when it takes no more.

use crate::error::{Code, Error, Result};
use crate::handle::batch::PacketHeader;
use crate::handle::control::Interrupt;
use crate::sys::{Errno, Sys, clock, poll, socket};
use std::io::IoSlice;
use std::mem::offset_of;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Bytes of a record in front of its packet.
pub const HEADER: usize = size_of::<PacketHeader>();
/// Packets that are handed over in one call.
pub const BATCH: usize = 256;
/// How long to sleep at most without looking whether to go on, in milliseconds.
const SLICE_MS: u32 = 10;
const MILLI: u64 = 1_000_000;
/// Sleeps end late by some of this: the last of it is spent looking at the clock.
const SPIN: u64 = 100_000;
/// The shortest sleep for a queue that does not tell when it has room; each further one is twice as long, up to
/// the last of [`LONGER`].
const SHORTEST: u64 = 50_000;
const LONGER: u32 = 6;
/// For how long a device may drop all that it is given before that is an error.
const PATIENCE: u64 = 10_000 * MILLI;

/// What is to be sent, and until when.
pub struct Order<'a> {
    /// The records.
    pub queue: &'a [u8],
    /// Whether the packets leave at the distances of their time stamps.
    pub synchronised: bool,
    /// Why not to go on.
    pub stop: &'a dyn Fn() -> Option<Interrupt>,
}

/// Hands packets over, as many as go without waiting: how many did, at least one.
pub type Way<'a> = dyn FnMut(&[IoSlice<'_>]) -> Sys<usize> + 'a;

/// One packet of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record<'a> {
    seconds: i64,
    fraction: i64,
    packet: &'a [u8],
}

/// A walk over a queue.
struct Records<'a> {
    rest: &'a [u8],
    /// Where `rest` begins in the queue.
    at: usize,
    /// Packets before it.
    before: usize,
}

impl<'a> Records<'a> {
    fn new(queue: &'a [u8]) -> Self {
        Self { rest: queue, at: 0, before: 0 }
    }

    /// The record that comes next, if there is one.
    fn peek(&self) -> Result<Option<Record<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (packet, at, left) = (self.before + 1, self.at, self.rest.len());
        let Some((header, rest)) = self.rest.split_at_checked(HEADER) else {
            let what = format!("{left} bytes are no header of {HEADER}");
            return Err(malformed(packet, at, &what));
        };
        let caplen = u32::from_ne_bytes(field(header, offset_of!(PacketHeader, caplen)));
        let Some(bytes) = rest.get(..caplen as usize) else {
            let what = format!("its {caplen} bytes are more than the {} that follow", rest.len());
            return Err(malformed(packet, at, &what));
        };
        let seconds = libc::time_t::from_ne_bytes(field(header, offset_of!(libc::timeval, tv_sec)));
        let fraction =
            libc::suseconds_t::from_ne_bytes(field(header, offset_of!(libc::timeval, tv_usec)));
        #[allow(clippy::useless_conversion, reason = "these have 32 bits on some machines")]
        Ok(Some(Record { seconds: seconds.into(), fraction: fraction.into(), packet: bytes }))
    }

    /// Goes on behind a record that [`Records::peek`] has found.
    fn pass(&mut self, record: &Record<'_>) {
        let len = HEADER + record.packet.len();
        self.rest = self.rest.get(len..).unwrap_or_default();
        self.at += len;
        self.before += 1;
    }
}

/// The bytes of a number in a record's header, which may lie anywhere.
fn field<const N: usize>(header: &[u8], at: usize) -> [u8; N] {
    header.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

fn malformed(packet: usize, at: usize, what: &str) -> Error {
    Error::new(format!("the send queue is malformed: packet {packet}, at byte {at}: {what}"))
}

/// When packets are due: each as much later than the one before as its time stamp is, and none earlier. What is
/// late does not make later ones late.
struct Pace {
    /// Nanoseconds of a unit of the fraction of a time stamp.
    unit: i64,
    /// The time stamp of the last packet, and when it was due.
    last: Option<(i64, u64)>,
}

impl Pace {
    /// When `record` is due.
    fn due(&self, record: &Record<'_>) -> u64 {
        match self.last {
            None => clock::now(),
            Some((stamp, due)) => {
                let distance = self.stamp(record).saturating_sub(stamp);
                due.saturating_add(u64::try_from(distance).unwrap_or(0))
            }
        }
    }

    fn pass(&mut self, record: &Record<'_>, due: u64) {
        self.last = Some((self.stamp(record), due));
    }

    fn stamp(&self, record: &Record<'_>) -> i64 {
        let fraction = record.fraction.saturating_mul(self.unit);
        record.seconds.saturating_mul(1_000_000_000).saturating_add(fraction)
    }
}

/// A transmission that is under way.
struct Transmission<'a, 'w> {
    order: &'a Order<'a>,
    fd: BorrowedFd<'a>,
    way: &'w mut Way<'w>,
    records: Records<'a>,
    pace: Pace,
    /// Packets that have gone.
    gone: usize,
}

/// Sends a queue by `way`; time stamps count seconds and parts of `unit` nanoseconds. `sent` is how many bytes
/// of the queue have gone, whatever comes of the rest.
pub fn transmit<'w>(
    fd: BorrowedFd<'_>,
    order: &Order<'_>,
    unit: i64,
    way: &'w mut Way<'w>,
    sent: &mut usize,
) -> Result<()> {
    let records = Records::new(order.queue);
    let pace = Pace { unit, last: None };
    let mut transmission = Transmission { order, fd, way, records, pace, gone: 0 };
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        batch.clear();
        let gathered = transmission.gather(&mut batch);
        transmission.hand_over(&batch, sent)?;
        gathered?;
        if batch.is_empty() {
            return Ok(());
        }
    }
}

/// Sends one packet by `way`.
pub fn inject<'w>(fd: BorrowedFd<'_>, packet: &[u8], way: &'w mut Way<'w>) -> Result<()> {
    let mut waits = Waits::default();
    loop {
        match way(&[IoSlice::new(packet)]) {
            Ok(_) => return Ok(()),
            Err(errno) if waits.helps(fd, errno) => waits.wait(fd),
            Err(errno) => return Err(Error::errno("send", errno)),
        }
    }
}

impl<'a> Transmission<'a, '_> {
    /// Collects packets that are due, if need be after a sleep. What is wrong with a record, or ends the sleep,
    /// is told after those before it are collected.
    fn gather(&mut self, batch: &mut Vec<IoSlice<'a>>) -> Result<()> {
        let mut now = 0;
        while batch.len() < BATCH {
            let Some(record) = self.records.peek()? else { return Ok(()) };
            if self.order.synchronised {
                let due = self.pace.due(&record);
                if due > now {
                    now = clock::now();
                }
                if due > now {
                    if !batch.is_empty() {
                        return Ok(());
                    }
                    self.sleep(due)?;
                }
                self.pace.pass(&record, due);
            }
            batch.push(IoSlice::new(record.packet));
            self.records.pass(&record);
        }
        Ok(())
    }

    /// Hands packets over until all have gone.
    fn hand_over(&mut self, mut packets: &[IoSlice<'_>], sent: &mut usize) -> Result<()> {
        let mut waits = Waits::default();
        while let Some(first) = packets.first() {
            self.go_on()?;
            match (self.way)(packets) {
                Ok(n) => {
                    let (gone, rest) = packets.split_at(n.min(packets.len()));
                    *sent += gone.iter().map(|packet| HEADER + packet.len()).sum::<usize>();
                    self.gone += gone.len();
                    packets = rest;
                    waits = Waits::default();
                }
                Err(errno) if waits.helps(self.fd, errno) => waits.wait(self.fd),
                Err(errno) => {
                    let text = Error::errno("send", errno).text().to_owned();
                    let (packet, len) = (self.gone + 1, first.len());
                    let which = format!("{text} (packet {packet} of the queue, {len} bytes)");
                    return Err(Error::new(which));
                }
            }
        }
        Ok(())
    }

    /// Sleeps until a packet is due.
    fn sleep(&self, due: u64) -> Result<()> {
        loop {
            self.go_on()?;
            let now = clock::now();
            if due <= now {
                return Ok(());
            }
            if due - now > SPIN {
                let slice = now.saturating_add(u64::from(SLICE_MS) * MILLI);
                clock::sleep_until(slice.min(due - SPIN));
            } else {
                std::hint::spin_loop();
            }
        }
    }

    fn go_on(&self) -> Result<()> {
        match (self.order.stop)() {
            None => Ok(()),
            Some(Interrupt::Break) => {
                Err(Error::with_code(Code::Break, "The transmission was ended by pcap_breakloop"))
            }
            Some(Interrupt::Closed) => Err(Error::new("This handle has been closed")),
        }
    }
}

/// The waits for a kernel that takes no more, since it last took something.
#[derive(Default)]
struct Waits {
    /// How many, and since when.
    count: u32,
    since: u64,
}

impl Waits {
    /// Whether an error means that there is no room now, and the handle is one that waits for it.
    fn helps(&mut self, fd: BorrowedFd<'_>, errno: Errno) -> bool {
        match errno.0 {
            libc::EINTR => true,
            libc::EAGAIN => !socket::is_nonblocking(fd).unwrap_or(true),
            // Dropped by the queueing discipline or the device, which may do so for ever.
            libc::ENOBUFS => {
                let now = clock::now();
                if self.since == 0 {
                    self.since = now;
                }
                !socket::is_nonblocking(fd).unwrap_or(true) && now - self.since < PATIENCE
            }
            _ => false,
        }
    }

    /// Waits. A socket's queue tells when it has room; a ring's frames, and queues behind the socket, do not.
    fn wait(&mut self, fd: BorrowedFd<'_>) {
        let mut fds = [poll::writable(fd.as_raw_fd())];
        let _ = poll::poll(&mut fds, SLICE_MS.cast_signed());
        if self.count > 0 {
            let sleep = SHORTEST << (self.count - 1).min(LONGER);
            clock::sleep_until(clock::now().saturating_add(sleep));
        }
        self.count = self.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::eventfd;
    use std::os::fd::AsFd as _;

    fn record(seconds: libc::time_t, fraction: libc::suseconds_t, packet: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(offset_of!(libc::timeval, tv_sec), &seconds.to_ne_bytes());
        put(offset_of!(libc::timeval, tv_usec), &fraction.to_ne_bytes());
        put(offset_of!(PacketHeader, caplen), &(packet.len() as u32).to_ne_bytes());
        bytes.extend(packet);
        bytes
    }

    /// What came of sending `queue` by `way`, whose calls get at most a batch.
    fn transmitted(queue: &[u8], way: &mut Way<'_>) -> (usize, Result<()>) {
        let fd = eventfd::create().unwrap();
        let order = Order { queue, synchronised: false, stop: &|| None };
        let mut sent = 0;
        let mut bounded = |packets: &[IoSlice<'_>]| {
            assert!((1..=BATCH).contains(&packets.len()));
            way(packets)
        };
        let result = transmit(fd.as_fd(), &order, 1, &mut bounded, &mut sent);
        (sent, result)
    }

    #[test]
    fn records_lie_one_after_the_other() {
        let queue = [record(-1, 5, b"one"), record(2, 0, b""), record(3, 0, b"three")].concat();
        let mut records = Records::new(&queue);
        for (seconds, packet) in [(-1, &b"one"[..]), (2, b""), (3, b"three")] {
            let record = records.peek().unwrap().unwrap();
            assert_eq!((record.seconds, record.packet), (seconds, packet));
            records.pass(&record);
        }
        assert_eq!(records.peek(), Ok(None));
    }

    #[test]
    fn a_queue_that_is_cut_anywhere_sends_what_is_whole() {
        let queue: Vec<u8> = (0..3u8).flat_map(|n| record(0, 0, &vec![n; n.into()])).collect();
        let ends = [0, HEADER, 2 * HEADER + 1, 3 * HEADER + 3];
        for cut in 0..=queue.len() {
            let (sent, result) = transmitted(&queue[..cut], &mut |packets| Ok(packets.len()));
            let whole = ends.iter().copied().filter(|end| *end <= cut).max().unwrap();
            assert_eq!((sent, result.is_ok()), (whole, whole == cut), "cut at {cut}");
        }
    }

    #[test]
    fn what_went_is_counted_when_calls_take_only_a_part() {
        let count = 3 * BATCH + 1;
        let queue: Vec<u8> = (0..count).flat_map(|n| record(0, 0, &vec![0; n % 7])).collect();
        let bytes = |n: usize| (0..n).map(|n| HEADER + n % 7).sum::<usize>();
        let mut gone = 0;
        let (sent, result) = transmitted(&queue, &mut |packets| {
            let n = packets.len().min(5).min(600 - gone);
            gone += n;
            if n == 0 { Err(Errno(libc::EMSGSIZE)) } else { Ok(n) }
        });
        assert_eq!(sent, bytes(600));
        let text = format!("send: Message too long (packet 601 of the queue, {} bytes)", 600 % 7);
        assert_eq!(result, Err(Error::new(text)));
        let (sent, result) = transmitted(&queue, &mut |packets| Ok(packets.len().div_ceil(2)));
        assert_eq!((sent, result), (queue.len(), Ok(())));
    }

    #[test]
    fn distances_are_kept_and_never_negative() {
        let mut pace = Pace { unit: 1000, last: Some((5_000_000_000, 100)) };
        let at = |seconds, fraction| Record { seconds, fraction, packet: &[] };
        let mut due = |record| {
            let due = pace.due(&record);
            pace.pass(&record, due);
            due
        };
        assert_eq!(due(at(5, 3)), 3100);
        assert_eq!(due(at(5, 1)), 3100, "back by 2");
        assert_eq!(due(at(5, 2)), 4100);
        assert_eq!(due(at(i64::MIN, i64::MIN)), 4100);
        assert_eq!(due(at(i64::MAX, i64::MAX)), 4100 + i64::MAX as u64);
        assert_eq!(due(at(i64::MIN, 0)), 4100 + i64::MAX as u64);
        assert_eq!(due(at(i64::MAX, 0)), u64::MAX);
    }
}
