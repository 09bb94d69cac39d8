//! Filters that the distribution's libpcap (1.10.3) gets wrong, and ours does not: that ours is right,
//! and, so that the list stays honest, that the other is wrong in the way that is written here.

mod support;

use pcap::bpf::{Insn, Program, dump};
use pcap::filter::code::Options;
use pcap::filter::compile::compile;
use pcap::filter::{Context, Source};
use pcap::names::resolver::System;
use support::distribution::Distribution;
use support::dlt;
use support::judge::{Verdict, judge};
use support::kernel::Kernel;
use support::packets::{Packet, Packets};
use support::tree::tree;

/// What the distribution's library makes of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theirs {
    /// A program that is wrong on some packet, optimised or not.
    Wrong,
    /// One that is wrong if it is optimised, only.
    WrongOptimised,
    /// An error, though it means something.
    Refused,
    /// An error if it is optimised, only.
    RefusedOptimised,
    /// A program that the kernel does not take.
    NotForKernel,
    /// A right program. Newer libraries are wrong.
    Right,
}

use Theirs::{NotForKernel, Refused, RefusedOptimised, Right, Wrong, WrongOptimised};

const ROWS: &[(i32, &str, Theirs)] = &[
    // A comparison before the first test behind a header of variable length overwrites the scratch
    // word that holds its length.
    (dlt::IEEE802_11, "len > 50 and ip", Wrong),
    (dlt::IEEE802_11, "link[0] = 8 and ip", Wrong),
    (dlt::IEEE802_11_RADIO, "len > 50 and tcp", Wrong),
    (dlt::IEEE802_11_RADIO_AVS, "len > 50 and ip6", Wrong),
    (dlt::PPI, "len > 50 and ip", Wrong),
    (dlt::PFLOG, "len > 50 and udp", Wrong),
    (dlt::IEEE802_11, "ip and len > 50", Right),
    (dlt::IEEE802_11, "greater 50 and ip", Right),
    (dlt::IEEE802_11_RADIO, "radio[16] >= 0 and type data subtype qos-data and ip", Wrong),
    // The optimiser takes it that what holds of a masked value holds of the value.
    (dlt::IEEE802_11, "type mgt or type data or type mgt", WrongOptimised),
    (dlt::IEEE802_11, "type mgt and type ctl or type mgt", WrongOptimised),
    (dlt::IEEE802_11, "not type mgt and not type ctl and not type mgt", RefusedOptimised),
    (dlt::EN10MB, "ip broadcast and tcp or ip broadcast and udp", WrongOptimised),
    (dlt::EN10MB, "ip broadcast or ip6 or ip broadcast", WrongOptimised),
    (dlt::MTP2, "opc (0 or 017777 or 0)", WrongOptimised),
    (dlt::MTP2, "sls 0 or lssu or sls 0", WrongOptimised),
    (dlt::EN10MB, "net 0.0.0.0/8 or tcp or net 0.0.0.0/8", Right),
    (dlt::EN10MB, "tcp[13] & 0x12 = 0 or tcp[13] & 0x12 = 2 or tcp[13] & 0x12 = 0", Right),
    (dlt::LOOP, "(sctp or src and dst net fe80::/48) and src net fe80::/48", WrongOptimised),
    // Scratch memory is read that has not been written.
    (dlt::EN10MB, "geneve or ip", NotForKernel),
    (dlt::EN10MB, "geneve 7 or tcp", NotForKernel),
    (dlt::EN10MB, "ip or geneve or arp", NotForKernel),
    (dlt::EN10MB, "geneve 0xb or udp or arp", NotForKernel),
    (dlt::EN10MB, "vxlan or ip", Refused),
    (dlt::EN10MB, "vxlan and ip", Refused),
    (dlt::EN10MB, "vxlan 7 and ip", Refused),
    (dlt::IEEE802_11_RADIO, "(len > 1) and port 127 or pppoes", Wrong),
    (dlt::IEEE802_11_RADIO, "geneve", NotForKernel),
    // Operators without a precedence of their own take all that is right of them.
    (dlt::EN10MB, "10 % 4 + 1 = 0", Right),
    (dlt::EN10MB, "2 * 7 % 4 = 6", Right),
    (dlt::EN10MB, "8 ^ 1 + 1 = 10", Right),
    (dlt::EN10MB, "8 ^ 3 & 1 = 9", Right),
    // != is =.
    (dlt::MTP2, "dpc != 100", Wrong),
    (dlt::MTP2, "opc != 1", Wrong),
    (dlt::MTP2, "sls != 7", Wrong),
    (dlt::MTP2, "sio != 3", Wrong),
    (dlt::MTP2, "hsio != 3", Wrong),
    (dlt::SUNATM, "vpi != 0", Wrong),
    (dlt::SUNATM, "vci != 5", Wrong),
    // Nothing is loaded.
    (dlt::EN10MB, "byte 0 & 1", Wrong),
    (dlt::EN10MB, "byte 20 | 0", Wrong),
    // Any byte but 0 is taken for 1.
    (dlt::SLIP, "outbound", Wrong),
    // 240.0.0.0/4 is taken for multicast.
    (dlt::EN10MB, "ip multicast", Wrong),
    // Reserved bits of the type of an IS-IS PDU are compared.
    (dlt::EN10MB, "l1", Wrong),
    (dlt::EN10MB, "l2", Wrong),
    (dlt::EN10MB, "iih", Wrong),
    (dlt::EN10MB, "lsp", Wrong),
    (dlt::EN10MB, "snp", Wrong),
    (dlt::EN10MB, "csnp", Wrong),
    (dlt::EN10MB, "psnp", Wrong),
    (dlt::EN10MB, "isis proto 15", Wrong),
    // Other bytes than those of the header.
    (dlt::ARCNET, "ip", Wrong),
    (dlt::ARCNET, "arp", Wrong),
    (dlt::ARCNET, "link src host $2b", Wrong),
    (dlt::ARCNET_LINUX, "link dst host $1", Wrong),
    // What is new.
    (dlt::EN10MB, "vxlan", Refused),
    (dlt::EN10MB, "vxlan 7", Refused),
    (dlt::EN10MB, "ether proto lldp", Refused),
    (dlt::EN10MB, "ether proto slow", Refused),
    (dlt::IEEE802_11, "type ctl subtype bar", Refused),
    (dlt::IEEE802_11, "type ctl subtype ba", Refused),
    (dlt::PPI, "type mgt subtype beacon", Refused),
    (dlt::PPI, "dir tods", Refused),
    (dlt::DSA_TAG_BRCM, "ether host 00:01:02:03:04:05", Refused),
    (dlt::DSA_TAG_DSA, "vlan and ip", Refused),
    (dlt::DSA_TAG_DSA, "outbound", Wrong),
    (dlt::BACNET_MS_TP, "link host $2b", Refused),
    (dlt::BACNET_MS_TP, "broadcast", Refused),
    (dlt::LINUX_SLL, "vlan and ip", Refused),
    (dlt::LINUX_SLL2, "vlan 100 and tcp", Refused),
    // Behind an authentication header, the next is looked for as if nothing were before it.
    (dlt::EN10MB, "ip protochain 6", Wrong),
    (dlt::EN10MB, "ip6 protochain 58", Wrong),
    (dlt::RAW, "protochain 17", Wrong),
    // What has to hold for an index on the right of an operator is forgotten.
    (dlt::EN10MB, "ip[2:2] - tcp[12] > 0", Wrong),
    (dlt::EN10MB, "len - udp[4:2] = 34", Wrong),
    // The index is taken for the divisor, or for the shift.
    (dlt::EN10MB, "len / ip[0] > 0", Refused),
    (dlt::EN10MB, "len % ip[0] > 0", Refused),
    (dlt::EN10MB, "1 << ip[32] & 3 = 2", Refused),
    // Words that may be anything have to be there.
    (dlt::ATM_RFC1483, "net 0.0.0.0/0", Wrong),
];

/// Filters that look for something where no packet has it: before its beginning, or in a header that
/// nobody knows the place of. They match nothing and are no errors. 1.10.3's programs are not for the
/// kernel, or differ when they are optimised.
const NOWHERE: &[(i32, &str)] = &[
    (dlt::JUNIPER_ES, "ip[0] = 0x45"),
    (dlt::JUNIPER_VP, "ip[0] = 0x45"),
    (dlt::JUNIPER_VS, "ip[0] = 0x45"),
    (dlt::JUNIPER_ST, "ip[0] = 0x45"),
    (dlt::JUNIPER_ISM, "ip[0] = 0x45"),
    (dlt::JUNIPER_SRX_E2E, "ip[0] = 0x45"),
    (dlt::JUNIPER_ATM_CEMIC, "ip[0] = 0x45"),
    (dlt::JUNIPER_ES, "moprc[20:1] >= 255"),
    (dlt::EN10MB, "igrp[-15:1] = 0"),
];

/// Nonsense that 1.10.3 takes.
const TAKEN: &[(i32, &str)] = &[
    (dlt::EN10MB, "ip proto 256"),
    (dlt::EN10MB, "ether proto 65536"),
    (dlt::EN10MB, "decnet host 64.1"),
    (dlt::EN10MB, "decnet host 1.2.3"),
    (dlt::EN10MB, "byte 0 = 256"),
    (dlt::SUNATM, "vpi 256"),
    (dlt::SUNATM, "vci 65536"),
    (dlt::IEEE802_11, "dir 4"),
    (dlt::EN10MB, "iso proto 256"),
    (dlt::EN10MB, "isis proto 256"),
    (dlt::EN10MB, "portrange 1-2-3"),
    (dlt::EN10MB, "ether proto 1000"),
    (dlt::BACNET_MS_TP, "ip"),
    // Only the kernel can tell.
    (dlt::EN10MB, "inbound"),
    (dlt::EN10MB, "outbound or ip"),
    (dlt::EN10MB, "ifindex 1"),
    (dlt::RAW, "outbound"),
];

/// Nonsense that neither takes.
const REFUSED: &[&str] = &["1 / 0 = 1", "len % 0 = 1", "len << 32 = 0", "len >> 32 = 0"];

fn context(dlt: i32) -> Context {
    Context { dlt, netmask: 0xffff_ff00, source: Source::Dead }
}

fn ours(dlt: i32, text: &str, optimise: bool) -> Result<Vec<Insn>, String> {
    let options = Options { snaplen: 262_144, optimise };
    compile(text, context(dlt), options, &System).map_err(|error| error.one_line(text))
}

/// The distribution's library, if it is the one that this is about.
fn theirs() -> Option<&'static Distribution> {
    let library = Distribution::get().expect("libpcap is installed");
    library.version().starts_with("libpcap version 1.10.3 ").then_some(library)
}

/// Packets among which are those that show it: of the usual lengths and shorter ones.
fn packets(dlt: i32, text: &str) -> Vec<Packet> {
    let expr = tree(text).expect("a tree");
    let mut packets = Packets::for_filter(1, &expr);
    let pair = |_| {
        let whole = packets.whole(dlt);
        let mut short = packets.cut(&whole);
        short.wire_len = short.bytes.len() as u32;
        [whole, short]
    };
    (0..1500).flat_map(pair).collect()
}

/// The first packet on which a program is wrong.
fn wrong_on(dlt: i32, text: &str, insns: &[Insn], packets: &[Packet]) -> Option<Packet> {
    let expr = tree(text).expect("a tree");
    let program = Program::new(insns).expect("a valid program");
    let is_wrong = |packet: &&Packet| {
        let verdicts = judge(&expr, &context(dlt), &packet.bytes, packet.wire_len, None)
            .expect("it means something on that link type");
        let accepted = program.run(&packet.bytes, packet.wire_len, None) != 0;
        verdicts.objection(accepted).is_some()
    };
    packets.iter().find(is_wrong).cloned()
}

#[test]
fn ours_are_right() {
    let kernel = Kernel::new();
    let mut wrong = Vec::new();
    for &(dlt, text, _) in ROWS {
        let packets = packets(dlt, text);
        for optimise in [false, true] {
            let insns = match ours(dlt, text, optimise) {
                Ok(insns) => insns,
                Err(error) => {
                    wrong.push(format!("{text} on {dlt}, optimised {optimise}: {error}"));
                    continue;
                }
            };
            if let Some(packet) = wrong_on(dlt, text, &insns, &packets) {
                wrong.push(format!("{text} on {dlt}: {}\n{}", packet.hex(), dump(&insns, 1)));
            }
            if !text.contains("protochain")
                && let Err(error) = kernel.attach(&insns)
            {
                wrong.push(format!("{text} on {dlt}: {error}\n{}", dump(&insns, 1)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_nowhere_matches_nothing() {
    let kernel = Kernel::new();
    for &(dlt, text) in NOWHERE {
        for optimise in [false, true] {
            let insns = ours(dlt, text, optimise)
                .unwrap_or_else(|error| panic!("{text} on {dlt}, optimised {optimise}: {error}"));
            kernel.attach(&insns).expect("a program for the kernel");
            let program = Program::new(&insns).expect("a valid program");
            for packet in packets(dlt, text) {
                assert_eq!(program.run(&packet.bytes, packet.wire_len, None), 0, "{text} on {dlt}");
            }
        }
    }
}

/// Linux's check of programs takes what is not written before a return for not written behind it: scratch
/// words may not be read behind a return that stands in the middle.
#[test]
fn the_kernel_takes_programs_with_scratch_words() {
    let kernel = Kernel::new();
    for (dlt, text) in [
        (
            dlt::JUNIPER_PPPOE,
            "(ip6 multicast or geneve and !udp port 25 or vxlan 1173) and tcp src port 53",
        ),
        (
            dlt::IEEE802_11_RADIO_AVS,
            "src 192.168.1.99 or not host fe80::4dd:b3bd or not (ether host 0011.2233.b1af and \
             (src fe80::7337:9d0 and not (udp dst port 443 and link host 00112233d616))) or \
             (not (byte 16 | 86 and not dir tods or stp) and ::1)",
        ),
    ] {
        for optimise in [false, true] {
            let insns = ours(dlt, text, optimise).expect("a program");
            kernel
                .attach(&insns)
                .unwrap_or_else(|error| panic!("{text} on {dlt}: {error}\n{}", dump(&insns, 1)));
        }
    }
}

/// The packets above are such that a filter that accepts or rejects all would be found.
#[test]
fn there_are_packets_of_both_kinds() {
    let mut one = Vec::new();
    for &(dlt, text, _) in ROWS {
        let expr = tree(text).expect("a tree");
        let answers: Vec<Verdict> = packets(dlt, text)
            .iter()
            .filter_map(|packet| {
                let verdicts = judge(&expr, &context(dlt), &packet.bytes, packet.wire_len, None);
                verdicts.ok().map(|verdicts| verdicts.strict)
            })
            .collect();
        // Numbers alone, and headers that nobody knows the place of.
        let constant =
            text.starts_with(|first: char| first.is_ascii_digit()) && !text.contains('[');
        let accepts = constant || answers.contains(&Verdict::Accept);
        let rejects = constant || answers.iter().any(|answer| *answer != Verdict::Accept);
        if !(accepts && (rejects || constant)) {
            one.push(format!("{text} on {dlt}: {accepts}, {rejects}"));
        }
    }
    assert!(one.is_empty(), "{one:#?}");
}

#[test]
fn theirs_are_wrong() {
    let Some(library) = theirs() else { return };
    let kernel = Kernel::new();
    let mut different = Vec::new();
    for &(dlt, text, expected) in ROWS {
        let compiled = [false, true]
            .map(|optimise| library.compile(text, dlt, context(dlt).netmask, optimise));
        let packets = packets(dlt, text);
        let [plain, optimised] = compiled.each_ref().map(|compiled| {
            compiled.as_ref().map(|insns| wrong_on(dlt, text, insns, &packets).is_some())
        });
        let taken = compiled.iter().flatten().all(|insns| {
            // Programs with loops are not for the kernel in either library.
            text.contains("protochain") || kernel.attach(insns).is_ok()
        });
        let found = match (plain, optimised) {
            (Err(_), Err(_)) => Refused,
            (Ok(false), Err(_)) => RefusedOptimised,
            _ if !taken => NotForKernel,
            (Ok(false), Ok(true)) => WrongOptimised,
            (Ok(false), Ok(false)) => Right,
            _ => Wrong,
        };
        if found != expected {
            different.push(format!("{text} on {dlt}: {found:?}, not {expected:?}"));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
fn nonsense_is_refused() {
    let library = theirs();
    for &(dlt, text) in TAKEN {
        for optimise in [false, true] {
            assert!(ours(dlt, text, optimise).is_err(), "{text} on {dlt}");
        }
        if let Some(library) = library {
            let theirs = library.compile(text, dlt, 0, false);
            assert_eq!(theirs.err(), None, "{text} on {dlt} in theirs");
        }
    }
    for text in REFUSED {
        assert!(ours(dlt::EN10MB, text, true).is_err(), "{text}");
        if let Some(library) = library {
            assert!(library.compile(text, dlt::EN10MB, 0, true).is_err(), "{text} in theirs");
        }
    }
}

/// Loads that do not matter are left out by their optimiser and not by ours: a packet that is too short
/// may pass or not, but one that is long enough is never judged differently.
#[test]
fn loads_that_do_not_matter() {
    for text in ["ether[2000] & 0 = 0", "ip[0] * 0 = 0 or arp", "link[100] | 0xffffffff != 0"] {
        let packets = packets(dlt::EN10MB, text);
        for optimise in [false, true] {
            let insns = ours(dlt::EN10MB, text, optimise).expect("a program");
            assert_eq!(wrong_on(dlt::EN10MB, text, &insns, &packets), None, "{text}");
        }
    }
}
