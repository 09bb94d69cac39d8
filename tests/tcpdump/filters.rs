//! Filters on live captures: the same packets as with the distribution's library, whether the kernel
//! runs the program or refuses it and ours runs it in userland.
//!
//! Theirs always has the kernel's help: in userland it cannot know a packet's direction, interface and
//! VLAN tag. It runs the program in userland, too, on what comes in the first block or frame after it was
//! set; so a packet that every filter here lets through comes before all others.

use crate::support::frames;
use crate::support::netns::{self, private};
use crate::support::tcpdump::{Bench, Run, Runs};
use crate::support::traffic::{RawSender, tcp_over_lo, udp_over_lo};

/// Makes the kernel refuse every filter.
const REFUSE: &str = "setsockopt:SOL_SOCKET:SO_ATTACH_FILTER:ENOMEM:*";

/// How to capture, and what.
struct Case {
    /// tcpdump's arguments.
    how: &'static str,
    /// How often the first packet is seen, and how often the same one is in the end.
    seen: (usize, usize),
    /// Expressions.
    filters: &'static [&'static str],
}

/// Captures with every filter at once while first one packet and then all `traffic` passes.
fn compare(cases: &[Case], first: impl Fn(), traffic: impl Fn()) {
    for refused in [false, true] {
        let bench = if refused { Bench::new().under_shim(REFUSE) } else { Bench::new() };
        let start = |case: &Case, filter: &str| {
            let args = format!("{} -n -t -l udp port 4242 or ( {filter} )", case.how);
            (args.clone(), case.seen, bench.start(&args).listening())
        };
        let all: Vec<_> = cases
            .iter()
            .flat_map(|case| case.filters.iter().map(move |filter| start(case, filter)))
            .collect();
        first();
        all.iter().for_each(|(_, (once, _), runs)| runs.printed_last(*once));
        traffic();
        let end = |(args, (_, times), runs): (String, (usize, usize), Runs)| {
            runs.printed_last(times);
            captured(&args, runs)
        };
        let (mut counts, in_userland): (Vec<u64>, Vec<bool>) = all.into_iter().map(end).unzip();
        assert_eq!(
            in_userland.contains(&true),
            refused,
            "the filters are not where they should be"
        );
        counts.sort_unstable();
        counts.dedup();
        assert!(counts.len() > 5, "the filters hardly differ: {counts:?}");
    }
}

/// Ends the runs; fails the test unless all have let through the same. How much that was, and whether more
/// came up to ours than to theirs.
fn captured(args: &str, runs: Runs) -> (u64, bool) {
    runs.signal(libc::SIGINT);
    let [theirs, ours @ ..] = runs.finish();
    let count = |run: &Run| run.count("captured");
    for ours in &ours {
        let same = ours.printed() == theirs.printed() && count(ours) == count(&theirs);
        assert!(same, "tcpdump {args}\n{}", report(ours, &theirs));
    }
    let received = |run: &Run| run.count("received by filter");
    (count(&theirs), ours.iter().any(|ours| received(ours) > received(&theirs)))
}

/// What only one of them let through.
fn report(ours: &Run, theirs: &Run) -> String {
    let only = |run: &Run, other: &Run| {
        let (printed, other) = (run.printed(), other.printed());
        let lines = printed.lines().filter(|line| !other.lines().any(|o| o == *line));
        lines.take(12).map(|line| format!("  {line}\n")).collect::<String>()
    };
    let (more, less) = (only(ours, theirs), only(theirs, ours));
    format!("only ours:\n{more}{}only theirs:\n{less}{}", ours.stderr, theirs.stderr)
}

/// For every link type.
const EVERYWHERE: &[&str] = &[
    "tcp",
    "not tcp",
    "ip6",
    "arp or icmp",
    "ip proto 6 and ip[2:2] > 100",
    "ip proto \\udp and not port 5006",
    "port 53",
    "src port 40000 and dst portrange 5000-5005",
    "host 192.0.2.1",
    "src net 192.0.2 and dst host 192.0.2.2 and not icmp",
    "net 127.0.0.0/8",
    "tcp[tcpflags] & (tcp-push|tcp-ack) != 0",
    "tcp dst port 80 and ip[2:2] > 200",
    "icmp[icmptype] = icmp-echo",
    "icmp6",
    "ip6 proto 17",
    "ip[0] & 0xf = 5 and ip[6:2] & 0x3fff = 0",
    "udp[4:2] >= 494",
    "inbound",
    "outbound",
    "not inbound",
    "inbound and tcp",
    "outbound or arp",
    "ifindex 1",
    "not ifindex 1 and udp",
    "ether proto 0x88b5",
];

/// Where a packet begins with what was on the wire. QUIRK: on others the distribution's library has the
/// kernel compare lengths without the cooked header, so that there it depends on who filters.
const LENGTHS: &[&str] =
    &["less 100", "len > 60 and len <= 600", "tcp and greater 200", "ip[2:2] < len - 14"];

/// For Ethernet.
const ETHERNET: &[&str] = &[
    "ether host 02:00:00:00:00:01",
    "ether src 02:00:00:00:00:00 and ip",
    "broadcast",
    "multicast and not broadcast",
    "vlan",
    "vlan 100",
    "not vlan",
    "vlan and ip",
    "vlan 7 and arp",
    "vlan and vlan 5",
    "inbound and vlan",
    "vlan 4094 and udp port 5003",
    "stp",
    "llc",
    "ether[12:2] = 0x9000",
    "ether[0] & 1 = 1 and len >= 60",
];

fn first_into(name: &str) {
    RawSender::new(name).send(&frames::last());
}

fn both_ways(frames: &[Vec<u8>]) {
    RawSender::new("v1").send_all(frames);
    RawSender::new("v0").send_all(frames);
}

/// The mixed frames with at most so many VLAN tags.
///
/// Of cooked packets that still have a tag when the packet socket gets them, Linux (since 6.10) tells
/// readers the tag and the protocol inside, and filters the protocol of the tag. So these a program in
/// userland cannot judge as the kernel does.
fn with_tags(most: usize) -> Vec<Vec<u8>> {
    let is_tag = |frame: &[u8], at| matches!(frame.get(at..at + 2), Some([0x81, 0] | [0x88, 0xa8]));
    let tags = |frame: &[u8]| (0..2).take_while(|n| is_tag(frame, 12 + 4 * n)).count();
    frames::mixed().into_iter().filter(|frame| tags(frame) <= most).collect()
}

#[test]
fn veth() {
    private(|| {
        netns::veth();
        let (how, seen) = ("-i v1 -e", (1, 3));
        compare(
            &[
                Case { how, seen, filters: EVERYWHERE },
                Case { how, seen, filters: ETHERNET },
                Case { how, seen, filters: LENGTHS },
            ],
            || first_into("v0"),
            || both_ways(&frames::mixed()),
        );
    });
}

#[test]
fn any() {
    private(|| {
        netns::veth();
        let (seen, filters) = ((2, 6), EVERYWHERE);
        compare(
            &[
                Case { how: "-i any -p -e -y LINUX_SLL", seen, filters },
                Case { how: "-i any -p -e -y LINUX_SLL2", seen, filters },
            ],
            || first_into("v0"),
            || {
                tcp_over_lo(3000);
                both_ways(&with_tags(0));
            },
        );
    });
}

#[test]
fn loopback() {
    private(|| {
        compare(
            &[Case { how: "-i lo -e", seen: (1, 2), filters: EVERYWHERE }],
            || udp_over_lo(&[]),
            || {
                tcp_over_lo(3000);
                udp_over_lo(&[1, 100, 600, 2000]);
            },
        );
    });
}

/// On cooked captures, where the newest libpcap knows no VLANs: every tag is found, and in userland the same.
#[test]
fn vlans_on_any() {
    private(|| {
        netns::veth();
        for way in ["-y LINUX_SLL", "-y LINUX_SLL2"] {
            let benches = [Bench::new(), Bench::new().under_shim(REFUSE)];
            // How many of the frames each finds, besides the last.
            let filters = [
                ("vlan", 4),
                ("vlan 100", 1),
                ("vlan 7 and arp", 1),
                ("vlan and ip", 3),
                ("inbound and vlan 0", 1),
                ("not vlan", with_tags(0).len() - 1),
            ];
            let all: Vec<_> = filters
                .iter()
                .map(|(filter, count)| {
                    let how = format!("-i any -p -Q in -e -n -t -l {way}");
                    let args = format!("{how} udp port 4242 or ( {filter} )");
                    let runs = benches.each_ref().map(|b| b.start(&args).listening_on_ours());
                    (args, runs, count + 1)
                })
                .collect();
            RawSender::new("v0").send_all(&with_tags(1));
            for (args, runs, count) in all {
                for runs in runs {
                    runs.printed_last_on_ours(1);
                    runs.signal_ours(libc::SIGINT);
                    let [_theirs, ours @ ..] = runs.finish();
                    for ours in ours {
                        let captured = ours.count("captured");
                        assert_eq!(captured, count as u64, "tcpdump {args}\n{}", ours.printed());
                    }
                }
            }
        }
    });
}
