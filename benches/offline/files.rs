//! The files that are read: the same packets in every format.

use crate::cases::{Place, short_packets};
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// A format and a byte order.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    magic: u32,
    swapped: bool,
}

const PCAPNG: u32 = 0x0a0d_0d0a;

pub const KINDS: [Kind; 5] = [
    Kind { name: "micro", magic: 0xa1b2_c3d4, swapped: false },
    Kind { name: "nano", magic: 0xa1b2_3c4d, swapped: false },
    Kind { name: "swapped", magic: 0xa1b2_c3d4, swapped: true },
    Kind { name: "pcapng", magic: PCAPNG, swapped: false },
    Kind { name: "pcapng-swapped", magic: PCAPNG, swapped: true },
];

/// Makes a file of each kind with so many packets.
pub fn make(place: &Place, count: u32) -> Result<(), String> {
    for kind in KINDS {
        let path = place.file(kind.name);
        write(kind, File::create(&path), count).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

impl Kind {
    fn words(self, words: &[u32]) -> Vec<u8> {
        let word = |word: &u32| if self.swapped { word.swap_bytes() } else { *word };
        words.iter().flat_map(|w| word(w).to_ne_bytes()).collect()
    }

    fn halves(self, halves: [u16; 2]) -> Vec<u8> {
        let half = |half: u16| if self.swapped { half.swap_bytes() } else { half };
        halves.iter().flat_map(|h| half(*h).to_ne_bytes()).collect()
    }
}

fn write(kind: Kind, file: io::Result<File>, count: u32) -> io::Result<()> {
    let mut to = BufWriter::with_capacity(1 << 20, file?);
    let packets = short_packets();
    if kind.magic == PCAPNG {
        // A section header with no options and of unknown length; Ethernet.
        to.write_all(&kind.words(&[PCAPNG, 28, 0x1a2b_3c4d]))?;
        to.write_all(&kind.halves([1, 0]))?;
        to.write_all(&kind.words(&[u32::MAX, u32::MAX, 28, 1, 20]))?;
        to.write_all(&kind.halves([1, 0]))?;
        to.write_all(&kind.words(&[262_144, 20]))?;
    } else {
        to.write_all(&kind.words(&[kind.magic]))?;
        to.write_all(&kind.halves([2, 4]))?;
        to.write_all(&kind.words(&[0, 0, 262_144, 1]))?;
    }
    for (n, (header, data)) in (0..count).zip(packets.iter().cycle()) {
        let len = header.caplen;
        if kind.magic == PCAPNG {
            let us = 1_700_000_000_000_000 + u64::from(n) * 7;
            let block = [6, len + 32, 0, (us >> 32) as u32, us as u32, len, len];
            to.write_all(&kind.words(&block))?;
            to.write_all(data)?;
            to.write_all(&kind.words(&[len + 32]))?;
        } else {
            let stamp = [1_700_000_000 + n / 100_000, n % 100_000 * 7];
            to.write_all(&kind.words(&[stamp[0], stamp[1], len, len]))?;
            to.write_all(data)?;
        }
    }
    to.flush()
}
