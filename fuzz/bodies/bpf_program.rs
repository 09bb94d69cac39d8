//! Any program on any packet: undecoded, decoded and translated it means the same, which is what the
//! reference says; and where the kernel takes the program, what the kernel says.
//!
//! The input is a byte of flags (bit 0: instructions are tamed, so that programs get far; bits 1 to 7:
//! how many there are), 8 bytes an instruction, and the packet.

use super::kernel::Kernel;
use super::reference::{self, Outcome};
use pcap::bpf::image::is_known;
use pcap::bpf::native::{self, Guarded, Native, Otherwise};
use pcap::bpf::{Insn, Meta, Program, dump, kernel_accepts, validate};
use pcap::ffi::raw_program::RawProgram;

/// What the kernel keeps beside a datagram on an `AF_UNIX` socket, as far as it matters here.
const META: Meta = Meta {
    protocol: 0,
    pkttype: 0,
    ifindex: 0,
    hatype: 0,
    vlan_tci: 0,
    vlan_tpid: 0,
    vlan_present: false,
    rxhash: 0,
    net_offset: Some(0),
};

thread_local! {
    static KERNEL: Kernel = Kernel::new().expect("a socket pair");
}

pub fn body(data: &[u8]) {
    let Some((insns, packet)) = read(data) else { return };
    check(&insns, packet);
}

/// Panics if the judges disagree.
pub fn check(insns: &[Insn], packet: &[u8]) {
    let wire_len = packet.len() as u32;
    let wanted = reference::run(insns, packet, wire_len, None);
    if !wanted.endless {
        let raw = RawProgram::from(insns).run(packet, wire_len);
        assert_eq!(raw, wanted.verdict, "undecoded, on {packet:?}\n{}", dump(insns, 1));
    }
    let program = Program::new(insns);
    assert_eq!(program.is_some(), validate(insns));
    let takes = kernel_accepts(insns);
    let Some(program) = program else {
        assert!(!takes, "the kernel is stricter than libpcap\n{}", dump(insns, 1));
        return;
    };
    if !wanted.endless {
        let decoded = program.run(packet, wire_len, None);
        assert_eq!(decoded, wanted.verdict, "decoded, on {packet:?}\n{}", dump(insns, 1));
    }
    check_native(insns, packet, wanted);
    let wanted = reference::run(insns, packet, wire_len, Some(&META));
    for form in ["decoded", "translated"] {
        if !wanted.endless {
            let verdict = program.run(packet, wire_len, Some(&META));
            let program = dump(insns, 1);
            assert_eq!(verdict, wanted.verdict, "{form}, with metadata, on {packet:?}\n{program}");
        }
        program.translate();
    }
    check_kernel(insns, packet, takes, wanted);
}

/// Panics if machine code means something else than `wanted`, or takes another program for this one.
fn check_native(insns: &[Insn], packet: &[u8], wanted: Outcome) {
    let wire_len = packet.len() as u32;
    let forms = Native::new(insns).zip(Guarded::<Another>::new(insns));
    let here = cfg!(all(target_arch = "x86_64", target_pointer_width = "64"));
    let forwards = !insns.iter().any(|insn| insn.code == 5 && insn.k > i32::MAX as u32);
    assert_eq!(forms.is_some(), here && forwards, "translated\n{}", dump(insns, 1));
    let Some((native, guarded)) = forms else { return };
    let verdict = match native.run(packet, wire_len) {
        native::Outcome::Verdict(verdict) => verdict,
        native::Outcome::Stumbled => 0,
    };
    assert_eq!(verdict, wanted.verdict, "translated, on {packet:?}\n{}", dump(insns, 1));
    let mut other = insns.to_vec();
    let verdict = guarded.run(&other, packet, wire_len);
    assert_eq!(verdict, wanted.verdict, "guarded, on {packet:?}\n{}", dump(insns, 1));
    let changed = verdict as usize % other.len();
    other[changed].k ^= 1;
    assert_eq!(guarded.run(&other, packet, wire_len), ANOTHER ^ wire_len);
}

/// Says of every program that it is another one.
struct Another;

const ANOTHER: u32 = 0xdead_beef;

impl Otherwise for Another {
    fn run(_: &[Insn], _: &[u8], wire_len: u32) -> u32 {
        ANOTHER ^ wire_len
    }
}

/// Panics if the kernel disagrees on whether it takes the program or on what it means.
fn check_kernel(insns: &[Insn], packet: &[u8], takes: bool, wanted: Outcome) {
    KERNEL.with(|kernel| {
        let taken = kernel.attach(insns);
        assert_eq!(taken.is_ok(), takes, "the kernel: {taken:?}\n{}", dump(insns, 1));
        // A socket has no device, and what is before its packets is its own affair.
        if !takes || wanted.beyond || packet.is_empty() {
            return;
        }
        let kept = kernel.filter(packet).expect("a datagram that fits");
        let wanted = wanted.verdict.min(packet.len() as u32);
        assert_eq!(wanted, kept, "the kernel, on {packet:?}\n{}", dump(insns, 1));
    });
}

/// The program and the packet that an input stands for.
fn read(data: &[u8]) -> Option<(Vec<Insn>, &[u8])> {
    let (&flags, rest) = data.split_first()?;
    let (tame, count) = (flags & 1 != 0, usize::from(flags >> 1));
    let (code, packet) = rest.split_at_checked(count * 8).unwrap_or((rest, &[]));
    let chunks = code.chunks_exact(8);
    let len = chunks.len();
    let insns = chunks.enumerate().map(|(n, bytes)| {
        let mut insn = Insn {
            code: u16::from_le_bytes([bytes[0], bytes[1]]),
            jt: bytes[2],
            jf: bytes[3],
            k: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        };
        if tame {
            make_tame(&mut insn, (len - n - 1) as u8, packet.len() as u32);
        }
        insn
    });
    Some((insns.collect(), packet.get(..packet.len().min(4096))?))
}

/// Makes of `insn`, which `left` others follow, one that mostly does not end the program.
fn make_tame(insn: &mut Insn, left: u8, packet_len: u32) {
    let known = || (0..=0xff).filter(|code| is_known(*code));
    insn.code = known().nth(usize::from(insn.code) % known().count()).unwrap_or(insn.code);
    let reach = left.max(1);
    (insn.jt, insn.jf) = (insn.jt % reach, insn.jf % reach);
    match insn.code {
        0x20 | 0x28 | 0x30 | 0xb1 => insn.k %= packet_len.max(1),
        0x05 => insn.k %= u32::from(reach),
        0x02 | 0x03 | 0x60 | 0x61 => insn.k %= 16,
        _ => {}
    }
    if left == 0 && insn.code & 7 != 6 {
        *insn = Insn::stmt(0x16, 0);
    }
}
