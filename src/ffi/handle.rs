//! The object behind `pcap_t *`.
//!
//! Its memory is never given back: closed handles wait in a pool for the next pcap_create(). So a loop whose
//! callback closes the handle, a longjmp out of it, and a program that uses a handle after closing it all find a
//! handle, which says that it is closed.

use super::boundary::{error_text, guard, guard_step, refuse, set_errbuf, unfailing};
use super::types::{PCAP_ERRBUF_SIZE, PCAP_ERROR, pcap_pkthdr};
use crate::error::{Error, Known, KnownText, Result};
use crate::handle::batch::Lent;
use crate::handle::{ACTIVATED, Handle};
use parking_lot::Mutex;
use std::cell::UnsafeCell;
use std::ffi::{c_char, c_int};
use std::sync::atomic::{AtomicPtr, Ordering};

/// What C programs hold.
#[allow(non_camel_case_types, reason = "C's own name")]
pub struct pcap_t {
    /// What it does.
    pub handle: Handle,
    /// What pcap_geterr() points to.
    errbuf: UnsafeCell<[c_char; PCAP_ERRBUF_SIZE]>,
    /// What pcap_next_ex() points to.
    header: UnsafeCell<pcap_pkthdr>,
    /// What pcap_get_required_select_timeout() points to.
    timeout: UnsafeCell<libc::timeval>,
}

static UNSOUND: Known =
    Known::new("this handle cannot be used after an internal error in libpcap-rs");

fn unsound() -> Error {
    Error::Known(&UNSOUND)
}

#[cold]
fn broken() -> Error {
    Error::panicked("internal error in libpcap-rs")
}

/// Handles that are not in use: the one that was closed last, and the others.
static LAST: AtomicPtr<pcap_t> = AtomicPtr::new(std::ptr::null_mut());
static POOL: Mutex<Vec<Spare>> = Mutex::new(Vec::new());

struct Spare(&'static pcap_t);

// SAFETY: a handle in the pool is closed, and owns nothing that is bound to a thread.
unsafe impl Send for Spare {}

impl pcap_t {
    /// A handle that is closed, for the caller to bring to life.
    fn spare() -> &'static Self {
        let last = LAST.swap(std::ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: NULL or a handle, which is never unmapped.
        if let Some(h) = unsafe { last.as_ref() } {
            return h;
        }
        if let Some(Spare(h)) = POOL.lock().pop() {
            return h;
        }
        Box::leak(Box::new(Self {
            handle: Handle::default(),
            errbuf: UnsafeCell::new([0; PCAP_ERRBUF_SIZE]),
            header: UnsafeCell::new(Lent::NONE.header),
            timeout: UnsafeCell::new(libc::timeval { tv_sec: 0, tv_usec: 0 }),
        }))
    }

    /// Keeps a closed handle for the next one who needs one.
    fn give_back(&'static self) {
        let before = LAST.swap(std::ptr::from_ref(self).cast_mut(), Ordering::AcqRel);
        // SAFETY: NULL or a handle, which is never unmapped.
        if let Some(before) = unsafe { before.as_ref() } {
            POOL.lock().push(Spare(before));
        }
    }

    /// A handle that `begin` has brought to life.
    pub fn open(begin: impl FnOnce(&Handle) -> Result<()>) -> Result<*mut Self> {
        let h = Self::spare();
        h.set_error("");
        match begin(&h.handle) {
            Ok(()) => Ok(std::ptr::from_ref(h).cast_mut()),
            Err(error) => {
                h.give_back();
                Err(error)
            }
        }
    }

    /// Gives up everything and goes back to the pool.
    pub fn close(&'static self) {
        if self.handle.close_dead() || self.close_source() {
            self.give_back();
        }
    }

    /// As [`pcap_t::close`], of one with more to give up. False if it was closed before, or while a step of another
    /// thread holds it: it is not ours to give back then.
    #[inline(never)]
    fn close_source(&self) -> bool {
        !self.handle.is_closed() && guard(|| self.handle.close()).is_ok()
    }

    /// Runs an operation, unless an earlier one has panicked; what fails is told in the error buffer. QUIRK: what
    /// goes well leaves the last failure's text there.
    pub fn run<R>(&self, f: impl FnOnce(&Self) -> Result<R>) -> Result<R> {
        let result = if self.is_sound() { guard(|| f(self)) } else { Err(unsound()) };
        result.inspect_err(|error| self.tell(error))
    }

    /// As [`pcap_t::run`], for a step of a read, which comes by no point of cancellation.
    pub fn run_step<R>(&self, f: impl FnOnce(&Self) -> Result<R>) -> Result<R> {
        let result = if self.is_sound() { guard_step(|| f(self)) } else { Err(unsound()) };
        result.inspect_err(|error| self.tell(error))
    }

    /// As [`pcap_t::run`], for an `f` as [`unfailing`]'s; what fails is left for [`pcap_t::tell`].
    #[inline]
    pub fn attempt<R>(&self, f: impl FnOnce(&Self) -> Result<R>) -> Result<R> {
        if !self.is_sound() {
            return Err(unsound());
        }
        unfailing(|| f(self)).unwrap_or_else(|| Err(broken()))
    }

    /// Whether no panic has left it in who knows which state.
    #[inline]
    fn is_sound(&self) -> bool {
        !self.handle.told.refuses()
    }

    /// Tells why no option can be changed: it is active, or not sound.
    #[cold]
    #[inline(never)]
    pub fn refuse_options(&self) -> c_int {
        refuse(self, if self.is_sound() { &ACTIVATED } else { &UNSOUND })
    }

    /// Tells of a panic, after which it is not sound.
    #[cold]
    pub fn refuse_broken(&self) -> c_int {
        self.tell(&broken());
        PCAP_ERROR
    }

    /// Tells a failure in the error buffer.
    #[cold]
    pub fn tell(&self, error: &Error) {
        match error {
            Error::Bare(_) => {}
            Error::Known(known) => self.tell_known(known),
            Error::Made(_) if error.text().is_empty() => {}
            Error::Made(_) => self.set_error(error.text()),
        }
        if error.has_panicked() {
            self.handle.told.refuse();
        }
    }

    /// As [`pcap_t::tell`], of what is told often.
    #[inline]
    pub fn tell_known(&self, known: &Known) {
        const { assert!(size_of::<KnownText>() <= PCAP_ERRBUF_SIZE) };
        let text = known.text().padded();
        // SAFETY: the buffer is this handle's own, and has room for any such text; see also `set_error`.
        unsafe { text.as_ptr().copy_to_nonoverlapping(self.errbuf().cast(), text.len()) };
    }

    /// Puts `text` into the error buffer.
    pub fn set_error(&self, text: &str) {
        // SAFETY: the buffer is this handle's own, and has that size. Two threads that fail at once may mix
        // their texts, as with libpcap; each leaves a terminator at the end at worst.
        unsafe { set_errbuf(self.errbuf(), text) };
    }

    /// Puts an error's text, or its code's, into the error buffer.
    pub fn set_failure(&self, error: &Error) {
        self.set_error(error_text(error));
    }

    /// The error buffer, which never moves.
    pub fn errbuf(&self) -> *mut c_char {
        self.errbuf.get().cast()
    }

    /// The header that pcap_next_ex() lends.
    pub fn header(&self) -> *mut pcap_pkthdr {
        self.header.get()
    }

    /// The time that pcap_get_required_select_timeout() lends.
    pub fn lend_timeout(&self, ms: i32) -> *const libc::timeval {
        let timeval =
            libc::timeval { tv_sec: (ms / 1000).into(), tv_usec: (ms % 1000 * 1000).into() };
        // SAFETY: this handle's own, which nobody of ours reads. Two threads that ask at once write the same.
        unsafe { self.timeout.get().write(timeval) };
        self.timeout.get()
    }
}
