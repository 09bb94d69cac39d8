//! Reading: pcap_loop(3PCAP), pcap_dispatch, pcap_next, pcap_next_ex, pcap_stats. The one place that calls
//! the program's code.
//!
//! While a callback runs, nothing here is borrowed or locked, and nothing on these frames needs dropping:
//! the callback may use the handle, close it, longjmp out, or throw a C++ exception. What was lent to it is
//! taken back at the start of the next step.

use super::boundary::{guard, handle, null, refuse, store, with_handle_at_once};
use super::handle::pcap_t;
use super::types::{PCAP_ERROR, PCAP_ERROR_BREAK, pcap_handler, pcap_pkthdr, pcap_stat};
use crate::error::{Code, Error};
use crate::handle::batch::{Batch, Lent};
use crate::handle::control::Token;
use crate::handle::{Patience, Search, Step};
use std::ffi::{c_int, c_uchar};

/// A step's outcome, with the return value where the read ends.
enum Outcome {
    Packets,
    Quiet,
    End,
    Stop(c_int),
}

/// One step, with as many waits as it takes; what fails is told in the handle's error buffer.
#[cold]
#[inline(never)]
fn step(h: &pcap_t, token: Token, patience: Patience, had_packets: bool) -> Outcome {
    let mut search = Search::new(token, patience, had_packets);
    loop {
        let mut sleep = match h.run_step(|h| h.handle.step(&mut search)) {
            Ok(Step::Packets) => return Outcome::Packets,
            Ok(Step::Quiet) => return Outcome::Quiet,
            Ok(Step::End) => return Outcome::End,
            // A handle that was closed meanwhile is broken out of, too.
            Ok(Step::Stop(_)) => return Outcome::Stop(PCAP_ERROR_BREAK),
            Ok(Step::Wait(sleep)) => sleep,
            Err(error) => return Outcome::Stop(failure(&error)),
        };
        // Outside of `run_step`: pcap_breakloop(3PCAP) advises to cancel a thread that sleeps here.
        let polled = sleep.sleep();
        if sleep.is_all(polled) && h.handle.control.undisturbed(token) {
            return Outcome::Quiet;
        }
        search.slept(sleep, polled);
    }
}

/// Out of line: what builds the text is not to weigh on the reads.
#[cold]
#[inline(never)]
fn refuse_null(h: &pcap_t) -> c_int {
    h.tell(&null());
    PCAP_ERROR
}

/// QUIRK: reads know no errors but these.
fn failure(error: &Error) -> c_int {
    if error.code() == Code::NotActivated { Code::NotActivated as c_int } else { PCAP_ERROR }
}

/// Ends a read that took all that was lent; where its last packet, if that is still needed, lies from now on.
#[cold]
#[inline(never)]
fn settle(h: &pcap_t, last: Option<Lent>) -> *const u8 {
    let mut lent = last.unwrap_or(Lent::NONE);
    let needed = last.is_some().then_some(&mut lent);
    // What fails here fails again at the next step, which can say so.
    let _ = guard(|| h.handle.settle(needed));
    lent.data
}

/// Calls `callback` for up to `cnt` packets (all, for 0 and less): of what is there or comes next, or for as
/// long as it takes if `forever`.
///
/// # Safety
/// `p` is NULL or a handle, and `callback` can be called with `user`.
unsafe fn deliver(
    p: *mut pcap_t,
    cnt: c_int,
    callback: pcap_handler,
    user: *mut c_uchar,
    forever: bool,
) -> c_int {
    // SAFETY: forwarded contract.
    let Some(h) = (unsafe { handle(p) }) else { return PCAP_ERROR };
    let Some(callback) = callback else { return refuse_null(h) };
    let limit = u64::try_from(cnt).ok().filter(|limit| *limit > 0).unwrap_or(u64::MAX);
    let token = h.handle.control.token();
    let mut left = limit;
    loop {
        while h.handle.control.undisturbed(token) {
            let described;
            let lent = if let Some(slot) = h.handle.lent().take_slot() {
                // SAFETY: the slot is the handle's, whose memory stays.
                h.handle.delivered.add(1, unsafe { (*slot).header.caplen }.into());
                slot
            } else if let Some(next) = h.handle.lent().take_from_run() {
                h.handle.delivered.add(1, next.header.caplen.into());
                described = next;
                &raw const described
            } else {
                break;
            };
            // SAFETY: the slot is the handle's, whose memory stays, or on this frame; the packet stays lent until
            // the next step; the callback is the program's business.
            unsafe { callback(user, &raw const (*lent).header, (*lent).data) };
            left = left.wrapping_sub(1);
            if left == 0 {
                // QUIRK: a break outdoes the count, even of a callback that was the last.
                if !h.handle.control.undisturbed(token) {
                    break;
                }
                if h.handle.lent().is_read() {
                    settle(h, None);
                }
                return if forever { 0 } else { cnt };
            }
        }
        let patience = if forever || left == limit { Patience::Wait } else { Patience::None };
        let had_packets = left == 0 || (!forever && left != limit);
        match step(h, token, patience, had_packets) {
            Outcome::Packets => {}
            Outcome::Quiet if forever && left != 0 => {}
            Outcome::Quiet if forever => return 0,
            Outcome::End if forever => return 0,
            Outcome::Quiet | Outcome::End => {
                return c_int::try_from(limit.wrapping_sub(left)).unwrap_or(c_int::MAX);
            }
            Outcome::Stop(status) => return status,
        }
    }
}

/// Calls back for `cnt` packets, or until a break or an error.
///
/// # Safety
/// As pcap_loop(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_loop(
    p: *mut pcap_t,
    cnt: c_int,
    callback: pcap_handler,
    user: *mut c_uchar,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { deliver(p, cnt, callback, user, true) }
}

/// Calls back for up to `cnt` packets of what is there or comes next, and returns how many.
///
/// # Safety
/// As pcap_dispatch(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_dispatch(
    p: *mut pcap_t,
    cnt: c_int,
    callback: pcap_handler,
    user: *mut c_uchar,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { deliver(p, cnt, callback, user, false) }
}

/// The next packet, lent until the next read: 1, 0 if none came in time, or an error.
///
/// # Safety
/// As pcap_next_ex(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_next_ex(
    p: *mut pcap_t,
    header: *mut *mut pcap_pkthdr,
    data: *mut *const c_uchar,
) -> c_int {
    // SAFETY: forwarded contract.
    let Some(h) = (unsafe { handle(p) }) else { return PCAP_ERROR };
    if header.is_null() || data.is_null() {
        return refuse_null(h);
    }
    let token = h.handle.control.token();
    if h.handle.control.undisturbed(token)
        && let Some(slot) = h.handle.lent().take_slot_before_last()
    {
        // SAFETY: both are non-null, so writable by contract; the slot is the handle's, whose memory stays.
        unsafe {
            h.handle.delivered.add(1, (*slot).header.caplen.into());
            header.write((&raw const (*slot).header).cast_mut());
            data.write((*slot).data);
        }
        return 1;
    }
    // SAFETY: as above. QUIRK: the header pointer is set even if no packet comes.
    unsafe {
        header.write(h.header());
        next(h, token, data)
    }
}

/// The next packets, up to `max` of those that can be lent at once until the next read; as pcap_next_ex(3PCAP)
/// where there are none.
///
/// # Safety
/// `to` has room for `max` packets.
pub unsafe fn next_batch(h: &pcap_t, to: *mut Lent, max: usize) -> c_int {
    let token = h.handle.control.token();
    loop {
        if h.handle.control.undisturbed(token) {
            // SAFETY: forwarded contract.
            let taken = unsafe { take_many(h.handle.lent(), to, max) };
            if taken != (0, 0) {
                h.handle.delivered.add(taken.0 as u64, taken.1);
                return c_int::try_from(taken.0).unwrap_or(c_int::MAX);
            }
        }
        match step(h, token, Patience::Wait, false) {
            Outcome::Packets => {}
            Outcome::Quiet => return 0,
            Outcome::End => return PCAP_ERROR_BREAK,
            Outcome::Stop(status) => return status,
        }
    }
}

/// Takes up to `max` packets of what is lent, of slots or of a run: how many packets, and how many bytes.
///
/// # Safety
/// `to` has room for `max` packets.
#[inline(always)]
unsafe fn take_many(batch: &Batch, to: *mut Lent, max: usize) -> (usize, u64) {
    let mut bytes = 0u64;
    let slots = batch.take_slots(max);
    if !slots.is_empty() {
        for (n, slot) in slots.iter().enumerate() {
            // SAFETY: there are no more than `max` slots, and room for so many; nobody writes the slot meanwhile.
            unsafe {
                to.add(n).copy_from_nonoverlapping(slot.as_ptr(), 1);
                bytes = bytes.wrapping_add((*slot.as_ptr()).header.caplen.into());
            }
        }
        return (slots.len(), bytes);
    }
    let mut at = to;
    let taken = batch.run().take_many(max, |lent| {
        bytes = bytes.wrapping_add(lent.header.caplen.into());
        // SAFETY: no more than `max` packets are put, into room for so many.
        at = unsafe {
            at.write(lent);
            at.add(1)
        };
    });
    (taken, bytes)
}

/// What pcap_next_ex() does where no packet lies ready in a slot, or the last one does: described, it is put into
/// the handle's own header.
///
/// # Safety
/// `data` is writable.
#[inline(never)]
unsafe fn next(h: &pcap_t, token: Token, data: *mut *const c_uchar) -> c_int {
    loop {
        // SAFETY: forwarded contract.
        if h.handle.control.undisturbed(token) && unsafe { take(h, data) } {
            return 1;
        }
        match step(h, token, Patience::Wait, false) {
            Outcome::Packets => {}
            Outcome::Quiet => return 0,
            Outcome::End => return PCAP_ERROR_BREAK,
            Outcome::Stop(status) => return status,
        }
    }
}

/// Lends the next packet of the batch, if there is one.
///
/// # Safety
/// `data` is writable.
#[inline(always)]
unsafe fn take(h: &pcap_t, data: *mut *const c_uchar) -> bool {
    let batch = h.handle.lent();
    let lent = match batch.take_slot() {
        // SAFETY: the slot is the handle's, whose memory stays.
        Some(slot) => unsafe { slot.read() },
        None => match batch.take_from_run() {
            Some(lent) => lent,
            None => return false,
        },
    };
    // SAFETY: the header is the handle's own, and `data` is writable by contract.
    unsafe {
        h.header().write(lent.header);
        data.write(if batch.is_read() { settle(h, Some(lent)) } else { lent.data });
        h.handle.delivered.add(1, (*h.header()).caplen.into());
    }
    true
}

/// The next packet, lent until the next read, or NULL.
///
/// # Safety
/// As pcap_next(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pcap_next(
    p: *mut pcap_t,
    header: *mut pcap_pkthdr,
) -> *const c_uchar {
    let mut own = std::ptr::null_mut();
    let mut data = std::ptr::null();
    // SAFETY: forwarded contract, and both are writable.
    if unsafe { pcap_next_ex(p, &raw mut own, &raw mut data) } != 1 {
        return std::ptr::null();
    }
    // SAFETY: the call has set `own` to a header of the handle's; `header` is NULL or writable by contract.
    let stored = unsafe { store(header, own.read()) };
    if stored.is_ok() { data } else { std::ptr::null() }
}

/// Counts since activation. Signal handlers may ask while a read waits.
///
/// # Safety
/// As pcap_stats(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_stats(p: *mut pcap_t, stats: *mut pcap_stat) -> c_int {
    // SAFETY: forwarded contract.
    if let Some(h) = unsafe { handle(p) }
        && !stats.is_null()
        && let Some(why) = h.handle.no_stats()
    {
        return refuse(h, why);
    }
    // SAFETY: forwarded contract.
    unsafe { counted(p, stats) }
}

/// As [`pcap_stats`], where there may be counts.
///
/// # Safety
/// As [`pcap_stats`].
#[inline(never)]
unsafe extern "C" fn counted(p: *mut pcap_t, stats: *mut pcap_stat) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle_at_once(p, |h| {
            if stats.is_null() {
                return Err(null());
            }
            let counts = h.handle.stats(false)?;
            // QUIRK: C's numbers have 32 bits and wrap.
            let told = pcap_stat {
                ps_recv: counts.received as u32,
                ps_drop: counts.dropped as u32,
                ps_ifdrop: counts.interface_dropped as u32,
            };
            store(stats, told).map(|()| 0)
        })
    }
}
