//! Savefiles in the pcapng format.

use super::input::Input;
use super::sink::Sink;
use super::{About, Next};
use crate::error::{Error, Result};

/// The first word of a file.
pub const MAGIC: [u8; 4] = 0x0a0d_0d0a_u32.to_be_bytes();

/// What is needed to read the blocks of a file.
#[derive(Debug)]
pub struct Reader {}

impl Reader {
    /// Reads blocks up to the first interface's description, and takes them off `input`.
    pub fn open(_input: &mut Input, _nano: bool) -> Result<(Self, About)> {
        Err(Error::new("unknown file format"))
    }

    /// What libpcap's buffer would have room for.
    pub fn buffer_size(&self) -> u32 {
        0
    }

    /// Reads the packets that are in `window`, whose first `fixed` bytes have been through here before. Other
    /// blocks are read only while there are no packets.
    pub fn read(
        &mut self,
        _window: &mut [u8],
        _fixed: usize,
        _sink: &mut Sink<'_>,
    ) -> Result<Next> {
        Ok(Next::More(8))
    }

    /// What is wrong with a file that ends with `window`, where a block is not whole.
    pub fn truncated(&self, _window: &[u8]) -> Error {
        Error::new("truncated pcapng dump file")
    }
}
