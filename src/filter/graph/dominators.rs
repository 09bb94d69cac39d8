//! Where all ways to a node pass.

use super::{Graph, NodeId};

/// The tree of the nodes that all ways to other nodes pass, with the root at its root.
#[derive(Debug)]
pub struct Dominators {
    /// The last node on every way to each node but itself, by node; the root's is the root.
    up: Vec<NodeId>,
    /// A node further up, which one depends on the depth alone: the way up in steps that double.
    jump: Vec<NodeId>,
    depth: Vec<u32>,
    /// Places in the order of a walk through the tree: a node's, and behind the last one below it.
    places: Vec<(usize, usize)>,
}

impl Dominators {
    /// Those of the reachable nodes; not of the ends, where most ways meet.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let size = graph.size();
        let mut tree = Self {
            up: vec![graph.root(); size],
            jump: vec![graph.root(); size],
            depth: vec![0; size],
            places: vec![(0, 0); size],
        };
        let order = graph.reachable();
        let mut met = vec![false; size];
        for &node in order {
            tree.settle(node);
            for next in graph.node(node).targets() {
                if next == Graph::ACCEPT || next == Graph::REJECT {
                    continue;
                }
                let n = next.index();
                tree.up[n] = if met[n] { tree.nearest(node, tree.up[n]) } else { node };
                met[n] = true;
            }
        }
        tree.number(order);
        tree
    }

    /// Notes how deep a node is, when it is known what is above it.
    fn settle(&mut self, node: NodeId) {
        let up = self.up[node.index()];
        if up == node {
            return;
        }
        let depth = |node: NodeId| self.depth[node.index()];
        let far = self.jump[up.index()];
        let further = self.jump[far.index()];
        let is_even = depth(up) + depth(further) == 2 * depth(far);
        self.depth[node.index()] = depth(up) + 1;
        self.jump[node.index()] = if is_even { further } else { up };
    }

    /// Gives places to the nodes, which are in the order of the ways.
    fn number(&mut self, order: &[NodeId]) {
        let mut below = vec![1; self.up.len()];
        for &node in order.iter().rev() {
            let up = self.up[node.index()];
            if up != node {
                below[up.index()] += below[node.index()];
            }
        }
        let mut next = vec![0; self.up.len()];
        for &node in order {
            let up = self.up[node.index()].index();
            let n = node.index();
            let first = next[up];
            next[up] += below[n];
            next[n] = first + 1;
            self.places[n] = (first, first + below[n]);
        }
    }

    /// The last node on every way to any of `nodes`; one of them, if all ways to the others pass it.
    #[must_use]
    pub fn common(&self, nodes: &[NodeId]) -> Option<NodeId> {
        nodes.iter().copied().reduce(|a, b| self.nearest(a, b))
    }

    /// Whether all ways to `node` pass `at`, or it is that.
    #[must_use]
    pub fn is_behind(&self, node: NodeId, at: NodeId) -> bool {
        let (first, last) = self.places[at.index()];
        (first..last).contains(&self.places[node.index()].0)
    }

    /// Those of `nodes` that can be reached without passing another one of them.
    #[must_use]
    pub fn firsts(&self, nodes: &[NodeId]) -> Vec<NodeId> {
        let mut nodes = nodes.to_vec();
        nodes.sort_unstable_by_key(|node| self.places[node.index()]);
        let mut end = 0;
        nodes.retain(|node| {
            let (first, last) = self.places[node.index()];
            let is_first = first >= end;
            if is_first {
                end = last;
            }
            is_first
        });
        nodes
    }

    /// Where the ways up from two nodes meet.
    fn nearest(&self, mut a: NodeId, mut b: NodeId) -> NodeId {
        let depth = |node: NodeId| self.depth[node.index()];
        let (up, jump) = (|node: NodeId| self.up[node.index()], |n: NodeId| self.jump[n.index()]);
        if depth(a) < depth(b) {
            (a, b) = (b, a);
        }
        while depth(a) > depth(b) {
            a = if depth(jump(a)) >= depth(b) { jump(a) } else { up(a) };
        }
        while a != b {
            (a, b) = if jump(a) == jump(b) { (up(a), up(b)) } else { (jump(a), jump(b)) };
        }
        a
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::ir::{Ir, Width};

    /// Random graphs, against what goes wrong without a node.
    #[test]
    fn ways_pass_what_cuts_them() {
        let mut state = 1_u64;
        let mut below = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % n
        };
        for _ in 0..50 {
            let (mut ir, mut graph) = (Ir::new(), Graph::new());
            for k in 2..30 {
                let value = ir.load(None, k, Width::Byte);
                let mut one = || NodeId::at(graph.size() - 1 - below(4.min(graph.size())));
                let (holds, fails) = (one(), one());
                graph.test(&ir, value, [(7, holds), (u32::MAX, fails)]);
            }
            graph.set_root(NodeId::at(graph.size() - 1));
            let tree = Dominators::of(&graph);
            let inner: Vec<NodeId> =
                graph.reachable().iter().copied().filter(|node| node.index() > 1).collect();
            for &at in &inner {
                let mut met = vec![false; graph.size()];
                met[graph.root().index()] = graph.root() != at;
                for &node in inner.iter().filter(|node| **node != at) {
                    if met[node.index()] {
                        graph.node(node).targets().for_each(|next| met[next.index()] = true);
                    }
                }
                for &node in &inner {
                    let cut = node == at || !met[node.index()];
                    assert_eq!(tree.is_behind(node, at), cut, "{at:?} {node:?}");
                }
            }
            let firsts = tree.firsts(&inner[1..]);
            for &node in &inner[1..] {
                let passed = inner[1..].iter().any(|&at| at != node && tree.is_behind(node, at));
                assert_eq!(firsts.contains(&node), !passed);
                let common = tree.common(&[node, inner[1]]).unwrap();
                assert!(tree.is_behind(node, common) && tree.is_behind(inner[1], common));
                let deeper = |&&at: &&NodeId| at != common && tree.is_behind(at, common);
                let both = |at: NodeId| tree.is_behind(node, at) && tree.is_behind(inner[1], at);
                assert!(!inner.iter().filter(deeper).any(|&at| both(at)));
            }
        }
    }
}
