//! The interpreter: what a program says of a packet, in userland.
//!
//! One machine with two readings of a load outside the packet. Without [`Meta`] it is libpcap's
//! `bpf_filter`: all such loads reject the packet. With it, it is the kernel's
//! (`net/core/filter.c`): offsets are signed, those from `SKF_LL_OFF` and `SKF_NET_OFF` count from
//! a header, and those from `SKF_AD_OFF` read what the kernel told of the packet.

use super::insn::{
    self, ABS, ADD, ALU, ALU_NEG, AND, B, DIV, H, IND, Insn, JEQ, JGE, JGT, JMP, JMP_JA, JSET, LD,
    LD_IMM, LD_MEM, LD_W_LEN, LDX, LDX_B_MSH, LDX_IMM, LDX_MEM, LDX_W_LEN, LSH, MEMWORDS, MISC,
    MISC_TAX, MISC_TXA, MOD, MUL, OR, RET, RET_A, RET_K, RSH, SKF_AD_OFF, SKF_LL_OFF, SKF_NET_OFF,
    ST, STX, SUB, W, X, XOR,
};

/// What the kernel knows of a packet besides its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Ethertype, in host byte order.
    pub protocol: u16,
    /// `PACKET_HOST` and so on, of `linux/if_packet.h`.
    pub pkttype: u8,
    /// Index of the interface it came through.
    pub ifindex: u32,
    /// The interface's `ARPHRD_*` type.
    pub hatype: u16,
    /// The stripped VLAN tag, priority bits included.
    pub vlan_tci: u16,
    /// The stripped tag's ethertype, in host byte order.
    pub vlan_tpid: u16,
    /// Whether a VLAN tag was stripped.
    pub vlan_present: bool,
    /// The receive hash.
    pub rxhash: u32,
    /// Where in the packet the network header begins, if known.
    pub net_offset: Option<u32>,
}

/// How often a program may jump backwards before it counts as endless and rejects the packet.
///
/// A loop that does work moves on in the packet; four times the largest snapshot (262,144 bytes)
/// lets it go byte by byte, while an empty loop costs a few milliseconds, not the process.
const MAX_BACKWARD_JUMPS: u32 = 1 << 20;

/// Runs the program whose instruction number `n` is `fetch(n)`, from 0: how many bytes of `packet`
/// to keep, 0 to reject it.
///
/// A load outside the packet, a division by zero, an instruction that does not exist or that
/// `fetch` has not, and a loop without end reject the packet.
pub fn filter(
    fetch: impl Fn(u32) -> Option<Insn>,
    packet: &[u8],
    wire_len: u32,
    meta: Option<&Meta>,
) -> u32 {
    let mut machine = Machine { a: 0, x: 0, mem: [0; MEMWORDS], packet, wire_len, meta };
    machine.run(fetch).unwrap_or(0)
}

struct Machine<'p> {
    a: u32,
    x: u32,
    mem: [u32; MEMWORDS],
    packet: &'p [u8],
    wire_len: u32,
    meta: Option<&'p Meta>,
}

impl Machine<'_> {
    /// The verdict, or `None` for a program that stumbles.
    fn run(&mut self, fetch: impl Fn(u32) -> Option<Insn>) -> Option<u32> {
        let mut pc = 0_u32;
        let mut backward = 0_u32;
        loop {
            let insn = fetch(pc)?;
            pc = pc.checked_add(1)?;
            let operand = if insn.src() == X { self.x } else { insn.k };
            match insn.class() {
                LD => self.a = self.load(insn)?,
                LDX => self.x = self.load_x(insn)?,
                ST => *self.mem.get_mut(insn.k as usize)? = known(insn, ST, self.a)?,
                STX => *self.mem.get_mut(insn.k as usize)? = known(insn, STX, self.x)?,
                ALU => self.a = alu(insn.code, self.a, operand)?,
                JMP if insn.code == JMP_JA => {
                    let to = pc.wrapping_add(insn.k);
                    if to < pc {
                        backward += 1;
                        if backward > MAX_BACKWARD_JUMPS {
                            return None;
                        }
                    }
                    pc = to;
                }
                JMP => {
                    let skip = if holds(insn.code, self.a, operand)? { insn.jt } else { insn.jf };
                    pc = pc.checked_add(skip.into())?;
                }
                RET => {
                    return match insn.code {
                        RET_K => Some(insn.k),
                        RET_A => Some(self.a),
                        _ => None,
                    };
                }
                MISC => match insn.code {
                    MISC_TAX => self.x = self.a,
                    MISC_TXA => self.a = self.x,
                    _ => return None,
                },
                _ => return None,
            }
        }
    }

    /// What a load of class `LD` puts into the accumulator.
    fn load(&self, insn: Insn) -> Option<u32> {
        match insn.code {
            LD_IMM => return Some(insn.k),
            LD_MEM => return self.mem.get(insn.k as usize).copied(),
            LD_W_LEN => return Some(self.wire_len),
            _ if insn.code & 0xff00 != 0 => return None,
            _ => (),
        }
        match insn.mode() {
            ABS if insn.k >= SKF_AD_OFF => self.ancillary(insn.k - SKF_AD_OFF),
            ABS => self.packet_at(insn.size(), 0, insn.k),
            IND => self.packet_at(insn.size(), self.x, insn.k),
            _ => None,
        }
    }

    /// What a load of class `LDX` puts into the index register.
    fn load_x(&self, insn: Insn) -> Option<u32> {
        match insn.code {
            LDX_IMM => Some(insn.k),
            LDX_MEM => self.mem.get(insn.k as usize).copied(),
            LDX_W_LEN => Some(self.wire_len),
            LDX_B_MSH => Some((self.packet_at(B, 0, insn.k)? & 0xf) << 2),
            _ => None,
        }
    }

    /// The big-endian number of width `size` at offset `base + k` of the packet.
    fn packet_at(&self, size: u16, base: u32, k: u32) -> Option<u32> {
        let at = match self.meta {
            None => base.checked_add(k)?,
            Some(meta) => match base.wrapping_add(k) {
                at if at <= i32::MAX as u32 => at,
                at if at >= SKF_NET_OFF => meta.net_offset?.checked_add(at - SKF_NET_OFF)?,
                at if at >= SKF_LL_OFF => at - SKF_LL_OFF,
                _ => return None,
            },
        };
        let bytes = self.packet.get(at as usize..)?;
        Some(match size {
            W => u32::from_be_bytes(*bytes.first_chunk()?),
            H => u16::from_be_bytes(*bytes.first_chunk()?).into(),
            B => (*bytes.first()?).into(),
            _ => return None,
        })
    }

    /// What the kernel keeps at `SKF_AD_OFF + field`, where userland can know it.
    fn ancillary(&self, field: u32) -> Option<u32> {
        let meta = self.meta?;
        Some(match field {
            insn::SKF_AD_PROTOCOL => meta.protocol.into(),
            insn::SKF_AD_PKTTYPE => meta.pkttype.into(),
            insn::SKF_AD_IFINDEX => meta.ifindex,
            insn::SKF_AD_HATYPE => meta.hatype.into(),
            insn::SKF_AD_RXHASH => meta.rxhash,
            insn::SKF_AD_ALU_XOR_X => self.a ^ self.x,
            insn::SKF_AD_VLAN_TAG => meta.vlan_tci.into(),
            insn::SKF_AD_VLAN_TAG_PRESENT => meta.vlan_present.into(),
            insn::SKF_AD_VLAN_TPID => meta.vlan_tpid.into(),
            _ => return None,
        })
    }
}

/// `value`, if `insn` is nothing but `code`.
fn known(insn: Insn, code: u16, value: u32) -> Option<u32> {
    (insn.code == code).then_some(value)
}

/// The arithmetic, on 32 bits that wrap.
fn alu(code: u16, a: u32, operand: u32) -> Option<u32> {
    if code == ALU_NEG {
        return Some(a.wrapping_neg());
    }
    Some(match (code & !X) ^ ALU {
        ADD => a.wrapping_add(operand),
        SUB => a.wrapping_sub(operand),
        MUL => a.wrapping_mul(operand),
        DIV => a.checked_div(operand)?,
        MOD => a.checked_rem(operand)?,
        OR => a | operand,
        AND => a & operand,
        XOR => a ^ operand,
        LSH => a.checked_shl(operand).unwrap_or(0),
        RSH => a.checked_shr(operand).unwrap_or(0),
        _ => return None,
    })
}

/// Whether a conditional jump's condition holds.
fn holds(code: u16, a: u32, operand: u32) -> Option<bool> {
    Some(match (code & !X) ^ JMP {
        JEQ => a == operand,
        JGT => a > operand,
        JGE => a >= operand,
        JSET => a & operand != 0,
        _ => return None,
    })
}
