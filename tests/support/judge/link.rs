//! The link layer: what protocol it says it carries, its addresses, LLC.
//!
//! How each link type tells protocols apart follows its description at
//! <https://www.tcpdump.org/linktypes.html> and pcap-filter(7).

use super::super::dlt;
use super::layers::Guard;
use super::truth::Truth;
use super::{Answer, Judge, Refused};
use pcap::filter::Source;
use pcap::filter::ast::Llc;
use pcap::filter::pred::{LinkField, Side};

pub const IP: u32 = 0x0800;
pub const ARP: u32 = 0x0806;
pub const RARP: u32 = 0x8035;
pub const IP6: u32 = 0x86dd;
pub const ATALK: u32 = 0x809b;
pub const AARP: u32 = 0x80f3;
pub const DECNET: u32 = 0x6003;
pub const MPLS: u32 = 0x8847;
pub const PPPOED: u32 = 0x8863;
pub const PPPOES: u32 = 0x8864;
const IPX: u32 = 0x8137;
/// LLC service access points.
pub const SAP_IP: u32 = 0x06;
pub const SAP_STP: u32 = 0x42;
pub const SAP_IPX: u32 = 0xe0;
pub const SAP_NETBEUI: u32 = 0xf0;
pub const SAP_ISO: u32 = 0xfe;
/// The longest payload of an 802.3 frame: a type field that is no higher is its length.
const MAX_LENGTH: u32 = 1500;

/// What no larger number may be compared with, or the expression is refused.
fn fits(protocol: u32) -> Result<u16, Refused> {
    let too_large = if protocol <= MAX_LENGTH { protocol > 0xff } else { protocol > 0xffff };
    if too_large { Err(Refused) } else { Ok(protocol as u16) }
}

fn fits_16_bits(protocol: u32) -> Result<u16, Refused> {
    u16::try_from(protocol).map_err(|_| Refused)
}

impl Judge<'_> {
    /// `ether proto`: whether the link layer says that it carries this, an Ethertype or, up to 1500,
    /// a service access point of LLC.
    pub fn carries(&self, protocol: u32) -> Answer {
        let here = &self.layers;
        if here.labels > 0 {
            // MPLS does not say: the last label is followed by a version number.
            let last = self.last_label();
            return match protocol {
                IP => Ok(last.and(self.version(4))),
                IP6 => Ok(last.and(self.version(6))),
                _ => Err(Refused),
            };
        }
        match here.dlt {
            dlt if dlt::is_ethernet(dlt) => {
                let guard = match here.guard {
                    Guard::Lane(_) => self.guard(),
                    _ => Truth::TRUE,
                };
                Ok(guard.and(self.ethernet_carries(protocol)?))
            }
            dlt::LINUX_SLL => self.cooked_carries(protocol),
            dlt if dlt::is_wlan(dlt) => Ok(self.is_data().and(self.llc_carries(protocol)?)),
            dlt::FDDI | dlt::IEEE802 | dlt::ATM_RFC1483 | dlt::ATM_CLIP | dlt::IP_OVER_FC => {
                self.llc_carries(protocol)
            }
            dlt::SUNATM => {
                let llc = self.byte_is(here.link, 2, 0x0f);
                Ok(llc.and(self.llc_carries(protocol)?))
            }
            dlt::SLIP | dlt::SLIP_BSDOS | dlt::RAW => Ok(match protocol {
                IP => self.byte_is(here.link, 0x40, 0xf0),
                IP6 => self.byte_is(here.link, 0x60, 0xf0),
                _ => Truth::FALSE,
            }),
            dlt::IPV4 => Ok((protocol == IP).into()),
            dlt::IPV6 => Ok((protocol == IP6).into()),
            dlt::LTALK => Ok((protocol == ATALK).into()),
            dlt::C_HDLC | dlt::HDLC => {
                let protocol = if protocol == SAP_ISO { 0xfefe } else { fits_16_bits(protocol)? };
                Ok(self.half_is(here.kind, protocol, 0xffff))
            }
            dlt::PPP | dlt::PPP_PPPD | dlt::PPP_SERIAL | dlt::PPP_ETHER | dlt::PPP_BSDOS => {
                self.ppp_carries(protocol)
            }
            dlt::NULL | dlt::LOOP | dlt::ENC | dlt::PFLOG => Ok(self.bsd_carries(protocol)),
            dlt::ARCNET | dlt::ARCNET_LINUX => {
                let code = match protocol {
                    IP => 212,
                    ARP => 213,
                    RARP => 214,
                    ATALK => 221,
                    IP6 => 0xc4,
                    _ => return Ok(Truth::FALSE),
                };
                Ok(self.byte_is(here.kind, code, 0xff))
            }
            dlt::FRELAY => Ok(match protocol {
                IP => self.nlpid(0xcc),
                IP6 => self.nlpid(0x8e),
                SAP_ISO => Truth::any([0x81, 0x82, 0x83].map(|id| self.nlpid(id))),
                _ => Truth::FALSE,
            }),
            dlt::IPNET => Ok(match protocol {
                IP => self.byte_is(here.kind, 2, 0xff),
                IP6 => self.byte_is(here.kind, 26, 0xff),
                _ => Truth::FALSE,
            }),
            // Only that the magic number is there.
            dlt if dlt::is_juniper(dlt) => Ok(self.word_is(here.link, 0x4d47_4300, 0xffff_ff00)),
            dlt::APPLE_IP_OVER_IEEE1394 | dlt::SYMANTEC_FIREWALL | dlt::LINUX_SLL2 => {
                Ok(self.half_is(here.kind, fits_16_bits(protocol)?, 0xffff))
            }
            _ => Err(Refused),
        }
    }

    /// Whether the emulated or tunnelled link layer has addresses in this packet.
    pub fn guard(&self) -> Truth {
        match self.layers.guard {
            Guard::None => Truth::TRUE,
            Guard::Lane(marker) => self.half_is(marker, 0xff00, 0xffff).not(),
            Guard::Inner(ethernet) => ethernet,
        }
    }

    /// Whether the label above is the last one (RFC 3032).
    pub fn last_label(&self) -> Truth {
        self.byte_is(self.layers.network().back(2), 1, 1)
    }

    /// Frame Relay: unnumbered information (3) and this network layer protocol identifier.
    pub fn nlpid(&self, id: u8) -> Truth {
        self.equal(self.layers.link.plus(2), &[3, id])
    }

    /// The version number that IPv4 and IPv6 begin with.
    fn version(&self, version: u8) -> Truth {
        self.byte_is(self.layers.network(), version << 4, 0xf0)
    }

    /// A SNAP header (RFC 1042) of this organisation and protocol.
    fn snap(&self, organisation: u8, protocol: u16) -> Truth {
        // 08-00-07 is Apple's.
        let apple: [u8; 3] = if organisation == 8 { [8, 0, 7] } else { [0, 0, 0] };
        let mut header = vec![0xaa, 0xaa, 3];
        header.extend(apple);
        header.extend(protocol.to_be_bytes());
        self.equal(self.layers.payload, &header)
    }

    /// A service access point as the destination, and where that is the custom, as the source.
    fn sap(&self, sap: u8) -> Truth {
        match u32::from(sap) {
            SAP_IP | SAP_ISO | SAP_NETBEUI => self.equal(self.layers.payload, &[sap, sap]),
            _ => self.byte_is(self.layers.payload, sap, 0xff),
        }
    }

    /// Ethernet: by type, or by what follows a length.
    fn ethernet_carries(&self, protocol: u32) -> Answer {
        let here = &self.layers;
        let length = self.half(here.kind).is(|kind| kind <= MAX_LENGTH);
        let kind = |protocol: u32| self.half_is(here.kind, protocol as u16, 0xffff);
        Ok(match protocol {
            SAP_IPX => {
                let raw = self.equal(here.payload, &[0xff, 0xff]);
                let inside = self.snap(0, IPX as u16).or(self.sap(SAP_IPX as u8)).or(raw);
                kind(IPX).or(length.and(inside))
            }
            ATALK => kind(ATALK).or(length.and(self.snap(8, ATALK as u16))),
            AARP => kind(AARP).or(length.and(self.snap(0, AARP as u16))),
            SAP_IP | SAP_ISO | SAP_NETBEUI => length.and(self.sap(protocol as u8)),
            // Straight after the length, which is elsewhere only in Geneve without Ethernet.
            _ if fits(protocol)? <= 0xff => {
                length.and(self.byte_is(here.kind.plus(2), protocol as u8, 0xff))
            }
            _ => kind(protocol),
        })
    }

    /// Linux cooked v1: as Ethernet, with numbers for 802.3 without LLC (1) and with (4).
    fn cooked_carries(&self, protocol: u32) -> Answer {
        let here = &self.layers;
        let kind = |protocol: u32| self.half_is(here.kind, protocol as u16, 0xffff);
        let llc = kind(4);
        Ok(match protocol {
            SAP_IPX => {
                let inside = self.snap(0, IPX as u16).or(self.sap(SAP_IPX as u8));
                kind(IPX).or(kind(1)).or(llc.and(inside))
            }
            ATALK => kind(ATALK).or(llc.and(self.snap(8, ATALK as u16))),
            AARP => kind(AARP).or(llc.and(self.snap(0, AARP as u16))),
            _ if fits(protocol)? <= 0xff => llc.and(self.sap(protocol as u8)),
            _ => kind(protocol),
        })
    }

    /// Links where every packet begins with LLC. That a header is SNAP's is taken for granted.
    fn llc_carries(&self, protocol: u32) -> Answer {
        Ok(match protocol {
            ATALK => self.snap(8, ATALK as u16),
            _ if fits(protocol)? <= 0xff => self.sap(protocol as u8),
            _ => self.half_is(self.layers.payload.plus(6), protocol as u16, 0xffff),
        })
    }

    /// PPP has protocol numbers of its own for some; others are compared as they are.
    fn ppp_carries(&self, protocol: u32) -> Answer {
        let kind = |protocol: u16| self.half_is(self.layers.kind, protocol, 0xffff);
        let own = match protocol {
            // Van Jacobson's compressed TCP as well.
            IP if self.layers.dlt == dlt::PPP_BSDOS => {
                return Ok(Truth::any([0x21, 0x2d, 0x2f].map(kind)));
            }
            IP => 0x21,
            IP6 => 0x57,
            DECNET => 0x27,
            ATALK => 0x29,
            0x0600 => 0x25,
            SAP_ISO => 0x23,
            SAP_STP => 0x31,
            SAP_IPX => 0x2b,
            _ => fits_16_bits(protocol)?,
        };
        Ok(kind(own))
    }

    /// An address family. IPv6 has as many numbers as there are systems that write savefiles.
    fn bsd_carries(&self, protocol: u32) -> Truth {
        let here = &self.layers;
        let savefile = matches!(self.context.source, Source::Savefile { .. });
        let families: &[u8] = match (protocol, savefile) {
            (IP, _) => &[2],
            (IP6, true) => &[24, 28, 30],
            (IP6, false) => &[10],
            _ => return Truth::FALSE,
        };
        Truth::any(families.iter().map(|&family| {
            match here.dlt {
                dlt::PFLOG => self.byte_is(here.link.plus(1), family, 0xff),
                dlt::LOOP => self.equal(here.link, &[0, 0, 0, family]),
                // In the order of the machine that wrote it, which may be any if that is long ago.
                _ if savefile => self
                    .equal(here.link, &[family, 0, 0, 0])
                    .or(self.equal(here.link, &[0, 0, 0, family])),
                _ => self.equal(here.link, &u32::from(family).to_ne_bytes()),
            }
        }))
    }

    /// `llc` and its kinds, by the first byte of the control field (IEEE 802.2).
    pub fn llc(&self, llc: Llc) -> Answer {
        let here = &self.layers;
        let any = match here.dlt {
            dlt::EN10MB | dlt::DSA_TAG_BRCM | dlt::DSA_TAG_DSA => {
                let length = self.half(here.kind).is(|kind| kind <= MAX_LENGTH);
                length.and(self.equal(here.payload, &[0xff, 0xff]).not())
            }
            dlt::SUNATM => self.byte_is(here.link, 2, 0x0f),
            dlt::IEEE802 | dlt::FDDI | dlt::ATM_RFC1483 => Truth::TRUE,
            dlt if dlt::is_wlan(dlt) => self.is_data(),
            _ => return Err(Refused),
        };
        let control = |value, mask| self.byte_is(here.payload.plus(2), value, mask);
        Ok(any.and(match llc {
            Llc::Any => Truth::TRUE,
            Llc::I => control(0, 1),
            Llc::S => control(1, 3),
            Llc::U => control(3, 3),
            Llc::SSubtype(value) => control(value, 0x0f),
            Llc::USubtype(value) => control(value, 0xef),
        }))
    }

    /// Where the six-byte addresses are: source and destination.
    fn addresses(&self) -> Result<(u32, u32), Refused> {
        match self.layers.dlt {
            dlt if dlt::is_ethernet(dlt) => Ok((6, 0)),
            dlt::FDDI => Ok((7, 1)),
            dlt::IEEE802 => Ok((8, 2)),
            dlt::IP_OVER_FC => Ok((10, 2)),
            _ => Err(Refused),
        }
    }

    /// `ether host` and so on.
    pub fn mac48(&self, address: [u8; 6], field: LinkField) -> Answer {
        if dlt::is_wlan(self.layers.dlt) {
            return Ok(self.wlan_address(field, |at| self.equal(at, &address)));
        }
        let (src, dst) = self.addresses()?;
        let LinkField::Side(side) = field else { return Err(Refused) };
        let at = |offset| self.equal(self.layers.link.plus(offset), &address);
        Ok(self.guard().and(on_side(side, || at(src), || at(dst))))
    }

    /// `link host $xx`: ARCnet's and MS/TP's addresses of one byte.
    pub fn mac8(&self, address: u8, side: Side) -> Answer {
        let (src, dst) = match self.layers.dlt {
            dlt::ARCNET | dlt::ARCNET_LINUX => (0, 1),
            dlt::BACNET_MS_TP => (4, 3),
            _ => return Err(Refused),
        };
        let at = |offset| self.byte_is(self.layers.link.plus(offset), address, 0xff);
        Ok(on_side(side, || at(src), || at(dst)))
    }

    /// `ether broadcast`.
    pub fn broadcast(&self) -> Answer {
        match self.layers.dlt {
            dlt::ARCNET | dlt::ARCNET_LINUX => self.mac8(0, Side::Dst),
            dlt::BACNET_MS_TP => self.mac8(0xff, Side::Dst),
            _ => self.mac48([0xff; 6], LinkField::Side(Side::Dst)),
        }
    }

    /// `ether multicast`: the lowest bit of the destination's first byte.
    pub fn multicast(&self) -> Answer {
        let dlt = self.layers.dlt;
        if matches!(dlt, dlt::ARCNET | dlt::ARCNET_LINUX) {
            return self.mac8(0, Side::Dst);
        }
        if dlt::is_wlan(dlt) {
            let field = LinkField::Side(Side::Dst);
            return Ok(self.wlan_address(field, |at| self.byte_is(at, 1, 1)));
        }
        let (_, dst) = self.addresses()?;
        Ok(self.guard().and(self.byte_is(self.layers.link.plus(dst), 1, 1)))
    }
}

/// What holds of one end, the other, either or both.
pub fn on_side(side: Side, src: impl Fn() -> Truth, dst: impl Fn() -> Truth) -> Truth {
    match side {
        Side::Src => src(),
        Side::Dst => dst(),
        Side::SrcOrDst => src().or(dst()),
        Side::SrcAndDst => src().and(dst()),
    }
}
