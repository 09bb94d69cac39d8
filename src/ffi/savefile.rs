//! Savefiles: pcap_open_offline(3PCAP), pcap_dump_open(3PCAP) and their kin.

use super::boundary::{not_supported, null, quietly, text, with_errbuf, with_handle};
use super::handle::pcap_t;
use super::types::{FILE, pcap_dumper_t, pcap_pkthdr};
use crate::error::{Code, Error, Result};
use crate::handle::options::PRECISION_MICRO;
use crate::linktype;
use crate::savefile::{Savefile, writer};
use crate::sys::stdio::Stream;
use std::ffi::{CStr, c_char, c_int, c_long, c_uchar, c_uint};

/// The stream behind a `pcap_dumper_t`.
///
/// # Safety
/// `d` is NULL or from pcap_dump_open() and not closed.
unsafe fn stream(d: *mut pcap_dumper_t) -> Result<Stream> {
    // SAFETY: forwarded contract; a dumper is the stream itself.
    unsafe { Stream::from_raw(d.cast()) }.ok_or_else(null)
}

/// The header of a savefile of this handle's packets, called `name` in errors.
fn header(h: &pcap_t, name: &str, function: &str) -> Result<[u8; 24]> {
    let dlt = h.handle.datalink().map_err(|error| match error.code {
        Code::NotActivated => {
            Error::new(format!("{name}: not-yet-activated pcap_t passed to {function}"))
        }
        _ => error,
    })?;
    let linktype = linktype::dlt_to_linktype(dlt).ok_or_else(|| {
        Error::new(format!("{name}: link-layer type {dlt} isn't supported in savefiles"))
    })?;
    Ok(writer::file_header(linktype, h.handle.snapshot()?, h.handle.precision()?))
}

/// Writes `header` to a stream that has just been opened.
fn begin(stream: Stream, header: &[u8], name: &str) -> Result<*mut pcap_dumper_t> {
    match stream.write(header) {
        Ok(()) => Ok(stream.as_ptr().cast()),
        Err(errno) => {
            if !stream.is_stdout() {
                // The error that counts is the first.
                let _ = stream.close();
            }
            Err(Error::errno(format!("Can't write to {name}"), errno))
        }
    }
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
            let shown = text(name).unwrap_or_else(|| "stream".to_owned());
            let header = header(h, &shown, "pcap_dump_open")?;
            if name.is_null() {
                return Err(Error::new("A null pointer was supplied as the file name"));
            }
            // The bytes as they are: a file's name need not be UTF-8.
            let name = CStr::from_ptr(name);
            if name == c"-" {
                return begin(Stream::stdout().ok_or_else(null)?, &header, "standard output");
            }
            let stream = Stream::open(name, c"wb").map_err(|errno| Error::errno(&shown, errno))?;
            begin(stream, &header, &shown)
        })
    }
}

/// Begins a savefile on a stream of the caller's.
///
/// # Safety
/// As pcap_dump_fopen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_dump_fopen(p: *mut pcap_t, file: *mut FILE) -> *mut pcap_dumper_t {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle(p, |h| {
            let header = header(h, "stream", "pcap_dump_fopen")?;
            let stream = Stream::from_raw(file).ok_or_else(null)?;
            stream.write(&header).map_err(|errno| Error::errno("Can't write to stream", errno))?;
            Ok(file.cast())
        })
    }
}

/// Goes on with a savefile: not there yet.
///
/// # Safety
/// As pcap_dump_open_append(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_dump_open_append(
    p: *mut pcap_t,
    _name: *const c_char,
) -> *mut pcap_dumper_t {
    // SAFETY: forwarded contract.
    unsafe { with_handle(p, |_| Err(not_supported("pcap_dump_open_append"))) }
}

/// Writes a packet; made to be called back with. What fails shows in pcap_dump_flush(). QUIRK: after a failure
/// nothing more is written.
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
    if header.is_null() || stream.has_failed() {
        return;
    }
    // SAFETY: non-null, so a header by contract.
    let header = unsafe { header.read() };
    let bytes = if packet.is_null() {
        &[]
    } else {
        // SAFETY: non-null, so readable for the captured length by contract.
        unsafe { std::slice::from_raw_parts(packet, header.caplen as usize) }
    };
    if stream.write(&writer::packet_header(&header)).is_ok() {
        // The stream remembers a failure.
        let _ = stream.write(bytes);
    }
}

/// The stream.
///
/// # Safety
/// As pcap_dump_file(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_dump_file(d: *mut pcap_dumper_t) -> *mut FILE {
    d.cast()
}

/// The position in the file, -1 on failure.
///
/// # Safety
/// As pcap_dump_ftell(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_dump_ftell(d: *mut pcap_dumper_t) -> c_long {
    // SAFETY: forwarded contract.
    c_long::try_from(unsafe { pcap_dump_ftell64(d) }).unwrap_or(-1)
}

/// The position in the file, -1 on failure.
///
/// # Safety
/// As pcap_dump_ftell64(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_dump_ftell64(d: *mut pcap_dumper_t) -> i64 {
    // SAFETY: forwarded contract.
    unsafe { stream(d) }.ok().and_then(|stream| stream.tell().ok()).unwrap_or(-1)
}

/// Writes what is buffered; -1 if that, or a write before it, failed.
///
/// # Safety
/// As pcap_dump_flush(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_dump_flush(d: *mut pcap_dumper_t) -> c_int {
    quietly(|| {
        // SAFETY: forwarded contract.
        let stream = unsafe { stream(d) }?;
        let flushed = stream.flush().is_ok() && !stream.has_failed();
        Ok(if flushed { 0 } else { -1 })
    })
}

/// Ends a savefile. Standard output stays open.
///
/// # Safety
/// As pcap_dump_close(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dump_close(d: *mut pcap_dumper_t) {
    // SAFETY: forwarded contract.
    let Ok(stream) = (unsafe { stream(d) }) else { return };
    // A failure here has nobody to go to: pcap_dump_flush() is for that.
    let _ = if stream.is_stdout() { stream.flush() } else { stream.close() };
}

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
    unsafe { with_handle(p, |h| Ok(h.handle.stream()?.unwrap_or(std::ptr::null_mut()))) }
}
