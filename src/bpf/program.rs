//! Programs that are run more than once: decoded for the machine when they first run, for many run in the kernel only.

use super::insn::{ABS, B, H, IND, Insn, JEQ, JGE, JGT, JMP, JMP_JA, JSET, K, LD, W};
use super::machine::{self, Code, Machine, Step, WINDOW, Way, go_on, indexed, stumble};
use super::native::{Lazy, Outcome};
use super::packet::{Meta, byte, half, word};
use super::validate::validate;
use once_cell::sync::OnceCell;
use std::fmt;

/// A program that [`validate()`] accepts.
pub struct Program {
    insns: Box<[Insn]>,
    ops: OnceCell<Box<[Op]>>,
    native: Lazy,
}

/// One instruction, decoded. One that is run together with the one before it still stands in its own
/// place, too, for whatever jumps there.
#[derive(Clone, Copy)]
#[repr(align(16))]
struct Op {
    insn: Insn,
    /// What the instruction compares with, or the test that is run together with it.
    constant: u32,
    /// The numbers of the instructions that may come next.
    next: u32,
    taken: u32,
    passed: u32,
    /// What is done: a place in [`STEPS`](Decoded::STEPS).
    step: u8,
}

impl AsRef<Insn> for Op {
    fn as_ref(&self) -> &Insn {
        &self.insn
    }
}

impl Program {
    /// The program `insns`, or `None` where `bpf_validate` would refuse them.
    #[inline]
    #[must_use]
    pub fn new(insns: &[Insn]) -> Option<Self> {
        if !validate(insns) {
            return None;
        }
        Some(Self { insns: insns.into(), ops: OnceCell::new(), native: Lazy::default() })
    }

    /// The instructions, as they were given.
    #[must_use]
    pub fn insns(&self) -> &[Insn] {
        &self.insns
    }

    /// How many bytes of `packet` to keep; 0 rejects it. `wire_len` is the packet's length before
    /// any cutting. With `meta`, the program means what it means to the kernel; without, what it
    /// means to `bpf_filter` (see [`machine`]).
    #[must_use]
    pub fn run(&self, packet: &[u8], wire_len: u32, meta: Option<&Meta>) -> u32 {
        if let Some(native) = self.native.get(&self.insns)
            && (meta.is_none() || native.suits_kernel(packet))
        {
            match native.run(packet, wire_len) {
                Outcome::Verdict(verdict) => return verdict,
                Outcome::Stumbled if meta.is_none() => return 0,
                Outcome::Stumbled => {}
            }
        }
        let ops = self.ops.get_or_init(|| decoded(&self.insns));
        machine::run(Decoded { ops, window: &[] }, packet, wire_len, meta)
    }

    /// Translates the program now, not after some runs. Whether that can be: the machine runs it if not.
    pub fn translate(&self) -> bool {
        self.native.now(&self.insns).is_some()
    }
}

impl PartialEq for Program {
    fn eq(&self, other: &Self) -> bool {
        self.insns() == other.insns()
    }
}

impl Eq for Program {}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.insns()).finish()
    }
}

/// A [`Program`] that is being run.
struct Decoded<'p> {
    ops: &'p [Op],
    /// The beginning of `ops`, up to the window's end.
    window: &'p [Op],
}

impl<'p> Decoded<'p> {
    /// What can be done: the steps of instructions by their codes, above them those of pairs.
    const STEPS: [Step<Self>; 256] = {
        let mut steps = Machine::<Self>::steps();
        let mut n = 0;
        while n < Self::PAIRS.len() {
            steps[FIRST_PAIR + n] = Self::PAIRS[n];
            n += 1;
        }
        steps
    };
}

impl<'p> Code for Decoded<'p> {
    const DECODED: bool = true;
    type At = &'p Op;
    type To = u32;

    fn enter(&mut self, n: u32) -> Option<&'p Op> {
        let end = (n as usize).saturating_add(WINDOW);
        self.window = self.ops.get(..end).unwrap_or(self.ops);
        self.window.get(n as usize)
    }

    #[inline]
    fn to(at: &'p Op, way: Way) -> u32 {
        match way {
            Way::Next => at.next,
            Way::Taken | Way::Jump => at.taken,
            Way::Passed => at.passed,
        }
    }

    #[inline]
    fn at(&self, to: u32) -> Result<&'p Op, u32> {
        self.window.get(to as usize).ok_or(to)
    }

    fn number(&self, to: u32) -> u32 {
        to
    }

    #[inline]
    fn step(at: &'p Op) -> Option<Step<Self>> {
        Self::STEPS.get(usize::from(at.step)).copied()
    }
}

/// Above all codes of instructions.
const FIRST_PAIR: usize = machine::CODES;
/// In [`STEPS`](Decoded::STEPS), what rejects.
const NOTHING: u8 = 0xff;

/// All instructions of a program.
#[cold]
fn decoded(insns: &[Insn]) -> Box<[Op]> {
    let followers = insns.iter().skip(1).map(Some).chain([None]);
    let ops = (0..).zip(insns).zip(followers);
    ops.map(|((n, insn), after)| decode(n, *insn, after)).collect()
}

/// Instruction `n`, which `after` follows.
fn decode(n: u32, insn: Insn, after: Option<&Insn>) -> Op {
    let next = n.wrapping_add(1);
    let alone = if usize::from(insn.code) < FIRST_PAIR { insn.code as u8 } else { NOTHING };
    let (step, test, last) = match after.and_then(|after| Some((pair(insn, *after)?, *after))) {
        Some((step, after)) => (step, after, next),
        None => (alone, insn, n),
    };
    let after = |by: u32| last.wrapping_add(1).wrapping_add(by);
    let taken = after(if insn.code == JMP_JA { insn.k } else { test.jt.into() });
    Op { insn, constant: test.k, next, taken, passed: after(test.jf.into()), step }
}

/// The number of the step that does both, where there is one.
fn pair(load: Insn, test: Insn) -> Option<u8> {
    if load.class() != LD || test.class() != JMP {
        return None;
    }
    let pair = PAIRED.iter().position(|codes| *codes == (load.code, test.code))?;
    u8::try_from(FIRST_PAIR + pair).ok()
}

/// A load of A.
trait Load {
    fn load(packet: &[u8], x: u32, k: u32) -> Option<u32>;
}

/// A comparison of A with a constant.
trait Test {
    fn holds(a: u32, constant: u32) -> bool;
}

/// Makes the loads and tests, and their pairs.
macro_rules! pairs {
    (
        loads { $($load_code:expr, $load:ident: |$packet:ident, $x:ident, $k:ident| $value:expr;)* }
        tests $tests:tt
    ) => {
        $(
            struct $load;
            impl Load for $load {
                #[inline]
                fn load($packet: &[u8], $x: u32, $k: u32) -> Option<u32> { $value }
            }
        )*
        pairs! { @tests $tests [$(($load_code, $load))*] }
    };
    (@tests {$($test_code:expr, $test:ident: |$a:ident, $c:ident| $holds:expr;)*} $loads:tt) => {
        $(
            struct $test;
            impl Test for $test {
                #[inline]
                fn holds($a: u32, $c: u32) -> bool { $holds }
            }
        )*
        pairs! { @all $($test_code, $test, $loads;)* }
    };
    (@all $($test_code:expr, $test:ident, [$(($load_code:expr, $load:ident))*];)*) => {
        /// The codes of the pairs.
        const PAIRED: &[(u16, u16)] = &[$($(($load_code, $test_code)),*),*];

        impl<'p> Decoded<'p> {
            /// Their steps.
            const PAIRS: [Step<Self>; PAIRED.len()] = [$($(Self::pair::<$load, $test>),*),*];
        }
    };
}

pairs! {
    loads {
        LD | B | ABS, ByteAbs: |packet, _x, k| byte(packet, k as usize);
        LD | H | ABS, HalfAbs: |packet, _x, k| half(packet, k as usize);
        LD | W | ABS, WordAbs: |packet, _x, k| word(packet, k as usize);
        LD | B | IND, ByteInd: |packet, x, k| byte(packet, indexed(x, k));
        LD | H | IND, HalfInd: |packet, x, k| half(packet, indexed(x, k));
        LD | W | IND, WordInd: |packet, x, k| word(packet, indexed(x, k));
    }
    tests {
        JMP | JEQ | K, Equal: |a, constant| a == constant;
        JMP | JGT | K, Above: |a, constant| a > constant;
        JMP | JGE | K, NotBelow: |a, constant| a >= constant;
        JMP | JSET | K, AnyOf: |a, constant| a & constant != 0;
    }
}

impl<'p> Decoded<'p> {
    fn pair<L: Load, T: Test>(
        at: &'p Op,
        a: u32,
        x: u32,
        packet: &[u8],
        m: &mut Machine<'_, Self>,
    ) -> u32 {
        match L::load(packet, x, at.insn.k) {
            Some(a) if T::holds(a, at.constant) => go_on(Self::to(at, Way::Taken), a, x, packet, m),
            Some(a) => go_on(Self::to(at, Way::Passed), a, x, packet, m),
            None => stumble(at, a, x, packet, m),
        }
    }
}
