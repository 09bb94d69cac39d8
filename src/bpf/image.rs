//! Instructions as text: what `bpf_image` and `bpf_dump` print, in libpcap's format.

use super::insn::{
    self, A, ABS, ADD, ALU, ALU_NEG, AND, B, DIV, H, IND, Insn, JEQ, JGE, JGT, JMP, JMP_JA, JSET,
    K, LD, LD_IMM, LD_MEM, LD_W_LEN, LDX_B_MSH, LDX_IMM, LDX_MEM, LDX_W_LEN, LSH, MISC_TAX,
    MISC_TXA, MOD, MUL, OR, RET, RSH, SKF_AD_OFF, ST, STX, SUB, W, X, XOR,
};
use crate::inline::{Inline, table};
use std::fmt::Write as _;

/// How an operand is written.
#[derive(Clone, Copy)]
enum Operand {
    /// Not at all.
    Nothing,
    /// The length of the packet.
    PacketLen,
    /// X.
    Index,
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

use Operand::{
    HeaderLen, Hex, Index, Indexed, Nothing, Number, Packet, PacketLen, Scratch, Target,
};

/// Every instruction that has a name: its name, its code and its operand.
static NAMES: [(Inline<6>, (u16, Operand)); 49] = table([
    ("ret", (RET | K, Number)),
    ("ret", (RET | A, Nothing)),
    ("ld", (LD | W | ABS, Packet)),
    ("ldh", (LD | H | ABS, Packet)),
    ("ldb", (LD | B | ABS, Packet)),
    ("ld", (LD_W_LEN, PacketLen)),
    ("ldx", (LDX_W_LEN, PacketLen)),
    ("ld", (LD | W | IND, Indexed)),
    ("ldh", (LD | H | IND, Indexed)),
    ("ldb", (LD | B | IND, Indexed)),
    ("ld", (LD_IMM, Hex)),
    ("ldx", (LDX_IMM, Hex)),
    ("ldxb", (LDX_B_MSH, HeaderLen)),
    ("ld", (LD_MEM, Scratch)),
    ("ldx", (LDX_MEM, Scratch)),
    ("st", (ST, Scratch)),
    ("stx", (STX, Scratch)),
    ("ja", (JMP_JA, Target)),
    ("jgt", (JMP | JGT | K, Hex)),
    ("jge", (JMP | JGE | K, Hex)),
    ("jeq", (JMP | JEQ | K, Hex)),
    ("jset", (JMP | JSET | K, Hex)),
    ("jgt", (JMP | JGT | X, Index)),
    ("jge", (JMP | JGE | X, Index)),
    ("jeq", (JMP | JEQ | X, Index)),
    ("jset", (JMP | JSET | X, Index)),
    ("add", (ALU | ADD | X, Index)),
    ("sub", (ALU | SUB | X, Index)),
    ("mul", (ALU | MUL | X, Index)),
    ("div", (ALU | DIV | X, Index)),
    ("mod", (ALU | MOD | X, Index)),
    ("and", (ALU | AND | X, Index)),
    ("or", (ALU | OR | X, Index)),
    ("xor", (ALU | XOR | X, Index)),
    ("lsh", (ALU | LSH | X, Index)),
    ("rsh", (ALU | RSH | X, Index)),
    ("add", (ALU | ADD | K, Number)),
    ("sub", (ALU | SUB | K, Number)),
    ("mul", (ALU | MUL | K, Number)),
    ("div", (ALU | DIV | K, Number)),
    ("mod", (ALU | MOD | K, Number)),
    ("and", (ALU | AND | K, Hex)),
    ("or", (ALU | OR | K, Hex)),
    ("xor", (ALU | XOR | K, Hex)),
    ("lsh", (ALU | LSH | K, Number)),
    ("rsh", (ALU | RSH | K, Number)),
    ("neg", (ALU_NEG, Nothing)),
    ("tax", (MISC_TAX, Nothing)),
    ("txa", (MISC_TXA, Nothing)),
]);

/// What the kernel's extensions are called, and their distance from `SKF_AD_OFF`.
static EXTENSIONS: [(Inline<10>, u32); 16] = table([
    ("proto", insn::SKF_AD_PROTOCOL),
    ("type", insn::SKF_AD_PKTTYPE),
    ("ifidx", insn::SKF_AD_IFINDEX),
    ("nla", insn::SKF_AD_NLATTR),
    ("nlan", insn::SKF_AD_NLATTR_NEST),
    ("mark", insn::SKF_AD_MARK),
    ("queue", insn::SKF_AD_QUEUE),
    ("hatype", insn::SKF_AD_HATYPE),
    ("rxhash", insn::SKF_AD_RXHASH),
    ("cpu", insn::SKF_AD_CPU),
    ("xor_x", insn::SKF_AD_ALU_XOR_X),
    ("vlan_tci", insn::SKF_AD_VLAN_TAG),
    ("vlanp", insn::SKF_AD_VLAN_TAG_PRESENT),
    ("poff", insn::SKF_AD_PAY_OFFSET),
    ("random", insn::SKF_AD_RANDOM),
    ("vlan_tpid", insn::SKF_AD_VLAN_TPID),
]);

/// Whether there is an instruction with this code.
#[must_use]
pub fn is_known(code: u16) -> bool {
    NAMES.iter().any(|(_, (known, _))| *known == code)
}

/// `insn` as instruction number `n` of a program, as `bpf_image(3PCAP)` words it.
#[must_use]
pub fn image(insn: &Insn, n: i32) -> String {
    let mut text = String::with_capacity(64);
    write_image(&mut text, insn, n);
    text
}

fn write_image(text: &mut String, insn: &Insn, n: i32) {
    let next = n.wrapping_add(1);
    text.push('(');
    if (0..100).contains(&n) {
        text.push_str(if n < 10 { "00" } else { "0" });
    }
    // Two places for what is behind the sign.
    if (-9..0).contains(&n) {
        text.push_str("-0");
        number(text, n.unsigned_abs());
    } else {
        signed(text, n);
    }
    text.push_str(") ");
    let (name, operand) = match NAMES.iter().find(|(_, (code, _))| *code == insn.code) {
        Some((name, (_, operand))) => (name.as_str(), Some(*operand)),
        None => ("unimp", None),
    };
    let begin = text.len();
    text.push_str(name);
    let branches = insn.class() == JMP && insn.op() != insn::JA;
    if branches || !matches!(operand, Some(Nothing)) {
        pad(text, begin, 8);
        text.push(' ');
    }
    let begin = text.len();
    match operand {
        Some(operand) => write_operand(text, operand, insn.k, next),
        None => {
            text.push_str("0x");
            hexadecimal(text, insn.code.into());
        }
    }
    if branches {
        pad(text, begin, 16);
        text.push_str(" jt ");
        signed(text, next.wrapping_add(insn.jt.into()));
        text.push_str("\tjf ");
        signed(text, next.wrapping_add(insn.jf.into()));
    }
}

/// The operand's text, `next` being the number of the following instruction.
fn write_operand(text: &mut String, operand: Operand, k: u32, next: i32) {
    let mut around = |before: &str, k: i32, after: &str| {
        text.push_str(before);
        signed(text, k);
        text.push_str(after);
    };
    let k_signed = k.cast_signed();
    match operand {
        Nothing => {}
        PacketLen => text.push_str("#pktlen"),
        Index => text.push('x'),
        Number => around("#", k_signed, ""),
        Hex => {
            text.push_str("#0x");
            hexadecimal(text, k);
        }
        Packet => match extension(k) {
            Some(name) => {
                text.push('[');
                text.push_str(name);
                text.push(']');
            }
            None => around("[", k_signed, "]"),
        },
        Indexed => around("[x + ", k_signed, "]"),
        HeaderLen => around("4*([", k_signed, "]&0xf)"),
        Scratch => around("M[", k_signed, "]"),
        Target => around("", next.wrapping_add(k_signed), ""),
    }
}

/// Spaces up to a column of `width`, which began at `begin`.
fn pad(text: &mut String, begin: usize, width: usize) {
    while text.len() < begin + width {
        text.push(' ');
    }
}

fn signed(text: &mut String, n: i32) {
    if n < 0 {
        text.push('-');
    }
    number(text, n.unsigned_abs());
}

/// In decimal.
fn number(text: &mut String, n: u32) {
    digits::<10>(text, n);
}

/// In hexadecimal.
fn hexadecimal(text: &mut String, n: u32) {
    digits::<16>(text, n);
}

fn digits<const BASE: u32>(text: &mut String, mut n: u32) {
    // As many as a number has in decimal.
    let mut digits = [0_u8; 10];
    let mut first = digits.len();
    for place in digits.iter_mut().rev() {
        *place = b"0123456789abcdef"[(n % BASE) as usize];
        first -= 1;
        n /= BASE;
        if n == 0 {
            break;
        }
    }
    text.extend(digits.iter().skip(first).map(|digit| char::from(*digit)));
}

/// The name of the kernel's extension at offset `k`.
fn extension(k: u32) -> Option<&'static str> {
    let field = k.checked_sub(SKF_AD_OFF)?;
    EXTENSIONS.iter().find(|(_, at)| *at == field).map(|(name, _)| name.as_str())
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
            _ => {
                write_image(&mut text, insn, n);
                writeln!(text)
            }
        };
    }
    text
}
