//! The classic BPF machine: instructions, validation, running, printing.
//!
//! It knows nothing of filter expressions or of sockets. The instruction set is that of
//! `pcap/bpf.h`; Linux's extensions (loads at [`insn::SKF_AD_OFF`] and below) follow the kernel's
//! `net/core/filter.c` and `Documentation/networking/filter.rst`.

pub mod image;
pub mod insn;
pub mod kernel;
pub mod machine;
pub mod native;
pub mod packet;
pub mod program;
pub mod validate;

#[cfg(test)]
mod tests;

pub use image::{dump, image};
pub use insn::Insn;
pub use kernel::kernel_accepts;
pub use packet::Meta;
pub use program::Program;
pub use validate::validate;
