//! The optimiser: fewer tests, on formulas and on the graph. Each pass keeps what every packet's verdict is, but for
//! packets that are too short for a test that does not matter to them.

mod known;
mod measure;
pub mod share;
pub mod simplify;
pub mod store;
pub mod thread;

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
