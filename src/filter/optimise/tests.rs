//! The passes on random formulas: what they mean stays.

use super::simplify::simplify;
use crate::bpf::Program;
use crate::filter::code::{Options, program};
use crate::filter::ir::{FormId, Ir, Set, ValId, Width};

/// Numbers that look random.
pub(super) struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    pub fn number(&mut self, n: u32) -> u32 {
        u32::try_from(self.below(n.into())).unwrap()
    }
}

/// One of a few values, often the same.
fn value(ir: &mut Ir, random: &mut Random) -> ValId {
    let byte = ir.load(None, random.number(3), Width::Byte);
    match random.below(4) {
        0 => ir.mask(byte, 2),
        1 => ir.mask(byte, 0xfe),
        _ => byte,
    }
}

fn formula(ir: &mut Ir, random: &mut Random, depth: u32) -> FormId {
    let some = |ir: &mut Ir, random: &mut Random| -> Vec<FormId> {
        (0..2 + random.below(3)).map(|_| formula(ir, random, depth - 1)).collect()
    };
    match random.below(if depth == 0 { 2 } else { 7 }) {
        0 | 1 => {
            let value = value(ir, random);
            let ranges = (0..1 + random.below(2)).map(|_| {
                let low = random.number(4);
                (low, low + random.number(3))
            });
            let set = Set::from_ranges(ranges);
            ir.test(value, set)
        }
        2 => {
            let inner = formula(ir, random, depth - 1);
            ir.not(inner)
        }
        3 | 4 => {
            let parts = some(ir, random);
            ir.all(&parts)
        }
        _ => {
            let parts = some(ir, random);
            ir.any(&parts)
        }
    }
}

#[test]
fn simpler_formulas_mean_the_same() {
    let mut random = Random(1);
    for case in 0..200 {
        let mut ir = Ir::new();
        let depth = 3 + random.number(3);
        let before = formula(&mut ir, &mut random, depth);
        let after = simplify(&mut ir, before);
        for n in 0..125_u8 {
            let packet = [n % 5, n / 5 % 5, n / 25];
            let [was, is] = [before, after].map(|id| ir.eval(id, &packet, 3, None));
            assert_eq!(was, is, "case {case}, {packet:?}: {:?}", ir.formula_of(after));
        }
    }
}

#[test]
fn programs_mean_what_formulas_do() {
    let mut random = Random(2);
    for case in 0..400 {
        for optimise in [false, true] {
            let mut ir = Ir::new();
            let id = formula(&mut ir, &mut random, 3);
            let insns = match program(&mut ir, id, Options { snaplen: 1, optimise }) {
                Ok(insns) => insns,
                Err(_) => vec![crate::bpf::Insn::stmt(crate::bpf::insn::RET_K, 0)],
            };
            let text = crate::bpf::dump(&insns, 1);
            let program = Program::new(&insns).expect(&text);
            for n in 0..125_u8 {
                let packet = [n % 5, n / 5 % 5, n / 25];
                let want = ir.eval(id, &packet, 3, None).unwrap();
                let got = program.run(&packet, 3, None) == 1;
                assert_eq!(got, want, "case {case}, {optimise}, {packet:?}:\n{text}");
            }
        }
    }
}
