//! The kernel's own machine: a filter on an `AF_UNIX` datagram socket, which needs no privilege.

#![allow(unsafe_code, reason = "attaches filters through libc")]
#![allow(dead_code, reason = "every test program uses its own part of this")]

use pcap::bpf::Insn;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;

/// A pair of sockets, the second of which filters.
pub struct Kernel {
    from: UnixDatagram,
    to: UnixDatagram,
}

impl Kernel {
    pub fn new() -> Self {
        let (to, from) = UnixDatagram::pair().expect("a socket pair");
        to.set_nonblocking(true).expect("a non-blocking socket");
        Self { from, to }
    }

    /// Has the kernel check and run a program from now on.
    pub fn attach(&self, insns: &[Insn]) -> io::Result<()> {
        let program = libc::sock_fprog {
            len: u16::try_from(insns.len()).map_err(io::Error::other)?,
            filter: insns.as_ptr().cast_mut().cast::<libc::sock_filter>(),
        };
        // SAFETY: the option takes one sock_fprog, which points at `len` instructions of the
        // kernel's own layout; the kernel only reads them.
        let rc = unsafe {
            libc::setsockopt(
                self.to.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_ATTACH_FILTER,
                (&raw const program).cast(),
                size_of::<libc::sock_fprog>() as u32,
            )
        };
        if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// How much of a packet, which is not empty, gets through; 0 when it is dropped.
    pub fn run(&self, packet: &[u8]) -> u32 {
        self.from.send(packet).expect("a datagram that fits");
        let mut buf = [0; 4096];
        self.to.recv(&mut buf).map_or(0, |n| n as u32)
    }
}
