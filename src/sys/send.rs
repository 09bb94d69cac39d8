//! Sending several packets in one call: sendmmsg(2), and the send(2) that empties a ring.

use super::thread::uncancelled;
use super::{Sys, check, check_len};
use std::io::IoSlice;
use std::os::fd::{AsRawFd, BorrowedFd};

/// How packets are told to sendmmsg(2).
pub struct Messages(Vec<libc::mmsghdr>);

impl Messages {
    /// For up to `most` packets at a time.
    pub fn new(most: usize) -> Self {
        // SAFETY: integers and pointers: all zeros is a value.
        Self((0..most).map(|_| unsafe { std::mem::zeroed() }).collect())
    }

    /// Sends `packets`, as many as go without waiting: how many did, at least one.
    pub fn send(&mut self, fd: BorrowedFd<'_>, packets: &[IoSlice<'_>]) -> Sys<usize> {
        for (message, packet) in self.0.iter_mut().zip(packets) {
            message.msg_hdr.msg_iov = std::ptr::from_ref(packet).cast_mut().cast();
            message.msg_hdr.msg_iovlen = 1;
        }
        let n = self.0.len().min(packets.len());
        let fd = fd.as_raw_fd();
        let messages = self.0.as_mut_ptr();
        let sent = uncancelled(|| {
            // SAFETY: the first `n` messages point to one `IoSlice` each, which is an `iovec` of readable bytes
            // (the kernel only reads them), and to nothing else.
            check(unsafe { libc::sendmmsg(fd, messages, n as libc::c_uint, libc::MSG_DONTWAIT) })
        })?;
        Ok(usize::try_from(sent).unwrap_or(0))
    }
}

/// Has the kernel send what is ready in the socket's ring, without waiting: the number of bytes that went.
pub fn send_ring(fd: BorrowedFd<'_>) -> Sys<usize> {
    uncancelled(|| {
        // SAFETY: no bytes are passed: the ring has them.
        check_len(unsafe { libc::send(fd.as_raw_fd(), std::ptr::null(), 0, libc::MSG_DONTWAIT) })
    })
}
