//! Opening that fails, and what is left open and what is not.
#![allow(unsafe_code, reason = "descriptors and limits")]

use crate::api::{both, ours, stdio};
use crate::positions::{as_stdin, pipe_of};
use crate::{capture, file};
use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;

fn is_open(fd: i32) -> bool {
    // SAFETY: asks of any descriptor.
    unsafe { libc::fcntl(fd, libc::F_GETFD) >= 0 }
}

fn open_fds() -> usize {
    fs::read_dir("/proc/self/fd").expect("/proc").count()
}

#[test]
fn what_cannot_be_opened() {
    both(|library, dir, account| {
        let files = [
            ("empty", &b""[..]),
            ("three", b"abc"),
            ("four", b"abcd"),
            ("magic", &capture(0..0)[..4]),
            ("header", &capture(0..0)[..23]),
            ("text", b"#!/bin/sh\nexit 0\n\n\n\n\n\n\n"),
        ];
        for (name, bytes) in files {
            let path = file(dir, name, bytes);
            account.push(format!("{name}: {:?}", library.open(&path).err()));
            let stream = stdio::open(&path);
            account.push(format!("{name}: {:?}", library.fopen(stream).err()));
            // It is the caller's still.
            assert!(is_open(stdio::fd(stream)));
            account.push(format!("{}", stdio::tell(stream)));
            stdio::seek(stream, 0);
            account.push(format!("{:?}", stdio::read(stream, 100)));
            stdio::close(stream);
        }
        account.push(format!("{:?}", library.open(dir).err()));
        account.push(format!("{:?}", library.open(dir.join("missing")).err()));
        account.push(format!("{:?}", library.open("").err()));
        let path = file(dir, "forbidden", &capture(0..1));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("chmod");
        // SAFETY: always works.
        if unsafe { libc::geteuid() } == 0 {
            // SAFETY: of this process alone, which ends with the test.
            assert_eq!(unsafe { libc::seteuid(65_534) }, 0);
        }
        account.push(format!("{:?}", library.open(&path).err()));
        // SAFETY: back to who it was.
        unsafe { libc::seteuid(0) };
    });
}

#[test]
fn streams_are_closed_but_standard_input() {
    both(|library, dir, account| {
        let path = file(dir, "file", &capture(0..3));
        let stream = stdio::open(&path);
        let fd = stdio::fd(stream);
        let pcap = library.fopen(stream).expect("open");
        account.push(format!("{}", pcap.fds() == (-1, fd)));
        assert!(is_open(fd));
        pcap.close();
        account.push(format!("{}", is_open(fd)));
        // That which pcap_file() gave is, too.
        let pcap = library.open(&path).expect("open");
        assert!(pcap.next().is_ok());
        let fd = stdio::fd(pcap.stream());
        pcap.close();
        account.push(format!("{}", is_open(fd)));
        for by_name in [true, false] {
            as_stdin(&File::open(&path).expect("open"));
            stdio::seek(stdio::standard_input(), 0);
            let opened =
                if by_name { library.open("-") } else { library.fopen(stdio::standard_input()) };
            let pcap = opened.expect("open");
            account.push(format!("{:?} {:?}", pcap.fds(), pcap.next()));
            pcap.close();
            account.push(format!("{}", is_open(0)));
            account.push(format!("{}", stdio::tell(stdio::standard_input())));
        }
    });
}

#[test]
fn descriptors_do_not_leak() {
    ours(|library, dir| {
        let good = file(dir, "good", &capture(0..3));
        let bad = file(dir, "bad", b"no savefile at all, but long enough");
        let cut = file(dir, "cut", &capture(0..3)[..20]);
        let fifo = pipe_of(capture(0..1000), 1000);
        as_stdin(&fifo);
        let before = open_fds();
        for _ in 0..1000 {
            let pcap = library.open(&good).expect("open");
            assert!(pcap.next().is_ok());
            pcap.close();
            let pcap = library.open(&good).expect("open");
            assert!(pcap.next().is_ok());
            assert!(!pcap.stream().is_null());
            pcap.close();
            assert!(library.open(&bad).is_err());
            assert!(library.open(&cut).is_err());
            assert!(library.open(dir).is_err());
            // Once good, then an end within what is no file any more.
            if let Ok(pcap) = library.open("-") {
                assert!(pcap.run(3, |_| {}) <= 0);
                pcap.close();
            }
        }
        // The pipe's writer may be done.
        assert!(open_fds() <= before);
    });
}

#[test]
fn no_descriptor_left() {
    ours(|library, dir| {
        let path = file(dir, "file", &capture(0..3));
        as_stdin(&pipe_of(capture(0..3), 1000));
        let spare = File::open("/dev/null").expect("open");
        let limit = libc::rlimit { rlim_cur: spare.as_raw_fd() as u64, rlim_max: 4096 };
        drop(spare);
        // SAFETY: a limit of this process, which ends with the test.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
        let text = format!("{}: Too many open files", path.display());
        assert_eq!(library.open(&path).err(), Some(text));
        // A stream that is there already needs none.
        let pcap = library.open("-").expect("open");
        assert_eq!(pcap.all(), ((0..3).collect(), -2));
        pcap.close();
        let limit = libc::rlimit { rlim_cur: limit.rlim_cur + 1, ..limit };
        // SAFETY: as above.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
        let pcap = library.open(&path).expect("one is enough for a file");
        assert_eq!(pcap.all(), ((0..3).collect(), -2));
        pcap.close();
    });
}
