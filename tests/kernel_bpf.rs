//! The interpreter against the kernel: random valid programs attached with `SO_ATTACH_FILTER` to
//! an `AF_UNIX` datagram socket (which needs no privilege) cut a datagram to the same length.
#![allow(unsafe_code, reason = "attaches filters through libc")]

use pcap::bpf::insn::*;
use pcap::bpf::{Meta, Program};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;

/// A small fixed generator (xorshift64*), so that a failure can be run again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    fn below(&mut self, n: u32) -> u32 {
        self.next() % n
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }

    /// Mostly small, sometimes extreme.
    fn number(&mut self) -> u32 {
        match self.below(4) {
            0 => self.next(),
            1 => self.pick(&[0, 1, u32::MAX, 0x8000_0000, 0x7fff_ffff]),
            _ => self.below(64),
        }
    }

    /// An offset that a load may have; few are outside the packet, most of the program is to run.
    fn offset(&mut self) -> u32 {
        match self.below(60) {
            0 => 190 + self.below(20),
            1 => self.next() >> 1,
            _ => self.below(190),
        }
    }

    /// One instruction that may stand anywhere before `left` others.
    fn insn(&mut self, left: u32) -> Insn {
        let size = self.pick(&[W, H, B]);
        match self.below(15) {
            0..=2 => Insn::stmt(LD | size | ABS, self.offset()),
            // X is small most of the time: what precedes an indexed load sets it (see `program`).
            3 => Insn::stmt(LD | size | IND, self.pick(&[0, 1, 20, 4_u32.wrapping_neg()])),
            4 => Insn::stmt(LDX_B_MSH, self.offset()),
            5 => Insn::stmt(self.pick(&[LD_IMM, LDX_IMM]), self.number()),
            6 => Insn::stmt(self.pick(&[LD_MEM, LDX_MEM, ST, STX]), self.below(16)),
            7 => Insn::stmt(self.pick(&[MISC_TAX, MISC_TXA, ALU_NEG, LD_W_LEN, LDX_W_LEN]), 0),
            8 => Insn::stmt(ALU | self.pick(&[LSH, RSH]) | K, self.below(32)),
            9 => Insn::stmt(ALU | self.pick(&[DIV, MOD]) | K, self.number().max(1)),
            10 => {
                let op = self.pick(&[ADD, SUB, MUL, OR, AND, XOR, DIV, MOD]);
                Insn::stmt(ALU | op | X, 0)
            }
            11 | 12 => {
                let op = self.pick(&[ADD, SUB, MUL, OR, AND, XOR]);
                Insn::stmt(ALU | op | K, self.number())
            }
            _ => {
                let op = self.pick(&[JEQ, JGT, JGE, JSET]);
                let reach = left.min(5);
                let (jt, jf) = (self.below(reach) as u8, self.below(reach) as u8);
                Insn::jump(JMP | op | self.pick(&[K, X]), self.number(), jt, jf)
            }
        }
    }

    /// A program that the kernel takes and that returns bits of A from `shift` on, plus 1.
    fn program(&mut self, shift: u32) -> Vec<Insn> {
        // The kernel refuses to load a scratch word that has not been stored on every path.
        let mut insns = vec![Insn::stmt(LD_IMM, self.next())];
        insns.extend((0..16).map(|word| Insn::stmt(ST, word)));
        let len = 3 + self.below(25);
        for left in (1..=len).rev() {
            let insn = self.insn(left);
            if insn.code & !0x18 == LD | IND && self.below(8) != 0 {
                insns.push(Insn::stmt(LDX_IMM, 8 + self.below(100)));
            }
            insns.push(insn);
        }
        insns.extend([
            Insn::stmt(ALU | RSH | K, shift),
            Insn::stmt(ALU | AND | K, 0x7f),
            Insn::stmt(ALU | ADD | K, 1),
            Insn::stmt(RET_A, 0),
        ]);
        insns
    }
}

/// Attaches `insns`, which must stay alive only for the call.
fn attach(socket: &UnixDatagram, insns: &[Insn]) -> std::io::Result<()> {
    let program = libc::sock_fprog {
        len: insns.len() as u16,
        filter: insns.as_ptr().cast_mut().cast::<libc::sock_filter>(),
    };
    // SAFETY: the option takes one sock_fprog, which points at `len` instructions of the kernel's
    // own layout; the kernel only reads them.
    let rc = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size_of::<libc::sock_fprog>() as u32,
        )
    };
    if rc == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// How much of `packet` gets through; 0 when it is dropped.
fn kernel_verdict(to: &UnixDatagram, from: &UnixDatagram, packet: &[u8]) -> u32 {
    from.send(packet).expect("a datagram that fits");
    let mut buf = [0; 4096];
    to.recv(&mut buf).map_or(0, |n| n as u32)
}

#[test]
fn random_programs_agree_with_the_kernel() {
    let (to, from) = UnixDatagram::pair().expect("a socket pair");
    to.set_nonblocking(true).expect("a non-blocking socket");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut accepted, mut rejected) = (0, 0);
    for round in 0..6000 {
        let insns = random.program([0, 7, 14, 21, 25][round % 5]);
        if let Err(e) = attach(&to, &insns) {
            panic!("round {round}: the kernel refuses a valid program: {e}\n{}", dump(&insns));
        }
        let program = Program::new(&insns).expect("libpcap takes what the kernel takes");
        let packet: Vec<u8> = (0..200).map(|_| random.next() as u8).collect();
        let kernel = kernel_verdict(&to, &from, &packet);
        let ours = program.run(&packet, 200, Some(&Meta::default()));
        assert_eq!(ours, kernel, "round {round}\n{}", dump(&insns));
        *if kernel == 0 { &mut rejected } else { &mut accepted } += 1;
    }
    assert!(accepted > 2000, "too few programs reach their end: {accepted}");
    assert!(rejected > 200, "too few programs stumble: {rejected}");
}

fn dump(insns: &[Insn]) -> String {
    pcap::bpf::dump(insns, 1)
}
