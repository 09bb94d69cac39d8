//! What the fuzz targets do with an input. Ordinary tests include this, too, and replay
//! `regressions/` (tests/fuzz_regressions.rs).
//!
//! A new target is three files of its name: `bodies/<target>.rs` with `pub fn body(data: &[u8])`, which
//! panics on what must not be; `fuzz_targets/<target>.rs`, which calls it; and inputs that once failed,
//! or show the way, in `regressions/<target>/`. Then it gets a `[[bin]]` in Cargo.toml and a line in
//! [`TARGETS`]. Words that its inputs are made of may stand in `dictionaries/<target>`.

pub mod bpf_program;
pub mod classic;
pub mod filter_packet;
pub mod filter_text;
pub mod kernel;
pub mod memory;
pub mod names;
pub mod offline;
pub mod reference;
pub mod savefile_compressed;
pub mod savefile_raw;
pub mod savefile_roundtrip;
pub mod savefile_structured;
pub mod support;

/// What is done with one input.
pub type Body = fn(&[u8]);

/// Every target: its name and its body.
#[allow(dead_code, reason = "a fuzz target knows its body by name")]
pub const TARGETS: &[(&str, Body)] = &[
    ("bpf_program", bpf_program::body),
    ("filter_packet", filter_packet::body),
    ("filter_text", filter_text::body),
    ("savefile_compressed", savefile_compressed::body),
    ("savefile_raw", savefile_raw::body),
    ("savefile_roundtrip", savefile_roundtrip::body),
    ("savefile_structured", savefile_structured::body),
];
