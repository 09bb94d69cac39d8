//! Remote capture, as a libpcap that is built without it has it: there is none.

use super::boundary::{not_supported, with_errbuf, with_handle};
use super::handle::pcap_t;
use super::types::{pcap_if_t, pcap_rmtauth, pcap_samp};
use crate::error::Error;
use std::ffi::{c_char, c_int};

/// Not supported.
///
/// # Safety
/// As pcap_open(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_open(
    _source: *const c_char,
    _snaplen: c_int,
    _flags: c_int,
    _read_timeout: c_int,
    _auth: *mut pcap_rmtauth,
    errbuf: *mut c_char,
) -> *mut pcap_t {
    // SAFETY: forwarded contract.
    unsafe { with_errbuf(errbuf, || Err(not_supported("pcap_open"))) }
}

/// Not supported.
///
/// # Safety
/// As pcap_createsrcstr(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_createsrcstr(
    _source: *mut c_char,
    _type_: c_int,
    _host: *const c_char,
    _port: *const c_char,
    _name: *const c_char,
    errbuf: *mut c_char,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { with_errbuf(errbuf, || Err(not_supported("pcap_createsrcstr"))) }
}

/// Not supported.
///
/// # Safety
/// As pcap_parsesrcstr(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_parsesrcstr(
    _source: *const c_char,
    _type_: *mut c_int,
    _host: *mut c_char,
    _port: *mut c_char,
    _name: *mut c_char,
    errbuf: *mut c_char,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { with_errbuf(errbuf, || Err(not_supported("pcap_parsesrcstr"))) }
}

/// Not supported.
///
/// # Safety
/// As pcap_findalldevs_ex(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_findalldevs_ex(
    _source: *const c_char,
    _auth: *mut pcap_rmtauth,
    devices: *mut *mut pcap_if_t,
    errbuf: *mut c_char,
) -> c_int {
    if !devices.is_null() {
        // SAFETY: non-null, so writable by contract.
        unsafe { devices.write(std::ptr::null_mut()) };
    }
    // SAFETY: forwarded contract.
    unsafe { with_errbuf(errbuf, || Err(not_supported("pcap_findalldevs_ex"))) }
}

/// Not supported.
///
/// # Safety
/// As pcap_setsampling(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_setsampling(p: *mut pcap_t) -> *mut pcap_samp {
    // SAFETY: forwarded contract.
    unsafe { with_handle(p, |_| Err(Error::new("Capture sampling is not supported"))) }
}

/// Not supported.
///
/// # Safety
/// As pcap_remoteact_accept(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_remoteact_accept(
    _address: *const c_char,
    _port: *const c_char,
    _hostlist: *const c_char,
    _connectinghost: *mut c_char,
    _auth: *mut pcap_rmtauth,
    errbuf: *mut c_char,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { with_errbuf(errbuf, || Err(not_supported("pcap_remoteact_accept"))) }
}

/// Not supported.
///
/// # Safety
/// As pcap_remoteact_accept(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_remoteact_accept_ex(
    _address: *const c_char,
    _port: *const c_char,
    _hostlist: *const c_char,
    _connectinghost: *mut c_char,
    _auth: *mut pcap_rmtauth,
    _uses_ssl: c_int,
    errbuf: *mut c_char,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { with_errbuf(errbuf, || Err(not_supported("pcap_remoteact_accept_ex"))) }
}

/// Not supported.
///
/// # Safety
/// As pcap_remoteact_list(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_remoteact_list(
    _hostlist: *mut c_char,
    _sep: c_char,
    _size: c_int,
    errbuf: *mut c_char,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { with_errbuf(errbuf, || Err(not_supported("pcap_remoteact_list"))) }
}

/// Not supported.
///
/// # Safety
/// As pcap_remoteact_close(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_remoteact_close(_host: *const c_char, errbuf: *mut c_char) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { with_errbuf(errbuf, || Err(not_supported("pcap_remoteact_close"))) }
}

/// Nothing to clean up.
///
/// # Safety
/// As pcap_remoteact_cleanup(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_remoteact_cleanup() {}
