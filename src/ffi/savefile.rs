//! Savefiles that are read: pcap_open_offline(3PCAP) and its kin.

use super::boundary::{handle, with_errbuf, with_handle};
use super::handle::pcap_t;
use super::types::FILE;
use crate::error::Error;
use crate::handle::options::PRECISION_MICRO;
use crate::savefile::Savefile;
use crate::sys::stdio::Stream;
use std::ffi::{c_char, c_uint};

/// Opens a savefile, "-" meaning standard input, for time stamps in microseconds.
///
/// # Safety
/// As pcap_open_offline(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_open_offline(
    name: *const c_char,
    errbuf: *mut c_char,
) -> *mut pcap_t {
    // SAFETY: forwarded contract.
    unsafe { pcap_open_offline_with_tstamp_precision(name, PRECISION_MICRO.unsigned_abs(), errbuf) }
}

/// Opens a savefile, "-" meaning standard input.
///
/// # Safety
/// As pcap_open_offline(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_open_offline_with_tstamp_precision(
    name: *const c_char,
    precision: c_uint,
    errbuf: *mut c_char,
) -> *mut pcap_t {
    // SAFETY: forwarded contract.
    unsafe {
        with_errbuf(errbuf, || {
            let name = super::boundary::name(name)
                .ok_or_else(|| Error::new("A null pointer was supplied as the file name"))?;
            let savefile = Savefile::open(&name, precision)?;
            pcap_t::open(|handle| handle.open_offline(savefile))
        })
    }
}

/// Opens a savefile on a stream, for time stamps in microseconds.
///
/// # Safety
/// As pcap_open_offline(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_fopen_offline(file: *mut FILE, errbuf: *mut c_char) -> *mut pcap_t {
    // SAFETY: forwarded contract.
    unsafe {
        pcap_fopen_offline_with_tstamp_precision(file, PRECISION_MICRO.unsigned_abs(), errbuf)
    }
}

/// Opens a savefile on a stream, which pcap_close() closes.
///
/// # Safety
/// As pcap_open_offline(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_fopen_offline_with_tstamp_precision(
    file: *mut FILE,
    precision: c_uint,
    errbuf: *mut c_char,
) -> *mut pcap_t {
    // SAFETY: forwarded contract.
    unsafe {
        with_errbuf(errbuf, || {
            let stream = Stream::from_raw(file).ok_or_else(|| {
                Error::new("Null FILE * pointer provided to savefile open routine")
            })?;
            let savefile = Savefile::share(stream, precision)?;
            pcap_t::open(|handle| handle.open_offline(savefile))
        })
    }
}

/// The stream that a savefile is read from, at the position of the packet that comes next; NULL on handles without
/// one. From then on it is read as the caller leaves it.
///
/// # Safety
/// As pcap_file(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_file(p: *mut pcap_t) -> *mut FILE {
    // SAFETY: forwarded contract.
    unsafe {
        let known = handle(p).map_or(std::ptr::null_mut(), |h| h.handle.known_stream());
        if known.is_null() { first_asked(p) } else { known }
    }
}

/// As [`pcap_file`], where no stream is known yet. C's, so that it is a jump away.
///
/// # Safety
/// As pcap_file(3PCAP).
#[cold]
#[inline(never)]
unsafe extern "C" fn first_asked(p: *mut pcap_t) -> *mut FILE {
    // SAFETY: forwarded contract.
    unsafe {
        if handle(p).is_some_and(|h| h.handle.has_no_stream()) {
            return std::ptr::null_mut();
        }
        with_handle(p, |h| Ok(h.handle.stream()?.unwrap_or_default()))
    }
}
