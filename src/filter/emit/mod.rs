//! From a graph to a program: what each node has to load, given what is in the registers on every way to it; the
//! jumps of its test; and where all of it lies.

mod assemble;
mod code;
mod search;
mod tails;
mod ways;

pub use code::Stuck;

use super::ast::BinOp;
use super::graph::{Case, Graph, Node, NodeId};
use super::ir::{Ir, Rel, ValId, Value, filled};
use crate::bpf::Insn;
use crate::bpf::insn::{self, JEQ, JGE, JGT, JSET, MEMWORDS, X};
use assemble::{Blocks, End, assemble};
use code::{Code, State};
use search::{Jump, To, search};
use smallvec::SmallVec;
use tails::{Tail, Tails, Use};
use ways::Ways;

/// The program of a graph; `snaplen` is what it returns for wanted packets.
///
/// # Errors
/// [`Stuck::Registers`] if the scratch words do not suffice.
pub fn emit(ir: &Ir, graph: &Graph, snaplen: u32) -> Result<Vec<Insn>, Stuck> {
    // Which values need a scratch word shows when one is asked for that is in no register.
    let mut kept: Vec<ValId> = Vec::new();
    let tails = tails::find(ir, graph);
    loop {
        match Emitter::new(ir, graph, &tails, &kept).run(snaplen) {
            Err(Stuck::Forgotten(value)) if kept.len() < MEMWORDS && !kept.contains(&value) => {
                kept.push(value);
            }
            Err(_) => return Err(Stuck::Registers),
            Ok(program) => return Ok(program),
        }
    }
}

struct Emitter<'g> {
    ir: &'g Ir,
    graph: &'g Graph,
    tails: &'g Tails<'g>,
    kept: &'g [ValId],
    ways: Ways,
    made: Blocks,
}

impl<'g> Emitter<'g> {
    fn new(ir: &'g Ir, graph: &'g Graph, tails: &'g Tails<'g>, kept: &'g [ValId]) -> Self {
        let numbers = graph.root().index().max(1) + 1 + tails.tails.len();
        let made = Blocks::with_room_for(graph.reachable().len() + tails.tails.len());
        Self { ir, graph, tails, kept, ways: Ways::new(numbers), made }
    }

    fn run(&mut self, snaplen: u32) -> Result<Vec<Insn>, Stuck> {
        // Those whose last users come first.
        let mut tails: SmallVec<[usize; 8]> = (0..self.tails.tails.len()).collect();
        tails.sort_by_key(|&tail| std::cmp::Reverse(self.tails.tails[tail].1));
        let mut tails = tails.into_iter().peekable();
        let mut code = Code::new(self.ir, self.kept);
        for &node in self.graph.reachable() {
            self.block(&mut code, node, snaplen)?;
            while let Some(tail) = tails.next_if(|&tail| self.tails.tails[tail].1 == node) {
                self.tail(tail);
            }
        }
        Ok(assemble(&self.made, &self.ways))
    }

    /// The number under which a tail goes as if it were a node.
    fn tail_id(&self, tail: usize) -> NodeId {
        NodeId::at(self.graph.root().index().max(1) + 1 + tail)
    }

    fn tail(&mut self, number: usize) {
        let (tail, _) = self.tails.tails[number];
        let id = self.tail_id(number);
        let known = self.ways.known(id);
        self.ways.leave(id, known, tail.cases.iter().map(|&(_, next)| next));
        let end = self.ends(tail, u32::MAX);
        self.made.add(id, &[], end);
    }

    fn block(&mut self, code: &mut Code<'_>, id: NodeId, snaplen: u32) -> Result<(), Stuck> {
        let node = self.graph.node(id);
        code.begin(self.ways.known(id));
        let shared =
            if self.tails.uses.is_empty() { None } else { self.tails.uses.get(&id) }.copied();
        let end = match node {
            Node::Accept | Node::Reject => End::Return(assemble::verdict(id, snaplen)),
            Node::Test { value, cases } => self.test(code, value, cases, shared)?,
            Node::Define { value, from, next } => {
                code.x(from)?;
                code.keep_x(value);
                End::Next(next)
            }
        };
        let mut out = self.enter(id, code, node);
        if let Node::Define { value, from, .. } = node
            && out.x == Some(from)
        {
            out.x = Some(value);
        }
        match shared {
            Some(Use { tail, but }) => {
                let next = but.map(|(_, next)| next);
                let tail = self.tail_id(tail);
                self.ways.leave(id, out, next.into_iter().chain([tail]));
            }
            None => self.ways.leave(id, out, node.targets()),
        }
        self.made.add(id, &code.insns, end);
        Ok(())
    }

    /// Loads what a test looks at, and gives its jumps.
    fn test(
        &mut self,
        code: &mut Code<'_>,
        value: ValId,
        cases: &[Case],
        shared: Option<Use>,
    ) -> Result<End, Stuck> {
        if let Value::Compare { rel, left, right } = *self.ir.get(value) {
            let swapped = code.both(left, right)?;
            let [one, other] = [1, 0].map(|n| To::Node(case(cases, n)));
            return Ok(match (rel, swapped) {
                _ if one == other => next(one),
                (Rel::Eq, _) => self.compare(JEQ | X, 0, one, other),
                (Rel::Gt, false) => self.compare(JGT | X, 0, one, other),
                (Rel::Ge, false) => self.compare(JGE | X, 0, one, other),
                (Rel::Gt, true) => self.compare(JGE | X, 0, other, one),
                (Rel::Ge, true) => self.compare(JGT | X, 0, other, one),
            });
        }
        let Some((loaded, tail)) = tails::split(self.ir, value, cases) else {
            return Err(Stuck::Registers);
        };
        if let Some(Use { tail, but }) = shared {
            code.a(loaded)?;
            let tail = To::Node(self.tail_id(tail));
            return Ok(match but {
                Some((n, node)) => self.compare(JEQ, n, To::Node(node), tail),
                None => next(tail),
            });
        }
        if code.state.a == Some(value) {
            return Ok(self.ends(Tail { mask: None, cases }, self.ir.max_of(value)));
        }
        if let Some(end) = self.two_bits(code, value, cases)? {
            return Ok(end);
        }
        code.a(loaded)?;
        Ok(self.ends(tail, self.ir.max_of(loaded)))
    }

    /// A test of two bits leaves the accumulator as it is, if it looks at one after the other.
    fn two_bits(
        &mut self,
        code: &mut Code<'_>,
        value: ValId,
        cases: &[Case],
    ) -> Result<Option<End>, Stuck> {
        let Value::Binary { op: BinOp::And, left, right } = *self.ir.get(value) else {
            return Ok(None);
        };
        let &Value::Const(mask) = self.ir.get(right) else { return Ok(None) };
        let highest = 1 << (31 - mask.leading_zeros().min(31));
        let lowest = mask & mask.wrapping_neg();
        let (n, inside, outside) = match *cases {
            [(_, outside), (n, inside), (_, other)] if outside == other => (n, inside, outside),
            [(low, outside), (_, inside)] if low.checked_add(1) == Some(mask) => {
                (mask, inside, outside)
            }
            _ => return Ok(None),
        };
        let single = cases.len() == 2 || cases[0].0.checked_add(1) == Some(n);
        if mask.count_ones() != 2 || !single || n & !mask != 0 {
            return Ok(None);
        }
        code.a(left)?;
        let jump = |bit: u32, then: To| {
            let outside = To::Node(outside);
            let (holds, fails) = if n & bit == 0 { (outside, then) } else { (then, outside) };
            Jump { op: JSET, k: bit, holds, fails }
        };
        self.made.jumps.extend([jump(highest, To::Jump(1)), jump(lowest, To::Node(inside))]);
        Ok(Some(End::Jumps))
    }

    /// Decides where each way comes in, and tells what is known behind the block, whichever was taken.
    fn enter(&mut self, id: NodeId, code: &Code<'_>, node: Node<'_>) -> State {
        if id.is_end() {
            return code.state;
        }
        // The code was made for what is known wherever it is reached from: from one place, it is gone through.
        if !self.ways.are_several_into(id) {
            return code.state;
        }
        let needs = needs(self.ir, code, node);
        let mut out: Option<State> = None;
        self.ways.each_into(id, |way| {
            let state = way.state;
            let fits = |&n: &usize| {
                let (need, at) = (needs[n], code.state_at(n));
                (!need.a || at.a.is_some() && at.a == state.a)
                    && (!need.x || at.x.is_some() && at.x == state.x)
                    && need.scratch & !state.scratch == 0
            };
            // As late as possible.
            let entry = (0..needs.len()).rev().find(fits).unwrap_or_default();
            way.entry = u32::try_from(entry).unwrap_or(u32::MAX);
            let after = after(code, entry, state);
            out = Some(out.map_or(after, |out| out.meet(after)));
        });
        out.unwrap_or(code.state)
    }

    /// The jumps of a tail, for numbers that are never above `max`.
    fn ends(&mut self, tail: Tail<'_>, max: u32) -> End {
        if let (Some(mask), &[(_, unset), (_, set)]) = (tail.mask, tail.cases) {
            return self.compare(JSET, mask, To::Node(set), To::Node(unset));
        }
        match search(&mut self.made.jumps, tail.cases, max) {
            To::Node(node) => End::Next(node),
            To::Jump(_) => End::Jumps,
        }
    }

    fn compare(&mut self, op: u16, k: u32, holds: To, fails: To) -> End {
        self.made.jumps.push(Jump { op, k, holds, fails });
        End::Jumps
    }
}

/// What instructions need from before them.
#[derive(Clone, Copy, Debug, Default)]
struct Need {
    a: bool,
    x: bool,
    scratch: u16,
}

/// What is needed before each instruction of a block, and behind the last.
fn needs(ir: &Ir, code: &Code<'_>, node: Node<'_>) -> SmallVec<[Need; 8]> {
    let mut need = match node {
        Node::Accept | Node::Reject => Need::default(),
        // A test that decides nothing is there to load, and not to be skipped unless that was done.
        Node::Test { value, .. } => {
            let x = matches!(ir.get(value), Value::Compare { .. });
            Need { a: true, x, scratch: 0 }
        }
        Node::Define { value, .. } => {
            Need { a: false, x: true, scratch: code.word_of(value).map_or(0, |word| 1 << word) }
        }
    };
    let mut needs = filled(need, code.insns.len() + 1);
    for (n, (insn, _)) in code.insns.iter().enumerate().rev() {
        need = before(*insn, need);
        needs[n] = need;
    }
    needs
}

/// What is needed before `insn`, if `after` is needed behind it.
fn before(insn: Insn, after: Need) -> Need {
    let word = 1_u16.checked_shl(insn.k).unwrap_or(0);
    let mut need = after;
    match insn.class() {
        insn::LD => {
            need.a = false;
            need.x |= insn.mode() == insn::IND;
            if insn.mode() == insn::MEM {
                need.scratch |= word;
            }
        }
        insn::LDX => {
            need.x = false;
            if insn.mode() == insn::MEM {
                need.scratch |= word;
            }
        }
        insn::ST | insn::STX => {
            need.scratch &= !word;
            if insn.class() == insn::ST { need.a = true } else { need.x = true }
        }
        insn::MISC if insn.code == insn::MISC_TAX => {
            need.x = false;
            need.a = true;
        }
        insn::MISC => {
            need.a = false;
            need.x = true;
        }
        _ => {
            need.a = true;
            need.x |= insn.src() == X;
        }
    }
    need
}

/// What is known behind a block that was entered at instruction `at` with `state`.
fn after(code: &Code<'_>, at: usize, state: State) -> State {
    let mut known = state;
    for (n, (insn, _)) in code.insns.iter().enumerate().skip(at) {
        let behind = code.state_at(n + 1);
        match insn.class() {
            insn::LD | insn::ALU => known.a = behind.a,
            insn::LDX => known.x = behind.x,
            insn::MISC if insn.code == insn::MISC_TAX => known.x = behind.x,
            insn::MISC => known.a = behind.a,
            insn::STX => known.x = behind.x,
            _ => {}
        }
        known.scratch |= behind.scratch;
    }
    known
}

/// Where `n` goes.
fn case(cases: &[Case], n: u32) -> NodeId {
    let at = cases.partition_point(|&(high, _)| high < n);
    cases.get(at).map_or(Graph::REJECT, |&(_, node)| node)
}

fn next(to: To) -> End {
    match to {
        To::Node(node) => End::Next(node),
        To::Jump(_) => End::Return(0),
    }
}
