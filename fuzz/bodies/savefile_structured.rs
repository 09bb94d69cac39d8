//! Savefiles that are mostly right: the input is a plan of what stands in one, and of how it is read.
//!
//! A byte for how, three for what that needs, one for the format and the byte order; then the file's header and
//! what follows, a byte for what it is and a few more for what is in it (see [`Plan`]'s users); what the plan has
//! no bytes for is 0, which is usual.

use super::classic;
use super::offline::{Way, check};
use super::support::offline::{
    Blocks, CLASSIC, Classic, MICRO, MODIFIED, Made, NANO, Order, Record, kind, option,
};

/// Most bytes of a file.
const LARGEST: usize = 1 << 20;

/// Takes the input apart.
pub struct Plan<'d>(pub &'d [u8]);

impl Plan<'_> {
    pub fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    pub fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    pub fn u64(&mut self) -> u64 {
        u64::from(self.u32()) << 32 | u64::from(self.u32())
    }

    /// One of them, or any number.
    pub fn pick(&mut self, from: &[u32]) -> u32 {
        match self.byte() {
            255 => self.u32(),
            n => from[usize::from(n) % from.len()],
        }
    }

    /// A packet: its bytes, how it is described, when it came.
    pub fn record(&mut self) -> Record {
        let how = self.byte();
        let len = match how & 7 {
            0..4 => u32::from(self.byte()),
            4 | 5 => u32::from(self.u16()) % 3000,
            6 => u32::from(self.u16()),
            _ => u32::from(self.byte()) << 10,
        };
        let first = self.byte();
        let data: Vec<u8> = match how & 8 {
            0 => (0..len).map(|n| first.wrapping_add(n as u8)).collect(),
            _ => (0..len).map(|_| self.byte()).collect(),
        };
        let caplen = match how >> 4 & 7 {
            0..5 => len,
            5 => len.wrapping_add(u32::from(self.byte())),
            6 => len.wrapping_sub(u32::from(self.byte())),
            _ => self.pick(&[262_144, 262_145, 1 << 27, u32::MAX, 0]),
        };
        let wire = if how & 128 == 0 { caplen } else { self.pick(&[0, 60, 1514, u32::MAX]) };
        let stamp =
            (self.pick(&[1_700_000_000, 0, u32::MAX]), self.pick(&[999_999, 0, 999_999_999]));
        Record { stamp, caplen, len: wire, data }
    }
}

const LINKS: &[u32] =
    &[1, 113, 276, 227, 189, 220, 239, 117, 101, 100, 12, 147, 231, 279, 249, 105, 0x8400_0001];
const SNAPLENS: &[u32] = &[262_144, 65535, 64, 1, 0, 0x7fff_ffff, 0x8000_0000, u32::MAX, 300_000];

pub fn body(data: &[u8]) {
    let mut plan = Plan(data);
    let how = plan.byte();
    let (small, number) = (usize::from(plan.byte()), plan.u16());
    let format = plan.byte();
    let order = Order::BOTH[usize::from(format & 1)];
    // How much is needed for opening it.
    let mut ready = 24;
    let mut made = if format & 2 == 0 {
        classic_file(order, &mut plan)
    } else {
        let (made, head) = blocks(order, format & 4 != 0, &mut plan);
        ready = head;
        made
    };
    if format & 8 != 0 {
        // No more than the beginning may be as it was.
        ready = usize::MAX;
        for _ in 0..=format >> 6 {
            let (at, flip) = (plan.u16().into(), plan.byte());
            if let Some(byte) = made.bytes.get_mut::<usize>(at) {
                *byte ^= flip;
            }
        }
    }
    if format & 16 != 0 {
        ready = usize::MAX;
        let left = made.bytes.len().saturating_sub(plan.u16().into());
        made.bytes.truncate(left);
    }
    let bytes = &made.bytes[..];
    let precision = (how & 1).into();
    let pieces = number.to_be_bytes();
    let at = made.marks.get(usize::from(number) % made.marks.len().max(1)).copied().unwrap_or(0);
    let way = match how >> 1 & 7 {
        0 => Way::Stream,
        1 => Way::StreamAfter(small),
        2 => Way::Pipe(ready, &pieces),
        3 => Way::PipedStreamAfter(small),
        4 => Way::Growing(at + small % 3),
        5 => Way::Growing(at.saturating_sub(small)),
        6 => Way::Filtered(small + 1, number.into()),
        _ => Way::Filtered(small % 3 + 1, u32::from(number) % 256),
    };
    let told = check(bytes, precision, way);
    classic::check(bytes, precision, &told);
}

/// A classic file.
pub fn classic_file(order: Order, plan: &mut Plan<'_>) -> Made {
    let magic = plan.pick(&[MICRO, NANO, MODIFIED]);
    let version = plan.pick(&[0x2_0004, 0x2_0003, 0x2_0002, 0x2_0000, 543 << 16]);
    let classic = Classic {
        order,
        magic,
        version: ((version >> 16) as u16, version as u16),
        snaplen: plan.pick(SNAPLENS),
        link: plan.pick(LINKS),
        ..CLASSIC
    };
    let mut made = classic.file(&[]);
    while !plan.0.is_empty() && made.bytes.len() < LARGEST {
        let times = match plan.byte() {
            n @ 200.. => usize::from(n - 199) * 8,
            n => usize::from(n) % 4 + 1,
        };
        let record = plan.record();
        for _ in 0..times.min((LARGEST - made.bytes.len()) / (record.data.len() + 24)) {
            classic.record(&record, &mut made);
        }
    }
    made
}

/// A pcapng file, from a section and an interface on if it is `usual`; how many bytes these have.
pub fn blocks(order: Order, usual: bool, plan: &mut Plan<'_>) -> (Made, usize) {
    let mut blocks = Blocks::new(order);
    let mut head = usize::MAX;
    if usual {
        blocks.section();
        interface(&mut blocks, plan);
        head = blocks.made.bytes.len();
    }
    while !plan.0.is_empty() && blocks.made.bytes.len() < LARGEST {
        let what = plan.byte();
        let times = if what < 192 { 1 } else { plan.byte() };
        let before = blocks.made.bytes.len();
        block(&mut blocks, what, plan);
        let made = blocks.made.bytes[before..].to_vec();
        for _ in 1..usize::from(times).min((LARGEST - before) / made.len().max(1)) {
            blocks.made.bytes.extend(&made);
        }
    }
    (blocks.made, head)
}

fn interface(blocks: &mut Blocks, plan: &mut Plan<'_>) {
    let (link, snaplen) = (plan.pick(LINKS), plan.pick(SNAPLENS));
    let mut options = Vec::new();
    let how = plan.byte();
    for bit in 0..4 {
        if how >> bit & 1 != 0 {
            options.extend(one_option(blocks, plan));
        }
    }
    if how & 16 != 0 {
        options.extend(blocks.option(option::END, &[]));
    }
    blocks.interface(link as u16, snaplen, &options);
}

fn one_option(blocks: &Blocks, plan: &mut Plan<'_>) -> Vec<u8> {
    match plan.byte() % 8 {
        0..3 => blocks.option(option::RESOLUTION, &[plan.byte()]),
        3 => blocks.option(option::OFFSET, &blocks.order.u64(plan.u64())),
        4 => blocks
            .option(option::OFFSET, &blocks.order.u64(i64::from(plan.u16()).wrapping_neg() as u64)),
        5 => blocks.option(option::COMMENT, &vec![b'c'; plan.byte().into()]),
        6 => {
            let (code, len) = (plan.u16(), plan.u16());
            blocks.option_saying(code, len, &[plan.byte()])
        }
        _ => blocks.option(option::END, &vec![0; usize::from(plan.byte() % 8)]),
    }
}

fn block(blocks: &mut Blocks, what: u8, plan: &mut Plan<'_>) {
    let order = blocks.order;
    match what % 16 {
        0..4 => {
            let interface = plan.pick(&[0, 0, 0, 1, 2]);
            let ts = if what & 16 == 0 { u64::from(plan.u32()) } else { plan.u64() };
            let record = plan.record();
            let options =
                if what & 32 == 0 { Vec::new() } else { blocks.option(option::COMMENT, b"packet") };
            blocks.enhanced(interface, ts, &record, &options);
        }
        4 | 5 => {
            blocks.simple(&plan.record());
        }
        6 | 7 => {
            let (interface, ts) = (plan.pick(&[0, 0, 1]), plan.u64());
            blocks.packet(interface as u16, ts, &plan.record());
        }
        8 | 9 => interface(blocks, plan),
        10 => {
            if what & 16 != 0 {
                blocks.order = Order::BOTH[usize::from(order == Order::Little)];
            }
            let version = plan.pick(&[0x1_0000, 0x1_0000, 0x1_0002, 0x1_0001, 0x2_0000]);
            let options = if what & 32 == 0 { Vec::new() } else { one_option(blocks, plan) };
            let version = ((version >> 16) as u16, version as u16);
            blocks.section_saying(version, plan.u64(), &options);
        }
        11 => {
            let kind = plan.pick(&[kind::NAMES, kind::STATISTICS, kind::SECRETS, kind::CUSTOM]);
            blocks.block(kind, &vec![7; 4 * usize::from(plan.byte())]);
        }
        12 => {
            let kind = plan.pick(&[kind::NAMES, kind::CUSTOM]);
            blocks.block(kind, &vec![7; usize::from(plan.byte()) << 10]);
        }
        13 => {
            let kind = plan.pick(&[
                kind::ENHANCED,
                kind::SIMPLE,
                kind::PACKET,
                kind::INTERFACE,
                kind::SECTION,
            ]);
            let body: Vec<u8> = (0..plan.byte()).map(|_| plan.byte()).collect();
            let right = body.len() as u32 + 12;
            let total = plan.pick(&[
                right,
                12,
                0,
                13,
                u32::MAX,
                u32::MAX - 3,
                1 << 20,
                16 << 20,
                (16 << 20) + 4,
            ]);
            let trailer = if what & 16 == 0 { total } else { plan.u32() };
            blocks.block_saying(kind, &body, total, trailer);
        }
        14 => {
            let (kind, body) = (plan.u32(), plan.u32().to_be_bytes());
            blocks.block(kind, &body);
        }
        _ => {
            let body: Vec<u8> = (0..plan.byte() / 4 * 4).map(|_| plan.byte()).collect();
            let kind = plan.pick(&[
                kind::ENHANCED,
                kind::SIMPLE,
                kind::PACKET,
                kind::INTERFACE,
                kind::SECTION,
            ]);
            blocks.block(kind, &body);
        }
    }
}
