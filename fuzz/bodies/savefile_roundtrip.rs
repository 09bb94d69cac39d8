//! What is written is what is read: by pcap_dump(), all at once or appended to in several goes.
//!
//! The input is a byte for how, one for after how many packets the file is closed and appended to, a link type and a
//! snapshot length, and the packets.

#![allow(unsafe_code, reason = "writes by the C API")]

use super::offline::{Packet, Told, Way, check, hash, named, read};
use super::savefile_structured::Plan;
use pcap::ffi::dump::{
    pcap_dump, pcap_dump_close, pcap_dump_flush, pcap_dump_ftell64, pcap_dump_open,
    pcap_dump_open_append,
};
use pcap::ffi::handle::pcap_t;
use pcap::ffi::open::{pcap_close, pcap_open_dead_with_tstamp_precision};
use pcap::ffi::types::{pcap_dumper_t, pcap_pkthdr};
use pcap::linktype;
use std::ffi::{CStr, CString};

pub fn body(data: &[u8]) {
    let mut plan = Plan(data);
    let (how, every) = (plan.byte(), usize::from(plan.byte()) + 1);
    let dlt = plan.pick(&[1, 113, 101, 12, 147, 231, 304, 9999]) as i32;
    let snaplen = plan.pick(&[262_144, 65535, 100, 0, 0x7fff_ffff, 0x8000_0000]) as i32;
    let nano = how & 1 != 0;
    let (file, name) = named(&[]);
    let name = CString::new(name.into_encoded_bytes()).expect("a name");
    // SAFETY: any numbers will do.
    let handle = unsafe { pcap_open_dead_with_tstamp_precision(dlt, snaplen, nano.into()) };
    assert!(!handle.is_null());
    let Some(mut dumper) = opened(handle, &name, false) else {
        assert!(linktype::dlt_to_linktype(dlt).is_none(), "cannot write {dlt}");
        // SAFETY: open until here.
        return unsafe { pcap_close(handle) };
    };
    let mut written = Vec::new();
    let mut size = 24;
    while !plan.0.is_empty() && size < 1 << 20 {
        let record = plan.record();
        let header = pcap_pkthdr {
            ts: libc::timeval { tv_sec: record.stamp.0.into(), tv_usec: record.stamp.1.into() },
            caplen: record.data.len() as u32,
            len: record.len,
        };
        // SAFETY: an open dumper, a header, and as many bytes as it says.
        unsafe { pcap_dump(dumper.cast(), &raw const header, record.data.as_ptr()) };
        size += 16 + record.data.len() as i64;
        written.push(Packet {
            stamp: (header.ts.tv_sec, header.ts.tv_usec),
            caplen: header.caplen,
            len: header.len,
            hash: hash(&record.data),
        });
        // SAFETY: an open dumper.
        unsafe {
            assert_eq!(pcap_dump_ftell64(dumper), size);
            if how & 2 != 0 {
                assert_eq!(pcap_dump_flush(dumper), 0);
            }
        }
        if written.len().is_multiple_of(every) {
            // SAFETY: open until here.
            unsafe { pcap_dump_close(dumper) };
            dumper = opened(handle, &name, true).expect("to append");
            // SAFETY: an open dumper.
            assert_eq!(unsafe { pcap_dump_ftell64(dumper) }, size);
        }
    }
    // SAFETY: open until here.
    unsafe {
        pcap_dump_close(dumper);
        pcap_close(handle);
    }
    let bytes = std::fs::read(name.to_str().expect("digits")).expect("the file");
    drop(file);
    compare(&bytes, nano, &written);
}

fn opened(handle: *mut pcap_t, name: &CStr, append: bool) -> Option<*mut pcap_dumper_t> {
    // SAFETY: an open handle and a C string.
    let dumper = unsafe {
        if append {
            pcap_dump_open_append(handle, name.as_ptr())
        } else {
            pcap_dump_open(handle, name.as_ptr())
        }
    };
    (!dumper.is_null()).then_some(dumper)
}

/// Reads it back; packets come as far as they are sane.
fn compare(bytes: &[u8], nano: bool, written: &[Packet]) {
    let told = check(bytes, nano.into(), Way::StreamAfter(written.len() / 2));
    let Told { about, packets, error } = told.expect("what was written can be opened");
    let largest = linktype::max_snaplen(about.datalink);
    let sane = written.iter().take_while(|packet| packet.caplen <= largest).count();
    assert_eq!(error.is_some(), sane < written.len(), "{error:?}");
    assert_eq!(packets.len(), sane);
    for (read, written) in packets.iter().zip(written) {
        assert_eq!((read.stamp, read.len), (written.stamp, written.len));
        if written.caplen > about.snapshot.cast_unsigned() {
            assert_eq!(read.caplen, about.snapshot.cast_unsigned());
        } else if about.datalink != 220 {
            assert_eq!(read, written);
        }
    }
    let other = read(bytes, (!nano).into(), Way::File).expect("the other precision");
    assert_eq!(other.packets.len(), packets.len());
}
