//! The kernel as the judge of programs: `SO_ATTACH_FILTER` on an `AF_UNIX` datagram socket needs no
//! privilege, checks like a packet socket, and cuts a datagram to what the program returns.
#![allow(unsafe_code, reason = "attaches filters through libc")]

use pcap::bpf::Insn;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;

/// A socket that programs are attached to, and one that sends to it.
pub struct Kernel {
    to: UnixDatagram,
    from: UnixDatagram,
}

impl Kernel {
    pub fn new() -> io::Result<Self> {
        let (to, from) = UnixDatagram::pair()?;
        to.set_nonblocking(true)?;
        Ok(Self { to, from })
    }

    /// Has the kernel filter by `insns` from now on.
    pub fn attach(&self, insns: &[Insn]) -> io::Result<()> {
        let program = libc::sock_fprog {
            len: u16::try_from(insns.len()).map_err(io::Error::other)?,
            filter: insns.as_ptr().cast_mut().cast::<libc::sock_filter>(),
        };
        // SAFETY: the option takes one sock_fprog, which points at `len` instructions of the kernel's
        // own layout; the kernel only reads them.
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

    /// How much of `packet`, which is not empty, gets through; 0 if it is dropped.
    pub fn filter(&self, packet: &[u8]) -> io::Result<u32> {
        self.from.send(packet)?;
        let mut buf = [0; 65536];
        match self.to.recv(&mut buf) {
            Ok(n) => Ok(n as u32),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }
}
