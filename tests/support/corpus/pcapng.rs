//! Files in the pcapng format, right and wrong.

use super::super::offline::{Blocks, Order, Record, kind, option};
use super::{Entry, LINKS, SNAPLENS, entry, odd_lengths, packets, records};

/// All of them.
pub fn pcapng() -> Vec<Entry> {
    let mut all = Vec::new();
    for order in Order::BOTH {
        for (name, write) in PCAPNG {
            let mut blocks = Blocks::new(order);
            write(&mut blocks);
            all.push(entry(format!("{order:?} pcapng {name}"), blocks.made));
        }
        for link in LINKS.iter().filter(|link| **link < 65536) {
            let mut blocks = Blocks::new(order);
            blocks.section().interface(*link as u16, 65535, &[]);
            usual(&mut blocks);
            all.push(entry(format!("{order:?} pcapng link {link}"), blocks.made));
        }
        for snaplen in SNAPLENS {
            let mut blocks = Blocks::new(order);
            blocks.section().interface(1, *snaplen, &[]);
            usual(&mut blocks);
            all.push(entry(format!("{order:?} pcapng snaplen {snaplen}"), blocks.made));
        }
        for version in [(1, 0), (1, 1), (1, 2), (1, 3), (0, 0), (2, 0)] {
            let mut blocks = Blocks::new(order);
            blocks.section_saying(version, 0, &[]).interface(1, 65535, &[]);
            usual(&mut blocks);
            blocks.section_saying(version, u64::MAX, &[]).interface(1, 65535, &[]);
            usual(&mut blocks);
            all.push(entry(format!("{order:?} pcapng version {version:?}"), blocks.made));
        }
        for resolution in
            (0..=21).chain([0x7f, 0x80, 0x81, 0x8a, 0x94, 0x9e, 0xa0, 0xbf, 0xc0, 0xff])
        {
            let mut blocks = Blocks::new(order);
            let options = blocks.option(option::RESOLUTION, &[resolution]);
            blocks.section().interface(1, 65535, &options);
            stamps(&mut blocks);
            all.push(entry(format!("{order:?} pcapng resolution {resolution:#x}"), blocks.made));
        }
        for offset in [1_i64, 3600, -3600, 1 << 40, -(1 << 40), i64::MIN, i64::MAX, -1] {
            let mut blocks = Blocks::new(order);
            let options = blocks.option(option::OFFSET, &order.u64(offset as u64));
            blocks.section().interface(1, 65535, &options);
            stamps(&mut blocks);
            all.push(entry(format!("{order:?} pcapng offset {offset}"), blocks.made));
        }
    }
    all
}

type Write = fn(&mut Blocks);

/// Packets in every kind of block.
fn usual(blocks: &mut Blocks) {
    let comment =
        [blocks.option(option::COMMENT, b"told"), blocks.option(option::END, &[])].concat();
    for (n, record) in records().iter().enumerate() {
        let ts = 1_700_000_000_123_456 + 1_000_003 * n as u64;
        match n % 4 {
            0 => blocks.enhanced(0, ts, record, &[]),
            1 => blocks.simple(record),
            2 => blocks.packet(0, ts, record),
            _ => blocks.enhanced(0, ts, record, &comment),
        };
    }
}

fn stamps(blocks: &mut Blocks) {
    let record = &records()[0];
    for ts in [
        0,
        1,
        999_999,
        1_000_000,
        1_700_000_000_123_456,
        1_700_000_000_123_456_789,
        1 << 63,
        u64::MAX,
    ] {
        blocks.enhanced(0, ts, record, &[]);
    }
}

const PCAPNG: &[(&str, Write)] = &[
    ("usual", |b| {
        b.section().interface(1, 65535, &[]);
        usual(b);
    }),
    ("interfaces", |b| {
        b.section().interface(1, 65535, &[]).interface(1, 65535, &[]);
        let nano = b.option(option::RESOLUTION, &[9]);
        b.interface(1, 65535, &nano);
        for n in 0..4 {
            b.enhanced(n, 1_700_000_000_123_456, &records()[0], &[]);
        }
    }),
    ("interfaces of raw IP", |b| {
        b.section().interface(101, 65535, &[]).interface(101, 65535, &[]);
        b.enhanced(1, 5, &records()[0], &[]);
    }),
    ("interfaces of other types", |b| {
        b.section().interface(1, 65535, &[]).enhanced(0, 1, &records()[0], &[]);
        b.interface(113, 65535, &[]).enhanced(1, 2, &records()[1], &[]);
    }),
    ("interfaces of other snapshot lengths", |b| {
        b.section().interface(1, 65535, &[]).enhanced(0, 1, &records()[0], &[]);
        b.interface(1, 40, &[]).enhanced(1, 2, &records()[1], &[]).simple(&records()[0]);
    }),
    ("interface in between", |b| {
        b.section().interface(1, 65535, &[]);
        for n in 0..20_u32 {
            b.enhanced(n, n.into(), &records()[0], &[]).interface(1, 65535, &[]);
        }
    }),
    ("sections", |b| {
        b.section().interface(1, 65535, &[]);
        usual(b);
        b.section().interface(1, 65535, &[]);
        usual(b);
        b.section();
        usual(b);
    }),
    ("sections of both orders", |b| {
        b.section().interface(1, 65535, &[]);
        usual(b);
        b.order = if b.order == Order::Big { Order::Little } else { Order::Big };
        b.section().interface(1, 65535, &[]);
        usual(b);
    }),
    ("no interface", |b| {
        b.section().block(kind::NAMES, &[0; 8]);
    }),
    ("a section alone", |b| {
        b.section();
    }),
    ("two sections before an interface", |b| {
        b.section().section().interface(1, 65535, &[]);
        usual(b);
    }),
    ("packets before the interface", |b| {
        b.section();
        usual(b);
        b.interface(1, 65535, &[]);
    }),
    ("a simple packet before the interface", |b| {
        b.section().simple(&records()[0]).interface(1, 65535, &[]);
    }),
    ("an obsolete packet before the interface", |b| {
        b.section().packet(0, 0, &records()[0]).interface(1, 65535, &[]);
    }),
    ("other blocks", |b| {
        b.section().block(kind::CUSTOM, &[1; 40]).interface(1, 65535, &[]);
        for kind in
            [kind::NAMES, kind::STATISTICS, kind::SECRETS, kind::CUSTOM, 0x4000_0000, 0, u32::MAX]
        {
            b.block(kind, &[7; 64]).block(kind, &[]).simple(&records()[0]);
        }
    }),
    ("no such interface", |b| {
        b.section().interface(1, 65535, &[]).enhanced(1, 0, &records()[0], &[]);
        b.enhanced(0, 0, &records()[0], &[]);
    }),
    ("no such interface of an obsolete packet", |b| {
        b.section().interface(1, 65535, &[]).packet(1, 0, &records()[0]);
    }),
    ("lengths", |b| {
        b.section().interface(1, 65535, &[]);
        for record in &odd_lengths()[..5] {
            b.enhanced(0, 0, record, &[]).packet(0, 0, record).simple(record);
        }
    }),
    ("captured more than there is", |b| {
        b.section().interface(1, 65535, &[]);
        b.enhanced(0, 0, &Record { caplen: 97, ..records()[0].clone() }, &[]);
    }),
    ("captured more than the snapshot length", |b| {
        b.section().interface(1, 40, &[]).simple(&records()[0]);
        b.enhanced(0, 0, &records()[0], &[]);
    }),
    ("obsolete, captured more than the snapshot length", |b| {
        b.section().interface(1, 40, &[]).packet(0, 0, &records()[0]);
    }),
    ("captured 2^32", |b| {
        b.section().interface(1, 0, &[]);
        b.enhanced(0, 0, &Record { caplen: u32::MAX, ..records()[0].clone() }, &[]);
    }),
    ("no body", |b| {
        b.section().interface(1, 65535, &[]).block(kind::ENHANCED, &[]);
    }),
    ("no body of a simple packet", |b| {
        b.section().interface(1, 65535, &[]).block(kind::SIMPLE, &[]);
    }),
    ("no body of an obsolete packet", |b| {
        b.section().interface(1, 65535, &[]).block(kind::PACKET, &[0; 12]);
    }),
    ("no body of an interface", |b| {
        b.section().block(kind::INTERFACE, &[0; 4]);
    }),
    ("no body of a later interface", |b| {
        b.section().interface(1, 65535, &[]).block(kind::INTERFACE, &[0; 4]);
    }),
    ("no body of a section", |b| {
        b.block(kind::SECTION, &[]);
    }),
    ("no body of a later section", |b| {
        b.section().interface(1, 65535, &[]).block(kind::SECTION, &[]);
    }),
    ("a later section of no order", |b| {
        b.section().interface(1, 65535, &[]).block(kind::SECTION, &[9; 16]);
    }),
    ("a section with options", |b| {
        let options = b.option(option::COMMENT, &[b'x'; 3001]);
        b.section_saying((1, 0), 17, &options).interface(1, 65535, &[]);
        usual(b);
    }),
    ("an interface with options", |b| {
        let options = [
            b.option(option::NAME, b"eth0"),
            b.option(option::COMMENT, b"of the interface"),
            b.option(option::RESOLUTION, &[9]),
            b.option(12, b"Linux"),
            b.option(option::OFFSET, &b.order.u64(7)),
            b.option(option::END, &[]),
            b.option(option::RESOLUTION, &[3]),
        ];
        b.section().interface(1, 65535, &options.concat());
        stamps(b);
    }),
    ("two resolutions", |b| {
        let options = b.option(option::RESOLUTION, &[9]).repeat(2);
        b.section().interface(1, 65535, &options);
    }),
    ("two offsets", |b| {
        let options = b.option(option::OFFSET, &[0; 8]).repeat(2);
        b.section().interface(1, 65535, &options);
    }),
    ("a long resolution", |b| {
        let options = b.option(option::RESOLUTION, &[9, 9]);
        b.section().interface(1, 65535, &options);
    }),
    ("a short offset", |b| {
        let options = b.option(option::OFFSET, &[0; 4]);
        b.section().interface(1, 65535, &options);
    }),
    ("a long end of options", |b| {
        let options = b.option(option::END, &[0; 4]);
        b.section().interface(1, 65535, &options);
    }),
    ("an option longer than its block", |b| {
        let options = b.option_saying(option::COMMENT, 100, b"short");
        b.section().interface(1, 65535, &options);
        usual(b);
    }),
    ("an option longer than a later block", |b| {
        let options = b.option_saying(option::RESOLUTION, 100, b"s");
        b.section().interface(1, 65535, &[]).interface(1, 65535, &options);
    }),
    ("half an option", |b| {
        b.section().interface(1, 65535, &[0, 2]);
    }),
    ("a block of length 0", |b| {
        b.section().interface(1, 65535, &[]).block_saying(kind::ENHANCED, &[], 0, 0);
    }),
    ("a block of length 13", |b| {
        b.section().interface(1, 65535, &[]).block_saying(kind::NAMES, &[0; 4], 13, 13);
    }),
    ("a block of 4 GiB", |b| {
        b.section().interface(1, 65535, &[]).block_saying(kind::NAMES, &[0; 400], 0xffff_fffc, 0);
    }),
    ("a block of 20 MiB at first", |b| {
        b.section().block_saying(kind::NAMES, &[0; 400], 20 << 20, 0);
    }),
    ("a block of 17 MiB", |b| {
        b.section().interface(1, 65535, &[]).block_saying(kind::NAMES, &[0; 400], 17 << 20, 0);
    }),
    ("a section of 2 MiB", |b| {
        b.block_saying(kind::SECTION, &b.order.words(&[0x1a2b_3c4d, 1, 0, 0]), 2 << 20, 28);
    }),
    ("a section of 16 bytes", |b| {
        b.block_saying(kind::SECTION, &b.order.words(&[0x1a2b_3c4d, 1, 0, 0]), 16, 16);
    }),
    ("a section of 29 bytes", |b| {
        b.block_saying(kind::SECTION, &b.order.words(&[0x1a2b_3c4d, 1, 0, 0]), 29, 29);
    }),
    ("another length at the end", |b| {
        b.section().interface(1, 65535, &[]).simple(&records()[0]);
        b.block_saying(kind::NAMES, &[0; 8], 20, 24).simple(&records()[0]);
    }),
    ("another length at the first end", |b| {
        b.section().block_saying(kind::INTERFACE, &[1, 0, 0, 0, 0, 0, 0, 0], 20, 24);
    }),
    ("another length at the section's end", |b| {
        b.block_saying(kind::SECTION, &b.order.words(&[0x1a2b_3c4d, 1, 0, 0]), 28, 32);
        b.interface(1, 65535, &[]);
    }),
    ("many", |b| {
        b.section().interface(1, 65535, &[]);
        let packets = packets();
        for n in 0..700_u32 {
            let mut data = packets[n as usize % packets.len()].clone();
            if n % 7 == 3 {
                data.resize(1500 * (n as usize % 5 + 1), n as u8);
            }
            b.enhanced(0, n.into(), &Record::whole(n, &data), &[]);
            if n % 100 == 99 {
                b.block(kind::STATISTICS, &[0; 12]);
            }
        }
    }),
];
