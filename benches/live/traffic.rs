//! The sending side: raw frames at a rate, and bulk TCP.

use std::ffi::CStr;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// The "local experimental" EtherType: no protocol of the kernel takes these frames.
pub const ETHERTYPE: [u8; 2] = [0x88, 0xb5];
/// No sending loop runs longer.
const LONGEST: Duration = Duration::from_secs(20);
/// Frames per sendmmsg(2): as many as a network card that coalesces interrupts may hand over at once.
const BATCH: usize = 32;

/// Puts the calling thread on one CPU; reader and sender must not share one.
pub fn pin(cpu: usize) {
    // SAFETY: a zeroed cpu_set_t is an empty set, and its size is passed along.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
    }
}

/// A raw socket that sends on one device and receives nothing.
pub struct Sender {
    fd: i32,
}

impl Sender {
    pub fn new(device: &CStr) -> Result<Self, String> {
        let failed = |what: &str| format!("{what}: {}", io::Error::last_os_error());
        // SAFETY: no pointers; protocol 0 receives nothing.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(failed("packet socket"));
        }
        let sender = Self { fd };
        // SAFETY: a zeroed sockaddr_ll is valid; address, option value and their sizes match.
        let rc = unsafe {
            let mut addr: libc::sockaddr_ll = std::mem::zeroed();
            addr.sll_family = libc::AF_PACKET as u16;
            addr.sll_ifindex = libc::if_nametoindex(device.as_ptr()) as i32;
            let one = 1i32;
            let (level, option) = (libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS);
            libc::setsockopt(fd, level, option, (&raw const one).cast(), 4);
            libc::bind(fd, (&raw const addr).cast(), size_of_val(&addr) as u32)
        };
        if rc == 0 { Ok(sender) } else { Err(failed("bind")) }
    }

    /// Sends `count` frames of `size` bytes, at `rate` per second or as fast as it goes. Returns
    /// how many the kernel took.
    pub fn flood(&self, size: usize, count: usize, rate: Option<u32>) -> usize {
        let mut frame = vec![0u8; size];
        frame[..12].copy_from_slice(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
        frame[12..14].copy_from_slice(&ETHERTYPE);
        let mut iov = libc::iovec { iov_base: frame.as_mut_ptr().cast(), iov_len: size };
        // SAFETY: a zeroed mmsghdr is an empty message.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        for m in &mut messages {
            m.msg_hdr.msg_iov = &raw mut iov;
            m.msg_hdr.msg_iovlen = 1;
        }
        let start = Instant::now();
        let mut sent = 0;
        while sent < count && start.elapsed() < LONGEST {
            if let Some(rate) = rate {
                let due = Duration::from_secs_f64(sent as f64 / f64::from(rate));
                while start.elapsed() < due {
                    std::hint::spin_loop();
                }
            }
            let n = BATCH.min(count - sent) as u32;
            // SAFETY: `n` of the messages, each with one buffer that lives until the end.
            let took = unsafe { libc::sendmmsg(self.fd, messages.as_mut_ptr(), n, 0) };
            sent += usize::try_from(took).unwrap_or(0);
        }
        sent
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // SAFETY: opened by new() and closed only here.
        unsafe { libc::close(self.fd) };
    }
}

/// Accepts one connection and reads it to its end.
pub fn sink(listener: &TcpListener) -> io::Result<usize> {
    let (mut stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(LONGEST))?;
    let mut buf = vec![0u8; 1 << 20];
    let mut total = 0;
    loop {
        match stream.read(&mut buf)? {
            0 => return Ok(total),
            n => total += n,
        }
    }
}

/// Sends `bytes` over one connection, in writes large enough for segments of 64 KiB.
pub fn source(address: (&str, u16), bytes: usize) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_write_timeout(Some(LONGEST))?;
    let block = vec![0u8; 1 << 20];
    let start = Instant::now();
    let mut left = bytes;
    while left > 0 && start.elapsed() < LONGEST {
        let n = left.min(block.len());
        stream.write_all(&block[..n])?;
        left -= n;
    }
    Ok(())
}
