//! Instructions as text: what `bpf_image` and `bpf_dump` print, in libpcap's format.

use super::insn::{
    self, A, ABS, ADD, ALU, ALU_NEG, AND, B, DIV, H, IND, Insn, JEQ, JGE, JGT, JMP, JMP_JA, JSET,
    K, LD, LD_IMM, LD_MEM, LD_W_LEN, LDX_B_MSH, LDX_IMM, LDX_MEM, LDX_W_LEN, LSH, MISC_TAX,
    MISC_TXA, MOD, MUL, OR, RET, RSH, SKF_AD_OFF, ST, STX, SUB, W, X, XOR,
};
use std::fmt::Write as _;

/// How an operand is written.
#[derive(Clone, Copy)]
enum Operand {
    /// Not at all.
    Nothing,
    /// These words.
    Text(&'static str),
    /// `k` as a signed number.
    Number,
    /// `k` in hexadecimal.
    Hex,
    /// A place in the packet, or one of the kernel's names.
    Packet,
    /// A place in the packet relative to X.
    Indexed,
    /// The length of an IP header.
    HeaderLen,
    /// A word of scratch memory.
    Scratch,
    /// The instruction that is jumped to.
    Target,
}

use Operand::{HeaderLen, Hex, Indexed, Nothing, Number, Packet, Scratch, Target, Text};

/// Every instruction that has a name: its code, its name and its operand.
const NAMES: &[(u16, &str, Operand)] = &[
    (RET | K, "ret", Number),
    (RET | A, "ret", Nothing),
    (LD | W | ABS, "ld", Packet),
    (LD | H | ABS, "ldh", Packet),
    (LD | B | ABS, "ldb", Packet),
    (LD_W_LEN, "ld", Text("#pktlen")),
    (LDX_W_LEN, "ldx", Text("#pktlen")),
    (LD | W | IND, "ld", Indexed),
    (LD | H | IND, "ldh", Indexed),
    (LD | B | IND, "ldb", Indexed),
    (LD_IMM, "ld", Hex),
    (LDX_IMM, "ldx", Hex),
    (LDX_B_MSH, "ldxb", HeaderLen),
    (LD_MEM, "ld", Scratch),
    (LDX_MEM, "ldx", Scratch),
    (ST, "st", Scratch),
    (STX, "stx", Scratch),
    (JMP_JA, "ja", Target),
    (JMP | JGT | K, "jgt", Hex),
    (JMP | JGE | K, "jge", Hex),
    (JMP | JEQ | K, "jeq", Hex),
    (JMP | JSET | K, "jset", Hex),
    (JMP | JGT | X, "jgt", Text("x")),
    (JMP | JGE | X, "jge", Text("x")),
    (JMP | JEQ | X, "jeq", Text("x")),
    (JMP | JSET | X, "jset", Text("x")),
    (ALU | ADD | X, "add", Text("x")),
    (ALU | SUB | X, "sub", Text("x")),
    (ALU | MUL | X, "mul", Text("x")),
    (ALU | DIV | X, "div", Text("x")),
    (ALU | MOD | X, "mod", Text("x")),
    (ALU | AND | X, "and", Text("x")),
    (ALU | OR | X, "or", Text("x")),
    (ALU | XOR | X, "xor", Text("x")),
    (ALU | LSH | X, "lsh", Text("x")),
    (ALU | RSH | X, "rsh", Text("x")),
    (ALU | ADD | K, "add", Number),
    (ALU | SUB | K, "sub", Number),
    (ALU | MUL | K, "mul", Number),
    (ALU | DIV | K, "div", Number),
    (ALU | MOD | K, "mod", Number),
    (ALU | AND | K, "and", Hex),
    (ALU | OR | K, "or", Hex),
    (ALU | XOR | K, "xor", Hex),
    (ALU | LSH | K, "lsh", Number),
    (ALU | RSH | K, "rsh", Number),
    (ALU_NEG, "neg", Nothing),
    (MISC_TAX, "tax", Nothing),
    (MISC_TXA, "txa", Nothing),
];

/// What the kernel's extensions are called, by their distance from `SKF_AD_OFF`.
const EXTENSIONS: &[(u32, &str)] = &[
    (insn::SKF_AD_PROTOCOL, "proto"),
    (insn::SKF_AD_PKTTYPE, "type"),
    (insn::SKF_AD_IFINDEX, "ifidx"),
    (insn::SKF_AD_NLATTR, "nla"),
    (insn::SKF_AD_NLATTR_NEST, "nlan"),
    (insn::SKF_AD_MARK, "mark"),
    (insn::SKF_AD_QUEUE, "queue"),
    (insn::SKF_AD_HATYPE, "hatype"),
    (insn::SKF_AD_RXHASH, "rxhash"),
    (insn::SKF_AD_CPU, "cpu"),
    (insn::SKF_AD_ALU_XOR_X, "xor_x"),
    (insn::SKF_AD_VLAN_TAG, "vlan_tci"),
    (insn::SKF_AD_VLAN_TAG_PRESENT, "vlanp"),
    (insn::SKF_AD_PAY_OFFSET, "poff"),
    (insn::SKF_AD_RANDOM, "random"),
    (insn::SKF_AD_VLAN_TPID, "vlan_tpid"),
];

/// Whether there is an instruction with this code.
#[must_use]
pub fn is_known(code: u16) -> bool {
    NAMES.iter().any(|(known, ..)| *known == code)
}

/// `insn` as instruction number `n` of a program, as `bpf_image(3PCAP)` words it.
#[must_use]
pub fn image(insn: &Insn, n: i32) -> String {
    let next = n.wrapping_add(1);
    let (name, operand) = match NAMES.iter().find(|(code, ..)| *code == insn.code) {
        Some((_, name, operand)) => (*name, write_operand(*operand, insn.k, next)),
        None => ("unimp", format!("0x{:x}", insn.code)),
    };
    if insn.class() == JMP && insn.op() != insn::JA {
        let (jt, jf) = (next.wrapping_add(insn.jt.into()), next.wrapping_add(insn.jf.into()));
        format!("({n:03}) {name:<8} {operand:<16} jt {jt}\tjf {jf}")
    } else if operand.is_empty() {
        format!("({n:03}) {name}")
    } else {
        format!("({n:03}) {name:<8} {operand}")
    }
}

/// The operand's text, `next` being the number of the following instruction.
fn write_operand(operand: Operand, k: u32, next: i32) -> String {
    let signed = k.cast_signed();
    match operand {
        Nothing => String::new(),
        Text(text) => text.to_owned(),
        Number => format!("#{signed}"),
        Hex => format!("#0x{k:x}"),
        Packet => match extension(k) {
            Some(name) => format!("[{name}]"),
            None => format!("[{signed}]"),
        },
        Indexed => format!("[x + {signed}]"),
        HeaderLen => format!("4*([{signed}]&0xf)"),
        Scratch => format!("M[{signed}]"),
        Target => next.wrapping_add(signed).to_string(),
    }
}

/// The name of the kernel's extension at offset `k`.
fn extension(k: u32) -> Option<&'static str> {
    let field = k.checked_sub(SKF_AD_OFF)?;
    EXTENSIONS.iter().find(|(at, _)| *at == field).map(|(_, name)| *name)
}

/// The text that `bpf_dump(3PCAP)` prints: one [`image`] a line; with `option` 2, C initialisers;
/// above that, the count and then decimal numbers.
#[must_use]
pub fn dump(insns: &[Insn], option: i32) -> String {
    let mut text = String::new();
    if option > 2 {
        let _ = writeln!(text, "{}", insns.len());
    }
    for (n, insn) in (0..).zip(insns) {
        let Insn { code, jt, jf, k } = *insn;
        // Writing to a String cannot fail.
        let _ = match option {
            3.. => writeln!(text, "{code} {jt} {jf} {k}"),
            2 => writeln!(text, "{{ 0x{code:x}, {jt}, {jf}, 0x{k:08x} }},"),
            _ => writeln!(text, "{}", image(insn, n)),
        };
    }
    text
}
