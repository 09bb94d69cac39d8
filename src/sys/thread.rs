//! Cancellation of threads: pthread_setcancelstate(3).

use std::ffi::c_int;

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
