//! Tests whose outcome is known where they are reached are passed over; what cannot be is no case; and a test that
//! only follows another one of the same value becomes part of it.
//!
//! What is known on a way is what the tests on it told, as far as all ways to a place agree.

pub use super::known::Scope;
use super::known::{Facts, Known, masked};
use crate::filter::graph::{Case, Cases, Graph, Node, NodeId, joined};
use crate::filter::ir::{Ir, Map, ValId};
use smallvec::{SmallVec, smallvec};
use std::cell::Cell;

/// The graph without tests whose outcome is known, or nothing if there are none.
#[must_use]
pub fn thread(ir: &Ir, graph: &Graph, scope: Scope) -> Option<Graph> {
    if is_plain(ir, graph) {
        return None;
    }
    let size = graph.root().index() + 1;
    let mut pass = Pass {
        ir,
        graph,
        scope,
        known: Known::new(ir, graph, scope),
        places: vec![Place::default(); size],
        ways: Vec::new(),
        same: Vec::new(),
        skips: Cell::new(FEWEST_SKIPS + SKIPS * graph.size()),
    };
    let root = pass.follow(graph.root(), Facts::default());
    pass.arrive(root, Facts::default());
    for n in (0..=root.index()).rev() {
        if let Some(facts) = pass.places[n].facts {
            pass.leave(NodeId::at(n), facts);
        }
    }
    pass.same.retain(|_| scope == Scope::All);
    let absorbs = pass.same.iter().any(|node| pass.places[node.index()].sources == 1);
    let changes = root != graph.root() || !pass.ways.is_empty() || absorbs;
    changes.then(|| pass.rebuild(root))
}

/// Whether no test tells anything of another one, nor is one decided by itself: so it is in most filters.
fn is_plain(ir: &Ir, graph: &Graph) -> bool {
    let mut looked_at: SmallVec<[ValId; 32]> = SmallVec::new();
    for &node in graph.reachable() {
        let Node::Test { value, cases } = graph.node(node) else { continue };
        let (whole, mask) = masked(ir, value).unwrap_or((value, u32::MAX));
        let inner = &cases[..cases.len() - 1];
        let may_end = inner.last().is_some_and(|&(high, _)| high < ir.max_of(value));
        // Bits outside of the mask are known.
        let mut low = 0;
        let fit = inner.iter().all(|&(high, _)| {
            let is_single = low == high;
            low = high.wrapping_add(1);
            !is_single || high & !mask == 0
        });
        if mask == 0 || !may_end || !fit {
            return false;
        }
        looked_at.push(whole);
    }
    looked_at.sort_unstable();
    looked_at.windows(2).all(|two| two[0] != two[1])
}

struct Pass<'g> {
    ir: &'g Ir,
    graph: &'g Graph,
    scope: Scope,
    known: Known<'g>,
    places: Vec<Place>,
    /// Where nodes go that go elsewhere now: the cases of a test, one case for a definition.
    ways: Vec<Cases>,
    /// Tests that are reached from one of the same value.
    same: Vec<NodeId>,
    /// How many tests are yet looked at to be passed over.
    skips: Cell<usize>,
}

/// What was found out of a node.
#[derive(Clone, Copy, Default)]
struct Place {
    /// What is known where it begins, if it is reached.
    facts: Option<Facts>,
    /// From how many nodes it is reached.
    sources: u32,
    /// The number of its new ways.
    ways: Option<u32>,
}

/// So many tests are passed over, for each node there is ...
const SKIPS: usize = 16;
/// ... and besides. A long row of tests may be known from each of many places.
const FEWEST_SKIPS: usize = 1 << 16;

impl Pass<'_> {
    fn arrive(&mut self, at: NodeId, facts: Facts) {
        let place = &mut self.places[at.index()];
        place.sources += 1;
        if at == Graph::ACCEPT || at == Graph::REJECT {
            return;
        }
        place.facts = Some(match place.facts {
            Some(known) => self.known.meet(known, facts),
            None => facts,
        });
    }

    /// Decides where a node goes.
    fn leave(&mut self, node: NodeId, facts: Facts) {
        match self.graph.node(node) {
            Node::Accept | Node::Reject => {}
            Node::Define { next, .. } => {
                let end = self.follow(next, facts);
                self.arrive(end, facts);
                if end != next {
                    self.redirect(node, smallvec![(u32::MAX, end)]);
                }
            }
            Node::Test { value, cases } => self.leave_test(node, value, cases, facts),
        }
    }

    fn leave_test(&mut self, node: NodeId, value: ValId, cases: &[Case], facts: Facts) {
        let mut ends = Ends::of(cases.len());
        let mut low = 0;
        let mut all = Cases::new();
        let mut changed = false;
        let max = self.known.max_of(value);
        for &(high, next) in cases {
            if self.known.may_be((value, cases), facts, max, (low, high)) {
                let end = ends.end_of(next).unwrap_or_else(|| {
                    let facts = self.known.behind(facts, node, value, next);
                    let end = self.follow(next, facts);
                    ends.push(next, end, facts);
                    end
                });
                changed |= end != next;
                all.push((high, end));
            } else {
                changed = true;
            }
            low = high.wrapping_add(1);
        }
        match all.last_mut() {
            Some(last) => last.0 = u32::MAX,
            // What is known contradicts itself: nobody gets here.
            None => all.push((u32::MAX, Graph::REJECT)),
        }
        for (end, facts) in ends.arrivals(&mut self.known) {
            if matches!(self.graph.node(end), Node::Test { value: other, .. } if other == value) {
                self.same.push(end);
            }
            self.arrive(end, facts);
        }
        if changed {
            self.redirect(node, joined(all));
        }
    }

    fn redirect(&mut self, node: NodeId, ways: Cases) {
        self.places[node.index()].ways = u32::try_from(self.ways.len()).ok();
        self.ways.push(ways);
    }

    /// Where a way that leads to `at` ends, past all tests whose outcome is known.
    fn follow(&self, mut at: NodeId, facts: Facts) -> NodeId {
        while let Node::Test { value, cases } = self.graph.node(at) {
            let Some(left) = self.skips.get().checked_sub(1 + cases.len() / FEW) else { break };
            self.skips.set(left);
            if !self.known.is_loaded(value, facts) {
                break;
            }
            let Some(next) = self.outcome(value, cases, facts) else { break };
            at = next;
        }
        at
    }

    /// The only way that a test can go.
    fn outcome(&self, value: ValId, cases: &[Case], facts: Facts) -> Option<NodeId> {
        let (mask, bits) = self.known.bits(value, facts);
        if mask == u32::MAX {
            let at = cases.partition_point(|&(high, _)| high < bits);
            return cases.get(at).map(|&(_, next)| next);
        }
        let max = self.known.max_of(value);
        let mut only = None;
        let mut low = 0;
        for &(high, next) in cases {
            // A case of one number can be told from the bits.
            let fits = low != high || low & mask == bits & mask;
            if only != Some(next)
                && fits
                && self.known.may_be((value, cases), facts, max, (low, high))
            {
                if only.is_some() {
                    return None;
                }
                only = Some(next);
            }
            low = high.wrapping_add(1);
        }
        only
    }

    /// The graph with the ways that were decided.
    fn rebuild(&self, root: NodeId) -> Graph {
        let mut graph = Graph::new();
        let mut made: Vec<NodeId> = vec![Graph::REJECT; root.index().max(1) + 1];
        made[Graph::ACCEPT.index()] = Graph::ACCEPT;
        for n in 2..=root.index() {
            let place = self.places[n];
            if place.sources == 0 {
                continue;
            }
            let ways = place.ways.map(|number| &self.ways[number as usize][..]);
            made[n] = match self.graph.node(NodeId::at(n)) {
                Node::Test { value, cases } => {
                    let cases = self.absorbed(&graph, value, ways.unwrap_or(cases), &made);
                    graph.test(self.ir, value, cases)
                }
                Node::Define { value, from, next } => {
                    let next = ways.and_then(<[_]>::first).map_or(next, |way| way.1);
                    graph.define(value, from, made[next.index()])
                }
                Node::Accept | Node::Reject => continue,
            };
        }
        graph.set_root(made[root.index()]);
        graph
    }

    /// Cases with those of a following test of the same value, if it follows nothing else.
    fn absorbed(&self, graph: &Graph, value: ValId, ways: &[Case], made: &[NodeId]) -> Cases {
        let mut all = Cases::new();
        let mut low = 0;
        for &(high, next) in ways {
            let now = made[next.index()];
            match graph.node(now) {
                Node::Test { value: same, cases }
                    if same == value
                        && self.scope == Scope::All
                        && self.places[next.index()].sources == 1 =>
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

/// Where the ways of a test end.
struct Ends {
    /// The ways by where they led, where they end, and what is known there.
    list: SmallVec<[(NodeId, NodeId, Facts); 4]>,
    /// The same by number, where there are many.
    places: Option<Map<NodeId, usize>>,
}

/// So many ways are looked through one by one.
const FEW: usize = 16;

impl Ends {
    fn of(cases: usize) -> Self {
        Self { list: SmallVec::new(), places: (cases > FEW).then(Map::default) }
    }

    fn place(&self, to: NodeId) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(&to).copied(),
            None => self.list.iter().position(|(known, ..)| *known == to),
        }
    }

    fn push(&mut self, to: NodeId, end: NodeId, facts: Facts) {
        if let Some(places) = &mut self.places {
            places.insert(to, self.list.len());
        }
        self.list.push((to, end, facts));
    }

    fn end_of(&self, to: NodeId) -> Option<NodeId> {
        self.place(to).map(|at| self.list[at].1)
    }

    /// Each end once, with what is known whichever way led there.
    fn arrivals(mut self, known: &mut Known<'_>) -> SmallVec<[(NodeId, Facts); 4]> {
        self.list.sort_by_key(|&(_, end, _)| end);
        let mut all: SmallVec<[(NodeId, Facts); 4]> = SmallVec::new();
        for (_, end, facts) in self.list {
            match all.last_mut() {
                Some((last, met)) if *last == end => *met = known.meet(*met, facts),
                _ => all.push((end, facts)),
            }
        }
        all
    }
}
