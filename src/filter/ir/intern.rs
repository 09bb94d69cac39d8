//! An arena that holds each thing once.

use super::Fast;
use std::hash::{Hash, Hasher};

/// Things by number. Equal things have the same number.
#[derive(Debug)]
pub struct Interned<T> {
    items: Vec<T>,
    slots: Slots,
}

/// Numbers of things by their hashes, with open addressing; `FREE` where there is none. Never more than half full, a
/// power of two.
#[derive(Debug)]
pub struct Slots(Vec<u32>);

const FREE: u32 = u32::MAX;

/// Most filters need no more slots, ...
const FIRST: usize = 64;
/// ... and have no more things. An allocator has memory of this size at hand, and more would be half the slots.
const ROOM: usize = 24;

impl Default for Slots {
    fn default() -> Self {
        Self(vec![FREE; FIRST])
    }
}

impl Slots {
    /// The number under `hash` that is looked for, or the free slot where it belongs.
    #[inline]
    pub fn find(&self, hash: usize, is: impl Fn(u32) -> bool) -> Result<u32, usize> {
        let mask = self.0.len() - 1;
        let mut at = hash & mask;
        loop {
            match self.0[at] {
                FREE => return Err(at),
                number if is(number) => return Ok(number),
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// Has a slot that [`Slots::find`] gave hold a new thing, the last of as many as its number tells.
    pub fn put(&mut self, at: usize, number: u32, hash_of: impl Fn(u32) -> usize) {
        self.0[at] = number;
        let count = number as usize + 1;
        if count * 2 < self.0.len() {
            return;
        }
        let old = std::mem::take(&mut self.0);
        self.0 = vec![FREE; old.len() * 2];
        for number in old.into_iter().filter(|&number| number != FREE) {
            if let Err(at) = self.find(hash_of(number), |_| false) {
                self.0[at] = number;
            }
        }
    }
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { items: Vec::with_capacity(ROOM), slots: Slots::default() }
    }
}

impl<T: Hash + Eq> Interned<T> {
    /// The thing with a number.
    #[must_use]
    pub fn get(&self, number: u32) -> &T {
        &self.items[number as usize]
    }

    /// How many things there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.items.len()
    }

    /// The thing's number, and whether it is new.
    pub fn intern(&mut self, item: T) -> (u32, bool) {
        let found = self.slots.find(hash(&item), |number| self.items[number as usize] == item);
        let at = match found {
            Ok(number) => return (number, false),
            Err(at) => at,
        };
        let number = u32::try_from(self.items.len()).unwrap_or(FREE - 1);
        self.items.push(item);
        self.slots.put(at, number, |number| hash(&self.items[number as usize]));
        (number, true)
    }
}

fn hash<T: Hash>(item: &T) -> usize {
    let mut hasher = Fast::default();
    item.hash(&mut hasher);
    hasher.finish() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_things_have_one_number() {
        let mut things = Interned::default();
        for round in 0..2 {
            for n in 0..1_000_u32 {
                assert_eq!(things.intern(n * 7), (n, round == 0));
            }
        }
        assert_eq!((things.count(), *things.get(3)), (1_000, 21));
    }
}
