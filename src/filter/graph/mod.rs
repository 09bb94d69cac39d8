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

use super::ir::intern::Slots;
use super::ir::{Fast, Ir, Ranges, ValId, Value, filled};
use smallvec::SmallVec;
use std::cell::OnceCell;
use std::hash::{Hash, Hasher};

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

    /// Whether it is where packets end.
    #[must_use]
    pub const fn is_end(self) -> bool {
        self.0 <= Graph::ACCEPT.0
    }
}

/// A case of a test: its last number, and where it goes.
pub type Case = (u32, NodeId);

/// The cases of a test.
pub type Cases = SmallVec<[Case; 6]>;

/// A node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node<'g> {
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
        cases: &'g [Case],
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

/// A node as it is kept: its cases are these of all cases.
#[derive(Clone, Copy, Debug)]
enum Kept {
    Reject,
    Accept,
    Test { value: ValId, first: u32, last: u32 },
    Define { value: ValId, from: ValId, next: NodeId },
}

impl Kept {
    #[inline]
    fn node(self, cases: &[Case]) -> Node<'_> {
        match self {
            Self::Reject => Node::Reject,
            Self::Accept => Node::Accept,
            Self::Test { value, first, last } => {
                Node::Test { value, cases: &cases[first as usize..last as usize] }
            }
            Self::Define { value, from, next } => Node::Define { value, from, next },
        }
    }
}

/// An arena of nodes.
#[derive(Debug)]
pub struct Graph {
    nodes: Vec<Kept>,
    cases: Vec<Case>,
    slots: Slots,
    root: NodeId,
    /// The nodes that can be reached, once that was asked.
    order: OnceCell<Vec<NodeId>>,
}

impl Graph {
    /// Where packets end that are not wanted.
    pub const REJECT: NodeId = NodeId(0);
    /// Where packets end that are wanted.
    pub const ACCEPT: NodeId = NodeId(1);

    /// Both ends, and nothing else.
    #[must_use]
    pub fn new() -> Self {
        let mut nodes = Vec::with_capacity(32);
        nodes.extend([Kept::Reject, Kept::Accept]);
        Self {
            nodes,
            cases: Vec::with_capacity(64),
            slots: Slots::default(),
            root: Self::REJECT,
            order: OnceCell::new(),
        }
    }

    /// Where a packet begins.
    #[must_use]
    pub const fn root(&self) -> NodeId {
        self.root
    }

    /// Has packets begin elsewhere.
    pub fn set_root(&mut self, root: NodeId) {
        self.root = root;
        self.order = OnceCell::new();
        debug_assert!(self.is_sound());
    }

    /// Becomes what a pass made of it.
    pub fn replace(&mut self, next: Self) {
        debug_assert!(next.is_sound());
        *self = next;
    }

    /// A node.
    ///
    /// # Panics
    /// If the number is of another graph.
    #[must_use]
    #[inline]
    pub fn node(&self, id: NodeId) -> Node<'_> {
        self.nodes[id.index()].node(&self.cases)
    }

    /// How many nodes there are, reachable or not.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.nodes.len()
    }

    /// The node that has a value computed, made if there is none like it.
    pub fn define(&mut self, value: ValId, from: ValId, next: NodeId) -> NodeId {
        let hash = hash_of(Node::Define { value, from, next });
        self.intern(hash, Kept::Define { value, from, next })
    }

    /// A test of `value`, made if there is none like it; neighbouring cases that go to the same place become one.
    pub fn test(&mut self, ir: &Ir, value: ValId, cases: impl IntoIterator<Item = Case>) -> NodeId {
        if matches!(ir.get(value), Value::Fail) {
            return Self::REJECT;
        }
        let first = self.cases.len();
        let mut before = None;
        for (high, next) in cases {
            match self.cases.last_mut() {
                Some(last) if before == Some(next) => last.0 = high,
                _ => self.cases.push((high, next)),
            }
            before = Some(next);
        }
        let cases = &self.cases[first..];
        let node = match *cases {
            // A test that decides nothing, and does not matter if it fails.
            [(_, only)] if only == Self::REJECT || ir.extent(value) == (0, true) => only,
            _ => {
                let hash = hash_of(Node::Test { value, cases });
                let end = |n| u32::try_from(n).unwrap_or(u32::MAX);
                let (first, last) = (end(first), end(self.cases.len()));
                let made = self.nodes.len();
                let node = self.intern(hash, Kept::Test { value, first, last });
                if node.index() == made {
                    return node;
                }
                node
            }
        };
        self.cases.truncate(first);
        node
    }

    fn intern(&mut self, hash: usize, kept: Kept) -> NodeId {
        let Self { nodes, cases, slots, .. } = self;
        let node = kept.node(cases);
        match slots.find(hash, |number| nodes[number as usize].node(cases) == node) {
            Ok(number) => NodeId(number),
            Err(at) => {
                let id = NodeId::at(nodes.len());
                nodes.push(kept);
                slots.put(at, id.0, |number| hash_of(nodes[number as usize].node(cases)));
                id
            }
        }
    }

    /// A graph like this one, but for what `edit` makes of nodes: it is given the new graph, a node, its number here,
    /// and where everything behind it is now, and tells where those who went to the node go.
    #[must_use]
    pub fn edited(
        &self,
        mut edit: impl FnMut(&mut Self, Node<'_>, NodeId, &dyn Fn(NodeId) -> NodeId) -> NodeId,
    ) -> Self {
        let mut graph = Self::new();
        let mut made: SmallVec<[NodeId; 64]> = filled(Self::REJECT, self.nodes.len());
        let made = &mut made[..];
        made[Self::ACCEPT.index()] = Self::ACCEPT;
        for &id in self.reachable().iter().rev() {
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
    pub fn reachable(&self) -> &[NodeId] {
        self.order.get_or_init(|| {
            let size = self.root.index() + 1;
            let mut seen: SmallVec<[bool; 64]> = filled(false, size);
            let seen = &mut seen[..];
            let mut order = Vec::with_capacity(size);
            seen[self.root.index()] = true;
            for n in (0..size).rev() {
                if !seen[n] {
                    continue;
                }
                self.node(NodeId::at(n)).targets().for_each(|next| seen[next.index()] = true);
                order.push(NodeId::at(n));
            }
            order
        })
    }

    /// Whether the arena keeps its promises.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let sound = |(n, node): (usize, Node<'_>)| {
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
        self.root.index() < self.nodes.len()
            && (0..self.nodes.len()).map(|n| (n, self.node(NodeId::at(n)))).all(sound)
    }
}

/// What [`Graph::edited`] keeps of a node: all but where it goes.
#[must_use]
pub fn kept(ir: &Ir, graph: &mut Graph, node: Node<'_>, now: &dyn Fn(NodeId) -> NodeId) -> NodeId {
    match node {
        Node::Reject => Graph::REJECT,
        Node::Accept => Graph::ACCEPT,
        Node::Test { value, cases } => {
            graph.test(ir, value, cases.iter().map(|&(high, next)| (high, now(next))))
        }
        Node::Define { value, from, next } => graph.define(value, from, now(next)),
    }
}

impl Default for Graph {
    fn default() -> Self {
        Self::new()
    }
}

fn hash_of(node: Node<'_>) -> usize {
    let mut hasher = Fast::default();
    match node {
        Node::Reject | Node::Accept => {}
        Node::Test { value, cases } => {
            value.hash(&mut hasher);
            let both = |&(high, next): &Case| u64::from(high) << 32 | u64::from(next.0);
            cases.iter().for_each(|case| hasher.write_u64(both(case)));
        }
        Node::Define { value, from, next } => (value, from, next).hash(&mut hasher),
    }
    hasher.finish() as usize
}

impl<'g> Node<'g> {
    /// Where it goes on, with repetitions.
    #[inline]
    pub fn targets(self) -> impl Iterator<Item = NodeId> + use<'g> {
        let (cases, next) = match self {
            Self::Reject | Self::Accept => (&[][..], None),
            Self::Test { cases, .. } => (cases, None),
            Self::Define { next, .. } => (&[][..], Some(next)),
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

/// The cases of ranges `(low, high)` that ascend, and of everything between them; neighbours may go to the same place.
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
    cases
}

/// The cases of a set.
#[must_use]
pub fn cases_of_set(set: Ranges<'_>, inside: NodeId, outside: NodeId) -> Cases {
    cases_of(set.ranges().iter().map(|&(low, high)| (low, high, inside)), outside)
}
