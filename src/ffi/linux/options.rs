//! Options of the socket, and of its ring.

use crate::capture::netns::Netns;
use crate::capture::ring::{Shape, Version};
use crate::error::{Error, Result};
use crate::ffi::boundary::{name, null, with_handle};
use crate::ffi::config::set;
use crate::ffi::handle::pcap_t;
use crate::handle::options::Options;
use crate::sys::Errno;
use std::ffi::{c_char, c_int};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// Sets an option of a handle that is not active, if it can be that.
///
/// # Safety
/// `p` is NULL or a handle.
unsafe fn try_set(p: *mut pcap_t, change: impl FnOnce(&mut Options) -> Result<()>) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { with_handle(p, |h| h.handle.configure(change)?.map(|()| 0)) }
}

/// A size in bytes; 0 is the default.
fn size(what: &str, bytes: c_int) -> Result<u32> {
    u32::try_from(bytes).map_err(|_| Error::new(format!("{what} can't be {bytes} bytes")))
}

/// Whether to capture nothing of what the host sends.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_ignore_outgoing_linux(p: *mut pcap_t, ignore: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { set(p, |options| options.tuning.ignore_outgoing = ignore != 0) }
}

/// The version of the ring: 1, 2 or 3, or 0 for the one that libpcap would choose.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_ring_version_linux(p: *mut pcap_t, version: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        try_set(p, |options| {
            let known = Version::by_number(version);
            if known.is_none() && version != 0 {
                return Err(Error::new(format!("there is no version {version} of packet rings")));
            }
            options.tuning.ring.version = known;
            Ok(())
        })
    }
}

/// The size of the ring's blocks, rounded up to what the kernel takes; 0 is the default.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_ring_block_size_linux(p: *mut pcap_t, bytes: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        try_set(p, |options| {
            options.tuning.ring.block_size = size("a ring's block", bytes)?;
            Ok(())
        })
    }
}

/// The size of the ring's frames, rounded up to what the kernel takes; 0 is the default.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_ring_frame_size_linux(p: *mut pcap_t, bytes: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        try_set(p, |options| {
            options.tuning.ring.frame_size = size("a ring's frame", bytes)?;
            Ok(())
        })
    }
}

/// For how long a block may be held back, 0 for as long as the kernel finds good, below 0 for as long as packets may be.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_ring_block_timeout_linux(p: *mut pcap_t, ms: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { set(p, |options| options.tuning.ring.block_timeout_ms = u32::try_from(ms).ok()) }
}

/// Whether the kernel is to tell each packet's receive hash.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_rxhash_linux(p: *mut pcap_t, on: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe { set(p, |options| options.tuning.ring.rxhash = on != 0) }
}

/// A ring as it was got.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct pcap_ring_linux {
    /// The size of this structure, set by who asks.
    pub size: u32,
    /// 1, 2 or 3; 0 if there is no ring, and nothing else to tell.
    pub version: u32,
    /// Bytes of a block.
    pub block_size: u32,
    /// How many blocks there are.
    pub blocks: u32,
    /// Bytes of a frame.
    pub frame_size: u32,
    /// How many frames there are.
    pub frames: u32,
    /// For how many milliseconds a block is held back; 0: as the kernel finds good; -1: until it is full.
    pub block_timeout_ms: c_int,
    /// Whether packets have a receive hash.
    pub rxhash: c_int,
}

impl From<Shape> for pcap_ring_linux {
    fn from(shape: Shape) -> Self {
        Self {
            size: 0,
            version: shape.version.number().unsigned_abs(),
            block_size: shape.block_size,
            blocks: shape.blocks,
            frame_size: shape.frame_size,
            frames: shape.frames,
            block_timeout_ms: shape.block_timeout_ms.cast_signed(),
            rxhash: shape.rxhash.into(),
        }
    }
}

/// What the ring is like that the handle reads from.
///
/// # Safety
/// `p` is NULL or a handle; `ring` is NULL or has its own size in its first member.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_get_ring_linux(p: *mut pcap_t, ring: *mut pcap_ring_linux) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        with_handle(p, |h| {
            let got = h.handle.options(|options| options.tuning.got)?;
            if ring.is_null() {
                return Err(null());
            }
            // The size that the program was compiled with may be less than ours.
            let size = ring.cast::<u32>().read_unaligned();
            let told = pcap_ring_linux { size, ..got.map(Into::into).unwrap_or_default() };
            let len = size_of_val(&told).min(size as usize);
            if len < size_of_val(&size) {
                return Err(Error::new("the size of a struct pcap_ring_linux is not set"));
            }
            ring.cast::<u8>().copy_from((&raw const told).cast(), len);
            Ok(0)
        })
    }
}

/// For how many microseconds a read that finds nothing has the driver look for packets; 0 for none.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_busy_poll_linux(p: *mut pcap_t, microseconds: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        try_set(p, |options| {
            options.tuning.busy_poll_us = u32::try_from(microseconds).map_err(|_| {
                Error::new(format!("can't poll busily for {microseconds} microseconds"))
            })?;
            Ok(())
        })
    }
}

/// The network namespace to capture in, by what stands for it in the file system; NULL or "" for the program's.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP); `path` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_netns_linux(p: *mut pcap_t, path: *const c_char) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        let path = name(path).filter(|path| !path.is_empty());
        // A descriptor may be closed here, where a thread can be cancelled.
        try_set(p, |options| {
            options.set_netns(path.map(Netns::Path));
            Ok(())
        })
    }
}

/// The same, by a descriptor, which is copied; -1 for the program's.
///
/// # Safety
/// As pcap_set_snaplen(3PCAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcap_set_netns_fd_linux(p: *mut pcap_t, fd: c_int) -> c_int {
    // SAFETY: forwarded contract.
    unsafe {
        try_set(p, |options| {
            let netns = match fd {
                ..0 => None,
                fd => {
                    // SAFETY: a number that is no descriptor of the caller's is refused by the call.
                    let copy =
                        BorrowedFd::borrow_raw(fd).try_clone_to_owned().map_err(|error| {
                            let errno = Errno(error.raw_os_error().unwrap_or(libc::EBADF));
                            Error::errno(format!("can't copy descriptor {fd}"), errno)
                        })?;
                    Some(Netns::Descriptor(Arc::new(copy), fd))
                }
            };
            options.set_netns(netns);
            Ok(())
        })
    }
}
