//! Graphs as text, and for Graphviz.

use super::{Graph, Node, NodeId};
use crate::filter::ir::{Ir, Set};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The graph, a line for each node, in topological order:
///
/// ```text
/// 7: [12:2]  = 0x800 -> 6, = 0x86dd -> 4, else -> reject
/// ```
#[must_use]
pub fn text(ir: &Ir, graph: &Graph) -> String {
    let mut text = String::new();
    for &id in graph.reachable() {
        let ways: Vec<String> =
            ways(graph, id).iter().map(|(label, to)| format!("{label} -> {}", name(*to))).collect();
        // Writing to a String cannot fail.
        let _ = match graph.node(id) {
            Node::Accept | Node::Reject => Ok(()),
            Node::Test { .. } | Node::Define { .. } => {
                writeln!(text, "{}: {}  {}", name(id), what(ir, graph, id), ways.join(", "))
            }
        };
    }
    text
}

/// The graph in Graphviz's language.
#[must_use]
pub fn dot(ir: &Ir, graph: &Graph) -> String {
    let mut text = String::from("digraph filter {\n    node [shape=box, fontname=monospace];\n");
    for &id in graph.reachable() {
        let label = what(ir, graph, id).replace('"', "\\\"");
        let _ = writeln!(text, "    \"{}\" [label=\"{label}\"];", name(id));
        for (label, to) in ways(graph, id) {
            let _ = writeln!(text, "    \"{}\" -> \"{}\" [label=\"{label}\"];", name(id), name(to));
        }
    }
    text + "}\n"
}

fn name(id: NodeId) -> String {
    match id {
        Graph::ACCEPT => "accept".to_owned(),
        Graph::REJECT => "reject".to_owned(),
        _ => id.index().to_string(),
    }
}

fn what(ir: &Ir, graph: &Graph, id: NodeId) -> String {
    match graph.node(id) {
        Node::Test { value, .. } => ir.show_value(value),
        Node::Define { value, from, .. } => {
            format!("{} := {}", ir.show_value(value), ir.show_value(from))
        }
        Node::Accept | Node::Reject => name(id),
    }
}

/// Where a node goes on, and for which numbers; the most common way comes last, as what is left.
fn ways(graph: &Graph, id: NodeId) -> Vec<(String, NodeId)> {
    let cases = match graph.node(id) {
        Node::Accept | Node::Reject => return Vec::new(),
        Node::Define { next, .. } => return vec![("then".to_owned(), next)],
        Node::Test { cases, .. } => cases,
    };
    let mut ranges: BTreeMap<NodeId, Vec<(u32, u32)>> = BTreeMap::new();
    let mut low = 0;
    for &(high, to) in cases {
        ranges.entry(to).or_default().push((low, high));
        low = high.wrapping_add(1);
    }
    let size =
        |ranges: &[(u32, u32)]| ranges.iter().map(|(low, high)| u64::from(high - low)).sum::<u64>();
    let rest = ranges.iter().max_by_key(|(_, ranges)| size(ranges)).map(|(&to, _)| to);
    let mut ways: Vec<(String, NodeId)> = ranges
        .into_iter()
        .filter(|(to, _)| Some(*to) != rest)
        .map(|(to, ranges)| {
            (crate::filter::ir::print::show_set(Set::from_ranges(ranges).view()), to)
        })
        .collect();
    ways.extend(rest.map(|to| ("else".to_owned(), to)));
    ways
}
