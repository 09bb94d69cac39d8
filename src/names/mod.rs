//! Names and the numbers they stand for.

pub mod tstamp;
