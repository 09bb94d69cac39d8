//! eventfd(2): what wakes a reader that sleeps in poll(2).

use super::thread::uncancelled;
use super::{Errno, Sys, check};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// A non-blocking counter at zero.
pub fn create() -> Sys<OwnedFd> {
    // SAFETY: no pointer is passed.
    let fd = check(unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) })?;
    // SAFETY: the kernel has just handed this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Adds one to the counter. Async-signal-safe, and `errno` is kept: signal handlers call this. A descriptor
/// that is closed or not there is ignored.
pub fn signal(fd: RawFd) {
    let kept = Errno::last();
    let one = 1u64;
    uncancelled(|| {
        // SAFETY: `one` is 8 readable bytes. A wrong descriptor is an error return, and a full counter
        // (EAGAIN) is readable, which is all that is wanted.
        unsafe { libc::write(fd, (&raw const one).cast(), size_of::<u64>()) };
    });
    // SAFETY: errno of this thread is always writable.
    unsafe { *libc::__errno_location() = kept.0 };
}

/// Sets the counter back to zero. A descriptor that is closed or not there is ignored.
pub fn drain(fd: RawFd) {
    let mut count = 0u64;
    uncancelled(|| {
        // SAFETY: `count` is 8 writable bytes. An empty counter answers EAGAIN, which is what is wanted.
        unsafe { libc::read(fd, (&raw mut count).cast(), size_of::<u64>()) };
    });
}
