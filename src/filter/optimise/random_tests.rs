//! Programs of random formulas with all kinds of values, against what the formulas mean. `FILTER_CASES` sets how many.

use super::tests::Random;
use crate::bpf::{Insn, Program, dump, insn, kernel_accepts};
use crate::filter::ast::{BinOp, Relop};
use crate::filter::code::{Options, program};
use crate::filter::ir::{FormId, Ir, Set, ValId, Value, Width};

/// Makes formulas over few values, so that the same ones come again and again.
struct Maker {
    ir: Ir,
    random: Random,
    values: Vec<ValId>,
    loops: bool,
}

const OPERATORS: [BinOp; 10] = [
    BinOp::Add,
    BinOp::Sub,
    BinOp::Mul,
    BinOp::Div,
    BinOp::Mod,
    BinOp::And,
    BinOp::Or,
    BinOp::Xor,
    BinOp::Lsh,
    BinOp::Rsh,
];

const RELATIONS: [Relop; 6] = [Relop::Eq, Relop::Ne, Relop::Gt, Relop::Le, Relop::Ge, Relop::Lt];

const WIDTHS: [Width; 4] = [Width::Byte, Width::Byte, Width::Half, Width::Word];

impl Maker {
    fn new(seed: u64) -> Self {
        Self { ir: Ir::new(), random: Random(seed), values: Vec::new(), loops: false }
    }

    fn below(&mut self, n: u32) -> u32 {
        self.random.number(n)
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        let at = self.random.below(list.len() as u64);
        list[usize::try_from(at).unwrap()]
    }

    fn value(&mut self, depth: u32) -> ValId {
        if !self.values.is_empty() && self.below(2) == 0 {
            let values = self.values.clone();
            return self.one_of(&values);
        }
        let value = self.new_value(depth);
        self.values.push(value);
        value
    }

    /// Something small that is not constant: an offset that lies in the packet.
    fn small(&mut self, depth: u32) -> ValId {
        let value = self.value(depth);
        let mask = self.one_of(&[1, 3, 7]);
        self.ir.mask(value, mask)
    }

    fn new_value(&mut self, depth: u32) -> ValId {
        let width = self.one_of(&WIDTHS);
        let k = self.below(8);
        match if depth == 0 { 0 } else { self.below(12) } {
            0..=2 => self.ir.load(None, k, width),
            3 | 4 => {
                let base = self.small(depth - 1);
                self.ir.load(Some(base), k, width)
            }
            5 => {
                let (value, n) = (self.value(depth - 1), self.below(9));
                let n = self.ir.constant(n);
                let op = self.one_of(&OPERATORS);
                self.ir.binary(op, value, n)
            }
            6 => {
                let (left, right) = (self.value(depth - 1), self.value(depth - 1));
                let op = self.one_of(&OPERATORS);
                self.ir.binary(op, left, right)
            }
            7 => {
                let first = self.ir.load(None, k, Width::Byte);
                let (nibble, two) = (self.ir.mask(first, 0xf), self.ir.constant(2));
                let length = self.ir.binary(BinOp::Lsh, nibble, two);
                self.ir.load(Some(length), k, width)
            }
            8 | 9 => self.choice(depth),
            10 if self.loops => {
                let (at, ip6) = (self.below(3), self.below(2) == 1);
                let target = u8::try_from(self.below(6)).unwrap();
                self.ir.chain(at, ip6, target)
            }
            10 => {
                let value = self.value(depth - 1);
                self.ir.neg(value)
            }
            _ => self.ir.len(),
        }
    }

    /// A value chosen by conditions, most often used as an offset.
    fn choice(&mut self, depth: u32) -> ValId {
        let mut arms = Vec::new();
        for _ in 0..1 + self.below(3) {
            let condition = self.formula(depth - 1);
            let value = match self.below(4) {
                0 => self.small(depth - 1),
                1 => self.ir.value(Value::Fail),
                _ => {
                    let n = self.below(6);
                    self.ir.constant(n)
                }
            };
            arms.push((condition, value));
        }
        if self.below(2) == 0 {
            let (truth, n) = (self.ir.truth(), self.below(6));
            let n = self.ir.constant(n);
            arms.push((truth, n));
        }
        let chosen = self.ir.choose(&arms);
        let k = self.below(4);
        match self.below(4) {
            0 => chosen,
            1 => self.ir.binary(BinOp::Add, chosen, chosen),
            _ => self.ir.load(Some(chosen), k, Width::Byte),
        }
    }

    fn set(&mut self) -> Set {
        let ranges = (0..1 + self.below(3)).map(|_| {
            let low = self.below(7);
            (low, low + self.below(3) * self.below(2))
        });
        let set = Set::from_ranges(ranges);
        if self.below(4) == 0 { set.complement() } else { set }
    }

    fn formula(&mut self, depth: u32) -> FormId {
        match if depth == 0 { 0 } else { self.below(9) } {
            0..=2 => {
                let (value, set) = (self.value(depth), self.set());
                self.ir.test(value, set)
            }
            3 => {
                let (left, right) = (self.value(depth - 1), self.value(depth - 1));
                let op = self.one_of(&RELATIONS);
                self.ir.relation(op, left, right)
            }
            4 => {
                let inner = self.formula(depth - 1);
                self.ir.not(inner)
            }
            5 if self.below(3) == 0 => self.twice(depth),
            5 | 6 => {
                let parts = self.formulas(depth);
                self.ir.all(&parts)
            }
            _ => {
                let parts = self.formulas(depth);
                self.ir.any(&parts)
            }
        }
    }

    fn formulas(&mut self, depth: u32) -> Vec<FormId> {
        (0..2 + self.below(3)).map(|_| self.formula(depth - 1)).collect()
    }

    /// The same tests counted from different places, behind guards: what is worth to be shared.
    fn twice(&mut self, depth: u32) -> FormId {
        let seed = self.random.below(1 << 30);
        let mut ways = Vec::new();
        for _ in 0..2 + self.below(2) {
            let guard = self.formula(depth - 1);
            let base = if self.below(3) == 0 { None } else { Some(self.small(depth - 1)) };
            let more = if base.is_none() { self.below(3) } else { 0 };
            let mut same = Random(seed);
            let mut parts = Vec::new();
            for _ in 0..2 + same.number(4) {
                let k = same.number(5) + more;
                let load = self.ir.load(base, k, Width::Byte);
                let low = same.number(6);
                let (high, masked) = (low + same.number(3), same.number(3) == 0);
                let load = if masked { self.ir.mask(load, 6) } else { load };
                parts.push(self.ir.in_range(load, low, high));
            }
            let part = if same.number(2) == 0 { self.ir.any(&parts) } else { self.ir.all(&parts) };
            ways.push(self.ir.and(guard, part));
        }
        self.ir.any(&ways)
    }

    fn packet(&mut self) -> Vec<u8> {
        let bytes = self.below(18);
        (0..bytes)
            .map(|_| match self.below(12) {
                0 => u8::try_from(self.below(256)).unwrap(),
                1 => self.one_of(&[0, 43, 44, 51, 60]),
                _ => u8::try_from(self.below(7)).unwrap(),
            })
            .collect()
    }
}

/// The program, or that there is none for what is no mistake of the compiler.
fn compiled(ir: &mut Ir, id: FormId, optimise: bool) -> Option<Vec<Insn>> {
    match program(ir, id, Options { snaplen: 1, optimise }) {
        Ok(insns) => Some(insns),
        Err("expression rejects all packets") => Some(vec![Insn::stmt(insn::RET_K, 0)]),
        Err(_) => None,
    }
}

/// Compiles a formula both ways and runs the programs on random packets. Whether there were both.
fn check(maker: &mut Maker, id: FormId, case: &str, packets: usize) -> bool {
    let packets: Vec<Vec<u8>> = (0..packets).map(|_| maker.packet()).collect();
    let wanted: Vec<Option<bool>> =
        packets.iter().map(|packet| maker.ir.eval(id, packet, wire_len(packet), None)).collect();
    let mut both = true;
    for optimise in [false, true] {
        let Some(insns) = compiled(&mut maker.ir, id, optimise) else {
            both = false;
            continue;
        };
        let text =
            || format!("{case}, optimise: {optimise}\n{}\n{}", maker.ir.show(id), dump(&insns, 1));
        assert!(maker.loops || insns.len() > 4096 || kernel_accepts(&insns), "{}", text());
        let program = Program::new(&insns).unwrap_or_else(|| panic!("{}", text()));
        for (packet, wanted) in packets.iter().zip(&wanted) {
            let got = program.run(packet, wire_len(packet), None) == 1;
            // What cannot be computed rejects a packet; an optimised program may do without it.
            let right = wanted.map_or(optimise || !got, |wanted| wanted == got);
            assert!(right, "{packet:?}: {wanted:?}, {got}\n{}", text());
        }
    }
    both
}

/// Packets were cut, or not.
fn wire_len(packet: &[u8]) -> u32 {
    let len = u32::try_from(packet.len()).unwrap();
    len + len % 2
}

fn cases(usual: u64) -> u64 {
    std::env::var("FILTER_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

#[test]
fn programs_of_all_kinds_of_values() {
    let cases = cases(800);
    let mut compiled = 0;
    for case in 0..cases {
        let mut maker = Maker::new(case);
        maker.loops = case % 8 == 0;
        let depth = 2 + maker.below(3);
        let id = maker.formula(depth);
        compiled += u64::from(check(&mut maker, id, &format!("case {case}"), 60));
    }
    assert!(compiled * 10 > cases * 8, "{compiled} of {cases}");
}

/// Tests with hundreds of cases that go to many places: more than a jump reaches.
#[test]
fn programs_with_far_jumps() {
    for case in 0..cases(400) / 40 {
        let mut maker = Maker::new(1_000 + case);
        let mut terms = Vec::new();
        for n in 0..200 + maker.below(300) {
            let guard = maker.value(1);
            let guard = maker.ir.is(guard, n % 97);
            let term = maker.formula(1 + n % 2);
            let term = if n % 5 == 0 { maker.ir.not(term) } else { term };
            terms.push(maker.ir.and(guard, term));
        }
        let id = maker.ir.any(&terms);
        check(&mut maker, id, &format!("far {case}"), 200);
    }
}
