//! What is told of packets that are lent, and of nothing else.

use super::*;
use crate::capture::facts::{Clock, PacketFacts};
use std::ptr::null;

/// `TP_STATUS_CSUMNOTREADY`.
const CSUM_NOT_READY: u32 = 1 << 3;

/// A packet from the interface `ifindex`.
fn from(n: u8, tag: Tag, ifindex: i32) -> (Vec<u8>, Tag, SockaddrLl) {
    (ethernet(n, 60), tag, SockaddrLl { ifindex, ..FROM })
}

fn ifindex(facts: Option<PacketFacts>) -> Option<i32> {
    facts.map(|facts| facts.addr.ifindex)
}

/// All of `batch`: where each packet begins.
fn starts(batch: &Batch) -> Vec<*const u8> {
    std::iter::from_fn(|| take(batch).map(|lent| lent.data)).collect()
}

#[test]
fn packets_of_a_run_are_found_in_any_order_until_the_block_is_given_back() {
    let mut blocks = Blocks::new(1);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    blocks.hand_over(0, &(0..20).map(|n| from(n, Tag::default(), n.into())).collect::<Vec<_>>());
    blocks.ring.fill(&mut rules, &batch).unwrap();
    let mut had = Vec::new();
    for n in 0..20 {
        let packet = take(&batch).unwrap().data;
        assert_eq!(ifindex(blocks.ring.facts(ETHERNET, &batch, packet)), Some(n));
        had.push(packet);
    }
    for n in (0..20).rev().chain([7, 7, 19, 0]) {
        let packet = had[n];
        assert_eq!(ifindex(blocks.ring.facts(ETHERNET, &batch, packet)), Some(n as i32));
        for other in [packet.wrapping_add(1), packet.wrapping_sub(1), packet.wrapping_sub(4)] {
            assert_eq!(blocks.ring.facts(ETHERNET, &batch, other), None);
        }
    }
    for other in [null(), null::<u8>().wrapping_sub(1), had[0].wrapping_sub(BLOCK)] {
        assert_eq!(blocks.ring.facts(ETHERNET, &batch, other), None);
    }
    assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Nothing));
    assert_eq!(blocks.ring.facts(ETHERNET, &batch, had[3]), None);
}

#[test]
fn packets_that_the_caller_has_not_had_are_not_told_of() {
    let mut blocks = Blocks::new(1);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    blocks.hand_over(0, &[1, 2].map(|n| from(n, Tag::default(), 1)));
    blocks.ring.fill(&mut rules, &batch).unwrap();
    let first = take(&batch).unwrap().data;
    let second = first.wrapping_add(align(MAC + 60));
    assert_eq!(blocks.ring.facts(ETHERNET, &batch, second), None);
    assert_eq!(take(&batch).unwrap().data, second);
    assert_eq!(ifindex(blocks.ring.facts(ETHERNET, &batch, second)), Some(1));
}

#[test]
fn a_block_tells_what_each_packet_cannot() {
    let mut blocks = Blocks::new(1);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    let software = Tag { status: STATUS_TS_SOFTWARE | CSUM_NOT_READY, ..Tag::default() };
    let hardware = Tag { status: STATUS_TS_RAW_HARDWARE | STATUS_TS_SOFTWARE, ..Tag::default() };
    blocks.hand_over(0, &[from(1, software, 1), from(2, hardware, 2)]);
    blocks.memory.write(BLOCK_STATUS, STATUS_USER | STATUS_LOSING);
    let second = 48 + align(MAC + 60);
    blocks.memory.write(second + std::mem::offset_of!(Tpacket3Hdr, rxhash), 0x1234_5678u32);
    blocks.ring.fill(&mut rules, &batch).unwrap();
    let told: Vec<_> =
        starts(&batch).iter().map(|p| blocks.ring.facts(ETHERNET, &batch, *p).unwrap()).collect();
    let seconds = |n: u64| n * 1_000_000_000 + 123_456_789;
    let first = PacketFacts {
        nanoseconds: seconds(1000),
        clock: Clock::Software,
        status: STATUS_LOSING | CSUM_NOT_READY,
        addr: crate::capture::ring::link_addr(&SockaddrLl { ifindex: 1, ..FROM }),
        vlan: None,
        rxhash: None,
    };
    assert_eq!(told[0], first);
    assert_eq!((told[1].nanoseconds, told[1].clock), (seconds(1001), Clock::RawHardware));
    assert_eq!((told[1].status, told[1].rxhash), (STATUS_LOSING, Some(0x1234_5678)));
}

#[test]
fn packets_that_begin_elsewhere_are_found_where_they_begin() {
    let bare = Tag { status: STATUS_VLAN_VALID, ..TAG };
    for link in [ETHERNET, Link::Sll { dlt: dlt::LINUX_SLL }, Link::Sll2] {
        let mut blocks = Blocks::new(1);
        let (mut rules, batch) = (rules(link), Batch::default());
        blocks.hand_over(0, &[from(1, Tag::default(), 1), from(2, TAG, 2), from(3, bare, 3)]);
        let mut found = Vec::new();
        while blocks.ring.fill(&mut rules, &batch) == Ok(Fill::Packets) {
            for packet in starts(&batch) {
                found.push(blocks.ring.facts(link, &batch, packet).unwrap());
                assert_eq!(blocks.ring.facts(link, &batch, packet.wrapping_add(4)), None);
            }
        }
        let vlans: Vec<_> = found.iter().map(|facts| facts.vlan).collect();
        let tags = [None, Some((TAG.tci, Some(TAG.tpid))), Some((TAG.tci, None))];
        assert_eq!(vlans, tags);
        assert_eq!(found.iter().map(|facts| facts.addr.ifindex).collect::<Vec<_>>(), [1, 2, 3]);
    }
}

/// However little room the kernel leaves in front of a packet.
#[test]
fn headers_in_front_leave_the_frame_headers_alone() {
    for room in [0, 3, 4, 15, 16, 20, 23, 24] {
        for link in [ETHERNET, Link::Sll { dlt: dlt::LINUX_SLL }, Link::Sll2] {
            let mut blocks = Blocks::new(1);
            let (mut rules, batch) = (rules(link), Batch::default());
            blocks.hand_over(0, &[from(1, TAG, 1)]);
            let mac = 48 + std::mem::offset_of!(Tpacket3Hdr, mac);
            blocks.memory.write(mac, (48 + 20 + room) as u8);
            let before: Vec<u8> = (0..48 + 68).map(|n| blocks.memory.read(n).unwrap()).collect();
            blocks.ring.fill(&mut rules, &batch).unwrap();
            let packet = take(&batch).unwrap().data;
            let after: Vec<u8> = (0..48 + 68).map(|n| blocks.memory.read(n).unwrap()).collect();
            assert_eq!(before, after, "{link:?} with room for {room}");
            let facts = blocks.ring.facts(link, &batch, packet);
            assert!(facts.is_none_or(|facts| facts.vlan == Some((TAG.tci, Some(TAG.tpid)))));
        }
    }
}

#[test]
fn frames_are_found_all_around_the_ring_and_only_while_lent() {
    for link in [ETHERNET, Link::Sll { dlt: dlt::LINUX_SLL }] {
        let mut frames = Frames::<Tpacket2Hdr>::new(6, false);
        let (mut rules, batch) = (rules(link), Batch::default());
        let mut last = null();
        for n in 0..60usize {
            let status = [0, STATUS_LOSING, STATUS_VLAN_VALID][n % 3];
            frames.hand_over(n % 18, &ethernet(n as u8, 60), v2(status));
            assert_eq!(frames.fill(&mut rules, &batch), Fill::Packets);
            assert_eq!(frames.ring.facts(link, last), None);
            let packet = take(&batch).unwrap().data;
            let facts = frames.ring.facts(link, packet).unwrap();
            assert_eq!((facts.nanoseconds, facts.status), (5_000_007_000, status));
            assert_eq!(facts.vlan.is_some(), n % 3 == 2);
            assert_eq!(frames.ring.facts(link, packet.wrapping_add(1)), None);
            assert_eq!(frames.ring.facts(link, packet.wrapping_sub(16)), None);
            last = packet;
            if n % 2 == 0 {
                assert_eq!(frames.fill(&mut rules, &batch), Fill::Nothing);
                assert_eq!(frames.ring.facts(link, last), None);
            }
        }
    }
}

#[test]
fn a_fetched_packet_is_found_in_its_buffer() {
    let mut frames = Frames::<Tpacket2Hdr>::new(40, true);
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    frames.hand_over(0, &ethernet(200, 100), v2(STATUS_COPY));
    frames.hand_over(1, &ethernet(201, 100), v2(STATUS_COPY | STATUS_VLAN_VALID));
    for status in [STATUS_COPY, STATUS_COPY | STATUS_VLAN_VALID] {
        assert_eq!(frames.fill(&mut rules, &batch), Fill::Packets);
        let packet = take(&batch).unwrap().data;
        assert_eq!(frames.ring.facts(ETHERNET, packet).unwrap().status, status);
        assert_eq!(frames.ring.facts(ETHERNET, packet.wrapping_add(2)), None);
    }
}

#[test]
fn the_oldest_versions_tell_what_they_have() {
    let (mut rules, batch) = (rules(ETHERNET), Batch::default());
    let mut frames = Frames::<Tpacket1Hdr32>::new(4, false);
    let header = |snaplen, mac| Tpacket1Hdr32 {
        status: STATUS_USER | STATUS_TS_SOFTWARE,
        len: snaplen,
        snaplen,
        mac,
        net: 0,
        sec: 5,
        usec: 7,
    };
    frames.hand_over(0, &ethernet(1, 60), header);
    assert_eq!(frames.fill(&mut rules, &batch), Fill::Packets);
    let packet = take(&batch).unwrap().data;
    let facts = frames.ring.facts(ETHERNET, packet).unwrap();
    assert_eq!((facts.nanoseconds, facts.clock), (5_000_007_000, Clock::Software));
    assert_eq!((facts.addr.ifindex, facts.addr.pkttype, facts.status), (7, 0, 0));
}

#[test]
fn can_frames_are_found() {
    let mut blocks = Blocks::new(1);
    let can = Link::Raw { dlt: dlt::CAN_SOCKETCAN, can: true };
    let (mut rules, batch) = (rules(can), Batch::default());
    let from = SockaddrLl { protocol: 0x000cu16.to_be(), hatype: 280, ..FROM };
    blocks
        .hand_over(0, &[(vec![1; 16], Tag::default(), from), (vec![2; 16], Tag::default(), from)]);
    for _ in 0..2 {
        assert_eq!(blocks.ring.fill(&mut rules, &batch), Ok(Fill::Packets));
        let packet = take(&batch).unwrap().data;
        assert_eq!(blocks.ring.facts(can, &batch, packet).unwrap().addr.hatype, 280);
    }
}
