//! Files that claim, or become, much more than they are: what they cost.

use crate::api::{Library, ours};
use crate::compressed::compress;
use crate::{FIRST, capture, file};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

/// The most memory that a process may have had that reads one.
const LIMIT: usize = 64 << 20;

/// The most that this process has had, in bytes.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

/// From now on, what [`peak`] tells begins with what this process has now.
fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("/proc");
}

/// A file of this link type and the largest snapshot length, with a record of `caplen` bytes, all of them 0.
fn zeros(linktype: u32, caplen: usize) -> Vec<u8> {
    let mut bytes = capture(0..0);
    bytes[20..24].copy_from_slice(&linktype.to_ne_bytes());
    bytes[16..20].copy_from_slice(&(i32::MAX as u32).to_ne_bytes());
    let record = [0, 0, caplen as u32, caplen as u32].map(u32::to_ne_bytes);
    bytes.extend(record.iter().flatten());
    bytes.resize(FIRST + 16 + caplen, 0);
    bytes
}

/// The link type whose packets may be the largest, 128 MiB.
const DBUS: u32 = 231;

/// Compressors that make readers remember as much as they are let.
const ALL: [&[&str]; 4] = [
    &["gzip", "-1c"],
    &["lz4", "-qc", "-B7", "-BD"],
    &["xz", "-c", "--lzma2=preset=0,dict=32MiB"],
    &["zstd", "-qc", "--zstd=wlog=25"],
];

/// Reads a file to its end or to an error, whose text is given, and fails if that costs too much.
fn read(library: Library, dir: &Path, name: &str, packed: Vec<u8>) -> (usize, Option<String>) {
    let path = file(dir, "file", &packed);
    drop(packed);
    // As in a new process: malloc(3) gives back what is free, and does not learn from what there was.
    #[allow(unsafe_code, reason = "mallopt(3), malloc_trim(3)")]
    // SAFETY: nothing depends on them.
    let set = unsafe {
        libc::malloc_trim(0);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 128 << 10)
    };
    assert_eq!(set, 1);
    forget_peak();
    let mut packets = 0;
    let error = match library.open(&path) {
        Ok(pcap) => {
            let rc = pcap.run(-1, |_| packets += 1);
            let error = (rc != 0).then(|| pcap.error());
            pcap.close();
            error
        }
        Err(error) => Some(error),
    };
    assert!(peak() < LIMIT, "{name}: {} bytes", peak());
    (packets, error)
}

/// Zeros without end are packets without bytes, 16 bytes each.
#[test]
fn bombs() {
    ours(|library, dir| {
        for how in ALL {
            let packed = compress(how, &[capture(0..0), vec![0; 160 << 20]].concat());
            assert_eq!(read(library, dir, how[0], packed), (10 << 20, None));
        }
    });
}

#[test]
fn large_records() {
    ours(|library, dir| {
        for how in ALL {
            // As large as is read of compressed files, and larger than that.
            let fits = compress(how, &zeros(DBUS, 15 << 20));
            let too_large = compress(how, &zeros(DBUS, 100 << 20));
            assert_eq!(read(library, dir, how[0], fits), (1, None));
            let (packets, error) = read(library, dir, how[0], too_large);
            let text = "record of 104857616 bytes in a compressed savefile, maximum is ";
            assert_eq!(packets, 0);
            assert!(error.as_ref().is_some_and(|error| error.starts_with(text)), "{error:?}");
        }
    });
}

/// Data that does not shrink, of records as large as they may be, behind as much that is remembered.
#[test]
fn large_records_of_noise() {
    ours(|library, dir| {
        for how in ALL {
            let packed = compress(how, &noise(2, 16 << 20));
            assert_eq!(read(library, dir, how[0], packed), (2, None));
        }
    });
}

/// A file of so many packets of so many bytes that do not shrink.
fn noise(packets: usize, len: usize) -> Vec<u8> {
    let head = zeros(DBUS, 0);
    let mut record = vec![0; FIRST + 16 + len];
    record[..FIRST].copy_from_slice(&head[..FIRST]);
    let lengths = [len as u32; 2].map(u32::to_ne_bytes);
    record[FIRST + 8..][..8].copy_from_slice(lengths.as_flattened());
    let mut random = File::open("/dev/urandom").expect("open");
    random.read_exact(&mut record[FIRST + 16..]).expect("read");
    let body = record[FIRST..].to_vec();
    (1..packets).for_each(|_| record.extend(&body));
    record
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// Headers that ask for gigabytes, in front of little.
#[test]
fn claims() {
    ours(|library, dir| {
        let small = capture(0..3);
        let too_large = |name| {
            Some(format!(
                "error reading dump file: {name} data that needs a window of more than 32 MiB, the maximum"
            ))
        };
        // A dictionary of 4 GiB: the properties of the first block's filter, at 17, and the checksum at its end.
        let mut xz = compress(&["xz", "-c"], &small);
        assert_eq!(&xz[12..16], [2, 0, 0x21, 1], "a block of one LZMA2 filter");
        xz[16] = 40;
        let sum = crc32(&xz[12..20]);
        xz[20..24].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(read(library, dir, "xz", xz), (0, too_large("xz")));
        for descriptor in [0xff, 0xf8, 0xa8, 0x80, 0x79] {
            let zstd = [&[0x28, 0xb5, 0x2f, 0xfd, 0, descriptor][..], &[1, 0, 0]].concat();
            assert_eq!(read(library, dir, "zstd", zstd), (0, too_large("zstd")));
        }
        // One segment of 2^63 bytes.
        let mut zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80];
        zstd.extend([1, 0, 0]);
        assert_eq!(read(library, dir, "zstd", zstd), (0, too_large("zstd")));
        // Blocks without bytes, and members without any.
        let zstd = [&[0x28, 0xb5, 0x2f, 0xfd, 0, 0][..], &vec![0; 30 << 20]].concat();
        let text = Some("error reading dump file: truncated zstd data".to_owned());
        assert_eq!(read(library, dir, "zstd", zstd), (0, text));
        let gzip = compress(&["gzip", "-c"], b"").repeat(1 << 20);
        let text =
            Some("truncated dump file; tried to read 4 file header bytes, only got 0".to_owned());
        assert_eq!(read(library, dir, "gzip", gzip), (0, text));
        // A name that does not end.
        let gzip = [&[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3][..], &vec![b'x'; 40 << 20]].concat();
        let (_, error) = read(library, dir, "gzip", gzip);
        assert!(error.is_some_and(|error| error.starts_with("error reading dump file: ")));
        // What is skipped is not kept.
        let skipped =
            [&[0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff][..], &vec![1; 40 << 20]].concat();
        let text = Some("error reading dump file: truncated lz4 or zstd data".to_owned());
        assert_eq!(read(library, dir, "skippable", skipped), (0, text));
    });
}
