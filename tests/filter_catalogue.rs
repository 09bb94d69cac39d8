//! Every primitive on every link type that supports it: `tests/data/catalogue.txt`.

mod support;

use pcap::bpf::{Insn, Program};
use pcap::filter::Source;
use pcap::filter::code::Options;
use pcap::filter::compile::compile;
use pcap::names::resolver::System;
use std::collections::BTreeMap;
use support::catalogue::{Entry, entries};
use support::distribution::Distribution;
use support::judge::{Verdict, judge};
use support::known;
use support::packets::{Packet, Packets};
use support::tree::tree;

/// Packets that every entry is tried on.
const PACKETS: usize = 20;
/// So many are looked at to find one that matches, and one that does not: of those that all entries
/// share, and then of those made for the entry.
const MOST: usize = 2000;
const MOST_OF_ITS_OWN: usize = 30_000;

fn program(entry: &Entry) -> Result<Vec<Insn>, String> {
    let options = Options { snaplen: 262_144, optimise: true };
    let program = compile(entry.text, entry.context, options, &System);
    program.map_err(|error| format!("{} on {}: {}", entry.text, entry.link, error.one_line("")))
}

/// The packets of a link type, made as they are needed.
struct Stock {
    maker: Packets,
    made: Vec<Packet>,
}

impl Stock {
    fn packet(&mut self, dlt: i32, n: usize) -> &Packet {
        while self.made.len() <= n {
            self.made.push(varied(&mut self.maker, dlt, self.made.len()));
        }
        &self.made[n]
    }
}

/// Packet number `n`: mostly as they are, some damaged, some longer or shorter.
fn varied(maker: &mut Packets, dlt: i32, n: usize) -> Packet {
    let whole = maker.whole(dlt);
    match n % 8 {
        0 | 4 => maker.flipped(&whole),
        1 | 5 => maker.padded(dlt),
        2 => maker.short(&whole),
        _ => whole,
    }
}

#[test]
fn there_are_enough_entries() {
    let entries = entries();
    assert!(entries.len() >= 1500, "{}", entries.len());
}

/// Every entry compiles, there are packets that match it and packets that do not, and its program
/// tells them apart.
#[test]
fn every_entry_tells_packets_apart() {
    let mut stocks: BTreeMap<i32, Stock> = BTreeMap::new();
    let mut wrong = Vec::new();
    for entry in entries() {
        let dlt = entry.context.dlt;
        let stock = stocks
            .entry(dlt)
            .or_insert_with(|| Stock { maker: Packets::new(dlt as u64), made: Vec::new() });
        if let Err(report) = tells_apart(&entry, stock) {
            eprintln!("{} on {}: {report}", entry.text, entry.link);
            wrong.push(entry);
        }
    }
    assert!(wrong.is_empty(), "{} entries", wrong.len());
}

fn tells_apart(entry: &Entry, stock: &mut Stock) -> Result<(), String> {
    let expr = tree(entry.text)?;
    let program = Program::new(&program(entry)?).ok_or("not a program")?;
    let live = matches!(entry.context.source, Source::Live { .. });
    let mut found = (false, false);
    let mut own = Packets::for_filter(1, &expr);
    for n in 0..MOST + MOST_OF_ITS_OWN {
        if n >= PACKETS && found == entry.possible {
            break;
        }
        let dlt = entry.context.dlt;
        let packet = match n {
            ..MOST => stock.packet(dlt, n),
            _ => &varied(&mut own, dlt, n),
        };
        let meta = live.then_some(&packet.meta);
        let verdicts = judge(&expr, &entry.context, &packet.bytes, packet.wire_len, meta)
            .map_err(|_| "means nothing on that link type")?;
        match verdicts.strict {
            Verdict::Accept => found.0 = true,
            _ => found.1 = true,
        }
        // With what the kernel tells, offsets have a sign as in the kernel.
        let odd = live && verdicts.kernel_differs;
        let accepted = program.run(&packet.bytes, packet.wire_len, meta) != 0;
        if let Some(objection) = verdicts.objection(accepted).filter(|_| !odd) {
            return Err(format!("{objection}: {}", packet.hex()));
        }
    }
    match (found, entry.possible) {
        (found, possible) if found == possible => Ok(()),
        ((false, _), (true, _)) => Err("no packet matches".into()),
        ((_, false), (_, true)) => Err("all packets match".into()),
        (found, _) => Err(format!("listed as never or always, but {found:?}")),
    }
}

/// How long a program is in both libraries.
struct Lengths<'e> {
    entry: &'e Entry,
    ours: usize,
    /// The shorter of theirs, optimised or not.
    theirs: Vec<Insn>,
    /// What is known to be wrong with theirs.
    wrong: Option<&'static str>,
}

/// Our programs are hardly ever longer than the distribution's, and shorter in all. Where its program
/// is wrong, a right one may be longer.
#[test]
fn programs_are_short() {
    let library = Distribution::get().expect("libpcap is installed");
    let entries = entries();
    let lengths: Vec<Lengths> =
        entries.iter().filter_map(|entry| compare(library, entry)).collect();
    let ours: usize = lengths.iter().map(|lengths| lengths.ours).sum();
    let theirs: usize = lengths.iter().map(|lengths| lengths.theirs.len()).sum();
    let shorter = 100.0 - 100.0 * ours as f64 / theirs as f64;
    let count = lengths.len();
    eprintln!("{}: {count} programs, {theirs} instructions", library.version());
    eprintln!("ours: {ours} instructions, {shorter:.1} % fewer");
    let mut longer: Vec<&Lengths> = lengths
        .iter()
        .filter(|lengths| lengths.ours > lengths.theirs.len() + 1 && lengths.wrong.is_none())
        .filter(|lengths| is_right(lengths.entry, &lengths.theirs))
        .collect();
    longer.sort_by_key(|lengths| lengths.theirs.len() as isize - lengths.ours as isize);
    let mut by_link: BTreeMap<&str, Vec<&Lengths>> = BTreeMap::new();
    for lengths in longer.iter().copied() {
        by_link.entry(lengths.entry.link).or_default().push(lengths);
    }
    for (link, longer) in &by_link {
        eprintln!("{link}: {} are longer, the worst of them", longer.len());
        for Lengths { entry, ours, theirs, .. } in longer.iter().take(10) {
            eprintln!("    {ours} for {}: {}", theirs.len(), entry.text);
        }
    }
    assert!(count >= 1500, "{count} programs of both libraries");
    assert!(longer.is_empty(), "{} programs are longer", longer.len());
    assert!(shorter >= 15.0, "{shorter:.1} % fewer instructions");
}

fn compare<'e>(library: &Distribution, entry: &'e Entry) -> Option<Lengths<'e>> {
    // What the kernel tells is not for a dead handle, and the other has no live one here.
    if entry.context.source != Source::Dead {
        return None;
    }
    let (dlt, netmask) = (entry.context.dlt, entry.context.netmask);
    let theirs = |optimise| library.compile(entry.text, dlt, netmask, optimise).ok();
    let theirs = theirs(true).into_iter().chain(theirs(false)).min_by_key(Vec::len)?;
    let ours = program(entry).ok()?.len();
    let wrong = tree(entry.text).ok().and_then(|expr| known::wrong(&expr, &entry.context));
    Some(Lengths { entry, ours, theirs, wrong })
}

/// Whether the distribution's program says what it should of a few hundred packets.
fn is_right(entry: &Entry, theirs: &[Insn]) -> bool {
    let Ok(expr) = tree(entry.text) else { return false };
    let program = Program::new(theirs).expect("a valid program");
    let mut packets = Packets::new(1);
    (0..400).all(|_| {
        let packet = packets.whole(entry.context.dlt);
        let accepted = program.run(&packet.bytes, packet.wire_len, None) != 0;
        let verdicts = judge(&expr, &entry.context, &packet.bytes, packet.wire_len, None);
        verdicts.is_ok_and(|verdicts| verdicts.objection(accepted).is_none())
    })
}
