//! Where instructions lie. Blocks are laid out from the last to the first, so that whatever an instruction jumps to
//! has its place already; a jump that would be longer than 8 bits allow finds a stepping stone behind it.

use super::search::{Jump, To};
use crate::bpf::Insn;
use crate::bpf::insn::{JMP, JMP_JA, RET_K};
use crate::filter::graph::{Graph, NodeId};
use crate::filter::ir::Map;

/// What a node became.
#[derive(Debug, Default)]
pub struct Block {
    /// Instructions that do not leave the block.
    pub code: Vec<Insn>,
    /// What follows them.
    pub end: End,
}

/// How a block ends.
#[derive(Debug)]
pub enum End {
    /// The packet's verdict.
    Return(u32),
    /// Conditional jumps, of which the first is begun with.
    Jumps(Vec<Jump>),
    /// On to a node.
    Next(NodeId),
}

impl Default for End {
    fn default() -> Self {
        Self::Return(0)
    }
}

/// How far a conditional jump reaches: so many instructions are skipped at most.
const REACH: usize = u8::MAX as usize;

/// Lays out `blocks`, which are in the order of their instructions. `entry` tells at which instruction of a node's code a
/// way from another node comes in.
pub fn assemble(blocks: &[(NodeId, Block)], entry: impl Fn(NodeId, NodeId) -> usize) -> Vec<Insn> {
    let mut layout = Layout { insns: Vec::new(), places: Map::default(), returns: Map::default() };
    for (node, block) in blocks.iter().rev() {
        layout.block(*node, block, &|to| entry(*node, to));
    }
    layout.insns.reverse();
    layout.insns
}

struct Layout {
    /// Backwards: the program's last instruction is the first.
    insns: Vec<Insn>,
    /// The nearest instruction that is, or leads to, an instruction of a node's code.
    places: Map<(NodeId, usize), usize>,
    /// What the nodes return that do only that.
    returns: Map<NodeId, u32>,
}

impl Layout {
    fn block(&mut self, node: NodeId, block: &Block, entry: &dyn Fn(NodeId) -> usize) {
        match &block.end {
            &End::Return(k) => {
                self.insns.push(Insn::stmt(RET_K, k));
                self.returns.insert(node, k);
            }
            End::Jumps(jumps) => self.jumps(jumps, entry),
            &End::Next(next) => self.next((next, entry(next))),
        }
        let last = self.insns.len();
        for &insn in block.code.iter().rev() {
            self.insns.push(insn);
        }
        for at in 0..=block.code.len() {
            // Number `at` of the code; behind the code, what the block ends with.
            self.places.insert((node, at), last + block.code.len() - at - 1);
        }
    }

    /// Falls through, if what comes next is there, or jumps.
    fn next(&mut self, to: (NodeId, usize)) {
        let place = self.places.get(&to).copied().unwrap_or_default();
        if place + 1 != self.insns.len() {
            self.stone(to);
        }
    }

    fn jumps(&mut self, jumps: &[Jump], entry: &dyn Fn(NodeId) -> usize) {
        let mut places = vec![0; jumps.len()];
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
                (self.places.get(&to).copied().unwrap_or_default(), Far::Node(to))
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
        let place = self.places.get(&to).copied().unwrap_or_default();
        let stone = match self.returns.get(&to.0) {
            Some(&k) => Insn::stmt(RET_K, k),
            None => ja(self.insns.len() - place - 1),
        };
        self.places.insert(to, self.insns.len());
        self.insns.push(stone);
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
