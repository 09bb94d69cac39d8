//! mmap(2) of a packet socket's ring.

use super::{Errno, Sys};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

/// Memory shared with the kernel, unmapped when dropped.
#[derive(Debug)]
pub struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

impl Mapping {
    /// Maps `len` bytes of what `fd` offers, readable, writable and shared.
    pub fn shared(fd: BorrowedFd<'_>, len: usize) -> Sys<Self> {
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a NULL hint lets the kernel choose free addresses: no memory of ours is touched.
        let base = unsafe {
            libc::mmap(std::ptr::null_mut(), len, prot, libc::MAP_SHARED, fd.as_raw_fd(), 0)
        };
        if base == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        NonNull::new(base.cast()).map(|base| Self { base, len }).ok_or(Errno(libc::ENOMEM))
    }

    /// Where the memory starts; it stays there until the drop.
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// How many bytes there are.
    pub fn size(&self) -> usize {
        self.len
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the range that `shared` mapped, and nobody keeps it: its only user owns this value.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}
