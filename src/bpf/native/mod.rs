//! Programs as machine code, where that can be: on x86-64, if the system lets us make code. Elsewhere, and for
//! programs that jump backwards, there is the machine.
//!
//! A translation says what [`machine`](super::machine) says without metadata; where that could make a difference, the
//! machine is asked. Code is made once and not changed: it is never writable and executable at a time.
#![allow(unsafe_code, reason = "machine code is called here")]

mod guarded;
#[cfg(all(test, target_arch = "x86_64", target_pointer_width = "64"))]
mod tests;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
mod x86_64;

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
use x86_64::translate;

use super::insn::{ABS, ALU, Insn, JMP_JA, LD, LDX_B_MSH, LSH, RSH, X};
use super::validate::validate;
use crate::sys::mmap::Code;
use once_cell::sync::OnceCell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

pub use guarded::{Guarded, Otherwise, Slot};

/// There is none for other processors.
#[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64")))]
fn translate(_: &[Insn], _: Option<Entry<u32>>) -> Option<Vec<u8>> {
    None
}

/// The answer of a program of which a load has found nothing: above all verdicts.
const STUMBLED: u64 = 1 << 32;

/// What translations are: functions of the packet, its length and that on the wire, and for [`Guarded`] ones, the
/// program and its length. Those return a verdict; others, as an `u64`, a verdict or [`STUMBLED`].
///
/// # Safety
/// Pointers and lengths are those of slices.
type Entry<R> = unsafe extern "C" fn(*const u8, usize, u32, *const Insn, usize) -> R;

/// Calls such a function.
///
/// # Safety
/// `entry` is one that returns an `R`: where [`Code`] begins that was made of a translation and stays mapped
/// meanwhile, or an ordinary function.
#[inline]
unsafe fn call<R>(entry: *const (), packet: &[u8], wire_len: u32, insns: &[Insn]) -> R {
    // SAFETY: it is a function of this type, by this function's contract.
    let entry = unsafe { std::mem::transmute::<*const (), Entry<R>>(entry) };
    // SAFETY: these are slices. A translation reads nothing else, writes nothing but its own red zone, keeps the
    // registers that the ABI wants kept, and returns, for it only jumps forwards.
    unsafe { entry(packet.as_ptr(), packet.len(), wire_len, insns.as_ptr(), insns.len()) }
}

/// Makes code of a program that can be translated. What jumps backwards must be made to end, which is up to the
/// machine; that is looked at first, for it is asked again and again.
fn make(insns: &[Insn], otherwise: Option<Entry<u32>>) -> Option<Code> {
    /// Whether the system has refused: asking again would only fill its log.
    static REFUSED: AtomicBool = AtomicBool::new(false);
    let backwards = |insn: &Insn| insn.code == JMP_JA && insn.k.cast_signed() < 0;
    if REFUSED.load(Ordering::Relaxed) || insns.iter().any(backwards) || !validate(insns) {
        return None;
    }
    let code = Code::new(&translate(insns, otherwise)?);
    REFUSED.store(code.is_err(), Ordering::Relaxed);
    code.ok()
}

/// What a run of machine code has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// How many bytes of the packet to keep.
    Verdict(u32),
    /// Nothing was where a load looked.
    Stumbled,
}

/// A translated program.
#[derive(Debug)]
pub struct Native {
    code: Code,
    /// Whether it means the same to the kernel, unless it stumbles.
    kernel_agrees: bool,
}

impl Native {
    /// Translates `insns`; `None` where that cannot be.
    #[must_use]
    pub fn new(insns: &[Insn]) -> Option<Self> {
        let code = make(insns, None)?;
        Some(Self { code, kernel_agrees: insns.iter().all(|insn| !differs(*insn)) })
    }

    /// Whether [`run`](Self::run) can be asked what the program means to the kernel, of such a packet.
    #[must_use]
    pub fn suits_kernel(&self, packet: &[u8]) -> bool {
        self.kernel_agrees && i32::try_from(packet.len()).is_ok()
    }

    /// What the program says of `packet`, which had `wire_len` bytes.
    #[inline]
    #[must_use]
    pub fn run(&self, packet: &[u8], wire_len: u32) -> Outcome {
        // SAFETY: made of a translation, and `self` keeps it mapped.
        match unsafe { call(self.code.start().as_ptr().cast(), packet, wire_len, &[]) } {
            STUMBLED => Outcome::Stumbled,
            answer => Outcome::Verdict(answer as u32),
        }
    }
}

/// Whether the kernel may find something else without a load that finds nothing here.
fn differs(insn: Insn) -> bool {
    let fixed = insn.code == LDX_B_MSH || (insn.class(), insn.mode()) == (LD, ABS);
    let shifts = [ALU | LSH | X, ALU | RSH | X].contains(&insn.code);
    shifts || (fixed && insn.k.cast_signed() < 0)
}

/// A program's translation, which is made when the program has run often enough to be worth it.
#[derive(Debug, Default)]
pub struct Lazy {
    runs: AtomicU32,
    native: OnceCell<Option<Native>>,
}

impl Lazy {
    /// Runs until then. A translation costs about as much as some hundred, and most programs of a live capture run
    /// in the kernel.
    pub const RUNS: u32 = 64;

    /// The translation of `insns`, if there is one by now.
    #[inline]
    pub fn get(&self, insns: &[Insn]) -> Option<&Native> {
        match self.native.get() {
            Some(native) => native.as_ref(),
            None => self.count(insns),
        }
    }

    #[cold]
    fn count(&self, insns: &[Insn]) -> Option<&Native> {
        // Threads that overwrite each other's count only defer it.
        let runs = self.runs.load(Ordering::Relaxed) + 1;
        self.runs.store(runs, Ordering::Relaxed);
        if runs < Self::RUNS { None } else { self.now(insns) }
    }

    /// The translation, now.
    pub fn now(&self, insns: &[Insn]) -> Option<&Native> {
        self.native.get_or_init(|| Native::new(insns)).as_ref()
    }
}
