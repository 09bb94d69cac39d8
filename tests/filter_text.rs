//! The front of the filter compiler on generated expressions: what is shown of an expression is the expression,
//! and what the distribution's libpcap takes, and how it computes, is what we take and compute.

mod support;

use pcap::filter::ast::{ArithStep, BinOp, Expr, Id, Kind, Qualified, Quals, Span, Step, Term};
use pcap::filter::parse::{Parsed, parse};
use pcap::filter::print::infix;
use std::collections::HashSet;
use support::distribution::Distribution;
use support::expressions::{Family, Generator};

const DLT_EN10MB: i32 = 1;

fn distribution() -> &'static Distribution {
    Distribution::get().expect("the distribution's libpcap0.8 is installed")
}

const SYNTAX: &str = "can't parse filter expression: syntax error";

/// The terms of an expression, in order.
fn terms<'e, 't>(expr: &'e Expr<Term<'t>>) -> impl Iterator<Item = &'e Term<'t>> {
    expr.iter().filter_map(|step| match step {
        Step::Term(term) => Some(&term.node),
        _ => None,
    })
}

/// The name of a term's variant.
fn variant(term: &Term<'_>) -> String {
    format!("{term:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn without_places(mut expr: Expr<Term<'_>>) -> Expr<Term<'_>> {
    for step in &mut expr {
        if let Step::Term(term) = step {
            term.span = Span::default();
        }
    }
    expr
}

#[test]
fn generated_expressions_are_right_and_shown_as_they_are() {
    let families = [
        Family::Any,
        Family::Ethernet,
        Family::Wlan,
        Family::Pflog,
        Family::Atm,
        Family::Ss7,
        Family::Ip,
    ];
    let mut kinds = HashSet::new();
    for (seed, family) in families.into_iter().enumerate() {
        let mut generator = Generator::new(seed as u64 + 1).family(family);
        for _ in 0..2_000 {
            let text = generator.expression();
            let Parsed { expr, error } = parse(&text);
            assert_eq!(error, None, "{text}");
            kinds.extend(terms(&expr).map(variant));
            assert!(!terms(&expr).any(inherits_nothing), "{text}");
            let shown = infix(&expr).to_string();
            let again = parse(&shown);
            assert_eq!(again.error, None, "{text}\n{shown}");
            let (again, expr) = (without_places(again.expr), without_places(expr));
            assert_eq!(again, expr, "{text}\n{shown}");
        }
    }
    assert_eq!(kinds.len(), 25, "every kind of term occurs");
}

/// Whether a term is an identifier that inherits from what has no qualifiers.
fn inherits_nothing(term: &Term<'_>) -> bool {
    matches!(term, Term::Id(Qualified { quals: None, .. }))
}

/// Whether looking up the names of these terms stays on this machine: it asks /etc/services and
/// /etc/protocols, and of hosts and networks only `localhost`.
fn looks_up_nothing(expr: &Expr<Term<'_>>) -> bool {
    let local = [Kind::Port, Kind::PortRange, Kind::Proto, Kind::ProtoChain];
    terms(expr).all(|term| match term {
        Term::Id(Qualified { quals, id: Id::Name(name) }) => {
            let kind = quals.and_then(|Quals { kind, .. }| kind);
            *name == "localhost" || kind.is_some_and(|kind| local.contains(&kind))
        }
        _ => true,
    })
}

/// Compares syntax only: one may refuse what the other takes for another reason, and a term before the place of
/// a syntax error may be wrong itself.
fn compare_syntax(text: &str) -> bool {
    let Parsed { expr, error } = parse(text);
    // 1.10.3 does not know the word.
    if text.contains("vxlan") || !looks_up_nothing(&expr) {
        return false;
    }
    let ours = error.map(|error| error.text);
    let theirs = distribution().compile(text, DLT_EN10MB, 0xffff_ff00, false).err();
    match (ours.as_deref(), theirs.as_deref()) {
        (Some(SYNTAX), Some(SYNTAX)) | (None, None) => {}
        (Some(SYNTAX), Some(_)) => assert!(!expr.is_empty(), "{text}: {theirs:?}"),
        (Some(_), None) => panic!("{text}: refused by us alone: {ours:?}"),
        (None | Some(_), Some(SYNTAX)) => panic!("{text}: accepted by us alone: {ours:?}"),
        (None | Some(_), Some(_)) => {}
    }
    assert!(theirs.is_some() || !terms(&expr).any(inherits_nothing), "{text}: accepted by them");
    ours.as_deref() == Some(SYNTAX) && theirs.as_deref() == Some(SYNTAX)
}

#[test]
fn the_distribution_takes_the_same_expressions() {
    let mut generator = Generator::new(11);
    for _ in 0..3_000 {
        compare_syntax(&generator.expression());
    }
    let refused = (0..10_000).filter(|_| compare_syntax(&generator.mutated())).count();
    assert!(refused > 1_000, "only {refused} were wrong");
    for text in [
        "port (80 or 443)",
        "(tcp port 80) or 81",
        "port ((80 or 81) or 82)",
        "host 10.0.0.1 and ((10.0.0.2) or 10.0.0.3)",
        "(80)",
        "((1)+2) = 3",
        "(1+2)",
        "vlan (5)",
        "src or dst host 10.0.0.1",
        "src or host 10.0.0.1",
        "ip[0] = 3-2",
        "ip[0]=3+2",
        "host not 10.0.0.1",
        "1 = (2 = 3)",
        "tcp and 80 or tcp",
    ] {
        compare_syntax(text);
    }
}

/// The value of constants computed as written, with the wrap-around of 32 bits; none if something is divided by
/// zero or shifted too far.
fn value(steps: &[ArithStep]) -> Option<u32> {
    let mut stack = Vec::new();
    for step in steps {
        let value = match step {
            ArithStep::Number(number) => *number,
            ArithStep::Neg => stack.pop().map(u32::wrapping_neg)?,
            ArithStep::Binary(op) => {
                let (right, left): (u32, u32) = (stack.pop()?, stack.pop()?);
                match op {
                    BinOp::Add => left.wrapping_add(right),
                    BinOp::Sub => left.wrapping_sub(right),
                    BinOp::Mul => left.wrapping_mul(right),
                    BinOp::Div => left.checked_div(right)?,
                    BinOp::Mod => left.checked_rem(right)?,
                    BinOp::And => left & right,
                    BinOp::Or => left | right,
                    BinOp::Xor => left ^ right,
                    BinOp::Lsh => left.checked_shl(right)?,
                    BinOp::Rsh => left.checked_shr(right)?,
                }
            }
            ArithStep::Len | ArithStep::Load { .. } => return None,
        };
        stack.push(value);
    }
    stack.pop()
}

#[test]
fn the_distribution_computes_the_same() {
    let mut generator = Generator::new(12);
    let mut computed = 0;
    for _ in 0..3_000 {
        let constant = generator.constant();
        let text = format!("{constant} = 0");
        let Parsed { expr, error } = parse(&text);
        assert_eq!(error, None, "{text}");
        let Some(Term::Relation { left, .. }) = terms(&expr).next() else {
            panic!("{text}: {expr:?}");
        };
        let Some(value) = value(left) else { continue };
        let text = format!("{constant} = {value}");
        let program = distribution().compile(&text, DLT_EN10MB, 0, true);
        match program {
            // A constant comparison becomes one return instruction; a false one is an error.
            Ok(program) => assert_eq!(program.len(), 1, "{text}"),
            // It takes the first number of what it divides or shifts by for all of it: `1 << (45 - 40)`.
            Err(error) if error.contains("by zero") || error.contains("31 bits") => continue,
            Err(error) => panic!("{text}: {error}"),
        }
        computed += usize::from(left.len() > 1);
    }
    assert!(computed > 1_000, "only {computed} were computed");
}
