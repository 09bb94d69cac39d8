//! Netlink: asking the kernel for a list, as netlink(7) describes it.
//!
//! Knows messages and attributes, and nothing of what they are about.

use super::{Errno, Sys, check, check_len};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

/// `NLMSG_ERROR` and `NLMSG_DONE` of `linux/netlink.h`; what is below is not for us.
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// `NLM_F_REQUEST`, and with `NLM_F_ROOT | NLM_F_MATCH` a request for all there is.
const REQUEST: u16 = 0x1;
const DUMP: u16 = 0x300;
/// `NLM_F_DUMP_INTR`: the list changed while it was read.
const INTERRUPTED: u16 = 0x10;

/// `struct nlmsghdr`: length, type, flags, sequence number, port.
pub const HEADER: usize = 16;
/// `struct nlattr`: length, type.
const ATTRIBUTE: usize = 4;
/// The bits of an attribute's type that are flags.
const TYPE: u16 = 0x3fff;

/// The kernel gives as much as this at a time to who has the room.
const BUFFER: usize = 64 << 10;
/// How often a list is asked for anew that changed while it was read; then it is taken as it is.
const TRIES: u32 = 4;

/// A socket to one of the kernel's subsystems.
#[derive(Debug)]
pub struct Netlink {
    fd: OwnedFd,
    buffer: Vec<u8>,
    sequence: u32,
}

/// One message of an answer: its type, and what follows its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type.
    pub kind: u16,
    /// What it says.
    pub body: Vec<u8>,
}

impl Netlink {
    /// A socket to the subsystem `protocol`, a `NETLINK_*` number.
    pub fn open(protocol: i32) -> Sys<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: no pointer is passed.
        let fd = check(unsafe { libc::socket(libc::AF_NETLINK, kind, protocol) })?;
        // SAFETY: the kernel has just handed this descriptor to us alone.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { fd, buffer: vec![0; BUFFER], sequence: 0 })
    }

    /// The socket, for who asks otherwise.
    pub fn into_socket(self) -> OwnedFd {
        self.fd
    }

    /// The list that the request `kind` asks for.
    pub fn list(&mut self, kind: u16, body: &[u8]) -> Sys<Vec<Message>> {
        for _ in 1..TRIES {
            let (list, whole) = self.ask(kind, DUMP, body)?;
            if whole {
                return Ok(list);
            }
        }
        Ok(self.ask(kind, DUMP, body)?.0)
    }

    /// The one message that answers the request `kind`.
    pub fn get(&mut self, kind: u16, body: &[u8]) -> Sys<Message> {
        self.ask(kind, 0, body)?.0.pop().ok_or(Errno(libc::ENOENT))
    }

    /// The answer, and whether it holds together.
    fn ask(&mut self, kind: u16, flags: u16, body: &[u8]) -> Sys<(Vec<Message>, bool)> {
        self.sequence = self.sequence.wrapping_add(1);
        let len = u32::try_from(HEADER.saturating_add(body.len())).unwrap_or(u32::MAX);
        let mut request = Vec::with_capacity(HEADER.saturating_add(body.len()));
        request.extend(len.to_ne_bytes());
        request.extend(kind.to_ne_bytes());
        request.extend((REQUEST | flags).to_ne_bytes());
        request.extend(self.sequence.to_ne_bytes());
        request.extend(0_u32.to_ne_bytes());
        request.extend(body);
        self.send(&request)?;
        let (mut list, mut whole) = (Vec::new(), true);
        loop {
            let received = self.receive()?;
            let mut rest = self.buffer.get(..received).unwrap_or_default();
            if rest.is_empty() {
                return Err(Errno(libc::EIO));
            }
            while let Some((header, body, after)) = split(rest) {
                rest = after;
                if header.sequence != self.sequence {
                    continue;
                }
                whole &= header.flags & INTERRUPTED == 0;
                match header.kind {
                    // A list that is broken off ends with the reason.
                    DONE | ERROR => match number(body, 0).map_or(0, u32::cast_signed) {
                        0.. => return Ok((list, whole)),
                        errno => return Err(Errno(errno.saturating_neg())),
                    },
                    kind => list.push(Message { kind, body: body.to_vec() }),
                }
                if flags & DUMP == 0 {
                    return Ok((list, whole));
                }
            }
        }
    }

    fn send(&self, request: &[u8]) -> Sys<usize> {
        // SAFETY: `request` is readable for its length.
        check_len(unsafe {
            libc::send(self.fd.as_raw_fd(), request.as_ptr().cast(), request.len(), 0)
        })
    }

    fn receive(&mut self) -> Sys<usize> {
        loop {
            let (to, len) = (self.buffer.as_mut_ptr(), self.buffer.len());
            // SAFETY: the buffer is writable for its length.
            match check_len(unsafe { libc::recv(self.fd.as_raw_fd(), to.cast(), len, 0) }) {
                Err(Errno(libc::EINTR)) => {}
                received => return received,
            }
        }
    }
}

/// The header of a request `kind`, of a message of `len` bytes that is answered by one.
pub fn request_header(kind: u16, len: usize) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let len = u32::try_from(len).unwrap_or(u32::MAX).to_ne_bytes();
    let parts = len.into_iter().chain(kind.to_ne_bytes()).chain(REQUEST.to_ne_bytes());
    header.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    header
}

struct Header {
    kind: u16,
    flags: u16,
    sequence: u32,
}

/// The first message's header and body, and what comes after it.
fn split(bytes: &[u8]) -> Option<(Header, &[u8], &[u8])> {
    let len = number(bytes, 0)? as usize;
    let header =
        Header { kind: half(bytes, 4)?, flags: half(bytes, 6)?, sequence: number(bytes, 8)? };
    let body = bytes.get(HEADER..len)?;
    Some((header, body, bytes.get(aligned(len)..).unwrap_or_default()))
}

fn aligned(len: usize) -> usize {
    len.saturating_add(3) & !3
}

/// The 32-bit number at `at`.
pub fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

/// The 16-bit number at `at`.
pub fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_ne_bytes)
}

/// The attributes in `bytes`: each one's type and value.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let len = usize::from(half(bytes, 0)?);
        let attribute = (half(bytes, 2)? & TYPE, bytes.get(ATTRIBUTE..len)?);
        bytes = bytes.get(aligned(len)..).unwrap_or_default();
        Some(attribute)
    })
}

/// The bytes of an attribute.
pub fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let len = ATTRIBUTE.saturating_add(value.len());
    let mut bytes = Vec::with_capacity(aligned(len));
    bytes.extend(u16::try_from(len).unwrap_or(u16::MAX).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(aligned(len), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_they_are_written() {
        let bytes =
            [attribute(3, b"abc"), attribute(0x8004, &[1, 2, 3, 4]), attribute(5, b"")].concat();
        let read: Vec<_> = attributes(&bytes).collect();
        assert_eq!(read, [(3, &b"abc"[..]), (4, &[1, 2, 3, 4]), (5, b"")]);
    }

    #[test]
    fn nonsense_ends_the_walk() {
        for bytes in [&[][..], &[4], &[3, 0, 1, 0], &[9, 0, 1, 0, 7], &[0, 0, 0, 0, 0, 0]] {
            assert_eq!(attributes(bytes).count(), 0, "{bytes:?}");
            assert!(split(bytes).is_none());
        }
        let mut message = vec![0; 20];
        message[..4].copy_from_slice(&15_u32.to_ne_bytes());
        assert!(split(&message).is_none(), "shorter than its header");
        message[..4].copy_from_slice(&21_u32.to_ne_bytes());
        assert!(split(&message).is_none(), "longer than what there is");
        message[..4].copy_from_slice(&18_u32.to_ne_bytes());
        let (_, body, after) = split(&message).expect("a message");
        assert_eq!((body.len(), after.len()), (2, 0));
    }

    #[test]
    fn a_request_that_is_none_is_refused() {
        let mut socket = Netlink::open(libc::NETLINK_ROUTE).expect("a socket");
        assert_eq!(socket.get(0x7ff0, &[0; 16]), Err(Errno(libc::EOPNOTSUPP)));
    }
}
