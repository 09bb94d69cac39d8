//! Ways from node to node: what is known of the machine on each, and where each comes in.

use super::code::State;
use crate::filter::graph::NodeId;
use smallvec::SmallVec;

/// A way from a node to another.
#[derive(Debug)]
pub struct Way {
    to: NodeId,
    /// What is known on it.
    pub state: State,
    /// The instruction of the other node at which it comes in.
    pub entry: usize,
    /// Another way to the same node.
    other: Option<usize>,
}

/// All ways of a graph.
#[derive(Debug)]
pub struct Ways {
    all: Vec<Way>,
    /// One of the ways to each node, and what is known on all of them.
    into: Vec<Option<(usize, State)>>,
    /// The ways from each node, which lie next to each other, by where they lead.
    from: Vec<(usize, usize)>,
}

impl Ways {
    /// None yet, between so many nodes.
    pub fn new(nodes: usize) -> Self {
        Self {
            all: Vec::with_capacity(2 * nodes),
            into: vec![None; nodes],
            from: vec![(0, 0); nodes],
        }
    }

    /// Between how many nodes there may be ways.
    pub const fn nodes(&self) -> usize {
        self.into.len()
    }

    /// Adds ways from a node to each of some others.
    pub fn leave(&mut self, from: NodeId, state: State, targets: impl Iterator<Item = NodeId>) {
        // What is done at an end does not depend on the way.
        let mut targets: SmallVec<[NodeId; 4]> = targets.filter(|to| !to.is_end()).collect();
        targets.sort_unstable();
        targets.dedup();
        let first = self.all.len();
        self.from[from.index()] = (first, first + targets.len());
        for to in targets {
            let into = &mut self.into[to.index()];
            let known = into.map_or(state, |(_, known)| known.meet(state));
            let other = into.replace((self.all.len(), known)).map(|(other, _)| other);
            self.all.push(Way { to, state, entry: 0, other });
        }
    }

    /// Does something with each way to a node.
    pub fn each_into(&mut self, node: NodeId, mut with: impl FnMut(&mut Way)) {
        let mut next = self.into[node.index()].map(|(way, _)| way);
        while let Some(at) = next {
            let way = &mut self.all[at];
            with(way);
            next = way.other;
        }
    }

    /// What is known wherever a node is reached from.
    pub fn known(&self, node: NodeId) -> State {
        self.into[node.index()].map_or_else(State::default, |(_, known)| known)
    }

    /// The instruction at which the way from one node to another comes in.
    pub fn entry(&self, from: NodeId, to: NodeId) -> usize {
        if to.is_end() {
            return 0;
        }
        let (first, last) = self.from[from.index()];
        let ways = &self.all[first..last];
        ways.binary_search_by_key(&to, |way| way.to).map_or(0, |at| ways[at].entry)
    }
}
