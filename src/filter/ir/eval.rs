//! What a formula says of a packet, without a program: for tests, and to look into a filter.

use super::{FormId, Formula, Ir, Rel, ValId, Value, Width};
use crate::bpf::Meta;
use crate::bpf::insn;
use crate::filter::ast::BinOp;
use crate::filter::ir::Map;

/// A thing that has a result.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Value(ValId),
    Formula(FormId),
}

/// So many headers a chain has at most.
const LONGEST_CHAIN: usize = 1 << 16;

struct Packet<'p> {
    bytes: &'p [u8],
    wire_len: u32,
    meta: Option<&'p Meta>,
}

impl Ir {
    /// Whether the packet is wanted: tests are made from left to right and only as far as needed, and `None` is a
    /// packet rejected by a value that cannot be computed. Without `meta` that is all that the kernel knows.
    #[must_use]
    pub fn eval(
        &self,
        formula: FormId,
        packet: &[u8],
        wire_len: u32,
        meta: Option<&Meta>,
    ) -> Option<bool> {
        let packet = Packet { bytes: packet, wire_len, meta };
        // Values are pure: what would not be computed may be, if its failing is then not looked at.
        let mut results: Map<Part, Option<u32>> = Map::default();
        for part in self.parts_of(formula) {
            let get = |part| results.get(&part).copied().flatten();
            let result = match part {
                Part::Value(id) => self.eval_value(id, &packet, get),
                Part::Formula(id) => self.eval_formula(id, get),
            };
            results.insert(part, result);
        }
        results.get(&Part::Formula(formula)).copied().flatten().map(|holds| holds != 0)
    }

    /// All that a formula is made of, parts before wholes, itself last.
    pub(super) fn parts_of(&self, formula: FormId) -> Vec<Part> {
        let mut order = Vec::new();
        let mut seen: Map<Part, bool> = Map::default();
        let mut work = vec![Part::Formula(formula)];
        while let Some(&part) = work.last() {
            match seen.insert(part, true) {
                None => {
                    seen.insert(part, false);
                    work.extend(self.direct_parts(part).into_iter().rev());
                }
                Some(false) => {
                    work.pop();
                    order.push(part);
                }
                Some(true) => {
                    work.pop();
                }
            }
        }
        order
    }

    /// What a part is made of directly, in order.
    pub(super) fn direct_parts(&self, part: Part) -> Vec<Part> {
        match part {
            Part::Value(id) => match *self.get(id) {
                Value::Load { base: Some(base), .. } => vec![Part::Value(base)],
                Value::Binary { left, right, .. } | Value::Compare { left, right, .. } => {
                    vec![Part::Value(left), Part::Value(right)]
                }
                Value::Neg(of) => vec![Part::Value(of)],
                Value::Choose(choices) => self
                    .choices(choices)
                    .iter()
                    .flat_map(|&(condition, value)| [Part::Formula(condition), Part::Value(value)])
                    .collect(),
                _ => Vec::new(),
            },
            Part::Formula(id) => {
                let formula = self.formula_of(id);
                let value = match formula {
                    Formula::Test(value, _) | Formula::Case { value, .. } => Some(value),
                    _ => None,
                };
                let value = value.into_iter().map(Part::Value);
                value.chain(formula.parts().map(Part::Formula)).collect()
            }
        }
    }

    fn eval_formula(&self, id: FormId, get: impl Fn(Part) -> Option<u32>) -> Option<u32> {
        let all = |list: &[FormId], decisive: u32| {
            for &part in list {
                if get(Part::Formula(part))? == decisive {
                    return Some(decisive);
                }
            }
            Some(1 - decisive)
        };
        match self.formula_of(id) {
            Formula::True => Some(1),
            Formula::False => Some(0),
            Formula::Test(value, set) => Some(set.contains(get(Part::Value(value))?).into()),
            Formula::Not(of) => Some(1 - get(Part::Formula(of))?),
            Formula::And(list) => all(list, 0),
            Formula::Or(list) => all(list, 1),
            Formula::Case { value, arms, otherwise } => {
                let n = get(Part::Value(value))?;
                match arms.iter().find(|(set, _)| set.contains(n)) {
                    Some((_, of)) => get(Part::Formula(of)),
                    None => Some(otherwise.into()),
                }
            }
        }
    }

    fn eval_value(
        &self,
        id: ValId,
        packet: &Packet<'_>,
        get: impl Fn(Part) -> Option<u32>,
    ) -> Option<u32> {
        let value = |id| get(Part::Value(id));
        match *self.get(id) {
            Value::Const(n) => Some(n),
            Value::Len => Some(packet.wire_len),
            Value::Load { base: None, k, width } => packet.load(k, width),
            Value::Load { base: Some(base), k, width } => {
                packet.load(value(base)?.checked_add(k)?, width)
            }
            Value::Ancillary { field, .. } => packet.ancillary(field),
            Value::Binary { op, left, right } => compute(op, value(left)?, value(right)?),
            Value::Neg(of) => Some(value(of)?.wrapping_neg()),
            Value::Compare { rel, left, right } => {
                let (left, right) = (value(left)?, value(right)?);
                Some(u32::from(match rel {
                    Rel::Eq => left == right,
                    Rel::Gt => left > right,
                    Rel::Ge => left >= right,
                }))
            }
            Value::Choose(choices) => {
                for &(condition, then) in self.choices(choices) {
                    if get(Part::Formula(condition))? != 0 {
                        return value(then);
                    }
                }
                None
            }
            Value::Chain { at, ip6, target } => packet.chain(at, ip6, target),
            Value::Remembered(_) | Value::Fail => None,
        }
    }
}

impl Packet<'_> {
    fn load(&self, at: u32, width: Width) -> Option<u32> {
        let bytes = self.bytes.get(at as usize..)?.get(..width.bytes() as usize)?;
        Some(bytes.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte)))
    }

    fn ancillary(&self, field: u32) -> Option<u32> {
        let meta = self.meta?;
        Some(match field {
            insn::SKF_AD_PKTTYPE => meta.pkttype.into(),
            insn::SKF_AD_IFINDEX => meta.ifindex,
            insn::SKF_AD_VLAN_TAG => meta.vlan_tci.into(),
            insn::SKF_AD_VLAN_TAG_PRESENT => meta.vlan_present.into(),
            _ => return None,
        })
    }

    fn chain(&self, at: u32, ip6: bool, target: u8) -> Option<u32> {
        let byte = |n: u32| self.load(at.checked_add(n)?, Width::Byte);
        let (mut next, mut header) = match ip6 {
            false => (byte(9)?, (byte(0)? & 0x0f) * 4),
            true => (byte(6)?, 40),
        };
        for _ in 0..LONGEST_CHAIN {
            let (offset, unit, plus) = match next {
                _ if next == u32::from(target) => return Some(next),
                51 => (1, 4, 2),
                0 | 43 | 44 | 60 if ip6 => (1, 8, 1),
                _ => return Some(next),
            };
            next = byte(header)?;
            header = header.checked_add((byte(header.checked_add(offset)?)? + plus) * unit)?;
        }
        None
    }
}

/// `left op right`, as the machine computes it.
fn compute(op: BinOp, left: u32, right: u32) -> Option<u32> {
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
