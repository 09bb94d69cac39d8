//! Where a reader puts the packets that it finds: the slots of a batch, behind the filter.

use crate::bpf::Program;
use crate::handle::batch::{Lent, PacketHeader};
use std::cell::Cell;

/// Room for some packets of one window of a savefile.
pub struct Sink<'s> {
    slots: &'s [Cell<Lent>],
    /// Where each packet's record ends, to go back to: as many as slots.
    ends: &'s mut [usize],
    filter: Option<&'s Program>,
    /// Packets that were taken.
    taken: usize,
    /// Bytes of the window that have been read.
    used: usize,
    /// Bytes before the first record that may be read again: what was read there is known for good.
    base: usize,
}

impl<'s> Sink<'s> {
    /// Room for up to `limit` packets that `filter` accepts.
    pub fn new(
        slots: &'s [Cell<Lent>],
        ends: &'s mut [usize],
        filter: Option<&'s Program>,
        limit: usize,
    ) -> Self {
        let slots = slots.get(..limit).unwrap_or(slots);
        Self { slots, ends, filter, taken: 0, used: 0, base: 0 }
    }

    /// Lets `read` have a sink that nobody else knows, so that its state can be in registers.
    #[inline(always)]
    pub fn locally<R>(&mut self, read: impl FnOnce(&mut Sink<'_>) -> R) -> R {
        let limit = self.slots.len().min(self.ends.len());
        let (slots, _) = self.slots.split_at_checked(limit).unwrap_or_default();
        let (ends, _) = self.ends.split_at_mut_checked(limit).unwrap_or_default();
        let mut local = Sink { slots, ends, ..*self };
        let result = read(&mut local);
        let Sink { taken, used, base, .. } = local;
        (self.taken, self.used, self.base) = (taken, used, base);
        result
    }

    /// Whether there is room for a packet.
    #[inline(always)]
    pub fn has_room(&self) -> bool {
        self.taken < self.slots.len()
    }

    /// What packets are to be asked about before they are put here.
    #[inline(always)]
    pub fn filter(&self) -> Option<&'s Program> {
        self.filter
    }

    /// A packet that is accepted, whose record ends at `end` in the window.
    #[inline(always)]
    pub fn packet(&mut self, header: PacketHeader, data: &[u8], end: usize) {
        self.used = end;
        if let (Some(slot), Some(to)) = (self.slots.get(self.taken), self.ends.get_mut(self.taken))
        {
            slot.set(Lent { header, data: data.as_ptr() });
            *to = end;
            self.taken += 1;
        }
    }

    /// A packet that is not accepted, whose record ends at `end` in the window.
    #[inline(always)]
    pub fn rejected(&mut self, end: usize) {
        self.used = end;
    }

    /// Something else than a packet, which ends at `end`. To be read only while there are no packets.
    #[inline(always)]
    pub fn other(&mut self, end: usize) {
        (self.used, self.base) = (end, end);
    }

    /// How many packets were taken.
    #[inline(always)]
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
