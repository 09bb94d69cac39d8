//! What a packet socket has counted, told without a lock: signal handlers and other threads ask, too.
//!
//! A handle has one for all of its lives. Who asks while another thread closes the handle may ask a descriptor that is
//! somebody else's by then: that is an error, or the counts of another packet socket, which begin anew there.

use super::Stats;
use crate::error::{Error, Result};
use crate::sys::packet;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

/// The counts. The kernel begins anew each time that it is asked.
#[derive(Debug)]
pub struct Meter {
    /// The socket, -1 for none.
    fd: AtomicI32,
    promiscuous: AtomicBool,
    received: AtomicU64,
    dropped: AtomicU64,
    freezes: AtomicU64,
    rejected: AtomicU64,
}

impl Default for Meter {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            fd: AtomicI32::new(-1),
            promiscuous: AtomicBool::new(false),
            received: zero(),
            dropped: zero(),
            freezes: zero(),
            rejected: zero(),
        }
    }
}

impl Meter {
    /// Counts for the packet socket `fd` from now on.
    pub fn begin(&self, fd: RawFd, promiscuous: bool) {
        for count in [&self.received, &self.dropped, &self.freezes, &self.rejected] {
            count.store(0, Ordering::Relaxed);
        }
        self.promiscuous.store(promiscuous, Ordering::Relaxed);
        self.fd.store(fd, Ordering::Release);
    }

    /// Counts for none, before the socket is closed.
    pub fn end(&self) {
        self.fd.store(-1, Ordering::SeqCst);
    }

    /// Whether it was asked for promiscuous mode.
    #[inline]
    pub fn is_promiscuous(&self) -> bool {
        self.promiscuous.load(Ordering::Relaxed)
    }

    /// How many packets have been rejected here; by who reads.
    pub fn set_rejected(&self, count: u64) {
        self.rejected.store(count, Ordering::Relaxed);
    }

    /// The counts up to now, but for what the interface drops; `None` where there is no socket. Inlined, as what leads
    /// here, for a return costs some 10 ns after a system call, which makes the processor forget where returns lead to.
    #[inline(always)]
    pub fn read(&self) -> Option<Result<Stats>> {
        let fd = self.fd.load(Ordering::Acquire);
        if fd < 0 {
            return None;
        }
        // QUIRK: the first number counts what is dropped, too, and what is rejected here.
        // Only a V3 ring fills the third number.
        let now = match packet::statistics(fd) {
            Ok(now) => now,
            Err(errno) => {
                let what = "failed to get statistics from socket";
                return Some(Err(Error::errno(what, errno)));
            }
        };
        Some(Ok(Stats {
            received: add(&self.received, now.tp_packets),
            dropped: add(&self.dropped, now.tp_drops),
            freezes: add(&self.freezes, now.tp_freeze_q_cnt),
            rejected: self.rejected.load(Ordering::Relaxed),
            interface_dropped: 0,
        }))
    }
}

/// What it is then.
#[inline]
fn add(total: &AtomicU64, new: u32) -> u64 {
    match new {
        0 => total.load(Ordering::Relaxed),
        _ => total.fetch_add(new.into(), Ordering::Relaxed).wrapping_add(new.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives() {
        let meter = Meter::default();
        assert!(meter.read().is_none());
        let (_, file) = std::io::pipe().expect("a pipe");
        meter.begin(std::os::fd::AsRawFd::as_raw_fd(&file), true);
        meter.set_rejected(3);
        assert!(meter.is_promiscuous());
        assert!(meter.read().expect("a descriptor").is_err(), "it is no socket");
        meter.end();
        assert!(meter.read().is_none());
    }
}
