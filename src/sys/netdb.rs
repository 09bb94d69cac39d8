//! The system's databases of hosts, networks, protocols, services and Ethernet addresses: netdb.h(0P),
//! getaddrinfo(3), getnetbyname_r(3), getprotobyname_r(3), ether_hostton(3). Where they look is the
//! administrator's choice, nsswitch.conf(5); it may take as long as DNS takes.
//!
//! Of each function the variant that any thread may call, with room for answers of any size.

use super::Errno;
use std::ffi::{CStr, c_char, c_int};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ptr::{NonNull, null, null_mut};

/// glibc's, which the libc crate does not declare.
mod c {
    use libc::{addrinfo, c_char, c_int, hostent, protoent, size_t};

    unsafe extern "C" {
        pub fn gethostbyname_r(
            name: *const c_char,
            entry: *mut hostent,
            room: *mut c_char,
            len: size_t,
            found: *mut *mut hostent,
            h_errno: *mut c_int,
        ) -> c_int;
        pub fn getprotobyname_r(
            name: *const c_char,
            entry: *mut protoent,
            room: *mut c_char,
            len: size_t,
            found: *mut *mut protoent,
        ) -> c_int;
        pub fn ether_hostton(name: *const c_char, address: *mut [u8; 6]) -> c_int;
    }

    // Declared anew, for a thread that is cancelled in it unwinds from it.
    unsafe extern "C-unwind" {
        pub fn getaddrinfo(
            host: *const c_char,
            service: *const c_char,
            hints: *const addrinfo,
            list: *mut *mut addrinfo,
        ) -> c_int;
    }
}

/// Why getaddrinfo(3) found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The name is not known: `EAI_NONAME`, `EAI_SERVICE`.
    Unknown,
    /// A system call failed: `EAI_SYSTEM`.
    System(Errno),
    /// Another `EAI_*` number.
    Other(c_int),
}

impl Failure {
    /// Of what getaddrinfo has just returned.
    #[cold]
    fn last(code: c_int) -> Self {
        match code {
            libc::EAI_NONAME | libc::EAI_SERVICE => Self::Unknown,
            libc::EAI_SYSTEM => Self::System(Errno::last()),
            code => Self::Other(code),
        }
    }
}

/// As `gai_strerror(3)`, or as `strerror(3)` of a system call's error.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match self {
            Self::Unknown => libc::EAI_NONAME,
            Self::System(errno) => return errno.fmt(f),
            Self::Other(code) => *code,
        };
        // SAFETY: any number will do, and what comes back is a terminated constant.
        f.write_str(&unsafe { CStr::from_ptr(libc::gai_strerror(code)) }.to_string_lossy())
    }
}

/// A transport protocol to look services up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// The list that getaddrinfo(3) gave: one entry at least.
#[derive(Debug)]
pub struct AddrInfo(NonNull<libc::addrinfo>);

impl AddrInfo {
    /// The addresses of a host, each once: those that one would connect to with TCP.
    pub fn of_host(name: &CStr) -> Result<Self, Failure> {
        Self::get(Some(name), None, Transport::Tcp)
    }

    /// Addresses with the port of a service.
    pub fn of_service(name: &CStr, transport: Transport) -> Result<Self, Failure> {
        Self::get(None, Some(name), transport)
    }

    fn get(
        host: Option<&CStr>,
        service: Option<&CStr>,
        transport: Transport,
    ) -> Result<Self, Failure> {
        // SAFETY: integers and NULL pointers: all zeros is a value, and the one that is asked for.
        let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
        hints.ai_family = libc::AF_UNSPEC;
        (hints.ai_socktype, hints.ai_protocol) = match transport {
            Transport::Tcp => (libc::SOCK_STREAM, libc::IPPROTO_TCP),
            Transport::Udp => (libc::SOCK_DGRAM, libc::IPPROTO_UDP),
        };
        let text = |name: Option<&CStr>| name.map_or(null(), CStr::as_ptr);
        let mut list = null_mut();
        // SAFETY: NULL or terminated names, hints as they have to be, and `list` is writable.
        let code =
            unsafe { c::getaddrinfo(text(host), text(service), &raw const hints, &raw mut list) };
        match code {
            0 => NonNull::new(list).map(Self).ok_or(Failure::Unknown),
            _ => Err(Failure::last(code)),
        }
    }

    /// The addresses, in the list's order.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let mut next = self.0.as_ptr().cast_const();
        std::iter::from_fn(move || {
            // SAFETY: NULL at the list's end, else an entry of the list, which lives as long as `self`.
            let entry = unsafe { next.as_ref() }?;
            next = entry.ai_next;
            // SAFETY: NULL, or an address of `ai_addrlen` bytes that lives as long.
            Some(unsafe { socket_address(entry.ai_addr, entry.ai_addrlen) })
        })
        .flatten()
    }

    /// The list itself, which freeaddrinfo(3) frees.
    #[must_use]
    pub fn into_raw(self) -> NonNull<libc::addrinfo> {
        std::mem::ManuallyDrop::new(self).0
    }
}

impl Drop for AddrInfo {
    fn drop(&mut self) {
        // SAFETY: what getaddrinfo gave, and nothing of it is used any more.
        unsafe { libc::freeaddrinfo(self.0.as_ptr()) };
    }
}

/// An address of IPv4 or IPv6; `None` for any other and for NULL.
///
/// # Safety
/// `address` is NULL or points to `len` bytes of a socket address.
unsafe fn socket_address(
    address: *const libc::sockaddr,
    len: libc::socklen_t,
) -> Option<SocketAddr> {
    let holds = |size: usize| usize::try_from(len).is_ok_and(|len| len >= size);
    if address.is_null() || !holds(size_of::<libc::sockaddr>()) {
        return None;
    }
    // SAFETY: at least a plain `sockaddr`.
    match i32::from(unsafe { (&raw const (*address).sa_family).read_unaligned() }) {
        libc::AF_INET if holds(size_of::<libc::sockaddr_in>()) => {
            // SAFETY: an address of this family, as long as one has to be.
            let address = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            let ip = Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr));
            Some((ip, u16::from_be(address.sin_port)).into())
        }
        libc::AF_INET6 if holds(size_of::<libc::sockaddr_in6>()) => {
            // SAFETY: as above.
            let address = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            let ip = Ipv6Addr::from(address.sin6_addr.s6_addr);
            Some((ip, u16::from_be(address.sin6_port)).into())
        }
        _ => None,
    }
}

/// The most room for an answer: many times what fits into one of DNS.
const MOST_ROOM: usize = 1 << 20;

/// Makes a look-up with more and more room, until it says other than `ERANGE` or that is too much.
fn with_room<T>(look_up: impl Fn(&mut [c_char]) -> Result<Option<T>, Errno>) -> Option<T> {
    let mut room = vec![0; 1024];
    loop {
        match look_up(&mut room) {
            Err(Errno(libc::ERANGE)) if room.len() < MOST_ROOM => room.resize(room.len() * 4, 0),
            answer => return answer.ok().flatten(),
        }
    }
}

/// The IPv4 addresses of a host as gethostbyname(3) finds them, in its order, in host byte order.
pub fn ipv4_addresses(name: &CStr) -> Vec<u32> {
    // What is an address in the usual way is no name, and nobody needs to be asked.
    if let Some(address) = name.to_str().ok().and_then(|name| name.parse::<Ipv4Addr>().ok()) {
        return vec![address.into()];
    }
    let found = with_room(|room| {
        // SAFETY: integers and NULL pointers: all zeros is a value.
        let mut entry: libc::hostent = unsafe { std::mem::zeroed() };
        let (mut found, mut h_errno) = (null_mut(), 0);
        // SAFETY: a terminated name, `room` is writable for its length, and so is the rest.
        let errno = unsafe {
            c::gethostbyname_r(
                name.as_ptr(),
                &raw mut entry,
                room.as_mut_ptr(),
                room.len(),
                &raw mut found,
                &raw mut h_errno,
            )
        };
        if errno != 0 {
            return Err(Errno(errno));
        }
        // SAFETY: NULL or `entry`, which is filled then; what it points to is in `room`, which is still
        // borrowed.
        Ok(unsafe { found.as_ref() }.map(|entry| unsafe { addresses_of(entry) }))
    });
    found.unwrap_or_default()
}

/// The IPv4 addresses of an entry, in host byte order.
///
/// # Safety
/// The entry is one that gethostbyname_r(3) has filled, and the memory it was given is still there.
unsafe fn addresses_of(entry: &libc::hostent) -> Vec<u32> {
    let ipv4 = entry.h_addrtype == libc::AF_INET && entry.h_length == 4;
    let mut next = entry.h_addr_list.cast_const();
    let mut addresses = Vec::new();
    if !ipv4 || next.is_null() {
        return addresses;
    }
    // SAFETY: the list ends with NULL, and each element before points to `h_length` bytes.
    unsafe {
        while let Some(address) = NonNull::new(next.read()) {
            addresses.push(u32::from_be_bytes(address.cast::<[u8; 4]>().read()));
            next = next.add(1);
        }
    }
    addresses
}

/// The number of a network, in host byte order.
pub fn network(name: &CStr) -> Option<u32> {
    with_room(|room| {
        // SAFETY: integers and NULL pointers: all zeros is a value.
        let mut entry: libc::netent = unsafe { std::mem::zeroed() };
        let (mut found, mut h_errno) = (null_mut(), 0);
        // SAFETY: a terminated name, `room` is writable for its length, and so is the rest.
        let errno = unsafe {
            libc::getnetbyname_r(
                name.as_ptr(),
                &raw mut entry,
                room.as_mut_ptr(),
                room.len(),
                &raw mut found,
                &raw mut h_errno,
            )
        };
        if errno == 0 { Ok((!found.is_null()).then_some(entry.n_net)) } else { Err(Errno(errno)) }
    })
}

/// The number of an IP protocol.
pub fn protocol(name: &CStr) -> Option<i32> {
    with_room(|room| {
        // SAFETY: integers and NULL pointers: all zeros is a value.
        let mut entry: libc::protoent = unsafe { std::mem::zeroed() };
        let mut found = null_mut();
        // SAFETY: a terminated name, `room` is writable for its length, and so is the rest.
        let errno = unsafe {
            c::getprotobyname_r(
                name.as_ptr(),
                &raw mut entry,
                room.as_mut_ptr(),
                room.len(),
                &raw mut found,
            )
        };
        if errno == 0 { Ok((!found.is_null()).then_some(entry.p_proto)) } else { Err(Errno(errno)) }
    })
}

/// The Ethernet address of a host.
pub fn ethernet_address(name: &CStr) -> Option<[u8; 6]> {
    let mut address = [0; 6];
    // SAFETY: a terminated name, and `address` has the size of a `struct ether_addr`.
    let found = unsafe { c::ether_hostton(name.as_ptr(), &raw mut address) } == 0;
    found.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_host(name: &CStr) -> Result<Vec<String>, Failure> {
        let list = AddrInfo::of_host(name)?;
        Ok(list.addresses().map(|address| address.ip().to_string()).collect())
    }

    /// Numbers need no database.
    #[test]
    fn numeric_hosts() {
        assert_eq!(of_host(c"192.0.2.1"), Ok(vec!["192.0.2.1".to_owned()]));
        assert_eq!(of_host(c"2001:db8::1"), Ok(vec!["2001:db8::1".to_owned()]));
        assert_eq!(ipv4_addresses(c"192.0.2.1"), [0xc000_0201]);
        assert_eq!(ipv4_addresses(c"127.1"), [0x7f00_0001]);
        assert_eq!(ipv4_addresses(c"::1"), []);
    }

    #[test]
    fn numeric_services() {
        for transport in [Transport::Tcp, Transport::Udp] {
            let list = AddrInfo::of_service(c"8080", transport).expect("a number");
            assert!(list.addresses().all(|address| address.port() == 8080));
            assert!(list.addresses().count() > 0);
        }
        let unknown = AddrInfo::of_service(c"no-such-service", Transport::Tcp);
        assert_eq!(unknown.err(), Some(Failure::Unknown));
    }

    #[test]
    fn unknown_names() {
        assert_eq!(of_host(c""), Err(Failure::Unknown));
        assert_eq!(network(c"no such network"), None);
        assert_eq!(protocol(c"no such protocol"), None);
        assert_eq!(ethernet_address(c"no such host"), None);
    }

    #[test]
    fn room_grows() {
        for needed in [0, 1024, 1025, 5000, MOST_ROOM] {
            let look_up = |room: &mut [c_char]| {
                if room.len() < needed { Err(Errno(libc::ERANGE)) } else { Ok(Some(())) }
            };
            assert_eq!(with_room(look_up), Some(()), "{needed}");
        }
        let tries = std::cell::Cell::new(0);
        let never: Option<()> = with_room(|_| {
            tries.set(tries.get() + 1);
            Err(Errno(libc::ERANGE))
        });
        assert_eq!((never, tries.get()), (None, 6));
    }

    #[test]
    fn failures_in_words() {
        assert_eq!(Failure::Unknown.to_string(), "Name or service not known");
        assert_eq!(Failure::System(Errno(libc::EMFILE)).to_string(), "Too many open files");
        assert_eq!(
            Failure::Other(libc::EAI_FAIL).to_string(),
            "Non-recoverable failure in name resolution"
        );
    }
}
