//! Which programs `pcap_setfilter` and `bpf_validate` take. Not whether they end: [`super::machine`]
//! bounds that.

use super::insn::{
    ABS, ADD, ALU, AND, DIV, IMM, IND, Insn, JA, JEQ, JGE, JGT, JMP, JSET, K, LD, LDX, LEN, LSH,
    MEM, MEMWORDS, MISC, MOD, MSH, MUL, NEG, OR, RET, RSH, ST, STX, SUB, XOR,
};

/// Whether libpcap's `bpf_validate` accepts `insns`: at least one instruction, the last one of
/// class `RET`, every jump inside, scratch words below 16, no division by a constant 0.
///
/// QUIRK: it is lenient. The width of loads, the variants of `RET` and `MISC`, and bits above the
/// low eight are not looked at, and `JA` may jump backwards ("protochain" filters do).
#[must_use]
pub fn validate(insns: &[Insn]) -> bool {
    let Ok(len) = u32::try_from(insns.len()) else { return false };
    insns.last().is_some_and(|last| last.class() == RET)
        && (1..).zip(insns).all(|(next, &insn)| fits(insn, next, len))
}

/// What an instruction asks for.
#[derive(Clone, Copy)]
enum Demand {
    /// There is no such instruction.
    Never,
    /// Nothing.
    Nothing,
    /// `k` is a word of scratch memory.
    Memory,
    /// `k` is not 0.
    Divisor,
    /// The instruction at `k` is inside.
    Jump,
    /// Those at `jt` and `jf` are.
    Branch,
}

/// By the low eight bits of the code.
static DEMANDS: [Demand; 256] = {
    let mut demands = [Demand::Never; 256];
    let mut code = 0;
    while code < demands.len() {
        demands[code] = demand(Insn::stmt(code as u16, 0));
        code += 1;
    }
    demands
};

const fn demand(insn: Insn) -> Demand {
    match insn.class() {
        LD | LDX => match insn.mode() {
            IMM | ABS | IND | MSH | LEN => Demand::Nothing,
            MEM => Demand::Memory,
            _ => Demand::Never,
        },
        ST | STX => Demand::Memory,
        ALU => match insn.op() {
            ADD | SUB | MUL | OR | AND | XOR | LSH | RSH | NEG => Demand::Nothing,
            DIV | MOD if insn.src() == K => Demand::Divisor,
            DIV | MOD => Demand::Nothing,
            _ => Demand::Never,
        },
        JMP => match insn.op() {
            JA => Demand::Jump,
            JEQ | JGT | JGE | JSET => Demand::Branch,
            _ => Demand::Never,
        },
        RET | MISC => Demand::Nothing,
        _ => Demand::Never,
    }
}

/// Whether `insn` may stand in a program of `len` instructions, `next` being the one after it. Most are of two kinds.
#[inline(always)]
fn fits(insn: Insn, next: u32, len: u32) -> bool {
    match DEMANDS[usize::from(insn.code as u8)] {
        Demand::Nothing => true,
        Demand::Branch => next.wrapping_add(insn.jt.max(insn.jf).into()) < len,
        demand => holds(demand, insn.k, next, len),
    }
}

/// Whether the operand is what the other kinds ask for.
#[cold]
#[inline(never)]
fn holds(demand: Demand, k: u32, next: u32, len: u32) -> bool {
    match demand {
        Demand::Memory => (k as usize) < MEMWORDS,
        Demand::Divisor => k != 0,
        Demand::Jump => next.wrapping_add(k) < len,
        _ => false,
    }
}
