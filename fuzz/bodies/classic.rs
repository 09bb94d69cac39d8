//! A reader of classic savefiles that does nothing but what pcap-savefile(5) says, to hold the library's to.

use super::offline::{Packet, Told, hash};
use pcap::linktype;
use pcap::savefile::About;

/// Numbers of a file in its byte order.
struct Numbers<'b> {
    bytes: &'b [u8],
    big: bool,
}

impl Numbers<'_> {
    fn u32(&self, at: usize) -> u32 {
        let four: [u8; 4] = self.bytes[at..at + 4].try_into().expect("four bytes");
        if self.big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    }

    fn u16(&self, at: usize) -> u16 {
        let two: [u8; 2] = self.bytes[at..at + 2].try_into().expect("two bytes");
        if self.big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) }
    }
}

/// What the file's first bytes say: nanoseconds, longer headers of records, the byte order; `None`: another format.
pub fn magic(bytes: &[u8]) -> Option<(bool, bool, bool)> {
    Some(match bytes.first_chunk()? {
        [0xd4, 0xc3, 0xb2, 0xa1] => (false, false, false),
        [0xa1, 0xb2, 0xc3, 0xd4] => (false, false, true),
        [0x4d, 0x3c, 0xb2, 0xa1] => (true, false, false),
        [0xa1, 0xb2, 0x3c, 0x4d] => (true, false, true),
        [0x34, 0xcd, 0xb2, 0xa1] => (false, true, false),
        [0xa1, 0xb2, 0xcd, 0x34] => (false, true, true),
        _ => return None,
    })
}

/// Reads a file that begins with one of these.
pub fn read(bytes: &[u8], precision: u32) -> Result<Told, String> {
    let (file_nano, modified, big) = magic(bytes).expect("a classic file");
    if bytes.len() < 24 {
        let got = bytes.len() - 4;
        return Err(format!(
            "truncated dump file; tried to read 24 file header bytes, only got {got}"
        ));
    }
    let numbers = Numbers { bytes, big };
    let version = (numbers.u16(4), numbers.u16(6));
    if !matches!(version, (2, 0..=4) | (543, 0)) {
        return Err(format!("unsupported pcap savefile version {}.{}", version.0, version.1));
    }
    let link = numbers.u32(20);
    let reserved = link & 0x03ff_0000;
    if reserved != 0 {
        return Err(format!("savefile linktype reserved field not zero (0x{reserved:08x})"));
    }
    let nano = match precision {
        0 | 1 => precision == 1,
        other => return Err(format!("unknown time stamp resolution {other}")),
    };
    let datalink = match link & 0xffff {
        100 => 11,
        101 => 12,
        102 => 15,
        103 => 16,
        106 => 19,
        other => other as i32,
    };
    let largest = linktype::max_snaplen(datalink);
    let mut snapshot = match numbers.u32(16) {
        0 | 0x8000_0000.. => largest,
        snaplen => snaplen,
    };
    if modified && datalink == 1 {
        snapshot = (snapshot + 14).min(i32::MAX as u32);
    }
    let about = About {
        datalink,
        datalink_ext: (link & 0xfc00_0000) as i32,
        snapshot: snapshot as i32,
        swapped: big != cfg!(target_endian = "big"),
        version: (version.0.into(), version.1.into()),
        nano,
    };
    let (mut packets, mut at) = (Vec::new(), 24);
    let header = if modified { 24 } else { 16 };
    let error = loop {
        let left = bytes.len() - at;
        if left == 0 {
            break None;
        }
        if left < header {
            break Some(format!(
                "truncated dump file; tried to read {header} header bytes, only got {left}"
            ));
        }
        let mut lens = (numbers.u32(at + 8), numbers.u32(at + 12));
        let (major, minor) = version;
        if major == 543 || minor < 3 || (minor == 3 && lens.0 > lens.1) {
            lens = (lens.1, lens.0);
        }
        let (in_file, len) = lens;
        if in_file > largest {
            let bound = if in_file > snapshot {
                format!("snaplen of {snapshot}")
            } else {
                format!("maximum of {largest}")
            };
            break Some(format!("invalid packet capture length {in_file}, bigger than {bound}"));
        }
        let caplen = in_file.min(snapshot);
        let here = left - header;
        if here < in_file as usize {
            let tried = if here < caplen as usize { caplen } else { in_file };
            break Some(format!(
                "truncated dump file; tried to read {tried} captured bytes, only got {here}"
            ));
        }
        let fraction = i64::from(numbers.u32(at + 4));
        let fraction = match (file_nano, nano) {
            (false, true) => fraction * 1000,
            (true, false) => fraction / 1000,
            _ => fraction,
        };
        let data = &bytes[at + header..at + header + caplen as usize];
        packets.push(Packet {
            stamp: (numbers.u32(at).into(), fraction),
            caplen,
            len,
            hash: hash(data),
        });
        at += header + in_file as usize;
    };
    Ok(Told { about, packets, error })
}

/// Fails where the library has read something else.
pub fn check(bytes: &[u8], precision: u32, told: &Result<Told, String>) {
    if magic(bytes).is_none() {
        return;
    }
    let (mut told, mut expected) = (told.clone(), read(bytes, precision));
    // Link types whose packets the library turns into this machine's byte order, and corrects.
    let changed = [113, 117, 189, 220, 227, 239, 276];
    for told in [&mut told, &mut expected].into_iter().flatten() {
        if told.about.swapped && changed.contains(&told.about.datalink) {
            told.packets.iter_mut().for_each(|packet| packet.hash = 0);
        }
        // USB: the length is computed from what the packet says.
        if told.about.datalink == 220 {
            told.packets.iter_mut().for_each(|packet| packet.len = 0);
        }
    }
    assert_eq!(told, expected);
}
