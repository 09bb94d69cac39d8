//! The structures and names of the C headers, laid out as they are there.
#![allow(non_camel_case_types, reason = "C's own names")]
#![allow(missing_docs, reason = "the headers and the man pages describe them")]

use crate::bpf::Insn;
use crate::handle::batch::PacketHeader;
use std::ffi::{c_char, c_int, c_uchar, c_uint, c_ushort};

/// Bytes of an error buffer.
pub const PCAP_ERRBUF_SIZE: usize = 256;
pub const PCAP_ERROR: c_int = -1;
pub const PCAP_ERROR_BREAK: c_int = -2;
pub const PCAP_ERROR_NOT_ACTIVATED: c_int = -3;

pub type bpf_u_int32 = u32;
pub type pcap_pkthdr = PacketHeader;
pub type bpf_insn = Insn;
pub type FILE = libc::FILE;
/// An enumeration whose values are not negative, hence unsigned.
pub type pcap_direction_t = c_uint;

/// What a read calls for each packet.
pub type pcap_handler =
    Option<unsafe extern "C-unwind" fn(*mut c_uchar, *const pcap_pkthdr, *const c_uchar)>;

#[repr(C)]
pub struct bpf_program {
    pub bf_len: c_uint,
    pub bf_insns: *mut bpf_insn,
}

#[repr(C)]
pub struct pcap_stat {
    pub ps_recv: c_uint,
    pub ps_drop: c_uint,
    pub ps_ifdrop: c_uint,
}

#[repr(C)]
pub struct pcap_addr {
    pub next: *mut Self,
    pub addr: *mut libc::sockaddr,
    pub netmask: *mut libc::sockaddr,
    pub broadaddr: *mut libc::sockaddr,
    pub dstaddr: *mut libc::sockaddr,
}

#[repr(C)]
pub struct pcap_if {
    pub next: *mut Self,
    pub name: *mut c_char,
    pub description: *mut c_char,
    pub addresses: *mut pcap_addr,
    pub flags: bpf_u_int32,
}

pub type pcap_if_t = pcap_if;

/// A `FILE` underneath: programs cast it.
#[repr(C)]
pub struct pcap_dumper {
    _opaque: [u8; 0],
}

pub type pcap_dumper_t = pcap_dumper;

#[repr(C)]
pub struct pcap_etherent {
    pub addr: [c_uchar; 6],
    pub name: [c_char; 122],
}

#[repr(C)]
pub struct eproto {
    pub s: *const c_char,
    pub p: c_ushort,
}

#[repr(C)]
pub struct pcap_rmtauth {
    pub type_: c_int,
    pub username: *mut c_char,
    pub password: *mut c_char,
}

#[repr(C)]
pub struct pcap_samp {
    pub method: c_int,
    pub value: c_int,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<pcap_pkthdr>() == 24);
    assert!(size_of::<bpf_insn>() == 8);
    assert!(size_of::<bpf_program>() == 16);
    assert!(size_of::<pcap_stat>() == 12);
    assert!(size_of::<pcap_addr>() == 40);
    assert!(size_of::<pcap_if>() == 40);
    assert!(size_of::<pcap_etherent>() == 128);
    assert!(size_of::<eproto>() == 16);
    assert!(size_of::<pcap_rmtauth>() == 24);
};
