//! The control flow of a filter: an arena of nodes, each of which looks at one value and goes on by what it is.
//!
//! A node is made after the nodes that it goes to, and equal nodes are one, so numbers fall along every path: there
//! is no loop, a walk by falling numbers is in topological order, and equal tails are common.

mod build;
mod define;
mod dominators;
pub mod print;

pub use build::build;
pub use define::{define, has_chosen};
pub use dominators::Dominators;

use super::ir::{Ir, Set, ValId, Value};
use crate::filter::ir::intern::Interned;
use smallvec::SmallVec;

/// A node's number in its [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// As an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The node at an index.
    #[must_use]
    pub fn at(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// A number that no node of `graph` has.
    #[must_use]
    pub fn beyond(graph: &Graph, n: usize) -> Self {
        Self::at(graph.size() + n)
    }
}

/// The cases of a test: the last number of each, and where it goes.
pub type Cases = SmallVec<[(u32, NodeId); 3]>;

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// The packet is not wanted.
    Reject,
    /// The packet is wanted.
    Accept,
    /// Goes on by a value. Each case ends at the number it names and begins after the one before; the last one ends at the
    /// highest number, and neighbours differ in where they go.
    Test {
        /// What is looked at.
        value: ValId,
        /// The last number of each case, and where it goes.
        cases: Cases,
    },
    /// Remembers `from` as what `value` is on the way from here. Those who use `value` are behind such nodes on
    /// every way.
    Define {
        /// What is remembered.
        value: ValId,
        /// How it is computed here.
        from: ValId,
        /// Where it goes on.
        next: NodeId,
    },
}

/// An arena of nodes.
#[derive(Debug)]
pub struct Graph {
    nodes: Interned<Node>,
    /// Where a packet begins.
    pub root: NodeId,
}

impl Graph {
    /// Where packets end that are not wanted.
    pub const REJECT: NodeId = NodeId(0);
    /// Where packets end that are wanted.
    pub const ACCEPT: NodeId = NodeId(1);

    /// Both ends, and nothing else.
    #[must_use]
    pub fn new() -> Self {
        let mut nodes = Interned::default();
        nodes.push(Node::Reject);
        nodes.push(Node::Accept);
        Self { nodes, root: Self::REJECT }
    }

    /// A node.
    ///
    /// # Panics
    /// If the number is of another graph.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.0)
    }

    /// How many nodes there are, reachable or not.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.nodes.count()
    }

    /// The node, made if there is none like it.
    pub fn add(&mut self, node: Node) -> NodeId {
        NodeId(self.nodes.intern(node).0)
    }

    /// A test of `value`; neighbouring cases that go to the same place become one.
    pub fn test(
        &mut self,
        ir: &Ir,
        value: ValId,
        cases: impl IntoIterator<Item = (u32, NodeId)>,
    ) -> NodeId {
        if matches!(ir.get(value), Value::Fail) {
            return Self::REJECT;
        }
        let cases = joined(cases);
        match cases[..] {
            // A test that decides nothing, and does not matter if it fails.
            [(_, only)] if only == Self::REJECT || ir.extent(value) == (0, true) => only,
            _ => self.add(Node::Test { value, cases }),
        }
    }

    /// A graph like this one, but for what `edit` makes of nodes: it is given the new graph, a node, its number here,
    /// and where everything behind it is now, and tells where those who went to the node go.
    #[must_use]
    pub fn edited(
        &self,
        mut edit: impl FnMut(&mut Self, &Node, NodeId, &dyn Fn(NodeId) -> NodeId) -> NodeId,
    ) -> Self {
        let mut graph = Self::new();
        let mut made: Vec<NodeId> = vec![Self::REJECT; self.nodes.count()];
        made[Self::ACCEPT.index()] = Self::ACCEPT;
        for id in self.reachable().into_iter().rev() {
            if id != Self::ACCEPT && id != Self::REJECT {
                let now = |id: NodeId| made[id.index()];
                let new = edit(&mut graph, self.node(id), id, &now);
                made[id.index()] = new;
            }
        }
        graph.root = made[self.root.index()];
        graph
    }

    /// The nodes that can be reached, each before those that it goes to.
    #[must_use]
    pub fn reachable(&self) -> Vec<NodeId> {
        let mut seen = vec![false; self.nodes.count()];
        let mut order = Vec::new();
        seen[self.root.index()] = true;
        for n in (0..=self.root.index()).rev() {
            if !seen[n] {
                continue;
            }
            for next in self.node(NodeId::at(n)).targets() {
                seen[next.index()] = true;
            }
            order.push(NodeId::at(n));
        }
        order
    }

    /// Whether the arena keeps its promises.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let sound = |(n, node): (usize, &Node)| {
            node.targets().all(|next| next.index() < n)
                && match node {
                    Node::Test { cases, .. } => {
                        cases.last().is_some_and(|&(high, _)| high == u32::MAX)
                            && cases.windows(2).all(|pair| pair[0].0 < pair[1].0)
                            && cases.windows(2).all(|pair| pair[0].1 != pair[1].1)
                    }
                    _ => true,
                }
        };
        self.root.index() < self.nodes.count()
            && (0..self.nodes.count()).map(|n| (n, self.node(NodeId::at(n)))).all(sound)
    }
}

/// What [`Graph::edited`] keeps of a node: all but where it goes.
#[must_use]
pub fn kept(ir: &Ir, graph: &mut Graph, node: &Node, now: &dyn Fn(NodeId) -> NodeId) -> NodeId {
    match *node {
        Node::Reject => Graph::REJECT,
        Node::Accept => Graph::ACCEPT,
        Node::Test { value, ref cases } => {
            graph.test(ir, value, cases.iter().map(|&(high, next)| (high, now(next))))
        }
        Node::Define { value, from, next } => {
            graph.add(Node::Define { value, from, next: now(next) })
        }
    }
}

impl Default for Graph {
    fn default() -> Self {
        Self::new()
    }
}

impl Node {
    /// Where it goes on, with repetitions.
    pub fn targets(&self) -> impl Iterator<Item = NodeId> + '_ {
        let (cases, next) = match self {
            Self::Reject | Self::Accept => (&[][..], None),
            Self::Test { cases, .. } => (&cases[..], None),
            Self::Define { next, .. } => (&[][..], Some(*next)),
        };
        cases.iter().map(|&(_, next)| next).chain(next)
    }
}

/// Cases of which no neighbours go to the same place.
#[must_use]
pub fn joined(cases: impl IntoIterator<Item = (u32, NodeId)>) -> Cases {
    let mut all = Cases::new();
    for (high, next) in cases {
        match all.last_mut() {
            Some(last) if last.1 == next => last.0 = high,
            _ => all.push((high, next)),
        }
    }
    all
}

/// The cases of ranges `(low, high)` that ascend, and of everything between them.
#[must_use]
pub fn cases_of(ranges: impl IntoIterator<Item = (u32, u32, NodeId)>, elsewhere: NodeId) -> Cases {
    let mut cases = Cases::new();
    let mut from = Some(0);
    for (low, high, node) in ranges {
        if from.is_some_and(|from| from < low) {
            cases.push((low - 1, elsewhere));
        }
        cases.push((high, node));
        from = high.checked_add(1);
    }
    if from.is_some() {
        cases.push((u32::MAX, elsewhere));
    }
    joined(cases)
}

/// The cases of a set.
#[must_use]
pub fn cases_of_set(set: &Set, inside: NodeId, outside: NodeId) -> Cases {
    cases_of(set.ranges().iter().map(|&(low, high)| (low, high, inside)), outside)
}
