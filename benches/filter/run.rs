//! What a packet costs.

use crate::expressions::{COMPLEX, PAYLOAD, hosts, ports};
use crate::pcap::{Compiled, Header, Lib, c_text};
use crate::report::{self, Pair};
use crate::{Effort, native, packets, reference, thread_ns};
use std::hint::black_box;

type Corpus = Vec<(Header, Vec<u8>)>;

/// Filters and what stands for them in the table.
fn filters() -> Vec<(&'static str, String)> {
    let text = str::to_owned;
    vec![
        ("`ip`", text("ip")),
        ("`tcp port 80`", text("tcp port 80")),
        ("a complex filter", text(COMPLEX)),
        ("payload length", text(PAYLOAD)),
        ("200 hosts", hosts(200)),
        ("1000 hosts", hosts(1000)),
        ("100 ports", ports(100)),
    ]
}

/// Every filter on all packets: each library's program in that library.
pub fn table(libs: &[Lib; 2], effort: &Effort) -> Result<(), String> {
    report::head("Running filters", &["ns a packet", "executed a packet", "instructions"]);
    let corpus = packets::corpus();
    for (label, text) in filters() {
        let c = c_text(&text);
        let handles = [libs[0].open()?, libs[1].open()?];
        let [theirs, ours] = handles.each_ref().map(|handle| handle.compile(&c, true));
        let programs = [theirs?, ours?];
        check(&programs, &corpus).map_err(|error| format!("{label}: {error}"))?;
        let time = interleaved(&programs, &corpus, effort);
        let [a, b] = programs.each_ref().map(|program| executed(program, &corpus));
        let [x, y] = programs.each_ref().map(|program| program.insns().len() as f64);
        report::line(label, &[time, Pair::of(a, b), Pair::of(x, y)]);
    }
    let limit: Vec<f64> = (0..effort.reps)
        .map(|_| per_packet(&corpus, effort.slice, |_, packet| native::tcp_port_80(packet)))
        .collect();
    let limit = report::median(&limit).unwrap_or_default();
    println!("\nA native filter for `tcp port 80`, written by hand: {limit:.2} ns a packet.");
    Ok(())
}

fn interleaved(programs: &[Compiled<'_>; 2], corpus: &Corpus, effort: &Effort) -> Pair {
    let mut pair = Pair::default();
    for rep in 0..effort.reps {
        for side in [rep % 2, 1 - rep % 2] {
            let accepts = |header: &Header, packet: &[u8]| programs[side].accepts(header, packet);
            pair.values[side].push(per_packet(corpus, effort.slice, accepts));
        }
    }
    pair
}

/// Nanoseconds per packet, in a slice of some microseconds.
fn per_packet(corpus: &Corpus, slice: u64, accepts: impl Fn(&Header, &[u8]) -> bool) -> f64 {
    let begun = thread_ns();
    let (mut rounds, mut accepted) = (0_u64, 0_u64);
    loop {
        for (header, packet) in corpus {
            accepted += u64::from(accepts(header, packet));
        }
        rounds += 1;
        let taken = thread_ns() - begun;
        if taken > slice * 1000 {
            black_box(accepted);
            return taken as f64 / (rounds as f64 * corpus.len() as f64);
        }
    }
}

/// How many instructions a packet takes, on average.
fn executed(program: &Compiled<'_>, corpus: &Corpus) -> f64 {
    let insns = program.insns();
    let steps = corpus
        .iter()
        .map(|(header, packet)| u64::from(reference::run(insns, packet, header.len, None).steps));
    steps.sum::<u64>() as f64 / corpus.len() as f64
}

/// Both say the same of every packet, and what a plain interpreter says.
fn check(programs: &[Compiled<'_>; 2], corpus: &Corpus) -> Result<(), String> {
    let mut accepted = 0;
    for (n, (header, packet)) in corpus.iter().enumerate() {
        let says = programs.each_ref().map(|program| program.accepts(header, packet));
        let plain = programs
            .each_ref()
            .map(|program| reference::run(program.insns(), packet, header.len, None).verdict != 0);
        if says != plain || says[0] != says[1] {
            return Err(format!("packet {n}: the libraries say {says:?}, interpreted {plain:?}"));
        }
        accepted += usize::from(says[0]);
    }
    if accepted == 0 || accepted == corpus.len() {
        return Err(format!("{accepted} packets match"));
    }
    Ok(())
}
