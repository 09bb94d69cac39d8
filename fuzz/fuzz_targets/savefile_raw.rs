#![no_main]
//! See `bodies/savefile_raw.rs`.

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::savefile_raw::body(data));
