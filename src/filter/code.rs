//! The back half of the compiler: from a formula to a program.

use super::ast::BinOp;
use super::emit::emit;
use super::graph::{Graph, build, define, has_chosen};
use super::ir::{FormId, Formula, Ir, Seen, Value};
use super::optimise::{
    share::share,
    simplify::simplify,
    store::store,
    thread::{Scope, thread},
};
use crate::bpf::Insn;

/// How a program is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What the program returns for packets that are wanted.
    pub snaplen: u32,
    /// Whether to look for a shorter and faster program.
    pub optimise: bool,
}

/// So often the graph is gone through at most.
const ROUNDS: usize = 8;

/// The program of a formula.
///
/// # Errors
/// What libpcap says of filters that it has no program for.
pub fn program(ir: &mut Ir, formula: FormId, options: Options) -> Result<Vec<Insn>, &'static str> {
    let first = graph(ir, formula, options.optimise)?;
    match emit(ir, &first, options.snaplen) {
        Ok(program) if !options.optimise || program.len() <= MANY => Ok(program),
        Ok(program) => Ok(plain_if_shorter(ir, formula, options, program)),
        // What the optimiser remembers may be what there is no scratch word for.
        Err(_) => {
            let plain = graph(ir, formula, false)?;
            emit(ir, &plain, options.snaplen)
                .map_err(|_| "too many registers needed to evaluate expression")
        }
    }
}

/// Programs of more instructions than this are held against the one without optimisation.
const MANY: usize = 1024;

/// The program without optimisation, if it is shorter than `program`.
fn plain_if_shorter(
    ir: &mut Ir,
    formula: FormId,
    options: Options,
    program: Vec<Insn>,
) -> Vec<Insn> {
    let Ok(plain) = graph(ir, formula, false) else { return program };
    // There is an instruction or more for each node.
    if plain.reachable().len() >= program.len() {
        return program;
    }
    match emit(ir, &plain, options.snaplen) {
        Ok(plain) if plain.len() < program.len() => plain,
        _ => program,
    }
}

/// The graph that the program is made from.
///
/// # Errors
/// As [`program`].
pub fn graph(ir: &mut Ir, formula: FormId, optimise: bool) -> Result<Graph, &'static str> {
    if optimise && let Some(op) = ir.fold_error() {
        return Err(match op {
            BinOp::Div => "division by zero",
            BinOp::Mod => "modulus by zero",
            _ => "shift by more than 31 bits",
        });
    }
    let simple = if optimise { simplify(ir, formula) } else { formula };
    let mut graph = Graph::new();
    let root = build(&mut graph, ir, simple, Graph::ACCEPT, Graph::REJECT);
    graph.set_root(root);
    if !optimise {
        define(ir, &mut graph);
        return Ok(graph);
    }
    improve(ir, &mut graph);
    if has_chosen(ir, &graph) {
        define(ir, &mut graph);
        improve(ir, &mut graph);
    }
    store(ir, &mut graph);
    share(ir, &mut graph);
    if graph.root() == Graph::REJECT && is_refused(ir, formula) {
        return Err("expression rejects all packets");
    }
    Ok(graph)
}

/// Passes that make the graph smaller, until they find nothing.
fn improve(ir: &Ir, graph: &mut Graph) {
    for _ in 0..ROUNDS {
        let Some(next) = thread(ir, graph, Scope::All) else { break };
        graph.replace(next);
    }
}

/// Whether libpcap would find out that a formula rejects every packet, which is an error there. Where it would not, the
/// program says so packet by packet: a valid filter is not refused for our knowing more.
fn is_refused(ir: &Ir, formula: FormId) -> bool {
    if looks_nowhere(ir, formula) {
        return false;
    }
    let mut graph = Graph::new();
    let root = build(&mut graph, ir, formula, Graph::ACCEPT, Graph::REJECT);
    graph.set_root(root);
    for _ in 0..ROUNDS {
        if has_chosen(ir, &graph) {
            return false;
        }
        let Some(next) = thread(ir, &graph, Scope::AsLibpcap) else { break };
        graph.replace(next);
    }
    graph.root() == Graph::REJECT
}

/// Whether a formula looks where no packet has bytes.
fn looks_nowhere(ir: &Ir, formula: FormId) -> bool {
    let mut seen = Seen::default();
    let mut work = vec![formula];
    while let Some(id) = work.pop() {
        match ir.formula_of(id) {
            Formula::Test(value, _) if *ir.get(value) == Value::Fail => return true,
            Formula::Not(inner) => work.push(inner),
            Formula::And(list) | Formula::Or(list) if seen.insert(id) => work.extend(list),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::ir::{ValId, Width};

    fn half(ir: &mut Ir, k: u32) -> ValId {
        ir.load(None, k, Width::Half)
    }

    fn port(ir: &mut Ir, proto: u32, port: u32) -> FormId {
        let ethertype = half(ir, 12);
        let ip6 = ir.is(ethertype, 0x86dd);
        let next = ir.load(None, 20, Width::Byte);
        let tcp6 = ir.is(next, proto);
        let (s, d) = (half(ir, 54), half(ir, 56));
        let (s, d) = (ir.is(s, port), ir.is(d, port));
        let either = ir.or(s, d);
        let six = ir.all(&[ip6, tcp6, either]);
        let ip = ir.is(ethertype, 0x800);
        let proto4 = ir.load(None, 23, Width::Byte);
        let tcp = ir.is(proto4, proto);
        let frag = half(ir, 20);
        let frag = ir.any_bit(frag, 0x1fff);
        let whole = ir.not(frag);
        let first = ir.load(None, 14, Width::Byte);
        let nibble = ir.mask(first, 0xf);
        let two = ir.constant(2);
        let ihl = ir.binary(BinOp::Lsh, nibble, two);
        let (s, d) = (ir.load(Some(ihl), 14, Width::Half), ir.load(Some(ihl), 16, Width::Half));
        let (s, d) = (ir.is(s, port), ir.is(d, port));
        let either = ir.or(s, d);
        let four = ir.all(&[ip, tcp, whole, either]);
        ir.or(six, four)
    }

    /// Ethernet, IPv4 with options, TCP from port 80 to 1025.
    const PACKET: [u8; 46] = [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0x46, 0, 0, 32, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0,
        0, 1, 10, 0, 0, 2, 1, 1, 1, 0, 0, 80, 4, 1, 0, 0, 0, 0,
    ];

    #[test]
    fn programs_are_short_and_right() {
        let cases = [
            (vec![(6, 80)], 18, true),
            (vec![(17, 80)], 18, false),
            (vec![(6, 81), (6, 1025)], 20, true),
            (vec![(6, 443), (17, 80)], 30, false),
        ];
        for (ports, longest, wanted) in cases {
            let mut ir = Ir::new();
            let terms: Vec<_> = ports.iter().map(|&(proto, n)| port(&mut ir, proto, n)).collect();
            let formula = ir.any(&terms);
            for optimise in [false, true] {
                let options = Options { snaplen: 96, optimise };
                let insns = program(&mut ir, formula, options).unwrap();
                let text = crate::bpf::dump(&insns, 1);
                let program = crate::bpf::Program::new(&insns).expect(&text);
                assert_eq!(program.run(&PACKET, 46, None), if wanted { 96 } else { 0 }, "{text}");
                assert!(!optimise || insns.len() <= longest, "{text}");
            }
        }
    }

    #[test]
    fn what_rejects_everything_is_an_error() {
        let mut ir = Ir::new();
        let ethertype = half(&mut ir, 12);
        let (ip, arp) = (ir.is(ethertype, 0x800), ir.is(ethertype, 0x806));
        let both = ir.and(ip, arp);
        let optimise = Options { snaplen: 96, optimise: true };
        assert_eq!(program(&mut ir, both, optimise), Err("expression rejects all packets"));
        assert!(program(&mut ir, both, Options { optimise: false, ..optimise }).is_ok());
        let never = ir.is(ethertype, 0x1_0000);
        let reject = program(&mut ir, never, optimise).expect("libpcap takes it");
        assert_eq!(reject[..], [Insn::stmt(crate::bpf::insn::RET_K, 0)]);
    }
}
