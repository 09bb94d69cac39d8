//! Terms put together to one formula: the postfix list of an expression is walked once, and `and`s, and `or`s,
//! that stand in a row become one list, however they are nested.

use super::ir::{FormId, Ir};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// What an expression has come to so far.
#[derive(Debug, Default)]
pub struct Join {
    stack: SmallVec<[Part; 4]>,
}

/// What lists are lists for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    All,
    Any,
}

#[derive(Debug)]
enum Part {
    One(FormId),
    List(Of, VecDeque<FormId>),
}

impl Part {
    fn form(self, ir: &mut Ir) -> FormId {
        match self {
            Self::One(form) => form,
            Self::List(Of::All, list) => ir.all(&Vec::from(list)),
            Self::List(Of::Any, list) => ir.any(&Vec::from(list)),
        }
    }

    fn list(self, of: Of, ir: &mut Ir) -> VecDeque<FormId> {
        match self {
            Self::List(same, list) if same == of => list,
            other => VecDeque::from([other.form(ir)]),
        }
    }
}

impl Join {
    /// A term.
    pub fn term(&mut self, form: FormId) {
        self.stack.push(Part::One(form));
    }

    /// The opposite of the top.
    pub fn not(&mut self, ir: &mut Ir) {
        let top = self.pop(ir).form(ir);
        let not = ir.not(top);
        self.term(not);
    }

    /// Both of the top two.
    pub fn and(&mut self, ir: &mut Ir) {
        self.both(Of::All, ir);
    }

    /// Either of the top two.
    pub fn or(&mut self, ir: &mut Ir) {
        self.both(Of::Any, ir);
    }

    /// All of it; without terms, everything is accepted.
    pub fn finish(mut self, ir: &mut Ir) -> FormId {
        self.pop(ir).form(ir)
    }

    fn both(&mut self, of: Of, ir: &mut Ir) {
        let (right, left) = (self.pop(ir), self.pop(ir));
        let list = concatenated(left.list(of, ir), right.list(of, ir));
        self.stack.push(Part::List(of, list));
    }

    fn pop(&mut self, ir: &mut Ir) -> Part {
        // The parser gives no step without what it takes.
        self.stack.pop().unwrap_or_else(|| Part::One(ir.truth()))
    }
}

/// One list. The shorter goes to the longer, so that no nesting makes it slow.
fn concatenated(mut left: VecDeque<FormId>, mut right: VecDeque<FormId>) -> VecDeque<FormId> {
    if left.len() >= right.len() {
        left.append(&mut right);
        return left;
    }
    while let Some(last) = left.pop_back() {
        right.push_front(last);
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::ir::{Formula, Width};

    /// Tests that have nothing to do with each other.
    fn tests(ir: &mut Ir, n: u32) -> Vec<FormId> {
        let mut test = |k| {
            let value = ir.load(None, k, Width::Byte);
            ir.is(value, 1)
        };
        (0..n).map(&mut test).collect()
    }

    /// The formula of terms `0`, `1`, ..., and `!`, `&`, `|`.
    fn joined(steps: &str) -> (Ir, FormId, Vec<FormId>) {
        let mut ir = Ir::new();
        let terms = tests(&mut ir, 10);
        let mut join = Join::default();
        for step in steps.chars() {
            match step {
                '!' => join.not(&mut ir),
                '&' => join.and(&mut ir),
                '|' => join.or(&mut ir),
                digit => join.term(terms[digit.to_digit(10).expect("a digit") as usize]),
            }
        }
        let root = join.finish(&mut ir);
        (ir, root, terms)
    }

    #[test]
    fn rows_become_one_list() {
        for steps in ["01|2|3|", "0123|||", "01|23||", "012||3|"] {
            let (ir, root, terms) = joined(steps);
            assert_eq!(ir.formula_of(root), Formula::Or(&terms[..4]), "{steps}");
        }
        let (ir, root, terms) = joined("01&2&");
        assert_eq!(ir.formula_of(root), Formula::And(&terms[..3]));
    }

    #[test]
    fn other_operators_end_a_row() {
        let (ir, root, terms) = joined("01|2&3|");
        let Formula::Or(outer) = ir.formula_of(root) else { panic!("an or") };
        assert_eq!((outer.len(), outer[1]), (2, terms[3]));
        let Formula::And(middle) = ir.formula_of(outer[0]) else { panic!("an and") };
        assert_eq!((middle.len(), middle[1]), (2, terms[2]));
        assert_eq!(ir.formula_of(middle[0]), Formula::Or(&terms[..2]));
        let (ir, root, terms) = joined("01|!2|");
        let Formula::Or(outer) = ir.formula_of(root) else { panic!("an or") };
        assert!(matches!(ir.formula_of(outer[0]), Formula::Not(_)) && outer[1] == terms[2]);
    }

    #[test]
    fn no_steps_accept_everything() {
        let (ir, root, _) = joined("");
        assert_eq!(ir.formula_of(root), Formula::True);
    }

    /// A hundred thousand terms take no time to speak of, whichever way they are nested.
    #[test]
    fn nesting_is_no_matter() {
        let mut ir = Ir::new();
        let terms = tests(&mut ir, 100_000);
        let mut left = Join::default();
        let mut right = Join::default();
        for (n, &term) in terms.iter().enumerate() {
            left.term(term);
            right.term(term);
            if n > 0 {
                left.or(&mut ir);
            }
        }
        for _ in 1..terms.len() {
            right.or(&mut ir);
        }
        let (left, right) = (left.finish(&mut ir), right.finish(&mut ir));
        assert_eq!(left, right);
        assert_eq!(ir.formula_of(left), Formula::Or(&terms));
    }
}
