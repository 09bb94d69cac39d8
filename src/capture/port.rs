//! What a packet socket is to signal handlers and to other threads, also while it is read: sending, above all.

use super::membership::Membership;
use super::netns::Drops;
use super::ring::{Sender, tx};
use super::send::{self, Order};
use crate::error::{Error, Result};
use crate::sys::lock::lock_within;
use crate::sys::send::Messages;
use crate::sys::thread::{Uncancelled, uncancelled};
use crate::sys::{Errno, Sys, socket};
use parking_lot::Mutex;
use std::io::IoSlice;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};

/// For how many nanoseconds another thread may hold the ring to send from.
const RING_PATIENCE: u64 = 1_000_000_000;

/// What signal handlers and other threads use. One of them may be the last to use it, in a function that is no point of
/// cancellation.
pub struct Port {
    pub(super) fd: Uncancelled<OwnedFd>,
    /// The interface, -1 for all of them.
    pub(super) ifindex: i32,
    /// Why nothing can be sent, if so.
    pub(super) send_refusal: Option<&'static str>,
    /// What packets are sent from; with it, send(2) sends nothing else.
    pub(super) tx: Option<Uncancelled<Mutex<Sender>>>,
    /// Nanoseconds of a unit of `tv_usec`.
    pub(super) stamp_unit: i64,
    /// What tells of the interface's drops.
    pub(super) drops: Option<Uncancelled<Drops>>,
}

const _: () = {
    const fn is_for_all_threads<T: Send + Sync>() {}
    is_for_all_threads::<Port>();
};

impl Port {
    /// Has the interface take in more than its own packets, or takes that back; an error where there is no interface.
    pub fn member(&self, membership: Membership, join: bool) -> Result<()> {
        membership.set(self.fd.as_fd(), self.ifindex, join)
    }

    /// How many packets the interface has dropped up to now.
    pub fn interface_dropped(&self) -> u64 {
        // Reading them is where a thread can be cancelled, and it must not be here.
        self.drops.as_ref().map_or(0, |drops| uncancelled(|| drops.count()))
    }

    /// Sends one packet; the number of bytes that went. No point of cancellation, and nothing that panics.
    #[inline(always)]
    pub fn inject(&self, packet: &[u8]) -> Result<usize> {
        if let Some(refusal) = self.send_refusal {
            return Err(Error::new(refusal));
        }
        match &self.tx {
            None => socket::send(self.fd.as_fd(), packet).map_err(not_sent),
            Some(tx) => self.inject_by_ring(tx, packet),
        }
    }

    fn inject_by_ring(&self, tx: &Mutex<Sender>, packet: &[u8]) -> Result<usize> {
        let fd = self.fd.as_fd();
        let mut bytes = 0;
        uncancelled(|| {
            send::inject(fd, packet, &mut |packets| {
                let went = send_from(tx, fd, packets)?;
                bytes = went.bytes;
                Ok(went.packets)
            })
        })?;
        // Left out, and the kernel does not tell why.
        if bytes == 0 { Err(not_sent(Errno(libc::EINVAL))) } else { Ok(bytes) }
    }

    /// Sends a queue of packets; `sent` is how many bytes of it have gone, also if that fails.
    pub fn transmit(&self, order: &Order<'_>, sent: &mut usize) -> Result<()> {
        if let Some(refusal) = self.send_refusal {
            return Err(Error::new(refusal));
        }
        let (fd, unit) = (self.fd.as_fd(), self.stamp_unit);
        if let Some(tx) = &self.tx {
            let mut by_ring =
                |packets: &[IoSlice<'_>]| send_from(tx, fd, packets).map(|went| went.packets);
            return send::transmit(fd, order, unit, &mut by_ring, sent);
        }
        let mut messages = Messages::new(send::BATCH);
        send::transmit(fd, order, unit, &mut |packets| messages.send(fd, packets), sent)
    }

    /// The descriptor that becomes readable with packets.
    pub fn fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

#[cold]
fn not_sent(errno: Errno) -> Error {
    Error::errno("send", errno)
}

/// Sends from a ring that other threads may use; not for ever waiting, for what holds it may be what a signal
/// handler has interrupted.
fn send_from(tx: &Mutex<Sender>, fd: BorrowedFd<'_>, packets: &[IoSlice<'_>]) -> Sys<tx::Went> {
    lock_within(tx, RING_PATIENCE).ok_or(Errno(libc::EBUSY))?.send(fd, packets)
}
