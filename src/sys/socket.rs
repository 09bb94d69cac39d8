//! Calls that work on any socket: options, filters, sending, descriptor flags.

use super::thread::uncancelled;
use super::{Errno, Sys, check, check_len};
use crate::bpf::Insn;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

/// A type that the kernel reads or writes as a socket option: plain numbers, every bit pattern a value.
pub trait OptionValue: Copy {
    /// All zeros.
    fn zeroed() -> Self;
}

macro_rules! option_values {
    ($($t:ty),*) => { $(
        impl OptionValue for $t {
            fn zeroed() -> Self {
                // SAFETY: integers and arrays of integers only: all zeros is a value.
                unsafe { std::mem::zeroed() }
            }
        }
    )* };
}

option_values!(
    libc::c_int,
    libc::packet_mreq,
    libc::tpacket_req,
    libc::tpacket_req3,
    libc::tpacket_stats,
    libc::tpacket_stats_v3,
    libc::xdp_mmap_offsets,
    libc::xdp_umem_reg
);

/// setsockopt(2).
pub fn set<T: OptionValue>(fd: BorrowedFd<'_>, level: i32, name: i32, value: T) -> Sys<()> {
    let len = size_of::<T>() as libc::socklen_t;
    // SAFETY: `value` is readable for its own size.
    check(unsafe {
        libc::setsockopt(fd.as_raw_fd(), level, name, (&raw const value).cast(), len)
    })?;
    Ok(())
}

/// getsockopt(2). `value` goes in too: some options read it, and what the kernel does not fill stays.
pub fn get<T: OptionValue>(fd: BorrowedFd<'_>, level: i32, name: i32, mut value: T) -> Sys<T> {
    let mut len = size_of::<T>() as libc::socklen_t;
    // SAFETY: `value` is writable for its own size, which `len` tells the kernel.
    check(unsafe {
        libc::getsockopt(fd.as_raw_fd(), level, name, (&raw mut value).cast(), &raw mut len)
    })?;
    Ok(value)
}

/// The error that waits on the socket (SO_ERROR), 0 for none; reading it clears it.
pub fn pending_error(fd: BorrowedFd<'_>) -> Sys<i32> {
    get(fd, libc::SOL_SOCKET, libc::SO_ERROR, 0)
}

/// Up to which distance from `SKF_AD_OFF` the kernel knows what to load (SO_BPF_EXTENSIONS, since 3.14).
pub fn bpf_extensions(fd: BorrowedFd<'_>) -> Sys<u32> {
    let most: libc::c_int = get(fd, libc::SOL_SOCKET, libc::SO_BPF_EXTENSIONS, 0)?;
    Ok(u32::try_from(most).unwrap_or(0))
}

/// Has the kernel run `program` on everything that the socket receives from now on.
pub fn attach_filter(fd: BorrowedFd<'_>, program: &[Insn]) -> Sys<()> {
    set_program(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, program)
}

/// `struct sock_fprog`, without a byte that is not set.
#[repr(C)]
struct Fprog {
    len: u16,
    zero: [u8; size_of::<usize>() - 2],
    filter: *const Insn,
}

const _: () = assert!(size_of::<Fprog>() == size_of::<libc::sock_fprog>());

/// setsockopt(2) of an option that is a program.
pub fn set_program(fd: BorrowedFd<'_>, level: i32, name: i32, program: &[Insn]) -> Sys<()> {
    let len = u16::try_from(program.len()).map_err(|_| Errno(libc::EINVAL))?;
    let prog = Fprog { len, zero: [0; size_of::<usize>() - 2], filter: program.as_ptr() };
    // SAFETY: `prog` points to `len` instructions, which have the layout of `sock_filter`; the kernel copies
    // them and writes nothing.
    check(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            level,
            name,
            (&raw const prog).cast(),
            size_of::<Fprog>() as libc::socklen_t,
        )
    })?;
    Ok(())
}

/// Takes the socket's filter away; no filter is no error.
pub fn detach_filter(fd: BorrowedFd<'_>) -> Sys<()> {
    match set(fd, libc::SOL_SOCKET, libc::SO_DETACH_FILTER, 0) {
        Err(Errno(libc::ENOENT | libc::ENONET)) => Ok(()),
        other => other,
    }
}

/// send(2): the number of bytes that went. No point of cancellation, as libc's function is: to put that off for each
/// packet takes longer than all else that is done for it here.
pub fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> Sys<usize> {
    let (at, len, none) = (bytes.as_ptr(), bytes.len(), std::ptr::null::<libc::sockaddr>());
    // SAFETY: the arguments of sendto(2): `bytes` is readable for its length, and there is no address.
    let sent = unsafe { libc::syscall(libc::SYS_sendto, fd.as_raw_fd(), at, len, 0, none, 0usize) };
    match isize::try_from(sent).map_or(Ok(0), check_len) {
        // Before 4.3 some machines have one system call for all that is done with sockets.
        Err(Errno(libc::ENOSYS)) => uncancelled(|| {
            // SAFETY: as above.
            check_len(unsafe { libc::send(fd.as_raw_fd(), at.cast(), len, 0) })
        }),
        result => result,
    }
}

/// Takes the next datagram without waiting: writes what fits into `buf` and returns its whole length.
pub fn take_datagram(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Sys<usize> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
    uncancelled(|| {
        // SAFETY: `buf` is writable for its length.
        check_len(unsafe { libc::recv(fd.as_raw_fd(), buf.as_mut_ptr().cast(), buf.len(), flags) })
    })
}

/// A second descriptor for what `fd` stands for, which may be nothing; it is closed on exec.
pub fn duplicate(fd: RawFd) -> Sys<OwnedFd> {
    // SAFETY: no pointer is passed.
    let new = check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) })?;
    // SAFETY: the kernel has just handed this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(new) })
}

/// Whether the descriptor has `O_NONBLOCK`.
pub fn is_nonblocking(fd: BorrowedFd<'_>) -> Sys<bool> {
    // SAFETY: no pointer is passed.
    let flags = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })?;
    Ok(flags & libc::O_NONBLOCK != 0)
}

/// Sets or clears `O_NONBLOCK`.
pub fn set_nonblocking(fd: BorrowedFd<'_>, on: bool) -> Sys<()> {
    // SAFETY: no pointer is passed.
    let flags = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })?;
    let wanted = if on { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
    // SAFETY: no pointer is passed.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, wanted) })?;
    Ok(())
}
