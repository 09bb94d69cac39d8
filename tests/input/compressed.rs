//! Compressed savefiles: read as what is in them, by every way that leads to a file.

use crate::api::{Library, Pcap, ours, stdio};
use crate::positions::{as_stdin, pipe_of};
use crate::{capture, file, offset};
use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};

/// The end of a file, and an error.
const END: i32 = -2;
const ERROR: i32 = -1;

/// Compressors, each as a format's own program does it by default.
const FORMATS: [(&str, &[&str]); 4] = [
    ("gzip", &["gzip", "-c"]),
    ("lz4", &["lz4", "-qc"]),
    ("xz", &["xz", "-c"]),
    ("zstd", &["zstd", "-qc"]),
];

/// Other ways of theirs.
const VARIANTS: [(&str, &[&str]); 15] = [
    ("gzip", &["gzip", "-1c"]),
    ("gzip", &["gzip", "-9c"]),
    ("lz4", &["lz4", "-qc", "-9"]),
    ("lz4", &["lz4", "-qc", "-B4", "-BD"]),
    ("lz4", &["lz4", "-qc", "-B7", "-BX", "-BD"]),
    ("lz4", &["lz4", "-qc", "--no-frame-crc"]),
    ("xz", &["xz", "-c0"]),
    ("xz", &["xz", "-c8"]),
    ("xz", &["xz", "-c", "-T2", "--block-size=100000", "-Csha256"]),
    ("xz", &["xz", "-c", "-Ccrc32", "--delta=dist=4", "--lzma2"]),
    ("xz", &["xz", "-c", "-Cnone"]),
    ("zstd", &["zstd", "-qc", "--fast=5"]),
    ("zstd", &["zstd", "-qc", "-19"]),
    ("zstd", &["zstd", "-qc", "--ultra", "-20"]),
    ("zstd", &["zstd", "-qc", "--no-check"]),
];

/// What a compressor makes of `bytes`.
pub fn compress(how: &[&str], bytes: &[u8]) -> Vec<u8> {
    let (program, args) = how.split_first().expect("a program");
    let mut command = Command::new(program);
    let mut child = command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut input = child.stdin.take().expect("piped");
    let bytes = bytes.to_vec();
    let sent = std::thread::spawn(move || input.write_all(&bytes));
    let out = child.wait_with_output().expect("its output");
    sent.join().expect("the writer").expect("write");
    assert!(out.status.success(), "{how:?}");
    out.stdout
}

#[track_caller]
fn holds(pcap: Result<Pcap, String>, packets: Range<usize>, what: &str) {
    let pcap = pcap.unwrap_or_else(|error| panic!("{what}: {error}"));
    let (seen, rc) = pcap.all();
    assert_eq!(rc, END, "{what}: {} after {}", pcap.error(), seen.len());
    assert!(seen.into_iter().eq(packets), "{what}");
    assert_eq!(pcap.next(), Err(END), "{what}: again");
    pcap.close();
}

#[test]
fn of_every_kind() {
    ours(|library, dir| {
        let bytes = capture(0..3000);
        for (_, how) in FORMATS.iter().chain(&VARIANTS) {
            let path = file(dir, "file", &compress(how, &bytes));
            holds(library.open(&path), 0..3000, &format!("{how:?}"));
        }
        let whole = |how: &[&str]| {
            let path = file(dir, "whole", &bytes);
            let out = Command::new(how[0]).args(&how[1..]).arg(path).output().expect("run it");
            let path = file(dir, "file", &out.stdout);
            holds(library.open(&path), 0..3000, &format!("{how:?}"));
        };
        // With the name or the size in the header.
        whole(&["gzip", "-c"]);
        whole(&["zstd", "-qc"]);
        whole(&["lz4", "-qc", "--content-size"]);
        // Nothing but the header of a savefile.
        for (_, how) in FORMATS {
            let path = file(dir, "file", &compress(how, &capture(0..0)));
            holds(library.open(&path), 0..0, &format!("{how:?}"));
        }
    });
}

#[test]
fn by_every_way() {
    ours(|library, dir| {
        let bytes = capture(0..300);
        for (name, how) in FORMATS {
            let packed = compress(how, &bytes);
            let path = file(dir, "file", &packed);
            let stream = stdio::open(&path);
            let fd = stdio::fd(stream);
            holds(library.fopen(stream), 0..300, &format!("{name}, a stream"));
            // SAFETY: asks of any descriptor.
            #[allow(unsafe_code, reason = "fcntl(2)")]
            let open = unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0;
            assert!(!open, "{name}: pcap_close() closes the stream");
            as_stdin(&File::open(&path).expect("open"));
            holds(library.open("-"), 0..300, &format!("{name}, standard input"));
            as_stdin(&pipe_of(packed.clone(), 1));
            holds(library.open("-"), 0..300, &format!("{name}, a pipe"));
            as_stdin(&pipe_of(packed.clone(), 7));
            let stream = stdio::standard_input();
            holds(library.fopen(stream), 0..300, &format!("{name}, a stream of a pipe"));
            holds_no_stream(library, &path);
        }
    });
}

fn holds_no_stream(library: Library, path: &Path) {
    let pcap = library.open(path).expect("open");
    assert!(pcap.stream().is_null());
    assert_eq!(pcap.fds(), (-1, -1));
    assert_eq!(pcap.next().expect("a packet").0, 0);
    assert!(pcap.stream().is_null());
    assert_eq!(pcap.next().expect("a packet").0, 1);
    pcap.close();
}

#[test]
fn of_several_members() {
    ours(|library, dir| {
        let bytes = capture(0..900);
        let (one, two) = bytes.split_at(offset(400) + 100);
        let skipped = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        for (name, how) in FORMATS {
            let [one, none, two] = [one, b"", two].map(|part| compress(how, part));
            let mut ways = vec![[&one[..], &two].concat(), [&none[..], &one, &none, &two].concat()];
            match name {
                "gzip" => ways.push([&one[..], &two, &[0; 1000]].concat()),
                "xz" => ways.push([&one[..], &[0; 8], &two, &[0; 4]].concat()),
                _ => {
                    ways.push([&skipped[..], &one, &skipped, &skipped, &two, &skipped].concat());
                    let empty = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];
                    ways.push([&empty[..], &one, &two].concat());
                }
            }
            for bytes in ways {
                holds(library.open(file(dir, "file", &bytes)), 0..900, name);
            }
        }
    });
}

#[test]
fn of_what_is_no_savefile() {
    ours(|library, dir| {
        for (name, how) in FORMATS {
            let open = |bytes: &[u8]| library.open(file(dir, "file", bytes)).err();
            let text = "unknown file format".to_owned();
            assert_eq!(open(&compress(how, b"no savefile")), Some(text.clone()), "{name}");
            // Nor what is compressed twice.
            let twice = compress(how, &compress(how, &capture(0..3)));
            assert_eq!(open(&twice), Some(text), "{name}");
            let text = "truncated dump file; tried to read 4 file header bytes, only got 0";
            assert_eq!(open(&compress(how, b"")), Some(text.to_owned()), "{name}");
            let text = "truncated dump file; tried to read 24 file header bytes, only got 6";
            assert_eq!(open(&compress(how, &capture(0..3)[..10])), Some(text.to_owned()), "{name}");
        }
        // A stream is its owner's if it is not opened.
        let path = file(dir, "file", &compress(&["gzip", "-c"], b"no savefile"));
        let stream = stdio::open(&path);
        assert!(library.fopen(stream).is_err());
        stdio::seek(stream, 0);
        assert_eq!(stdio::read(stream, 2), [0x1f, 0x8b]);
        stdio::close(stream);
    });
}

/// Reads what may be cut or spoilt: the packets are those that were written, as far as they go, and an error says
/// what is wrong. How many packets there were, and what was said.
fn reads(library: Library, path: &Path, name: &str) -> (usize, Option<String>) {
    let pcap = match library.open(path) {
        Ok(pcap) => pcap,
        Err(error) => {
            assert!(!error.contains("internal error"), "{name}: {error}");
            return (0, Some(error));
        }
    };
    let mut seen = 0;
    let rc = loop {
        match pcap.next() {
            Ok(_) => seen += 1,
            Err(rc) => break rc,
        }
    };
    let error = (rc == ERROR).then(|| pcap.error());
    if let Some(error) = &error {
        assert!(!error.contains("internal error"), "{name}: {error}");
        // It is told once.
        assert_eq!(pcap.next(), Err(END), "{name}");
    } else {
        assert_eq!(rc, END);
    }
    pcap.close();
    (seen, error)
}

#[test]
fn cut_short() {
    ours(|library, dir| {
        let bytes = capture(0..900);
        for (name, how) in FORMATS {
            let packed = compress(how, &bytes);
            let text = format!("error reading dump file: truncated {name} data");
            for part in 0..40 {
                // Close to both ends, and all over.
                let cuts = [5 + part, packed.len() - 1 - part, 5 + (packed.len() - 10) * part / 40];
                for cut in cuts {
                    let path = file(dir, "file", &packed[..cut]);
                    let (_, error) = reads(library, &path, name);
                    assert_eq!(error.as_ref(), Some(&text), "{name} cut at {cut}");
                }
            }
            // All but the last bytes of it give all of the packets.
            let path = file(dir, "file", &packed[..packed.len() - 1]);
            assert_eq!(reads(library, &path, name).0, 900, "{name}");
        }
        // Packets are not lost that come before the end: blocks of at most 128 KiB.
        let packed = compress(&["zstd", "-qc"], &capture(0..3000));
        let (seen, _) = reads(library, &file(dir, "file", &packed[..packed.len() - 9]), "zstd");
        assert!(offset(3000) - offset(seen) < 140_000, "{seen} packets");
    });
}

#[test]
fn spoilt() {
    ours(|library, dir| {
        let bytes = capture(0..900);
        for (name, how) in FORMATS {
            let packed = compress(how, &bytes);
            let mut told = 0;
            for n in 0..400 {
                let mut bytes = packed.clone();
                let at = 4 + n * (bytes.len() - 4) / 400;
                bytes[at] ^= 1 << (n % 8);
                let (seen, error) = reads(library, &file(dir, "file", &bytes), name);
                assert!(seen <= 900 || error.is_some(), "{name}: {seen} packets and no error");
                if let Some(error) = error {
                    let ours = ["bad", "truncated"].map(|how| {
                        error.starts_with(&format!("error reading dump file: {how} {name} data"))
                    });
                    told += usize::from(ours.contains(&true));
                }
            }
            // Bits that nobody looks at are few, and what says no sense as a savefile comes first sometimes.
            assert!(told > 200, "{name}: {told} of 400 were told");
            // Something else behind.
            let path = file(dir, "file", &[&packed[..], b"and more"].concat());
            let text = format!("error reading dump file: bad {name} data: something else follows");
            assert_eq!(reads(library, &path, name), (900, Some(text)));
        }
    });
}

#[test]
fn of_windows_that_are_too_large() {
    ours(|library, dir| {
        for (name, how) in [
            ("zstd", &["zstd", "-qc", "--long=27"][..]),
            ("zstd", &["zstd", "-qc", "--ultra", "-22"]),
            ("xz", &["xz", "-c9", "--lzma2=dict=1GiB"]),
        ] {
            let path = file(dir, "file", &compress(how, &capture(0..3)));
            let text = format!(
                "error reading dump file: {name} data that needs a window of more than 32 MiB, the maximum"
            );
            assert_eq!(library.open(path).err(), Some(text), "{how:?}");
        }
    });
}
