//! One packet in memory that the kernel filled, and what has to happen to it before a program sees it:
//! direction, cooked header, userland filter, VLAN tag, snapshot length.
//!
//! Where the packet lies, and how the kernel described it, is the business of the ring versions.

use super::layout::{
    STATUS_TS_RAW_HARDWARE, STATUS_TS_SOFTWARE, STATUS_TS_SYS_HARDWARE, STATUS_USER,
};
use crate::bpf::{Meta, Program};
use crate::capture::cooked::{self, CanUndo, LinkAddr};
use crate::capture::facts::{Clock, PacketFacts};
use crate::capture::{Direction, Link};
use crate::handle::batch::{BATCH, Lent, PacketHeader};
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// `PACKET_OUTGOING` of `linux/if_packet.h`.
const PACKET_OUTGOING: u8 = 4;
/// The ethertype of a tag whose TPID the kernel does not tell.
const TPID_8021Q: u16 = 0x8100;
/// Bytes that a VLAN tag takes.
pub const TAG_LEN: u32 = 4;

/// A packet's bytes, and the bytes before them that are free to grow into.
///
/// The memory is the kernel's gift until the frame is given back: nobody else writes it, but earlier reads
/// of ours may have lent it out, so all access is by pointer.
#[derive(Debug)]
pub struct Packet<'m> {
    start: NonNull<u8>,
    len: u32,
    headroom: u32,
    memory: PhantomData<&'m ()>,
}

impl<'m> Packet<'m> {
    /// The `len` bytes at `start`.
    ///
    /// # Safety
    /// The `headroom` bytes before `start` and the `len` bytes from it are readable and writable for `'m`,
    /// and only the caller's thread touches them.
    pub unsafe fn new(start: NonNull<u8>, len: u32, headroom: u32) -> Self {
        Self { start, len, headroom, memory: PhantomData }
    }

    /// How many bytes there are.
    pub fn captured(&self) -> u32 {
        self.len
    }

    /// Where they begin.
    pub fn start(&self) -> *const u8 {
        self.start.as_ptr()
    }

    /// The bytes, to look at before anything else is done with them.
    fn with_bytes<R>(&self, look: impl FnOnce(&[u8]) -> R) -> R {
        // SAFETY: readable by `new`; nothing writes them while `look` runs, for only our thread may.
        look(unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len as usize) })
    }

    /// Overwrites bytes from `offset` on, as far as the packet reaches.
    fn overwrite(&mut self, offset: u32, bytes: &[u8]) {
        let Some(room) = self.len.checked_sub(offset) else { return };
        let n = bytes.len().min(room as usize);
        // SAFETY: `offset + n <= len`, all writable by `new`; `bytes` is no part of ring memory.
        unsafe {
            let to = self.start.add(offset as usize);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to.as_ptr(), n);
        }
    }

    /// Has `change` work on a copy of the first bytes, and takes over what it made of them.
    fn change_head<R>(&mut self, change: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut head = [0u8; 16];
        let n = head.len().min(self.len as usize);
        self.with_bytes(|bytes| {
            head.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        });
        let head = head.get_mut(..n).unwrap_or_default();
        let result = change(head);
        self.overwrite(0, head);
        result
    }

    /// Puts `header` in front. False, and nothing done, where there is no room for it.
    #[inline(always)]
    fn prepend<const N: usize>(&mut self, header: [u8; N]) -> bool {
        let Some(headroom) = self.headroom.checked_sub(N as u32) else { return false };
        let Some(len) = self.len.checked_add(N as u32) else { return false };
        // SAFETY: the `N` bytes before `start` are writable, as `N <= headroom`.
        unsafe {
            self.start = self.start.sub(N);
            self.start.cast::<[u8; N]>().write_unaligned(header);
        }
        self.len = len;
        self.headroom = headroom;
        true
    }

    /// Opens a gap of four bytes at `offset` by moving what is before it down, and puts `tag` there.
    fn insert_tag(&mut self, offset: u32, tag: [u8; TAG_LEN as usize]) -> bool {
        let Some(headroom) = self.headroom.checked_sub(TAG_LEN) else { return false };
        let Some(len) = self.len.checked_add(TAG_LEN) else { return false };
        if offset > self.len {
            return false;
        }
        // SAFETY: the four bytes before `start` are writable, as 4 <= headroom, and `offset <= len`.
        unsafe {
            let to = self.start.sub(TAG_LEN as usize);
            self.start.copy_to(to, offset as usize);
            self.start = to;
        }
        self.len = len;
        self.headroom = headroom;
        self.overwrite(offset, &tag);
        true
    }

    /// Undoes [`Packet::insert_tag`] on a packet that still begins where it began before that.
    fn remove_tag(&mut self, offset: u32) {
        if self.headroom < TAG_LEN || offset > self.len {
            return;
        }
        // SAFETY: the four bytes before `start` and the `offset` bytes from it are readable and writable.
        unsafe {
            let from = self.start.sub(TAG_LEN as usize);
            from.copy_to(self.start, offset as usize);
        }
    }
}

/// What the kernel tells of a packet beside its bytes, whatever the ring version.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Seconds of its time stamp.
    pub sec: i64,
    /// Nanoseconds of it.
    pub nsec: u32,
    /// Bytes on the wire, without anything that is put in front.
    pub len: u32,
    /// TCI and, if known, TPID of a tag that was stripped.
    pub vlan: Option<(u16, Option<u16>)>,
    /// The receive hash, 0 where the version has none.
    pub rxhash: u32,
    /// Where in the packet the kernel's network header begins.
    pub net_offset: u32,
    /// From the `sockaddr_ll`.
    pub addr: LinkAddr,
    /// Whether the packet came past the kernel's filter whole, and not cut to what that returned.
    pub uncut: bool,
}

/// The bits of a status that say who made the time stamp, and who that is; the best comes first.
const CLOCKS: [(u32, Clock); 3] = [
    (STATUS_TS_RAW_HARDWARE, Clock::RawHardware),
    (STATUS_TS_SYS_HARDWARE, Clock::SysHardware),
    (STATUS_TS_SOFTWARE, Clock::Software),
];
/// Nanoseconds of a second.
const NANO: u64 = 1_000_000_000;

impl Facts {
    /// What a program is told of the packet; `status` is that of its frame.
    pub fn tell(&self, status: u32) -> PacketFacts {
        let clock = CLOCKS.iter().find(|(bit, _)| status & bit != 0);
        let clocks = CLOCKS.iter().fold(0, |all, (bit, _)| all | bit);
        let seconds = self.sec.cast_unsigned().wrapping_mul(NANO);
        PacketFacts {
            nanoseconds: seconds.wrapping_add(self.nsec.into()),
            clock: clock.map_or(Clock::Kernel, |(_, clock)| *clock),
            status: status & !clocks & !STATUS_USER,
            addr: self.addr,
            vlan: self.vlan,
            // The kernel writes 0 where it was not asked, and computes no hash that is 0.
            rxhash: Some(self.rxhash).filter(|hash| *hash != 0),
        }
    }

    /// Where [`Rules::apply`] lets `packet` begin, if it is to look as `link` says.
    pub fn start_of(&self, link: Link, packet: &Packet<'_>) -> *const u8 {
        let header = link.header_len();
        let captured = packet.captured().saturating_add(header);
        let tag = self.tag(link, captured).map_or(0, |_| TAG_LEN);
        packet.start().wrapping_sub(header.saturating_add(tag) as usize)
    }

    /// The tag to put back, and where, if one was stripped and the link type has a place for it.
    fn tag(&self, link: Link, captured: u32) -> Option<(u32, [u8; TAG_LEN as usize])> {
        let (tci, tpid) = self.vlan?;
        let offset = link.tag_offset().filter(|offset| *offset <= captured)?;
        let [a, b] = tpid.unwrap_or(TPID_8021Q).to_be_bytes();
        let [c, d] = tci.to_be_bytes();
        Some((offset, [a, b, c, d]))
    }
}

/// The unit of a handle's time stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Microseconds.
    Micro,
    /// Nanoseconds.
    Nano,
}

impl Scale {
    /// `nsec` in that unit, rounded down.
    #[inline]
    pub fn apply(self, nsec: u32) -> libc::suseconds_t {
        match self {
            Self::Micro => (nsec / 1000) as libc::suseconds_t,
            Self::Nano => nsec as libc::suseconds_t,
        }
    }
}

/// For how much of what is in the ring the filter has to run in userland.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Userland {
    /// The kernel runs it.
    None,
    /// This many more blocks or frames were filled before the kernel had it.
    First(usize),
    /// The kernel does not run it.
    All,
}

/// What a handle wants done to its packets.
#[derive(Debug)]
pub struct Rules {
    /// Bytes of each packet that the program wants.
    pub snapshot: u32,
    /// The unit of its time stamps.
    pub scale: Scale,
    /// Which directions it wants.
    pub direction: Direction,
    /// What kind of packets it is to see.
    pub link: Link,
    /// The loopback interface, whose outgoing packets come back as incoming ones.
    pub lo_ifindex: i32,
    /// Whether the handle's only interface is known not to be that one.
    pub not_loopback: bool,
    /// The filter, where userland may have to run it.
    pub filter: Option<Program>,
    /// How far it has to.
    pub userland: Userland,
    /// How many packets they have not let through.
    pub rejected: Cell<u64>,
    /// What [`Rules::apply`] has changed in the last CAN frame.
    pub can_undo: Cell<Option<CanUndo>>,
}

impl Rules {
    /// Whether packets need nothing but a VLAN tag put back and the cut to the snapshot length.
    pub fn plain(&self) -> bool {
        matches!(self.link, Link::Raw { can: false, .. })
            && self.direction == Direction::InOut
            && self.not_loopback
            && (self.filter.is_none() || self.userland == Userland::None)
    }

    /// So many blocks, or frames where there are none, have been read to their end.
    pub fn consumed(&mut self, n: usize) {
        if let Userland::First(left) = self.userland {
            self.userland = match left.saturating_sub(n) {
                0 => Userland::None,
                left => Userland::First(left),
            };
        }
    }

    /// So many packets were looked at, of which so many were let through.
    pub fn count(&self, seen: usize, let_through: usize) {
        let rejected = seen.saturating_sub(let_through) as u64;
        self.rejected.set(self.rejected.get().wrapping_add(rejected));
    }

    /// As many will be looked at again.
    pub fn uncount(&self, seen: usize, let_through: usize) {
        let rejected = seen.saturating_sub(let_through) as u64;
        self.rejected.set(self.rejected.get().wrapping_sub(rejected));
    }

    /// Makes of `packet` what the program is to see, or `None` if it is not to see it.
    #[inline(always)]
    pub fn apply(&self, facts: Facts, mut packet: Packet<'_>) -> Option<Lent> {
        if !self.wants(&facts.addr) {
            return None;
        }
        let filtered = facts.uncut || self.userland != Userland::None;
        if filtered || facts.vlan.is_some() || self.has_can_id(&facts.addr) {
            return self.apply_in_full(facts, packet);
        }
        self.add_header(&facts, &mut packet);
        let len = facts.len.saturating_add(self.link.header_len());
        Some(self.lend(&facts, &packet, len, u32::MAX))
    }

    /// As [`Rules::apply`], for a packet that is wanted, and needs more than a cooked header.
    #[inline(never)]
    fn apply_in_full(&self, facts: Facts, mut packet: Packet<'_>) -> Option<Lent> {
        let before = packet.captured();
        if self.has_can_id(&facts.addr) {
            self.fix_can(&mut packet, u16::from_be(facts.addr.protocol));
        }
        self.add_header(&facts, &mut packet);
        let header_len = packet.captured().saturating_sub(before);
        let mut len = facts.len.saturating_add(header_len);
        let mut caplen = u32::MAX;
        if (facts.uncut || self.userland != Userland::None)
            && let Some(filter) = &self.filter
        {
            let meta = self.meta(&facts, header_len);
            let kept = packet.with_bytes(|bytes| filter.run(bytes, len, Some(&meta)));
            if kept != 0 {
                // The kernel cuts to what a program returns, and never cuts the header that it does not know.
                caplen = kept.saturating_add(header_len);
            } else if self.userland != Userland::None {
                self.unfix_can(&mut packet);
                return None;
            }
        }
        // QUIRK: the filter has not seen the tag, and the cut below may take the end of the packet for it.
        if let Some((offset, tag)) = facts.tag(self.link, packet.captured())
            && packet.insert_tag(offset, tag)
        {
            len = len.saturating_add(TAG_LEN);
            caplen = caplen.saturating_add(TAG_LEN);
        }
        Some(self.lend(&facts, &packet, len, caplen))
    }

    /// The packet as it is now, cut to `caplen` and the snapshot length.
    #[inline(always)]
    fn lend(&self, facts: &Facts, packet: &Packet<'_>, len: u32, caplen: u32) -> Lent {
        let ts = libc::timeval { tv_sec: facts.sec as _, tv_usec: self.scale.apply(facts.nsec) };
        let caplen = packet.captured().min(caplen).min(self.snapshot);
        Lent { header: PacketHeader { ts, caplen, len }, data: packet.start() }
    }

    /// Brings the bytes of a packet that [`Rules::apply`] has let through back to what the kernel wrote,
    /// so that it can be applied again.
    pub fn undo(&self, facts: &Facts, mut packet: Packet<'_>) {
        if matches!(self.link, Link::Raw { .. })
            && let Some((offset, _)) = facts.tag(self.link, packet.captured())
        {
            packet.remove_tag(offset);
        }
        self.unfix_can(&mut packet);
    }

    /// The most packets to lend at once: of CAN frames one, for only the last can be undone.
    pub fn most(&self) -> usize {
        if matches!(self.link, Link::Raw { can: true, .. }) { 1 } else { BATCH }
    }

    /// Brings the header of a CAN frame into the order of its link type.
    fn fix_can(&self, packet: &mut Packet<'_>, protocol: u16) {
        let undo = packet.change_head(|head| cooked::fix_can(head, protocol));
        self.can_undo.set(Some(undo));
    }

    fn unfix_can(&self, packet: &mut Packet<'_>) {
        if let Some(undo) = self.can_undo.take() {
            packet.change_head(|head| undo.undo(head));
        }
    }

    /// Whether the packet begins with a CAN identifier, which programs expect in network byte order.
    /// QUIRK: behind a cooked header it stays as the kernel has it.
    fn has_can_id(&self, addr: &LinkAddr) -> bool {
        matches!(self.link, Link::Raw { can: true, .. }) && addr.hatype == libc::ARPHRD_CAN
    }

    /// Whether the direction is one that the program wants, and the packet no duplicate.
    fn wants(&self, addr: &LinkAddr) -> bool {
        if addr.pkttype != PACKET_OUTGOING {
            return self.direction != Direction::Out;
        }
        // Loopback and CAN interfaces hand back everything that is sent on them as received. QUIRK: on the
        // first it is never shown as sent. QUIRK: on the others it is, to who asks for nothing else.
        let comes_back = addr.ifindex == self.lo_ifindex
            || (addr.hatype == libc::ARPHRD_CAN && self.direction != Direction::Out);
        !comes_back && self.direction != Direction::In
    }

    /// Puts the cooked header in front, where the link type has one.
    #[inline(always)]
    fn add_header(&self, facts: &Facts, packet: &mut Packet<'_>) {
        let _room_reserved = match self.link {
            Link::Raw { .. } => true,
            Link::Sll { .. } => packet.prepend(cooked::sll(&facts.addr)),
            Link::Sll2 => packet.prepend(cooked::sll2(&facts.addr)),
        };
    }

    /// What a filter's loads of metadata read.
    fn meta(&self, facts: &Facts, header_len: u32) -> Meta {
        let (vlan_tci, vlan_tpid) = facts.vlan.unwrap_or_default();
        Meta {
            protocol: u16::from_be(facts.addr.protocol),
            pkttype: facts.addr.pkttype,
            ifindex: facts.addr.ifindex.cast_unsigned(),
            hatype: facts.addr.hatype,
            vlan_tci,
            vlan_tpid: vlan_tpid.unwrap_or(TPID_8021Q),
            vlan_present: facts.vlan.is_some(),
            rxhash: facts.rxhash,
            net_offset: facts.net_offset.checked_add(header_len),
        }
    }
}
