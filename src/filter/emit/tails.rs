//! Jumps that several tests have in common: once their values are in the accumulator, tests that go to the same places
//! for the same numbers are one.

use super::search::{Jumps, search};
use crate::filter::ast::BinOp;
use crate::filter::graph::{Case, Graph, Node, NodeId};
use crate::filter::ir::{Fast, Ir, Map, ValId, Value};
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};

/// What the jumps of a test depend on, besides the accumulator.
#[derive(Clone, Copy, Debug, Eq)]
pub struct Tail<'g> {
    /// The bits that are looked at, if all that counts is whether any is set.
    pub mask: Option<u32>,
    /// Where the numbers go; the last case ends at the highest number, whatever it names.
    pub cases: &'g [Case],
}

impl Tail<'_> {
    /// Where each case ends but the last one, and where all of them go.
    fn parts(&self) -> (impl Iterator<Item = u32>, impl Iterator<Item = NodeId>) {
        let inner = &self.cases[..self.cases.len().saturating_sub(1)];
        (inner.iter().map(|case| case.0), self.cases.iter().map(|case| case.1))
    }

    /// A number that is the same for equal tails.
    fn look(&self) -> u64 {
        let ends = self.cases.iter().fold(0, |look: u64, &(_, node)| {
            (look.rotate_left(5) ^ node.index() as u64).wrapping_mul(Fast::FACTOR)
        });
        let first = self.cases.first().map_or(0, |case| case.0);
        ends ^ u64::from(first) ^ u64::from(self.mask.unwrap_or(0))
    }
}

impl PartialEq for Tail<'_> {
    fn eq(&self, other: &Self) -> bool {
        let ((ends, nodes), (other_ends, other_nodes)) = (self.parts(), other.parts());
        self.mask == other.mask
            && self.cases.len() == other.cases.len()
            && ends.eq(other_ends)
            && nodes.eq(other_nodes)
    }
}

impl Hash for Tail<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (ends, nodes) = self.parts();
        self.mask.hash(state);
        ends.for_each(|end| end.hash(state));
        nodes.for_each(|node| node.hash(state));
    }
}

/// How a test takes part in a tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Which tail, by its number.
    pub tail: usize,
    /// A number that goes somewhere else in this test, and where.
    pub but: Option<(u32, NodeId)>,
}

/// A test that can use a tail, and a number that it takes elsewhere.
type User = (NodeId, Option<(u32, NodeId)>);

/// The tails of a graph and their users.
#[derive(Debug, Default)]
pub struct Tails<'g> {
    /// The tails, each with the last of its users.
    pub tails: Vec<(Tail<'g>, NodeId)>,
    /// Who uses one.
    pub uses: Map<NodeId, Use>,
}

/// The value that is loaded for a test, and the jumps that follow.
pub fn split<'g>(ir: &Ir, value: ValId, cases: &'g [Case]) -> Option<(ValId, Tail<'g>)> {
    match *ir.get(value) {
        Value::Compare { .. } => None,
        Value::Binary { op: BinOp::And, left, right } => match (ir.get(right), cases) {
            (&Value::Const(mask), [(0, _), _]) => Some((left, Tail { mask: Some(mask), cases })),
            _ => Some((value, plain(cases, ir.max_of(value)))),
        },
        _ => Some((value, plain(cases, ir.max_of(value)))),
    }
}

fn plain(cases: &[Case], max: u32) -> Tail<'_> {
    let below = cases.partition_point(|&(high, _)| high < max);
    Tail { mask: None, cases: &cases[..(below + 1).min(cases.len())] }
}

/// Finds the tails that are worth to be shared.
pub fn find<'g>(ir: &Ir, graph: &'g Graph) -> Tails<'g> {
    let tests = || {
        let tails = graph.reachable().iter().map(|&node| (node, tail_of(ir, graph, node)));
        tails.filter_map(|(node, tail)| Some((node, tail.filter(|tail| tail.cases.len() > 1)?)))
    };
    // A test that differs from the one it goes to by just going there.
    let but_ones = || tests().filter_map(|(node, tail)| Some((node, but_one(ir, graph, tail)?)));
    // Most filters are small, and have neither that nor equal tails.
    let mut looks: SmallVec<[u64; 16]> = SmallVec::new();
    let mut differ = true;
    for (_, tail) in tests() {
        differ &= but_one(ir, graph, tail).is_none();
        looks.push(tail.look());
    }
    looks.sort_unstable();
    if differ && looks.windows(2).all(|two| two[0] != two[1]) {
        return Tails::default();
    }
    let found: Vec<(NodeId, Tail<'g>)> = tests().collect();
    let mut users: Users<'g> = Map::default();
    for &(node, tail) in &found {
        users.entry(tail).or_default().push((node, None));
    }
    for (node, (tail, but)) in but_ones() {
        if let Some(users) = users.get_mut(&tail) {
            users.push((node, Some(but)));
        }
    }
    worthwhile(&found, &users)
}

/// The tests that can use each tail.
type Users<'g> = Map<Tail<'g>, SmallVec<[User; 2]>>;

/// A tail, and the number that goes somewhere else, and where.
type ButOne<'g> = (Tail<'g>, (u32, NodeId));

/// The tails that make the program shorter. A test uses the first one that it can.
fn worthwhile<'g>(found: &[(NodeId, Tail<'g>)], users: &Users<'g>) -> Tails<'g> {
    let mut tails = Tails::default();
    let mut jumps = Jumps::new();
    for &(first, tail) in found {
        let Some(users) = users.get(&tail).filter(|users| users.len() > 1) else { continue };
        // Users were met in this order: the tail comes up with the first of those that have just it.
        if users[0].0 != first {
            continue;
        }
        let free = |(node, _): &User| !tails.uses.contains_key(node);
        let mut users: SmallVec<[User; 4]> = users.iter().copied().filter(free).collect();
        let Some(last) = users.iter().map(|&(node, _)| node).min() else { continue };
        jumps.clear();
        if tail.mask.is_none() {
            search(&mut jumps, tail.cases, u32::MAX);
        }
        if jumps.len() < 2 {
            // To jump to it would be as long; the last user falls through.
            users.retain(|&mut (node, but)| node == last || but.is_some());
        }
        if users.len() < 2 {
            continue;
        }
        let number = tails.tails.len();
        tails.tails.push((tail, last));
        let uses = users.into_iter().map(|(node, but)| (node, Use { tail: number, but }));
        tails.uses.extend(uses);
    }
    tails
}

fn tail_of<'g>(ir: &Ir, graph: &'g Graph, node: NodeId) -> Option<Tail<'g>> {
    match graph.node(node) {
        Node::Test { value, cases } => split(ir, value, cases).map(|(_, tail)| tail),
        _ => None,
    }
}

/// The fewest cases of a test that goes to another one for a number between two others.
const LEAST_BUT_ONE: usize = 4;

/// The tail of a test that one with `tail` goes to for one number, if the others are its own; and the number.
fn but_one<'g>(ir: &Ir, graph: &'g Graph, tail: Tail<'g>) -> Option<ButOne<'g>> {
    let Tail { mask: None, cases } = tail else { return None };
    if cases.len() < LEAST_BUT_ONE {
        return None;
    }
    cases.windows(3).enumerate().find_map(|(n, three)| {
        let [(low, before), (number, next), (_, after)] = *three else { return None };
        if low.checked_add(1) != Some(number) || before != after {
            return None;
        }
        let tail = tail_of(ir, graph, next)?;
        if tail.mask.is_some() || tail.cases.len() + 2 != cases.len() {
            return None;
        }
        // The case around the number is one in the other test.
        let others = cases.iter().enumerate().filter(|(at, _)| *at != n && *at != n + 1);
        let last = cases.len() - 1;
        let same = |((at, case), own): ((usize, &Case), &Case)| {
            case.1 == own.1 && (case.0 == own.0 || at == last)
        };
        others.zip(tail.cases).all(same).then_some((tail, (number, next)))
    })
}
