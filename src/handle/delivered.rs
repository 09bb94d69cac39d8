//! How much a program has been given: counted by its one reader, and read by anybody.

use std::sync::atomic::{AtomicU64, Ordering};

/// Packets and bytes that the program has had.
#[derive(Debug, Default)]
pub struct Delivered {
    packets: AtomicU64,
    bytes: AtomicU64,
}

impl Delivered {
    /// So many more: two additions in memory, for nobody else counts.
    #[inline(always)]
    pub fn add(&self, packets: u64, bytes: u64) {
        let more = |to: &AtomicU64, n: u64| {
            to.store(to.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
        };
        more(&self.packets, packets);
        more(&self.bytes, bytes);
    }

    /// The counts up to now: packets, bytes.
    pub fn counts(&self) -> (u64, u64) {
        (self.packets.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// Begins anew.
    pub fn reset(&self) {
        self.packets.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
    }
}
