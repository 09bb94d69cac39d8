//! The buffers behind the functions that return a text which nobody frees: one for each, in each thread.

use super::boundary::copy_text;
use std::cell::UnsafeCell;
use std::ffi::c_char;
use std::thread::LocalKey;

/// A buffer of `N` bytes.
pub struct TextBuffer<const N: usize>(UnsafeCell<[c_char; N]>);

impl<const N: usize> TextBuffer<N> {
    /// An empty text.
    pub const fn empty() -> Self {
        Self(UnsafeCell::new([0; N]))
    }
}

/// Puts `text` into the thread's buffer and returns where it is, until the next text or the thread's end.
pub fn put<const N: usize>(buffer: &'static LocalKey<TextBuffer<N>>, text: &str) -> *mut c_char {
    fill(buffer, |to| {
        // SAFETY: writable for its length.
        unsafe { copy_text(to.as_mut_ptr(), N, text) };
    })
}

/// As [`put`], of a text that `write` writes there.
pub fn fill<const N: usize>(
    buffer: &'static LocalKey<TextBuffer<N>>,
    write: impl FnOnce(&mut [c_char; N]),
) -> *mut c_char {
    let filled = buffer.try_with(|buffer| {
        // SAFETY: `N` bytes of this thread's, to which no other reference exists: `write` gets at no buffer.
        write(unsafe { &mut *buffer.0.get() });
        buffer.0.get().cast()
    });
    filled.unwrap_or(std::ptr::null_mut())
}
