//! Interfaces that go down, come back, and vanish under a capture.

use crate::support::frames;
use crate::support::netns::{self, ip, private};
use crate::support::tcpdump::{Bench, Runs, wake};
use crate::support::traffic::RawSender;
use crate::wanted::PROMISC_ON_ANY;

/// Takes v1 down. Both libraries must have seen it: their polls end with an error, then go on.
fn down(all: &[Runs]) {
    wake(all, || {
        ip("link set v1 down");
        std::thread::sleep(std::time::Duration::from_millis(200));
    });
}

/// A capture survives its interface's going down, and sees the packets after it is up again.
#[test]
fn down_and_up() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        let all = ["", " --immediate-mode -B 8192", " -p"]
            .map(|mode| bench.start(&format!("-i v1 -n -t -l{mode}")).listening());
        RawSender::new("v0").send_all(&frames::mixed());
        all.iter().for_each(|runs| runs.printed_last(1));
        for round in 2..=3 {
            down(&all);
            netns::up("v1");
            netns::wait_running("v1");
            netns::wait_running("v0");
            RawSender::new("v0").send_all(&frames::mixed());
            all.iter().for_each(|runs| runs.printed_last(round));
        }
        for runs in all {
            runs.signal(libc::SIGINT);
            let theirs = runs.assert_same(&[]);
            assert_eq!(theirs.count("captured"), 3 * frames::mixed().len() as u64);
        }
    });
}

#[test]
fn down_then_interrupted() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        let all =
            ["", " --immediate-mode"].map(|mode| bench.start(&format!("-i v1{mode}")).listening());
        down(&all);
        for runs in all {
            runs.signal(libc::SIGINT);
            runs.assert_same(&[]);
        }
    });
}

#[test]
fn removed() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        let all = ["", " --immediate-mode -B 8192", " -p", " -U -w file --print"]
            .map(|mode| bench.start(&format!("-i v1 -n -t -l{mode}")).listening());
        RawSender::new("v0").send_all(&frames::mixed());
        all.iter().for_each(|runs| runs.printed_last(1));
        ip("link del v1");
        for runs in all {
            let theirs = runs.assert_same(&[]);
            assert!(theirs.stderr.contains("The interface disappeared"), "{}", theirs.stderr);
            assert_eq!(theirs.status.code(), Some(1));
        }
    });
}

/// The capture on "any" goes on when an interface vanishes and when another appears.
#[test]
fn any_outlives_interfaces() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        let runs = bench.start("-i any -n -t -l").listening();
        RawSender::new("v0").send_all(&frames::mixed());
        runs.printed_last(2);
        ip("link del v1");
        netns::veth();
        RawSender::new("v0").send_all(&frames::mixed());
        runs.printed_last(4);
        runs.signal(libc::SIGINT);
        runs.assert_same(&[PROMISC_ON_ANY]);
    });
}
