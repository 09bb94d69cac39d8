//! Names, numbers and texts: link types, time stamp types, statuses, errno, versions.

use super::buffers::{self, TextBuffer};
use crate::error::status_text;
use crate::inline::Inline;
use crate::linktype;
use crate::names::tstamp;
use crate::sys::Errno;
use std::ffi::{CStr, c_char, c_int};

/// A text of this library's own.
fn constant<const N: usize>(text: Option<&'static Inline<N>>) -> *const c_char {
    text.map_or(std::ptr::null(), Inline::as_ptr)
}

/// What `find` finds by the bytes of a name; -1 for nothing, and for no name.
///
/// # Safety
/// `name` is NULL or a C string.
unsafe fn number(name: *const c_char, find: impl FnOnce(&[u8]) -> Option<c_int>) -> c_int {
    if name.is_null() {
        return -1;
    }
    // SAFETY: not NULL, so a C string by this function's contract.
    find(unsafe { CStr::from_ptr(name) }.to_bytes()).unwrap_or(-1)
}

thread_local! {
    static STATUS: TextBuffer<64> = const { TextBuffer::empty() };
    static ERRNO: TextBuffer<256> = const { TextBuffer::empty() };
    static DLT: TextBuffer<40> = const { TextBuffer::empty() };
}

/// What a `PCAP_ERROR_` or `PCAP_WARNING_` status means. QUIRK: 0, success, is an unknown error.
///
/// # Safety
/// None: any status will do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_statustostr(status: c_int) -> *const c_char {
    match status_text(status) {
        Some(text) => text.as_ptr(),
        None => buffers::put(&STATUS, &format!("Unknown error: {status}")),
    }
}

/// What an errno means.
///
/// # Safety
/// None: any number will do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_strerror(errno: c_int) -> *const c_char {
    buffers::fill(&ERRNO, |to| Errno(errno).put_text(to))
}

/// The number of a link type by its name, -1 for none.
///
/// # Safety
/// `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_datalink_name_to_val(name: *const c_char) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { number(name, |name| linktype::by_name_in_bytes(name).map(|row| row.dlt)) }
}

/// The name of a link type.
///
/// # Safety
/// None: any number will do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_datalink_val_to_name(dlt: c_int) -> *const c_char {
    constant(linktype::by_dlt(dlt).map(|row| &row.name))
}

/// The description of a link type.
///
/// # Safety
/// None: any number will do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_datalink_val_to_description(dlt: c_int) -> *const c_char {
    constant(linktype::by_dlt(dlt).map(|row| &row.description))
}

/// The description of a link type, or its number where it has none.
///
/// # Safety
/// None: any number will do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_datalink_val_to_description_or_dlt(dlt: c_int) -> *const c_char {
    match linktype::by_dlt(dlt) {
        Some(row) => row.description.as_ptr(),
        None => buffers::put(&DLT, &format!("DLT {dlt}")),
    }
}

/// The number of a time stamp type by its name, -1 for none.
///
/// # Safety
/// `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_tstamp_type_name_to_val(name: *const c_char) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { number(name, |name| tstamp::by_name(name).map(|kind| kind.value)) }
}

/// The name of a time stamp type.
///
/// # Safety
/// None: any number will do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_tstamp_type_val_to_name(value: c_int) -> *const c_char {
    constant(tstamp::by_value(value).map(|kind| &kind.name))
}

/// The description of a time stamp type.
///
/// # Safety
/// None: any number will do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_tstamp_type_val_to_description(value: c_int) -> *const c_char {
    constant(tstamp::by_value(value).map(|kind| &kind.description))
}

/// What pcap_lib_version() says: programs look for the first words.
const LIB_VERSION: &CStr = {
    const TEXT: &str = concat!(
        "libpcap version 1.10.6 (libpcap-rs ",
        env!("CARGO_PKG_VERSION"),
        ", 64-bit time_t, with TPACKET_V3)\0"
    );
    match CStr::from_bytes_with_nul(TEXT.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("terminated above"),
    }
};

/// The version of libpcap that this library stands for, and its own.
///
/// # Safety
/// None.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_lib_version() -> *const c_char {
    LIB_VERSION.as_ptr()
}

/// An exported array that old programs may have copied into themselves: its size never changes.
#[repr(transparent)]
pub struct VersionText(std::cell::UnsafeCell<[u8; 7]>);

// SAFETY: nothing in this library writes it.
unsafe impl Sync for VersionText {}

/// The version of libpcap that this library stands for.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "C's own name")]
pub static pcap_version: VersionText = VersionText(std::cell::UnsafeCell::new(*b"1.10.6\0"));
