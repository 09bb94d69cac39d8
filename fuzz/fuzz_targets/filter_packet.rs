#![no_main]
//! See `bodies/filter_packet.rs`.

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::filter_packet::body(data));
