//! Fields of OpenBSD's PFLOG header (net/if_pflog.h).

use super::link::Place;
use super::{Lowering, Result};
use crate::filter::ast::Pf;
use crate::filter::ir::{FormId, Width};
use crate::linktype::layout::Payload;

/// The longest name: the field has room for a NUL.
const NAME_LEN: usize = 15;

impl Lowering<'_> {
    /// A field of a PFLOG header.
    pub(super) fn pf(&mut self, field: Pf<'_>) -> Result<FormId> {
        let keyword = match field {
            Pf::Ifname(_) => "ifname",
            Pf::Ruleset(_) => "ruleset",
            Pf::Rulenum(_) => "rnr",
            Pf::Subrulenum(_) => "srnr",
            Pf::Reason(_) => "reason",
            Pf::Action(_) => "action",
        };
        if self.link.layout.payload != Payload::Pflog {
            return Err(format!("'{keyword}' supported only on PFLOG linktype"));
        }
        let (at, width, n) = match field {
            Pf::Ifname(name) => return self.name_is(4, name, "ifname interface"),
            Pf::Ruleset(name) => return self.name_is(20, name, "ruleset"),
            Pf::Rulenum(n) => (36, Width::Word, n),
            Pf::Subrulenum(n) => (40, Width::Word, n),
            Pf::Reason(n) => (3, Width::Byte, n),
            Pf::Action(n) => (2, Width::Byte, n),
        };
        let value = self.load(self.link.header.plus(at), width);
        Ok(self.ir.is(value, n))
    }

    /// Whether the name there begins with `name`.
    // QUIRK: what follows is not looked at, so `ifname em1` is true of em10.
    fn name_is(&mut self, at: u32, name: &str, what: &str) -> Result<FormId> {
        if name.len() > NAME_LEN {
            return Err(format!("{what} names can only be {NAME_LEN} characters"));
        }
        let at = self.link.header.plus(at);
        Ok(self.bytes_are(at, name.as_bytes()))
    }

    /// Whether these bytes are there.
    fn bytes_are(&mut self, mut at: Place, mut bytes: &[u8]) -> FormId {
        let mut parts = Vec::new();
        while !bytes.is_empty() {
            let (n, width, rest) = match *bytes {
                [a, b, c, d, ref rest @ ..] => {
                    (u32::from_be_bytes([a, b, c, d]), Width::Word, rest)
                }
                [a, b, ref rest @ ..] => (u16::from_be_bytes([a, b]).into(), Width::Half, rest),
                [a, ref rest @ ..] => (a.into(), Width::Byte, rest),
                [] => break,
            };
            let value = self.load(at, width);
            parts.push(self.ir.is(value, n));
            at = at.plus(width.bytes());
            bytes = rest;
        }
        self.ir.all(&parts)
    }
}
