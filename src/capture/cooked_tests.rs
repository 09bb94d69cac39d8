use super::*;
use crate::bpf::insn::*;
use crate::bpf::{Meta, Program};

const FROM: LinkAddr = LinkAddr {
    protocol: 0x0800_u16.to_be(),
    hatype: 772,
    pkttype: 4,
    halen: 6,
    addr: [1, 2, 3, 4, 5, 6, 7, 8],
    ifindex: 0x0102_0304,
};

const META: Meta = Meta {
    protocol: 0x0800,
    pkttype: 4,
    ifindex: 0x0102_0304,
    hatype: 772,
    vlan_tci: 5,
    vlan_tpid: 0x8100,
    vlan_present: true,
    rxhash: 0,
    net_offset: None,
};

#[test]
fn headers_are_laid_out_as_documented() {
    assert_eq!(sll(&FROM), [0, 4, 3, 4, 0, 6, 1, 2, 3, 4, 5, 6, 7, 8, 8, 0]);
    assert_eq!(sll2(&FROM), [8, 0, 0, 0, 1, 2, 3, 4, 3, 4, 4, 6, 1, 2, 3, 4, 5, 6, 7, 8]);
}

/// A packet as the user sees it.
fn cooked_packet(cooked: Cooked, payload: &[u8]) -> Vec<u8> {
    let header = match cooked {
        Cooked::Sll => sll(&FROM).to_vec(),
        Cooked::Sll2 => sll2(&FROM).to_vec(),
    };
    [&header, payload].concat()
}

/// What `insns` leave in A, in two halves that are never 0.
fn results(insns: &[Insn], packet: &[u8], meta: Option<&Meta>) -> [u32; 2] {
    [16, 0].map(|shift| {
        let tail = [
            Insn::stmt(ALU | RSH | K, shift),
            Insn::stmt(ALU | AND | K, 0xffff),
            Insn::stmt(ALU | OR | K, 0x1_0000),
            Insn::stmt(RET_A, 0),
        ];
        let whole = [insns, &tail].concat();
        Program::new(&whole).expect("a valid program").run(packet, 100, meta)
    })
}

/// Every load from every place, with what it is rewritten to giving the same result or with
/// nothing at all; the places that have to be rewritten are.
#[test]
fn rewritten_loads_give_the_same() {
    let payload: Vec<u8> = (0x40..0x50).collect();
    for cooked in [Cooked::Sll, Cooked::Sll2] {
        let header = cooked.header_len() as u32;
        let packet = cooked_packet(cooked, &payload);
        let mut kernel_can = Vec::new();
        for k in 0..packet.len() as u32 + 2 {
            for size in [B, H, W] {
                let load = [Insn::stmt(LD | size | ABS, k)];
                let Some(rewritten) = rewrite_for_kernel(&load, cooked) else {
                    assert!(k < header, "{cooked:?} {k} {size:#x}");
                    continue;
                };
                if k < header {
                    kernel_can.push((k, size));
                }
                let want = results(&load, &packet, None);
                let got = results(&rewritten, &payload, Some(&META));
                assert_eq!(got, want, "{cooked:?} {k} {size:#x}");
            }
        }
        let want: &[(u32, u16)] = match cooked {
            Cooked::Sll => &[(0, B), (0, H), (1, B), (2, H), (14, H)],
            Cooked::Sll2 => &[(0, H), (2, B), (2, H), (3, B), (4, W), (8, H), (10, B)],
        };
        assert_eq!(kernel_can, want, "{cooked:?}");
    }
}

#[test]
fn computed_places() {
    let payload: Vec<u8> = (0x40..0x60).collect();
    for cooked in [Cooked::Sll, Cooked::Sll2] {
        let header = cooked.header_len() as u32;
        let packet = cooked_packet(cooked, &payload);
        for (x, k) in [(0, header), (3, header), (20, header + 5), (30, header), (400, header)] {
            let into = |insn| vec![Insn::stmt(LDX_IMM, x), insn, Insn::stmt(STX, 0)];
            for insn in [Insn::stmt(LD | H | IND, k), Insn::stmt(LDX_B_MSH, k)] {
                let original = into(insn);
                let rewritten = rewrite_for_kernel(&original, cooked).expect("payload only");
                let finish = |mut insns: Vec<Insn>| {
                    insns.extend([Insn::stmt(LDX_MEM, 0), Insn::stmt(ALU | ADD | X, 0)]);
                    insns
                };
                let want = results(&finish(original), &packet, None);
                let got = results(&finish(rewritten), &payload, Some(&META));
                assert_eq!(got, want, "{cooked:?} x {x} k {k}");
            }
        }
        for insn in [Insn::stmt(LD | B | IND, header - 1), Insn::stmt(LDX_B_MSH, header - 1)] {
            assert_eq!(rewrite_for_kernel(&[insn], cooked), None);
        }
    }
}

#[test]
fn the_length_includes_the_header() {
    for insn in [Insn::stmt(LD_W_LEN, 0), Insn::stmt(LDX_W_LEN, 0)] {
        assert_eq!(rewrite_for_kernel(&[insn], Cooked::Sll), None);
    }
}

#[test]
fn the_rest_of_a_program_stays() {
    let program = [
        Insn::stmt(LD | B | ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT),
        Insn::stmt(LD | H | ABS, SKF_NET_OFF + 2),
        Insn::stmt(LD_MEM, 1),
        Insn::stmt(LDX_IMM, 3),
        Insn::jump(JMP | JEQ | K, 2, 0, 0),
        Insn::stmt(RET_K, 12),
    ];
    for cooked in [Cooked::Sll, Cooked::Sll2] {
        assert_eq!(rewrite_for_kernel(&program, cooked).as_deref(), Some(&program[..]));
    }
}

#[test]
#[cfg(target_endian = "little")]
fn can_frames_are_fixed_and_restored() {
    let host = [0x44, 0x33, 0x22, 0x11, 0x04, 0x00, 0, 0, 0xaa, 0xbb, 0xcc, 0xdd, 0xee];
    let cases = [(P_CAN, 0x04, 0x00), (P_CANFD, 0x04, 0x04), (P_CANXL, 0x84, 0x00), (0, 0x04, 0)];
    for (protocol, flags, fd_flags) in cases {
        let mut frame = host;
        let undo = fix_can(&mut frame, protocol);
        let mut want = host;
        want[..6].copy_from_slice(&[0x11, 0x22, 0x33, 0x44, flags, fd_flags]);
        assert_eq!(frame, want, "{protocol:#x}");
        undo.undo(&mut frame);
        assert_eq!(frame, host);
    }
    let mut odd = [0, 0, 0, 0, 0x88, 0xff, 0, 0];
    fix_can(&mut odd, P_CAN);
    assert_eq!(odd[4..6], [0x08, 0xfb], "flags of other kinds of frames are cleared");
    for len in 0..host.len() {
        let mut cut = host;
        let (frame, beyond) = cut.split_at_mut(len);
        let undo = fix_can(frame, P_CANFD);
        assert_eq!(beyond, &host[len..]);
        if len < 4 {
            assert_eq!(frame, &host[..len]);
        } else {
            assert_eq!(frame[..4], [0x11, 0x22, 0x33, 0x44]);
        }
        undo.undo(frame);
        assert_eq!(cut, host);
    }
}

#[test]
fn can_filters() {
    let runs = |insn| can_runs_in_kernel(&[insn, Insn::stmt(RET_K, 1)]);
    assert!(runs(Insn::stmt(LD | B | ABS, 12)));
    assert!(runs(Insn::stmt(LD | W | ABS, SKF_AD_OFF + SKF_AD_PKTTYPE)));
    assert!(runs(Insn::stmt(LD_W_LEN, 0)));
    assert!(!runs(Insn::stmt(LD | W | ABS, 0)));
    assert!(!runs(Insn::stmt(LD | B | ABS, 5)));
    assert!(!runs(Insn::stmt(LDX_B_MSH, 3)));
    assert!(!runs(Insn::stmt(LD | B | IND, 100)));
}
