//! What a packet socket can do that libpcap has no option for: asked for by the functions of `pcap/linux.h`,
//! or by the environment of a program that does not know them.
//!
//! packet(7), and the kernel's packet_mmap documentation.

use super::fanout::Fanout;
use crate::error::{Error, Result};
use crate::sys::socket;
use std::os::fd::BorrowedFd;

/// The options of a handle that only packet sockets have.
#[derive(Clone, Debug, Default)]
pub struct Tuning {
    /// Packets that the host sends are not captured, and cost nothing (since Linux 4.20).
    pub ignore_outgoing: bool,
    /// The fanout group to join.
    pub fanout: Option<Fanout>,
}

impl Tuning {
    /// Sets what is set on a socket that receives nothing yet.
    pub(super) fn prepare(&self, fd: BorrowedFd<'_>) -> Result<()> {
        if self.ignore_outgoing {
            socket::set(fd, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1)
                .map_err(|errno| Error::errno("setsockopt (PACKET_IGNORE_OUTGOING)", errno))?;
        }
        Ok(())
    }
}
