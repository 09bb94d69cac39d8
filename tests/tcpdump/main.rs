//! The distribution's tcpdump, unmodified, on our library: it must print, write, say and return
//! what it does on the distribution's library, of the same traffic at the same time.
//!
//! `--immediate-mode` comes with a large buffer here: libpcap makes each slot of that ring as large
//! as the snapshot length, so that its default buffer holds 8 packets (31 on Ethernet) and the
//! comparison would be one of losses.
//!
//! Filter expressions are in `filters.rs`; the programs that they become are tested elsewhere.

#[path = "../support/mod.rs"]
mod support;

mod capture;
mod errors;
mod fanout;
mod files;
mod filters;
mod interface;
mod links;
mod list;
mod offline;
mod signals;
mod wanted;
