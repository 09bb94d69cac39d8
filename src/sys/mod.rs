//! Every system call of the library, in one idiom: a small safe function around one libc call,
//! which takes borrowed descriptors and typed arguments and returns `Result<_, Errno>`.
//!
//! Nothing here knows libpcap: what an error means, and how it is worded, is the caller's business.
#![allow(unsafe_code, reason = "this is where libc is called")]

pub mod ethtool;
pub mod eventfd;
pub mod iface;
pub mod ifaddrs;
pub mod mmap;
pub mod packet;
pub mod poll;
pub mod socket;
pub mod sysfs;

use std::ffi::CStr;
use std::fmt;

/// What a failed call left in `errno`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

/// The result of a system call.
pub type Sys<T> = Result<T, Errno>;

impl Errno {
    /// The calling thread's `errno`.
    pub fn last() -> Self {
        Self(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}

/// As `strerror(3)`, which libpcap's texts end with.
impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0 as libc::c_char; 128];
        // SAFETY: `text` is writable for its length, and strerror_r (XSI) terminates what it writes.
        let rc = unsafe { libc::strerror_r(self.0, text.as_mut_ptr(), text.len()) };
        if rc != 0 && text[0] == 0 {
            return write!(f, "Unknown error {}", self.0);
        }
        // SAFETY: terminated, as said above.
        f.write_str(&unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy())
    }
}

/// Turns the -1 of a system call into its `Errno`.
fn check(rc: libc::c_int) -> Sys<libc::c_int> {
    if rc == -1 { Err(Errno::last()) } else { Ok(rc) }
}

/// As [`check`], for the calls that return a count.
fn check_len(rc: libc::ssize_t) -> Sys<usize> {
    usize::try_from(rc).map_err(|_| Errno::last())
}
