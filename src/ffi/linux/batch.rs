//! Reading by the batch.

use crate::error::Error;
use crate::ffi::boundary::{handle, null};
use crate::ffi::handle::pcap_t;
use crate::ffi::read::next_batch;
use crate::ffi::types::{PCAP_ERROR, pcap_pkthdr};
use crate::handle::batch::Lent;
use std::ffi::{c_int, c_uchar};
use std::mem::offset_of;

/// A packet that is lent until the next read.
#[repr(C)]
pub struct pcap_packet_linux {
    /// As a callback gets it.
    pub header: pcap_pkthdr,
    /// Its bytes, header.caplen of them.
    pub data: *const c_uchar,
}

const _: () = {
    assert!(size_of::<pcap_packet_linux>() == size_of::<Lent>());
    assert!(align_of::<pcap_packet_linux>() == align_of::<Lent>());
    assert!(offset_of!(pcap_packet_linux, header) == offset_of!(Lent, header));
    assert!(offset_of!(pcap_packet_linux, data) == offset_of!(Lent, data));
};

/// Up to max packets, all lent until the next read; 0 if none came in time.
///
/// # Safety
/// As pcap-linux(3PCAP): `packets` is NULL or has room for `max` packets.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_next_batch_linux(
    p: *mut pcap_t,
    packets: *mut pcap_packet_linux,
    max: c_int,
) -> c_int {
    // SAFETY: forwarded contract.
    let Some(h) = (unsafe { handle(p) }) else { return PCAP_ERROR };
    let wrong = match usize::try_from(max) {
        _ if packets.is_null() => null(),
        // SAFETY: not null, so room for `max` packets, which are laid out alike.
        Ok(max @ 1..) => return unsafe { next_batch(h, packets.cast(), max) },
        _ => Error::new(format!("a batch of {max} packets was asked for, which cannot be")),
    };
    h.set_failure(&wrong);
    PCAP_ERROR
}
