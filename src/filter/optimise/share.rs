//! Tests that ask the same of different places become one: each way there remembers its place, and the tests count from
//! it. So the ports of TCP over IPv4 and over IPv6 are looked for once, and so are the addresses of IP and of ARP.

use crate::filter::ast::BinOp;
use crate::filter::graph::{Graph, Node, NodeId, kept};
use crate::filter::ir::{Fast, Ir, ValId, Value, Width, filled};
use smallvec::SmallVec;
use std::hash::Hasher;

/// Has such tests shared, as long as the program becomes shorter.
pub fn share(ir: &mut Ir, graph: &mut Graph) {
    for _ in 0..MAX_SHARED {
        let Some(twins) = best(ir, graph) else { break };
        graph.replace(shared(ir, graph, &twins));
    }
}

/// So often this is done at most, ...
const MAX_SHARED: usize = 6;
/// ... of so many pairs of tests, ...
const MAX_PAIRS: usize = 128;
/// ... with so many tests each.
const MAX_TESTS: usize = 128;

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

/// What an offset counts from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Value(ValId),
    Number(u32),
}

/// Tests of one group, each with its twin in the other.
type Pairs = SmallVec<[(NodeId, NodeId); 8]>;

/// Two groups of tests that ask the same.
struct Twins {
    /// Where they are entered comes first.
    pairs: Pairs,
    /// What the places of the first group count from, and those of the second.
    origins: (Origin, Origin),
    /// Whether the first pair stays two: its places differ by another distance than all others'.
    apart: bool,
    /// By how many instructions the program becomes shorter.
    gain: usize,
}

/// The twins that save most.
fn best(ir: &Ir, graph: &Graph) -> Option<Twins> {
    let mut looks: SmallVec<[Look; 16]> = SmallVec::new();
    find_looks(ir, graph, &mut looks);
    // Tests that look alike, next to each other.
    looks.sort_unstable_by(|a, b| b.cmp(a));
    if looks.windows(2).all(|two| two[0].0 != two[1].0) {
        return None;
    }
    let mut best: Option<Twins> = None;
    let mut tried = 0;
    let mut sources: SmallVec<[u32; 64]> = filled(0, graph.root().index() + 1);
    let mut counted = false;
    let looks = &looks[..];
    for (n, &(look, one)) in looks.iter().enumerate() {
        for &(_, other) in looks[n + 1..].iter().take_while(|(other, _)| *other == look) {
            tried += 1;
            if tried > MAX_PAIRS {
                return best;
            }
            if !may_be_twins(ir, graph, one, other) {
                continue;
            }
            let found = twins(ir, graph, one, other).or_else(|| twins(ir, graph, other, one));
            let Some(mut found) = found else { continue };
            if !std::mem::replace(&mut counted, true) {
                count_sources(graph, &mut sources);
            }
            found.gain = gain(graph, &found, &sources);
            if found.gain > best.as_ref().map_or(0, |best| best.gain) {
                best = Some(found);
            }
        }
    }
    best
}

/// A number that is the same for tests that look alike, and one of them.
type Look = (u32, NodeId);

/// Finds the tests that may have twins.
fn find_looks(ir: &Ir, graph: &Graph, looks: &mut SmallVec<[Look; 16]>) {
    for &node in graph.reachable().iter().rev() {
        let Node::Test { value, cases } = graph.node(node) else { continue };
        // Single tests share their jumps when they are emitted.
        if cases.iter().all(|case| case.1.is_end()) {
            continue;
        }
        let Some(place) = place(ir, value) else { continue };
        let mask = place.mask.map_or(0, |mask| mask.index() as u32 + 1);
        let look = Fast::default().with(place.width as u32, mask);
        let look = cases.iter().fold(look, |look, &(high, _)| look.with(0, high));
        looks.push((look.finish() as u32, node));
    }
}

/// Whether tests are behind two that look alike, of each where the other has one, and as far as a glance tells, such that
/// look alike again.
fn may_be_twins(ir: &Ir, graph: &Graph, one: NodeId, other: NodeId) -> bool {
    let (Node::Test { cases: a, .. }, Node::Test { cases: b, .. }) =
        (graph.node(one), graph.node(other))
    else {
        return false;
    };
    let mut differ = false;
    a.iter().zip(b).all(|(&(_, a), &(_, b))| {
        differ |= a != b;
        a == b || may_be_alike(ir, graph, a, b)
    }) && differ
}

/// Whether two nodes are tests with as many cases, of values of one size.
fn may_be_alike(ir: &Ir, graph: &Graph, one: NodeId, other: NodeId) -> bool {
    let (Node::Test { value: a, cases }, Node::Test { value: b, cases: others }) =
        (graph.node(one), graph.node(other))
    else {
        return false;
    };
    cases.len() == others.len() && ir.max_of(a) == ir.max_of(b)
}

/// Counts from how many cases each node is reached, by number.
fn count_sources(graph: &Graph, sources: &mut [u32]) {
    for &node in graph.reachable() {
        graph.node(node).targets().for_each(|next| sources[next.index()] += 1);
    }
}

/// The tests behind `one` and `other` that ask the same, if all of them do until their ways meet.
fn twins(ir: &Ir, graph: &Graph, one: NodeId, other: NodeId) -> Option<Twins> {
    let mut pairs = Pairs::new();
    let mut work = Pairs::new();
    work.push((one, other));
    let mut found: SmallVec<[(Origin, Origin); 2]> = SmallVec::new();
    // Whether the tests behind the first ones have its distance.
    let mut first_again = false;
    while let Some((one, other)) = work.pop() {
        if one == other {
            continue;
        }
        match pairs.iter().find(|(known, _)| *known == one) {
            Some((_, known)) if *known == other => continue,
            Some(_) => return None,
            None => {}
        }
        let (Node::Test { cases: a_cases, .. }, Node::Test { cases: b_cases, .. }) =
            (graph.node(one), graph.node(other))
        else {
            return None;
        };
        let (a, b) = alike(ir, graph, one, other)?;
        if pairs.len() == MAX_TESTS {
            return None;
        }
        let origins = origins(a, b)?;
        first_again |= !pairs.is_empty() && found.first() == Some(&origins);
        if !found.contains(&origins) {
            if found.len() == 2 {
                return None;
            }
            found.push(origins);
        }
        pairs.push((one, other));
        work.extend(a_cases.iter().zip(b_cases).map(|(a, b)| (a.1, b.1)));
    }
    // Single tests share their jumps when they are emitted. A node of one group in the other would be its own twin.
    let both = || pairs.iter().any(|(_, other)| pairs.iter().any(|(one, _)| one == other));
    let apart = found.len() == 2;
    if pairs.len() < 2 || apart && first_again || both() {
        return None;
    }
    Some(Twins { pairs, origins: *found.last()?, apart, gain: 0 })
}

/// The places of two tests that look at as much, for the same numbers.
fn alike(ir: &Ir, graph: &Graph, one: NodeId, other: NodeId) -> Option<(Place, Place)> {
    let (Node::Test { value: a, cases }, Node::Test { value: b, cases: others }) =
        (graph.node(one), graph.node(other))
    else {
        return None;
    };
    let (a, b) = (place(ir, a)?, place(ir, b)?);
    let same = a.width == b.width && a.mask == b.mask && cases.len() == others.len();
    (same && cases.iter().zip(others).all(|(a, b)| a.0 == b.0)).then_some((a, b))
}

/// What two places count from so that the rest of their offsets is the first one's.
fn origins(one: Place, other: Place) -> Option<(Origin, Origin)> {
    match (one.base, other.base) {
        (Some(a), Some(b)) if one.k == other.k => Some((Origin::Value(a), Origin::Value(b))),
        (_, Some(_)) => None,
        (a, None) => {
            let more = other.k.checked_sub(one.k)?;
            Some((a.map_or(Origin::Number(0), Origin::Value), Origin::Number(more)))
        }
    }
}

/// By how many instructions sharing makes the program shorter, as far as one can tell.
fn gain(graph: &Graph, twins: &Twins, sources: &[u32]) -> usize {
    // A test of the second group goes if nobody else goes there; what it costs is a load and a jump for each end.
    let mut inner: SmallVec<[NodeId; 32]> = SmallVec::new();
    for &(_, other) in &twins.pairs {
        inner.extend(graph.node(other).targets());
    }
    inner.sort_unstable();
    let only_inner = |node: NodeId| {
        let first = inner.partition_point(|&next| next < node);
        let count = inner[first..].partition_point(|&next| next == node);
        count == sources[node.index()] as usize
    };
    let entered = twins.pairs.first().map(|&(_, other)| other);
    let saved: usize = twins
        .pairs
        .iter()
        .map(|&(_, node)| node)
        .filter(|&node| Some(node) == entered || only_inner(node))
        .map(|node| match graph.node(node) {
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
    let mut value = |origin| match origin {
        Origin::Value(value) => value,
        Origin::Number(n) => ir.constant(n),
    };
    let origins = (value(twins.origins.0), value(twins.origins.1));
    let tested = if twins.apart { &twins.pairs[1..] } else { &twins.pairs[..] };
    let mut tests: Option<Pairs> = None;
    old.edited(|graph, node, id, now| {
        if id != entry && id != other_entry {
            return kept(ir, graph, node, now);
        }
        // All that the tests of both groups go to is there already, whichever group is met first.
        let tests =
            &*tests.get_or_insert_with(|| tests_from(ir, old, graph, tested, remembered, now));
        let now = |id: NodeId| instead(tests, id).unwrap_or_else(|| now(id));
        let next = if twins.apart { kept(ir, graph, node, &now) } else { now(id) };
        let (one, other) = origins;
        graph.define(remembered, if id == entry { one } else { other }, next)
    })
}

/// What a node became, if it is one of those that did.
fn instead(made: &Pairs, node: NodeId) -> Option<NodeId> {
    made.iter().find(|(old, _)| *old == node).map(|&(_, new)| new)
}

/// The tests of both groups, which count from what was remembered, by what they were.
fn tests_from(
    ir: &mut Ir,
    old: &Graph,
    graph: &mut Graph,
    pairs: &[(NodeId, NodeId)],
    remembered: ValId,
    now: &dyn Fn(NodeId) -> NodeId,
) -> Pairs {
    let mut made = Pairs::new();
    let mut pairs: Pairs = pairs.into();
    pairs.sort_unstable();
    for (one, other) in pairs {
        let Node::Test { value, cases } = old.node(one) else { continue };
        let Some(Place { k, width, mask, .. }) = place(ir, value) else { continue };
        let load = ir.load(Some(remembered), k, width);
        let value = match mask {
            Some(mask) => ir.binary(BinOp::And, load, mask),
            None => load,
        };
        let cases = cases
            .iter()
            .map(|&(end, next)| (end, instead(&made, next).unwrap_or_else(|| now(next))));
        let node = graph.test(ir, value, cases);
        made.extend([(one, node), (other, node)]);
    }
    made
}
