//! Which protocol a link layer carries: one strategy a kind of link layer, and protocols over IP.
//!
//! A number above 1500 is an Ethertype, others are LLC service access points; each strategy says them in its own way.

use super::link::Place;
use super::{Lowering, Result, check};
use crate::filter::Source;
use crate::filter::ir::{FormId, Set, Width};
use crate::filter::pred::IpVersion;
use crate::linktype::layout::ProtoTest;

pub(super) const IP: u32 = 0x0800;
pub(super) const ARP: u32 = 0x0806;
pub(super) const RARP: u32 = 0x8035;
pub(super) const IP6: u32 = 0x86dd;
pub(super) const DECNET: u32 = 0x6003;
pub(super) const ATALK: u32 = 0x809b;
pub(super) const AARP: u32 = 0x80f3;
const IPX: u32 = 0x8137;
const NS: u32 = 0x0600;

pub(super) const SAP_IP: u32 = 0x06;
pub(super) const SAP_STP: u32 = 0x42;
pub(super) const SAP_IPX: u32 = 0xe0;
pub(super) const SAP_NETBEUI: u32 = 0xf0;
pub(super) const SAP_ISO: u32 = 0xfe;

/// The highest number that is a length in an Ethernet header.
pub(super) const LONGEST: u32 = 1500;

/// `AF_INET`, everywhere.
const AF_INET: u32 = 2;
/// `AF_INET6` here.
const AF_INET6: u32 = 10;
/// `AF_INET6` of the BSDs, FreeBSD and Darwin.
const AF_INET6_ELSEWHERE: [u32; 3] = [24, 28, 30];

impl Lowering<'_> {
    /// Whether the link layer says that it carries `number`.
    pub(super) fn proto(&mut self, number: u32) -> Result<FormId> {
        if self.link.labels > 0 {
            return self.proto_over_mpls(number);
        }
        match self.link.layout.proto {
            ProtoTest::Unsupported => {
                Err(format!("link-layer type filtering not implemented for {}", self.link_name()))
            }
            ProtoTest::Ethertype => {
                check("EtherType", number, 0xffff)?;
                Ok(self.linktype_is(number))
            }
            ProtoTest::Ethernet => {
                let is = self.ethernet_proto(number)?;
                Ok(match self.link.typed {
                    Some(typed) => self.ir.and(typed, is),
                    None => is,
                })
            }
            ProtoTest::Sll => self.sll_proto(number),
            ProtoTest::Llc => self.llc_proto(number),
            ProtoTest::Wlan => {
                let (data, is) = (self.is_data(), self.llc_proto(number)?);
                Ok(self.ir.and(data, is))
            }
            ProtoTest::SunAtm => {
                let (llc, is) = (self.atm_kind(super::atm::LLC), self.llc_proto(number)?);
                Ok(self.ir.and(llc, is))
            }
            ProtoTest::Hdlc => {
                check("HDLC protocol", number, 0xffff)?;
                Ok(self.linktype_is(if number == SAP_ISO { 0xfefe } else { number }))
            }
            ProtoTest::Ppp => self.ppp_proto(number),
            // Compressed and uncompressed TCP of Van Jacobson's are IP.
            ProtoTest::PppBsdos if number == IP => {
                let linktype = self.load(self.link.linktype, Width::Half);
                Ok(self.ir.test(linktype, points([0x21, 0x2d, 0x2f])))
            }
            ProtoTest::PppBsdos => self.ppp_proto(number),
            ProtoTest::Always(the_one) => Ok(self.known(number == the_one)),
            ProtoTest::Juniper => {
                let first = self.load(self.link.header, Width::Word);
                Ok(self.ir.masked_is(first, 0xffff_ff00, 0x4d47_4300))
            }
            ProtoTest::IpVersion => Ok(match ip_version(number) {
                Some(version) => self.version_is(self.link.header, version),
                None => self.ir.falsity(),
            }),
            ProtoTest::HostFamily | ProtoTest::BigFamily | ProtoTest::PflogFamily => {
                Ok(self.family(number))
            }
            ProtoTest::Ipnet | ProtoTest::Arcnet | ProtoTest::FrameRelay => {
                Ok(self.coded_proto(number))
            }
        }
    }

    /// Link layers with codes of their own, a byte each.
    fn coded_proto(&mut self, number: u32) -> FormId {
        match self.link.layout.proto {
            ProtoTest::Ipnet => self.linktype_byte(match number {
                IP => Some(2),
                IP6 => Some(26),
                _ => None,
            }),
            ProtoTest::Arcnet => self.linktype_byte(match number {
                IP => Some(212),
                ARP => Some(213),
                RARP => Some(214),
                IP6 => Some(0xc4),
                ATALK => Some(221),
                _ => None,
            }),
            _ => self.frame_relay_nlpid(match number {
                IP => &[0xcc],
                IP6 => &[0x8e],
                SAP_ISO => &[0x81, 0x82, 0x83],
                _ => &[],
            }),
        }
    }

    /// What is behind the last MPLS label only its first four bits tell.
    fn proto_over_mpls(&mut self, number: u32) -> Result<FormId> {
        let version = ip_version(number).ok_or("unsupported protocol over mpls")?;
        let is_last = self.is_last_label();
        let network = self.network();
        let is = self.version_is(network, version);
        Ok(self.ir.and(is_last, is))
    }

    fn ethernet_proto(&mut self, number: u32) -> Result<FormId> {
        match number {
            SAP_ISO | SAP_IP | SAP_NETBEUI => {
                let (has_llc, is) = (self.is_length(), self.saps_are(number));
                Ok(self.ir.and(has_llc, is))
            }
            SAP_IPX => {
                // An Ethertype; else behind LLC, behind nothing at all (Novell's own), or behind SNAP. What needs
                // most of the packet comes last.
                let is_type = self.linktype_is(IPX);
                let has_llc = self.is_length();
                let is_llc = self.dsap_is(SAP_IPX);
                let first = self.load(self.link.payload, Width::Half);
                let is_novell = self.ir.is(first, 0xffff);
                let snap = self.snap_is(0, IPX);
                let in_llc = self.ir.any(&[is_llc, is_novell, snap]);
                let in_llc = self.ir.and(has_llc, in_llc);
                Ok(self.ir.or(is_type, in_llc))
            }
            ATALK | AARP => {
                let is_type = self.linktype_is(number);
                let (has_llc, snap) = (self.is_length(), self.appletalk_snap_is(number));
                let in_llc = self.ir.and(has_llc, snap);
                Ok(self.ir.or(is_type, in_llc))
            }
            ..=LONGEST => {
                check("LLC DSAP", number, 0xff)?;
                let (has_llc, is) = (self.is_length(), self.dsap_is(number));
                Ok(self.ir.and(has_llc, is))
            }
            _ => {
                check("EtherType", number, 0xffff)?;
                Ok(self.linktype_is(number))
            }
        }
    }

    fn sll_proto(&mut self, number: u32) -> Result<FormId> {
        /// `ETH_P_802_3` and `ETH_P_802_2` of linux/if_ether.h.
        const NOVELL: u32 = 1;
        const LLC: u32 = 4;
        if number > LONGEST {
            check("EtherType", number, 0xffff)?;
        }
        let in_llc = match number {
            SAP_ISO | SAP_IP | SAP_NETBEUI => self.saps_are(number),
            SAP_IPX => {
                let (is_llc, snap) = (self.dsap_is(SAP_IPX), self.snap_is(0, IPX));
                self.ir.or(is_llc, snap)
            }
            ATALK | AARP => self.appletalk_snap_is(number),
            ..=LONGEST => {
                check("LLC DSAP", number, 0xff)?;
                self.dsap_is(number)
            }
            _ => return Ok(self.linktype_is(number)),
        };
        let has_llc = self.linktype_is(LLC);
        let in_llc = self.ir.and(has_llc, in_llc);
        let is_type = match number {
            SAP_IPX => {
                let linktype = self.load(self.link.linktype, Width::Half);
                self.ir.test(linktype, points([IPX, NOVELL]))
            }
            ATALK | AARP => self.linktype_is(number),
            _ => self.ir.falsity(),
        };
        Ok(self.ir.or(is_type, in_llc))
    }

    fn llc_proto(&mut self, number: u32) -> Result<FormId> {
        match number {
            SAP_ISO | SAP_IP | SAP_NETBEUI => Ok(self.saps_are(number)),
            // An LLC header without SNAP; AARP's organisation is not looked at.
            ATALK => Ok(self.appletalk_snap_is(ATALK)),
            ..=LONGEST => {
                check("LLC DSAP", number, 0xff)?;
                Ok(self.dsap_is(number))
            }
            _ => {
                check("EtherType", number, 0xffff)?;
                let ethertype = self.load(self.link.payload.plus(6), Width::Half);
                Ok(self.ir.is(ethertype, number))
            }
        }
    }

    fn ppp_proto(&mut self, number: u32) -> Result<FormId> {
        let number = match number {
            IP => 0x21,
            IP6 => 0x57,
            DECNET => 0x27,
            ATALK => 0x29,
            NS => 0x25,
            SAP_ISO => 0x23,
            SAP_STP => 0x31,
            SAP_IPX => 0x2b,
            _ => number,
        };
        check("PPP protocol", number, 0xffff)?;
        Ok(self.linktype_is(number))
    }

    /// Address families, which differ from system to system. A savefile may be from any of them.
    fn family(&mut self, number: u32) -> FormId {
        let saved = matches!(self.context.source, Source::Savefile { .. });
        let families = match number {
            IP => &[AF_INET][..],
            IP6 if saved => &AF_INET6_ELSEWHERE,
            IP6 => &[AF_INET6],
            _ => return self.ir.falsity(),
        };
        let families = families.iter().copied();
        let header = self.link.header;
        let (family, set) = match self.link.layout.proto {
            ProtoTest::PflogFamily => (self.load(header.plus(1), Width::Byte), points(families)),
            ProtoTest::BigFamily => (self.load(header, Width::Word), points(families)),
            // In the order of whoever wrote it: the kernel's is ours.
            _ if saved => {
                let either = families.flat_map(|family| [family, family.swap_bytes()]);
                (self.load(header, Width::Word), points(either))
            }
            _ => (self.load(header, Width::Word), points(families.map(u32::to_be))),
        };
        self.ir.test(family, set)
    }

    /// Whether the protocol field is `number`.
    fn linktype_is(&mut self, number: u32) -> FormId {
        let linktype = self.load(self.link.linktype, Width::Half);
        self.ir.is(linktype, number)
    }

    /// Whether it, a byte, is this code; never, if there is none.
    fn linktype_byte(&mut self, code: Option<u32>) -> FormId {
        let Some(code) = code else { return self.ir.falsity() };
        let linktype = self.load(self.link.linktype, Width::Byte);
        self.ir.is(linktype, code)
    }

    /// Whether it is a length: then an LLC header follows.
    pub(super) fn is_length(&mut self) -> FormId {
        let linktype = self.load(self.link.linktype, Width::Half);
        self.ir.in_range(linktype, 0, LONGEST)
    }

    /// Whether both service access points are this one.
    fn saps_are(&mut self, sap: u32) -> FormId {
        let saps = self.load(self.link.payload, Width::Half);
        self.ir.is(saps, sap << 8 | sap)
    }

    fn dsap_is(&mut self, sap: u32) -> FormId {
        let dsap = self.load(self.link.payload, Width::Byte);
        self.ir.is(dsap, sap)
    }

    /// Whether LLC and SNAP headers say so.
    fn snap_is(&mut self, organisation: u32, ethertype: u32) -> FormId {
        let low = self.load(self.link.payload.plus(4), Width::Word);
        let low = self.ir.is(low, (organisation & 0xffff) << 16 | ethertype);
        let high = self.load(self.link.payload, Width::Word);
        let high = self.ir.is(high, 0xaaaa_0300 | organisation >> 16);
        self.ir.and(low, high)
    }

    fn appletalk_snap_is(&mut self, number: u32) -> FormId {
        let organisation = if number == ATALK { 0x08_0007 } else { 0 };
        self.snap_is(organisation, number)
    }

    /// Whether a Frame Relay header of two bytes and unnumbered information, with one of these NLPIDs, is there.
    pub(super) fn frame_relay_nlpid(&mut self, any: &[u32]) -> FormId {
        if any.is_empty() {
            return self.ir.falsity();
        }
        let nlpid = self.load(self.link.header.plus(2), Width::Half);
        self.ir.test(nlpid, points(any.iter().map(|nlpid| 0x0300 | nlpid)))
    }

    fn version_is(&mut self, at: Place, version: u32) -> FormId {
        let first = self.load(at, Width::Byte);
        self.ir.masked_is(first, 0xf0, version << 4)
    }

    pub(super) fn known(&mut self, holds: bool) -> FormId {
        if holds { self.ir.truth() } else { self.ir.falsity() }
    }

    /// A protocol over IP.
    pub(super) fn ip_proto(&mut self, version: IpVersion, protocol: u8) -> Result<FormId> {
        match version {
            IpVersion::Ip => {
                let (link, is) = (self.proto(IP)?, self.ip_protocol_is(&[protocol.into()]));
                Ok(self.ir.and(link, is))
            }
            IpVersion::Ip6 => {
                let link = self.proto(IP6)?;
                let is = self.ip6_protocol_is(&[protocol.into()]);
                // Right behind a fragment header, too.
                let fragmented = self.ip6_protocol_is(&[44]);
                let at = self.behind_ip6();
                let next = self.load(at, Width::Byte);
                let next_is = self.ir.is(next, protocol.into());
                let in_fragment = self.ir.and(fragmented, next_is);
                let is = self.ir.or(is, in_fragment);
                Ok(self.ir.and(link, is))
            }
            IpVersion::Both => {
                let ip = self.ip_proto(IpVersion::Ip, protocol)?;
                let ip6 = self.ip_proto(IpVersion::Ip6, protocol)?;
                Ok(self.ir.or(ip, ip6))
            }
        }
    }

    /// A protocol anywhere in a chain of headers.
    pub(super) fn proto_chain(&mut self, version: IpVersion, protocol: u8) -> Result<FormId> {
        if version == IpVersion::Both {
            let ip = self.proto_chain(IpVersion::Ip, protocol)?;
            let ip6 = self.proto_chain(IpVersion::Ip6, protocol)?;
            return Ok(self.ir.or(ip, ip6));
        }
        if self.link.in_tunnel || !self.is_fixed(self.link.payload) {
            return Err("'protochain' not supported with variable length headers".to_owned());
        }
        let ip6 = version == IpVersion::Ip6;
        let link = self.proto(if ip6 { IP6 } else { IP })?;
        let network = self.network();
        let last = match network.base {
            Some(nowhere) => nowhere,
            None => self.ir.chain(network.k, ip6, protocol),
        };
        let is = self.ir.is(last, protocol.into());
        Ok(self.ir.and(link, is))
    }

    /// Whether IPv4's protocol field is any of these.
    pub(super) fn ip_protocol_is(&mut self, any: &[u32]) -> FormId {
        self.network_byte_is(9, any)
    }

    /// Whether IPv6's next header field is any of these.
    pub(super) fn ip6_protocol_is(&mut self, any: &[u32]) -> FormId {
        self.network_byte_is(6, any)
    }

    fn network_byte_is(&mut self, at: u32, any: &[u32]) -> FormId {
        let at = self.network().plus(at);
        let byte = self.load(at, Width::Byte);
        match *any {
            [one] => self.ir.is(byte, one),
            _ => self.ir.test(byte, points(any.iter().copied())),
        }
    }
}

/// Which IP version an Ethertype is.
const fn ip_version(number: u32) -> Option<u32> {
    match number {
        IP => Some(4),
        IP6 => Some(6),
        _ => None,
    }
}

/// Single numbers.
pub(super) fn points(numbers: impl IntoIterator<Item = u32>) -> Set {
    Set::from_ranges(numbers.into_iter().map(|n| (n, n)))
}
