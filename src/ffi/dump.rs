//! Savefiles that are written: pcap_dump_open(3PCAP), pcap_dump(3PCAP) and their kin.

use super::boundary::{lent_text, null, with_handle};
use super::handle::pcap_t;
use super::types::{FILE, pcap_dumper_t, pcap_pkthdr};
use crate::error::{Error, Result};
use crate::handle::told::{Facts, What};
use crate::linktype;
use crate::savefile::dumper::{self, STANDARD_OUTPUT};
use crate::savefile::writer::{self, FILE_HEADER};
use crate::sys::Errno;
use crate::sys::stdio::Stream;
use std::ffi::{CStr, c_char, c_int, c_long, c_uchar};

/// The stream behind a `pcap_dumper_t`; `None` for NULL.
///
/// # Safety
/// `d` is NULL or from pcap_dump_open() and not closed.
unsafe fn stream(d: *mut pcap_dumper_t) -> Option<Stream> {
    // SAFETY: forwarded contract; a dumper is the stream itself.
    unsafe { Stream::from_raw(d.cast()) }
}

/// The header of a savefile of this handle's packets, called `shown` in errors. In the link type's word goes `more`
/// of what the handle's own savefile has there.
fn header(
    h: &pcap_t,
    shown: &str,
    function: &str,
    more: fn(&pcap_t) -> u32,
) -> Result<[u8; FILE_HEADER]> {
    let Some(Facts { datalink: dlt, snapshot, .. }) = h.handle.told.facts() else {
        let text = format!("{shown}: not-yet-activated pcap_t passed to {function}");
        return Err(Error::new(text));
    };
    let linktype = linktype::dlt_to_linktype(dlt).ok_or_else(|| {
        Error::new(format!("{shown}: link-layer type {dlt} isn't supported in savefiles"))
    })?;
    let precision = h.handle.told.get(What::Precision);
    Ok(writer::file_header(linktype | more(h), snapshot, precision))
}

/// What pcap_datalink_ext() says.
fn extension(h: &pcap_t) -> u32 {
    h.handle.told.get(What::DatalinkExt).cast_unsigned()
}

/// Nothing. QUIRK: pcap_dump_open_append() neither writes nor expects what pcap_datalink_ext() says.
fn no_extension(_: &pcap_t) -> u32 {
    0
}

/// Opens a file by `open`, "-" meaning standard output, where the file begins.
///
/// # Safety
/// `name` is NULL or terminated.
unsafe fn open_named(
    name: *const c_char,
    header: impl FnOnce(&str) -> Result<[u8; FILE_HEADER]>,
    open: fn(&CStr, &str, &[u8; FILE_HEADER]) -> Result<Stream>,
) -> Result<*mut pcap_dumper_t> {
    // SAFETY: forwarded contract.
    let shown = unsafe { lent_text(name) }.unwrap_or("(null)".into());
    let header = header(&shown)?;
    if name.is_null() {
        return Err(Error::new("A null pointer was supplied as the file name"));
    }
    // The bytes as they are: a file's name need not be UTF-8.
    // SAFETY: not NULL, so terminated.
    let name = unsafe { CStr::from_ptr(name) };
    let stream = if name == c"-" {
        let stream = Stream::stdout().ok_or_else(null)?;
        dumper::begin(&stream, STANDARD_OUTPUT, &header)?;
        stream
    } else {
        open(name, &shown, &header)?
    };
    Ok(stream.as_ptr().cast())
}

/// Begins a savefile, "-" meaning standard output.
///
/// # Safety
/// As pcap_dump_open(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_dump_open(p: *mut pcap_t, name: *const c_char) -> *mut pcap_dumper_t {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle(p, |h| {
            let header = |shown: &str| header(h, shown, "pcap_dump_open", extension);
            open_named(name, header, dumper::create)
        })
    }
}

/// Begins a savefile on a stream of the caller's, who keeps it if that fails.
///
/// # Safety
/// As pcap_dump_fopen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_dump_fopen(p: *mut pcap_t, file: *mut FILE) -> *mut pcap_dumper_t {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle(p, |h| {
            let header = header(h, "stream", "pcap_dump_fopen", extension)?;
            let stream = Stream::from_raw(file).ok_or_else(null)?;
            dumper::begin(&stream, "stream", &header)?;
            Ok(file.cast())
        })
    }
}

/// Goes on with a savefile, or begins one; "-" means standard output, where one begins.
///
/// # Safety
/// As pcap_dump_open_append(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_dump_open_append(
    p: *mut pcap_t,
    name: *const c_char,
) -> *mut pcap_dumper_t {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle(p, |h| {
            let header = |shown: &str| header(h, shown, "pcap_dump_open_append", no_extension);
            open_named(name, header, dumper::append)
        })
    }
}

/// Writes a packet; made to be called back with. What fails shows in pcap_dump_flush(), pcap_dump_ftell() and
/// pcap_dump_close().
///
/// # Safety
/// As pcap_dump(3PCAP): `user` is a `pcap_dumper_t *`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dump(
    user: *mut c_uchar,
    header: *const pcap_pkthdr,
    packet: *const c_uchar,
) {
    // SAFETY: forwarded contract.
    let Some(stream) = (unsafe { Stream::from_raw(user.cast()) }) else { return };
    if header.is_null() {
        return;
    }
    // SAFETY: non-null, so a header by contract.
    let header = unsafe { &*header };
    let bytes = if header.caplen == 0 {
        &[]
    } else if packet.is_null() {
        return;
    } else {
        // SAFETY: non-null, so readable for the captured length by contract.
        unsafe { std::slice::from_raw_parts(packet, header.caplen as usize) }
    };
    dumper::write(&stream, header, bytes);
}

/// The stream.
///
/// # Safety
/// As pcap_dump_file(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_dump_file(d: *mut pcap_dumper_t) -> *mut FILE {
    d.cast()
}

/// The position in the file; -1, and why in `errno`, if that or a write before failed.
///
/// # Safety
/// As pcap_dump_ftell(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_dump_ftell(d: *mut pcap_dumper_t) -> c_long {
    // SAFETY: forwarded contract.
    c_long::try_from(unsafe { pcap_dump_ftell64(d) }).unwrap_or(-1)
}

/// The position in the file; -1, and why in `errno`, if that or a write before failed.
///
/// # Safety
/// As pcap_dump_ftell64(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_dump_ftell64(d: *mut pcap_dumper_t) -> i64 {
    // SAFETY: forwarded contract.
    let Some(stream) = (unsafe { stream(d) }) else { return -1 };
    dumper::tell(&stream)
}

/// Writes what is buffered; -1, and why in `errno`, if that or a write before failed.
///
/// # Safety
/// As pcap_dump_flush(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dump_flush(d: *mut pcap_dumper_t) -> c_int {
    // SAFETY: forwarded contract.
    let Some(stream) = (unsafe { stream(d) }) else { return -1 };
    dumper::flush(&stream).map_or_else(failed, |()| 0)
}

/// What a call returns that tells why by `errno`.
#[cold]
#[inline(never)]
fn failed(errno: Errno) -> c_int {
    errno.set();
    -1
}

/// Ends a savefile; standard output is flushed and stays open. `errno` is set if not all of the file could be
/// written, and is left as it was otherwise.
///
/// # Safety
/// As pcap_dump_close(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dump_close(d: *mut pcap_dumper_t) {
    // SAFETY: forwarded contract.
    let Some(stream) = (unsafe { stream(d) }) else { return };
    let before = Errno::last();
    dumper::close(&stream).map_or_else(|errno| errno, |()| before).set();
}
