//! Where all ways to a node pass.

use super::{Graph, NodeId};

/// The last node on every way to each node but itself, by node; the root's is the root.
#[derive(Debug)]
pub struct Dominators(Vec<NodeId>);

impl Dominators {
    /// Those of the reachable nodes; not of the ends, where most ways meet.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let mut found: Vec<Option<NodeId>> = vec![None; graph.size()];
        for node in graph.reachable() {
            for next in graph.node(node).targets() {
                if next == Graph::ACCEPT || next == Graph::REJECT {
                    continue;
                }
                let up = |id: NodeId| found[id.index()].unwrap_or(graph.root);
                let at = found[next.index()].map_or(node, |other| nearest(up, node, other));
                found[next.index()] = Some(at);
            }
        }
        Self(found.into_iter().map(|node| node.unwrap_or(graph.root)).collect())
    }

    /// The last node on every way to any of `nodes`; one of them, if all ways to the others pass it.
    #[must_use]
    pub fn common(&self, nodes: &[NodeId]) -> Option<NodeId> {
        nodes.iter().copied().reduce(|a, b| nearest(|id| self.0[id.index()], a, b))
    }

    /// Which nodes all ways to pass `at`, itself among them.
    #[must_use]
    pub fn behind(&self, at: NodeId) -> Vec<bool> {
        let mut behind = vec![false; self.0.len()];
        behind[at.index()] = true;
        // Dominators have higher numbers.
        for n in (0..at.index()).rev() {
            let up = self.0[n].index();
            behind[n] = up > n && behind[up];
        }
        behind
    }

    /// Whether all ways to `node` pass another one of `others`.
    #[must_use]
    pub fn is_behind(&self, node: NodeId, others: &[NodeId]) -> bool {
        let mut at = node;
        loop {
            let up = self.0[at.index()];
            if up == at {
                return false;
            }
            if others.contains(&up) {
                return true;
            }
            at = up;
        }
    }
}

/// Where the ways up from two nodes meet. Numbers rise on the way up.
fn nearest(up: impl Fn(NodeId) -> NodeId, mut a: NodeId, mut b: NodeId) -> NodeId {
    while a != b {
        if a < b { a = up(a) } else { b = up(b) }
    }
    a
}
