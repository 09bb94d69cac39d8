//! The machine: what a program says of a packet, in userland.
//!
//! It is threaded code: each instruction is a [`Step`], a small function that does its work and ends
//! by calling the step of the next one. An optimised build makes a jump of such a call, but nothing
//! relies on that: a [`Code`] shows the machine [`WINDOW`] instructions at a time, calls only go
//! forwards inside it, and whatever leads out returns to [`run`]. So the stack is bounded, and so is
//! the time, by `MAX_JUMPS`.
//!
//! A load that is not inside the packet rejects it, as in libpcap's `bpf_filter`, unless there is
//! [`Meta`]: then the program means what it means to the kernel (`net/core/filter.c`). Only a load
//! that found nothing pays for that question, in [`stumble`].

use super::insn::{
    A, ABS, ADD, ALU, ALU_NEG, AND, B, DIV, H, IND, Insn, JEQ, JGE, JGT, JMP, JMP_JA, JSET, K, LD,
    LD_IMM, LD_MEM, LD_W_LEN, LDX, LDX_B_MSH, LDX_IMM, LDX_MEM, LDX_W_LEN, LSH, MEMWORDS, MISC_TAX,
    MISC_TXA, MOD, MUL, OR, RET, RSH, SKF_AD_OFF, ST, STX, SUB, W, X, XOR,
};
use super::packet::{Meta, byte, half, number, word};

/// How many steps call each other at most.
pub const WINDOW: usize = 256;

/// How often a program may jump backwards before it counts as endless and rejects the packet.
///
/// A loop that does work moves on in the packet; four times the largest snapshot (262,144 bytes)
/// lets it go byte by byte, while an empty loop costs a few milliseconds, not the process.
const MAX_JUMPS: u32 = 1 << 20;

/// Which instruction comes after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The following one.
    Next,
    /// The one to jump to if the condition holds.
    Taken,
    /// The one to jump to if it does not.
    Passed,
    /// The one that a `JA` jumps to which skips less than a [`WINDOW`].
    Jump,
}

/// A program in a form that the machine runs.
pub trait Code: Sized {
    /// Whether a load and the test that follows it are one step already.
    const DECODED: bool;
    /// The place of an instruction that the program has.
    type At: Copy + AsRef<Insn>;
    /// Where an instruction leads, be there one or not.
    type To: Copy;

    /// The place of instruction `n`, if the program has it. From now on the window is the
    /// [`WINDOW`] instructions that begin there.
    fn enter(&mut self, n: u32) -> Option<Self::At>;
    /// Where `at` leads.
    fn to(at: Self::At, way: Way) -> Self::To;
    /// The instruction there; `to` again if it is outside the window.
    fn at(&self, to: Self::To) -> Result<Self::At, Self::To>;
    /// The number that it has, or would have.
    fn number(&self, to: Self::To) -> u32;
    /// What is done at `at`, if it is an instruction that exists.
    fn step(at: Self::At) -> Option<Step<Self>>;
}

/// What an instruction does and all that comes after it: given its place, the accumulator, the index
/// register and the packet, the program's verdict. It counts for nothing where the machine pauses.
pub type Step<C> = fn(<C as Code>::At, u32, u32, &[u8], &mut Machine<'_, C>) -> u32;

/// What a run has besides its registers.
#[derive(Debug)]
pub struct Machine<'p, C> {
    /// The program.
    pub code: C,
    scratch: [u32; MEMWORDS],
    wire_len: u32,
    meta: Option<&'p Meta>,
    packet: &'p [u8],
    pause: Option<Pause>,
}

/// Where to go on after the window, and with what registers.
#[derive(Clone, Copy, Debug)]
struct Pause {
    n: u32,
    a: u32,
    x: u32,
    backward: bool,
}

/// How many bytes of `packet` to keep; 0 rejects it. `wire_len` is its length before any cutting.
#[inline]
pub fn run<C: Code>(code: C, packet: &[u8], wire_len: u32, meta: Option<&Meta>) -> u32 {
    let mut m = Machine { code, scratch: [0; MEMWORDS], wire_len, meta, packet, pause: None };
    let Some(at) = m.code.enter(0) else { return 0 };
    let Some(step) = C::step(at) else { return 0 };
    let verdict = step(at, 0, 0, packet, &mut m);
    if m.pause.is_some() { m.resume() } else { verdict }
}

/// Does what `to` leads to, with the accumulator `a` and the index register `x`.
#[inline]
pub fn go_on<C: Code>(to: C::To, a: u32, x: u32, packet: &[u8], m: &mut Machine<'_, C>) -> u32 {
    match m.code.at(to) {
        Ok(at) => match C::step(at) {
            Some(step) => step(at, a, x, packet, m),
            None => 0,
        },
        Err(to) => leave(to, a, x, m),
    }
}

/// Does what comes after `at`, which has changed A. Mostly that is compared with a constant next: it
/// is worth a look, if the program is not decoded.
#[inline]
fn go_on_with_test<C: Code>(
    at: C::At,
    a: u32,
    x: u32,
    packet: &[u8],
    m: &mut Machine<'_, C>,
) -> u32 {
    let to = C::to(at, Way::Next);
    match m.code.at(to) {
        Ok(test) if !C::DECODED && test.as_ref().code == JMP | JEQ | K => {
            branch(test, a == test.as_ref().k, a, x, packet, m)
        }
        _ => go_on(to, a, x, packet, m),
    }
}

/// Does what comes after a test. Where that is the following instruction, as it often is, saying so
/// spares the processor to wait for `jf`.
#[inline]
fn branch<C: Code>(
    at: C::At,
    holds: bool,
    a: u32,
    x: u32,
    packet: &[u8],
    m: &mut Machine<'_, C>,
) -> u32 {
    if holds {
        go_on(C::to(at, Way::Taken), a, x, packet, m)
    } else if at.as_ref().jf == 0 {
        go_on(C::to(at, Way::Next), a, x, packet, m)
    } else {
        go_on(C::to(at, Way::Passed), a, x, packet, m)
    }
}

/// Stops at the end of the window.
#[cold]
fn leave<C: Code>(to: C::To, a: u32, x: u32, m: &mut Machine<'_, C>) -> u32 {
    m.pause = Some(Pause { n: m.code.number(to), a, x, backward: false });
    0
}

/// What an instruction comes to that found nothing where it looked.
#[cold]
pub fn stumble<C: Code>(at: C::At, a: u32, x: u32, packet: &[u8], m: &mut Machine<'_, C>) -> u32 {
    let insn = *at.as_ref();
    match (insn.class(), m.beyond(insn, a, x, packet)) {
        (LD, Some(found)) => go_on(C::to(at, Way::Next), found, x, packet, m),
        (LDX, Some(found)) => go_on(C::to(at, Way::Next), a, header_len(found), packet, m),
        _ => 0,
    }
}

impl<C: Code> Machine<'_, C> {
    /// Goes on after a pause, window after window.
    #[cold]
    fn resume(&mut self) -> u32 {
        let (mut verdict, mut jumps) = (0, 0);
        while let Some(Pause { n, a, x, backward }) = self.pause.take() {
            jumps += u32::from(backward);
            if jumps > MAX_JUMPS {
                return 0;
            }
            let Some(at) = self.code.enter(n) else { return 0 };
            let Some(step) = C::step(at) else { return 0 };
            verdict = step(at, a, x, self.packet, self);
        }
        verdict
    }

    /// What the kernel loads where the packet ends before.
    fn beyond(&self, insn: Insn, a: u32, x: u32, packet: &[u8]) -> Option<u32> {
        let meta = self.meta?;
        match (insn.class(), insn.mode()) {
            (LD, ABS) if insn.k >= SKF_AD_OFF => meta.ancillary(insn.k, a, x),
            (LD, ABS) => number(insn.size(), packet, meta.place(insn.k)?),
            (LD, IND) => number(insn.size(), packet, meta.place(x.wrapping_add(insn.k))?),
            (LDX, _) => byte(packet, meta.place(insn.k)?),
            _ => None,
        }
    }

    /// A shift by 32 bits and more. The kernel leaves it to the processor, which takes the low bits
    /// of the distance; libpcap shifts everything out.
    fn far_shift(&self, shifted: u32) -> u32 {
        if self.meta.is_some() { shifted } else { 0 }
    }
}

/// The length of an IP header by its first byte.
const fn header_len(first: u32) -> u32 {
    (first & 0xf) << 2
}

/// The sum of X and an offset, which is beyond every packet where it does not fit 32 bits.
#[inline]
pub const fn indexed(x: u32, k: u32) -> usize {
    (x as usize).saturating_add(k as usize)
}

/// All codes of instructions are below this.
pub const CODES: usize = 0xb2;

/// What the expressions of [`steps`] are made of.
struct Now<'r, 'p, C> {
    k: u32,
    a: u32,
    x: u32,
    packet: &'r [u8],
    m: &'r Machine<'p, C>,
}

/// Makes the table of steps, and the steps themselves: those that give the accumulator or the index
/// register a value, which may fail, those that compare, and others, which are written out below.
macro_rules! steps {
    (
        a { $($a_code:expr, $a:ident: |$as:ident| $a_value:expr;)* }
        x { $($x_code:expr, $x:ident: |$xs:ident| $x_value:expr;)* }
        test { $($t_code:expr, $t:ident: |$ts:ident| $t_value:expr;)* }
        other { $($o_code:expr, $o:ident;)* }
    ) => {
        impl<C: Code> Machine<'_, C> {
            /// The steps by their instructions' codes; others reject.
            pub const fn steps<const N: usize>() -> [Step<C>; N] {
                let mut table = [reject::<C> as Step<C>; N];
                $(table[($a_code) as usize] = $a::<C>;)*
                $(table[($x_code) as usize] = $x::<C>;)*
                $(table[($t_code) as usize] = $t::<C>;)*
                $(table[($o_code) as usize] = $o::<C>;)*
                table
            }
        }
        $(fn $a<C: Code>(at: C::At, a: u32, x: u32, packet: &[u8], m: &mut Machine<'_, C>) -> u32 {
            let $as = Now { k: at.as_ref().k, a, x, packet, m };
            match $a_value {
                Some(a) => go_on_with_test(at, a, x, packet, m),
                None => stumble(at, a, x, packet, m),
            }
        })*
        $(fn $x<C: Code>(at: C::At, a: u32, x: u32, packet: &[u8], m: &mut Machine<'_, C>) -> u32 {
            let $xs = Now { k: at.as_ref().k, a, x, packet, m };
            match $x_value {
                Some(x) => go_on(C::to(at, Way::Next), a, x, packet, m),
                None => stumble(at, a, x, packet, m),
            }
        })*
        $(fn $t<C: Code>(at: C::At, a: u32, x: u32, packet: &[u8], m: &mut Machine<'_, C>) -> u32 {
            let $ts = Now { k: at.as_ref().k, a, x, packet, m };
            let holds = $t_value;
            branch(at, holds, a, x, packet, m)
        })*
    };
}

steps! {
    a {
        LD | B | ABS, ld_b_abs: |s| byte(s.packet, s.k as usize);
        LD | H | ABS, ld_h_abs: |s| half(s.packet, s.k as usize);
        LD | W | ABS, ld_w_abs: |s| word(s.packet, s.k as usize);
        LD | B | IND, ld_b_ind: |s| byte(s.packet, indexed(s.x, s.k));
        LD | H | IND, ld_h_ind: |s| half(s.packet, indexed(s.x, s.k));
        LD | W | IND, ld_w_ind: |s| word(s.packet, indexed(s.x, s.k));
        LD_W_LEN, ld_len: |s| Some(s.m.wire_len);
        LD_IMM, ld_imm: |s| Some(s.k);
        LD_MEM, ld_mem: |s| s.m.scratch.get(s.k as usize).copied();
        MISC_TXA, txa: |s| Some(s.x);
        ALU_NEG, neg: |s| Some(s.a.wrapping_neg());
        ALU | ADD | K, add_k: |s| Some(s.a.wrapping_add(s.k));
        ALU | ADD | X, add_x: |s| Some(s.a.wrapping_add(s.x));
        ALU | SUB | K, sub_k: |s| Some(s.a.wrapping_sub(s.k));
        ALU | SUB | X, sub_x: |s| Some(s.a.wrapping_sub(s.x));
        ALU | MUL | K, mul_k: |s| Some(s.a.wrapping_mul(s.k));
        ALU | MUL | X, mul_x: |s| Some(s.a.wrapping_mul(s.x));
        ALU | DIV | K, div_k: |s| s.a.checked_div(s.k);
        ALU | DIV | X, div_x: |s| s.a.checked_div(s.x);
        ALU | MOD | K, mod_k: |s| s.a.checked_rem(s.k);
        ALU | MOD | X, mod_x: |s| s.a.checked_rem(s.x);
        ALU | OR | K, or_k: |s| Some(s.a | s.k);
        ALU | OR | X, or_x: |s| Some(s.a | s.x);
        ALU | AND | K, and_k: |s| Some(s.a & s.k);
        ALU | AND | X, and_x: |s| Some(s.a & s.x);
        ALU | XOR | K, xor_k: |s| Some(s.a ^ s.k);
        ALU | XOR | X, xor_x: |s| Some(s.a ^ s.x);
        ALU | LSH | K, lsh_k: |s| Some(s.a.checked_shl(s.k).unwrap_or(0));
        ALU | RSH | K, rsh_k: |s| Some(s.a.checked_shr(s.k).unwrap_or(0));
        ALU | LSH | X, lsh_x: |s| s.a.checked_shl(s.x).or(Some(s.m.far_shift(s.a.wrapping_shl(s.x))));
        ALU | RSH | X, rsh_x: |s| s.a.checked_shr(s.x).or(Some(s.m.far_shift(s.a.wrapping_shr(s.x))));
    }
    x {
        LDX_B_MSH, ldx_msh: |s| byte(s.packet, s.k as usize).map(header_len);
        LDX_W_LEN, ldx_len: |s| Some(s.m.wire_len);
        LDX_IMM, ldx_imm: |s| Some(s.k);
        LDX_MEM, ldx_mem: |s| s.m.scratch.get(s.k as usize).copied();
        MISC_TAX, tax: |s| Some(s.a);
    }
    test {
        JMP | JEQ | K, jeq_k: |s| s.a == s.k;
        JMP | JEQ | X, jeq_x: |s| s.a == s.x;
        JMP | JGT | K, jgt_k: |s| s.a > s.k;
        JMP | JGT | X, jgt_x: |s| s.a > s.x;
        JMP | JGE | K, jge_k: |s| s.a >= s.k;
        JMP | JGE | X, jge_x: |s| s.a >= s.x;
        JMP | JSET | K, jset_k: |s| s.a & s.k != 0;
        JMP | JSET | X, jset_x: |s| s.a & s.x != 0;
    }
    other {
        RET | K, ret_k;
        RET | A, ret_a;
        ST, st;
        STX, stx;
        JMP_JA, ja;
    }
}

fn reject<C: Code>(_: C::At, _: u32, _: u32, _: &[u8], _: &mut Machine<'_, C>) -> u32 {
    0
}

fn ret_k<C: Code>(at: C::At, _: u32, _: u32, _: &[u8], _: &mut Machine<'_, C>) -> u32 {
    at.as_ref().k
}

fn ret_a<C: Code>(_: C::At, a: u32, _: u32, _: &[u8], _: &mut Machine<'_, C>) -> u32 {
    a
}

fn st<C: Code>(at: C::At, a: u32, x: u32, packet: &[u8], m: &mut Machine<'_, C>) -> u32 {
    if store(at, a, m) { go_on(C::to(at, Way::Next), a, x, packet, m) } else { 0 }
}

fn stx<C: Code>(at: C::At, a: u32, x: u32, packet: &[u8], m: &mut Machine<'_, C>) -> u32 {
    if store(at, x, m) { go_on(C::to(at, Way::Next), a, x, packet, m) } else { 0 }
}

/// Puts `value` into the word of scratch memory that the instruction names, if there is such a one.
#[inline]
fn store<C: Code>(at: C::At, value: u32, m: &mut Machine<'_, C>) -> bool {
    let word = m.scratch.get_mut(at.as_ref().k as usize);
    word.map(|word| *word = value).is_some()
}

/// Far, or backwards, it stops first: a step must call none before it.
fn ja<C: Code>(at: C::At, a: u32, x: u32, packet: &[u8], m: &mut Machine<'_, C>) -> u32 {
    let k = at.as_ref().k;
    if k < WINDOW as u32 {
        return go_on(C::to(at, Way::Jump), a, x, packet, m);
    }
    let n = m.code.number(C::to(at, Way::Next)).wrapping_add(k);
    m.pause = Some(Pause { n, a, x, backward: k.cast_signed() < 0 });
    0
}
