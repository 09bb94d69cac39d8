//! Live sources of packets: what a handle needs of one, and which source a device name leads to.
//!
//! There is one so far, the packet socket. A source fills batches and says how to wait for more; waiting
//! itself, the break flag and the caller's callback are the handle's.

pub mod arphrd;
pub mod cooked;
mod environment;
pub mod facts;
pub mod fanout;
pub mod idle;
mod interface;
pub mod membership;
pub mod meter;
pub mod netns;
mod packet;
mod port;
pub mod ring;
pub mod send;
pub mod tuning;

pub use port::Port;
pub use ring::Run;

use crate::bpf::Program;
use crate::error::{Error, Result, Warning};
use crate::handle::batch::{Batch, Lent};
use crate::handle::options::{Options, TSTAMP_HOST};
use crate::linktype::dlt;
use crate::sys::{Errno, ethtool, eventfd, ifaddrs};
use facts::PacketFacts;
use meter::Meter;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::sync::Arc;

/// Which packets to see: `pcap_direction_t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Received and sent.
    #[default]
    InOut,
    /// Received.
    In,
    /// Sent.
    Out,
}

/// What the packets of a packet socket look like to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// As on the wire.
    Raw {
        /// The link type.
        dlt: i32,
        /// Whether they are CAN frames, whose identifiers the kernel keeps in host byte order.
        can: bool,
    },
    /// With a cooked header of 16 bytes, under `DLT_LINUX_SLL` or a link type of the same layout.
    Sll {
        /// The link type.
        dlt: i32,
    },
    /// With a cooked header of 20 bytes.
    Sll2,
}

impl Link {
    /// The link type that the program is told.
    pub fn dlt(self) -> i32 {
        match self {
            Self::Raw { dlt, .. } | Self::Sll { dlt } => dlt,
            Self::Sll2 => dlt::LINUX_SLL2,
        }
    }

    /// Bytes that are put in front of each packet.
    pub fn header_len(self) -> u32 {
        match self {
            Self::Raw { .. } => 0,
            Self::Sll { .. } => cooked::SLL_LEN as u32,
            Self::Sll2 => cooked::SLL2_LEN as u32,
        }
    }

    /// Where a VLAN tag goes that the kernel has stripped. QUIRK: nowhere in DLT_LINUX_SLL2.
    /// DOCSIS is another name for what an Ethernet interface hands over.
    pub fn tag_offset(self) -> Option<u32> {
        match self {
            Self::Raw { dlt: dlt::EN10MB | dlt::DOCSIS, .. } => Some(12),
            Self::Sll { dlt: dlt::LINUX_SLL } => Some(14),
            _ => None,
        }
    }
}

/// What a source found to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// The batch holds packets.
    Packets,
    /// There were packets, and none for this program.
    Rejected,
    /// There was nothing.
    Nothing,
    /// There was nothing, and there will be nothing more.
    End,
}

/// A descriptor that ends a wait: see [`crate::handle::control::Control::set_wake`].
pub fn wake() -> Result<OwnedFd> {
    eventfd::create().map_err(|errno| Error::errno("could not open eventfd", errno))
}

/// How to wait for more to read.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// Readable, or in error, when [`Source::fill`] is worth calling.
    pub fd: RawFd,
    /// For poll(2): 0 for a source that must not block.
    pub timeout_ms: i32,
    /// Whether to look once more where poll(2) has nothing to say.
    pub look_again: bool,
    /// Whether a read ends when all packets that it found were rejected.
    pub rejected_ends: bool,
    /// Whether a read that has packets waits for those that it still wants.
    pub to_the_end: bool,
}

/// Counts since activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets that the filter let through, including those dropped.
    pub received: u64,
    /// Packets dropped for want of room.
    pub dropped: u64,
    /// Packets that came into the buffer and were thrown away here, by the filter, the direction, or for they come
    /// twice.
    pub rejected: u64,
    /// Packets dropped by the interface.
    pub interface_dropped: u64,
    /// How often the kernel found no free block of a ring and stopped.
    pub freezes: u64,
}

/// An open source of packets.
pub trait Source {
    /// What other threads may use, if there is anything.
    fn port(&self) -> Option<Arc<Port>> {
        None
    }
    /// Counts from now on, if it does.
    fn count_in(&mut self, meter: &Arc<Meter>) {
        let _ = meter;
    }
    /// The link type of the packets.
    fn datalink(&self) -> i32;
    /// The link types to choose from; none means only the present one.
    fn datalinks(&self) -> &[i32];
    /// Chooses among them.
    fn set_datalink(&mut self, dlt: i32) -> Result<()>;
    /// Bytes that a packet is cut to.
    fn snapshot(&self) -> u32;
    /// Bytes of the largest packet that the buffers hold.
    fn buffer_size(&self) -> u32;
    /// Takes back what the last fill lent and lends what is there now, without waiting.
    fn fill(&mut self, batch: &Batch) -> Result<Fill>;
    /// All of `batch` has been read, and is taken back if nothing more is there, so that the descriptor
    /// does not promise what has been read. The packet `last` is still needed, and may move.
    fn settle(&mut self, batch: &Batch, last: Option<&mut Lent>);
    /// Takes back the packets of `batch` that were not read, to lend them anew by other rules.
    fn rewind(&mut self, batch: &Batch);
    /// What the kernel told of the packet that begins at `packet`, if it is one that is lent.
    fn facts(&mut self, batch: &Batch, packet: *const u8) -> Result<PacketFacts>;
    /// How to wait.
    fn wait(&self) -> Wait;
    /// Whether to ask poll(2) at all, where a read has found nothing and must not block.
    fn asks(&mut self) -> bool {
        true
    }
    /// Looks at what poll(2) said of the descriptor (0: nothing).
    fn woken(&mut self, revents: i16) -> Result<()>;
    /// The longest that a program may wait on the descriptor before it reads anyway, in milliseconds; 0 for as long as
    /// it takes.
    fn select_timeout_ms(&self) -> i32;
    /// Whether filters can ask the kernel for the VLAN tags that it takes out of packets.
    fn tells_vlan_tags(&self) -> bool;
    /// The number of the fanout group that it is in.
    fn group(&self) -> Option<u16> {
        None
    }
    /// Begins to take packets, where the source does not from the moment that it is open: in a fanout group.
    fn listen(&mut self) -> Result<()> {
        Ok(())
    }
    /// Lets through only what `program` accepts, from the next packet to be read on.
    fn set_filter(&mut self, program: Program) -> Result<()>;
    /// Lets through only packets of `direction`.
    fn set_direction(&mut self, direction: Direction) -> Result<()>;
    /// Whether a read waits.
    fn nonblocking(&self) -> bool;
    /// Chooses whether it does.
    fn set_nonblocking(&mut self, on: bool) -> Result<()>;
}

/// Opens what `options.device` names, as they and the environment ask. Options that cannot be had as asked are changed
/// to what is; if nothing comes of it, they stay as they were.
pub fn open(options: &mut Options) -> Result<(Box<dyn Source>, Option<Warning>)> {
    let mut wanted = options.clone();
    environment::apply(&mut wanted)?;
    let (source, warning) = packet::PacketSocket::open(&mut wanted)?;
    *options = wanted;
    Ok((Box::new(source), warning))
}

/// `linux/net_tstamp.h`'s capabilities and the `PCAP_TSTAMP_*` types that rest on them.
const TSTAMP_CAPABILITIES: [(u32, i32); 3] = [
    (1 << 4, TSTAMP_HOST),
    (1 << 5, crate::names::tstamp::ADAPTER),
    (1 << 6, crate::names::tstamp::ADAPTER_UNSYNCED),
];
/// `HWTSTAMP_FILTER_ALL` as a bit of the filters that a driver offers.
const STAMPS_ALL: u32 = 1 << 1;

/// The time stamp types that `device` offers, none meaning the host's only.
pub fn tstamp_types(device: &OsStr) -> Result<Vec<i32>> {
    let types = |bits: u32| {
        TSTAMP_CAPABILITIES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, t)| *t).collect()
    };
    if device == packet::ANY {
        return Ok(Vec::new());
    }
    let socket = ifaddrs::device_socket()
        .map_err(|errno| Error::errno("socket for SIOCETHTOOL(ETHTOOL_GET_TS_INFO)", errno))?;
    match ethtool::ts_info(socket.as_fd(), device) {
        Ok(info) if info.rx_filters & STAMPS_ALL != 0 => Ok(types(info.so_timestamping)),
        Ok(_) | Err(Errno(libc::ENODEV)) => Ok(Vec::new()),
        Err(Errno(libc::EOPNOTSUPP | libc::EINVAL)) => Ok(types(u32::MAX)),
        Err(errno) => {
            let what =
                format!("{}: SIOCETHTOOL(ETHTOOL_GET_TS_INFO) ioctl failed", device.display());
            Err(Error::errno(what, errno))
        }
    }
}
