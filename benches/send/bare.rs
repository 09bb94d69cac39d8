//! What the kernel can do: loops around sendmmsg(2) and around a ring to send from, on sockets of their own.

use std::ffi::CStr;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::packets::SIZE;

/// Packets of a call.
const BATCH: usize = 256;
/// The ring: frames of V3, in blocks of 64 KiB.
const FRAMES: usize = 1024;
const FRAME: usize = 2048;
const BLOCK: usize = 1 << 16;
const DATA: usize = 48;

/// A socket that sends on one device and receives nothing.
pub struct Socket(i32);

impl Socket {
    pub fn new(device: &CStr, qdisc_bypass: bool) -> Result<Self, String> {
        // SAFETY: no pointer but the C string; the address is integers, of which zeros are a value.
        unsafe {
            let fd = libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0);
            let socket = Self(fd);
            let mut address: libc::sockaddr_ll = std::mem::zeroed();
            address.sll_family = libc::AF_PACKET as u16;
            address.sll_ifindex = libc::if_nametoindex(device.as_ptr()) as i32;
            let len = size_of_val(&address) as u32;
            if fd < 0 || libc::bind(fd, (&raw const address).cast(), len) < 0 {
                return Err(last("socket"));
            }
            if qdisc_bypass {
                socket.set(libc::PACKET_QDISC_BYPASS, 1i32)?;
            }
            Ok(socket)
        }
    }

    fn set<T>(&self, option: i32, value: T) -> Result<(), String> {
        let len = size_of_val(&value) as u32;
        // SAFETY: `value` is readable for its size.
        let rc = unsafe {
            libc::setsockopt(self.0, libc::SOL_PACKET, option, (&raw const value).cast(), len)
        };
        if rc < 0 { Err(last("setsockopt")) } else { Ok(()) }
    }

    /// Sends `count` packets of those given, round and round, by sendmmsg(2).
    pub fn sendmmsg(&self, packets: &[[u8; SIZE]], count: usize) -> Result<(), String> {
        // SAFETY: pointers and integers: zeros are a value.
        let mut messages: Vec<libc::mmsghdr> = vec![unsafe { std::mem::zeroed() }; BATCH];
        let mut pieces = vec![libc::iovec { iov_base: std::ptr::null_mut(), iov_len: SIZE }; BATCH];
        for (message, piece) in messages.iter_mut().zip(&mut pieces) {
            message.msg_hdr.msg_iov = piece;
            message.msg_hdr.msg_iovlen = 1;
        }
        let mut sent = 0;
        while sent < count {
            let n = BATCH.min(count - sent);
            for (i, message) in messages.iter_mut().enumerate().take(n) {
                let packet = &packets[(sent + i) % packets.len()];
                // SAFETY: `msg_iov` points into `pieces`, which nobody else uses.
                unsafe { (*message.msg_hdr.msg_iov).iov_base = packet.as_ptr().cast_mut().cast() };
            }
            // SAFETY: `n` messages, each of one piece that points to a packet.
            let rc = unsafe { libc::sendmmsg(self.0, messages.as_mut_ptr(), n as u32, 0) };
            sent += usize::try_from(rc).map_err(|_| last("sendmmsg"))?;
        }
        Ok(())
    }

    /// The same, from a ring.
    pub fn ring(&self, packets: &[[u8; SIZE]], count: usize) -> Result<(), String> {
        self.set(libc::PACKET_VERSION, 2i32)?;
        // SAFETY: integers: zeros are a value.
        let mut request: libc::tpacket_req3 = unsafe { std::mem::zeroed() };
        request.tp_block_size = BLOCK as u32;
        request.tp_block_nr = (FRAMES * FRAME / BLOCK) as u32;
        request.tp_frame_size = FRAME as u32;
        request.tp_frame_nr = FRAMES as u32;
        self.set(libc::PACKET_TX_RING, request)?;
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        let none = std::ptr::null_mut();
        // SAFETY: the kernel chooses the place.
        let base = unsafe { libc::mmap(none, FRAMES * FRAME, prot, libc::MAP_SHARED, self.0, 0) };
        if base == libc::MAP_FAILED {
            return Err(last("mmap"));
        }
        let mut sent = 0;
        let mut pending = 0;
        while sent < count {
            // SAFETY: a frame of the mapping, with its status at 20 and its length at 16 as `tpacket3_hdr` has them,
            // filled while it is ours.
            unsafe {
                let frame = base.cast::<u8>().add(sent % FRAMES * FRAME);
                let status = AtomicU32::from_ptr(frame.add(20).cast());
                let busy = status.load(Ordering::Acquire) != libc::TP_STATUS_AVAILABLE;
                if busy || pending == BATCH {
                    pending = 0;
                    if libc::send(self.0, none, 0, libc::MSG_DONTWAIT) < 0 {
                        return Err(last("send"));
                    }
                    if busy {
                        continue;
                    }
                }
                let packet = &packets[sent % packets.len()];
                frame.add(DATA).copy_from_nonoverlapping(packet.as_ptr(), SIZE);
                let len = (SIZE as u32).to_ne_bytes();
                frame.add(16).copy_from_nonoverlapping(len.as_ptr(), len.len());
                status.store(libc::TP_STATUS_SEND_REQUEST, Ordering::Release);
            }
            pending += 1;
            sent += 1;
        }
        // SAFETY: no bytes are passed; the mapping is used no more.
        unsafe {
            libc::send(self.0, none, 0, 0);
            libc::munmap(base, FRAMES * FRAME);
        }
        Ok(())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: ours, and closed only here.
        unsafe { libc::close(self.0) };
    }
}

fn last(what: &str) -> String {
    format!("{what}: {}", std::io::Error::last_os_error())
}
