//! What the interface is to take in.

use crate::capture::membership::Membership;
use crate::error::{Error, Result};
use crate::ffi::boundary::{null, with_handle};
use crate::ffi::handle::pcap_t;
use std::ffi::{c_int, c_uchar};

/// Multicasts to one address.
pub const PCAP_MEMBERSHIP_MULTICAST: c_int = 0;
/// All packets: promiscuous mode.
pub const PCAP_MEMBERSHIP_PROMISC: c_int = 1;
/// All multicasts.
pub const PCAP_MEMBERSHIP_ALLMULTI: c_int = 2;
/// Packets to one more address.
pub const PCAP_MEMBERSHIP_UNICAST: c_int = 3;

const _: () = {
    assert!(PCAP_MEMBERSHIP_MULTICAST == libc::PACKET_MR_MULTICAST);
    assert!(PCAP_MEMBERSHIP_PROMISC == libc::PACKET_MR_PROMISC);
    assert!(PCAP_MEMBERSHIP_ALLMULTI == libc::PACKET_MR_ALLMULTI);
    assert!(PCAP_MEMBERSHIP_UNICAST == libc::PACKET_MR_UNICAST);
};

/// The address of a membership; NULL will do for one of no bytes.
///
/// # Safety
/// `address` is NULL, or readable for `length` bytes if that is no more than 8.
unsafe fn membership(kind: c_int, address: *const c_uchar, length: c_int) -> Result<Membership> {
    let most = size_of::<u64>();
    let len = usize::try_from(length)
        .ok()
        .filter(|len| *len <= most)
        .ok_or_else(|| Error::new(format!("an address can't have {length} bytes")))?;
    if address.is_null() && len > 0 {
        return Err(null());
    }
    let mut bytes = [0; 8];
    for (at, to) in bytes.iter_mut().enumerate().take(len) {
        // SAFETY: `at < length`, for which it is readable by contract.
        *to = unsafe { address.add(at).read() };
    }
    Membership::new(kind, bytes.get(..len).unwrap_or_default())
}

/// Has the interface take in more than its own packets, for as long as the handle lives.
///
/// # Safety
/// `p` is NULL or a handle; `address` is NULL or has `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_add_membership_linux(
    p: *mut pcap_t,
    kind: c_int,
    address: *const c_uchar,
    length: c_int,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle(p, |h| h.handle.member(membership(kind, address, length)?, true).map(|()| 0))
    }
}

/// Takes that back.
///
/// # Safety
/// As pcap_add_membership_linux().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_drop_membership_linux(
    p: *mut pcap_t,
    kind: c_int,
    address: *const c_uchar,
    length: c_int,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle(p, |h| h.handle.member(membership(kind, address, length)?, false).map(|()| 0))
    }
}
