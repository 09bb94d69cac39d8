//! Ports and ranges of them, by number or by the name of a service.

use super::{Result, as_side, at_most, invalid};
use crate::filter::ast::{Dir, Kind, Proto, Quals};
use crate::filter::pred::{Match, Side};
use crate::names::ports::PortProtocol;
use crate::names::resolver::{Failure, Resolver};

const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// The protocol that ports are asked of.
fn protocol(proto: Option<Proto>, kind: Kind) -> Result<Option<u8>> {
    match proto {
        None => Ok(None),
        Some(Proto::Tcp) => Ok(Some(TCP)),
        Some(Proto::Udp) => Ok(Some(UDP)),
        Some(Proto::Sctp) => Ok(Some(SCTP)),
        Some(other) => Err(invalid(other, kind)),
    }
}

fn side(dir: Option<Dir>, kind: Kind) -> Result<Side> {
    as_side(dir).map_err(|dir| invalid(dir, kind))
}

/// The protocol that is asked for, where the name's does not contradict; else the name's.
fn agree(wanted: Option<u8>, named: PortProtocol, what: &str) -> Result<Option<u8>> {
    match (wanted, named) {
        (Some(UDP | SCTP), PortProtocol::Tcp) => Err(format!("{what} is tcp")),
        (Some(TCP | SCTP), PortProtocol::Udp) => Err(format!("{what} is udp")),
        (Some(wanted), _) => Ok(Some(wanted)),
        (None, PortProtocol::Tcp) => Ok(Some(TCP)),
        (None, PortProtocol::Udp) => Ok(Some(UDP)),
        (None, PortProtocol::Any) => Ok(None),
    }
}

/// `port N` and `portrange N`.
pub(super) fn by_number(quals: Quals, kind: Kind, number: u32) -> Result<Match> {
    let protocol = protocol(quals.proto, kind)?;
    let port = port_number(number)?;
    Ok(Match::Ports { protocol, low: port, high: port, side: side(quals.dir, kind)? })
}

fn port_number(number: u32) -> Result<u16> {
    at_most("port number", number, u16::MAX)
}

/// `port NAME`.
pub(super) fn by_name(quals: Quals, name: &str, names: &dyn Resolver) -> Result<Match> {
    let wanted = protocol(quals.proto, Kind::Port)?;
    let port = names.port(name.as_bytes()).map_err(|_| format!("unknown port '{name}'"))?;
    let protocol = agree(wanted, port.protocol, &format!("port '{name}'"))?;
    let side = side(quals.dir, Kind::Port)?;
    Ok(Match::Ports { protocol, low: port.number, high: port.number, side })
}

/// `portrange LOW-HIGH`, in either order.
///
/// QUIRK: a service whose name has a hyphen cannot be an end of a range.
pub(super) fn range(quals: Quals, text: &str, names: &dyn Resolver) -> Result<Match> {
    let kind = Kind::PortRange;
    let wanted = protocol(quals.proto, kind)?;
    let wrong = |what: &str| format!("port range '{text}' {what}");
    let (first, second) = text.split_once('-').ok_or_else(|| wrong("contains no hyphen"))?;
    if second.contains('-') {
        return Err(wrong("contains more than one hyphen"));
    }
    if first.is_empty() {
        return Err(wrong("has no starting port"));
    }
    let (first, named) = end(first, names)?;
    if second.is_empty() {
        return Err(wrong("has no ending port"));
    }
    let (second, also_named) = end(second, names)?;
    let named = if also_named == named { named } else { PortProtocol::Any };
    let protocol = agree(wanted, named, &format!("port in range '{text}'"))?;
    let (first, second) = (port_number(first)?, port_number(second)?);
    let side = side(quals.dir, kind)?;
    Ok(Match::Ports { protocol, low: first.min(second), high: first.max(second), side })
}

/// One end of a range. A number may be too high for a port.
fn end(text: &str, names: &dyn Resolver) -> Result<(u32, PortProtocol)> {
    match numeral(text) {
        Numeral::Value(number) => return Ok((number, PortProtocol::Any)),
        Numeral::TooLarge(base) => return Err(format!("{base} number {text} overflows 32 bits")),
        Numeral::None => (),
    }
    match names.port(text.as_bytes()) {
        Ok(port) => Ok((port.number.into(), port.protocol)),
        Err(Failure::Unknown) => Err(format!("'{text}' is not a valid port")),
        // QUIRK: the parenthesis is missing.
        Err(Failure::System(errno)) => {
            Err(format!("getaddrinfo(\"{text}\" fails with system error: {}", errno.0))
        }
        Err(Failure::Other(code)) => {
            Err(format!("getaddrinfo(\"{text}\") fails with error: {code}"))
        }
    }
}

enum Numeral {
    Value(u32),
    TooLarge(&'static str),
    None,
}

/// A number as expressions have them: octal after a 0, hexadecimal after 0x, else decimal.
fn numeral(text: &str) -> Numeral {
    let (digits, radix, base) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (text.get(2..), 16, "hexadecimal"),
        [b'0', ..] => (text.get(1..), 8, "octal"),
        _ => (Some(text), 10, "decimal"),
    };
    let mut value = 0_u32;
    for digit in digits.unwrap_or_default().chars() {
        let Some(digit) = digit.to_digit(radix) else { return Numeral::None };
        match value.checked_mul(radix).and_then(|value| value.checked_add(digit)) {
            Some(next) => value = next,
            None => return Numeral::TooLarge(base),
        }
    }
    Numeral::Value(value)
}
