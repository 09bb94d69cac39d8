//! What an interface is to take in beside its own packets, for as long as a socket wants that: `PACKET_ADD_MEMBERSHIP`
//! of packet(7).

use crate::error::{Error, Result};
use crate::sys::socket::{self, OptionValue as _};
use std::os::fd::BorrowedFd;

/// A wish of a socket's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    kind: u16,
    address: [u8; 8],
    len: u16,
}

/// All multicasts.
pub const ALLMULTI: Membership =
    Membership { kind: libc::PACKET_MR_ALLMULTI as u16, address: [0; 8], len: 0 };

impl Membership {
    /// A kind, a `PACKET_MR_*` number, and the address that some of them want.
    pub fn new(kind: i32, bytes: &[u8]) -> Result<Self> {
        let addressed = match kind {
            libc::PACKET_MR_MULTICAST | libc::PACKET_MR_UNICAST => true,
            libc::PACKET_MR_PROMISC | libc::PACKET_MR_ALLMULTI => false,
            _ => return Err(Error::new(format!("{kind} is not a kind of membership"))),
        };
        let mut address = [0; 8];
        if addressed == bytes.is_empty() || bytes.len() > address.len() {
            let len = bytes.len();
            let text = format!("a membership of kind {kind} can't have an address of {len} bytes");
            return Err(Error::new(text));
        }
        address.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Ok(Self { kind: kind as u16, address, len: bytes.len() as u16 })
    }

    /// Begins it on the interface `ifindex`, or ends it.
    pub fn set(&self, fd: BorrowedFd<'_>, ifindex: i32, join: bool) -> Result<()> {
        let mut request = libc::packet_mreq::zeroed();
        request.mr_ifindex = ifindex;
        request.mr_type = self.kind;
        request.mr_alen = self.len;
        request.mr_address = self.address;
        let (option, name) = if join {
            (libc::PACKET_ADD_MEMBERSHIP, "setsockopt (PACKET_ADD_MEMBERSHIP)")
        } else {
            (libc::PACKET_DROP_MEMBERSHIP, "setsockopt (PACKET_DROP_MEMBERSHIP)")
        };
        socket::set(fd, libc::SOL_PACKET, option, request).map_err(|e| Error::errno(name, e))
    }
}
