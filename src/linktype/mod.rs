//! Link-layer header types: their numbers in memory (`DLT_*`) and in savefiles (`LINKTYPE_*`), their
//! names, and how large a packet of each may be.
//!
//! Facts only; see <https://www.tcpdump.org/linktypes.html>. Which interface has which type is
//! [`crate::capture::arphrd`]'s business.

pub mod layout;
mod table;

use crate::inline::{ByName, Inline};

/// What is known of one `DLT_*` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The `DLT_*` number.
    pub dlt: i32,
    /// Its name, without `DLT_`.
    pub name: Inline<28>,
    /// A description for people.
    pub description: Inline<80>,
}

/// The `DLT_*` numbers that the library itself treats in some way of their own.
#[allow(missing_docs, reason = "the table describes each")]
pub mod dlt {
    pub const NULL: i32 = 0;
    pub const EN10MB: i32 = 1;
    pub const EN3MB: i32 = 2;
    pub const AX25: i32 = 3;
    pub const PRONET: i32 = 4;
    pub const CHAOS: i32 = 5;
    pub const IEEE802: i32 = 6;
    pub const ARCNET: i32 = 7;
    pub const SLIP: i32 = 8;
    pub const PPP: i32 = 9;
    pub const FDDI: i32 = 10;
    pub const ATM_RFC1483: i32 = 11;
    pub const RAW: i32 = 12;
    pub const SLIP_BSDOS: i32 = 15;
    pub const PPP_BSDOS: i32 = 16;
    pub const ATM_CLIP: i32 = 19;
    pub const REDBACK_SMARTEDGE: i32 = 32;
    pub const PPP_SERIAL: i32 = 50;
    pub const PPP_ETHER: i32 = 51;
    pub const SYMANTEC_FIREWALL: i32 = 99;
    pub const C_HDLC: i32 = 104;
    pub const IEEE802_11: i32 = 105;
    pub const FRELAY: i32 = 107;
    pub const LOOP: i32 = 108;
    pub const ENC: i32 = 109;
    pub const HDLC: i32 = 112;
    pub const LINUX_SLL: i32 = 113;
    pub const LTALK: i32 = 114;
    pub const PFLOG: i32 = 117;
    pub const PRISM_HEADER: i32 = 119;
    pub const IP_OVER_FC: i32 = 122;
    pub const SUNATM: i32 = 123;
    pub const IEEE802_11_RADIO: i32 = 127;
    pub const ARCNET_LINUX: i32 = 129;
    pub const JUNIPER_MLPPP: i32 = 130;
    pub const JUNIPER_MLFR: i32 = 131;
    pub const JUNIPER_ES: i32 = 132;
    pub const JUNIPER_GGSN: i32 = 133;
    pub const JUNIPER_MFR: i32 = 134;
    pub const JUNIPER_ATM2: i32 = 135;
    pub const JUNIPER_SERVICES: i32 = 136;
    pub const JUNIPER_ATM1: i32 = 137;
    pub const APPLE_IP_OVER_IEEE1394: i32 = 138;
    pub const MTP2_WITH_PHDR: i32 = 139;
    pub const MTP2: i32 = 140;
    pub const DOCSIS: i32 = 143;
    pub const LINUX_IRDA: i32 = 144;
    pub const IEEE802_11_RADIO_AVS: i32 = 163;
    pub const JUNIPER_MONITOR: i32 = 164;
    pub const BACNET_MS_TP: i32 = 165;
    pub const PPP_PPPD: i32 = 166;
    pub const JUNIPER_PPPOE: i32 = 167;
    pub const JUNIPER_PPPOE_ATM: i32 = 168;
    pub const LINUX_LAPD: i32 = 177;
    pub const JUNIPER_ETHER: i32 = 178;
    pub const JUNIPER_PPP: i32 = 179;
    pub const JUNIPER_FRELAY: i32 = 180;
    pub const JUNIPER_CHDLC: i32 = 181;
    pub const MFR: i32 = 182;
    pub const JUNIPER_VP: i32 = 183;
    pub const USB_LINUX: i32 = 189;
    pub const PPI: i32 = 192;
    pub const JUNIPER_ISM: i32 = 194;
    pub const ERF: i32 = 197;
    pub const JUNIPER_ST: i32 = 200;
    pub const AX25_KISS: i32 = 202;
    pub const USB_LINUX_MMAPPED: i32 = 220;
    pub const FC_2: i32 = 224;
    pub const FC_2_WITH_FRAME_DELIMS: i32 = 225;
    pub const IPNET: i32 = 226;
    pub const CAN_SOCKETCAN: i32 = 227;
    pub const IPV4: i32 = 228;
    pub const IPV6: i32 = 229;
    pub const IEEE802_15_4_NOFCS: i32 = 230;
    pub const DBUS: i32 = 231;
    pub const JUNIPER_VS: i32 = 232;
    pub const JUNIPER_SRX_E2E: i32 = 233;
    pub const JUNIPER_FIBRECHANNEL: i32 = 234;
    pub const JUNIPER_ATM_CEMIC: i32 = 238;
    pub const NFLOG: i32 = 239;
    pub const NETANALYZER: i32 = 240;
    pub const NETANALYZER_TRANSPARENT: i32 = 241;
    pub const PFSYNC: i32 = 246;
    pub const USBPCAP: i32 = 249;
    pub const NETLINK: i32 = 253;
    pub const VSOCK: i32 = 271;
    pub const LINUX_SLL2: i32 = 276;
    pub const EBHSCR: i32 = 279;
    pub const DSA_TAG_BRCM: i32 = 281;
    pub const DSA_TAG_BRCM_PREPEND: i32 = 282;
    pub const DSA_TAG_DSA: i32 = 284;
    pub const DSA_TAG_EDSA: i32 = 285;
    pub const DEBUG_ONLY: i32 = 303;
}

/// Names that libpcap 1.10 gave and programs may still ask for.
const FORMER_NAMES: &[(&str, i32)] = &[("IPMB_LINUX", 209)];

/// The types whose `LINKTYPE_*` number is not their `DLT_*` number: BSDs disagreed about these
/// before savefiles got numbers of their own.
const RENUMBERED: &[(i32, u32)] = &[(11, 100), (12, 101), (15, 102), (16, 103), (19, 106)];

/// The types outside the ranges below that have one number for both purposes.
const SAME: &[i32] = &[32, 50, 51, 99];

/// The highest number that is assigned; from 104 on, both numbers are the same.
const LAST: i32 = 304;

/// The packet length that libpcap never exceeds for most types, `MAXIMUM_SNAPLEN`.
pub const MAXIMUM_SNAPLEN: u32 = 262_144;

/// Every type that has a name, by number.
#[must_use]
pub fn all() -> &'static [Row] {
    table::ROWS
}

/// Where each number's row is: beyond the rows of those that have none.
static PLACES: [u8; LAST as usize + 1] = {
    let mut places = [u8::MAX; LAST as usize + 1];
    let mut n = 0;
    while n < table::ROWS.len() {
        places[table::ROWS[n].dlt as usize] = n as u8;
        n += 1;
    }
    assert!(table::ROWS.len() < u8::MAX as usize);
    places
};

/// The row of a `DLT_*` number.
#[must_use]
pub fn by_dlt(dlt: i32) -> Option<&'static Row> {
    let place = PLACES.get(usize::try_from(dlt).ok()?)?;
    all().get(usize::from(*place))
}

/// The row of a name, in any case of letters and without `DLT_`.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Row> {
    by_name_in_bytes(name.as_bytes())
}

/// As [`by_name`], of a name that may be no text. Most ask in capitals, as the row has it.
#[must_use]
pub fn by_name_in_bytes(name: &[u8]) -> Option<&'static Row> {
    let is_called = |row: &&Row| row.name.as_bytes() == name;
    rows_like(name).find(is_called).or_else(|| by_other_name(name))
}

/// The rows that may have this name.
#[inline]
fn rows_like(name: &[u8]) -> impl Iterator<Item = &'static Row> {
    BY_NAME.rows(name).filter_map(|row| all().get(row))
}

/// The row of a name in small letters, or of one that it had.
#[cold]
#[inline(never)]
fn by_other_name(name: &[u8]) -> Option<&'static Row> {
    let former = |(former, _): &&(&str, i32)| former.as_bytes().eq_ignore_ascii_case(name);
    let by_former_name = || FORMER_NAMES.iter().find(former).and_then(|(_, dlt)| by_dlt(*dlt));
    let is_called = |row: &&Row| row.name.as_bytes().eq_ignore_ascii_case(name);
    rows_like(name).find(is_called).or_else(by_former_name)
}

static BY_NAME: ByName<{ table::ROWS.len() }> = {
    let mut names: [&[u8]; table::ROWS.len()] = [&[]; table::ROWS.len()];
    let mut n = 0;
    while n < names.len() {
        names[n] = table::ROWS[n].name.as_bytes();
        n += 1;
    }
    ByName::new(names)
};

/// The number that a savefile says `dlt` with, if it has one. It need not have a name.
#[must_use]
pub fn dlt_to_linktype(dlt: i32) -> Option<u32> {
    if let Some((_, linktype)) = RENUMBERED.iter().find(|(from, _)| *from == dlt) {
        return Some(*linktype);
    }
    let same = matches!(dlt, 0..=10 | 104..=LAST) || SAME.contains(&dlt);
    same.then_some(dlt.cast_unsigned())
}

/// The `DLT_*` number of what a savefile says. An unknown number is taken for a newer `DLT_*`.
#[must_use]
pub fn linktype_to_dlt(linktype: u32) -> i32 {
    let renumbered = RENUMBERED.iter().find(|(_, to)| *to == linktype);
    renumbered.map_or(linktype.cast_signed(), |(dlt, _)| *dlt)
}

/// The longest packet that a savefile or a handle of this type may hold.
#[must_use]
pub fn max_snaplen(dlt: i32) -> u32 {
    match dlt {
        dlt::DBUS => 128 << 20,
        dlt::EBHSCR => 8 << 20,
        dlt::USBPCAP => 1 << 20,
        _ => MAXIMUM_SNAPLEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_unique() {
        assert_eq!(all().len(), 188);
        assert!(all().windows(2).all(|pair| pair[0].dlt < pair[1].dlt));
        for row in all() {
            assert_eq!(by_name(row.name.as_str()), Some(row), "a name stands once");
            assert_eq!(by_dlt(row.dlt), Some(row));
            assert!(dlt_to_linktype(row.dlt).is_some(), "{:?}", row.name);
        }
    }

    #[test]
    fn rows_say_what_libpcap_says() {
        let cases = [
            (0, c"NULL", c"BSD loopback"),
            (1, c"EN10MB", c"Ethernet"),
            (12, c"RAW", c"Raw IPv4/IPv6"),
            (113, c"LINUX_SLL", c"Linux cooked v1"),
            (147, c"USER0", c"Private use 0"),
            (195, c"IEEE802_15_4", c"IEEE 802.15.4 with FCS"),
            (276, c"LINUX_SLL2", c"Linux cooked v2"),
            (303, c"DEBUG_ONLY", c"unstructured data for manual debugging only"),
        ];
        for (number, name, description) in cases {
            let row = by_dlt(number).unwrap();
            assert_eq!((row.name.as_c_str(), row.description.as_c_str()), (name, description));
            assert_eq!(
                by_name(&name.to_str().unwrap().to_lowercase()).map(|row| row.dlt),
                Some(number)
            );
        }
        for number in [-1, 13, 14, 305] {
            assert_eq!(by_dlt(number), None);
        }
        assert_eq!(by_name("ipmb_linux"), by_name("I2C_LINUX"));
        assert_eq!(by_name("DLT_EN10MB"), None);
        assert_eq!(by_name(""), None);
    }

    #[test]
    fn numbers_in_savefiles() {
        let cases = [
            (0, Some(0)),
            (12, Some(101)),
            (13, None),
            (14, None),
            (19, Some(106)),
            (50, Some(50)),
        ];
        for (number, want) in cases {
            assert_eq!(dlt_to_linktype(number), want, "{number}");
        }
        assert_eq!(dlt_to_linktype(126), Some(126), "a type without a name");
        assert_eq!((dlt_to_linktype(305), dlt_to_linktype(-1)), (None, None));
        assert_eq!((linktype_to_dlt(101), linktype_to_dlt(12)), (12, 12));
        assert_eq!((linktype_to_dlt(106), linktype_to_dlt(999)), (19, 999));
        for row in all() {
            assert_eq!(dlt_to_linktype(row.dlt).map(linktype_to_dlt), Some(row.dlt));
        }
    }

    #[test]
    fn large_packets() {
        let largest = [dlt::EN10MB, dlt::DBUS, dlt::EBHSCR, dlt::USBPCAP].map(max_snaplen);
        assert_eq!(largest, [262_144, 134_217_728, 8_388_608, 1_048_576]);
    }

    #[test]
    fn constants_name_their_rows() {
        let pairs = [
            (dlt::IEEE802_11_RADIO, "IEEE802_11_RADIO"),
            (dlt::LINUX_IRDA, "LINUX_IRDA"),
            (dlt::LINUX_LAPD, "LINUX_LAPD"),
            (dlt::AX25_KISS, "AX25_KISS"),
            (dlt::FC_2_WITH_FRAME_DELIMS, "FC_2_WITH_FRAME_DELIMS"),
            (dlt::CAN_SOCKETCAN, "CAN_SOCKETCAN"),
            (dlt::IEEE802_15_4_NOFCS, "IEEE802_15_4_NOFCS"),
            (dlt::NETLINK, "NETLINK"),
            (dlt::VSOCK, "VSOCK"),
            (dlt::DSA_TAG_BRCM_PREPEND, "DSA_TAG_BRCM_PREPEND"),
            (dlt::DSA_TAG_EDSA, "DSA_TAG_EDSA"),
        ];
        for (number, name) in pairs {
            assert_eq!(by_dlt(number).map(|row| row.name.as_str()), Some(name));
        }
    }
}
