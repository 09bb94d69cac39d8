//! What is known on a way through a graph: what the tests on it told.

use crate::filter::ast::BinOp;
use crate::filter::graph::{Graph, Node, NodeId};
use crate::filter::ir::{Ir, Set, ValId, Value};
use std::rc::Rc;

/// So many facts are looked at, the latest ones; ...
const MAX_FACTS: usize = 24;
/// ... of tests with more cases only that they were made.
const MAX_CASES: usize = 64;

/// What is known on a way. Ways with a common beginning share it.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The packet has so many bytes.
    bytes: u32,
    last: Link,
}

/// What one test told, and what was known before.
#[derive(Debug)]
struct Fact {
    value: ValId,
    told: Told,
    /// How many facts there are up to this one.
    depth: u32,
    before: Link,
    /// A fact further back; which one depends on the depth alone. By these, where two ways parted is found in a
    /// number of steps that grows with the logarithm of their length (Myers, "An applicative random-access stack").
    jump: Link,
}

/// A fact, or the beginning.
type Link = Option<Rc<Fact>>;

impl Fact {
    fn after(before: Link, value: ValId, told: Told) -> Self {
        let jump = match &before {
            Some(up) if up.depth + depth(back(&up.jump)) == 2 * depth(&up.jump) => {
                back(&up.jump).clone()
            }
            _ => before.clone(),
        };
        Self { value, told, depth: depth(&before) + 1, before, jump }
    }
}

impl Drop for Fact {
    /// Not by recursion: a way is as long as the text.
    fn drop(&mut self) {
        self.jump = None;
        let mut next = self.before.take();
        while let Some(mut fact) = next.and_then(Rc::into_inner) {
            fact.jump = None;
            next = fact.before.take();
        }
    }
}

fn depth(fact: &Link) -> u32 {
    fact.as_ref().map_or(0, |fact| fact.depth)
}

fn before(fact: &Link) -> &Link {
    fact.as_ref().map_or(&None, |fact| &fact.before)
}

fn back(fact: &Link) -> &Link {
    fact.as_ref().map_or(&None, |fact| &fact.jump)
}

fn is_same(a: &Link, b: &Link) -> bool {
    a.as_ref().map(Rc::as_ptr) == b.as_ref().map(Rc::as_ptr)
}

/// The last fact on both of two ways.
fn common<'f>(mut a: &'f Link, mut b: &'f Link) -> &'f Link {
    if depth(a) < depth(b) {
        (a, b) = (b, a);
    }
    while depth(a) > depth(b) {
        a = if depth(back(a)) >= depth(b) { back(a) } else { before(a) };
    }
    while !is_same(a, b) {
        (a, b) = match is_same(back(a), back(b)) {
            true => (before(a), before(b)),
            false => (back(a), back(b)),
        };
    }
    a
}

#[derive(Debug)]
enum Told {
    /// The value is where the cases of a node go to another one.
    Way { node: NodeId, to: NodeId },
    /// The value is in the set.
    In(Set),
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
#[derive(Clone, Copy)]
pub struct Known<'g> {
    ir: &'g Ir,
    graph: &'g Graph,
    scope: Scope,
}

/// A test: what is looked at, and its cases.
type Test<'g> = (ValId, &'g [(u32, NodeId)]);

impl<'g> Known<'g> {
    /// About the values of `ir` and the nodes of `graph`.
    #[must_use]
    pub const fn new(ir: &'g Ir, graph: &'g Graph, scope: Scope) -> Self {
        Self { ir, graph, scope }
    }

    /// What is known behind `node`, a test of `value`, on its way to `to`.
    #[must_use]
    pub fn behind(self, facts: &Facts, node: NodeId, value: ValId, to: NodeId) -> Facts {
        let fact = Fact::after(facts.last.clone(), value, Told::Way { node, to });
        Facts { bytes: facts.bytes.max(self.ir.extent(value).0), last: Some(Rc::new(fact)) }
    }

    /// What is known whichever of two ways was taken.
    #[must_use]
    pub fn meet(self, a: &Facts, b: &Facts) -> Facts {
        let mut last = common(&a.last, &b.last).clone();
        let since = |way: &'_ Facts| -> Vec<Rc<Fact>> {
            let facts = std::iter::successors(way.last.clone(), |fact| fact.before.clone());
            facts.take_while(|fact| fact.depth > depth(&last)).take(MAX_FACTS).collect()
        };
        let (on_left, on_right) = (since(a), since(b));
        for (n, fact) in on_left.iter().enumerate().rev() {
            let is_latest = on_left[..n].iter().all(|later| later.value != fact.value);
            let other = on_right.iter().find(|other| other.value == fact.value);
            if let (true, Some(other)) = (is_latest, other) {
                let told = Told::In(self.either(fact, other));
                last = Some(Rc::new(Fact::after(last, fact.value, told)));
            }
        }
        Facts { bytes: a.bytes.min(b.bytes), last }
    }

    /// Where the value of two facts is, if one of them is true; everywhere, if that would be too much to remember.
    fn either(self, one: &Fact, other: &Fact) -> Set {
        let set = Set::from_ranges(self.ranges(one).chain(self.ranges(other)).collect());
        if set.ranges().len() > MAX_CASES { Set::full() } else { set }
    }

    fn facts(facts: &Facts) -> impl Iterator<Item = &Fact> {
        std::iter::successors(facts.last.as_deref(), |fact| fact.before.as_deref()).take(MAX_FACTS)
    }

    /// Where the value of a fact is.
    fn ranges(self, fact: &Fact) -> impl Iterator<Item = (u32, u32)> {
        let none: &'g [(u32, NodeId)] = &[];
        let (cases, only, set) = match &fact.told {
            Told::In(set) => (none, Graph::REJECT, set.ranges()),
            &Told::Way { node, to } => match self.graph.node(node) {
                Node::Test { cases, .. } if cases.len() <= MAX_CASES => (&cases[..], to, &[][..]),
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

    /// Whether the value of a test may be in its case from `low` to `high`.
    #[must_use]
    pub fn may_be(self, (value, cases): Test<'_>, facts: &Facts, low: u32, high: u32) -> bool {
        (self.scope == Scope::AsLibpcap || low <= self.ir.max_of(value))
            && Self::facts(facts)
                .filter(|fact| fact.value == value && self.counts(fact, cases))
                .all(|fact| self.ranges(fact).any(|(from, to)| from <= high && low <= to))
    }

    /// Whether a fact about a value is used for the outcome of a test of it.
    fn counts(self, fact: &Fact, cases: &[(u32, NodeId)]) -> bool {
        if self.scope == Scope::All {
            return true;
        }
        let &Told::Way { node, .. } = &fact.told else { return false };
        let Node::Test { cases: earlier, .. } = self.graph.node(node) else { return false };
        let ends =
            |cases: &[(u32, NodeId)]| cases.iter().map(|&(high, _)| high).collect::<Vec<_>>();
        // All that is not one number goes to one place.
        let equal = |cases: &[(u32, NodeId)]| {
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
    pub fn bits(self, value: ValId, facts: &Facts) -> (u32, u32) {
        let Some((whole, mask)) = self.masked(value) else { return (0, 0) };
        if self.scope == Scope::AsLibpcap {
            return (0, 0);
        }
        let (mut known, mut bits) = (!mask, 0);
        for fact in Self::facts(facts) {
            let Some((_, told)) = self.masked(fact.value).filter(|(of, _)| *of == whole) else {
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

    /// A value as some bits of another.
    fn masked(self, value: ValId) -> Option<(ValId, u32)> {
        match *self.ir.get(value) {
            Value::Binary { op: BinOp::And, left, right } => match self.ir.get(right) {
                &Value::Const(mask) => Some((left, mask)),
                _ => None,
            },
            Value::Load { .. } => Some((value, u32::MAX)),
            _ => None,
        }
    }

    /// Whether `value` can be computed on this way: it has been, or what it needs has been there.
    #[must_use]
    pub fn is_loaded(self, value: ValId, facts: &Facts) -> bool {
        let (bytes, exact) = self.ir.extent(value);
        let whole = self.masked(value).map(|(whole, _)| whole);
        exact && bytes <= facts.bytes
            || Self::facts(facts).any(|fact| {
                let same = || self.masked(fact.value).map(|(whole, _)| whole) == whole;
                fact.value == value || whole.is_some() && same()
            })
    }
}
