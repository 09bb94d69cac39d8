#![no_main]
//! See `bodies/bpf_program.rs`.

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::bpf_program::body(data));
