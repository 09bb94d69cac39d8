//! Programs as C hands them over, undecoded: what pcap_offline_filter() and bpf_filter() run.

use super::types::bpf_insn;
use crate::bpf::Insn;
use crate::bpf::machine::{self, CODES, Code, Machine, Step, WINDOW, Way};
use std::marker::PhantomData;

/// A program that stays where the caller has it.
#[derive(Clone, Copy, Debug)]
pub struct RawProgram<'p> {
    first: *const bpf_insn,
    len: u32,
    /// The window's end.
    end: *const bpf_insn,
    caller: PhantomData<&'p [bpf_insn]>,
}

impl RawProgram<'_> {
    /// The steps by their instructions' codes.
    const STEPS: [Step<Self>; CODES] = Machine::<Self>::steps();
}

/// The place of one of its instructions.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p>(*const bpf_insn, PhantomData<&'p bpf_insn>);

/// Where one of them leads.
#[derive(Clone, Copy, Debug)]
pub struct Target(*const bpf_insn);

impl AsRef<Insn> for Place<'_> {
    #[inline]
    fn as_ref(&self) -> &Insn {
        // SAFETY: made below alone, of places before the window's end, which is inside the program or, where
        // its length is not known, where it runs.
        unsafe { &*self.0 }
    }
}

impl<'p> From<&'p [Insn]> for RawProgram<'p> {
    fn from(insns: &'p [Insn]) -> Self {
        let len = u32::try_from(insns.len()).unwrap_or(u32::MAX);
        Self { first: insns.as_ptr(), len, end: insns.as_ptr(), caller: PhantomData }
    }
}

impl RawProgram<'_> {
    /// A program that bpf_validate() finds good, and whose length is not known.
    ///
    /// # Safety
    /// Until this is dropped, `first` is readable as far as the program runs.
    pub const unsafe fn endless(first: *const bpf_insn) -> Self {
        // A number of more than 31 bits is a jump to before its start.
        Self { first, len: i32::MAX.cast_unsigned(), end: first, caller: PhantomData }
    }

    /// How many bytes of `packet` to keep, which had `wire_len`; 0 rejects it.
    #[inline]
    #[must_use]
    pub fn run(self, packet: &[u8], wire_len: u32) -> u32 {
        machine::run(self, packet, wire_len, None)
    }
}

impl<'p> Code for RawProgram<'p> {
    const DECODED: bool = false;
    type At = Place<'p>;
    type To = Target;

    fn enter(&mut self, n: u32) -> Option<Place<'p>> {
        let left = self.len.checked_sub(n).filter(|left| *left != 0)?;
        let at = self.first.wrapping_add(n as usize);
        self.end = at.wrapping_add(WINDOW.min(left as usize));
        Some(Place(at, PhantomData))
    }

    #[inline]
    fn to(at: Place<'p>, way: Way) -> Target {
        let insn = at.as_ref();
        let skip = match way {
            Way::Next => 0,
            Way::Taken => insn.jt.into(),
            Way::Passed => insn.jf.into(),
            Way::Jump => WINDOW.min(insn.k as usize),
        };
        Target(at.0.wrapping_add(1).wrapping_add(skip))
    }

    #[inline]
    fn at(&self, to: Target) -> Result<Place<'p>, Target> {
        if to.0 < self.end { Ok(Place(to.0, PhantomData)) } else { Err(to) }
    }

    fn number(&self, to: Target) -> u32 {
        // Never below: and a check would cost every step that could come here.
        let bytes = to.0.addr().wrapping_sub(self.first.addr());
        (bytes / size_of::<bpf_insn>()) as u32
    }

    #[inline]
    fn step(at: Place<'p>) -> Option<Step<Self>> {
        Self::STEPS.get(usize::from(at.as_ref().code)).copied()
    }
}
