//! No ring: one recvmsg(2) a packet, for kernels without PACKET_MMAP.

use super::frame::{Facts, Packet, Rules};
use super::{layout::SockaddrLl, link_addr, memory::Scratch};
use crate::capture::facts::PacketFacts;
use crate::capture::{Fill, Link};
use crate::error::{Error, Result};
use crate::handle::batch::Batch;
use crate::sys::{Errno, packet};
use std::os::fd::BorrowedFd;
use std::time::{SystemTime, UNIX_EPOCH};

/// Room in front of the packet for a tag or a cooked header.
const HEADROOM: usize = 64;

/// `TP_STATUS_*` bits of `struct tpacket_auxdata`.
use super::layout::{STATUS_TS_SOFTWARE, STATUS_VLAN_TPID_VALID, STATUS_VLAN_VALID};

/// The packet that was received last.
#[derive(Debug)]
pub struct Reader {
    buffer: Scratch,
    /// A packet that is to be lent again.
    held: Option<Last>,
    last: Option<Last>,
    /// Whether it is lent.
    lent: bool,
    /// The socket has told that the interface is down, which it tells once.
    down: bool,
}

/// What is known of the packet in the buffer.
#[derive(Clone, Copy, Debug)]
struct Last {
    facts: Facts,
    /// Bytes of it in the buffer.
    len: u32,
    /// `TP_STATUS_*` bits.
    status: u32,
}

impl Reader {
    /// A reader of packets of up to `snapshot` bytes.
    pub fn new(snapshot: u32) -> Self {
        let buffer = Scratch::new(HEADROOM.saturating_add(snapshot as usize));
        Self { buffer, held: None, last: None, lent: false, down: false }
    }

    /// Lends the next packet, without waiting.
    pub fn fill(&mut self, rules: &mut Rules, batch: &Batch, fd: BorrowedFd<'_>) -> Result<Fill> {
        self.lent = false;
        let Some(last) =
            self.held.take().map_or_else(|| self.receive(fd), |held| Ok(Some(held)))?
        else {
            return Ok(Fill::Nothing);
        };
        self.last = Some(last);
        let lent = self.packet(last.len).and_then(|packet| rules.apply(last.facts, packet));
        self.lent = lent.is_some();
        rules.count(1, usize::from(self.lent));
        rules.consumed(1);
        if let (Some(lent), Some(slot)) = (lent, batch.slots().first()) {
            slot.set(lent);
        }
        batch.filled(usize::from(lent.is_some()));
        Ok(if lent.is_some() { Fill::Packets } else { Fill::Rejected })
    }

    /// How many packets from here on the kernel let through until now.
    pub fn filled_until_now(&self) -> usize {
        self.held.iter().count()
    }

    /// Whether the interface has gone down since this was last asked.
    pub fn take_down(&mut self) -> bool {
        std::mem::take(&mut self.down)
    }

    /// Keeps the packet of `batch` for the next fill, if it was not read.
    pub fn rewind(&mut self, rules: &Rules, batch: &Batch) {
        if batch.unread_starts().next().is_none() {
            return;
        }
        self.held = self.last;
        self.lent = false;
        if let Some(last) = self.last
            && let Some(packet) = self.packet(last.len)
        {
            rules.undo(&last.facts, packet);
        }
    }

    /// What the kernel told of the packet that begins at `packet`, if it is the one that is lent.
    pub fn facts(&self, link: Link, packet: *const u8) -> Option<PacketFacts> {
        let last = self.last.filter(|_| self.lent)?;
        let bytes = self.packet(last.len)?;
        (last.facts.start_of(link, &bytes) == packet).then(|| last.facts.tell(last.status))
    }

    fn packet(&self, len: u32) -> Option<Packet<'_>> {
        let start = self.buffer.bytes(HEADROOM, len as usize)?;
        // SAFETY: `len` bytes were received behind HEADROOM bytes of room, and nobody borrows them until the
        // next packet is received.
        Some(unsafe { Packet::new(start, len, HEADROOM as u32) })
    }

    fn receive(&mut self, fd: BorrowedFd<'_>) -> Result<Option<Last>> {
        let got = match packet::receive(fd, self.buffer.tail_mut(HEADROOM)) {
            Ok(got) => got,
            Err(Errno(libc::EAGAIN | libc::EINTR)) => return Ok(None),
            Err(Errno(libc::ENETDOWN)) => {
                self.down = true;
                return Ok(None);
            }
            Err(errno) => return Err(Error::errno("recvfrom", errno)),
        };
        let from = SockaddrLl {
            family: got.from.sll_family,
            protocol: got.from.sll_protocol,
            ifindex: got.from.sll_ifindex,
            hatype: got.from.sll_hatype,
            pkttype: got.from.sll_pkttype,
            halen: got.from.sll_halen,
            addr: got.from.sll_addr,
        };
        let vlan = got.aux.and_then(|aux| {
            let tagged = aux.tp_status & STATUS_VLAN_VALID != 0 || aux.tp_vlan_tci != 0;
            let tpid = (aux.tp_status & STATUS_VLAN_TPID_VALID != 0).then_some(aux.tp_vlan_tpid);
            tagged.then_some((aux.tp_vlan_tci, tpid))
        });
        #[allow(clippy::unnecessary_cast, reason = "time_t has 32 bits on some machines")]
        let (sec, nsec) = got.stamp.map_or_else(now, |t| (t.tv_sec as i64, t.tv_nsec as u32));
        let whole = got.aux.map_or(got.length as u32, |aux| aux.tp_len);
        let net_offset = got.aux.map_or(0, |aux| aux.tp_net.saturating_sub(aux.tp_mac)).into();
        let addr = link_addr(&from);
        let facts =
            Facts { sec, nsec, len: whole, vlan, rxhash: 0, net_offset, addr, uncut: false };
        let stamped = if got.stamp.is_some() { STATUS_TS_SOFTWARE } else { 0 };
        let status = got.aux.map_or(0, |aux| aux.tp_status) | stamped;
        Ok(Some(Last { facts, len: got.captured as u32, status }))
    }
}

/// The time, for a kernel that does not stamp.
fn now() -> (i64, u32) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_secs().cast_signed(), now.subsec_nanos())
}
