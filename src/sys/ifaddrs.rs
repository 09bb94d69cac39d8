//! Socket addresses, and the IPv4 ioctls of netdevice(7).

use super::{Errno, Sys, check, iface};
use std::ffi::OsStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A socket address: the bytes of a `sockaddr_in`, `sockaddr_in6`, `sockaddr_ll`, or, of any other
/// family, of a plain `sockaddr`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SockAddr(Box<[u8]>);

impl SockAddr {
    /// The bytes, of the length that the family has.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The `AF_*` number.
    pub fn family(&self) -> i32 {
        self.0.first_chunk().map_or(0, |family| u16::from_ne_bytes(*family).into())
    }

    /// The interface's `ARPHRD_*` type, if this is an `AF_PACKET` address.
    pub fn hardware_type(&self) -> Option<u16> {
        let at = std::mem::offset_of!(libc::sockaddr_ll, sll_hatype);
        let hatype = self.0.get(at..)?.first_chunk()?;
        (self.family() == libc::AF_PACKET).then(|| u16::from_ne_bytes(*hatype))
    }

    /// An `AF_INET` address, in network byte order.
    pub fn ipv4(address: [u8; 4]) -> Self {
        let family = (libc::AF_INET as u16).to_ne_bytes();
        Self([&family[..], &[0; 2], &address, &[0; 8]].concat().into())
    }

    /// An `AF_INET6` address, with the index of the interface that it is local to, or 0.
    pub fn ipv6(address: [u8; 16], scope: u32) -> Self {
        let family = (libc::AF_INET6 as u16).to_ne_bytes();
        Self([&family[..], &[0; 6], &address, &scope.to_ne_bytes()].concat().into())
    }

    /// The `AF_PACKET` address of the interface `index`, of the type `kind`. Longer addresses are cut.
    pub fn link(index: u32, kind: u16, address: &[u8]) -> Self {
        let family = (libc::AF_PACKET as u16).to_ne_bytes();
        let mut bytes = [&family[..], &[0; 2], &index.to_ne_bytes(), &kind.to_ne_bytes()].concat();
        bytes.extend([0, u8::try_from(address.len()).unwrap_or(u8::MAX)]);
        bytes.extend(address.iter().take(8));
        bytes.resize(size_of::<libc::sockaddr_ll>(), 0);
        Self(bytes.into())
    }
}

/// A socket for the ioctls below.
pub fn ipv4_socket() -> Sys<OwnedFd> {
    open(libc::AF_INET, libc::SOCK_DGRAM, 0)
}

/// A socket that answers netdevice(7)'s ioctls whatever protocols the kernel has, and without any
/// privilege: netlink (from Linux 4.6), else UNIX, else IP.
pub fn device_socket() -> Sys<OwnedFd> {
    if let Ok(fd) = open(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_GENERIC) {
        let mut req = iface::request(OsStr::new(""))?;
        // SAFETY: SIOCGIFNAME reads and writes one `ifreq`, which `req` is.
        let rc = unsafe { libc::ioctl(fd.as_raw_fd(), libc::SIOCGIFNAME as _, &raw mut req) };
        if check(rc) != Err(Errno(libc::EOPNOTSUPP)) {
            return Ok(fd);
        }
    }
    open(libc::AF_UNIX, libc::SOCK_RAW, 0)
        .or_else(|_| open(libc::AF_INET6, libc::SOCK_DGRAM, 0))
        .or_else(|_| open(libc::AF_INET, libc::SOCK_DGRAM, 0))
}

fn open(family: i32, kind: i32, protocol: i32) -> Sys<OwnedFd> {
    // SAFETY: no pointer is passed.
    let fd = check(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) })?;
    // SAFETY: the kernel has just handed this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The interface's first IPv4 address, in network byte order.
pub fn ipv4_address(fd: BorrowedFd<'_>, name: &OsStr) -> Sys<u32> {
    ipv4(fd, libc::SIOCGIFADDR, name)
}

/// The netmask of that address, in network byte order.
pub fn ipv4_netmask(fd: BorrowedFd<'_>, name: &OsStr) -> Sys<u32> {
    ipv4(fd, libc::SIOCGIFNETMASK, name)
}

fn ipv4(fd: BorrowedFd<'_>, code: libc::c_ulong, name: &OsStr) -> Sys<u32> {
    let mut req = iface::request(name)?;
    req.ifr_ifru.ifru_addr.sa_family = libc::AF_INET as libc::sa_family_t;
    // SAFETY: both codes passed here read and write one `ifreq`, which `req` is.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), code as _, &raw mut req) })?;
    // SAFETY: both codes fill this member with a `sockaddr_in`, which has the size of a `sockaddr` and
    // is integers only.
    let addr: libc::sockaddr_in = unsafe { std::mem::transmute(req.ifr_ifru.ifru_addr) };
    Ok(addr.sin_addr.s_addr)
}
