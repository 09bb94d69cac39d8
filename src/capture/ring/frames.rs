//! Rings of frames of one size: what TPACKET_V1 and TPACKET_V2 have in common.
//!
//! A frame is ours from the moment its status says so until we write the status back. Where a packet is
//! larger than a frame, the kernel leaves it whole in the socket's queue too (PACKET_COPY_THRESH), and it
//! is fetched from there in its turn: both queues are filled under one lock, so they agree on the order.

use super::frame::{Facts, Packet, Rules, Scale};
use super::layout::{
    STATUS_COPY, STATUS_KERNEL, STATUS_USER, STATUS_VLAN_VALID, SockaddrLl, align,
};
use super::memory::{Memory, Scratch, Shared};
use super::{Geometry, corrupted, link_addr};
use crate::capture::facts::PacketFacts;
use crate::capture::{Fill, Link};
use crate::error::Result;
use crate::handle::batch::{BATCH, Batch, Lent, PacketHeader};
use crate::sys::{Errno, socket};
use std::cell::Cell;
use std::marker::PhantomData;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// A version's frame header.
pub trait Header: Shared {
    /// What it says of a packet, whatever the version; `status` is that of the frame.
    fn describe(&self, status: u32) -> Description;
    /// Where in it the 32 bits of the status stand that hold the flags.
    const STATUS: usize = 0;
}

/// The contents of a frame header.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Seconds of the time stamp.
    pub sec: u32,
    /// Nanoseconds of it.
    pub nsec: u32,
    /// Bytes of the packet in the frame.
    pub captured: u32,
    /// Bytes of the packet.
    pub len: u32,
    /// Where in the frame it begins.
    pub mac: u16,
    /// Where its network header does.
    pub net: u16,
    /// TCI and, if known, TPID of a stripped tag.
    pub vlan: Option<(u16, Option<u16>)>,
}

/// A ring of frames with headers `H`.
#[derive(Debug)]
pub struct Ring<H> {
    memory: Memory,
    geometry: Geometry,
    /// The frame that is read next.
    next: Place,
    /// The frames before that which are lent: the first, and how many.
    first: Place,
    lent: usize,
    /// The most that may be lent at once: a small part of the ring, so that the kernel keeps most of it.
    most: usize,
    copy: Option<Copy>,
    header: PhantomData<H>,
}

/// A frame's place in the ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    block: usize,
    /// Which frame of the block.
    within: usize,
}

/// The packet that was too large for its frame.
#[derive(Debug)]
struct Copy {
    /// Room before the packet for a tag or a cooked header, then the packet.
    buffer: Scratch,
    /// The frame whose packet the buffer holds, and its length.
    held: Option<(Place, u32)>,
    /// The socket has told that the interface is down, which it tells once.
    down: bool,
}

/// Room in front of a fetched packet.
const COPY_HEADROOM: usize = 64;
/// Frames that may be in the middle of being filled; more than there are does no harm.
const BEING_FILLED: usize = 64;
/// The largest packet that can be fetched.
pub(super) const COPY_MAX: usize = 256 * 1024;

impl<H: Header> Ring<H> {
    /// A ring over `memory`; `fetch` where packets larger than a frame wait in the socket's queue.
    pub fn new(memory: Memory, geometry: Geometry, fetch: bool) -> Self {
        let most = (geometry.frames() / 8).clamp(1, BATCH);
        let buffer = || Scratch::new(COPY_HEADROOM.saturating_add(COPY_MAX));
        let copy = fetch.then(|| Copy { buffer: buffer(), held: None, down: false });
        let (next, first) = (Place::default(), Place::default());
        Self { memory, geometry, next, first, lent: 0, most, copy, header: PhantomData }
    }

    /// Gives back what was lent and lends what is there.
    pub fn fill(&mut self, rules: &mut Rules, batch: &Batch, fd: BorrowedFd<'_>) -> Result<Fill> {
        batch.clear();
        if self.lent > 0 {
            self.give_back(rules);
        }
        if self.status_if_ours(self.next).is_none() {
            return Ok(Fill::Nothing);
        }
        let slots = batch.slots();
        let slots = slots.get(..self.most.min(rules.most())).unwrap_or(slots);
        let mut packets = 0usize;
        let mut fetched = false;
        while self.lent < self.most && packets < slots.len() && !fetched {
            let most = self.left_in_block(self.next).min(self.most.wrapping_sub(self.lent));
            let rest = slots.get(packets..).unwrap_or_default();
            let (frames, lent) = self.lend(rules, most, rest)?;
            self.advance(frames);
            packets = packets.wrapping_add(lent);
            if frames == most {
                continue;
            }
            // A frame that needs more than that, or none.
            let Some(status) = self.status_if_ours(self.next) else { break };
            let Some(slot) = slots.get(packets) else { break };
            fetched = status & STATUS_COPY != 0 && self.fetch(fd);
            let lent = self.whole(self.next).map(|(facts, packet)| rules.apply(facts, packet));
            self.advance(1);
            if let Some(lent) = lent.ok_or_else(corrupted)? {
                slot.set(lent);
                packets = packets.wrapping_add(1);
            }
        }
        rules.count(self.lent, packets);
        batch.filled(packets);
        Ok(if packets == 0 { Fill::Rejected } else { Fill::Packets })
    }

    /// Puts the cursor back to behind the last packet of `batch` that was read, and the packets from there
    /// on to what the kernel wrote.
    pub fn rewind(&mut self, rules: &Rules, batch: &Batch) {
        if !batch.is_in_slots() {
            return;
        }
        let not_had = batch.unread_starts().count();
        let mut read = batch.read_starts().peekable();
        let mut unread = batch.unread_starts().peekable();
        let mut back_to = (self.first, 0);
        let mut place = self.first;
        for n in 1..=self.lent {
            let Some((facts, packet)) = self.whole(place) else { return };
            place = self.after(place, 1);
            let start = facts.start_of(rules.link, &packet);
            if read.next_if_eq(&start).is_some() {
                back_to = (place, n);
            } else if unread.next_if_eq(&start).is_some() {
                rules.undo(&facts, packet);
            }
        }
        rules.uncount(self.lent.saturating_sub(back_to.1), not_had);
        (self.next, self.lent) = back_to;
    }

    /// Whether something is lent, which has all been read, and nothing more is there.
    pub fn is_over(&self) -> bool {
        // Where all frames are lent, the next one is none that is there besides.
        let all = self.lent >= self.geometry.frames();
        self.lent > 0 && (all || self.status_if_ours(self.next).is_none())
    }

    /// What the kernel told of the packet that begins at `packet`, if it is one of those that are lent.
    pub fn facts(&self, link: Link, packet: *const u8) -> Option<PacketFacts> {
        let place = self.place_of(packet).filter(|place| self.is_lent(*place))?;
        let (facts, bytes) = self.whole(place)?;
        let status = self.status_if_ours(place)?;
        (facts.start_of(link, &bytes) == packet).then(|| facts.tell(status))
    }

    /// The frame whose packet begins at `packet`, if one's does.
    fn place_of(&self, packet: *const u8) -> Option<Place> {
        let distance = |base: NonNull<u8>, len: usize| {
            let offset = packet.addr().checked_sub(base.as_ptr().addr())?;
            (offset < len).then_some(offset)
        };
        if let Some(offset) = distance(self.memory.bytes(0, 0)?, self.memory.len()) {
            let block = offset.checked_div(self.geometry.block_size)?;
            let within = offset.checked_rem(self.geometry.block_size)?;
            let within = within.checked_div(self.geometry.frame_size)?;
            return (within < self.geometry.frames_per_block).then_some(Place { block, within });
        }
        let copy = self.copy.as_ref()?;
        let (place, _) = copy.held?;
        distance(copy.buffer.bytes(0, 0)?, COPY_HEADROOM.saturating_add(1)).map(|_| place)
    }

    /// Whether a frame is among those that are lent.
    fn is_lent(&self, place: Place) -> bool {
        let per_block = self.geometry.frames_per_block;
        let number = |at: Place| at.block.wrapping_mul(per_block).wrapping_add(at.within);
        let (number, first) = (number(place), number(self.first));
        let round = if number < first { self.geometry.frames() } else { 0 };
        number.wrapping_add(round).wrapping_sub(first) < self.lent
    }

    /// Whether the interface has gone down since this was last asked.
    pub fn take_down(&mut self) -> bool {
        self.copy.as_mut().is_some_and(|copy| std::mem::take(&mut copy.down))
    }

    /// How many frames from the next on may hold packets that the kernel let through until now: those that are
    /// ours, those that are lent, and those that processors are filling just now.
    pub fn filled_until_now(&self) -> usize {
        let mut place = self.next;
        let mut ready = 0usize;
        while ready < self.geometry.frames() && self.status_if_ours(place).is_some() {
            ready = ready.wrapping_add(1);
            place = self.after(place, 1);
        }
        ready.saturating_add(self.lent).saturating_add(BEING_FILLED)
    }

    /// Where a frame begins.
    #[inline(always)]
    fn offset(&self, place: Place) -> usize {
        let block = place.block.wrapping_mul(self.geometry.block_size);
        block.wrapping_add(place.within.wrapping_mul(self.geometry.frame_size))
    }

    /// Frames from `place` to the end of its block.
    fn left_in_block(&self, place: Place) -> usize {
        self.geometry.frames_per_block.saturating_sub(place.within)
    }

    /// The place `n` frames on, which is in the same block or the start of the next.
    #[inline(always)]
    fn after(&self, place: Place, n: usize) -> Place {
        let within = place.within.wrapping_add(n);
        if within < self.geometry.frames_per_block {
            return Place { within, ..place };
        }
        let block = place.block.wrapping_add(1);
        Place { block: if block < self.geometry.blocks { block } else { 0 }, within: 0 }
    }

    /// `n` more frames are lent, all in one block.
    #[inline(always)]
    fn advance(&mut self, n: usize) {
        self.lent = self.lent.wrapping_add(n);
        self.next = self.after(self.next, n);
    }

    #[inline(always)]
    fn status_if_ours(&self, place: Place) -> Option<u32> {
        // Acquire, for the kernel writes the packet before it hands the frame over.
        let at = self.offset(place).wrapping_add(H::STATUS);
        let status = self.memory.status(at)?.load(Ordering::Acquire);
        (status & STATUS_USER != 0).then_some(status)
    }

    /// Gives back what is lent.
    pub fn give_back(&mut self, rules: &mut Rules) {
        rules.consumed(self.lent);
        while self.lent > 0 {
            let n = self.lent.min(self.left_in_block(self.first));
            if let Some(run) = self.run(self.first, n) {
                run.give_back::<H>(n);
            }
            if let Some(copy) = &mut self.copy
                && copy.held.is_some()
            {
                // Only with its frame: before that, the packet is needed if it is to be lent anew.
                copy.held = copy.held.filter(|(place, _)| {
                    let back = place.within.wrapping_sub(self.first.within);
                    place.block != self.first.block || back >= n
                });
            }
            self.first = self.after(self.first, n);
            self.lent = self.lent.wrapping_sub(n);
        }
        self.first = self.next;
    }

    /// Lends packets that need no fetching, and no tag where nothing else is to be done, from the next `most`
    /// frames, which are all in one block: how many frames, and how many packets of them.
    fn lend(&self, rules: &Rules, most: usize, slots: &[Cell<Lent>]) -> Result<(usize, usize)> {
        let run = self.run(self.next, most).ok_or_else(corrupted)?;
        if !rules.plain() {
            return run.lend_by_rules::<H>(rules, most, slots).ok_or_else(corrupted);
        }
        let slots = slots.get(..most).unwrap_or(slots);
        let lent = match rules.scale {
            Scale::Micro => run.lend_plain::<H, false>(rules.snapshot, slots),
            Scale::Nano => run.lend_plain::<H, true>(rules.snapshot, slots),
        };
        Ok((lent, lent))
    }

    /// A walk over `n` frames from `first` on, all in one block.
    fn run(&self, first: Place, n: usize) -> Option<Run<'_>> {
        let size = self.geometry.frame_size;
        let start = self.memory.bytes(self.offset(first), n.wrapping_mul(size))?;
        (size >= headers::<H>()).then_some(Run { start, size, memory: PhantomData })
    }

    /// Fetches the packet of the next frame from the socket's queue, unless it has been fetched before.
    fn fetch(&mut self, fd: BorrowedFd<'_>) -> bool {
        let Some(copy) = &mut self.copy else { return false };
        if copy.held.is_some_and(|(place, _)| place == self.next) {
            return true;
        }
        let room = copy.buffer.tail_mut(COPY_HEADROOM);
        let room_len = room.len();
        let mut taken = socket::take_datagram(fd, room);
        // Told before any packet, and once: the packet is still there.
        if taken == Err(Errno(libc::ENETDOWN)) {
            copy.down = true;
            taken = socket::take_datagram(fd, room);
        }
        // An empty queue cannot be, but then the frame has the packet's beginning at least.
        copy.held = taken
            .ok()
            .and_then(|len| u32::try_from(len.min(room_len)).ok())
            .map(|len| (self.next, len));
        copy.held.is_some()
    }

    /// The packet of a frame, whole if it was fetched, and what the kernel tells of it.
    #[inline(never)]
    fn whole(&self, place: Place) -> Option<(Facts, Packet<'_>)> {
        let run = self.run(place, 1)?;
        let status = Run::status::<H>(run.start).load(Ordering::Acquire);
        let (mut facts, cut) = run.packet::<H>(run.start, status)?;
        let Some(copy) = &self.copy else { return Some((facts, cut)) };
        let Some((_, len)) = copy.held.filter(|(held, _)| *held == place) else {
            return Some((facts, cut));
        };
        facts.uncut = true;
        let start = copy.buffer.bytes(COPY_HEADROOM, len as usize)?;
        // SAFETY: `len` bytes of the buffer were received behind COPY_HEADROOM bytes of room, and nobody
        // borrows them until the next packet is fetched.
        Some((facts, unsafe { Packet::new(start, len, COPY_HEADROOM as u32) }))
    }
}

/// Bytes of a frame before which no packet can begin.
const fn headers<H>() -> usize {
    align(size_of::<H>()) + size_of::<SockaddrLl>()
}

/// A walk over neighbouring frames, which are inside the memory and aligned to 16.
struct Run<'m> {
    start: NonNull<u8>,
    /// Bytes from one frame to the next, no less than its headers.
    size: usize,
    memory: PhantomData<&'m Memory>,
}

impl<'m> Run<'m> {
    /// The status word of a frame of this run.
    #[inline(always)]
    fn status<H: Header>(frame: NonNull<u8>) -> &'m AtomicU32 {
        // SAFETY: the frame is inside the memory, and begins with its header; it is aligned to 16, and the
        // kernel accesses this word as an atomic too.
        unsafe { AtomicU32::from_ptr(frame.add(H::STATUS).cast().as_ptr()) }
    }

    /// The frame behind `frame`, or the end of the run.
    #[inline(always)]
    fn after(&self, frame: NonNull<u8>) -> NonNull<u8> {
        // SAFETY: at most one past the last frame, which is in or just behind the same memory.
        unsafe { frame.add(self.size) }
    }

    /// Gives `n` frames back to the kernel.
    fn give_back<H: Header>(&self, n: usize) {
        let mut frame = self.start;
        for _ in 0..n {
            // Release, for our reads of the packet come before the kernel's next writes.
            Self::status::<H>(frame).store(STATUS_KERNEL, Ordering::Release);
            frame = self.after(frame);
        }
    }

    /// Lends packets up to the first frame that is not ours or needs more than that; how many.
    ///
    /// This loop is what a packet costs; it is kept by itself so that all it uses stays in registers.
    #[inline(never)]
    fn lend_plain<H: Header, const NANO: bool>(
        &self,
        snapshot: u32,
        slots: &[Cell<Lent>],
    ) -> usize {
        let scale = if NANO { Scale::Nano } else { Scale::Micro };
        let mut frame = self.start;
        for (n, slot) in slots.iter().enumerate() {
            // Acquire, for the kernel writes the packet before it hands the frame over.
            let status = Self::status::<H>(frame).load(Ordering::Acquire);
            if status & (STATUS_USER | STATUS_COPY | STATUS_VLAN_VALID) != STATUS_USER {
                return n;
            }
            // SAFETY: the header is inside the frame, which is ours; any bytes are a header.
            let header = unsafe { frame.cast::<H>().read_unaligned() }.describe(status);
            let end = u64::from(header.captured).wrapping_add(header.mac.into());
            if end > self.size as u64 || header.vlan.is_some() {
                return n;
            }
            let tv_sec = header.sec as libc::time_t;
            let ts = libc::timeval { tv_sec, tv_usec: scale.apply(header.nsec) };
            let caplen = header.captured.min(snapshot);
            let data = frame.as_ptr().wrapping_add(header.mac.into()).cast_const();
            slot.set(Lent { header: PacketHeader { ts, caplen, len: header.len }, data });
            frame = self.after(frame);
        }
        slots.len()
    }

    /// Lends the packets that `rules` let through, up to the first of `most` frames that is not ours or whose
    /// packet is to be fetched: how many frames, and how many packets; `None` for a damaged frame.
    #[inline(never)]
    fn lend_by_rules<H: Header>(
        &self,
        rules: &Rules,
        most: usize,
        slots: &[Cell<Lent>],
    ) -> Option<(usize, usize)> {
        let mut frame = self.start;
        let mut lent = 0usize;
        for n in 0..most {
            let Some(slot) = slots.get(lent) else { return Some((n, lent)) };
            // Acquire, for the kernel writes the packet before it hands the frame over.
            let status = Self::status::<H>(frame).load(Ordering::Acquire);
            if status & (STATUS_USER | STATUS_COPY) != STATUS_USER {
                return Some((n, lent));
            }
            let (facts, packet) = self.packet::<H>(frame, status)?;
            if let Some(packet) = rules.apply(facts, packet) {
                slot.set(packet);
                lent = lent.wrapping_add(1);
            }
            frame = self.after(frame);
        }
        Some((most, lent))
    }

    /// The packet of a frame of this run that is ours, as far as it is there, and what the kernel tells of it.
    #[inline(always)]
    fn packet<H: Header>(&self, frame: NonNull<u8>, status: u32) -> Option<(Facts, Packet<'m>)> {
        // SAFETY: both headers are inside the frame, which is inside the memory and ours, so that the kernel does
        // not write it; any bytes are a header and an address.
        let (header, address) = unsafe {
            let address = frame.add(align(size_of::<H>())).cast::<SockaddrLl>();
            (frame.cast::<H>().read_unaligned(), address.read_unaligned())
        };
        let described = header.describe(status);
        let facts = Facts {
            sec: i64::from(described.sec),
            nsec: described.nsec,
            len: described.len,
            vlan: described.vlan,
            rxhash: 0,
            net_offset: described.net.saturating_sub(described.mac).into(),
            addr: link_addr(&address),
            uncut: false,
        };
        let mac = usize::from(described.mac);
        if mac.saturating_add(described.captured as usize) > self.size {
            return None;
        }
        let headroom = mac.saturating_sub(headers::<H>()) as u32;
        // SAFETY: the packet and its headroom lie inside this frame, behind the frame's own headers; the
        // frame is ours, and a ring is used by one thread at a time.
        Some((facts, unsafe { Packet::new(frame.add(mac), described.captured, headroom) }))
    }
}
