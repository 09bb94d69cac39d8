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
    let put = buffer.try_with(|buffer| {
        let to = buffer.0.get().cast::<c_char>();
        // SAFETY: `N` bytes that only this thread writes.
        unsafe { copy_text(to, N, text) };
        to
    });
    put.unwrap_or(std::ptr::null_mut())
}
