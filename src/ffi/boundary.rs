//! What every exported function goes through: from C's pointers to a handle, from an error to what C
//! returns, and no panic beyond here.

use super::handle::pcap_t;
use super::types::{PCAP_ERRBUF_SIZE, PCAP_ERROR};
use crate::error::{Code, Error, Known, Result, status_text};
use crate::handle::told::What;
use crate::inline::Inline;
use crate::sys::thread;
use std::borrow::Cow;
use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStrExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

/// What an exported function returns when it fails.
pub trait CReturn {
    /// The return value that stands for an error of this code.
    fn failure(code: Code) -> Self;
}

impl CReturn for c_int {
    fn failure(code: Code) -> Self {
        code as Self
    }
}

impl<T> CReturn for *mut T {
    fn failure(_: Code) -> Self {
        std::ptr::null_mut()
    }
}

impl<T> CReturn for *const T {
    fn failure(_: Code) -> Self {
        std::ptr::null()
    }
}

/// Runs `f`; a panic in it becomes an error and prints nothing. No code of the caller's program may run in
/// `f`: an exception or a longjmp of its does not belong here, nor does the unwinding of a cancelled thread,
/// which waits.
pub fn guard<R>(f: impl FnOnce() -> Result<R>) -> Result<R> {
    let cancel = thread::hold_cancellation();
    let result = guard_step(f);
    cancel.restore();
    result
}

/// As [`guard`], for an `f` that comes by no point of cancellation.
pub fn guard_step<R>(f: impl FnOnce() -> Result<R>) -> Result<R> {
    silence_panics();
    let result = thread::silenced(|| catch_unwind(AssertUnwindSafe(f)));
    result.unwrap_or_else(|payload| {
        let why = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("unknown reason");
        Err(Error::panicked(format!("internal error in libpcap-rs: {why}")))
    })
}

/// Runs an `f` that has nothing in it that panics and comes by no point of cancellation, for the cost of a
/// call. `None` if it panics after all.
#[inline]
pub fn unfailing<R>(f: impl FnOnce() -> R) -> Option<R> {
    // What it panicked with is left: nobody would see it, and dropping it could panic again.
    catch_unwind(AssertUnwindSafe(f)).map_err(std::mem::forget).ok()
}

/// Keeps this library's panics off standard error, once for the process.
fn silence_panics() {
    static SILENCED: once_cell::sync::OnceCell<()> = once_cell::sync::OnceCell::new();
    SILENCED.get_or_init(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !thread::is_silent() {
                hook(info);
            }
        }));
    });
}

/// The handle behind `p`, or `None` for NULL.
///
/// # Safety
/// `p` is NULL or came from this library, whose handles are never unmapped.
pub unsafe fn handle<'a>(p: *const pcap_t) -> Option<&'a pcap_t> {
    // SAFETY: forwarded contract. Shared only: nobody ever forms `&mut pcap_t`.
    NonNull::new(p.cast_mut()).map(|p| unsafe { &*p.as_ptr() })
}

/// What a handle says of itself: one look, which cannot fail.
///
/// # Safety
/// As [`handle`].
pub unsafe fn told(p: *const pcap_t, what: What) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { handle(p) }.map_or(PCAP_ERROR, |h| h.handle.told.get(what))
}

/// Runs an operation on a handle; what fails is told in its error buffer.
///
/// # Safety
/// As [`handle`].
pub unsafe fn with_handle<R: CReturn>(p: *const pcap_t, f: impl FnOnce(&pcap_t) -> Result<R>) -> R {
    // SAFETY: forwarded contract.
    let Some(h) = (unsafe { handle(p) }) else { return R::failure(Code::Generic) };
    h.run(f).unwrap_or_else(|error| R::failure(error.code()))
}

/// As [`with_handle`], for an `f` that comes by no point of cancellation.
///
/// # Safety
/// As [`handle`].
pub unsafe fn with_handle_step<R: CReturn>(
    p: *const pcap_t,
    f: impl FnOnce(&pcap_t) -> Result<R>,
) -> R {
    // SAFETY: forwarded contract.
    let Some(h) = (unsafe { handle(p) }) else { return R::failure(Code::Generic) };
    h.run_step(f).unwrap_or_else(|error| R::failure(error.code()))
}

/// As [`with_handle`], for an `f` as [`unfailing`]'s.
///
/// # Safety
/// As [`handle`].
pub unsafe fn with_handle_at_once<R: CReturn>(
    p: *const pcap_t,
    f: impl FnOnce(&pcap_t) -> Result<R>,
) -> R {
    // SAFETY: forwarded contract.
    let Some(h) = (unsafe { handle(p) }) else { return R::failure(Code::Generic) };
    h.attempt(f).unwrap_or_else(|error| failed(h, error))
}

/// Tells why an operation is refused.
#[cold]
#[inline(never)]
pub fn refuse(h: &pcap_t, why: &Known) -> c_int {
    h.tell_known(why);
    why.code() as c_int
}

/// Tells that it failed, apart from what goes well.
#[cold]
#[inline(never)]
fn failed<R: CReturn>(h: &pcap_t, error: Error) -> R {
    if let Error::Known(known) = error {
        h.tell_known(known);
        return R::failure(known.code());
    }
    h.tell(&error);
    R::failure(error.code())
}

/// Runs something that has no handle; what fails is told in the caller's error buffer.
///
/// # Safety
/// `errbuf` is NULL or has [`PCAP_ERRBUF_SIZE`] bytes.
pub unsafe fn with_errbuf<R: CReturn>(errbuf: *mut c_char, f: impl FnOnce() -> Result<R>) -> R {
    guard(f).unwrap_or_else(|error| {
        // SAFETY: forwarded contract.
        unsafe { set_errbuf(errbuf, error_text(&error)) };
        R::failure(error.code())
    })
}

/// Runs something that can say only what it returns.
pub fn quietly<R: CReturn>(f: impl FnOnce() -> Result<R>) -> R {
    guard(f).unwrap_or_else(|error| R::failure(error.code()))
}

static NULL: Known = Known::new("a null pointer was given where a pointer is needed");

/// What is wrong with a NULL that libpcap would follow.
pub fn null() -> Error {
    Error::Known(&NULL)
}

/// What a function says that is exported and not there, in libpcap's words.
pub fn not_supported(function: &str) -> Error {
    Error::new(format!("{function}() is not supported"))
}

/// An error's text, or its code's where it has none.
pub fn error_text(error: &Error) -> &str {
    match error {
        Error::Bare(code) => status_text(*code as c_int).map(Inline::as_str).unwrap_or_default(),
        _ => error.text(),
    }
}

/// Copies as much of `text` to `to` as fits, cut where no character is, and ends it.
///
/// # Safety
/// `to` is NULL or has `size` writable bytes.
pub unsafe fn copy_text(to: *mut c_char, size: usize, text: &str) {
    let Some(room) = size.checked_sub(1) else { return };
    if to.is_null() {
        return;
    }
    // SAFETY: no more than the text's own bytes are looked at.
    let n = unsafe { libc::strnlen(text.as_ptr().cast(), text.len().min(room)) };
    let n = text.floor_char_boundary(n);
    // SAFETY: `n < size` bytes and the terminator fit, by this function's contract.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr(), to.cast(), n);
        to.add(n).write(0);
    }
}

/// Puts `text` into an error buffer, cut to what fits.
///
/// # Safety
/// `errbuf` is NULL or has [`PCAP_ERRBUF_SIZE`] bytes.
pub unsafe fn set_errbuf(errbuf: *mut c_char, text: &str) {
    // SAFETY: forwarded contract.
    unsafe { copy_text(errbuf, PCAP_ERRBUF_SIZE, text) }
}

/// As [`set_errbuf`], of a text that fits.
///
/// # Safety
/// As [`set_errbuf`].
#[inline]
pub unsafe fn refuse_in(errbuf: *mut c_char, why: &'static CStr) {
    let bytes = why.to_bytes_with_nul();
    debug_assert!(bytes.len() <= PCAP_ERRBUF_SIZE);
    if !errbuf.is_null() {
        // SAFETY: the buffer has room for the text, which ends itself.
        unsafe { bytes.as_ptr().copy_to_nonoverlapping(errbuf.cast(), bytes.len()) };
    }
}

/// The text of a C string; `None` for NULL.
///
/// # Safety
/// `s` is NULL or points to a terminated string.
pub unsafe fn text(s: *const c_char) -> Option<String> {
    // SAFETY: forwarded contract; the copy outlives the string.
    unsafe { lent_text(s) }.map(Cow::into_owned)
}

/// The same, copied only where it has to be.
///
/// # Safety
/// `s` is NULL or points to a terminated string that lives for `'a`.
pub unsafe fn lent_text<'a>(s: *const c_char) -> Option<Cow<'a, str>> {
    // SAFETY: forwarded contract.
    (!s.is_null()).then(|| unsafe { CStr::from_ptr(s) }.to_string_lossy())
}

/// The bytes of a C string that names something, whatever they are; `None` for NULL.
///
/// # Safety
/// `s` is NULL or points to a terminated string.
pub unsafe fn name(s: *const c_char) -> Option<OsString> {
    // SAFETY: forwarded contract.
    let bytes = (!s.is_null()).then(|| unsafe { CStr::from_ptr(s) }.to_bytes())?;
    Some(OsStr::from_bytes(bytes).to_owned())
}

/// Writes through a pointer that the caller may have left NULL.
///
/// # Safety
/// `to` is NULL or writable.
pub unsafe fn store<T>(to: *mut T, value: T) -> Result<()> {
    if to.is_null() {
        return Err(null());
    }
    // SAFETY: non-null, so writable by this function's contract. What was there is C's and not dropped.
    unsafe { to.write(value) };
    Ok(())
}
