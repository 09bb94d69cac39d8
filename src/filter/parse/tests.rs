//! Tests of the parser: each rule of the grammar, each quirk, each error.

use super::*;
use crate::filter::ast::{Id, Kind, Qualified};
use crate::filter::print::postfix;

/// The steps of an expression with an inherited qualifier shown at each place that inherits it, one after
/// the other. Terms that inherit from one that has no qualifiers have a `?`.
fn steps(expr: &Expr<Term<'_>>) -> String {
    let without_place = |line: &str| match line.split_once(' ') {
        Some((_, term)) => term.to_owned(),
        None => line.to_owned(),
    };
    let lines = postfix(expr).to_string();
    lines.lines().map(without_place).collect::<Vec<_>>().join("; ")
}

#[track_caller]
fn accepts(text: &str, expected: &str) {
    let parsed = parse(text);
    assert_eq!(parsed.error, None, "{text}");
    assert_eq!(steps(&parsed.expr), expected, "{text}");
}

fn error(text: &str) -> FilterError {
    parse(text).error.unwrap_or_else(|| panic!("{text}: accepted"))
}

const SYNTAX: &str = "can't parse filter expression: syntax error";

/// `at` is what stands at the place of the error.
#[track_caller]
fn rejects(text: &str, at: &str, hint: &str) {
    let error = error(text);
    assert_eq!(error.text, SYNTAX, "{text}");
    let span = error.span.expect("syntax errors have a place");
    assert_eq!(&text[span.start..span.end], at, "{text}");
    if at.is_empty() {
        assert_eq!(span.start, text.len(), "{text}");
    }
    assert_eq!(error.hint.expect("they have a hint"), format!("expected {hint}"), "{text}");
}

const TERM: &str = "a protocol, 'host', 'net' or 'port'";
const TERM_OR_ID: &str = "a protocol, 'host', 'net', 'port' or a name";
const ID: &str = "a name, an address or a number";
const NUMBER: &str = "a number";
const ARITH: &str = "a number, 'len' or a protocol with an index";
const AFTER_TERM: &str = "'and' or 'or'";
const IN_PARENTHESES: &str = "'and', 'or' or ')'";
const AFTER_PROTOCOL: &str = "'host', 'net', 'port', 'and' or 'or'";
const COMPARISON: &str = "an operator or a comparison";

#[test]
fn an_empty_expression_is_right() {
    for text in ["", " \r\n\t"] {
        assert_eq!(parse(text), Parsed { expr: Vec::new(), error: None });
    }
}

#[test]
fn protocols_stand_alone() {
    for (word, shown) in [
        ("link ether ppp slip fddi tr wlan", "link"),
        ("es-is esis", "esis"),
        ("is-is isis", "isis"),
        ("ip", "ip"),
        ("radio", "radio"),
    ] {
        word.split(' ').for_each(|word| accepts(word, shown));
    }
    accepts("(tcp)", "tcp");
    accepts("tcp or udp", "tcp; udp; or");
    rejects("tcp 80", "80", AFTER_PROTOCOL);
    rejects("tcp prot 80", "prot", AFTER_PROTOCOL);
    rejects("tcp udp", "udp", AFTER_PROTOCOL);
    rejects("tcp + 1 = 2", "+", AFTER_PROTOCOL);
    rejects("tcp len", "len", AFTER_PROTOCOL);
    rejects("tcp vlan", "vlan", AFTER_PROTOCOL);
}

#[test]
fn qualifiers_come_in_order() {
    for text in [
        "host 1",
        "src 1",
        "dst host 1",
        "ip host 1",
        "tcp src 1",
        "tcp dst port 1",
        "src or dst host 1",
        "src and dst port 1",
        "tcp src or dst 1",
        "addr1 1",
        "link addr4 host 1",
        "ra net 1",
        "ta portrange 1",
        "gateway 1",
        "ip gateway 1",
        "proto 1",
        "ip6 proto 1",
        "protochain 1",
        "udp protochain 1",
    ] {
        accepts(text, text);
    }
    accepts("dst or src 1", "src or dst 1");
    accepts("dst and src net 1", "src and dst net 1");
    accepts("address2 host 1", "addr2 host 1");
    accepts("host 1 and src or dst 2", "host 1; src or dst 2; and");
    rejects("src gateway 1", "gateway", ID);
    rejects("dst proto 1", "proto", ID);
    rejects("host src 1", "src", ID);
    rejects("port tcp 1", "tcp", ID);
    rejects("src dst 1", "dst", ID);
    rejects("src or src 1", "src", "'dst'");
    rejects("dst and host 1", "host", "'src'");
    rejects("src or 1", "1", "'dst'");
    rejects("addr1 or addr2 1", "or", ID);
    rejects("host", "", ID);
    rejects("host and", "and", ID);
    rejects("tcp src", "", ID);
    rejects("port -1", "-", ID);
    rejects("port len", "len", ID);
    rejects("80", "", COMPARISON);
    rejects("foo", "foo", TERM);
    rejects("1.2.3.4", "1.2.3.4", TERM);
    rejects("mask", "mask", TERM);
}

#[test]
fn identifiers() {
    for text in [
        "host 7",
        "host www",
        "host \\tcp",
        "host 1.2.3.4",
        "net 1.2/16",
        "net 1.2.0.0 mask 255.255.0.0",
        "host ::1",
        "net fe80::/10",
        "host 1:2:3:4:5:6",
        "host 010203040506",
        "link host $1f",
        "portrange 80-90",
    ] {
        accepts(text, text);
    }
    accepts("port (80)", "port 80");
    accepts("port ((80))", "port 80");
    accepts("host not www", "host www; not");
    rejects("net 1.2/", "", "a prefix length");
    rejects("net 1.2/(16)", "(", "a prefix length");
    rejects("net 1.2/x", "x", "a prefix length");
    rejects("net ::/-1", "-", "a prefix length");
    rejects("net 1.2 mask", "", "a netmask such as 255.255.255.0");
    rejects("net 1.2 mask 16", "16", "a netmask such as 255.255.255.0");
    rejects("net ::1 mask ::1", "mask", AFTER_TERM);
    rejects("net foo/16", "/", AFTER_TERM);
    rejects("net 10/8", "/", AFTER_TERM);
    rejects("host 1:2:3:4:5:6/24", "/", AFTER_TERM);
    rejects("port 80 + 1", "+", AFTER_TERM);
    rejects("port (80 + 1)", "+", IN_PARENTHESES);
    rejects("port 80-", "-", AFTER_TERM);
}

#[test]
fn identifiers_borrow_from_the_text() {
    let text = String::from("host \\tcp");
    let parsed = parse(&text);
    let Some(Step::Term(Spanned { node: Term::Id(Qualified { quals, id }), span })) =
        parsed.expr.first()
    else {
        panic!("{parsed:?}");
    };
    assert_eq!(*quals, Some(Quals { proto: None, dir: None, kind: Some(Kind::Host) }));
    assert_eq!(*id, Id::Name(&text[6..]));
    assert_eq!(*span, Span { start: 0, end: 9 });
}

#[test]
fn and_and_or_bind_equally_to_the_left() {
    accepts("ip or tcp and udp", "ip; tcp; or; udp; and");
    accepts("ip and tcp or udp", "ip; tcp; and; udp; or");
    accepts("ip or (tcp and udp)", "ip; tcp; udp; and; or");
    accepts("ip && tcp || udp", "ip; tcp; and; udp; or");
    accepts("((ip or tcp))", "ip; tcp; or");
    rejects("ip and", "", TERM_OR_ID);
    rejects("and ip", "and", TERM);
    rejects("ip and or tcp", "or", TERM_OR_ID);
    rejects("(ip", "", IN_PARENTHESES);
    rejects("ip)", ")", AFTER_TERM);
    rejects("()", ")", TERM);
    rejects("(", "", TERM);
    rejects("vlan tcp", "tcp", AFTER_TERM);
    rejects("host a b", "b", AFTER_TERM);
}

#[test]
fn not_binds_one_term() {
    accepts("not ip or tcp", "ip; not; tcp; or");
    accepts("! ip", "ip; not");
    accepts("not (ip or tcp)", "ip; tcp; or; not");
    accepts("ip and not not tcp", "ip; tcp; and");
    accepts("not not not tcp", "tcp; not");
    accepts("not (not tcp)", "tcp; not; not");
    accepts("not port 80 and 81", "port 80; not; port 81; and");
    accepts("not 1 = 2", "1 = 2; not");
    rejects("not", "", TERM);
    rejects("not 80", "", COMPARISON);
    rejects("not foo", "foo", TERM);
    rejects("ip not tcp", "not", AFTER_PROTOCOL);
    rejects("1 = not 2", "not", ARITH);
    rejects("(not 80)", ")", COMPARISON);
}

#[test]
fn identifiers_inherit_qualifiers() {
    accepts("port 80 or 81", "port 80; port 81; or");
    accepts("tcp src port 80 or not 81", "tcp src port 80; tcp src port 81; not; or");
    accepts("host a and not b and c", "host a; host b; not; and; host c; and");
    accepts("host a or port 80 or 81", "host a; port 80; or; port 81; or");
    accepts("not host a or b", "host a; not; host b; or");
    accepts("not not host a or b", "host a; host b; or");
    // What has no qualifiers leaves none.
    accepts("tcp or 81", "tcp; ? 81; or");
    accepts("port 80 or vlan or 81", "port 80; vlan; or; ? 81; or");
    accepts("1 = 1 or foo", "1 = 1; ? foo; or");
    accepts("vpi 1 or 2", "vpi = 1; ? 2; or");
    accepts("vpi (1 or 2) or 3", "vpi = 1; vpi = 2; or; ? 3; or");
    accepts("tcp or foo or bar", "tcp; ? foo; or; ? bar; or");
}

#[test]
fn parenthesised_terms_leave_what_was_before_them() {
    accepts("(tcp port 80) or 81", "tcp port 80; ? 81; or");
    accepts("not (tcp port 80) or 81", "tcp port 80; not; ? 81; or");
    accepts("(port 80 or 81) or 82", "port 80; port 81; or; ? 82; or");
    accepts("host a and (port 80) or 81", "host a; port 80; and; host 81; or");
    accepts("host a and (tcp or 81) or b", "host a; tcp; ? 81; or; and; host b; or");
    accepts("host a and not (port 80) or b", "host a; port 80; not; and; host b; or");
    accepts("host a and ((port 80) or b)", "host a; port 80; host b; or; and");
}

#[test]
fn lists_of_identifiers() {
    accepts("port (80 or 443)", "port 80; port 443; or");
    accepts("port (80 or 443) or 8080", "port 80; port 443; or; port 8080; or");
    accepts(
        "host (1.1.1.1 or 2.2.2.2) and 3.3.3.3",
        "host 1.1.1.1; host 2.2.2.2; or; host 3.3.3.3; and",
    );
    accepts("port not (80 or 81)", "port 80; port 81; or; not");
    accepts("port (80 or (81 and 82))", "port 80; port 81; port 82; and; or");
    accepts("port ((80) or 81)", "port 80; port 81; or");
    accepts("port (not 80 or 81)", "port 80; not; port 81; or");
    accepts("port (not (80 or 81) or 82)", "port 80; port 81; or; not; port 82; or");
    accepts("port (80 or not (81))", "port 80; port 81; not; or");
    accepts("host a and (80 or 81)", "host a; host 80; host 81; or; and");
    accepts("host a and (80)", "host a; host 80; and");
    accepts("host a and ((80))", "host a; host 80; and");
    accepts("host a and (b)", "host a; host b; and");
    accepts("host a and (not b)", "host a; host b; not; and");
    accepts("host a and not (b or c)", "host a; host b; host c; or; not; and");
    accepts("tcp and (80 or foo) or 81", "tcp; ? 80; ? foo; or; and; ? 81; or");
    // A list cannot begin with a list, and what begins with an identifier is a list.
    rejects("port ((80 or 81) or 82)", "or", "')'");
    rejects("port ((a) or b)", "a", NUMBER);
    rejects("port ((not 80))", "not", NUMBER);
    rejects("host a and ((b) or c)", "b", TERM);
    rejects("host a and ((80 or 81) or c)", "or", COMPARISON);
    rejects("host a and (b or tcp)", "tcp", ID);
    rejects("host a and (80 or tcp)", "tcp", ID);
    rejects("host a and (80 or 1 = 1)", "=", IN_PARENTHESES);
    rejects("port (80 or tcp)", "tcp", ID);
    rejects("port (80 or 81", "", IN_PARENTHESES);
    rejects("port ()", ")", ID);
    rejects("port (80 81)", "81", IN_PARENTHESES);
    rejects("(80 or 81)", "or", COMPARISON);
    rejects("(80)", "", COMPARISON);
    rejects("(foo)", "foo", TERM);
    // It ends with one.
    accepts("host a and (tcp or b)", "host a; tcp; ? b; or; and");
    accepts("(host a or b)", "host a; host b; or");
}

#[test]
fn numbers_in_parentheses_wait_for_what_follows() {
    accepts("(80) = 80", "80 = 80");
    accepts("((1) + 2) = 3", "1 + 2 = 3");
    accepts("(((1)) + 2 = 3)", "1 + 2 = 3");
    accepts("(1 = (2)) or (1) = 2", "1 = 2; 1 = 2; or");
    accepts("host a and (80) = 1", "host a; 80 = 1; and");
    accepts("host a and (80 + 1) = 1", "host a; 80 + 1 = 1; and");
    accepts("host a and (80 = 1 or b)", "host a; 80 = 1; ? b; or; and");
    accepts("host a and not 80 = 1", "host a; 80 = 1; not; and");
    accepts("host a and not 80 and 81", "host a; host 80; not; and; host 81; and");
    accepts("vlan (5)", "vlan 5");
    accepts("vlan ((5))", "vlan 5");
    rejects("(1 + 2)", "", COMPARISON);
    rejects("((1 + 2) or tcp)", "or", COMPARISON);
    rejects("host a and 80 + 1", "", COMPARISON);
    rejects("host a and (80 + 1)", "", COMPARISON);
    rejects("host a and (80 + 1) or b", "or", COMPARISON);
    rejects("host a and 80 b", "b", COMPARISON);
    rejects("(not 80) = 1", ")", COMPARISON);
    rejects("vlan (5", "", "')'");
    rejects("vlan ((5)", "", "')'");
    rejects("vlan (tcp)", "tcp", NUMBER);
    rejects("vlan (1 + 2)", "+", "')'");
    rejects("vlan ()", ")", NUMBER);
}

#[test]
fn comparisons() {
    for text in ["1 > 2", "1 >= 2", "1 = 2", "1 < 2", "1 <= 2", "1 != 2"] {
        accepts(text, text);
    }
    accepts("len == 64", "len = 64");
    accepts("length < 64", "len < 64");
    accepts("ether[0] & 1 = 0 and ip[0] & 0xf != 5", "link[0] & 1 = 0; ip[0] & 15 != 5; and");
    accepts("ip[2:2] > 1500", "ip[2:2] > 1500");
    accepts("tcp[tcp[12] >> 2:4] = 0", "tcp[tcp[12] >> 2:4] = 0");
    accepts("tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[13] & (2 | 1) != 0");
    accepts("ip[0:9] = 1", "ip[0:9] = 1");
    accepts("len - -1 = 1", "len - (-1) = 1");
    rejects("1 = 2 = 3", "=", AFTER_TERM);
    rejects("1 =", "", ARITH);
    rejects("= 1", "=", TERM);
    rejects("1 = foo", "foo", ARITH);
    rejects("1 = tcp", "", "'['");
    rejects("1 = (2 = 3)", "=", "an operator or ')'");
    rejects("1 = (2", "", "an operator or ')'");
    rejects("1 + ", "", ARITH);
    rejects("ip[", "", ARITH);
    rejects("ip[]", "]", ARITH);
    rejects("ip[0", "", "an operator, ':' or ']'");
    rejects("ip[0 = 1]", "=", "an operator, ':' or ']'");
    rejects("ip[0:]", "]", "1, 2 or 4");
    rejects("ip[0:(2)]", "(", "1, 2 or 4");
    rejects("ip[0:2", "", "']'");
    rejects("ip[0:2+1]", "+", "']'");
    rejects("ip[0]", "", COMPARISON);
    rejects("ip[0] and tcp", "and", COMPARISON);
    rejects("ip[0] = 3-2", "3-2", ARITH);
    rejects("len", "", COMPARISON);
    rejects("icmptype", "", COMPARISON);
}

#[test]
fn operators_bind_as_their_powers_say() {
    // Each computes what it does only with the precedence that the second text shows.
    for (text, expected) in [
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("1 * 2 + 3", "(1 * 2) + 3"),
        ("1 - 2 - 3", "(1 - 2) - 3"),
        ("8 / 4 / 2", "(8 / 4) / 2"),
        ("1 | 2 & 3", "1 | (2 & 3)"),
        ("1 & 2 | 3", "(1 & 2) | 3"),
        ("1 & 2 << 3", "1 & (2 << 3)"),
        ("1 << 2 + 3", "1 << (2 + 3)"),
        ("1 << 2 >> 3", "(1 << 2) >> 3"),
        ("-1 + 2", "(-1) + 2"),
        ("- - 1", "-(-1)"),
        ("-(1)", "-1"),
        ("2 - (3 - 4)", "2 - (3 - 4)"),
        // Those without precedence take all that follows and only the operand before them.
        ("10 % 4 + 1", "10 % (4 + 1)"),
        ("10 % 3 * 2", "10 % (3 * 2)"),
        ("2 * 7 % 4", "2 * (7 % 4)"),
        ("8 ^ 1 + 1", "8 ^ (1 + 1)"),
        ("8 ^ 3 & 1", "8 ^ (3 & 1)"),
        ("7 % 5 % 3", "7 % (5 % 3)"),
        ("7 ^ 5 % 3 | 1", "7 ^ (5 % (3 | 1))"),
        ("-7 % 4", "-(7 % 4)"),
        ("(7 % 4) + 1", "(7 % 4) + 1"),
        ("1 + ip[7 % 4 + 1] * 2", "1 + (ip[7 % (4 + 1)] * 2)"),
    ] {
        accepts(&format!("{text} = 0"), &format!("{expected} = 0"));
        accepts(&format!("0 = {text}"), &format!("0 = {expected}"));
    }
}

#[test]
fn terms_of_the_link_layer_and_of_the_kernel() {
    for text in [
        "broadcast",
        "link broadcast",
        "ip multicast",
        "less 64",
        "greater 64",
        "inbound",
        "outbound",
        "ifindex 2",
        "vlan",
        "vlan 7",
        "mpls",
        "mpls 7",
        "pppoed",
        "pppoes",
        "pppoes 7",
        "geneve",
        "geneve 7",
        "vxlan",
        "vxlan 7",
        "byte 1 & 2",
        "byte 1 | 2",
        "byte 1 < 2",
        "byte 1 > 2",
        "byte 1 = 2",
    ] {
        accepts(text, text);
    }
    accepts("byte 1 == 2", "byte 1 = 2");
    accepts("vlan and vlan 7", "vlan; vlan 7; and");
    rejects("less", "", NUMBER);
    rejects("less (64)", "(", NUMBER);
    rejects("greater foo", "foo", NUMBER);
    rejects("ifindex lo", "lo", "an interface's number");
    rejects("byte", "", "an offset");
    rejects("byte 1", "", "'&', '|', '<', '>' or '='");
    rejects("byte 1 >= 2", ">=", "'&', '|', '<', '>' or '='");
    rejects("byte 1 = ip", "ip", NUMBER);
    rejects("pppoed 7", "7", AFTER_TERM);
    rejects("vlan foo", "foo", AFTER_TERM);
    rejects("src broadcast", "broadcast", ID);
    rejects("inbound 1", "1", AFTER_TERM);
}

#[test]
fn terms_of_802_11() {
    accepts("type mgt", "type mgt");
    accepts("wlan type MANAGEMENT", "type mgt");
    accepts("tcp type 4", "type ctl");
    accepts("type data subtype qos", "type data subtype qos");
    accepts("type 0 subtype assocreq", "type mgt subtype assocreq");
    accepts("type ctl subtype bar", "type ctl subtype bar");
    accepts("type 12 subtype 0xf0", "type 0x0c subtype 0xf0");
    accepts("type data subtype 0xd0", "type data subtype 0xd0");
    accepts("subtype beacon", "type mgt subtype beacon");
    accepts("wlan subtype ack", "type ctl subtype ack");
    accepts("subtype data", "type data subtype data");
    accepts("dir tods", "dir tods");
    accepts("wlan direction 3", "dir dstods");
    rejects("type", "", "mgt, ctl or data");
    rejects("type mgt ack", "ack", AFTER_TERM);
    rejects("type mgt subtype", "", "a subtype of this type");
    rejects("subtype 0x80", "0x80", "a subtype's name");
    rejects("dir", "", "nods, tods, fromds or dstods");
    rejects("src type mgt", "type", ID);
    for (text, error, at) in [
        ("type 3", "invalid 802.11 type value 0x03", "3"),
        ("type 0x104", "invalid 802.11 type value 0x104", "0x104"),
        ("type foo", "unknown 802.11 type name \"foo\"", "foo"),
        ("type mgt subtype 8", "invalid 802.11 subtype value 0x08", "8"),
        ("type mgt subtype ack", "unknown 802.11 subtype name \"ack\"", "ack"),
        ("type 12 subtype ack", "unknown 802.11 type", "ack"),
        ("subtype foo", "unknown 802.11 type name", "foo"),
        ("dir 4", "invalid 802.11 direction value 0x4", "4"),
        ("dir foo", "unknown 802.11 direction", "foo"),
    ] {
        fails(text, error, at);
    }
}

/// Errors other than those of syntax.
#[track_caller]
fn fails(text: &str, error: &str, at: &str) {
    let found = self::error(text);
    assert_eq!(found.text, error, "{text}");
    let span = found.span.expect("it has a place");
    assert_eq!(&text[span.start..span.end], at, "{text}");
}

#[test]
fn terms_of_802_2() {
    for text in ["llc", "llc i", "llc s", "llc u", "llc rr", "llc rnr", "llc ui", "llc frmr"] {
        accepts(text, text);
    }
    accepts("llc RR and ip", "llc rr; ip; and");
    accepts("llc rulenum", "llc rnr");
    fails("llc foo", "unknown LLC type name \"foo\"", "foo");
    rejects("llc 3", "3", AFTER_TERM);
    rejects("link llc", "llc", AFTER_PROTOCOL);
}

#[test]
fn terms_of_pflog() {
    accepts("ifname eth0", "ifname eth0");
    accepts("on \\ip", "ifname \\ip");
    accepts("rset foo or ruleset bar", "ruleset foo; ruleset bar; or");
    accepts("rnr 1 or rulenum 2", "rulenum 1; rulenum 2; or");
    accepts("srnr 1 or subrulenum 2", "subrulenum 1; subrulenum 2; or");
    accepts("reason 7 or reason 99", "reason congestion; reason 99; or");
    accepts("reason src-limit", "reason src-limit");
    accepts("action accept or action BLOCK", "action pass; action drop; or");
    rejects("on", "", "an interface's name");
    rejects("on 1", "1", "an interface's name");
    rejects("rset ip", "ip", "a ruleset's name");
    rejects("rnr foo", "foo", "a rule's number");
    rejects("reason", "", "a reason such as match");
    rejects("action 1", "1", "an action such as pass");
    fails("reason foo", "unknown PF reason \"foo\"", "foo");
    fails("action match", "unknown PF action \"match\"", "match");
}

#[test]
fn terms_of_atm_and_ss7() {
    for text in ["lane", "metac", "bcc", "oamf4ec", "oamf4sc", "sc", "ilmic", "oam", "oamf4"] {
        accepts(text, text);
    }
    accepts("connectmsg or metaconnect", "connectmsg; metaconnect; or");
    accepts("fisu or lssu or msu", "fisu; lssu; or; msu; or");
    accepts("lsu or hfisu or hlssu or hmsu", "lssu; hfisu; or; hlssu; or; hmsu; or");
    for field in ["vpi", "vci", "sio", "opc", "dpc", "sls", "hsio", "hopc", "hdpc", "hsls"] {
        accepts(&format!("{field} 7"), &format!("{field} = 7"));
        for op in ["=", "!=", "<", "<=", ">", ">="] {
            accepts(&format!("{field} {op} 7"), &format!("{field} {op} 7"));
        }
        let list = format!("{field} = 1; {field} = 2; or; {field} = 3; or");
        accepts(&format!("{field} (1 or 2 or 3)"), &list);
        accepts(&format!("{field} (1)"), &format!("{field} = 1"));
        let wrong = "a number, a comparison or a list of numbers";
        rejects(field, "", wrong);
        rejects(&format!("{field} foo"), "foo", wrong);
        rejects(&format!("{field} > (7)"), "(", wrong);
        rejects(&format!("{field} ((1))"), "(", NUMBER);
        rejects(&format!("{field} (1 and 2)"), "and", "'or' or ')'");
        rejects(&format!("{field} (= 1)"), "=", NUMBER);
        rejects(&format!("{field} (1 or"), "", NUMBER);
    }
}

#[test]
fn wrong_tokens() {
    for (text, error, at) in [
        ("host 09", "number 09 contains non-octal digit", "09"),
        ("len = 4294967296", "decimal number 4294967296 overflows 32 bits", "4294967296"),
        ("len = 0x100000000", "hexadecimal number 0x100000000 overflows 32 bits", "0x100000000"),
        ("port 0040000000000", "octal number 0040000000000 overflows 32 bits", "0040000000000"),
        ("ether host 1:2:3", "invalid Ethernet address 1:2:", "1:2:"),
        ("host ::1.2.3.400", "invalid IPv6 address ::1.2.3.400", "::1.2.3.400"),
        // Even where no such token may be.
        ("ip 09", "number 09 contains non-octal digit", "09"),
    ] {
        fails(text, error, at);
        assert_eq!(self::error(text).hint, None);
    }
    rejects("ip ~", "~", AFTER_PROTOCOL);
    rejects("host é", "é", ID);
}

#[test]
fn addresses_are_neither_ports_nor_protocols() {
    for kind in ["port", "portrange", "proto", "protochain"] {
        for (id, what) in [
            ("1.2.3.4", "IPv4 address"),
            ("1.2/16", "IPv4 address and prefix length"),
            ("1.2 mask 255.255", "IPv4 address and netmask"),
            ("::1", "IPv6 address"),
            ("::1/64", "IPv6 address and prefix length"),
        ] {
            let text = format!("{kind} {id}");
            let error = format!("'{kind}' qualifier applied to {what}");
            fails(&text, &error, id);
            fails(&format!("{kind} 1 or {id} or 2"), &error, id);
        }
    }
    // What is wrong with the token behind an address counts more, if something is.
    fails("port 1.2.3.4 09", "number 09 contains non-octal digit", "09");
    fails(
        "port 1.2.3.4/16 09",
        "'port' qualifier applied to IPv4 address and prefix length",
        "1.2.3.4/16",
    );
    fails("port 1.2.3.4 ~", "'port' qualifier applied to IPv4 address", "1.2.3.4");
    fails("port 1.2.3.4 foo", "'port' qualifier applied to IPv4 address", "1.2.3.4");
    accepts("gateway 1.2.3.4", "gateway 1.2.3.4");
}

#[test]
fn terms_before_an_error_are_kept() {
    let kept = |text: &str| {
        let parsed = parse(text);
        assert!(parsed.error.is_some(), "{text}");
        steps(&parsed.expr)
    };
    for (text, terms) in [
        ("host nosuch.invalid and )(", "host nosuch.invalid"),
        ("host a b", "host a"),
        ("host 1.2.3.4 )", "host 1.2.3.4"),
        ("ip )", "ip"),
        ("ip and )", "ip"),
        // A protocol acts only when it stands alone for certain.
        ("ip foo", ""),
        ("vlan foo", "vlan"),
        ("llc 3", "llc"),
        ("type mgt foo", "type mgt"),
        ("vpi (1 or 2 foo", "vpi = 1; vpi = 2; or"),
        ("port (80 foo", "port 80"),
        ("port (80 + 1)", "port 80"),
        ("port 80 + 1", "port 80"),
        // These may still become numbers to compute with.
        ("host a and 80 foo", "host a"),
        ("host a and (80 foo", "host a"),
        ("host a and (80 or foo 1", "host a; host 80; host foo; or"),
        ("ip and 1 = 2 foo", "ip; 1 = 2; and"),
        ("host 09", ""),
        ("host a 09", "host a"),
        ("type foo", ""),
        ("host a and type foo", "host a"),
        ("port 80 or 1.2.3.4", "port 80"),
    ] {
        assert_eq!(kept(text), terms, "{text}");
    }
}

#[test]
fn arithmetic_before_an_error_is_kept() {
    let kept = |text: &str| {
        let parsed = parse(text);
        assert!(parsed.error.is_some(), "{text}");
        steps(&parsed.expr)
    };
    for (text, terms) in [
        ("1 / 0 )", "1 / 0 = 0"),
        ("1 / 0 + )", "1 / 0 = 0"),
        ("1 / )", "1 = 0"),
        ("1 + 2 * 3 / )", "1 = 0; 2 * 3 = 0"),
        // It is not known yet what is divided by.
        ("1 % 0 + )", "1 = 0; 0 = 0"),
        ("ip[1 / 0 )", "1 / 0 = 0"),
        ("ip and ip[0:3] + 1", "ip; ip[0:3] + 1 = 0"),
        ("ip[0:3", "0 = 0"),
        ("len = vlan", "len = 0"),
        ("len / 0 = ip[1 / 0] + )", "len / 0 = 0; ip[1 / 0] = 0"),
    ] {
        assert_eq!(kept(text), terms, "{text}");
    }
}

#[test]
fn places_of_terms() {
    let places = |text: &str| {
        let place = |step: &Step<Spanned<Term<'_>>>| match step {
            Step::Term(term) => Some(text[term.span.start..term.span.end].to_owned()),
            _ => None,
        };
        parse(text).expr.iter().filter_map(place).collect::<Vec<_>>()
    };
    for (text, terms) in [
        ("tcp and  ip6 proto 6 ", ["tcp", "ip6 proto 6"]),
        ("tcp src port 80 or 81", ["tcp src port 80", "81"]),
        ("port (80 or (81))", ["80", "(81)"]),
        ("port ( 80 ) or not ((81))", ["port ( 80 )", "((81))"]),
        ("net 1.2 / 16 or 1.2 mask 1.2", ["net 1.2 / 16", "1.2 mask 1.2"]),
        ("not not (len) + 1 = ip[0 ] or vlan (5)", ["(len) + 1 = ip[0 ]", "vlan (5)"]),
        ("(1 + 2) * 3 = 9 or not (len = 1)", ["(1 + 2) * 3 = 9", "len = 1"]),
        ("(((1 + 2)) * 3 = 9) or -1 = -1", ["((1 + 2)) * 3 = 9", "-1 = -1"]),
        ("vlan (5) or vlan", ["vlan (5)", "vlan"]),
        ("vpi > 3 or vci 4", ["vpi > 3", "vci 4"]),
        ("vpi (1 or 2)", ["1", "2"]),
        ("wlan type mgt subtype 0x80 or llc", ["wlan type mgt subtype 0x80", "llc"]),
        ("ip broadcast && byte 1 = 2", ["ip broadcast", "byte 1 = 2"]),
    ] {
        assert_eq!(places(text), terms, "{text}");
    }
}

#[test]
fn depth_is_limited() {
    let open = |n| format!("{}ip{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(parse(&open(9_990)).error, None);
    let exhausted = "can't parse filter expression: memory exhausted";
    assert_eq!(error(&open(1_000_000)).text, exhausted);
    assert_eq!(error(&format!("vlan {}", "(".repeat(1_000_000))).text, exhausted);
    assert_eq!(error(&format!("1 = {}1", "-".repeat(1_000_000))).text, exhausted);
    assert_eq!(error(&format!("1{} = 1", " % 1".repeat(1_000_000))).text, exhausted);
    assert_eq!(error(&"ip[".repeat(1_000_000)).text, exhausted);
    assert_eq!(error(&"(! ".repeat(1_000_000)).text, exhausted);
    assert_eq!(parse(&format!("{}ip", "not ".repeat(1_000_000))).error, None);
    assert_eq!(parse(&format!("host {}", "x".repeat(1 << 20))).error, None);
    let long = format!("1{} = 1", " + 1".repeat(100_000));
    assert_eq!(parse(&long).error, None);
}
