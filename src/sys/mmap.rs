//! mmap(2): of a packet socket's ring, and for machine code.

use super::{Errno, Sys, check};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

/// Memory shared with the kernel, unmapped when dropped.
#[derive(Debug)]
pub struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: an address and a length, of memory that any thread may unmap; whoever uses the address sees to how.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes of what `fd` offers, readable, writable and shared.
    pub fn shared(fd: BorrowedFd<'_>, len: usize) -> Sys<Self> {
        Self::new(len, libc::MAP_SHARED, fd.as_raw_fd(), 0)
    }

    /// The same, for what it offers from an offset on.
    pub fn shared_at(fd: BorrowedFd<'_>, len: usize, offset: libc::off64_t) -> Sys<Self> {
        Self::new(len, libc::MAP_SHARED, fd.as_raw_fd(), offset)
    }

    /// Memory that can be shared later, zeroed; it stays shared with a process that is forked.
    pub fn anonymous(len: usize) -> Sys<Self> {
        Self::new(len, libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1, 0)
    }

    /// Maps `len` bytes, readable and writable.
    fn new(len: usize, flags: libc::c_int, fd: libc::c_int, offset: libc::off64_t) -> Sys<Self> {
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a NULL hint lets the kernel choose free addresses: no memory of ours is touched.
        let base = unsafe { libc::mmap64(std::ptr::null_mut(), len, prot, flags, fd, offset) };
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
        // SAFETY: exactly the range that was mapped, and nobody keeps it: its only user owns this value.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// Memory that is executed, and not written any more. Unmapped when dropped.
#[derive(Debug)]
pub struct Code(Mapping);

impl Code {
    /// Maps a copy of `bytes`, first writable and then executable, never both. Fails where the system lets nobody
    /// make code (a policy of `SELinux`, seccomp, `PaX`).
    pub fn new(bytes: &[u8]) -> Sys<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let mapping = Mapping::new(bytes.len(), flags, -1, 0)?;
        let to = mapping.base.as_ptr();
        // SAFETY: as many writable bytes as were mapped just now, which nobody else knows of.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        let prot = libc::PROT_READ | libc::PROT_EXEC;
        // SAFETY: exactly the range that was mapped; nobody holds a reference into it.
        check(unsafe { libc::mprotect(to.cast(), mapping.len, prot) })?;
        Ok(Self(mapping))
    }

    /// Where it starts, which is where a page does; it stays there until the drop.
    pub fn start(&self) -> NonNull<u8> {
        self.0.base
    }
}
