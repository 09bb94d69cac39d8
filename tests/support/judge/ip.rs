//! The network layer and above: addresses, protocols, ports, tunnels, OSI, DECnet.

use super::super::dlt;
use super::layers::At;
use super::link::{self, on_side};
use super::truth::{Tri, Truth};
use super::{Answer, Judge, Refused};
use pcap::filter::ast::{Proto, Term};
use pcap::filter::pred::{self, IpVersion, LinkField, Match, Net4, Net6, Pred, Side, V4In};

/// IP protocol numbers.
const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;
const HOP_BY_HOP: u32 = 0;
const ROUTING: u32 = 43;
pub const FRAGMENT: u8 = 44;
const AH: u32 = 51;
const NO_NEXT: u32 = 59;
const DESTINATION: u32 = 60;

impl Judge<'_> {
    /// An identifier.
    pub fn identifier(&self, id: &Match) -> Answer {
        match id {
            Match::Hosts { v4, v4_in, v6, side } => self.hosts(v4, *v4_in, v6, *side),
            Match::Gateway { mac, v4, v4_in } => self.gateway(*mac, v4, *v4_in),
            Match::Decnet { addr, side } => {
                Ok(self.carries(link::DECNET)?.and(self.decnet_host(*addr, *side)))
            }
            Match::Mac48 { addr, field, .. } => self.mac48(*addr, *field),
            // An error in any case: of the link type, or of the name.
            Match::UnknownMac48 { .. } => Err(Refused),
            Match::Mac8 { addr, side } => self.mac8(*addr, *side),
            Match::Ports { protocol, low, high, side } => {
                let protocols = protocol.map_or(vec![TCP, UDP, SCTP], |only| vec![only]);
                self.ports(&protocols, *low, *high, *side)
            }
            Match::IpProto { version, protocol } => self.ip_proto(*version, *protocol),
            Match::ProtoChain { version, protocol } => self.proto_chain(*version, *protocol),
            Match::LinkProto(protocol) => self.carries(*protocol),
            Match::IsoProto(protocol) => self.iso(*protocol),
            Match::IsisProto(pdu) => self.isis(&[*pdu]),
        }
    }

    /// A protocol by itself.
    pub fn abbreviation(&self, proto: Proto) -> Answer {
        let ip = |version| self.ip_proto(version, pred::ip_protocol(proto).ok_or(Refused)?);
        match proto {
            Proto::Sctp | Proto::Tcp | Proto::Udp | Proto::Ah | Proto::Esp | Proto::Pim => {
                ip(IpVersion::Both)
            }
            Proto::Icmp | Proto::Igmp | Proto::Igrp | Proto::Vrrp | Proto::Carp => {
                ip(IpVersion::Ip)
            }
            Proto::Icmp6 => ip(IpVersion::Ip6),
            Proto::Iso => self.carries(link::SAP_ISO),
            Proto::Stp => self.carries(link::SAP_STP),
            Proto::Ipx => self.carries(link::SAP_IPX),
            Proto::Netbeui => self.carries(link::SAP_NETBEUI),
            Proto::Esis => self.iso(0x82),
            Proto::Isis => self.iso(0x83),
            Proto::Clnp => self.iso(0x81),
            // Point-to-point hellos (17) are of both levels.
            Proto::L1 => self.isis(&[18, 26, 24, 17, 15]),
            Proto::L2 => self.isis(&[20, 27, 25, 17, 16]),
            Proto::Iih => self.isis(&[15, 16, 17]),
            Proto::Lsp => self.isis(&[18, 20]),
            Proto::Snp => self.isis(&[24, 25, 26, 27]),
            Proto::Csnp => self.isis(&[24, 25]),
            Proto::Psnp => self.isis(&[26, 27]),
            Proto::Link | Proto::Radio => Err(Refused),
            _ => self.carries(ethertype(proto).ok_or(Refused)?),
        }
    }

    /// `[proto] broadcast`.
    pub fn any_broadcast(&self, proto: Option<Proto>) -> Answer {
        match proto {
            None | Some(Proto::Link) => self.broadcast(),
            Some(Proto::Ip) if self.context.netmask != u32::MAX => {
                let host = !self.context.netmask;
                let to = |value| self.word_is(self.layers.network().plus(16), value, host);
                Ok(self.carries(link::IP)?.and(to(0).or(to(host))))
            }
            _ => Err(Refused),
        }
    }

    /// `[proto] multicast`.
    pub fn any_multicast(&self, proto: Option<Proto>) -> Answer {
        let network = self.layers.network();
        match proto {
            None | Some(Proto::Link) => self.multicast(),
            Some(Proto::Ip) => {
                Ok(self.carries(link::IP)?.and(self.byte_is(network.plus(16), 0xe0, 0xf0)))
            }
            Some(Proto::Ip6) => {
                Ok(self.carries(link::IP6)?.and(self.byte_is(network.plus(24), 0xff, 0xff)))
            }
            _ => Err(Refused),
        }
    }

    fn hosts(&self, v4: &[Net4], v4_in: V4In, v6: &[Net6], side: Side) -> Answer {
        let mut answer = Truth::FALSE;
        if !v4.is_empty() {
            answer = answer
                .or(self.hosts4(v4, v4_in, |matched| on_side(side, || matched.0, || matched.1))?);
        }
        if !v6.is_empty() {
            let at = |offset, net: &Net6| {
                let place = self.layers.network().plus(offset);
                self.bytes(place, &net.addr.to_be_bytes(), &net.mask.to_be_bytes())
            };
            let matches = v6.iter().map(|net| on_side(side, || at(8, net), || at(24, net)));
            answer = answer.or(self.carries(link::IP6)?.and(Truth::any(matches)));
        }
        Ok(answer)
    }

    /// Whether any of the IPv4 addresses is in the header of one of the protocols; `of_ends` says what
    /// has to hold of an address at the source and at the destination.
    fn hosts4(
        &self,
        nets: &[Net4],
        v4_in: V4In,
        of_ends: impl Fn((Truth, Truth)) -> Truth,
    ) -> Answer {
        let ip = (link::IP, 12, 16);
        let arp = (link::ARP, 14, 24);
        let rarp = (link::RARP, 14, 24);
        let headers = match v4_in {
            V4In::Any if self.layers.labels > 0 => vec![ip],
            V4In::Any => vec![ip, arp, rarp],
            V4In::Ip => vec![ip],
            V4In::Arp => vec![arp],
            V4In::Rarp => vec![rarp],
        };
        let mut answer = Truth::FALSE;
        for (protocol, src, dst) in headers {
            let at = |offset, net: &Net4| {
                self.word_is(self.layers.network().plus(offset), net.addr, net.mask)
            };
            let matches = nets.iter().map(|net| of_ends((at(src, net), at(dst, net))));
            answer = answer.or(self.carries(protocol)?.and(Truth::any(matches)));
        }
        Ok(answer)
    }

    fn gateway(&self, mac: [u8; 6], v4: &[u32], v4_in: V4In) -> Answer {
        if self.layers.labels > 0 || self.layers.tunnelled {
            return Err(Refused);
        }
        let by_way_of = self.mac48(mac, LinkField::Side(Side::SrcOrDst))?;
        let headers: &[V4In] = match v4_in {
            V4In::Any => &[V4In::Ip, V4In::Arp, V4In::Rarp],
            V4In::Ip => &[V4In::Ip],
            V4In::Arp => &[V4In::Arp],
            V4In::Rarp => &[V4In::Rarp],
        };
        let nets: Vec<Net4> = v4.iter().map(|&addr| Net4 { addr, mask: u32::MAX }).collect();
        let mut elsewhere = Truth::FALSE;
        for &header in headers {
            let protocol = match header {
                V4In::Arp => link::ARP,
                V4In::Rarp => link::RARP,
                _ => link::IP,
            };
            let to_it = self.hosts4(&nets, header, |ends| ends.0.or(ends.1))?;
            elsewhere = elsewhere.or(self.carries(protocol)?.and(to_it.not()));
        }
        Ok(by_way_of.and(elsewhere))
    }

    /// `ip proto` and so on. In IPv6, also behind a fragment header that comes first.
    fn ip_proto(&self, version: IpVersion, protocol: u8) -> Answer {
        let network = self.layers.network();
        let v4 = || Ok(self.carries(link::IP)?.and(self.byte_is(network.plus(9), protocol, 0xff)));
        let v6 = || {
            let next = |protocol| self.byte_is(network.plus(6), protocol, 0xff);
            let fragment = next(FRAGMENT).and(self.byte_is(network.plus(40), protocol, 0xff));
            Ok(self.carries(link::IP6)?.and(next(protocol).or(fragment)))
        };
        match version {
            IpVersion::Ip => v4(),
            IpVersion::Ip6 => v6(),
            IpVersion::Both => Ok(v4()?.or(v6()?)),
        }
    }

    /// Where the header after IPv4's begins.
    pub fn transport4(&self) -> At {
        let network = self.layers.network();
        match (network, self.byte(network).strict) {
            (At::Known(_), Some(first)) => network.plus((first & 0x0f) * 4),
            (At::Known(_), None) => At::Cut,
            (nowhere, _) => nowhere,
        }
    }

    /// Where the header after IPv6's begins; headers of extensions are not passed over.
    pub fn transport6(&self) -> At {
        self.layers.network().plus(40)
    }

    /// IPv4 of one of these protocols, and no later fragment of it.
    pub fn first_fragment4(&self, protocols: &[u8]) -> Answer {
        let network = self.layers.network();
        let any = Truth::any(protocols.iter().map(|&p| self.byte_is(network.plus(9), p, 0xff)));
        Ok(self.carries(link::IP)?.and(any).and(self.half_is(network.plus(6), 0, 0x1fff)))
    }

    /// IPv6 of one of these protocols, without extensions.
    pub fn plain6(&self, protocols: &[u8]) -> Answer {
        let next = self.layers.network().plus(6);
        let any = Truth::any(protocols.iter().map(|&p| self.byte_is(next, p, 0xff)));
        Ok(self.carries(link::IP6)?.and(any))
    }

    fn ports(&self, protocols: &[u8], low: u16, high: u16, side: Side) -> Answer {
        let between = |at| self.half(at).is(|port| (low.into()..=high.into()).contains(&port));
        let of = |at: At| on_side(side, || between(at), || between(at.plus(2)));
        let v6 = self.plain6(protocols)?.and(of(self.transport6()));
        let v4 = self.first_fragment4(protocols)?.and(of(self.transport4()));
        Ok(v6.or(v4))
    }

    /// A protocol anywhere in the chain of headers: those of IPv6's extensions (RFC 8200, 4) and AH
    /// (RFC 4302).
    fn proto_chain(&self, version: IpVersion, protocol: u8) -> Answer {
        if self.layers.variable {
            return Err(Refused);
        }
        let network = self.layers.network();
        let v4 =
            || Ok(self.carries(link::IP)?.and(self.chain(9, self.transport4(), protocol, false)));
        let v6 =
            || Ok(self.carries(link::IP6)?.and(self.chain(6, network.plus(40), protocol, true)));
        match version {
            IpVersion::Ip => v4(),
            IpVersion::Ip6 => v6(),
            IpVersion::Both => Ok(v4()?.or(v6()?)),
        }
    }

    fn chain(&self, first: u32, mut header: At, protocol: u8, extensions: bool) -> Truth {
        let mut next = self.byte(self.layers.network().plus(first));
        loop {
            let Some(now) = next.strict else { return Truth::MISSING };
            if now == protocol.into() {
                return Truth::TRUE;
            }
            let of_ip6 =
                matches!(now, HOP_BY_HOP | ROUTING | DESTINATION) || now == FRAGMENT.into();
            if now == NO_NEXT || !(now == AH || extensions && of_ip6) {
                return Truth::FALSE;
            }
            next = self.byte(header);
            let Some(length) = self.byte(header.plus(1)).strict else { return Truth::MISSING };
            header = header.plus(if now == AH { (length + 2) * 4 } else { (length + 1) * 8 });
        }
    }

    /// OSI network layer protocols, by the identifier that their headers begin with.
    fn iso(&self, id: u8) -> Answer {
        let here = &self.layers;
        if here.dlt == dlt::FRELAY && here.labels == 0 {
            return Ok(self.nlpid(id));
        }
        let osi = self.carries(link::SAP_ISO)?;
        Ok(osi.and(self.byte_is(self.osi_header(), id, 0xff)))
    }

    /// Where an OSI header begins. Cisco puts a byte before it.
    fn osi_header(&self) -> At {
        let here = &self.layers;
        let header = here.nosnap.map_or(At::Nowhere, |nosnap| here.payload.plus(nosnap));
        if matches!(here.dlt, dlt::C_HDLC | dlt::HDLC) { header.plus(1) } else { header }
    }

    /// IS-IS of one of these types (ISO 10589), whose field has five bits.
    fn isis(&self, pdus: &[u8]) -> Answer {
        let isis = self.iso(0x83)?;
        let pdu = self.osi_header().plus(4);
        Ok(isis.and(Truth::any(pdus.iter().map(|&kind| self.byte_is(pdu, kind, 0x1f)))))
    }

    /// DECnet phase IV: data packets with a short or a long header, after one byte of padding or none.
    fn decnet_host(&self, address: u16, side: Side) -> Truth {
        // The first two bytes are a length; numbers are little-endian.
        let message = self.layers.network().plus(2);
        let address = address.to_le_bytes();
        let at = |short: u32, long: u32| {
            let header = |start: At, flags: u8, padding: &[u8], offset: u32| {
                let mut value = padding.to_vec();
                value.push(flags);
                let mut mask = vec![0xff; padding.len()];
                mask.push(7);
                if offset == 1 {
                    // Next to the flags, and looked at together with them: four bytes.
                    value.extend(address);
                    mask.extend([0xff; 2]);
                    value.resize(4, 0);
                    mask.resize(4, 0);
                    return self.bytes(message, &value, &mask);
                }
                self.bytes(message, &value, &mask).and(self.equal(start.plus(offset), &address))
            };
            let padded = message.plus(1);
            header(message, 2, &[], short)
                .or(header(padded, 2, &[0x81], short))
                .or(header(message, 6, &[], long))
                .or(header(padded, 6, &[0x81], long))
        };
        on_side(side, || at(3, 15), || at(1, 7))
    }

    /// UDP to Geneve's port over IPv4, of version 0 and of this network.
    pub fn tunnel4(&self, tunnel: &Pred) -> Answer {
        let to_port = self.half(self.transport4().plus(2)).is(|port| port == tunnel_port(tunnel));
        Ok(self.first_fragment4(&[UDP])?.and(to_port).and(self.tunnel(tunnel, self.transport4())))
    }

    /// ... and over IPv6.
    pub fn tunnel6(&self, tunnel: &Pred) -> Answer {
        let to_port = self.half(self.transport6().plus(2)).is(|port| port == tunnel_port(tunnel));
        Ok(self.plain6(&[UDP])?.and(to_port).and(self.tunnel(tunnel, self.transport6())))
    }

    /// The header in UDP: a version or flags, and the network's number.
    fn tunnel(&self, tunnel: &Pred, udp: At) -> Truth {
        let header = udp.plus(8);
        let (first, network) = match tunnel {
            Term::Geneve(network) => (self.byte_is(header, 0, 0xc0), network),
            Term::Vxlan(network) => (self.byte_is(header, 8, 0xff), network),
            _ => (Truth::FALSE, &None),
        };
        let number = |n: u32| self.word_is(header.plus(4), n << 8, 0xffff_ff00);
        first.and(network.map_or(Truth::TRUE, number))
    }

    /// `geneve`, `vxlan`.
    pub fn tunnelled(&self, tunnel: &Pred) -> Answer {
        let there = self.tunnel4(tunnel)?.or(self.tunnel6(tunnel)?);
        if matches!(tunnel, Term::Vxlan(_)) {
            return Ok(there);
        }
        // What comes after may be worked out at once, and the packet has to be long enough for that.
        let header = match self.tunnel4(tunnel)?.loose {
            Tri::True => self.transport4().plus(8),
            _ => self.transport6().plus(8),
        };
        Ok(Truth { strict: there.and(self.half(header.plus(2)).is(|_| true)).strict, ..there })
    }
}

fn tunnel_port(tunnel: &Pred) -> u32 {
    if matches!(tunnel, Term::Geneve(_)) { 6081 } else { 4789 }
}

/// The Ethertype behind a protocol keyword, if it has one.
pub fn ethertype(proto: Proto) -> Option<u32> {
    Some(match proto {
        Proto::Ip => link::IP,
        Proto::Arp => link::ARP,
        Proto::Rarp => link::RARP,
        Proto::Ip6 => link::IP6,
        Proto::Atalk => link::ATALK,
        Proto::Aarp => link::AARP,
        Proto::Decnet => link::DECNET,
        Proto::Sca => 0x6007,
        Proto::Lat => 0x6004,
        Proto::Mopdl => 0x6001,
        Proto::Moprc => 0x6002,
        _ => return None,
    })
}
