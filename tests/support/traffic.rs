//! Senders: raw frames on an interface, datagrams and a TCP stream over loopback, and packets out
//! of a TUN device that claims any link type. See packet(7) and the kernel's
//! Documentation/networking/tuntap.rst.

#![allow(unsafe_code, reason = "packet sockets and TUN devices have no safe interface in std")]

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::mem::size_of;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::thread;

use super::frames::LAST_PORT;

/// Sends whole frames on one interface.
pub struct RawSender {
    socket: OwnedFd,
    to: libc::sockaddr_ll,
}

impl RawSender {
    /// A sender on the interface `name`.
    pub fn new(name: &str) -> Self {
        let c_name = CString::new(name).expect("an interface's name");
        // SAFETY: c_name is a terminated string that outlives the call.
        let index = unsafe { libc::if_nametoindex(c_name.as_ptr()) };
        assert_ne!(index, 0, "{name}: {}", io::Error::last_os_error());
        // Protocol 0: this socket only sends.
        // SAFETY: socket takes no pointers.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        assert!(fd >= 0, "packet socket: {}", io::Error::last_os_error());
        // SAFETY: all-zero is a valid sockaddr_ll.
        let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        to.sll_family = libc::AF_PACKET as u16;
        to.sll_ifindex = i32::try_from(index).expect("an interface's index");
        // SAFETY: fd was opened above and nothing else owns it.
        Self { socket: unsafe { OwnedFd::from_raw_fd(fd) }, to }
    }

    /// Sends one frame.
    pub fn send(&self, frame: &[u8]) {
        // SAFETY: frame and self.to are live for the call and the lengths are theirs.
        let sent = unsafe {
            libc::sendto(
                self.socket.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                0,
                (&raw const self.to).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        let whole = usize::try_from(sent).is_ok_and(|sent| sent == frame.len());
        assert!(whole, "send {} bytes: {}", frame.len(), io::Error::last_os_error());
    }

    /// Sends all of them in order.
    pub fn send_all(&self, frames: &[Vec<u8>]) {
        for frame in frames {
            self.send(frame);
        }
    }
}

/// Sends one datagram of each size over loopback, then one to [`LAST_PORT`].
pub fn udp_over_lo(sizes: &[usize]) {
    let receiver = UdpSocket::bind("127.0.0.1:5000").expect("a port of our own namespace");
    let last = UdpSocket::bind(("127.0.0.1", LAST_PORT)).expect("a port of our own namespace");
    let sender = UdpSocket::bind("127.0.0.1:40000").expect("a port of our own namespace");
    let mut buffer = vec![0; 65536];
    for &size in sizes {
        let payload: Vec<u8> = (0..size).map(|i| (i % 253) as u8).collect();
        sender.send_to(&payload, "127.0.0.1:5000").expect("send over lo");
        let got = receiver.recv(&mut buffer).expect("receive over lo");
        assert_eq!(got, size, "a datagram over lo");
    }
    sender.send_to(&[1; 20], ("127.0.0.1", LAST_PORT)).expect("send over lo");
    last.recv(&mut buffer).expect("receive over lo");
}

/// Moves `bytes` bytes through a TCP connection over loopback.
pub fn tcp_over_lo(bytes: usize) {
    on_one_processor(move || {
        let listener = TcpListener::bind("127.0.0.1:5000").expect("a port of our own namespace");
        let receiver = thread::spawn(move || {
            let (mut stream, _from) = listener.accept().expect("accept over lo");
            let mut got = Vec::new();
            stream.read_to_end(&mut got).expect("read over lo");
            got.len()
        });
        let mut stream = TcpStream::connect("127.0.0.1:5000").expect("connect over lo");
        stream.write_all(&vec![7; bytes]).expect("write over lo");
        drop(stream);
        assert_eq!(receiver.join().expect("the receiver ends"), bytes);
    });
}

/// Runs `f`, and the threads that it starts, on the processor that this thread is on: what several send at once
/// comes to each socket in another order.
fn on_one_processor(f: impl FnOnce() + Send + 'static) {
    let pinned = thread::spawn(move || {
        // SAFETY: no pointer is passed.
        let here = unsafe { libc::sched_getcpu() };
        let here = usize::try_from(here).expect("a processor");
        // SAFETY: numbers: all zeros is the empty set.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: a processor that there is, and `set` is readable for its size.
        unsafe {
            libc::CPU_SET(here, &mut set);
            assert_eq!(libc::sched_setaffinity(0, size_of_val(&set), &raw const set), 0);
        }
        f();
    });
    pinned.join().expect("no failure");
}

/// A TUN device: what is written to it arrives on its interface.
pub struct Tun {
    file: File,
    /// The interface's name.
    pub name: String,
}

const TUNSETIFF: libc::Ioctl = 0x4004_54ca;
const TUNSETLINK: libc::Ioctl = 0x4004_54cd;
const IFF_TUN: libc::c_short = 1;

impl Tun {
    /// Whether this user may make TUN devices here.
    pub fn allowed() -> bool {
        OpenOptions::new().read(true).write(true).open("/dev/net/tun").is_ok()
    }

    /// A device called `name` whose hardware type is `arphrd` (linux/if_arp.h), not yet up.
    pub fn new(name: &str, arphrd: u16) -> Self {
        let file = OpenOptions::new().read(true).write(true).open("/dev/net/tun");
        let file = file.expect("/dev/net/tun opens");
        // SAFETY: all-zero is a valid ifreq.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (place, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *place = byte as libc::c_char;
        }
        // With the packet information header in front, a packet of any protocol is taken.
        request.ifr_ifru.ifru_flags = IFF_TUN;
        // SAFETY: TUNSETIFF reads and writes one ifreq, which request is.
        let made = unsafe { libc::ioctl(file.as_raw_fd(), TUNSETIFF, &raw mut request) };
        assert_eq!(made, 0, "TUNSETIFF {name}: {}", io::Error::last_os_error());
        // SAFETY: TUNSETLINK takes an integer.
        let typed =
            unsafe { libc::ioctl(file.as_raw_fd(), TUNSETLINK, libc::c_ulong::from(arphrd)) };
        assert_eq!(typed, 0, "TUNSETLINK {arphrd}: {}", io::Error::last_os_error());
        Self { file, name: name.to_owned() }
    }

    /// Lets a packet arrive on the interface, as this ethertype.
    pub fn receive(&self, ethertype: u16, packet: &[u8]) {
        let bytes = [&[0, 0], &ethertype.to_be_bytes()[..], packet].concat();
        let written = (&self.file).write(&bytes).expect("write to the TUN device");
        assert_eq!(written, bytes.len(), "a packet into {}", self.name);
    }
}
