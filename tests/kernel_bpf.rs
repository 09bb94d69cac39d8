//! The machine against others, on random programs and packets: the kernel, through `SO_ATTACH_FILTER` on
//! an `AF_UNIX` datagram socket, the distribution's libpcap, and the fuzz target's reference.
#![allow(unsafe_code, reason = "calls the distribution's library")]

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;

use bodies::bpf_program::check;
use bodies::kernel::Kernel;
use pcap::bpf::insn::*;
use pcap::bpf::{Program, dump, image, kernel_accepts, validate};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::transmute;

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
                let op = self.pick(&[ADD, SUB, MUL, OR, AND, XOR, DIV, MOD, LSH, RSH]);
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

    /// A program that something may be wrong with, and that may read scratch memory unwritten.
    fn doubtful(&mut self) -> Vec<Insn> {
        let mut insns = self.program(0);
        if self.below(3) != 0 {
            insns.drain(1..17);
        }
        for _ in 0..self.below(4) {
            let n = self.below(insns.len() as u32) as usize;
            let near = self.number();
            let Some(insn) = insns.get_mut(n) else { continue };
            match self.below(6) {
                0 => insn.code = self.next() as u16,
                1 => insn.code = self.next() as u16 & 0xff,
                2 => (insn.jt, insn.jf) = (self.next() as u8 % 64, self.next() as u8 % 64),
                3 => *insn = Insn::stmt(JMP_JA, near),
                4 => insn.k = near,
                _ => {
                    let size = self.pick(&[W, H, B]);
                    *insn = Insn::stmt(LD | size | ABS, SKF_AD_OFF.wrapping_add(self.below(80)));
                }
            }
        }
        insns
    }
}

#[test]
fn random_programs_mean_the_same_everywhere() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut accepted, mut rejected) = (0, 0);
    for round in 0..6000 {
        let insns = random.program([0, 7, 14, 21, 25][round % 5]);
        assert!(kernel_accepts(&insns), "round {round}\n{}", dump(&insns, 1));
        let packet: Vec<u8> = (0..200).map(|_| random.next() as u8).collect();
        check(&insns, &packet);
        let verdict = Program::new(&insns).expect("a valid program").run(&packet, 200, None);
        *if verdict == 0 { &mut rejected } else { &mut accepted } += 1;
    }
    assert!(accepted > 2000, "too few programs reach their end: {accepted}");
    assert!(rejected > 200, "too few programs stumble: {rejected}");
}

#[test]
fn the_kernel_takes_what_we_say_it_takes() {
    let kernel = Kernel::new().expect("a socket pair");
    let mut random = Random(0x0123_4567_89ab_cdef);
    let (mut taken, mut refused, mut lenient) = (0, 0, 0);
    for round in 0..20_000 {
        let insns = random.doubtful();
        let answer = kernel.attach(&insns);
        let ours = kernel_accepts(&insns);
        assert_eq!(ours, answer.is_ok(), "round {round}: {answer:?}\n{}", dump(&insns, 1));
        *if ours { &mut taken } else { &mut refused } += 1;
        lenient += u32::from(validate(&insns) && !ours);
    }
    assert!(taken > 2000 && refused > 2000, "{taken} taken, {refused} refused");
    assert!(lenient > 500, "{lenient} that libpcap alone takes");
    for (len, takes) in [(1, true), (4096, true), (4097, false)] {
        let insns = vec![Insn::stmt(RET_K, 1); len];
        assert_eq!(kernel_accepts(&insns), takes, "{len} instructions");
        assert_eq!(kernel.attach(&insns).is_ok(), takes, "{len} instructions");
    }
    assert!(!kernel_accepts(&[]));
}

type Filter = unsafe extern "C" fn(*const Insn, *const u8, u32, u32) -> u32;
type Validate = unsafe extern "C" fn(*const Insn, c_int) -> c_int;
type Image = unsafe extern "C" fn(*const Insn, c_int) -> *const c_char;

/// What the distribution's library has of the machine.
struct Distribution {
    filter: Filter,
    validate: Validate,
    image: Image,
}

impl Distribution {
    fn load() -> Self {
        // SAFETY: the library's initialisers are harmless, and it is never unloaded.
        let library = unsafe { libc::dlopen(c"libpcap.so.0.8".as_ptr(), libc::RTLD_NOW) };
        assert!(!library.is_null(), "the distribution's libpcap is not there");
        let find = |name: &CStr| -> *mut c_void {
            // SAFETY: an open library and a name.
            let found = unsafe { libc::dlsym(library, name.as_ptr()) };
            assert!(!found.is_null(), "{name:?}");
            found
        };
        // SAFETY: functions of these names have these types, as pcap/bpf.h says.
        unsafe {
            Self {
                filter: transmute::<*mut c_void, Filter>(find(c"bpf_filter")),
                validate: transmute::<*mut c_void, Validate>(find(c"bpf_validate")),
                image: transmute::<*mut c_void, Image>(find(c"bpf_image")),
            }
        }
    }

    fn filter(&self, insns: &[Insn], packet: &[u8], wire_len: u32) -> u32 {
        // SAFETY: a program that bpf_validate() finds good, and a packet's bytes.
        unsafe { (self.filter)(insns.as_ptr(), packet.as_ptr(), wire_len, packet.len() as u32) }
    }

    fn validate(&self, insns: &[Insn]) -> bool {
        // SAFETY: as many instructions as are said to be there.
        unsafe { (self.validate)(insns.as_ptr(), insns.len() as c_int) != 0 }
    }

    fn image(&self, insn: Insn, n: c_int) -> CString {
        // SAFETY: an instruction; what comes back is a string until the next call.
        unsafe { CStr::from_ptr((self.image)(&raw const insn, n)) }.to_owned()
    }
}

/// Where the meanings agree: no kernel extension, and no scratch memory read unwritten, which 1.10.3
/// does not clear.
#[test]
fn random_programs_mean_what_they_mean_to_the_distributions_library() {
    let distribution = Distribution::load();
    let mut random = Random(0xfeed_beef_0bad_cafe);
    let mut accepted = 0;
    for round in 0..20_000 {
        let insns = random.program([0, 7, 14, 21, 25][round % 5]);
        let program = Program::new(&insns).expect("a valid program");
        let packet: Vec<u8> = (0..200).map(|_| random.next() as u8).collect();
        if round % 2 == 0 {
            program.translate();
        }
        for cut in [200, random.below(200) as usize] {
            let ours = program.run(&packet[..cut], 200, None);
            let theirs = distribution.filter(&insns, &packet[..cut], 200);
            assert_eq!(ours, theirs, "round {round}, {cut} bytes\n{}", dump(&insns, 1));
            accepted += u32::from(ours != 0);
        }
    }
    assert!(accepted > 5000, "too few programs reach their end: {accepted}");
}

#[test]
fn validation_is_the_distributions_librarys() {
    let distribution = Distribution::load();
    let mut random = Random(0x5555_aaaa_1234_4321);
    let (mut good, mut bad) = (0, 0);
    for round in 0..50_000 {
        let insns = random.doubtful();
        let ours = validate(&insns);
        assert_eq!(ours, distribution.validate(&insns), "round {round}\n{}", dump(&insns, 1));
        *if ours { &mut good } else { &mut bad } += 1;
    }
    assert!(good > 5000 && bad > 5000, "{good} good, {bad} bad");
}

/// Every code, with operands that tell signed from unsigned. 1.10.3 ends lines with blanks, and has no
/// name for an instruction that the newest libpcap names.
#[test]
fn images_are_the_distributions_librarys() {
    let distribution = Distribution::load();
    for code in (0..=u16::MAX).filter(|code| *code != LDX_W_LEN) {
        for k in [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX, SKF_AD_OFF, SKF_AD_OFF + 48] {
            let insn = Insn { code, jt: 3, jf: 255, k };
            for n in [0, 7, 1000] {
                let theirs = distribution.image(insn, n).into_string().expect("ASCII");
                assert_eq!(image(&insn, n), theirs.trim_end(), "code {code:#x}, k {k:#x}");
            }
        }
    }
}
