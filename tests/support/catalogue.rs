//! The catalogue of expressions by link type: `tests/data/catalogue.txt`, which says how it is written.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use pcap::filter::{Context, Source};
use std::collections::{BTreeMap, BTreeSet};

/// The netmask that the expressions are for.
pub const NETMASK: u32 = 0xffff_ff00;

/// An expression on a link type.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub context: Context,
    /// The link type's name.
    pub link: &'static str,
    pub text: &'static str,
    /// Whether some packet may match, and whether some may not.
    pub possible: (bool, bool),
}

/// All of them, each once.
pub fn entries() -> Vec<Entry> {
    let mut lists: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut exceptions: BTreeMap<(&str, &str), (bool, bool)> = BTreeMap::new();
    let mut pairs = Vec::new();
    let mut list = "";
    for line in include_str!("../data/catalogue.txt").lines() {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match first {
            "" | "#" => (),
            "@" | "@live" => {
                let (links, names) = rest.split_once(" = ").expect("link types = lists");
                let live = first == "@live";
                for link in links.split(' ') {
                    for name in names.split(' ') {
                        pairs.extend(lists[name].iter().map(|text| (live, link, *text)));
                    }
                }
            }
            "never" | "always" => {
                let (links, text) = rest.split_once(" : ").expect("link types : expression");
                let possible = (first == "always", first == "never");
                exceptions.extend(links.split(' ').map(|link| ((link, text), possible)));
            }
            _ => match line.strip_prefix(':') {
                Some(name) => list = name,
                None => lists.entry(list).or_default().push(line),
            },
        }
    }
    let mut seen = BTreeSet::new();
    pairs.retain(|pair| seen.insert(*pair));
    let entry = |(live, link, text)| {
        let source = if live { Source::Live { vlan: true } } else { Source::Dead };
        let context = Context { dlt: number(link), netmask: NETMASK, source };
        let possible = exceptions.get(&(link, text)).copied().unwrap_or((true, true));
        Entry { context, link, text, possible }
    };
    pairs.into_iter().map(entry).collect()
}

/// The number of a link type's name.
fn number(name: &str) -> i32 {
    super::dlt::NAMES
        .iter()
        .find(|(_, known)| *known == name)
        .unwrap_or_else(|| panic!("the catalogue knows no link type {name}"))
        .0
}
