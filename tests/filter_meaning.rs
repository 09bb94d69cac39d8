//! What filters mean: programs, optimised and not, in our engine and in the kernel's, against the
//! judge (`support/judge`).
//!
//! `PCAP_LONG=1000000` goes through as many filters instead of a few thousand; `PCAP_SEED=17` through
//! that one alone.

mod support;

use pcap::bpf::insn::{ABS, LD, RET_K, SKF_AD_OFF};
use pcap::bpf::{Insn, Meta, Program, dump};
use pcap::filter::ast::{Expr, Step};
use pcap::filter::code::Options;
use pcap::filter::compile::compile;
use pcap::filter::pred::Pred;
use pcap::filter::{Context, Source};
use pcap::names::resolver::System;
use std::env;
use support::cases::{Case, Cases};
use support::distribution::Distribution;
use support::judge::{Verdict, Verdicts, judge};
use support::kernel::Kernel;
use support::known;
use support::packets::Packet;
use support::tree::tree;

/// How many filters without `PCAP_LONG`.
const FILTERS: u64 = 5_000;

/// Of a filter that compiles.
struct Compiled {
    plain: Vec<Insn>,
    optimised: Vec<Insn>,
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// The seeds to go through.
fn seeds(by_default: u64) -> std::ops::Range<u64> {
    match (number("PCAP_SEED"), number("PCAP_LONG")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(long)) => 0..long,
        (None, None) => 0..by_default,
    }
}

fn program(case: &Case, text: &str, optimise: bool) -> Result<Vec<Insn>, String> {
    let options = Options { snaplen: case.snaplen, optimise };
    compile(text, case.context, options, &System).map_err(|error| error.one_line(text))
}

/// What the kernel tells of a packet, if it is the kernel's.
fn meta<'p>(context: &Context, packet: &'p Packet) -> Option<&'p Meta> {
    matches!(context.source, Source::Live { .. }).then_some(&packet.meta)
}

fn verdicts(expr: &Expr<Pred>, context: &Context, packet: &Packet) -> Option<Verdicts> {
    judge(expr, context, &packet.bytes, packet.wire_len, meta(context, packet)).ok()
}

/// What is wrong with a program's answer, if anything.
fn objection(case: &Case, text: &str, optimise: bool, packet: &Packet) -> Option<String> {
    let expr = tree(text).ok()?;
    let verdicts = verdicts(&expr, &case.context, packet)?;
    let insns = program(case, text, optimise).ok()?;
    let program = Program::new(&insns).expect("a valid program");
    let kept = program.run(&packet.bytes, packet.wire_len, meta(&case.context, packet));
    // With what the kernel tells, offsets have a sign as in the kernel.
    if verdicts.kernel_differs && meta(&case.context, packet).is_some() {
        return None;
    }
    if kept != 0 && kept != case.snaplen {
        return Some(format!("keeps {kept} bytes"));
    }
    let objection = verdicts.objection(kept != 0)?;
    Some(format!("{objection}: {verdicts:?}"))
}

/// A shorter expression and packet with which a program is still wrong, and all there is to know.
fn report(case: &Case, optimise: bool, packet: &Packet) -> String {
    let wrong = |text: &str, packet: &Packet| objection(case, text, optimise, packet).is_some();
    let mut text = case.text.clone();
    let mut packet = packet.clone();
    while let Some(shorter) = parts(&text).into_iter().find(|part| wrong(part, &packet)) {
        text = shorter;
    }
    while packet.wire_len as usize == packet.bytes.len() && !packet.bytes.is_empty() {
        let mut shorter = packet.cut(packet.bytes.len() - 1);
        shorter.wire_len -= 1;
        if !wrong(&text, &shorter) {
            break;
        }
        packet = shorter;
    }
    let why = objection(case, &text, optimise, &packet).unwrap_or_default();
    let listing = |optimise| match program(case, &text, optimise) {
        Ok(insns) => dump(&insns, 1),
        Err(error) => error,
    };
    format!(
        "{case}\nshortest: {text}\n{why}\n{} bytes of {}: {}\n{:?}\nas it is:\n{}optimised:\n{}",
        packet.bytes.len(),
        packet.wire_len,
        packet.hex(),
        meta(&case.context, &packet),
        listing(false),
        listing(true)
    )
}

/// What is left of an expression from one term to another, from the shortest on.
fn parts(text: &str) -> Vec<String> {
    let Ok(expr) = tree(text) else { return Vec::new() };
    let spans: Vec<_> = expr
        .iter()
        .filter_map(|step| match step {
            Step::Term(term) => Some(term.span),
            _ => None,
        })
        .collect();
    let mut parts = Vec::new();
    for (n, first) in spans.iter().enumerate() {
        for last in &spans[n..] {
            let part = text.get(first.start..last.end).unwrap_or_default();
            parts.extend([part.to_owned(), format!("not {part}")]);
        }
    }
    parts.retain(|part| part.len() < text.len() && tree(part).is_ok());
    parts.sort_by_key(String::len);
    parts
}

/// Whether an expression is refused for what the optimiser finds in it, which the judge does not look for.
fn is_of_optimiser(error: &str) -> bool {
    ["rejects all packets", "division by zero", "modulus by zero", "shift by more than"]
        .iter()
        .any(|text| error.contains(text))
}

fn has_tunnel(text: &str) -> bool {
    text.contains("geneve") || text.contains("vxlan")
}

/// Compiles a case both ways. An error where judge and compiler are not of one mind on what is one.
fn compiled(case: &Case, judged: bool) -> Result<Option<Compiled>, String> {
    let plain = program(case, &case.text, false);
    let optimised = program(case, &case.text, true);
    match (judged, &plain) {
        (true, Err(error)) if !is_of_optimiser(error) => {
            return Err(format!("{case}\nrefused: {error}"));
        }
        // Where there cannot be a tunnel, the compiler knows the place of what is in it: nowhere.
        (false, Ok(_)) if case.text.contains("protochain") && has_tunnel(&case.text) => {
            return Ok(None);
        }
        (false, Ok(_)) => {
            return Err(format!("{case}\naccepted, but means nothing on that link type"));
        }
        _ => (),
    }
    match (&plain, &optimised) {
        (Ok(_), Err(error)) if !is_of_optimiser(error) => {
            Err(format!("{case}\nrefused when optimised: {error}"))
        }
        (Err(error), Ok(_)) => Err(format!("{case}\nrefused unless optimised: {error}")),
        (Ok(plain), Ok(optimised)) => {
            Ok(Some(Compiled { plain: plain.clone(), optimised: optimised.clone() }))
        }
        _ => Ok(None),
    }
}

/// Whether a program asks the kernel what it knows.
fn asks_kernel(insns: &[Insn]) -> bool {
    insns.iter().any(|insn| insn.code & !0x18 == LD | ABS && insn.k >= SKF_AD_OFF)
}

/// Whether it follows a chain of headers, which the kernel takes no program for.
fn has_loop(insns: &[Insn]) -> bool {
    insns.iter().any(|insn| insn.code == 5 && insn.k > i32::MAX as u32)
}

/// What came of the cases.
#[derive(Debug, Default)]
struct Counts {
    refused: u64,
    accepted: u64,
    rejected: u64,
    cut: u64,
    in_kernel: u64,
}

#[test]
fn programs_mean_what_the_judge_says() {
    let cases = Cases::new();
    let kernel = Kernel::new();
    let mut counts = Counts::default();
    let mut wrong: Vec<String> = Vec::new();
    let mut failed = 0;
    for seed in seeds(FILTERS) {
        let case = cases.case(seed);
        if let Err(report) = check(&cases, &case, &kernel, &mut counts) {
            failed += 1;
            let shortest = |report: &str| report.lines().nth(2).map(str::to_owned);
            if wrong.len() < 20 && !wrong.iter().any(|known| shortest(known) == shortest(&report)) {
                eprintln!("{report}\n");
                wrong.push(report);
            }
        }
    }
    eprintln!("{counts:?}");
    assert_eq!(failed, 0, "filters with a wrong program");
    if number("PCAP_SEED").is_none() {
        assert!(counts.accepted > counts.rejected / 4, "too few packets match");
        assert!(counts.in_kernel > counts.accepted, "too few programs were run by the kernel");
    }
}

/// Goes through the packets of one filter.
fn check(cases: &Cases, case: &Case, kernel: &Kernel, counts: &mut Counts) -> Result<(), String> {
    let Ok(expr) = tree(&case.text) else {
        counts.refused += 1;
        return match program(case, &case.text, false) {
            Ok(_) => Err(format!("{case}\naccepted, but has no tree")),
            Err(_) => Ok(()),
        };
    };
    let packets = cases.packets(case, &expr, 6);
    let judged = verdicts(&expr, &case.context, &packets[0]).is_some();
    let Some(compiled) = compiled(case, judged)? else {
        counts.refused += 1;
        return Ok(());
    };
    for (optimise, insns) in [(false, &compiled.plain), (true, &compiled.optimised)] {
        let program = Program::new(insns).expect("a valid program");
        let translated = Program::new(insns).expect("a valid program");
        translated.translate();
        let in_kernel = kernel_takes(case, kernel, insns)?;
        for packet in &packets {
            let verdicts = verdicts(&expr, &case.context, packet).expect("judged above");
            let meta = meta(&case.context, packet);
            let kept = program.run(&packet.bytes, packet.wire_len, meta);
            let same = translated.run(&packet.bytes, packet.wire_len, meta);
            assert_eq!(kept, same, "{case}\ntranslated, on {}", packet.hex());
            // With what the kernel tells, offsets have a sign as in the kernel.
            let odd = verdicts.kernel_differs && meta.is_some();
            let right =
                verdicts.objection(kept != 0).is_none() && [0, case.snaplen].contains(&kept);
            if !right && !odd {
                return Err(report(case, optimise, packet));
            }
            if in_kernel && !verdicts.kernel_differs {
                check_in_kernel(case, kernel, insns, packet, kept)?;
                counts.in_kernel += 1;
            }
            *match (kept, packet.bytes.len() as u32 == packet.wire_len) {
                (_, false) => &mut counts.cut,
                (0, _) => &mut counts.rejected,
                _ => &mut counts.accepted,
            } += 1;
        }
    }
    Ok(())
}

/// Whether to have the kernel run a program; it has to take those it can.
fn kernel_takes(case: &Case, kernel: &Kernel, insns: &[Insn]) -> Result<bool, String> {
    if has_loop(insns) || insns.len() > 4096 {
        return Ok(false);
    }
    match kernel.attach(insns) {
        Ok(()) => Ok(!asks_kernel(insns)),
        Err(error) => Err(format!("{case}\nthe kernel refuses: {error}\n{}", dump(insns, 1))),
    }
}

fn check_in_kernel(
    case: &Case,
    kernel: &Kernel,
    insns: &[Insn],
    packet: &Packet,
    kept: u32,
) -> Result<(), String> {
    // It does not know of longer packets, and an empty one looks the same whether it passes or not.
    if packet.bytes.is_empty() || packet.bytes.len() as u32 != packet.wire_len {
        return Ok(());
    }
    let passed = kernel.run(&packet.bytes) != 0;
    if passed == (kept != 0) {
        return Ok(());
    }
    let hex = packet.hex();
    Err(format!("{case}\nin the kernel: {passed}: {hex}\n{}", dump(insns, 1)))
}

/// `a and b` is `b and a`, `a or b` is `b or a`, unless one of them changes what the other means, or
/// something is missing in the packet.
#[test]
fn order_does_not_matter() {
    let cases = Cases::new();
    let mut matching = 0_u64;
    for seed in seeds(FILTERS / 4) {
        let (context, one, other) = cases.pair(seed);
        for operator in ["and", "or"] {
            let case = |text: String| Case { seed, text, context, snaplen: 1 };
            let here = case(format!("({one}) {operator} ({other})"));
            let there = case(format!("({other}) {operator} ({one})"));
            matching += same_verdicts(&cases, &here, &there);
        }
    }
    assert!(number("PCAP_SEED").is_some() || matching > FILTERS / 4, "too few packets match");
}

/// How many packets match both of two filters, which have to agree on all.
fn same_verdicts(cases: &Cases, here: &Case, there: &Case) -> u64 {
    let programs = [here, there].map(|case| program(case, &case.text, true));
    let programs = programs.map(|program| match program {
        // The optimiser may see that nothing matches in one order only.
        Err(error) if error.contains("rejects all packets") => Ok(Vec::new()),
        other => other,
    });
    let [Ok(one), Ok(other)] = programs else {
        let both = programs.iter().all(Result::is_err);
        assert!(both, "{here}\nand the other way round: {programs:?}");
        return 0;
    };
    let reject = vec![Insn::stmt(RET_K, 0)];
    let [one, other] =
        [one, other].map(|insns| if insns.is_empty() { reject.clone() } else { insns });
    let [one, other] = [one, other].map(|insns| Program::new(&insns).expect("a valid program"));
    let [expr, reversed] = [here, there].map(|case| tree(&case.text).expect("a tree"));
    let mut matching = 0;
    for packet in cases.packets(here, &expr, 6) {
        let whole = |expr| {
            let verdicts = verdicts(expr, &here.context, &packet);
            verdicts.is_some_and(|verdicts| verdicts.strict != Verdict::Fail)
        };
        if !whole(&expr) || !whole(&reversed) {
            continue;
        }
        let kept = one.run(&packet.bytes, packet.wire_len, None);
        let also = other.run(&packet.bytes, packet.wire_len, None);
        assert_eq!(kept, also, "{here}\nand the other way round: {}", packet.hex());
        matching += u64::from(kept != 0);
    }
    matching
}

/// The distribution's library takes and refuses the same expressions, and its programs say the same of
/// whole packets, but for what `support/known.rs` lists.
#[test]
fn the_distribution_means_the_same() {
    let library = Distribution::get().expect("libpcap is installed");
    let cases = Cases::new();
    let (mut compared, mut packets, mut skipped, mut wrong) = (0_u64, 0_u64, 0_u64, Vec::new());
    for seed in seeds(FILTERS) {
        let mut case = cases.case(seed);
        if matches!(case.context.source, Source::Savefile { .. }) {
            case.context.source = Source::Dead;
        }
        let Ok(expr) = tree(&case.text) else { continue };
        if case.context.source != Source::Dead
            || known::differs(&case.text, &expr, &case.context).is_some()
        {
            skipped += 1;
            continue;
        }
        match against(library, &cases, &case, &expr) {
            Ok(number) if number > 0 => {
                compared += 1;
                packets += number;
            }
            Ok(_) => skipped += 1,
            Err(report) => {
                if wrong.len() < 20 {
                    eprintln!("{report}\n");
                }
                wrong.push(seed);
            }
        }
    }
    eprintln!("{compared} filters compared on {packets} packets, {skipped} not");
    assert!(wrong.is_empty(), "{} filters differ", wrong.len());
    assert!(number("PCAP_SEED").is_some() || compared > skipped / 2, "too few are compared");
}

/// How many packets a filter was compared on.
fn against(
    library: &Distribution,
    cases: &Cases,
    case: &Case,
    expr: &Expr<Pred>,
) -> Result<u64, String> {
    let Context { dlt, netmask, .. } = case.context;
    let theirs = library.compile(&case.text, dlt, netmask, false);
    let packets = cases.packets(case, expr, 6);
    let ours = verdicts(expr, &case.context, &packets[0]);
    let theirs = match (theirs, ours) {
        (Ok(theirs), Some(_)) => theirs,
        (Err(_), None) => return Ok(0),
        // An index that is a number is taken for the divisor itself.
        (Err(error), Some(_)) if is_of_optimiser(&error) => return Ok(0),
        (Ok(_), None) => return Err(format!("{case}\nthe distribution takes it")),
        (Err(error), Some(_)) => return Err(format!("{case}\nthe distribution says: {error}")),
    };
    if known::wrong(expr, &case.context).is_some() {
        return Ok(0);
    }
    let program = Program::new(&theirs).expect("a valid program");
    let mut compared = 0;
    for packet in packets.iter().filter(|packet| packet.bytes.len() == packet.wire_len as usize) {
        let ours = verdicts(expr, &case.context, packet).expect("judged above");
        let accepted = program.run(&packet.bytes, packet.wire_len, None) != 0;
        if ours.strict != Verdict::Fail && accepted != (ours.strict == Verdict::Accept) {
            let hex = packet.hex();
            return Err(format!("{case}\nthe distribution's program: {accepted}, {ours:?}\n{hex}"));
        }
        compared += 1;
    }
    Ok(compared)
}
