//! Where instructions lie. Blocks are laid out from the last to the first, so that whatever an instruction jumps to
//! has its place already; a jump that would be longer than 8 bits allow finds a stepping stone behind it.

use super::code::State;
use super::search::{Jump, Jumps, To};
use super::ways::Ways;
use crate::bpf::Insn;
use crate::bpf::insn::{JMP, JMP_JA, LD_MEM, LDX_MEM, RET_K};
use crate::filter::graph::{Graph, NodeId};
use crate::filter::ir::{Map, filled};
use smallvec::{SmallVec, smallvec};

/// What nodes became, in the order of their instructions.
#[derive(Debug)]
pub struct Blocks {
    list: Vec<Block>,
    code: Vec<Insn>,
    /// The jumps of all tests.
    pub jumps: Jumps,
}

/// What a node became.
#[derive(Debug)]
pub struct Block {
    node: NodeId,
    /// Where its instructions end that do not leave the block; they begin where the ones before end.
    code: usize,
    /// Where its jumps end.
    jumps: usize,
    /// What follows.
    end: End,
}

/// How a block ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// The packet's verdict.
    Return(u32),
    /// Conditional jumps, of which the first is begun with.
    Jumps,
    /// On to a node.
    Next(NodeId),
}

impl Blocks {
    /// None yet.
    pub fn with_room_for(blocks: usize) -> Self {
        let list = Vec::with_capacity(blocks);
        Self { list, code: Vec::with_capacity(2 * blocks), jumps: Vec::with_capacity(2 * blocks) }
    }

    /// Adds what a node became. Its jumps were added before.
    pub fn add(&mut self, node: NodeId, code: &[(Insn, State)], end: End) {
        self.code.extend(code.iter().map(|(insn, _)| *insn));
        let (code, jumps) = (self.code.len(), self.jumps.len());
        self.list.push(Block { node, code, jumps, end });
    }
}

/// How far a conditional jump reaches: so many instructions are skipped at most.
const REACH: usize = u8::MAX as usize;

/// Lays out blocks. The ways tell at which instruction of a node's code one from another node comes in.
pub fn assemble(blocks: &Blocks, ways: &Ways) -> Vec<Insn> {
    let remembers = |insn: &Insn| matches!(insn.code, LD_MEM | LDX_MEM);
    let mut layout = Layout {
        insns: Vec::with_capacity(blocks.code.len() + blocks.jumps.len() + blocks.list.len()),
        ends: filled(0, ways.nodes()),
        stones: Stones::default(),
        returns: [None; 2],
        scratch: blocks.code.iter().any(remembers),
    };
    let (mut code, mut jumps) = (&blocks.code[..], &blocks.jumps[..]);
    for (n, block) in blocks.list.iter().enumerate().rev() {
        let (from, first) =
            n.checked_sub(1).map_or((0, 0), |n| (blocks.list[n].code, blocks.list[n].jumps));
        layout.end(block, &jumps[first..], &|to| ways.entry(block.node, to));
        layout.insns.extend(code[from..].iter().rev());
        layout.ends[block.node.index()] = layout.insns.len();
        (code, jumps) = (&code[..from], &jumps[..first]);
    }
    layout.insns.reverse();
    layout.insns
}

struct Layout {
    /// Backwards: the program's last instruction is the first.
    insns: Vec<Insn>,
    /// Behind the instructions of each node.
    ends: SmallVec<[usize; 32]>,
    /// The nearest jump to an instruction of a node's code, where that is far away.
    stones: Stones,
    /// What the two ends return.
    returns: [Option<u32>; 2],
    /// Whether scratch words are read. Linux's check of programs then takes what is not yet written before a return
    /// for not written behind it, though no way leads from one to the other; behind a jump it does not.
    scratch: bool,
}

impl Layout {
    fn end(&mut self, block: &Block, jumps: &[Jump], entry: &dyn Fn(NodeId) -> usize) {
        match block.end {
            End::Return(k) => {
                self.insns.push(Insn::stmt(RET_K, k));
                self.returns[block.node.index()] = Some(k);
            }
            End::Jumps => self.jumps(jumps, entry),
            End::Next(next) => self.next((next, entry(next))),
        }
    }

    /// The nearest instruction that is, or leads to, number `at` of a node's code; behind the code, what it ends with.
    fn place(&self, (node, at): (NodeId, usize)) -> usize {
        self.stones.get((node, at)).unwrap_or_else(|| self.ends[node.index()] - at - 1)
    }

    /// Falls through, if what comes next is there, or jumps.
    fn next(&mut self, to: (NodeId, usize)) {
        let place = self.place(to);
        if place + 1 != self.insns.len() {
            self.stone(to);
        }
    }

    fn jumps(&mut self, jumps: &[Jump], entry: &dyn Fn(NodeId) -> usize) {
        let mut places: SmallVec<[usize; 4]> = smallvec![0; jumps.len()];
        for (n, jump) in jumps.iter().enumerate().rev() {
            // Each stone moves the jump away from the rest, so look again until none is needed.
            let (jt, jf) = loop {
                let holds = self.skip(jump.holds, &places, entry);
                let fails = self.skip(jump.fails, &places, entry);
                match (holds, fails) {
                    (Ok(holds), Ok(fails)) => break (holds, fails),
                    (Err(far), _) | (_, Err(far)) => self.far(far, &mut places),
                }
            };
            places[n] = self.insns.len();
            self.insns.push(Insn::jump(JMP | jump.op, jump.k, jt, jf));
        }
    }

    /// How many instructions a jump that is laid now skips, or what is too far away.
    fn skip(&self, to: To, jumps: &[usize], entry: &dyn Fn(NodeId) -> usize) -> Result<u8, Far> {
        let (place, far) = match to {
            To::Jump(n) => (jumps[n], Far::Jump(n)),
            To::Node(node) => {
                let to = (node, entry(node));
                (self.place(to), Far::Node(to))
            }
        };
        let skipped = self.insns.len() - place - 1;
        u8::try_from(skipped).ok().filter(|_| skipped <= REACH).ok_or(far)
    }

    /// Lays a stepping stone.
    fn far(&mut self, far: Far, jumps: &mut [usize]) {
        match far {
            Far::Node(to) => self.stone(to),
            Far::Jump(n) => {
                let skipped = self.insns.len() - jumps[n] - 1;
                jumps[n] = self.insns.len();
                self.insns.push(ja(skipped));
            }
        }
    }

    /// A jump to a node, or the same verdict once more, which is as short.
    fn stone(&mut self, to: (NodeId, usize)) {
        let place = self.place(to);
        let stone = match self.returns.get(to.0.index()) {
            Some(&Some(k)) if !self.scratch => Insn::stmt(RET_K, k),
            _ => ja(self.insns.len() - place - 1),
        };
        self.stones.insert(to, self.insns.len());
        self.insns.push(stone);
    }
}

/// Where stepping stones lie, by where they lead.
#[derive(Default)]
struct Stones {
    /// The first one: most programs have no more.
    first: Option<((NodeId, usize), usize)>,
    more: Map<(NodeId, usize), usize>,
}

impl Stones {
    fn get(&self, to: (NodeId, usize)) -> Option<usize> {
        match self.first {
            Some((known, place)) if known == to => Some(place),
            Some(_) if !self.more.is_empty() => self.more.get(&to).copied(),
            _ => None,
        }
    }

    fn insert(&mut self, to: (NodeId, usize), place: usize) {
        match &mut self.first {
            Some((known, nearest)) if *known == to => *nearest = place,
            Some(_) => {
                self.more.insert(to, place);
            }
            none => *none = Some((to, place)),
        }
    }
}

/// What is too far away for a jump.
enum Far {
    Jump(usize),
    Node((NodeId, usize)),
}

fn ja(skipped: usize) -> Insn {
    Insn::stmt(JMP_JA, u32::try_from(skipped).unwrap_or(u32::MAX))
}

/// The verdict that a terminal node returns.
#[must_use]
pub fn verdict(node: NodeId, snaplen: u32) -> u32 {
    if node == Graph::ACCEPT { snaplen } else { 0 }
}
