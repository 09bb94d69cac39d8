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

/// Whether `insn` may stand in a program of `len` instructions, `next` being the one after it.
fn fits(insn: Insn, next: u32, len: u32) -> bool {
    let in_memory = (insn.k as usize) < MEMWORDS;
    let inside = |skip: u32| next.wrapping_add(skip) < len;
    match insn.class() {
        LD | LDX => match insn.mode() {
            IMM | ABS | IND | MSH | LEN => true,
            MEM => in_memory,
            _ => false,
        },
        ST | STX => in_memory,
        ALU => match insn.op() {
            ADD | SUB | MUL | OR | AND | XOR | LSH | RSH | NEG => true,
            DIV | MOD => insn.src() != K || insn.k != 0,
            _ => false,
        },
        JMP => match insn.op() {
            JA => inside(insn.k),
            JEQ | JGT | JGE | JSET => inside(insn.jt.into()) && inside(insn.jf.into()),
            _ => false,
        },
        RET | MISC => true,
        _ => false,
    }
}
