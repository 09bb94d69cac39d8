//! The lists that tcpdump prints: devices, link types, time stamp types; and its version.

use crate::support::netns::{self, ip, ip_says, private};
use crate::support::tcpdump::Bench;
use crate::wanted::{NETWORK_DEVICES_ONLY, PROMISC_ON_ANY};

/// All states that an interface can show.
#[test]
fn devices() {
    private(|| {
        let bench = Bench::new();
        bench.assert_same("-D", &[NETWORK_DEVICES_ONLY]);
        netns::veth();
        netns::bridge();
        ip("link add lonely type veth peer name other");
        ip("link set lonely up");
        netns::wait_until("the kernel has seen that nobody is at its other end", || {
            ip_says("link show lonely").contains("DOWN mode")
        });
        ip("link add empty type bridge");
        ip("address add 192.0.2.1/24 dev v0");
        ip("address add 192.0.2.9/24 dev v0 label v0:alias");
        ip("link set v0 alias uplink");
        let theirs = bench.assert_same("-D", &[NETWORK_DEVICES_ONLY]);
        let text = theirs.printed();
        for state in ["lo [Up, Running, Loopback]", "v0 [Up, Running, ", "other [none", "any ("] {
            assert!(text.contains(state), "{state} in\n{text}");
        }
        bench.assert_same("--list-interfaces", &[NETWORK_DEVICES_ONLY]);
        ip("link set lo down");
        bench.assert_same("-D", &[NETWORK_DEVICES_ONLY]);
    });
}

/// A machine with many interfaces.
#[test]
fn many_devices() {
    private(|| {
        for i in 0..60 {
            ip(&format!("link add left{i} type veth peer name right{i}"));
        }
        let theirs = Bench::new().assert_same("-D", &[NETWORK_DEVICES_ONLY]);
        assert!(theirs.printed().lines().count() > 120);
    });
}

#[test]
fn link_types() {
    private(|| {
        netns::veth();
        netns::bridge();
        let bench = Bench::new();
        for device in ["lo", "v1", "br0", "any"] {
            let wanted = if device == "any" { &[PROMISC_ON_ANY][..] } else { &[] };
            let theirs = bench.assert_same(&format!("-L -i {device}"), wanted);
            assert!(theirs.stderr.contains("Data link types for"), "{}", theirs.stderr);
        }
    });
}

#[test]
fn stamp_types() {
    private(|| {
        netns::veth();
        let bench = Bench::new();
        for device in ["lo", "v1", "any"] {
            let theirs = bench.assert_same(&format!("-J -i {device}"), &[]);
            assert!(theirs.stderr.contains("host (Host)"), "{}", theirs.stderr);
        }
    });
}

/// Programs read the number after "libpcap version"; people see whose library it is.
#[test]
fn version() {
    private(|| {
        let [theirs, ours @ ..] = Bench::new().start("--version").finish();
        for ours in ours {
            let (theirs, ours) = (theirs.printed(), ours.printed());
            let mut lines = theirs.lines().zip(ours.lines());
            assert!(lines.next().is_some_and(|(a, b)| a == b), "{ours}");
            let (_, library) = lines.next().expect("a line about the library");
            assert!(library.starts_with("libpcap version 1.10.6 ("), "{library}");
            assert!(library.contains("libpcap-rs"), "{library}");
            assert!(lines.all(|(a, b)| a == b), "{ours}");
        }
    });
}
