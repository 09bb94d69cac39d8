//! Capturing and printing: loopback, veth, "any", a bridge, and the options that shape a capture.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::frames::{self, LAST};
use crate::support::netns::{self, ip_says, private};
use crate::support::tcpdump::{Bench, Run, Runs};
use crate::support::traffic::{RawSender, tcp_over_lo, udp_over_lo};
use crate::wanted::PROMISC_ON_ANY;

/// Sends the mixed frames into v0, so that they arrive on v1.
fn send_mixed() {
    RawSender::new("v0").send_all(&frames::mixed());
}

/// Ends a capture by SIGINT when it has printed the last packet this often.
fn interrupt(runs: &Runs, times: usize) {
    runs.printed_last(times);
    runs.signal(libc::SIGINT);
}

#[test]
fn loopback_datagrams() {
    private(|| {
        let bench = Bench::new();
        let runs = bench.start("-i lo -n -t -l").listening();
        udp_over_lo(&[0, 1, 18, 100, 1472, 1473, 9000, 40000, 65507]);
        interrupt(&runs, 1);
        let theirs = runs.assert_same(&[]);
        assert_eq!(theirs.count("captured"), 10, "no packet twice:\n{}", theirs.printed());
    });
}

#[test]
fn loopback_stream() {
    private(|| {
        let bench = Bench::new();
        let runs = bench.start("-i lo -n -t -l -B 8192").listening();
        tcp_over_lo(300_000);
        udp_over_lo(&[]);
        interrupt(&runs, 1);
        let theirs = runs.assert_same(&[]);
        assert_eq!(theirs.count("dropped by kernel"), 0);
    });
}

#[test]
fn veth() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        let all = ["-i v1 -n -t -l", "-i v1 -n -t -l -e -X", "-i v0 -n -t -l -e -v"]
            .map(|args| bench.start(args).listening());
        send_mixed();
        for runs in all {
            interrupt(&runs, 1);
            let theirs = runs.assert_same(&[]);
            assert_eq!(theirs.count("captured"), frames::mixed().len() as u64);
        }
    });
}

#[test]
fn any() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        let all = [
            ("-i any -n -t -l", &[PROMISC_ON_ANY][..]),
            ("-i any -n -t -l -e -X -p", &[]),
            ("-i any -n -t -l -e -X -y LINUX_SLL", &[PROMISC_ON_ANY]),
            ("-i any -n -t -l -e -p --immediate-mode -B 65536", &[]),
            ("-i any -n -t -l -e -p -s 60 -Q in", &[]),
        ]
        .map(|(args, wanted)| (bench.start(args).listening(), wanted));
        send_mixed();
        RawSender::new("v1").send_all(&frames::mixed());
        udp_over_lo(&[64, 1400, 20000]);
        for (runs, wanted) in all {
            // The last frame that passes on lo is the last of all.
            runs.until("it printed the last packet", |t| {
                t.stdout.text().lines().any(|l| l.contains("127.0.0.1.4242"))
            });
            runs.signal(libc::SIGINT);
            let theirs = runs.assert_same(wanted);
            assert!(theirs.count("captured") > 2 * frames::mixed().len() as u64);
        }
    });
}

/// A bridge passes up all frames only while it is promiscuous.
#[test]
fn bridge() {
    private(|| {
        netns::veth();
        netns::bridge();
        let bench = Bench::new();
        for (args, promiscuous) in [("-i br0 -n -t -l -e", true), ("-i br0 -n -t -l -e -p", false)]
        {
            let runs = bench.start(args).listening();
            let shown = ip_says("-d link show br0");
            let times = if promiscuous { 3 } else { 0 };
            assert!(shown.contains(&format!("promiscuity {times} ")), "{args}:\n{shown}");
            RawSender::new("v0").send_all(&frames::mixed());
            RawSender::new("v0").send(&frames::ethernet([0xff; 6], 0x0800, &frames::udp(4242, 1)));
            interrupt(&runs, if promiscuous { 2 } else { 1 });
            runs.assert_same(&[]);
            netns::wait_until("promiscuous mode has ended", || {
                ip_says("-d link show br0").contains("promiscuity 0 ")
            });
        }
    });
}

#[test]
fn direction() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        let sent = frames::mixed().len() as u64;
        let all = [("in", sent), ("out", sent), ("inout", 2 * sent)].map(|(direction, count)| {
            let args = format!("-i v1 -n -t -e -Q {direction} -c {count}");
            (bench.start(&args).listening(), count)
        });
        send_mixed();
        RawSender::new("v1").send_all(&frames::mixed());
        for (runs, count) in all {
            let theirs = runs.assert_same(&[]);
            assert_eq!(theirs.count("captured"), count);
            assert_eq!(theirs.count("received by filter"), 2 * sent);
        }
    });
}

#[test]
fn options() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        let all = [
            "-p",
            "-B 512",
            "-B 32768",
            "-s 68 -X",
            "-s 14 -e",
            "-s 0",
            "-s 1000 --immediate-mode -e -X",
            "--immediate-mode -B 8192",
            "-j host",
            "-j adapter",
            "-y EN10MB -e",
            "-y DOCSIS",
            "--time-stamp-precision=micro",
            "-q -S -u",
            "--count",
            "-vv -# -K",
        ]
        .map(|option| {
            let args = format!("-i v1 -n -t {option} -c {}", frames::mixed().len());
            bench.start(&args).listening()
        });
        send_mixed();
        for runs in all {
            let theirs = runs.assert_same(&[]);
            assert_eq!(theirs.count("captured"), frames::mixed().len() as u64);
        }
    });
}

/// Without -i, and with a number from -D, tcpdump takes a device from the list of devices.
#[test]
fn default_and_numbered_device() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        let count = frames::mixed().len();
        let all = ["", "-i 1 ", "-i 2 "]
            .map(|which| bench.start(&format!("{which}-n -t -p -c {count}")).listening());
        send_mixed();
        for runs in all {
            runs.assert_same(&[]);
        }
    });
}

/// The stamps of the same packet, printed in every way, are close together and close to now.
#[test]
fn stamps() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        let all = [
            ("-tt", 6),
            ("-tt --nano", 9),
            ("-tt --time-stamp-precision=nano --immediate-mode -B 8192", 9),
            ("-tt --immediate-mode -B 8192", 6),
        ]
        .map(|(options, digits)| {
            let args = format!("-i v1 -n {options} -c {}", frames::mixed().len());
            (bench.start(&args).listening(), digits)
        });
        let before = now();
        send_mixed();
        let after = now();
        for (runs, digits) in all {
            let stamps = runs.finish().map(|run| stamps_of(&run, digits));
            for stamps in &stamps {
                assert_eq!(stamps.len(), frames::mixed().len());
                assert!(stamps.is_sorted(), "stamps in order: {stamps:?}");
                let all_now = stamps.iter().all(|&s| s > before - 0.01 && s < after + 0.01);
                assert!(all_now, "between {before} and {after}: {stamps:?}");
            }
        }
    });
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

/// The stamps in front of the lines, each with this many digits after the point.
fn stamps_of(run: &Run, digits: usize) -> Vec<f64> {
    let text = run.printed();
    assert!(text.contains(LAST), "all packets printed:\n{text}");
    let stamp = |line: &str| {
        let word = line.split(' ').next().expect("a first word");
        let fraction = word.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        assert_eq!(fraction, digits, "digits of the stamp in {line}");
        word.parse().expect("a stamp")
    };
    // An unknown protocol is dumped in lines that begin with a tab.
    text.lines().filter(|line| !line.starts_with('\t')).map(stamp).collect()
}
