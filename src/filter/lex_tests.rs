//! Tests of the scanner: each pattern, and which of several wins.

use super::*;
use crate::filter::ast::{Kind, Proto};
use crate::filter::token::Word;
use Token as T;

fn lexed(text: &str) -> Vec<Token<'_>> {
    tokens(text).map(|token| token.node).collect()
}

/// The only token of a text and the end behind it.
fn one(text: &str) -> Token<'_> {
    match lexed(text).as_slice() {
        [token, T::End] => *token,
        tokens => panic!("{text}: {tokens:?}"),
    }
}

fn bad(text: &str) -> (Bad, usize) {
    match tokens(text).last() {
        Some(Spanned { node: T::Bad(bad), span }) => (bad, span.end - span.start),
        token => panic!("{text}: {token:?}"),
    }
}

#[test]
fn operators() {
    let cases = [
        ("&&", T::And),
        ("||", T::Or),
        ("!", T::Not),
        ("!=", T::Relop(Relop::Ne)),
        ("=", T::Relop(Relop::Eq)),
        ("==", T::Relop(Relop::Eq)),
        ("<", T::Relop(Relop::Lt)),
        ("<=", T::Relop(Relop::Le)),
        ("<<", T::Op(BinOp::Lsh)),
        (">", T::Relop(Relop::Gt)),
        (">=", T::Relop(Relop::Ge)),
        (">>", T::Op(BinOp::Rsh)),
        ("+", T::Op(BinOp::Add)),
        ("-", T::Op(BinOp::Sub)),
        ("*", T::Op(BinOp::Mul)),
        ("/", T::Op(BinOp::Div)),
        ("%", T::Op(BinOp::Mod)),
        ("&", T::Op(BinOp::And)),
        ("|", T::Op(BinOp::Or)),
        ("^", T::Op(BinOp::Xor)),
        ("(", T::Open),
        (")", T::Close),
        ("[", T::OpenIndex),
        ("]", T::CloseIndex),
        (":", T::Colon),
    ];
    for (text, token) in cases {
        assert_eq!(one(text), token, "{text}");
    }
    let longest = [T::Relop(Relop::Eq), T::Relop(Relop::Eq), T::End];
    assert_eq!(lexed("==="), longest);
    let not_not_equal = [T::Not, T::Relop(Relop::Ne), T::End];
    assert_eq!(lexed("!!="), not_not_equal);
    assert_eq!(lexed("&&&"), [T::And, T::Op(BinOp::And), T::End]);
}

#[test]
fn numbers() {
    let cases = [
        ("0", 0),
        ("00", 0),
        ("7", 7),
        ("4294967295", u32::MAX),
        ("0x0", 0),
        ("0Xffffffff", u32::MAX),
        ("0x000000000ff", 255),
        ("017", 15),
        ("037777777777", 0xffff_ffff),
        ("icmptype", 0),
        ("tcp-ack", 16),
        ("icmp6-multicastrouterterm", 153),
    ];
    for (text, number) in cases {
        // Twelve hexadecimal digits, as this octal number has, are an address.
        let expected = if text.len() == 12 { T::Mac48(text) } else { T::Number(number) };
        assert_eq!(one(text), expected, "{text}");
    }
    assert_eq!(one("0037777777777"), T::Number(u32::MAX));
    assert_eq!(bad("4294967296"), (Bad::Overflow(Base::Decimal), 10));
    assert_eq!(bad("99999999999999"), (Bad::Overflow(Base::Decimal), 14));
    assert_eq!(bad("0x100000000"), (Bad::Overflow(Base::Hexadecimal), 11));
    assert_eq!(bad("0040000000000"), (Bad::Overflow(Base::Octal), 13));
    // The first wrong digit tells.
    assert_eq!(bad("0040000000008"), (Bad::NotOctal, 13));
    assert_eq!(bad("00400000000008"), (Bad::Overflow(Base::Octal), 14));
    assert_eq!(bad("09"), (Bad::NotOctal, 2));
}

#[test]
fn names() {
    for name in ["a", "x1", "0x", "12ab", "3-2", "80-90", "a.", "1.2.", "a-_b", "0x1g", "g.h_i"] {
        assert_eq!(one(name), T::Name(name), "{name}");
    }
    for name in ["TCP", "hosts", "icmp-echoes", "1.2.3.4.5", "es-is-", "1-2"] {
        let first = lexed(name).first().copied();
        let whole = name.trim_end_matches('-');
        let expected = if whole == "es-is" { T::Proto(Proto::Esis) } else { T::Name(whole) };
        assert_eq!(first, Some(expected), "{name}");
    }
    // What a name cannot end with is left over.
    assert_eq!(lexed("a--"), [T::Name("a"), T::Op(BinOp::Sub), T::Op(BinOp::Sub), T::End]);
    assert_eq!(lexed("host-"), [T::Kind(Kind::Host), T::Op(BinOp::Sub), T::End]);
    assert_eq!(lexed("a_"), [T::Name("a"), T::Bad(Bad::Stray)]);
}

#[test]
fn escaped_names() {
    assert_eq!(one("\\ip"), T::Name("ip"));
    assert_eq!(one("\\\\"), T::Name("\\"));
    assert_eq!(one("\\a+b[é]\r"), T::Name("a+b[é]\r"));
    assert_eq!(lexed("\\ip)"), [T::Name("ip"), T::Close, T::End]);
    assert_eq!(lexed("\\ip!=x"), [T::Name("ip"), T::Relop(Relop::Ne), T::Name("x"), T::End]);
    for text in ["\\", "\\ ip", "\\(", "\\!", "\\\t", "\\\n"] {
        assert_eq!(bad(text), (Bad::Stray, 1), "{text}");
    }
}

#[test]
fn ipv4_addresses() {
    for text in ["1.2", "1.2.3", "1.2.3.4", "0x7f.0.0.1", "999.1", "010.1.1.1"] {
        assert_eq!(one(text), T::V4(text), "{text}");
    }
    assert_eq!(lexed("1.2/16"), [T::V4("1.2"), T::Op(BinOp::Div), T::Number(16), T::End]);
    assert_eq!(one("1.2.x"), T::Name("1.2.x"));
    assert_eq!(lexed("1.2-"), [T::V4("1.2"), T::Op(BinOp::Sub), T::End]);
}

#[test]
fn link_layer_addresses() {
    for text in [
        "0:1:2:3:4:5",
        "aa:bb:cc:dd:ee:ff",
        "a-b-c-d-e-f",
        "aa.bb.cc.dd.ee.ff",
        "1.2.3.4.5.6",
        "aabb.ccdd.eeff",
        "aabbccddeeff",
        "012345678901",
    ] {
        assert_eq!(one(text), T::Mac48(text), "{text}");
    }
    for text in ["aabbccddeef", "aabbccddeefff", "a-b-c-d-e", "a-b-c-d-e-f0a", "aabb.ccdd.eef"] {
        assert_eq!(one(text), T::Name(text), "{text}");
    }
    assert_eq!(one("$1"), T::Mac8("$1"));
    assert_eq!(one("$fe"), T::Mac8("$fe"));
    assert_eq!(lexed("$fe0"), [T::Mac8("$fe"), T::Number(0), T::End]);
    assert_eq!(bad("$"), (Bad::Stray, 1));
    assert_eq!(bad("$x"), (Bad::Stray, 1));
    assert_eq!(bad("1:2:3"), (Bad::Ethernet, 4));
    assert_eq!(bad("1:2:3:4:5:6:7"), (Bad::Ethernet, 12));
    assert_eq!(bad("1::2::3"), (Bad::Ethernet, 6));
    assert_eq!(bad("1:::2:"), (Bad::Ethernet, 6));
    // What an index holds is no address.
    let slice = [T::Number(0), T::Colon, T::Number(2), T::CloseIndex, T::End];
    assert_eq!(lexed("0:2]"), slice);
    assert_eq!(lexed("1:"), [T::Number(1), T::Colon, T::End]);
}

#[test]
fn ipv6_addresses() {
    let whole = "1:2:3:4:5:6:7:8".split(':').collect::<Vec<_>>();
    // All places of `::`, with and without four numbers at the end.
    for groups in 0..8 {
        for left in 0..=groups {
            let right = &whole[left..groups];
            let text = format!("{}::{}", whole[..left].join(":"), right.join(":"));
            assert_eq!(one(&text), T::V6(&text), "{text}");
            if groups <= 5 {
                let colon = if right.is_empty() { "" } else { ":" };
                let text = format!("{text}{colon}1.2.3.4");
                assert_eq!(one(&text), T::V6(&text), "{text}");
            }
        }
    }
    for text in ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4", "fe80::1", "ABCD::ef", "ab::", "::"] {
        assert_eq!(one(text), T::V6(text), "{text}");
    }
    for text in ["::1.2.3.256", "::0x1.2.3.4", "1::99999.1.1.1", "::01.2.3.4"] {
        assert_eq!(bad(text), (Bad::V6, text.len()), "{text}");
    }
    assert_eq!(lexed("::12345"), [T::V6("::1234"), T::Number(5), T::End]);
    assert_eq!(lexed("::1/64"), [T::V6("::1"), T::Op(BinOp::Div), T::Number(64), T::End]);
    assert_eq!(lexed("::1:"), [T::V6("::1"), T::Colon, T::End]);
    assert_eq!(lexed("abc::1::"), [T::V6("abc::1"), T::V6("::"), T::End]);
    assert_eq!(lexed("1:2:3:4:5:6:7:8:9"), [T::Bad(Bad::Ethernet)]);
    assert_eq!(
        lexed("a1b:2:3:4:5:6:7:8:9"),
        [T::V6("a1b:2:3:4:5:6:7:8"), T::Colon, T::Number(9), T::End]
    );
    assert_eq!(lexed("[1::]"), [T::OpenIndex, T::V6("1::"), T::CloseIndex, T::End]);
}

#[test]
fn strays() {
    for (text, len) in [("~", 1), ("_a", 1), ("é", 2), ("€", 3), ("\0", 1), ("\u{b}", 1), (",", 1)]
    {
        assert_eq!(bad(text), (Bad::Stray, len), "{text:?}");
    }
}

#[test]
fn spans() {
    let text = " \t\r\nip and\nlen";
    let spans: Vec<_> = tokens(text).map(|token| (token.span.start, token.span.end)).collect();
    assert_eq!(spans, [(4, 6), (7, 10), (11, 14), (14, 14)]);
    assert_eq!(lexed(text), [T::Proto(Proto::Ip), T::And, T::Word(Word::Len), T::End]);
    let mut lexer = Lexer::new("");
    for _ in 0..3 {
        assert_eq!(lexer.token(), Spanned { node: T::End, span: Span { start: 0, end: 0 } });
    }
}

#[test]
fn time_is_linear() {
    // Patterns that look ahead and then take little.
    for part in
        ["::", "1:", "a-", "-", "::1.1.1.", "0x.", "1::", "aa:aa:", ":1", "1.1.1.1.", "::1111"]
    {
        let text = part.repeat((1 << 20) / part.len());
        let mut lexer = Lexer::new(&text);
        while !matches!(lexer.token().node, T::End) {}
    }
}
