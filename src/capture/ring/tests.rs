//! The rings on memory of our own, with the test as the kernel: a friendly one that lays packets out as
//! `net/packet/af_packet.c` does, and a hostile one that writes whatever it likes.

use super::frame::{Rules, Scale, Userland};
use super::layout::*;
use super::memory::{Memory, Shared};
use super::{Geometry, frames, v3};
use crate::bpf::insn::{ABS, H, JEQ, JMP, K, LD, RET_K, SKF_AD_IFINDEX, SKF_AD_OFF, W};
use crate::bpf::{Insn, Program};
use crate::capture::{Direction, Fill, Link};
use crate::handle::batch::{BATCH, Batch, Lent};
use crate::linktype::dlt;
use std::cell::Cell;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

mod facts;

const ETHERNET: Link = Link::Raw { dlt: dlt::EN10MB, can: false };

fn rules(link: Link) -> Rules {
    Rules {
        snapshot: 65535,
        scale: Scale::Micro,
        direction: Direction::InOut,
        link,
        lo_ifindex: 1,
        not_loopback: true,
        filter: None,
        userland: Userland::None,
        rejected: Cell::new(0),
        can_undo: Cell::new(None),
    }
}

/// What a test sees of a packet that was lent.
fn seen(lent: Lent) -> (PacketFacts, Vec<u8>) {
    // SAFETY: the test reads a packet of the ring's memory before the next fill; the ring has checked its length.
    let bytes = unsafe { std::slice::from_raw_parts(lent.data, lent.header.caplen as usize) };
    let header = lent.header;
    ((header.ts.tv_sec as u32, header.ts.tv_usec as u32, header.len), bytes.to_vec())
}

type PacketFacts = (u32, u32, u32);

type Told = crate::capture::facts::PacketFacts;

/// The next packet, wherever it is described.
fn take(batch: &Batch) -> Option<Lent> {
    // SAFETY: a slot is in the batch.
    batch.take_slot().map(|slot| unsafe { slot.read() }).or_else(|| batch.take_from_run())
}

fn take_all(batch: &Batch) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| take(batch).map(|lent| seen(lent).1)).collect()
}

/// An Ethernet frame of `len` bytes, all told apart by `n`.
fn ethernet(n: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![n; len];
    bytes[..14].copy_from_slice(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
    bytes
}

#[derive(Clone, Copy, Default)]
struct Tag {
    tci: u16,
    tpid: u16,
    status: u32,
}

const TAG: Tag =
    Tag { tci: 0xa123, tpid: 0x88a8, status: STATUS_VLAN_VALID | STATUS_VLAN_TPID_VALID };

const FROM: SockaddrLl = SockaddrLl {
    family: 17,
    protocol: 0x0800u16.to_be(),
    ifindex: 7,
    hatype: 1,
    pkttype: 0,
    halen: 6,
    addr: [1, 2, 3, 4, 5, 6, 0, 0],
};

fn bytes_to(memory: &Memory, offset: usize, bytes: &[u8]) {
    for (n, byte) in bytes.iter().enumerate() {
        memory.write(offset + n, *byte);
    }
}

// SAFETY: an integer.
unsafe impl Shared for u8 {}

/// A ring of blocks, and the kernel's side of it.
struct Blocks {
    ring: v3::Ring,
    /// A second view of the memory, which the ring owns.
    memory: Memory,
    geometry: Geometry,
}

const BLOCK: usize = 8192;
/// Where a packet begins in its frame: behind the headers, with room for a tag or a cooked header.
const MAC: usize = 48 + 20 + 36;

impl Blocks {
    fn new(blocks: usize) -> Self {
        let geometry =
            Geometry { block_size: BLOCK, blocks, frame_size: BLOCK, frames_per_block: 1 };
        let memory = Memory::heap(BLOCK * blocks);
        let view = memory.alias();
        Self { ring: v3::Ring::new(memory, geometry), memory: view, geometry }
    }

    /// Fills `block` with `packets` and hands it over.
    fn hand_over(&self, block: usize, packets: &[(Vec<u8>, Tag, SockaddrLl)]) {
        let base = block * BLOCK;
        let first = 48;
        let mut at = first;
        for (n, (bytes, tag, from)) in packets.iter().enumerate() {
            let next = align(MAC + bytes.len());
            let last = n + 1 == packets.len();
            self.memory.write(
                base + at,
                Tpacket3Hdr {
                    next_offset: if last { 0 } else { next as u32 },
                    sec: 1000 + n as u32,
                    nsec: 123_456_789,
                    snaplen: bytes.len() as u32,
                    len: bytes.len() as u32 + 1,
                    status: STATUS_USER | tag.status,
                    mac: MAC as u16,
                    net: 0,
                    rxhash: 0,
                    vlan_tci: tag.tci.into(),
                    vlan_tpid: tag.tpid,
                    padding: [0; 10],
                },
            );
            self.memory.write(base + at + 48, *from);
            bytes_to(&self.memory, base + at + MAC, bytes);
            at += next;
        }
        self.memory.write(
            base,
            BlockDesc {
                version: 1,
                offset_to_priv: 0,
                block_status: STATUS_USER,
                num_pkts: packets.len() as u32,
                offset_to_first_pkt: first as u32,
                blk_len: at as u32,
            },
        );
    }

    fn is_the_kernels(&self, block: usize) -> bool {
        let status = self.memory.status(block * BLOCK + BLOCK_STATUS).unwrap();
        status.load(Ordering::Acquire) == STATUS_KERNEL
    }
}

fn plain(n: u8, len: usize) -> (Vec<u8>, Tag, SockaddrLl) {
    (ethernet(n, len), Tag::default(), FROM)
}

#[test]
fn blocks_are_read_in_turn_and_given_back_at_the_next_fill() {
    let mut blocks = Blocks::new(2);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Nothing));
    for turn in 0..4u8 {
        let block = usize::from(turn % 2);
        blocks.hand_over(block, &[plain(turn, 60), plain(turn + 100, 61)]);
        assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Packets));
        let (facts, bytes) = seen(take(&batch).unwrap());
        assert_eq!((facts, bytes), ((1000, 123_456, 61), ethernet(turn, 60)));
        assert_eq!(take_all(&batch), [ethernet(turn + 100, 61)]);
        assert!(!blocks.is_the_kernels(block));
        assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Nothing));
        assert!(blocks.is_the_kernels(block));
    }
}

#[test]
fn a_block_of_more_than_a_batch_is_lent_in_parts() {
    let mut blocks = Blocks::new(1);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    let count = 60;
    blocks.hand_over(0, &(0..count).map(|n| plain(n, 14)).collect::<Vec<_>>());
    rules.scale = Scale::Nano;
    assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Packets));
    let all: Vec<_> = (0..count).map(|n| ethernet(n, 14)).collect();
    let (facts, first) = seen(take(&batch).unwrap());
    assert_eq!(facts.1, 123_456_789);
    assert_eq!([vec![first], take_all(&batch)].concat(), all);
    assert!(usize::from(count) < BATCH);
}

#[test]
fn an_empty_block_is_given_back() {
    let mut blocks = Blocks::new(2);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    blocks.hand_over(0, &[]);
    blocks.hand_over(1, &[plain(1, 60)]);
    assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Packets));
    assert_eq!(take_all(&batch), [ethernet(1, 60)]);
    assert!(blocks.is_the_kernels(0));
}

fn tagged(n: u8) -> Vec<u8> {
    let plain = ethernet(n, 60);
    [&plain[..12], &[0x88, 0xa8, 0xa1, 0x23], &plain[12..]].concat()
}

#[test]
fn a_stripped_tag_is_put_back_with_its_priority_and_type() {
    let mut blocks = Blocks::new(1);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    blocks.hand_over(0, &[plain(1, 60), (ethernet(2, 60), TAG, FROM), plain(3, 60)]);
    let mut got = Vec::new();
    while blocks.ring.fill(&mut rules, &batch) == Ok(Fill::Packets) {
        got.extend(take_all(&batch));
    }
    assert_eq!(got, [ethernet(1, 60), tagged(2), ethernet(3, 60)]);
}

#[test]
fn what_was_lent_and_not_read_can_be_lent_again_by_other_rules() {
    let mut blocks = Blocks::new(1);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    let out = SockaddrLl { pkttype: 4, ..FROM };
    blocks.hand_over(
        0,
        &[plain(1, 60), (ethernet(2, 60), TAG, FROM), (ethernet(3, 60), TAG, out), plain(4, 60)],
    );
    blocks.ring.fill(&mut rules, &batch).unwrap();
    assert_eq!(seen(take(&batch).unwrap()).1, ethernet(1, 60));
    blocks.ring.rewind(&rules, &batch);
    batch.clear();
    rules.direction = Direction::In;
    assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Packets));
    assert_eq!(take_all(&batch), [tagged(2), ethernet(4, 60)]);
    // All read: nothing to take back.
    blocks.ring.rewind(&rules, &batch);
    batch.clear();
    assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Nothing));
}

#[test]
fn what_was_taken_back_can_be_taken_back_again() {
    let [first, second, third] = [1, 2, 3].map(|n| plain(n, 60));
    for link in [ETHERNET, Link::Sll2] {
        let mut blocks = Blocks::new(1);
        let (mut rules, batch) = (rules(link), Batch::default());
        blocks.hand_over(0, &[first.clone(), second.clone(), third.clone()]);
        blocks.ring.fill(&mut rules, &batch).unwrap();
        assert!(take(&batch).is_some());
        for _ in 0..3 {
            blocks.ring.rewind(&rules, &batch);
            batch.clear();
        }
        assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Packets));
        assert_eq!(take_all(&batch).len(), 2);
    }
    let mut frames = Frames::<Tpacket2Hdr>::new(40, false);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    for n in 0..3 {
        frames.hand_over(n, &ethernet(n as u8, 60), v2(0));
    }
    assert_eq!(frames.fill(&mut rules, &batch), Fill::Packets);
    assert!(take(&batch).is_some());
    for _ in 0..3 {
        frames.ring.rewind(&rules, &batch);
        batch.clear();
    }
    assert_eq!(frames.fill(&mut rules, &batch), Fill::Packets);
    assert_eq!(take_all(&batch).len(), 2);
}

/// Accepts `keep` bytes of what came through interface 7.
fn interface_filter(keep: u32) -> Program {
    let load = Insn::stmt(LD | W | ABS, SKF_AD_OFF.wrapping_add(SKF_AD_IFINDEX));
    let test = Insn::jump(JMP | JEQ | K, 7, 0, 1);
    Program::new(&[load, test, Insn::stmt(RET_K, keep), Insn::stmt(RET_K, 0)]).unwrap()
}

#[test]
fn a_userland_filter_sees_the_meta_data_and_cuts() {
    let mut blocks = Blocks::new(1);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    rules.filter = Some(interface_filter(20));
    rules.userland = Userland::All;
    let other = SockaddrLl { ifindex: 8, ..FROM };
    blocks.hand_over(0, &[(ethernet(1, 60), Tag::default(), other), plain(2, 60)]);
    blocks.ring.fill(&mut rules, &batch).unwrap();
    assert_eq!(take_all(&batch), [ethernet(2, 20)]);
}

#[test]
fn a_filter_is_run_in_userland_for_as_many_blocks_as_it_has_to() {
    let mut blocks = Blocks::new(3);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    blocks.hand_over(0, &[plain(0, 60)]);
    assert_eq!(blocks.ring.filled_until_now(), 2, "a block that is ours, and one being filled");
    rules.filter = Program::new(&[Insn::stmt(RET_K, 0)]);
    rules.userland = Userland::First(2);
    blocks.hand_over(1, &[plain(1, 60)]);
    blocks.hand_over(2, &[plain(2, 60)]);
    assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Rejected));
    assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Rejected));
    assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Packets));
    assert_eq!(take_all(&batch), [ethernet(2, 60)]);
}

#[test]
fn cooked_headers_stand_in_front_of_the_packet() {
    for (link, header) in [
        (Link::Sll { dlt: dlt::LINUX_SLL }, vec![0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0]),
        (Link::Sll2, vec![8, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0]),
    ] {
        let mut blocks = Blocks::new(1);
        let (mut rules, batch) = (rules(link), Batch::default());
        rules.snapshot = 30;
        blocks.hand_over(0, &[plain(9, 60)]);
        blocks.ring.fill(&mut rules, &batch).unwrap();
        let (facts, bytes) = seen(take(&batch).unwrap());
        assert_eq!(facts.2, 61 + header.len() as u32);
        assert_eq!(bytes, [&header[..], &ethernet(9, 60)].concat()[..30]);
        // Lending it again changes nothing.
        blocks.ring.rewind(&rules, &batch);
    }
}

#[test]
fn loopback_packets_come_once() {
    let mut blocks = Blocks::new(1);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    rules.not_loopback = false;
    let [sent, back] = [4, 0].map(|pkttype| SockaddrLl { ifindex: 1, pkttype, ..FROM });
    let both = [(ethernet(1, 60), Tag::default(), sent), (ethernet(2, 60), Tag::default(), back)];
    blocks.hand_over(0, &both);
    blocks.ring.fill(&mut rules, &batch).unwrap();
    assert_eq!(take_all(&batch), [ethernet(2, 60)]);
}

#[test]
fn can_frames_are_undone_when_they_are_lent_again() {
    let mut blocks = Blocks::new(1);
    let can = Link::Raw { dlt: dlt::CAN_SOCKETCAN, can: true };
    let (mut rules, batch) = (rules(can), Batch::default());
    let from = SockaddrLl { protocol: 0x000cu16.to_be(), hatype: 280, ..FROM };
    let mut frame = 0x123u32.to_ne_bytes().to_vec();
    frame.extend([2, 0, 0, 0, 0xaa, 0xbb, 0, 0, 0, 0, 0, 0]);
    blocks.hand_over(0, &[(frame.clone(), Tag::default(), from)]);
    for _ in 0..3 {
        assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Packets));
        blocks.ring.rewind(&rules, &batch);
    }
    blocks.ring.fill(&mut rules, &batch).unwrap();
    let got = take_all(&batch);
    assert_eq!(got[0][..4], 0x123u32.to_be_bytes());
    assert_eq!(got[0][4..], frame[4..]);
}

/// A ring of frames, and the kernel's side of it.
struct Frames<H> {
    ring: frames::Ring<H>,
    memory: Memory,
    socket: std::os::unix::net::UnixDatagram,
}

const FRAME: usize = 256;
const PER_BLOCK: usize = 3;

impl<H: frames::Header> Frames<H> {
    fn new(blocks: usize, fetch: bool) -> Self {
        let geometry =
            Geometry { block_size: 1024, blocks, frame_size: FRAME, frames_per_block: PER_BLOCK };
        let memory = Memory::heap(1024 * blocks);
        let view = memory.alias();
        let (socket, kernel) = std::os::unix::net::UnixDatagram::pair().unwrap();
        for n in 0..3 {
            kernel.send(&ethernet(200 + n, 1000)).unwrap();
        }
        Self { ring: frames::Ring::new(memory, geometry, fetch), memory: view, socket }
    }

    /// Fills frame number `n` and hands it over.
    fn hand_over(&self, n: usize, bytes: &[u8], header: impl Fn(u32, u16) -> H) {
        let base = n / PER_BLOCK * 1024 + n % PER_BLOCK * FRAME;
        let mac = align(size_of::<H>()) + 20 + 20;
        self.memory.write(base, header(bytes.len() as u32, mac as u16));
        self.memory.write(base + align(size_of::<H>()), FROM);
        bytes_to(&self.memory, base + mac, bytes);
    }

    fn fill(&mut self, rules: &mut Rules, batch: &Batch) -> Fill {
        self.ring.fill(rules, batch, self.socket.as_fd()).unwrap()
    }
}

fn v2(status: u32) -> impl Fn(u32, u16) -> Tpacket2Hdr {
    move |captured, mac| Tpacket2Hdr {
        status: STATUS_USER | status,
        len: captured + 1,
        snaplen: captured,
        mac,
        net: 0,
        sec: 5,
        nsec: 7_000,
        vlan_tci: if status & STATUS_VLAN_VALID != 0 { TAG.tci } else { 0 },
        vlan_tpid: TAG.tpid,
        padding: [0; 4],
    }
}

#[test]
fn frames_are_read_in_turn_across_blocks() {
    let mut frames = Frames::<Tpacket2Hdr>::new(6, false);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    let mut expected = 0u8;
    for n in 0..100usize {
        frames.hand_over(n % 18, &ethernet(n as u8, 60), v2(0));
        if n % 4 != 3 {
            continue;
        }
        while frames.fill(&mut rules, &batch) == Fill::Packets {
            while let Some(lent) = take(&batch) {
                assert_eq!(seen(lent), ((5, 7, 61), ethernet(expected, 60)));
                expected += 1;
            }
        }
    }
    assert_eq!(expected, 100);
}

#[test]
fn frames_with_a_tag_are_lent_between_those_without() {
    let mut frames = Frames::<Tpacket2Hdr>::new(20, false);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    let tag = STATUS_VLAN_VALID | STATUS_VLAN_TPID_VALID;
    frames.hand_over(0, &ethernet(0, 60), v2(0));
    frames.hand_over(1, &ethernet(1, 60), v2(tag));
    frames.hand_over(2, &ethernet(2, 60), v2(0));
    assert_eq!(frames.fill(&mut rules, &batch), Fill::Packets);
    assert_eq!(take_all(&batch), [ethernet(0, 60), tagged(1), ethernet(2, 60)]);
}

#[test]
fn a_packet_too_large_for_its_frame_is_fetched_whole_and_in_order() {
    let mut frames = Frames::<Tpacket2Hdr>::new(40, true);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    frames.hand_over(0, &ethernet(0, 60), v2(0));
    frames.hand_over(1, &ethernet(200, 100), v2(STATUS_COPY));
    frames.hand_over(2, &ethernet(201, 100), v2(STATUS_COPY | STATUS_VLAN_VALID));
    frames.hand_over(3, &ethernet(3, 60), v2(0));
    let mut got = Vec::new();
    let mut again = 0;
    while frames.fill(&mut rules, &batch) == Fill::Packets {
        if again < 2 && got.len() == 2 {
            // The second large packet, taken back and lent anew.
            frames.ring.rewind(&rules, &batch);
            batch.clear();
            again += 1;
            continue;
        }
        got.extend(take_all(&batch));
    }
    let large = ethernet(201, 1000);
    let large = [&large[..12], &[0x81, 0x00, 0xa1, 0x23], &large[12..]].concat();
    assert_eq!(got, [ethernet(0, 60), ethernet(200, 1000), large, ethernet(3, 60)]);
    assert_eq!(again, 2);
}

#[test]
fn a_fetched_packet_is_kept_while_packets_before_it_are_lent_again() {
    let mut frames = Frames::<Tpacket2Hdr>::new(40, true);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    for n in 0..3 {
        frames.hand_over(n, &ethernet(n as u8, 60), v2(0));
    }
    frames.hand_over(3, &ethernet(200, 100), v2(STATUS_COPY));
    frames.hand_over(4, &ethernet(201, 100), v2(STATUS_COPY));
    assert_eq!(frames.fill(&mut rules, &batch), Fill::Packets);
    assert_eq!(seen(take(&batch).unwrap()).1, ethernet(0, 60));
    frames.ring.rewind(&rules, &batch);
    batch.clear();
    let mut got = Vec::new();
    while frames.fill(&mut rules, &batch) == Fill::Packets {
        got.extend(take_all(&batch));
    }
    assert_eq!(got, [ethernet(1, 60), ethernet(2, 60), ethernet(200, 1000), ethernet(201, 1000)]);
}

#[test]
fn a_ring_of_one_frame_does_not_lend_a_fetched_packet_twice() {
    let geometry = Geometry { block_size: 256, blocks: 1, frame_size: 256, frames_per_block: 1 };
    let mut frames = Frames::<Tpacket2Hdr>::new(1, true);
    let memory = Memory::heap(256);
    frames.memory = memory.alias();
    frames.ring = frames::Ring::new(memory, geometry, true);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    for n in 200..203 {
        frames.hand_over(0, &ethernet(n, 100), v2(STATUS_COPY));
        assert_eq!(frames.fill(&mut rules, &batch), Fill::Packets);
        assert_eq!(take_all(&batch), [ethernet(n, 1000)]);
        assert_eq!(frames.fill(&mut rules, &batch), Fill::Nothing);
    }
}

#[test]
fn both_layouts_of_version_1_are_read() {
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    let mut short = Frames::<Tpacket1Hdr32>::new(4, false);
    let header = |snaplen, mac| Tpacket1Hdr32 {
        status: STATUS_USER,
        len: snaplen,
        snaplen,
        mac,
        net: 0,
        sec: 5,
        usec: 7,
    };
    short.hand_over(0, &ethernet(1, 60), header);
    assert_eq!(short.fill(&mut rules, &batch), Fill::Packets);
    assert_eq!(seen(take(&batch).unwrap()), ((5, 7, 60), ethernet(1, 60)));
    assert_eq!(short.fill(&mut rules, &batch), Fill::Nothing);

    let mut long = Frames::<Tpacket1Hdr64>::new(4, false);
    let status = if cfg!(target_endian = "big") { [0, STATUS_USER] } else { [STATUS_USER, 0] };
    let header = |snaplen, mac| Tpacket1Hdr64 {
        status,
        len: snaplen,
        snaplen,
        mac,
        net: 0,
        sec: 5,
        usec: 7,
        padding: 0,
    };
    long.hand_over(0, &ethernet(2, 60), header);
    assert_eq!(long.fill(&mut rules, &batch), Fill::Packets);
    assert_eq!(seen(take(&batch).unwrap()), ((5, 7, 60), ethernet(2, 60)));
    assert_eq!(long.fill(&mut rules, &batch), Fill::Nothing);
}

/// A small generator of numbers, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as u32
    }

    /// Mostly numbers at some edge.
    fn edge(&mut self) -> u32 {
        match self.next() % 8 {
            0 => 0,
            1 => u32::MAX,
            2 => self.next(),
            3 => (BLOCK as u32).wrapping_sub(self.next() % 100),
            _ => self.next() % 300,
        }
    }
}

fn any_rules(random: &mut Random) -> Rules {
    let links = [ETHERNET, Link::Sll { dlt: dlt::LINUX_SLL }, Link::Sll2];
    let can = Link::Raw { dlt: dlt::CAN_SOCKETCAN, can: true };
    let link = *links.get(random.next() as usize % 4).unwrap_or(&can);
    let mut rules = rules(link);
    rules.snapshot = random.edge();
    if random.next().is_multiple_of(3) {
        let load = Insn::stmt(LD | H | ABS, random.next() % 30);
        rules.filter = Program::new(&[load, Insn::stmt(RET_K, random.edge())]);
        rules.userland = Userland::All;
    }
    rules
}

/// Looks at every byte that was lent, so that a wrong length is a crash or a finding of a checker, and
/// checks that it lies inside `memory` or in a buffer of the ring's own.
fn look_at(batch: &Batch, mut facts: impl FnMut(*const u8) -> Option<Told>) {
    while let Some(lent) = take(batch) {
        let (_, bytes) = seen(lent);
        assert!(bytes.len() <= BLOCK.max(super::frames::COPY_MAX));
        for away in [0, 1, 300, usize::MAX / 2] {
            let (before, behind) = (lent.data.wrapping_sub(away), lent.data.wrapping_add(away));
            let _ = (facts(before), facts(behind));
        }
    }
}

#[test]
fn a_hostile_kernel_cannot_lead_outside_a_ring_of_blocks() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3000 {
        let mut blocks = Blocks::new(2);
        let mut rules = any_rules(&mut random);
        let batch = Batch::default();
        for block in 0..blocks.geometry.blocks {
            let base = block * BLOCK;
            for _ in 0..40 {
                let at = random.next() as usize % (BLOCK / 4) * 4;
                blocks.memory.write(base + at, random.edge());
            }
            blocks.hand_over(block, &[plain(1, 60), (ethernet(2, 60), TAG, FROM)]);
            for _ in 0..random.next() % 4 {
                let at = random.next() as usize % 90 * 4;
                blocks.memory.write(base + at, random.edge());
            }
            blocks.memory.write(base + BLOCK_STATUS, STATUS_USER);
        }
        for _ in 0..6 {
            let _ = blocks.ring.fill(&mut rules, &batch);
            if random.next().is_multiple_of(3) {
                blocks.ring.rewind(&rules, &batch);
            }
            look_at(&batch, |packet| blocks.ring.facts(rules.link, &batch, packet));
        }
    }
}

#[test]
fn a_hostile_kernel_cannot_lead_outside_a_ring_of_frames() {
    let mut random = Random(0xdead_beef_cafe_f00d);
    for _ in 0..3000 {
        let mut frames = Frames::<Tpacket2Hdr>::new(3, random.next().is_multiple_of(2));
        let mut rules = any_rules(&mut random);
        let batch = Batch::default();
        for n in 0..9 {
            let status = random.next();
            frames.hand_over(n, &ethernet(n as u8, 60), v2(status));
            let base = n / PER_BLOCK * 1024 + n % PER_BLOCK * FRAME;
            for _ in 0..random.next() % 3 {
                let at = 4 + random.next() as usize % 12 * 4;
                frames.memory.write(base + at, random.edge());
            }
        }
        for _ in 0..6 {
            let _ = frames.ring.fill(&mut rules, &batch, frames.socket.as_fd());
            if random.next().is_multiple_of(3) {
                frames.ring.rewind(&rules, &batch);
            }
            look_at(&batch, |packet| frames.ring.facts(rules.link, packet));
        }
    }
}
