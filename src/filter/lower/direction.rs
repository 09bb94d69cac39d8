//! Which way a packet goes and which interface it is of: from its header, or from what the kernel knows of it.

use super::{Lowering, Result};
use crate::bpf::insn::{SKF_AD_IFINDEX, SKF_AD_PKTTYPE};
use crate::filter::Source;
use crate::filter::ir::{FormId, Width};
use crate::linktype::layout::Direction;

/// `PACKET_OUTGOING` of linux/if_packet.h.
const OUTGOING: u32 = 4;

impl Lowering<'_> {
    /// `inbound` and `outbound`.
    pub(super) fn direction(&mut self, keyword: &str, out: bool) -> Result<FormId> {
        let (value, (mask, wanted), negated) = match self.link.layout.direction {
            Direction::Kernel => {
                self.check_live(keyword)?;
                let kind = self.ir.ancillary(SKF_AD_PKTTYPE, Width::Half);
                (kind, (u32::MAX, OUTGOING), !out)
            }
            Direction::Field { at, size, inbound, outbound } => {
                let field = self.load(self.link.header.plus(at), width(size));
                match inbound {
                    Some(inbound) if !out => (field, inbound, false),
                    _ => (field, outbound, !out),
                }
            }
        };
        let is = self.ir.masked_is(value, mask, wanted);
        Ok(if negated { self.ir.not(is) } else { is })
    }

    /// `ifindex n`.
    pub(super) fn ifindex(&mut self, n: u32) -> Result<FormId> {
        let index = match self.link.layout.ifindex {
            Some(at) => self.load(self.link.header.plus(at), Width::Word),
            None => {
                self.check_live("ifindex")?;
                self.ir.ancillary(SKF_AD_IFINDEX, Width::Word)
            }
        };
        Ok(self.ir.is(index, n))
    }

    /// Refuses what only the kernel knows.
    fn check_live(&self, keyword: &str) -> Result<()> {
        match self.context.source {
            Source::Live { .. } => Ok(()),
            Source::Dead | Source::Savefile { .. } => Err(format!(
                "not a live capture, '{keyword}' not supported on {}",
                self.link_name()
            )),
        }
    }
}

/// The width of a field of this many bytes.
const fn width(size: u32) -> Width {
    match size {
        1 => Width::Byte,
        2 => Width::Half,
        _ => Width::Word,
    }
}
