//! Options of the socket.

use crate::ffi::config::set;
use crate::ffi::handle::pcap_t;
use std::ffi::c_int;

/// Whether to capture nothing of what the host sends.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_ignore_outgoing_linux(p: *mut pcap_t, ignore: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { set(p, |options| options.tuning.ignore_outgoing = ignore != 0) }
}
