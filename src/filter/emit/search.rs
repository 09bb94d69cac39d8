//! How a value finds its case: jumps for a test's cases, one after the other where they are few, a balanced search
//! where they are many.

use crate::bpf::insn::{JEQ, JGE, JGT};
use crate::filter::graph::{Case, Graph, NodeId};
use smallvec::SmallVec;

/// Where a jump goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Another jump of the same test, by its number; always a later one.
    Jump(usize),
    /// A node.
    Node(NodeId),
}

/// A conditional jump on the accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// `JEQ`, `JGT`, `JGE` or `JSET`, and `X` if that is the operand.
    pub op: u16,
    /// The operand.
    pub k: u32,
    /// Where it goes if the comparison holds.
    pub holds: To,
    /// Where it goes if not.
    pub fails: To,
}

/// The jumps of tests, one after the other. Where a jump goes to another one, that is counted from its test's first.
pub type Jumps = Vec<Jump>;

/// So many ranges are looked at one after the other ...
const FEW: usize = 17;
/// ... and, where a search was begun, so many.
const LEAF: usize = 9;

/// From where, to where, and what then.
type Range = (u32, u32, NodeId);
type Ranges = SmallVec<[Range; 6]>;

/// Adds the jumps for `cases`, of a value that is never above `max`; gives where to begin.
pub fn search(jumps: &mut Jumps, cases: &[Case], max: u32) -> To {
    // What most tests ask: whether it is just this number.
    if let [(low, below), (n, node), (_, above)] = *cases
        && low.checked_add(1) == Some(n)
        && n < max
        && below == above
    {
        jumps.push(Jump { op: JEQ, k: n, holds: To::Node(node), fails: To::Node(above) });
        return To::Jump(0);
    }
    let mut ranges = Ranges::with_capacity(cases.len());
    let mut low = 0;
    for &(high, node) in cases {
        ranges.push((low, high.min(max), node));
        if high >= max {
            break;
        }
        low = high + 1;
    }
    // The last of a tail's cases goes on to the highest number.
    if let Some(last) = ranges.last_mut() {
        last.1 = max;
    }
    let base = jumps.len();
    among(jumps, base, &mut ranges, FEW)
}

/// Adds the jumps that find the range of a value that is in one of `ranges`, which are neighbours.
fn among(jumps: &mut Jumps, base: usize, ranges: &mut Ranges, few: usize) -> To {
    if ranges.len() > few {
        let at = jumps.len();
        let (left, right) = ranges.split_at(ranges.len() / 2);
        jumps.push(Jump { op: JGE, k: right[0].0, holds: To::Jump(at), fails: To::Jump(at) });
        jumps[at].fails = among(jumps, base, &mut left.into(), LEAF);
        jumps[at].holds = among(jumps, base, &mut right.into(), LEAF);
        return To::Jump(at - base);
    }
    let begin = next(jumps, base, ranges);
    while ranges.len() > 1 {
        let single = single(ranges);
        let at = single.unwrap_or(0);
        let (low, high, node) = ranges.remove(at);
        // Neighbours that now meet, and go to the same place, are one.
        if single.is_some()
            && let Some(&(_, end, after)) = ranges.get(at)
            && let Some(before) = at.checked_sub(1)
            && ranges[before].2 == after
        {
            ranges[before].1 = end;
            ranges.remove(at);
        }
        jumps.push(Jump { op: JEQ, k: low, holds: To::Node(node), fails: To::Node(node) });
        let rest = next(jumps, base, ranges);
        if let Some(jump) = jumps.last_mut() {
            match single {
                Some(_) => jump.fails = rest,
                None => (jump.op, jump.k, jump.holds) = (JGT, high, rest),
            }
        }
    }
    begin
}

/// Where to go on, with the jump that is added next, or to the only range.
fn next(jumps: &Jumps, base: usize, ranges: &[Range]) -> To {
    match *ranges {
        [] => To::Node(Graph::REJECT),
        [(.., node)] => To::Node(node),
        _ => To::Jump(jumps.len() - base),
    }
}

/// A range of one number to ask for first: one whose neighbours go to the same place, and become one; else at an end.
fn single(ranges: &[Range]) -> Option<usize> {
    let is_single = |range: &Range| range.0 == range.1;
    let between = |three: &[Range]| is_single(&three[1]) && three[0].2 == three[2].2;
    let last = ranges.len() - 1;
    ranges
        .windows(3)
        .position(between)
        .map(|at| at + 1)
        .or_else(|| is_single(&ranges[0]).then_some(0))
        .or_else(|| is_single(&ranges[last]).then_some(last))
}
