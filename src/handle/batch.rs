//! Packets lent to the caller: headers by value, bytes by pointer, and how far the caller has got.
//!
//! A source fills the batch in one go and the delivery loop walks it, so that what a packet costs is a few
//! loads and stores. Everything is a `Cell`: the callback that is being called may read on in the same
//! handle, and then the loop that called it goes on where that reading stopped.

use std::cell::Cell;

/// How many packets one step lends at most.
pub const BATCH: usize = 64;

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
    slots: [Cell<Lent>; BATCH],
    next: Cell<usize>,
    len: Cell<usize>,
}

impl Default for Batch {
    fn default() -> Self {
        Self { slots: [const { Cell::new(Lent::NONE) }; BATCH], next: Cell::new(0), len: Cell::new(0) }
    }
}

impl Batch {
    /// The next packet that the caller has not had.
    #[inline]
    pub fn take(&self) -> Option<Lent> {
        let next = self.next.get();
        if next >= self.len.get() {
            return None;
        }
        self.next.set(next.wrapping_add(1));
        self.slots.get(next).map(Cell::get)
    }

    /// Where the packets begin that the caller has not had.
    pub fn unread_starts(&self) -> impl Iterator<Item = *const u8> {
        let unread = self.slots.get(self.next.get()..self.len.get()).unwrap_or_default();
        unread.iter().map(|slot| slot.get().data)
    }

    /// Forgets all packets: what they pointed to goes back to its owner.
    pub fn clear(&self) {
        self.next.set(0);
        self.len.set(0);
    }

    /// The slots to fill, for [`Batch::filled`] to tell how many were.
    #[inline]
    pub fn slots(&self) -> &[Cell<Lent>; BATCH] {
        &self.slots
    }

    /// The first `len` slots now hold packets.
    pub fn filled(&self, len: usize) {
        self.next.set(0);
        self.len.set(len.min(BATCH));
    }
}
