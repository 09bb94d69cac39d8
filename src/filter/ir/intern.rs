//! An arena that holds each thing once.

use super::Fast;
use std::hash::Hasher;

/// Things by number, beside their hashes. Equal things have the same number.
#[derive(Debug)]
pub struct Interned<T> {
    items: Vec<(u32, T)>,
    slots: Slots,
}

/// Where a thing belongs that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    hash: u32,
    slot: usize,
}

/// Numbers of things by their hashes, with open addressing; `FREE` where there is none. Never more than half full, a
/// power of two.
#[derive(Debug)]
pub struct Slots(Vec<u32>);

const FREE: u32 = u32::MAX;

/// Most filters need no more slots, ...
const FIRST: usize = 64;
/// ... and so have no more things. Of 32 bytes each, as they are, allocators have memory of this size at hand.
const ROOM: usize = FIRST / 2;

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

impl<T> Interned<T> {
    /// Nothing but some things that are known by their numbers: no search finds them.
    pub fn after(known: impl IntoIterator<Item = T>) -> Self {
        let mut items = Vec::with_capacity(ROOM);
        items.extend(known.into_iter().map(|item| (0, item)));
        Self { items, slots: Slots::default() }
    }

    /// The thing with a number.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    #[inline]
    pub fn get(&self, number: u32) -> &T {
        &self.items[number as usize].1
    }

    /// How many things there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.items.len()
    }

    /// The number of a thing that is there and looks so, or the free place where it belongs.
    ///
    /// # Errors
    /// If it is not there.
    #[inline]
    pub fn find(&self, look: Fast, is: impl Fn(&T) -> bool) -> Result<u32, Free> {
        let hash = look.finish() as u32;
        let found = self.slots.find(hash as usize, |number| {
            let (known, item) = &self.items[number as usize];
            *known == hash && is(item)
        });
        found.map_err(|slot| Free { hash, slot })
    }

    /// The number of a thing that [`Interned::find`] found no more than a place for just now.
    pub fn add(&mut self, free: Free, item: T) -> u32 {
        let number = u32::try_from(self.items.len()).unwrap_or(FREE - 1);
        self.items.push((free.hash, item));
        self.slots.put(free.slot, number, |number| self.items[number as usize].0 as usize);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_things_have_one_number() {
        let mut things = Interned::after([]);
        let look = |n| Fast::default().with(0, n);
        for n in 0..1_000_u32 {
            let free = things.find(look(n * 7), |thing| *thing == n * 7).expect_err("new");
            assert_eq!(things.add(free, n * 7), n);
        }
        for n in 0..1_000 {
            assert_eq!(things.find(look(n * 7), |thing| *thing == n * 7), Ok(n));
        }
        assert_eq!((things.count(), *things.get(3)), (1_000, 21));
    }
}
