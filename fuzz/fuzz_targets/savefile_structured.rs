#![no_main]
//! See `bodies/savefile_structured.rs`.

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::savefile_structured::body(data));
