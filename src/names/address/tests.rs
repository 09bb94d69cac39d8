//! The forms of addresses by example, and MAC-48 addresses against the manual's grammar.

use super::*;

const AA: [u8; 6] = [0xaa, 0, 4, 0, 0x1d, 4];

#[test]
fn mac48_forms() {
    for text in [
        "aa0004001d04",
        "AA0004001D04",
        "aa00.0400.1d04",
        "aa:00:04:00:1d:04",
        "aa-0-4-0-1d-4",
        "AA.0.04.0.1D.4",
    ] {
        assert_eq!(mac48(text.as_bytes()), Some(AA), "{text}");
    }
    assert_eq!(mac48(b"1:2:3:4:5:6"), Some([1, 2, 3, 4, 5, 6]));
    assert_eq!(mac48(b"ff:ff:ff:ff:ff:ff"), Some([0xff; 6]));
}

#[test]
fn malformed_mac48() {
    for text in [
        "",
        "aa",
        "aa0004001d0",
        "aa0004001d040",
        "aa0004001d0g",
        "aa00:0400:1d04",
        "aa00-0400-1d04",
        "aa00.0400.1d0",
        "aa00.0400.1d040",
        "aa00.040.01d04",
        "aa:00:04:00:1d",
        "aa:00:04:00:1d:",
        ":aa:00:04:00:1d",
        "aa::00:04:00:1d",
        "aa:00:04:00:1d:04:00",
        "aa:00:04:00:1d:004",
        "aa:00:04:00:1d-04",
        "aa:00.04:00.1d:04",
        "aa:00:04:00:1d: 4",
        "aa:00:04:00:1d:+4",
        " aa:00:04:00:1d:4",
        "aa:00:04:00:1d:4\n",
        "aa_00_04_00_1d_04",
        "......",
        ":::::",
    ] {
        assert_eq!(mac48(text.as_bytes()), None, "{text}");
    }
    assert_eq!(mac48(&[b'a'; 1 << 20]), None);
    assert_eq!(mac48(b"aa:00:04:00:1d:\xff"), None);
}

/// The manual's three regular expressions, one byte after the other, sharing nothing with the parser.
fn grammar(text: &[u8]) -> bool {
    let shape: Vec<u8> =
        text.iter().map(|b| if b.is_ascii_hexdigit() { b'x' } else { *b }).collect();
    if shape == *b"xxxxxxxxxxxx" || shape == *b"xxxx.xxxx.xxxx" {
        return true;
    }
    b":-.".iter().any(|separator| {
        let mut rest = &shape[..];
        for group in 0..6 {
            if group > 0 {
                match rest.strip_prefix(&[*separator]) {
                    Some(after) => rest = after,
                    None => return false,
                }
            }
            match rest.strip_prefix(b"xx").or_else(|| rest.strip_prefix(b"x")) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.is_empty()
    })
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// Well-formed texts, each with up to two changes, so that both verdicts are frequent.
#[test]
fn random_mac48_by_the_grammar() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..200_000 {
        let mut text = Vec::new();
        let (groups, most, separator) =
            [(1, 12, b':'), (3, 4, b'.'), (6, 2, b":.-"[random.below(3)])][random.below(3)];
        for group in 0..groups {
            if group > 0 {
                text.push(separator);
            }
            let digits = if most == 2 { 1 + random.below(2) } else { most };
            text.extend((0..digits).map(|_| b"0123456789abcdefABCDEF"[random.below(22)]));
        }
        for _ in 0..random.below(3) {
            let at = random.below(text.len());
            let byte = b":.-09afAFgG $\0\xff"[random.below(15)];
            match random.below(3) {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ => drop(text.remove(at)),
            }
        }
        let got = mac48(&text);
        assert_eq!(got.is_some(), grammar(&text), "{:?}", String::from_utf8_lossy(&text));
        *if got.is_some() { &mut good } else { &mut bad } += 1;
    }
    assert!(good > 50_000 && bad > 50_000, "{good} {bad}");
}

#[test]
fn mac48_values_are_read_back() {
    let mut random = Random(7);
    for _ in 0..1000 {
        let a: [u8; 6] = std::array::from_fn(|_| random.below(256) as u8);
        let octets = |separator: &str, pad| {
            let groups = a.map(|b| if pad { format!("{b:02x}") } else { format!("{b:X}") });
            groups.join(separator)
        };
        let plain = octets("", true);
        let dotted = [&plain[..4], &plain[4..8], &plain[8..]].join(".");
        for text in [octets(":", true), octets("-", false), octets(".", false), plain, dotted] {
            assert_eq!(mac48(text.as_bytes()), Some(a), "{text}");
        }
    }
}

#[test]
fn mac8_forms() {
    let of = |text: &str| mac8(text.as_bytes());
    assert_eq!((of("$0"), of("$a"), of("$Ff")), (Some(0), Some(10), Some(255)));
    for text in ["", "$", "$000", "0", "$g", "$$1", "$1 ", "0$1"] {
        assert_eq!(of(text), None, "{text}");
    }
}

#[test]
fn decnet_forms() {
    let of = |text: &str| decnet(text.as_bytes());
    assert_eq!(of("1.2"), Some(1 << 10 | 2));
    assert_eq!(of("63.1023"), Some(0xffff));
    assert_eq!((of("0.0"), of("007.0008")), (Some(0), Some(7 << 10 | 8)));
    for text in ["", ".", "1", "1.", ".1", "64.1", "1.1024", "1.2.3", "1 .2", "a.1", "1.-2", "+1.2"]
    {
        assert_eq!(of(text), None, "{text}");
    }
    assert_eq!(of(&format!("1.{}", "9".repeat(100_000))), None);
}

#[test]
fn ipv4_forms() {
    let of = |text: &str| ipv4(text.as_bytes()).map(|parts| (parts.value, parts.bits));
    assert_eq!(of("10"), Some((10, 8)));
    assert_eq!(of("10.1"), Some((0x0a01, 16)));
    assert_eq!(of("192.168.3"), Some((0x00c0_a803, 24)));
    assert_eq!(of("255.255.255.255"), Some((u32::MAX, 32)));
    assert_eq!(of("010.00000000000000000000255"), Some((0x0aff, 16)));
    for text in
        ["", ".", "1.", ".1", "1..2", "256", "1.2.3.256", "1.2.3.4.5", "0x1.2", "1.-2", "1 "]
    {
        assert_eq!(of(text), None, "{text}");
    }
    assert_eq!(of(&"1.".repeat(500_000)), None);
}

#[test]
fn short_ipv4_addresses_go_on_with_zeros() {
    let of = |text: &str| ipv4(text.as_bytes()).map(|parts| (parts.address(), parts.mask()));
    assert_eq!(of("10"), Some((0x0a00_0000, 0xff00_0000)));
    assert_eq!(of("192.168.3"), Some((0xc0a8_0300, 0xffff_ff00)));
    assert_eq!(of("1.2.3.4"), Some((0x0102_0304, 0xffff_ffff)));
}
