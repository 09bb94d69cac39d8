//! The sending side: UDP packets of many flows, by sendmmsg(2).

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Flows, which are also the packets of one sendmmsg(2).
const FLOWS: usize = 64;
/// Bytes of a packet.
const SIZE: usize = 64;

/// A raw socket that sends on one device and receives nothing.
pub struct Sender {
    fd: OwnedFd,
    frames: Vec<[u8; SIZE]>,
}

impl Sender {
    pub fn new(device: &CStr) -> Result<Self, String> {
        let failed = |what: &str| format!("{what}: {}", io::Error::last_os_error());
        // SAFETY: no pointers; protocol 0 receives nothing.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(failed("packet socket"));
        }
        // SAFETY: the kernel has just handed this descriptor to us alone.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: a zeroed sockaddr_ll is valid; address and size match.
        let rc = unsafe {
            let mut address: libc::sockaddr_ll = std::mem::zeroed();
            address.sll_family = libc::AF_PACKET as u16;
            address.sll_ifindex = libc::if_nametoindex(device.as_ptr()) as i32;
            let len = size_of_val(&address) as u32;
            libc::bind(fd.as_raw_fd(), (&raw const address).cast(), len)
        };
        if rc != 0 {
            return Err(failed("bind"));
        }
        Ok(Self { fd, frames: (0..FLOWS).map(frame).collect() })
    }

    /// Sends about `count` packets as fast as it goes; how many went.
    pub fn flood(&mut self, count: usize) -> usize {
        let mut vectors: Vec<libc::iovec> = self
            .frames
            .iter_mut()
            .map(|frame| libc::iovec { iov_base: frame.as_mut_ptr().cast(), iov_len: SIZE })
            .collect();
        let mut messages: Vec<libc::mmsghdr> = vectors
            .iter_mut()
            .map(|vector| {
                // SAFETY: a zeroed mmsghdr is an empty message.
                let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
                message.msg_hdr.msg_iov = vector;
                message.msg_hdr.msg_iovlen = 1;
                message
            })
            .collect();
        let mut sent = 0;
        for _ in 0..count.div_ceil(FLOWS) {
            // SAFETY: as many messages, each with one buffer that lives until the end.
            let went = unsafe {
                libc::sendmmsg(self.fd.as_raw_fd(), messages.as_mut_ptr(), FLOWS as u32, 0)
            };
            sent += usize::try_from(went).unwrap_or(0);
        }
        sent
    }
}

/// A packet of flow `number`.
fn frame(number: usize) -> [u8; SIZE] {
    let mut frame = [0; SIZE];
    frame[..12].copy_from_slice(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
    frame[12..16].copy_from_slice(&[8, 0, 0x45, 0]);
    frame[16..18].copy_from_slice(&(SIZE as u16 - 14).to_be_bytes());
    frame[22..24].copy_from_slice(&[64, 17]);
    frame[26..34].copy_from_slice(&[10, 9, 8, number as u8, 10, 9, 9, 1]);
    frame[34..36].copy_from_slice(&(4000 + number as u16).to_be_bytes());
    frame[36..38].copy_from_slice(&53_u16.to_be_bytes());
    frame[38..40].copy_from_slice(&(SIZE as u16 - 34).to_be_bytes());
    frame
}
