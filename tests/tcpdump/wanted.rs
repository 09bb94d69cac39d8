//! Every difference from the distribution's libpcap 1.10.3 that we want: each is what the newest
//! libpcap does.

use crate::support::tcpdump::{Run, Wanted};

/// Since 1.10.5 pcap_activate() returns PCAP_WARNING_PROMISC_NOTSUP where 1.10.3 returned 0 and
/// left a text that nobody saw; tcpdump prints both.
pub const PROMISC_ON_ANY: Wanted = Wanted {
    why: "promiscuous mode on \"any\" gives a warning",
    edit: |theirs| {
        let warning = "tcpdump: WARNING: any: That device doesn't support promiscuous mode\n\
                       (Promiscuous mode not supported on the \"any\" device)\n";
        if !theirs.stderr.contains(warning) {
            theirs.stderr.insert_str(0, warning);
        }
    },
};

/// 1.10.3 forgot the warning on its way out of pcap_activate().
pub const UNKNOWN_HARDWARE: Wanted = Wanted {
    why: "a hardware type without a link type gives a warning",
    edit: |theirs| {
        let after = theirs.stderr.split_once(" tun").map_or("", |(_, after)| after);
        let number: String = after.chars().take_while(char::is_ascii_digit).collect();
        let warning = format!(
            "tcpdump: WARNING: arptype {number} not supported by libpcap - \
             falling back to cooked socket\n"
        );
        if !theirs.stderr.contains(&warning) {
            theirs.stderr.insert_str(0, &warning);
        }
    },
};

/// The newest libpcap describes some link types in other words.
pub const DESCRIPTIONS: Wanted = Wanted {
    why: "link types have the newest descriptions",
    edit: |theirs| {
        for (old, new) in [
            ("RAW (Raw IP)", "RAW (Raw IPv4/IPv6)"),
            ("IEEE802 (Token ring)", "IEEE802 (802.5 Token Ring)"),
            ("ARCNET_LINUX (Linux ARCNET)", "ARCNET_LINUX (Linux ARCnet)"),
            ("LTALK (Localtalk)", "LTALK (LocalTalk)"),
            ("FDDI (FDDI)", "FDDI (Fiber Distributed Data Interface)"),
        ] {
            theirs.stderr = theirs.stderr.replace(old, new);
        }
    },
};

/// Since 1.10.5 the reason names the capability that is missing.
pub const MISSING_CAPABILITY: Wanted = Wanted {
    why: "no permission: the text names CAP_NET_RAW",
    edit: |theirs| {
        theirs.stderr = theirs.stderr.replace(
            "(socket: Operation not permitted)",
            "(Attempt to create packet socket failed - CAP_NET_RAW may be required)",
        );
    },
};

/// Devices that are not network interfaces are not captured from yet, so -D does not list them.
pub const NETWORK_DEVICES_ONLY: Wanted = Wanted {
    why: "only network interfaces and \"any\" are listed",
    edit: |theirs| {
        let text = theirs.printed();
        let network = text.lines().filter(|line| !OTHER_DEVICES.iter().any(|d| line.contains(d)));
        let name = |line: &str| line.split_once('.').map(|(_, name)| name.to_owned());
        let names = network.filter_map(name).enumerate();
        let numbered: String = names.map(|(i, name)| format!("{}.{name}\n", i + 1)).collect();
        theirs.stdout = numbered.into_bytes();
    },
};

const OTHER_DEVICES: [&str; 6] =
    [".bluetooth", ".nflog ", ".nfqueue ", ".dbus-system ", ".dbus-session ", ".usbmon"];

/// tcpdump counts a packet as received when the kernel has queued it. With -c and more packets on
/// the way than that, the number when it stops depends on when the kernel handed over the block.
pub const RACING_RECEIVED: Wanted = Wanted {
    why: "packets that arrive while tcpdump stops are counted or not",
    edit: |theirs| theirs.stderr = without_received(theirs),
};

/// What a run said without the line "packets received by filter".
pub fn without_received(run: &Run) -> String {
    let kept = run.stderr.lines().filter(|line| !line.ends_with("received by filter"));
    kept.map(|line| format!("{line}\n")).collect()
}
