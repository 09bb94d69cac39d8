//! Packets of every link type, made of few addresses and numbers so that filters match them often, and
//! what becomes of packets: bits that flip, ends that are cut off.

#![allow(dead_code, reason = "every test program uses its own part of this")]

mod link;
mod net;
mod pool;
mod radio;

use super::random::Random;
use pcap::bpf::Meta;
use pcap::filter::ast::{Expr, Step};
use pcap::filter::pred::Pred;
use pool::Pool;

/// A packet as a capture delivers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub bytes: Vec<u8>,
    /// Its length before it was cut.
    pub wire_len: u32,
    /// What the kernel told of it.
    pub meta: Meta,
}

/// Makes packets.
#[derive(Clone, Debug)]
pub struct Packets {
    random: Random,
    pool: Pool,
}

fn be16(number: u16) -> [u8; 2] {
    number.to_be_bytes()
}

fn be32(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

impl Packets {
    pub fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), pool: Pool::new() }
    }

    /// Such that this filter often matches.
    pub fn for_filter(seed: u64, expr: &Expr<Pred>) -> Self {
        let mut packets = Self::new(seed);
        for step in expr {
            if let Step::Term(term) = step {
                packets.pool.learn(&term.node, &mut packets.random);
            }
        }
        packets
    }

    /// A whole packet of a link type.
    pub fn whole(&mut self, dlt: i32) -> Packet {
        let bytes = self.frame(dlt);
        let wire_len = bytes.len() as u32;
        Packet { bytes, wire_len, meta: self.meta() }
    }

    /// A packet with something behind its end, as frames that would be too short have.
    pub fn padded(&mut self, dlt: i32) -> Packet {
        let mut packet = self.whole(dlt);
        let padding = self.random.below(60);
        packet.bytes.extend(self.random.bytes(padding));
        packet.wire_len = packet.bytes.len() as u32;
        packet
    }

    /// The same packet, whole, but shorter.
    pub fn short(&mut self, packet: &Packet) -> Packet {
        let mut short = self.cut(packet);
        short.wire_len = short.bytes.len() as u32;
        short
    }

    /// What the kernel may tell.
    fn meta(&mut self) -> Meta {
        let vlan_present = self.random.once_in(3);
        let tag = self.random.mostly(&self.pool.vlans) as u16
            ^ self.random.pick(&[0, 0, 0x1000, 0x2000, 0xe000]);
        Meta {
            pkttype: self.random.pick(&[0, 1, 2, 3, 4, 4, 4]),
            ifindex: self.random.favour(&self.pool.indexes),
            vlan_present,
            vlan_tci: if vlan_present { tag } else { 0 },
            vlan_tpid: if vlan_present { self.random.pick(&[0x8100, 0x88a8]) } else { 0 },
            ..Meta::default()
        }
    }

    /// The same packet, some bits of it flipped.
    pub fn flipped(&mut self, packet: &Packet) -> Packet {
        let mut flipped = packet.clone();
        let len = flipped.bytes.len() as u32;
        for _ in 0..1 + self.random.below(4) {
            // Headers matter most.
            let reach = self.random.pick(&[16, 64, u32::MAX]).min(len);
            if reach > 0 {
                let at = self.random.below(reach) as usize;
                flipped.bytes[at] ^= 1 << self.random.below(8);
            }
        }
        flipped
    }

    /// The same packet, cut off somewhere.
    pub fn cut(&mut self, packet: &Packet) -> Packet {
        let len = packet.bytes.len() as u32;
        let reach = self.random.pick(&[24, 64, u32::MAX]).min(len);
        let keep = self.random.below(reach + 1);
        Packet::cut(packet, keep as usize)
    }
}

impl Packet {
    /// The first `keep` bytes of it.
    pub fn cut(&self, keep: usize) -> Self {
        let mut cut = self.clone();
        cut.bytes.truncate(keep);
        cut
    }

    /// Its bytes in hexadecimal.
    pub fn hex(&self) -> String {
        self.bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
