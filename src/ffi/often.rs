//! What pcap_offline_filter() remembers of the programs that it is called with: the machine code of those that it
//! is called with often.
//!
//! C hands a program over anew with each packet, and may change or free it in between. So each run compares it,
//! instruction by instruction, with the one that was translated; where it lies only says which translation to try.
//!
//! All this is shared by all threads and never freed: nothing needs to be counted or locked while code runs, nor in
//! a signal handler that interrupts it. So there must be an end to it, `MOST`.

use super::boundary::unfailing;
use super::raw_program::RawProgram;
use crate::bpf::Insn;
use crate::bpf::native::{Guarded, Otherwise, Slot};
use crate::sys::Errno;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// The longest program that it is worth to compare: beyond, that costs more than the code saves.
const LONGEST: usize = 128;
/// Runs by the machine until something is done about it.
const PATIENCE: u32 = 32;
/// How many translations there may be, of a page of memory each.
const MOST: usize = 256;
/// Translations that are tried.
const SLOTS: usize = 64;

static TRIED: [Slot<ByMachine>; SLOTS] = [const { Slot::empty() }; SLOTS];
/// How often none of use was there.
static MISSED: [AtomicU32; SLOTS] = [const { AtomicU32::new(0) }; SLOTS];
static TRANSLATIONS: Mutex<Vec<&'static Guarded<ByMachine>>> = Mutex::new(Vec::new());

/// How many bytes of `packet` to keep, which had `wire_len`; 0 rejects it.
#[inline]
pub fn run(insns: &[Insn], packet: &[u8], wire_len: u32) -> u32 {
    TRIED[slot(insns)].run(insns, packet, wire_len)
}

/// By where a program lies, as malloc() places them.
#[inline]
fn slot(insns: &[Insn]) -> usize {
    insns.as_ptr().addr() / 16 % SLOTS
}

/// How programs run that are not translated.
#[derive(Debug)]
struct ByMachine;

impl Otherwise for ByMachine {
    #[inline]
    fn run(insns: &[Insn], packet: &[u8], wire_len: u32) -> u32 {
        if insns.len() <= LONGEST {
            return run_counted(insns, packet, wire_len);
        }
        unfailing(|| RawProgram::from(insns).run(packet, wire_len)).unwrap_or(0)
    }
}

/// Apart, so that long programs do not pay for it.
#[cold]
fn run_counted(insns: &[Insn], packet: &[u8], wire_len: u32) -> u32 {
    let run = || {
        count(insns);
        RawProgram::from(insns).run(packet, wire_len)
    };
    unfailing(run).unwrap_or(0)
}

/// Counts a run, and translates the program if it is time.
fn count(insns: &[Insn]) {
    // Threads that overwrite each other's count only defer it.
    let missed = &MISSED[slot(insns)];
    let runs = missed.load(Ordering::Relaxed) + 1;
    missed.store(runs % PATIENCE, Ordering::Relaxed);
    if runs >= PATIENCE
        && let Some(translation) = translation(insns)
    {
        TRIED[slot(insns)].put(translation);
    }
}

/// The translation of a program, made if there is none and there may be more.
#[cold]
fn translation(insns: &[Insn]) -> Option<&'static Guarded<ByMachine>> {
    // Whoever holds it may have been interrupted to come here: there will be a next time.
    let mut all = TRANSLATIONS.try_lock()?;
    if let Some(known) = all.iter().find(|known| known.insns() == insns) {
        return Some(known);
    }
    if all.len() >= MOST {
        return None;
    }
    // A run that goes well leaves `errno` alone, also where the system makes no code.
    let errno = Errno::last();
    let new = Guarded::new(insns);
    errno.set();
    let new = Box::leak(Box::new(new?));
    all.push(new);
    Some(new)
}

#[cfg(all(test, target_arch = "x86_64", target_pointer_width = "64"))]
mod tests {
    use super::*;
    use crate::bpf::insn::{LD_W_LEN, RET_A, RET_K};
    use crate::bpf::validate;

    /// As a program that runs them once for each packet.
    fn run_often(insns: &[Insn], wanted: u32) {
        for _ in 0..3 * PATIENCE {
            assert_eq!(run(insns, &[], 7), wanted);
        }
    }

    fn is_known(insns: &[Insn]) -> bool {
        TRANSLATIONS.lock().iter().any(|known| known.insns() == insns)
    }

    /// One test, for it fills what all share.
    #[test]
    fn programs_that_run_often() {
        let len = || [Insn::stmt(LD_W_LEN, 0), Insn::stmt(RET_A, 0)];
        let mut insns = len();
        assert_eq!(run(&insns, &[], 7), 7);
        assert!(!is_known(&insns), "once is not often");
        run_often(&insns, 7);
        assert!(is_known(&insns));
        // The caller's memory is the caller's.
        insns[1] = Insn::stmt(RET_K, 1);
        assert_eq!(run(&insns, &[], 7), 1);
        run_often(&insns, 1);
        insns = len();
        run_often(&insns, 7);
        assert_eq!(run(&insns[..0], &[], 7), 0);
        assert_eq!(run(&insns[..1], &[], 7), 0, "what runs past its end rejects");

        let mut long = vec![Insn::stmt(RET_K, 3); LONGEST + 1];
        run_often(&long, 3);
        assert!(!is_known(&long));
        long.pop();
        run_often(&long, 3);
        assert!(is_known(&long));

        let invalid = [Insn::stmt(LD_W_LEN, 0)];
        assert!(!validate(&invalid));
        run_often(&invalid, 0);

        // More than there is room for, and those that were there before.
        for k in 0..2 * MOST as u32 {
            run_often(&[Insn::stmt(RET_K, k)], k);
        }
        assert_eq!(TRANSLATIONS.lock().len(), MOST);
        run_often(&insns, 7);
    }
}
