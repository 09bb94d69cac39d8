//! The C ABI: the only place with exported functions and the caller's raw pointers. One file per group of
//! man pages. The rules are in CONTRIBUTING.md, "The C boundary".
//!
//! An exported function converts its arguments, makes one call, and converts the result.
#![allow(unsafe_code, reason = "C's pointers come in here, and nowhere else")]

pub mod boundary;
pub mod buffers;
pub mod cmem;
pub mod config;
pub mod devices;
pub mod dump;
pub mod filter;
pub mod handle;
pub mod linux;
pub mod names;
pub mod often;
pub mod open;
pub mod raw_program;
pub mod read;
pub mod remote;
pub mod savefile;
pub mod send;
pub mod text;
pub mod types;
