//! Send queues, as Npcap has them, and options for sending.

use crate::capture::tuning::TxRing;
use crate::error::{Error, Result};
use crate::ffi::boundary::{null, with_handle};
use crate::ffi::cmem;
use crate::ffi::config::set;
use crate::ffi::handle::pcap_t;
use crate::ffi::types::pcap_pkthdr;
use crate::handle::options::Options;
use std::ffi::{c_char, c_int, c_uchar, c_uint};

/// Packets to be sent in one call: struct pcap_pkthdr and caplen bytes each, one after the other without a gap.
#[allow(non_camel_case_types, reason = "C's own name")]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct pcap_send_queue {
    /// Bytes of memory.
    pub maxlen: c_uint,
    /// Bytes that are in use.
    pub len: c_uint,
    /// The memory.
    pub buffer: *mut c_char,
}

/// A queue with `memsize` bytes of memory, or NULL.
///
/// # Safety
/// As pcap-linux(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_sendqueue_alloc(memsize: c_uint) -> *mut pcap_send_queue {
    let Some(buffer) = cmem::uninitialised(memsize as usize) else {
        return std::ptr::null_mut();
    };
    let queue = pcap_send_queue { maxlen: memsize, len: 0, buffer: buffer.as_ptr().cast() };
    match cmem::boxed(queue) {
        Some(queue) => queue.as_ptr(),
        None => {
            // SAFETY: from malloc just now, and nobody has it.
            unsafe { cmem::free(buffer.as_ptr()) };
            std::ptr::null_mut()
        }
    }
}

/// Frees a queue; NULL is nothing.
///
/// # Safety
/// As pcap-linux(3PCAP): `queue` is NULL or from pcap_sendqueue_alloc().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_sendqueue_destroy(queue: *mut pcap_send_queue) {
    if queue.is_null() {
        return;
    }
    // SAFETY: from pcap_sendqueue_alloc(), by this function's contract, as its buffer is.
    unsafe {
        cmem::free((*queue).buffer);
        cmem::free(queue);
    }
}

/// Adds a packet, of which `pkt_header->caplen` bytes are at `pkt_data`: 0, or -1 if there is no room.
///
/// # Safety
/// As pcap-linux(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_sendqueue_queue(
    queue: *mut pcap_send_queue,
    pkt_header: *const pcap_pkthdr,
    pkt_data: *const c_uchar,
) -> c_int {
    if queue.is_null() || pkt_header.is_null() {
        return -1;
    }
    // SAFETY: not NULL, so readable by this function's contract; wherever they lie.
    let (there, header) = unsafe { (queue.read_unaligned(), pkt_header.read_unaligned()) };
    let record = size_of::<pcap_pkthdr>().saturating_add(header.caplen as usize);
    let room = there.maxlen.saturating_sub(there.len) as usize;
    if there.buffer.is_null() || record > room || (pkt_data.is_null() && header.caplen > 0) {
        return -1;
    }
    // SAFETY: `record` bytes fit behind the first `len` of the `maxlen` that `buffer` has, by the check above; the
    // header and, if there are any, `caplen` bytes are readable by this function's contract. No record begins
    // aligned. A packet may lie in the queue itself, in front of there, which does not overlap.
    unsafe {
        let to = there.buffer.cast::<u8>().add(there.len as usize);
        to.cast::<pcap_pkthdr>().write_unaligned(header);
        if header.caplen > 0 {
            let at = to.add(size_of::<pcap_pkthdr>());
            std::ptr::copy(pkt_data, at, header.caplen as usize);
        }
        // `record` is at most `maxlen`, so it and the sum fit.
        (&raw mut (*queue).len).write_unaligned(there.len + record as c_uint);
    }
    0
}

/// The bytes of a queue.
///
/// # Safety
/// `queue` is NULL or a queue whose buffer has `maxlen` readable bytes that nobody changes for now.
unsafe fn bytes<'a>(queue: *const pcap_send_queue) -> Result<&'a [u8]> {
    if queue.is_null() {
        return Err(null());
    }
    // SAFETY: not NULL, so readable by this function's contract.
    let queue = unsafe { queue.read_unaligned() };
    if queue.len > queue.maxlen {
        let (len, most) = (queue.len, queue.maxlen);
        let text = format!("the send queue is malformed: it has {most} bytes, and {len} in use");
        return Err(Error::new(text));
    }
    if queue.len == 0 {
        return Ok(&[]);
    }
    if queue.buffer.is_null() {
        return Err(null());
    }
    // SAFETY: not NULL, so readable for `maxlen` bytes, of which `len` are no more.
    Ok(unsafe { std::slice::from_raw_parts(queue.buffer.cast(), queue.len as usize) })
}

/// Sends a queue's packets, if `sync` at the distances of their time stamps.
///
/// The number of bytes of the queue that have gone: less than `queue->len` is an error, which pcap_geterr() tells.
///
/// # Safety
/// As pcap-linux(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_sendqueue_transmit(
    p: *mut pcap_t,
    queue: *mut pcap_send_queue,
    sync: c_int,
) -> c_uint {
    let mut sent = 0;
    // SAFETY: forwarded contract.
    unsafe {
        with_handle::<c_int>(p, |h| {
            h.handle.transmit(bytes(queue)?, sync != 0, &mut sent).map(|()| 0)
        });
    }
    // Never more than `queue->len`.
    c_uint::try_from(sent).unwrap_or(c_uint::MAX)
}

/// Whether to send past the interface's queueing discipline.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_qdisc_bypass_linux(p: *mut pcap_t, bypass: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { set(p, |options| options.tuning.qdisc_bypass = bypass != 0) }
}

/// Of pcap_set_tx_ring_linux(): what the interface cannot send is left out.
pub const PCAP_TX_RING_LOSS: c_int = 1;
/// Of pcap_set_tx_ring_linux(): the kernel copies packets from the ring, on Ethernet.
pub const PCAP_TX_RING_COPY: c_int = 2;
/// Of pcap_set_tx_ring_linux(): an XDP socket's ring, straight to the driver, on Ethernet.
pub const PCAP_TX_RING_XDP: c_int = 4;

/// A ring of about `bytes` bytes to send from, 0 for none; `flags` are `PCAP_TX_RING_*`.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_tx_ring_linux(
    p: *mut pcap_t,
    bytes: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle(p, |h| {
            let ring = tx_ring(bytes, flags);
            let set = |options: &mut Options| {
                options.tuning.tx_ring = ring?;
                Ok(())
            };
            h.handle.configure(set)?.map(|()| 0)
        })
    }
}

/// What is asked for by these numbers.
fn tx_ring(bytes: c_int, flags: c_int) -> Result<Option<TxRing>> {
    let Ok(bytes) = u32::try_from(bytes) else {
        return Err(Error::new(format!("a ring of {bytes} bytes cannot be had")));
    };
    if flags & !(PCAP_TX_RING_LOSS | PCAP_TX_RING_COPY | PCAP_TX_RING_XDP) != 0 {
        return Err(Error::new(format!("{flags:#x} are no flags of pcap_set_tx_ring_linux")));
    }
    let asked = |flag| flags & flag != 0;
    let (loss, copy) = (asked(PCAP_TX_RING_LOSS), asked(PCAP_TX_RING_COPY));
    let xdp = asked(PCAP_TX_RING_XDP);
    Ok((bytes > 0).then_some(TxRing { bytes, loss, copy, xdp }))
}
