//! libpcap in Rust: the packet capture library's C ABI, on Linux.
//!
//! C programs load this as `libpcap.so`; the exported functions live in [`mod@ffi`]. ARCHITECTURE.md
//! is the map of the rest.

#[cfg(not(target_os = "linux"))]
compile_error!("libpcap-rs captures with Linux packet sockets and builds on Linux only");

#[cfg(panic = "abort")]
compile_error!(
    "build with panic = \"unwind\": a panic must become PCAP_ERROR, not end the program"
);

pub mod bpf;
pub mod capture;
pub mod device;
pub mod error;
pub mod ffi;
pub mod filter;
pub mod handle;
pub mod inline;
pub mod linktype;
pub mod names;
pub mod savefile;
pub mod sys;
