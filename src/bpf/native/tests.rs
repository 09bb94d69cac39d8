use super::*;
use crate::bpf::image::is_known;
use crate::bpf::insn::*;
use crate::bpf::{Program, dump};
use crate::ffi::raw_program::RawProgram;

const PACKET: [u8; 24] = [
    0x8f, 0xfe, 0xdd, 0x7c, 0x3b, 5, 0x16, 0x47, 0x80, 9, 10, 11, 12, 13, 14, 0xff, 16, 17, 18, 19,
    20, 21, 22, 0xe3,
];

fn stmt(code: u16, k: u32) -> Insn {
    Insn::stmt(code, k)
}

/// Panics if a translation says something else than the machine, of `packet` with so many bytes on the wire.
fn agrees(native: &Native, insns: &[Insn], packet: &[u8], wire_len: u32) {
    let wanted = RawProgram::from(insns).run(packet, wire_len);
    let got = match native.run(packet, wire_len) {
        Outcome::Verdict(verdict) => verdict,
        Outcome::Stumbled => 0,
    };
    assert_eq!(got, wanted, "{} bytes\n{}", packet.len(), dump(insns, 1));
}

/// As above, on the beginnings of [`PACKET`]. Whether there is a translation.
fn check(insns: &[Insn]) -> bool {
    let native = Native::new(insns);
    if let Some(native) = &native {
        for len in [0, 1, 2, 3, 4, 5, 8, 19, 20, 23, 24] {
            agrees(native, insns, &PACKET[..len], 0x8000_05dc);
        }
    }
    native.is_some()
}

/// Every instruction, with registers and operands at all edges, seen by what it leaves in both registers.
#[test]
fn every_instruction() {
    let numbers = [0, 1, 4, 20, 31, 32, 33, 0x7fff_ffff, 0x8000_0000, 0xffff_f030, u32::MAX];
    let operands = [3, 15, 21, 0x7fff_fffb, 0x7fff_fffc, 0x7fff_fffd, 0x7fff_fffe, 0xffff_fffc];
    for code in (0..=0xff).filter(|code| is_known(*code) || *code == 0x18 | ABS) {
        for &k in numbers.iter().chain(&operands) {
            for (a, x) in numbers.iter().zip(numbers.iter().skip(1).chain(&[2])) {
                let insns = [
                    stmt(LD_IMM, *a),
                    stmt(LDX_IMM, *x),
                    stmt(ST, 3),
                    // A test goes to one of the next two.
                    Insn { code, jt: 1, jf: 0, k },
                    stmt(ALU | ADD | K, 7),
                    stmt(STX, 15),
                    stmt(ALU | MUL | K, 0x0101_4001),
                    stmt(LDX_MEM, 15),
                    stmt(ALU | XOR | X, 0),
                    stmt(LDX_W_LEN, 0),
                    stmt(ALU | XOR | X, 0),
                    stmt(RET_A, 0),
                ];
                let forwards = code != JMP_JA || k < 0x8000_0000;
                assert_eq!(check(&insns), validate(&insns) && forwards, "{}", dump(&insns, 1));
            }
        }
    }
}

/// Bytes that one way has looked at are not there for certain on another.
#[test]
fn ways_meet() {
    for (first, second, last) in [(16, 3, 12), (3, 16, 12), (20, 20, 8), (3, 3, 20)] {
        for (jt, jf) in [(0, 2), (2, 0), (1, 1), (1, 2), (4, 0)] {
            let insns = [
                stmt(LD | B | ABS, 0),
                Insn::jump(JMP | JSET | K, 0x80, jt, jf),
                stmt(LD | W | ABS, first),
                stmt(JMP_JA, 1),
                stmt(LD | H | ABS, second),
                stmt(LD | W | ABS, last),
                stmt(RET_A, 0),
            ];
            let native = Native::new(&insns).expect("a valid program");
            for len in 0..=PACKET.len() {
                for begin in [0, 3] {
                    agrees(&native, &insns, PACKET.get(begin..len).unwrap_or_default(), 1);
                }
            }
        }
    }
}

/// Behind the packet more bytes are there, which a load must not find.
#[test]
fn nothing_is_read_outside() {
    let packet = &PACKET[..20];
    for code in [LD | B | ABS, LD | H | ABS, LD | W | ABS, LD | B | IND, LD | H | IND, LD | W | IND]
    {
        for k in (0..40).chain((-40_i32..0).map(i32::cast_unsigned)) {
            for x in [0, 1, 19, 20, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
                let insns =
                    [stmt(LDX_IMM, x), stmt(code, k), stmt(ALU | OR | K, 1), stmt(RET_A, 0)];
                agrees(&Native::new(&insns).expect("a valid program"), &insns, packet, 20);
            }
        }
    }
}

/// Offsets that are no operands of the processor's: they are found where a packet is that long.
#[test]
fn packets_of_gigabytes() {
    let len = 0x8000_0100;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a NULL hint lets the kernel choose free addresses.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), len, prot, flags, -1, 0) };
    assert_ne!(base, libc::MAP_FAILED);
    // SAFETY: as many bytes as were mapped, all zeros, for ever.
    let packet = unsafe { std::slice::from_raw_parts_mut(base.cast::<u8>(), len) };
    for (n, byte) in (0x51..=0xff).cycle().zip(&mut packet[0x7fff_ffe0..]) {
        *byte = n;
    }
    let edges = [0x7fff_fff0, 0x7fff_fffb, 0x7fff_fffc, 0x7fff_fffd, 0x7fff_fffe, 0x7fff_ffff];
    for k in edges.into_iter().chain([0x8000_0000, 0x8000_0001, 0x8000_00fc, 0x8000_00ff]) {
        for size in [B, H, W] {
            for x in [0, 1, 2, 0x10] {
                for insn in [
                    stmt(LD | size | ABS, k),
                    stmt(LD | size | IND, k),
                    stmt(LD | size | IND, k - x),
                    stmt(LD | size | IND, x),
                    stmt(LDX_B_MSH, k),
                ] {
                    let x = if insn.k == x { k } else { x };
                    let add = stmt(ALU | ADD | X, 0);
                    let insns = [stmt(LDX_IMM, x), insn, add, stmt(RET_A, 0)];
                    let native = Native::new(&insns).expect("a valid program");
                    for cut in [len, 0x8000_0000, 0x8000_0003] {
                        agrees(&native, &insns, &packet[..cut], 1);
                    }
                    assert!(!native.suits_kernel(packet));
                }
            }
        }
    }
}

#[test]
fn scratch_memory_begins_with_zeros() {
    let insns = [
        stmt(LD_MEM, 0),
        stmt(LDX_MEM, 15),
        stmt(ALU | ADD | X, 0),
        stmt(ALU | ADD | K, 1),
        stmt(ST, 0),
        stmt(ST, 15),
        stmt(RET_A, 0),
    ];
    for _ in 0..3 {
        assert!(check(&insns));
    }
}

#[test]
fn long_programs() {
    for len in [1, 2, 255, 256, 300, 100_000] {
        let mut insns = vec![stmt(ALU | ADD | K, 1); len];
        insns.push(stmt(RET_A, 0));
        assert!(check(&insns));
        insns[0] = stmt(JMP_JA, len as u32 - 1);
        assert!(check(&insns));
    }
}

#[test]
fn what_is_not_translated() {
    let ret = stmt(RET_K, 1);
    let is_not = |insns: &[Insn]| Native::new(insns).is_none();
    assert!(is_not(&[]) && is_not(&[stmt(LD_IMM, 0)]));
    assert!(is_not(&[stmt(ALU | DIV | K, 0), ret]) && is_not(&[stmt(LD_MEM, 16), ret]));
    assert!(is_not(&[Insn::jump(JMP | JEQ | K, 0, 1, 0), ret]));
    assert!(is_not(&[stmt(JMP_JA, u32::MAX), ret]) && !is_not(&[stmt(JMP_JA, 0), ret]));
    assert!(is_not(&[ret, stmt(JMP_JA, 2_u32.wrapping_neg()), ret]), "wherever it stands");
}

/// What the kernel may see otherwise is asked of the machine alone.
#[test]
fn the_kernel_may_differ() {
    let suits =
        |insn| Native::new(&[insn, stmt(RET_K, 1)]).expect("a valid program").suits_kernel(&PACKET);
    assert!(suits(stmt(LD | B | ABS, 0x7fff_ffff)) && suits(stmt(LD | W | IND, u32::MAX)));
    assert!(suits(stmt(ALU | LSH | K, 32)) && suits(stmt(LD_IMM, u32::MAX)));
    assert!(!suits(stmt(LD | B | ABS, SKF_AD_OFF)) && !suits(stmt(LDX_B_MSH, SKF_LL_OFF)));
    assert!(!suits(stmt(ALU | LSH | X, 0)) && !suits(stmt(ALU | RSH | X, 0)));
}

/// As /proc tells, where neighbours with the same rights are one mapping.
#[test]
fn code_is_not_writable() {
    let native = Native::new(&[stmt(RET_K, 1)]).expect("a valid program");
    let address = native.code.start().addr().get();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let rights = |line: &str| {
        let (range, rest) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let [from, to] = [from, to].map(|number| usize::from_str_radix(number, 16).unwrap());
        (from..to).contains(&address).then(|| rest[..4].to_owned())
    };
    assert_eq!(maps.lines().find_map(rights).as_deref(), Some("r-xp"), "{maps}");
}

#[test]
fn translated_after_some_runs() {
    let insns = [stmt(LD_W_LEN, 0), stmt(RET_A, 0)];
    let lazy = Lazy::default();
    for _ in 1..Lazy::RUNS {
        assert!(lazy.get(&insns).is_none());
    }
    assert!(lazy.get(&insns).is_some());
    let program = Program::new(&insns).unwrap();
    for len in 0..3 * Lazy::RUNS {
        assert_eq!(program.run(&PACKET, len, None), len);
    }
    // It moves with its program.
    assert_eq!(std::thread::spawn(move || program.run(&PACKET, 7, None)).join().unwrap(), 7);
}

/// Says of every program that it is another one.
#[derive(Debug)]
struct Another;

const ANOTHER: u32 = 0xdead_beef;

impl Otherwise for Another {
    fn run(insns: &[Insn], packet: &[u8], wire_len: u32) -> u32 {
        ANOTHER ^ insns.len() as u32 ^ (packet.len() as u32) << 8 ^ wire_len << 16
    }
}

/// A guard sees any bit of any instruction, and the length.
#[test]
fn guards_see_every_bit() {
    let body = [
        stmt(LD | H | ABS, 12),
        Insn::jump(JMP | JEQ | K, 0x0c0d, 0, 2),
        stmt(LDX_B_MSH, 14),
        stmt(LD | B | IND, 0x7fff_ffff),
        stmt(LD_W_LEN, 0),
        stmt(RET_A, 0),
        stmt(RET_K, 5),
    ];
    for begin in 0..body.len() {
        let mut insns = body[begin..].to_vec();
        let guarded = Guarded::<Another>::new(&insns).expect("a valid program");
        let wanted = RawProgram::from(&insns[..]).run(&PACKET, 77);
        let another = |insns: &[Insn]| Another::run(insns, &PACKET, 77);
        assert_eq!(guarded.run(&insns, &PACKET, 77), wanted);
        for n in 0..insns.len() {
            for bit in 0..64 {
                let before = insns[n];
                match bit {
                    0..16 => insns[n].code ^= 1 << bit,
                    16..24 => insns[n].jt ^= 1 << (bit - 16),
                    24..32 => insns[n].jf ^= 1 << (bit - 24),
                    _ => insns[n].k ^= 1 << (bit - 32),
                }
                assert_eq!(guarded.run(&insns, &PACKET, 77), another(&insns), "{n}, {bit}");
                insns[n] = before;
            }
        }
        for len in 0..insns.len() {
            assert_eq!(guarded.run(&insns[..len], &PACKET, 77), another(&insns[..len]));
        }
        insns.push(stmt(RET_K, 5));
        assert_eq!(guarded.run(&insns, &PACKET, 77), another(&insns));
    }
}

#[test]
fn slots_change() {
    let (one, other) = ([stmt(RET_K, 1)], [stmt(RET_K, 2)]);
    let slot = Slot::<Another>::empty();
    let asked = || [&one, &other].map(|insns| slot.run(insns, &[], 0));
    let another = ANOTHER ^ 1;
    assert_eq!(asked(), [another, another]);
    for (insns, wanted) in [(&one, [1, another]), (&other, [another, 2]), (&one, [1, another])] {
        slot.put(Box::leak(Box::new(Guarded::new(insns).expect("a valid program"))));
        assert_eq!(asked(), wanted);
    }
}
