//! The text of an expression cut into tokens.
//!
//! Not a checker: what may follow what is the parser's. Follows libpcap's scanner, which is a list of
//! patterns: the longest match wins, and of equally long ones the earlier pattern (`RULES`). So `3-2` is
//! one name, `80-90` too, twelve hexadecimal digits are a link-layer address, and `1.2.3.4.5` is a name.
//! Each pattern looks at no more of the text than it may take, within a constant: lexing takes linear time.

use super::ast::{BinOp, Relop, Span, Spanned};
use super::token::{Bad, Base, Token, keyword};
use std::net::Ipv6Addr;

/// Cuts a text into tokens, one call a token.
#[derive(Clone, Debug)]
pub struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    /// Starts at the beginning of `text`.
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token; at the end of the text [`Token::End`], again and again.
    pub fn token(&mut self) -> Spanned<Token<'t>> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let found = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let start = self.text.len() - found.len();
        let (len, node) = match found.as_bytes() {
            [] => (0, Token::End),
            [first, ..] if first.is_ascii_alphanumeric() => word(found),
            [b'\\', ..] => escaped(found),
            [b'$', ..] => match hex(found.as_bytes().get(1..).unwrap_or_default(), 2) {
                0 => (1, Token::Bad(Bad::Stray)),
                digits => cut(found, 1 + digits, Token::Mac8),
            },
            [b':', b':', ..] => v6_token(found, v6(found.as_bytes())),
            [first, second, ..] => operator(*first, Some(*second)),
            [first] => operator(*first, None),
        };
        let len = if node == Token::Bad(Bad::Stray) {
            found.chars().next().map_or(0, char::len_utf8)
        } else {
            len
        };
        self.at = start + len;
        Spanned { node, span: Span { start, end: self.at } }
    }
}

/// All tokens of a text up to the first that is [`Token::End`] or [`Token::Bad`], that one included.
pub fn tokens(text: &str) -> impl Iterator<Item = Spanned<Token<'_>>> {
    let mut lexer = Some(Lexer::new(text));
    std::iter::from_fn(move || {
        let token = lexer.as_mut()?.token();
        if matches!(token.node, Token::End | Token::Bad(_)) {
            lexer = None;
        }
        Some(token)
    })
}

/// How long a match a pattern has at the beginning of a text; 0 for none.
type Pattern = fn(&[u8]) -> usize;

/// What a match of a pattern becomes.
type Make = fn(&str, usize) -> (usize, Token<'_>);

/// The patterns that begin with a letter or digit. The longest match wins, of equal ones the first.
const RULES: [(Pattern, Make); 6] = [
    (mac48, |text, len| cut(text, len, Token::Mac48)),
    (number, number_token),
    (v4, |text, len| cut(text, len, Token::V4)),
    (v6, v6_token),
    (colons, |_, len| (len, Token::Bad(Bad::Ethernet))),
    (name, name_token),
];

fn word(text: &str) -> (usize, Token<'_>) {
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(u8::is_ascii_hexdigit) {
        // Only names begin so.
        return name_token(text, name(bytes));
    }
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if (1..12).contains(&digits) && matches!(bytes.get(digits), None | Some(b' ' | b')' | b']')) {
        // No other pattern takes more of this, and those that take as much come later.
        return number_token(text, digits);
    }
    let mut best: (usize, Make) = (0, name_token);
    for (pattern, make) in RULES {
        let len = pattern(bytes);
        if len > best.0 {
            best = (len, make);
        }
    }
    best.1(text, best.0)
}

/// A token of the first `len` bytes.
fn cut<'t>(text: &'t str, len: usize, token: fn(&'t str) -> Token<'t>) -> (usize, Token<'t>) {
    (len, token(text.get(..len).unwrap_or_default()))
}

fn name_token(text: &str, len: usize) -> (usize, Token<'_>) {
    let (len, token) = cut(text, len, Token::Name);
    match token {
        Token::Name(name) => (len, keyword(name).unwrap_or(token)),
        _ => (len, token),
    }
}

fn v6_token(text: &str, len: usize) -> (usize, Token<'_>) {
    match cut(text, len, Token::V6) {
        (len, Token::V6(address)) if address.parse::<Ipv6Addr>().is_err() => {
            (len, Token::Bad(Bad::V6))
        }
        token => token,
    }
}

fn number_token(text: &str, len: usize) -> (usize, Token<'_>) {
    let digits = text.get(..len).unwrap_or_default();
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (Base::Hexadecimal, digits.get(2..)),
        [b'0', ..] => (Base::Octal, digits.get(1..)),
        _ => (Base::Decimal, Some(digits)),
    };
    (len, value(base, digits.unwrap_or_default()).map_or_else(Token::Bad, Token::Number))
}

/// The value of digits, or what is wrong with the first that is wrong.
fn value(base: Base, digits: &str) -> Result<u32, Bad> {
    let radix = match base {
        Base::Octal => 8,
        Base::Decimal => 10,
        Base::Hexadecimal => 16,
    };
    digits.chars().try_fold(0u32, |value, digit| {
        let digit = digit.to_digit(radix).ok_or(Bad::NotOctal)?;
        let value = value.checked_mul(radix).and_then(|value| value.checked_add(digit));
        value.ok_or(Bad::Overflow(base))
    })
}

/// A backslash takes away the meaning of a keyword; what follows may contain anything but these.
fn escaped(text: &str) -> (usize, Token<'_>) {
    let name = text.strip_prefix('\\').unwrap_or_default();
    let len = name.find([' ', '!', '(', ')', '\n', '\t']).unwrap_or(name.len());
    match name.get(..len) {
        Some(name) if len > 0 => (1 + len, Token::Name(name)),
        _ => (1, Token::Bad(Bad::Stray)),
    }
}

fn operator(first: u8, second: Option<u8>) -> (usize, Token<'static>) {
    match (first, second) {
        (b'&', Some(b'&')) => (2, Token::And),
        (b'|', Some(b'|')) => (2, Token::Or),
        (b'>', Some(b'=')) => (2, Token::Relop(Relop::Ge)),
        (b'<', Some(b'=')) => (2, Token::Relop(Relop::Le)),
        (b'!', Some(b'=')) => (2, Token::Relop(Relop::Ne)),
        (b'=', Some(b'=')) => (2, Token::Relop(Relop::Eq)),
        (b'<', Some(b'<')) => (2, Token::Op(BinOp::Lsh)),
        (b'>', Some(b'>')) => (2, Token::Op(BinOp::Rsh)),
        _ => (1, symbol(first)),
    }
}

fn symbol(byte: u8) -> Token<'static> {
    match byte {
        b'+' => Token::Op(BinOp::Add),
        b'-' => Token::Op(BinOp::Sub),
        b'*' => Token::Op(BinOp::Mul),
        b'/' => Token::Op(BinOp::Div),
        b'%' => Token::Op(BinOp::Mod),
        b'&' => Token::Op(BinOp::And),
        b'|' => Token::Op(BinOp::Or),
        b'^' => Token::Op(BinOp::Xor),
        b'<' => Token::Relop(Relop::Lt),
        b'>' => Token::Relop(Relop::Gt),
        b'=' => Token::Relop(Relop::Eq),
        b'!' => Token::Not,
        b'(' => Token::Open,
        b')' => Token::Close,
        b'[' => Token::OpenIndex,
        b']' => Token::CloseIndex,
        b':' => Token::Colon,
        _ => Token::Bad(Bad::Stray),
    }
}

/// How many of the first `most` bytes are hexadecimal digits, from the first on.
fn hex(text: &[u8], most: usize) -> usize {
    text.iter().take(most).take_while(|byte| byte.is_ascii_hexdigit()).count()
}

/// Letters, digits and `-_.`, but for `-_` at the end.
fn name(text: &[u8]) -> usize {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let len = text.iter().position(|byte| !inside(byte)).unwrap_or(text.len());
    let last = text.iter().take(len).rposition(|byte| !b"-_".contains(byte));
    last.map_or(0, |last| last + 1)
}

/// Decimal digits, or `0x` and hexadecimal ones.
fn number(text: &[u8]) -> usize {
    if let [b'0', b'x' | b'X', digits @ ..] = text {
        let digits = hex(digits, usize::MAX);
        if digits > 0 {
            return 2 + digits;
        }
    }
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Two to four numbers with dots.
fn v4(text: &[u8]) -> usize {
    match dotted(text) {
        (_, 0 | 1) => 0,
        (len, _) => len,
    }
}

/// Up to four numbers with dots: how long they are, and how many.
fn dotted(text: &[u8]) -> (usize, usize) {
    let (mut len, mut count) = (number(text), 1);
    if len == 0 {
        return (0, 0);
    }
    while count < 4
        && let Some([b'.', rest @ ..]) = text.get(len..)
    {
        match number(rest) {
            0 => break,
            digits => len += 1 + digits,
        }
        count += 1;
    }
    (len, count)
}

/// Six groups of one or two hexadecimal digits with one of `:-.` throughout, three of four with dots, or
/// twelve digits.
fn mac48(text: &[u8]) -> usize {
    if hex(text, 12) == 12 {
        return 12;
    }
    let separator = text.iter().find(|byte| !byte.is_ascii_hexdigit());
    let six = match separator {
        Some(b':' | b'-' | b'.') => groups(text, separator, 6, 1, 2),
        _ => 0,
    };
    let three = groups(text, Some(&b'.'), 3, 4, 4);
    six.max(three)
}

/// `count` groups of `least` to `most` hexadecimal digits.
fn groups(text: &[u8], separator: Option<&u8>, count: usize, least: usize, most: usize) -> usize {
    let mut len = 0;
    for group in 0..count {
        if group > 0 {
            if text.get(len) != separator {
                return 0;
            }
            len += 1;
        }
        match hex(text.get(len..).unwrap_or_default(), most) {
            digits if digits < least => return 0,
            digits => len += digits,
        }
    }
    len
}

/// Two or more groups of one or two hexadecimal digits, each with colons behind it: what is left of a
/// link-layer address that is none.
fn colons(text: &[u8]) -> usize {
    let (mut len, mut count) = (0, 0);
    loop {
        let rest = text.get(len..).unwrap_or_default();
        let digits = hex(rest, 2);
        let colons = rest.iter().skip(digits).take_while(|byte| **byte == b':').count();
        if digits == 0 || colons == 0 {
            return if count < 2 { 0 } else { len };
        }
        len += digits + colons;
        count += 1;
    }
}

/// Eight groups of up to four hexadecimal digits, or up to seven with `::` somewhere; two of the groups,
/// at the end, may be four numbers with dots.
fn v6(text: &[u8]) -> usize {
    let (mut best, mut at, mut groups, mut gap) = (0, 0, 0, false);
    if text.starts_with(b"::") {
        (best, at, gap) = (2, 2, true);
    }
    loop {
        let rest = text.get(at..).unwrap_or_default();
        // Four numbers with dots are as much as two groups.
        let before_dots = if gap { groups <= 5 } else { groups == 6 };
        if before_dots && let (len, 4) = dotted(rest) {
            best = best.max(at + len);
        }
        let digits = hex(rest, 4);
        if digits == 0 || groups == 8 {
            return best;
        }
        groups += 1;
        at += digits;
        let whole = if gap { groups <= 7 } else { groups == 8 };
        if whole {
            best = best.max(at);
        }
        match text.get(at..).unwrap_or_default() {
            [b':', b':', ..] if !gap && groups <= 7 => {
                gap = true;
                at += 2;
                best = best.max(at);
            }
            [b':', ..] => at += 1,
            _ => return best,
        }
    }
}

#[cfg(test)]
#[path = "lex_tests.rs"]
mod tests;
