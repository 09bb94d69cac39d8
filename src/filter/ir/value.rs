//! Values: the numbers that a filter computes from a packet.
//!
//! A value is a pure function of the packet: computed twice, it is the same. Equal values have equal numbers
//! (value numbering happens when they are made), and constants fold when they are made, with the machine's 32 bits.

use super::kept::Span;
use super::{Fast, FormId, Ir};
use crate::filter::ast::BinOp;
use crate::filter::ir::Map;
use std::num::NonZeroU32;

/// A value's number in its [`Ir`]. The values it is made of have lower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValId(NonZeroU32);

impl ValId {
    /// The value with a number, which is below what 32 bits hold.
    pub(super) const fn at(number: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(number))
    }

    /// As an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.number() as usize
    }

    pub(super) const fn number(self) -> u32 {
        self.0.get() - 1
    }
}

/// How many bytes a load takes.
#[allow(missing_docs, reason = "they are bpf.h's")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    Byte,
    Half,
    Word,
}

impl Width {
    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::Half => 2,
            Self::Word => 4,
        }
    }

    /// The largest number that so many hold.
    #[must_use]
    pub const fn max(self) -> u32 {
        match self {
            Self::Byte => 0xff,
            Self::Half => 0xffff,
            Self::Word => u32::MAX,
        }
    }
}

/// Comparisons of two values that vary; the others are their opposites.
#[allow(missing_docs, reason = "they are bpf.h's")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rel {
    Eq,
    Gt,
    Ge,
}

/// Conditions and values to choose from, which [`Ir::choices`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choices(Span);

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Const(u32),
    /// The packet's length on the wire.
    Len,
    /// Bytes at `base + k`, big-endian; beyond the packet (or beyond 32 bits) the packet is rejected.
    Load {
        /// A part of the offset that varies.
        base: Option<ValId>,
        /// The part that does not.
        k: u32,
        /// How many.
        width: Width,
    },
    /// What the kernel knows of the packet: a field of `SKF_AD_OFF`.
    Ancillary {
        /// `SKF_AD_*`.
        field: u32,
        /// The width to load it with; the value does not depend on it.
        width: Width,
    },
    /// Arithmetic. A division by zero rejects the packet.
    Binary {
        /// Which.
        op: BinOp,
        /// The left operand.
        left: ValId,
        /// The right operand.
        right: ValId,
    },
    /// The negative.
    Neg(ValId),
    /// 1 if the comparison holds, 0 if not.
    Compare {
        /// Which.
        rel: Rel,
        /// The left operand.
        left: ValId,
        /// The right operand.
        right: ValId,
    },
    /// The value beside the first condition that holds; if none does, the packet is rejected.
    Choose(Choices),
    /// The protocol at which a walk along the chain of headers stops: `target`, or the first that cannot be
    /// followed. Loops.
    Chain {
        /// Where the network header begins.
        at: u32,
        /// An IPv6 header, not an IPv4 one.
        ip6: bool,
        /// The protocol that is looked for.
        target: u8,
    },
    /// An offset that was computed on the way; which one depends on the way. Only the optimiser makes these.
    Remembered(u32),
    /// Rejects the packet.
    Fail,
}

impl Value {
    /// The hash of all that makes it what it is.
    pub(super) fn look(self, ir: &Ir) -> Fast {
        let number = |value: Option<ValId>| value.map_or(0, |value| value.0.get());
        let look = |kind: u32, a: u32, b: u32| Fast::default().with(kind << 24 ^ a, b);
        match self {
            Self::Const(n) => look(1, 0, n),
            Self::Len => look(2, 0, 0),
            Self::Load { base, k, width } => look(3 + width as u32, number(base), k),
            Self::Ancillary { field, width } => look(6 + width as u32, 0, field),
            Self::Binary { op, left, right } => look(9 + op as u32, left.number(), right.number()),
            Self::Neg(of) => look(32, 0, of.number()),
            Self::Compare { rel, left, right } => {
                look(33 + rel as u32, left.number(), right.number())
            }
            Self::Choose(choices) => look_of(ir.choices(choices)),
            Self::Chain { at, ip6, target } => look(37 + u32::from(ip6), target.into(), at),
            Self::Remembered(n) => look(39, 0, n),
            Self::Fail => look(40, 0, 0),
        }
    }
}

/// The hash of a choice.
fn look_of(choices: &[(FormId, ValId)]) -> Fast {
    choices.iter().fold(Fast::default().with(36 << 24, 0), |look, (test, value)| {
        look.with(test.number(), value.number())
    })
}

impl Ir {
    /// A number.
    pub fn constant(&mut self, n: u32) -> ValId {
        self.value(Value::Const(n))
    }

    /// The packet's length on the wire.
    pub fn len(&mut self) -> ValId {
        self.value(Value::Len)
    }

    /// The bytes at `base + k`.
    pub fn load(&mut self, base: Option<ValId>, k: u32, width: Width) -> ValId {
        match base.map(|base| self.get(base)) {
            Some(Value::Fail) => self.value(Value::Fail),
            Some(&Value::Const(n)) => match n.checked_add(k) {
                // The machine's own offsets begin there; no packet is as long.
                Some(sum) if i32::try_from(sum).is_ok() => {
                    self.value(Value::Load { base: None, k: sum, width })
                }
                _ => self.value(Value::Fail),
            },
            None if i32::try_from(k).is_err() => self.value(Value::Fail),
            _ => self.value(Value::Load { base, k, width }),
        }
    }

    /// What the kernel knows.
    pub fn ancillary(&mut self, field: u32, width: Width) -> ValId {
        self.value(Value::Ancillary { field, width })
    }

    /// Arithmetic.
    pub fn binary(&mut self, op: BinOp, left: ValId, right: ValId) -> ValId {
        let (l, r) = (self.get(left), self.get(right));
        if matches!(l, Value::Fail) || matches!(r, Value::Fail) {
            return self.value(Value::Fail);
        }
        match (op, l, r) {
            (_, &Value::Const(a), &Value::Const(b)) => {
                let folded = self.fold(op, a, b);
                self.value(folded)
            }
            (BinOp::Div | BinOp::Mod, _, &Value::Const(0)) => {
                self.note_fold(op);
                self.value(Value::Fail)
            }
            (BinOp::Lsh | BinOp::Rsh, _, &Value::Const(32..)) => {
                self.note_fold(op);
                self.value(Value::Binary { op, left, right })
            }
            // What is neutral. Nothing that could fail is dropped.
            (
                BinOp::Add | BinOp::Sub | BinOp::Or | BinOp::Xor | BinOp::Lsh | BinOp::Rsh,
                _,
                &Value::Const(0),
            )
            | (BinOp::Mul | BinOp::Div, _, &Value::Const(1))
            | (BinOp::And, _, &Value::Const(u32::MAX)) => left,
            (BinOp::Add | BinOp::Or | BinOp::Xor, &Value::Const(0), _)
            | (BinOp::Mul, &Value::Const(1), _)
            | (BinOp::And, &Value::Const(u32::MAX), _) => right,
            // Constants go to the right, where the machine takes them.
            (
                BinOp::Add | BinOp::Mul | BinOp::And | BinOp::Or | BinOp::Xor,
                &Value::Const(_),
                _,
            ) => self.binary(op, right, left),
            // (v op a) op b, where op is associative.
            (
                BinOp::Add | BinOp::Mul | BinOp::And | BinOp::Or | BinOp::Xor,
                &Value::Binary { op: inner, left: v, right: a },
                &Value::Const(b),
            ) if inner == op => match self.get(a) {
                &Value::Const(a) => {
                    let Value::Const(both) = self.fold(op, a, b) else { return left };
                    let both = self.constant(both);
                    self.binary(op, v, both)
                }
                _ => self.value(Value::Binary { op, left, right }),
            },
            _ => self.value(Value::Binary { op, left, right }),
        }
    }

    /// The negative.
    pub fn neg(&mut self, of: ValId) -> ValId {
        match self.get(of) {
            &Value::Const(n) => self.constant(n.wrapping_neg()),
            Value::Fail => of,
            _ => self.value(Value::Neg(of)),
        }
    }

    /// The value beside the first condition that holds.
    pub fn choose(&mut self, choices: &[(FormId, ValId)]) -> ValId {
        let known = self.values.find(look_of(choices), |&(value, _)| match value {
            Value::Choose(known) => self.choices(known) == choices,
            _ => false,
        });
        match known {
            Ok(number) => ValId::at(number),
            Err(free) => {
                let choices = Span::add(&mut self.choices, choices);
                self.add(free, Value::Choose(Choices(choices)))
            }
        }
    }

    /// The conditions and values that a chosen value is chosen from.
    ///
    /// # Panics
    /// If they are of another [`Ir`].
    #[must_use]
    pub fn choices(&self, choices: Choices) -> &[(FormId, ValId)] {
        choices.0.of(&self.choices)
    }

    /// Where a walk along a chain of headers stops.
    pub fn chain(&mut self, at: u32, ip6: bool, target: u8) -> ValId {
        self.value(Value::Chain { at, ip6, target })
    }

    /// The byte whose lower half is the length in words that `value` is in bytes: the machine has an
    /// instruction for IPv4 headers.
    #[must_use]
    pub fn header_length(&self, value: ValId) -> Option<u32> {
        let Value::Binary { op: BinOp::Lsh, left, right } = *self.get(value) else {
            return None;
        };
        let &Value::Const(2) = self.get(right) else { return None };
        let Value::Binary { op: BinOp::And, left, right } = *self.get(left) else { return None };
        let &Value::Const(0xf) = self.get(right) else { return None };
        match *self.get(left) {
            Value::Load { base: None, k, width: Width::Byte } => Some(k),
            _ => None,
        }
    }

    /// An offset that is not yet in use anywhere else.
    pub fn remembered(&mut self) -> ValId {
        let number = u32::try_from(self.values.count()).unwrap_or(u32::MAX);
        self.value(Value::Remembered(number))
    }

    /// `value` with `new` in the place of `old`.
    pub fn replaced(&mut self, value: ValId, old: ValId, new: ValId) -> ValId {
        // Parts have lower numbers, so all that hold `old` are between it and `value`.
        if value <= old {
            return if value == old { new } else { value };
        }
        let mut work = vec![value];
        let mut done: Map<ValId, ValId> = Map::default();
        done.insert(old, new);
        while let Some(&at) = work.last() {
            let parts: Vec<ValId> = match *self.get(at) {
                _ if done.contains_key(&at) => Vec::new(),
                Value::Binary { left, right, .. } | Value::Compare { left, right, .. } => {
                    vec![left, right]
                }
                Value::Neg(of) => vec![of],
                Value::Load { base: Some(base), .. } => vec![base],
                _ => Vec::new(),
            };
            let left = parts.iter().filter(|part| **part > old && !done.contains_key(part));
            let left: Vec<ValId> = left.copied().collect();
            if !left.is_empty() {
                work.extend(left);
                continue;
            }
            work.pop();
            if done.contains_key(&at) {
                continue;
            }
            let now = |part: ValId| done.get(&part).copied().unwrap_or(part);
            let new = match *self.get(at) {
                Value::Binary { op, left, right } => {
                    Value::Binary { op, left: now(left), right: now(right) }
                }
                Value::Compare { rel, left, right } => {
                    Value::Compare { rel, left: now(left), right: now(right) }
                }
                Value::Neg(of) => Value::Neg(now(of)),
                Value::Load { base, k, width } => Value::Load { base: base.map(now), k, width },
                other => other,
            };
            let new = self.value(new);
            done.insert(at, new);
        }
        done.get(&value).copied().unwrap_or(value)
    }

    /// `a op b`, as the machine computes it.
    fn fold(&mut self, op: BinOp, a: u32, b: u32) -> Value {
        let n = match op {
            BinOp::Add => a.wrapping_add(b),
            BinOp::Sub => a.wrapping_sub(b),
            BinOp::Mul => a.wrapping_mul(b),
            BinOp::Div | BinOp::Mod if b == 0 => {
                self.note_fold(op);
                return Value::Fail;
            }
            BinOp::Div => a / b,
            BinOp::Mod => a % b,
            BinOp::And => a & b,
            BinOp::Or => a | b,
            BinOp::Xor => a ^ b,
            BinOp::Lsh | BinOp::Rsh if b > 31 => {
                self.note_fold(op);
                0
            }
            BinOp::Lsh => a << b,
            BinOp::Rsh => a >> b,
        };
        Value::Const(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_choices_are_one_value() {
        let mut ir = Ir::new();
        let [one, two] = [1, 2].map(|n| ir.constant(n));
        let len = ir.len();
        let test = ir.is(len, 60);
        let both = [(test, one), (FormId::TRUE, two)];
        let chosen = ir.choose(&both);
        let other = ir.choose(&both[1..]);
        assert!(ir.choose(&both) == chosen && other != chosen);
        let &Value::Choose(choices) = ir.get(chosen) else { panic!("a choice") };
        assert_eq!(ir.choices(choices), both);
        // It stays as it is where a part beside it is replaced.
        let sum = ir.binary(BinOp::Add, chosen, len);
        let replaced = ir.replaced(sum, len, one);
        assert_eq!(replaced, ir.binary(BinOp::Add, chosen, one));
    }
}
