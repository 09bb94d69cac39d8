//! Savefiles that are written, by ours and by the distribution's library with the same calls: the same bytes, the same
//! errors, each goes on with what the other began, and other programs read it.

#![allow(unsafe_code, reason = "calls C libraries")]

mod support;

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_uchar, c_void};
use std::fs;
use std::path::Path;
use std::process::Command;
use support::library::{installed, scratch};
use support::loaded::{Header, Loaded, Pcap as Handle, functions, text};
use support::netns;
use support::random::Random;

type Packet = (Header, Vec<u8>);

functions! {
    /// What is called of a library.
    struct Pcap {
        open_dead c"pcap_open_dead_with_tstamp_precision": fn(c_int, c_int, u32) -> Handle;
        open_offline c"pcap_open_offline_with_tstamp_precision":
            fn(*const c_char, u32, *mut c_char) -> Handle;
        next_ex c"pcap_next_ex": fn(Handle, *mut *const Header, *mut *const c_uchar) -> c_int;
        dump_open c"pcap_dump_open": fn(Handle, *const c_char) -> *mut c_void;
        append c"pcap_dump_open_append": fn(Handle, *const c_char) -> *mut c_void;
        dump c"pcap_dump": fn(*mut c_void, *const Header, *const c_uchar);
        ftell c"pcap_dump_ftell": fn(*mut c_void) -> c_long;
        flush c"pcap_dump_flush": fn(*mut c_void) -> c_int;
        dump_close c"pcap_dump_close": fn(*mut c_void);
        geterr c"pcap_geterr": fn(Handle) -> *const c_char;
        close c"pcap_close": fn(Handle);
    }
}

impl Pcap {
    /// Opens a file for packets of a kind, has them written, and tells where that ended, or what was wrong.
    fn write(
        &self,
        kind: Kind,
        file: &Path,
        append: bool,
        packets: &[Packet],
    ) -> Result<c_long, String> {
        let name = CString::new(file.as_os_str().as_encoded_bytes()).expect("a path");
        // SAFETY: an open handle, C strings, and packets that are as long as their headers say.
        unsafe {
            let p = (self.open_dead)(kind.datalink, kind.snaplen, kind.precision);
            let open = if append { self.append } else { self.dump_open };
            let d = open(p, name.as_ptr());
            if d.is_null() {
                let error = text((self.geterr)(p)).expect("an error");
                (self.close)(p);
                return Err(error);
            }
            for (header, data) in packets {
                (self.dump)(d, header, data.as_ptr());
            }
            assert_eq!((self.flush)(d), 0);
            let end = (self.ftell)(d);
            (self.dump_close)(d);
            (self.close)(p);
            Ok(end)
        }
    }

    /// The packets of a file.
    fn read(&self, file: &Path, precision: u32) -> Vec<Packet> {
        let name = CString::new(file.as_os_str().as_encoded_bytes()).expect("a path");
        let mut packets = Vec::new();
        let mut errbuf = [0; 256];
        // SAFETY: a C string and room for an error; what is lent is looked at before the next call.
        unsafe {
            let p = (self.open_offline)(name.as_ptr(), precision, errbuf.as_mut_ptr());
            assert!(!p.is_null(), "{}: {:?}", file.display(), CStr::from_ptr(errbuf.as_ptr()));
            let (mut header, mut data) = (std::ptr::null(), std::ptr::null());
            loop {
                match (self.next_ex)(p, &raw mut header, &raw mut data) {
                    1 => {
                        let bytes = std::slice::from_raw_parts(data, (*header).caplen as usize);
                        packets.push((*header, bytes.to_vec()));
                    }
                    -2 => break,
                    other => panic!("{other}: {:?}", CStr::from_ptr((self.geterr)(p))),
                }
            }
            (self.close)(p);
        }
        packets
    }
}

#[derive(Clone, Copy, Debug)]
struct Kind {
    datalink: c_int,
    snaplen: c_int,
    precision: u32,
}

const USUAL: Kind = Kind { datalink: 1, snaplen: 262_144, precision: 0 };

/// Ours, and the distribution's if there is one.
fn both(test: &str) -> Option<(Pcap, Pcap)> {
    let Some(theirs) = Loaded::theirs() else {
        netns::skip(&format!("{test}: the distribution's libpcap is not installed"));
        return None;
    };
    Some((Pcap::of(Loaded::ours())?, Pcap::of(theirs)?))
}

/// Packets of all sizes, with whatever in their headers.
fn packets(random: &mut Random, count: usize) -> Vec<Packet> {
    let mut packet = |n: usize| {
        let caplen = match n % 8 {
            0 => 0,
            1..6 => random.below(200),
            6 => random.below(9000),
            _ => 20_000 + random.below(100_000),
        };
        let data = vec![random.byte(); caplen as usize];
        let ts = libc::timeval {
            tv_sec: i64::from(random.next()) << random.below(3),
            tv_usec: random.next().into(),
        };
        (Header { ts, caplen, len: random.next() }, data)
    };
    (0..count).map(&mut packet).collect()
}

#[test]
fn the_same_calls_write_the_same_bytes() {
    let Some((ours, theirs)) = both("the_same_calls_write_the_same_bytes") else { return };
    let dir = scratch("dump-same");
    let file = dir.join("file");
    let mut random = Random::new(1);
    let mut compare = |kind: Kind, count| {
        let packets = packets(&mut random, count);
        let [a, b] = [&ours, &theirs].map(|pcap| {
            let _ = fs::remove_file(&file);
            let end = pcap.write(kind, &file, false, &packets);
            (end, fs::read(&file).unwrap_or_default())
        });
        assert_eq!(a.0, b.0, "{kind:?}");
        assert!(a.1 == b.1, "{kind:?}: other bytes");
    };
    // 32 and numbers above are newer than the distribution's library.
    for datalink in (0..=289).filter(|dlt| *dlt != 32).chain([-1, 1000, 65_535, 65_536, i32::MAX]) {
        compare(Kind { datalink, ..USUAL }, 1);
    }
    for snaplen in [i32::MIN, -1, 0, 1, 96, 65_535, 262_145, i32::MAX] {
        for precision in [0, 1, 2, u32::MAX] {
            compare(Kind { snaplen, precision, ..USUAL }, 5);
        }
    }
    for _ in 0..20 {
        compare(USUAL, 300);
    }
}

#[test]
fn each_goes_on_with_what_the_other_began() {
    let Some((ours, theirs)) = both("each_goes_on_with_what_the_other_began") else { return };
    let dir = scratch("dump-append");
    let mut random = Random::new(2);
    for precision in [0, 1] {
        let kind = Kind { precision, ..USUAL };
        let parts: Vec<_> = (0..6).map(|_| packets(&mut random, 20)).collect();
        let mut made = Vec::new();
        // Who writes which part: bit by bit.
        for who in 0..64 {
            let file = dir.join("file");
            let _ = fs::remove_file(&file);
            let mut ends = Vec::new();
            for (n, part) in parts.iter().enumerate() {
                let pcap = if who >> n & 1 == 0 { &ours } else { &theirs };
                // The first begins the file one way or the other.
                ends.push(pcap.write(kind, &file, n > 0 || who % 3 == 0, part));
            }
            made.push((ends, fs::read(&file).expect("the file")));
        }
        assert!(made[0].0.iter().all(Result::is_ok), "{:?}", made[0].0);
        assert!(made.iter().all(|other| *other == made[0]), "not the same");
    }
}

#[test]
fn the_same_files_are_refused() {
    let Some((ours, theirs)) = both("the_same_files_are_refused") else { return };
    let file = scratch("dump-refused").join("file");
    let written = ours.write(USUAL, &file, false, &packets(&mut Random::new(3), 2));
    assert!(written.is_ok());
    let whole = fs::read(&file).expect("the file");
    let mut cases: Vec<Vec<u8>> = (0..whole.len().min(60)).map(|n| whole[..n].to_vec()).collect();
    for at in 0..24 {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            cases.push(bytes);
        }
    }
    let magics = [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34, 0xa12b_3c4d, 0xa1b2_34cd, 0x0a0d_0d0a_u32];
    for magic in magics.iter().flat_map(|magic| [*magic, magic.swap_bytes()]) {
        cases.push([&magic.to_ne_bytes(), &whole[4..]].concat());
    }
    let mut refused = 0;
    for bytes in cases {
        for precision in [0, 1] {
            let kind = Kind { precision, ..USUAL };
            let [a, b] = [&ours, &theirs].map(|pcap| {
                fs::write(&file, &bytes).expect("write the file");
                let end = pcap.write(kind, &file, true, &packets(&mut Random::new(4), 1));
                (end, fs::read(&file).expect("the file"))
            });
            assert_eq!(a.0, b.0, "{bytes:x?}");
            assert!(a.1 == b.1, "{bytes:x?}: other bytes");
            if a.0.is_err() {
                assert!(a.1 == bytes, "{bytes:x?} has changed");
                refused += 1;
            }
        }
    }
    assert!(refused > 150, "{refused}");
}

#[test]
fn others_read_it() {
    let Some((ours, theirs)) = both("others_read_it") else { return };
    let dir = scratch("dump-read");
    let mut random = Random::new(5);
    for precision in [0, 1] {
        let file = dir.join("file");
        let mut written = packets(&mut random, 200);
        for (header, data) in &mut written {
            // What makes sense, for programs that look.
            header.ts.tv_sec &= 0x7fff_ffff;
            header.ts.tv_usec %= if precision == 0 { 1_000_000 } else { 1_000_000_000 };
            header.len = data.len() as u32 + header.len % 100;
        }
        let (first, second) = written.split_at(100);
        assert!(ours.write(Kind { precision, ..USUAL }, &file, false, first).is_ok());
        assert!(ours.write(Kind { precision, ..USUAL }, &file, true, second).is_ok());
        for pcap in [&ours, &theirs] {
            let read = pcap.read(&file, precision);
            assert_eq!(read.len(), written.len());
            for ((a, read), (b, data)) in read.iter().zip(&written) {
                let of = |h: &Header| (h.ts.tv_sec, h.ts.tv_usec, h.caplen, h.len);
                assert_eq!(of(a), of(b));
                assert!(read == data, "other data");
            }
        }
        let name = file.to_str().expect("a plain path");
        let unit = format!("--time-stamp-precision={}", ["micro", "nano"][precision as usize]);
        let copy = output("tcpdump", &[&unit, "-r", name, "-w", "-"]);
        assert!(copy == fs::read(&file).expect("the file"), "tcpdump read something else");
        if !installed("capinfos") {
            netns::skip("others_read_it: capinfos is not installed");
            continue;
        }
        let told = String::from_utf8_lossy(&output("capinfos", &["-M", name])).into_owned();
        for fact in
            ["Number of packets:   200", "File encapsulation:  ether", "file hdr: 262144 bytes"]
        {
            assert!(told.contains(fact), "no \"{fact}\" in {told}");
        }
        if !installed("tshark") {
            netns::skip("others_read_it: tshark is not installed");
            continue;
        }
        let fields = ["frame.cap_len", "frame.len"].map(|field| ["-e", field]).concat();
        let args = [&["-n", "-T", "fields"][..], &fields, &["-r", name]].concat();
        let told = String::from_utf8_lossy(&output("tshark", &args)).into_owned();
        let lengths = written.iter().map(|(h, _)| format!("{}\t{}\n", h.caplen, h.len));
        assert_eq!(told, lengths.collect::<String>(), "tshark");
    }
}

/// What a program of the distribution's prints.
fn output(program: &str, args: &[&str]) -> Vec<u8> {
    let run = Command::new(program).args(args).env("PATH", netns::path()).output();
    let run = run.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(run.status.success(), "{program}: {}", String::from_utf8_lossy(&run.stderr));
    run.stdout
}
