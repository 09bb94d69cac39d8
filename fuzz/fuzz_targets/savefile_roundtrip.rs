#![no_main]
//! See `bodies/savefile_roundtrip.rs`.

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::savefile_roundtrip::body(data));
