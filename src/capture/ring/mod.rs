//! The ways in which the kernel hands packets over: TPACKET_V3, V2 and V1 rings, and recvmsg without one.
//!
//! The versions share what can happen to a packet ([`frame`]) and nothing of how it is found. Everything
//! here that the kernel writes is read by pointer and checked against its block or frame.
#![allow(unsafe_code, reason = "ring memory is shared with the kernel and read by pointer")]

pub mod frame;
mod frames;
mod layout;
mod memory;
mod recvmsg;
mod run;
mod setup;
pub mod tx;
mod v1;
mod v2;
mod v3;
pub mod xdp;

#[cfg(test)]
mod tests;

use crate::capture::cooked::LinkAddr;
use crate::capture::facts::PacketFacts;
use crate::capture::{Fill, Link};
use crate::error::{Error, Result};
use crate::handle::batch::{Batch, Lent};
use crate::sys::Sys;
use frame::Rules;
use layout::{SockaddrLl, Tpacket1Hdr32, Tpacket1Hdr64, Tpacket2Hdr};
use memory::Scratch;
pub use run::Run;
pub use setup::{Limits, Opened, Request, Shape, Version, Wish, open};
use std::io::IoSlice;
use std::os::fd::BorrowedFd;

/// One of the ways.
#[derive(Debug)]
pub enum Ring {
    /// Blocks of packets.
    V3(v3::Ring),
    /// Frames.
    V2(frames::Ring<Tpacket2Hdr>),
    /// Frames of the oldest version.
    V1(frames::Ring<Tpacket1Hdr32>),
    /// The same, of a kernel with a 64-bit `long`.
    V1Long(frames::Ring<Tpacket1Hdr64>),
    /// No ring.
    None(recvmsg::Reader),
}

/// What packets are sent from.
#[derive(Debug)]
pub enum Sender {
    /// A ring of the packet socket.
    Frames(tx::Ring),
    /// An XDP socket beside it.
    Xdp(xdp::Ring),
}

impl Sender {
    /// Sends packets, as many as there is room for and the kernel takes without waiting: at least one, or why the
    /// first one did not go. `fd` is the packet socket.
    pub fn send(&mut self, fd: BorrowedFd<'_>, packets: &[IoSlice<'_>]) -> Sys<tx::Went> {
        match self {
            Self::Frames(ring) => ring.send(fd, packets),
            Self::Xdp(ring) => ring.send(fd, packets),
        }
    }
}

/// How a ring's memory is divided.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Bytes of a block; blocks follow each other without a gap.
    pub block_size: usize,
    /// How many there are.
    pub blocks: usize,
    /// Bytes of a frame; frames fill a block from its start, and may leave a rest.
    pub frame_size: usize,
    /// How many there are in a block.
    pub frames_per_block: usize,
}

impl Geometry {
    /// How many frames there are.
    pub fn frames(&self) -> usize {
        self.blocks.saturating_mul(self.frames_per_block)
    }
}

impl Ring {
    /// Gives back what was lent and lends what is there, without waiting.
    pub fn fill(&mut self, rules: &mut Rules, batch: &Batch, fd: BorrowedFd<'_>) -> Result<Fill> {
        match self {
            Self::V3(ring) => ring.fill(rules, batch),
            Self::V2(ring) => ring.fill(rules, batch, fd),
            Self::V1(ring) => ring.fill(rules, batch, fd),
            Self::V1Long(ring) => ring.fill(rules, batch, fd),
            Self::None(reader) => reader.fill(rules, batch, fd),
        }
    }

    /// Takes back what was lent and not read.
    pub fn rewind(&mut self, rules: &Rules, batch: &Batch) {
        match self {
            Self::V3(ring) => ring.rewind(rules, batch),
            Self::V2(ring) => ring.rewind(rules, batch),
            Self::V1(ring) => ring.rewind(rules, batch),
            Self::V1Long(ring) => ring.rewind(rules, batch),
            Self::None(reader) => reader.rewind(rules, batch),
        }
    }

    /// Gives back what was lent, all of which has been read, if nothing more is there, so that the socket is
    /// not readable for what has been read. The packet `last` is still needed, and moves to `aside` before that.
    pub fn settle(
        &mut self,
        rules: &mut Rules,
        batch: &Batch,
        last: Option<&mut Lent>,
        aside: &mut Aside,
    ) {
        let over = match self {
            Self::V3(ring) => ring.is_over(batch),
            Self::V2(ring) => ring.is_over(),
            Self::V1(ring) => ring.is_over(),
            Self::V1Long(ring) => ring.is_over(),
            Self::None(_) => false,
        };
        if !over {
            return;
        }
        if let Some(last) = last {
            aside.keep(self.facts(rules.link, batch, last.data), last);
        }
        match self {
            Self::V3(ring) => ring.give_back(rules),
            Self::V2(ring) => ring.give_back(rules),
            Self::V1(ring) => ring.give_back(rules),
            Self::V1Long(ring) => ring.give_back(rules),
            Self::None(_) => {}
        }
    }

    /// What the kernel told of the packet that begins at `packet`, if it is one that is lent to look as `link` says.
    pub fn facts(&mut self, link: Link, batch: &Batch, packet: *const u8) -> Option<PacketFacts> {
        match self {
            Self::V3(ring) => ring.facts(link, batch, packet),
            Self::V2(ring) => ring.facts(link, packet),
            Self::V1(ring) => ring.facts(link, packet),
            Self::V1Long(ring) => ring.facts(link, packet),
            Self::None(reader) => reader.facts(link, packet),
        }
    }

    /// Whether the socket has told a read that the interface is down.
    pub fn take_down(&mut self) -> bool {
        match self {
            Self::V3(_) => false,
            Self::V2(ring) => ring.take_down(),
            Self::V1(ring) => ring.take_down(),
            Self::V1Long(ring) => ring.take_down(),
            Self::None(reader) => reader.take_down(),
        }
    }

    /// How many blocks or frames from here on may hold packets that the kernel let through until now.
    pub fn filled_until_now(&self) -> usize {
        match self {
            Self::V3(ring) => ring.filled_until_now(),
            Self::V2(ring) => ring.filled_until_now(),
            Self::V1(ring) => ring.filled_until_now(),
            Self::V1Long(ring) => ring.filled_until_now(),
            Self::None(reader) => reader.filled_until_now(),
        }
    }

    /// Whether it is a ring of blocks, whose reads differ in when they end.
    pub fn has_blocks(&self) -> bool {
        matches!(self, Self::V3(_))
    }

    /// Whether packets wait in the socket's queue only.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None(_))
    }
}

/// A copy of the one packet that outlives the frame it came in.
#[derive(Debug, Default)]
pub struct Aside {
    buffer: Option<Scratch>,
    /// Where the copy begins, and what the kernel told of the packet.
    kept: Option<(*const u8, PacketFacts)>,
}

impl Aside {
    /// Copies a packet that is lent just now, and changes `lent` to the copy.
    fn keep(&mut self, facts: Option<PacketFacts>, lent: &mut Lent) {
        let len = lent.header.caplen as usize;
        if self.buffer.as_ref().is_none_or(|scratch| scratch.bytes(0, len).is_none()) {
            self.buffer = Some(Scratch::new(len.next_power_of_two()));
        }
        let Some(scratch) = &mut self.buffer else { return };
        // SAFETY: the caller has had the packet from the last fill, so its bytes are still there.
        let bytes = unsafe { std::slice::from_raw_parts(lent.data, len) };
        scratch.tail_mut(0).iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        lent.data = scratch.bytes(0, len).map_or(lent.data, |p| p.as_ptr().cast_const());
        self.kept = facts.map(|facts| (lent.data, facts));
    }

    /// The packet is lent no more.
    pub fn take_back(&mut self) {
        self.kept = None;
    }

    /// What the kernel told of the packet, if `packet` is where it begins.
    pub fn facts(&self, packet: *const u8) -> Option<PacketFacts> {
        self.kept.filter(|(data, _)| *data == packet).map(|(_, facts)| facts)
    }
}

/// What a frame header says cannot be.
fn corrupted() -> Error {
    Error::new("corrupted frame on kernel ring")
}

/// The parts of a `sockaddr_ll` that a program may see.
fn link_addr(from: &SockaddrLl) -> LinkAddr {
    LinkAddr {
        protocol: from.protocol,
        hatype: from.hatype,
        pkttype: from.pkttype,
        halen: from.halen,
        addr: from.addr,
        ifindex: from.ifindex,
    }
}
