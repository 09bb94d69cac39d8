//! Tests of the parser: each rule of the grammar, each quirk, each error.

use super::*;

fn error(text: &str) -> FilterError {
    parse(text).error.unwrap_or_else(|| panic!("{text}: accepted"))
}

#[test]
fn an_empty_expression_is_right() {
    for text in ["", " \r\n\t"] {
        assert_eq!(parse(text), Parsed { expr: Vec::new(), error: None });
    }
}

#[test]
fn terms_before_an_error_are_kept() {
    let parsed = parse("host nosuch.invalid and )(");
    assert_eq!(parsed.expr.len(), 1);
    let error = parsed.error.expect("it is wrong");
    assert_eq!(error.span, Some(Span { start: 24, end: 25 }));
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
    assert_eq!(parse(&format!("{}ip", "not ".repeat(1_000_000))).error, None);
    assert_eq!(parse(&format!("host {}", "x".repeat(1 << 20))).error, None);
}
