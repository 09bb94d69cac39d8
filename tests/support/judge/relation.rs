//! Arithmetic, and what `proto[offset:size]` reads.

use super::super::dlt;
use super::ip::ethertype;
use super::layers::At;
use super::truth::{Num, Truth};
use super::{Answer, Judge, Refused};
use pcap::filter::ast::{Arith, ArithStep, BinOp, Proto, Relop};
use pcap::filter::pred;

const ICMP6: u8 = 58;

impl Judge<'_> {
    /// A comparison, in packets that have all headers that it reads from.
    pub fn relation(&self, op: Relop, left: &Arith, right: &Arith) -> Answer {
        let mut headers = Truth::TRUE;
        for step in left.iter().chain(right) {
            if let ArithStep::Load { proto, .. } = step {
                headers = headers.and(self.has_header(*proto)?);
            }
        }
        Ok(headers.and(self.arithmetic(left)?.compare(op, self.arithmetic(right)?)))
    }

    fn arithmetic(&self, steps: &Arith) -> Result<Num, Refused> {
        let mut stack: Vec<Num> = Vec::new();
        for step in steps {
            let mut pop = || stack.pop().expect("the parser gives an operand to every operator");
            let value = match *step {
                ArithStep::Number(number) => number.into(),
                ArithStep::Len => self.wire_len.into(),
                ArithStep::Load { proto, size } => {
                    let offset = pop();
                    self.load(proto, offset, size)?
                }
                ArithStep::Neg => pop().map(u32::wrapping_neg),
                ArithStep::Binary(op) => {
                    let right = pop();
                    let left = pop();
                    self.note_long_shift(op, right);
                    left.binary(op, right)
                }
            };
            stack.push(value);
        }
        Ok(stack.pop().expect("an arithmetic expression is never empty"))
    }

    fn note_long_shift(&self, op: BinOp, by: Num) {
        let shift = matches!(op, BinOp::Lsh | BinOp::Rsh);
        if shift && [by.strict, by.loose].iter().flatten().any(|&by| by > 31) {
            self.odd.set(true);
        }
    }

    /// An offset is a number without sign: nothing wraps around to the packet's beginning.
    fn load(&self, proto: Proto, offset: Num, size: u32) -> Result<Num, Refused> {
        if !matches!(size, 1 | 2 | 4) {
            return Err(Refused);
        }
        let header = self.header(proto)?;
        let read = |offset: Option<u32>| {
            let at = header.plus(offset?);
            if matches!(at, At::Known(at) if at >= 1 << 31) {
                self.odd.set(true);
            }
            self.number(at, size).strict
        };
        Ok(Num { strict: read(offset.strict), loose: read(offset.loose) })
    }

    /// Whether the packet has a header of this protocol, where one is to be read from.
    fn has_header(&self, proto: Proto) -> Answer {
        match proto {
            Proto::Radio | Proto::Link => Ok(Truth::TRUE),
            Proto::Icmp6 => self.plain6(&[ICMP6]),
            _ => match (ethertype(proto), pred::ip_protocol(proto)) {
                (Some(protocol), _) if proto != Proto::Aarp => self.carries(protocol),
                (None, Some(protocol)) if !matches!(proto, Proto::Ah | Proto::Esp) => {
                    self.first_fragment4(&[protocol])
                }
                _ => Err(Refused),
            },
        }
    }

    /// Where it begins.
    fn header(&self, proto: Proto) -> Result<At, Refused> {
        let here = &self.layers;
        match proto {
            Proto::Radio => match here.dlt {
                dlt::PRISM_HEADER | dlt::IEEE802_11_RADIO | dlt::IEEE802_11_RADIO_AVS => {
                    Ok(At::Known(0))
                }
                _ => Err(Refused),
            },
            Proto::Link => Ok(here.link),
            Proto::Icmp6 => Ok(self.transport6()),
            _ if ethertype(proto).is_some() => Ok(here.network()),
            _ => Ok(self.transport4()),
        }
    }
}
