//! The BPF machine once more, to judge the library's by: slow, obvious, and without a line in common.
//!
//! Written from bpf(4), the kernel's `Documentation/networking/filter.rst` and the man page of
//! `pcap_filter`'s extensions; every number is spelled out.

use pcap::bpf::{Insn, Meta};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The bytes to keep.
    pub verdict: u32,
    /// An offset was below 0: what is there is not in the packet.
    pub beyond: bool,
    /// It was given up as endless.
    pub endless: bool,
    /// How many instructions were executed.
    pub steps: u32,
}

/// More instructions than any program takes that ends, in tests.
const MOST: u32 = 1 << 16;

/// Runs `insns`, which may be anything.
pub fn run(insns: &[Insn], packet: &[u8], wire_len: u32, meta: Option<&Meta>) -> Outcome {
    let mut machine =
        Reference { a: 0, x: 0, scratch: [0; 16], packet, wire_len, meta, beyond: false };
    let (mut pc, mut steps) = (0_i64, 0);
    let (verdict, endless) = loop {
        steps += 1;
        if steps > MOST {
            break (0, true);
        }
        let Some(insn) = usize::try_from(pc).ok().and_then(|pc| insns.get(pc)) else {
            break (0, false);
        };
        match machine.execute(*insn) {
            Then::Skip(n) => pc += 1 + n,
            Then::End(verdict) => break (verdict, false),
        }
    };
    Outcome { verdict, beyond: machine.beyond, endless, steps }
}

enum Then {
    Skip(i64),
    End(u32),
}

struct Reference<'p> {
    a: u32,
    x: u32,
    scratch: [u32; 16],
    packet: &'p [u8],
    wire_len: u32,
    meta: Option<&'p Meta>,
    beyond: bool,
}

impl Reference<'_> {
    fn execute(&mut self, insn: Insn) -> Then {
        let Insn { code, k, .. } = insn;
        let (a, x) = (u64::from(self.a), u64::from(self.x));
        // Bit 3 says whether the second operand is X.
        let operand = if code & 8 != 0 { self.x } else { k };
        let b = u64::from(operand);
        let width = match code & 0x18 {
            0x00 => 4,
            0x08 => 2,
            _ => 1,
        };
        let new_a = match code {
            0x00 => Some(k),
            0x20 | 0x28 | 0x30 => self.absolute(k, width),
            0x40 | 0x48 | 0x50 => self.load(x + u64::from(k), width),
            0x60 => self.scratch.get(k as usize).copied(),
            0x80 => Some(self.wire_len),
            0x04 | 0x0c => Some((a + b) as u32),
            0x14 | 0x1c => Some((a + (1 << 32) - b) as u32),
            0x24 | 0x2c => Some((a * b) as u32),
            0x34 | 0x3c if b != 0 => Some((a / b) as u32),
            0x94 | 0x9c if b != 0 => Some((a % b) as u32),
            0x44 | 0x4c => Some((a | b) as u32),
            0x54 | 0x5c => Some((a & b) as u32),
            0xa4 | 0xac => Some((a ^ b) as u32),
            0x64 | 0x6c => Some(self.distance(code, b).map_or(0, |by| (a << by) as u32)),
            0x74 | 0x7c => Some(self.distance(code, b).map_or(0, |by| (a >> by) as u32)),
            0x84 => Some(((1 << 32) - a) as u32),
            0x87 => Some(self.x),
            0x01 | 0x61 | 0x81 | 0xb1 | 0x07 => return self.set_x(code, k),
            0x02 | 0x03 => return self.store(code, k),
            0x05 => return Then::Skip(i64::from(k as i32)),
            _ => return self.jump_or_end(insn, operand),
        };
        match new_a {
            Some(new) => {
                self.a = new;
                Then::Skip(0)
            }
            None => Then::End(0),
        }
    }

    fn set_x(&mut self, code: u16, k: u32) -> Then {
        let new = match code {
            0x01 => Some(k),
            0x61 => self.scratch.get(k as usize).copied(),
            0x81 => Some(self.wire_len),
            0xb1 => self.load(k.into(), 1).map(|first| first % 16 * 4),
            _ => Some(self.a),
        };
        match new {
            Some(new) => {
                self.x = new;
                Then::Skip(0)
            }
            None => Then::End(0),
        }
    }

    fn store(&mut self, code: u16, k: u32) -> Then {
        let value = if code == 0x02 { self.a } else { self.x };
        match self.scratch.get_mut(k as usize) {
            Some(word) => {
                *word = value;
                Then::Skip(0)
            }
            None => Then::End(0),
        }
    }

    fn jump_or_end(&self, insn: Insn, operand: u32) -> Then {
        let holds = match insn.code {
            0x15 | 0x1d => self.a == operand,
            0x25 | 0x2d => self.a > operand,
            0x35 | 0x3d => self.a >= operand,
            0x45 | 0x4d => self.a & operand != 0,
            0x06 => return Then::End(insn.k),
            0x16 => return Then::End(self.a),
            _ => return Then::End(0),
        };
        Then::Skip(i64::from(if holds { insn.jt } else { insn.jf }))
    }

    /// By how much to shift; not at all where everything is shifted out.
    fn distance(&self, code: u16, by: u64) -> Option<u64> {
        let by_x = code & 8 != 0;
        match by {
            0..=31 => Some(by),
            _ if by_x && self.meta.is_some() => Some(by % 32),
            _ => None,
        }
    }

    /// A load from a fixed offset, the last 4096 of which are the kernel's.
    fn absolute(&mut self, k: u32, width: usize) -> Option<u32> {
        let (true, Some(meta)) = (k >= 0xffff_f000, self.meta) else {
            return self.load(k.into(), width);
        };
        self.beyond = true;
        match k - 0xffff_f000 {
            0 => Some(meta.protocol.into()),
            4 => Some(meta.pkttype.into()),
            8 => Some(meta.ifindex),
            28 => Some(meta.hatype.into()),
            32 => Some(meta.rxhash),
            40 => Some(self.a ^ self.x),
            44 => Some(meta.vlan_tci.into()),
            48 => Some(meta.vlan_present.into()),
            60 => Some(meta.vlan_tpid.into()),
            _ => None,
        }
    }

    fn load(&mut self, offset: u64, width: usize) -> Option<u32> {
        let offset = match self.meta {
            None => i64::try_from(offset).ok()?,
            Some(meta) => match i64::from(offset as u32 as i32) {
                at @ 0.. => at,
                at => {
                    self.beyond = true;
                    match at {
                        -0x10_0000.. => at + 0x10_0000 + i64::from(meta.net_offset?),
                        -0x20_0000.. => at + 0x20_0000,
                        _ => return None,
                    }
                }
            },
        };
        let mut value = 0_u32;
        for n in 0..width {
            let byte = self.packet.get(usize::try_from(offset).ok()? + n)?;
            value = value << 8 | u32::from(*byte);
        }
        Some(value)
    }
}
