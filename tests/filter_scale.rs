//! Filters of many terms: programs that find an address in a few steps, that the kernel takes, and that are
//! made in a time that grows with the text.

mod support;

use pcap::bpf::insn::{
    ABS, H, IND, JA, JEQ, JGE, JGT, JMP, JSET, LD, LDX, LDX_B_MSH, LDX_IMM, RET, W,
};
use pcap::bpf::{Insn, kernel_accepts};
use pcap::filter::code::Options;
use pcap::filter::compile::compile;
use pcap::filter::{Context, Source};
use pcap::names::resolver::NoNames;
use std::time::Duration;
use support::cpu::cpu_time;
use support::distribution::Distribution;

fn program(text: &str) -> Vec<Insn> {
    compiled(text, true)
}

fn compiled(text: &str, optimise: bool) -> Vec<Insn> {
    let context = Context { dlt: 1, netmask: u32::MAX, source: Source::Dead };
    let options = Options { snaplen: 262_144, optimise };
    compile(text, context, options, &NoNames).unwrap_or_else(|error| panic!("{}", error.text))
}

/// Address number `n`, far from its neighbours.
fn address(n: u32) -> [u8; 4] {
    let scattered = n.wrapping_mul(0x9e37_79b1);
    [10, (scattered >> 24) as u8, (scattered >> 16) as u8, (scattered >> 8) as u8]
}

fn hosts(count: u32) -> String {
    let host = |n| {
        let [a, b, c, d] = address(n);
        format!("host {a}.{b}.{c}.{d}")
    };
    (0..count).map(host).collect::<Vec<_>>().join(" or ")
}

fn ports(count: u32) -> String {
    (0..count).map(|n| format!("tcp port {}", 1 + n * 6)).collect::<Vec<_>>().join(" or ")
}

fn ipv4(source: [u8; 4], destination: [u8; 4]) -> Vec<u8> {
    let mut packet = vec![0; 64];
    packet[12] = 8;
    packet[14] = 0x45;
    packet[26..30].copy_from_slice(&source);
    packet[30..34].copy_from_slice(&destination);
    packet
}

/// The verdict, and how many instructions it took. Knows what filters of addresses are made of.
fn steps(insns: &[Insn], packet: &[u8]) -> (u32, usize) {
    let (mut a, mut x, mut pc) = (0, 0, 0);
    for steps in 1.. {
        let insn = insns[pc];
        pc += 1;
        match insn.class() {
            RET => return (insn.k, steps),
            LD => {
                let base = if insn.mode() == IND { x } else { 0 };
                assert!(insn.mode() == IND || insn.mode() == ABS, "{insn:?}");
                let width = match insn.size() {
                    W => 4,
                    H => 2,
                    _ => 1,
                };
                let bytes = &packet[(base + insn.k) as usize..][..width];
                a = bytes.iter().fold(0, |n, &byte| n << 8 | u32::from(byte));
            }
            LDX if insn.code == LDX_IMM => x = insn.k,
            LDX if insn.code == LDX_B_MSH => x = u32::from(packet[insn.k as usize] & 15) * 4,
            JMP if insn.op() == JA => pc += insn.k as usize,
            JMP => {
                let holds = match insn.op() {
                    JEQ => a == insn.k,
                    JGT => a > insn.k,
                    JGE => a >= insn.k,
                    JSET => a & insn.k != 0,
                    _ => panic!("{insn:?}"),
                };
                pc += usize::from(if holds { insn.jt } else { insn.jf });
            }
            _ => panic!("{insn:?}"),
        }
    }
    unreachable!("a program ends")
}

#[test]
fn a_thousand_hosts_take_forty_steps() {
    let insns = program(&hosts(1_000));
    let mut most = 0;
    let mut check = |source, destination, wanted| {
        let (verdict, steps) = steps(&insns, &ipv4(source, destination));
        assert_eq!(verdict != 0, wanted, "{source:?} to {destination:?}");
        most = most.max(steps);
    };
    let other = |n: u32| {
        let [_, b, c, d] = address(n);
        [11, b, c, d]
    };
    for n in 0..1_000 {
        check(address(n), other(n), true);
        check(other(n), address(n), true);
        let mut near = address(n);
        near[3] ^= 1;
        let is_host = (0..1_000).any(|n| address(n) == near);
        check(near, near, is_host);
        check(other(n), other(n + 1), false);
    }
    assert!(most <= 40, "{most} steps");
}

#[test]
fn the_kernel_takes_eight_hundred_hosts() {
    let insns = program(&hosts(800));
    assert!(insns.len() <= 4_096 && kernel_accepts(&insns), "{} instructions", insns.len());
}

/// A list: what joins its terms, and the term of a number.
type List = (&'static str, fn(u32) -> String);

/// Lists that alternate between `and` and `or`.
const ALTERNATING: &[List] = &[
    (" and ", |i| format!("(net 10.0.{i} or port {})", i + 1)),
    (" and ", |i| format!("(not net 10.0.{i} or port {})", i + 1)),
    (" and ", |i| format!("(net 10.0.{i} or not port {})", i + 1)),
    (" and ", |i| format!("(host 10.0.0.{i} or host 10.0.1.{i})")),
    (" and ", |i| format!("(src net 10.0.{i} or dst net 10.1.{i} or tcp dst port {i})")),
    (" and ", |i| format!("(net 10.0.{i} or (port {i} and not host 10.0.0.{i}))")),
    (" and ", |i| format!("not (host 10.0.{i}.1 and port {})", i + 1)),
    (" and ", |i| format!("(ip6 host 2001:db8::{i} or tcp port {i})")),
    (" and ", |i| format!("(less {} or port {i})", i * 10)),
    (" and ", |i| format!("(ip[{i}] = {i} or tcp[{i}] = 3)")),
    (" or ", |i| format!("(net 10.0.{i} and port {})", i + 1)),
    (" or ", |i| format!("(host 10.0.{i}.1 and not port {})", i + 1)),
    (" or ", |i| format!("(not host 10.0.{i}.1 and port {})", i + 1)),
    (" or ", |i| format!("(src net 10.{i} and dst net 10.{})", i + 1)),
    (" or ", |i| format!("(net 10.0.{i} and (port {i} or not host 10.0.0.{i}))")),
    (" or ", |i| format!("not (host 10.0.{i}.1 or port {})", i + 1)),
];

/// What terms have in common is made use of only as far as it makes the program shorter.
#[test]
fn alternating_lists_stay_short() {
    let library = Distribution::get().expect("libpcap is installed");
    for (joint, term) in ALTERNATING {
        for n in [2, 3, 5, 10, 20, 40, 60] {
            let text = (1..=n).map(term).collect::<Vec<_>>().join(joint);
            let (ours, plain) = (program(&text).len(), compiled(&text, false).len());
            let theirs = library.compile(&text, 1, u32::MAX, true).expect(&text).len();
            assert!(ours <= plain, "{ours} instructions, {plain} unoptimised: {text}");
            assert!(ours <= theirs + theirs / 20 + 12, "{ours} instructions for {theirs}: {text}");
        }
    }
}

#[test]
fn time_grows_with_the_text() {
    for text in [hosts as fn(u32) -> String, ports] {
        let time = |count| {
            let text = text(count);
            let begun = cpu_time();
            program(&text);
            cpu_time().saturating_sub(begun)
        };
        // Debug builds are some twenty times slower than what is released.
        let (small, large) = (time(1_000).max(Duration::from_millis(20)), time(10_000));
        assert!(large < small * 40, "{small:?} for 1,000 terms, {large:?} for 10,000");
        assert!(large < Duration::from_secs(60), "{large:?}");
    }
}
