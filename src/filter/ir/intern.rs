//! An arena that holds each thing once.

use super::Fast;
use std::hash::Hasher;

/// What can be kept once.
pub trait Once: Eq {
    /// The hash of all that makes it what it is.
    fn look(&self) -> Fast;
}

/// Things by number, with what is kept beside each. Equal things have the same number.
#[derive(Debug)]
pub struct Interned<T, B> {
    items: Vec<(T, B)>,
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

impl<T, B> Default for Interned<T, B> {
    fn default() -> Self {
        Self { items: Vec::with_capacity(ROOM), slots: Slots::default() }
    }
}

impl<T: Once, B> Interned<T, B> {
    /// The thing with a number.
    #[must_use]
    pub fn get(&self, number: u32) -> &T {
        &self.items[number as usize].0
    }

    /// What is kept beside it.
    #[must_use]
    pub fn beside(&self, number: u32) -> &B {
        &self.items[number as usize].1
    }

    /// How many things there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.items.len()
    }

    /// The number of a thing that is there, or the free slot where it belongs.
    ///
    /// # Errors
    /// If it is not there.
    pub fn find(&self, item: &T) -> Result<u32, usize> {
        self.slots.find(hash(item), |number| self.items[number as usize].0 == *item)
    }

    /// The number of a thing that [`Interned::find`] found no more than a slot for just now.
    pub fn add(&mut self, free: usize, beside: B, item: T) -> u32 {
        let number = u32::try_from(self.items.len()).unwrap_or(FREE - 1);
        self.items.push((item, beside));
        self.slots.put(free, number, |number| hash(&self.items[number as usize].0));
        number
    }
}

fn hash<T: Once>(item: &T) -> usize {
    item.look().finish() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Once for u32 {
        fn look(&self) -> Fast {
            Fast::default().with(0, *self)
        }
    }

    #[test]
    fn equal_things_have_one_number() {
        let mut things = Interned::default();
        for n in 0..1_000_u32 {
            let free = things.find(&(n * 7)).expect_err("new");
            assert_eq!(things.add(free, n + 1, n * 7), n);
        }
        for n in 0..1_000 {
            assert_eq!(things.find(&(n * 7)), Ok(n));
        }
        assert_eq!((things.count(), *things.get(3), *things.beside(3)), (1_000, 21, 4));
    }
}
