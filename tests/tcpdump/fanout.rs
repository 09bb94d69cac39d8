//! Four tcpdumps that share one interface's flows: README.md's example of `PCAP_LINUX_OPTIONS`.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::Duration;

use crate::support::frames::ethernet;
use crate::support::netns::{self, private};
use crate::support::savefile::Savefile;
use crate::support::tcpdump::Bench;
use crate::support::traffic::RawSender;

/// The interface's own address, and its neighbour's.
const HOST: [u8; 6] = [2, 0, 0, 0, 0, 1];
const NEIGHBOUR: [u8; 6] = [2, 0, 0, 0, 0, 0];

/// What belongs together must come to one tcpdump: kind, number.
type Flow = (&'static str, u8);

/// A packet of a flow, and whether it goes the other way.
struct Sent {
    flow: Flow,
    back: bool,
    frame: Vec<u8>,
}

/// The two ends of a conversation, turned around on the way back.
fn ends<T>(back: bool, here: T, there: T) -> (T, T) {
    if back { (there, here) } else { (here, there) }
}

fn ipv4(flow: u8, back: bool, protocol: u8, fragment: u16, rest: &[u8]) -> Vec<u8> {
    let (from, to) = ends(back, [10, 0, 0, flow], [10, 1, flow, 9]);
    let len = u16::try_from(20 + rest.len()).expect("a packet's size").to_be_bytes();
    let fragment = fragment.to_be_bytes();
    let head = [0x45, 0, len[0], len[1], 0, flow, fragment[0], fragment[1], 64, protocol, 0, 0];
    [&head[..], &from, &to, rest].concat()
}

fn ipv6(flow: u8, back: bool, protocol: u8, rest: &[u8]) -> Vec<u8> {
    let mut here = [0; 16];
    here[..4].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
    let mut there = here;
    (here[15], there[14]) = (flow, 1);
    let (from, to) = ends(back, here, there);
    let len = u16::try_from(rest.len()).expect("a packet's size").to_be_bytes();
    [&[0x60, 0, 0, 0, len[0], len[1], protocol, 64][..], &from, &to, rest].concat()
}

/// Ports, and what comes behind them in a packet of this number.
fn ports(flow: u8, back: bool, number: u8, header: usize) -> Vec<u8> {
    let (from, to) = ends(back, 40_000 + u16::from(flow), 80);
    let mut segment = [from.to_be_bytes(), to.to_be_bytes()].concat();
    segment.resize(header, 0);
    if header == 20 {
        segment[12] = 0x50;
    } else {
        segment[5] = 28;
    }
    segment.resize(header + 20, number);
    segment
}

fn tagged(flow: u8, packet: &[u8]) -> Vec<u8> {
    [&[0, flow, 8, 0], packet].concat()
}

fn arp(flow: u8, back: bool) -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4, 0, if back { 2 } else { 1 }];
    let (from, to) = ends(back, [10, 0, 0, flow], [10, 0, 0, 200]);
    [&head[..], &NEIGHBOUR, &from, &HOST, &to].concat()
}

/// One packet of each kind of flow, no two alike.
fn packets(flow: u8, back: bool, number: u8) -> Vec<(&'static str, u16, Vec<u8>)> {
    let (tcp, udp) = (ports(flow, back, number, 20), ports(flow, back, number, 8));
    let mut packets = vec![
        ("tcp", 0x0800, ipv4(flow, back, 6, 0, &tcp)),
        ("udp", 0x0800, ipv4(flow, back, 17, 0, &udp)),
        ("tcp over IPv6", 0x86dd, ipv6(flow, back, 6, &tcp)),
        ("udp over IPv6", 0x86dd, ipv6(flow, back, 17, &udp)),
        ("vlan", 0x8100, tagged(flow, &ipv4(flow, back, 6, 0, &tcp))),
    ];
    if number < 2 {
        packets.push(("arp", 0x0806, [arp(flow, back), vec![number]].concat()));
        // A datagram of three fragments: the ports are in the first one only.
        for (part, place) in [0x2000_u16, 0x2000 | 3, 6].into_iter().enumerate() {
            let rest = if part == 0 { &udp[..24] } else { &[number; 24][..] };
            packets.push(("fragments", 0x0800, ipv4(flow, back, 17, place, rest)));
        }
    }
    packets
}

fn trace() -> Vec<Sent> {
    let mut all = Vec::new();
    for number in 0..6 {
        for flow in 0..24 {
            for back in [false, true] {
                for (kind, ethertype, packet) in packets(flow, back, number) {
                    let mut frame =
                        ethernet(if back { NEIGHBOUR } else { HOST }, ethertype, &packet);
                    frame[6..12].copy_from_slice(if back { &HOST } else { &NEIGHBOUR });
                    all.push(Sent { flow: (kind, flow), back, frame });
                }
            }
        }
    }
    all
}

/// Together they see each packet of a mixed trace once, and none sees a part of a flow.
#[test]
fn four_that_share_the_flows() {
    private(|| {
        netns::veth();
        let bench = Bench::new().with_options("fanout=hash,group=7,buffer=16M");
        let mut four: Vec<_> = (0..4).map(|_| bench.start_one("-i v1 -n -U -w out")).collect();
        netns::wait_until("all four listen", || four.iter().all(|one| one.listens()));
        let trace = trace();
        let (there, here) = (RawSender::new("v0"), RawSender::new("v1"));
        for sent in &trace {
            // As a mirror of a switch does it where there is a tag: the kernel does not look behind one that a program
            // puts into what it sends.
            let sender = if sent.back && sent.flow.0 != "vlan" { &here } else { &there };
            sender.send(&sent.frame);
        }
        let whole = 4 * 24 + trace.iter().map(|sent| 16 + sent.frame.len() as u64).sum::<u64>();
        let written = || four.iter().map(|one| one.file_len("out")).sum::<u64>();
        let came = netns::eventually(|| written() >= whole);
        // What came twice would be here by now.
        sleep(Duration::from_millis(300));
        for one in &mut four {
            one.signal(libc::SIGINT);
        }
        let runs: Vec<_> = four.into_iter().map(|one| one.finish()).collect();
        let said = || runs.iter().map(|run| run.stderr.as_str()).collect::<String>();
        assert!(came, "not all of {whole} bytes were written:\n{}", said());
        check(&trace, &runs.iter().map(|run| run.dir.join("out")).collect::<Vec<_>>());
        for run in &runs {
            assert_eq!(run.count("dropped by kernel"), 0, "{}", said());
        }
    });
}

fn check(trace: &[Sent], files: &[std::path::PathBuf]) {
    let mut seen: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
    for (who, file) in files.iter().enumerate() {
        let records = Savefile::read(file).records;
        assert!(!records.is_empty(), "tcpdump {who} has nothing");
        for record in records {
            seen.entry(record.data).or_default().push(who);
        }
    }
    let mut flows: BTreeMap<Flow, BTreeSet<usize>> = BTreeMap::new();
    for Sent { flow, back, frame } in trace {
        let who = seen.remove(frame).unwrap_or_default();
        assert_eq!(who.len(), 1, "{flow:?}, back {back}: seen by {who:?}: {frame:x?}");
        flows.entry(*flow).or_default().extend(who);
    }
    assert!(seen.is_empty(), "packets that nobody sent: {seen:x?}");
    let split: Vec<_> = flows.iter().filter(|(_, who)| who.len() > 1).collect();
    assert!(split.is_empty(), "flows that were split: {split:?}");
}

/// A mistake is told by tcpdump, as any other reason that it cannot capture for.
#[test]
fn mistakes_are_told() {
    private(|| {
        netns::veth();
        let bench = Bench::new().with_options("fanout=hash,grup=7");
        let run = bench.start_one("-i v1 -n -c 1").finish();
        assert!(!run.status.success());
        let told = "tcpdump: PCAP_LINUX_OPTIONS: unknown key \"grup\"";
        assert!(run.stderr.contains(told), "{}", run.stderr);
    });
}
