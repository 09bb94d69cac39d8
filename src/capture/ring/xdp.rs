//! The ring of an AF_XDP socket that only sends: descriptors of packets, which the kernel copies and hands to the
//! driver, past all that a packet socket's go through.
//!
//! It works on the device's own way to send, without a program and without the device's knowledge. The kernel takes
//! descriptors out of the ring in send(2) alone, in their order, and tells how many it has taken. It may have
//! noticed more of them than it takes, so none can be taken back: those that it has left are made invalid, and are
//! written over by the next packets. The kernel's af_xdp documentation, and `__xsk_generic_xmit` in net/xdp/xsk.c.

use super::memory::Memory;
use super::tx::{ETHERNET, MOST, Went, fits_ethernet};
use crate::error::{Code, Error, Result};
use crate::sys::mmap::Mapping;
use crate::sys::send::send_ring;
use crate::sys::xdp::{self, Kind, Offsets};
use crate::sys::{Errno, Sys, clock, iface, page_size};
use std::ffi::OsString;
use std::io::IoSlice;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes of a chunk of memory for a packet: a power of two, at least this and at most a page.
const SMALLEST_CHUNK: usize = 2048;
/// Packets that one send(2) takes at most, and at least.
const BUDGET: i32 = 256;
const LEAST_BUDGET: usize = 32;
/// A socket that has just been closed holds the queue for a while: how often to ask again, after so many nanoseconds.
const ATTEMPTS: u32 = 25;
const BETWEEN: u64 = 20_000_000;
/// A length that no packet has: the kernel leaves it out.
const INVALID: u32 = u32::MAX;

/// What the ring is for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Bytes of memory for packets, rounded up to a power of two of them, 32 at least.
    pub bytes: u32,
    /// Bytes of the largest packet, with its link-layer header.
    pub largest: u32,
    /// What the interface cannot send is left out.
    pub loss: bool,
    /// The Ethernet interface.
    pub device: OsString,
    /// Its index.
    pub ifindex: u32,
}

/// One of the rings: entries and two counts of those that were ever put in and taken out.
#[derive(Debug)]
struct Queue {
    memory: Memory,
    offsets: Offsets,
}

impl Queue {
    fn map(fd: BorrowedFd<'_>, kind: Kind, bytes: usize) -> Sys<Self> {
        let (mapping, offsets) = xdp::map(fd, kind, bytes)?;
        let len = mapping.size();
        Ok(Self { memory: Memory::part(&Arc::new(mapping), 0, len), offsets })
    }

    fn producer(&self) -> Option<&AtomicU32> {
        self.memory.status(self.offsets.producer)
    }

    fn consumer(&self) -> Option<&AtomicU32> {
        self.memory.status(self.offsets.consumer)
    }

    fn consumed(&self) -> u32 {
        self.consumer().map_or(0, |consumer| consumer.load(Ordering::Acquire))
    }

    /// Takes all out that is in.
    fn empty(&self) {
        if let (Some(producer), Some(consumer)) = (self.producer(), self.consumer()) {
            consumer.store(producer.load(Ordering::Acquire), Ordering::Release);
        }
    }
}

/// The socket and what it shares with the kernel.
#[derive(Debug)]
pub struct Ring {
    /// `None` in tests.
    socket: Option<OwnedFd>,
    packets: Memory,
    chunk: usize,
    /// A power of two.
    entries: u32,
    sending: Queue,
    sent: Queue,
    /// How many descriptors the kernel has taken, and up to which it may have noticed them.
    taken: u32,
    noticed: u32,
    loss: bool,
    device: OsString,
}

// SAFETY: nothing in it is bound to a thread: the memory is used through `&mut self` only, and may be unmapped by
// whoever drops it.
unsafe impl Send for Ring {}

/// Makes one, in the network namespace of the interface.
pub fn open(request: &Request) -> Result<Ring> {
    let chunk = (request.largest as usize).next_power_of_two().max(SMALLEST_CHUNK);
    if chunk > page_size() {
        let (largest, page) = (request.largest, page_size());
        let text = format!("packets of {largest} bytes are too large for XDP: {page} are the most");
        return Err(Error::new(text));
    }
    let count = (request.bytes as usize).min(MOST).div_ceil(chunk).next_power_of_two();
    let count = count.max(LEAST_BUDGET);
    let failed = |errno: Errno| match errno.0 {
        libc::EPERM => Error::with_code(
            Code::PermDenied,
            "Attempt to open an XDP socket failed - CAP_NET_RAW may be required",
        ),
        libc::EBUSY => {
            let device = request.device.display();
            Error::new(format!("{device}: another XDP socket sends by the interface's first queue"))
        }
        libc::EAFNOSUPPORT | libc::ENOPROTOOPT => Error::new("XDP needs Linux 6.17 to send"),
        _ => Error::errno("can't send by XDP", errno),
    };
    set_up(request, chunk, count as u32).map_err(failed)
}

fn set_up(request: &Request, chunk: usize, entries: u32) -> Sys<Ring> {
    let socket = xdp::open()?;
    let (fd, count) = (socket.as_fd(), entries.cast_signed());
    let packets = Mapping::anonymous(chunk.saturating_mul(entries as usize))?;
    xdp::register(fd, &packets, chunk as u32)?;
    // Nothing is received, but there must be a ring for it.
    xdp::make(fd, Kind::Fill, 1)?;
    xdp::make(fd, Kind::Completion, count)?;
    xdp::make(fd, Kind::Send, count)?;
    xdp::set_budget(fd, BUDGET.min(count))?;
    let bytes = |entry: usize| entry.saturating_mul(entries as usize);
    let sending = Queue::map(fd, Kind::Send, bytes(size_of::<libc::xdp_desc>()))?;
    let sent = Queue::map(fd, Kind::Completion, bytes(size_of::<u64>()))?;
    let mut attempts = 0;
    while let Err(errno) = xdp::bind(fd, request.ifindex) {
        attempts += 1;
        if errno.0 != libc::EBUSY || attempts == ATTEMPTS {
            return Err(errno);
        }
        clock::sleep_until(clock::now().saturating_add(BETWEEN));
    }
    let len = packets.size();
    let packets = Memory::part(&Arc::new(packets), 0, len);
    let (device, loss) = (request.device.clone(), request.loss);
    let socket = Some(socket);
    Ok(Ring { socket, packets, chunk, entries, sending, sent, taken: 0, noticed: 0, loss, device })
}

impl Ring {
    /// As [`super::Sender::send`].
    pub fn send(&mut self, fd: BorrowedFd<'_>, packets: &[IoSlice<'_>]) -> Sys<Went> {
        // The kernel leaves it to us to see to it.
        let mtu = iface::mtu_of_bound(fd, &mut self.device)? as usize;
        let Some(socket) = self.socket.take() else { return Err(Errno(libc::ENXIO)) };
        let went = self.send_by(packets, mtu, || send_ring(socket.as_fd()));
        self.socket = Some(socket);
        went
    }

    /// The same; `kick` has the kernel look at the ring.
    fn send_by(
        &mut self,
        packets: &[IoSlice<'_>],
        mtu: usize,
        kick: impl FnOnce() -> Sys<usize>,
    ) -> Sys<Went> {
        // What is told to have been sent is of no interest, but there must be room for more to be told.
        self.sent.empty();
        self.catch_up();
        let room = (self.entries as usize).min(BUDGET.unsigned_abs() as usize);
        let fits = |packet: &IoSlice<'_>| self.refusal(packet, mtu).is_none();
        let goes_on = |packet: &&IoSlice<'_>| self.loss || fits(packet);
        let good = packets.iter().take_while(goes_on).filter(|packet| fits(packet)).take(room);
        let filled = good.enumerate().filter_map(|(n, packet)| self.fill(n, packet)).count();
        let (gone, kicked) = if filled == 0 { (0, Ok(0)) } else { self.hand_over(filled, kick) };
        let mut left = gone;
        let mut bytes = 0;
        let passed = packets.iter().take_while(|packet| match self.refusal(packet, mtu) {
            Some(_) => self.loss,
            None if left == 0 => false,
            None => {
                left -= 1;
                bytes += packet.len();
                true
            }
        });
        let passed = passed.count();
        if passed > 0 {
            return Ok(Went { packets: passed, bytes });
        }
        let refused = packets.first().and_then(|packet| self.refusal(packet, mtu));
        Err(refused.or(kicked.err()).unwrap_or(Errno(libc::EAGAIN)))
    }

    /// Goes on where a process that was forked, or has forked this one, has got to with the same socket.
    fn catch_up(&mut self) {
        let Some(producer) = self.sending.producer() else { return };
        let (consumed, produced) = (self.sending.consumed(), producer.load(Ordering::Acquire));
        let is_behind = |count: u32, other: u32| other.wrapping_sub(count).cast_signed() > 0;
        if is_behind(self.taken, consumed) {
            self.taken = consumed;
        }
        if is_behind(self.noticed, produced) {
            self.noticed = produced;
        }
    }

    /// Why a packet cannot be sent, if so: as a packet socket would say.
    fn refusal(&self, packet: &[u8], mtu: usize) -> Option<Errno> {
        if packet.len() < ETHERNET {
            Some(Errno(libc::EINVAL))
        } else if packet.len() > self.chunk || !fits_ethernet(packet, mtu) {
            Some(Errno(libc::EMSGSIZE))
        } else {
            None
        }
    }

    /// Has the kernel send the first `filled` that are not taken yet: how many went, and why no more did.
    fn hand_over(
        &mut self,
        filled: usize,
        kick: impl FnOnce() -> Sys<usize>,
    ) -> (usize, Sys<usize>) {
        let end = self.taken.wrapping_add(filled as u32);
        let ahead = |count: u32| count.wrapping_sub(self.taken);
        if ahead(end) > ahead(self.noticed) {
            self.noticed = end;
        }
        let Some(producer) = self.sending.producer() else { return (0, Ok(0)) };
        producer.store(self.noticed, Ordering::Release);
        let kicked = kick();
        // It may not have told of one that the device has dropped.
        let told = self.sending.consumed().wrapping_sub(self.taken);
        let told = if told.cast_signed() < 0 { 0 } else { told };
        // Of those that it tells of no more were ever there.
        let mut moved = told.min(self.noticed.wrapping_sub(self.taken));
        let mut gone = (moved as usize).min(filled);
        let kicked = match kicked {
            // The device has dropped the last one that was taken.
            Err(Errno(libc::EBUSY)) => {
                moved = moved.max(1);
                gone = (moved as usize).saturating_sub(1);
                Err(Errno(libc::ENOBUFS))
            }
            other => other,
        };
        self.taken = self.taken.wrapping_add(moved);
        for n in 0..self.noticed.wrapping_sub(self.taken) {
            self.describe(n as usize, INVALID);
        }
        (gone, kicked)
    }

    /// The number of the entry that is `n` behind those that were taken.
    fn entry(&self, n: usize) -> usize {
        (self.taken.wrapping_add(n as u32) & self.entries.wrapping_sub(1)) as usize
    }

    /// Puts a packet where the kernel will look for it.
    fn fill(&self, n: usize, packet: &[u8]) -> Option<()> {
        let to = self.packets.bytes(self.entry(n).checked_mul(self.chunk)?, packet.len())?;
        // SAFETY: so many bytes are inside the memory for packets, which the kernel reads in `kick` only; `packet` has
        // as many, elsewhere: nobody is told where that memory is.
        unsafe { to.as_ptr().copy_from_nonoverlapping(packet.as_ptr(), packet.len()) };
        self.describe(n, packet.len() as u32)
    }

    /// Writes a descriptor.
    fn describe(&self, n: usize, len: u32) -> Option<()> {
        let entry = self.entry(n);
        let addr = entry.checked_mul(self.chunk)? as u64;
        let size = size_of::<libc::xdp_desc>();
        let at = self.sending.offsets.entries.checked_add(entry.checked_mul(size)?)?;
        let to = self.sending.memory.bytes(at, size)?;
        // SAFETY: so many bytes are inside the ring, where the kernel reads in `kick` only.
        unsafe { to.cast().write_unaligned(libc::xdp_desc { addr, len, options: 0 }) };
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRIES: usize = 4;
    const CHUNK: usize = 64;
    const MTU: usize = 40;

    /// The side that plays the kernel: it notices descriptors, takes them, and tells later.
    struct Kernel {
        sending: Memory,
        packets: Memory,
        noticed: u32,
        taken: u32,
        sent: Vec<Vec<u8>>,
    }

    fn ring() -> (Ring, Kernel) {
        let offsets = Offsets { producer: 0, consumer: 4, entries: 16 };
        let queue = |entry: usize| Queue { memory: Memory::heap(16 + ENTRIES * entry), offsets };
        let (sending, packets) = (queue(16), Memory::heap(ENTRIES * CHUNK));
        let kernel = Kernel {
            sending: sending.memory.alias(),
            packets: packets.alias(),
            noticed: 0,
            taken: 0,
            sent: Vec::new(),
        };
        let ring = Ring {
            socket: None,
            packets,
            chunk: CHUNK,
            entries: ENTRIES as u32,
            sending,
            sent: queue(8),
            taken: 0,
            noticed: 0,
            loss: false,
            device: OsString::new(),
        };
        (ring, kernel)
    }

    impl Kernel {
        /// As `__xsk_generic_xmit`: up to `most` packets, of which the device drops one of `bad` bytes.
        fn take(&mut self, most: usize, bad: usize) -> Sys<usize> {
            let mut result = Ok(0);
            let mut told = false;
            for n in 0.. {
                if self.taken == self.noticed {
                    self.noticed = self.sending.status(0).unwrap().load(Ordering::Acquire);
                }
                if self.taken == self.noticed {
                    break;
                }
                let at = 16 + self.taken as usize % ENTRIES * 16;
                let words: [u32; 3] = [0, 4, 8]
                    .map(|word| self.sending.status(at + word).unwrap().load(Ordering::Relaxed));
                let len = words[2] as usize;
                if len > CHUNK {
                    self.taken = self.taken.wrapping_add(1);
                    break;
                }
                if n == most {
                    result = Err(Errno(libc::EAGAIN));
                    break;
                }
                self.taken = self.taken.wrapping_add(1);
                if len == bad {
                    result = Err(Errno(libc::EBUSY));
                    break;
                }
                told = true;
                let from = self.packets.bytes(words[0] as usize, len).unwrap();
                // SAFETY: inside, by `bytes`; nobody writes there now.
                self.sent.push((0..len).map(|i| unsafe { from.add(i).read() }).collect());
            }
            if told {
                self.sending.status(4).unwrap().store(self.taken, Ordering::Release);
            }
            result
        }
    }

    fn packets(lengths: &[usize]) -> Vec<Vec<u8>> {
        lengths.iter().enumerate().map(|(n, len)| vec![n as u8; *len]).collect()
    }

    /// Sends all, however little the kernel takes at a time; what was refused meanwhile.
    fn send_all(packets: &[Vec<u8>], most: impl Fn(usize) -> (usize, usize)) -> Vec<Errno> {
        let (mut ring, mut kernel) = ring();
        // Where the counts begin anew.
        let start = u32::MAX - 5;
        (ring.taken, ring.noticed, kernel.taken, kernel.noticed) = (start, start, start, start);
        for count in [0, 4] {
            kernel.sending.status(count).unwrap().store(start, Ordering::Relaxed);
        }
        let slices: Vec<IoSlice<'_>> = packets.iter().map(|p| IoSlice::new(p)).collect();
        let mut gone = 0;
        let mut errors = Vec::new();
        for call in 0..100 {
            let (most, bad) = most(call);
            match ring.send_by(&slices[gone..], MTU, || kernel.take(most, bad)) {
                Ok(went) => gone += went.packets,
                Err(errno) => errors.push(errno),
            }
            assert_eq!(kernel.sent, packets[..gone], "call {call}");
            if gone == packets.len() {
                return errors;
            }
        }
        panic!("{gone} in 100 calls");
    }

    #[test]
    fn what_the_kernel_leaves_is_sent_later_and_once() {
        let packets = packets(&[14, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
        for most in 1..=ENTRIES + 1 {
            assert_eq!(send_all(&packets, |_| (most, 0)), []);
        }
        let none = send_all(&packets, |call| if call % 3 == 0 { (3, 0) } else { (0, 0) });
        assert_eq!(none, [Errno(libc::EAGAIN); 6]);
    }

    #[test]
    fn what_the_device_drops_is_sent_again() {
        for bad in [14, 20, 21, 22, 23] {
            let packets = packets(&[14, 20, 21, 22, 23, 24, 25]);
            let errors = send_all(&packets, |call| (9, if call < 5 { bad } else { 0 }));
            assert!(errors.len() >= 3 && errors.iter().all(|e| *e == Errno(libc::ENOBUFS)));
        }
    }

    #[test]
    fn what_the_interface_cannot_send_is_told_or_left_out() {
        let packets = packets(&[20, 13, 20, 55, 20, 0]);
        let slices: Vec<IoSlice<'_>> = packets.iter().map(|p| IoSlice::new(p)).collect();
        let (mut ring, mut kernel) = ring();
        let went = ring.send_by(&slices, MTU, || kernel.take(9, 0));
        assert_eq!(went, Ok(Went { packets: 1, bytes: 20 }));
        let refused = |ring: &mut Ring, n| ring.send_by(&slices[n..], MTU, || panic!("nothing"));
        assert_eq!(refused(&mut ring, 1), Err(Errno(libc::EINVAL)));
        assert_eq!(refused(&mut ring, 3), Err(Errno(libc::EMSGSIZE)));
        ring.loss = true;
        let went = ring.send_by(&slices, MTU, || kernel.take(2, 0));
        assert_eq!(went, Ok(Went { packets: 4, bytes: 40 }));
        let went = ring.send_by(&slices[4..], MTU, || kernel.take(9, 0));
        assert_eq!(went, Ok(Went { packets: 2, bytes: 20 }));
        assert_eq!(refused(&mut ring, 5), Ok(Went { packets: 1, bytes: 0 }));
        assert_eq!(kernel.sent.len(), 4);
    }
}
