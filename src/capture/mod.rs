//! Live capture on Linux packet sockets.

pub mod arphrd;
pub mod cooked;
