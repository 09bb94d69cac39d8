//! poll(2).

use super::{Sys, check};
use std::os::fd::RawFd;

/// One descriptor to wait on: `struct pollfd`.
pub type PollFd = libc::pollfd;

mod c {
    unsafe extern "C-unwind" {
        /// Declared anew, for a thread that is cancelled in it unwinds from it.
        pub fn poll(fds: *mut super::PollFd, n: libc::nfds_t, timeout_ms: i32) -> i32;
    }
}

/// Waits until `fd` is readable.
pub fn readable(fd: RawFd) -> PollFd {
    PollFd { fd, events: libc::POLLIN, revents: 0 }
}

/// Waits until `fd` is writable.
pub fn writable(fd: RawFd) -> PollFd {
    PollFd { fd, events: libc::POLLOUT, revents: 0 }
}

/// Waits for `timeout_ms` milliseconds at most (-1: without end); the number of descriptors that have
/// something to say.
pub fn poll(fds: &mut [PollFd], timeout_ms: i32) -> Sys<i32> {
    // SAFETY: `fds` is writable for the length given. A wrong descriptor is reported in `revents`.
    check(unsafe { self::c::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout_ms) })
}
