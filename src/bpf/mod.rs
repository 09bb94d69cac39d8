//! The classic BPF machine: instructions, validation, running, printing.
//!
//! It knows nothing of filter expressions or of sockets. The instruction set is that of
//! `pcap/bpf.h`; Linux's extensions (loads at [`insn::SKF_AD_OFF`] and below) follow the kernel's
//! `net/core/filter.c` and `Documentation/networking/filter.rst`.
#![forbid(unsafe_code)]

pub mod image;
pub mod insn;
pub mod run;
pub mod validate;

#[cfg(test)]
mod tests;

pub use image::{dump, image};
pub use insn::Insn;
pub use run::{Meta, filter};
pub use validate::validate;

/// A program that [`validate()`] accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(Box<[Insn]>);

impl Program {
    /// Copies `insns`, or gives `None` where `bpf_validate` would refuse them.
    #[must_use]
    pub fn new(insns: &[Insn]) -> Option<Self> {
        validate(insns).then(|| Self(insns.into()))
    }

    /// The instructions, as they were given.
    #[must_use]
    pub fn insns(&self) -> &[Insn] {
        &self.0
    }

    /// How many bytes of `packet` to keep; 0 rejects it. `wire_len` is the packet's length before
    /// any cutting. With `meta`, the program means what it means to the kernel; without, what it
    /// means to `bpf_filter` (see [`filter`]).
    #[must_use]
    pub fn run(&self, packet: &[u8], wire_len: u32, meta: Option<&Meta>) -> u32 {
        filter(|pc| self.0.get(pc as usize).copied(), packet, wire_len, meta)
    }
}
