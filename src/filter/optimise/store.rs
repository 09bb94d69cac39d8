//! A value that costs more than one instruction and is a base for loads in several places is computed once and
//! remembered.

use crate::filter::graph::{Dominators, Graph, Node, NodeId, kept};
use crate::filter::ir::{Ir, ValId, Value};
use smallvec::{SmallVec, smallvec};

/// Has such values computed once.
pub fn store(ir: &mut Ir, graph: &mut Graph) {
    let mut tried: Vec<ValId> = Vec::new();
    while let Some((value, at)) = candidate(ir, graph, &mut tried) {
        let remembered = ir.remembered();
        graph.replace(with_stored(ir, graph, value, at, remembered));
    }
}

/// Distinct bases that are looked at, at most: what filters have is one or two.
const MAX_TRIED: usize = 64;

/// A value to compute once, and the last node on every way to its users.
fn candidate(ir: &Ir, graph: &Graph, tried: &mut Vec<ValId>) -> Option<(ValId, NodeId)> {
    let mut users: Vec<(ValId, Vec<NodeId>)> = Vec::new();
    for &node in graph.reachable() {
        let value = match graph.node(node) {
            Node::Test { value, .. } => value,
            Node::Define { from, .. } => from,
            Node::Accept | Node::Reject => continue,
        };
        // Most values have no load with a base: how many bytes they need does not depend on the packet.
        if ir.extent(value).1 {
            continue;
        }
        for base in bases(ir, value) {
            match users.iter().position(|(value, _)| *value == base) {
                Some(at) => users[at].1.push(node),
                None if users.len() < MAX_TRIED => users.push((base, vec![node])),
                None => {}
            }
        }
    }
    users.retain(|(value, nodes)| nodes.len() > 1 && !tried.contains(value));
    let dominators = (!users.is_empty()).then(|| Dominators::of(graph))?;
    // What others are made of comes first.
    users.sort_by_key(|(value, _)| *value);
    users.into_iter().find_map(|(value, nodes)| {
        tried.push(value);
        let at = dominators.common(&nodes)?;
        (nodes.contains(&at) || ir.early().contains(&value)).then_some((value, at))
    })
}

/// The bases of the loads in `value` that take more than one instruction.
fn bases(ir: &Ir, value: ValId) -> SmallVec<[ValId; 4]> {
    let mut bases = SmallVec::new();
    let mut work: SmallVec<[ValId; 8]> = smallvec![value];
    while let Some(value) = work.pop() {
        match *ir.get(value) {
            Value::Load { base: Some(base), .. } if ir.header_length(base).is_some() => {}
            Value::Binary { left, right, .. } | Value::Compare { left, right, .. } => {
                work.push(left);
                work.push(right);
            }
            Value::Neg(of) => work.push(of),
            Value::Load { base: Some(base), .. } => {
                if is_costly(ir, base) && !bases.contains(&base) {
                    bases.push(base);
                }
                work.push(base);
            }
            _ => {}
        }
        if bases.len() > MAX_TRIED || work.len() > MAX_TRIED {
            break;
        }
    }
    bases
}

/// Whether it takes more than one instruction to have it in the index register.
fn is_costly(ir: &Ir, value: ValId) -> bool {
    match ir.get(value) {
        Value::Remembered(_) | Value::Choose(_) | Value::Const(_) | Value::Len => false,
        _ => ir.header_length(value).is_none(),
    }
}

fn with_stored(ir: &mut Ir, old: &Graph, value: ValId, at: NodeId, new: ValId) -> Graph {
    let dominators = Dominators::of(old);
    old.edited(|graph, node, id, now| {
        let node = match node {
            other if !dominators.is_behind(id, at) => other,
            Node::Test { value: looked_at, cases } => {
                Node::Test { value: ir.replaced(looked_at, value, new), cases }
            }
            Node::Define { value: defined, from, next } => {
                Node::Define { value: defined, from: ir.replaced(from, value, new), next }
            }
            end => end,
        };
        let user = kept(ir, graph, node, now);
        if id == at { graph.define(new, value, user) } else { user }
    })
}
