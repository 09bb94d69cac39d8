//! Formulas into fewer tests: negations go down to the tests, tests of one value become one test, and terms
//! that begin with the same guard share it, whatever their nesting.
//!
//! A term may move forward to join an earlier one only if that loads nothing that a packet which the filter
//! accepts might be too short for: see `Simplifier::may_join`.

use crate::filter::ast::BinOp;
use crate::filter::ir::Map;
use crate::filter::ir::{FormId, Formula, Ir, Parts, Set, ValId, Value};
use smallvec::smallvec;
use std::collections::BTreeMap;

/// So many parts of a list are looked through one by one.
const FEW: usize = 16;

/// How deep guards are followed into terms.
const MAX_DEPTH: u32 = 16;

/// So many ranges are looked at, for each formula there is ...
const VIEWED: usize = 8;
/// ... and besides. What alternates between `and` and `or` is gone through again at each level.
const FEWEST_VIEWED: usize = 1 << 17;

/// By so many ranges, what is merged may become larger.
const GROWTH: u32 = 4;

/// The simplest formula found that means what `root` means.
pub fn simplify(ir: &mut Ir, root: FormId) -> FormId {
    let done = vec![[None; 2]; root.index() + 1];
    let left = FEWEST_VIEWED + VIEWED * done.len();
    let mut simplifier = Simplifier { ir, done, reach: Vec::new(), sizes: Vec::new(), left };
    simplifier.run(root)
}

/// Whether a list holds if all do, or if any does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    And,
    Or,
}

impl Kind {
    const fn opposite(self) -> Self {
        match self {
            Self::And => Self::Or,
            Self::Or => Self::And,
        }
    }
}

struct Simplifier<'i> {
    ir: &'i mut Ir,
    /// Formulas that are done, and their negations.
    done: Vec<[Option<FormId>; 2]>,
    reach: Vec<Option<Reach>>,
    /// How large formulas are, if it was asked.
    sizes: Vec<Option<u32>>,
    /// How many ranges are yet looked at.
    left: usize,
}

/// How many bytes of a packet a formula needs.
#[derive(Clone, Copy, Debug)]
struct Reach {
    /// At most, to be decided; all ones if that depends on the packet.
    most: u32,
    /// At least, to be true.
    to_hold: u32,
    /// At least, to be false.
    to_fail: u32,
}

/// A formula by what a value is: ranges in any order, what holds there, and elsewhere.
struct View {
    ranges: Vec<((u32, u32), FormId)>,
    otherwise: FormId,
}

impl Simplifier<'_> {
    fn run(&mut self, root: FormId) -> FormId {
        // Parts before wholes, without recursion: a text decides how deep formulas nest.
        let mut work = vec![(root, true, false)];
        while let Some((id, polarity, parts_done)) = work.pop() {
            if self.done(id, polarity).is_some() {
                continue;
            }
            if parts_done {
                let simple = self.simplified(id, polarity);
                self.done[id.index()][usize::from(polarity)] = Some(simple);
                continue;
            }
            work.push((id, polarity, true));
            match self.ir.formula_of(id) {
                &Formula::Not(inner) => work.push((inner, !polarity, false)),
                Formula::And(list) | Formula::Or(list) => {
                    work.extend(list.iter().map(|&part| (part, polarity, false)));
                }
                _ => {}
            }
        }
        self.done(root, true).unwrap_or(root)
    }

    fn done(&self, id: FormId, polarity: bool) -> Option<FormId> {
        self.done.get(id.index()).and_then(|both| both[usize::from(polarity)])
    }

    /// `id`, or its opposite, whose parts are done.
    fn simplified(&mut self, id: FormId, polarity: bool) -> FormId {
        let part = |this: &Self, part, polarity| this.done(part, polarity).unwrap_or(part);
        match self.ir.formula_of(id).clone() {
            Formula::True | Formula::False | Formula::Case { .. } if polarity => id,
            Formula::True => self.ir.falsity(),
            Formula::False => self.ir.truth(),
            Formula::Case { .. } => self.ir.not(id),
            Formula::Test(value, set) => {
                let (value, set) = canonical(self.ir, value, set);
                let set = if polarity { set } else { set.complement() };
                self.ir.formula(Formula::Test(value, set))
            }
            Formula::Not(inner) => part(self, inner, !polarity),
            Formula::And(list) | Formula::Or(list) => {
                let is_and = matches!(self.ir.formula_of(id), Formula::And(_));
                let kind = if is_and == polarity { Kind::And } else { Kind::Or };
                let parts = list.iter().map(|&id| part(self, id, polarity)).collect();
                self.combine(kind, parts, 0)
            }
        }
    }

    /// A list of simplified parts, simplified.
    fn combine(&mut self, kind: Kind, parts: Vec<FormId>, depth: u32) -> FormId {
        let (neutral, decisive) = self.ends(kind);
        let parts = self.flatten(kind, parts);
        if parts.contains(&decisive) {
            return decisive;
        }
        let many = parts.len() > FEW;
        let mut groups: Vec<Group> = Vec::new();
        let mut by_value: Map<ValId, usize> = Map::default();
        for part in parts {
            if part == neutral {
                continue;
            }
            let head = if depth < MAX_DEPTH { self.head(part) } else { None };
            let known = |value: ValId| match groups.len() {
                0..=FEW => groups.iter().rposition(|group| group.head == Some(value)),
                _ => by_value.get(&value).copied(),
            };
            if let Some(at) = head.and_then(known)
                && self.may_join(kind, part, &groups, at)
            {
                groups[at].parts.push(part);
                continue;
            }
            match head {
                Some(value) if many => {
                    by_value.insert(value, groups.len());
                }
                _ => {}
            }
            let reach = self.reach(part);
            let crossed = match kind {
                Kind::Or => reach.to_hold,
                Kind::And => reach.to_fail,
            };
            groups.push(Group { head, parts: smallvec![part], crossed });
        }
        let mut merged: Vec<FormId> = Vec::with_capacity(groups.len());
        for group in groups {
            match (&group.parts[..], group.head) {
                (&[one], _) => merged.push(one),
                (several, Some(value)) => match self.merge(kind, value, several, depth) {
                    Some(one) => merged.push(one),
                    None => merged.extend(several),
                },
                (several, None) => merged.extend(several),
            }
        }
        self.list(kind, &merged)
    }

    /// The formula that a list of `kind` does not notice, and the one that decides it.
    fn ends(&mut self, kind: Kind) -> (FormId, FormId) {
        match kind {
            Kind::And => (self.ir.truth(), self.ir.falsity()),
            Kind::Or => (self.ir.falsity(), self.ir.truth()),
        }
    }

    fn list(&mut self, kind: Kind, parts: &[FormId]) -> FormId {
        match kind {
            Kind::And => self.ir.all(parts),
            Kind::Or => self.ir.any(parts),
        }
    }

    /// `parts` with lists of the same kind replaced by what is in them, each part once.
    fn flatten(&self, kind: Kind, parts: Vec<FormId>) -> Vec<FormId> {
        let mut flat: Vec<FormId> = Vec::with_capacity(parts.len());
        let mut work = parts;
        work.reverse();
        while let Some(part) = work.pop() {
            match (self.ir.formula_of(part), kind) {
                (Formula::And(list), Kind::And) | (Formula::Or(list), Kind::Or) => {
                    work.extend(list.iter().rev());
                }
                _ => flat.push(part),
            }
        }
        if flat.len() <= FEW {
            let mut at = 0;
            while at < flat.len() {
                if flat[..at].contains(&flat[at]) {
                    flat.remove(at);
                } else {
                    at += 1;
                }
            }
        } else {
            let mut seen = crate::filter::ir::Seen::default();
            flat.retain(|&part| seen.insert(part));
        }
        flat
    }

    /// The value that a formula looks at first, whatever the packet.
    fn head(&self, id: FormId) -> Option<ValId> {
        match self.ir.formula_of(id) {
            &Formula::Test(value, _) | &Formula::Case { value, .. } => {
                (!matches!(self.ir.get(value), Value::Fail)).then_some(value)
            }
            Formula::And(list) | Formula::Or(list) => match self.ir.formula_of(*list.first()?) {
                &Formula::Test(value, _) | &Formula::Case { value, .. } => {
                    (!matches!(self.ir.get(value), Value::Fail)).then_some(value)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether `part` may be tested where group `at` is, before the groups that come after that one.
    ///
    /// It may if whoever is decided by those (accepted by an `or`, rejected by an `and`) has the bytes that `part`
    /// loads: else a short packet that they accept would now be rejected.
    fn may_join(&mut self, kind: Kind, part: FormId, groups: &[Group], at: usize) -> bool {
        let Some(value) = groups[at].head else { return false };
        let loaded = self.ir.extent(value).0;
        let crossed = groups[at + 1..].iter().map(|group| group.crossed).min();
        let Some(crossed) = crossed else { return true };
        let rest = self.reach_behind(kind, part);
        rest <= loaded.max(crossed)
    }

    /// The most bytes that `part` loads after its head.
    fn reach_behind(&mut self, kind: Kind, part: FormId) -> u32 {
        let view = self.view(kind, part);
        view.map_or(u32::MAX, |view| {
            let ids = view.ranges.iter().map(|(_, id)| *id).chain([view.otherwise]);
            ids.map(|id| self.reach(id).most).max().unwrap_or(0)
        })
    }

    /// How many bytes a simplified formula needs. Its parts are asked first when they are made, so this does not
    /// go deep.
    fn reach(&mut self, id: FormId) -> Reach {
        if let Some(&Some(reach)) = self.reach.get(id.index()) {
            return reach;
        }
        let reach = match self.ir.formula_of(id).clone() {
            Formula::True => Reach { most: 0, to_hold: 0, to_fail: u32::MAX },
            Formula::False => Reach { most: 0, to_hold: u32::MAX, to_fail: 0 },
            Formula::Test(value, _) => {
                let (bytes, exact) = self.ir.extent(value);
                let most = if exact { bytes } else { u32::MAX };
                Reach { most, to_hold: bytes, to_fail: bytes }
            }
            Formula::Not(inner) => {
                let Reach { most, to_hold, to_fail } = self.reach(inner);
                Reach { most, to_hold: to_fail, to_fail: to_hold }
            }
            Formula::And(list) => {
                let parts: Vec<_> = list.iter().map(|&part| self.reach(part)).collect();
                Reach {
                    most: parts.iter().map(|part| part.most).max().unwrap_or(0),
                    to_hold: parts.iter().map(|part| part.to_hold).max().unwrap_or(0),
                    to_fail: fails_at(parts.iter().map(|part| (part.to_hold, part.to_fail))),
                }
            }
            Formula::Or(list) => {
                let parts: Vec<_> = list.iter().map(|&part| self.reach(part)).collect();
                Reach {
                    most: parts.iter().map(|part| part.most).max().unwrap_or(0),
                    to_hold: fails_at(parts.iter().map(|part| (part.to_fail, part.to_hold))),
                    to_fail: parts.iter().map(|part| part.to_fail).max().unwrap_or(0),
                }
            }
            Formula::Case { value, arms, otherwise } => {
                let (bytes, exact) = self.ir.extent(value);
                let mut reach = Reach {
                    most: if exact { bytes } else { u32::MAX },
                    to_hold: if otherwise { 0 } else { u32::MAX },
                    to_fail: if otherwise { u32::MAX } else { 0 },
                };
                for (_, arm) in arms {
                    let arm = self.reach(arm);
                    reach.most = reach.most.max(arm.most);
                    reach.to_hold = reach.to_hold.min(arm.to_hold);
                    reach.to_fail = reach.to_fail.min(arm.to_fail);
                }
                reach.to_hold = reach.to_hold.max(bytes);
                reach.to_fail = reach.to_fail.max(bytes);
                reach
            }
        };
        if self.reach.len() <= id.index() {
            self.reach.resize(id.index() + 1, None);
        }
        self.reach[id.index()] = Some(reach);
        reach
    }

    /// How many ranges a formula tells apart, with all that is in it. As [`Simplifier::reach`], this does not go deep.
    fn size(&mut self, id: FormId) -> u32 {
        if let Some(&Some(size)) = self.sizes.get(id.index()) {
            return size;
        }
        let size = match self.ir.formula_of(id).clone() {
            Formula::True | Formula::False => 0,
            Formula::Test(_, set) => ranges(&set),
            Formula::Not(inner) => self.size(inner),
            Formula::And(list) | Formula::Or(list) => {
                list.iter().fold(0, |sum: u32, &part| sum.saturating_add(self.size(part)))
            }
            Formula::Case { arms, .. } => arms.iter().fold(0, |sum: u32, (set, arm)| {
                sum.saturating_add(ranges(set)).saturating_add(self.size(*arm))
            }),
        };
        if self.sizes.len() <= id.index() {
            self.sizes.resize(id.index() + 1, None);
        }
        self.sizes[id.index()] = Some(size);
        size
    }

    /// A formula with a head, by what its head is; nothing, if enough was looked at.
    fn view(&mut self, kind: Kind, id: FormId) -> Option<View> {
        self.left = self.left.checked_sub(1)?;
        let (truth, falsity) = (self.ir.truth(), self.ir.falsity());
        match self.ir.formula_of(id).clone() {
            Formula::Test(_, set) => {
                let ranges = set.ranges().iter().map(|&range| (range, truth)).collect();
                Some(View { ranges, otherwise: falsity })
            }
            Formula::Case { arms, otherwise, .. } => {
                let ranges = arms
                    .iter()
                    .flat_map(|(set, arm)| set.ranges().iter().map(|&range| (range, *arm)))
                    .collect();
                Some(View { ranges, otherwise: if otherwise { truth } else { falsity } })
            }
            Formula::And(list) | Formula::Or(list) => {
                // A list of the other kind, then: this kind was flattened.
                let inner = kind.opposite();
                let (&first, rest) = list.split_first()?;
                let rest = self.list(inner, rest);
                let mut view = self.view(kind, first)?;
                self.left = self.left.saturating_sub(view.ranges.len());
                let (neutral, decisive) = self.ends(inner);
                let followed = |this: &mut Self, id| {
                    if id == decisive {
                        id
                    } else if id == neutral {
                        rest
                    } else {
                        this.list(inner, &[id, rest])
                    }
                };
                for (_, arm) in &mut view.ranges {
                    *arm = followed(self, *arm);
                }
                view.otherwise = followed(self, view.otherwise);
                Some(view)
            }
            _ => None,
        }
    }

    /// Formulas that look at `value` first as one formula that does, or nothing if that is much larger: where ranges
    /// overlap, what follows is there for each combination.
    fn merge(&mut self, kind: Kind, value: ValId, parts: &[FormId], depth: u32) -> Option<FormId> {
        let (neutral, decisive) = self.ends(kind);
        let truth = self.ir.truth();
        let mut order: Parts = Parts::new();
        let mut sets: BTreeMap<FormId, Vec<(u32, u32)>> = BTreeMap::new();
        for (range, formula) in self.pieces(kind, parts, depth)? {
            if formula != neutral {
                let ranges = sets.entry(formula).or_insert_with(|| {
                    order.push(formula);
                    Vec::new()
                });
                ranges.push(range);
            }
        }
        let mut set_of = |id| Set::from_ranges(sets.remove(&id).unwrap_or_default());
        if order.iter().all(|&id| id == decisive) {
            let decided = set_of(decisive);
            let set = if decisive == truth { decided } else { decided.complement() };
            return Some(self.ir.formula(Formula::Test(value, set)));
        }
        let arms = order.iter().map(|&id| (set_of(id), id)).collect();
        Some(self.ir.formula(Formula::Case { value, arms, otherwise: neutral == truth }))
    }

    /// What holds where, for formulas that look at one value first: ranges of it that ascend without gaps.
    fn pieces(
        &mut self,
        kind: Kind,
        parts: &[FormId],
        depth: u32,
    ) -> Option<Vec<((u32, u32), FormId)>> {
        let (neutral, _) = self.ends(kind);
        // Where the formula of a part changes, and to what. An end comes before a beginning at the same place.
        let mut changes: Vec<(u64, usize, bool, FormId)> = Vec::new();
        let mut active: BTreeMap<usize, FormId> = BTreeMap::new();
        for (n, &part) in parts.iter().enumerate() {
            let view = self.view(kind, part)?;
            self.left = self.left.saturating_sub(view.ranges.len());
            for ((low, high), formula) in view.ranges {
                changes.push((low.into(), n, true, formula));
                changes.push((u64::from(high) + 1, n, false, view.otherwise));
            }
            if view.otherwise != neutral {
                active.insert(n, view.otherwise);
            }
        }
        changes.sort_unstable();
        let size = parts.iter().fold(0, |sum: u32, &part| sum.saturating_add(self.size(part)));
        let mut room = size.saturating_add(GROWTH);
        let mut budget = 1024 + 16 * changes.len();
        let mut made: Map<Vec<FormId>, FormId> = Map::default();
        let mut pieces = Vec::with_capacity(changes.len() + 1);
        let (mut from, mut at) = (0_u64, 0);
        while let Ok(low) = u32::try_from(from) {
            while let Some(&(start, n, _, formula)) = changes.get(at)
                && start <= from
            {
                if formula == neutral {
                    active.remove(&n);
                } else {
                    active.insert(n, formula);
                }
                at += 1;
            }
            budget = budget.checked_sub(active.len())?;
            let list: Vec<FormId> = active.values().copied().collect();
            let formula = match list[..] {
                [] => neutral,
                [one] => one,
                _ if made.contains_key(&list) => made[&list],
                _ => {
                    let formula = self.combine(kind, list.clone(), depth + 1);
                    room = room.checked_sub(self.size(formula))?;
                    made.insert(list, formula);
                    formula
                }
            };
            let to = changes.get(at).map_or(1 << 32, |change| change.0);
            pieces.push(((low, u32::try_from(to - 1).ok()?), formula));
            from = to;
        }
        Some(pieces)
    }
}

/// Parts of a list that are tested together.
struct Group {
    head: Option<ValId>,
    parts: Parts,
    /// The fewest bytes that a packet has which the group decides.
    crossed: u32,
}

/// The fewest bytes with which a list fails whose parts need `(to hold, to fail)`: one fails after those before it held.
fn fails_at(parts: impl Iterator<Item = (u32, u32)>) -> u32 {
    let (mut held, mut fewest) = (0, u32::MAX);
    for (to_hold, to_fail) in parts {
        fewest = fewest.min(to_fail.max(held));
        held = held.max(to_hold);
    }
    fewest
}

fn ranges(set: &Set) -> u32 {
    u32::try_from(set.ranges().len()).unwrap_or(u32::MAX)
}

/// The same test of a value that others test too: a mask that keeps high bits only is a range.
fn canonical(ir: &Ir, value: ValId, set: Set) -> (ValId, Set) {
    let Value::Binary { op: BinOp::And, left, right } = *ir.get(value) else { return (value, set) };
    let &Value::Const(mask) = ir.get(right) else { return (value, set) };
    let unused = ir
        .max_of(left)
        .checked_add(1)
        .map_or(0, |n| if n.is_power_of_two() { !(n - 1) } else { 0 });
    let low = mask.trailing_zeros();
    if mask != 0 && (mask | unused) >> low == u32::MAX >> low {
        let step = 1_u64 << low;
        let ranges = set.ranges().iter().filter_map(|&(from, to)| {
            let from = u64::from(from).div_ceil(step) * step;
            let to = (u64::from(to) / step + 1) * step - 1;
            Some((u32::try_from(from).ok()?, u32::try_from(to).unwrap_or(u32::MAX)))
        });
        return (left, Set::from_ranges(ranges.collect()));
    }
    if mask.is_power_of_two() && set.contains(mask) != set.contains(0) {
        let set = if set.contains(0) { Set::one(0) } else { Set::one(0).complement() };
        return (value, set);
    }
    (value, set)
}
