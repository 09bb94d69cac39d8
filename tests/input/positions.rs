//! Where the caller's stream is, and what comes of moving it.

use crate::api::{Pcap, both, ours, stdio};
use crate::{capture, file, offset, record};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Makes `file` standard input.
#[allow(unsafe_code, reason = "dup2(2)")]
pub fn as_stdin(file: &impl std::os::fd::AsRawFd) {
    // SAFETY: an open descriptor.
    assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), 0) }, 0);
    // What the stream knows of the last one's end is none of this one's.
    // SAFETY: an open stream.
    unsafe { libc::clearerr(crate::api::stdio::standard_input()) };
}

/// A pipe that gets `bytes` from a thread, `step` at a time.
pub fn pipe_of(bytes: Vec<u8>, step: usize) -> std::io::PipeReader {
    let (reader, mut writer) = std::io::pipe().expect("pipe(2)");
    std::thread::spawn(move || {
        for some in bytes.chunks(step) {
            if writer.write_all(some).is_err() {
                break;
            }
        }
    });
    reader
}

fn tell_all(pcap: Pcap, account: &mut Vec<String>) {
    loop {
        let read = pcap.next().map(|(n, data)| (n, data.len()));
        account.push(format!("{read:?} at {}", stdio::tell(pcap.stream())));
        if read.is_err() {
            return;
        }
    }
}

#[test]
fn after_every_packet() {
    both(|library, dir, account| {
        let bytes = capture(0..100);
        let path = file(dir, "file", &bytes);
        let pcap = library.fopen(stdio::open(&path)).expect("open");
        account.push(stdio::tell(pcap.stream()).to_string());
        tell_all(pcap, account);
        // Again by name, where the stream is asked for after every packet, and ends within a record.
        let path = file(dir, "cut", &bytes[..offset(100) - 5]);
        let pcap = library.open(&path).expect("open");
        account.push(stdio::tell(pcap.stream()).to_string());
        tell_all(pcap, account);
        account.push(pcap.error());
    });
}

#[test]
fn moved_between_reads() {
    both(|library, dir, account| {
        let path = file(dir, "file", &capture(0..3000));
        let pcap = library.open(&path).expect("open");
        for _ in 0..130 {
            account.push(format!("{:?}", pcap.next()));
        }
        let stream = pcap.stream();
        account.push(stdio::tell(stream).to_string());
        account.push(format!("{:?}", pcap.next()));
        for to in [2999, 0, 1500, 131, 7] {
            stdio::seek(stream, offset(to));
            assert_eq!(pcap.stream(), stream);
            for _ in 0..5 {
                account.push(format!("{:?} {}", pcap.next(), stdio::tell(stream)));
            }
        }
        // A record that the caller reads is one that pcap_next() does not see.
        let taken = stdio::read(stream, record(12).len());
        assert_eq!(taken, record(12));
        account.push(format!("{:?}", pcap.next()));
        // As tcpslice does: where there is no record, what comes makes no sense, and then sense again.
        stdio::seek(stream, offset(20) + 3);
        account.push(format!("{:?} {}", pcap.next(), pcap.error()));
        stdio::seek(stream, offset(2990));
        account.push(format!("{:?}", pcap.all()));
        stdio::seek(stream, offset(2995));
        account.push(format!("{:?}", pcap.all()));
        pcap.close();
    });
}

#[test]
fn moved_in_the_callback() {
    both(|library, dir, account| {
        let path = file(dir, "file", &capture(0..500));
        let pcap = library.open(&path).expect("open");
        let mut asked = false;
        let rc = pcap.run(100, |n| {
            account.push(n.to_string());
            if n == 5 && !asked {
                asked = true;
                account.push(stdio::tell(pcap.stream()).to_string());
                stdio::seek(pcap.stream(), offset(450));
            } else if n == 460 {
                stdio::seek(pcap.stream(), offset(2));
            }
        });
        account.push(format!("{rc} at {}", stdio::tell(pcap.stream())));
        account.push(format!("{:?}", pcap.all()));
    });
}

#[test]
fn read_beside_on_a_pipe() {
    both(|library, _, account| {
        as_stdin(&pipe_of(capture(0..200), 1 << 20));
        let pcap = library.open("-").expect("open");
        for _ in 0..10 {
            account.push(format!("{:?}", pcap.next()));
        }
        let stream = pcap.stream();
        assert_eq!(stream, stdio::standard_input());
        let taken = stdio::read(stream, record(10).len());
        assert_eq!(taken, record(10));
        account.push(format!("{:?}", pcap.all()));
        account.push(format!("{:?}", stdio::read(stream, 10)));
    });
}

#[test]
fn standard_input_file_and_pipe() {
    both(|library, dir, account| {
        let bytes = capture(0..300);
        let path = file(dir, "file", &bytes);
        as_stdin(&File::open(path).expect("open"));
        let pcap = library.open("-").expect("open");
        account.push(format!("{:?} {:?}", pcap.fds(), pcap.all()));
        pcap.close();
        account.push(stdio::tell(stdio::standard_input()).to_string());
    });
}

#[test]
fn standard_input_read_before() {
    both(|library, _, account| {
        let bytes = [b"before\n", &capture(0..300)[..]].concat();
        as_stdin(&pipe_of(bytes, 5000));
        account.push(format!("{:?}", stdio::read(stdio::standard_input(), 7)));
        let pcap = library.open("-").expect("open");
        account.push(format!("{:?}", pcap.all()));
    });
}

/// Several captures one after another, each read by a handle of its own as far as its packets go.
fn several(library: crate::api::Library, account: &mut Vec<String>) {
    for n in [3, 200, 1] {
        let pcap = library.open("-").expect("open");
        let mut seen = Vec::new();
        let rc = pcap.run(n, |packet| seen.push(packet));
        account.push(format!("{rc} {seen:?}"));
        pcap.close();
    }
    account.push(format!("{:?}", stdio::read(stdio::standard_input(), 10)));
}

fn three() -> Vec<u8> {
    [capture(0..3), capture(5..205), capture(7..8), b"after".to_vec()].concat()
}

#[test]
fn several_captures_on_standard_input_from_a_file() {
    both(|library, dir, account| {
        as_stdin(&File::open(file(dir, "file", &three())).expect("open"));
        several(library, account);
    });
}

#[test]
fn several_captures_on_standard_input_from_a_pipe() {
    both(|library, _, account| {
        as_stdin(&pipe_of(three(), 1 << 20));
        several(library, account);
    });
}

/// A descriptor that the program left in mid-file.
#[test]
fn standard_input_from_the_middle() {
    both(|library, dir, account| {
        let path = file(dir, "file", &[b"xyz", &capture(0..9)[..]].concat());
        let mut from = File::open(path).expect("open");
        std::io::Read::read_exact(&mut from, &mut [0; 3]).expect("read");
        as_stdin(&from);
        let pcap = library.open("-").expect("open");
        account.push(format!("{:?}", pcap.next()));
        account.push(format!("{}", stdio::tell(pcap.stream())));
        account.push(format!("{:?}", pcap.all()));
    });
}

/// tcpslice takes the stream, seeks about in it by guess, and reads on with pcap_next().
#[test]
fn tcpslice() {
    if !crate::support::library::installed("tcpslice") {
        panic!("tcpslice is not installed");
    }
    ours(|_, dir| {
        let bytes = capture(1_000_000_000..1_000_004_000);
        let path = file(dir, "file", &bytes);
        let library = std::env::var_os("LIBPCAP_RS_INPUT_LIBRARY").expect("set");
        let links = dir.join("lib");
        std::fs::create_dir(&links).expect("make a directory");
        std::os::unix::fs::symlink(Path::new(&library), links.join("libpcap.so.0.8"))
            .expect("link");
        let run = |args: &[&str], library: bool| {
            let mut command = Command::new("tcpslice");
            command.args(args).arg(&path).current_dir(dir).env("TZ", "UTC");
            if library {
                command.env("LD_LIBRARY_PATH", &links);
            }
            let out = command.output().expect("run tcpslice");
            assert!(out.status.success(), "{out:?}");
            (out.stdout, out.stderr)
        };
        for args in [
            &["-R"][..],
            &["-w", "-", "+1000", "+20"],
            &["-w", "-", "+1", "+3"],
            &["-w", "-", "+3000", "+900"],
        ] {
            let (theirs, ours) = (run(args, false), run(args, true));
            assert!(theirs == ours, "{args:?}: {} and {} bytes", theirs.0.len(), ours.0.len());
            assert!(theirs.0.len() > 24, "{args:?} gave nothing");
        }
    });
}

/// A record that makes no sense is told of once. What is behind it is nobody's, but on a stream of the caller's.
#[test]
fn behind_a_record_that_makes_no_sense() {
    ours(|library, dir| {
        let mut bad = record(1);
        bad[8..12].copy_from_slice(&u32::MAX.to_ne_bytes());
        let bytes = [capture(0..1), bad[..16].to_vec(), record(2)].concat();
        let path = file(dir, "file", &bytes);
        let pcap = library.open(&path).expect("open");
        assert!(pcap.next().is_ok());
        assert_eq!(pcap.next(), Err(-1));
        assert!(pcap.error().contains("invalid packet capture length"), "{}", pcap.error());
        assert_eq!([pcap.next(), pcap.next()], [Err(-2), Err(-2)]);
        let stream = stdio::open(&path);
        let pcap = library.fopen(stream).expect("open");
        assert!(pcap.next().is_ok());
        assert_eq!(pcap.next(), Err(-1));
        assert_eq!(pcap.next(), Ok((2, crate::packet(2))));
        assert_eq!(pcap.next(), Err(-2));
    });
}
