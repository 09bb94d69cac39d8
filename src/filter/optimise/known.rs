//! What is known on a way through a graph: what the tests on it told.

use crate::filter::ast::BinOp;
use crate::filter::graph::{Case, Graph, Node, NodeId};
use crate::filter::ir::{Ir, Set, ValId, Value};
use smallvec::SmallVec;

/// So many facts are looked at, the latest ones; ...
const MAX_FACTS: usize = 24;
/// ... of tests with more cases only that they were made.
const MAX_CASES: usize = 64;

/// What is known on a way. Ways with a common beginning share it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    /// The packet has so many bytes.
    bytes: u32,
    last: Link,
}

/// What one test told, and what was known before.
#[derive(Clone, Copy, Debug)]
struct Fact {
    /// What it is about; nothing at the beginning.
    value: Option<ValId>,
    told: Told,
    /// How many facts there are up to this one.
    depth: u32,
    before: Link,
    /// A fact further back; which one depends on the depth alone. By these, where two ways parted is found in a
    /// number of steps that grows with the logarithm of their length (Myers, "An applicative random-access stack").
    jump: Link,
}

/// A fact's number, or 0 for the beginning.
type Link = u32;

#[derive(Clone, Copy, Debug)]
enum Told {
    /// The value is where the cases of a node go to another one.
    Way { node: NodeId, to: NodeId },
    /// The value is in the set of this number.
    In(u32),
}

/// How much is concluded from what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All that can be.
    All,
    /// What libpcap's optimiser concludes: the outcome of the same test once more, and that a value which is one number
    /// is not another one.
    AsLibpcap,
}

/// What is known, and what it is about.
pub struct Known<'g> {
    ir: &'g Ir,
    graph: &'g Graph,
    scope: Scope,
    /// All facts, of all ways. The first one stands for the beginning.
    facts: Vec<Fact>,
    sets: Vec<Set>,
}

/// A test: what is looked at, and its cases.
type Test<'g> = (ValId, &'g [Case]);

impl<'g> Known<'g> {
    /// About the values of `ir` and the nodes of `graph`.
    #[must_use]
    pub fn new(ir: &'g Ir, graph: &'g Graph, scope: Scope) -> Self {
        let mut facts = Vec::with_capacity(32);
        facts.push(Fact { value: None, told: Told::In(0), depth: 0, before: 0, jump: 0 });
        Self { ir, graph, scope, facts, sets: Vec::new() }
    }

    fn fact(&self, link: Link) -> &Fact {
        &self.facts[link as usize]
    }

    /// A fact after others.
    fn after(&mut self, before: Link, value: ValId, told: Told) -> Link {
        let up = *self.fact(before);
        let far = self.fact(up.jump);
        let is_even = before != 0 && up.depth + self.fact(far.jump).depth == 2 * far.depth;
        let jump = if is_even { far.jump } else { before };
        self.facts.push(Fact { value: Some(value), told, depth: up.depth + 1, before, jump });
        u32::try_from(self.facts.len() - 1).unwrap_or_default()
    }

    /// The last fact on both of two ways.
    fn common(&self, mut a: Link, mut b: Link) -> Link {
        let depth = |link| self.fact(link).depth;
        if depth(a) < depth(b) {
            (a, b) = (b, a);
        }
        while depth(a) > depth(b) {
            let Fact { jump, before, .. } = *self.fact(a);
            a = if depth(jump) >= depth(b) { jump } else { before };
        }
        while a != b {
            let (one, other) = (self.fact(a), self.fact(b));
            (a, b) = match one.jump == other.jump {
                true => (one.before, other.before),
                false => (one.jump, other.jump),
            };
        }
        a
    }

    /// What is known behind `node`, a test of `value`, on its way to `to`.
    #[must_use]
    pub fn behind(&mut self, facts: Facts, node: NodeId, value: ValId, to: NodeId) -> Facts {
        let last = self.after(facts.last, value, Told::Way { node, to });
        Facts { bytes: facts.bytes.max(self.ir.extent(value).0), last }
    }

    /// What is known whichever of two ways was taken.
    #[must_use]
    pub fn meet(&mut self, a: Facts, b: Facts) -> Facts {
        let parted = self.common(a.last, b.last);
        let depth = self.fact(parted).depth;
        let since = |way| -> SmallVec<[Fact; 8]> {
            self.back_from(way)
                .take_while(|fact| fact.depth > depth)
                .take(MAX_FACTS)
                .copied()
                .collect()
        };
        let (on_left, on_right) = (since(a.last), since(b.last));
        let mut last = parted;
        for (n, fact) in on_left.iter().enumerate().rev() {
            let is_latest = on_left[..n].iter().all(|later| later.value != fact.value);
            let other = on_right.iter().find(|other| other.value == fact.value);
            if let (true, Some(value), Some(other)) = (is_latest, fact.value, other) {
                self.sets.push(self.either(fact, other));
                let set = u32::try_from(self.sets.len() - 1).unwrap_or_default();
                last = self.after(last, value, Told::In(set));
            }
        }
        Facts { bytes: a.bytes.min(b.bytes), last }
    }

    /// Where the value of two facts is, if one of them is true; everywhere, if that would be too much to remember.
    fn either(&self, one: &Fact, other: &Fact) -> Set {
        let set = Set::from_ranges(self.ranges(one).chain(self.ranges(other)));
        if set.ranges().len() > MAX_CASES { Set::full() } else { set }
    }

    /// A fact and those before it, the latest first.
    fn back_from(&self, mut link: Link) -> impl Iterator<Item = &Fact> {
        std::iter::from_fn(move || {
            let fact = self.facts.get(link as usize).filter(|_| link != 0)?;
            link = fact.before;
            Some(fact)
        })
    }

    fn facts(&self, facts: Facts) -> impl Iterator<Item = &Fact> {
        self.back_from(facts.last).take(MAX_FACTS)
    }

    /// Where the value of a fact is.
    fn ranges(&self, fact: &Fact) -> impl Iterator<Item = (u32, u32)> {
        let none: &[Case] = &[];
        let (cases, only, set) = match fact.told {
            Told::In(set) => (none, Graph::REJECT, self.sets[set as usize].ranges()),
            Told::Way { node, to } => match self.graph.node(node) {
                Node::Test { cases, .. } if cases.len() <= MAX_CASES => (cases, to, &[][..]),
                _ => (none, Graph::REJECT, &[(0, u32::MAX)][..]),
            },
        };
        let mut low = 0;
        let of_cases = cases.iter().filter_map(move |&(high, to)| {
            let range = (low, high);
            low = high.wrapping_add(1);
            (to == only).then_some(range)
        });
        of_cases.chain(set.iter().copied())
    }

    /// The largest number that the value of a test may be.
    #[must_use]
    pub fn max_of(&self, value: ValId) -> u32 {
        if self.scope == Scope::AsLibpcap { u32::MAX } else { self.ir.max_of(value) }
    }

    /// Whether the value of a test, which is never above `max`, may be in its case from `low` to `high`.
    #[must_use]
    pub fn may_be(
        &self,
        (value, cases): Test<'_>,
        facts: Facts,
        max: u32,
        (low, high): (u32, u32),
    ) -> bool {
        low <= max
            && self
                .facts(facts)
                .filter(|fact| fact.value == Some(value) && self.counts(fact, cases))
                .all(|fact| self.ranges(fact).any(|(from, to)| from <= high && low <= to))
    }

    /// Whether a fact about a value is used for the outcome of a test of it.
    fn counts(&self, fact: &Fact, cases: &[Case]) -> bool {
        if self.scope == Scope::All {
            return true;
        }
        let Told::Way { node, .. } = fact.told else { return false };
        let Node::Test { cases: earlier, .. } = self.graph.node(node) else { return false };
        let ends = |cases: &[Case]| cases.iter().map(|&(high, _)| high).collect::<Vec<_>>();
        // All that is not one number goes to one place.
        let equal = |cases: &[Case]| {
            let outside = cases.last().map(|&(_, to)| to);
            let mut low = 0;
            cases.iter().all(|&(high, to)| {
                let single = low == high;
                low = high.wrapping_add(1);
                single || Some(to) == outside
            })
        };
        let is_number = || {
            let mut ranges = self.ranges(fact);
            matches!((ranges.next(), ranges.next()), (Some((low, high)), None) if low == high)
        };
        ends(earlier) == ends(cases) || equal(earlier) && equal(cases) && is_number()
    }

    /// The bits of the value that are known: a mask, and what they are.
    #[must_use]
    pub fn bits(&self, value: ValId, facts: Facts) -> (u32, u32) {
        let Some((whole, mask)) = masked(self.ir, value) else { return (0, 0) };
        if self.scope == Scope::AsLibpcap {
            return (0, 0);
        }
        let (mut known, mut bits) = (!mask, 0);
        for fact in self.facts(facts) {
            let Some((_, told)) =
                fact.value.and_then(|of| masked(self.ir, of)).filter(|(of, _)| *of == whole)
            else {
                continue;
            };
            let mut ranges = self.ranges(fact);
            let (Some((low, high)), None) = (ranges.next(), ranges.next()) else { continue };
            // What the two ends have in common at the top, all between them have.
            let differ = u32::MAX.checked_shr((low ^ high).leading_zeros()).unwrap_or(0);
            let told = !differ & told & mask;
            known |= told;
            bits |= low & told;
        }
        (known, bits)
    }

    /// Whether `value` can be computed on this way: it has been, or what it needs has been there.
    #[must_use]
    pub fn is_loaded(&self, value: ValId, facts: Facts) -> bool {
        let (bytes, exact) = self.ir.extent(value);
        let whole = masked(self.ir, value).map(|(whole, _)| whole);
        exact && bytes <= facts.bytes
            || self.facts(facts).any(|fact| {
                let known = || fact.value.and_then(|of| masked(self.ir, of));
                let same = || known().map(|(whole, _)| whole) == whole;
                fact.value == Some(value) || whole.is_some() && same()
            })
    }
}

/// A value as some bits of another.
pub fn masked(ir: &Ir, value: ValId) -> Option<(ValId, u32)> {
    match *ir.get(value) {
        Value::Binary { op: BinOp::And, left, right } => match ir.get(right) {
            &Value::Const(mask) => Some((left, mask)),
            _ => None,
        },
        Value::Load { .. } => Some((value, u32::MAX)),
        _ => None,
    }
}
