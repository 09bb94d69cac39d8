//! poll(2).

use super::{Sys, check};
use std::os::fd::RawFd;

/// One descriptor to wait on: `struct pollfd`.
pub type PollFd = libc::pollfd;

/// Waits until `fd` is readable.
pub fn readable(fd: RawFd) -> PollFd {
    PollFd { fd, events: libc::POLLIN, revents: 0 }
}

/// Waits for `timeout_ms` milliseconds at most (-1: without end); the number of descriptors that have
/// something to say.
pub fn poll(fds: &mut [PollFd], timeout_ms: i32) -> Sys<i32> {
    // SAFETY: `fds` is writable for the length given. A wrong descriptor is reported in `revents`.
    check(unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout_ms) })
}
