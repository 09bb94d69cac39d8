//! Shows what a stage of the filter compiler makes of an expression: `cargo run --example filter -- --help`.

use pcap::bpf::{self, Program};
use pcap::filter::ast::{Expr, Spanned, Step, Term};
use pcap::filter::code::{self, Options};
use pcap::filter::compile::formula;
use pcap::filter::error::FilterError;
use pcap::filter::graph::{self, Graph};
use pcap::filter::ir::{FormId, Ir};
use pcap::filter::parse::parse;
use pcap::filter::pred::Match;
use pcap::filter::resolve::resolve;
use pcap::filter::{Context, Source, lex, print};
use pcap::linktype;
use pcap::names::resolver::System;
use std::convert::Infallible;
use std::fmt::{self, Display};
use std::io::Write as _;
use std::process::ExitCode;

const USAGE: &str = "\
usage: filter [--stage STAGE] [OPTION]... EXPRESSION...

Options:
  --dlt NAME       link type, as in pcap_datalink_val_to_name(3PCAP), or a number (EN10MB)
  --no-optimise    leave programs as they come
  --live           for a live capture, whose kernel tells of stripped VLAN tags
  --netmask A.B.C.D
  --snaplen N      what accepted packets are cut to (262144)
  --packet HEX     the packet for the stage `evaluate`

Stages:
";

/// What there is to see: a name, a description, and what makes it.
const STAGES: &[(&str, &str, Stage)] = &[
    ("tokens", "what the text is cut into, with places", tokens),
    ("ast", "terms and operators as parsed, in postfix order", ast),
    ("expression", "the same as an expression, fully qualified and in parentheses", expression),
    ("pred", "the same with names looked up", pred),
    ("formula", "what that asks of a packet of the link type", formula_text),
    ("graph", "the control flow of that, before it is optimised", graph_text),
    ("optimised", "the control flow that the program is made of", optimised),
    ("dot", "the same for Graphviz (with --no-optimise, before it is optimised)", dot),
    ("program", "the program (the default)", program),
    ("evaluate", "what formula and program say of --packet", evaluate),
];

type Stage = fn(&Asked) -> Result<String, FilterError>;

/// What the command line asks for.
struct Asked {
    text: String,
    context: Context,
    options: Options,
    packet: Vec<u8>,
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).collect::<Vec<_>>().into_iter();
    let (stage, asked) = match asked(&mut args) {
        Ok(asked) => asked,
        Err(wrong) => {
            let stages = STAGES.iter().map(|(name, what, _)| format!("  {name:<12} {what}\n"));
            return say(
                ExitCode::from(2),
                &format!("{wrong}{USAGE}{}", stages.collect::<String>()),
            );
        }
    };
    match stage(&asked) {
        Ok(shown) => say(ExitCode::SUCCESS, &shown),
        Err(error) => say(ExitCode::FAILURE, &error.full(&asked.text)),
    }
}

/// Writes to standard output, or to standard error what is no success. A closed pipe is no failure.
fn say(code: ExitCode, text: &str) -> ExitCode {
    let text = format!("{}\n", text.trim_end());
    let _ = match code == ExitCode::SUCCESS {
        true => std::io::stdout().write_all(text.as_bytes()),
        false => std::io::stderr().write_all(text.as_bytes()),
    };
    code
}

/// Reads the command line; an error is a line, or nothing where help is asked for.
fn asked(args: &mut dyn Iterator<Item = String>) -> Result<(Stage, Asked), String> {
    let mut stage: Stage = program;
    let mut asked = Asked {
        text: String::new(),
        context: Context { dlt: linktype::dlt::EN10MB, netmask: u32::MAX, source: Source::Dead },
        options: Options { snaplen: 262_144, optimise: true },
        packet: Vec::new(),
    };
    let mut words: Vec<String> = Vec::new();
    while let Some(arg) = args.next() {
        if !words.is_empty() || !arg.starts_with("--") {
            words.push(arg);
            continue;
        }
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value\n"));
        let wrong = |what: &str| format!("\"{what}\" is no value for {arg}\n");
        match arg.as_str() {
            "--help" => return Err(String::new()),
            "--no-optimise" => asked.options.optimise = false,
            "--live" => asked.context.source = Source::Live { vlan: true },
            "--stage" => stage = value().and_then(|v| stage_of(&v).ok_or_else(|| wrong(&v)))?,
            "--dlt" => {
                asked.context.dlt = value().and_then(|v| dlt(&v).ok_or_else(|| wrong(&v)))?
            }
            "--netmask" => {
                let mask = value()?;
                let mask: std::net::Ipv4Addr = mask.parse().map_err(|_| wrong(&mask))?;
                asked.context.netmask = mask.to_bits();
            }
            "--snaplen" => {
                let snaplen = value()?;
                asked.options.snaplen = snaplen.parse().map_err(|_| wrong(&snaplen))?;
            }
            "--packet" => asked.packet = value().and_then(|v| hex(&v).ok_or_else(|| wrong(&v)))?,
            _ => return Err(format!("unknown option {arg}\n")),
        }
    }
    asked.text = words.join(" ");
    Ok((stage, asked))
}

fn stage_of(name: &str) -> Option<Stage> {
    STAGES.iter().find(|(known, ..)| *known == name).map(|&(.., stage)| stage)
}

fn dlt(name: &str) -> Option<i32> {
    name.parse().ok().or_else(|| linktype::by_name(name).map(|row| row.dlt))
}

/// Bytes from hexadecimal digits, with blanks and colons between them or not.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ':')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn lines<T: Display>(of: impl Iterator<Item = T>) -> String {
    of.map(|line| format!("{line}\n")).collect()
}

fn tokens(asked: &Asked) -> Result<String, FilterError> {
    Ok(lines(lex::tokens(&asked.text)))
}

/// The expression, if it parses.
fn parsed(asked: &Asked) -> Result<Expr<Term<'_>>, FilterError> {
    let parsed = parse(&asked.text);
    parsed.error.map_or(Ok(parsed.expr), Err)
}

fn ast(asked: &Asked) -> Result<String, FilterError> {
    Ok(print::postfix(&parsed(asked)?).to_string())
}

fn expression(asked: &Asked) -> Result<String, FilterError> {
    Ok(print::infix(&parsed(asked)?).to_string())
}

/// What an identifier matches, as the compiler writes it to itself.
struct Shown(Match);

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x?}", self.0)
    }
}

fn pred(asked: &Asked) -> Result<String, FilterError> {
    let mut steps: Expr<Term<'_, Shown>> = Vec::new();
    for step in parsed(asked)? {
        steps.push(match step {
            Step::Term(Spanned { node, span }) => {
                let found = resolve(&node, &System).map_err(|e| FilterError::new(e).at(span))?;
                let shown = found.try_map_id(|id| Ok::<_, Infallible>(Shown(id.clone())));
                let Ok(node) = shown;
                Step::Term(Spanned { node, span })
            }
            Step::Not => Step::Not,
            Step::And => Step::And,
            Step::Or => Step::Or,
        });
    }
    Ok(print::postfix(&steps).to_string())
}

fn lowered(asked: &Asked) -> Result<(Ir, FormId), FilterError> {
    let mut ir = Ir::new();
    let root = formula(&asked.text, asked.context, &System, &mut ir)?;
    Ok((ir, root))
}

fn formula_text(asked: &Asked) -> Result<String, FilterError> {
    let (ir, root) = lowered(asked)?;
    Ok(ir.show(root))
}

fn control_flow(asked: &Asked, optimise: bool) -> Result<(Ir, Graph), FilterError> {
    let (mut ir, root) = lowered(asked)?;
    let graph = code::graph(&mut ir, root, optimise).map_err(FilterError::new)?;
    Ok((ir, graph))
}

fn graph_text(asked: &Asked) -> Result<String, FilterError> {
    let (ir, graph) = control_flow(asked, false)?;
    Ok(graph::print::text(&ir, &graph))
}

fn optimised(asked: &Asked) -> Result<String, FilterError> {
    let (ir, graph) = control_flow(asked, true)?;
    Ok(graph::print::text(&ir, &graph))
}

fn dot(asked: &Asked) -> Result<String, FilterError> {
    let (ir, graph) = control_flow(asked, asked.options.optimise)?;
    Ok(graph::print::dot(&ir, &graph))
}

fn compiled(asked: &Asked) -> Result<Vec<bpf::Insn>, FilterError> {
    pcap::filter::compile::compile(&asked.text, asked.context, asked.options, &System)
}

fn program(asked: &Asked) -> Result<String, FilterError> {
    Ok(bpf::dump(&compiled(asked)?, 1))
}

fn evaluate(asked: &Asked) -> Result<String, FilterError> {
    let (ir, root) = lowered(asked)?;
    let len = u32::try_from(asked.packet.len()).unwrap_or(u32::MAX);
    let formula = match ir.eval(root, &asked.packet, len, None) {
        Some(true) => "accepts it",
        Some(false) => "rejects it",
        None => "rejects it, as it is too short for a test or divides by zero",
    };
    let program = Program::new(&compiled(asked)?);
    let kept = program.map_or(0, |program| program.run(&asked.packet, len, None));
    Ok(format!("a packet of {len} bytes\nthe formula {formula}\nthe program keeps {kept} bytes"))
}
