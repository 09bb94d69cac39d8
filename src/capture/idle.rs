//! How often reads that find nothing, and do not wait, ask the kernel.
//!
//! A ring's memory tells of packets; that the interface is down or gone, poll(2) tells. That a savefile has grown,
//! read(2) tells. A program that reads round and round need not ask each time.

use crate::sys::clock;

/// Reads in a row that have found nothing.
#[derive(Debug)]
pub struct Idle {
    /// As many ask each.
    first: u32,
    reads: u32,
    asked: u64,
}

impl Idle {
    /// The first reads in a row that find nothing are to ask each. More than those makes only who does nothing but read:
    /// whoever is woken by something, and then reads, must not wait again for what the kernel was not asked of.
    pub fn new(first: u32) -> Self {
        Self { first, reads: 0, asked: 0 }
    }

    /// One has found something.
    #[inline]
    pub fn end(&mut self) {
        self.reads = 0;
    }

    /// Whether this read, which has found nothing, asks: after the first ones, one does each time the clock ticks.
    pub fn asks(&mut self) -> bool {
        if self.reads < self.first {
            self.reads += 1;
            return true;
        }
        let tick = clock::tick();
        std::mem::replace(&mut self.asked, tick) != tick
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn first_each_and_then_now_and_then() {
        const FIRST: u32 = 8;
        let mut idle = Idle::new(FIRST);
        for _ in 0..2 {
            assert!((0..FIRST).all(|_| idle.asks()));
            let begin = clock::tick();
            let asked = (0..1000).filter(|_| idle.asks()).count();
            let end = clock::tick();
            // A tick is a millisecond at least.
            let ticks = usize::try_from((end - begin).div_ceil(1_000_000)).expect("small");
            assert!(asked <= 1 + ticks, "{asked} in {ticks} ticks");
            std::thread::sleep(Duration::from_millis(50));
            assert!(idle.asks(), "the clock has ticked");
            idle.end();
        }
    }
}
