//! TPACKET_V3: blocks of packets of any size, as the kernel's packet_mmap documentation describes them.
//!
//! A block is ours from the moment its status says so until we write the status back, which is at the start
//! of the fill after the one that lent its last packets.

use super::frame::{Facts, Packet, Rules};
use super::layout::{
    BLOCK_STATUS, BlockDesc, STATUS_KERNEL, STATUS_LOSING, STATUS_USER, STATUS_VLAN_TPID_VALID,
    STATUS_VLAN_VALID, SockaddrLl, Tpacket3Hdr,
};
use super::run::{ADDRESS, HEADERS};
use super::{Geometry, corrupted, link_addr, memory::Memory};
use crate::capture::facts::PacketFacts;
use crate::capture::{Fill, Link};
use crate::error::Result;
use crate::handle::batch::Batch;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

/// A ring of blocks.
#[derive(Debug)]
pub struct Ring {
    memory: Memory,
    geometry: Geometry,
    /// The block that is read now, or next.
    block: usize,
    /// How far, if it is ours.
    at: Option<Cursor>,
    /// The batch holds a run, which knows better than `at` how far.
    running: bool,
    /// Where the last fill of slots began.
    lent: Cursor,
    /// The block's first packet, and the one that was last asked about.
    first: Cursor,
    asked: Cursor,
}

/// A place between two packets of a block.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    /// Where the next packet's header begins, from the start of the block.
    offset: usize,
    /// How many packets are left.
    left: u32,
}

impl Cursor {
    /// The place `next` bytes on, behind one more packet.
    fn after(self, next: usize) -> Self {
        Self { offset: self.offset.saturating_add(next), left: self.left.saturating_sub(1) }
    }
}

impl Ring {
    /// A ring over `memory`, which holds `geometry.blocks` blocks.
    pub fn new(memory: Memory, geometry: Geometry) -> Self {
        let [lent, first, asked] = [Cursor::default(); 3];
        Self { memory, geometry, block: 0, at: None, running: false, lent, first, asked }
    }

    /// Gives back what was lent and lends what is there.
    pub fn fill(&mut self, rules: &mut Rules, batch: &Batch) -> Result<Fill> {
        self.recall(batch);
        batch.clear();
        let mut at = match self.at {
            Some(at) if at.left > 0 => at,
            _ => match self.open(rules)? {
                Some(at) => at,
                None => return Ok(Fill::Nothing),
            },
        };
        if rules.plain() && self.lend_run(rules, batch, at) {
            self.running = true;
            return Ok(Fill::Packets);
        }
        batch.clear();
        self.lent = at;
        let Some(lent) = self.lend_by_rules(rules, batch, &mut at) else {
            self.at = Some(Cursor::default());
            return Err(corrupted());
        };
        rules.count(self.lent.left.saturating_sub(at.left) as usize, lent);
        self.at = Some(at);
        batch.filled(lent);
        Ok(if lent == 0 { Fill::Rejected } else { Fill::Packets })
    }

    /// Puts the cursor back to behind the last packet of `batch` that was read, and the packets from there
    /// on to what the kernel wrote.
    pub fn rewind(&mut self, rules: &Rules, batch: &Batch) {
        if self.running {
            self.recall(batch);
            return;
        }
        let Some(end) = self.at.filter(|_| batch.is_in_slots()) else { return };
        let not_had = batch.unread_starts().count();
        let mut read = batch.read_starts().peekable();
        let mut unread = batch.unread_starts().peekable();
        let mut at = self.lent;
        let mut back_to = at;
        while at.left > end.left {
            let Some((facts, packet, next)) = self.frame(at) else { return };
            at = at.after(next);
            let start = facts.start_of(rules.link, &packet);
            if read.next_if_eq(&start).is_some() {
                back_to = at;
            } else if unread.next_if_eq(&start).is_some() {
                rules.undo(&facts, packet);
            }
        }
        rules.uncount(back_to.left.saturating_sub(end.left) as usize, not_had);
        self.at = Some(back_to);
    }

    /// Whether something is lent, all of it has been read, and nothing more is there.
    pub fn is_over(&mut self, batch: &Batch) -> bool {
        self.recall(batch);
        let next = self.after(self.block);
        // The only block of a ring is none that is there besides.
        let more = next != self.block && self.is_ours(next);
        !more && self.at.is_some_and(|at| at.left == 0)
    }

    /// What the kernel told of the packet that begins at `packet`, if it is one of the block that is lent.
    ///
    /// That costs the packets themselves nothing: the block is walked from the packet that was last asked about. The
    /// last of a block, which moves aside where pcap_next_ex(3PCAP) gives it, has no way on: the cursor stays at it.
    pub fn facts(&mut self, link: Link, batch: &Batch, packet: *const u8) -> Option<PacketFacts> {
        let end = match self.running {
            true => self.position(batch),
            false => self.at?,
        };
        let block = self.ours()?;
        let told = |at: Cursor| {
            let (facts, bytes, next) = block.frame(at.offset)?;
            let found = facts.start_of(link, &bytes) == packet;
            let status = if found { Some(block.status(at.offset)?) } else { None };
            Some((status.map(|status| facts.tell(status)), next))
        };
        if end.left == 0
            && let Some((Some(facts), _)) = told(end)
        {
            return Some(facts);
        }
        let passed =
            |at: Cursor| block.start.as_ptr().wrapping_add(at.offset).addr() > packet.addr();
        let known = self.asked.left > end.left && !passed(self.asked);
        let mut at = if known { self.asked } else { self.first };
        while at.left > end.left && !passed(at) {
            let (found, next) = told(at)?;
            if found.is_some() {
                self.asked = at;
                return found;
            }
            at = at.after(next);
        }
        None
    }

    /// How many blocks may hold packets that the kernel let through until now: those that are ours, and the
    /// one that it is filling.
    pub fn filled_until_now(&self) -> usize {
        let ready = (0..self.geometry.blocks)
            .map(|n| self.block.wrapping_add(n).checked_rem(self.geometry.blocks).unwrap_or(0))
            .take_while(|block| self.is_ours(*block))
            .count();
        ready.saturating_add(1)
    }

    fn base(&self, block: usize) -> usize {
        block.saturating_mul(self.geometry.block_size)
    }

    fn is_ours(&self, block: usize) -> bool {
        let status = self.memory.status(self.base(block).saturating_add(BLOCK_STATUS));
        // Acquire, for the kernel writes the packets before it hands the block over.
        status.is_some_and(|status| status.load(Ordering::Acquire) & STATUS_USER != 0)
    }

    /// The first packet of the next block that has any, once the block that is read to its end is given
    /// back; `None` if the kernel has not handed one over.
    fn open(&mut self, rules: &mut Rules) -> Result<Option<Cursor>> {
        for _ in 0..=self.geometry.blocks {
            if self.at.is_some() {
                self.give_back(rules);
            }
            if !self.is_ours(self.block) {
                return Ok(None);
            }
            let desc = self.memory.read::<BlockDesc>(self.base(self.block));
            let Some(desc) = desc.filter(|desc| self.holds(desc.num_pkts)) else {
                self.at = Some(Cursor::default());
                return Err(corrupted());
            };
            let at = Cursor { offset: desc.offset_to_first_pkt as usize, left: desc.num_pkts };
            self.at = Some(at);
            (self.first, self.asked) = (at, at);
            if at.left > 0 {
                return Ok(self.at);
            }
        }
        Ok(None)
    }

    /// Whether a block has room for so many packets.
    fn holds(&self, packets: u32) -> bool {
        packets as usize <= self.geometry.block_size / HEADERS
    }

    /// Gives back the block that is read.
    pub fn give_back(&mut self, rules: &mut Rules) {
        let status = self.memory.status(self.base(self.block).saturating_add(BLOCK_STATUS));
        if let Some(status) = status {
            // Release, for our reads of the packets come before the kernel's next writes.
            status.store(STATUS_KERNEL, Ordering::Release);
        }
        self.at = None;
        self.block = self.after(self.block);
        rules.consumed(1);
    }

    /// The block behind `block`.
    fn after(&self, block: usize) -> usize {
        let next = block.wrapping_add(1);
        if next < self.geometry.blocks { next } else { 0 }
    }

    /// Lends the packets of this block from `at` on where they are; false if the first one needs more than that.
    fn lend_run(&self, rules: &Rules, batch: &Batch, at: Cursor) -> bool {
        let Some(block) = self.ours() else { return false };
        let wanted = (rules.snapshot, rules.scale);
        // SAFETY: the block is inside the memory, and ours until it is given back, before which `recall` ends
        // the run; a handle ends it before it drops its source.
        unsafe { batch.run().begin(block.start.as_ptr(), block.size, (at.offset, at.left), wanted) }
    }

    /// Learns how far the run has been read that was lent last.
    fn recall(&mut self, batch: &Batch) {
        if !self.running {
            return;
        }
        self.running = false;
        self.at = Some(self.position(batch));
    }

    /// How far that run has been read.
    fn position(&self, batch: &Batch) -> Cursor {
        let (next, left) = batch.run().position();
        let block = self.memory.bytes(self.base(self.block), 0);
        let offset = block.map_or(0, |block| next.addr().wrapping_sub(block.as_ptr().addr()));
        Cursor { offset, left }
    }

    /// Lends up to a batch of the packets that `rules` let through.
    fn lend_by_rules(&self, rules: &Rules, batch: &Batch, at: &mut Cursor) -> Option<usize> {
        let slots = batch.slots();
        let slots = slots.get(..rules.most()).unwrap_or(slots);
        let block = self.ours()?;
        let mut lent = 0usize;
        while at.left > 0
            && let Some(slot) = slots.get(lent)
        {
            let (facts, packet, next) = block.frame(at.offset)?;
            if let Some(packet) = rules.apply(facts, packet) {
                slot.set(packet);
                lent = lent.wrapping_add(1);
            }
            at.offset = at.offset.checked_add(next)?;
            at.left = at.left.wrapping_sub(1);
        }
        Some(lent)
    }

    /// The packet at `at`, what the kernel tells of it, and how far the next one is.
    fn frame(&self, at: Cursor) -> Option<(Facts, Packet<'_>, usize)> {
        self.ours()?.frame(at.offset)
    }

    /// The block that is read, which is ours.
    fn ours(&self) -> Option<Block<'_>> {
        let size = self.geometry.block_size;
        let start = self.memory.bytes(self.base(self.block), size)?;
        Some(Block { start, size, memory: PhantomData })
    }
}

/// A block that is ours, all of it inside the memory.
struct Block<'m> {
    start: NonNull<u8>,
    size: usize,
    memory: PhantomData<&'m Memory>,
}

impl<'m> Block<'m> {
    /// The status of the packet whose header is at `offset`, with what the block's own status says of it.
    fn status(&self, offset: usize) -> Option<u32> {
        let last = self.size.checked_sub(HEADERS)?;
        if offset > last {
            return None;
        }
        // SAFETY: `offset + HEADERS <= size`, so both headers are inside the block, which is ours, so that the
        // kernel does not write it; any bytes are a header.
        let (block, header) = unsafe {
            let header = self.start.add(offset).cast::<Tpacket3Hdr>();
            (self.start.cast::<BlockDesc>().read_unaligned(), header.read_unaligned())
        };
        Some(header.status | block.block_status & STATUS_LOSING)
    }

    /// The packet whose header is at `offset`, what the kernel tells of it, and how far the next one is.
    #[inline(always)]
    fn frame(&self, offset: usize) -> Option<(Facts, Packet<'m>, usize)> {
        let room = self.size.checked_sub(offset)?;
        if room < HEADERS {
            return None;
        }
        // SAFETY: `offset + HEADERS <= size`, so both headers are inside the block, which is ours, so that the
        // kernel does not write it; any bytes are a header and an address.
        let (frame, header, address) = unsafe {
            let frame = self.start.add(offset);
            let header = frame.cast::<Tpacket3Hdr>().read_unaligned();
            (frame, header, frame.add(ADDRESS).cast::<SockaddrLl>().read_unaligned())
        };
        let mac = usize::from(header.mac);
        if mac.saturating_add(header.snaplen as usize) > room {
            return None;
        }
        let headroom = u32::from(header.mac).saturating_sub(HEADERS as u32);
        // SAFETY: the packet and its headroom lie inside this block, behind the frame's own headers; the
        // block is ours, and a ring is used by one thread at a time.
        let packet = unsafe { Packet::new(frame.add(mac), header.snaplen, headroom) };
        let tpid = (header.status & STATUS_VLAN_TPID_VALID != 0).then_some(header.vlan_tpid);
        let tagged = header.status & STATUS_VLAN_VALID != 0;
        let facts = Facts {
            sec: i64::from(header.sec),
            nsec: header.nsec,
            len: header.len,
            vlan: tagged.then_some((header.vlan_tci as u16, tpid)),
            rxhash: header.rxhash,
            net_offset: header.net.saturating_sub(header.mac).into(),
            addr: link_addr(&address),
            uncut: false,
        };
        Some((facts, packet, header.next_offset as usize))
    }
}
