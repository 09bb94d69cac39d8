//! Names of hosts, networks, ports, protocols and Ethernet addresses.

use super::boundary::{guard, store, unfailing};
use super::cmem;
use super::types::{FILE, eproto, pcap_etherent};
use crate::names::{address, ethers, ports, protocols, resolver};
use crate::sys::netdb::{self, AddrInfo};
use crate::sys::stdio::Stream;
use std::cell::{RefCell, UnsafeCell};
use std::ffi::{CStr, c_char, c_int, c_uchar};
use std::ptr::{NonNull, null_mut};

/// `PROTO_UNDEF`: no such protocol.
const PROTO_UNDEF: c_int = -1;

/// What `find` finds; `None` for a NULL name.
///
/// # Safety
/// `name` is NULL or a C string.
unsafe fn found<R>(name: *const c_char, find: impl FnOnce(&CStr) -> Option<R>) -> Option<R> {
    if name.is_null() {
        return None;
    }
    // SAFETY: not NULL, so a C string by this function's contract.
    let name = unsafe { CStr::from_ptr(name) };
    guard(|| Ok(find(name))).ok().flatten()
}

/// As [`found`], of the library's own tables and notations: nothing is asked, and nothing waited for.
///
/// # Safety
/// As [`found`].
unsafe fn known<R>(name: *const c_char, find: impl FnOnce(&[u8]) -> Option<R>) -> Option<R> {
    if name.is_null() {
        return None;
    }
    // SAFETY: not NULL, so a C string by this function's contract.
    let name = unsafe { CStr::from_ptr(name) };
    unfailing(|| find(name.to_bytes())).flatten()
}

/// A malloc'd Ethernet address.
fn malloced(address: Option<[u8; 6]>) -> *mut c_uchar {
    address.and_then(|address| cmem::array(&address)).map_or(null_mut(), NonNull::as_ptr)
}

/// What pcap_nametoaddr() returned last: the addresses, and NULL-terminated pointers to them.
struct HostAddresses {
    _values: Vec<u32>,
    pointers: Vec<*mut u32>,
}

thread_local! {
    static HOST_ADDRESSES: RefCell<HostAddresses> =
        const { RefCell::new(HostAddresses { _values: Vec::new(), pointers: Vec::new() }) };
}

/// Keeps the addresses until the thread's next call or its end.
fn keep(mut values: Vec<u32>) -> *mut *mut u32 {
    let first = values.as_mut_ptr();
    let pointers = (0..values.len()).map(|i| first.wrapping_add(i));
    let pointers: Vec<*mut u32> = pointers.chain([null_mut()]).collect();
    let kept = HOST_ADDRESSES.try_with(|kept| {
        let mut kept = kept.borrow_mut();
        *kept = HostAddresses { _values: values, pointers };
        kept.pointers.as_mut_ptr()
    });
    kept.unwrap_or(null_mut())
}

/// The IPv4 addresses of a host, in host byte order: pointers to them, and NULL behind. They stay until
/// this thread calls again. NULL if there are none.
///
/// # Safety
/// As pcap_nametoaddr(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametoaddr(name: *const c_char) -> *mut *mut u32 {
    let addresses = |name: &CStr| Some(netdb::ipv4_addresses(name)).filter(|all| !all.is_empty());
    // SAFETY: forwarded contract.
    unsafe { found(name, |name| addresses(name).map(keep)) }.unwrap_or(null_mut())
}

/// The addresses of a host, which freeaddrinfo() frees; NULL if there are none. A thread can be cancelled here.
///
/// # Safety
/// As pcap_nametoaddrinfo(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_nametoaddrinfo(name: *const c_char) -> *mut libc::addrinfo {
    if name.is_null() {
        return null_mut();
    }
    // SAFETY: not NULL, so a C string by this function's contract.
    let name = unsafe { CStr::from_ptr(name) };
    // The C library does it all: there is nothing to panic, nor to be left behind.
    AddrInfo::of_host(name).map_or(null_mut(), |list| list.into_raw().as_ptr())
}

/// The number of a network in host byte order, 0 if it is unknown.
///
/// # Safety
/// As pcap_nametonetaddr(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametonetaddr(name: *const c_char) -> u32 {
    // SAFETY: forwarded contract.
    unsafe { found(name, resolver::network) }.unwrap_or(0)
}

/// Writes each number where it belongs. Returns 1, or 0 if a place is NULL.
///
/// # Safety
/// Each pointer is NULL or writable.
unsafe fn say<const N: usize>(numbers: [(*mut c_int, c_int); N]) -> c_int {
    // SAFETY: forwarded contract.
    let said = numbers.iter().try_for_each(|(to, number)| unsafe { store(*to, *number) });
    c_int::from(said.is_ok())
}

/// Says the port of a service, and 6 for TCP, 17 for UDP or `PROTO_UNDEF` for both. Returns 1, or 0 if it
/// is unknown.
///
/// # Safety
/// As pcap_nametoport(): the pointers are NULL or what they say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametoport(
    name: *const c_char,
    port: *mut c_int,
    proto: *mut c_int,
) -> c_int {
    // SAFETY: forwarded contract.
    let found = unsafe { found(name, |name| ports::port(name).ok()) };
    found.map_or(0, |found| {
        let number = c_int::from(found.number);
        // SAFETY: forwarded contract.
        unsafe { say([(port, number), (proto, found.protocol.number())]) }
    })
}

/// Says the ports on both sides of a hyphen, and their protocol, as pcap_nametoport(). Returns 1, or 0 if it
/// is no range. A number may be above 65,535.
///
/// # Safety
/// As pcap_nametoportrange(): the pointers are NULL or what they say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametoportrange(
    name: *const c_char,
    port1: *mut c_int,
    port2: *mut c_int,
    proto: *mut c_int,
) -> c_int {
    // SAFETY: forwarded contract.
    let found = unsafe { found(name, ports::port_range) };
    found.map_or(0, |found| {
        let (first, second) = (found.first.cast_signed(), found.second.cast_signed());
        // SAFETY: forwarded contract.
        unsafe { say([(port1, first), (port2, second), (proto, found.protocol.number())]) }
    })
}

/// The number of an IP protocol, or `PROTO_UNDEF`.
///
/// # Safety
/// As pcap_nametoproto(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametoproto(name: *const c_char) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { found(name, netdb::protocol) }.unwrap_or(PROTO_UNDEF)
}

/// The EtherType of a protocol, or `PROTO_UNDEF`.
///
/// # Safety
/// As pcap_nametoeproto(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametoeproto(name: *const c_char) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { known(name, protocols::ethertype) }.map_or(PROTO_UNDEF, c_int::from)
}

/// The LLC SAP of a protocol, or `PROTO_UNDEF`.
///
/// # Safety
/// As pcap_nametollc(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametollc(name: *const c_char) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { known(name, protocols::llc_sap) }.map_or(PROTO_UNDEF, c_int::from)
}

/// The Ethernet address of a host, which free() frees; NULL if it is unknown.
///
/// # Safety
/// As pcap_ether_hostton(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_ether_hostton(name: *const c_char) -> *mut c_uchar {
    // SAFETY: forwarded contract.
    malloced(unsafe { found(name, netdb::ethernet_address) })
}

/// The Ethernet address that a text is, which free() frees; NULL if it is none.
///
/// # Safety
/// As pcap_ether_aton(): `text` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_ether_aton(text: *const c_char) -> *mut c_uchar {
    // SAFETY: forwarded contract.
    malloced(unsafe { known(text, address::mac48) })
}

/// The entry that pcap_next_etherent() returned last.
struct LastEntry(UnsafeCell<pcap_etherent>);

thread_local! {
    static LAST_ENTRY: LastEntry =
        const { LastEntry(UnsafeCell::new(pcap_etherent { addr: [0; 6], name: [0; 122] })) };
}

/// The next entry of an ethers(5) file, which stays until this thread calls again; NULL at the end.
///
/// # Safety
/// As pcap_next_etherent(): `file` is NULL or a stream that can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_next_etherent(file: *mut FILE) -> *mut pcap_etherent {
    // SAFETY: forwarded contract.
    let Some(stream) = (unsafe { Stream::from_raw(file) }) else { return null_mut() };
    let entry = guard(|| Ok(ethers::next_entry(|| stream.getc())));
    let Ok(Some(entry)) = entry else { return null_mut() };
    let mut c_entry = pcap_etherent { addr: entry.address, name: [0; ethers::NAME_LEN + 1] };
    for (place, byte) in c_entry.name.iter_mut().zip(entry.name) {
        *place = c_char::from_ne_bytes([byte]);
    }
    let last = LAST_ENTRY.try_with(|last| {
        // SAFETY: the thread's own, to which no reference exists.
        unsafe { last.0.get().write(c_entry) };
        last.0.get()
    });
    last.unwrap_or(null_mut())
}

/// An exported table, up to an entry of NULL.
#[repr(transparent)]
pub struct EtherProtocols([eproto; 13]);

// SAFETY: nothing in this library writes it, and its strings are constants.
unsafe impl Sync for EtherProtocols {}

const fn named(name: &'static std::ffi::CStr, number: u16) -> eproto {
    eproto { s: name.as_ptr(), p: number }
}

/// Ethertypes by name. Its size never changes: old programs may have copied it into themselves.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "C's own name")]
pub static eproto_db: EtherProtocols = EtherProtocols([
    named(c"aarp", 0x80f3),
    named(c"arp", 0x0806),
    named(c"atalk", 0x809b),
    named(c"decnet", 0x6003),
    named(c"ip", 0x0800),
    named(c"ip6", 0x86dd),
    named(c"lat", 0x6004),
    named(c"loopback", 0x9000),
    named(c"mopdl", 0x6001),
    named(c"moprc", 0x6002),
    named(c"rarp", 0x8035),
    named(c"sca", 0x6007),
    eproto { s: std::ptr::null(), p: 0 },
]);

#[cfg(test)]
mod tests {
    use super::*;

    /// The exported table is older and shorter than the one that names are looked up in.
    #[test]
    fn both_tables_say_the_same() {
        let (end, entries) = eproto_db.0.split_last().expect("entries");
        assert!(end.s.is_null());
        for entry in entries {
            // SAFETY: each but the last has a constant name.
            let name = unsafe { CStr::from_ptr(entry.s) };
            assert_eq!(protocols::ethertype(name.to_bytes()), Some(entry.p), "{name:?}");
        }
    }
}
