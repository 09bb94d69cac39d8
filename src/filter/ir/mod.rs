//! What lowering makes of an expression: values computed from the packet, and a formula over tests of them.
//!
//! Nothing here knows protocols, and nothing here knows registers or instructions.

pub mod eval;
pub mod formula;
pub mod intern;
mod kept;
pub mod print;
pub mod set;
pub mod value;

pub use formula::{Arms, FormId, Formula};
pub use set::{Range, Ranges, Set};
pub use value::{Choices, Rel, ValId, Value, Width};

use super::ast::BinOp;
use intern::{Free, Interned};
use kept::Formulas;
use smallvec::SmallVec;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// The values and formulas of one filter, each kept once.
#[derive(Debug)]
pub struct Ir {
    /// The values, with what is known of each.
    values: Interned<(Value, Traits)>,
    /// What values are chosen from.
    choices: Vec<(FormId, ValId)>,
    formulas: Formulas,
    fold_error: Option<BinOp>,
    early: Vec<ValId>,
}

/// What is known of a value.
#[derive(Clone, Copy, Debug)]
struct Traits {
    /// How many bytes it needs at least, and whether just so many are enough.
    extent: (u32, bool),
    /// How deep chosen values nest in it.
    rank: u32,
    /// The largest number that it can be.
    max: u32,
}

impl Traits {
    /// Of what is computed from two values, and may be any number.
    fn and(self, other: Self) -> Self {
        let ((l, l_exact), (r, r_exact)) = (self.extent, other.extent);
        let extent = (l.max(r), l_exact && r_exact);
        Self { extent, rank: self.rank.max(other.rank), max: u32::MAX }
    }
}

/// A map of small keys.
pub type Map<K, V> = HashMap<K, V, BuildHasherDefault<Fast>>;

/// A set of small keys.
pub type Seen<K> = HashSet<K, BuildHasherDefault<Fast>>;

/// So many times the same: few of them are filled at once, and some more with them.
#[must_use]
#[inline]
pub fn filled<T: Copy, const N: usize>(with: T, count: usize) -> SmallVec<[T; N]>
where
    [T; N]: smallvec::Array<Item = T>,
{
    if count <= N {
        SmallVec::from_buf_and_len([with; N], count)
    } else {
        SmallVec::from_elem(with, count)
    }
}

impl Ir {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            values: Interned::after([]),
            choices: Vec::new(),
            formulas: Formulas::default(),
            fold_error: None,
            early: Vec::new(),
        }
    }

    /// A value.
    ///
    /// # Panics
    /// If the number is of another [`Ir`].
    #[must_use]
    pub fn get(&self, id: ValId) -> &Value {
        &self.values.get(id.number()).0
    }

    /// A formula.
    ///
    /// # Panics
    /// If the number is of another [`Ir`].
    #[must_use]
    #[inline(always)]
    pub fn formula_of(&self, id: FormId) -> Formula<'_> {
        self.formulas.get(id)
    }

    /// The first operation on constants that has no result, or none that the machine takes: a division by zero, a
    /// shift by more than 31. Libpcap's optimiser refuses such filters.
    #[must_use]
    pub const fn fold_error(&self) -> Option<BinOp> {
        self.fold_error
    }

    fn note_fold(&mut self, op: BinOp) {
        self.fold_error.get_or_insert(op);
    }

    /// Lets `value` be computed before it is known that it is needed: it is where a header ends, and a packet too short
    /// to tell that is not wanted.
    pub fn allow_early(&mut self, value: ValId) {
        self.early.push(value);
    }

    /// The values that may be computed early.
    #[must_use]
    pub fn early(&self) -> &[ValId] {
        &self.early
    }

    /// How many bytes a packet must have for `value` to be computed, at least; and whether just so many are enough.
    #[must_use]
    pub fn extent(&self, id: ValId) -> (u32, bool) {
        self.traits(id).extent
    }

    /// Whether there is any chosen value.
    #[must_use]
    pub const fn has_chosen(&self) -> bool {
        !self.choices.is_empty()
    }

    /// Whether a chosen value is part of it.
    #[must_use]
    pub fn is_chosen(&self, id: ValId) -> bool {
        self.rank(id) > 0
    }

    /// How deep chosen values nest in it.
    #[must_use]
    pub fn rank(&self, id: ValId) -> u32 {
        self.traits(id).rank
    }

    /// How deep chosen values nest in a formula whose parts are known.
    fn rank_of(&self, formula: Formula<'_>) -> u32 {
        let of_value = match formula {
            Formula::Test(value, _) | Formula::Case { value, .. } => self.rank(value),
            _ => 0,
        };
        formula.parts().map(|part| self.formulas.rank(part)).fold(of_value, u32::max)
    }

    /// The largest number that `value` can be.
    #[must_use]
    pub fn max_of(&self, id: ValId) -> u32 {
        self.traits(id).max
    }

    fn traits(&self, id: ValId) -> Traits {
        self.values.get(id.number()).1
    }

    /// What is known of a value whose parts are known.
    fn traits_of(&self, value: Value) -> Traits {
        let some = |extent, max| Traits { extent, rank: 0, max };
        match value {
            Value::Const(n) => some((0, true), n),
            Value::Len | Value::Ancillary { .. } => some((0, true), u32::MAX),
            Value::Load { base, k, width } => {
                let end = k.saturating_add(width.bytes());
                let Some(base) = base else { return some((end, true), width.max()) };
                let base = self.traits(base);
                Traits { extent: (base.extent.0.max(end), false), max: width.max(), ..base }
            }
            Value::Neg(of) => Traits { max: u32::MAX, ..self.traits(of) },
            Value::Binary { op, left, right } => {
                let (left, of_right) = (self.traits(left), self.traits(right));
                let both = left.and(of_right);
                match op {
                    // A division by zero fails whatever the packet's length.
                    BinOp::Div | BinOp::Mod if !matches!(self.get(right), Value::Const(_)) => {
                        Traits { extent: (both.extent.0, false), ..both }
                    }
                    BinOp::And => Traits { max: left.max.min(of_right.max), ..both },
                    _ => both,
                }
            }
            Value::Compare { left, right, .. } => {
                Traits { max: 1, ..self.traits(left).and(self.traits(right)) }
            }
            Value::Choose(choices) => {
                let choices = self.choices(choices).iter();
                let of =
                    choices.map(|&(test, value)| self.formulas.rank(test).max(self.rank(value)));
                let rank = 1 + of.max().unwrap_or(0);
                Traits { rank, ..some((0, false), u32::MAX) }
            }
            Value::Remembered(_) => some((0, false), u32::MAX),
            Value::Chain { .. } => some((0, false), 0xff),
            Value::Fail => some((u32::MAX, false), u32::MAX),
        }
    }

    /// A value's number.
    pub(crate) fn value(&mut self, value: Value) -> ValId {
        match self.values.find(value.look(self), |(known, _)| *known == value) {
            Ok(number) => ValId::at(number),
            Err(free) => self.add(free, value),
        }
    }

    /// The number of a value that is new.
    fn add(&mut self, free: Free, value: Value) -> ValId {
        let traits = self.traits_of(value);
        ValId::at(self.values.add(free, (value, traits)))
    }

    /// A formula's number.
    pub(crate) fn formula(&mut self, formula: Formula<'_>) -> FormId {
        match self.formulas.find(formula) {
            Ok(id) => id,
            Err(free) => {
                let rank = if self.has_chosen() { self.rank_of(formula) } else { 0 };
                self.formulas.add(free, formula, rank)
            }
        }
    }
}

impl Default for Ir {
    fn default() -> Self {
        Self::new()
    }
}

/// A hash for small keys that nobody outside chooses often enough to matter: multiply and rotate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fast(u64);

impl Fast {
    /// What is multiplied with.
    pub const FACTOR: u64 = 0x517c_c1b7_2722_0a95;

    const fn add(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(Self::FACTOR);
    }

    /// With two more numbers.
    #[must_use]
    pub const fn with(mut self, a: u32, b: u32) -> Self {
        self.add((a as u64) << 32 | b as u64);
        self
    }
}

impl Hasher for Fast {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.add(byte.into());
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.add(n.into());
    }

    fn write_u32(&mut self, n: u32) {
        self.add(n.into());
    }

    fn write_u64(&mut self, n: u64) {
        self.add(n);
    }

    fn write_usize(&mut self, n: usize) {
        self.add(n as u64);
    }
}
