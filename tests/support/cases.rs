//! Filters and packets for them, by a seed: what the tests of meaning go through.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use super::catalogue::{self, Entry};
use super::packets::{Packet, Packets};
use super::random::Random;
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
    /// The catalogue, by link type.
    by_link: BTreeMap<i32, Vec<Entry>>,
}

const NETMASKS: &[u32] =
    &[0xffff_ff00, 0xffff_ff00, 0xff00_0000, 0xffff_fff8, 0xffff_fffe, 0, u32::MAX, 0xff00_ff00];

impl Cases {
    pub fn new() -> Self {
        let mut by_link: BTreeMap<i32, Vec<Entry>> = BTreeMap::new();
        for entry in catalogue::entries() {
            by_link.entry(entry.context.dlt).or_default().push(entry);
        }
        Self { by_link }
    }

    /// The case of a seed: a few terms of the catalogue, put together.
    pub fn case(&self, seed: u64) -> Case {
        let mut random = Random::new(seed);
        let links: Vec<i32> = self.by_link.keys().copied().collect();
        let dlt = random.pick(&links);
        let dlt = if random.once_in(5) { super::dlt::EN10MB } else { dlt };
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
        let source = match random.below(6) {
            _ if live => Source::Live { vlan: !random.once_in(4) },
            0 => Source::Savefile { swapped: random.once_in(2) },
            1 => Source::Live { vlan: random.once_in(2) },
            _ => Source::Dead,
        };
        let context = Context { dlt, netmask: random.pick(NETMASKS), source };
        Case { seed, text, context, snaplen: random.pick(&[262_144, 96, 1]) }
    }

    /// Packets for it: whole ones, damaged ones, and ones that end early.
    pub fn packets(&self, case: &Case, whole: usize) -> Vec<Packet> {
        let mut packets = Packets::new(case.seed ^ 0x5eed);
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
        all
    }
}
