//! What filters mean: programs against the judge.

mod support;

use pcap::bpf::Program;
use support::distribution::Distribution;
use support::judge::{Verdict, judge};
use support::packets::Packets;
use support::{catalogue, tree};

#[test]
fn explore() {
    let lib = Distribution::get().unwrap();
    eprintln!("{}", lib.version());
    let mut seen = std::collections::BTreeMap::new();
    let (mut pairs, mut refused) = (0, 0);
    let n = std::env::var("N").map_or(300, |n| n.parse().unwrap());
    for (number, entry) in catalogue::entries().into_iter().enumerate() {
        if matches!(entry.context.source, pcap::filter::Source::Live { .. }) {
            continue;
        }
        pairs += 1;
        let name = format!("{} | {}", entry.link, entry.text);
        let tree = match tree::tree(entry.text) {
            Ok(tree) => tree,
            Err(e) => {
                eprintln!("TREE {name}: {e}");
                continue;
            }
        };
        let theirs = lib.compile(entry.text, entry.context.dlt, entry.context.netmask, false);
        let mut packets = Packets::new(number as u64);
        let mine = judge(&tree, &entry.context, &[0; 100], 100, None);
        match (&theirs, &mine) {
            (Err(e), Ok(_)) => {
                eprintln!("REFUSED BY LIB {name}: {e}");
                refused += 1;
            }
            (Ok(_), Err(_)) => eprintln!("REFUSED BY JUDGE {name}"),
            _ => (),
        }
        let Ok(theirs) = theirs else { continue };
        let program = Program::new(&theirs).unwrap();
        let (mut yes, mut no, mut bad) = (0, 0, 0);
        for _ in 0..n {
            let packet = packets.whole(entry.context.dlt);
            let Ok(mine) =
                judge(&tree, &entry.context, &packet.bytes, packet.wire_len, Some(&packet.meta))
            else {
                continue;
            };
            let accepted = program.run(&packet.bytes, packet.wire_len, Some(&packet.meta)) != 0;
            match mine.strict {
                Verdict::Accept => yes += 1,
                _ => no += 1,
            }
            if let Some(objection) = mine.objection(accepted) {
                bad += 1;
                if bad == 1 {
                    eprintln!("BAD {name}: {objection}: {mine:?} {}", packet.hex());
                }
            }
        }
        if bad > 0 {
            *seen.entry(entry.text).or_insert(0) += 1;
        }
        if yes == 0 {
            eprintln!("NEVER {name}");
        }
        if no == 0 {
            eprintln!("ALWAYS {name}");
        }
    }
    eprintln!("{pairs} pairs, {refused} refused; bad {seen:?}");
}
