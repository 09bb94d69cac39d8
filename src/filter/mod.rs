//! The filter compiler: the text of pcap-filter(7) to a program of [`crate::bpf`].
//!
//! ```text
//! text -> lex -> parse -> ast -> resolve -> pred -> lower -> formula -> graph -> optimise -> emit
//! ```
#![forbid(unsafe_code)]

pub mod ast;
pub mod code;
pub mod compile;
pub mod emit;
pub mod error;
pub mod graph;
pub mod ir;
mod join;
pub mod lex;
pub mod lower;
pub mod optimise;
pub mod parse;
pub mod pred;
pub mod print;
pub mod resolve;
pub mod token;
pub mod words;

/// What the meaning of an expression depends on besides its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The link type, a `DLT_*`.
    pub dlt: i32,
    /// The IPv4 netmask for `ip broadcast`, in host byte order; all ones if it is not known.
    pub netmask: u32,
    /// Where the packets come from.
    pub source: Source,
}

/// Where packets come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nowhere: pcap_open_dead().
    Dead,
    /// A savefile, written on a machine of the other byte order if `swapped`.
    Savefile {
        /// Whether its numbers are in the other byte order.
        swapped: bool,
    },
    /// The kernel, which evaluates `SKF_AD_OFF` loads, or we do from what it told of a packet.
    Live {
        /// Whether it tells of VLAN tags that it took out of the packet (`SO_BPF_EXTENSIONS`).
        vlan: bool,
    },
}
