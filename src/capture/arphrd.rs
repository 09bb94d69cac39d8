//! Which link-layer header type an interface has, from what the kernel says of it: its `ARPHRD_*`
//! type (`linux/if_arp.h`), its name, and its DSA tagging.
//!
//! A table, not the asking: sysfs and ioctls are read by the caller.

use crate::linktype::dlt;

/// How packets of an interface are captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkChoice {
    /// The `DLT_*` type of the packets.
    pub dlt: i32,
    /// Whether the kernel's link-layer header is of no use, so that the socket is to be of type
    /// `SOCK_DGRAM` and the header the one of [`super::cooked`].
    pub cooked: bool,
    /// What `pcap_list_datalinks` offers; empty for `dlt` alone.
    pub offered: &'static [i32],
    /// Whether nothing is known of the interface's type: the user gets [`unknown_warning`].
    pub unknown: bool,
}

/// `ARPHRD_ETHER`.
pub const ETHER: u16 = 1;

/// `ARPHRD_CAN`, of SocketCAN interfaces.
pub const CAN: u16 = 280;

/// The type that each `ARPHRD_*` type means. QUIRK: PPP and ATM are cooked, as nothing tells their framing.
#[rustfmt::skip]
const LINKS: &[(u16, i32)] = &[
    (ETHER, dlt::EN10MB),
    (2, dlt::EN3MB),                // EETHER
    (3, dlt::AX25_KISS),            // AX25
    (4, dlt::PRONET),
    (5, dlt::CHAOS),
    (6, dlt::IEEE802),
    (7, dlt::ARCNET_LINUX),
    (15, dlt::RAW),                 // DLCI
    (18, dlt::IP_OVER_FC),          // RFC 4338; the kernel has no name for it
    (19, dlt::LINUX_SLL),           // ATM: with or without LLC, which nothing tells
    (23, dlt::EN10MB),              // METRICOM
    (256, dlt::RAW),                // SLIP
    (257, dlt::RAW),                // CSLIP
    (258, dlt::RAW),                // SLIP6
    (259, dlt::RAW),                // CSLIP6
    (264, dlt::RAW),                // ADAPT
    (CAN, dlt::CAN_SOCKETCAN),
    (512, dlt::LINUX_SLL),          // PPP: drivers differ in what header they pass on
    (513, dlt::C_HDLC),
    (518, dlt::RAW),                // RAWHDLC
    (768, dlt::RAW),                // TUNNEL
    (770, dlt::FRELAY),             // FRAD
    (772, dlt::EN10MB),             // LOOPBACK
    (773, dlt::LTALK),
    (774, dlt::FDDI),
    (776, dlt::RAW),                // SIT
    (783, dlt::LINUX_IRDA),
    (784, dlt::FC_2),               // FCPP
    (785, dlt::FC_2),               // FCAL
    (786, dlt::FC_2),               // FCPL
    (787, dlt::FC_2),               // FCFABRIC
    (800, dlt::IEEE802),            // IEEE802_TR
    (801, dlt::IEEE802_11),
    (802, dlt::PRISM_HEADER),
    (803, dlt::IEEE802_11_RADIO),
    (804, dlt::IEEE802_15_4_NOFCS),
    (824, dlt::NETLINK),
    (826, dlt::VSOCK),
    (8445, dlt::LINUX_LAPD),
    (0xfffe, dlt::RAW),             // NONE
];

/// The types that need the cooked header: no usable header comes from the kernel, or the reader
/// wants to know a packet's direction or protocol from it.
const COOKED: &[i32] = &[dlt::LINUX_SLL, dlt::LINUX_IRDA, dlt::LINUX_LAPD, dlt::NETLINK];

/// The tagging protocols of DSA conduits whose header has a type of its own.
const DSA_TAGS: &[(&str, i32)] = &[
    ("brcm", dlt::DSA_TAG_BRCM),
    ("brcm-prepend", dlt::DSA_TAG_BRCM_PREPEND),
    ("dsa", dlt::DSA_TAG_DSA),
    ("edsa", dlt::DSA_TAG_EDSA),
];

/// How to capture on an interface of type `arphrd` called `name`. `wireless` says whether sysfs has
/// a `wireless` directory for it, `dsa_tagging` what its `dsa/tagging` holds.
#[must_use]
pub fn map(
    arphrd: u16,
    name: impl AsRef<[u8]>,
    wireless: bool,
    dsa_tagging: Option<&str>,
) -> LinkChoice {
    let name = name.as_ref();
    let Some((_, mapped)) = LINKS.iter().find(|(kernel, _)| *kernel == arphrd) else {
        return LinkChoice { dlt: dlt::LINUX_SLL, cooked: true, offered: &[], unknown: true };
    };
    let dlt = if arphrd == ETHER { ethernet(name, wireless, dsa_tagging) } else { *mapped };
    // ISDN interfaces call themselves Ethernet, whatever they carry.
    if dlt == dlt::EN10MB && (name.starts_with(b"isdn") || name.starts_with(b"isdY")) {
        return LinkChoice { dlt: dlt::LINUX_SLL, cooked: true, offered: &[], unknown: false };
    }
    let offered: &[i32] = match dlt {
        // Cable modem head-ends put bare DOCSIS frames on an Ethernet.
        dlt::EN10MB if arphrd == ETHER && !wireless => &[dlt::EN10MB, dlt::DOCSIS],
        dlt::FC_2 => &[dlt::FC_2, dlt::FC_2_WITH_FRAME_DELIMS, dlt::IP_OVER_FC],
        _ => &[],
    };
    LinkChoice { dlt, cooked: COOKED.contains(&dlt), offered, unknown: false }
}

/// What an interface that calls itself Ethernet really carries.
fn ethernet(name: &[u8], wireless: bool, dsa_tagging: Option<&str>) -> i32 {
    // Android's name for modems that pass bare IP.
    if name.starts_with(b"cdma_rmnet") {
        return dlt::RAW;
    }
    match dsa_tagging.map(str::trim_end) {
        Some(tag) if !wireless && tag != "none" => {
            let known = DSA_TAGS.iter().find(|(name, _)| *name == tag);
            // A tag that nothing can dissect; taking it for Ethernet would be wrong.
            known.map_or(dlt::DEBUG_ONLY, |(_, dlt)| *dlt)
        }
        _ => dlt::EN10MB,
    }
}

/// The text of the warning for an unknown type.
#[must_use]
pub fn unknown_warning(arphrd: u16) -> String {
    format!("arptype {arphrd} not supported by libpcap - falling back to cooked socket")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(dlt: i32) -> LinkChoice {
        LinkChoice { dlt, cooked: false, offered: &[], unknown: false }
    }

    fn cooked(dlt: i32) -> LinkChoice {
        LinkChoice { cooked: true, ..plain(dlt) }
    }

    #[test]
    fn rows_are_sorted() {
        assert!(LINKS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn kernel_types() {
        let wired = LinkChoice { offered: &[1, 143], ..plain(1) };
        let fibre = LinkChoice { offered: &[224, 225, 122], ..plain(224) };
        let unknown = LinkChoice { unknown: true, ..cooked(113) };
        let cases = [
            (1, wired),
            (772, plain(1)),
            (23, plain(1)),
            (3, plain(202)),
            (280, plain(227)),
            (803, plain(127)),
            (0xfffe, plain(12)),
            (512, cooked(113)),
            (19, cooked(113)),
            (783, cooked(144)),
            (8445, cooked(177)),
            (824, cooked(253)),
            (826, plain(271)),
            (786, fibre),
            (519, unknown),
            (778, unknown),
            (0, unknown),
        ];
        for (arphrd, want) in cases {
            assert_eq!(map(arphrd, "eth0", false, None), want, "{arphrd}");
        }
        assert_eq!(
            unknown_warning(519),
            "arptype 519 not supported by libpcap - falling back to cooked socket"
        );
    }

    #[test]
    fn names_and_sysfs_tell_more() {
        assert_eq!(map(1, "wlan0", true, None), plain(1));
        assert_eq!(map(1, "cdma_rmnet0", false, None), plain(12));
        assert_eq!(map(1, "isdn0", false, None), cooked(113));
        assert_eq!(map(772, "isdY1", false, None), cooked(113));
        assert_eq!(map(0xfffe, "isdn0", false, None), plain(12));
    }

    #[test]
    fn dsa_conduits() {
        let tagged = |tag| map(1, "eth0", false, Some(tag));
        let tags = ["brcm\n", "brcm-prepend", "dsa\n", "edsa", "ocelot\n", "something new"];
        let want = [281, 282, 284, 285, 303, 303].map(plain);
        assert_eq!(tags.map(tagged), want);
        assert_eq!(tagged("none\n").offered, [1, 143]);
        assert_eq!(map(1, "wlan0", true, Some("dsa")), plain(1));
    }
}
