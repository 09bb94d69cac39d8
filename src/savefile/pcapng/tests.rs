//! Tables of blocks, good and bad.

#[path = "../../../tests/support/pcapng.rs"]
mod writer;

use super::*;
use crate::handle::batch::{BATCH, Lent};
use crate::savefile::input::Origin;
use interface::{Clock, Resolution};
use std::cell::Cell;
use std::io::Cursor;
use writer::Writer;

/// What a packet is told as.
type Told = (i64, i64, u32, Vec<u8>);

/// Everything that a file holds, and how it ends: with an error, or well.
fn read(bytes: &[u8], nano: bool) -> (Vec<Told>, Result<About>) {
    let mut input = Input::new(Origin::Made(Box::new(Cursor::new(bytes.to_vec()))), &[]);
    let (mut reader, about) = match Reader::open(&mut input, Ok(nano)) {
        Ok(opened) => opened,
        Err(error) => return (Vec::new(), Err(error)),
    };
    let slots = [const { Cell::new(Lent::NONE) }; BATCH];
    let mut ends = [0; BATCH];
    let mut told = Vec::new();
    loop {
        let mut sink = Sink::new(&slots, &mut ends, None, BATCH);
        let window = input.window();
        let next = reader.read(window, 0, &mut sink);
        for slot in &slots[..sink.taken()] {
            let Lent { header, data } = slot.get();
            let at = data.addr() - window.as_ptr().addr();
            let data = window[at..at + header.caplen as usize].to_vec();
            told.push((header.ts.tv_sec, header.ts.tv_usec, header.len, data));
        }
        let used = sink.used();
        input.set_start(input.start() + used);
        match next {
            _ if used != 0 => {}
            Err(error) => return (told, Err(error)),
            Ok(Next::More(want)) if input.demand(want).unwrap() => {}
            Ok(Next::More(_)) if input.window().is_empty() => return (told, Ok(about)),
            Ok(Next::More(_)) => return (told, Err(reader.truncated(input.window()))),
            Ok(next) => panic!("{next:?} of nothing"),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    read(bytes, false).1.expect_err("an error").text().to_owned()
}

const HERE: u64 = 1_700_000_000_123_456;

#[test]
fn packets_of_every_block_and_byte_order() {
    for swapped in [false, true] {
        let mut file = Writer::new(swapped);
        file.block(4, b"names");
        file.interface(1, 100, &[]);
        file.interface(1, 100, &[(9, &[9])]);
        file.enhanced(0, HERE, b"one");
        file.block(0x4000_0bad, &[1; 40]);
        file.enhanced(1, HERE * 1000 + 789, b"two!");
        file.obsolete(0, HERE, b"");
        file.simple(200, &[5; 100]);
        file.simple(3, b"end");
        file.section();
        file.interface(1, 100, &[(9, &[3])]);
        file.enhanced(0, HERE / 1000, b"more");
        for nano in [false, true] {
            let unit = if nano { 1000 } else { 1 };
            let (told, about) = read(&file.bytes, nano);
            let about = about.expect("a good file");
            let wanted = About {
                datalink: 1,
                datalink_ext: 0,
                snapshot: 100,
                swapped,
                version: (1, 0),
                nano,
            };
            assert_eq!(about, wanted);
            let at = 1_700_000_000;
            let second = (at, 123_456 * unit + if nano { 789 } else { 0 }, 4, b"two!".to_vec());
            let all = [
                (at, 123_456 * unit, 3, b"one".to_vec()),
                second,
                (at, 123_456 * unit, 0, Vec::new()),
                (0, 0, 200, vec![5; 100]),
                (0, 0, 3, b"end".to_vec()),
                (at, 123_000 * unit, 4, b"more".to_vec()),
            ];
            assert_eq!(told, all);
        }
    }
}

/// Each of these follows a section with an interface of Ethernet and a snapshot length of 100.
#[test]
fn malformed_blocks_are_told_in_libpcaps_words() {
    const INTERFACE: &str = "Interface Description Block has";
    let raw = |kind: u32, total: u32, end: u32| {
        move |file: &mut Writer| {
            let words = [kind, total, 0, 0, end].map(|word| file.word(word));
            file.bytes.extend(words.concat());
        }
    };
    let option = |code: u16, value: &'static [u8]| {
        move |file: &mut Writer| file.interface(1, 100, &[(code, value)])
    };
    let twice = |code: u16, value: &'static [u8]| {
        move |file: &mut Writer| {
            file.interface(1, 100, &[(code, value), (code, value)]);
        }
    };
    let section = |magic: u32, major: u16| {
        move |file: &mut Writer| {
            let version = [file.half(major), file.half(9)].concat();
            let body = [&file.word(magic)[..], &version, &[0; 8]].concat();
            file.block(kind::SECTION, &body);
        }
    };
    type Bad<'a> = (&'a dyn Fn(&mut Writer), String);
    let cases: &[Bad<'_>] = &[
        (&raw(5, 8, 8), "block in pcapng dump file has a length of 8 < 12".into()),
        (&raw(5, 0, 0), "block in pcapng dump file has a length of 0 < 12".into()),
        (&raw(5, 11, 11), "block in pcapng dump file has a length of 11 < 12".into()),
        (
            &raw(5, 21, 21),
            "block in pcapng dump file has a length of 21 that is not a multiple of 4".into(),
        ),
        (
            &raw(5, u32::MAX, 0),
            format!(
                "block in pcapng dump file has a length of {} that is not a multiple of 4",
                u32::MAX
            ),
        ),
        (&raw(5, 16 << 20 | 4, 0), "pcapng block size 16777220 > maximum 16777216".into()),
        (&raw(5, 0xffff_fffc, 0), "pcapng block size 4294967292 > maximum 16777216".into()),
        (&raw(5, 20, 24), "block total length in header 20 and trailer 24 don't match".into()),
        (&raw(5, 24, 24), "truncated pcapng dump file; tried to read 16 bytes, only got 12".into()),
        (
            &raw(5, 16 << 20, 0),
            "truncated pcapng dump file; tried to read 16777208 bytes, only got 12".into(),
        ),
        (
            &|file| file.bytes.extend([6, 0, 0]),
            "truncated pcapng dump file; tried to read 8 bytes, only got 3".into(),
        ),
        (
            &|file| file.block(6, &[0; 16]),
            "block of type 6 in pcapng dump file is too short".into(),
        ),
        (&|file| file.block(3, &[]), "block of type 3 in pcapng dump file is too short".into()),
        (
            &|file| file.block(2, &[0; 16]),
            "block of type 2 in pcapng dump file is too short".into(),
        ),
        (&|file| file.block(1, &[0; 4]), "block of type 1 in pcapng dump file is too short".into()),
        (
            &|file| file.block(kind::SECTION, &[0; 12]),
            "block of type 168627466 in pcapng dump file is too short".into(),
        ),
        (
            &|file| file.simple(50, &[0; 48]),
            "block of type 3 in pcapng dump file is too short".into(),
        ),
        (
            &|file| {
                let body = [0, 0, 0, 50, 50].map(|word| file.word(word)).concat();
                file.block(6, &[body, vec![0; 48]].concat());
            },
            "block of type 6 in pcapng dump file is too short".into(),
        ),
        (
            &|file| file.enhanced(0, 0, &[0; 101]),
            "invalid packet capture length 101, bigger than snaplen of 100".into(),
        ),
        (
            &|file| file.enhanced(1, 0, &[0; 101]),
            "a packet arrived on interface 1, but there's no Interface Description Block for that \
             interface"
                .into(),
        ),
        (
            &|file| file.obsolete(3, 0, &[]),
            "a packet arrived on interface 3, but there's no Interface Description Block for that \
             interface"
                .into(),
        ),
        (
            &|file| {
                file.section();
                file.simple(0, &[]);
            },
            "a packet arrived on interface 0, but there's no Interface Description Block for that \
             interface"
                .into(),
        ),
        (
            &|file| file.interface(113, 100, &[]),
            "an interface has a type 113 different from the type of the first interface".into(),
        ),
        (
            &section(BYTE_ORDER.swap_bytes(), 1),
            "the file has sections with different byte orders".into(),
        ),
        (&section(7, 1), "the file has a section with a bad byte order magic field".into()),
        (&section(BYTE_ORDER, 2), "unknown pcapng savefile major version number 2".into()),
        (&option(0, b"1"), format!("{INTERFACE} opt_endofopt option with length 1 != 0")),
        (&option(9, b""), format!("{INTERFACE} if_tsresol option with length 0 != 1")),
        (&option(9, b"12"), format!("{INTERFACE} if_tsresol option with length 2 != 1")),
        (&twice(9, b"\x06"), format!("{INTERFACE} more than one if_tsresol option")),
        (
            &option(9, &[20]),
            "Interface Description Block if_tsresol option resolution 10^-20 is too high".into(),
        ),
        (
            &option(9, &[0x80 | 64]),
            "Interface Description Block if_tsresol option resolution 2^-64 is too high".into(),
        ),
        (&option(14, &[0; 4]), format!("{INTERFACE} if_tsoffset option with length 4 != 8")),
        (&twice(14, &[0; 8]), format!("{INTERFACE} more than one if_tsoffset option")),
        (
            &|file| {
                let body = [file.half(1), [0; 2], [0; 2], [0; 2], file.half(9), file.half(1)];
                file.block(1, &body.concat());
            },
            "block of type 1 in pcapng dump file is too short".into(),
        ),
    ];
    for swapped in [false, true] {
        for (bad, wanted) in cases {
            let mut file = Writer::new(swapped);
            file.interface(1, 100, &[]);
            file.enhanced(0, HERE, b"good");
            bad(&mut file);
            let (told, end) = read(&file.bytes, false);
            assert_eq!(told.len(), 1, "{wanted}");
            assert_eq!(end.expect_err(wanted).text(), *wanted);
        }
    }
}

#[test]
fn malformed_beginnings_are_told_in_libpcaps_words() {
    let good = Writer::new(false).bytes;
    let change = |at: usize, with: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let invalid = |length: u32| {
        format!(
            "Section Header Block in pcapng dump file has invalid length 28 < _{length}_ < 1048576 \
             (BT_SHB_INSANE_MAX)"
        )
    };
    assert_eq!(text(&good[..11]), "unknown file format");
    assert_eq!(text(&change(8, b"text")), "unknown file format");
    assert_eq!(text(&change(4, &27_u32.to_ne_bytes())), invalid(27));
    assert_eq!(text(&change(4, &[0xff; 4])), invalid(u32::MAX));
    let cut = "truncated pcapng dump file; tried to read 16 bytes, only got 15";
    assert_eq!(text(&good[..27]), cut);
    for (version, minor) in [(1_u16, 1_u16), (2, 0), (0, 0), (1, 3)] {
        let bytes = change(12, &[version.to_ne_bytes(), minor.to_ne_bytes()].concat());
        let wanted = format!("unsupported pcapng savefile version {version}.{minor}");
        assert_eq!(text(&bytes), wanted);
    }
    let none = "the capture file has no Interface Description Blocks";
    assert_eq!(text(&good), none);
    // The trailer of the first header may say anything.
    assert_eq!(text(&change(24, b"what")), none);
    let early = "the capture file has a packet block before any Interface Description Blocks";
    for kind in [kind::ENHANCED_PACKET, kind::SIMPLE_PACKET, kind::PACKET] {
        let mut file = Writer::new(true);
        file.block(5, &[]);
        file.block(kind, &[]);
        assert_eq!(text(&file.bytes), early);
    }
    let cut = "truncated pcapng dump file; tried to read 8 bytes, only got 5";
    assert_eq!(text(&[&good[..], &[0; 5]].concat()), cut);
    let mut minor = change(12, &[1_u16.to_ne_bytes(), 2_u16.to_ne_bytes()].concat());
    minor.extend(Writer::new(false).bytes);
    let mut file = Writer { swapped: false, bytes: minor };
    file.interface(1, 0, &[]);
    let about = read(&file.bytes, false).1.expect("a good file");
    assert_eq!((about.version, about.snapshot), ((1, 2), 262_144), "the first section's");
}

#[test]
fn interfaces_that_libpcap_refuses() {
    let mut file = Writer::new(false);
    file.interface(101, 100, &[]);
    file.interface(101, 200, &[]);
    file.interface(101, 50, &[]);
    file.enhanced(1, HERE, &[1; 150]);
    file.enhanced(2, HERE, &[2; 60]);
    file.section();
    file.interface(101, 200, &[]);
    file.simple(300, &[3; 200]);
    file.enhanced(0, HERE, &[1; 201]);
    let (told, end) = read(&file.bytes, false);
    let told: Vec<_> = told.iter().map(|told| (told.2, told.3.len())).collect();
    assert_eq!(told, [(150, 100), (60, 60), (300, 100)], "cut to the first's snapshot length");
    let wanted = "invalid packet capture length 201, bigger than snaplen of 200";
    assert_eq!(end.expect_err("too long").text(), wanted);
}

#[test]
fn interfaces_are_counted() {
    let mut file = Writer::new(false);
    for _ in 0..=MOST_INTERFACES {
        file.interface(1, 100, &[]);
    }
    assert_eq!(text(&file.bytes), format!("more than {MOST_INTERFACES} interfaces in the file"));
    assert!(size_of::<Interface>() * MOST_INTERFACES <= 32 << 20);
}

/// A reader that goes back reads packets again, and nothing else.
#[test]
fn what_is_known_is_not_read_again() {
    let mut file = Writer::new(false);
    file.interface(1, 100, &[]);
    file.enhanced(0, HERE, b"a");
    file.block(5, b"statistics");
    file.enhanced(0, HERE, b"b");
    file.interface(1, 100, &[]);
    file.enhanced(1, HERE, b"c");
    let mut input = Input::new(Origin::Made(Box::new(Cursor::new(file.bytes))), &[]);
    let (mut reader, _) = Reader::open(&mut input, Ok(false)).expect("a good file");
    let slots = [const { Cell::new(Lent::NONE) }; BATCH];
    let mut ends = [0; BATCH];
    let window = input.window();
    let mut sink = Sink::new(&slots, &mut ends, None, BATCH);
    assert_eq!(reader.read(window, 0, &mut sink), Ok(Next::Other));
    assert_eq!((sink.taken(), sink.base()), (2, 0));
    let (first, interface) = (ends[0], ends[1]);
    let mut sink = Sink::new(&slots, &mut ends, None, BATCH);
    assert_eq!(reader.read(&mut window[first..], interface - first, &mut sink), Ok(Next::Other));
    assert_eq!((sink.taken(), reader.interfaces.len()), (1, 1));
    let mut sink = Sink::new(&slots, &mut ends, None, BATCH);
    let rest = &mut window[interface..];
    assert_eq!(reader.read(rest, 0, &mut sink), Ok(Next::More(block::HEADER)));
    assert_eq!((sink.taken(), reader.interfaces.len()), (1, 2));
    assert!(sink.base() > 0, "behind the interface");
}

/// Packets that are taken back have been swapped already.
#[test]
fn packets_are_swapped_once() {
    let mut file = Writer::new(true);
    file.interface(113, 100, &[]);
    let can = [&[0; 14][..], &[0, 12], &[1, 2, 3, 4]].concat();
    file.enhanced(0, HERE, &can);
    file.enhanced(0, HERE, &can);
    file.enhanced(0, HERE, &can);
    let mut input = Input::new(Origin::Made(Box::new(Cursor::new(file.bytes))), &[]);
    let (mut reader, _) = Reader::open(&mut input, Ok(false)).expect("a good file");
    let slots = [const { Cell::new(Lent::NONE) }; BATCH];
    let mut ends = [0; BATCH];
    let window = input.window();
    let mut sink = Sink::new(&slots, &mut ends, None, 2);
    assert_eq!(reader.read(window, 0, &mut sink), Ok(Next::Full));
    let (first, fixed) = (ends[0], ends[1] - ends[0]);
    let again = &mut window[first..];
    let mut sink = Sink::new(&slots, &mut ends, None, BATCH);
    assert_eq!(reader.read(again, fixed, &mut sink), Ok(Next::More(block::HEADER)));
    assert_eq!(sink.taken(), 2);
    let ids = window.windows(4).filter(|bytes| *bytes == [4, 3, 2, 1]).count();
    assert_eq!(ids, 3, "each once");
}

/// What libpcap computes, but for products that do not fit.
fn time(resolution: Resolution, offset: i64, nano: bool, stamp: u64) -> (i64, i64) {
    let second = match resolution {
        Resolution::Decimal(power) => 10_u64.pow(power.into()),
        Resolution::Binary(power) => 1 << power,
    };
    let wanted: u128 = if nano { 1_000_000_000 } else { 1_000_000 };
    let fraction = u128::from(stamp % second) * wanted / u128::from(second);
    ((stamp / second).cast_signed().wrapping_add(offset), fraction as i64)
}

#[test]
fn time_stamps_of_every_resolution() {
    let decimal = (0..=19).map(Resolution::Decimal);
    let all: Vec<_> = decimal.chain((0..=63).map(Resolution::Binary)).collect();
    let mut random = 1_u64;
    for resolution in all {
        for nano in [false, true] {
            for offset in [0, 3600, -5, i64::MIN, i64::MAX] {
                let mut clock = Clock::new(resolution, offset, nano);
                let edges = [0, 1, 999, 1_000_000, u64::MAX, u64::MAX - 1, 1 << 63, HERE];
                let mut stamps = edges.to_vec();
                for _ in 0..200 {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    stamps.extend([
                        random,
                        random.wrapping_add(1),
                        u64::MAX,
                        5,
                        random >> 20,
                        random >> (random & 63),
                    ]);
                }
                for stamp in stamps {
                    let libc::timeval { tv_sec, tv_usec } = clock.time(stamp);
                    let wanted = time(resolution, offset, nano, stamp);
                    assert_eq!((tv_sec, tv_usec), wanted, "{resolution:?} {offset} {nano} {stamp}");
                }
                // Every fraction at its edges, of the simple ones.
                let second = time(resolution, 0, nano, u64::MAX).0.cast_unsigned();
                let units = u64::MAX / second.max(1);
                for stamp in [units.saturating_sub(1), units, units / 2, units / 3] {
                    let libc::timeval { tv_sec, tv_usec } = clock.time(stamp);
                    assert_eq!((tv_sec, tv_usec), time(resolution, offset, nano, stamp));
                }
            }
        }
    }
}
