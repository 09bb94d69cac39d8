//! Tests of what is shown. That it can be read again is checked on generated expressions, in
//! `tests/filter_text.rs`; here on one of each kind.

use super::*;
use crate::filter::ast::{ArithStep, Expr, Step};
use crate::filter::parse::parse;

fn shown(text: &str) -> String {
    let parsed = parse(text);
    assert_eq!(parsed.error, None, "{text}");
    infix(&parsed.expr).to_string()
}

#[test]
fn what_is_written_in_full_stays() {
    for text in [
        "",
        "tcp",
        "host 1.2.3.4",
        "ip6 src or dst net fe80::/64",
        "net 1.2.0.0 mask 255.255.0.0",
        "net 1.2/16",
        "link host 1:2:3:4:5:6",
        "link host $1f",
        "tcp src and dst portrange 80-90",
        "ip proto \\tcp",
        "ip protochain 6",
        "gateway snup",
        "link addr1 host aabb.ccdd.eeff",
        "host \\host",
        "host \\a+b",
        "host \\1.2.3.4",
        "broadcast",
        "link multicast",
        "less 64",
        "greater 1500",
        "byte 3 & 7",
        "inbound or outbound",
        "ifindex 3",
        "vlan and vlan 7",
        "mpls or mpls 16",
        "pppoed or pppoes or pppoes 1",
        "geneve or geneve 1 or vxlan or vxlan 2",
        "type mgt subtype beacon",
        "type ctl",
        "type 0x0c subtype 0x10",
        "dir dstods",
        "llc or llc i or llc s or llc u or llc rnr or llc sabme",
        "ifname eth0 or ruleset \\ip or rulenum 1 or subrulenum 2",
        "reason match or reason 99 or action nordr",
        "lane or oamf4ec or metaconnect",
        "vpi = 3 or vci != 4",
        "fisu or hmsu",
        "sio >= 1 or hsls < 2",
        "ip[0] & 15 = 5",
        "ip[2:2] - (ip[0] << 2) > len",
        "-(1 + (-2)) != ip6[tcp[1 + 2]:4]",
        "not tcp",
        "not (not tcp)",
        "not (tcp or udp) and ip",
        "tcp or udp and ip",
        "tcp or (udp and ip)",
    ] {
        assert_eq!(shown(text), text);
    }
}

#[test]
fn what_is_left_out_is_added() {
    for (text, full) in [
        ("ether host 1:2:3:4:5:6", "link host 1:2:3:4:5:6"),
        ("port 80 or 443", "port 80 or port 443"),
        ("port (80 or 443) and tcp", "port 80 or port 443 and tcp"),
        ("tcp and (port 80 or 81)", "tcp and (port 80 or port 81)"),
        ("(tcp port 80) or 81", "tcp port 80 or ? 81"),
        ("vpi (1 or 2)", "vpi = 1 or vpi = 2"),
        ("!!!tcp", "not tcp"),
        ("1 + 2 * 3 = 7", "1 + (2 * 3) = 7"),
        ("1 % 2 + 3 = 0", "1 % (2 + 3) = 0"),
        ("icmp[icmptype] == icmp-echo", "icmp[0] = 8"),
        ("tcp[13:1] = 2", "tcp[13] = 2"),
    ] {
        assert_eq!(shown(text), full, "{text}");
    }
}

#[test]
fn steps_are_shown_with_their_places() {
    let parsed = parse("not port 80 or 443");
    assert_eq!(postfix(&parsed.expr).to_string(), "4..11 port 80\nnot\n15..18 port 443\nor");
    assert_eq!(postfix(&parse("").expr).to_string(), "");
}

#[test]
fn tokens_are_shown_with_their_places() {
    let shown = |text| lex::tokens(text).map(|token| token.to_string()).collect::<Vec<_>>();
    assert_eq!(
        shown("not tcp[0:2] >= 1.2 << \\ip"),
        [
            "0..3 not",
            "4..7 protocol tcp",
            "7..8 [",
            "8..9 number 0",
            "9..10 :",
            "10..11 number 2",
            "11..12 ]",
            "13..15 comparison >=",
            "16..19 ipv4 1.2",
            "20..22 operator <<",
            "23..26 name ip",
            "26..26 end",
        ]
    );
    assert_eq!(
        shown("src portrange vlan sio 09"),
        [
            "0..3 direction src",
            "4..13 type portrange",
            "14..18 keyword vlan",
            "19..22 field sio",
            "23..25 no octal number",
        ]
    );
}

#[test]
fn lists_that_are_no_expression_are_shown() {
    let parsed = parse("ip and tcp and (udp or sctp and");
    assert!(parsed.error.is_some());
    assert_eq!(infix(&parsed.expr).to_string(), "ip and tcp\nudp or sctp");
    let expr: Expr<Term<'_>> = vec![Step::And, Step::Not, Step::Or];
    assert_eq!(infix(&expr).to_string(), "not ()\n");
    let relation: Term<'_> = Term::Relation {
        op: Relop::Eq,
        left: vec![ArithStep::Neg],
        right: vec![ArithStep::Len, ArithStep::Binary(BinOp::Add)],
    };
    assert_eq!(relation.to_string(), " = ");
}

#[test]
fn deep_and_long_expressions_are_shown() {
    let deep = format!("{}ip{}", "(ip or ".repeat(4_000), ")".repeat(4_000));
    assert_eq!(shown(&deep).len(), deep.len() - 2);
    let long = format!("1{} = 1", " + 1".repeat(9_000));
    assert_eq!(parse(&shown(&long)).expr.len(), 1);
    let right = format!("1{} = 1", " % 1".repeat(4_000));
    assert_eq!(parse(&shown(&right)).expr.len(), 1);
}
