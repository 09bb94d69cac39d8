//! Packets lent to the caller: headers by value, bytes by pointer, and how far the caller has got.
//!
//! A source fills the batch in one go and the delivery loop walks it, so that what a packet costs is a few
//! loads and stores. Everything is a `Cell`: the callback that is being called may read on in the same
//! handle, and then the loop that called it goes on where that reading stopped. Fills take turns with two
//! halves, so that such a callback's own header outlives the next fill.

use std::cell::Cell;

/// How many packets one step lends at most.
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

/// One packet, lent until the next step of the handle.
#[derive(Clone, Copy, Debug)]
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
    /// On the heap, so that pointers into it outlive a move of the batch.
    slots: Box<[Cell<Lent>; 2 * BATCH]>,
    /// Where the packets begin, the next to take, and where they end: in, or just behind, `slots`.
    start: Cell<*const Lent>,
    next: Cell<*const Lent>,
    end: Cell<*const Lent>,
    /// Which half the next fill uses.
    turn: Cell<bool>,
}

impl Default for Batch {
    fn default() -> Self {
        let slots = Box::new([const { Cell::new(Lent::NONE) }; 2 * BATCH]);
        let start = slots.as_ptr().cast::<Lent>();
        let [start, next, end] = [start; 3].map(Cell::new);
        Self { slots, start, next, end, turn: Cell::new(false) }
    }
}

impl Batch {
    /// The next packet that the caller has not had. It can be read until the fill after next.
    #[inline]
    pub fn take(&self) -> Option<*const Lent> {
        let next = self.next.get();
        if self.is_read() {
            return None;
        }
        self.next.set(next.wrapping_add(1));
        Some(next)
    }

    /// Whether the caller has had all packets.
    #[inline]
    pub fn is_read(&self) -> bool {
        self.next.get() == self.end.get()
    }

    /// Where the packets begin that the caller has had.
    pub fn read_starts(&self) -> impl Iterator<Item = *const u8> {
        self.starts(self.start.get(), self.next.get())
    }

    /// Where the packets begin that the caller has not had.
    pub fn unread_starts(&self) -> impl Iterator<Item = *const u8> {
        self.starts(self.next.get(), self.end.get())
    }

    fn starts(&self, from: *const Lent, to: *const Lent) -> impl Iterator<Item = *const u8> {
        let index = |slot: *const Lent| {
            slot.addr().wrapping_sub(self.slots.as_ptr().addr()) / size_of::<Lent>()
        };
        let slots = self.slots.get(index(from)..index(to)).unwrap_or_default();
        slots.iter().map(|slot| slot.get().data)
    }

    /// Forgets all packets: what they pointed to goes back to its owner.
    pub fn clear(&self) {
        self.next.set(self.end.get());
        self.start.set(self.end.get());
    }

    /// The slots to fill, for [`Batch::filled`] to tell how many were.
    pub fn slots(&self) -> &[Cell<Lent>] {
        let (first, second) = self.slots.split_at(BATCH);
        if self.turn.get() { second } else { first }
    }

    /// The first `len` of the slots now hold packets.
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

    fn read(batch: &Batch, slot: *const Lent) -> Lent {
        batch.slots.iter().find(|s| s.as_ptr().cast_const() == slot).unwrap().get()
    }

    fn take(batch: &Batch) -> Option<u32> {
        batch.take().map(|slot| read(batch, slot).header.len)
    }

    #[test]
    fn packets_come_in_order_and_once() {
        let batch = Batch::default();
        assert_eq!(take(&batch), None);
        for turn in 0..5 {
            fill(&batch, turn..turn + 128);
            assert_eq!(batch.unread_starts().count(), BATCH);
            for n in 0..128 {
                assert_eq!(take(&batch), Some(turn + n));
            }
            assert_eq!(take(&batch), None);
        }
        fill(&batch, 0..3);
        take(&batch);
        assert_eq!(batch.unread_starts().count(), 2);
        batch.clear();
        assert_eq!(take(&batch), None);
    }

    #[test]
    fn a_header_outlives_the_next_fill() {
        let batch = Batch::default();
        fill(&batch, 7..8);
        let first = batch.take().unwrap();
        fill(&batch, 9..10);
        assert_eq!(take(&batch), Some(9));
        assert_eq!(read(&batch, first).header.len, 7);
    }
}
