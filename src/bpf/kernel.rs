//! Which programs the kernel takes on a socket, as `bpf_check_classic` of its `net/core/filter.c` has
//! it. Not whether there is memory for them: the kernel also refuses what `net.core.optmem_max` does
//! not hold.

use super::image::is_known;
use super::insn::{
    A, ABS, ALU, DIV, Insn, JMP, JMP_JA, K, LD, LD_MEM, LDX_MEM, LSH, MEMWORDS, MOD, RET, RSH,
    SKF_AD_OFF, SKF_AD_VLAN_TPID, ST, STX,
};

/// The longest program, `BPF_MAXINSNS`.
pub const MAX_INSNS: usize = 4096;

/// Whether the kernel takes `insns` on a socket.
///
/// Beyond [`validate()`](super::validate()): at most [`MAX_INSNS`] instructions, all known, jumps
/// forwards only, no shift by a constant above 31, no offset that means nothing to the kernel, and no
/// word of scratch memory read that a way there leaves unwritten.
#[must_use]
pub fn kernel_accepts(insns: &[Insn]) -> bool {
    insns.len() <= MAX_INSNS
        && insns.last().is_some_and(|last| [RET | K, RET | A].contains(&last.code))
        && insns.iter().enumerate().all(|(n, &insn)| fits(insn, insns.len() - n - 1))
        && reads_what_it_wrote(insns)
}

/// Whether `insn` may stand where `left` instructions follow it.
fn fits(insn: Insn, left: usize) -> bool {
    let within = |skip: usize| skip < left;
    is_known(insn.code)
        && match insn.code {
            JMP_JA => within(insn.k as usize),
            LD_MEM | LDX_MEM | ST | STX => (insn.k as usize) < MEMWORDS,
            code if code == ALU | DIV | K || code == ALU | MOD | K => insn.k != 0,
            code if code == ALU | LSH | K || code == ALU | RSH | K => insn.k < u32::BITS,
            _ if insn.class() == LD && insn.mode() == ABS => is_offset(insn.k),
            _ if insn.class() == JMP => within(insn.jt.into()) && within(insn.jf.into()),
            _ => true,
        }
}

/// Whether `k` is anything to the kernel: its own offsets are every fourth.
fn is_offset(k: u32) -> bool {
    k.checked_sub(SKF_AD_OFF).is_none_or(|field| field <= SKF_AD_VLAN_TPID && field % 4 == 0)
}

/// Whether each word of scratch memory that is read has been written on every way there. The jumps
/// of `insns` lead forwards and stay inside.
fn reads_what_it_wrote(insns: &[Insn]) -> bool {
    // What is written on every way to an instruction, one bit a word. Like the kernel's, this also
    // counts the way from a RET to what follows it.
    let mut written_at = vec![u16::MAX; insns.len()];
    let mut written = 0_u16;
    for (n, insn) in insns.iter().enumerate() {
        written &= written_at.get(n).copied().unwrap_or(u16::MAX);
        let word = 1_u16.checked_shl(insn.k).unwrap_or(0);
        let mut jump = |skip: usize| {
            if let Some(there) = written_at.get_mut(n + 1 + skip) {
                *there &= written;
            }
        };
        match insn.code {
            ST | STX => written |= word,
            LD_MEM | LDX_MEM if written & word == 0 => return false,
            JMP_JA => {
                jump(insn.k as usize);
                written = u16::MAX;
            }
            _ if insn.class() == JMP => {
                jump(insn.jt.into());
                jump(insn.jf.into());
                written = u16::MAX;
            }
            _ => {}
        }
    }
    true
}
