//! Where formulas are kept: each once, as a small record that points to what it is made of. Whoever looks at one
//! gets a view, which borrows that.

use super::formula::{Arms, FormId, Formula};
use super::intern::{Free, Interned};
use super::set::{Range, Ranges};
use super::value::ValId;

/// Some of the things in an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    first: u32,
    last: u32,
}

impl Span {
    /// Adds things to an arena.
    pub fn add<T: Copy>(arena: &mut Vec<T>, things: &[T]) -> Self {
        let end = |arena: &Vec<T>| u32::try_from(arena.len()).unwrap_or(u32::MAX);
        let first = end(arena);
        arena.extend_from_slice(things);
        Self { first, last: end(arena) }
    }

    /// The things; nothing, if it is of another arena.
    #[must_use]
    #[inline]
    pub fn of<T>(self, arena: &[T]) -> &[T] {
        arena.get(self.first as usize..self.last as usize).unwrap_or_default()
    }
}

/// A formula as it is kept.
#[derive(Clone, Copy, Debug)]
enum Kept {
    True,
    False,
    /// Most sets are one range.
    One(ValId, Range),
    Test(ValId, Span),
    Not(FormId),
    And(Span),
    Or(Span),
    Case {
        value: ValId,
        arms: Span,
        ranges: Span,
        otherwise: bool,
    },
}

/// The formulas.
#[derive(Debug)]
pub struct Formulas {
    /// With how deep chosen values nest in each.
    kept: Interned<(Kept, u32)>,
    arenas: Arenas,
}

#[derive(Debug)]
struct Arenas {
    parts: Vec<FormId>,
    /// Ranges and arms.
    pairs: Vec<(u32, u32)>,
}

impl Arenas {
    // Always: then those who look for formulas of one kind pay for no other.
    #[inline(always)]
    fn formula<'i>(&'i self, kept: &'i Kept) -> Formula<'i> {
        match *kept {
            Kept::True => Formula::True,
            Kept::False => Formula::False,
            Kept::One(value, ref range) => {
                Formula::Test(value, Ranges::ascending(std::slice::from_ref(range)))
            }
            Kept::Test(value, ranges) => {
                Formula::Test(value, Ranges::ascending(ranges.of(&self.pairs)))
            }
            Kept::Not(of) => Formula::Not(of),
            Kept::And(parts) => Formula::And(parts.of(&self.parts)),
            Kept::Or(parts) => Formula::Or(parts.of(&self.parts)),
            Kept::Case { value, arms, ranges, otherwise } => {
                let arms = Arms { arms: arms.of(&self.pairs), ranges: ranges.of(&self.pairs) };
                Formula::Case { value, arms, otherwise }
            }
        }
    }

    fn keep(&mut self, formula: Formula<'_>) -> Kept {
        match formula {
            Formula::True => Kept::True,
            Formula::False => Kept::False,
            Formula::Test(value, set) => match *set.ranges() {
                [range] => Kept::One(value, range),
                ref ranges => Kept::Test(value, Span::add(&mut self.pairs, ranges)),
            },
            Formula::Not(of) => Kept::Not(of),
            Formula::And(parts) => Kept::And(Span::add(&mut self.parts, parts)),
            Formula::Or(parts) => Kept::Or(Span::add(&mut self.parts, parts)),
            Formula::Case { value, arms, otherwise } => Kept::Case {
                value,
                arms: Span::add(&mut self.pairs, arms.arms),
                ranges: Span::add(&mut self.pairs, arms.ranges),
                otherwise,
            },
        }
    }
}

impl Formulas {
    /// The formula with a number.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    #[inline(always)]
    pub fn get(&self, id: FormId) -> Formula<'_> {
        self.arenas.formula(&self.kept.get(id.number()).0)
    }

    /// How deep chosen values nest in it.
    #[must_use]
    pub fn rank(&self, id: FormId) -> u32 {
        self.kept.get(id.number()).1
    }

    /// The number of a formula that is there, or the free place where it belongs.
    ///
    /// # Errors
    /// If it is not there.
    pub fn find(&self, formula: Formula<'_>) -> Result<FormId, Free> {
        match formula {
            Formula::False => return Ok(FormId::FALSE),
            Formula::True => return Ok(FormId::TRUE),
            _ => {}
        }
        let is = |(kept, _): &(Kept, u32)| self.arenas.formula(kept) == formula;
        self.kept.find(formula.look(), is).map(FormId::at)
    }

    /// The number of a formula that [`Formulas::find`] found no more than a place for just now.
    pub fn add(&mut self, free: Free, formula: Formula<'_>, rank: u32) -> FormId {
        let kept = self.arenas.keep(formula);
        FormId::at(self.kept.add(free, (kept, rank)))
    }
}

impl Default for Formulas {
    fn default() -> Self {
        // Most filters need no more.
        let arenas = Arenas { parts: Vec::with_capacity(64), pairs: Vec::with_capacity(32) };
        // In the order of their numbers: `FormId::FALSE` and `FormId::TRUE`.
        Self { kept: Interned::after([(Kept::False, 0), (Kept::True, 0)]), arenas }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::ir::{Ir, Set, Width};

    /// One formula of each kind that has something in an arena, and one that has not.
    fn formulas(ir: &mut Ir) -> [FormId; 5] {
        let values = [0, 1, 2].map(|k| ir.load(None, k, Width::Byte));
        let tests = values.map(|value| ir.is(value, 5));
        let not = ir.is_not(values[0], 5);
        let sets = [(Set::from_ranges([(1, 2), (4, 5)]), tests[1]), (Set::one(9), tests[2])];
        let case = ir.case(values[0], &sets, true);
        [tests[0], not, ir.all(&tests), ir.any(&tests), case]
    }

    #[test]
    fn what_is_known_takes_no_room() {
        let mut ir = Ir::new();
        let made = formulas(&mut ir);
        let size = |ir: &Ir| {
            let Formulas { kept, arenas } = &ir.formulas;
            (kept.count(), arenas.parts.len(), arenas.pairs.len())
        };
        let before = size(&ir);
        assert_eq!(formulas(&mut ir), made);
        assert_eq!(size(&ir), before);
    }

    #[test]
    fn views_tell_what_was_kept() {
        let mut ir = Ir::new();
        let [one, not, all, any, case] = formulas(&mut ir);
        let Formula::Test(_, set) = ir.formula_of(one) else { panic!("a test") };
        assert_eq!(set.ranges(), [(5, 5)]);
        let Formula::Test(_, set) = ir.formula_of(not) else { panic!("a test") };
        assert_eq!(set.ranges(), [(0, 4), (6, u32::MAX)]);
        let (Formula::And(both), Formula::Or(either)) = (ir.formula_of(all), ir.formula_of(any))
        else {
            panic!("lists")
        };
        assert!(both.len() == 3 && both == either && both[0] == one);
        let Formula::Case { arms, otherwise: true, .. } = ir.formula_of(case) else {
            panic!("a case")
        };
        let arms: Vec<_> = arms.iter().map(|(set, of)| (set.ranges().to_vec(), of)).collect();
        assert_eq!(arms, [(vec![(1, 2), (4, 5)], both[1]), (vec![(9, 9)], both[2])]);
        assert!(ir.formula_of(case).parts().eq(both[1..].iter().copied()));
        assert_eq!(ir.formula(Formula::True), FormId::TRUE);
        assert_eq!(ir.formula_of(FormId::FALSE), Formula::False);
    }
}
