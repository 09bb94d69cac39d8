//! The packet socket: opening one as a handle's options ask, and what can be done with it while it is read.
//!
//! The order of calls is libpcap's: a socket that receives nothing yet, the interface's type, the ring, and
//! only then the protocol, so that nothing arrives before there is room for it.

use super::cooked::{self, Cooked};
use super::facts::PacketFacts;
use super::fanout;
use super::idle::Idle;
use super::meter::Meter;
use super::netns;
use super::ring::frame::{Rules, Scale, Userland};
use super::ring::{self, Aside, Opened, Ring, Sender, xdp};
use super::{Direction, Fill, Link, Port, Source, Wait};
use crate::bpf::insn::{RET_K, SKF_AD_VLAN_TAG_PRESENT};
use crate::bpf::{Insn, Program};
use crate::error::{Code, Error, Result, WarnCode, Warning};
use crate::handle::batch::{Batch, Lent};
use crate::handle::options::{Options, PRECISION_NANO};
use crate::linktype::{MAXIMUM_SNAPLEN, dlt};
use crate::sys::thread::Uncancelled;
use crate::sys::{self, Errno, iface, packet, socket};
use parking_lot::Mutex;
use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;

/// The pseudo-device that is all interfaces.
pub(super) const ANY: &str = "any";
/// Bytes of ring where the program asks for none in particular.
const DEFAULT_BUFFER: u32 = 2 << 20;
/// What a cooked capture needs at least: the longest header and a byte. QUIRK: less is raised to it.
const MIN_COOKED_SNAPSHOT: u32 = cooked::SLL2_LEN as u32 + 1;
/// While an interface is down, how often to look whether it is still there.
const NETDOWN_POLL_MS: i32 = 1;
/// Instructions of a program that SO_ATTACH_FILTER can be told of.
const MAX_KERNEL_PROGRAM: usize = u16::MAX as usize;

/// A packet socket that is being read.
pub struct PacketSocket {
    port: Arc<Port>,
    ring: Ring,
    rules: Rules,
    /// Where the last packet waits for the next read, once its frame is given back.
    aside: Aside,
    /// What the packets look like that are lent, whatever was chosen since.
    lent_as: Link,
    device: OsString,
    ifindex: i32,
    datalinks: Vec<i32>,
    buffer_size: u32,
    timeout_ms: i32,
    nonblocking: bool,
    /// The interface was down when last heard of, and may be gone.
    down: bool,
    idle: Idle,
    promiscuous: bool,
    /// Where it counts, once it does.
    meter: Option<Arc<Meter>>,
    /// The number of its fanout group.
    group: Option<u16>,
}

impl PacketSocket {
    /// Opens the device; `options` are changed to what can be had.
    pub fn open(options: &mut Options) -> Result<(Self, Option<Warning>)> {
        if options.device.len() >= libc::IFNAMSIZ {
            return Err(Error::bare(Code::NoSuchDevice));
        }
        // QUIRK: nonsense, and more than the most, are no errors.
        options.snaplen = match options.snaplen {
            n if n <= 0 || n.cast_unsigned() > MAXIMUM_SNAPLEN => MAXIMUM_SNAPLEN.cast_signed(),
            n => n,
        };
        let mut warning = None;
        let any = options.device == ANY;
        if any && options.promiscuous {
            options.promiscuous = false;
            let text = "Promiscuous mode not supported on the \"any\" device";
            warning = Some(Warning { code: WarnCode::PromiscNotSup, text: text.to_owned() });
        }
        let netns::Found { interface, warning: unknown, drops } = netns::open(options)?;
        warning = unknown.or(warning);
        let fd = interface.fd.as_fd();
        let lo_ifindex = iface::index(fd, OsStr::new("lo")).unwrap_or(-1);
        interface.prepare(options)?;
        options.tuning.prepare(fd)?;
        for membership in &options.tuning.memberships {
            membership.set(fd, interface.ifindex, true)?;
        }
        let cooked = !matches!(interface.link, Link::Raw { .. });
        let mut snapshot = options.snaplen.cast_unsigned();
        if cooked {
            snapshot = snapshot.max(MIN_COOKED_SNAPSHOT);
        }
        warning = interface.stamp_in_hardware(options)?.or(warning);
        let request = ring::Request {
            immediate: options.immediate,
            snapshot,
            timeout_ms: options.timeout_ms,
            buffer_size: if options.buffer_size == 0 {
                DEFAULT_BUFFER
            } else {
                options.buffer_size
            },
            cooked,
            tx: if cooked { None } else { interface.tx_ring(options)? },
            limits: &|| interface.limits(&options.device),
            wish: options.tuning.ring,
        };
        let Opened { ring, largest, shape, tx } = ring::open(fd, &request)?;
        options.tuning.got = shape;
        let protocol =
            if options.protocol == 0 { libc::ETH_P_ALL as u16 } else { options.protocol };
        let vlan = socket::bpf_extensions(fd).is_ok_and(|most| most >= SKF_AD_VLAN_TAG_PRESENT);
        let fanout = options.tuning.fanout_on(interface.link.dlt(), vlan)?;
        if fanout.is_some() {
            fanout::close(fd)?;
        }
        interface.bind(protocol)?;
        let place = fanout::Place { ifindex: interface.ifindex.max(0).unsigned_abs(), protocol };
        let link = interface.link;
        let made = |request: xdp::Request| match &options.tuning.netns {
            Some(namespace) => namespace.run(|| xdp::open(&request))?,
            None => xdp::open(&request),
        };
        let xdp = interface.xdp_ring(options)?.map(made).transpose()?;
        let sender = xdp.map(Sender::Xdp).or(tx.map(Sender::Frames));
        let enter = |fanout: fanout::Fanout| match &options.tuning.netns {
            // Where it can be seen who else is in the group.
            Some(namespace) => namespace.run(|| fanout.enter(fd, place, link))?,
            None => fanout.enter(fd, place, link),
        };
        let group = fanout.map(enter).transpose()?;
        let rules = Rules {
            snapshot,
            scale: if options.precision == PRECISION_NANO { Scale::Nano } else { Scale::Micro },
            direction: Direction::InOut,
            link: interface.link,
            lo_ifindex,
            not_loopback: !any && interface.ifindex != lo_ifindex,
            filter: None,
            userland: Userland::None,
            rejected: Cell::new(0),
            can_undo: Cell::new(None),
        };
        let refusal = match (any, cooked) {
            (true, _) => Some("Sending packets isn't supported on the \"any\" device"),
            (_, true) => Some("Sending packets isn't supported in cooked mode"),
            _ => None,
        };
        let port = Arc::new(Port {
            fd: interface.fd.into(),
            ifindex: interface.ifindex,
            send_refusal: refusal,
            tx: sender.map(|sender| Mutex::new(sender).into()),
            stamp_unit: if options.precision == PRECISION_NANO { 1 } else { 1000 },
            drops: drops.map(Uncancelled::from),
        });
        let source = Self {
            port,
            ring,
            rules,
            aside: Aside::default(),
            lent_as: interface.link,
            device: options.device.clone(),
            ifindex: interface.ifindex,
            datalinks: interface.datalinks,
            buffer_size: largest,
            // QUIRK: below 0 reads do not wait, as if pcap_setnonblock() had been called.
            timeout_ms: options.timeout_ms.max(!options.timeout_ms),
            nonblocking: options.timeout_ms < 0,
            down: false,
            // Who waits for the descriptor asks each time.
            idle: Idle::new(8),
            promiscuous: options.promiscuous,
            meter: None,
            group,
        };
        Ok((source, warning))
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.port.fd.as_fd()
    }

    /// Shows what was rejected until now to those who ask for the statistics.
    fn tell_rejected(&self) {
        if let Some(meter) = &self.meter {
            meter.set_rejected(self.rules.rejected.get());
        }
    }

    /// After an ENETDOWN: whether the interface is up again, and an error if it is gone.
    fn probe(&mut self) -> Result<()> {
        let gone = || Error::new("The interface disappeared");
        if self.ifindex != -1 {
            let bound = packet::bound_interface(self.fd())
                .map_err(|errno| Error::errno("getsockname failed", errno))?;
            if bound == -1 {
                return Err(gone());
            }
        }
        match iface::is_up(self.fd(), &self.device) {
            Ok(up) => {
                self.down = !up;
                Ok(())
            }
            Err(Errno(libc::ENXIO | libc::ENODEV)) => Err(gone()),
            Err(errno) => {
                Err(Error::errno(format!("{}: Can't get flags", self.device.display()), errno))
            }
        }
    }

    /// The program in the form that the kernel can run on this socket, if there is one.
    fn kernel_program(&self, program: &[Insn]) -> Option<Vec<Insn>> {
        if program.len() > MAX_KERNEL_PROGRAM {
            return None;
        }
        match self.rules.link {
            Link::Raw { can: true, .. } if !cooked::can_runs_in_kernel(program) => None,
            Link::Raw { .. } => Some(program.to_vec()),
            Link::Sll { .. } => cooked::rewrite_for_kernel(program, Cooked::Sll),
            Link::Sll2 => cooked::rewrite_for_kernel(program, Cooked::Sll2),
        }
    }

    /// Has the kernel run `program`; false if it does not.
    ///
    /// What is queued was let through by the filter before: first nothing more is let in, then what is
    /// queued is thrown away, as libpcap does. In a ring it stays, and is filtered as it is read.
    fn attach(&mut self, program: &[Insn]) -> Result<bool> {
        let nothing = [Insn::stmt(RET_K, 0)];
        let closed = socket::attach_filter(self.fd(), &nothing).is_ok();
        if closed && self.ring.is_none() {
            match drain(self.fd()) {
                Ok((down, packets)) => {
                    self.down |= down;
                    self.rules.count(packets, 0);
                }
                Err(error) => {
                    // Or nothing would come in any more.
                    let _ = self.detach();
                    return Err(error);
                }
            }
        }
        if socket::attach_filter(self.fd(), program).is_ok() {
            return Ok(true);
        }
        self.detach()?;
        Ok(false)
    }

    fn detach(&self) -> Result<()> {
        socket::detach_filter(self.fd())
            .map_err(|errno| Error::errno("can't remove kernel filter", errno))
    }
}

impl Source for PacketSocket {
    fn port(&self) -> Option<Arc<Port>> {
        Some(self.port.clone())
    }

    fn count_in(&mut self, meter: &Arc<Meter>) {
        meter.begin(self.port.fd(), self.promiscuous);
        self.meter = Some(meter.clone());
    }

    fn datalink(&self) -> i32 {
        self.rules.link.dlt()
    }

    fn datalinks(&self) -> &[i32] {
        &self.datalinks
    }

    fn set_datalink(&mut self, dlt: i32) -> Result<()> {
        self.rules.link = match self.rules.link {
            Link::Raw { can, .. } => Link::Raw { dlt, can },
            Link::Sll { .. } | Link::Sll2 if dlt == dlt::LINUX_SLL2 => Link::Sll2,
            Link::Sll { .. } | Link::Sll2 => Link::Sll { dlt },
        };
        Ok(())
    }

    fn snapshot(&self) -> u32 {
        self.rules.snapshot
    }

    fn buffer_size(&self) -> u32 {
        self.buffer_size
    }

    fn fill(&mut self, batch: &Batch) -> Result<Fill> {
        self.aside.take_back();
        self.lent_as = self.rules.link;
        let fill = self.ring.fill(&mut self.rules, batch, self.port.fd.as_fd());
        self.down |= self.ring.take_down();
        self.tell_rejected();
        if !matches!(fill, Ok(Fill::Nothing)) {
            self.idle.end();
        }
        fill
    }

    fn settle(&mut self, batch: &Batch, last: Option<&mut Lent>) {
        self.ring.settle(&mut self.rules, batch, last, &mut self.aside);
    }

    fn rewind(&mut self, batch: &Batch) {
        self.ring.rewind(&self.rules, batch);
        self.tell_rejected();
    }

    fn facts(&mut self, batch: &Batch, packet: *const u8) -> Result<PacketFacts> {
        let lent = self.ring.facts(self.lent_as, batch, packet);
        let known = lent.or_else(|| self.aside.facts(packet));
        known.ok_or_else(|| Error::new("There is no packet at this address that is lent now"))
    }

    fn wait(&self) -> Wait {
        let timeout_ms = match (self.nonblocking, self.down) {
            (true, _) => 0,
            (_, true) => NETDOWN_POLL_MS,
            // Before 3.19 a block's timeout did not wake a reader.
            _ if self.ring.has_blocks() && sys::uname().version < (3, 19) => self.timeout_ms.max(1),
            // QUIRK: the program's timeout does not end a read; a block's does, if packets are in it.
            _ => -1,
        };
        // QUIRK: a ring of blocks without a timeout ends no read on rejected packets; frames always do.
        let rejected_ends = self.nonblocking || !self.ring.has_blocks() || self.timeout_ms != 0;
        // An interface that is down is asked whether it is up again.
        let look_again = timeout_ms != 0 || self.down;
        let fd = self.port.fd.as_raw_fd();
        Wait { fd, timeout_ms, look_again, rejected_ends, to_the_end: false }
    }

    fn asks(&mut self) -> bool {
        self.down || self.idle.asks()
    }

    fn woken(&mut self, revents: i16) -> Result<()> {
        if revents & libc::POLLNVAL != 0 {
            return Err(Error::new("Invalid polling request on packet socket"));
        }
        if revents & (libc::POLLHUP | libc::POLLRDHUP) != 0 {
            return Err(Error::new("Hangup on packet socket"));
        }
        if revents & libc::POLLERR != 0 {
            let what = "Error condition on packet socket";
            match socket::pending_error(self.fd()).unwrap_or_else(|errno| errno.0) {
                // QUIRK: an interface that is down may come back; one that is removed ends the capture.
                libc::ENETDOWN => self.down = true,
                0 => return Err(Error::new(format!("{what}: Reported error was 0"))),
                errno => return Err(Error::errno(what, Errno(errno))),
            }
        }
        if self.down && revents != libc::POLLIN { self.probe() } else { Ok(()) }
    }

    fn select_timeout_ms(&self) -> i32 {
        if self.down { NETDOWN_POLL_MS } else { 0 }
    }

    fn tells_vlan_tags(&self) -> bool {
        socket::bpf_extensions(self.fd()).is_ok_and(|most| most >= SKF_AD_VLAN_TAG_PRESENT)
    }

    fn group(&self) -> Option<u16> {
        self.group
    }

    fn listen(&mut self) -> Result<()> {
        if self.group.is_some() { fanout::open(self.fd()) } else { Ok(()) }
    }

    fn set_filter(&mut self, program: Program) -> Result<()> {
        let attached = match self.kernel_program(program.insns()) {
            Some(kernel) => self.attach(&kernel)?,
            None => {
                self.detach()?;
                false
            }
        };
        self.rules.filter = Some(program);
        self.rules.userland = match attached {
            false => Userland::All,
            true => match self.ring.filled_until_now() {
                0 => Userland::None,
                n => Userland::First(n),
            },
        };
        Ok(())
    }

    fn set_direction(&mut self, direction: Direction) -> Result<()> {
        self.rules.direction = direction;
        Ok(())
    }

    fn nonblocking(&self) -> bool {
        self.nonblocking
    }

    fn set_nonblocking(&mut self, on: bool) -> Result<()> {
        socket::set_nonblocking(self.fd(), on).map_err(|errno| Error::errno("fcntl", errno))?;
        self.nonblocking = on;
        Ok(())
    }
}

/// Throws away what the socket has queued; whether it has told, once, that the interface is down, and how many
/// packets it were.
fn drain(fd: BorrowedFd<'_>) -> Result<(bool, usize)> {
    let mut byte = [0u8];
    let mut down = false;
    let mut packets = 0usize;
    loop {
        match socket::take_datagram(fd, &mut byte) {
            Ok(_) => packets = packets.wrapping_add(1),
            Err(Errno(libc::EAGAIN)) => return Ok((down, packets)),
            Err(Errno(libc::ENETDOWN)) => down = true,
            Err(errno) => return Err(Error::errno("recv failed when changing filter", errno)),
        }
    }
}
