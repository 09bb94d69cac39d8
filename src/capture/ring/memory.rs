//! The memory of a ring: who owns it, and bounds-checked ways into it.

use crate::sys::mmap::Mapping;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// Memory that the kernel fills and we read. Never a Rust reference: the kernel may write any byte of what
/// it has not handed over.
#[derive(Debug)]
pub struct Memory {
    base: NonNull<u8>,
    len: usize,
    _owner: Owner,
}

#[derive(Debug)]
enum Owner {
    Kernel {
        _mapping: Arc<Mapping>,
    },
    #[cfg(test)]
    Heap {
        _scratch: Scratch,
    },
    #[cfg(test)]
    Nobody,
}

/// Memory of our own that packets are received into, to be read and changed by pointer afterwards.
#[derive(Debug)]
pub struct Scratch {
    words: NonNull<[u128]>,
}

impl Scratch {
    /// At least `len` zeroed bytes.
    pub fn new(len: usize) -> Self {
        let words = Box::into_raw(vec![0u128; len.div_ceil(size_of::<u128>())].into_boxed_slice());
        // SAFETY: a box is never null.
        Self { words: unsafe { NonNull::new_unchecked(words) } }
    }

    /// The first of `len` bytes at `offset`, if they are all inside.
    pub fn bytes(&self, offset: usize, len: usize) -> Option<NonNull<u8>> {
        let end = offset.checked_add(len)?;
        // SAFETY: `offset <= end <= size`, so the result is inside the allocation.
        (end <= self.size()).then(|| unsafe { self.words.cast::<u8>().add(offset) })
    }

    /// The bytes from `offset` on, to receive into; empty if there are none.
    pub fn tail_mut(&mut self, offset: usize) -> &mut [u8] {
        let len = self.size().saturating_sub(offset);
        let offset = offset.min(self.size());
        // SAFETY: inside the allocation, initialised, and borrowed by nobody else as `self` is not.
        unsafe { std::slice::from_raw_parts_mut(self.words.cast::<u8>().add(offset).as_ptr(), len) }
    }

    fn size(&self) -> usize {
        self.words.len().saturating_mul(size_of::<u128>())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: `words` came from a box in `new` and is given up here.
        drop(unsafe { Box::from_raw(self.words.as_ptr()) });
    }
}

/// A structure that the kernel writes: integers only, so that any bytes are one.
///
/// # Safety
/// The type is `repr(C)` and made of integers and arrays of them.
pub unsafe trait Shared: Copy {}

impl Memory {
    /// A part of a mapping, which is there as long as one of its parts is: as much of `len` bytes from `offset` on as
    /// there is.
    pub fn part(mapping: &Arc<Mapping>, offset: usize, len: usize) -> Self {
        let offset = offset.min(mapping.size());
        Self {
            // SAFETY: at most at the end of the mapping.
            base: unsafe { mapping.base().add(offset) },
            len: len.min(mapping.size() - offset),
            _owner: Owner::Kernel { _mapping: mapping.clone() },
        }
    }

    /// Zeroed memory that plays a ring in tests; `len` is rounded up to 16.
    #[cfg(test)]
    pub fn heap(len: usize) -> Self {
        let scratch = Scratch::new(len);
        Self {
            base: scratch.words.cast(),
            len: scratch.size(),
            _owner: Owner::Heap { _scratch: scratch },
        }
    }

    /// A second view of the same memory, for the side that plays the kernel.
    #[cfg(test)]
    pub fn alias(&self) -> Self {
        Self { base: self.base, len: self.len, _owner: Owner::Nobody }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The first of `len` bytes at `offset`, if they are all inside.
    pub fn bytes(&self, offset: usize, len: usize) -> Option<NonNull<u8>> {
        let end = offset.checked_add(len)?;
        // SAFETY: `offset <= end <= len`, so the result is inside the allocation that `_owner` holds.
        (end <= self.len).then(|| unsafe { self.base.add(offset) })
    }

    /// A copy of the structure at `offset`, if it is all inside.
    pub fn read<T: Shared>(&self, offset: usize) -> Option<T> {
        let at = self.bytes(offset, size_of::<T>())?;
        // SAFETY: `at` is readable for a whole `T` by `bytes`, and any bytes are a `T` by `Shared`.
        Some(unsafe { at.cast::<T>().read_unaligned() })
    }

    /// Stores a structure at `offset`, to play the kernel.
    #[cfg(test)]
    pub fn write<T: Shared>(&self, offset: usize, value: T) {
        let at = self.bytes(offset, size_of::<T>()).unwrap();
        // SAFETY: as in `read`; the memory is the heap's and nothing refers to it.
        unsafe { at.cast::<T>().write_unaligned(value) };
    }

    /// The status word at `offset`, by which blocks and frames change hands.
    pub fn status(&self, offset: usize) -> Option<&AtomicU32> {
        let at = self.bytes(offset, size_of::<u32>())?.cast::<u32>();
        // SAFETY: inside and, where it is handed out, aligned; the kernel accesses it as an atomic word too.
        at.is_aligned().then(|| unsafe { AtomicU32::from_ptr(at.as_ptr()) })
    }
}

/// The address `n` bytes on, or one beyond all memory: no sum comes back to addresses below.
#[inline(always)]
pub fn ahead(from: *const u8, n: u32) -> *const u8 {
    if cfg!(target_pointer_width = "64") {
        // User space ends far below where 32 bits more would matter.
        from.wrapping_add(n as usize)
    } else {
        from.with_addr(from.addr().saturating_add(n as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_is_handed_out() {
        let memory = Memory::heap(64);
        assert!(memory.bytes(0, 64).is_some());
        assert!(memory.bytes(64, 0).is_some());
        assert!(memory.bytes(1, 64).is_none());
        assert!(memory.bytes(usize::MAX, 2).is_none());
        assert!(memory.status(60).is_some());
        assert!(memory.status(61).is_none());
        assert!(memory.status(2).is_none());
    }
}
