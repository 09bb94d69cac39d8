//! Tests that ask the same of different places become one: each way there remembers its place, and the tests count from
//! it. So the ports of TCP over IPv4 and over IPv6 are looked for once, and so are the addresses of IP and of ARP.

use crate::filter::ast::BinOp;
use crate::filter::graph::{Graph, Node, NodeId, kept};
use crate::filter::ir::{Ir, ValId, Value, Width};
use std::collections::HashMap;

/// The graph with such tests shared, as long as the program becomes shorter.
#[must_use]
pub fn share(ir: &mut Ir, mut graph: Graph) -> Graph {
    for _ in 0..MAX_SHARED {
        let Some(twins) = best(ir, &graph) else { break };
        graph = shared(ir, &graph, &twins);
    }
    graph
}

/// So often this is done at most, ...
const MAX_SHARED: usize = 6;
/// ... of so many pairs of tests, ...
const MAX_PAIRS: usize = 128;
/// ... with so many tests each.
const MAX_TESTS: usize = 512;

/// A load: its base, the constant part of its offset, its width, and which bits of it count.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    base: Option<ValId>,
    k: u32,
    width: Width,
    mask: Option<ValId>,
}

fn place(ir: &Ir, value: ValId) -> Option<Place> {
    match *ir.get(value) {
        Value::Load { base, k, width } => Some(Place { base, k, width, mask: None }),
        Value::Binary { op: BinOp::And, left, right } => match (ir.get(left), ir.get(right)) {
            (&Value::Load { base, k, width }, Value::Const(_)) => {
                Some(Place { base, k, width, mask: Some(right) })
            }
            _ => None,
        },
        _ => None,
    }
}

/// Two groups of tests that ask the same.
struct Twins {
    /// Nodes of the first group, each with its twin in the second; where they are entered comes first.
    pairs: Vec<(NodeId, NodeId)>,
    /// What the places of the first group count from, and those of the second.
    offsets: Vec<(ValId, ValId)>,
    /// By how many instructions the program becomes shorter.
    gain: usize,
}

/// The twins that save most.
fn best(ir: &mut Ir, graph: &Graph) -> Option<Twins> {
    let order = graph.reachable();
    let mut sources: Vec<u32> = vec![0; graph.size()];
    let mut alike: HashMap<(Width, Option<ValId>, Vec<u32>), Vec<NodeId>> = HashMap::new();
    let mut keys = Vec::new();
    for &node in &order {
        for next in graph.node(node).targets() {
            sources[next.index()] += 1;
        }
        let Node::Test { value, cases } = graph.node(node) else { continue };
        let Some(place) = place(ir, *value) else { continue };
        let ends = cases.iter().map(|&(high, _)| high).collect();
        let key = (place.width, place.mask, ends);
        let nodes = alike.entry(key.clone()).or_default();
        if nodes.len() == 1 {
            keys.push(key);
        }
        nodes.push(node);
    }
    let mut best: Option<Twins> = None;
    let mut tried = 0;
    for key in keys {
        let nodes = &alike[&key];
        for (n, &one) in nodes.iter().enumerate() {
            for &other in &nodes[n + 1..] {
                tried += 1;
                if tried > MAX_PAIRS {
                    return best;
                }
                let found = [(one, other), (other, one)]
                    .into_iter()
                    .find_map(|(one, other)| twins(ir, graph, one, other));
                let Some(mut found) = found else { continue };
                found.gain = gain(graph, &found, &sources);
                if found.gain > best.as_ref().map_or(0, |best| best.gain) {
                    best = Some(found);
                }
            }
        }
    }
    best
}

/// The tests behind `one` and `other` that ask the same, if all of them do until their ways meet.
fn twins(ir: &mut Ir, graph: &Graph, one: NodeId, other: NodeId) -> Option<Twins> {
    let mut twins = Twins { pairs: Vec::new(), offsets: Vec::new(), gain: 0 };
    let mut seen: HashMap<NodeId, NodeId> = HashMap::new();
    let mut work = vec![(one, other)];
    while let Some((one, other)) = work.pop() {
        if one == other {
            continue;
        }
        match seen.insert(one, other) {
            Some(known) if known == other => continue,
            Some(_) => return None,
            None => {}
        }
        let (Node::Test { value: a, cases: a_cases }, Node::Test { value: b, cases: b_cases }) =
            (graph.node(one), graph.node(other))
        else {
            return None;
        };
        let (a, b) = (place(ir, *a)?, place(ir, *b)?);
        let alike = a.width == b.width && a.mask == b.mask && a_cases.len() == b_cases.len();
        if !alike || twins.pairs.len() == MAX_TESTS {
            return None;
        }
        let offsets = offsets(ir, a, b)?;
        if !twins.offsets.contains(&offsets) {
            twins.offsets.push(offsets);
        }
        if twins.offsets.len() > 2 {
            return None;
        }
        twins.pairs.push((one, other));
        for (&(end, next), &(other_end, other_next)) in a_cases.iter().zip(b_cases) {
            if end != other_end {
                return None;
            }
            work.push((next, other_next));
        }
    }
    // A node of one group in the other one would be its own twin.
    let both = twins.pairs.iter().any(|(_, other)| seen.contains_key(other));
    (!both).then_some(twins)
}

/// What two places count from so that the rest of their offsets is the first one's.
fn offsets(ir: &mut Ir, one: Place, other: Place) -> Option<(ValId, ValId)> {
    match (one.base, other.base) {
        (Some(a), Some(b)) if one.k == other.k => Some((a, b)),
        (Some(_), Some(_)) => None,
        (None, Some(_)) => None,
        (a, None) => {
            let more = other.k.checked_sub(one.k)?;
            let a = a.unwrap_or_else(|| ir.constant(0));
            Some((a, ir.constant(more)))
        }
    }
}

/// By how many instructions sharing makes the program shorter, as far as one can tell.
fn gain(graph: &Graph, twins: &Twins, sources: &[u32]) -> usize {
    // A test of the second group goes if nobody else goes there; what it costs is a load and a jump for each end.
    let second: HashMap<NodeId, u32> = twins.pairs.iter().map(|&(_, other)| (other, 0)).collect();
    let mut inner = second.clone();
    for &node in second.keys() {
        for next in graph.node(node).targets() {
            if let Some(count) = inner.get_mut(&next) {
                *count += 1;
            }
        }
    }
    let entered = twins.pairs.first().map(|&(_, other)| other);
    let saved: usize = second
        .keys()
        .filter(|node| Some(**node) == entered || inner.get(node) == sources.get(node.index()))
        .map(|&node| match graph.node(node) {
            Node::Test { cases, .. } => 1 + cases.len() / 2,
            _ => 0,
        })
        .sum();
    // A place in the index register costs one instruction on the second way and a jump from there; one in a scratch word
    // two on each, and its loads.
    let cost = 3 + (twins.offsets.len() - 1) * 5;
    saved.saturating_sub(cost)
}

fn shared(ir: &mut Ir, old: &Graph, twins: &Twins) -> Graph {
    let remembered: Vec<ValId> = twins.offsets.iter().map(|_| ir.remembered()).collect();
    let entries = twins.pairs.first().copied();
    let mut tests: Option<NodeId> = None;
    old.edited(|graph, node, id, now| {
        if entries.is_none_or(|(one, other)| id != one && id != other) {
            return kept(ir, graph, node, now);
        }
        let tests = *tests.get_or_insert_with(|| {
            // All that the tests of both groups go to is there already, whichever group is met first.
            tests_from(ir, old, graph, twins, &remembered, now)
        });
        let is_first = entries.is_some_and(|(one, _)| id == one);
        // What counts most is defined last, and stays in the index register.
        remembered.iter().zip(&twins.offsets).rev().fold(tests, |next, (&value, &(one, other))| {
            graph.add(Node::Define { value, from: if is_first { one } else { other }, next })
        })
    })
}

/// The tests of both groups, which count from what was remembered.
fn tests_from(
    ir: &mut Ir,
    old: &Graph,
    graph: &mut Graph,
    twins: &Twins,
    remembered: &[ValId],
    now: &dyn Fn(NodeId) -> NodeId,
) -> NodeId {
    let mut made: HashMap<NodeId, NodeId> = HashMap::new();
    let mut pairs = twins.pairs.clone();
    pairs.sort_unstable();
    let mut last = Graph::REJECT;
    for (one, other) in pairs {
        let (Node::Test { value: a, cases }, Node::Test { value: b, .. }) =
            (old.node(one), old.node(other))
        else {
            continue;
        };
        let (Some(a), Some(b)) = (place(ir, *a), place(ir, *b)) else { continue };
        let from =
            offsets(ir, a, b).and_then(|from| twins.offsets.iter().position(|it| *it == from));
        let Some(&from) = from.and_then(|n| remembered.get(n)) else { continue };
        let load = ir.load(Some(from), a.k, a.width);
        let value = match a.mask {
            Some(mask) => ir.binary(BinOp::And, load, mask),
            None => load,
        };
        let cases = cases
            .iter()
            .map(|&(end, next)| (end, made.get(&next).copied().unwrap_or_else(|| now(next))));
        last = graph.test(ir, value, cases);
        made.insert(one, last);
    }
    last
}
