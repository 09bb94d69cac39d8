//! The ring to send from: frames that we fill and the kernel sends, in the same mapping as the ring to read.
//!
//! A frame is ours while its status is `TP_STATUS_AVAILABLE`. Filled and marked `TP_STATUS_SEND_REQUEST`, it is sent
//! by the next send(2), which goes through the ring from where the last one stopped: `TP_STATUS_SENDING` until the
//! device is done with it, then available again. A frame that the kernel cannot send it leaves where it stopped,
//! as `TP_STATUS_WRONG_FORMAT`, or with `PACKET_LOSS` as if it had been sent. The kernel's packet_mmap
//! documentation, and `tpacket_snd` in net/packet/af_packet.c.

use super::Geometry;
use super::layout::{ALIGNMENT, Tpacket1Hdr32, Tpacket1Hdr64, Tpacket2Hdr, Tpacket3Hdr, align};
use super::memory::Memory;
use super::setup::block_size;
use crate::error::{Error, Result};
use crate::sys::mmap::Mapping;
use crate::sys::send::send_ring;
use crate::sys::{Errno, Sys, iface, socket};
use std::ffi::OsString;
use std::io::IoSlice;
use std::mem::offset_of;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Blocks are no larger than they must be for little to be lost at their ends.
const SMALL_BLOCK: usize = 64 * 1024;
/// Bytes of a ring, at most: the kernel locks them.
pub(super) const MOST: usize = 1 << 30;

/// Bytes of `struct virtio_net_hdr`, which stands in front of each packet where `PACKET_VNET_HDR` is on.
const OFFLOAD: usize = 10;
/// Where its `hdr_len` is: how much of the packet is copied, and not lent to the device by the page.
const COPIED: usize = 2;
/// Packets are copied up to here, from where on lending is less work.
const MOST_COPIED: usize = 2048;
/// Bytes of an Ethernet header, where its type is, and the type and length of a VLAN tag.
pub(super) const ETHERNET: usize = 14;
const ETHERTYPE: usize = 12;
const TAGGED: [u8; 2] = [0x81, 0x00];
const TAG: usize = 4;

/// Bytes that stand in front of packets that are received, too.
pub fn offload_header(request: Option<&Request>) -> usize {
    if request.is_some_and(|request| request.copy.is_some()) { OFFLOAD } else { 0 }
}

/// What the ring is for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Bytes of it, rounded up to whole blocks.
    pub bytes: u32,
    /// Bytes of the largest packet, with its link-layer header.
    pub largest: u32,
    /// What the interface cannot send is left out.
    pub loss: bool,
    /// The Ethernet interface for which packets are copied. The kernel then leaves it to us to see to its MTU.
    pub copy: Option<OsString>,
}

/// Where the parts of a frame are.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    status: usize,
    len: usize,
    /// Where the packet begins: `TPACKET_ALIGN` of the header's size.
    data: usize,
}

/// Frames of TPACKET_V3, which since Linux 4.11 are as those of V2.
pub const V3: Layout = Layout {
    status: offset_of!(Tpacket3Hdr, status),
    len: offset_of!(Tpacket3Hdr, len),
    data: align(size_of::<Tpacket3Hdr>()),
};
/// Frames of TPACKET_V2.
pub const V2: Layout = Layout {
    status: offset_of!(Tpacket2Hdr, status),
    len: offset_of!(Tpacket2Hdr, len),
    data: align(size_of::<Tpacket2Hdr>()),
};
/// Frames of TPACKET_V1.
pub const V1: Layout = Layout {
    status: offset_of!(Tpacket1Hdr32, status),
    len: offset_of!(Tpacket1Hdr32, len),
    data: align(size_of::<Tpacket1Hdr32>()),
};
/// The same, of a kernel with a 64-bit `long`, of whose status the lower half changes.
pub const V1_LONG: Layout = Layout {
    status: if cfg!(target_endian = "big") { 4 } else { 0 },
    len: offset_of!(Tpacket1Hdr64, len),
    data: align(size_of::<Tpacket1Hdr64>()),
};

/// The ring to send from, as it comes about beside the ring to read.
#[derive(Debug)]
pub struct Beside {
    request: Option<Request>,
    created: Option<(Layout, Geometry, Memory)>,
    ring: Option<Ring>,
}

impl Beside {
    /// One that is wanted, or none. Says so to a socket that has no ring yet.
    pub fn new(fd: BorrowedFd<'_>, request: Option<Request>) -> Result<Self> {
        let set = |wanted: bool, option, what: &str| {
            if !wanted {
                return Ok(());
            }
            socket::set(fd, libc::SOL_PACKET, option, 1).map_err(|errno| Error::errno(what, errno))
        };
        let loss = request.as_ref().is_some_and(|request| request.loss);
        set(loss, libc::PACKET_LOSS, "setsockopt (PACKET_LOSS)")?;
        let copy = offload_header(request.as_ref()) > 0;
        set(copy, libc::PACKET_VNET_HDR, "setsockopt (PACKET_VNET_HDR)")?;
        Ok(Self { request, created: None, ring: None })
    }

    /// Whether one is wanted.
    pub fn is_wanted(&self) -> bool {
        self.request.is_some()
    }

    /// Asks the kernel for it, for less and less where memory is short: how many bytes there are to be mapped;
    /// `None` if this version has no such ring.
    pub fn create(&mut self, fd: BorrowedFd<'_>, layout: Layout) -> Result<Option<usize>> {
        let Some(request) = &self.request else { return Ok(Some(0)) };
        let mut geometry = geometry(request, layout);
        loop {
            let ring = libc::tpacket_req3 {
                tp_block_size: geometry.block_size as u32,
                tp_block_nr: geometry.blocks as u32,
                tp_frame_size: geometry.frame_size as u32,
                tp_frame_nr: geometry.frames() as u32,
                tp_retire_blk_tov: 0,
                tp_sizeof_priv: 0,
                tp_feature_req_word: 0,
            };
            match socket::set(fd, libc::SOL_PACKET, libc::PACKET_TX_RING, ring) {
                Ok(()) => break,
                Err(Errno(libc::ENOMEM)) if geometry.blocks > 1 => {
                    geometry.blocks -= (geometry.blocks / 20).max(1);
                }
                Err(Errno(libc::EINVAL)) => return Ok(None),
                Err(errno) => {
                    return Err(Error::errno("can't create tx ring on packet socket", errno));
                }
            }
        }
        let place = Mapping::anonymous(size_of::<u32>())
            .map_err(|errno| Error::errno("can't mmap tx ring", errno))?;
        let place = Memory::part(&Arc::new(place), 0, size_of::<u32>());
        self.created = Some((layout, geometry, place));
        Ok(Some(geometry.block_size.saturating_mul(geometry.blocks)))
    }

    /// Takes its part of a mapping, from `offset` on.
    pub fn map(&mut self, mapping: &Arc<Mapping>, offset: usize) {
        let Some((layout, geometry, place)) = self.created.take() else { return };
        let len = mapping.size().saturating_sub(offset);
        let copy = self.request.take().and_then(|request| request.copy);
        let memory = Memory::part(mapping, offset, len);
        self.ring = Some(Ring { memory, geometry, layout, place, copy });
    }

    /// The ring that came about.
    pub fn ring(self) -> Option<Ring> {
        self.ring
    }
}

/// The sizes of a ring.
fn geometry(request: &Request, layout: Layout) -> Geometry {
    let front = layout.data + offload_header(Some(request));
    let frame_size = align(front.saturating_add(request.largest as usize));
    let bytes = (request.bytes as usize).min(MOST);
    let block_size = block_size(frame_size, SMALL_BLOCK.min(bytes));
    let frames_per_block = (block_size / frame_size.max(ALIGNMENT)).max(1);
    Geometry { block_size, blocks: bytes.div_ceil(block_size).max(1), frame_size, frames_per_block }
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Went {
    /// Packets that the kernel has taken, or left out.
    pub packets: usize,
    /// Bytes of those that it has taken.
    pub bytes: usize,
}

/// A ring whose frames are filled in turn.
#[derive(Debug)]
pub struct Ring {
    memory: Memory,
    geometry: Geometry,
    layout: Layout,
    /// Memory for the number of the frame to be filled next, at which the kernel will go on, too. A process that is
    /// forked sends from the same frames, and shares it.
    place: Memory,
    /// As in [`Request`].
    copy: Option<OsString>,
}

// SAFETY: nothing in it is bound to a thread: the memory is used through `&mut self` only, and may be unmapped by
// whoever drops the last part of it.
unsafe impl Send for Ring {}

impl Ring {
    /// Sends packets, as many as there are frames for and the kernel takes without waiting: at least one, or
    /// why the first one did not go.
    pub fn send(&mut self, fd: BorrowedFd<'_>, packets: &[IoSlice<'_>]) -> Sys<Went> {
        let mtu = match &mut self.copy {
            Some(device) => Some(iface::mtu_of_bound(fd, device)? as usize),
            None => None,
        };
        self.send_by(packets, mtu, || send_ring(fd))
    }

    /// As [`Ring::send`], for packets that are copied if there is an `mtu`; `kick` has the kernel look at the ring.
    fn send_by(
        &mut self,
        packets: &[IoSlice<'_>],
        mtu: Option<usize>,
        kick: impl FnOnce() -> Sys<usize>,
    ) -> Sys<Went> {
        let most = packets.len().min(self.geometry.frames());
        let filled =
            packets.iter().take(most).enumerate().take_while(|(n, p)| self.fill(*n, p, mtu));
        let filled = filled.count();
        if filled == 0 {
            return Err(Errno(libc::EAGAIN));
        }
        let kicked = kick();
        let gone = (0..filled).take_while(|n| self.has_gone(*n)).count();
        // The kernel goes on at the frame where it stopped, so that one is the next to be filled.
        for n in gone..filled {
            if let Some(status) = self.status(n) {
                status.store(libc::TP_STATUS_AVAILABLE, Ordering::Release);
            }
        }
        // Where it has found none, another process that sends from here has led it elsewhere.
        let on = if gone == 0 && kicked.is_ok() { 1 } else { gone };
        if let Some(place) = self.place.status(0)
            && on > 0
        {
            place.store(self.nth(on) as u32, Ordering::Relaxed);
        }
        match kicked {
            _ if gone > 0 => Ok(Went { packets: gone, bytes: kicked.unwrap_or(0) }),
            Ok(_) => Err(Errno(libc::EAGAIN)),
            Err(errno) => Err(errno),
        }
    }

    /// The number of the frame that is `n` behind the next.
    fn nth(&self, n: usize) -> usize {
        let next = self.place.status(0).map_or(0, |place| place.load(Ordering::Relaxed));
        (next as usize).wrapping_add(n) % self.geometry.frames().max(1)
    }

    /// Where it begins.
    fn frame(&self, n: usize) -> usize {
        let (number, in_block) = (self.nth(n), self.geometry.frames_per_block.max(1));
        number / in_block * self.geometry.block_size + number % in_block * self.geometry.frame_size
    }

    /// Its status, by which it changes hands.
    fn status(&self, n: usize) -> Option<&AtomicU32> {
        self.memory.status(self.frame(n) + self.layout.status)
    }

    fn has_gone(&self, n: usize) -> bool {
        const STAYED: u32 = libc::TP_STATUS_SEND_REQUEST | libc::TP_STATUS_WRONG_FORMAT;
        self.status(n).is_some_and(|status| status.load(Ordering::Acquire) & STAYED == 0)
    }

    /// Fills a frame for the kernel to send; false if it has not got it back yet.
    fn fill(&self, n: usize, packet: &[u8], mtu: Option<usize>) -> bool {
        let frame = self.frame(n);
        let Some(status) = self.status(n) else { return false };
        if status.load(Ordering::Acquire) != libc::TP_STATUS_AVAILABLE {
            return false;
        }
        let offload = if mtu.is_some() { OFFLOAD } else { 0 };
        let data = self.layout.data + offload;
        let room = self.geometry.frame_size.saturating_sub(data);
        // The kernel refuses what is longer than a frame, whatever it is.
        let too_long = packet.len() > room || mtu.is_some_and(|mtu| !fits_ethernet(packet, mtu));
        let len = if too_long { usize::MAX } else { packet.len() + offload };
        let here = if too_long { 0 } else { packet.len() };
        let Some(len_word) = self.memory.status(frame + self.layout.len) else { return false };
        let Some(to) = self.memory.bytes(frame + self.layout.data, offload + here) else {
            return false;
        };
        let mut header = [0; OFFLOAD];
        header[COPIED..COPIED + 2].copy_from_slice(&(here.min(MOST_COPIED) as u16).to_ne_bytes());
        // SAFETY: so many bytes are inside the ring, and the frame is ours by its status, an acquire load of which has
        // said so; `header` and `packet` have as many, elsewhere: nobody is told where the ring to send from is.
        unsafe {
            to.as_ptr().copy_from_nonoverlapping(header.as_ptr(), offload);
            to.as_ptr().add(offload).copy_from_nonoverlapping(packet.as_ptr(), here);
        }
        let len = i32::try_from(len).unwrap_or(i32::MAX);
        len_word.store(len.cast_unsigned(), Ordering::Relaxed);
        status.store(libc::TP_STATUS_SEND_REQUEST, Ordering::Release);
        true
    }
}

/// Whether an Ethernet interface takes a packet, as the kernel sees it: a tag is on top of the MTU.
pub(super) fn fits_ethernet(packet: &[u8], mtu: usize) -> bool {
    let tag = if packet.get(ETHERTYPE..ETHERNET) == Some(&TAGGED) { TAG } else { 0 };
    packet.len() <= mtu.saturating_add(ETHERNET + tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use libc::{TP_STATUS_AVAILABLE, TP_STATUS_SEND_REQUEST, TP_STATUS_SENDING};
    use libc::{TP_STATUS_WRONG_FORMAT, tpacket2_hdr, tpacket3_hdr};

    const LAYOUTS: [Layout; 4] = [V3, V2, V1, V1_LONG];

    /// The side that plays the kernel: it goes through the frames in turn.
    struct Kernel {
        memory: Memory,
        geometry: Geometry,
        layout: Layout,
        head: usize,
        sent: Vec<Vec<u8>>,
    }

    impl Kernel {
        /// A ring of `blocks` with room for three frames each, and the kernel of it.
        fn new(layout: Layout, blocks: usize) -> (Ring, Self) {
            let frame_size = align(layout.data + 40);
            let block_size = 3 * frame_size + 32;
            let geometry = Geometry { block_size, blocks, frame_size, frames_per_block: 3 };
            let memory = Memory::heap(block_size * blocks);
            let alias = memory.alias();
            let kernel = Self { memory: alias, geometry, layout, head: 0, sent: Vec::new() };
            (Ring { memory, geometry, layout, place: Memory::heap(4), copy: None }, kernel)
        }

        fn at(&self, n: usize) -> usize {
            n / 3 * self.geometry.block_size + n % 3 * self.geometry.frame_size
        }

        fn status(&self, n: usize) -> &AtomicU32 {
            self.memory.status(self.at(n) + self.layout.status).unwrap()
        }

        /// Takes what is ready, up to `most`, or to a packet longer than 40 bytes, which stays as `stays` says.
        fn take(&mut self, most: usize, stays: Option<u32>) -> Sys<usize> {
            let mut bytes = 0;
            for _ in 0..most {
                let (at, n) = (self.at(self.head), self.head);
                if self.status(n).load(Ordering::Acquire) != TP_STATUS_SEND_REQUEST {
                    break;
                }
                let len: u32 = self.memory.read(at + self.layout.len).unwrap();
                if len <= 40 {
                    let packet = (0..len as usize)
                        .map(|i| self.memory.bytes(at + self.layout.data + i, 1).unwrap())
                        // SAFETY: inside, by `bytes`; nobody writes there now.
                        .map(|byte| unsafe { byte.read() });
                    self.sent.push(packet.collect());
                    self.status(n).store(TP_STATUS_SENDING, Ordering::Release);
                    bytes += len as usize;
                } else if let Some(stays) = stays {
                    self.status(n).store(stays, Ordering::Release);
                    return Err(Errno(libc::EMSGSIZE));
                } else {
                    self.status(n).store(TP_STATUS_AVAILABLE, Ordering::Release);
                }
                self.head = (self.head + 1) % self.geometry.frames();
            }
            Ok(bytes)
        }

        /// The device is done with all.
        fn complete(&self) {
            for n in 0..self.geometry.frames() {
                if self.status(n).load(Ordering::Acquire) == TP_STATUS_SENDING {
                    self.status(n).store(TP_STATUS_AVAILABLE, Ordering::Release);
                }
            }
        }
    }

    fn packets(lengths: &[usize]) -> Vec<Vec<u8>> {
        lengths.iter().enumerate().map(|(n, len)| vec![n as u8; *len]).collect()
    }

    fn slices(packets: &[Vec<u8>]) -> Vec<IoSlice<'_>> {
        packets.iter().map(|packet| IoSlice::new(packet)).collect()
    }

    #[test]
    fn frames_are_used_in_turn_and_not_before_they_are_back() {
        for layout in LAYOUTS {
            let (mut ring, mut kernel) = Kernel::new(layout, 2);
            let packets = packets(&[1, 40, 0, 7, 8, 9, 10, 11]);
            let slices = slices(&packets);
            let went = ring.send_by(&slices, None, || kernel.take(9, None));
            assert_eq!(went, Ok(Went { packets: 6, bytes: 65 }));
            assert_eq!(
                ring.send_by(&slices[6..], None, || panic!("no frame")),
                Err(Errno(libc::EAGAIN))
            );
            kernel.complete();
            let went = ring.send_by(&slices[6..], None, || kernel.take(9, None));
            assert_eq!(went, Ok(Went { packets: 2, bytes: 21 }));
            assert_eq!(kernel.sent, packets);
        }
    }

    #[test]
    fn what_the_kernel_does_not_take_is_taken_back() {
        for layout in LAYOUTS {
            let (mut ring, mut kernel) = Kernel::new(layout, 2);
            let packets = packets(&[1, 2, 3, 4]);
            let slices = slices(&packets);
            let none = ring.send_by(&slices, None, || Err(Errno(libc::ENETDOWN)));
            assert_eq!(none, Err(Errno(libc::ENETDOWN)));
            let went = ring.send_by(&slices, None, || kernel.take(3, None));
            assert_eq!(went, Ok(Went { packets: 3, bytes: 6 }));
            assert_eq!(kernel.status(3).load(Ordering::Acquire), TP_STATUS_AVAILABLE);
            assert!(ring.send_by(&slices[3..], None, || kernel.take(9, None)).is_ok());
            assert_eq!(kernel.sent, packets);
        }
    }

    #[test]
    fn where_the_kernel_goes_on_is_found_again() {
        for layout in LAYOUTS {
            let (mut ring, mut kernel) = Kernel::new(layout, 2);
            kernel.head = 4;
            let packets = packets(&[1, 2]);
            let slices = slices(&packets);
            for _ in 0..4 {
                let went = ring.send_by(&slices[..1], None, || kernel.take(9, None));
                assert_eq!(went, Err(Errno(libc::EAGAIN)));
            }
            let went = ring.send_by(&slices, None, || kernel.take(9, None));
            assert_eq!(went, Ok(Went { packets: 2, bytes: 3 }));
            assert_eq!(kernel.sent, packets);
        }
    }

    #[test]
    fn a_frame_of_a_wrong_format_stops_the_ring_and_does_not_spoil_it() {
        for layout in LAYOUTS {
            // As tpacket_snd() leaves it, or where a driver has refused it.
            for stays in [TP_STATUS_WRONG_FORMAT, TP_STATUS_SEND_REQUEST] {
                let (mut ring, mut kernel) = Kernel::new(layout, 2);
                let packets = packets(&[1, 2, 1000, 4, 5]);
                let slices = slices(&packets);
                let went = ring.send_by(&slices, None, || kernel.take(9, Some(stays)));
                assert_eq!(went, Ok(Went { packets: 2, bytes: 0 }));
                let went = ring.send_by(&slices[2..], None, || kernel.take(9, Some(stays)));
                assert_eq!(went, Err(Errno(libc::EMSGSIZE)));
                let went = ring.send_by(&slices[3..], None, || kernel.take(9, Some(stays)));
                assert_eq!(went, Ok(Went { packets: 2, bytes: 9 }));
                assert_eq!(kernel.sent.len(), 4);
            }
        }
    }

    #[test]
    fn with_loss_a_frame_of_a_wrong_format_counts_as_gone() {
        for layout in LAYOUTS {
            let (mut ring, mut kernel) = Kernel::new(layout, 2);
            let packets = packets(&[1, 1000, 3]);
            let went = ring.send_by(&slices(&packets), None, || kernel.take(9, None));
            assert_eq!(went, Ok(Went { packets: 3, bytes: 4 }));
            assert_eq!(kernel.sent, [&packets[0][..], &packets[2]]);
        }
    }

    #[test]
    fn packets_to_be_copied_have_a_header_and_keep_to_the_mtu() {
        for layout in LAYOUTS {
            let (mut ring, mut kernel) = Kernel::new(layout, 2);
            let mut packets = packets(&[1, 30, 31, 30, 26]);
            packets[3][ETHERTYPE..ETHERNET].copy_from_slice(&TAGGED);
            // With an MTU of 12, 26 bytes are the most, and 30 with a tag.
            let went = ring.send_by(&slices(&packets), Some(12), || kernel.take(9, None));
            assert_eq!(went.map(|went| went.packets), Ok(5));
            let wanted = [0, 3, 4].map(|n: usize| {
                let len = packets[n].len() as u16;
                [&[0; 2], &len.to_ne_bytes()[..], &[0; 6], &packets[n]].concat()
            });
            assert_eq!(kernel.sent, wanted);
        }
    }

    #[test]
    fn layouts_and_sizes() {
        assert_eq!((V3.status, V3.len), (offset_of!(tpacket3_hdr, tp_status), 16));
        assert_eq!((V2.status, V2.len), (offset_of!(tpacket2_hdr, tp_status), 4));
        assert_eq!([V3.data, V2.data, V1.data, V1_LONG.data], [48, 32, 32, 32]);
        for (bytes, largest) in [(0, 0), (1, 1518), (4096, 1518), (1 << 20, 1518), (1, 65554)] {
            for layout in LAYOUTS {
                let geometry =
                    geometry(&Request { bytes, largest, loss: false, copy: None }, layout);
                assert!(geometry.block_size.is_multiple_of(crate::sys::page_size()));
                assert!(geometry.frame_size >= layout.data + largest as usize);
                assert!(geometry.frame_size * geometry.frames_per_block <= geometry.block_size);
                assert!(geometry.block_size * geometry.blocks >= bytes as usize);
                assert!(geometry.frames() > 0);
            }
        }
    }
}
