//! Protocols that pcap-filter(7) knows by names of its own: EtherTypes, LLC SAPs, ISO network layer
//! protocols. IP protocols are the system's, of protocols(5): `sys/netdb.rs`.

use crate::inline::{Inline, table};

/// EtherTypes, as `ether proto NAME` takes them. IEEE 802 Numbers, and DEC's.
static ETHERTYPES: [(Inline<10>, u16); 14] = table([
    ("aarp", 0x80f3),
    ("arp", 0x0806),
    ("atalk", 0x809b),
    ("decnet", 0x6003),
    ("ip", 0x0800),
    ("ip6", 0x86dd),
    ("lat", 0x6004),
    ("lldp", 0x88cc),
    ("loopback", 0x9000),
    ("mopdl", 0x6001),
    ("moprc", 0x6002),
    ("rarp", 0x8035),
    ("sca", 0x6007),
    ("slow", 0x8809),
]);

/// LLC service access points, which `ether proto NAME` takes too. IEEE 802.2.
static LLC_SAPS: [(Inline<10>, u8); 4] =
    table([("iso", 0xfe), ("stp", 0x42), ("ipx", 0xe0), ("netbeui", 0xf0)]);

/// Network layer protocol identifiers, as `iso proto NAME` takes them. ISO/IEC TR 9577.
static ISO_PROTOCOLS: [(Inline<10>, u8); 3] =
    table([("clnp", 0x81), ("esis", 0x82), ("isis", 0x83)]);

fn find<T: Copy>(table: &[(Inline<10>, T)], name: &[u8]) -> Option<T> {
    table.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, number)| *number)
}

/// The EtherType of this name.
#[must_use]
pub fn ethertype(name: &[u8]) -> Option<u16> {
    find(&ETHERTYPES, name)
}

/// The LLC SAP of this name.
#[must_use]
pub fn llc_sap(name: &[u8]) -> Option<u8> {
    find(&LLC_SAPS, name)
}

/// The ISO network layer protocol of this name.
#[must_use]
pub fn iso_protocol(name: &[u8]) -> Option<u8> {
    find(&ISO_PROTOCOLS, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        assert_eq!((ethertype(b"ip"), ethertype(b"slow")), (Some(0x800), Some(0x8809)));
        assert_eq!((llc_sap(b"stp"), llc_sap(b"iso")), (Some(0x42), Some(0xfe)));
        assert_eq!((iso_protocol(b"clnp"), iso_protocol(b"isis")), (Some(0x81), Some(0x83)));
        for name in [&b""[..], b"IP", b"ip ", b"ip66", b"i", b"\xff", b"tcp"] {
            assert_eq!((ethertype(name), llc_sap(name), iso_protocol(name)), (None, None, None));
        }
    }

    /// A `\0` must not end a name early.
    #[test]
    fn names_are_whole() {
        assert_eq!((ethertype(b"ip\0"), llc_sap(b"ipx\0x")), (None, None));
    }
}
