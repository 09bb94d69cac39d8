//! One instruction, and the numbers it is made of, as `pcap/bpf.h` and `linux/filter.h` have them.
#![allow(missing_docs, reason = "the opcodes are bpf.h's and the kernel documents the SKF offsets")]

/// One instruction, laid out as `struct bpf_insn` and the kernel's `struct sock_filter`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Insn {
    /// Class, size, mode or operation.
    pub code: u16,
    /// Instructions to skip when a comparison holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

impl Insn {
    /// An instruction that does not branch.
    #[must_use]
    pub const fn stmt(code: u16, k: u32) -> Self {
        Self { code, jt: 0, jf: 0, k }
    }

    /// A conditional jump.
    #[must_use]
    pub const fn jump(code: u16, k: u32, jt: u8, jf: u8) -> Self {
        Self { code, jt, jf, k }
    }

    /// The instruction's class: one of [`LD`] to [`MISC`].
    #[must_use]
    pub const fn class(self) -> u16 {
        self.code & 0x07
    }

    /// A load's width: [`W`], [`H`] or [`B`].
    #[must_use]
    pub const fn size(self) -> u16 {
        self.code & 0x18
    }

    /// A load's addressing mode: one of [`IMM`] to [`MSH`].
    #[must_use]
    pub const fn mode(self) -> u16 {
        self.code & 0xe0
    }

    /// The operation of an [`ALU`] or [`JMP`] instruction.
    #[must_use]
    pub const fn op(self) -> u16 {
        self.code & 0xf0
    }

    /// Where the second operand comes from: [`K`] or [`X`].
    #[must_use]
    pub const fn src(self) -> u16 {
        self.code & 0x08
    }
}

/// Words of scratch memory, `BPF_MEMWORDS`.
pub const MEMWORDS: usize = 16;

// Classes.
pub const LD: u16 = 0x00;
pub const LDX: u16 = 0x01;
pub const ST: u16 = 0x02;
pub const STX: u16 = 0x03;
pub const ALU: u16 = 0x04;
pub const JMP: u16 = 0x05;
pub const RET: u16 = 0x06;
pub const MISC: u16 = 0x07;

// Widths of loads.
pub const W: u16 = 0x00;
pub const H: u16 = 0x08;
pub const B: u16 = 0x10;

// Modes of loads.
pub const IMM: u16 = 0x00;
pub const ABS: u16 = 0x20;
pub const IND: u16 = 0x40;
pub const MEM: u16 = 0x60;
pub const LEN: u16 = 0x80;
pub const MSH: u16 = 0xa0;

// Operations of ALU.
pub const ADD: u16 = 0x00;
pub const SUB: u16 = 0x10;
pub const MUL: u16 = 0x20;
pub const DIV: u16 = 0x30;
pub const OR: u16 = 0x40;
pub const AND: u16 = 0x50;
pub const LSH: u16 = 0x60;
pub const RSH: u16 = 0x70;
pub const NEG: u16 = 0x80;
pub const MOD: u16 = 0x90;
pub const XOR: u16 = 0xa0;

// Operations of JMP.
pub const JA: u16 = 0x00;
pub const JEQ: u16 = 0x10;
pub const JGT: u16 = 0x20;
pub const JGE: u16 = 0x30;
pub const JSET: u16 = 0x40;

// Sources of ALU and JMP.
pub const K: u16 = 0x00;
pub const X: u16 = 0x08;

// What RET returns besides K.
pub const A: u16 = 0x10;

// Operations of MISC.
pub const TAX: u16 = 0x00;
pub const TXA: u16 = 0x80;

// Whole codes that have only one form.
pub const LD_W_LEN: u16 = LD | W | LEN;
pub const LD_IMM: u16 = LD | IMM;
pub const LD_MEM: u16 = LD | MEM;
pub const LDX_W_LEN: u16 = LDX | W | LEN;
pub const LDX_IMM: u16 = LDX | IMM;
pub const LDX_MEM: u16 = LDX | MEM;
pub const LDX_B_MSH: u16 = LDX | B | MSH;
pub const JMP_JA: u16 = JMP | JA;
pub const ALU_NEG: u16 = ALU | NEG;
pub const RET_K: u16 = RET | K;
pub const RET_A: u16 = RET | A;
pub const MISC_TAX: u16 = MISC | TAX;
pub const MISC_TXA: u16 = MISC | TXA;

/// Start of the offsets that are the kernel's knowledge of a packet, not its bytes.
pub const SKF_AD_OFF: u32 = 0x1000_u32.wrapping_neg();
/// Start of the offsets that count from the network header.
pub const SKF_NET_OFF: u32 = 0x10_0000_u32.wrapping_neg();
/// Start of the offsets that count from the link-layer header.
pub const SKF_LL_OFF: u32 = 0x20_0000_u32.wrapping_neg();

// What lies where above SKF_AD_OFF.
pub const SKF_AD_PROTOCOL: u32 = 0;
pub const SKF_AD_PKTTYPE: u32 = 4;
pub const SKF_AD_IFINDEX: u32 = 8;
pub const SKF_AD_NLATTR: u32 = 12;
pub const SKF_AD_NLATTR_NEST: u32 = 16;
pub const SKF_AD_MARK: u32 = 20;
pub const SKF_AD_QUEUE: u32 = 24;
pub const SKF_AD_HATYPE: u32 = 28;
pub const SKF_AD_RXHASH: u32 = 32;
pub const SKF_AD_CPU: u32 = 36;
pub const SKF_AD_ALU_XOR_X: u32 = 40;
pub const SKF_AD_VLAN_TAG: u32 = 44;
pub const SKF_AD_VLAN_TAG_PRESENT: u32 = 48;
pub const SKF_AD_PAY_OFFSET: u32 = 52;
pub const SKF_AD_RANDOM: u32 = 56;
pub const SKF_AD_VLAN_TPID: u32 = 60;
