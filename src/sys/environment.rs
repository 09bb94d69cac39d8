//! What the environment says to programs that may listen to it: secure_getenv(3).

use std::ffi::{CStr, OsStr, OsString, c_char};
use std::os::unix::ffi::OsStrExt as _;

unsafe extern "C" {
    fn secure_getenv(name: *const c_char) -> *mut c_char;
}

/// The value of `name`; none in a program that runs with more privileges than who started it.
pub fn secure(name: &CStr) -> Option<OsString> {
    // SAFETY: `name` is terminated.
    let value = unsafe { secure_getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: a terminated string of the environment's, which is copied before anything else is done.
    let value = unsafe { CStr::from_ptr(value) };
    Some(OsStr::from_bytes(value.to_bytes()).to_owned())
}
