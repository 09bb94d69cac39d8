//! Words that have a meaning only in one place: after `type`, `subtype`, `dir`, `llc`, `reason`, `action`.
//!
//! They are no keywords; case does not matter. Values are those of IEEE 802.11 and 802.2, and OpenBSD's
//! `net/pfvar.h` as libpcap knows it on Linux.

use super::ast::Llc;
use crate::inline::{Inline, table};

/// A name and its value.
pub type Words = &'static [(Inline<24>, u8)];

/// The value of a name.
pub fn value(names: Words, name: &str) -> Option<u8> {
    names
        .iter()
        .find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name.as_bytes()))
        .map(|&(_, value)| value)
}

/// The first name of a value.
pub fn name(words: Words, value: u8) -> Option<&'static str> {
    words.iter().find(|&&(_, known)| known == value).map(|(name, _)| name.as_str())
}

/// The bits of the type in the first byte of a frame control field.
pub const WLAN_TYPE_MASK: u8 = 0x0c;
/// The bits of the subtype in the same byte.
pub const WLAN_SUBTYPE_MASK: u8 = 0xf0;
/// The bits of the direction in the second byte.
pub const WLAN_DIR_MASK: u8 = 0x03;

/// `type`.
pub const WLAN_TYPES: Words =
    &table([("data", 0x08), ("mgt", 0x00), ("management", 0x00), ("ctl", 0x04), ("control", 0x04)]);

/// `subtype` of each type that has names.
pub const WLAN_SUBTYPES: [(u8, Words); 3] = [(0x00, MANAGEMENT), (0x04, CONTROL), (0x08, DATA)];

const MANAGEMENT: Words = &table([
    ("assocreq", 0x00),
    ("assoc-req", 0x00),
    ("assocresp", 0x10),
    ("assoc-resp", 0x10),
    ("reassocreq", 0x20),
    ("reassoc-req", 0x20),
    ("reassocresp", 0x30),
    ("reassoc-resp", 0x30),
    ("probereq", 0x40),
    ("probe-req", 0x40),
    ("proberesp", 0x50),
    ("probe-resp", 0x50),
    ("beacon", 0x80),
    ("atim", 0x90),
    ("disassoc", 0xa0),
    ("disassociation", 0xa0),
    ("auth", 0xb0),
    ("authentication", 0xb0),
    ("deauth", 0xc0),
    ("deauthentication", 0xc0),
]);

const CONTROL: Words = &table([
    ("bar", 0x80),
    ("ba", 0x90),
    ("ps-poll", 0xa0),
    ("rts", 0xb0),
    ("cts", 0xc0),
    ("ack", 0xd0),
    ("cf-end", 0xe0),
    ("cf-end-ack", 0xf0),
]);

const DATA: Words = &table([
    ("data", 0x00),
    ("data-cf-ack", 0x10),
    ("data-cf-poll", 0x20),
    ("data-cf-ack-poll", 0x30),
    ("null", 0x40),
    ("cf-ack", 0x50),
    ("cf-poll", 0x60),
    ("cf-ack-poll", 0x70),
    ("qos-data", 0x80),
    ("qos-data-cf-ack", 0x90),
    ("qos-data-cf-poll", 0xa0),
    ("qos-data-cf-ack-poll", 0xb0),
    ("qos", 0xc0),
    ("qos-cf-poll", 0xe0),
    ("qos-cf-ack-poll", 0xf0),
]);

/// `dir`.
pub const WLAN_DIRS: Words = &table([("nods", 0), ("tods", 1), ("fromds", 2), ("dstods", 3)]);

/// `llc`.
pub fn llc(name: &str) -> Option<Llc> {
    let known =
        LLC.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name.as_bytes()));
    known.map(|&(_, llc)| llc)
}

/// The name of what `llc` is followed by.
pub fn llc_name(llc: Llc) -> Option<&'static str> {
    LLC.iter().find(|&&(_, known)| known == llc).map(|(name, _)| name.as_str())
}

/// `rnr` is a keyword: the parser maps it to the one here.
pub const LLC_RNR: Llc = Llc::SSubtype(0x05);

static LLC: [(Inline<8>, Llc); 14] = table([
    ("i", Llc::I),
    ("s", Llc::S),
    ("u", Llc::U),
    ("rr", Llc::SSubtype(0x01)),
    ("rnr", LLC_RNR),
    ("rej", Llc::SSubtype(0x09)),
    ("ui", Llc::USubtype(0x03)),
    ("ua", Llc::USubtype(0x63)),
    ("disc", Llc::USubtype(0x43)),
    ("dm", Llc::USubtype(0x0f)),
    ("sabme", Llc::USubtype(0x6f)),
    ("test", Llc::USubtype(0xe3)),
    ("xid", Llc::USubtype(0xaf)),
    ("frmr", Llc::USubtype(0x87)),
]);

/// `reason`.
pub const PF_REASONS: Words = &table([
    ("match", 0),
    ("bad-offset", 1),
    ("fragment", 2),
    ("short", 3),
    ("normalize", 4),
    ("memory", 5),
    ("bad-timestamp", 6),
    ("congestion", 7),
    ("ip-option", 8),
    ("proto-cksum", 9),
    ("state-mismatch", 10),
    ("state-insert", 11),
    ("state-limit", 12),
    ("src-limit", 13),
    ("synproxy", 14),
]);

/// `action`.
pub const PF_ACTIONS: Words = &table([
    ("pass", 0),
    ("accept", 0),
    ("drop", 1),
    ("block", 1),
    ("scrub", 2),
    ("noscrub", 3),
    ("nat", 4),
    ("nonat", 5),
    ("binat", 6),
    ("nobinat", 7),
    ("rdr", 8),
    ("nordr", 9),
    ("synproxy-drop", 10),
]);
