//! Packets lent to the caller, and how far the caller has got.
//!
//! A source lends either a run of packets that lie ready in memory of its own, which are described as they are
//! taken, or packets that it had to work on, described in slots. What a packet costs is a few loads and stores
//! either way. Everything is a `Cell`: the callback that is being called may read on in the same handle, and
//! then the loop that called it goes on where that reading stopped. Fills take turns with two halves of the
//! slots, so that such a callback's own header outlives the next fill.

use crate::capture::Run;
use std::cell::Cell;

/// How many slots a fill has.
pub const BATCH: usize = 128;

/// `struct pcap_pkthdr` of `pcap/pcap.h`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PacketHeader {
    /// When the packet was seen; `tv_usec` holds nanoseconds in a handle of nanosecond precision.
    pub ts: libc::timeval,
    /// Bytes of the packet that are there.
    pub caplen: u32,
    /// Bytes that the packet had on the wire.
    pub len: u32,
}

/// One packet, lent until the next step of the handle: `struct pcap_packet_linux` of `pcap/linux.h`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Lent {
    /// Its header.
    pub header: PacketHeader,
    /// Its first byte; `header.caplen` bytes are there.
    pub data: *const u8,
}

impl Lent {
    /// A packet of no bytes.
    pub const NONE: Self = Self {
        header: PacketHeader { ts: libc::timeval { tv_sec: 0, tv_usec: 0 }, caplen: 0, len: 0 },
        data: std::ptr::null(),
    };
}

/// The packets that the last step lent.
#[derive(Debug)]
pub struct Batch {
    run: Run,
    /// On the heap, so that pointers into it outlive a move of the batch.
    slots: Box<[Cell<Lent>; 2 * BATCH]>,
    /// The first slot in use, the next to take, and where they end: in, or just behind, `slots`.
    start: Cell<*const Lent>,
    next: Cell<*const Lent>,
    end: Cell<*const Lent>,
    /// Whether the next fill uses the second half.
    turn: Cell<bool>,
}

impl Default for Batch {
    fn default() -> Self {
        let slots = Box::new([const { Cell::new(Lent::NONE) }; 2 * BATCH]);
        let [start, next, end] = [slots.as_ptr().cast::<Lent>(); 3].map(Cell::new);
        Self { run: Run::default(), slots, start, next, end, turn: Cell::new(false) }
    }
}

impl Batch {
    /// The next packet in a slot that the caller has not had. It can be read until the fill after next.
    #[inline]
    pub fn take_slot(&self) -> Option<*const Lent> {
        let next = self.next.get();
        if next == self.end.get() {
            return None;
        }
        self.next.set(next.wrapping_add(1));
        Some(next)
    }

    /// As [`Batch::take_slot`], but for the last.
    #[inline]
    pub fn take_slot_before_last(&self) -> Option<*const Lent> {
        let next = self.next.get();
        let after = next.wrapping_add(1);
        // Where there is none, `next` is the end.
        if after >= self.end.get() {
            return None;
        }
        self.next.set(after);
        Some(next)
    }

    /// The next packet of the run that the caller has not had.
    #[inline]
    pub fn take_from_run(&self) -> Option<Lent> {
        self.run.take()
    }

    /// Up to `most` of the next packets in slots that the caller has not had. They stay there as [`Batch::take_slot`]'s.
    #[inline]
    pub fn take_slots(&self, most: usize) -> &[Cell<Lent>] {
        let next = self.next.get();
        let slots = self.slots.get(self.index(next)..self.index(self.end.get()));
        let slots = slots.unwrap_or_default();
        let slots = slots.get(..most).unwrap_or(slots);
        self.next.set(next.wrapping_add(slots.len()));
        slots
    }

    /// Whether the caller has had all packets.
    #[inline]
    pub fn is_read(&self) -> bool {
        self.next.get() == self.end.get() && self.run.is_read()
    }

    /// The run of packets, for a source to begin one.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Whether there are packets in slots, had or not.
    pub fn is_in_slots(&self) -> bool {
        self.start.get() != self.end.get()
    }

    /// Where the packets in slots begin that the caller has had.
    pub fn read_starts(&self) -> impl Iterator<Item = *const u8> {
        self.starts(self.start.get(), self.next.get())
    }

    /// Where the packets in slots begin that the caller has not had.
    pub fn unread_starts(&self) -> impl Iterator<Item = *const u8> {
        self.starts(self.next.get(), self.end.get())
    }

    fn starts(&self, from: *const Lent, to: *const Lent) -> impl Iterator<Item = *const u8> {
        let slots = self.slots.get(self.index(from)..self.index(to)).unwrap_or_default();
        slots.iter().map(|slot| slot.get().data)
    }

    /// Which slot it is.
    fn index(&self, slot: *const Lent) -> usize {
        slot.addr().wrapping_sub(self.slots.as_ptr().addr()) / size_of::<Lent>()
    }

    /// Forgets all packets: what they are made of goes back to its owner.
    pub fn clear(&self) {
        self.run.end();
        self.start.set(self.end.get());
        self.next.set(self.end.get());
    }

    /// The slots to fill, for [`Batch::filled`] to tell how many were.
    pub fn slots(&self) -> &[Cell<Lent>] {
        let (first, second) = self.slots.split_at(BATCH);
        if self.turn.get() { second } else { first }
    }

    /// The first `len` slots now hold packets.
    pub fn filled(&self, len: usize) {
        let start = self.slots().as_ptr().cast::<Lent>();
        self.start.set(start);
        self.next.set(start);
        self.end.set(start.wrapping_add(len.min(BATCH)));
        self.turn.set(!self.turn.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(batch: &Batch, lens: std::ops::Range<u32>) {
        for (slot, len) in batch.slots().iter().zip(lens.clone()) {
            let mut lent = Lent::NONE;
            lent.header.len = len;
            slot.set(lent);
        }
        batch.filled(lens.len());
    }

    fn read(batch: &Batch, slot: *const Lent) -> u32 {
        let slots = &mut batch.slots.iter();
        slots.find(|s| s.as_ptr().cast_const() == slot).unwrap().get().header.len
    }

    fn take(batch: &Batch) -> Option<u32> {
        batch.take_slot().map(|slot| read(batch, slot))
    }

    #[test]
    fn packets_come_in_order_and_once() {
        let batch = Batch::default();
        assert_eq!(take(&batch), None);
        assert!(batch.take_slot_before_last().is_none());
        for turn in 0..5 {
            fill(&batch, turn..turn + 128);
            assert_eq!(batch.unread_starts().count(), BATCH);
            for n in 0..128 {
                assert!(!batch.is_read());
                assert_eq!(take(&batch), Some(turn + n));
            }
            assert_eq!(take(&batch), None);
            assert!(batch.is_read());
        }
        fill(&batch, 0..3);
        take(&batch);
        assert_eq!((batch.read_starts().count(), batch.unread_starts().count()), (1, 2));
        batch.clear();
        assert_eq!(take(&batch), None);
    }

    #[test]
    fn a_header_outlives_the_next_fill() {
        let batch = Batch::default();
        fill(&batch, 7..8);
        let first = batch.take_slot().unwrap();
        fill(&batch, 9..10);
        assert_eq!(take(&batch), Some(9));
        assert_eq!(read(&batch, first), 7);
    }
}
