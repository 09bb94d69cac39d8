//! What the filter compiler must know of each link layer: one row per type.
//!
//! Offsets are those of <https://www.tcpdump.org/linktypes.html>, as far as pcap-filter(7) needs them. What the
//! strategies named here do is in [`crate::filter`]'s lowering.

use super::{LAST, dlt};

/// One row. Offsets of fields count from the link-layer header, others from the start of the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The `DLT_*` number.
    pub dlt: i32,
    /// How long what stands before the link-layer header is.
    pub prefix: Prefix,
    /// Where the packet tells the protocol of its payload.
    pub linktype: Option<u32>,
    /// Where the payload begins: an LLC header, if the type has them.
    pub payload: Payload,
    /// From there to the network layer, behind LLC and SNAP headers; `None` if that is not known.
    pub nl: Option<u32>,
    /// The same for packets without a SNAP header.
    pub nl_nosnap: Option<u32>,
    /// How the protocol is told.
    pub proto: ProtoTest,
    /// Link-layer addresses.
    pub addr: Addr,
    /// How `inbound` and `outbound` are told.
    pub direction: Direction,
    /// Where the interface index is, a word.
    pub ifindex: Option<u32>,
    /// What `llc` asks.
    pub llc: Llc,
    /// What `vlan` does.
    pub vlan: Vlan,
    /// The protocol number of MPLS, if `mpls` is supported.
    pub mpls: Option<u32>,
    /// Where an MTP2 header's length indicator is.
    pub mtp2: Option<u32>,
    /// Whether `radio` can be indexed.
    pub radio: bool,
}

/// What stands before the link-layer header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// This many bytes.
    Fixed(u32),
    /// A Prism header of 144 bytes, or an AVS header.
    Prism,
    /// An AVS header: its length is the big-endian word at 4.
    Avs,
    /// A radiotap header: its length is the little-endian half word at 2.
    Radiotap,
    /// A PPI header: its length is the little-endian half word at 2, and the type behind it the word at 4.
    Ppi,
}

/// Where the payload begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Nobody knows.
    Unknown,
    /// Here.
    At(u32),
    /// Behind an 802.11 header.
    Wlan,
    /// Behind a PFLOG header, whose length is its first byte, rounded up to whole words.
    Pflog,
}

/// How a packet tells the protocol of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtoTest {
    /// Not at all, or not in a way that is known here.
    Unsupported,
    /// An Ethertype.
    Ethertype,
    /// An Ethertype, or the length of what begins with an LLC header.
    Ethernet,
    /// An Ethertype, or 4 for what begins with an LLC header; 1 for Novell's 802.3 frames.
    Sll,
    /// An LLC header.
    Llc,
    /// An LLC header in data frames.
    Wlan,
    /// An LLC header in cells of that kind.
    SunAtm,
    /// Cisco HDLC's protocol.
    Hdlc,
    /// PPP's protocol.
    Ppp,
    /// PPP's protocol; Van Jacobson's compressed TCP is IP too.
    PppBsdos,
    /// The IP version in the first four bits of the packet.
    IpVersion,
    /// All packets are of this Ethertype.
    Always(u32),
    /// An address family, a word in the byte order of the host that wrote it.
    HostFamily,
    /// An address family, a big-endian word.
    BigFamily,
    /// An address family, a byte.
    PflogFamily,
    /// One of IPNET's own families, a byte.
    Ipnet,
    /// A byte of ARCnet's own.
    Arcnet,
    /// Frame Relay's NLPID.
    FrameRelay,
    /// Juniper's magic number: then nothing more is asked.
    Juniper,
}

/// Where link-layer addresses are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addr {
    /// There are none.
    None,
    /// Six bytes each.
    Mac48 {
        /// Of the sender.
        src: u32,
        /// Of the receiver.
        dst: u32,
    },
    /// Up to four of six bytes, in places that depend on the frame.
    Wlan,
    /// One byte each.
    Mac8 {
        /// Of the sender.
        src: u32,
        /// Of the receiver.
        dst: u32,
        /// To everybody.
        broadcast: u8,
        /// To some.
        multicast: Option<u8>,
    },
}

/// How a packet tells its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It does not; the kernel may know.
    Kernel,
    /// A field: its place, its bytes, and its mask and value either way.
    Field {
        /// Where.
        at: u32,
        /// How many bytes.
        size: u32,
        /// Mask and value of packets that come in; otherwise, all that do not go out.
        inbound: Option<(u32, u32)>,
        /// Mask and value of packets that go out.
        outbound: (u32, u32),
    },
}

/// What `llc` asks before it looks into an LLC header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Llc {
    /// It is not supported.
    Unsupported,
    /// Nothing.
    Always,
    /// A length where an Ethertype would be, and no Novell frame.
    Ethernet,
    /// A data frame.
    Wlan,
    /// A cell of that kind.
    SunAtm,
}

/// Where VLAN tags are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vlan {
    /// They are not supported.
    Unsupported,
    /// In front of the payload, which moves by 4.
    InPacket,
    /// So too, unless the kernel has taken the outermost out of the packet.
    OrMetadata {
        /// How far the outermost moves the protocol.
        by: u32,
    },
}

const WHOLE: u32 = u32::MAX;

/// A type of which nothing is known but its number.
const PLAIN: Layout = Layout {
    dlt: -1,
    prefix: Prefix::Fixed(0),
    linktype: None,
    payload: Payload::Unknown,
    nl: None,
    nl_nosnap: None,
    proto: ProtoTest::Unsupported,
    addr: Addr::None,
    direction: Direction::Kernel,
    ifindex: None,
    llc: Llc::Unsupported,
    vlan: Vlan::Unsupported,
    mpls: None,
    mtp2: None,
    radio: false,
};

/// A type with a fixed header and nothing between it and the network layer.
const fn flat(dlt: i32, linktype: Option<u32>, payload: u32, proto: ProtoTest) -> Layout {
    Layout {
        dlt,
        linktype,
        payload: Payload::At(payload),
        nl: Some(0),
        nl_nosnap: Some(0),
        proto,
        ..PLAIN
    }
}

/// A type whose packets are Ethernet frames behind `prefix` bytes, with a switch's tag of `tag` bytes in them.
const fn ethernet(dlt: i32, prefix: u32, tag: u32) -> Layout {
    Layout {
        prefix: Prefix::Fixed(prefix),
        nl_nosnap: Some(3),
        addr: Addr::Mac48 { src: 6, dst: 0 },
        vlan: Vlan::InPacket,
        mpls: Some(0x8847),
        ..flat(dlt, Some(prefix + tag + 12), prefix + tag + 14, ProtoTest::Ethernet)
    }
}

/// A type whose payload is an LLC header, mostly with SNAP.
const fn llc(dlt: i32, linktype: u32, payload: u32) -> Layout {
    Layout { nl: Some(8), nl_nosnap: Some(3), ..flat(dlt, Some(linktype), payload, ProtoTest::Llc) }
}

/// 802.11 behind `prefix`.
const fn wlan(dlt: i32, prefix: Prefix, vlan: Vlan, radio: bool) -> Layout {
    Layout {
        prefix,
        payload: Payload::Wlan,
        proto: ProtoTest::Wlan,
        addr: Addr::Wlan,
        llc: Llc::Wlan,
        vlan,
        radio,
        ..llc(dlt, 24, 0)
    }
}

const fn ppp(dlt: i32, linktype: u32) -> Layout {
    flat(dlt, Some(linktype), linktype + 2, ProtoTest::Ppp)
}

/// One of Juniper's types.
const fn juniper(dlt: i32, linktype: u32, payload: Payload, nl_nosnap: Option<u32>) -> Layout {
    Layout {
        dlt,
        linktype: Some(linktype),
        payload,
        nl: match payload {
            Payload::At(_) => Some(0),
            _ => None,
        },
        nl_nosnap,
        proto: ProtoTest::Juniper,
        direction: field(3, 1, (1, 1), (1, 0)),
        ..PLAIN
    }
}

const fn field(at: u32, size: u32, inbound: (u32, u32), outbound: (u32, u32)) -> Direction {
    Direction::Field { at, size, inbound: Some(inbound), outbound }
}

/// `PACKET_OUTGOING`, and everything else.
const fn cooked(at: u32, size: u32) -> Direction {
    Direction::Field { at, size, inbound: None, outbound: (WHOLE, 4) }
}

const fn mtp2(dlt: i32, at: u32) -> Layout {
    Layout { dlt, mtp2: Some(at), ..PLAIN }
}

const fn arcnet(dlt: i32, linktype: u32, payload: u32) -> Layout {
    Layout {
        addr: Addr::Mac8 { src: 0, dst: 1, broadcast: 0, multicast: Some(0) },
        ..flat(dlt, Some(linktype), payload, ProtoTest::Arcnet)
    }
}

const UNKNOWN: Payload = Payload::Unknown;
const IP: u32 = 0x0800;
const IP6: u32 = 0x86dd;
const ATALK: u32 = 0x809b;

const ROWS: &[Layout] = &[
    flat(dlt::NULL, Some(0), 4, ProtoTest::HostFamily),
    Layout { llc: Llc::Ethernet, vlan: Vlan::OrMetadata { by: 4 }, ..ethernet(dlt::EN10MB, 0, 0) },
    Layout { dlt: dlt::EN3MB, ..PLAIN },
    Layout { dlt: dlt::AX25, ..PLAIN },
    Layout { dlt: dlt::PRONET, ..PLAIN },
    Layout { dlt: dlt::CHAOS, ..PLAIN },
    Layout { addr: Addr::Mac48 { src: 8, dst: 2 }, llc: Llc::Always, ..llc(dlt::IEEE802, 14, 14) },
    arcnet(dlt::ARCNET, 2, 6),
    Layout {
        direction: field(0, 1, (WHOLE, 0), (WHOLE, 1)),
        ..flat(dlt::SLIP, None, 16, ProtoTest::IpVersion)
    },
    Layout { mpls: Some(0x0281), ..ppp(dlt::PPP, 2) },
    Layout { addr: Addr::Mac48 { src: 7, dst: 1 }, llc: Llc::Always, ..llc(dlt::FDDI, 13, 13) },
    Layout { llc: Llc::Always, ..llc(dlt::ATM_RFC1483, 0, 0) },
    flat(dlt::RAW, None, 0, ProtoTest::IpVersion),
    flat(dlt::SLIP_BSDOS, None, 24, ProtoTest::IpVersion),
    flat(dlt::PPP_BSDOS, Some(5), 24, ProtoTest::PppBsdos),
    llc(dlt::ATM_CLIP, 0, 0),
    Layout { dlt: dlt::REDBACK_SMARTEDGE, ..PLAIN },
    ppp(dlt::PPP_SERIAL, 2),
    ppp(dlt::PPP_ETHER, 6),
    flat(dlt::SYMANTEC_FIREWALL, Some(6), 44, ProtoTest::Ethertype),
    Layout { mpls: Some(0x8847), ..flat(dlt::C_HDLC, Some(2), 4, ProtoTest::Hdlc) },
    wlan(dlt::IEEE802_11, Prefix::Fixed(0), Vlan::InPacket, false),
    flat(dlt::FRELAY, None, 0, ProtoTest::FrameRelay),
    flat(dlt::LOOP, Some(0), 4, ProtoTest::BigFamily),
    flat(dlt::ENC, Some(0), 12, ProtoTest::HostFamily),
    Layout { mpls: Some(0x8847), ..flat(dlt::HDLC, Some(2), 4, ProtoTest::Hdlc) },
    Layout {
        direction: cooked(0, 2),
        vlan: Vlan::OrMetadata { by: 4 },
        ..flat(dlt::LINUX_SLL, Some(14), 16, ProtoTest::Sll)
    },
    flat(dlt::LTALK, None, 0, ProtoTest::Always(ATALK)),
    Layout {
        payload: Payload::Pflog,
        direction: field(60, 1, (WHOLE, 1), (WHOLE, 2)),
        ..flat(dlt::PFLOG, Some(0), 0, ProtoTest::PflogFamily)
    },
    wlan(dlt::PRISM_HEADER, Prefix::Prism, Vlan::InPacket, true),
    Layout { addr: Addr::Mac48 { src: 10, dst: 2 }, ..llc(dlt::IP_OVER_FC, 16, 16) },
    Layout { proto: ProtoTest::SunAtm, llc: Llc::SunAtm, ..llc(dlt::SUNATM, 4, 4) },
    wlan(dlt::IEEE802_11_RADIO, Prefix::Radiotap, Vlan::InPacket, true),
    arcnet(dlt::ARCNET_LINUX, 4, 8),
    juniper(dlt::JUNIPER_MLPPP, 4, Payload::At(4), None),
    juniper(dlt::JUNIPER_MLFR, 4, Payload::At(4), None),
    juniper(dlt::JUNIPER_ES, 6, UNKNOWN, None),
    juniper(dlt::JUNIPER_GGSN, 6, Payload::At(12), None),
    juniper(dlt::JUNIPER_MFR, 4, Payload::At(4), None),
    juniper(dlt::JUNIPER_ATM2, 8, Payload::At(8), Some(10)),
    juniper(dlt::JUNIPER_SERVICES, 12, UNKNOWN, None),
    juniper(dlt::JUNIPER_ATM1, 4, Payload::At(4), Some(10)),
    flat(dlt::APPLE_IP_OVER_IEEE1394, Some(16), 18, ProtoTest::Ethertype),
    mtp2(dlt::MTP2_WITH_PHDR, 6),
    mtp2(dlt::MTP2, 2),
    wlan(dlt::IEEE802_11_RADIO_AVS, Prefix::Avs, Vlan::InPacket, true),
    juniper(dlt::JUNIPER_MONITOR, 12, Payload::At(12), None),
    Layout {
        dlt: dlt::BACNET_MS_TP,
        addr: Addr::Mac8 { src: 4, dst: 3, broadcast: 0xff, multicast: None },
        ..PLAIN
    },
    Layout { direction: field(0, 1, (WHOLE, 0), (WHOLE, 1)), ..ppp(dlt::PPP_PPPD, 2) },
    Layout { nl: Some(18), ..juniper(dlt::JUNIPER_PPPOE, 16, Payload::At(14), Some(21)) },
    juniper(dlt::JUNIPER_PPPOE_ATM, 4, Payload::At(6), None),
    Layout { nl: Some(18), ..juniper(dlt::JUNIPER_ETHER, 16, Payload::At(14), Some(21)) },
    juniper(dlt::JUNIPER_PPP, 4, Payload::At(4), None),
    juniper(dlt::JUNIPER_FRELAY, 4, Payload::At(4), None),
    juniper(dlt::JUNIPER_CHDLC, 4, Payload::At(4), None),
    Layout { nl: Some(4), ..flat(dlt::MFR, None, 0, ProtoTest::Unsupported) },
    juniper(dlt::JUNIPER_VP, 18, UNKNOWN, None),
    wlan(dlt::PPI, Prefix::Ppi, Vlan::Unsupported, false),
    juniper(dlt::JUNIPER_ISM, 8, UNKNOWN, None),
    mtp2(dlt::ERF, 22),
    juniper(dlt::JUNIPER_ST, 18, UNKNOWN, None),
    Layout {
        nl_nosnap: None,
        direction: field(2, 2, (WHOLE, 2), (WHOLE, 1)),
        ..flat(dlt::IPNET, Some(1), 24, ProtoTest::Ipnet)
    },
    flat(dlt::IPV4, None, 0, ProtoTest::Always(IP)),
    flat(dlt::IPV6, None, 0, ProtoTest::Always(IP6)),
    juniper(dlt::JUNIPER_VS, 8, UNKNOWN, None),
    juniper(dlt::JUNIPER_SRX_E2E, 8, UNKNOWN, None),
    juniper(dlt::JUNIPER_FIBRECHANNEL, 8, UNKNOWN, None),
    juniper(dlt::JUNIPER_ATM_CEMIC, 8, UNKNOWN, None),
    ethernet(dlt::NETANALYZER, 4, 0),
    ethernet(dlt::NETANALYZER_TRANSPARENT, 12, 0),
    flat(dlt::PFSYNC, None, 4, ProtoTest::Unsupported),
    Layout {
        direction: cooked(10, 1),
        ifindex: Some(4),
        vlan: Vlan::OrMetadata { by: 22 },
        ..flat(dlt::LINUX_SLL2, Some(0), 20, ProtoTest::Ethertype)
    },
    Layout {
        direction: field(12, 1, (0xe0, 0x00), (0xe0, 0x20)),
        llc: Llc::Ethernet,
        ..ethernet(dlt::DSA_TAG_BRCM, 0, 4)
    },
    Layout {
        direction: field(12, 1, (0x40, 0x00), (0xc0, 0x40)),
        llc: Llc::Ethernet,
        ..ethernet(dlt::DSA_TAG_DSA, 0, 4)
    },
];

/// The row of a `DLT_*` number, if filters can be compiled for it at all. Of most types no more is known than that.
#[must_use]
pub fn layout(number: i32) -> Option<Layout> {
    match ROWS.binary_search_by_key(&number, |row| row.dlt) {
        Ok(n) => ROWS.get(n).copied(),
        Err(_) => (104..=LAST).contains(&number).then_some(Layout { dlt: number, ..PLAIN }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{all, by_dlt};
    use super::*;

    #[test]
    fn rows_are_sorted_and_have_names() {
        assert!(ROWS.windows(2).all(|pair| pair[0].dlt < pair[1].dlt));
        for row in ROWS {
            assert!(by_dlt(row.dlt).is_some() || row.dlt == dlt::HDLC, "{}", row.dlt);
        }
    }

    #[test]
    fn every_type_from_104_on_can_be_compiled_for() {
        for number in -1..=400 {
            let listed = ROWS.iter().any(|row| row.dlt == number);
            assert_eq!(layout(number).is_some(), listed || (104..=304).contains(&number));
        }
        let missing: Vec<i32> =
            all().iter().map(|row| row.dlt).filter(|dlt| layout(*dlt).is_none()).collect();
        assert_eq!(missing, []);
    }

    #[test]
    fn constants_name_their_rows() {
        let pairs = [
            (dlt::APPLE_IP_OVER_IEEE1394, "APPLE_IP_OVER_IEEE1394"),
            (dlt::BACNET_MS_TP, "BACNET_MS_TP"),
            (dlt::ENC, "ENC"),
            (dlt::JUNIPER_ATM_CEMIC, "JUNIPER_ATM_CEMIC"),
            (dlt::JUNIPER_SRX_E2E, "JUNIPER_SRX_E2E"),
            (dlt::JUNIPER_VP, "JUNIPER_VP"),
            (dlt::NETANALYZER_TRANSPARENT, "NETANALYZER_TRANSPARENT"),
            (dlt::PPP_BSDOS, "PPP_BSDOS"),
            (dlt::REDBACK_SMARTEDGE, "REDBACK_SMARTEDGE"),
            (dlt::SUNATM, "SUNATM"),
        ];
        for (number, name) in pairs {
            assert_eq!(by_dlt(number).map(|row| row.name.as_str()), Some(name));
        }
    }
}
