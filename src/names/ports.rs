//! Ports by name or number, and ranges of them, as pcap_nametoport() and pcap_nametoportrange() take them.
//! The names are those of services(5).

use crate::sys::netdb::{AddrInfo, Failure, Transport};
use std::ffi::{CStr, CString};

/// What a port is a port of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortProtocol {
    /// Of TCP.
    Tcp,
    /// Of UDP.
    Udp,
    /// Of TCP, UDP and others alike: a number, or the name of a service that has the same port in both.
    Any,
}

impl PortProtocol {
    /// Its number as IP has it, -1 (`PROTO_UNDEF`) for any.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Tcp => libc::IPPROTO_TCP,
            Self::Udp => libc::IPPROTO_UDP,
            Self::Any => -1,
        }
    }
}

/// A port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// What it is a port of.
    pub protocol: PortProtocol,
}

/// Two ports, in the order in which they were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// The number of the first, which is no port's if it is above 65,535.
    pub first: u32,
    /// The number of the second, likewise.
    pub second: u32,
    /// What both are ports of.
    pub protocol: PortProtocol,
}

/// The port of this name or number.
pub fn port(name: &CStr) -> Result<Port, Failure> {
    match numeral(name.to_bytes()) {
        Some(number) => {
            let number = u16::try_from(number).map_err(|_| Failure::Unknown)?;
            Ok(Port { number, protocol: PortProtocol::Any })
        }
        None => choose(service(name, Transport::Tcp)?, service(name, Transport::Udp)?)
            .ok_or(Failure::Unknown),
    }
}

/// The ports on both sides of a hyphen. A number may be too high for a port, which the caller has to check.
///
/// QUIRK: it is the first hyphen of all, and a service whose name has one is not found.
#[must_use]
pub fn port_range(text: &CStr) -> Option<PortRange> {
    let bytes = text.to_bytes();
    let hyphen = bytes.iter().position(|byte| *byte == b'-')?;
    let (first, protocol) = limit(bytes.get(..hyphen)?)?;
    let (second, of_second) = limit(bytes.get(hyphen + 1..)?)?;
    let protocol = if of_second == protocol { protocol } else { PortProtocol::Any };
    Some(PortRange { first, second, protocol })
}

/// One side of a range.
fn limit(text: &[u8]) -> Option<(u32, PortProtocol)> {
    match numeral(text) {
        Some(number) if number <= i32::MAX as u64 => {
            Some((u32::try_from(number).ok()?, PortProtocol::Any))
        }
        Some(_) => None,
        None => {
            let port = port(&CString::new(text).ok()?).ok()?;
            Some((port.number.into(), port.protocol))
        }
    }
}

/// The number that getaddrinfo(3) would take this for, which is strtoul(3)'s; `None` if it is none. Asked
/// itself, getaddrinfo takes 65,616 for 80.
fn numeral(text: &[u8]) -> Option<u64> {
    let text = match text.iter().position(|byte| !b" \t\n\x0b\x0c\r".contains(byte)) {
        Some(start) => text.get(start..)?,
        None => return None,
    };
    let digits = text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text);
    let value = digits.iter().try_fold(0_u64, |value, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        Some(value.saturating_mul(10).saturating_add(digit.into()))
    })?;
    let negative = text.first() == Some(&b'-') && value != 0;
    (!digits.is_empty()).then_some(if negative { u64::MAX } else { value })
}

/// The port that a service has with this protocol.
///
/// QUIRK: getaddrinfo(3) takes the empty name for port 0.
fn service(name: &CStr, transport: Transport) -> Result<Option<u16>, Failure> {
    match AddrInfo::of_service(name, transport) {
        Ok(list) => Ok(list.addresses().next().map(|address| address.port())),
        Err(Failure::Unknown) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The port of a service that has these with TCP and with UDP.
///
/// QUIRK: one that differs between them is TCP's.
fn choose(tcp: Option<u16>, udp: Option<u16>) -> Option<Port> {
    let (number, protocol) = match (tcp, udp) {
        (Some(tcp), udp) if udp == Some(tcp) => (tcp, PortProtocol::Any),
        (Some(tcp), _) => (tcp, PortProtocol::Tcp),
        (None, Some(udp)) => (udp, PortProtocol::Udp),
        (None, None) => return None,
    };
    Some(Port { number, protocol })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(number: u16) -> Result<Port, Failure> {
        Ok(Port { number, protocol: PortProtocol::Any })
    }

    fn range(text: &CStr) -> Option<(u32, u32)> {
        port_range(text).map(|range| {
            assert_eq!(range.protocol, PortProtocol::Any);
            (range.first, range.second)
        })
    }

    #[test]
    fn numbers() {
        for (text, number) in
            [(c"80", 80), (c"0", 0), (c"65535", 65535), (c"00080", 80), (c" \t+80", 80), (c"-0", 0)]
        {
            assert_eq!(port(text), any(number), "{text:?}");
        }
    }

    /// Nothing is cut to 16 or 32 bits.
    #[test]
    fn numbers_that_are_no_port() {
        for text in
            [c"65536", c"99999", c"4294967376", c"18446744073709551696", c"-1", c"-4294967216"]
        {
            assert_eq!(port(text), Err(Failure::Unknown), "{text:?}");
        }
        assert_eq!(
            port(&CString::new(vec![b'9'; 100_000]).expect("no NUL")),
            Err(Failure::Unknown)
        );
    }

    #[test]
    fn neither_name_nor_number() {
        for text in [c"*", c"80 ", c"0x50", c"8 0", c"+", c"-", c" ", c"80.", c"no-such-service"] {
            assert_eq!(port(text), Err(Failure::Unknown), "{text:?}");
        }
    }

    #[test]
    fn ranges_of_numbers() {
        assert_eq!(range(c"1-2"), Some((1, 2)));
        assert_eq!(range(c"2-1"), Some((2, 1)));
        assert_eq!(range(c" 1- 2"), Some((1, 2)));
        assert_eq!(range(c"1-99999"), Some((1, 99_999)));
        assert_eq!(range(c"70000-2147483647"), Some((70_000, 2_147_483_647)));
    }

    #[test]
    fn no_ranges() {
        for text in [
            c"",
            c"80",
            c"1-2x",
            c"1-2-3",
            c"1--2",
            c"-1-2",
            c"1-2147483648",
            c"99999999999-1",
            c"x-1",
            c"1-*",
        ] {
            assert_eq!(port_range(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_empty_side_is_port_0() {
        assert_eq!(
            (range(c"-80"), range(c"80-"), range(c"-")),
            (Some((0, 80)), Some((80, 0)), Some((0, 0)))
        );
    }

    #[test]
    fn one_name_in_both_protocols() {
        let of = |tcp, udp| choose(tcp, udp).map(|port| (port.number, port.protocol.number()));
        assert_eq!(of(Some(53), Some(53)), Some((53, -1)));
        assert_eq!(of(Some(512), Some(513)), Some((512, 6)));
        assert_eq!(of(Some(80), None), Some((80, 6)));
        assert_eq!(of(None, Some(69)), Some((69, 17)));
        assert_eq!(of(None, None), None);
    }
}
