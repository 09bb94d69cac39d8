//! Formulas into fewer tests: negations go down to the tests, tests of one value become one test, and terms
//! that begin with the same guard share it, whatever their nesting.
//!
//! A term may move forward to join an earlier one only if that loads nothing that a packet which the filter
//! accepts might be too short for: see `Simplifier::may_join`.

use super::measure::Measures;
use crate::filter::ast::BinOp;
use crate::filter::ir::Map;
use crate::filter::ir::{FormId, Formula, Ir, Ranges, Set, ValId, Value, filled};
use smallvec::{SmallVec, smallvec};
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
    let mut done: SmallVec<[[Option<FormId>; 2]; 32]> = filled([None; 2], root.index() + 1);
    let left = FEWEST_VIEWED + VIEWED * done.len();
    Simplifier { ir, done: &mut done, measures: Measures::default(), left }.run(root)
}

/// Whether a formula's opposite is asked for, and whether it is itself.
type Asked = [bool; 2];

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
    done: &'i mut [[Option<FormId>; 2]],
    measures: Measures,
    /// How many ranges are yet looked at.
    left: usize,
}

/// Formulas to be put together.
type List = SmallVec<[FormId; 8]>;

/// What holds in ranges of a value.
type Pieces = SmallVec<[((u32, u32), FormId); 4]>;

/// A formula by what a value is: ranges in any order, what holds there, and elsewhere.
struct View {
    ranges: Pieces,
    otherwise: FormId,
}

impl Simplifier<'_> {
    fn run(&mut self, root: FormId) -> FormId {
        // Parts have lower numbers than wholes: down to find out which are asked for, and up again.
        let mut asked: SmallVec<[Asked; 64]> = filled([false; 2], root.index() + 1);
        let asked = &mut asked[..];
        asked[root.index()] = [false, true];
        for n in (0..asked.len()).rev() {
            let this @ [denied, itself] = asked[n];
            if !denied && !itself {
                continue;
            }
            match self.ir.formula_of(FormId::nth(n)) {
                Formula::Not(inner) => {
                    let of = &mut asked[inner.index()];
                    *of = [of[0] | itself, of[1] | denied];
                }
                Formula::And(list) | Formula::Or(list) => {
                    for part in list {
                        let of = &mut asked[part.index()];
                        *of = [of[0] | this[0], of[1] | this[1]];
                    }
                }
                _ => {}
            }
        }
        for (n, this) in asked.iter().enumerate() {
            for polarity in [false, true] {
                if this[usize::from(polarity)] {
                    let simple = self.simplified(FormId::nth(n), polarity);
                    self.done[n][usize::from(polarity)] = Some(simple);
                }
            }
        }
        self.done(root, true).unwrap_or(root)
    }

    fn done(&self, id: FormId, polarity: bool) -> Option<FormId> {
        self.done.get(id.index()).and_then(|both| both[usize::from(polarity)])
    }

    /// `id`, or its opposite, whose parts are done.
    fn simplified(&mut self, id: FormId, polarity: bool) -> FormId {
        let part = |part, polarity| self.done(part, polarity).unwrap_or(part);
        let formula = self.ir.formula_of(id);
        match formula {
            Formula::True | Formula::False | Formula::Case { .. } if polarity => id,
            Formula::True => FormId::FALSE,
            Formula::False => FormId::TRUE,
            Formula::Case { .. } => self.ir.not(id),
            Formula::Test(value, set) => match canonical(self.ir, value, set) {
                None if polarity => id,
                None => self.ir.test(value, set.complement()),
                Some((value, set)) => {
                    let set = if polarity { set } else { set.complement() };
                    self.ir.test(value, set)
                }
            },
            Formula::Not(inner) => part(inner, !polarity),
            Formula::And(list) | Formula::Or(list) => {
                let is_and = matches!(formula, Formula::And(_));
                let kind = if is_and == polarity { Kind::And } else { Kind::Or };
                let parts = list.iter().map(|&id| part(id, polarity)).collect();
                self.combine(kind, parts, 0, polarity.then_some(id))
            }
        }
    }

    /// A list of simplified parts, simplified. `list` is a formula that may be the list of just them.
    fn combine(&mut self, kind: Kind, parts: List, depth: u32, list: Option<FormId>) -> FormId {
        if parts.len() <= FEW && self.are_apart(kind, &parts) {
            let same = list.filter(|&list| match self.ir.formula_of(list) {
                Formula::And(given) | Formula::Or(given) => *given == parts[..],
                _ => false,
            });
            return same.unwrap_or_else(|| self.list(kind, &parts));
        }
        let (neutral, decisive) = ends(kind);
        let parts = self.flatten(kind, parts);
        if parts.contains(&decisive) {
            return decisive;
        }
        let many = parts.len() > FEW;
        let mut groups: SmallVec<[Group; 4]> = SmallVec::new();
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
            groups.push(Group { head, parts: smallvec![part] });
        }
        let mut merged = List::new();
        for group in groups {
            match (&group.parts[..], group.head) {
                (&[one], _) => merged.push(one),
                (several, Some(value)) => match self.merge(kind, value, several, depth) {
                    Some(one) => merged.push(one),
                    None => merged.extend_from_slice(several),
                },
                (several, None) => merged.extend_from_slice(several),
            }
        }
        self.list(kind, &merged)
    }

    /// Whether each formula looks at a value of its own first, and none is a list of this kind: so few are in the list,
    /// there is nothing to put together.
    fn are_apart(&self, kind: Kind, parts: &[FormId]) -> bool {
        let mut heads = [None; FEW];
        for (n, &part) in parts.iter().enumerate() {
            let head = self.head(part);
            if head.is_none() || heads[..n].contains(&head) || self.inner(kind, part).is_some() {
                return false;
            }
            heads[n] = head;
        }
        true
    }

    /// The parts of a list of this kind.
    fn inner(&self, kind: Kind, id: FormId) -> Option<&[FormId]> {
        match (self.ir.formula_of(id), kind) {
            (Formula::And(list), Kind::And) | (Formula::Or(list), Kind::Or) => Some(list),
            _ => None,
        }
    }

    fn list(&mut self, kind: Kind, parts: &[FormId]) -> FormId {
        match kind {
            Kind::And => self.ir.all(parts),
            Kind::Or => self.ir.any(parts),
        }
    }

    /// `parts` with lists of the same kind replaced by what is in them, each part once.
    fn flatten(&self, kind: Kind, parts: List) -> List {
        let mut flat = parts;
        if flat.iter().any(|&part| self.inner(kind, part).is_some()) {
            let mut work = std::mem::take(&mut flat);
            work.reverse();
            while let Some(part) = work.pop() {
                match self.inner(kind, part) {
                    Some(list) => work.extend(list.iter().rev().copied()),
                    None => flat.push(part),
                }
            }
        }
        if flat.len() <= FEW {
            let mut at = 1;
            while at < flat.len() {
                if flat[..at].contains(&flat[at]) {
                    flat.remove(at);
                } else {
                    at += 1;
                }
            }
        } else {
            let mut seen = crate::filter::ir::Seen::default();
            flat.retain(|part| seen.insert(*part));
        }
        flat
    }

    /// The value that a formula looks at first, whatever the packet.
    fn head(&self, id: FormId) -> Option<ValId> {
        match self.ir.formula_of(id) {
            Formula::Test(value, _) | Formula::Case { value, .. } => {
                (!matches!(self.ir.get(value), Value::Fail)).then_some(value)
            }
            Formula::And(list) | Formula::Or(list) => match self.ir.formula_of(*list.first()?) {
                Formula::Test(value, _) | Formula::Case { value, .. } => {
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
        let crossed = groups[at + 1..].iter().map(|group| {
            let reach = self.measures.of(self.ir, group.parts[0]);
            match kind {
                Kind::Or => reach.to_hold,
                Kind::And => reach.to_fail,
            }
        });
        let Some(crossed) = crossed.min() else { return true };
        let rest = self.reach_behind(kind, part);
        rest <= loaded.max(crossed)
    }

    /// The most bytes that `part` loads after its head.
    fn reach_behind(&mut self, kind: Kind, part: FormId) -> u32 {
        let view = self.view(kind, part);
        view.map_or(u32::MAX, |view| {
            let ids = view.ranges.iter().map(|(_, id)| *id).chain([view.otherwise]);
            ids.map(|id| self.measures.of(self.ir, id).most).max().unwrap_or(0)
        })
    }

    /// A formula with a head, by what its head is; nothing, if enough was looked at.
    fn view(&mut self, kind: Kind, id: FormId) -> Option<View> {
        self.left = self.left.checked_sub(1)?;
        match self.ir.formula_of(id) {
            Formula::Test(_, set) => {
                let ranges = set.into_iter().map(|range| (range, FormId::TRUE)).collect();
                Some(View { ranges, otherwise: FormId::FALSE })
            }
            Formula::Case { arms, otherwise, .. } => {
                let ranges = arms
                    .iter()
                    .flat_map(|(set, arm)| set.into_iter().map(move |range| (range, arm)))
                    .collect();
                let otherwise = if otherwise { FormId::TRUE } else { FormId::FALSE };
                Some(View { ranges, otherwise })
            }
            Formula::And(list) | Formula::Or(list) => {
                // A list of the other kind, then: this kind was flattened.
                let inner = kind.opposite();
                let (&first, rest) = list.split_first()?;
                let rest = List::from_slice(rest);
                let rest = self.list(inner, &rest);
                let mut view = self.view(kind, first)?;
                self.left = self.left.saturating_sub(view.ranges.len());
                let (neutral, decisive) = ends(inner);
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
        let (neutral, decisive) = ends(kind);
        let mut arms: SmallVec<[(Set, FormId); 4]> = SmallVec::new();
        let mut by_formula: Map<FormId, usize> = Map::default();
        for (range, formula) in self.pieces(kind, parts, depth)? {
            if formula == neutral {
                continue;
            }
            let known = match arms.len() {
                0..=FEW => arms.iter().position(|(_, known)| *known == formula),
                _ => by_formula.get(&formula).copied(),
            };
            let at = known.unwrap_or(arms.len());
            if known.is_none() {
                arms.push((Set::empty(), formula));
                if parts.len() > FEW {
                    by_formula.insert(formula, at);
                }
            }
            arms[at].0.extend_to(range);
        }
        let is_decided = arms.iter().all(|(_, formula)| *formula == decisive);
        if is_decided {
            let decided = arms.pop().map_or_else(Set::empty, |(set, _)| set);
            let set = if decisive == FormId::TRUE { decided } else { decided.complement() };
            return Some(self.ir.test(value, set));
        }
        Some(self.ir.case(value, &arms, neutral == FormId::TRUE))
    }

    /// What holds where, for formulas that look at one value first: ranges of it that ascend. Elsewhere, nothing does.
    fn pieces(&mut self, kind: Kind, parts: &[FormId], depth: u32) -> Option<Pieces> {
        let mut views: SmallVec<[View; 4]> = SmallVec::new();
        for &part in parts {
            let view = self.view(kind, part)?;
            self.left = self.left.saturating_sub(view.ranges.len());
            views.push(view);
        }
        match apart(&views, ends(kind).0) {
            Some(pieces) => Some(pieces),
            None => self.overlapping(kind, parts, &views, depth),
        }
    }

    /// What holds where, of views whose ranges overlap.
    fn overlapping(
        &mut self,
        kind: Kind,
        parts: &[FormId],
        views: &[View],
        depth: u32,
    ) -> Option<Pieces> {
        let (neutral, _) = ends(kind);
        // Where the formula of a part changes, and to what. An end comes before a beginning at the same place.
        let mut changes: Vec<(u64, usize, bool, FormId)> = Vec::new();
        let mut active: BTreeMap<usize, FormId> = BTreeMap::new();
        for (n, view) in views.iter().enumerate() {
            for &((low, high), formula) in &view.ranges {
                changes.push((low.into(), n, true, formula));
                changes.push((u64::from(high) + 1, n, false, view.otherwise));
            }
            if view.otherwise != neutral {
                active.insert(n, view.otherwise);
            }
        }
        changes.sort_unstable();
        let size = parts
            .iter()
            .fold(0, |sum: u32, &part| sum.saturating_add(self.measures.of(self.ir, part).size));
        let mut room = size.saturating_add(GROWTH);
        let mut budget = 1024 + 16 * changes.len();
        let mut made: Map<List, FormId> = Map::default();
        let mut pieces = Pieces::with_capacity(changes.len() + 1);
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
            let list: List = active.values().copied().collect();
            let formula = match list[..] {
                [] => neutral,
                [one] => one,
                _ if made.contains_key(&list) => made[&list],
                _ => {
                    let formula = self.combine(kind, list.clone(), depth + 1, None);
                    room = room.checked_sub(self.measures.of(self.ir, formula).size)?;
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

/// The ranges of views in ascending order, if no two overlap and nothing is to be said elsewhere.
fn apart(views: &[View], neutral: FormId) -> Option<Pieces> {
    if views.iter().any(|view| view.otherwise != neutral) {
        return None;
    }
    let mut pieces: Pieces = views.iter().flat_map(|view| view.ranges.iter().copied()).collect();
    pieces.sort_unstable();
    let overlap = pieces.windows(2).any(|two| two[0].0.1 >= two[1].0.0);
    (!overlap).then_some(pieces)
}

/// The formula that a list of `kind` does not notice, and the one that decides it.
const fn ends(kind: Kind) -> (FormId, FormId) {
    match kind {
        Kind::And => (FormId::TRUE, FormId::FALSE),
        Kind::Or => (FormId::FALSE, FormId::TRUE),
    }
}

/// Parts of a list that are tested together.
struct Group {
    head: Option<ValId>,
    parts: SmallVec<[FormId; 4]>,
}

/// The same test of a value that others test too, if there is one: a mask that keeps high bits only is a range.
fn canonical(ir: &Ir, value: ValId, set: Ranges<'_>) -> Option<(ValId, Set)> {
    let Value::Binary { op: BinOp::And, left, right } = *ir.get(value) else { return None };
    let &Value::Const(mask) = ir.get(right) else { return None };
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
        return Some((left, Set::from_ranges(ranges)));
    }
    if mask.is_power_of_two() && set.contains(mask) != set.contains(0) {
        let set = if set.contains(0) { Set::one(0) } else { Set::one(0).complement() };
        return Some((value, set));
    }
    None
}
