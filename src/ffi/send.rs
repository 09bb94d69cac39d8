//! Sending: pcap_inject(3PCAP), pcap_sendpacket.

use super::boundary::{null, with_handle_at_once};
use super::handle::pcap_t;
use crate::error::{Error, Result};
use crate::sys::Errno;
use std::ffi::{c_int, c_uchar, c_void};

/// Sends the `size` bytes at `packet`.
///
/// # Safety
/// `packet` is NULL or readable for `size` bytes.
#[inline(always)]
unsafe fn send(h: &pcap_t, packet: *const u8, size: usize) -> Result<c_int> {
    if packet.is_null() {
        return Err(null());
    }
    // SAFETY: non-null, so readable by this function's contract.
    let bytes = unsafe { std::slice::from_raw_parts(packet, size) };
    h.handle.inject(bytes).map(|sent| c_int::try_from(sent).unwrap_or(c_int::MAX))
}

/// QUIRK: libpcap ends these texts with what errno happens to be.
fn wrong_size(what: &str) -> Error {
    Error::errno(what, Errno::last())
}

/// Sends a packet; the number of bytes that went.
///
/// # Safety
/// As pcap_inject(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_inject(p: *mut pcap_t, packet: *const c_void, size: usize) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle_at_once(p, |h| match c_int::try_from(size) {
            Ok(0) => Err(wrong_size("The number of bytes to be injected must not be zero")),
            Ok(_) => send(h, packet.cast(), size),
            Err(_) => {
                Err(wrong_size(&format!("More than {} bytes cannot be injected", c_int::MAX)))
            }
        })
    }
}

/// Sends a packet; 0, or -1. QUIRK: 0 too on a handle that is not active.
///
/// # Safety
/// As pcap_sendpacket(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_sendpacket(
    p: *mut pcap_t,
    packet: *const c_uchar,
    size: c_int,
) -> c_int {
    // SAFETY: forwarded contract.
    let sent = unsafe {
        with_handle_at_once(p, |h| match usize::try_from(size) {
            Ok(size @ 1..) => send(h, packet, size),
            _ => Err(wrong_size("The number of bytes to be sent must be positive")),
        })
    };
    if sent == -1 { -1 } else { 0 }
}
