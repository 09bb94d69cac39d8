//! Any text as a filter expression: a valid program or an error that can be told, and soon.
//!
//! The input is a byte for the link type, one for where packets come from (bits 0 and 1), whether names are
//! known (bit 2), whether the program is optimised (bit 3) and the netmask (bits 4 to 6), and the text.

use super::names::FewNames;
use super::support::cpu::cpu_time;
use super::support::dlt;
use pcap::bpf::insn::JMP_JA;
use pcap::bpf::kernel::MAX_INSNS;
use pcap::bpf::{Insn, dump, kernel_accepts, validate};
use pcap::filter::code::Options;
use pcap::filter::compile::compile;
use pcap::filter::error::FilterError;
use pcap::filter::{Context, Source};
use pcap::names::resolver::{NoNames, Resolver};
use std::time::Duration;

/// The longest text that has to be compiled within [`SOON`].
const LONGEST: usize = 4096;

/// How much time of the processor that may take; ordinary tests are not built to be fast.
const SOON: Duration = Duration::from_secs(if cfg!(fuzzing) { 2 } else { 60 });

const NETMASKS: [u32; 8] =
    [u32::MAX, 0, 0xffff_ff00, 0xff00_0000, 0xffff_fffe, 0xffff_fff8, 0xff00_ff00, 1];

pub fn body(data: &[u8]) {
    let [link, how, text @ ..] = data else { return };
    let Ok(text) = str::from_utf8(text) else { return };
    if text.len() > LONGEST {
        return;
    }
    let names: &dyn Resolver = if how & 4 != 0 { &FewNames } else { &NoNames };
    let optimise = how & 8 == 0;
    let begun = cpu_time();
    let compiled = compile(text, context(*link, *how), Options { snaplen: 1500, optimise }, names);
    let taken = cpu_time().saturating_sub(begun);
    assert!(taken < SOON, "{taken:?} for {text:?}");
    match compiled {
        Ok(insns) => check_program(text, &insns),
        Err(error) => check_error(text, &error),
    }
}

/// What a link type's number and the bits of `how` stand for.
pub fn context(link: u8, how: u8) -> Context {
    let dlt = dlt::NAMES.get(usize::from(link)).map_or(i32::from(link), |row| row.0);
    let source = match how & 3 {
        0 => Source::Dead,
        1 => Source::Savefile { swapped: how & 0x80 != 0 },
        2 => Source::Live { vlan: true },
        _ => Source::Live { vlan: false },
    };
    Context { dlt, netmask: NETMASKS[usize::from(how >> 4 & 7)], source }
}

fn check_program(text: &str, insns: &[Insn]) {
    assert!(validate(insns), "{text:?}\n{}", dump(insns, 1));
    let backwards = |insn: &Insn| insn.code == JMP_JA && insn.k > i32::MAX as u32;
    if insns.len() <= MAX_INSNS && !insns.iter().any(backwards) {
        assert!(kernel_accepts(insns), "{text:?}\n{}", dump(insns, 1));
    }
}

fn check_error(text: &str, error: &FilterError) {
    let line = error.one_line(text);
    assert!(line.len() <= 255, "{text:?}: {line}");
    let known = &error.text[..error.text.floor_char_boundary(255)];
    assert!(!known.is_empty() && line.starts_with(known), "{text:?}: {line}");
    assert!(!line.contains('\n') || text.contains('\n'), "{text:?}: {line}");
    assert!(error.full(text).starts_with(&*error.text), "{text:?}");
    if let Some(span) = error.span {
        let inside = span.start <= span.end && span.end <= text.len();
        assert!(inside && text.is_char_boundary(span.start), "{text:?}: {span:?}");
    }
}
