use super::insn::*;
use super::*;
use crate::ffi::raw_program::RawProgram;

const PACKET: [u8; 20] =
    [0x45, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 0xff];

fn stmt(code: u16, k: u32) -> Insn {
    Insn::stmt(code, k)
}

/// The verdict on [`PACKET`], on the wire 1500 bytes long: of all forms of a program that there are for `meta`.
fn verdict(insns: &[Insn], meta: Option<&Meta>) -> u32 {
    let program = Program::new(insns).expect("a valid program");
    let verdict = program.run(&PACKET, 1500, meta);
    if program.translate() {
        assert_eq!(program.run(&PACKET, 1500, meta), verdict, "translated\n{}", dump(insns, 1));
    }
    if meta.is_none() {
        let raw = RawProgram::from(insns).run(&PACKET, 1500);
        assert_eq!(raw, verdict, "undecoded\n{}", dump(insns, 1));
    }
    verdict
}

/// The accumulator after `body`; `None` if the program rejects before its end.
fn accumulator(body: &[Insn], meta: Option<&Meta>) -> Option<u32> {
    // Half of it comes back at a time, with bit 16 set, so that it is never mistaken for a rejection.
    let half = |shift: u32| {
        let mut insns = body.to_vec();
        insns.extend([
            stmt(ALU | RSH | K, shift),
            stmt(ALU | AND | K, 0xffff),
            stmt(ALU | OR | K, 0x1_0000),
            stmt(RET_A, 0),
        ]);
        let verdict = verdict(&insns, meta);
        (verdict != 0).then_some(verdict & 0xffff)
    };
    Some(half(16)? << 16 | half(0)?)
}

#[test]
fn loads_are_big_endian_and_stay_inside() {
    let cases = [
        (LD | W | ABS, 0, Some(0x4501_0203)),
        (LD | W | ABS, 16, Some(0x1011_12ff)),
        (LD | W | ABS, 17, None),
        (LD | H | ABS, 18, Some(0x12ff)),
        (LD | H | ABS, 19, None),
        (LD | B | ABS, 19, Some(0xff)),
        (LD | B | ABS, 20, None),
        (LD | W | ABS, u32::MAX, None),
        (LD_W_LEN, 0, Some(1500)),
        (LD_IMM, 0xdead_beef, Some(0xdead_beef)),
        (LD_MEM, 15, Some(0)),
    ];
    for (code, k, want) in cases {
        assert_eq!(accumulator(&[stmt(code, k)], None), want, "code {code:#x} k {k}");
    }
}

#[test]
fn indexed_loads_and_header_lengths() {
    let at = |x, code, k| accumulator(&[stmt(LDX_IMM, x), stmt(code, k)], None);
    assert_eq!(at(2, LD | H | IND, 3), Some(0x0506));
    assert_eq!(at(16, LD | W | IND, 0), Some(0x1011_12ff));
    assert_eq!(at(16, LD | W | IND, 1), None);
    assert_eq!(at(u32::MAX, LD | B | IND, 1), None, "a wrapped sum is outside for bpf_filter");
    let ip = [stmt(LDX_B_MSH, 0), stmt(MISC_TXA, 0)];
    assert_eq!(accumulator(&ip, None), Some(20));
    assert_eq!(accumulator(&[stmt(LDX_W_LEN, 0), stmt(MISC_TXA, 0)], None), Some(1500));
}

#[test]
fn arithmetic_wraps() {
    let cases = [
        (ADD, u32::MAX, 2, Some(1)),
        (SUB, 1, 2, Some(u32::MAX)),
        (MUL, 0x8000_0001, 2, Some(2)),
        (DIV, 7, 2, Some(3)),
        (DIV, 7, 0, None),
        (MOD, 7, 4, Some(3)),
        (MOD, 7, 0, None),
        (OR, 5, 2, Some(7)),
        (AND, 6, 3, Some(2)),
        (XOR, 6, 3, Some(5)),
        (LSH, 3, 31, Some(0x8000_0000)),
        (LSH, 3, 32, Some(0)),
        (RSH, 0x8000_0000, 31, Some(1)),
        (RSH, 0x8000_0000, 32, Some(0)),
    ];
    for (op, a, operand, want) in cases {
        let by_x = [stmt(LD_IMM, a), stmt(LDX_IMM, operand), stmt(ALU | op | X, 0)];
        assert_eq!(accumulator(&by_x, None), want, "{op:#x} {a} {operand} by X");
        if want.is_some() {
            let by_k = [stmt(LD_IMM, a), stmt(ALU | op | K, operand)];
            assert_eq!(accumulator(&by_k, None), want, "{op:#x} {a} {operand} by K");
        }
    }
    assert_eq!(accumulator(&[stmt(LD_IMM, 1), stmt(ALU_NEG, 0)], None), Some(u32::MAX));
    let stored = [stmt(LD_IMM, 9), stmt(ST, 3), stmt(LDX_MEM, 3), stmt(STX, 4), stmt(LD_MEM, 4)];
    assert_eq!(accumulator(&stored, None), Some(9));
}

#[test]
fn what_validation_refuses_rejects_undecoded() {
    let raw = |insn| RawProgram::from(&[insn, stmt(RET_K, 1)][..]).run(&PACKET, 1500);
    for insn in [
        stmt(ALU | DIV | K, 0),
        stmt(ALU | MOD | K, 0),
        stmt(LD_MEM, 16),
        stmt(LDX_MEM, u32::MAX),
        stmt(ST, 16),
        stmt(STX, u32::MAX),
    ] {
        assert!(!validate(&[insn, stmt(RET_K, 1)]));
        assert_eq!(raw(insn), 0, "{}", image(&insn, 0));
    }
}

#[test]
fn shifts_past_31_bits() {
    for (op, a, lost) in [(LSH, 3, 6), (RSH, 0xc000_0000, 0x6000_0000)] {
        let by_x = [stmt(LD_IMM, a), stmt(LDX_IMM, 33), stmt(ALU | op | X, 0)];
        assert_eq!(accumulator(&by_x, None), Some(0), "libpcap shifts everything out");
        assert_eq!(accumulator(&by_x, Some(&Meta::default())), Some(lost), "the kernel by 1");
        let by_k = [stmt(LD_IMM, a), stmt(ALU | op | K, 33)];
        assert_eq!(accumulator(&by_k, None), Some(0));
    }
}

#[test]
fn scratch_memory_begins_with_zeros() {
    let sum = [
        stmt(LD_MEM, 0),
        stmt(LDX_MEM, 15),
        stmt(ALU | ADD | X, 0),
        stmt(ALU | ADD | K, 1),
        stmt(ST, 0),
        stmt(ST, 15),
        stmt(RET_A, 0),
    ];
    let program = Program::new(&sum).unwrap();
    for _ in 0..2 {
        assert_eq!(program.run(&PACKET, 1500, None), 1);
        assert_eq!(verdict(&sum, None), 1);
    }
}

#[test]
fn header_lengths_stay_inside() {
    let ip = |k| accumulator(&[stmt(LDX_IMM, 7), stmt(LDX_B_MSH, k), stmt(MISC_TXA, 0)], None);
    assert_eq!(ip(19), Some(60));
    assert_eq!(ip(20), None);
    assert_eq!(ip(u32::MAX), None);
}

#[test]
fn the_packet_is_what_is_there_not_what_was_on_the_wire() {
    let last = [stmt(LD | B | ABS, 20), stmt(RET_K, 1)];
    assert_eq!(verdict(&last, None), 0, "1500 bytes long, 20 are there");
    let len = [stmt(LD_W_LEN, 0), stmt(RET_A, 0)];
    assert_eq!(Program::new(&len).unwrap().run(&PACKET, 4, None), 4);
    assert_eq!(RawProgram::from(&len[..]).run(&PACKET, 4), 4);
    let cut = [stmt(LD | W | ABS, 16), stmt(RET_A, 0)];
    assert_eq!(RawProgram::from(&cut[..]).run(&PACKET, 0), 0x1011_12ff);
}

/// A load and the test after it are one step where they stand together, and two for who jumps between.
#[test]
fn a_test_is_jumped_to_without_its_load() {
    for (op, holds) in [(JEQ, 0x45), (JGT, 0x44), (JGE, 0x45), (JSET, 0x01)] {
        let insns = |enter: u32| {
            [
                stmt(LD_IMM, 0x45),
                stmt(JMP_JA, enter),
                stmt(LD | B | ABS, 1),
                Insn::jump(JMP | op | K, holds, 1, 0),
                stmt(RET_K, 7),
                stmt(RET_K, 8),
            ]
        };
        assert_eq!(verdict(&insns(1), None), 8, "{op:#x}: 0x45 of the immediate load");
        let loaded = if op == JSET { 8 } else { 7 };
        assert_eq!(verdict(&insns(0), None), loaded, "{op:#x}: 1 of the packet");
    }
}

#[test]
fn long_programs_run_to_their_end() {
    for len in [machine::WINDOW - 1, machine::WINDOW, machine::WINDOW + 1, 5000, 100_000] {
        let mut insns = vec![stmt(ALU | ADD | K, 1); len];
        insns.push(stmt(RET_A, 0));
        assert_eq!(verdict(&insns, None), len as u32);
        // From test to test, by the longest jumps there are, and a load before each.
        let pair = [stmt(LD | B | ABS, 0), Insn::jump(JMP | JEQ | K, 0x45, 253, 0)];
        let mut insns: Vec<Insn> = pair.iter().copied().cycle().take(len / 2 * 2).collect();
        insns.extend(vec![stmt(RET_K, 9); 256]);
        assert_eq!(verdict(&insns, None), 9);
    }
}

#[test]
fn conditions_choose_their_branch() {
    let cases = [
        (JEQ, 5, 5, true),
        (JEQ, 5, 6, false),
        (JGT, u32::MAX, 1, true),
        (JGT, 5, 5, false),
        (JGE, 5, 5, true),
        (JGE, 4, 5, false),
        (JSET, 6, 2, true),
        (JSET, 6, 1, false),
    ];
    for (op, a, operand, want) in cases {
        for src in [K, X] {
            let insns = [
                stmt(LD_IMM, a),
                stmt(LDX_IMM, operand),
                Insn::jump(JMP | op | src, operand, 1, 0),
                stmt(RET_K, 2),
                stmt(RET_K, 1),
            ];
            assert_eq!(verdict(&insns, None) == 1, want, "{op:#x} {a} {operand} {src}");
        }
    }
}

#[test]
fn loops_end() {
    // Adds 1 until 1000 is reached.
    let counting = [
        stmt(LD_IMM, 0),
        stmt(ALU | ADD | K, 1),
        Insn::jump(JMP | JGE | K, 1000, 1, 0),
        stmt(JMP_JA, 3_u32.wrapping_neg()),
        stmt(RET_A, 0),
    ];
    assert_eq!(verdict(&counting, None), 1000);
    let endless = [stmt(JMP_JA, u32::MAX), stmt(RET_K, 1)];
    assert_eq!(verdict(&endless, None), 0);
}

#[test]
fn an_unbounded_program_is_fetched_by_number() {
    let raw = |insns: &[Insn]| RawProgram::from(insns).run(&[0; 4], 4);
    assert_eq!(raw(&[stmt(JMP_JA, 1), stmt(RET_K, 1), stmt(RET_K, 7)]), 7);
    assert_eq!(raw(&[]), 0);
    // Out of it, forwards and backwards, by all ways, to where others would be.
    let all = [stmt(LD_IMM, 0), Insn::jump(JMP | JEQ | K, 0, 0, 1), stmt(RET_K, 9), stmt(RET_K, 9)];
    assert_eq!([raw(&all[..1]), raw(&all[..2]), raw(&all[1..2]), raw(&all)], [0, 0, 0, 9]);
    assert_eq!(raw(&[stmt(JMP_JA, 1), stmt(RET_K, 1)]), 0);
    assert_eq!(raw(&[stmt(JMP_JA, 2_u32.wrapping_neg()), stmt(RET_K, 1)]), 0);
    assert_eq!(raw(&[stmt(JMP_JA, i32::MAX as u32), stmt(RET_K, 1)]), 0);
    assert_eq!(raw(&[Insn::jump(JMP | JEQ | K, 0, 1, 0), stmt(RET_K, 1)]), 0);
    assert_eq!(raw(&[Insn::jump(JMP | JEQ | K, 1, 0, 255), stmt(RET_K, 1)]), 0);
    assert_eq!(raw(&[Insn::jump(JMP | JGT | X, 0, 9, 255), stmt(RET_K, 1)]), 0);
}

#[test]
fn unknown_instructions_reject() {
    let known = (0..=u8::MAX).map(u16::from).filter(|code| image::is_known(*code)).count();
    assert_eq!(known, 49);
    for code in (0..=u16::MAX).filter(|code| !image::is_known(*code)) {
        let insns = [stmt(code, 1), stmt(RET_K, 1)];
        assert_eq!(RawProgram::from(&insns[..]).run(&[0; 4], 4), 0, "code {code:#x}");
        if let Some(program) = Program::new(&insns) {
            assert_eq!(program.run(&[0; 4], 4, Some(&Meta::default())), 0, "code {code:#x}");
        }
    }
}

#[test]
fn extensions_read_the_meta_data() {
    let meta = Meta {
        protocol: 0x86dd,
        pkttype: 4,
        ifindex: 0x1_0001,
        hatype: 772,
        vlan_tci: 0xe001,
        vlan_tpid: 0x88a8,
        vlan_present: true,
        rxhash: 0xffff_0001,
        net_offset: Some(14),
    };
    let cases = [
        (SKF_AD_OFF + SKF_AD_PROTOCOL, Some(0x86dd)),
        (SKF_AD_OFF + SKF_AD_PKTTYPE, Some(4)),
        (SKF_AD_OFF + SKF_AD_IFINDEX, Some(0x1_0001)),
        (SKF_AD_OFF + SKF_AD_HATYPE, Some(772)),
        (SKF_AD_OFF + SKF_AD_VLAN_TAG, Some(0xe001)),
        (SKF_AD_OFF + SKF_AD_VLAN_TPID, Some(0x88a8)),
        (SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT, Some(1)),
        (SKF_AD_OFF + SKF_AD_RXHASH, Some(0xffff_0001)),
        (SKF_AD_OFF + SKF_AD_NLATTR, None),
        (SKF_AD_OFF + SKF_AD_NLATTR_NEST, None),
        (SKF_AD_OFF + SKF_AD_MARK, None),
        (SKF_AD_OFF + SKF_AD_QUEUE, None),
        (SKF_AD_OFF + SKF_AD_CPU, None),
        (SKF_AD_OFF + SKF_AD_RANDOM, None),
        (SKF_AD_OFF + SKF_AD_PAY_OFFSET, None),
        (SKF_AD_OFF + 1, None),
        (SKF_LL_OFF + 1, Some(1)),
        (SKF_LL_OFF + 20, None),
        (SKF_NET_OFF + 1, Some(15)),
        (SKF_NET_OFF + 6, None),
        (SKF_LL_OFF - 1, None),
    ];
    for (k, want) in cases {
        assert_eq!(accumulator(&[stmt(LD | B | ABS, k)], Some(&meta)), want, "k {k:#x}");
        assert_eq!(accumulator(&[stmt(LD | B | ABS, k)], None), None, "bpf_filter, k {k:#x}");
    }
    let unknown = Meta { net_offset: None, ..meta };
    let net = [stmt(LD | B | ABS, SKF_NET_OFF)];
    assert_eq!(accumulator(&net, Some(&unknown)), None);
    let xor =
        [stmt(LD_IMM, 6), stmt(LDX_IMM, 3), stmt(LD | W | ABS, SKF_AD_OFF + SKF_AD_ALU_XOR_X)];
    assert_eq!(accumulator(&xor, Some(&meta)), Some(5));
    let header = [stmt(LDX_B_MSH, SKF_LL_OFF), stmt(MISC_TXA, 0)];
    assert_eq!(accumulator(&header, Some(&meta)), Some(20));
    assert_eq!(accumulator(&header, None), None);
    // A field that is tested at once, and one that cannot be known.
    let tagged = |field| {
        [
            stmt(LD | B | ABS, SKF_AD_OFF + field),
            Insn::jump(JMP | JEQ | K, 1, 0, 1),
            stmt(RET_K, 7),
            stmt(RET_K, 8),
        ]
    };
    assert_eq!(verdict(&tagged(SKF_AD_VLAN_TAG_PRESENT), Some(&meta)), 7);
    assert_eq!(verdict(&tagged(SKF_AD_VLAN_TPID), Some(&meta)), 8);
    assert_eq!(verdict(&tagged(SKF_AD_MARK), Some(&meta)), 0);
    assert_eq!(verdict(&tagged(SKF_AD_VLAN_TAG_PRESENT), None), 0);
    let backwards = [stmt(LDX_IMM, 8), stmt(LD | B | IND, 2_u32.wrapping_neg())];
    assert_eq!(accumulator(&backwards, Some(&meta)), Some(6), "the kernel's offsets are signed");
}

#[test]
fn validation_is_libpcaps() {
    let ret = stmt(RET_K, 0);
    let with = |insn| validate(&[insn, ret, ret]);
    assert!(!validate(&[]));
    assert!(validate(&[ret]));
    assert!(!validate(&[ret, stmt(LD_IMM, 0)]), "the last instruction returns");
    assert!(with(stmt(ST, 15)) && !with(stmt(ST, 16)));
    assert!(with(stmt(LDX_MEM, 15)) && !with(stmt(LDX_MEM, 16)));
    assert!(!with(stmt(ALU | DIV | K, 0)) && with(stmt(ALU | DIV | X, 0)));
    assert!(!with(stmt(ALU | MOD | K, 0)) && with(stmt(ALU | MOD | K, 1)));
    assert!(with(stmt(JMP_JA, 1)) && !with(stmt(JMP_JA, 2)));
    assert!(with(stmt(JMP_JA, u32::MAX)) && !with(stmt(JMP_JA, u32::MAX - 1)));
    assert!(with(Insn::jump(JMP | JEQ | K, 0, 1, 0)) && !with(Insn::jump(JMP | JEQ | K, 0, 0, 2)));
    assert!(!with(stmt(JMP | 0x50, 0)) && !with(stmt(ALU | 0xb0, 0)));
    assert!(!with(stmt(LD | 0xc0, 0)) && !with(stmt(LDX | 0xe0, 0)));
    assert!(with(stmt(MISC | 0x40, 0)) && with(stmt(LD | 0x18 | ABS, u32::MAX)));
    assert!(validate(&[stmt(RET | X, 0)]) && validate(&[stmt(0x100 | RET, 0)]));
}

#[test]
fn the_kernel_is_stricter() {
    let ret = stmt(RET_K, 0);
    let with = |insn| kernel_accepts(&[insn, ret, ret]);
    assert!(kernel_accepts(&[ret]) && kernel_accepts(&[stmt(RET_A, 0)]));
    assert!(!kernel_accepts(&[]) && !kernel_accepts(&[stmt(RET | X, 0)]));
    assert!(kernel_accepts(&[ret; 4096]) && !kernel_accepts(&[ret; 4097]));
    // Unknown instructions, jumps backwards, and out.
    assert!(!with(stmt(MISC | 0x40, 0)) && !with(stmt(LD | 0x18 | ABS, 0)));
    assert!(!with(stmt(0x100 | LD_IMM, 0)) && !with(stmt(LDX | W | ABS, 0)));
    assert!(with(stmt(JMP_JA, 1)) && !with(stmt(JMP_JA, 2)) && !with(stmt(JMP_JA, u32::MAX)));
    assert!(with(Insn::jump(JMP | JEQ | K, 0, 1, 0)) && !with(Insn::jump(JMP | JEQ | K, 0, 0, 2)));
    // Constants.
    assert!(with(stmt(ALU | LSH | K, 31)) && !with(stmt(ALU | LSH | K, 32)));
    assert!(with(stmt(ALU | RSH | K, 31)) && !with(stmt(ALU | RSH | K, 32)));
    assert!(!with(stmt(ALU | DIV | K, 0)) && !with(stmt(ALU | MOD | K, 0)));
    assert!(with(stmt(ALU | DIV | X, 0)) && with(stmt(ST, 15)) && !with(stmt(ST, 16)));
    // Its own offsets.
    assert!(with(stmt(LD | B | ABS, SKF_AD_OFF + SKF_AD_VLAN_TPID)));
    assert!(with(stmt(LD | W | ABS, SKF_AD_OFF + SKF_AD_RANDOM)));
    assert!(with(stmt(LD | W | ABS, SKF_AD_OFF - 1)) && with(stmt(LD | W | IND, u32::MAX)));
    assert!(!with(stmt(LD | B | ABS, SKF_AD_OFF + 1)));
    assert!(!with(stmt(LD | B | ABS, SKF_AD_OFF + SKF_AD_VLAN_TPID + 4)));
}

#[test]
fn the_kernel_sees_unwritten_scratch_memory() {
    let (ret, load) = (stmt(RET_K, 0), stmt(LD_MEM, 3));
    assert!(!kernel_accepts(&[load, ret]) && !kernel_accepts(&[stmt(LDX_MEM, 3), ret]));
    assert!(kernel_accepts(&[stmt(ST, 3), load, ret]));
    assert!(!kernel_accepts(&[stmt(ST, 2), load, ret]));
    let skipping =
        |jt, jf| [Insn::jump(JMP | JEQ | K, 0, jt, jf), stmt(STX, 3), stmt(LDX_MEM, 3), ret];
    assert!(kernel_accepts(&skipping(0, 0)), "written on both ways");
    assert!(!kernel_accepts(&skipping(1, 0)) && !kernel_accepts(&skipping(0, 1)), "on one");
    assert!(kernel_accepts(&skipping(2, 0)), "not read on the other");
    assert!(!kernel_accepts(&[stmt(JMP_JA, 1), stmt(ST, 3), load, ret]));
    assert!(kernel_accepts(&[stmt(ST, 3), stmt(JMP_JA, 1), ret, load, ret]));
    assert!(kernel_accepts(&[stmt(JMP_JA, 2), load, ret, ret]), "nothing leads there");
}

#[test]
fn images_are_libpcaps() {
    let cases = [
        (stmt(LD | H | ABS, 12), 0, "(000) ldh      [12]"),
        (Insn::jump(JMP | JEQ | K, 0x800, 1, 6), 1, "(001) jeq      #0x800           jt 3\tjf 8"),
        (Insn::jump(JMP | JGT | X, 9, 0, 1), 2, "(002) jgt      x                jt 3\tjf 4"),
        (stmt(LDX_B_MSH, 14), 3, "(003) ldxb     4*([14]&0xf)"),
        (stmt(LD | B | ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT), 4, "(004) ldb      [vlanp]"),
        (stmt(LD | B | ABS, SKF_AD_OFF + 1), 5, "(005) ldb      [-4095]"),
        (stmt(LD | W | IND, u32::MAX), 6, "(006) ld       [x + -1]"),
        (stmt(JMP_JA, 10), 7, "(007) ja       18"),
        (stmt(RET_A, 0), 8, "(008) ret"),
        (stmt(ALU_NEG, 0), 9, "(009) neg"),
        (stmt(RET_K, 262_144), 1000, "(1000) ret      #262144"),
        (stmt(ALU | XOR | K, 255), 11, "(011) xor      #0xff"),
        (stmt(STX, 3), 12, "(012) stx      M[3]"),
        (stmt(0xffff, 1), 13, "(013) unimp    0xffff"),
        (stmt(0x0e, 1), 14, "(014) unimp    0xe"),
    ];
    for (insn, n, want) in cases {
        assert_eq!(image(&insn, n), want);
    }
    assert_eq!(
        image(&Insn::jump(JMP | 0x50, 7, 1, 2), 0),
        "(000) unimp    0x55             jt 2\tjf 3"
    );
}

#[test]
fn dumps_are_libpcaps() {
    let insns = [Insn::jump(JMP | JEQ | K, 0x800, 0, 1), stmt(RET_K, 262_144), stmt(RET_K, 0)];
    let first =
        "(000) jeq      #0x800           jt 1\tjf 2\n(001) ret      #262144\n(002) ret      #0\n";
    assert_eq!(dump(&insns, 1), first);
    assert_eq!(dump(&insns, 0), first);
    assert_eq!(
        dump(&insns, 2),
        "{ 0x15, 0, 1, 0x00000800 },\n{ 0x6, 0, 0, 0x00040000 },\n{ 0x6, 0, 0, 0x00000000 },\n"
    );
    assert_eq!(dump(&insns, 3), "3\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n");
}
