//! Values that are chosen by conditions are computed before they are used: the conditions become tests, and each choice
//! a definition. A value that may be computed early is computed once, where all who use it have passed.

use super::dominators::Dominators;
use super::{Graph, Node, NodeId, build, kept};
use crate::filter::ir::Map;
use crate::filter::ir::{FormId, Formula, Ir, ValId, Value};

/// Whether a chosen value is used.
#[must_use]
pub fn has_chosen(ir: &Ir, graph: &Graph) -> bool {
    graph.reachable().into_iter().any(|node| match graph.node(node) {
        Node::Test { value, .. } => ir.is_chosen(*value),
        Node::Define { from, .. } => ir.is_chosen(*from),
        Node::Accept | Node::Reject => false,
    })
}

/// The graph with every chosen value defined before it is used.
#[must_use]
pub fn define(ir: &Ir, mut graph: Graph) -> Graph {
    let mut chosen = Chosen { ir, parts: Map::default() };
    let mut done: Vec<ValId> = Vec::new();
    // A definition may use other chosen values, which are then defined before it.
    while let Some((value, at)) = next_choice(&graph, &mut chosen, &done) {
        done.push(value);
        graph = with_definition(ir, &graph, value, &at);
    }
    graph
}

/// Finds the chosen values that values are made of.
struct Chosen<'i> {
    ir: &'i Ir,
    parts: Map<ValId, Vec<ValId>>,
}

impl Chosen<'_> {
    /// The chosen values that must be there to compute `value`, and none if it is not made of any.
    fn parts(&mut self, value: ValId) -> &[ValId] {
        if !self.parts.contains_key(&value) {
            let parts = self.find(value);
            self.parts.insert(value, parts);
        }
        self.parts.get(&value).map_or(&[], Vec::as_slice)
    }

    fn find(&self, value: ValId) -> Vec<ValId> {
        let mut parts = Vec::new();
        let mut seen = crate::filter::ir::Seen::default();
        let mut work = vec![value];
        while let Some(value) = work.pop() {
            if !seen.insert(value) {
                continue;
            }
            match *self.ir.get(value) {
                Value::Choose(_) => parts.push(value),
                Value::Binary { left, right, .. } | Value::Compare { left, right, .. } => {
                    work.extend([left, right]);
                }
                Value::Neg(of) => work.push(of),
                Value::Load { base: Some(base), .. } => work.push(base),
                _ => {}
            }
        }
        parts
    }
}

/// A chosen value that is used and not yet defined, and where to define it.
fn next_choice(
    graph: &Graph,
    chosen: &mut Chosen<'_>,
    done: &[ValId],
) -> Option<(ValId, Vec<NodeId>)> {
    let order = graph.reachable();
    let mut users: Vec<(ValId, Vec<NodeId>)> = Vec::new();
    for &node in &order {
        let uses = match graph.node(node) {
            Node::Test { value, .. } => *value,
            Node::Define { from, .. } => *from,
            Node::Accept | Node::Reject => continue,
        };
        if !chosen.ir.is_chosen(uses) {
            continue;
        }
        for &part in chosen.parts(uses) {
            if done.contains(&part) {
                continue;
            }
            match users.iter_mut().find(|(value, _)| *value == part) {
                Some((_, nodes)) => nodes.push(node),
                None => users.push((part, vec![node])),
            }
        }
    }
    // The latest made one depends on the others, not they on it.
    let (value, nodes) = users.into_iter().max_by_key(|(value, _)| *value)?;
    let dominators = Dominators::of(graph);
    if chosen.ir.early().contains(&value) || cannot_fail(chosen.ir, value) {
        return Some((value, vec![dominators.common(&nodes)?]));
    }
    // Where no user has passed: a packet for which there is nothing to choose is rejected only if it is asked.
    let first = nodes.iter().filter(|&&node| !dominators.is_behind(node, &nodes));
    Some((value, first.copied().collect()))
}

/// Whether there is always something to choose, and nothing that a packet could be too short for.
fn cannot_fail(ir: &Ir, value: ValId) -> bool {
    let Value::Choose(arms) = ir.get(value) else { return false };
    let total = arms.last().is_some_and(|(last, _)| *ir.formula_of(*last) == Formula::True);
    let safe = |id: FormId| match ir.formula_of(id) {
        Formula::True | Formula::False => true,
        &Formula::Test(value, _) => ir.extent(value) == (0, true),
        _ => false,
    };
    total && arms.iter().all(|&(test, value)| safe(test) && ir.extent(value) == (0, true))
}

/// The graph with `value` defined on every way into the nodes of `at`.
fn with_definition(ir: &Ir, old: &Graph, value: ValId, at: &[NodeId]) -> Graph {
    let arms: &[_] = match ir.get(value) {
        Value::Choose(arms) => arms,
        _ => &[],
    };
    old.edited(|graph, node, id, now| {
        let user = kept(ir, graph, node, now);
        if !at.contains(&id) {
            return user;
        }
        let mut otherwise = Graph::REJECT;
        for &(condition, from) in arms.iter().rev() {
            let chosen = match ir.get(from) {
                Value::Fail => Graph::REJECT,
                _ => graph.add(Node::Define { value, from, next: user }),
            };
            otherwise = build(graph, ir, condition, chosen, otherwise);
        }
        otherwise
    })
}
