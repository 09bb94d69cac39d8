//! Creating a ring: the version, the room in front of packets, the sizes, the mapping.

use super::frames;
use super::layout::{SockaddrLl, align};
use super::run::HEADERS;
use super::{Geometry, Ring, memory::Memory, recvmsg::Reader, tx, v3};
use crate::error::{Error, Result};
use crate::linktype::MAXIMUM_SNAPLEN;
use crate::sys::{Errno, mmap::Mapping, socket};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// What the ring is for.
pub struct Request<'a> {
    /// Packets are wanted at once, not by the block.
    pub immediate: bool,
    /// Bytes wanted of each packet.
    pub snapshot: u32,
    /// For how long a block may be held back; below 0 the kernel decides.
    pub timeout_ms: i32,
    /// Bytes of ring.
    pub buffer_size: u32,
    /// Whether room for a cooked header is needed.
    pub cooked: bool,
    /// A ring to send from, too.
    pub tx: Option<tx::Request>,
    /// Asks how large packets get, which only rings of frames need to know.
    pub limits: &'a dyn Fn() -> Result<Limits>,
    /// What the program wants of the ring itself.
    pub wish: Wish,
}

/// What a program wants of a ring, each to be rounded to what the kernel accepts. Of the sizes, 0 leaves the choice
/// to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// This version and no other.
    pub version: Option<Version>,
    /// Bytes of a block.
    pub block_size: u32,
    /// Bytes of a frame.
    pub frame_size: u32,
    /// For how many milliseconds a block may be held back, 0 leaving that to the kernel; `None` for as long as packets
    /// may be.
    pub block_timeout_ms: Option<u32>,
    /// The receive hash of each packet, which only blocks have room for.
    pub rxhash: bool,
}

impl Wish {
    /// The versions to try, one after the other.
    fn versions(&self, immediate: bool) -> Result<&'static [Version]> {
        use Version::{V1, V2, V3};
        match (self.version, self.rxhash) {
            (Some(version @ (V1 | V2)), true) => {
                let name = version.name();
                Err(Error::new(format!("can't have receive hashes in {name}, only in TPACKET_V3")))
            }
            (Some(V1), false) => Ok(&[V1]),
            (Some(V2), false) => Ok(&[V2]),
            (Some(V3), _) | (None, true) => Ok(&[V3]),
            (None, false) if immediate => Ok(&[V2, V1]),
            (None, false) => Ok(&[V3, V2, V1]),
        }
    }
}

/// A ring as the kernel has made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its version.
    pub version: Version,
    /// Bytes of a block.
    pub block_size: u32,
    /// How many blocks there are.
    pub blocks: u32,
    /// Bytes of a frame; nothing depends on it in a ring of blocks.
    pub frame_size: u32,
    /// How many frames there are.
    pub frames: u32,
    /// For how many milliseconds a block is held back, as the kernel was told: 0 leaves it to the kernel.
    pub block_timeout_ms: u32,
    /// Whether packets have their receive hash.
    pub rxhash: bool,
}

impl Shape {
    fn new(version: Version, geometry: &Geometry) -> Self {
        Self {
            version,
            block_size: geometry.block_size as u32,
            blocks: geometry.blocks as u32,
            frame_size: geometry.frame_size as u32,
            frames: geometry.frames() as u32,
            block_timeout_ms: 0,
            rxhash: false,
        }
    }
}

/// A way to read packets.
pub struct Opened {
    /// The ring.
    pub ring: Ring,
    /// Bytes of the largest packet that it holds.
    pub largest: u32,
    /// What it is like, if it is one.
    pub shape: Option<Shape>,
    /// The ring to send from, if one was wanted.
    pub tx: Option<tx::Ring>,
}

/// How large the packets of an interface get.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest that it takes from the wire, or `packet` where that is not known.
    pub frame: u32,
    /// The largest that the kernel may make of several: with offload, and on the loopback interface.
    pub packet: u32,
}

/// `PACKET_VERSION` values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Blocks of packets.
    V3 = 2,
    /// Frames.
    V2 = 1,
    /// Frames that tell of no VLAN tags, and of the time in microseconds only.
    V1 = 0,
}

impl Version {
    /// The version of this number, from 1 on.
    pub fn by_number(number: i32) -> Option<Self> {
        [Self::V1, Self::V2, Self::V3].into_iter().find(|version| version.number() == number)
    }

    /// Its number, from 1 on.
    pub fn number(self) -> i32 {
        (self as i32).saturating_add(1)
    }

    fn name(self) -> &'static str {
        match self {
            Self::V3 => "TPACKET_V3",
            Self::V2 => "TPACKET_V2",
            Self::V1 => "TPACKET_V1",
        }
    }

    /// Where the parts of a frame to send are.
    fn to_send(self) -> tx::Layout {
        match self {
            Self::V3 => tx::V3,
            Self::V2 => tx::V2,
            Self::V1 if long_status() => tx::V1_LONG,
            Self::V1 => tx::V1,
        }
    }
}

/// Room in front of packets for a VLAN tag.
const RESERVE: i32 = 4;
/// More of it, so that an SLL2 header fits.
const RESERVE_COOKED: i32 = 8;
/// The kernel puts the network header at least this far behind the frame's own headers.
const MIN_LINK_HEADER: usize = 16;
/// Frames are made for packets of up to this size; larger ones are rare enough to be fetched one by one.
const LARGEST_FRAME: u32 = 9216 + 18;
/// What frames are made for where the usual size is not known, or is too large to make all of them so.
const USUAL_FRAME: u32 = 1500 + 18;
/// Blocks of V1 and V2 are at least this large, so that little is lost at their ends.
const SMALL_BLOCK: usize = 64 * 1024;
/// The queue for packets that are larger than a frame takes this many times the ring's size, within limits:
/// it holds references to packets of 64 KiB, and fills as slowly as the ring.
const QUEUE_FACTOR: u32 = 16;
const QUEUE_LIMITS: (u32, u32) = (8 << 20, 256 << 20);
/// The kernel takes the size of a block for a signed number, and it is a number of pages doubled.
const LARGEST_BLOCK: usize = 1 << 30;
/// For how long a block is held back in immediate mode, if a program wants blocks in it: the least there is.
const IMMEDIATE_BLOCK_MS: u32 = 1;
/// `TP_FT_REQ_FILL_RXHASH` of `linux/if_packet.h`.
const FILL_RXHASH: u32 = 1;

/// Whether this process meets 64-bit words in a V1 ring.
fn long_status() -> bool {
    cfg!(target_pointer_width = "64") || crate::sys::uname().machine_is_64_bit
}

/// Opens the rings of a socket: the best one to read that the kernel has, or the one that is wanted.
pub fn open(fd: BorrowedFd<'_>, request: &Request<'_>) -> Result<Opened> {
    let mut tx = tx::Beside::new(fd, request.tx.clone())?;
    let versions = request.wish.versions(request.immediate)?;
    for version in versions {
        if !choose(fd, *version, request.cooked)? {
            continue;
        }
        let built = match version {
            Version::V3 => blocks(fd, request, &mut tx)?,
            Version::V2 | Version::V1 => frames(fd, request, *version, &mut tx)?,
        };
        if let Some(opened) = built {
            return Ok(Opened { tx: tx.ring(), ..opened });
        }
    }
    if let [wanted] = versions {
        let name = wanted.name();
        let text = format!("can't activate {name} on packet socket: the kernel has not got it");
        return Err(Error::new(text));
    }
    if tx.is_wanted() {
        let errno = Errno(libc::EOPNOTSUPP);
        return Err(Error::errno("can't create tx ring on packet socket", errno));
    }
    let ring = Ring::None(no_ring(fd, request)?);
    Ok(Opened { ring, largest: request.snapshot, shape: None, tx: None })
}

/// Sets the version; false if the kernel has not got it.
fn choose(fd: BorrowedFd<'_>, version: Version, cooked: bool) -> Result<bool> {
    let number = version as i32;
    let name = version.name();
    match socket::get(fd, libc::SOL_PACKET, libc::PACKET_HDRLEN, number) {
        Ok(_) => {}
        Err(Errno(libc::EINVAL)) => return Ok(false),
        // A kernel that knows no versions has the first.
        Err(Errno(libc::ENOPROTOOPT)) => return Ok(version == Version::V1),
        Err(errno) => {
            return Err(Error::errno(
                format!("can't get {name} header len on packet socket"),
                errno,
            ));
        }
    }
    match socket::set(fd, libc::SOL_PACKET, libc::PACKET_VERSION, number) {
        Ok(()) => {}
        Err(Errno(libc::EINVAL | libc::ENOPROTOOPT)) => return Ok(false),
        Err(errno) => {
            return Err(Error::errno(format!("can't activate {name} on packet socket"), errno));
        }
    }
    let room = if cooked { RESERVE_COOKED } else { RESERVE };
    socket::set(fd, libc::SOL_PACKET, libc::PACKET_RESERVE, room)
        .map_err(|errno| Error::errno("setsockopt (PACKET_RESERVE)", errno))?;
    Ok(true)
}

/// Bytes that the kernel leaves free in front of each packet.
fn reserve(cooked: bool) -> usize {
    (if cooked { RESERVE_COOKED } else { RESERVE }) as usize
}

/// A ring of blocks; `None` if the kernel has not got it.
fn blocks(
    fd: BorrowedFd<'_>,
    request: &Request<'_>,
    tx: &mut tx::Beside,
) -> Result<Option<Opened>> {
    let wish = request.wish;
    let wanted = if wish.block_size == 0 { MAXIMUM_SNAPLEN } else { wish.block_size } as usize;
    let size = block_size(wanted, 0);
    let count = (request.buffer_size as usize).div_ceil(size).max(1);
    let frame_size = match wish.frame_size as usize {
        0 => size,
        wanted => align(wanted).clamp(align(HEADERS.saturating_add(reserve(request.cooked))), size),
    };
    let retire = match (wish.block_timeout_ms, request.timeout_ms) {
        (Some(ms), _) => ms,
        (None, _) if request.immediate => IMMEDIATE_BLOCK_MS,
        // QUIRK: 0 means for ever, which the kernel does not offer.
        (None, 0) => u32::MAX,
        (None, ms) => u32::try_from(ms).unwrap_or(0),
    };
    let frames_per_block = (size / frame_size.max(1)).max(1);
    let geometry = Geometry { block_size: size, blocks: count, frame_size, frames_per_block };
    let Some((memory, geometry)) =
        create(fd, Version::V3, tx, geometry, |geometry| libc::tpacket_req3 {
            tp_block_size: geometry.block_size as u32,
            tp_block_nr: geometry.blocks as u32,
            tp_frame_size: geometry.frame_size as u32,
            tp_frame_nr: geometry.frames() as u32,
            tp_retire_blk_tov: retire,
            tp_sizeof_priv: 0,
            tp_feature_req_word: if wish.rxhash { FILL_RXHASH } else { 0 },
        })?
    else {
        return Ok(None);
    };
    let shape = Shape {
        block_timeout_ms: retire,
        rxhash: wish.rxhash,
        ..Shape::new(Version::V3, &geometry)
    };
    // The kernel cuts what is larger than a block.
    let largest = MAXIMUM_SNAPLEN.min(size as u32);
    let ring = Ring::V3(v3::Ring::new(memory, geometry));
    Ok(Some(Opened { ring, largest, shape: Some(shape), tx: None }))
}

/// How frames are to be divided, and the size of the packets that they are for.
struct Plan {
    geometry: Geometry,
    /// Larger packets come through the socket's queue.
    fetch: bool,
    /// Bytes of a frame that holds the largest packet.
    largest: usize,
}

fn plan(fd: BorrowedFd<'_>, request: &Request<'_>) -> Result<Plan> {
    // In front of the packet: header, address, and the link-layer header's room (tpacket_rcv in
    // net/packet/af_packet.c). 32 bytes is the largest frame header of these versions.
    let front = align(align(32) + size_of::<SockaddrLl>() + MIN_LINK_HEADER)
        .saturating_add(reserve(request.cooked))
        .saturating_add(tx::offload_header(request.tx.as_ref()));
    // Packets in the queue would have the offload header in front.
    let queue =
        || tx::offload_header(request.tx.as_ref()) == 0 && queue_packets(fd, request.buffer_size);
    let limits = (request.limits)()?;
    let whole = request.snapshot.min(limits.packet);
    let frame_for = |bytes: u32| align(front.saturating_add(bytes as usize));
    let usual = if limits.frame <= LARGEST_FRAME { limits.frame } else { USUAL_FRAME };
    let largest = frame_for(whole);
    let (frame_size, fetch) = match request.wish.frame_size as usize {
        0 if usual < whole && queue() => (frame_for(usual), true),
        0 => (largest, false),
        // At least so large that a packet begins inside. Where the queue cannot be had, packets are cut.
        wanted => {
            let size = align(wanted).clamp(align(front), LARGEST_BLOCK);
            (size, size < largest && queue())
        }
    };
    let block_size = match request.wish.block_size as usize {
        0 => block_size(frame_size, SMALL_BLOCK.min(request.buffer_size as usize / 4)),
        wanted => block_size(frame_size, wanted),
    };
    let frames_per_block = (block_size / frame_size.max(1)).max(1);
    let blocks =
        (request.buffer_size as usize).div_ceil(frame_size).div_ceil(frames_per_block).max(1);
    Ok(Plan {
        geometry: Geometry { block_size, blocks, frame_size, frames_per_block },
        fetch,
        largest,
    })
}

/// A ring of frames; `None` if the kernel has not got it.
fn frames(
    fd: BorrowedFd<'_>,
    request: &Request<'_>,
    version: Version,
    tx: &mut tx::Beside,
) -> Result<Option<Opened>> {
    let Plan { geometry, fetch, largest } = plan(fd, request)?;
    let Some((memory, geometry)) =
        create(fd, version, tx, geometry, |geometry| libc::tpacket_req {
            tp_block_size: geometry.block_size as u32,
            tp_block_nr: geometry.blocks as u32,
            tp_frame_size: geometry.frame_size as u32,
            tp_frame_nr: geometry.frames() as u32,
        })?
    else {
        return Ok(None);
    };
    let shape = Some(Shape::new(version, &geometry));
    let ring = match version {
        Version::V2 | Version::V3 => Ring::V2(frames::Ring::new(memory, geometry, fetch)),
        Version::V1 if long_status() => Ring::V1Long(frames::Ring::new(memory, geometry, fetch)),
        Version::V1 => Ring::V1(frames::Ring::new(memory, geometry, fetch)),
    };
    Ok(Some(Opened { ring, largest: largest as u32, shape, tx: None }))
}

/// Has the kernel queue packets that are larger than a frame, with a queue large enough not to lose what a
/// ring of larger frames would hold; false if it does not grant that.
fn queue_packets(fd: BorrowedFd<'_>, buffer_size: u32) -> bool {
    let bytes = buffer_size.saturating_mul(QUEUE_FACTOR).clamp(QUEUE_LIMITS.0, QUEUE_LIMITS.1);
    ask_for_queue(fd, bytes);
    // As much as the administrator lets everybody have will do, if that is no less than the ring.
    let granted = socket::get(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, 0).unwrap_or(0);
    granted.unsigned_abs() >= buffer_size
        && socket::set(fd, libc::SOL_PACKET, libc::PACKET_COPY_THRESH, 1).is_ok()
}

/// Asks for a socket queue of so many bytes, or as many as the system grants.
fn ask_for_queue(fd: BorrowedFd<'_>, bytes: u32) {
    let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
    if socket::set(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, bytes).is_err() {
        // Cut to what everybody may have, and never refused.
        let _ = socket::set(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, bytes);
    }
}

/// The smallest number of pages doubled that holds `frame` and is not below `least`.
pub(super) fn block_size(frame: usize, least: usize) -> usize {
    let mut size = crate::sys::page_size();
    while (size < frame || size < least) && size < LARGEST_BLOCK {
        size = size.saturating_mul(2);
    }
    size
}

/// Asks for the ring, for less and less where memory is short, and for the ring to send from, and maps both; `None`
/// if the kernel has no rings of this kind.
fn create<R: socket::OptionValue>(
    fd: BorrowedFd<'_>,
    version: Version,
    tx: &mut tx::Beside,
    mut geometry: Geometry,
    request: impl Fn(&Geometry) -> R,
) -> Result<Option<(Memory, Geometry)>> {
    loop {
        match socket::set(fd, libc::SOL_PACKET, libc::PACKET_RX_RING, request(&geometry)) {
            Ok(()) => break,
            Err(Errno(libc::ENOMEM)) if geometry.blocks > 1 => {
                geometry.blocks = geometry.blocks.saturating_sub((geometry.blocks / 20).max(1));
            }
            Err(Errno(libc::EINVAL | libc::ENOPROTOOPT | libc::EOPNOTSUPP)) => return Ok(None),
            Err(errno) => return Err(Error::errno("can't create rx ring on packet socket", errno)),
        }
    }
    let size = geometry.block_size.saturating_mul(geometry.blocks);
    let Some(behind) = tx.create(fd, version.to_send())? else {
        let none: libc::tpacket_req3 = socket::OptionValue::zeroed();
        socket::set(fd, libc::SOL_PACKET, libc::PACKET_RX_RING, none)
            .map_err(|errno| Error::errno("can't remove rx ring of packet socket", errno))?;
        return Ok(None);
    };
    let all = size.saturating_add(behind);
    let mapping = Mapping::shared(fd, all).map_err(|e| Error::errno("can't mmap rx ring", e))?;
    let mapping = Arc::new(mapping);
    tx.map(&mapping, size);
    Ok(Some((Memory::part(&mapping, 0, size), geometry)))
}

/// What is left without a ring.
fn no_ring(fd: BorrowedFd<'_>, request: &Request<'_>) -> Result<Reader> {
    socket::set(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)
        .map_err(|errno| Error::errno("setsockopt: unable to set SO_TIMESTAMPNS", errno))?;
    ask_for_queue(fd, request.buffer_size);
    Ok(Reader::new(request.snapshot))
}
