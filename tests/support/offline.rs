//! Savefiles made to order, in both formats, well formed or not. Written apart from the library on purpose:
//! after pcap-savefile(5) and the IETF's draft of pcapng.

#![allow(dead_code, reason = "every test program uses its own part of this")]

/// Which end of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Little,
    Big,
}

impl Order {
    pub const BOTH: [Self; 2] = [Self::Little, Self::Big];

    pub fn u16(self, n: u16) -> [u8; 2] {
        if self == Self::Big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    pub fn u32(self, n: u32) -> [u8; 4] {
        if self == Self::Big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    pub fn u64(self, n: u64) -> [u8; 8] {
        if self == Self::Big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    /// Words in a row.
    pub fn words(self, words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| self.u32(*word)).collect()
    }
}

/// A file, and where in it something begins or ends: a header, its fields' ends, a packet.
#[derive(Clone, Debug, Default)]
pub struct Made {
    pub bytes: Vec<u8>,
    pub marks: Vec<usize>,
}

impl Made {
    fn mark(&mut self) {
        self.marks.push(self.bytes.len());
    }
}

pub const MICRO: u32 = 0xa1b2_c3d4;
pub const NANO: u32 = 0xa1b2_3c4d;
pub const MODIFIED: u32 = 0xa1b2_cd34;

/// What stands before the packets of a classic file.
#[derive(Clone, Copy, Debug)]
pub struct Classic {
    pub order: Order,
    pub magic: u32,
    pub version: (u16, u16),
    /// The time zone and the accuracy, which mean nothing.
    pub unused: (u32, u32),
    pub snaplen: u32,
    pub link: u32,
}

/// What most files have.
pub const CLASSIC: Classic = Classic {
    order: Order::Little,
    magic: MICRO,
    version: (2, 4),
    unused: (0, 0),
    snaplen: 262_144,
    link: 1,
};

/// A packet, and what is said of it.
#[derive(Clone, Debug)]
pub struct Record {
    pub stamp: (u32, u32),
    /// As the file is to say, whatever the data is.
    pub caplen: u32,
    pub len: u32,
    pub data: Vec<u8>,
}

impl Record {
    /// A packet that is there as a whole.
    pub fn whole(n: u32, data: &[u8]) -> Self {
        let len = data.len() as u32;
        Self { stamp: (1_700_000_000 + n, 1000 * n + 789), caplen: len, len, data: data.to_vec() }
    }
}

impl Classic {
    /// The file, with lengths in the order that its version has them in.
    pub fn file(&self, records: &[Record]) -> Made {
        let mut made = Made::default();
        let order = self.order;
        made.bytes.extend(order.u32(self.magic));
        made.mark();
        made.bytes.extend([self.version.0, self.version.1].map(|half| order.u16(half)).concat());
        made.mark();
        made.bytes.extend(order.words(&[self.unused.0, self.unused.1, self.snaplen, self.link]));
        made.mark();
        for record in records {
            self.record(record, &mut made);
        }
        made
    }

    /// One more packet.
    pub fn record(&self, record: &Record, made: &mut Made) {
        let reversed = self.version.0 == 543 || self.version.1 < 3;
        let lens = if reversed { [record.len, record.caplen] } else { [record.caplen, record.len] };
        made.bytes.extend(self.order.words(&[record.stamp.0, record.stamp.1, lens[0], lens[1]]));
        made.mark();
        if self.magic == MODIFIED {
            made.bytes.extend([3, 0, 0, 0, 8, 0, 4, 0]);
            made.mark();
        }
        made.bytes.extend(&record.data);
        made.mark();
    }
}

/// Types of blocks.
pub mod kind {
    pub const SECTION: u32 = 0x0a0d_0d0a;
    pub const INTERFACE: u32 = 1;
    pub const PACKET: u32 = 2;
    pub const SIMPLE: u32 = 3;
    pub const NAMES: u32 = 4;
    pub const STATISTICS: u32 = 5;
    pub const ENHANCED: u32 = 6;
    pub const SECRETS: u32 = 10;
    pub const CUSTOM: u32 = 0xbad;
}

/// Options of an interface.
pub mod option {
    pub const END: u16 = 0;
    pub const COMMENT: u16 = 1;
    pub const NAME: u16 = 2;
    pub const RESOLUTION: u16 = 9;
    pub const OFFSET: u16 = 14;
}

/// Writes blocks one after another.
#[derive(Clone, Debug)]
pub struct Blocks {
    pub order: Order,
    pub made: Made,
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4), 0);
    padded
}

impl Blocks {
    pub fn new(order: Order) -> Self {
        Self { order, made: Made::default() }
    }

    /// One with both lengths right, if `body` is a multiple of 4.
    pub fn block(&mut self, kind: u32, body: &[u8]) -> &mut Self {
        let total = body.len() as u32 + 12;
        self.block_saying(kind, body, total, total)
    }

    /// One with the lengths that are given.
    pub fn block_saying(&mut self, kind: u32, body: &[u8], total: u32, trailer: u32) -> &mut Self {
        let head = self.order.words(&[kind, total]);
        self.made.bytes.extend(head);
        self.made.mark();
        for (n, word) in body.chunks(4).enumerate() {
            self.made.bytes.extend(word);
            // Fields are near the beginning.
            if n < 8 {
                self.made.mark();
            }
        }
        self.made.mark();
        self.made.bytes.extend(self.order.u32(trailer));
        self.made.mark();
        self
    }

    pub fn section(&mut self) -> &mut Self {
        self.section_saying((1, 0), u64::MAX, &[])
    }

    pub fn section_saying(&mut self, version: (u16, u16), len: u64, options: &[u8]) -> &mut Self {
        let order = self.order;
        let mut body = order.u32(0x1a2b_3c4d).to_vec();
        body.extend([order.u16(version.0), order.u16(version.1)].concat());
        body.extend(order.u64(len));
        body.extend(options);
        self.block(kind::SECTION, &body)
    }

    pub fn interface(&mut self, link: u16, snaplen: u32, options: &[u8]) -> &mut Self {
        let mut body = [self.order.u16(link), [0, 0]].concat();
        body.extend(self.order.u32(snaplen));
        body.extend(options);
        self.block(kind::INTERFACE, &body)
    }

    /// An option, padded.
    pub fn option(&self, code: u16, value: &[u8]) -> Vec<u8> {
        self.option_saying(code, value.len() as u16, value)
    }

    pub fn option_saying(&self, code: u16, len: u16, value: &[u8]) -> Vec<u8> {
        [[self.order.u16(code), self.order.u16(len)].concat(), padded(value)].concat()
    }

    pub fn enhanced(
        &mut self,
        interface: u32,
        ts: u64,
        record: &Record,
        options: &[u8],
    ) -> &mut Self {
        let (high, low) = ((ts >> 32) as u32, ts as u32);
        let mut body = self.order.words(&[interface, high, low, record.caplen, record.len]);
        body.extend(padded(&record.data));
        body.extend(options);
        self.block(kind::ENHANCED, &body)
    }

    pub fn simple(&mut self, record: &Record) -> &mut Self {
        let body = [self.order.u32(record.len).to_vec(), padded(&record.data)].concat();
        self.block(kind::SIMPLE, &body)
    }

    /// The obsolete kind of packet.
    pub fn packet(&mut self, interface: u16, ts: u64, record: &Record) -> &mut Self {
        let order = self.order;
        let (high, low) = ((ts >> 32) as u32, ts as u32);
        let mut body = [order.u16(interface), order.u16(0xffff)].concat();
        body.extend(order.words(&[high, low, record.caplen, record.len]));
        body.extend(padded(&record.data));
        self.block(kind::PACKET, &body)
    }
}
