//! Pcapng files of every variant, as our library and the distribution's read them, packet by packet and error by
//! error.

#[path = "support/pcapng.rs"]
mod pcapng;
mod support;

use pcapng::{Writer, kind};
use std::fmt::Display;
use std::sync::OnceLock;
use support::loaded::Loaded;
use support::random::Random;
use support::readers::{Event, Facts, Reader, SavedBytes, Way};

/// Errors of the distribution's library that are none to us, in files of a link type or of any, and why.
const FORGIVEN: &[(&str, Option<i32>, &str)] = &[
    (
        "an interface has a snapshot length ",
        None,
        "a deviation: another snapshot length is no reason to refuse packets",
    ),
    (
        "an interface has a type 101 different",
        Some(12),
        "a deviation: libpcap compares LINKTYPE_RAW with DLT_RAW, which is the same",
    ),
];

/// Errors of the distribution's library that have other words since: what theirs and ours begin with.
const REWORDED: &[(&str, &str)] =
    &[("block total length in header and trailer don't match", "block total length in header ")];

/// A packet as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Packet {
    stamp: (i64, i64),
    len: u32,
    data: Vec<u8>,
}

/// What a library makes of a file.
struct Outcome {
    /// `None` if it cannot be opened.
    about: Option<Facts>,
    packets: Vec<Packet>,
    /// The error that ended it, if one did.
    end: String,
}

/// Reads a file up to its end or the first error, with time stamps in nanoseconds if `nano`.
fn read(library: &Reader, bytes: &[u8], nano: bool) -> Outcome {
    let transcript = library.read(&SavedBytes::new(bytes), nano.into(), Way::NextExToTheEnd);
    let (about, end) = match transcript.opened {
        Ok(about) => (Some(about), String::new()),
        Err(end) => (None, end),
    };
    let mut outcome = Outcome { about, packets: Vec::new(), end };
    for event in transcript.events {
        match event {
            Event::Packet { stamp, len, data, .. } => {
                outcome.packets.push(Packet { stamp, len, data: data.0 });
            }
            Event::Returned(_, end) => {
                outcome.end = end;
                break;
            }
            Event::Position(_) => {}
        }
    }
    outcome
}

fn ours(bytes: &[u8], nano: bool) -> Outcome {
    read(Reader::ours(), bytes, nano)
}

/// What the distribution's library makes of a file, if there is one.
fn theirs(bytes: &[u8], nano: bool) -> Option<Outcome> {
    static THERE: OnceLock<bool> = OnceLock::new();
    let there = *THERE.get_or_init(|| Loaded::theirs().is_some());
    there.then(|| read(Reader::theirs(), bytes, nano))
}

/// Compares what both make of a file; whether they agree wholly.
#[track_caller]
fn compare(bytes: &[u8], nano: bool, what: &dyn Display) -> bool {
    compare_packets(bytes, nano, what, &|packet| packet)
}

/// As [`compare`], of what `known` leaves of packets.
#[track_caller]
fn compare_packets(
    bytes: &[u8],
    nano: bool,
    what: &dyn Display,
    known: &dyn Fn(Packet) -> Packet,
) -> bool {
    let Some(theirs) = theirs(bytes, nano) else { return true };
    let ours = ours(bytes, nano);
    assert_eq!(ours.about, theirs.about, "{what}: {} {}", ours.end, theirs.end);
    for (n, (ours, theirs)) in ours.packets.iter().zip(&theirs.packets).enumerate() {
        assert_eq!(known(ours.clone()), known(theirs.clone()), "{what}: packet {n}");
    }
    let counts = (ours.packets.len(), theirs.packets.len());
    let forgiven = FORGIVEN.iter().any(|(text, link, _)| {
        theirs.end.starts_with(text)
            && link.is_none_or(|link| {
                theirs.about.as_ref().is_some_and(|about| about.datalink == link)
            })
    });
    if forgiven {
        assert!(counts.0 >= counts.1, "{what}: {}", ours.end);
        assert_ne!(ours.end, theirs.end, "{what}: not forgiven");
        return false;
    }
    assert_eq!(counts.0, counts.1, "{what}: {} {}", ours.end, theirs.end);
    let reworded = REWORDED.iter().find(|(text, _)| theirs.end.starts_with(text));
    match reworded {
        Some((_, text)) => assert!(ours.end.starts_with(text), "{what}: {}", ours.end),
        None => assert_eq!(ours.end, theirs.end, "{what}"),
    }
    true
}

const HERE: u64 = 1_700_000_000_123_456;

/// A file with something of everything.
fn rich(swapped: bool) -> Vec<u8> {
    let mut file = Writer::new(swapped);
    file.block(4, b"names");
    let offset = file.long(3600);
    file.interface(1, 100, &[(2, b"eth0"), (9, &[9]), (14, &offset), (0, b"")]);
    file.interface(1, 100, &[(1, b"a comment"), (9, &[0x8a])]);
    file.interface(1, 100, &[]);
    file.enhanced_of(0, HERE * 1000, 1000, b"first", &[(1, b"comment"), (0, b"")]);
    file.enhanced(1, 0x1234_5678, b"");
    file.block(5, &[3; 12]);
    file.enhanced(2, HERE, &[7; 100]);
    file.simple(7, b"simple!");
    file.simple(700, &[9; 100]);
    file.obsolete(2, HERE, b"obsolete");
    file.section();
    file.interface(1, 100, &[(9, &[3])]);
    file.enhanced(0, HERE / 1000, b"last");
    file.bytes
}

#[test]
fn everything_once() {
    for swapped in [false, true] {
        for nano in [false, true] {
            assert!(compare(&rich(swapped), nano, &"everything"));
        }
    }
    let ours = ours(&rich(true), false);
    assert_eq!((ours.packets.len(), ours.end.as_str()), (7, ""), "all are packets");
}

#[test]
fn time_stamps_of_every_resolution() {
    let stamps = [0, 1, 999_999, 1_000_000, 0xffff_ffff, HERE, HERE * 1000, 1 << 63, u64::MAX];
    for value in (0..=0xff).filter(|value| value & 0x7f < 70) {
        for swapped in [false, true] {
            for offset in [0, 1, -1, i64::MAX, i64::MIN] {
                let mut file = Writer::new(swapped);
                let offset = file.long(i64::cast_unsigned(offset));
                file.interface(1, 0, &[(9, &[value]), (14, &offset)]);
                file.simple(4, b"none");
                for stamp in stamps {
                    file.enhanced(0, stamp, b"some");
                    file.obsolete(0, stamp.wrapping_sub(12345), b"some");
                }
                for nano in [false, true] {
                    // Their fraction times units does not fit in 64 bits: a deviation, ours is right.
                    let units = if nano { 30 } else { 20 };
                    let overflows = value & 0x80 != 0 && (value & 0x7f) + units > 64;
                    let known = |mut packet: Packet| {
                        if overflows {
                            packet.stamp.1 = 0;
                        }
                        packet
                    };
                    compare_packets(&file.bytes, nano, &format!("resolution {value:#x}"), &known);
                }
            }
        }
    }
}

#[test]
fn truncated_everywhere() {
    for swapped in [false, true] {
        let whole = rich(swapped);
        for len in 0..whole.len() {
            compare(&whole[..len], false, &format_args!("{len} bytes"));
        }
    }
}

#[test]
fn every_byte_changed() {
    let mut agreed = 0;
    for swapped in [false, true] {
        let whole = rich(swapped);
        for at in 0..whole.len() {
            let old = whole[at];
            for new in [old ^ 1, old ^ 0x80, old.wrapping_add(4), 0, 0xff, 101] {
                let mut bytes = whole.clone();
                bytes[at] = new;
                let what = format!("swapped {swapped}: byte {at}, {old:#x}, became {new:#x}");
                agreed += usize::from(compare(&bytes, at % 2 == 0, &what));
            }
        }
    }
    assert!(agreed > 5000, "{agreed}");
}

#[test]
fn link_types_and_snapshot_lengths() {
    for link in [0, 1, 12, 100, 101, 102, 113, 147, 220, 231, 249, 279, 304, 0xffff] {
        for snaplen in [0, 1, 4, 100, 262_144, 262_145, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            let mut file = Writer::new(snaplen % 2 == 0);
            file.interface(link, snaplen, &[]);
            file.simple(4, b"four");
            file.enhanced(0, HERE, &[0; 2000]);
            file.enhanced(0, HERE, &vec![0; 300_000]);
            file.block(99, &vec![0; 17 << 20]);
            compare(&file.bytes, false, &format_args!("link {link}, snaplen {snaplen}"));
        }
    }
}

#[test]
fn interfaces_that_are_refused() {
    for (link, snaplen, agree) in [(1, 100, true), (1, 99, false), (101, 100, false)] {
        let mut file = Writer::new(false);
        file.interface(link, 100, &[]);
        file.enhanced(0, HERE, b"first");
        file.interface(link, snaplen, &[]);
        file.enhanced(1, HERE, b"second");
        let agreed = compare(&file.bytes, false, &link);
        assert!(agreed == agree || Loaded::theirs().is_none(), "{link} {snaplen}");
        let ours = ours(&file.bytes, false);
        assert_eq!((ours.packets.len(), ours.end.as_str()), (2, ""));
    }
}

#[test]
fn first_sections() {
    for (major, minor) in [(0, 0), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (0xffff, 2)] {
        for pad in [0, 1, 3, 4, 3000, (1 << 20) - 28, (1 << 20) - 27] {
            let mut file = Writer::new(minor == 2);
            let version = [file.half(major), file.half(minor)].concat();
            let magic = file.word(pcapng::BYTE_ORDER);
            let total = file.word(28 + pad);
            let pad = vec![0; pad as usize];
            let head = [file.word(kind::SECTION), total, magic].concat();
            file.bytes = [head, version, vec![0; 8], pad, b"none".to_vec()].concat();
            file.interface(1, 100, &[]);
            file.enhanced(0, HERE, b"packet");
            compare(&file.bytes, false, &format_args!("version {major}.{minor}"));
        }
    }
}

/// Headers in front of packets, at random: fields that are plausible, and lengths that cut them anywhere.
#[test]
fn headers_that_are_fixed_up() {
    // DLT_LINUX_SLL, PFLOG, USB_LINUX, USB_LINUX_MMAPPED, CAN_SOCKETCAN, NFLOG, LINUX_SLL2.
    for link in [113, 117, 189, 220, 227, 239, 276] {
        let mut random = Random::new(link.into());
        for round in 0..400 {
            let mut file = Writer::new(round % 2 == 0);
            file.interface(link, 0, &[]);
            for _ in 0..10 {
                let (data, len) = header(&mut random, link, &file);
                file.enhanced_of(0, HERE, len, &data, &[]);
            }
            let what = format!("link type {link}, round {round}");
            compare_packets(&file.bytes, false, &what, &|packet| usb_length(link, packet));
        }
    }
}

/// Lengths of isochronous transfers that are right only since 1.10.5: before, descriptors that are not all there, and
/// ends that do not fit in 32 bits, were counted, too.
fn usb_length(link: u16, mut packet: Packet) -> Packet {
    let word = |at: usize| {
        let bytes = packet.data.get(at..at + 4).map(|bytes| bytes.try_into().expect("4 bytes"));
        bytes.map_or(0, u32::from_ne_bytes)
    };
    let count = word(60) as usize;
    let whole = count <= 128 && packet.data.len() >= 64 + 16 * count;
    let fits = |n: usize| word(64 + 16 * n + 4).checked_add(word(64 + 16 * n + 8)).is_some();
    if link == 220 && !(whole && (0..count).all(fits)) {
        packet.len = 0;
    }
    packet
}

/// A packet that begins with a header, and the length that it had.
fn header(random: &mut Random, link: u16, file: &Writer) -> (Vec<u8>, u32) {
    let size = random.below(200);
    let mut data = random.bytes(size);
    let mut len = if random.once_in(4) { random.below(80) } else { size };
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(to) = data.get_mut(at..at + bytes.len()) {
            to.copy_from_slice(bytes);
        }
    };
    match link {
        113 => put(14, &[0, random.pick(&[12, 13, 13, 8])]),
        276 => put(0, &[0, random.pick(&[12, 13, 13, 8])]),
        117 => put(0, &[random.pick(&[0, 44, 47, 48, 52, 60, 61, 100, 255])]),
        239 => {
            put(1, &[u8::from(random.once_in(5))]);
            let mut at = 4;
            while at < 200 {
                let size = random.pick(&[0, 3, 4, 5, 8, 12, 21, 60, 300]);
                put(at, &file.half(size));
                at += usize::from(size.max(4)).next_multiple_of(4);
            }
        }
        _ => {
            let (kind, transfer) = (random.pick(b"CCS"), random.pick(&[0, 0, 0, 1]));
            put(8, &[kind, transfer, random.pick(&[0x81, 0x82, 2])]);
            put(15, &[random.pick(&[0, 0, 0, b'<'])]);
            let descriptors = random.pick(&[0, 1, 2, 5, 8, 128, 129, 1 << 28]);
            let length = random.below(5000);
            put(32, &file.word(length));
            put(60, &file.word(descriptors));
            for n in 0..8 {
                let [offset, length] = [random.below(5000), random.pick(&[0, 100, u32::MAX])];
                put(64 + 16 * n + 4, &file.word(offset));
                put(64 + 16 * n + 8, &file.word(length));
            }
            if random.once_in(2) {
                len = 64_u32.wrapping_add(descriptors.wrapping_mul(16)).wrapping_add(length);
            }
        }
    }
    (data, len)
}
