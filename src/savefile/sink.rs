//! Where a reader puts the packets that it finds: the slots of a batch, behind the filter.

use crate::bpf::Program;
use crate::handle::batch::{BATCH, Lent, PacketHeader};
use std::cell::Cell;

/// Where each packet's record ends, to go back to.
pub type Ends = [usize; BATCH];

/// Room for some packets of one window of a savefile.
pub struct Sink<'s> {
    slots: &'s [Cell<Lent>],
    ends: &'s mut Ends,
    filter: Option<&'s Program>,
    /// Packets that were taken.
    taken: usize,
    /// Most packets to take.
    limit: usize,
    /// Bytes of the window that have been read.
    used: usize,
    /// Bytes before the first record that may be read again: what was read there is known for good.
    base: usize,
}

impl<'s> Sink<'s> {
    /// Room for up to `limit` packets that `filter` accepts.
    pub fn new(
        slots: &'s [Cell<Lent>],
        ends: &'s mut Ends,
        filter: Option<&'s Program>,
        limit: usize,
    ) -> Self {
        Self { slots, ends, filter, taken: 0, limit, used: 0, base: 0 }
    }

    /// A packet, whose record ends at `end` in the window; false if there is room for no more.
    #[inline(always)]
    pub fn packet(&mut self, header: PacketHeader, data: &[u8], end: usize) -> bool {
        self.used = end;
        if let Some(filter) = self.filter
            && filter.run(data, header.len, None) == 0
        {
            return true;
        }
        if let (Some(slot), Some(to)) = (self.slots.get(self.taken), self.ends.get_mut(self.taken))
        {
            slot.set(Lent { header, data: data.as_ptr() });
            *to = end;
            self.taken += 1;
        }
        self.taken < self.limit
    }

    /// Something else than a packet, which ends at `end`. To be read only while there are no packets.
    pub fn other(&mut self, end: usize) {
        (self.used, self.base) = (end, end);
    }

    /// How many packets were taken.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// How many bytes of the window were read.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Where in the window reading may begin anew.
    pub fn base(&self) -> usize {
        self.base
    }
}
