//! Interfaces and their addresses: getifaddrs(3), and the IPv4 ioctls of netdevice(7).

use super::{Errno, Sys, check, iface};
use std::ffi::{CStr, CString, OsStr};
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

    /// Copies what `from` points to; `None` for NULL.
    ///
    /// # Safety
    /// `from` is NULL or points to a whole socket address of its family.
    unsafe fn copy(from: *const libc::sockaddr) -> Option<Self> {
        if from.is_null() {
            return None;
        }
        // SAFETY: not NULL, so by this function's contract at least a family can be read.
        let family = unsafe { (&raw const (*from).sa_family).read_unaligned() };
        let len = match i32::from(family) {
            libc::AF_INET => size_of::<libc::sockaddr_in>(),
            libc::AF_INET6 => size_of::<libc::sockaddr_in6>(),
            libc::AF_PACKET => size_of::<libc::sockaddr_ll>(),
            _ => size_of::<libc::sockaddr>(),
        };
        // SAFETY: an address of that family has that length, by this function's contract.
        Some(Self(unsafe { std::slice::from_raw_parts(from.cast::<u8>(), len) }.into()))
    }
}

/// One entry of the system's list: an interface with one of its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfAddr {
    /// The interface's name, or an address label ("eth0:1").
    pub name: CString,
    /// The interface's `IFF_*` flags.
    pub flags: u32,
    /// The address.
    pub addr: Option<SockAddr>,
    /// Its netmask.
    pub netmask: Option<SockAddr>,
    /// With `IFF_BROADCAST` its broadcast address, with `IFF_POINTOPOINT` the other end's.
    pub other: Option<SockAddr>,
}

/// Every interface of this network namespace, in the kernel's order, then every network address. An
/// interface's own entry has its link-layer address (`AF_PACKET`), or none where it has no such thing.
pub fn list() -> Sys<Vec<IfAddr>> {
    let mut first: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: `first` is writable.
    check(unsafe { libc::getifaddrs(&raw mut first) })?;
    let mut list = Vec::new();
    let mut next = first.cast_const();
    // SAFETY: NULL at the list's end, else an entry of the list, which is freed below.
    while let Some(entry) = unsafe { next.as_ref() } {
        // SAFETY: getifaddrs gives a terminated name, and addresses that are NULL or whole.
        list.push(unsafe {
            IfAddr {
                name: CStr::from_ptr(entry.ifa_name).to_owned(),
                flags: entry.ifa_flags,
                addr: SockAddr::copy(entry.ifa_addr),
                netmask: SockAddr::copy(entry.ifa_netmask),
                other: SockAddr::copy(entry.ifa_ifu),
            }
        });
        next = entry.ifa_next;
    }
    // SAFETY: `first` is what getifaddrs gave, and nothing of it is used any more.
    unsafe { libc::freeifaddrs(first) };
    Ok(list)
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
