//! TPACKET_V3: blocks of packets of any size, as the kernel's packet_mmap documentation describes them.
//!
//! A block is ours from the moment its status says so until we write the status back, which is at the start
//! of the fill after the one that lent its last packets.

use super::frame::{Facts, Packet, Rules, Scale};
use super::layout::{
    BLOCK_STATUS, BlockDesc, STATUS_KERNEL, STATUS_USER, STATUS_VLAN_TPID_VALID, STATUS_VLAN_VALID,
    SockaddrLl, Tpacket3Hdr, align,
};
use super::{Geometry, corrupted, link_addr, memory::Memory};
use crate::capture::Fill;
use crate::error::Result;
use crate::handle::batch::{BATCH, Batch, Lent, PacketHeader};
use std::cell::Cell;
use std::sync::atomic::Ordering;

/// Where the `sockaddr_ll` stands in a frame.
const ADDRESS: usize = align(size_of::<Tpacket3Hdr>());
/// Bytes of a frame before which no packet can begin.
const HEADERS: usize = ADDRESS + size_of::<SockaddrLl>();

/// A ring of blocks.
#[derive(Debug)]
pub struct Ring {
    memory: Memory,
    geometry: Geometry,
    /// The block that is read now, or next.
    block: usize,
    /// How far, if it is ours.
    at: Option<Cursor>,
    /// Where the last fill began.
    lent: Cursor,
}

/// A place between two packets of a block.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    /// Where the next packet's header begins, from the start of the block.
    offset: usize,
    /// How many packets are left.
    left: u32,
}

impl Ring {
    /// A ring over `memory`, which holds `geometry.blocks` blocks.
    pub fn new(memory: Memory, geometry: Geometry) -> Self {
        Self { memory, geometry, block: 0, at: None, lent: Cursor::default() }
    }

    /// Gives back what was lent and lends what is there.
    pub fn fill(&mut self, rules: &mut Rules, batch: &Batch) -> Result<Fill> {
        let mut at = match self.at {
            Some(at) if at.left > 0 => at,
            _ => match self.open(rules)? {
                Some(at) => at,
                None => return Ok(Fill::Nothing),
            },
        };
        self.lent = at;
        let lent = if rules.plain() {
            self.fill_plain(rules, batch, &mut at)
        } else {
            self.fill_by_rules(rules, batch, &mut at)
        };
        let Some(lent) = lent else {
            self.at = Some(Cursor::default());
            return Err(corrupted());
        };
        self.at = Some(at);
        batch.filled(lent);
        Ok(if lent == 0 { Fill::Rejected } else { Fill::Packets })
    }

    /// Puts the cursor back to behind the last packet of `batch` that was read, and the packets from there
    /// on to what the kernel wrote.
    pub fn rewind(&mut self, rules: &Rules, batch: &Batch) {
        let Some(end) = self.at else { return };
        let mut read = batch.read_starts().peekable();
        let mut unread = batch.unread_starts().peekable();
        let mut at = self.lent;
        let mut back_to = at;
        while at.left > end.left {
            let Some((facts, packet, next)) = self.frame(at) else { return };
            at = Cursor { offset: at.offset.saturating_add(next), left: at.left.saturating_sub(1) };
            let start = rules.start_of(&facts, &packet);
            if read.next_if_eq(&start).is_some() {
                back_to = at;
            } else if unread.next_if_eq(&start).is_some() {
                rules.undo(&facts, packet);
            }
        }
        self.at = Some(back_to);
    }

    /// Gives back what was lent, all of which has been read, if nothing more is there; whether it did.
    pub fn settle(&mut self, rules: &mut Rules, aside: impl FnOnce()) -> bool {
        let next = self.after(self.block);
        let done = self.at.is_some_and(|at| at.left == 0) && !self.is_ours(next);
        if done {
            aside();
            self.give_back(rules);
        }
        done
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

    fn give_back(&mut self, rules: &mut Rules) {
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

    /// Lends up to a batch of packets that need no more than a VLAN tag; how many, or `None` for a block
    /// that is damaged.
    fn fill_plain(&self, rules: &Rules, batch: &Batch, at: &mut Cursor) -> Option<usize> {
        let size = self.geometry.block_size;
        let block = self.memory.bytes(self.base(self.block), size)?.as_ptr().cast_const();
        let mut run =
            Run { next: block.wrapping_add(at.offset), block, size, snapshot: rules.snapshot };
        let mut slots = batch.slots().get(..BATCH.min(at.left as usize))?;
        let lent = slots.len();
        while !slots.is_empty() {
            let untagged = match rules.scale {
                Scale::Micro => run.lend_untagged::<false>(slots)?,
                Scale::Nano => run.lend_untagged::<true>(slots)?,
            };
            slots = slots.get(untagged..)?;
            if let Some((slot, rest)) = slots.split_first() {
                let at = Cursor { offset: run.next.addr().wrapping_sub(block.addr()), left: 1 };
                let (facts, packet, next) = self.frame(at)?;
                slot.set(rules.apply(&facts, packet)?);
                run.next = run.next.wrapping_add(next);
                slots = rest;
            }
        }
        let offset = run.next.addr().wrapping_sub(block.addr());
        *at = Cursor { offset, left: at.left.wrapping_sub(lent as u32) };
        Some(lent)
    }

    /// Lends up to a batch of the packets that `rules` let through.
    fn fill_by_rules(&self, rules: &Rules, batch: &Batch, at: &mut Cursor) -> Option<usize> {
        let mut slots = batch.slots().iter();
        let mut lent = 0usize;
        while at.left > 0 && lent < rules.most() {
            let (facts, packet, next) = self.frame(*at)?;
            if let Some(packet) = rules.apply(&facts, packet) {
                slots.next()?.set(packet);
                lent = lent.saturating_add(1);
            }
            at.offset = at.offset.checked_add(next)?;
            at.left = at.left.saturating_sub(1);
        }
        Some(lent)
    }

    /// The packet at `at`, what the kernel tells of it, and how far the next one is.
    fn frame(&self, at: Cursor) -> Option<(Facts, Packet<'_>, usize)> {
        let size = self.geometry.block_size;
        let room = size.checked_sub(at.offset)?;
        if room < HEADERS {
            return None;
        }
        let base = self.base(self.block).checked_add(at.offset)?;
        let header = self.memory.read::<Tpacket3Hdr>(base)?;
        let address = self.memory.read::<SockaddrLl>(base.checked_add(ADDRESS)?)?;
        let captured = header.snaplen as usize;
        let mac = usize::from(header.mac);
        if mac.checked_add(captured)? > room {
            return None;
        }
        let start = self.memory.bytes(base.checked_add(mac)?, captured)?;
        let headroom = u32::from(header.mac).saturating_sub(HEADERS as u32);
        // SAFETY: the packet and its headroom lie inside this block, behind the frame's own headers; the
        // block is ours, and a ring is used by one thread at a time.
        let packet = unsafe { Packet::new(start, header.snaplen, headroom) };
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

/// A walk over the packets of one block.
struct Run {
    /// The next packet's header.
    next: *const u8,
    /// The block, all of it inside the ring and ours.
    block: *const u8,
    size: usize,
    snapshot: u32,
}

impl Run {
    /// Lends packets up to the first with a VLAN tag; how many, or `None` for a block that is damaged.
    ///
    /// This loop is what a packet costs. It goes by addresses, each checked against the block's end; it is
    /// kept by itself so that they all stay in registers. No sum overflows: all that is added to the
    /// address of a block has 32 bits.
    #[inline(never)]
    fn lend_untagged<const NANO: bool>(&mut self, slots: &[Cell<Lent>]) -> Option<usize> {
        let scale = if NANO { Scale::Nano } else { Scale::Micro };
        let snapshot = self.snapshot;
        let end = self.block.wrapping_add(self.size);
        let last = self.block.wrapping_add(self.size.checked_sub(HEADERS)?);
        let mut frame = self.next;
        let mut lent = slots.len();
        for (n, slot) in slots.iter().enumerate() {
            if frame > last {
                return None;
            }
            // SAFETY: `block <= frame <= last`, so the header is inside the block, which is inside the memory;
            // the block is ours, so that the kernel does not write it; any bytes are a header.
            let header = unsafe { frame.cast::<Tpacket3Hdr>().read_unaligned() };
            let data = frame.wrapping_add(usize::from(header.mac));
            if data.wrapping_add(header.snaplen as usize) > end {
                return None;
            }
            if header.status & STATUS_VLAN_VALID != 0 {
                lent = n;
                break;
            }
            let tv_sec = libc::time_t::from(header.sec);
            let ts = libc::timeval { tv_sec, tv_usec: scale.apply(header.nsec) };
            let caplen = header.snaplen.min(snapshot);
            slot.set(Lent { header: PacketHeader { ts, caplen, len: header.len }, data });
            frame = frame.wrapping_add(header.next_offset as usize);
        }
        self.next = frame;
        Some(lent)
    }
}
