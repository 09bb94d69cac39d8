//! What a thread carries with it: cancellation, pthread_setcancelstate(3), signals, pthread_sigmask(3), and whether
//! it panics in silence.

use std::cell::Cell;
use std::ffi::c_int;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::Deref;

thread_local! {
    /// Whether this thread is where a panic becomes an error.
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f`, whose panics the caller catches and tells of: they print nothing.
pub fn silenced<R>(f: impl FnOnce() -> R) -> R {
    // Where a thread's own lies is looked up once: that is what takes time.
    SILENT.with(|silent| {
        let outer = silent.replace(true);
        let result = f();
        silent.set(outer);
        result
    })
}

/// Whether they print nothing.
pub fn is_silent() -> bool {
    SILENT.get()
}

/// Runs `f` with all signals blocked, which a thread that it starts inherits for good.
pub fn with_signals_blocked<R>(f: impl FnOnce() -> R) -> R {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are writable; sigfillset fills the one before it is read.
    let blocked = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) == 0
    };
    let result = f();
    if blocked {
        // SAFETY: the call above has filled `before`.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        }
    }
    result
}

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
}

/// `PTHREAD_CANCEL_DISABLE` of `pthread.h`.
const DISABLE: c_int = 1;

/// What a thread's cancelability was.
#[derive(Clone, Copy, Debug)]
pub struct CancelState(c_int);

/// Puts off a cancellation of this thread until [`CancelState::restore`].
pub fn hold_cancellation() -> CancelState {
    let mut old = DISABLE;
    // SAFETY: `old` is writable.
    unsafe { pthread_setcancelstate(DISABLE, &raw mut old) };
    CancelState(old)
}

impl CancelState {
    /// Back to what it was; a cancellation meanwhile takes effect at the next call that is a point for it.
    pub fn restore(self) {
        let mut old = DISABLE;
        // SAFETY: `old` is writable, and the state is one that the call itself has told.
        unsafe { pthread_setcancelstate(self.0, &raw mut old) };
    }
}

/// Makes a call that would be a point of cancellation, and is none this way.
pub fn uncancelled<R>(call: impl FnOnce() -> R) -> R {
    let cancel = hold_cancellation();
    let result = call();
    cancel.restore();
    result
}

/// A value with descriptors, whose end is no point of cancellation, as closing them would be: whoever is the last to
/// use it ends it.
#[derive(Debug)]
pub struct Uncancelled<T>(ManuallyDrop<T>);

impl<T> From<T> for Uncancelled<T> {
    fn from(value: T) -> Self {
        Self(ManuallyDrop::new(value))
    }
}

impl<T> Deref for Uncancelled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Drop for Uncancelled<T> {
    fn drop(&mut self) {
        // SAFETY: here only, where nothing uses it any more.
        uncancelled(|| unsafe { ManuallyDrop::drop(&mut self.0) });
    }
}
