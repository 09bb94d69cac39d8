//! What the live tests share: private network namespaces, traffic, and tcpdump runs side by side.

#![allow(dead_code, reason = "every test program uses its own part of this")]

pub mod cases;
pub mod catalogue;
pub mod corpus;
pub mod cpu;
pub mod distribution;
pub mod dlt;
pub mod expressions;
pub mod frames;
pub mod judge;
pub mod kernel;
pub mod known;
pub mod library;
pub mod loaded;
pub mod netns;
pub mod offline;
pub mod packets;
pub mod programs;
pub mod random;
pub mod readers;
pub mod savefile;
pub mod tcpdump;
pub mod traffic;
pub mod transcripts;
pub mod tree;
