//! Ways from node to node: what is known of the machine on each, and where each comes in.

use super::code::State;
use crate::filter::graph::NodeId;
use std::num::NonZeroU32;

/// A way from a node to another.
#[derive(Debug)]
pub struct Way {
    to: NodeId,
    /// What is known on it.
    pub state: State,
    /// The instruction of the other node at which it comes in.
    pub entry: u32,
    /// Another way to the same node.
    other: Option<Number>,
}

/// All ways of a graph.
#[derive(Debug)]
pub struct Ways {
    all: Vec<Way>,
    nodes: Vec<Ends>,
}

/// The ways that end and begin at a node.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    /// One of the ways to it.
    into: Option<Number>,
    /// What is known on all of those.
    known: State,
    /// The ways from it, which lie next to each other, by where they lead.
    from: (u32, u32),
}

/// One more than the index of a way.
type Number = NonZeroU32;

/// So many ways from a node are looked through one by one; where there are more, they are in order.
const FEW: usize = 8;

impl Ways {
    /// None yet, between so many nodes.
    pub fn new(nodes: usize) -> Self {
        Self { all: Vec::with_capacity(2 * nodes), nodes: vec![Ends::default(); nodes] }
    }

    /// Between how many nodes there may be ways.
    pub const fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Adds ways from a node to each of some others.
    pub fn leave(&mut self, from: NodeId, state: State, targets: impl Iterator<Item = NodeId>) {
        // What is done at an end does not depend on the way.
        let targets = targets.filter(|to| !to.is_end());
        let first = self.count();
        if targets.size_hint().1.is_some_and(|most| most <= FEW) {
            targets.for_each(|to| self.lead(first, to, state));
        } else {
            let mut sorted = Vec::new();
            targets.for_each(|to| sorted.push(to));
            sorted.sort_unstable();
            sorted.into_iter().for_each(|to| self.lead(first, to, state));
        }
        self.nodes[from.index()].from = (first, self.count());
    }

    /// Adds a way to a node, if none of those behind the `first` ones goes there.
    fn lead(&mut self, first: u32, to: NodeId, state: State) {
        let ends = &mut self.nodes[to.index()];
        let other = ends.into;
        if other.is_some_and(|other| other.get() > first) {
            return;
        }
        ends.known = if other.is_some() { ends.known.meet(state) } else { state };
        self.all.push(Way { to, state, entry: 0, other });
        ends.into = Number::new(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
    }

    fn count(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(u32::MAX)
    }

    /// Whether a node is reached from more than one other.
    pub fn are_several_into(&self, node: NodeId) -> bool {
        let one = self.nodes[node.index()].into;
        one.is_some_and(|at| self.all[at.get() as usize - 1].other.is_some())
    }

    /// Does something with each way to a node.
    pub fn each_into(&mut self, node: NodeId, mut with: impl FnMut(&mut Way)) {
        let mut next = self.nodes[node.index()].into;
        while let Some(at) = next {
            let way = &mut self.all[at.get() as usize - 1];
            with(way);
            next = way.other;
        }
    }

    /// What is known wherever a node is reached from.
    pub fn known(&self, node: NodeId) -> State {
        self.nodes[node.index()].known
    }

    /// The instruction at which the way from one node to another comes in.
    pub fn entry(&self, from: NodeId, to: NodeId) -> usize {
        if to.is_end() {
            return 0;
        }
        let (first, last) = self.nodes[from.index()].from;
        let ways = &self.all[first as usize..last as usize];
        let at = match ways.len() {
            0..=FEW => ways.iter().position(|way| way.to == to),
            _ => ways.binary_search_by_key(&to, |way| way.to).ok(),
        };
        at.map_or(0, |at| ways[at].entry as usize)
    }
}
