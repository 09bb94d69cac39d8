//! Objects of extended BPF that somebody else has made: bpf(2).

use super::{Errno, Sys};
use std::ffi::{CString, OsStr};
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

/// `BPF_OBJ_GET` of `linux/bpf.h`.
const OBJ_GET: libc::c_int = 7;

/// The part of `union bpf_attr` that belongs to it.
#[repr(C)]
struct Object {
    pathname: u64,
    bpf_fd: u32,
    file_flags: u32,
}

/// Opens what is pinned at `path`.
pub fn pinned(path: &OsStr) -> Sys<OwnedFd> {
    let path = CString::new(path.as_bytes()).map_err(|_| Errno(libc::EINVAL))?;
    let attr = Object { pathname: path.as_ptr() as u64, bpf_fd: 0, file_flags: 0 };
    // SAFETY: `attr` is readable for its size, and its path is terminated; both outlive the call.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, OBJ_GET, &raw const attr, size_of::<Object>()) };
    let fd = libc::c_int::try_from(fd).ok().filter(|fd| *fd >= 0).ok_or_else(Errno::last)?;
    // SAFETY: the kernel has just handed this descriptor to us alone; it closes on exec by itself.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
