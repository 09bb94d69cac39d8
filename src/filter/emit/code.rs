//! Computing values with the two registers and sixteen scratch words of the machine.

use crate::bpf::insn::{
    ABS, ADD, ALU, ALU_NEG, AND, B, DIV, H, IND, Insn, JEQ, JMP, JMP_JA, K, LD, LD_IMM, LD_MEM,
    LD_W_LEN, LDX_B_MSH, LDX_IMM, LDX_MEM, LDX_W_LEN, LSH, MEMWORDS, MISC_TAX, MISC_TXA, MOD, MUL,
    OR, RSH, SKF_AD_OFF, ST, STX, SUB, W, X, XOR,
};
use crate::filter::ast::BinOp;
use crate::filter::ir::{Ir, ValId, Value, Width};
use smallvec::SmallVec;

/// Why a value cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// There is no scratch word left.
    Registers,
    /// This value is needed where it is only remembered, and is in no register: it wants a scratch word.
    Forgotten(ValId),
}

/// What is known of the machine between two instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The value in the accumulator.
    pub a: Option<ValId>,
    /// The value in the index register.
    pub x: Option<ValId>,
    /// Which scratch words hold the value that they are for, by bit.
    pub scratch: u16,
}

impl State {
    /// What is known where ways meet.
    #[must_use]
    pub fn meet(self, other: Self) -> Self {
        Self {
            a: self.a.filter(|_| self.a == other.a),
            x: self.x.filter(|_| self.x == other.x),
            scratch: self.scratch & other.scratch,
        }
    }
}

/// How deep operands that need registers of their own may nest.
const MAX_DEPTH: u32 = 100;

/// Instructions of one node, and what they do to the machine.
pub struct Code<'i> {
    ir: &'i Ir,
    /// The values that have scratch words, by word.
    kept: &'i [ValId],
    /// Scratch words in use by this node, by bit.
    temporary: u16,
    /// The instructions, each with what is known before it.
    pub insns: Vec<(Insn, State)>,
    /// What is known after them.
    pub state: State,
    depth: u32,
}

impl<'i> Code<'i> {
    /// No instruction yet.
    #[must_use]
    pub fn new(ir: &'i Ir, kept: &'i [ValId]) -> Self {
        let insns = Vec::with_capacity(8);
        Self { ir, kept, temporary: 0, insns, state: State::default(), depth: 0 }
    }

    /// Begins with the next node.
    pub fn begin(&mut self, state: State) {
        self.insns.clear();
        self.state = state;
        (self.temporary, self.depth) = (0, 0);
    }

    /// What is known before instruction `n`, or behind the last one.
    #[must_use]
    pub fn state_at(&self, n: usize) -> State {
        self.insns.get(n).map_or(self.state, |&(_, state)| state)
    }

    fn push(&mut self, code: u16, k: u32) {
        self.insns.push((Insn::stmt(code, k), self.state));
    }

    /// An instruction that leaves `value` in the accumulator.
    fn set_a(&mut self, code: u16, k: u32, value: Option<ValId>) {
        self.push(code, k);
        self.state.a = value;
    }

    /// An instruction that leaves `value` in the index register.
    fn set_x(&mut self, code: u16, k: u32, value: Option<ValId>) {
        self.push(code, k);
        self.state.x = value;
    }

    /// The scratch word that is for `value`.
    #[must_use]
    pub fn word_of(&self, value: ValId) -> Option<u32> {
        let word = self.kept.iter().position(|&kept| kept == value)?;
        u32::try_from(word).ok()
    }

    /// The scratch word that holds `value` now.
    fn word(&self, value: ValId) -> Option<u32> {
        self.word_of(value).filter(|&word| self.state.scratch >> word & 1 == 1)
    }

    /// Puts what is in the index register into the scratch word of `value`, if it has one.
    pub fn keep_x(&mut self, value: ValId) {
        if let Some(word) = self.word_of(value) {
            self.push(STX, word);
            self.state.scratch |= 1 << word;
        }
    }

    fn temporary(&mut self) -> Result<u32, Stuck> {
        let used = self.temporary | ((1_u32 << self.kept.len()) - 1) as u16;
        let free = (0..MEMWORDS).rev().find(|word| used >> word & 1 == 0);
        let word = free.ok_or(Stuck::Registers)?;
        self.temporary |= 1 << word;
        Ok(u32::try_from(word).unwrap_or_default())
    }

    fn give_back(&mut self, word: u32) {
        self.temporary &= !(1 << word);
    }

    /// Whether [`Code::x`] leaves the accumulator alone.
    fn is_easy_for_x(&self, value: ValId) -> bool {
        self.state.x == Some(value)
            || self.word(value).is_some()
            || matches!(self.ir.get(value), Value::Const(_) | Value::Len)
            || self.ir.header_length(value).is_some()
    }

    /// Whether one load leaves it in the accumulator and the index register alone.
    fn is_plain(&self, value: ValId) -> bool {
        match *self.ir.get(value) {
            Value::Const(_) | Value::Len | Value::Ancillary { .. } => true,
            Value::Load { base, .. } => base.is_none(),
            _ => self.word(value).is_some(),
        }
    }

    /// Computes `value` into the index register.
    pub fn x(&mut self, value: ValId) -> Result<(), Stuck> {
        if self.state.x == Some(value) {
        } else if let Some(word) = self.word(value) {
            self.set_x(LDX_MEM, word, Some(value));
        } else if let &Value::Const(n) = self.ir.get(value) {
            self.set_x(LDX_IMM, n, Some(value));
        } else if *self.ir.get(value) == Value::Len {
            self.set_x(LDX_W_LEN, 0, Some(value));
        } else if let Some(k) = self.ir.header_length(value) {
            self.set_x(LDX_B_MSH, k, Some(value));
        } else {
            self.a(value)?;
            self.set_x(MISC_TAX, 0, Some(value));
        }
        Ok(())
    }

    /// Computes `value` into the accumulator.
    pub fn a(&mut self, value: ValId) -> Result<(), Stuck> {
        // Down to something that can be loaded, then up again: chains of operations are as long as the text.
        let mut chain: SmallVec<[(ValId, ValId); 8]> = SmallVec::new();
        let mut at = value;
        while !self.is_at_hand(at) {
            let Some(inner) = self.inner(at) else { break };
            chain.push((at, inner));
            at = inner;
        }
        self.load(at)?;
        for (outer, inner) in chain.into_iter().rev() {
            self.operate(outer, inner)?;
        }
        Ok(())
    }

    /// Whether one instruction or none brings it into the accumulator.
    fn is_at_hand(&self, value: ValId) -> bool {
        [self.state.a, self.state.x].contains(&Some(value)) || self.word(value).is_some()
    }

    /// The operand to compute into the accumulator first.
    fn inner(&self, value: ValId) -> Option<ValId> {
        match *self.ir.get(value) {
            Value::Binary { op, left, right } => {
                let commutes =
                    matches!(op, BinOp::Add | BinOp::Mul | BinOp::And | BinOp::Or | BinOp::Xor);
                let by_right = commutes && !self.is_easy_for_x(right) && {
                    self.is_easy_for_x(left) || self.state.a == Some(right)
                };
                Some(if by_right { right } else { left })
            }
            Value::Neg(of) => Some(of),
            Value::Load { base: Some(base), .. } if !self.is_easy_for_x(base) => Some(base),
            _ => None,
        }
    }

    /// What [`Code::inner`] ended with.
    fn load(&mut self, value: ValId) -> Result<(), Stuck> {
        let done = Some(value);
        if self.state.a == done {
            return Ok(());
        }
        if self.state.x == done {
            self.set_a(MISC_TXA, 0, done);
            return Ok(());
        }
        if let Some(word) = self.word(value) {
            self.set_a(LD_MEM, word, done);
            return Ok(());
        }
        match *self.ir.get(value) {
            Value::Const(n) => self.set_a(LD_IMM, n, done),
            Value::Len => self.set_a(LD_W_LEN, 0, done),
            Value::Load { base: None, k, width } => self.set_a(LD | ABS | size(width), k, done),
            Value::Load { base: Some(base), k, width } => {
                self.x(base)?;
                self.set_a(LD | IND | size(width), k, done);
            }
            Value::Ancillary { field, width } => {
                self.set_a(LD | ABS | size(width), SKF_AD_OFF.wrapping_add(field), done);
            }
            Value::Chain { at, ip6, target } => self.chain(at, ip6, target, done)?,
            _ => return Err(Stuck::Forgotten(value)),
        }
        Ok(())
    }

    /// Computes `outer`, whose operand `inner` is in the accumulator.
    fn operate(&mut self, outer: ValId, inner: ValId) -> Result<(), Stuck> {
        let done = Some(outer);
        match *self.ir.get(outer) {
            Value::Neg(_) => self.set_a(ALU_NEG, 0, done),
            Value::Load { base: Some(base), k, width } => {
                self.set_x(MISC_TAX, 0, Some(base));
                self.set_a(LD | IND | size(width), k, done);
            }
            Value::Binary { op, left, right } => {
                let other = if inner == left { right } else { left };
                match self.ir.get(other) {
                    &Value::Const(n) if takes(op, n) => self.set_a(ALU | code(op) | K, n, done),
                    _ if self.is_easy_for_x(other) => {
                        self.x(other)?;
                        self.set_a(ALU | code(op) | X, 0, done);
                    }
                    _ => self.aside(op, inner, other, done)?,
                }
            }
            _ => return Err(Stuck::Forgotten(outer)),
        }
        Ok(())
    }

    /// `A op other`, where `other` needs the accumulator to be computed.
    fn aside(
        &mut self,
        op: BinOp,
        inner: ValId,
        other: ValId,
        done: Option<ValId>,
    ) -> Result<(), Stuck> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Stuck::Registers);
        }
        if commutes(op) && self.is_plain(other) {
            self.set_x(MISC_TAX, 0, Some(inner));
            self.load(other)?;
        } else if self.is_plain(inner) {
            // If it was loaded, that was in vain.
            if let Some((_, before)) = self.insns.pop_if(|(_, before)| before.a != Some(inner)) {
                self.state = before;
            }
            self.x(other)?;
            self.load(inner)?;
        } else {
            self.x_beside(inner, other)?;
        }
        self.set_a(ALU | code(op) | X, 0, done);
        self.depth -= 1;
        Ok(())
    }

    /// Both operands of a comparison: `left` into the accumulator, `right` into the index register, or the other way round,
    /// which is what is told.
    pub fn both(&mut self, left: ValId, right: ValId) -> Result<bool, Stuck> {
        let swapped = !self.is_easy_for_x(right) && self.is_easy_for_x(left);
        let (in_a, in_x) = if swapped { (right, left) } else { (left, right) };
        if !self.is_easy_for_x(in_x) && self.is_plain(in_a) {
            self.x(in_x)?;
            self.load(in_a)?;
            return Ok(swapped);
        }
        self.a(in_a)?;
        // What was in the index register may have had to go.
        if self.is_easy_for_x(in_x) {
            self.x(in_x)?;
        } else {
            self.x_beside(in_a, in_x)?;
        }
        Ok(swapped)
    }

    /// Computes `other` into the index register, and has `inner`, which is in the accumulator, there again.
    fn x_beside(&mut self, inner: ValId, other: ValId) -> Result<(), Stuck> {
        let word = self.temporary()?;
        self.push(ST, word);
        self.x(other)?;
        self.set_a(LD_MEM, word, Some(inner));
        self.give_back(word);
        Ok(())
    }

    /// Walks along IPv4's or IPv6's chain of headers; leaves the protocol where it stops.
    fn chain(&mut self, at: u32, ip6: bool, target: u8, done: Option<ValId>) -> Result<(), Stuck> {
        // Hop-by-hop options, destination options, routing, fragment; and authentication.
        let long: &[u32] = if ip6 { &[0, 60, 43, 44] } else { &[] };
        let word = self.temporary()?;
        let unknown = State { a: None, x: None, scratch: self.state.scratch };
        self.push(LD | ABS | B, at + if ip6 { 6 } else { 9 });
        self.state = unknown;
        if ip6 {
            self.push(LDX_IMM, 40)
        } else {
            self.push(LDX_B_MSH, at)
        }
        // From here on the protocol is in A, and in X where its header begins, counted from `at`.
        let again = self.insns.len();
        let follow_long = again + long.len() + 3;
        let follow_short = follow_long + if ip6 { FOLLOW } else { 0 };
        let end = follow_short + FOLLOW;
        self.skip_to(end, target.into());
        for &protocol in long {
            self.skip_to(follow_long, protocol);
        }
        self.skip_to(follow_short, 51);
        self.push(JMP_JA, distance(self.insns.len(), end));
        if ip6 {
            // 8 bytes, and 8 for each unit of the length.
            self.follow(at, word, 1, 3, again);
        }
        // 8 bytes, and 4 for each unit.
        self.follow(at, word, 2, 2, again);
        self.give_back(word);
        self.state.a = done;
        Ok(())
    }

    /// Jumps to instruction number `to` if the accumulator is `n`.
    fn skip_to(&mut self, to: usize, n: u32) {
        let skip = distance(self.insns.len(), to);
        let jump = Insn::jump(JMP | JEQ | K, n, u8::try_from(skip).unwrap_or(u8::MAX), 0);
        self.insns.push((jump, self.state));
    }

    /// Goes on behind a header of `(length + more) << shift` bytes, with the protocol that it names.
    fn follow(&mut self, at: u32, word: u32, more: u32, shift: u32, again: usize) {
        let steps: [(u16, u32); FOLLOW - 1] = [
            (LD | IND | B, at),
            (ST, word),
            (LD | IND | B, at + 1),
            (ALU | ADD | K, more),
            (ALU | LSH | K, shift),
            (ALU | ADD | X, 0),
            (MISC_TAX, 0),
            (LD_MEM, word),
        ];
        for (code, k) in steps {
            self.push(code, k);
        }
        self.push(JMP_JA, distance(self.insns.len(), again));
    }
}

/// Instructions of [`Code::follow`].
const FOLLOW: usize = 9;

/// What a jump that is instruction number `from` skips to go to number `to`, which may be before it.
fn distance(from: usize, to: usize) -> u32 {
    let wide = to.wrapping_sub(from + 1) as u64;
    (wide & u64::from(u32::MAX)) as u32
}

const fn commutes(op: BinOp) -> bool {
    matches!(op, BinOp::Add | BinOp::Mul | BinOp::And | BinOp::Or | BinOp::Xor)
}

const fn size(width: Width) -> u16 {
    match width {
        Width::Byte => B,
        Width::Half => H,
        Width::Word => W,
    }
}

const fn code(op: BinOp) -> u16 {
    match op {
        BinOp::Add => ADD,
        BinOp::Sub => SUB,
        BinOp::Mul => MUL,
        BinOp::Div => DIV,
        BinOp::Mod => MOD,
        BinOp::And => AND,
        BinOp::Or => OR,
        BinOp::Xor => XOR,
        BinOp::Lsh => LSH,
        BinOp::Rsh => RSH,
    }
}

/// Whether the kernel takes `n` as a constant operand.
const fn takes(op: BinOp, n: u32) -> bool {
    match op {
        BinOp::Div | BinOp::Mod => n != 0,
        BinOp::Lsh | BinOp::Rsh => n < 32,
        _ => true,
    }
}
