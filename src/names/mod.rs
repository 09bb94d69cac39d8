//! Names and the numbers they stand for: tables, addresses written as text, and look-ups in the system's
//! databases.

pub mod address;
pub mod ethers;
pub mod ports;
pub mod protocols;
pub mod resolver;
pub mod tstamp;
