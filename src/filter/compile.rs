//! All the stages in a row: an expression to a program, or the first thing that is wrong with it.
//!
//! Libpcap acts on terms while it parses. So terms are looked at in reading order here, and of all that is
//! wrong, what libpcap meets first is told: a syntax error after the errors of the terms before it.

use super::Context;
use super::ast::Step;
use super::code::{self, Options};
use super::error::FilterError;
use super::ir::{FormId, Ir};
use super::join::Join;
use super::lower::Lowering;
use super::parse::parse;
use super::resolve::resolve;
use crate::bpf::{self, Insn};
use crate::names::resolver::Resolver;

/// Compiles an expression; the empty one accepts everything.
pub fn compile(
    text: &str,
    context: Context,
    options: Options,
    names: &dyn Resolver,
) -> Result<Vec<Insn>, FilterError> {
    if options.snaplen == 0 {
        return Err(FilterError::new("snaplen of 0 rejects all packets"));
    }
    let mut ir = Ir::new();
    let root = formula(text, context, names, &mut ir)?;
    let program = code::program(&mut ir, root, options).map_err(FilterError::new)?;
    debug_assert!(bpf::validate(&program), "{text:?}: {program:?}");
    Ok(program)
}

/// What an expression asks of a packet.
pub fn formula(
    text: &str,
    context: Context,
    names: &dyn Resolver,
    ir: &mut Ir,
) -> Result<FormId, FilterError> {
    let parsed = parse(text);
    let mut lowering = Lowering::new(ir, context).map_err(FilterError::new)?;
    let mut join = Join::default();
    for step in &parsed.expr {
        match step {
            Step::Term(term) => {
                let lowered = resolve(&term.node, names).and_then(|pred| lowering.pred(&pred));
                join.term(lowered.map_err(|text| FilterError::new(text).at(term.span))?);
            }
            // Of an expression with an error, only the terms are sure to be there.
            _ if parsed.error.is_some() => (),
            Step::Not => join.not(lowering.ir()),
            Step::And => join.and(lowering.ir()),
            Step::Or => join.or(lowering.ir()),
        }
    }
    if let Some(error) = parsed.error {
        return Err(error);
    }
    if parsed.expr.is_empty() {
        return Ok(ir.truth());
    }
    let expression = join.finish(lowering.ir());
    Ok(lowering.finish(expression))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpf::insn::RET_K;
    use crate::filter::Source;
    use crate::filter::ir::Formula;
    use crate::linktype::dlt::EN10MB;
    use crate::names::resolver::NoNames;

    const CONTEXT: Context = Context { dlt: EN10MB, netmask: u32::MAX, source: Source::Dead };
    const OPTIONS: Options = Options { snaplen: 96, optimise: true };

    fn error(text: &str) -> String {
        compile(text, CONTEXT, OPTIONS, &NoNames).expect_err(text).text.into_owned()
    }

    #[test]
    fn nothing_accepts_everything() {
        for text in ["", " ", "\n\t"] {
            let all = vec![Insn::stmt(RET_K, 96)];
            assert_eq!(compile(text, CONTEXT, OPTIONS, &NoNames), Ok(all));
        }
    }

    #[test]
    fn errors_come_in_reading_order() {
        let none = Options { snaplen: 0, ..OPTIONS };
        let unknown = Context { dlt: 9999, ..CONTEXT };
        let first =
            |context, options| compile("(", context, options, &NoNames).expect_err("(").text;
        assert_eq!(first(unknown, none), "snaplen of 0 rejects all packets");
        assert_eq!(first(unknown, OPTIONS), "unknown data link type 9999");
        let syntax = "can't parse filter expression: syntax error";
        assert_eq!(first(CONTEXT, OPTIONS), syntax);
        for (text, expected) in [
            ("vlan 4096 and (", "VLAN tag 4096 greater than maximum 4095"),
            ("( and vlan 4096", syntax),
            ("vpi 1 or host nobody", "'vpi' supported only on SUNATM"),
            ("host nobody or vpi 1", "unknown host 'nobody'"),
            ("port nowhere and foo", "unknown port 'nowhere'"),
            ("ip and arp", "expression rejects all packets"),
            ("ip and arp and vpi 1", "'vpi' supported only on SUNATM"),
            ("1 / 0 = 1", "division by zero"),
        ] {
            assert_eq!(error(text), expected, "{text}");
        }
    }

    #[test]
    fn errors_tell_their_place() {
        let text = "tcp and host nobody or udp";
        let found = compile(text, CONTEXT, OPTIONS, &NoNames).expect_err(text);
        let span = found.span.expect("a place");
        assert_eq!(text.get(span.start..span.end), Some("host nobody"));
    }

    #[test]
    fn long_lists_stay_flat() {
        let terms: Vec<String> = (0..10_000).map(|n| format!("ether[{n}] = 1")).collect();
        for (joiner, wanted) in [(" or ", 10_000), (" and ", 10_000)] {
            let mut ir = Ir::new();
            let root = formula(&terms.join(joiner), CONTEXT, &NoNames, &mut ir).expect("compiles");
            let (Formula::And(list) | Formula::Or(list)) = ir.formula_of(root) else {
                panic!("a list")
            };
            assert_eq!(list.len(), wanted);
        }
    }
}
