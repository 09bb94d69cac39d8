//! Savefiles, as pcap-savefile(5) describes them: so far, writing them.

pub mod writer;
