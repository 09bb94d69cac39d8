//! Savefiles of every variant there is, and what becomes of them by damage.

mod pcapng;

pub use pcapng::pcapng;

use super::frames;
use super::offline::{CLASSIC, Classic, MICRO, MODIFIED, Made, NANO, Order, Record};
use super::random::Random;

/// A file and what it is.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    pub made: Made,
}

/// All of them.
pub fn entries() -> Vec<Entry> {
    let mut entries = classic();
    entries.extend(pcapng());
    entries
}

fn entry(name: impl Into<String>, made: Made) -> Entry {
    Entry { name: name.into(), made }
}

/// What packets of these link types are like.
pub fn packets() -> Vec<Vec<u8>> {
    frames::mixed().into_iter().take(7).map(|frame| frame[..frame.len().min(96)].to_vec()).collect()
}

fn records() -> Vec<Record> {
    packets().iter().enumerate().map(|(n, data)| Record::whole(n as u32, data)).collect()
}

/// Link type words: those that have other numbers in memory, those with packets that are corrected, unknown ones, FCS
/// lengths, and reserved bits.
const LINKS: &[u32] = &[
    0,
    1,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    19,
    50,
    51,
    99,
    100,
    101,
    102,
    103,
    104,
    105,
    106,
    107,
    108,
    109,
    113,
    117,
    127,
    129,
    147,
    162,
    189,
    195,
    220,
    227,
    228,
    229,
    231,
    239,
    249,
    257,
    276,
    279,
    289,
    290,
    303,
    304,
    305,
    500,
    65535,
    0x1_0001,
    0x0200_0001,
    0x0400_0001,
    0x2400_0001,
    0x0800_0001,
    0x5c00_0001,
    0xf000_0001,
    0xffff_ffff,
];
const SNAPLENS: &[u32] =
    &[0, 1, 13, 14, 40, 65535, 262_143, 262_145, 0x7fff_fff0, 0x7fff_ffff, 0x8000_0000, u32::MAX];
const VERSIONS: &[(u16, u16)] = &[
    (2, 0),
    (2, 1),
    (2, 2),
    (2, 3),
    (2, 4),
    (2, 5),
    (543, 0),
    (543, 1),
    (1, 2),
    (0, 0),
    (3, 0),
    (65535, 65535),
];

/// Classic files.
pub fn classic() -> Vec<Entry> {
    let mut all = Vec::new();
    for order in Order::BOTH {
        for magic in [MICRO, NANO, MODIFIED] {
            let file = Classic { order, magic, ..CLASSIC };
            all.push(entry(format!("{order:?} {magic:x}"), file.file(&records())));
            let short = Classic { snaplen: 40, ..file };
            all.push(entry(format!("{order:?} {magic:x} longer"), short.file(&records())));
            all.push(entry(format!("{order:?} {magic:x} lengths"), file.file(&odd_lengths())));
            all.push(entry(format!("{order:?} {magic:x} stamps"), file.file(&odd_stamps())));
            let cut = Classic { version: (2, 3), ..short };
            all.push(entry(format!("{order:?} {magic:x} unsure"), cut.file(&odd_lengths())));
        }
        for (major, minor) in VERSIONS {
            let file = Classic { order, version: (*major, *minor), ..CLASSIC };
            all.push(entry(format!("{order:?} version {major}.{minor}"), file.file(&cut_short())));
        }
        for snaplen in SNAPLENS {
            let file = Classic { order, snaplen: *snaplen, ..CLASSIC };
            all.push(entry(format!("{order:?} snaplen {snaplen}"), file.file(&records())));
        }
        for link in LINKS {
            let file = Classic { order, link: *link, ..CLASSIC };
            all.push(entry(format!("{order:?} link {link:#x}"), file.file(&records())));
        }
        for magic in [0xa1b2_34cd_u32, 0xa12b_3c4d, 0xa1b2_c3cb, 0x1c00_01ac, 0] {
            let file = Classic { order, magic, ..CLASSIC };
            all.push(entry(format!("{order:?} magic {magic:x}"), file.file(&records())));
        }
        all.push(entry(format!("{order:?} many"), many(Classic { order, ..CLASSIC })));
        let zone = Classic { order, unused: (3600, 6), ..CLASSIC };
        all.push(entry(format!("{order:?} zone"), zone.file(&records())));
    }
    all.push(entry("nothing", Made::default()));
    all.push(entry("no packets", CLASSIC.file(&[])));
    for (link, len) in
        [(1, 262_144), (1, 262_145), (231, 300_000), (249, 1 << 20), (249, (1 << 20) + 1)]
    {
        for snaplen in [65535, 0x7fff_ffff, 0] {
            let file = Classic { link, snaplen, ..CLASSIC };
            let large = Record::whole(0, &vec![0x5a; len]);
            let made = file.file(&[records()[0].clone(), large, records()[1].clone()]);
            all.push(entry(format!("{len} bytes of link {link}, snaplen {snaplen}"), made));
        }
    }
    all
}

/// Captured lengths above the length on the wire, without packet, without end.
fn odd_lengths() -> Vec<Record> {
    let mut odd = records();
    odd[0].len = 10;
    odd[1].len = 0;
    odd[2].len = u32::MAX;
    odd[3] = Record { caplen: 0, data: Vec::new(), ..odd[3].clone() };
    odd[4] = Record { caplen: 0, len: 0, data: Vec::new(), ..odd[4].clone() };
    let next = odd.len() as u32;
    for caplen in [262_145, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
        odd.push(Record { caplen, ..Record::whole(next, &[1, 2, 3]) });
    }
    odd
}

fn odd_stamps() -> Vec<Record> {
    let mut odd = records();
    let stamps = [
        (0, 0),
        (0x7fff_ffff, 999_999),
        (0x8000_0000, 1_000_000),
        (u32::MAX, 999_999_999),
        (1, u32::MAX),
        (2, 0x8000_0000),
    ];
    for (record, stamp) in odd.iter_mut().zip(stamps) {
        record.stamp = stamp;
    }
    odd
}

/// Packets of which less was captured.
fn cut_short() -> Vec<Record> {
    let mut cut = records();
    for record in &mut cut {
        record.data.truncate(48);
        record.caplen = record.data.len() as u32;
    }
    cut
}

/// More than a reader takes at a time, in packets and in bytes.
fn many(file: Classic) -> Made {
    let mut made = file.file(&[]);
    let packets = packets();
    for n in 0..700 {
        let mut data = packets[n % packets.len()].clone();
        if n % 7 == 3 {
            data.resize(1514 * (n % 5 + 1), n as u8);
        }
        file.record(&Record::whole(n as u32, &data), &mut made);
    }
    made
}

/// One that ends early, or has some bits or numbers changed; not the same every time.
pub fn damaged(made: &Made, random: &mut Random) -> Vec<u8> {
    let mut bytes = made.bytes.clone();
    if bytes.is_empty() {
        return random.bytes(30);
    }
    let len = bytes.len() as u32;
    // Most of what is worth it is in front.
    let somewhere = |random: &mut Random| match random.below(3) {
        0 => random.below(len) as usize,
        1 => random.below(len.min(200)) as usize,
        _ => random.pick(&made.marks).min(bytes_last(len)),
    };
    if random.once_in(3) {
        let at = somewhere(random) + random.below(3) as usize;
        bytes.truncate(at.saturating_sub(1));
        return bytes;
    }
    for _ in 0..=random.below(3) {
        let at = somewhere(random);
        match random.below(4) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = random.pick(&[0, 1, 0x7f, 0x80, 0xff]),
            _ => {
                let word = random.pick(&[0, 4, 12, 65535, 0x7fff_ffff, 0x8000_0000, u32::MAX]);
                for (to, byte) in bytes.iter_mut().skip(at).zip(word.to_be_bytes()) {
                    *to = byte;
                }
            }
        }
    }
    if random.once_in(8) {
        bytes.truncate(somewhere(random));
    }
    bytes
}

fn bytes_last(len: u32) -> usize {
    len as usize - 1
}
