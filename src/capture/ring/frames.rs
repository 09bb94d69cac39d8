//! Rings of frames of one size: what TPACKET_V1 and TPACKET_V2 have in common.
//!
//! A frame is ours from the moment its status says so until we write the status back. Where a packet is
//! larger than a frame, the kernel leaves it whole in the socket's queue too (PACKET_COPY_THRESH), and it
//! is fetched from there in its turn: both queues are filled under one lock, so they agree on the order.

use super::frame::{Facts, Packet, Rules};
use super::layout::{STATUS_COPY, STATUS_KERNEL, STATUS_USER, SockaddrLl, align};
use super::memory::{Memory, Scratch, Shared};
use super::{Geometry, corrupted, link_addr};
use crate::capture::Fill;
use crate::error::Result;
use crate::handle::batch::{BATCH, Batch};
use crate::sys::socket;
use std::marker::PhantomData;
use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering;

/// A version's frame header.
pub trait Header: Shared {
    /// What it says of a packet, whatever the version.
    fn describe(&self) -> Description;
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
    /// TCI and, if known, TPID of a stripped tag.
    pub vlan: Option<(u16, Option<u16>)>,
}

/// A ring of frames with headers `H`.
#[derive(Debug)]
pub struct Ring<H> {
    memory: Memory,
    geometry: Geometry,
    /// The frame that is read next.
    next: usize,
    /// Frames before `next` that are lent.
    lent: usize,
    /// The most that may be lent at once: a small part of the ring, so that the kernel keeps most of it.
    most: usize,
    copy: Option<Copy>,
    header: PhantomData<H>,
}

/// The packet that was too large for its frame.
#[derive(Debug)]
struct Copy {
    /// Room before the packet for a tag or a cooked header, then the packet.
    buffer: Scratch,
    /// The frame whose packet the buffer holds, and its length.
    held: Option<(usize, u32)>,
}

/// Room in front of a fetched packet.
const COPY_HEADROOM: usize = 64;
/// The largest packet that can be fetched.
const COPY_MAX: usize = 256 * 1024;

impl<H: Header> Ring<H> {
    /// A ring over `memory`; `fetch` where packets larger than a frame wait in the socket's queue.
    pub fn new(memory: Memory, geometry: Geometry, fetch: bool) -> Self {
        let most = (geometry.frames() / 8).clamp(1, BATCH);
        let buffer = || Scratch::new(COPY_HEADROOM.saturating_add(COPY_MAX));
        let copy = fetch.then(|| Copy { buffer: buffer(), held: None });
        Self { memory, geometry, next: 0, lent: 0, most, copy, header: PhantomData }
    }

    /// Gives back what was lent and lends what is there.
    pub fn fill(&mut self, rules: &mut Rules, batch: &Batch, fd: BorrowedFd<'_>) -> Result<Fill> {
        self.give_back(rules);
        let mut slots = batch.slots().iter().take(self.most);
        let mut packets = 0usize;
        let mut fetched = false;
        while self.lent < self.most && packets < rules.most() && !fetched {
            let Some(status) = self.status_if_ours(self.next) else { break };
            fetched = status & STATUS_COPY != 0 && self.fetch(fd);
            let Some((facts, packet)) = self.frame(self.next) else {
                self.advance();
                return Err(corrupted());
            };
            if let Some(packet) = rules.apply(&facts, packet)
                && let Some(slot) = slots.next()
            {
                slot.set(packet);
                packets = packets.wrapping_add(1);
            }
            self.advance();
        }
        batch.filled(packets);
        Ok(match (self.lent, packets) {
            (0, _) => Fill::Nothing,
            (_, 0) => Fill::Rejected,
            _ => Fill::Packets,
        })
    }

    /// Puts the cursor back to the first packet of `batch` that was not read, and the packets from there on
    /// to what the kernel wrote.
    pub fn rewind(&mut self, rules: &Rules, batch: &Batch) {
        let frames = self.geometry.frames();
        let mut unread = batch.unread_starts().peekable();
        let end = self.next;
        let mut first = None;
        for back in (1..=self.lent).rev() {
            let frame =
                end.wrapping_add(frames).wrapping_sub(back).checked_rem(frames).unwrap_or(0);
            let Some((facts, packet)) = self.frame(frame) else { return };
            let start = rules.start_of(&facts, &packet);
            if unread.next_if_eq(&start).is_some() {
                first.get_or_insert((frame, self.lent.saturating_sub(back)));
                rules.undo(&facts, packet);
            }
        }
        if let Some((frame, lent)) = first {
            (self.next, self.lent) = (frame, lent);
        }
    }

    /// How many frames from the next on may hold packets that the kernel let through until now.
    pub fn filled_until_now(&self) -> usize {
        let frames = self.geometry.frames();
        let ready = (0..frames)
            .map(|n| self.next.wrapping_add(n).checked_rem(frames).unwrap_or(0))
            .take_while(|frame| self.status_if_ours(*frame).is_some())
            .count();
        ready.saturating_add(self.lent)
    }

    #[inline]
    fn base(&self, frame: usize) -> usize {
        self.geometry.frame_offset(frame)
    }

    fn status_if_ours(&self, frame: usize) -> Option<u32> {
        // Acquire, for the kernel writes the packet before it hands the frame over.
        let at = self.base(frame).wrapping_add(H::STATUS);
        let status = self.memory.status(at)?.load(Ordering::Acquire);
        (status & STATUS_USER != 0).then_some(status)
    }

    fn advance(&mut self) {
        self.lent = self.lent.wrapping_add(1);
        self.next = self.next.wrapping_add(1);
        if self.next >= self.geometry.frames() {
            self.next = 0;
        }
    }

    fn give_back(&mut self, rules: &mut Rules) {
        let frames = self.geometry.frames();
        for back in (1..=self.lent).rev() {
            let frame = if self.next >= back {
                self.next.wrapping_sub(back)
            } else {
                self.next.wrapping_add(frames).wrapping_sub(back)
            };
            if let Some(status) = self.memory.status(self.base(frame).wrapping_add(H::STATUS)) {
                // Release, for our reads of the packet come before the kernel's next writes.
                status.store(STATUS_KERNEL, Ordering::Release);
            }
            rules.one_consumed();
        }
        self.lent = 0;
        if let Some(copy) = &mut self.copy {
            copy.held = copy.held.filter(|(frame, _)| *frame == self.next);
        }
    }

    /// Fetches the packet of the next frame from the socket's queue, unless it has been fetched before.
    fn fetch(&mut self, fd: BorrowedFd<'_>) -> bool {
        let Some(copy) = &mut self.copy else { return false };
        if copy.held.is_some_and(|(frame, _)| frame == self.next) {
            return true;
        }
        let room = copy.buffer.from_mut(COPY_HEADROOM);
        let room_len = room.len();
        // An empty queue cannot be, but then the frame has the packet's beginning at least.
        copy.held = socket::take_datagram(fd, room)
            .ok()
            .and_then(|len| u32::try_from(len.min(room_len)).ok())
            .map(|len| (self.next, len));
        copy.held.is_some()
    }

    /// The packet of `frame`, whole if it was fetched, and what the kernel tells of it.
    fn frame(&self, frame: usize) -> Option<(Facts, Packet<'_>)> {
        let base = self.base(frame);
        let address_at = align(size_of::<H>());
        let headers = address_at.wrapping_add(size_of::<SockaddrLl>());
        let described = self.memory.read::<H>(base)?.describe();
        let address = self.memory.read::<SockaddrLl>(base.checked_add(address_at)?)?;
        let facts = Facts {
            sec: i64::from(described.sec),
            nsec: described.nsec,
            len: described.len,
            vlan: described.vlan,
            rxhash: 0,
            addr: link_addr(&address),
        };
        if let Some(copy) = &self.copy
            && let Some((_, len)) = copy.held.filter(|(held, _)| *held == frame)
        {
            let start = copy.buffer.bytes(COPY_HEADROOM, len as usize)?;
            // SAFETY: `len` bytes of the buffer were received behind COPY_HEADROOM bytes of room, and nobody
            // borrows them until the next packet is fetched.
            return Some((facts, unsafe { Packet::new(start, len, COPY_HEADROOM as u32) }));
        }
        let captured = described.captured as usize;
        let mac = usize::from(described.mac);
        if mac.checked_add(captured)? > self.geometry.frame_size {
            return None;
        }
        let start = self.memory.bytes(base.checked_add(mac)?, captured)?;
        let headroom = mac.saturating_sub(headers) as u32;
        // SAFETY: the packet and its headroom lie inside this frame, behind the frame's own headers; the
        // frame is ours, and a ring is used by one thread at a time.
        Some((facts, unsafe { Packet::new(start, described.captured, headroom) }))
    }
}
