//! Formulas: what a filter asks of a packet, before there is an order of instructions.
//!
//! Terms are tested from left to right and only as far as needed, as a program would do it.

use super::set::{Range, Ranges, Set};
use super::value::{Rel, ValId, Value};
use super::{Fast, Ir};
use crate::filter::ast::{BinOp, Relop};
use smallvec::SmallVec;
use std::num::NonZeroU32;
use std::ops::Deref;

/// A formula's number in its [`Ir`]. The formulas it is made of have lower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FormId(NonZeroU32);

impl FormId {
    /// No packet.
    pub const FALSE: Self = Self::at(0);
    /// Every packet.
    pub const TRUE: Self = Self::at(1);

    /// The formula with a number, which is below what 32 bits hold.
    pub(super) const fn at(number: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(number))
    }

    /// As an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.number() as usize
    }

    /// The formula with an index.
    #[must_use]
    pub const fn nth(index: usize) -> Self {
        Self::at(index as u32)
    }

    pub(super) const fn number(self) -> u32 {
        self.0.get() - 1
    }
}

/// A formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formula<'i> {
    /// Every packet.
    True,
    /// No packet.
    False,
    /// The value is in the set. A value that cannot be computed rejects the packet, whatever is around the test.
    Test(ValId, Ranges<'i>),
    /// The opposite.
    Not(FormId),
    /// All of them.
    And(&'i [FormId]),
    /// Any of them.
    Or(&'i [FormId]),
    /// The formula beside the set that the value is in; the sets have nothing in common. Only the optimiser makes these.
    Case {
        /// What is looked at.
        value: ValId,
        /// The sets and their formulas.
        arms: Arms<'i>,
        /// What holds of all other values.
        otherwise: bool,
    },
}

/// An arm of a case formula: where its ranges end among those of all arms, and its formula's number.
type Arm = (u32, u32);

/// The arms of a case formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arms<'i> {
    pub(super) arms: &'i [Arm],
    /// The ranges of all sets, one set after the other.
    pub(super) ranges: &'i [Range],
}

impl<'i> Arms<'i> {
    /// How many there are.
    #[must_use]
    pub const fn count(self) -> usize {
        self.arms.len()
    }

    /// The sets, and what holds in each.
    pub fn iter(self) -> impl Iterator<Item = (Ranges<'i>, FormId)> {
        let mut first = 0;
        self.arms.iter().map(move |&(end, formula)| {
            let ranges = &self.ranges[first..end as usize];
            first = end as usize;
            (Ranges::ascending(ranges), FormId::at(formula))
        })
    }
}

impl<'i> Formula<'i> {
    /// The hash of all that makes it what it is.
    pub(super) fn look(self) -> Fast {
        let look = Fast::default();
        let with_ranges = |look, ranges: &[Range]| {
            ranges.iter().fold(look, |look: Fast, &(low, high)| look.with(low, high))
        };
        let parts = |kind, list: &[FormId]| {
            list.iter().fold(look, |look, part| look.with(kind, part.number()))
        };
        match self {
            Self::True => look.with(1, 0),
            Self::False => look.with(2, 0),
            Self::Test(value, set) => with_ranges(look.with(3, value.number()), set.ranges()),
            Self::Not(of) => look.with(4, of.number()),
            Self::And(list) => parts(5, list),
            Self::Or(list) => parts(6, list),
            Self::Case { value, arms: Arms { arms, ranges }, .. } => {
                let look = with_ranges(look.with(7, value.number()), ranges);
                arms.iter().fold(look, |look, &(end, arm)| look.with(end, arm))
            }
        }
    }

    /// The formulas that it is made of.
    pub fn parts(self) -> impl Iterator<Item = FormId> + use<'i> {
        let (one, list, arms) = match self {
            Self::True | Self::False | Self::Test(..) => (None, &[][..], &[][..]),
            Self::Not(of) => (Some(of), &[][..], &[][..]),
            Self::And(list) | Self::Or(list) => (None, list, &[][..]),
            Self::Case { arms, .. } => (None, &[][..], arms.arms),
        };
        one.into_iter()
            .chain(list.iter().copied())
            .chain(arms.iter().map(|&(_, arm)| FormId::at(arm)))
    }
}

impl Ir {
    /// Every packet.
    #[must_use]
    pub const fn truth(&self) -> FormId {
        FormId::TRUE
    }

    /// No packet.
    #[must_use]
    pub const fn falsity(&self) -> FormId {
        FormId::FALSE
    }

    /// Whether `value` is in `set`.
    pub fn test<R>(&mut self, value: ValId, set: Set<R>) -> FormId
    where
        R: Deref<Target = [Range]>,
    {
        match self.get(value) {
            &Value::Const(n) if set.contains(n) => self.truth(),
            Value::Const(_) => self.falsity(),
            _ => self.formula(Formula::Test(value, set.view())),
        }
    }

    /// Whether `value` is `n`.
    pub fn is(&mut self, value: ValId, n: u32) -> FormId {
        self.test(value, Set::one(n))
    }

    /// Whether `value` is not `n`.
    pub fn is_not(&mut self, value: ValId, n: u32) -> FormId {
        self.test(value, Set::one(n).complement())
    }

    /// Whether `value` is from `low` to `high`, both included.
    pub fn in_range(&mut self, value: ValId, low: u32, high: u32) -> FormId {
        self.test(value, Set::range(low, high))
    }

    /// Whether `value & mask` is `n`.
    pub fn masked_is(&mut self, value: ValId, mask: u32, n: u32) -> FormId {
        let masked = self.mask(value, mask);
        self.is(masked, n)
    }

    /// Whether any bit of `mask` is set in `value`.
    pub fn any_bit(&mut self, value: ValId, mask: u32) -> FormId {
        let masked = self.mask(value, mask);
        self.is_not(masked, 0)
    }

    /// `value & mask`.
    pub fn mask(&mut self, value: ValId, mask: u32) -> ValId {
        let mask = self.constant(mask);
        self.binary(BinOp::And, value, mask)
    }

    /// `left op right`, of numbers without a sign.
    pub fn relation(&mut self, op: Relop, left: ValId, right: ValId) -> FormId {
        match (self.get(left), self.get(right)) {
            (_, &Value::Const(n)) => self.test(left, relation_set(op, n)),
            (&Value::Const(n), _) => self.test(right, relation_set(swapped(op), n)),
            (Value::Fail, _) => self.test(left, Set::full()),
            (_, Value::Fail) => self.test(right, Set::full()),
            _ => {
                let (rel, holds) = match op {
                    Relop::Eq => (Rel::Eq, 1),
                    Relop::Ne => (Rel::Eq, 0),
                    Relop::Gt => (Rel::Gt, 1),
                    Relop::Le => (Rel::Gt, 0),
                    Relop::Ge => (Rel::Ge, 1),
                    Relop::Lt => (Rel::Ge, 0),
                };
                let compare = self.value(Value::Compare { rel, left, right });
                self.is(compare, holds)
            }
        }
    }

    /// The opposite.
    pub fn not(&mut self, of: FormId) -> FormId {
        match self.formula_of(of) {
            Formula::True => self.falsity(),
            Formula::False => self.truth(),
            Formula::Not(inner) => inner,
            _ => self.formula(Formula::Not(of)),
        }
    }

    /// Both, `left` first.
    pub fn and(&mut self, left: FormId, right: FormId) -> FormId {
        self.all(&[left, right])
    }

    /// Either, `left` first.
    pub fn or(&mut self, left: FormId, right: FormId) -> FormId {
        self.any(&[left, right])
    }

    /// The formula beside the set that `value` is in, and `otherwise` in no set; the sets have nothing in common.
    pub fn case(&mut self, value: ValId, sets: &[(Set, FormId)], otherwise: bool) -> FormId {
        let mut ranges: SmallVec<[Range; 8]> = SmallVec::new();
        let mut arms: SmallVec<[Arm; 4]> = SmallVec::new();
        for (set, formula) in sets {
            ranges.extend_from_slice(set.ranges());
            arms.push((u32::try_from(ranges.len()).unwrap_or(u32::MAX), formula.number()));
        }
        let arms = Arms { arms: &arms, ranges: &ranges };
        self.formula(Formula::Case { value, arms, otherwise })
    }

    /// All of them, in this order.
    pub fn all(&mut self, of: &[FormId]) -> FormId {
        self.list(of, FormId::TRUE, FormId::FALSE, |list| Formula::And(list))
    }

    /// Any of them, in this order.
    pub fn any(&mut self, of: &[FormId]) -> FormId {
        self.list(of, FormId::FALSE, FormId::TRUE, |list| Formula::Or(list))
    }

    /// A list without what is `neutral`; just `decisive` if one of them is.
    fn list(
        &mut self,
        of: &[FormId],
        neutral: FormId,
        decisive: FormId,
        make: fn(&[FormId]) -> Formula<'_>,
    ) -> FormId {
        let mut rest: SmallVec<[FormId; 8]> = SmallVec::new();
        let of = if of.iter().any(|&part| part == neutral || part == decisive) {
            if of.contains(&decisive) {
                return decisive;
            }
            rest.extend(of.iter().copied().filter(|&part| part != neutral));
            &rest[..]
        } else {
            of
        };
        match *of {
            [] => neutral,
            [one] => one,
            _ => self.formula(make(of)),
        }
    }
}

/// The numbers `v` for which `v op n`.
fn relation_set(op: Relop, n: u32) -> Set {
    match op {
        Relop::Eq => Set::one(n),
        Relop::Ne => Set::one(n).complement(),
        Relop::Ge => Set::range(n, u32::MAX),
        Relop::Lt => Set::range(n, u32::MAX).complement(),
        Relop::Le => Set::range(0, n),
        Relop::Gt => Set::range(0, n).complement(),
    }
}

/// `op` with its operands the other way round.
fn swapped(op: Relop) -> Relop {
    match op {
        Relop::Gt => Relop::Lt,
        Relop::Lt => Relop::Gt,
        Relop::Ge => Relop::Le,
        Relop::Le => Relop::Ge,
        Relop::Eq | Relop::Ne => op,
    }
}
