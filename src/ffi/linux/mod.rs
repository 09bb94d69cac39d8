//! The functions of `pcap/linux.h`, which are ours and not libpcap's. cbindgen writes that header from the files of
//! this folder: what it is to declare stands here, one file a part of pcap-linux(3PCAP), and nothing else does.
//! The first line of what is said of an item is its comment in the header.
//!
//! `PCAP_WRITE_ROWS=1 cargo test --test abi linux_header` writes it.
#![allow(non_camel_case_types, reason = "C's own names")]

pub mod batch;
pub mod facts;
pub mod fanout;
pub mod membership;
pub mod options;
pub mod send;
