//! The filter compiler: the text of pcap-filter(7) to a program of [`crate::bpf`].
//!
//! ```text
//! text -> lex -> parse -> ast -> resolve -> pred -> lower -> formula -> graph -> optimise -> emit
//! ```
#![forbid(unsafe_code)]

pub mod ast;
