//! stdio(3) streams, which C programs share with the library.

use super::{Errno, Sys};
use std::ffi::CStr;
use std::ptr::NonNull;

unsafe extern "C" {
    static stdout: *mut libc::FILE;
    static stderr: *mut libc::FILE;
}

/// Declared anew, for a thread that is cancelled in one of them unwinds from it.
mod c {
    use libc::{FILE, c_int, c_void, size_t};

    unsafe extern "C-unwind" {
        pub fn fwrite(bytes: *const c_void, size: size_t, n: size_t, file: *mut FILE) -> size_t;
        pub fn fflush(file: *mut FILE) -> c_int;
        pub fn fclose(file: *mut FILE) -> c_int;
        pub fn getc(file: *mut FILE) -> c_int;
    }
}

/// A stream that is open for as long as this value is used.
#[derive(Debug)]
pub struct Stream(NonNull<libc::FILE>);

/// What a call that knows only success and failure left behind.
fn succeeded(ok: bool) -> Sys<()> {
    if ok { Ok(()) } else { Err(Errno::last()) }
}

impl Stream {
    /// The stream behind a pointer of the caller's; `None` for NULL.
    ///
    /// # Safety
    /// `file` is NULL or a stream that stays open for as long as the value is used.
    pub unsafe fn from_raw(file: *mut libc::FILE) -> Option<Self> {
        NonNull::new(file).map(Self)
    }

    /// Opens a file.
    pub fn open(name: &CStr, mode: &CStr) -> Sys<Self> {
        // SAFETY: both are terminated.
        NonNull::new(unsafe { libc::fopen(name.as_ptr(), mode.as_ptr()) })
            .map(Self)
            .ok_or_else(Errno::last)
    }

    /// Standard output.
    pub fn stdout() -> Option<Self> {
        // SAFETY: the C library sets it before any code of ours runs.
        NonNull::new(unsafe { stdout }).map(Self)
    }

    /// Whether it is standard output.
    pub fn is_stdout(&self) -> bool {
        // SAFETY: as in `stdout`.
        std::ptr::eq(self.0.as_ptr(), unsafe { stdout })
    }

    /// The pointer that C knows it by.
    pub fn as_ptr(&self) -> *mut libc::FILE {
        self.0.as_ptr()
    }

    /// Appends `bytes` to the stream's buffer.
    pub fn write(&self, bytes: &[u8]) -> Sys<()> {
        // SAFETY: an open stream, and `bytes` is readable for its length.
        let n = unsafe { c::fwrite(bytes.as_ptr().cast(), 1, bytes.len(), self.as_ptr()) };
        succeeded(n == bytes.len())
    }

    /// The next byte; `None` at the end, and where reading fails.
    pub fn getc(&self) -> Option<u8> {
        // SAFETY: an open stream.
        u8::try_from(unsafe { c::getc(self.as_ptr()) }).ok()
    }

    /// Whether a write has failed.
    pub fn has_failed(&self) -> bool {
        // SAFETY: an open stream.
        unsafe { libc::ferror(self.as_ptr()) != 0 }
    }

    /// Writes what is in the buffer.
    pub fn flush(&self) -> Sys<()> {
        // SAFETY: an open stream.
        succeeded(unsafe { c::fflush(self.as_ptr()) } == 0)
    }

    /// The position in the file.
    pub fn tell(&self) -> Sys<i64> {
        // SAFETY: an open stream.
        let at = unsafe { libc::ftello64(self.as_ptr()) };
        if at < 0 { Err(Errno::last()) } else { Ok(at) }
    }

    /// Closes it.
    pub fn close(self) -> Sys<()> {
        // SAFETY: an open stream, which is not used again.
        succeeded(unsafe { c::fclose(self.as_ptr()) } == 0)
    }
}

/// Prints on standard output, for the functions that are made for it.
pub fn print(bytes: &[u8]) {
    if let Some(stream) = Stream::stdout() {
        // There is nobody to tell.
        let _ = stream.write(bytes);
    }
}

/// Prints on standard error, for pcap_perror().
pub fn print_error(bytes: &[u8]) {
    // SAFETY: the C library sets it before any code of ours runs, and it stays open.
    if let Some(stream) = unsafe { Stream::from_raw(stderr) } {
        let _ = stream.write(bytes);
    }
}
