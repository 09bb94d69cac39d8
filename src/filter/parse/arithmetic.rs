//! Comparisons and what is computed for them, and numbers, which may be part of them.

use super::{Frame, Next, Open, Parser, Result, Value, Want};
use crate::filter::ast::{Arith, ArithStep, BinOp, Proto, Relop, Span, Term};
use crate::filter::token::Token;

/// How strongly an operator binds what is left of it, and what is right of it.
///
/// QUIRK: `%` and `^` have no precedence in libpcap's grammar. They take the operand before them from
/// whatever stands there, and everything behind them: `10 % 4 + 1` is `10 % (4 + 1)`, `2 * 7 % 4` is
/// `2 * (7 % 4)`.
fn powers(op: BinOp) -> (u8, u8) {
    match op {
        BinOp::Or => (1, 2),
        BinOp::And => (3, 4),
        BinOp::Lsh | BinOp::Rsh => (5, 6),
        BinOp::Add | BinOp::Sub => (7, 8),
        BinOp::Mul | BinOp::Div => (9, 10),
        BinOp::Mod | BinOp::Xor => (u8::MAX, 0),
    }
}

/// How strongly `-` binds what it negates.
const NEGATION: u8 = 11;

impl Parser<'_> {
    /// After a number or a computation.
    pub(super) fn after_arith(&mut self, value: Value) -> Result<Next> {
        let frame = self.top();
        if let (Value::Number(number, span), Want::Id) = (value, frame.want) {
            return Ok(Next::Value(self.number(number, span)));
        }
        if let Token::Op(op) = self.token
            && frame.want.arith()
        {
            self.compute(value);
            let (left, _) = powers(op);
            self.reduce(left);
            self.begin(Open::Binary(op), Want::Arith, None)?;
            return Ok(Next::Operand);
        }
        match (frame.open, self.token, value) {
            (Open::Binary(_) | Open::Neg, ..) => {
                self.compute(value);
                self.reduce(0);
                Ok(Next::Value(Value::Arith))
            }
            (Open::Relation(op), ..) => {
                self.compute(value);
                self.frames.pop();
                let left = std::mem::take(&mut self.left);
                let right = std::mem::take(&mut self.arith);
                self.push(Term::Relation { op, left, right }, self.top().operand);
                Ok(Next::Value(Value::Term(None)))
            }
            (Open::Index(proto), ..) => {
                self.compute(value);
                self.index(proto)
            }
            (_, Token::Relop(op), _) if frame.want.term() => {
                self.compute(value);
                self.left = std::mem::take(&mut self.arith);
                self.begin(Open::Relation(op), Want::Arith, None)?;
                Ok(Next::Operand)
            }
            (Open::Paren, Token::Close, _) => {
                self.take();
                self.frames.pop();
                let span = Span { start: self.top().operand, end: self.end };
                Ok(Next::Value(match value {
                    Value::Number(number, _) => Value::Number(number, span),
                    value => value,
                }))
            }
            (open, token, Value::Number(number, span)) if number_is_id(frame.want, open, token) => {
                Ok(Next::Value(self.number(number, span)))
            }
            _ => Err(self.expected(match (frame.open, frame.want) {
                (Open::Paren, Want::Arith) => "an operator or ')'",
                (_, Want::Number | Want::FirstId) => "')'",
                _ => "an operator or a comparison",
            })),
        }
    }

    /// The rest of `proto[offset:size]`.
    fn index(&mut self, proto: Proto) -> Result<Next> {
        let mut size = 1;
        if self.token == Token::Colon {
            self.take();
            let Token::Number(number) = self.token else {
                return Err(self.expected("1, 2 or 4"));
            };
            size = number;
            self.take();
            if self.token != Token::CloseIndex {
                return Err(self.expected("']'"));
            }
        } else if self.token != Token::CloseIndex {
            return Err(self.expected("an operator, ':' or ']'"));
        }
        self.take();
        self.frames.pop();
        self.arith.push(ArithStep::Load { proto, size });
        Ok(Next::Value(Value::Arith))
    }

    /// A number that is read turns out to be computed with.
    fn compute(&mut self, value: Value) {
        if let Value::Number(number, _) = value {
            self.arith.push(ArithStep::Number(number));
        }
    }

    /// Ends the operators that bind what was read more strongly than `power`.
    fn reduce(&mut self, power: u8) {
        while let Some(frame) = self.frames.last() {
            let (step, right) = match frame.open {
                Open::Binary(op) => (ArithStep::Binary(op), powers(op).1),
                Open::Neg => (ArithStep::Neg, NEGATION),
                _ => return,
            };
            if right < power {
                return;
            }
            self.arith.push(step);
            self.frames.pop();
        }
    }

    /// Keeps what was computed of a comparison that does not end, so that its errors come first.
    pub(super) fn keep_arithmetic(&mut self) {
        let operand = |frame: &&Frame| !matches!(frame.want, Want::Arith);
        let start = self.frames.iter().rev().find(operand).map_or(0, |frame| frame.operand);
        let read = [std::mem::take(&mut self.left), std::mem::take(&mut self.arith)];
        for left in read.iter().flat_map(|side| operands(side)) {
            let right = vec![ArithStep::Number(0)];
            self.push(Term::Relation { op: Relop::Eq, left, right }, start);
        }
    }
}

/// Whether a number that is not in the place of an identifier for certain is one.
fn number_is_id(want: Want, open: Open, next: Token<'_>) -> bool {
    match (want, open) {
        // The first of a list.
        (Want::FirstId, Open::Paren) => true,
        (Want::First, Open::Paren) => matches!(next, Token::And | Token::Or),
        (Want::TermOrId, _) => {
            matches!(next, Token::And | Token::Or | Token::Close | Token::End)
        }
        _ => false,
    }
}

/// The complete computations that stand side by side in postfix steps.
fn operands(steps: &[ArithStep]) -> Vec<Arith> {
    let mut starts = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        match step {
            ArithStep::Number(_) | ArithStep::Len => starts.push(at),
            ArithStep::Load { .. } | ArithStep::Neg => {}
            ArithStep::Binary(_) => {
                starts.pop();
            }
        }
    }
    let ends = starts.iter().copied().skip(1).chain([steps.len()]);
    starts
        .iter()
        .zip(ends)
        .filter_map(|(&start, end)| Some(steps.get(start..end)?.to_vec()))
        .collect()
}
