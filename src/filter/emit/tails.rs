//! Jumps that several tests have in common: once their values are in the accumulator, tests that go to the same places
//! for the same numbers are one.

use super::search::jumps;
use crate::filter::ast::BinOp;
use crate::filter::graph::{Cases, Graph, Node, NodeId, joined};
use crate::filter::ir::Map;
use crate::filter::ir::{Ir, ValId, Value};

/// What the jumps of a test depend on, besides the accumulator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tail {
    /// The bits that are looked at, if all that counts is whether any is set.
    pub mask: Option<u32>,
    /// Where the numbers go.
    pub cases: Cases,
}

/// How a test takes part in a tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Which tail, by its number.
    pub tail: usize,
    /// A number that goes somewhere else in this test, and where.
    pub but: Option<(u32, NodeId)>,
}

/// A test that can use a tail, and a number that it takes elsewhere.
type User = (NodeId, Option<(u32, NodeId)>);

/// The tails of a graph and their users.
#[derive(Debug, Default)]
pub struct Tails {
    /// The tails, each with the last of its users.
    pub tails: Vec<(Tail, NodeId)>,
    /// Who uses one.
    pub uses: Map<NodeId, Use>,
}

/// The value that is loaded for a test, and the jumps that follow.
pub fn split(ir: &Ir, value: ValId, cases: &[(u32, NodeId)]) -> Option<(ValId, Tail)> {
    match *ir.get(value) {
        Value::Compare { .. } => None,
        Value::Binary { op: BinOp::And, left, right } => match (ir.get(right), cases) {
            (&Value::Const(mask), [(0, _), _]) => {
                Some((left, Tail { mask: Some(mask), cases: cases.into() }))
            }
            _ => Some((value, plain(cases, ir.max_of(value)))),
        },
        _ => Some((value, plain(cases, ir.max_of(value)))),
    }
}

fn plain(cases: &[(u32, NodeId)], max: u32) -> Tail {
    let below = cases.partition_point(|&(high, _)| high < max);
    let mut cases: Cases = cases[..(below + 1).min(cases.len())].into();
    if let Some(last) = cases.last_mut() {
        last.0 = u32::MAX;
    }
    Tail { mask: None, cases }
}

/// Finds the tails that are worth to be shared.
pub fn find(ir: &Ir, graph: &Graph) -> Tails {
    let order = graph.reachable();
    let mut by_tail: Map<Tail, Vec<User>> = Map::default();
    let mut found: Vec<Tail> = Vec::new();
    for &node in order {
        let Some(tail) = tail_of(ir, graph, node) else { continue };
        if tail.cases.len() > 1 {
            by_tail.entry(tail.clone()).or_default().push((node, None));
            found.push(tail);
        }
    }
    // A test that differs from the one it goes to by just going there.
    for &node in order {
        if let Some((tail, but)) = but_one(ir, graph, node)
            && let Some(users) = by_tail.get_mut(&tail)
        {
            users.push((node, Some(but)));
        }
    }
    let mut tails = Tails::default();
    for tail in found {
        let Some(users) = by_tail.remove(&tail) else { continue };
        let mut users: Vec<User> =
            users.into_iter().filter(|(node, _)| !tails.uses.contains_key(node)).collect();
        let Some(last) = users.iter().map(|&(node, _)| node).min() else { continue };
        let saves = if tail.mask.is_some() { 1 } else { jumps(&tail.cases, u32::MAX).0.len() };
        if saves < 2 {
            // To jump to it would be as long; the last user falls through.
            users.retain(|&(node, but)| node == last || but.is_some());
        }
        if users.len() < 2 {
            continue;
        }
        let number = tails.tails.len();
        tails.tails.push((tail, last));
        let uses = users.into_iter().map(|(node, but)| (node, Use { tail: number, but }));
        tails.uses.extend(uses);
    }
    tails
}

fn tail_of(ir: &Ir, graph: &Graph, node: NodeId) -> Option<Tail> {
    match graph.node(node) {
        Node::Test { value, cases } => split(ir, value, cases).map(|(_, tail)| tail),
        _ => None,
    }
}

/// The tail of a test that the given one goes to for one number, if the others are its own; and the number.
fn but_one(ir: &Ir, graph: &Graph, node: NodeId) -> Option<(Tail, (u32, NodeId))> {
    let Tail { mask: None, cases } = tail_of(ir, graph, node)? else { return None };
    cases.windows(3).enumerate().find_map(|(n, three)| {
        let [(low, before), (number, next), (_, after)] = *three else { return None };
        if low.checked_add(1) != Some(number) || before != after {
            return None;
        }
        let tail = tail_of(ir, graph, next)?;
        if tail.mask.is_some() || tail.cases.len() + 2 != cases.len() {
            return None;
        }
        let others = cases.iter().enumerate().filter(|(at, _)| *at != n && *at != n + 1);
        let rest = joined(others.map(|(_, case)| *case));
        (tail.cases == rest).then_some((tail, (number, next)))
    })
}
