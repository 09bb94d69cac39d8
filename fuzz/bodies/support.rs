//! What the ordinary tests make expressions, packets and files with, and judge them by.

#[path = "../../tests/support/catalogue.rs"]
pub mod catalogue;
#[path = "../../tests/support/cpu.rs"]
pub mod cpu;
#[path = "../../tests/support/dlt.rs"]
pub mod dlt;
#[path = "../../tests/support/expressions.rs"]
pub mod expressions;
#[path = "../../tests/support/judge/mod.rs"]
pub mod judge;
#[path = "../../tests/support/offline.rs"]
pub mod offline;
#[path = "../../tests/support/packets/mod.rs"]
pub mod packets;
#[path = "../../tests/support/random.rs"]
pub mod random;
#[path = "../../tests/support/tree.rs"]
pub mod tree;
