//! What tcpdump says and returns when a capture cannot start, and whose user it runs as.

use crate::support::frames;
use crate::support::netns::{self, ip, private};
use crate::support::tcpdump::Bench;
use crate::support::traffic::RawSender;
use crate::wanted::MISSING_CAPABILITY;

/// Runs a tcpdump that fails on every side alike, for the expected reason.
fn fails(bench: &Bench, args: &str, reason: &str) {
    let theirs = bench.assert_same(args, &[MISSING_CAPABILITY]);
    assert_eq!(theirs.status.code(), Some(1), "tcpdump {args}: {}", theirs.stderr);
    assert!(theirs.stderr.contains(reason), "tcpdump {args}: {}", theirs.stderr);
}

#[test]
fn cannot_start() {
    private(|| {
        netns::veth();
        ip("link set v1 down");
        let bench = Bench::new();
        for (args, reason) in [
            ("-i nosuch0", "No such device exists"),
            ("-p -i nosuch0", "No such device exists"),
            ("-i a-name-too-long-for-linux", "No such device exists"),
            ("-i nosuch0 -L", "No such device exists"),
            ("-i 77", "Invalid adapter index"),
            ("-i v1", "That device is not up"),
            ("-i v1 --immediate-mode -w file", "That device is not up"),
            ("-i v0 -I", "monitor mode"),
            ("-i v0 -I -L", "monitor mode"),
            ("-i any -I", "monitor mode"),
            ("-i v0 -y PPP", "PPP is not one of the DLTs supported by this device"),
            ("-i v0 -y LINUX_SLL2", "LINUX_SLL2 is not one of the DLTs"),
            ("-i any -p -y EN10MB", "EN10MB is not one of the DLTs"),
            ("-i v0 -y NOSUCH", "invalid data link type NOSUCH"),
            ("-i v0 -j nosuch", "invalid time stamp type nosuch"),
            ("-i v0 -w nosuch/file", "nosuch/file: No such file or directory"),
        ] {
            fails(&bench, args, reason);
        }
    });
}

#[test]
fn without_permission() {
    if !netns::is_root() {
        netns::skip("no permission: only root can become nobody");
        return;
    }
    private(|| {
        netns::veth();
        let bench = Bench::new().for_nobody();
        for device in ["v0", "any", "lo"] {
            fails(&bench, &format!("-i {device}"), "You don't have permission");
        }
        fails(&bench, "-i nosuch0", "nosuch0");
    });
}

/// tcpdump opens the device as root and captures as another user.
#[test]
fn dropped_privileges() {
    if !netns::is_root() {
        netns::skip("-Z: only root can become another user");
        return;
    }
    private(|| {
        netns::veth();
        let bench = Bench::new();
        for (options, uid) in [("-Z nobody", 65534), ("-Z root", 0)] {
            let runs = bench.start(&format!("-i v1 -n -t -l {options}")).listening();
            runs.until("it runs as another user", |tcpdump| {
                tcpdump.proc("status").contains(&format!("Uid:\t{uid}\t{uid}\t"))
            });
            RawSender::new("v0").send_all(&frames::mixed());
            runs.printed_last(1);
            runs.signal(libc::SIGUSR1);
            runs.until("statistics are printed", |tcpdump| {
                tcpdump.stderr.text().contains("dropped by kernel\n")
            });
            runs.signal(libc::SIGINT);
            runs.assert_same(&[]);
        }
        let all =
            ["-Z nobody -w file", "-Z nobody -U -w file --immediate-mode -B 8192"].map(|options| {
                bench.start(&format!("-i v1 {options} -c {}", frames::mixed().len())).listening()
            });
        RawSender::new("v0").send_all(&frames::mixed());
        for runs in all {
            runs.assert_same(&[]);
        }
        fails(&bench, "-i v1 -Z nosuchuser", "nosuchuser");
    });
}
