//! How a value finds its case: jumps for a test's cases, one after the other where they are few, a balanced search
//! where they are many.

use crate::bpf::insn::{JEQ, JGE, JGT};
use crate::filter::graph::{Graph, NodeId};
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

/// The jumps of a test.
pub type Jumps = SmallVec<[Jump; 2]>;

/// So many ranges are looked at one after the other ...
const FEW: usize = 17;
/// ... and, where a search was begun, so many.
const LEAF: usize = 9;

/// From where, to where, and what then.
type Range = (u32, u32, NodeId);

/// The jumps for `cases`, of a value that is never above `max`, and where to begin.
#[must_use]
pub fn jumps(cases: &[(u32, NodeId)], max: u32) -> (Jumps, To) {
    let mut ranges: SmallVec<[Range; 4]> = SmallVec::with_capacity(cases.len());
    let mut low = 0;
    for &(high, node) in cases {
        ranges.push((low, high.min(max), node));
        if high >= max {
            break;
        }
        low = high + 1;
    }
    let mut jumps = Jumps::new();
    let first = among(&mut jumps, &ranges, FEW);
    (jumps, first)
}

/// Adds the jumps that find the range of a value that is in one of `ranges`, which are neighbours.
fn among(jumps: &mut Jumps, ranges: &[Range], few: usize) -> To {
    if let [] | [_] = ranges {
        return To::Node(ranges.first().map_or(Graph::REJECT, |&(.., node)| node));
    }
    let at = jumps.len();
    jumps.push(Jump { op: JEQ, k: 0, holds: To::Jump(at), fails: To::Jump(at) });
    let jump = if ranges.len() > few {
        let (left, right) = ranges.split_at(ranges.len() / 2);
        let fails = among(jumps, left, LEAF);
        let holds = among(jumps, right, LEAF);
        Jump { op: JGE, k: right[0].0, holds, fails }
    } else if let Some(single) = single(ranges) {
        let (n, _, node) = ranges[single];
        let fails = among(jumps, &without(ranges, single), few);
        Jump { op: JEQ, k: n, holds: To::Node(node), fails }
    } else {
        let (_, high, node) = ranges[0];
        let holds = among(jumps, &ranges[1..], few);
        Jump { op: JGT, k: high, holds, fails: To::Node(node) }
    };
    jumps[at] = jump;
    To::Jump(at)
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

/// The other ranges, neighbours with the same node made one.
fn without(ranges: &[Range], at: usize) -> SmallVec<[Range; 4]> {
    let mut rest: SmallVec<[Range; 4]> = SmallVec::with_capacity(ranges.len());
    for (n, &range) in ranges.iter().enumerate() {
        match rest.last_mut() {
            _ if n == at => {}
            Some(last) if last.2 == range.2 => last.1 = range.1,
            _ => rest.push(range),
        }
    }
    rest
}
