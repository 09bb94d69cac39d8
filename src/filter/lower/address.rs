//! Link-layer addresses, broadcasts and multicasts.

use super::host::invalid_qualifier;
use super::link::Place;
use super::{Lowering, Result, keyword};
use crate::filter::ast::Proto;
use crate::filter::ir::{FormId, Width};
use crate::filter::pred::{LinkField, Side};
use crate::linktype::layout::Addr;

/// At either end.
pub(super) const EITHER: LinkField = LinkField::Side(Side::SrcOrDst);

const DST: LinkField = LinkField::Side(Side::Dst);

impl Lowering<'_> {
    /// An address of six bytes; `context` is what an error calls it.
    pub(super) fn mac48(
        &mut self,
        addr: &[u8; 6],
        field: LinkField,
        context: &str,
    ) -> Result<FormId> {
        let (src, dst) = match self.link.layout.addr {
            Addr::Mac48 { src, dst } => (src, dst),
            Addr::Wlan => return Ok(self.wlan_addr(addr, field)),
            _ => return self.unsupported(context),
        };
        let LinkField::Side(side) = field else {
            return Err(format!("'{}' is valid for 802.11 syntax only", keyword(field)));
        };
        let header = self.link.header;
        let is = self.both_sides(side, |this, is_src| {
            this.mac48_is(header.plus(if is_src { src } else { dst }), addr)
        });
        Ok(self.if_framed(is))
    }

    /// A name without an address: an error, but not the first.
    pub(super) fn unknown_mac48(&self, name: &str, context: &str) -> Result<FormId> {
        if context == "gateway" {
            self.check_gateway()?;
        }
        match self.link.layout.addr {
            Addr::Mac48 { .. } | Addr::Wlan => Err(format!("unknown Ethernet-like host '{name}'")),
            _ => self.unsupported(context),
        }
    }

    /// An address of one byte.
    pub(super) fn mac8(&mut self, addr: u8, side: Side) -> Result<FormId> {
        let Addr::Mac8 { src, dst, .. } = self.link.layout.addr else {
            return self.unsupported("link host $XX");
        };
        Ok(self.both_sides(side, |this, is_src| {
            this.header_byte_is(if is_src { src } else { dst }, addr)
        }))
    }

    /// `[proto] broadcast`.
    pub(super) fn broadcast(&mut self, proto: Option<Proto>) -> Result<FormId> {
        match proto {
            None | Some(Proto::Link) => match self.link.layout.addr {
                Addr::Mac8 { dst, broadcast, .. } => Ok(self.header_byte_is(dst, broadcast)),
                _ => self.mac48(&[0xff; 6], DST, "broadcast"),
            },
            Some(Proto::Ip) => self.ip_broadcast(),
            Some(other) => Err(invalid_qualifier(other, "broadcast")),
        }
    }

    /// `[proto] multicast`.
    pub(super) fn multicast(&mut self, proto: Option<Proto>) -> Result<FormId> {
        match proto {
            None | Some(Proto::Link) => match self.link.layout.addr {
                Addr::Mac48 { dst, .. } => {
                    let is = self.is_group(self.link.header.plus(dst));
                    Ok(self.if_framed(is))
                }
                Addr::Wlan => Ok(self.wlan_multicast()),
                Addr::Mac8 { dst, multicast: Some(addr), .. } => Ok(self.header_byte_is(dst, addr)),
                _ => self.unsupported("multicast"),
            },
            Some(other) => self.ip_multicast(other),
        }
    }

    /// Whether the address there is this. The end differs most.
    pub(super) fn mac48_is(&mut self, at: Place, addr: &[u8; 6]) -> FormId {
        let [a, b, c, d, e, f] = *addr;
        let low = self.load(at.plus(2), Width::Word);
        let low = self.ir.is(low, u32::from_be_bytes([c, d, e, f]));
        let high = self.load(at, Width::Half);
        let high = self.ir.is(high, u16::from_be_bytes([a, b]).into());
        self.ir.and(low, high)
    }

    /// Whether the address there is one of a group.
    pub(super) fn is_group(&mut self, at: Place) -> FormId {
        let first = self.load(at, Width::Byte);
        self.ir.any_bit(first, 1)
    }

    fn header_byte_is(&mut self, at: u32, value: u8) -> FormId {
        let byte = self.load(self.link.header.plus(at), Width::Byte);
        self.ir.is(byte, value.into())
    }

    /// A test that needs a link-layer header, where there may be none.
    fn if_framed(&mut self, test: FormId) -> FormId {
        match self.link.framed {
            Some(framed) => self.ir.and(framed, test),
            None => test,
        }
    }
}
