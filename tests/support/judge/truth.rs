//! Answers and numbers that may depend on bytes that a packet does not have.
//!
//! Each is kept by two readings at once. The strict one is that of a program that does one test after
//! the other, from left to right, and rejects the packet at the first byte that is missing. The loose
//! one is Kleene's three-valued logic: what a program may at most accept, in whatever order it tests.

use pcap::filter::ast::{BinOp, Relop};

/// An answer by one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tri {
    False,
    True,
    /// It needs something that is not there.
    Missing,
}

impl From<bool> for Tri {
    fn from(known: bool) -> Self {
        if known { Self::True } else { Self::False }
    }
}

/// An answer by both readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    pub strict: Tri,
    pub loose: Tri,
}

impl From<bool> for Truth {
    fn from(known: bool) -> Self {
        Self { strict: known.into(), loose: known.into() }
    }
}

impl Truth {
    pub const TRUE: Self = Self { strict: Tri::True, loose: Tri::True };
    pub const FALSE: Self = Self { strict: Tri::False, loose: Tri::False };
    pub const MISSING: Self = Self { strict: Tri::Missing, loose: Tri::Missing };

    pub fn not(self) -> Self {
        let flip = |tri| match tri {
            Tri::False => Tri::True,
            Tri::True => Tri::False,
            Tri::Missing => Tri::Missing,
        };
        Self { strict: flip(self.strict), loose: flip(self.loose) }
    }

    /// Both, this one first.
    pub fn and(self, other: Self) -> Self {
        let strict = if self.strict == Tri::True { other.strict } else { self.strict };
        let loose = match (self.loose, other.loose) {
            (Tri::False, _) | (_, Tri::False) => Tri::False,
            (Tri::True, Tri::True) => Tri::True,
            _ => Tri::Missing,
        };
        Self { strict, loose }
    }

    /// Either, this one first.
    pub fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    pub fn any(of: impl IntoIterator<Item = Self>) -> Self {
        of.into_iter().fold(Self::FALSE, Self::or)
    }
}

/// A number by both readings; `None` where it needs something that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Num {
    pub strict: Option<u32>,
    pub loose: Option<u32>,
}

impl From<u32> for Num {
    fn from(known: u32) -> Self {
        Some(known).into()
    }
}

impl From<Option<u32>> for Num {
    fn from(value: Option<u32>) -> Self {
        Self { strict: value, loose: value }
    }
}

impl Num {
    /// Whether a test of the number holds.
    pub fn is(self, test: impl Fn(u32) -> bool) -> Truth {
        let answer = |value: Option<u32>| value.map_or(Tri::Missing, |value| test(value).into());
        Truth { strict: answer(self.strict), loose: answer(self.loose) }
    }

    /// How it compares with another number, both without sign.
    pub fn compare(self, op: Relop, other: Self) -> Truth {
        let answer = |left: Option<u32>, right: Option<u32>| match (left, right) {
            (Some(left), Some(right)) => holds(op, left, right).into(),
            _ => Tri::Missing,
        };
        Truth { strict: answer(self.strict, other.strict), loose: answer(self.loose, other.loose) }
    }

    /// A number computed from this one.
    pub fn map(self, f: impl Fn(u32) -> u32) -> Self {
        Self { strict: self.strict.map(&f), loose: self.loose.map(&f) }
    }

    /// A number computed from two: on 32 bits that wrap, and missing where there is no result.
    pub fn binary(self, op: BinOp, other: Self) -> Self {
        let both = |left: Option<u32>, right: Option<u32>| arithmetic(op, left?, right?);
        let loose = both(self.loose, other.loose).or(match (op, self.loose, other.loose) {
            // What the other one is does not matter.
            (BinOp::Mul | BinOp::And, Some(0), _) | (BinOp::Mul | BinOp::And, _, Some(0)) => {
                Some(0)
            }
            (BinOp::Or, Some(u32::MAX), _) | (BinOp::Or, _, Some(u32::MAX)) => Some(u32::MAX),
            (BinOp::Lsh | BinOp::Rsh, Some(0), _) => Some(0),
            _ => None,
        });
        Self { strict: both(self.strict, other.strict), loose }
    }
}

pub fn holds(op: Relop, left: u32, right: u32) -> bool {
    match op {
        Relop::Gt => left > right,
        Relop::Ge => left >= right,
        Relop::Eq => left == right,
        Relop::Lt => left < right,
        Relop::Le => left <= right,
        Relop::Ne => left != right,
    }
}

fn arithmetic(op: BinOp, left: u32, right: u32) -> Option<u32> {
    Some(match op {
        BinOp::Add => left.wrapping_add(right),
        BinOp::Sub => left.wrapping_sub(right),
        BinOp::Mul => left.wrapping_mul(right),
        BinOp::Div => left.checked_div(right)?,
        BinOp::Mod => left.checked_rem(right)?,
        BinOp::And => left & right,
        BinOp::Or => left | right,
        BinOp::Xor => left ^ right,
        BinOp::Lsh => left.checked_shl(right).unwrap_or(0),
        BinOp::Rsh => left.checked_shr(right).unwrap_or(0),
    })
}
