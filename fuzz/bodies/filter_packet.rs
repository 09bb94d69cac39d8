//! A filter and a packet: its program, optimised or not, says what the judge says.
//!
//! The input is a byte for the link type, one as [`filter_text`](super::filter_text) has it, one of flags
//! (bit 0: the expression is a text, else pieces; bits 1 to 3: how many; bit 4: the packet is there in full,
//! else what is there changes one made up), one for how much is cut off, and two for a packet to make up.
//! Then the length of the text and the text, or four bytes a piece; then the packet or its changes, each of
//! them an offset and what is flipped there.

use super::filter_text::context;
use super::names::FewNames;
use super::support::catalogue;
use super::support::dlt;
use super::support::expressions::{Family, Generator};
use super::support::judge::{Verdicts, judge};
use super::support::packets::{Packet, Packets};
use super::support::tree::tree_by;
use pcap::bpf::{Insn, Meta, Program, dump};
use pcap::filter::ast::Expr;
use pcap::filter::code::Options;
use pcap::filter::compile::compile;
use pcap::filter::pred::Pred;
use pcap::filter::{Context, Source};

const SNAPLEN: u32 = 4321;

thread_local! {
    static CATALOGUE: Vec<catalogue::Entry> = catalogue::entries();
}

pub fn body(data: &[u8]) {
    let [link, how, flags, cut, high, low, rest @ ..] = data else { return };
    let context = context(link % dlt::NAMES.len() as u8, *how);
    let Some((text, rest)) = expression(context.dlt, *flags, rest) else { return };
    let seed = u16::from_be_bytes([*high, *low]).into();
    let Ok(expr) = tree_by(&text, &FewNames) else {
        let refused = program(&text, context, false);
        assert!(refused.is_err(), "{text:?} has no tree, but a program");
        return;
    };
    let mut made = Packets::for_filter(seed, &expr).whole(context.dlt);
    if flags & 16 != 0 {
        made.bytes = rest.to_vec();
    } else {
        change(&mut made.bytes, rest);
    }
    made.wire_len = made.bytes.len() as u32;
    // Half of them are as they were on the wire.
    match cut {
        0..128 => made = made.cut(made.bytes.len().saturating_sub(usize::from(*cut) / 2)),
        _ => {
            made = made.cut(made.bytes.len().saturating_sub(usize::from(*cut - 128)));
            made.wire_len = made.bytes.len() as u32;
        }
    }
    check(&text, &expr, context, &made);
}

/// The expression, and what is left of the input.
fn expression(link: i32, flags: u8, rest: &[u8]) -> Option<(String, &[u8])> {
    if flags & 1 != 0 {
        let (&len, rest) = rest.split_first()?;
        let (text, rest) = rest.split_at_checked(len.into()).unwrap_or((rest, &[]));
        return Some((str::from_utf8(text).ok()?.to_owned(), rest));
    }
    let pieces = usize::from(flags >> 1 & 7) + 1;
    let (pieces, rest) = rest.split_at_checked(pieces * 4)?;
    let mut text = String::new();
    for piece in pieces.chunks_exact(4) {
        let &[join, family, high, low] = piece else { continue };
        let term = term(link, family, u16::from_be_bytes([high, low]));
        let term = if join & 1 != 0 { format!("not ({term})") } else { term };
        let term = if join & 2 != 0 { format!("({term})") } else { term };
        let operator = if join & 4 != 0 { "or" } else { "and" };
        text = match join >> 3 & 3 {
            _ if text.is_empty() => term,
            0 => format!("({text}) {operator} {term}"),
            1 => format!("{term} {operator} ({text})"),
            _ => format!("{text} {operator} {term}"),
        };
    }
    Some((text, rest))
}

/// One of the catalogue for the link type, or one made up.
fn term(link: i32, family: u8, seed: u16) -> String {
    let family = match family % 16 {
        0 => Family::Any,
        1 => Family::Ethernet,
        2 => Family::Wlan,
        3 => Family::Pflog,
        4 => Family::Atm,
        5 => Family::Ss7,
        6..10 => Family::Ip,
        _ => {
            return CATALOGUE.with(|entries| {
                let fitting: Vec<_> =
                    entries.iter().filter(|entry| entry.context.dlt == link).collect();
                let entry = fitting.get(usize::from(seed) % fitting.len().max(1));
                entry.map_or("ip", |entry| entry.text).to_owned()
            });
        }
    };
    Generator::new(seed.into()).family(family).expression()
}

fn change(bytes: &mut [u8], changes: &[u8]) {
    for change in changes.chunks_exact(2) {
        if let Some(byte) = bytes.get_mut(usize::from(change[0])) {
            *byte ^= change[1];
        }
    }
}

fn program(text: &str, context: Context, optimise: bool) -> Result<Vec<Insn>, String> {
    compile(text, context, Options { snaplen: SNAPLEN, optimise }, &FewNames)
        .map_err(|error| error.text.into_owned())
}

/// Whether a filter may be refused for this with the judge knowing better.
fn is_beyond_judge(error: &str) -> bool {
    [
        "rejects all packets",
        "division by zero",
        "modulus by zero",
        "shift by more than",
        "too many registers",
    ]
    .iter()
    .any(|text| error.contains(text))
}

/// Panics where the judge objects.
pub fn check(text: &str, expr: &Expr<Pred<'_>>, context: Context, packet: &Packet) {
    // With what the kernel tells, or without.
    let live = matches!(context.source, Source::Live { .. });
    let meta: Option<&Meta> = live.then_some(&packet.meta);
    let verdicts = judge(expr, &context, &packet.bytes, packet.wire_len, meta);
    let plain = program(text, context, false);
    let optimised = program(text, context, true);
    let case = || format!("{text:?}\n{context:x?}");
    for (optimise, program) in [(false, &plain), (true, &optimised)] {
        match (&verdicts, program) {
            (Ok(verdicts), Ok(insns)) => {
                if let Some(objection) = objection(verdicts, insns, packet, meta) {
                    let dumps = [&plain, &optimised].map(|program| match program {
                        Ok(insns) => dump(insns, 1),
                        Err(error) => error.clone(),
                    });
                    panic!(
                        "{}\noptimised: {optimise}: {objection}: {verdicts:?}\n{} of {}: {}\n{meta:?}\n{}",
                        case(),
                        packet.bytes.len(),
                        packet.wire_len,
                        packet.hex(),
                        dumps.join("\n")
                    );
                }
            }
            (Ok(_), Err(error)) => {
                let lost = optimise && plain.is_ok() && error.contains("registers");
                assert!(!lost && is_beyond_judge(error), "{}\nrefused: {error}", case());
            }
            (Err(_), Ok(_)) => panic!("{}\naccepted, but means nothing on the link type", case()),
            (Err(_), Err(_)) => {}
        }
    }
    // Optimised, a program may get by with fewer registers.
    if let (Err(error), Ok(_)) = (&plain, &optimised) {
        assert!(error.contains("registers"), "{}\nrefused unless optimised: {error}", case());
    }
}

/// What is wrong with the program's answer.
fn objection(
    verdicts: &Verdicts,
    insns: &[Insn],
    packet: &Packet,
    meta: Option<&Meta>,
) -> Option<&'static str> {
    let Some(program) = Program::new(insns) else { return Some("is not valid") };
    let kept = program.run(&packet.bytes, packet.wire_len, meta);
    // With what the kernel tells, offsets have a sign as in the kernel.
    if verdicts.kernel_differs && meta.is_some() {
        return None;
    }
    if ![0, SNAPLEN].contains(&kept) {
        return Some("keeps what nobody asked for");
    }
    verdicts.objection(kept != 0)
}
