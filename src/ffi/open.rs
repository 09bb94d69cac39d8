//! Opening and closing: pcap_create(3PCAP), pcap_activate, pcap_open_live, pcap_open_dead, pcap_close,
//! pcap_init.

use super::boundary::{
    error_text, handle, name, refuse_in, set_errbuf, text, unfailing, with_errbuf,
    with_handle_at_once,
};
use super::handle::pcap_t;
use super::types::PCAP_ERROR;
use crate::error::{Code, Error, Result, Warning, status_text};
use crate::handle::Dead;
use crate::handle::options::{PRECISION_MICRO, PRECISION_NANO};
use std::ffi::{CStr, c_char, c_int, c_uint};
use std::sync::atomic::{AtomicI32, Ordering};

/// Makes a handle for a device, to be activated; NULL means "any".
///
/// # Safety
/// As pcap_create(3PCAP): `device` is NULL or a C string, `errbuf` is NULL or an error buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_create(device: *const c_char, errbuf: *mut c_char) -> *mut pcap_t {
    // SAFETY: forwarded contract.
    unsafe {
        with_errbuf(errbuf, || {
            let device = name(device).unwrap_or_else(|| "any".into());
            pcap_t::open(|handle| handle.create(device))
        })
    }
}

/// Opens the device; 0, a warning above it or an error below it.
///
/// # Safety
/// As pcap_activate(3PCAP): `p` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_activate(p: *mut pcap_t) -> c_int {
    // SAFETY: forwarded contract.
    let Some(h) = (unsafe { handle(p) }) else { return Code::Generic as c_int };
    activation(h, h.run(|h| h.handle.activate()))
}

/// What an activation returns, and leaves in the error buffer.
pub fn activation(h: &pcap_t, result: Result<Option<Warning>>) -> c_int {
    match result {
        Ok(None) => 0,
        Ok(Some(warning)) => {
            if !warning.text.is_empty() {
                h.set_error(&warning.text);
            }
            warning.code as c_int
        }
        Err(error) => {
            h.set_failure(&error);
            error.code() as c_int
        }
    }
}

/// Makes a handle, sets what is asked for, and activates it. A warning stands in `errbuf`.
///
/// # Safety
/// As pcap_open_live(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_open_live(
    device: *const c_char,
    snaplen: c_int,
    promisc: c_int,
    to_ms: c_int,
    errbuf: *mut c_char,
) -> *mut pcap_t {
    // SAFETY: forwarded contract.
    let p = unsafe { pcap_create(device, errbuf) };
    // SAFETY: NULL or a handle, just made.
    let Some(h) = (unsafe { handle(p) }) else { return p };
    let opened = h.run(|h| {
        h.handle.configure(|options| {
            options.snaplen = snaplen;
            options.promiscuous = promisc != 0;
            options.timeout_ms = to_ms;
        })?;
        h.handle.activate()
    });
    // SAFETY: forwarded contract.
    let device = unsafe { text(device) }.unwrap_or_else(|| "any".to_owned());
    let told = match &opened {
        Ok(None) => return p,
        Ok(Some(warning)) => warning.text.clone(),
        Err(error) => open_live_text(&device, error),
    };
    // SAFETY: forwarded contract.
    unsafe { set_errbuf(errbuf, &told) };
    if opened.is_ok() {
        return p;
    }
    h.close();
    std::ptr::null_mut()
}

/// How pcap_open_live() words what pcap_activate() said. QUIRK: where the device does not exist and there
/// is no more to say, the same text stands twice.
fn open_live_text(device: &str, error: &Error) -> String {
    let status = status_text(error.code() as c_int).map(ToString::to_string).unwrap_or_default();
    match error.code() {
        Code::Generic => format!("{device}: {}", error.text()),
        Code::NoSuchDevice | Code::PermDenied | Code::PromiscPermDenied => {
            format!("{device}: {status} ({})", error_text(error))
        }
        _ => format!("{device}: {status}"),
    }
}

/// Makes a handle without packets, to compile filters and write savefiles with.
///
/// # Safety
/// None: any arguments will do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_open_dead(linktype: c_int, snaplen: c_int) -> *mut pcap_t {
    // SAFETY: any arguments will do.
    unsafe {
        pcap_open_dead_with_tstamp_precision(linktype, snaplen, PRECISION_MICRO.unsigned_abs())
    }
}

/// As pcap_open_dead(), with a unit of time stamps. QUIRK: any but nanoseconds means microseconds.
///
/// # Safety
/// None: any arguments will do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_open_dead_with_tstamp_precision(
    linktype: c_int,
    snaplen: c_int,
    precision: c_uint,
) -> *mut pcap_t {
    let nano = precision == PRECISION_NANO.unsigned_abs();
    let precision = if nano { PRECISION_NANO } else { PRECISION_MICRO };
    let dead = Dead { datalink: linktype, snapshot: snaplen, precision };
    let opened = unfailing(|| pcap_t::open(|handle| handle.open_dead(dead)).ok()).flatten();
    opened.unwrap_or(std::ptr::null_mut())
}

/// Closes a handle; it may be one whose loop is calling back just now.
///
/// # Safety
/// As pcap_close(3PCAP): `p` is NULL or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_close(p: *mut pcap_t) {
    // SAFETY: forwarded contract.
    if let Some(h) = unsafe { handle(p) } {
        h.close();
    }
}

/// `PCAP_CHAR_ENC_LOCAL`, `PCAP_CHAR_ENC_UTF_8` and `PCAP_MMAP_32BIT`.
const ENC_LOCAL: c_uint = 0;
const ENC_UTF_8: c_uint = 1;
const MMAP_32BIT: c_uint = 2;

/// The encoding that pcap_init() was told, -1 before that.
static ENCODING: AtomicI32 = AtomicI32::new(-1);

/// Whether pcap_init() has been called, which pcap_lookupdev() wants to know.
pub fn is_initialized() -> bool {
    ENCODING.load(Ordering::Relaxed) != -1
}

/// Chooses the encoding of strings, which is the same for both on Linux, once for the process.
///
/// # Safety
/// As pcap_init(3PCAP): `errbuf` is NULL or an error buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_init(opts: c_uint, errbuf: *mut c_char) -> c_int {
    let Err(why) = choose_encoding(opts) else { return 0 };
    // SAFETY: forwarded contract.
    unsafe { refuse_in(errbuf, why) };
    PCAP_ERROR
}

fn choose_encoding(opts: c_uint) -> std::result::Result<(), &'static CStr> {
    // Mapping below 4 GiB matters to 32-bit pointers only, which this library never hands out. It goes with any encoding.
    let encoding = match opts {
        ENC_LOCAL | MMAP_32BIT => 0,
        ENC_UTF_8 => 1,
        _ => return Err(c"Unknown options specified"),
    };
    let (relaxed, unset) = (Ordering::Relaxed, -1);
    if ENCODING.load(relaxed) == encoding {
        return Ok(());
    }
    match ENCODING.compare_exchange(unset, encoding, relaxed, relaxed) {
        Err(before) if before != encoding && opts != MMAP_32BIT => {
            Err(c"Multiple pcap_init calls with different character encodings")
        }
        _ => Ok(()),
    }
}

/// Prints a handle's last error.
///
/// # Safety
/// As pcap_perror(3PCAP): `p` is a handle, `prefix` NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_perror(p: *mut pcap_t, prefix: *const c_char) {
    // SAFETY: forwarded contract.
    let (prefix, said) = unsafe { (text(prefix), text(pcap_geterr(p))) };
    let line = format!("{}: {}\n", prefix.unwrap_or_default(), said.unwrap_or_default());
    crate::sys::stdio::print_error(line.as_bytes());
}

/// A handle's last error, until the next; never NULL.
///
/// # Safety
/// As pcap_geterr(3PCAP): `p` is NULL or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_geterr(p: *mut pcap_t) -> *mut c_char {
    // SAFETY: forwarded contract.
    match unsafe { handle(p) } {
        Some(h) => h.errbuf(),
        None => c"a null pointer was given where a pcap_t is needed".as_ptr().cast_mut(),
    }
}

/// Ends the loop that is reading, or the next one, before its next packet. Signal handlers and other
/// threads may call it.
///
/// # Safety
/// As pcap_breakloop(3PCAP): `p` is NULL or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_breakloop(p: *mut pcap_t) {
    // SAFETY: forwarded contract.
    if let Some(h) = unsafe { handle(p) } {
        h.handle.control.request_break();
    }
}

/// Whether monitor mode can be asked for.
///
/// # Safety
/// As pcap_can_set_rfmon(3PCAP): `p` is NULL or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_can_set_rfmon(p: *mut pcap_t) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { with_handle_at_once(p, |h| h.handle.can_set_rfmon().map(c_int::from)) }
}
