//! Packet sockets, as packet(7) and `linux/if_packet.h` describe them.

use super::thread::uncancelled;
use super::{Errno, Sys, check, check_len};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Which part of a frame the socket delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The frame with its link-layer header (`SOCK_RAW`).
    Raw,
    /// Without it; the kernel tells of it in a `sockaddr_ll` (`SOCK_DGRAM`).
    Cooked,
}

/// A socket that receives nothing until it is bound to a protocol.
pub fn open(kind: Kind) -> Sys<OwnedFd> {
    let kind = match kind {
        Kind::Raw => libc::SOCK_RAW,
        Kind::Cooked => libc::SOCK_DGRAM,
    };
    // SAFETY: no pointer is passed.
    let fd = check(unsafe { libc::socket(libc::AF_PACKET, kind, 0) })?;
    // SAFETY: the kernel has just handed this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn address() -> libc::sockaddr_ll {
    // SAFETY: integers and an array of bytes: all zeros is a value.
    unsafe { std::mem::zeroed() }
}

/// Receives `protocol` (host byte order) from interface `ifindex` (0: from all) from now on.
pub fn bind(fd: BorrowedFd<'_>, ifindex: i32, protocol: u16) -> Sys<()> {
    let mut to = address();
    to.sll_family = libc::AF_PACKET as u16;
    to.sll_ifindex = ifindex;
    to.sll_protocol = protocol.to_be();
    let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: `to` is a readable `sockaddr_ll` of length `len`.
    check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const to).cast(), len) })?;
    Ok(())
}

/// What the packet socket of this number, if it is one, has counted since it was last asked: `PACKET_STATISTICS`, which
/// sets the counts back to zero.
#[inline]
pub fn statistics(fd: RawFd) -> Sys<libc::tpacket_stats_v3> {
    let mut counts = libc::tpacket_stats_v3 { tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 };
    let mut len = size_of::<libc::tpacket_stats_v3>() as libc::socklen_t;
    let (level, name) = (libc::SOL_PACKET, libc::PACKET_STATISTICS);
    // SAFETY: `counts` is writable for its size, which `len` tells the kernel.
    check(unsafe { libc::getsockopt(fd, level, name, (&raw mut counts).cast(), &raw mut len) })?;
    Ok(counts)
}

/// The index of the interface that the socket is bound to; -1 once that interface is gone.
pub fn bound_interface(fd: BorrowedFd<'_>) -> Sys<i32> {
    let mut to = address();
    let mut len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: `to` is writable for `len` bytes.
    check(unsafe { libc::getsockname(fd.as_raw_fd(), (&raw mut to).cast(), &raw mut len) })?;
    Ok(to.sll_ifindex)
}

/// The packet sockets of this process that are in a fanout group: each one's inode, and `PACKET_FANOUT` as
/// getsockopt(2) tells it, the group's number, its mode and its flags.
pub fn own_fanouts() -> Sys<Vec<(u32, u32)>> {
    let failed = |error: std::io::Error| Errno(error.raw_os_error().unwrap_or(libc::EIO));
    let list = std::fs::read_dir("/proc/self/fd").map_err(failed)?;
    let numbers = list.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Ok(numbers.filter_map(own_fanout).collect())
}

fn own_fanout(fd: RawFd) -> Option<(u32, u32)> {
    let mut fanout: u32 = 0;
    let mut len = size_of::<u32>() as libc::socklen_t;
    let (level, name) = (libc::SOL_PACKET, libc::PACKET_FANOUT);
    // SAFETY: `fanout` is writable for `len` bytes. Whatever the descriptor stands for by now, asking changes
    // nothing.
    check(unsafe { libc::getsockopt(fd, level, name, (&raw mut fanout).cast(), &raw mut len) })
        .ok()?;
    // SAFETY: integers: all zeros is a value.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `stat` is writable.
    check(unsafe { libc::fstat(fd, &raw mut stat) }).ok()?;
    Some((u32::try_from(stat.st_ino).ok()?, fanout))
}

/// What the kernel tells of a packet that was received without a ring.
#[derive(Clone, Copy)]
pub struct Received {
    /// Bytes written to the buffer.
    pub captured: usize,
    /// The sender's address, which holds the facts that a ring puts beside the frame.
    pub from: libc::sockaddr_ll,
    /// `PACKET_AUXDATA`, where the kernel sends it.
    pub aux: Option<libc::tpacket_auxdata>,
    /// `SO_TIMESTAMPNS` or `SO_TIMESTAMP`, in nanoseconds.
    pub stamp: Option<libc::timespec>,
    /// The packet's length before it was cut to the buffer.
    pub length: usize,
}

/// Room for the control messages of one packet, aligned as `cmsghdr` wants it.
#[repr(C, align(8))]
struct Control([u8; 256]);

/// recvmsg(2) without waiting: the next packet into `buf`, with what the kernel tells of it.
pub fn receive(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Sys<Received> {
    let mut from = address();
    let mut control = Control([0; 256]);
    let mut iov = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
    // SAFETY: integers and pointers: all zeros is a value.
    let mut msg: libc::msghdr = unsafe { std::mem::zeroed() };
    msg.msg_name = (&raw mut from).cast();
    msg.msg_namelen = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    msg.msg_iov = &raw mut iov;
    msg.msg_iovlen = 1;
    msg.msg_control = control.0.as_mut_ptr().cast();
    msg.msg_controllen = control.0.len() as _;
    let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
    let length = uncancelled(|| {
        // SAFETY: every pointer in `msg` is to writable memory of the length given beside it.
        check_len(unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut msg, flags) })
    })?;
    let captured = length.min(buf.len());
    let (aux, stamp) = control_messages(&msg);
    Ok(Received { captured, from, aux, stamp, length })
}

/// Finds the auxiliary data and the time stamp among the control messages of a received `msg`.
fn control_messages(msg: &libc::msghdr) -> (Option<libc::tpacket_auxdata>, Option<libc::timespec>) {
    let mut aux = None;
    let mut stamp = None;
    // SAFETY: recvmsg has filled the control buffer that `msg` describes; the CMSG macros stay inside it.
    let mut at = unsafe { libc::CMSG_FIRSTHDR(msg) };
    while !at.is_null() {
        // SAFETY: non-null, so a whole header inside the buffer, by CMSG_FIRSTHDR and CMSG_NXTHDR.
        let (head, data) = unsafe { (*at, libc::CMSG_DATA(at)) };
        // SAFETY: no pointer is passed on.
        let room = head.cmsg_len.saturating_sub(unsafe { libc::CMSG_LEN(0) } as usize);
        match (head.cmsg_level, head.cmsg_type) {
            (libc::SOL_PACKET, libc::PACKET_AUXDATA)
                if room >= size_of::<libc::tpacket_auxdata>() =>
            {
                // SAFETY: `room` bytes of message follow the header, and that is enough.
                aux = Some(unsafe { data.cast::<libc::tpacket_auxdata>().read_unaligned() });
            }
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) if room >= size_of::<libc::timespec>() => {
                // SAFETY: as above.
                stamp = Some(unsafe { data.cast::<libc::timespec>().read_unaligned() });
            }
            _ => {}
        }
        // SAFETY: `at` is a header inside the buffer that `msg` describes.
        at = unsafe { libc::CMSG_NXTHDR(msg, at) };
    }
    (aux, stamp)
}
