//! Fanout groups.

use crate::capture::fanout::Chooser;
use crate::error::{Code, Error, Result};
use crate::ffi::boundary::{handle, null, with_handle};
use crate::ffi::filter::insns;
use crate::ffi::handle::pcap_t;
use crate::ffi::open::activation;
use crate::ffi::types::bpf_program;
use crate::handle::Opened;
use crate::sys::socket;
use std::ffi::c_int;
use std::sync::Arc;

/// The packets of a flow, in both directions, go to one handle.
pub const PCAP_FANOUT_HASH: c_int = 0;
/// One handle after the other.
pub const PCAP_FANOUT_LB: c_int = 1;
/// By the CPU that a packet comes in on.
pub const PCAP_FANOUT_CPU: c_int = 2;
/// The first handle, as long as its buffer has room.
pub const PCAP_FANOUT_ROLLOVER: c_int = 3;
/// By chance.
pub const PCAP_FANOUT_RND: c_int = 4;
/// By the queue of the interface that a packet comes in on.
pub const PCAP_FANOUT_QM: c_int = 5;
/// As a program of classic BPF returns.
pub const PCAP_FANOUT_CBPF: c_int = 6;
/// As a program of extended BPF returns.
pub const PCAP_FANOUT_EBPF: c_int = 7;

/// A packet whose handle has no room goes to another.
pub const PCAP_FANOUT_FLAG_ROLLOVER: c_int = 0x1000;
/// The kernel chooses the group's number.
pub const PCAP_FANOUT_FLAG_UNIQUEID: c_int = 0x2000;
/// Nothing of what the host sends.
pub const PCAP_FANOUT_FLAG_IGNORE_OUTGOING: c_int = 0x4000;
/// Fragments of IPv4 are put together first.
pub const PCAP_FANOUT_FLAG_DEFRAG: c_int = 0x8000;

/// The fanout group to join, whose handles share what is captured.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_fanout_linux(
    p: *mut pcap_t,
    mode: c_int,
    flags: c_int,
    group: c_int,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle(p, |h| {
            h.handle.configure(|options| options.tuning.set_fanout(mode, flags, group))?.map(|()| 0)
        })
    }
}

/// What chooses in a group of mode PCAP_FANOUT_CBPF.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP); `program` is NULL or a program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_fanout_program_linux(
    p: *mut pcap_t,
    program: *const bpf_program,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle(p, |h| {
            h.handle.configure(|options| {
                let insns = insns(program).ok_or_else(null)?;
                options.tuning.set_fanout_program(Chooser::Classic(insns.into()));
                Ok(0)
            })?
        })
    }
}

/// What chooses in a group of mode PCAP_FANOUT_EBPF: a program's descriptor, which stays the caller's.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_fanout_ebpf_linux(p: *mut pcap_t, fd: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle(p, |h| {
            h.handle.configure(|options| {
                let program = socket::duplicate(fd)
                    .map_err(|errno| Error::errno("the fanout program's descriptor", errno))?;
                options.tuning.set_fanout_program(Chooser::Extended(Arc::new(program)));
                Ok(0)
            })?
        })
    }
}

/// The number of the fanout group that an active handle is in.
///
/// # Safety
/// As pcap_snapshot(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_get_fanout_linux(p: *mut pcap_t) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle(p, |h| {
            let group = h.handle.group()?;
            group.map(c_int::from).ok_or_else(|| Error::new("the handle is in no fanout group"))
        })
    }
}

/// Activates a handle and opens more like it, n in all, which share what is captured; it is the first of them.
///
/// # Safety
/// As pcap_activate(3PCAP); `handles` is NULL or has room for `n`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_activate_group_linux(
    p: *mut pcap_t,
    n: c_int,
    handles: *mut *mut pcap_t,
) -> c_int {
    // SAFETY: forwarded contract.
    let Some(h) = (unsafe { handle(p) }) else { return Code::Generic as c_int };
    let activated = h.run(|h| {
        let count = usize::try_from(n).ok().filter(|count| *count > 0);
        let count = count.ok_or_else(|| Error::new(format!("{n} is no number of handles")))?;
        if handles.is_null() {
            return Err(null());
        }
        let mut all = h.handle.open_group(count)?.into_iter();
        let first = all.next().ok_or_else(null)?;
        let others = others(all)?;
        // Another thread may have been faster.
        let warning = h.handle.adopt(first).inspect_err(|_| close(&others))?;
        for (at, other) in std::iter::once(&p).chain(&others).enumerate() {
            // SAFETY: `at < n`, for which there is room by contract.
            unsafe { handles.add(at).write(*other) };
        }
        Ok(warning)
    });
    activation(h, activated)
}

/// Handles for what is open.
fn others(all: impl Iterator<Item = Opened>) -> Result<Vec<*mut pcap_t>> {
    let mut others = Vec::new();
    for opened in all {
        let other = pcap_t::open(|handle| handle.begin_active(opened));
        others.push(other.inspect_err(|_| close(&others))?);
    }
    Ok(others)
}

fn close(all: &[*mut pcap_t]) {
    for p in all {
        // SAFETY: a handle that pcap_t::open() has made.
        if let Some(h) = unsafe { handle(*p) } {
            h.close();
        }
    }
}
