//! The tree of an expression, for the judge.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use pcap::filter::ast::{Expr, Spanned, Step};
use pcap::filter::parse::parse;
use pcap::filter::pred::Pred;
use pcap::filter::resolve::resolve;
use pcap::names::resolver::{Resolver, System};

/// Parses and resolves an expression, or says what is wrong with it.
pub fn tree(text: &str) -> Result<Expr<Pred<'_>>, String> {
    tree_by(text, &System)
}

/// The same with the names that `names` knows.
pub fn tree_by<'t>(text: &'t str, names: &dyn Resolver) -> Result<Expr<Pred<'t>>, String> {
    let parsed = parse(text);
    let resolved = parsed.expr.into_iter().map(|step| {
        Ok(match step {
            Step::Term(term) => {
                Step::Term(Spanned { node: resolve(&term.node, names)?, span: term.span })
            }
            Step::Not => Step::Not,
            Step::And => Step::And,
            Step::Or => Step::Or,
        })
    });
    let resolved: Result<_, String> = resolved.collect();
    match parsed.error {
        None => resolved,
        Some(error) => Err(resolved.err().unwrap_or_else(|| error.one_line(text))),
    }
}
