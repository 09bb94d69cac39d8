//! Memory that C frees: from malloc, and only from there.

use crate::error::{Error, Known};
use std::ffi::{CStr, c_char};
use std::ptr::NonNull;

static NO_MEMORY: Known = Known::new("malloc: Cannot allocate memory");

/// What is told where memory is short.
pub fn no_memory() -> Error {
    Error::Known(&NO_MEMORY)
}

/// A malloc'd copy of `value`; `None` if memory is short.
pub fn boxed<T>(value: T) -> Option<NonNull<T>> {
    // SAFETY: no pointer is passed. malloc aligns for every type that C has, which these are.
    let p = NonNull::new(unsafe { libc::malloc(size_of::<T>().max(1)) }.cast::<T>())?;
    // SAFETY: just allocated, for a `T`.
    unsafe { p.write(value) };
    Some(p)
}

/// A malloc'd copy of `values`; never a null pointer for an empty slice.
#[inline]
pub fn array<T: Copy>(values: &[T]) -> Option<NonNull<T>> {
    // SAFETY: no pointer is passed.
    let p = NonNull::new(unsafe { libc::malloc(size_of_val(values).max(1)) }.cast::<T>())?;
    // SAFETY: just allocated, for that many values.
    unsafe { p.copy_from_nonoverlapping(NonNull::from(values).cast(), values.len()) };
    Some(p)
}

/// Memory of `len` bytes from malloc, with whatever is in it; never a null pointer for none.
pub fn uninitialised(len: usize) -> Option<NonNull<u8>> {
    // SAFETY: no pointer is passed.
    NonNull::new(unsafe { libc::malloc(len.max(1)) }.cast())
}

/// A malloc'd copy of `s`.
pub fn string(s: &CStr) -> Option<NonNull<c_char>> {
    array(s.to_bytes_with_nul()).map(NonNull::cast)
}

/// Frees what came from here; NULL is nothing.
///
/// # Safety
/// `p` is NULL or came from malloc, and nobody uses it any more.
pub unsafe fn free<T>(p: *mut T) {
    // SAFETY: forwarded contract.
    unsafe { libc::free(p.cast()) };
}
