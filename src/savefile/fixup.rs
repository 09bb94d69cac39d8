//! Headers in front of packets that were captured in the byte order of the machine that captured them.

use crate::handle::batch::PacketHeader;

/// What is to be done to every packet of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixup {}

impl Fixup {
    /// What packets of a link type need, in a file of the other byte order if `swapped`.
    pub fn of(_datalink: i32, _swapped: bool) -> Option<Self> {
        None
    }

    /// Brings a packet into this machine's byte order, unless `done` already, and corrects its header.
    pub fn apply(self, _packet: &mut [u8], _header: &mut PacketHeader, _done: bool) {
        match self {}
    }
}
