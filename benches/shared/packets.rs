//! A mixed corpus of Ethernet frames, the same in every run.

use crate::pcap::Header;

/// So many packets; all of them together fit into a processor's cache.
pub const COUNT: usize = 1024;

/// Xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32 % n
    }

    fn port(&mut self) -> [u8; 2] {
        let port = match self.below(8) {
            0 | 1 => 80,
            2 => 443,
            3 => 53,
            _ => 1024 + self.below(60_000) as u16,
        };
        port.to_be_bytes()
    }

    fn address(&mut self) -> [u8; 4] {
        match self.below(4) {
            0 => [10, 9, 0, self.below(250) as u8],
            1 => [10, 9, self.below(8) as u8, self.below(256) as u8],
            2 => [192, 168, self.below(256) as u8, self.below(256) as u8],
            _ => self.below(u32::MAX).to_be_bytes(),
        }
    }
}

/// The packets and their headers.
pub fn corpus() -> Vec<(Header, Vec<u8>)> {
    let mut random = Random(99);
    (0..COUNT)
        .map(|_| {
            let packet = packet(&mut random);
            let len = packet.len() as u32;
            (Header { ts: libc::timeval { tv_sec: 0, tv_usec: 0 }, caplen: len, len }, packet)
        })
        .collect()
}

/// Of 20, 15 are IPv4, 3 IPv6, 1 ARP, 1 behind a VLAN tag.
fn packet(random: &mut Random) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    match random.below(20) {
        0 => {
            frame.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2]);
            frame.extend(random.address());
            frame.extend([0; 6]);
            frame.extend(random.address());
        }
        1 => {
            frame.extend([0x81, 0x00, 0, 100, 0x08, 0x00]);
            ip(random, &mut frame);
        }
        2..=4 => {
            frame.extend([
                0x86,
                0xdd,
                0x60,
                0,
                0,
                0,
                0,
                40,
                if random.below(2) == 0 { 6 } else { 17 },
            ]);
            frame.push(64);
            for _ in 0..2 {
                frame.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10]);
                frame.push(random.below(256) as u8);
            }
            transport(random, &mut frame);
        }
        _ => {
            frame.extend([0x08, 0x00]);
            ip(random, &mut frame);
        }
    }
    let len = [60, 64, 128, 350, 1500][random.below(5) as usize];
    frame.resize(frame.len().max(len), 0x55);
    frame
}

fn ip(random: &mut Random, frame: &mut Vec<u8>) {
    let protocol = [6, 6, 6, 6, 17, 17, 17, 1][random.below(8) as usize];
    let options = random.below(16) == 0;
    let fragment = u8::from(random.below(32) == 0);
    let len = [40, 52, 1000][random.below(3) as usize] as u16;
    frame.push(if options { 0x46 } else { 0x45 });
    frame.push(0);
    frame.extend(len.to_be_bytes());
    frame.extend([0, 1, fragment, 0, 64, protocol, 0, 0]);
    frame.extend(random.address());
    frame.extend(random.address());
    if options {
        frame.extend([1, 1, 1, 0]);
    }
    transport(random, frame);
}

fn transport(random: &mut Random, frame: &mut Vec<u8>) {
    frame.extend(random.port());
    frame.extend(random.port());
    frame.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
}
