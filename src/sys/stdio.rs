//! stdio(3) streams, which C programs share with the library.

mod buffer;

use super::{Errno, Sys, check_len};
use std::ffi::CStr;
use std::fs::File;
use std::os::fd::{IntoRawFd as _, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

unsafe extern "C" {
    static stdin: *mut libc::FILE;
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
        #[cfg(not(target_env = "gnu"))]
        pub fn ferror_unlocked(file: *mut FILE) -> c_int;
        pub fn fread(bytes: *mut c_void, size: size_t, n: size_t, file: *mut FILE) -> size_t;
        /// Of `stdio_ext.h`.
        pub fn __fbufsize(file: *mut FILE) -> size_t;
    }
}

/// Whether standard input has ever got bytes back.
static GIVEN_BACK: AtomicBool = AtomicBool::new(false);

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

    /// Standard input.
    pub fn stdin() -> Option<Self> {
        // SAFETY: the C library sets it before any code of ours runs.
        NonNull::new(unsafe { stdin }).map(Self)
    }

    /// Whether it is standard input.
    pub fn is_stdin(&self) -> bool {
        // SAFETY: as in `stdin`.
        std::ptr::eq(self.0.as_ptr(), unsafe { stdin })
    }

    /// A stream that reads `file`.
    pub fn of(file: File) -> Sys<Self> {
        let fd = file.into_raw_fd();
        // SAFETY: an open descriptor that nobody else has, and a terminated mode.
        let stream = NonNull::new(unsafe { libc::fdopen(fd, c"rb".as_ptr()) });
        stream.map(Self).ok_or_else(|| {
            let errno = Errno::last();
            // SAFETY: still nobody else's.
            unsafe { libc::close(fd) };
            errno
        })
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

    /// Writes `bytes`, through the stream's buffer.
    pub fn write(&self, bytes: &[u8]) -> Sys<()> {
        // SAFETY: an open stream, and `bytes` is readable for its length.
        let n = unsafe { c::fwrite(bytes.as_ptr().cast(), 1, bytes.len(), self.as_ptr()) };
        succeeded(n == bytes.len())
    }

    /// Fills as much of `bytes` as it can; 0 at the end. What failed may go well the next time.
    pub fn read(&self, bytes: &mut [u8]) -> Sys<usize> {
        // A stream that the program has made need not say why it fails.
        Errno(0).set();
        // SAFETY: an open stream, and `bytes` is writable for its length.
        let n = unsafe { c::fread(bytes.as_mut_ptr().cast(), 1, bytes.len(), self.as_ptr()) };
        let failed = self.has_failed().then(Errno::last);
        if failed.is_some() {
            // Streams remember a failure for ever, and it would be taken for one at the end.
            // SAFETY: an open stream.
            unsafe { libc::clearerr(self.as_ptr()) };
        }
        match failed {
            // One that is there to stay comes again.
            Some(errno) if n == 0 => Err(errno),
            _ => Ok(n),
        }
    }

    /// Fills as much of `bytes` as there is at the beginning of the file. Of the stream nothing is read.
    pub fn read_beginning(&self, bytes: &mut [u8]) -> Sys<usize> {
        let mut len = 0;
        while let Some(rest) = bytes.get_mut(len..).filter(|rest| !rest.is_empty()) {
            let (to, room, at) = (rest.as_mut_ptr(), rest.len(), len as libc::off64_t);
            // SAFETY: `rest` is writable for its length.
            match check_len(unsafe { libc::pread64(self.fd(), to.cast(), room, at) })? {
                0 => break,
                more => len += more,
            }
        }
        Ok(len)
    }

    /// Has `bytes` read once more, the last of them first; how many of them will be.
    pub fn unread(&self, bytes: &[u8]) -> usize {
        GIVEN_BACK.fetch_or(self.is_stdin(), Ordering::Relaxed);
        let back = |byte: &&u8| {
            // SAFETY: an open stream.
            unsafe { libc::ungetc((**byte).into(), self.as_ptr()) != libc::EOF }
        };
        bytes.iter().rev().take_while(back).count()
    }

    /// Whether it has a buffer, as once it was read from, which may hold bytes that were not asked for; or has
    /// got bytes back, which lie elsewhere.
    pub fn may_hold_bytes(&self) -> bool {
        // SAFETY: an open stream.
        let size = unsafe { c::__fbufsize(self.as_ptr()) };
        size != 0 || (self.is_stdin() && GIVEN_BACK.load(Ordering::Relaxed))
    }

    /// Its descriptor.
    pub fn fd(&self) -> RawFd {
        // SAFETY: an open stream.
        unsafe { libc::fileno(self.as_ptr()) }
    }

    /// Goes to a position in the file.
    pub fn seek(&self, to: u64) -> Sys<()> {
        let to = i64::try_from(to).map_err(|_| Errno(libc::EOVERFLOW))?;
        // SAFETY: an open stream.
        succeeded(unsafe { libc::fseeko64(self.as_ptr(), to, libc::SEEK_SET) } == 0)
    }

    /// Goes to the end of the file.
    pub fn seek_end(&self) -> Sys<()> {
        // SAFETY: an open stream.
        succeeded(unsafe { libc::fseeko64(self.as_ptr(), 0, libc::SEEK_END) } == 0)
    }

    /// The next byte; `None` at the end, and where reading fails.
    pub fn getc(&self) -> Option<u8> {
        // SAFETY: an open stream.
        u8::try_from(unsafe { c::getc(self.as_ptr()) }).ok()
    }

    /// Writes what is in the buffer.
    pub fn flush(&self) -> Sys<()> {
        // SAFETY: an open stream.
        succeeded(unsafe { c::fflush(self.as_ptr()) } == 0)
    }

    /// The position in the file; -1, and why in `errno`, where there is none.
    #[inline]
    pub fn position(&self) -> i64 {
        // SAFETY: an open stream.
        unsafe { libc::ftello64(self.as_ptr()) }
    }

    /// Closes it; it is not to be used again. A thread that is cancelled here leaves the stream's buffer behind.
    pub fn close(&self) -> Sys<()> {
        let buffer = self.forget();
        let closed = self.close_read();
        // SAFETY: NULL, or the buffer of the stream that was closed, from malloc().
        unsafe { libc::free(buffer) };
        closed
    }

    /// As [`Stream::close`], of one that was read only: nothing is known of it.
    #[inline]
    pub fn close_read(&self) -> Sys<()> {
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
