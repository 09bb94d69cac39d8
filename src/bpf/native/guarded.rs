//! Translations for programs that come anew with each packet: they look first whether they are of the same.

use super::{Code, Insn, call, make};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicPtr, Ordering};

/// What runs a program that is not translated, without metadata.
pub trait Otherwise {
    /// How many bytes of `packet` to keep, which had `wire_len`; 0 rejects it. It does not panic.
    fn run(insns: &[Insn], packet: &[u8], wire_len: u32) -> u32;
}

/// `O` as translations are called.
///
/// # Safety
/// As [`Entry`](super::Entry).
unsafe extern "C" fn otherwise<O: Otherwise>(
    packet: *const u8,
    len: usize,
    wire_len: u32,
    insns: *const Insn,
    count: usize,
) -> u32 {
    // SAFETY: the parts of slices, by this function's contract.
    let (packet, insns) = unsafe {
        (std::slice::from_raw_parts(packet, len), std::slice::from_raw_parts(insns, count))
    };
    O::run(insns, packet, wire_len)
}

/// A translation that looks first whether the caller means the same program, and leaves every other to `O`.
#[derive(Debug)]
pub struct Guarded<O> {
    insns: Box<[Insn]>,
    code: Code,
    otherwise: PhantomData<O>,
}

impl<O: Otherwise> Guarded<O> {
    /// Translates `insns`; `None` where that cannot be.
    #[must_use]
    pub fn new(insns: &[Insn]) -> Option<Self> {
        // A copy first: who has the memory may change it meanwhile, and code and guard must be of the same program.
        let insns = Box::<[Insn]>::from(insns);
        let code = make(&insns, Some(otherwise::<O>))?;
        Some(Self { insns, code, otherwise: PhantomData })
    }

    /// The program.
    #[must_use]
    pub fn insns(&self) -> &[Insn] {
        &self.insns
    }

    /// What `insns` say of `packet`, which had `wire_len` bytes, without metadata.
    #[must_use]
    pub fn run(&self, insns: &[Insn], packet: &[u8], wire_len: u32) -> u32 {
        // SAFETY: made of a translation, and `self` keeps it mapped.
        unsafe { call(self.code.start().as_ptr().cast(), packet, wire_len, insns) }
    }
}

/// A translation that is tried on programs, which can be changed for another meanwhile: in other threads and signal
/// handlers, too. At first, there is `O` alone.
#[derive(Debug)]
pub struct Slot<O>(AtomicPtr<()>, PhantomData<O>);

impl<O: Otherwise> Slot<O> {
    /// One without a translation.
    #[must_use]
    pub const fn empty() -> Self {
        Self(AtomicPtr::new(otherwise::<O> as *mut ()), PhantomData)
    }

    /// Changes the translation.
    pub fn put(&self, translation: &'static Guarded<O>) {
        self.0.store(translation.code.start().as_ptr().cast(), Ordering::Release);
    }

    /// What `insns` say of `packet`, which had `wire_len` bytes, without metadata.
    #[inline]
    #[must_use]
    pub fn run(&self, insns: &[Insn], packet: &[u8], wire_len: u32) -> u32 {
        // SAFETY: either `otherwise`, or made of a translation, which is mapped for ever.
        unsafe { call(self.0.load(Ordering::Acquire), packet, wire_len, insns) }
    }
}
