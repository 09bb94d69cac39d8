//! Addresses as pcap-filter(7) writes them, from text to numbers: MAC-48, MAC-8 (ARCNET), DECnet, and
//! the one to four numbers of an IPv4 address or network.
//!
//! IPv6 addresses are not here: the C library and Rust's agree on those. Names of any kind are not
//! addresses; `resolver.rs` is for them.

/// A MAC-48 address: twelve hexadecimal digits, three groups of four between dots, or six groups of one
/// or two with colons, dots or hyphens between them, of which one kind.
#[must_use]
pub fn mac48(text: &[u8]) -> Option<[u8; 6]> {
    let separates = |byte: &u8| matches!(byte, b':' | b'.' | b'-');
    let is_dot = |byte: &u8| *byte == b'.';
    let value = match text.iter().position(separates) {
        Some(at @ (1 | 2)) => return octets(text, *text.get(at)?),
        Some(4) if text.len() == 14 && text.split(is_dot).all(|group| group.len() == 4) => {
            hexadecimal(text.iter().filter(|byte| !is_dot(byte)))?
        }
        None if text.len() == 12 => hexadecimal(text)?,
        _ => return None,
    };
    let [_, _, address @ ..] = value.to_be_bytes();
    Some(address)
}

/// Six numbers of one or two hexadecimal digits.
fn octets(mut text: &[u8], separator: u8) -> Option<[u8; 6]> {
    let mut address = [0; 6];
    for (n, place) in address.iter_mut().enumerate() {
        if n > 0 {
            text = text.strip_prefix(&[separator])?;
        }
        let [digit, rest @ ..] = text else { return None };
        (*place, text) = (hexadecimal_digit(*digit)?, rest);
        if let [digit, rest @ ..] = text
            && let Some(low) = hexadecimal_digit(*digit)
        {
            (*place, text) = (*place << 4 | low, rest);
        }
    }
    text.is_empty().then_some(address)
}

/// A MAC-8 address, `$` and one or two hexadecimal digits.
#[must_use]
pub fn mac8(text: &[u8]) -> Option<u8> {
    let digits = text.strip_prefix(b"$").filter(|digits| (1..=2).contains(&digits.len()))?;
    u8::try_from(hexadecimal(digits)?).ok()
}

/// A DECnet address, `area.node`, as the 16 bits that packets have of it: six for the area, ten for the
/// node.
#[must_use]
pub fn decnet(text: &[u8]) -> Option<u16> {
    let dot = text.iter().position(|byte| *byte == b'.')?;
    let (area, node) = (decimal(text.get(..dot)?, 63)?, decimal(text.get(dot + 1..)?, 1023)?);
    u16::try_from(area << 10 | node).ok()
}

/// The first numbers of an IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Parts {
    /// The numbers, the last one lowest: 10.1 is 0x0a01.
    pub value: u32,
    /// How many bits were given: 8 for each number.
    pub bits: u32,
}

impl Ipv4Parts {
    /// The address that begins with these numbers and goes on with zeros.
    #[must_use]
    pub fn address(self) -> u32 {
        self.value << (32 - self.bits)
    }

    /// The mask of the bits that were given.
    #[must_use]
    pub fn mask(self) -> u32 {
        u32::MAX << (32 - self.bits)
    }
}

/// One to four decimal numbers with dots between them. A number may begin with zeros and is decimal then,
/// too, which it would not be for inet_aton(3).
#[must_use]
pub fn ipv4(text: &[u8]) -> Option<Ipv4Parts> {
    let mut parts = Ipv4Parts { value: 0, bits: 0 };
    for number in text.split(|byte| *byte == b'.') {
        if parts.bits == 32 {
            return None;
        }
        parts = Ipv4Parts { value: parts.value << 8 | decimal(number, 255)?, bits: parts.bits + 8 };
    }
    Some(parts)
}

/// The number that these digits are, up to `max`.
fn decimal(digits: &[u8], max: u32) -> Option<u32> {
    let value = digits.iter().try_fold(0_u32, |value, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        value.checked_mul(10)?.checked_add(digit).filter(|value| *value <= max)
    })?;
    (!digits.is_empty()).then_some(value)
}

/// The number that these digits are, of which there are 16 at most.
fn hexadecimal<'t>(digits: impl IntoIterator<Item = &'t u8>) -> Option<u64> {
    digits
        .into_iter()
        .try_fold(0, |value, digit| Some(value << 4 | u64::from(hexadecimal_digit(*digit)?)))
}

/// What a hexadecimal digit is worth.
fn hexadecimal_digit(digit: u8) -> Option<u8> {
    /// By the digit; [`NONE`] for what is none.
    static WORTH: [u8; 256] = {
        let mut worth = [NONE; 256];
        let mut n = 0;
        while n < 16 {
            let digit = b"0123456789abcdef"[n];
            worth[digit as usize] = n as u8;
            worth[digit.to_ascii_uppercase() as usize] = n as u8;
            n += 1;
        }
        worth
    };
    const NONE: u8 = 16;
    let worth = WORTH[usize::from(digit)];
    (worth != NONE).then_some(worth)
}

#[cfg(test)]
mod tests;
