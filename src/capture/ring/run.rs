//! Packets of a V3 block that need nothing done to them: taken where the kernel has put them.
//!
//! This is what a packet costs. Each address is checked against the block's end, and [`ahead`] never leads back.

use super::frame::Scale;
use super::layout::{STATUS_VLAN_VALID, SockaddrLl, Tpacket3Hdr, align};
use super::memory::ahead;
use crate::handle::batch::{Lent, PacketHeader};
use std::cell::Cell;
use std::ptr::null;

/// Where the `sockaddr_ll` stands in a frame.
pub(super) const ADDRESS: usize = align(size_of::<Tpacket3Hdr>());
/// Bytes of a frame before which no packet can begin.
pub(super) const HEADERS: usize = ADDRESS + size_of::<SockaddrLl>();

/// A walk from packet to packet of one block.
#[derive(Clone, Debug)]
pub struct Run {
    /// The next packet's header.
    next: Cell<*const u8>,
    /// How many packets are left.
    left: Cell<u32>,
    /// The last place where a header can begin, and the end of the block.
    last: Cell<*const u8>,
    end: Cell<*const u8>,
    /// Bytes of each packet that are wanted.
    snapshot: Cell<u32>,
    /// Time stamps are `(nsec * mul) >> shift`.
    mul: Cell<u64>,
    shift: Cell<u8>,
}

/// 274877907 / 2^38 divides every 32-bit number by 1000, rounding down.
const BY_1000: (u64, u8) = (274_877_907, 38);

impl Default for Run {
    fn default() -> Self {
        let [next, last, end] = [null(); 3].map(Cell::new);
        let (left, snapshot) = (Cell::new(0), Cell::new(0));
        Self { next, left, last, end, snapshot, mul: Cell::new(1), shift: Cell::new(0) }
    }
}

impl Run {
    /// Begins a walk over `left` packets of the block of `size` bytes at `block`, the first at `offset`; false
    /// if there is none, or none that can be taken as it is.
    ///
    /// # Safety
    /// The block is readable, and neither the kernel nor anybody else writes it, until [`Run::end`].
    pub unsafe fn begin(
        &self,
        block: *const u8,
        size: usize,
        (offset, left): (usize, u32),
        (snapshot, scale): (u32, Scale),
    ) -> bool {
        let Some(last) = size.checked_sub(HEADERS) else { return false };
        let (mul, shift) = match scale {
            Scale::Micro => BY_1000,
            Scale::Nano => (1, 0),
        };
        self.next.set(block.wrapping_add(offset));
        self.left.set(if offset <= last { left } else { 0 });
        self.last.set(block.wrapping_add(last));
        self.end.set(block.wrapping_add(size));
        self.snapshot.set(snapshot);
        self.mul.set(mul);
        self.shift.set(shift);
        self.describe().is_some()
    }

    /// The next packet, unless there is none or it needs more than that.
    #[inline]
    pub fn take(&self) -> Option<Lent> {
        let (lent, next) = self.describe()?;
        self.next.set(next);
        self.left.set(self.left.get().wrapping_sub(1));
        Some(lent)
    }

    /// Up to `most` of the next packets, as long as [`Run::take`] would give them; how many were put somewhere.
    #[inline]
    pub fn take_many(&self, most: usize, mut put: impl FnMut(Lent)) -> usize {
        // Nobody else knows this walk, so it can be in registers.
        let walk = self.clone();
        let mut taken = 0usize;
        while taken < most
            && let Some(lent) = walk.take()
        {
            put(lent);
            taken = taken.wrapping_add(1);
        }
        self.next.set(walk.next.get());
        self.left.set(walk.left.get());
        taken
    }

    /// Whether all packets have been taken.
    #[inline]
    pub fn is_read(&self) -> bool {
        self.left.get() == 0
    }

    /// Where the walk stands: the address of the next header, and how many packets are left.
    pub fn position(&self) -> (*const u8, u32) {
        (self.next.get(), self.left.get())
    }

    /// Ends the walk.
    pub fn end(&self) {
        self.left.set(0);
    }

    /// The next packet, and where the one after it begins.
    #[inline(always)]
    fn describe(&self) -> Option<(Lent, *const u8)> {
        let frame = self.next.get();
        if self.left.get() == 0 || frame > self.last.get() {
            return None;
        }
        // SAFETY: `begin` found `block <= frame`, which only grows, and here `frame <= last`: the header is inside
        // the block, which is readable and nobody's to write while packets are left; any bytes are a header.
        let header = unsafe { frame.cast::<Tpacket3Hdr>().read_unaligned() };
        let data = ahead(frame, header.mac.into());
        let beyond = ahead(data, header.snaplen) > self.end.get();
        if beyond || header.status & STATUS_VLAN_VALID != 0 {
            return None;
        }
        let tv_sec = header.sec as libc::time_t;
        let scaled = u64::from(header.nsec).wrapping_mul(self.mul.get());
        let tv_usec = scaled.wrapping_shr(self.shift.get().into()) as libc::suseconds_t;
        let ts = libc::timeval { tv_sec, tv_usec };
        let caplen = header.snaplen.min(self.snapshot.get());
        let lent = Lent { header: PacketHeader { ts, caplen, len: header.len }, data };
        Some((lent, ahead(frame, header.next_offset)))
    }
}
