//! Tests whose outcome is known where they are reached are passed over; what cannot be is no case; and a test that
//! only follows another one of the same value becomes part of it.
//!
//! What is known on a way is what the tests on it told, as far as all ways to a place agree.

use crate::filter::ast::BinOp;
use crate::filter::graph::{Graph, Node, NodeId, joined};
use crate::filter::ir::{Ir, Set, ValId, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

/// So many values are remembered on a way, ...
const MAX_KNOWN: usize = 16;
/// ... with so many ranges each, else only that they were computed.
const MAX_RANGES: usize = 16;

/// The graph without tests whose outcome is known.
#[must_use]
pub fn thread(ir: &Ir, graph: &Graph) -> Graph {
    let mut pass = Pass {
        ir,
        graph,
        known: vec![None; graph.size()],
        ways: vec![Vec::new(); graph.size()],
        sources: vec![0; graph.size()],
    };
    let root = pass.follow(graph.root, &Facts::default());
    pass.arrive(root, Facts::default());
    for n in (0..=root.index()).rev() {
        if let Some(facts) = pass.known[n].take() {
            pass.leave(n, &facts);
        }
    }
    pass.rebuild(root)
}

/// What is known on a way.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// The packet has so many bytes.
    bytes: u32,
    /// The values that were computed, and where they are.
    values: Vec<(ValId, Rc<Set>)>,
}

impl Facts {
    fn of(&self, value: ValId) -> Option<&Rc<Set>> {
        self.values.iter().find(|(known, _)| *known == value).map(|(_, set)| set)
    }

    /// With what a test of `value` told.
    fn with(&self, ir: &Ir, value: ValId, set: Set) -> Self {
        let set = if set.ranges().len() > MAX_RANGES { Set::full() } else { set };
        let mut values: Vec<_> =
            self.values.iter().filter(|(known, _)| *known != value).cloned().collect();
        if values.len() == MAX_KNOWN {
            values.remove(0);
        }
        values.push((value, Rc::new(set)));
        Self { bytes: self.bytes.max(ir.extent(value).0), values }
    }

    /// What is known whichever of two ways was taken.
    fn meet(&self, other: &Self) -> Self {
        let both = |(value, set): &(ValId, Rc<Set>)| {
            let there = other.of(*value)?;
            if Rc::ptr_eq(set, there) || set == there {
                return Some((*value, set.clone()));
            }
            let union = set.union(there);
            let set = if union.ranges().len() > MAX_RANGES { Set::full() } else { union };
            Some((*value, Rc::new(set)))
        };
        Self {
            bytes: self.bytes.min(other.bytes),
            values: self.values.iter().filter_map(both).collect(),
        }
    }
}

struct Pass<'g> {
    ir: &'g Ir,
    graph: &'g Graph,
    /// What is known where a node begins, of those that are reached.
    known: Vec<Option<Facts>>,
    /// The nodes that are reached, with where they go now: the cases of a test, one case for a definition.
    ways: Vec<Vec<(u32, NodeId)>>,
    /// From how many nodes a node is reached.
    sources: Vec<u32>,
}

impl Pass<'_> {
    fn arrive(&mut self, at: NodeId, facts: Facts) {
        let known = &mut self.known[at.index()];
        *known = Some(match known {
            Some(known) => known.meet(&facts),
            None => facts,
        });
        self.sources[at.index()] += 1;
    }

    /// Decides where node number `n` goes.
    fn leave(&mut self, n: usize, facts: &Facts) {
        let graph = self.graph;
        match graph.node_at(n) {
            Node::Accept | Node::Reject => {}
            &Node::Define { next, .. } => {
                let next = self.follow(next, facts);
                self.arrive(next, facts.clone());
                self.ways[n] = vec![(u32::MAX, next)];
            }
            Node::Test { value, cases } => {
                let possible = self.possible(*value, facts);
                let mut sets: BTreeMap<NodeId, Vec<(u32, u32)>> = BTreeMap::new();
                let mut low = 0;
                for &(high, next) in cases {
                    sets.entry(next).or_default().push((low, high));
                    low = high.wrapping_add(1);
                }
                let mut to: BTreeMap<NodeId, Option<NodeId>> = BTreeMap::new();
                let mut arrivals: Vec<(NodeId, Facts)> = Vec::new();
                for (next, ranges) in sets {
                    let set = Set::from_ranges(ranges).intersection(&possible);
                    if set.is_empty() {
                        to.insert(next, None);
                        continue;
                    }
                    let facts = facts.with(self.ir, *value, set);
                    let end = self.follow(next, &facts);
                    to.insert(next, Some(end));
                    match arrivals.iter_mut().find(|(other, _)| *other == end) {
                        Some((_, other)) => *other = other.meet(&facts),
                        None => arrivals.push((end, facts)),
                    }
                }
                for (end, facts) in arrivals {
                    self.arrive(end, facts);
                }
                self.ways[n] = possible_cases(cases, &to);
            }
        }
    }

    /// What `value` can be.
    fn possible(&self, value: ValId, facts: &Facts) -> Set {
        let all = Set::range(0, self.ir.max_of(value));
        let set = facts.of(value).map_or_else(|| all.clone(), |set| set.intersection(&all));
        match self.bits(value, facts) {
            // All that was tested of it is known.
            Some((mask, bits)) if mask == u32::MAX => set.intersection(&Set::one(bits)),
            _ => set,
        }
    }

    /// The bits of `value` that are known: a mask, and what they are.
    fn bits(&self, value: ValId, facts: &Facts) -> Option<(u32, u32)> {
        let (whole, mask) = self.masked(value)?;
        let (mut known, mut bits) = (!mask, 0);
        for (other, set) in &facts.values {
            let Some((of, other_mask)) = self.masked(*other).filter(|(of, _)| *of == whole) else {
                continue;
            };
            let &[(low, high)] = set.ranges() else { continue };
            // What the two ends have in common at the top, all between them have.
            let common = !(u32::MAX >> (low ^ high).leading_zeros().min(31));
            let common = if low == high { u32::MAX } else { common };
            let told = common & other_mask & mask;
            let _ = of;
            known |= told;
            bits |= low & told;
        }
        Some((known, bits))
    }

    /// A value as some bits of another.
    fn masked(&self, value: ValId) -> Option<(ValId, u32)> {
        match *self.ir.get(value) {
            Value::Binary { op: BinOp::And, left, right } => match self.ir.get(right) {
                &Value::Const(mask) => Some((left, mask)),
                _ => None,
            },
            Value::Load { .. } => Some((value, u32::MAX)),
            _ => None,
        }
    }

    /// Whether `value` can be computed on this way: it has been, or what it needs has been there.
    fn is_loaded(&self, value: ValId, facts: &Facts) -> bool {
        let (bytes, exact) = self.ir.extent(value);
        exact && bytes <= facts.bytes
            || facts.of(value).is_some()
            || self.masked(value).is_some_and(|(whole, _)| {
                facts
                    .values
                    .iter()
                    .any(|(other, _)| self.masked(*other).is_some_and(|(other, _)| other == whole))
            })
    }

    /// Where a way that leads to `at` ends, past all tests whose outcome is known.
    fn follow(&self, mut at: NodeId, facts: &Facts) -> NodeId {
        while let Node::Test { value, cases } = self.graph.node(at) {
            if !self.is_loaded(*value, facts) {
                break;
            }
            let Some(next) = self.outcome(*value, cases, facts) else { break };
            at = next;
        }
        at
    }

    /// The only case that a value can be in.
    fn outcome(&self, value: ValId, cases: &[(u32, NodeId)], facts: &Facts) -> Option<NodeId> {
        let case = |n: u32| cases.partition_point(|&(high, _)| high < n);
        let set = facts.of(value);
        let bits = self.bits(value, facts).filter(|(mask, _)| *mask != 0);
        let mut only = None;
        let mut low = 0;
        let possible = |low: u32, high: u32| {
            let in_set = set
                .is_none_or(|set| set.ranges().iter().any(|&(from, to)| from <= high && low <= to));
            // A case of one number can be told from the bits.
            let in_bits = bits.is_none_or(|(mask, bits)| low != high || low & mask == bits & mask);
            in_set && in_bits
        };
        if let (Some(set), true) = (set, cases.len() > 2 * MAX_RANGES) {
            // Many cases, few ranges.
            let mut ends = set.ranges().iter().map(|&(from, to)| (case(from), case(to)));
            let (first, _) = ends.clone().next()?;
            let next = cases.get(first)?.1;
            return ends
                .all(|(from, to)| from == to && cases.get(from).is_some_and(|it| it.1 == next))
                .then_some(next);
        }
        for &(high, next) in cases {
            if possible(low, high) && only.replace(next).is_some_and(|other| other != next) {
                return None;
            }
            low = high.wrapping_add(1);
        }
        only
    }

    /// The graph with the ways that were decided.
    fn rebuild(&self, root: NodeId) -> Graph {
        let mut graph = Graph::new();
        let mut made: Vec<NodeId> = vec![Graph::REJECT; self.graph.size()];
        made[Graph::ACCEPT.index()] = Graph::ACCEPT;
        for n in 0..=root.index() {
            if self.ways[n].is_empty() {
                continue;
            }
            let ways = self.ways[n].iter();
            match *self.graph.node_at(n) {
                Node::Test { value, .. } => {
                    let cases = ways.map(|&(high, next)| (high, next));
                    let cases = self.absorbed(&graph, value, cases, &made);
                    made[n] = graph.test(self.ir, value, cases);
                }
                Node::Define { value, from, .. } => {
                    let next =
                        self.ways[n].first().map_or(Graph::REJECT, |way| made[way.1.index()]);
                    made[n] = graph.add(Node::Define { value, from, next });
                }
                Node::Accept | Node::Reject => {}
            }
        }
        graph.root = made[root.index()];
        graph
    }

    /// Cases with those of a following test of the same value, if it follows nothing else.
    fn absorbed(
        &self,
        graph: &Graph,
        value: ValId,
        ways: impl Iterator<Item = (u32, NodeId)>,
        made: &[NodeId],
    ) -> Vec<(u32, NodeId)> {
        let mut all = Vec::new();
        let mut low = 0;
        for (high, next) in ways {
            let now = made[next.index()];
            match graph.node(now) {
                Node::Test { value: same, cases }
                    if *same == value && self.sources[next.index()] == 1 =>
                {
                    let from = cases.partition_point(|&(end, _)| end < low);
                    for &(end, inner) in &cases[from..] {
                        all.push((end.min(high), inner));
                        if end >= high {
                            break;
                        }
                    }
                }
                _ => all.push((high, now)),
            }
            low = high.wrapping_add(1);
        }
        joined(all)
    }
}

/// Cases without those that cannot be: their numbers go where a neighbour goes.
fn possible_cases(
    cases: &[(u32, NodeId)],
    to: &BTreeMap<NodeId, Option<NodeId>>,
) -> Vec<(u32, NodeId)> {
    let mut all: Vec<(u32, NodeId)> = Vec::with_capacity(cases.len());
    for &(high, next) in cases {
        if let Some(&Some(next)) = to.get(&next) {
            all.push((high, next));
        }
    }
    if let Some(last) = all.last_mut() {
        last.0 = u32::MAX;
    }
    joined(all)
}
