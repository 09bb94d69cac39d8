//! A writer of pcapng files in either byte order. Written apart from the library on purpose, to check how it reads.

#![allow(dead_code, reason = "every test program uses its own part of this")]

/// What tells the byte order of a section.
pub const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// The types of blocks.
pub mod kind {
    pub const SECTION: u32 = 0x0a0d_0d0a;
    pub const INTERFACE: u32 = 1;
    pub const PACKET: u32 = 2;
    pub const SIMPLE_PACKET: u32 = 3;
    pub const ENHANCED_PACKET: u32 = 6;
}

/// Options: codes and values.
pub type Options<'o> = &'o [(u16, &'o [u8])];

/// A file so far.
pub struct Writer {
    /// Whether it is in the other byte order than this machine's.
    pub swapped: bool,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Writer {
    /// A file with a section.
    pub fn new(swapped: bool) -> Self {
        let mut new = Self { swapped, bytes: Vec::new() };
        new.section();
        new
    }

    /// A number in the file's byte order.
    pub fn long(&self, long: u64) -> [u8; 8] {
        (if self.swapped { long.swap_bytes() } else { long }).to_ne_bytes()
    }

    /// A number in the file's byte order.
    pub fn word(&self, word: u32) -> [u8; 4] {
        (if self.swapped { word.swap_bytes() } else { word }).to_ne_bytes()
    }

    /// A number in the file's byte order.
    pub fn half(&self, half: u16) -> [u8; 2] {
        (if self.swapped { half.swap_bytes() } else { half }).to_ne_bytes()
    }

    /// A block of any type.
    pub fn block(&mut self, kind: u32, body: &[u8]) {
        let total = self.word((body.len().next_multiple_of(4) + 12) as u32);
        self.bytes.extend([self.word(kind), total].concat());
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.bytes.extend(total);
    }

    /// A section of version 1.0 and no known length.
    pub fn section(&mut self) {
        let version = [self.half(1), self.half(0)].concat();
        let body = [&self.word(BYTE_ORDER)[..], &version, &[0xff; 8]].concat();
        self.block(kind::SECTION, &body);
    }

    /// An interface.
    pub fn interface(&mut self, link: u16, snaplen: u32, options: Options<'_>) {
        let mut body = [&self.half(link)[..], &[0; 2], &self.word(snaplen)].concat();
        body.extend(self.options(options));
        self.block(kind::INTERFACE, &body);
    }

    fn options(&self, options: Options<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (code, value) in options {
            bytes.extend([self.half(*code), self.half(value.len() as u16)].concat());
            bytes.extend(*value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    /// A packet.
    pub fn enhanced(&mut self, interface: u32, stamp: u64, data: &[u8]) {
        self.enhanced_of(interface, stamp, data.len() as u32, data, &[]);
    }

    /// A packet that had `len` bytes, with options.
    pub fn enhanced_of(
        &mut self,
        interface: u32,
        stamp: u64,
        len: u32,
        data: &[u8],
        options: Options<'_>,
    ) {
        let fields = [interface, (stamp >> 32) as u32, stamp as u32, data.len() as u32, len];
        let mut body = [fields.map(|field| self.word(field)).concat(), data.to_vec()].concat();
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(self.options(options));
        self.block(kind::ENHANCED_PACKET, &body);
    }

    /// A packet in the block of old.
    pub fn obsolete(&mut self, interface: u16, stamp: u64, data: &[u8]) {
        let len = data.len() as u32;
        let fields = [(stamp >> 32) as u32, stamp as u32, len, len].map(|field| self.word(field));
        let id = [self.half(interface), self.half(7)].concat();
        let body = [id, fields.concat(), data.to_vec()].concat();
        self.block(kind::PACKET, &body);
    }

    /// A packet without a time.
    pub fn simple(&mut self, len: u32, data: &[u8]) {
        let body = [&self.word(len)[..], data].concat();
        self.block(kind::SIMPLE_PACKET, &body);
    }
}
