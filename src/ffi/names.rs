//! Names of hosts, networks, ports, protocols and Ethernet addresses. The look-ups are not there yet: each
//! answers as for a name that is unknown.

use super::types::{FILE, eproto, pcap_etherent};
use std::ffi::{c_char, c_int, c_uchar};
use std::ptr::null_mut;

/// `PROTO_UNDEF`: no such protocol.
const PROTO_UNDEF: c_int = -1;

/// No IPv4 addresses.
///
/// # Safety
/// As pcap_nametoaddr(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametoaddr(_name: *const c_char) -> *mut *mut u32 {
    null_mut()
}

/// No addresses.
///
/// # Safety
/// As pcap_nametoaddrinfo(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametoaddrinfo(_name: *const c_char) -> *mut libc::addrinfo {
    null_mut()
}

/// No network.
///
/// # Safety
/// As pcap_nametonetaddr(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametonetaddr(_name: *const c_char) -> u32 {
    0
}

/// No port.
///
/// # Safety
/// As pcap_nametoport(): the pointers are NULL or what they say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametoport(
    _name: *const c_char,
    _port: *mut c_int,
    _proto: *mut c_int,
) -> c_int {
    0
}

/// No port range.
///
/// # Safety
/// As pcap_nametoportrange(): the pointers are NULL or what they say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametoportrange(
    _name: *const c_char,
    _port1: *mut c_int,
    _port2: *mut c_int,
    _proto: *mut c_int,
) -> c_int {
    0
}

/// No protocol.
///
/// # Safety
/// As pcap_nametoproto(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametoproto(_name: *const c_char) -> c_int {
    PROTO_UNDEF
}

/// No ethertype.
///
/// # Safety
/// As pcap_nametoeproto(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametoeproto(_name: *const c_char) -> c_int {
    PROTO_UNDEF
}

/// No LLC protocol.
///
/// # Safety
/// As pcap_nametollc(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_nametollc(_name: *const c_char) -> c_int {
    PROTO_UNDEF
}

/// No address.
///
/// # Safety
/// As pcap_ether_hostton(): `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_ether_hostton(_name: *const c_char) -> *mut c_uchar {
    null_mut()
}

/// No address.
///
/// # Safety
/// As pcap_ether_aton(): `text` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_ether_aton(_text: *const c_char) -> *mut c_uchar {
    null_mut()
}

/// No entry.
///
/// # Safety
/// As pcap_next_etherent(): `file` is NULL or a stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_next_etherent(_file: *mut FILE) -> *mut pcap_etherent {
    null_mut()
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
