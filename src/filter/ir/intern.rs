//! An arena that holds each thing once.

use super::Fast;
use std::hash::{Hash, Hasher};

/// Things by number. Equal things have the same number.
#[derive(Debug)]
pub struct Interned<T> {
    items: Vec<T>,
    /// Numbers by hash, with open addressing; [`FREE`] where there is none. Never more than half full, a power of two.
    slots: Vec<u32>,
}

const FREE: u32 = u32::MAX;

/// Most filters need no more.
const FIRST: usize = 64;

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { items: Vec::with_capacity(FIRST / 2), slots: vec![FREE; FIRST] }
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

    /// Adds a thing without looking whether it is there, or ever finding it.
    pub fn push(&mut self, item: T) {
        self.items.push(item);
    }

    /// The thing's number, and whether it is new.
    pub fn intern(&mut self, item: T) -> (u32, bool) {
        if (self.items.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let at = self.find(&item);
        let slot = &mut self.slots[at];
        if *slot != FREE {
            return (*slot, false);
        }
        let number = u32::try_from(self.items.len()).unwrap_or(FREE - 1);
        *slot = number;
        self.items.push(item);
        (number, true)
    }

    /// The slot of a thing, or the free one where it belongs.
    fn find(&self, item: &T) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash(item) & mask;
        while self.slots[at] != FREE && self.items[self.slots[at] as usize] != *item {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![FREE; old.len() * 2];
        let mask = self.slots.len() - 1;
        for number in old.into_iter().filter(|&number| number != FREE) {
            let mut at = hash(&self.items[number as usize]) & mask;
            while self.slots[at] != FREE {
                at = (at + 1) & mask;
            }
            self.slots[at] = number;
        }
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
