//! What lowering makes of an expression: values computed from the packet, and a formula over tests of them.
//!
//! Nothing here knows protocols, and nothing here knows registers or instructions.

pub mod eval;
pub mod formula;
pub mod intern;
pub mod print;
pub mod set;
pub mod value;

pub use formula::{FormId, Formula, Parts};
pub use set::Set;
pub use value::{Rel, ValId, Value, Width};

use super::ast::BinOp;
use intern::Interned;
use smallvec::SmallVec;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// The values and formulas of one filter, each kept once.
#[derive(Debug)]
pub struct Ir {
    /// What is known of each value.
    traits: SmallVec<[Traits; 24]>,
    formula_ranks: SmallVec<[u32; 32]>,
    values: Interned<Value>,
    formulas: Interned<Formula>,
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

/// A map of small keys.
pub type Map<K, V> = HashMap<K, V, BuildHasherDefault<Fast>>;

/// A set of small keys.
pub type Seen<K> = HashSet<K, BuildHasherDefault<Fast>>;

impl Ir {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let mut ir = Self {
            traits: SmallVec::new(),
            formula_ranks: SmallVec::new(),
            values: Interned::default(),
            formulas: Interned::default(),
            fold_error: None,
            early: Vec::new(),
        };
        // These have the numbers that are known for them.
        ir.formula(Formula::False);
        ir.formula(Formula::True);
        ir
    }

    /// A value.
    ///
    /// # Panics
    /// If the number is of another [`Ir`].
    #[must_use]
    pub fn get(&self, id: ValId) -> &Value {
        self.values.get(id.number())
    }

    /// A formula.
    ///
    /// # Panics
    /// If the number is of another [`Ir`].
    #[must_use]
    pub fn formula_of(&self, id: FormId) -> &Formula {
        self.formulas.get(id.0)
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
        self.traits[id.index()].extent
    }

    /// Whether a chosen value is part of it.
    #[must_use]
    pub fn is_chosen(&self, id: ValId) -> bool {
        self.rank(id) > 0
    }

    /// How deep chosen values nest in it.
    #[must_use]
    pub fn rank(&self, id: ValId) -> u32 {
        self.traits[id.index()].rank
    }

    fn rank_of(&self, value: &Value) -> u32 {
        match value {
            Value::Choose(arms) => {
                let of_arm = |&(test, value): &(FormId, ValId)| {
                    self.formula_ranks[test.index()].max(self.rank(value))
                };
                1 + arms.iter().map(of_arm).max().unwrap_or(0)
            }
            &Value::Binary { left, right, .. } | &Value::Compare { left, right, .. } => {
                self.rank(left).max(self.rank(right))
            }
            &Value::Neg(of) => self.rank(of),
            Value::Load { base, .. } => base.map_or(0, |base| self.rank(base)),
            _ => 0,
        }
    }

    fn rank_of_formula(&self, formula: &Formula) -> u32 {
        let rank = |of: &FormId| self.formula_ranks[of.index()];
        match formula {
            Formula::True | Formula::False => 0,
            Formula::Test(value, _) => self.rank(*value),
            Formula::Not(of) => rank(of),
            Formula::And(list) | Formula::Or(list) => list.iter().map(rank).max().unwrap_or(0),
            Formula::Case { value, arms, .. } => {
                arms.iter().map(|(_, of)| rank(of)).max().unwrap_or(0).max(self.rank(*value))
            }
        }
    }

    /// The largest number that `value` can be.
    #[must_use]
    pub fn max_of(&self, id: ValId) -> u32 {
        self.traits[id.index()].max
    }

    /// What [`Ir::max_of`] says of a value whose parts are known.
    fn max_of_parts(&self, value: &Value) -> u32 {
        match *value {
            Value::Const(n) => n,
            Value::Load { width: Width::Byte, .. } | Value::Chain { .. } => 0xff,
            Value::Load { width: Width::Half, .. } => 0xffff,
            Value::Compare { .. } => 1,
            Value::Binary { op: BinOp::And, left, right } => {
                self.max_of(left).min(self.max_of(right))
            }
            _ => u32::MAX,
        }
    }

    /// What [`Ir::extent`] says of a value whose parts are known.
    fn extent_of(&self, value: &Value) -> (u32, bool) {
        let both = |left, right| {
            let ((l, l_exact), (r, r_exact)) = (self.extent(left), self.extent(right));
            (l.max(r), l_exact && r_exact)
        };
        match *value {
            Value::Const(_) | Value::Len | Value::Ancillary { .. } => (0, true),
            Value::Load { base: None, k, width } => (k.saturating_add(width.bytes()), true),
            Value::Load { base: Some(base), k, width } => {
                (self.extent(base).0.max(k.saturating_add(width.bytes())), false)
            }
            // A division by zero fails whatever the packet's length.
            Value::Binary { op: BinOp::Div | BinOp::Mod, left, right } => {
                let constant = matches!(self.get(right), Value::Const(_));
                let (bytes, exact) = both(left, right);
                (bytes, exact && constant)
            }
            Value::Binary { left, right, .. } | Value::Compare { left, right, .. } => {
                both(left, right)
            }
            Value::Neg(of) => self.extent(of),
            Value::Choose(_) | Value::Remembered(_) | Value::Chain { .. } => (0, false),
            Value::Fail => (u32::MAX, false),
        }
    }

    /// A value's number.
    pub(crate) fn value(&mut self, value: Value) -> ValId {
        let (id, is_new) = self.values.intern(value);
        if is_new {
            let value = self.values.get(id);
            let (extent, rank) = (self.extent_of(value), self.rank_of(value));
            self.traits.push(Traits { extent, rank, max: self.max_of_parts(value) });
        }
        ValId::at(id)
    }

    /// A formula's number.
    pub(crate) fn formula(&mut self, formula: Formula) -> FormId {
        let (id, is_new) = self.formulas.intern(formula);
        if is_new {
            self.formula_ranks.push(self.rank_of_formula(self.formulas.get(id)));
        }
        FormId(id)
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
