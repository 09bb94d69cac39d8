//! Options before activation, and what a handle says of itself after it.

use super::boundary::{
    error_text, handle, null, refuse, set_errbuf, told, unfailing, with_handle, with_handle_at_once,
};
use super::cmem;
use super::handle::pcap_t;
use super::types::{PCAP_ERROR, PCAP_ERROR_NOT_ACTIVATED};
use crate::error::Result;
use crate::handle::options::Options;
use crate::handle::told::What;
use crate::handle::{Handle, Refusable};
use std::ffi::{c_char, c_int};

/// Runs what is for handles that are not active, an `f` as [`unfailing`]'s.
///
/// # Safety
/// `p` is NULL or a handle.
#[inline]
unsafe fn when_inactive(p: *mut pcap_t, f: impl FnOnce(&Handle) -> Refusable<c_int>) -> c_int {
    // SAFETY: forwarded contract.
    let Some(h) = (unsafe { handle(p) }) else { return PCAP_ERROR };
    if h.handle.told.get(What::Source) != PCAP_ERROR_NOT_ACTIVATED {
        return h.refuse_options();
    }
    match unfailing(|| f(&h.handle)) {
        Some(done) => done.unwrap_or_else(|why| refuse(h, why)),
        None => h.refuse_broken(),
    }
}

/// Sets one option of a handle that is not active, which cannot fail but for that.
///
/// # Safety
/// `p` is NULL or a handle.
pub unsafe fn set(p: *mut pcap_t, change: impl FnOnce(&mut Options)) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { when_inactive(p, |handle| handle.try_configure(change).map(|()| 0)) }
}

/// Bytes of each packet wanted.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_snaplen(p: *mut pcap_t, snaplen: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { set(p, |options| options.snaplen = snaplen) }
}

/// Promiscuous mode.
///
/// # Safety
/// As pcap_set_promisc(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_promisc(p: *mut pcap_t, promisc: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { set(p, |options| options.promiscuous = promisc != 0) }
}

/// Monitor mode.
///
/// # Safety
/// As pcap_set_rfmon(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_rfmon(p: *mut pcap_t, rfmon: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { set(p, |options| options.rfmon = rfmon != 0) }
}

/// For how many milliseconds packets may be held back.
///
/// # Safety
/// As pcap_set_timeout(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_timeout(p: *mut pcap_t, timeout_ms: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { set(p, |options| options.timeout_ms = timeout_ms) }
}

/// Packets are wanted at once.
///
/// # Safety
/// As pcap_set_immediate_mode(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_immediate_mode(p: *mut pcap_t, immediate: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { set(p, |options| options.immediate = immediate != 0) }
}

/// Bytes of kernel buffer.
///
/// # Safety
/// As pcap_set_buffer_size(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_buffer_size(p: *mut pcap_t, bytes: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { set(p, |options| options.set_buffer_size(bytes)) }
}

/// The only ethertype to receive. QUIRK: of a number of more than 16 bits the lower ones count.
///
/// # Safety
/// As pcap_set_protocol_linux(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_protocol_linux(p: *mut pcap_t, protocol: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { set(p, |options| options.protocol = protocol as u16) }
}

/// The type of time stamps; a type that the device lacks is a warning.
///
/// # Safety
/// As pcap_set_tstamp_type(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_tstamp_type(p: *mut pcap_t, tstamp_type: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        when_inactive(p, |handle| {
            let warning = handle.try_configure(|options| options.set_tstamp_type(tstamp_type))?;
            Ok(warning.map_or(0, |warning| warning as c_int))
        })
    }
}

/// The unit of time stamps.
///
/// # Safety
/// As pcap_set_tstamp_precision(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_tstamp_precision(p: *mut pcap_t, precision: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        when_inactive(p, |handle| {
            let error = handle.set_precision(precision)?;
            Ok(error.map_or(0, |error| error as c_int))
        })
    }
}

/// The unit of time stamps.
///
/// # Safety
/// As pcap_get_tstamp_precision(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_get_tstamp_precision(p: *mut pcap_t) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { told(p, What::Precision) }
}

/// The link type.
///
/// # Safety
/// As pcap_datalink(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_datalink(p: *mut pcap_t) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { told(p, What::Datalink) }
}

/// What a savefile's link type word has besides the link type: nothing, on handles without one.
///
/// # Safety
/// As pcap_datalink_ext(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_datalink_ext(p: *mut pcap_t) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { told(p, What::DatalinkExt) }
}

/// Chooses a link type.
///
/// # Safety
/// As pcap_set_datalink(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_datalink(p: *mut pcap_t, dlt: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        if dlt >= 0 && told(p, What::Datalink) == dlt {
            return 0;
        }
        with_handle(p, |h| h.handle.set_datalink(dlt).map(|()| 0))
    }
}

/// Hands out a list of numbers for C to free, and returns how many there are: most often one, known to be so where
/// this is inlined.
///
/// # Safety
/// `to` is NULL or writable.
#[inline(always)]
unsafe fn hand_out(numbers: &[c_int], to: *mut *mut c_int) -> Result<c_int> {
    if to.is_null() {
        return Err(null());
    }
    let list = cmem::array(numbers).ok_or_else(cmem::no_memory)?;
    // SAFETY: not NULL, so writable by this function's contract.
    unsafe { to.write(list.as_ptr()) };
    Ok(c_int::try_from(numbers.len()).unwrap_or(c_int::MAX))
}

/// The link types to choose from.
///
/// # Safety
/// As pcap_list_datalinks(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_list_datalinks(p: *mut pcap_t, dlts: *mut *mut c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { with_handle_at_once(p, |h| h.handle.datalinks(|types| hand_out(types, dlts))) }
}

/// Frees what pcap_list_datalinks() handed out.
///
/// # Safety
/// As pcap_free_datalinks(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_free_datalinks(dlts: *mut c_int) {
    // SAFETY: forwarded contract.
    unsafe { cmem::free(dlts) }
}

/// The types of time stamps to choose from.
///
/// # Safety
/// As pcap_list_tstamp_types(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_list_tstamp_types(p: *mut pcap_t, types: *mut *mut c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { with_handle_at_once(p, |h| h.handle.tstamp_types(|all| hand_out(all, types))) }
}

/// Frees what pcap_list_tstamp_types() handed out.
///
/// # Safety
/// As pcap_free_tstamp_types(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_free_tstamp_types(types: *mut c_int) {
    // SAFETY: forwarded contract.
    unsafe { cmem::free(types) }
}

/// Bytes that packets are cut to.
///
/// # Safety
/// As pcap_snapshot(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_snapshot(p: *mut pcap_t) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { told(p, What::Snapshot) }
}

/// Bytes of the largest packet that the buffers hold.
///
/// # Safety
/// As pcap_bufsize(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_bufsize(p: *mut pcap_t) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { told(p, What::BufferSize) }
}

/// Whether a savefile's byte order is foreign.
///
/// # Safety
/// As pcap_is_swapped(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_is_swapped(p: *mut pcap_t) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { told(p, What::Swapped) }
}

/// A savefile's major version.
///
/// # Safety
/// As pcap_major_version(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_major_version(p: *mut pcap_t) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { told(p, What::Major) }
}

/// A savefile's minor version.
///
/// # Safety
/// As pcap_minor_version(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_minor_version(p: *mut pcap_t) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { told(p, What::Minor) }
}

/// Returns what an operation came to, with the error also in the caller's buffer.
///
/// # Safety
/// `p` is NULL or a handle, `errbuf` NULL or an error buffer.
unsafe fn with_both(
    p: *mut pcap_t,
    errbuf: *mut c_char,
    f: impl FnOnce(&pcap_t) -> Result<c_int>,
) -> c_int {
    // SAFETY: forwarded contract.
    let result = unsafe { handle(p) }.map_or_else(|| Err(null()), |h| h.run(f));
    result.unwrap_or_else(|error| {
        // SAFETY: forwarded contract.
        unsafe { set_errbuf(errbuf, error_text(&error)) };
        error.code() as c_int
    })
}

/// Whether reads do not wait.
///
/// # Safety
/// As pcap_getnonblock(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_getnonblock(p: *mut pcap_t, errbuf: *mut c_char) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        match told(p, What::Nonblocking) {
            ..0 => with_both(p, errbuf, |h| h.handle.nonblocking().map(c_int::from)),
            on => on,
        }
    }
}

/// Chooses whether reads wait.
///
/// # Safety
/// As pcap_setnonblock(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_setnonblock(
    p: *mut pcap_t,
    nonblock: c_int,
    errbuf: *mut c_char,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { with_both(p, errbuf, |h| h.handle.set_nonblocking(nonblock != 0).map(|()| 0)) }
}

/// The descriptor that packets come from.
///
/// # Safety
/// As pcap_fileno(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_fileno(p: *mut pcap_t) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { handle(p) }.map_or(PCAP_ERROR, |h| h.handle.told.watch(What::DeviceFd))
}

/// The descriptor to give to select() and its kind.
///
/// # Safety
/// As pcap_get_selectable_fd(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_get_selectable_fd(p: *mut pcap_t) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { handle(p) }.map_or(PCAP_ERROR, |h| h.handle.told.watch(What::Fd))
}

/// The longest to wait in select() before reading anyway, NULL for as long as it takes.
///
/// # Safety
/// As pcap_get_required_select_timeout(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_get_required_select_timeout(p: *mut pcap_t) -> *const libc::timeval {
    // SAFETY: forwarded contract.
    let Some(h) = (unsafe { handle(p) }) else { return std::ptr::null() };
    match h.handle.told.get(What::Timeout) {
        ..=0 => std::ptr::null(),
        ms => h.lend_timeout(ms),
    }
}
