//! What the fuzz targets do with an input. Ordinary tests include this, too, and replay
//! `regressions/` (tests/fuzz_regressions.rs).
//!
//! A new target is three files of its name: `bodies/<target>.rs` with `pub fn body(data: &[u8])`, which
//! panics on what must not be; `fuzz_targets/<target>.rs`, which calls it; and inputs that once failed,
//! or show the way, in `regressions/<target>/`. Then it gets a `[[bin]]` in Cargo.toml and a line in
//! [`TARGETS`].

pub mod bpf_program;
pub mod kernel;
pub mod reference;

/// What is done with one input.
pub type Body = fn(&[u8]);

/// Every target: its name and its body.
#[allow(dead_code, reason = "a fuzz target knows its body by name")]
pub const TARGETS: &[(&str, Body)] = &[("bpf_program", bpf_program::body)];
