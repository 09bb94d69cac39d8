//! Filters: pcap_compile(3PCAP), pcap_setfilter, pcap_setdirection, pcap_offline_filter, and the BPF machine's
//! own functions.

use super::boundary::{lent_text, null, quietly, told, unfailing, with_handle, with_handle_step};
use super::buffers::{self, TextBuffer};
use super::cmem;
use super::handle::pcap_t;
use super::often;
use super::raw_program::RawProgram;
use super::types::{bpf_insn, bpf_program, bpf_u_int32, pcap_direction_t, pcap_pkthdr};
use crate::bpf::{self, Insn};
use crate::capture::Direction;
use crate::error::{Error, Result};
use crate::filter::code::Options;
use crate::filter::compile::compile;
use crate::filter::{Context, Source};
use crate::handle::told::{Facts, What};
use crate::names::resolver::System;
use std::ffi::{c_char, c_int, c_uchar, c_uint};

/// The instructions of a program; `None` for a NULL anywhere.
///
/// # Safety
/// `program` is NULL or a `struct bpf_program` whose instructions are NULL or as many as it says.
pub unsafe fn insns<'a>(program: *const bpf_program) -> Option<&'a [Insn]> {
    if program.is_null() {
        return None;
    }
    // SAFETY: non-null, so readable by this function's contract.
    let (insns, len) = unsafe { ((*program).bf_insns, (*program).bf_len) };
    // SAFETY: as many instructions as the program says, by this function's contract.
    (!insns.is_null()).then(|| unsafe { std::slice::from_raw_parts(insns, len as usize) })
}

/// Hands a program out, for pcap_freecode() to free.
///
/// # Safety
/// `to` is NULL or writable.
unsafe fn hand_out(program: &[Insn], to: *mut bpf_program) -> Result<c_int> {
    if to.is_null() {
        return Err(null());
    }
    let len = c_uint::try_from(program.len())
        .map_err(|_| Error::new("the program has too many instructions"))?;
    let insns = cmem::array(program).ok_or_else(cmem::no_memory)?;
    // SAFETY: non-null, so writable by this function's contract.
    unsafe { to.write(bpf_program { bf_len: len, bf_insns: insns.as_ptr() }) };
    Ok(0)
}

/// The program of an expression. A NULL one is empty, and lets everything through.
///
/// # Safety
/// `expression` is NULL or a terminated string.
unsafe fn compiled(
    expression: *const c_char,
    facts: Facts,
    optimise: bool,
    netmask: u32,
) -> Result<Vec<Insn>> {
    // SAFETY: forwarded contract.
    let expression = unsafe { lent_text(expression) }.unwrap_or_default();
    let Facts { datalink, snapshot, source } = facts;
    let context = Context { dlt: datalink, netmask, source };
    let options = Options { snaplen: snapshot.cast_unsigned(), optimise };
    compile(&expression, context, options, &System)
        .map_err(|error| Error::new(error.one_line(&expression)))
}

/// Compiles an expression; a NULL one is empty, and lets everything through. On failure the program is empty.
/// Other threads may compile with the same handle, or read from it.
///
/// # Safety
/// As pcap_compile(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_compile(
    p: *mut pcap_t,
    program: *mut bpf_program,
    expression: *const c_char,
    optimize: c_int,
    netmask: bpf_u_int32,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        empty(program);
        with_handle(p, |h| {
            let facts = h
                .handle
                .told
                .facts()
                .ok_or_else(|| Error::new("not-yet-activated pcap_t passed to pcap_compile"))?;
            hand_out(&compiled(expression, facts, optimize != 0, netmask)?, program)
        })
    }
}

/// Compiles an expression without a handle; what is wrong with it is not told.
///
/// # Safety
/// As pcap_compile_nopcap(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_compile_nopcap(
    snaplen: c_int,
    linktype: c_int,
    program: *mut bpf_program,
    expression: *const c_char,
    optimize: c_int,
    netmask: bpf_u_int32,
) -> c_int {
    let facts = Facts { datalink: linktype, snapshot: snaplen, source: Source::Dead };
    // SAFETY: forwarded contract.
    unsafe {
        empty(program);
        quietly(|| hand_out(&compiled(expression, facts, optimize != 0, netmask)?, program))
    }
}

/// # Safety
/// `program` is NULL or writable.
unsafe fn empty(program: *mut bpf_program) {
    if !program.is_null() {
        // SAFETY: non-null, so writable by this function's contract.
        unsafe { program.write(bpf_program { bf_len: 0, bf_insns: std::ptr::null_mut() }) };
    }
}

/// Frees a program's instructions and leaves it empty.
///
/// # Safety
/// As pcap_freecode(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_freecode(program: *mut bpf_program) {
    if program.is_null() {
        return;
    }
    // SAFETY: non-null, so a program whose instructions came from malloc, by contract.
    unsafe {
        cmem::free((*program).bf_insns);
        empty(program);
    }
}

/// Lets through only packets that the program accepts.
///
/// # Safety
/// As pcap_setfilter(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_setfilter(p: *mut pcap_t, program: *mut bpf_program) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle_step(p, |h| {
            let given = !program.is_null();
            let insns = given.then(|| insns(program).unwrap_or_default());
            h.handle.set_filter(insns).map(|()| 0)
        })
    }
}

/// Lets through only packets of one direction.
///
/// # Safety
/// As pcap_setdirection(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_setdirection(p: *mut pcap_t, direction: pcap_direction_t) -> c_int {
    let direction = match direction {
        0 => Some(Direction::InOut),
        1 => Some(Direction::In),
        2 => Some(Direction::Out),
        _ => None,
    };
    // SAFETY: forwarded contract.
    unsafe {
        if direction.is_some_and(|direction| told(p, What::Direction) == direction as c_int) {
            return 0;
        }
        with_handle(p, |h| h.handle.set_direction(direction).map(|()| 0))
    }
}

/// What a program says of a packet. QUIRK: a program without instructions rejects, unlike bpf_filter()'s.
///
/// # Safety
/// As pcap_offline_filter(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_offline_filter(
    program: *const bpf_program,
    header: *const pcap_pkthdr,
    packet: *const c_uchar,
) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        let Some(insns) = insns(program) else { return 0 };
        if header.is_null() {
            return 0;
        }
        let bytes = bytes(packet, (*header).caplen);
        let wire_len = (*header).len;
        often::run(insns, bytes, wire_len).cast_signed()
    }
}

/// # Safety
/// `packet` is NULL or readable for `len` bytes.
unsafe fn bytes<'a>(packet: *const c_uchar, len: u32) -> &'a [u8] {
    if packet.is_null() {
        return &[];
    }
    // SAFETY: non-null, so readable by this function's contract.
    unsafe { std::slice::from_raw_parts(packet, len as usize) }
}

/// What a program says of a packet; NULL accepts all of everything.
///
/// # Safety
/// As bpf_filter(3PCAP): `insns` is NULL or a program that bpf_validate() found good, `packet` has `buflen`
/// bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpf_filter(
    insns: *const bpf_insn,
    packet: *const c_uchar,
    wirelen: c_uint,
    buflen: c_uint,
) -> c_uint {
    if insns.is_null() {
        return c_uint::MAX;
    }
    // SAFETY: in a good program every instruction that is reached is inside it; forwarded contract.
    let (program, packet) = unsafe { (RawProgram::endless(insns), bytes(packet, buflen)) };
    unfailing(|| program.run(packet, wirelen)).unwrap_or(0)
}

/// Whether a program can be run.
///
/// # Safety
/// `insns` is NULL or `len` instructions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpf_validate(insns: *const bpf_insn, len: c_int) -> c_int {
    let Ok(len) = usize::try_from(len) else { return 0 };
    if insns.is_null() {
        return 0;
    }
    // SAFETY: non-null, so `len` instructions by contract.
    let insns = unsafe { std::slice::from_raw_parts(insns, len) };
    unfailing(|| bpf::validate(insns)).unwrap_or(false).into()
}

/// What bpf_image() may return.
const IMAGE: usize = 256;

thread_local! {
    static IMAGE_TEXT: TextBuffer<IMAGE> = const { TextBuffer::empty() };
}

/// The text of one instruction, which is number `n` of its program.
///
/// # Safety
/// `insn` is NULL or an instruction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpf_image(insn: *const bpf_insn, n: c_int) -> *mut c_char {
    quietly(|| {
        if insn.is_null() {
            return Err(null());
        }
        // SAFETY: non-null, so an instruction by contract.
        let insn = unsafe { insn.read() };
        Ok(buffers::put(&IMAGE_TEXT, &bpf::image(&insn, n)))
    })
}

/// Prints a program on standard output.
///
/// # Safety
/// As pcap_compile's programs: `program` is NULL or a program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bpf_dump(program: *const bpf_program, option: c_int) {
    // SAFETY: forwarded contract.
    let Some(insns) = (unsafe { insns(program) }) else { return };
    quietly(|| {
        crate::sys::stdio::print(bpf::dump(insns, option).as_bytes());
        Ok(0)
    });
}
