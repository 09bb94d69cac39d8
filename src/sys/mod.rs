//! Every system call of the library, in one idiom: a small safe function around one libc call,
//! which takes borrowed descriptors and typed arguments and returns `Result<_, Errno>`.
//!
//! Nothing here knows libpcap: what an error means, and how it is worded, is the caller's business.
#![allow(unsafe_code, reason = "this is where libc is called")]

pub mod bpf;
pub mod clock;
pub mod environment;
pub mod ethtool;
pub mod eventfd;
pub mod iface;
pub mod ifaddrs;
pub mod linkstats;
pub mod lock;
pub mod mmap;
pub mod netdb;
pub mod netlink;
pub mod netns;
pub mod packet;
pub mod poll;
pub mod send;
pub mod socket;
pub mod stdio;
pub mod sysfs;
pub mod thread;
pub mod xdp;

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

    /// Makes it the calling thread's `errno`, for C functions that tell it that way.
    pub fn set(self) {
        // SAFETY: the C library's own variable, which is there as long as the thread is.
        unsafe { *libc::__errno_location() = self.0 };
    }
}

/// As `strerror(3)`, which libpcap's texts end with.
impl Errno {
    /// What `f` makes of the C library's text for it.
    pub fn with_text<R>(self, f: impl FnOnce(&str) -> R) -> R {
        let mut text = [0; 128];
        self.put_text(&mut text);
        // SAFETY: terminated by `put_text`.
        f(&unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy())
    }

    /// Puts the C library's text for it into `to`, and ends it there.
    pub fn put_text(self, to: &mut [libc::c_char]) {
        if let Some(first) = to.first_mut() {
            *first = 0;
        }
        // SAFETY: `to` is writable for its length, and strerror_r (XSI) terminates what it writes.
        unsafe { libc::strerror_r(self.0, to.as_mut_ptr(), to.len()) };
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
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

/// The size of a page of memory.
pub fn page_size() -> usize {
    // SAFETY: no pointer is passed.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

/// What uname(2) says of the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Version and patch level, as in 6.1.
    pub version: (u32, u32),
    /// Whether the machine's own word has 64 bits, whatever this process's has.
    pub machine_is_64_bit: bool,
}

/// Asks uname(2), once.
pub fn uname() -> Kernel {
    static KERNEL: once_cell::sync::OnceCell<Kernel> = once_cell::sync::OnceCell::new();
    *KERNEL.get_or_init(|| {
        // SAFETY: arrays of bytes: all zeros is a value.
        let mut name: libc::utsname = unsafe { std::mem::zeroed() };
        // SAFETY: `name` is writable. A failure leaves the zeros, which are no version.
        unsafe { libc::uname(&raw mut name) };
        let text = |field: &[libc::c_char]| -> String {
            field.iter().take_while(|c| **c != 0).map(|c| char::from(*c as u8)).collect()
        };
        let release = text(&name.release);
        let mut numbers =
            release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        let machine_is_64_bit = text(&name.machine).contains("64");
        Kernel { version, machine_is_64_bit }
    })
}
