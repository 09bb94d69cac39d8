//! What a filter says of a packet, worked out from the tree of its expression: slow and obvious, the
//! judge of what the compiler makes of the same tree.
//!
//! Written from pcap-filter(7) and the protocols' RFCs. It shares nothing with the compiler behind
//! the resolver: every term looks at the packet, nothing is prepared, nothing is kept, and nothing
//! is left out (`and` and `or` look at both sides; see [`truth`] for what that means for bytes that
//! are missing).
//!
//! Where it and a program disagree on a packet, one of the two is wrong:
//! - what the strict reading accepts, the program accepts;
//! - what the program accepts, the loose reading accepts;
//! - where the strict reading meets no missing byte, all three agree.

#![allow(dead_code, reason = "every test program uses its own part of this")]

mod ip;
mod layers;
mod link;
mod relation;
mod special;
pub mod truth;
mod wlan;

use layers::{At, Layers};
use pcap::bpf::Meta;
use pcap::filter::Context;
use pcap::filter::ast::{Expr, Step};
use pcap::filter::pred::Pred;
use std::cell::Cell;
use truth::{Num, Tri, Truth};

/// What the strict reading says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    Reject,
    /// Something was needed that the packet does not have: it is rejected, whatever else holds.
    Fail,
}

/// What both readings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdicts {
    /// One test after the other, from left to right.
    pub strict: Verdict,
    /// Three-valued logic; `None` is unknown, and rejects.
    pub loose: Option<bool>,
    /// An index of 2^31 or more, or a shift by more than 31 bits, came up, of which the kernel's
    /// machine makes something else.
    pub kernel_differs: bool,
}

impl Verdicts {
    /// What is wrong with a program's answer, if anything is.
    pub fn objection(&self, accepted: bool) -> Option<&'static str> {
        match self.strict {
            Verdict::Accept if !accepted => Some("rejects what it has to accept"),
            Verdict::Reject if accepted => Some("accepts what it has to reject"),
            _ if accepted && self.loose != Some(true) => {
                Some("accepts what it cannot know to match")
            }
            _ => None,
        }
    }
}

/// A term that means nothing on its link type: the compiler has to refuse the expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

type Answer = Result<Truth, Refused>;

/// Judges a packet. An expression without terms accepts everything.
pub fn judge(
    expr: &Expr<Pred>,
    context: &Context,
    packet: &[u8],
    wire_len: u32,
    meta: Option<&Meta>,
) -> Result<Verdicts, Refused> {
    let layers = Layers::new(context.dlt, packet);
    let mut judge = Judge { packet, wire_len, meta, context, layers, odd: Cell::new(false) };
    let mut answers = Vec::new();
    let mut lengths = Truth::TRUE;
    for step in expr {
        match step {
            Step::Term(term) => {
                lengths = lengths.and(judge.lengths(&term.node));
                answers.push(judge.term(&term.node)?);
                judge.layers = judge.after(&term.node)?;
            }
            Step::Not => {
                let answer = pop(&mut answers);
                answers.push(answer.not());
            }
            Step::And => {
                let right = pop(&mut answers);
                let left = pop(&mut answers);
                answers.push(left.and(right));
            }
            Step::Or => {
                let right = pop(&mut answers);
                let left = pop(&mut answers);
                answers.push(left.or(right));
            }
        }
    }
    let mut answer = answers.pop().unwrap_or(Truth::TRUE);
    if !expr.is_empty() {
        answer = layers::ppi_carries_wlan(context.dlt, packet).and(answer);
    }
    Ok(Verdicts {
        strict: match lengths.and(answer).strict {
            Tri::True => Verdict::Accept,
            Tri::False => Verdict::Reject,
            Tri::Missing => Verdict::Fail,
        },
        loose: match answer.loose {
            Tri::True => Some(true),
            Tri::False => Some(false),
            Tri::Missing => None,
        },
        kernel_differs: judge.odd.get(),
    })
}

fn pop(answers: &mut Vec<Truth>) -> Truth {
    answers.pop().expect("the parser gives an operand to every operator")
}

/// One packet, and where its headers are thought to be by the terms read so far.
struct Judge<'j> {
    packet: &'j [u8],
    wire_len: u32,
    meta: Option<&'j Meta>,
    context: &'j Context,
    layers: Layers,
    odd: Cell<bool>,
}

impl Judge<'_> {
    fn byte(&self, at: At) -> Num {
        self.number(at, 1)
    }

    fn half(&self, at: At) -> Num {
        self.number(at, 2)
    }

    fn word(&self, at: At) -> Num {
        self.number(at, 4)
    }

    /// The big-endian number of `size` bytes.
    fn number(&self, at: At, size: u32) -> Num {
        layers::number(self.packet, at, size).into()
    }

    /// Whether these bytes are there and equal to `value` in the bits of `mask`. Strictly, all of
    /// them have to be there (but none where no bit counts); loosely, one that differs is enough.
    fn bytes(&self, at: At, value: &[u8], mask: &[u8]) -> Truth {
        let mut loose = Truth::TRUE;
        let mut strict = Truth::TRUE;
        let no_bit_counts = mask.iter().all(|&mask| mask == 0);
        for (n, (value, mask)) in value.iter().zip(mask).enumerate() {
            let byte = self.byte(at.plus(n as u32));
            let same = byte.is(|byte| byte & u32::from(*mask) == u32::from(value & mask));
            loose = loose.and(if *mask == 0 { Truth::TRUE } else { same });
            if byte.strict.is_none() && !no_bit_counts {
                strict = Truth::MISSING;
            }
        }
        Truth { strict: strict.and(loose).strict, loose: loose.loose }
    }

    /// As [`Self::bytes`], all bits counting.
    fn equal(&self, at: At, value: &[u8]) -> Truth {
        self.bytes(at, value, &vec![0xff; value.len()])
    }

    /// As [`Self::bytes`], of a number of two bytes.
    fn half_is(&self, at: At, value: u16, mask: u16) -> Truth {
        self.bytes(at, &value.to_be_bytes(), &mask.to_be_bytes())
    }

    /// As [`Self::bytes`], of a number of four bytes.
    fn word_is(&self, at: At, value: u32, mask: u32) -> Truth {
        self.bytes(at, &value.to_be_bytes(), &mask.to_be_bytes())
    }

    /// As [`Self::bytes`], of one byte.
    fn byte_is(&self, at: At, value: u8, mask: u8) -> Truth {
        self.bytes(at, &[value], &[mask])
    }
}
