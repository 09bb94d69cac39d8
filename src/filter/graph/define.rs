//! Values that are chosen by conditions are computed before they are used: the conditions become tests, and each choice
//! a definition. A value that may be computed early is computed once, where all who use it have passed.

use super::dominators::Dominators;
use super::{Graph, Node, NodeId, build, kept};
use crate::filter::ir::{FormId, Formula, Ir, Map, Seen, ValId, Value};
use std::collections::BTreeMap;

/// Whether a chosen value is used.
#[must_use]
pub fn has_chosen(ir: &Ir, graph: &Graph) -> bool {
    ir.has_chosen()
        && graph.reachable().iter().any(|&node| match graph.node(node) {
            Node::Test { value, .. } => ir.is_chosen(value),
            Node::Define { from, .. } => ir.is_chosen(from),
            Node::Accept | Node::Reject => false,
        })
}

/// Has every chosen value defined before it is used.
pub fn define(ir: &Ir, graph: &mut Graph) {
    let mut chosen = Chosen { ir, parts: Map::default() };
    let mut done: Seen<ValId> = Seen::default();
    // A definition may use other chosen values, which are then defined before it.
    loop {
        let choices = next_choices(graph, &mut chosen, &done);
        if choices.is_empty() {
            return;
        }
        done.extend(choices.iter().map(|(value, _)| *value));
        graph.replace(with_definitions(ir, graph, &choices));
    }
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
        let mut seen = Seen::default();
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

/// Chosen values that are used and not yet defined, none of which depends on another, and where to define each.
fn next_choices(
    graph: &Graph,
    chosen: &mut Chosen<'_>,
    done: &Seen<ValId>,
) -> Vec<(ValId, Vec<NodeId>)> {
    let mut users: BTreeMap<ValId, Vec<NodeId>> = BTreeMap::new();
    for &node in graph.reachable() {
        let uses = match graph.node(node) {
            Node::Test { value, .. } => value,
            Node::Define { from, .. } => from,
            Node::Accept | Node::Reject => continue,
        };
        if !chosen.ir.is_chosen(uses) {
            continue;
        }
        for part in chosen.parts(uses).iter().filter(|part| !done.contains(part)) {
            users.entry(*part).or_default().push(node);
        }
    }
    // Those of the highest rank: others may depend on them no more than they on each other.
    let ir = chosen.ir;
    let Some(highest) = users.keys().map(|&value| ir.rank(value)).max() else { return Vec::new() };
    users.retain(|&value, _| ir.rank(value) == highest);
    let dominators = Dominators::of(graph);
    let early: Seen<ValId> = ir.early().iter().copied().collect();
    let place = |(value, nodes): (ValId, Vec<NodeId>)| {
        // Where no user has passed: a packet for which there is nothing to choose is rejected only if it is asked.
        let at = match early.contains(&value) || cannot_fail(ir, value) {
            true => dominators.common(&nodes).into_iter().collect(),
            false => dominators.firsts(&nodes),
        };
        (value, at)
    };
    users.into_iter().rev().map(place).collect()
}

/// Whether there is always something to choose, and nothing that a packet could be too short for.
fn cannot_fail(ir: &Ir, value: ValId) -> bool {
    let &Value::Choose(choices) = ir.get(value) else { return false };
    let choices = ir.choices(choices);
    let total = choices.last().is_some_and(|(last, _)| *last == FormId::TRUE);
    let safe = |id: FormId| match ir.formula_of(id) {
        Formula::True | Formula::False => true,
        Formula::Test(value, _) => ir.extent(value) == (0, true),
        _ => false,
    };
    total && choices.iter().all(|&(test, value)| safe(test) && ir.extent(value) == (0, true))
}

/// The graph with each value defined on every way into its nodes.
fn with_definitions(ir: &Ir, old: &Graph, choices: &[(ValId, Vec<NodeId>)]) -> Graph {
    let mut at: Map<NodeId, Vec<ValId>> = Map::default();
    for (value, nodes) in choices {
        nodes.iter().for_each(|&node| at.entry(node).or_default().push(*value));
    }
    old.edited(|graph, node, id, now| {
        let mut user = kept(ir, graph, node, now);
        for &value in at.get(&id).into_iter().flatten() {
            user = with_definition(ir, graph, value, user);
        }
        user
    })
}

/// The choice of a value, and then `user`.
fn with_definition(ir: &Ir, graph: &mut Graph, value: ValId, user: NodeId) -> NodeId {
    let &Value::Choose(choices) = ir.get(value) else { return user };
    let mut otherwise = Graph::REJECT;
    for &(condition, from) in ir.choices(choices).iter().rev() {
        let chosen = match ir.get(from) {
            Value::Fail => Graph::REJECT,
            _ => graph.define(value, from, user),
        };
        otherwise = build(graph, ir, condition, chosen, otherwise);
    }
    otherwise
}
