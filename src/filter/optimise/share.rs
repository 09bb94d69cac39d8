//! Tests that ask the same of different places become one: each way there remembers its place, and the tests count from
//! it. So the ports of TCP over IPv4 and over IPv6 are looked for once, and so are the addresses of IP and of ARP.

use crate::filter::ast::BinOp;
use crate::filter::graph::{Graph, Node, NodeId, kept};
use crate::filter::ir::Map;
use crate::filter::ir::{Ir, ValId, Value, Width};

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
    /// Whether the first pair stays two: its places differ by another distance than all others'.
    apart: bool,
    /// By how many instructions the program becomes shorter.
    gain: usize,
}

/// The twins that save most.
fn best(ir: &mut Ir, graph: &Graph) -> Option<Twins> {
    let order = graph.reachable();
    let mut sources: Vec<u32> = vec![0; graph.size()];
    let mut alike: Map<(Width, Option<ValId>, Vec<u32>), Vec<NodeId>> = Map::default();
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
    let mut twins = Twins { pairs: Vec::new(), offsets: Vec::new(), apart: false, gain: 0 };
    let mut seen: Map<NodeId, NodeId> = Map::default();
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
        let (Node::Test { cases: a_cases, .. }, Node::Test { cases: b_cases, .. }) =
            (graph.node(one), graph.node(other))
        else {
            return None;
        };
        let (a, b) = places(ir, graph, one, other)?;
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
    if twins.pairs.iter().any(|(_, other)| seen.contains_key(other)) {
        return None;
    }
    // Single tests share their jumps when they are emitted.
    if twins.pairs.len() == 1 {
        return None;
    }
    if twins.offsets.len() == 2 {
        let first = &twins.offsets[0];
        twins.apart = (twins.pairs.iter().skip(1)).all(|&(one, other)| {
            places(ir, graph, one, other).is_some_and(|(a, b)| offsets(ir, a, b) != Some(*first))
        });
        if !twins.apart {
            return None;
        }
        twins.offsets.remove(0);
    }
    Some(twins)
}

fn places(ir: &Ir, graph: &Graph, one: NodeId, other: NodeId) -> Option<(Place, Place)> {
    match (graph.node(one), graph.node(other)) {
        (Node::Test { value: a, .. }, Node::Test { value: b, .. }) => {
            Some((place(ir, *a)?, place(ir, *b)?))
        }
        _ => None,
    }
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
    let second: Map<NodeId, u32> = twins.pairs.iter().map(|&(_, other)| (other, 0)).collect();
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
    // To remember a place costs an instruction on each way, and one more to get to the tests. Tests that stay apart keep a
    // load each.
    saved.saturating_sub(3 + usize::from(twins.apart))
}

fn shared(ir: &mut Ir, old: &Graph, twins: &Twins) -> Graph {
    let (entry, other_entry) = twins.pairs[0];
    let remembered = ir.remembered();
    let tested = if twins.apart { &twins.pairs[1..] } else { &twins.pairs[..] };
    let mut tests: Option<Map<NodeId, NodeId>> = None;
    old.edited(|graph, node, id, now| {
        if id != entry && id != other_entry {
            return kept(ir, graph, node, now);
        }
        // All that the tests of both groups go to is there already, whichever group is met first.
        let tests =
            &*tests.get_or_insert_with(|| tests_from(ir, old, graph, tested, remembered, now));
        let now = |id: NodeId| tests.get(&id).copied().unwrap_or_else(|| now(id));
        let next = if twins.apart { kept(ir, graph, node, &now) } else { now(id) };
        let (one, other) = twins.offsets[0];
        graph.add(Node::Define {
            value: remembered,
            from: if id == entry { one } else { other },
            next,
        })
    })
}

/// The tests of both groups, which count from what was remembered, by what they were.
fn tests_from(
    ir: &mut Ir,
    old: &Graph,
    graph: &mut Graph,
    pairs: &[(NodeId, NodeId)],
    remembered: ValId,
    now: &dyn Fn(NodeId) -> NodeId,
) -> Map<NodeId, NodeId> {
    let mut made: Map<NodeId, NodeId> = Map::default();
    let mut pairs = pairs.to_vec();
    pairs.sort_unstable();
    for (one, other) in pairs {
        let (Node::Test { cases, .. }, Some(Place { k, width, mask, .. })) =
            (old.node(one), places(ir, old, one, other).map(|(one, _)| one))
        else {
            continue;
        };
        let load = ir.load(Some(remembered), k, width);
        let value = match mask {
            Some(mask) => ir.binary(BinOp::And, load, mask),
            None => load,
        };
        let cases = cases
            .iter()
            .map(|&(end, next)| (end, made.get(&next).copied().unwrap_or_else(|| now(next))));
        let node = graph.test(ir, value, cases);
        made.insert(one, node);
        made.insert(other, node);
    }
    made
}
