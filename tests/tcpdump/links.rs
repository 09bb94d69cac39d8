//! Every link type that a Linux interface can have, played by TUN devices.

use crate::files::assert_same_savefiles;
use crate::support::frames;
use crate::support::netns::{self, private};
use crate::support::savefile::Savefile;
use crate::support::tcpdump::{Bench, Wanted, assert_same};
use crate::support::traffic::Tun;
use crate::wanted::{DESCRIPTIONS, UNKNOWN_HARDWARE};

/// How a hardware type is captured.
#[derive(Clone, Copy, PartialEq)]
enum Capture {
    /// As it is.
    Raw,
    /// As it is, in a link type that tcpdump writes but cannot print.
    Unprintable,
    /// With a cooked header.
    Cooked,
    /// With a cooked header and a warning.
    Unknown,
    /// With a cooked header, in a link type of its own.
    CookedOtherwise,
}

/// Captures from one TUN device for each hardware type (linux/if_arp.h), all at once.
fn capture_from(arphrds: &[u16], capture: Capture) {
    if !Tun::allowed() {
        netns::skip("TUN devices: /dev/net/tun is closed to this user");
        return;
    }
    let bench = Bench::new();
    let packets = packets();
    let wanted: &[Wanted] = match capture {
        Capture::Unknown => &[UNKNOWN_HARDWARE],
        _ => &[DESCRIPTIONS],
    };
    let captures: Vec<_> = arphrds
        .iter()
        .map(|arphrd| {
            let tun = Tun::new(&format!("tun{arphrd}"), *arphrd);
            netns::up(&tun.name);
            let runs: Vec<_> = ways(capture)
                .iter()
                .map(|way| format!("-i {} -c {} {way}", tun.name, packets.len()))
                .map(|args| (bench.start(&args).listening(), args))
                .collect();
            (tun, runs)
        })
        .collect();
    for (tun, runs) in captures {
        for (ethertype, packet) in &packets {
            tun.receive(*ethertype, packet);
        }
        for (runs, args) in runs {
            let runs = runs.finish();
            assert_same(&args, &runs, wanted);
            let counts = assert_same_savefiles(&runs, true);
            assert!(counts.iter().all(|&count| count == packets.len()), "{args}: {counts:?}");
            let theirs = &runs[0];
            assert_eq!(theirs.count("captured"), packets.len() as u64);
            let sll = theirs.stderr.contains("link-type LINUX_SLL ");
            assert_eq!(
                sll,
                matches!(capture, Capture::Cooked | Capture::Unknown),
                "{args}: {}",
                theirs.stderr
            );
        }
        bench.assert_same(&format!("-L -i {}", tun.name), wanted);
    }
}

/// The ways to capture: printed and written, on either version of the ring.
fn ways(capture: Capture) -> &'static [&'static str] {
    match capture {
        Capture::Unprintable => &["-w file", "-w file --immediate-mode -s 2000"],
        _ => &["-n -t -e -X", "-n -t -e -X -s 50", "-w file --immediate-mode -B 8192"],
    }
}

/// Packets with an ethertype to claim: IP, and bytes that are a frame of some link types.
fn packets() -> Vec<(u16, Vec<u8>)> {
    let radiotap_beacon = [
        &[0, 0, 8, 0, 0, 0, 0, 0][..],
        &[0x80, 0, 0, 0],
        &[0xff; 6],
        &[2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 9, 0x10, 0],
        &[0, 0, 0, 0, 0, 0, 0, 0, 100, 0, 1, 0],
        &[0, 4, b't', b'e', b's', b't', 1, 1, 0x82],
    ]
    .concat();
    vec![
        (0x0800, frames::udp(4242, 20)),
        (0x0800, frames::udp(5006, 1200)),
        (0x0800, frames::mixed().remove(1)),
        // CAN and 802.2 have protocol numbers of their own in linux/if_ether.h.
        (0x000c, vec![1, 2, 0, 0x80, 4, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 0]),
        (0x0004, vec![0x42, 0x42, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (0x88b5, radiotap_beacon),
        (0x8847, vec![0, 1, 0x11, 0xff, 0x45, 0, 0, 20]),
        (0x88b5, vec![0x60; 40]),
    ]
}

#[test]
fn ethernet_like() {
    private(|| capture_from(&[1, 6, 23, 772, 800], Capture::Raw));
}

#[test]
fn raw_ip() {
    private(|| capture_from(&[15, 256, 257, 258, 259, 264, 518, 768, 776, 0xfffe], Capture::Raw));
}

#[test]
fn wireless() {
    private(|| capture_from(&[801, 802, 803, 804], Capture::Raw));
}

#[test]
fn serial_lines_and_field_buses() {
    private(|| capture_from(&[3, 280, 513, 770], Capture::Raw));
}

#[test]
fn older_lans() {
    private(|| capture_from(&[7, 18, 773, 774], Capture::Raw));
}

#[test]
fn unprintable() {
    private(|| capture_from(&[784, 787, 826], Capture::Unprintable));
}

/// Types for which libpcap captures cooked on purpose.
#[test]
fn cooked() {
    private(|| capture_from(&[19, 512], Capture::Cooked));
}

/// Types that libpcap does not know.
#[test]
fn unknown() {
    private(|| capture_from(&[32, 519, 769, 778, 823, 825, 1234], Capture::Unknown));
}

#[test]
fn cooked_otherwise() {
    private(|| capture_from(&[783, 824, 8445], Capture::CookedOtherwise));
}

/// Link types side by side on "any", where CAN identifiers stay as the kernel has them.
#[test]
fn on_any() {
    private(|| {
        if !Tun::allowed() {
            netns::skip("link types on any: /dev/net/tun is closed to this user");
            return;
        }
        let bench = Bench::new();
        let tuns = [280, 512, 803, 0xfffe].map(|arphrd| Tun::new(&format!("tun{arphrd}"), arphrd));
        tuns.iter().for_each(|tun| netns::up(&tun.name));
        let packets = packets();
        let count = packets.len() * tuns.len();
        let all = ["-n -t -e -X", "-n -t -e -X -y LINUX_SLL", "-w file --immediate-mode -B 65536"]
            .map(|way| bench.start(&format!("-i any -p -c {count} {way}")).listening());
        for tun in &tuns {
            for (ethertype, packet) in &packets {
                tun.receive(*ethertype, packet);
            }
        }
        for runs in all {
            let runs = runs.finish();
            assert_same("-i any", &runs, &[]);
            assert_same_savefiles(&runs, true);
        }
    });
}

/// The newest libpcap marks a CAN FD frame as one, beside the flags that it came with. The
/// identifier is turned to network byte order as in every CAN frame (can.h, struct canfd_frame).
#[test]
fn can_fd() {
    private(|| {
        if !Tun::allowed() {
            netns::skip("CAN FD: /dev/net/tun is closed to this user");
            return;
        }
        let bench = Bench::new();
        let tun = Tun::new("can0", 280);
        netns::up(&tun.name);
        let runs = bench.start("-i can0 -c 1 -w file").listening();
        let id = 0x123_u32.to_ne_bytes();
        tun.receive(0x000d, &[&id[..], &[12, 1, 0, 0], &[7; 64]].concat());
        let [_theirs, ours @ ..] = runs.finish();
        for ours in ours {
            let captured = Savefile::read(&ours.dir.join("file")).records.remove(0).data;
            assert_eq!(captured, [&[0, 0, 1, 0x23, 12, 1 | 4, 0, 0][..], &[7; 64]].concat());
        }
    });
}

/// For these 1.10.3 compiles no filter, not even the empty one that tcpdump asks for, and so
/// tcpdump gives up. The newest libpcap does.
#[test]
fn beyond_the_distribution() {
    private(|| {
        if !Tun::allowed() {
            netns::skip("old link types: /dev/net/tun is closed to this user");
            return;
        }
        let bench = Bench::new();
        // Experimental Ethernet, Proteon ProNET, Chaosnet: hardware type and link type agree.
        for link_type in [2_u8, 4, 5] {
            let tun = Tun::new(&format!("tun{link_type}"), link_type.into());
            netns::up(&tun.name);
            let packets = packets();
            let args = format!("-i {} -c {} -w file", tun.name, packets.len());
            let runs = bench.start(&args).listening_on_ours();
            for (ethertype, packet) in &packets {
                tun.receive(*ethertype, packet);
            }
            let [_theirs, ours @ ..] = runs.finish();
            for ours in ours {
                assert!(ours.status.success(), "tcpdump {args}: {}", ours.stderr);
                let file = Savefile::read(&ours.dir.join("file"));
                assert_eq!(file.header[20..], u32::from(link_type).to_ne_bytes());
                let captured = file.records.iter().map(|record| &record.data);
                assert!(captured.eq(packets.iter().map(|(_, packet)| packet)), "tcpdump {args}");
            }
        }
    });
}
