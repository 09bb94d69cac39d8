//! Filters and packets for them, by a seed: what the tests of meaning go through.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use super::catalogue::{self, Entry};
use super::dlt;
use super::expressions::{Family, Generator};
use super::packets::{Packet, Packets};
use super::random::Random;
use pcap::filter::ast::Expr;
use pcap::filter::pred::Pred;
use pcap::filter::{Context, Source};
use std::collections::BTreeMap;
use std::fmt;

/// A filter and how it is compiled.
#[derive(Clone, Debug)]
pub struct Case {
    pub seed: u64,
    pub text: String,
    pub context: Context,
    pub snaplen: u32,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, text, context, snaplen } = self;
        write!(f, "seed {seed}, snaplen {snaplen}, {context:x?}\nexpression: {text}")
    }
}

/// Makes cases.
pub struct Cases {
    /// The catalogue,
    entries: Vec<Entry>,
    /// ... and by link type.
    by_link: BTreeMap<i32, Vec<Entry>>,
}

const NETMASKS: &[u32] =
    &[0xffff_ff00, 0xffff_ff00, 0xff00_0000, 0xffff_fff8, 0xffff_fffe, 0, u32::MAX, 0xff00_ff00];

impl Cases {
    pub fn new() -> Self {
        let mut by_link: BTreeMap<i32, Vec<Entry>> = BTreeMap::new();
        let entries = catalogue::entries();
        for entry in &entries {
            by_link.entry(entry.context.dlt).or_default().push(*entry);
        }
        Self { entries, by_link }
    }

    /// The case of a seed: a few terms of the catalogue put together, or an expression made up.
    pub fn case(&self, seed: u64) -> Case {
        let mut random = Random::new(seed);
        // Those of which more can be asked come up more often.
        let links: Vec<i32> = self.by_link.keys().copied().collect();
        let dlt = match random.below(4) {
            0 => random.pick(&links),
            1 => dlt::EN10MB,
            _ => random.pick(&self.entries).context.dlt,
        };
        let (text, live) = if random.once_in(2) {
            self.put_together(dlt, &mut random)
        } else {
            (Generator::new(seed).family(family(dlt)).expression(), random.once_in(6))
        };
        let source = match random.below(6) {
            _ if live => Source::Live { vlan: !random.once_in(4) },
            0 => Source::Savefile { swapped: random.once_in(2) },
            1 => Source::Live { vlan: random.once_in(2) },
            _ => Source::Dead,
        };
        let context = Context { dlt, netmask: random.pick(NETMASKS), source };
        Case { seed, text, context, snaplen: random.pick(&[262_144, 96, 1]) }
    }

    /// An expression, and whether it needs a live capture.
    fn put_together(&self, dlt: i32, random: &mut Random) -> (String, bool) {
        let entries = &self.by_link[&dlt];
        let terms = random.pick(&[1, 1, 2, 2, 2, 3, 3, 4, 6]);
        let mut text = String::new();
        let mut live = false;
        for n in 0..terms {
            let entry = random.pick(entries);
            live |= matches!(entry.context.source, Source::Live { .. });
            let not = if random.once_in(5) { "not " } else { "" };
            let (open, close) =
                if !not.is_empty() || random.once_in(2) { ("(", ")") } else { ("", "") };
            let term = format!("{not}{open}{}{close}", entry.text);
            let operator = random.pick(&[" and ", " or "]);
            text = match (n, random.below(4)) {
                (0, _) => term,
                (_, 0) => format!("({text}){operator}{term}"),
                (_, 1) => format!("{term}{operator}({text})"),
                _ => format!("{text}{operator}{term}"),
            };
        }
        (text, live)
    }

    /// Packets for it: whole ones, damaged ones, and ones that end early; for some filters, one that ends
    /// at every place where a header may.
    pub fn packets(&self, case: &Case, expr: &Expr<Pred>, whole: usize) -> Vec<Packet> {
        let mut packets = Packets::for_filter(case.seed ^ 0x5eed, expr);
        let mut all = Vec::new();
        for n in 0..whole {
            let packet = packets.whole(case.context.dlt);
            if n % 2 == 0 {
                all.push(packets.flipped(&packet));
            } else {
                all.push(packets.cut(&packet));
            }
            all.push(packet);
        }
        if case.seed.is_multiple_of(16) {
            let packet = packets.whole(case.context.dlt);
            let headers = packet.bytes.len().min(120);
            all.extend((0..headers).map(|keep| packet.cut(keep)));
        }
        all
    }

    /// Two filters of one link type whose terms mean the same in any order.
    pub fn pair(&self, seed: u64) -> (Context, &'static str, &'static str) {
        let mut random = Random::new(seed ^ 0x9a17);
        let links: Vec<i32> = self.by_link.keys().copied().collect();
        let entries = &self.by_link[&random.pick(&links)];
        let fixed: Vec<&Entry> = entries
            .iter()
            .filter(|entry| entry.context.source == Source::Dead && !moves(entry.text))
            .collect();
        let (one, other) = (random.pick(&fixed), random.pick(&fixed));
        (one.context, one.text, other.text)
    }
}

/// Whether an expression changes what those after it mean.
fn moves(text: &str) -> bool {
    ["vlan", "mpls", "pppoes", "geneve", "vxlan", "lane"].iter().any(|word| text.contains(word))
}

/// What is worth asking for on a link type; now and then, what is not.
fn family(link: i32) -> Family {
    match link {
        link if dlt::is_wlan(link) => Family::Wlan,
        link if dlt::is_ethernet(link) => Family::Ethernet,
        dlt::FDDI | dlt::IEEE802 | dlt::IP_OVER_FC => Family::Ethernet,
        dlt::PFLOG => Family::Pflog,
        dlt::SUNATM => Family::Atm,
        dlt::MTP2 | dlt::MTP2_WITH_PHDR | dlt::ERF => Family::Ss7,
        dlt::ARCNET | dlt::BACNET_MS_TP => Family::Any,
        _ => Family::Ip,
    }
}
