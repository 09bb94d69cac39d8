//! The buffers of stdio(3) streams: appending to them at the cost of a copy, and giving files larger ones.
//!
//! glibc's streams are as its `bits/types/struct_FILE.h` describes them, which cannot change any more: programs
//! have `putc_unlocked()` compiled into them, which appends in the very same way. With another C library
//! everything goes through fwrite(3).

use super::Stream;
use crate::sys::Errno;
use parking_lot::Mutex;
use std::ptr::{self, NonNull};
#[cfg(target_env = "gnu")]
use std::sync::atomic::{AtomicPtr, Ordering};

/// Bytes of the buffer of a file that nobody waits for. It is no mapping of its own, as from 128 KiB.
const SIZE: usize = 64 << 10;
/// Most streams that something is known of: buffers stay below 16 MiB in a program that writes to thousands.
const MOST: usize = 256;

/// What is known of a stream besides what it is itself, by its address: the program may close it without telling
/// us, after which a new stream comes to lie there. Its buffer is used again then.
struct Known {
    stream: usize,
    buffer: Option<Buffer>,
    failure: Option<Errno>,
}

/// [`SIZE`] bytes from malloc(3).
struct Buffer(NonNull<libc::c_void>);

// SAFETY: memory that nothing here reads or writes; whose it is, the list says.
unsafe impl Send for Buffer {}

static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

impl Buffer {
    fn new() -> Option<Self> {
        // SAFETY: any size will do.
        NonNull::new(unsafe { libc::malloc(SIZE) }).map(Self)
    }
}

/// The beginning of glibc's `struct _IO_FILE`.
#[cfg(target_env = "gnu")]
#[repr(C)]
struct Fields {
    flags: libc::c_int,
    read: [*mut u8; 3],
    write_base: *mut u8,
    write_ptr: *mut u8,
    write_end: *mut u8,
}

/// `_IO_ERR_SEEN`: a write has failed, or a read.
#[cfg(target_env = "gnu")]
const ERROR: libc::c_int = 0x20;
/// What fwrite(3) looks at besides room: that, and `_IO_LINE_BUF`, for which the end of the line counts.
#[cfg(target_env = "gnu")]
const ERROR_OR_LINES: libc::c_int = ERROR | 0x200;

/// `__libc_single_threaded` of `sys/single_threaded.h`, once it has been looked for. Not there before glibc 2.32.
#[cfg(target_env = "gnu")]
static SINGLE_THREADED: AtomicPtr<libc::c_char> = AtomicPtr::new(ptr::null_mut());

/// Whether there is no other thread, nor comes one while this one does nothing about it.
#[cfg(target_env = "gnu")]
#[inline(always)]
fn is_single_threaded() -> bool {
    let flag = SINGLE_THREADED.load(Ordering::Relaxed);
    // SAFETY: the C library's own variable, which is always there. Other threads write it: then there are some, and
    // they leave it false, as glibc does as soon as there are two.
    !flag.is_null() && unsafe { flag.read_volatile() } != 0
}

#[cfg(target_env = "gnu")]
unsafe extern "C" {
    fn flockfile(file: *mut libc::FILE);
    fn funlockfile(file: *mut libc::FILE);
}

impl Stream {
    /// Appends what `head` makes and `bytes` to the buffer, with no other thread's writes between them. False, and
    /// nothing done, if there is no room for both or a write has failed. `head` does not panic.
    #[cfg(target_env = "gnu")]
    #[inline(always)]
    pub fn append<const N: usize>(&self, head: impl FnOnce() -> [u8; N], bytes: &[u8]) -> bool {
        let fields = self.as_ptr().cast::<Fields>();
        let alone = is_single_threaded();
        // SAFETY: an open stream, which begins with these fields. They are read and written under its lock, as stdio
        // does, which nobody can hold but this thread if there is no other. What lies between the two pointers is the unused end of its buffer; where it is not to be written to
        // (no buffer yet, unbuffered, reading) there is nothing between them.
        unsafe {
            if !alone {
                flockfile(self.as_ptr());
            }
            let (to, end) = ((*fields).write_ptr, (*fields).write_end);
            let room = end.addr().saturating_sub(to.addr());
            let fits =
                room >= N && room - N >= bytes.len() && (*fields).flags & ERROR_OR_LINES == 0;
            if fits {
                to.cast::<[u8; N]>().write(head());
                ptr::copy_nonoverlapping(bytes.as_ptr(), to.add(N), bytes.len());
                (*fields).write_ptr = to.add(N + bytes.len());
            }
            if !alone {
                funlockfile(self.as_ptr());
            }
            fits
        }
    }

    /// Nothing is known of the buffers of this C library.
    #[cfg(not(target_env = "gnu"))]
    pub fn append<const N: usize>(&self, _head: impl FnOnce() -> [u8; N], _bytes: &[u8]) -> bool {
        false
    }

    /// Whether a write has failed.
    #[cfg(target_env = "gnu")]
    #[inline]
    pub fn has_failed(&self) -> bool {
        // SAFETY: an open stream, which begins with these fields. One flag is read, which needs no lock.
        unsafe { (*self.as_ptr().cast::<Fields>()).flags & ERROR != 0 }
    }

    /// Whether a write has failed.
    #[cfg(not(target_env = "gnu"))]
    pub fn has_failed(&self) -> bool {
        // SAFETY: an open stream. One flag is read, which needs no lock.
        unsafe { super::c::ferror_unlocked(self.as_ptr()) != 0 }
    }

    /// Gives a stream that has just been opened, and not been used, a larger buffer, if it is of a file that nobody
    /// waits for. The buffer is there until [`Stream::close`]; should the program close the stream itself, it is
    /// kept for the next one.
    pub fn enlarge(&self) {
        if !self.is_of_storage() {
            return;
        }
        let mut list = KNOWN.lock();
        let Some(known) = entry(&mut list, self) else { return };
        if known.buffer.is_none() {
            known.buffer = Buffer::new();
        }
        if let Some(Buffer(bytes)) = &known.buffer {
            // SAFETY: an open stream that has not been used, and memory of that size. Nothing else uses it: if it was
            // another stream's, that one was at the same address and is closed. It is freed after the stream is closed.
            unsafe { libc::setvbuf(self.as_ptr(), bytes.as_ptr().cast(), libc::_IOFBF, SIZE) };
        }
    }

    /// Whether what is written goes to storage, or nowhere, and not to somebody who reads along.
    fn is_of_storage(&self) -> bool {
        // SAFETY: numbers: all zeros is a value.
        let mut stat: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: `stat` is writable.
        if unsafe { libc::fstat(self.fd(), &raw mut stat) } != 0 {
            return false;
        }
        match stat.st_mode & libc::S_IFMT {
            libc::S_IFREG | libc::S_IFBLK => true,
            // /dev/null, by its number in the kernel's devices.txt.
            libc::S_IFCHR => stat.st_rdev == libc::makedev(1, 3),
            _ => false,
        }
    }

    /// To be called once for a stream that [`Stream::append`] is for.
    pub fn begin(&self) {
        if let Some(known) = KNOWN.lock().iter_mut().find(|known| known.stream == address(self)) {
            known.failure = None;
        }
        #[cfg(target_env = "gnu")]
        if SINGLE_THREADED.load(Ordering::Relaxed).is_null() {
            // SAFETY: a terminated name.
            let flag =
                unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr()) };
            SINGLE_THREADED.store(flag.cast(), Ordering::Relaxed);
        }
    }

    /// Keeps in mind why a write failed, for [`Stream::failure`].
    pub fn remember(&self, failure: Errno) {
        if let Some(known) = entry(&mut KNOWN.lock(), self) {
            known.failure = Some(failure);
        }
    }

    /// Why a write to a stream that has failed did so, as far as it is known.
    #[cold]
    #[inline(never)]
    pub fn failure(&self) -> Errno {
        let list = KNOWN.lock();
        let known = list.iter().find(|known| known.stream == address(self));
        known.and_then(|known| known.failure).unwrap_or(Errno(libc::EIO))
    }

    /// Forgets the stream. Its buffer is returned, to be freed when the stream is closed.
    pub(super) fn forget(&self) -> *mut libc::c_void {
        let mut list = KNOWN.lock();
        let at = list.iter().position(|known| known.stream == address(self));
        let buffer = at.and_then(|at| list.swap_remove(at).buffer);
        buffer.map_or(ptr::null_mut(), |Buffer(bytes)| bytes.as_ptr())
    }
}

fn address(stream: &Stream) -> usize {
    stream.as_ptr().addr()
}

/// What is known of the stream; `None` if there are too many.
fn entry<'l>(list: &'l mut Vec<Known>, stream: &Stream) -> Option<&'l mut Known> {
    let stream = address(stream);
    let at = list.iter().position(|known| known.stream == stream).or_else(|| {
        let room = list.len() < MOST;
        room.then(|| list.push(Known { stream, buffer: None, failure: None }));
        room.then(|| list.len() - 1)
    })?;
    list.get_mut(at)
}
