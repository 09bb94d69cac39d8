//! A reader of the pcap files that tcpdump writes here: this machine's byte order, nothing else.
//! Written apart from the library on purpose, to check what the library writes.

use std::fs;
use std::path::Path;

/// One file: its header's bytes and its records.
#[derive(Debug, PartialEq)]
pub struct Savefile {
    /// The 24 bytes in front.
    pub header: Vec<u8>,
    /// The packets in order.
    pub records: Vec<Record>,
}

/// One packet.
#[derive(Debug, PartialEq)]
pub struct Record {
    /// Seconds, then micro- or nanoseconds as the file's magic says.
    pub stamp: (u32, u32),
    /// The length on the wire.
    pub len: u32,
    /// What was captured.
    pub data: Vec<u8>,
}

impl Savefile {
    /// Reads a whole file; fails the test when it ends within a record.
    pub fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self::parse(&bytes).unwrap_or_else(|| panic!("{} ends within a record", path.display()))
    }

    /// Reads a whole file from memory.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (header, mut rest) = bytes.split_at_checked(24)?;
        let mut records = Vec::new();
        while !rest.is_empty() {
            let (fields, tail) = rest.split_at_checked(16)?;
            let field = |i: usize| {
                let four = fields.get(4 * i..4 * i + 4).and_then(|four| four.try_into().ok());
                u32::from_ne_bytes(four.expect("16 bytes hold four fields"))
            };
            let (data, tail) = tail.split_at_checked(field(2) as usize)?;
            records.push(Record {
                stamp: (field(0), field(1)),
                len: field(3),
                data: data.to_vec(),
            });
            rest = tail;
        }
        Some(Self { header: header.to_vec(), records })
    }

    /// Whether the header says that stamps are in nanoseconds.
    pub fn is_nano(&self) -> bool {
        self.header.starts_with(&0xa1b2_3c4d_u32.to_ne_bytes())
    }

    /// Seconds since 1970 of one record.
    pub fn seconds(&self, record: &Record) -> f64 {
        let unit = if self.is_nano() { 1e9 } else { 1e6 };
        assert!(f64::from(record.stamp.1) < unit, "a fraction of a second: {:?}", record.stamp);
        f64::from(record.stamp.0) + f64::from(record.stamp.1) / unit
    }
}

/// Fails unless both files have the same header, and the same packets at the same time.
pub fn assert_same(theirs: &Savefile, ours: &Savefile, what: &str) {
    assert_eq!(theirs.header, ours.header, "{what}: file headers");
    for (i, (a, b)) in theirs.records.iter().zip(&ours.records).enumerate() {
        assert_eq!((a.len, &a.data), (b.len, &b.data), "{what}: record {i}");
        let apart = (theirs.seconds(a) - ours.seconds(b)).abs();
        assert!(apart < 1.0, "{what}: stamps of record {i} are {apart} seconds apart");
    }
    assert_eq!(theirs.records.len(), ours.records.len(), "{what}: number of records");
}
