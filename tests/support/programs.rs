//! Savefiles that the distribution's programs write: Wireshark's tools and tcpdump.

use super::corpus::Entry;
use super::library::run;
use super::offline::Made;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What randpkt(1) knows to make packets of.
const TYPES: &[&str] = &[
    "arp",
    "dns",
    "eth",
    "fddi",
    "icmp",
    "ieee802.15.4",
    "ip",
    "ipv6",
    "llc",
    "sctp",
    "tcp",
    "tr",
    "udp",
    "usb-linux",
];

/// What becomes of a file `IN`, or of more, in a file `OUT`. Run in this order: some use what others have made.
const COMMANDS: &[(&str, &str)] = &[
    ("pcap", "editcap -F pcap udp OUT"),
    ("nsecpcap", "editcap -F nsecpcap udp OUT"),
    ("modpcap", "editcap -F modpcap udp OUT"),
    ("nokiapcap", "editcap -F nokiapcap udp OUT"),
    ("rh6_1pcap", "editcap -F rh6_1pcap udp OUT"),
    ("suse6_3pcap", "editcap -F suse6_3pcap udp OUT"),
    ("pcapng", "editcap -F pcapng udp OUT"),
    ("cut", "editcap -F pcap -s 40 tcp OUT"),
    ("cut_ng", "editcap -F pcapng -s 40 tcp OUT"),
    ("later", "editcap -F pcap -t 2000000000 tcp OUT"),
    ("later_ng", "editcap -F pcapng -t 2000000000.5 tcp OUT"),
    ("shorter", "editcap -F pcapng -C 14 tcp OUT"),
    ("chopped", "editcap -F pcap -L -C -8 tcp OUT"),
    ("commented", "editcap -F pcapng -a 1:first -a 3:third tcp OUT"),
    ("user0", "editcap -F pcap -T user0 tcp OUT"),
    ("rawip", "editcap -F pcap -T rawip ip OUT"),
    ("rawip_ng", "editcap -F pcapng -T rawip ip OUT"),
    ("sll", "editcap -F pcap -T linux-sll ip OUT"),
    ("wlan", "editcap -F pcap -T ieee-802-11 ip OUT"),
    ("wlan_fcs", "editcap -F pcap -T docsis ip OUT"),
    ("merged", "mergecap -F pcapng -w OUT udp icmp dns"),
    ("merged_pcap", "mergecap -F pcap -w OUT udp.pcap icmp.pcap dns.pcap"),
    ("merged_nano", "mergecap -F nsecpcap -w OUT udp.pcap dns.pcap"),
    ("merged_raw", "mergecap -F pcapng -w OUT rawip rawip_ng"),
    ("merged_none", "mergecap -F pcapng -I none -w OUT udp dns icmp"),
    ("merged_types", "mergecap -F pcapng -w OUT udp tcp rawip"),
    ("merged_cut", "mergecap -F pcapng -a -w OUT cut_ng udp tcp"),
    ("text", "text2pcap -q -F pcap hex OUT"),
    ("text_ng", "text2pcap -q -F pcapng -N eth9 hex OUT"),
    ("text_link", "text2pcap -q -F pcap -l 147 hex OUT"),
    ("text_udp", "text2pcap -q -F nsecpcap -u 1000,69 hex OUT"),
    ("tshark_ng", "tshark -r merged -w OUT"),
    ("tshark", "tshark -r merged -F pcap -w OUT"),
    ("tshark_nano", "tshark -r tcp -F nsecpcap -w OUT"),
    ("reordered", "reordercap merged OUT"),
    ("tcpdump", "tcpdump -r pcap -w OUT"),
    ("tcpdump_nano", "tcpdump -r pcap --nano -w OUT"),
    ("tcpdump_filtered", "tcpdump -r merged_pcap -w OUT less 200"),
];

/// Runs them all in an empty directory.
pub fn entries(dir: &Path) -> Vec<Entry> {
    let hex = "000000 02 00 00 00 00 01 02 00 00 00 00 02 08 00 45 00\n000010 00 1c\n\
               000000 ff ff ff ff ff ff 02 00 00 00 00 01 08 06 00 01\n";
    fs::write(dir.join("hex"), hex).expect("a file");
    let mut entries = Vec::new();
    for (n, kind) in TYPES.iter().enumerate() {
        let bytes = if n % 3 == 2 { "2000" } else { "200" };
        run(Command::new("randpkt")
            .args(["-c", "30", "-b", bytes, "-t", kind, kind])
            .current_dir(dir));
        entries.push(entry(dir, kind));
        // The time stamps and the resolution of another format.
        let pcap = format!("{kind}.pcap");
        run(Command::new("editcap").args(["-F", "pcap", kind, &pcap]).current_dir(dir));
        entries.push(entry(dir, &pcap));
    }
    for (name, command) in COMMANDS {
        let words: Vec<_> =
            command.split(' ').map(|word| if word == "OUT" { *name } else { word }).collect();
        let (program, arguments) = words.split_first().expect("a program");
        run(Command::new(program).args(arguments).current_dir(dir));
        entries.push(entry(dir, name));
    }
    entries
}

/// What they have written; where something begins in it, only they know.
fn entry(dir: &Path, name: &str) -> Entry {
    let bytes = fs::read(dir.join(name)).expect("a file");
    let marks = (0..bytes.len().min(400)).step_by(4).collect();
    Entry { name: name.to_owned(), made: Made { bytes, marks } }
}
