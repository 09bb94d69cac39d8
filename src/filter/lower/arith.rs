//! Arithmetic: accessors of packet data, and comparisons.

use super::link::{FURTHEST, Place};
use super::proto::{IP, IP6};
use super::{Lowering, Result, keyword, link_number};
use crate::filter::ast::{ArithStep, BinOp, Proto, Relop};
use crate::filter::ir::{FormId, Set, ValId, Value, Width};
use crate::filter::pred::ip_protocol;

/// An operand and the highest number that it can be.
#[derive(Clone, Copy)]
struct Operand {
    value: ValId,
    highest: u32,
    /// Whether it was written as a number.
    literal: bool,
}

impl Lowering<'_> {
    /// A comparison. The packet must be of all the protocols that are accessed.
    pub(super) fn relation(
        &mut self,
        op: Relop,
        left: &[ArithStep],
        right: &[ArithStep],
    ) -> Result<FormId> {
        let mut guards = Vec::new();
        let left = self.arith(left, &mut guards)?;
        let right = self.arith(right, &mut guards)?;
        guards.push(self.ir.relation(op, left, right));
        Ok(self.ir.all(&guards))
    }

    /// The value of an expression. What it takes for granted is added to `guards`.
    fn arith(&mut self, steps: &[ArithStep], guards: &mut Vec<FormId>) -> Result<ValId> {
        const UNBALANCED: &str = "internal error: unbalanced arithmetic";
        let mut stack: Vec<Operand> = Vec::new();
        for step in steps {
            let operand = match *step {
                ArithStep::Number(n) => {
                    Operand { value: self.ir.constant(n), highest: n, literal: true }
                }
                ArithStep::Len => unbounded(self.ir.len()),
                ArithStep::Neg => {
                    let of = stack.pop().ok_or(UNBALANCED)?;
                    unbounded(self.ir.neg(of.value))
                }
                ArithStep::Load { proto, size } => {
                    let index = stack.pop().ok_or(UNBALANCED)?;
                    self.access(proto, size, index, guards)?
                }
                ArithStep::Binary(op) => {
                    let right = stack.pop().ok_or(UNBALANCED)?;
                    let left = stack.pop().ok_or(UNBALANCED)?;
                    check_operation(op, right)?;
                    Operand {
                        value: self.ir.binary(op, left.value, right.value),
                        highest: highest(op, left.highest, right.highest),
                        literal: false,
                    }
                }
            };
            stack.push(operand);
        }
        Ok(stack.pop().ok_or(UNBALANCED)?.value)
    }

    /// `proto[index:size]`.
    fn access(
        &mut self,
        proto: Proto,
        size: u32,
        index: Operand,
        guards: &mut Vec<FormId>,
    ) -> Result<Operand> {
        let (width, highest) = match size {
            1 => (Width::Byte, 0xff),
            2 => (Width::Half, 0xffff),
            4 => (Width::Word, u32::MAX),
            _ => return Err("data size must be 1, 2, or 4".to_owned()),
        };
        let from = self.header_of(proto, guards)?;
        let at = self.index(from, index);
        Ok(Operand { value: self.load(at, width), highest, literal: false })
    }

    /// Where a protocol's header begins. That the packet has it is added to `guards`.
    fn header_of(&mut self, proto: Proto, guards: &mut Vec<FormId>) -> Result<Place> {
        let mut needs = |guard: FormId| {
            if !guards.contains(&guard) {
                guards.push(guard);
            }
        };
        match proto {
            Proto::Radio if self.link.layout.radio => Ok(Place::at(0)),
            Proto::Radio => Err("radio information not present in capture".to_owned()),
            Proto::Link => Ok(self.link.header),
            Proto::Ip
            | Proto::Arp
            | Proto::Rarp
            | Proto::Atalk
            | Proto::Decnet
            | Proto::Sca
            | Proto::Lat
            | Proto::Moprc
            | Proto::Mopdl
            | Proto::Ip6 => {
                needs(self.proto(link_number(proto).unwrap_or_default())?);
                Ok(self.network())
            }
            Proto::Icmp6 => {
                needs(self.proto(IP6)?);
                needs(self.ip6_protocol_is(&[58]));
                Ok(self.behind_ip6())
            }
            Proto::Sctp
            | Proto::Tcp
            | Proto::Udp
            | Proto::Icmp
            | Proto::Igmp
            | Proto::Igrp
            | Proto::Pim
            | Proto::Vrrp
            | Proto::Carp => {
                needs(self.proto(IP)?);
                needs(self.ip_protocol_is(&[ip_protocol(proto).unwrap_or_default().into()]));
                needs(self.is_first_fragment());
                Ok(self.behind_ip())
            }
            _ => Err(format!("'{}' does not support the index operation", keyword(proto))),
        }
    }

    /// `index` bytes further on. Offsets do not wrap: what is in front of a header cannot be had with negative ones.
    fn index(&mut self, from: Place, index: Operand) -> Place {
        if let &Value::Const(n) = self.ir.get(index.value) {
            return from.plus(if n > FURTHEST { u32::MAX } else { n });
        }
        let at = self.further(from, index.value);
        if from.base.is_none() || index.highest <= FURTHEST {
            return at;
        }
        let forward = self.ir.test(index.value, Set::range(0, FURTHEST));
        let base = at.base.map(|base| self.ir.choose(&[(forward, base)]));
        Place { base, k: at.k }
    }
}

/// An operand of which nothing is known.
const fn unbounded(value: ValId) -> Operand {
    Operand { value, highest: u32::MAX, literal: false }
}

/// Refuses what has no result, where it can be seen at once.
fn check_operation(op: BinOp, right: Operand) -> Result<()> {
    let wrong = match op {
        _ if !right.literal => return Ok(()),
        BinOp::Div if right.highest == 0 => "division by zero",
        BinOp::Mod if right.highest == 0 => "modulus by zero",
        BinOp::Lsh | BinOp::Rsh if right.highest > 31 => "shift by more than 31 bits",
        _ => return Ok(()),
    };
    Err(wrong.to_owned())
}

/// The highest result, if the operands are at most these.
fn highest(op: BinOp, left: u32, right: u32) -> u32 {
    let exact = match op {
        BinOp::Add => left.checked_add(right),
        BinOp::Mul => left.checked_mul(right),
        BinOp::Lsh => 1_u32.checked_shl(right).and_then(|factor| left.checked_mul(factor)),
        BinOp::And => Some(left.min(right)),
        BinOp::Or | BinOp::Xor => {
            let bits = (left | right).leading_zeros();
            Some(u32::MAX.checked_shr(bits).unwrap_or(0))
        }
        BinOp::Mod => Some(left.min(right)),
        BinOp::Div | BinOp::Rsh => Some(left),
        BinOp::Sub => None,
    };
    exact.unwrap_or(u32::MAX)
}
