//! Ports of TCP, UDP and SCTP, over IPv4 and right behind an IPv6 header.

use super::link::Place;
use super::proto::{IP, IP6};
use super::{Lowering, Result};
use crate::filter::ir::{FormId, Ranges, Width};
use crate::filter::pred::Side;

/// TCP, UDP and SCTP.
const WITH_PORTS: &[u32] = &[6, 17, 132];

impl Lowering<'_> {
    /// Ports of one protocol, or of all that have any.
    pub(super) fn ports(
        &mut self,
        protocol: Option<u8>,
        ports: Ranges<'_>,
        side: Side,
    ) -> Result<FormId> {
        let one = protocol.map(u32::from);
        let protocols = one.as_ref().map_or(WITH_PORTS, std::slice::from_ref);
        let over_ip = self.ports_over_ip(protocols, ports, side)?;
        let over_ip6 = self.ports_over_ip6(protocols, ports, side)?;
        Ok(self.ir.or(over_ip6, over_ip))
    }

    pub(super) fn ports_over_ip(
        &mut self,
        protocols: &[u32],
        ports: Ranges<'_>,
        side: Side,
    ) -> Result<FormId> {
        let link = self.proto(IP)?;
        let protocol = self.ip_protocol_is(protocols);
        let first = self.is_first_fragment();
        let at = self.behind_ip();
        let ports = self.ports_are(at, ports, side);
        Ok(self.ir.all(&[link, protocol, first, ports]))
    }

    pub(super) fn ports_over_ip6(
        &mut self,
        protocols: &[u32],
        ports: Ranges<'_>,
        side: Side,
    ) -> Result<FormId> {
        let link = self.proto(IP6)?;
        let protocol = self.ip6_protocol_is(protocols);
        let at = self.behind_ip6();
        let ports = self.ports_are(at, ports, side);
        Ok(self.ir.all(&[link, protocol, ports]))
    }

    /// Whether an IPv4 packet is whole or a first fragment: then its payload begins with a header.
    pub(super) fn is_first_fragment(&mut self) -> FormId {
        let at = self.network().plus(6);
        let fragment = self.load(at, Width::Half);
        self.ir.masked_is(fragment, 0x1fff, 0)
    }

    fn ports_are(&mut self, at: Place, ports: Ranges<'_>, side: Side) -> FormId {
        self.both_sides(side, |this, is_src| {
            let port = this.load(at.plus(if is_src { 0 } else { 2 }), Width::Half);
            this.ir.test(port, ports)
        })
    }
}
