//! AF_XDP sockets that send: `linux/if_xdp.h`, and the kernel's af_xdp documentation.

use super::mmap::Mapping;
use super::{Errno, Sys, check, socket};
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

/// `XDP_MAX_TX_SKB_BUDGET`.
const MAX_TX_SKB_BUDGET: i32 = 9;

/// One of the rings that such a socket shares with the kernel.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// What is to be sent.
    Send,
    /// What has been sent.
    Completion,
    /// Room for what is received.
    Fill,
}

/// Where the parts of a ring are in its mapping.
#[derive(Clone, Copy, Debug)]
pub struct Offsets {
    /// The count of all that was ever put in.
    pub producer: usize,
    /// The count of all that was ever taken out.
    pub consumer: usize,
    /// The first entry.
    pub entries: usize,
}

/// A socket without anything.
pub fn open() -> Sys<OwnedFd> {
    // SAFETY: no pointer is passed.
    let fd = check(unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW, 0) })?;
    // SAFETY: the kernel has just handed this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Gives it memory for packets, in pieces of `chunk` bytes. The kernel holds on to its pages, mapped or not.
pub fn register(fd: BorrowedFd<'_>, memory: &Mapping, chunk: u32) -> Sys<()> {
    let mut register: libc::xdp_umem_reg = socket::OptionValue::zeroed();
    register.addr = memory.base().as_ptr().expose_provenance() as u64;
    register.len = memory.size() as u64;
    register.chunk_size = chunk;
    socket::set(fd, libc::SOL_XDP, libc::XDP_UMEM_REG, register)
}

/// Makes a ring of so many entries, a power of two.
pub fn make(fd: BorrowedFd<'_>, kind: Kind, entries: i32) -> Sys<()> {
    let name = match kind {
        Kind::Send => libc::XDP_TX_RING,
        Kind::Completion => libc::XDP_UMEM_COMPLETION_RING,
        Kind::Fill => libc::XDP_UMEM_FILL_RING,
    };
    socket::set(fd, libc::SOL_XDP, name, entries)
}

/// Maps a ring that is made, whose entries have so many bytes all in all.
pub fn map(fd: BorrowedFd<'_>, kind: Kind, bytes: usize) -> Sys<(Mapping, Offsets)> {
    let zero: libc::xdp_mmap_offsets = socket::OptionValue::zeroed();
    let all = socket::get(fd, libc::SOL_XDP, libc::XDP_MMAP_OFFSETS, zero)?;
    let (at, page) = match kind {
        Kind::Send => (all.tx, 0x8000_0000),
        Kind::Completion => (all.cr, libc::XDP_UMEM_PGOFF_COMPLETION_RING),
        Kind::Fill => (all.fr, libc::XDP_UMEM_PGOFF_FILL_RING),
    };
    let place = |offset: u64| usize::try_from(offset).map_err(|_| Errno(libc::EOVERFLOW));
    let (producer, consumer) = (place(at.producer)?, place(at.consumer)?);
    let offsets = Offsets { producer, consumer, entries: place(at.desc)? };
    let page = libc::off64_t::try_from(page).map_err(|_| Errno(libc::EOVERFLOW))?;
    Ok((Mapping::shared_at(fd, offsets.entries.saturating_add(bytes), page)?, offsets))
}

/// How many packets one call sends at most, 32 or more and no more than the ring to send from has entries (since Linux
/// 6.17, which also tells after each call how many it has taken).
pub fn set_budget(fd: BorrowedFd<'_>, packets: i32) -> Sys<()> {
    socket::set(fd, libc::SOL_XDP, MAX_TX_SKB_BUDGET, packets)
}

/// Sends by the first queue of the interface from now on, copying what it sends. One socket of a queue can.
pub fn bind(fd: BorrowedFd<'_>, ifindex: u32) -> Sys<()> {
    let to = libc::sockaddr_xdp {
        sxdp_family: libc::AF_XDP as u16,
        sxdp_flags: libc::XDP_COPY,
        sxdp_ifindex: ifindex,
        sxdp_queue_id: 0,
        sxdp_shared_umem_fd: 0,
    };
    let len = size_of::<libc::sockaddr_xdp>() as libc::socklen_t;
    // SAFETY: `to` is a readable `sockaddr_xdp` of length `len`.
    check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const to).cast(), len) })?;
    Ok(())
}
