//! Formulas as text, for people who look into a filter: a line for each part that is used in several places, and
//! last the whole.
//!
//! ```text
//! v1 = ([14:1] & 0xf) << 2
//! [12:2] = 0x800 and ([v1 + 14:2] = 0x50 or [v1 + 16:2] = 0x50)
//! ```

use super::eval::Part;
use super::{FormId, Formula, Ir, Ranges, Rel, ValId, Value};
use std::collections::HashMap;
use std::fmt::Write as _;

/// A part this short is written wherever it is used.
const SHORT: usize = 12;

/// A part longer than this gets a line of its own. So nothing nests deeply.
const LONG: usize = 160;

impl Ir {
    /// A formula as text.
    #[must_use]
    pub fn show(&self, formula: FormId) -> String {
        let parts = self.parts_of(formula);
        let mut uses: HashMap<Part, usize> = HashMap::new();
        for part in parts.iter().flat_map(|&part| self.direct_parts(part)) {
            *uses.entry(part).or_default() += 1;
        }
        let mut page = Page { ir: self, lines: String::new(), texts: HashMap::new(), names: 0 };
        for part in parts {
            let text = match part {
                Part::Value(id) => page.value(id),
                Part::Formula(id) => page.formula(id),
            };
            let used = uses.get(&part).copied().unwrap_or_default();
            page.keep(part, text, used);
        }
        page.lines
    }
}

impl Ir {
    /// One value as text. What is defined elsewhere is called by a number.
    #[must_use]
    pub fn show_value(&self, value: ValId) -> String {
        let mut page = Page { ir: self, lines: String::new(), texts: HashMap::new(), names: 0 };
        let mut parts = std::collections::BTreeSet::new();
        let mut work = vec![value];
        while let Some(id) = work.pop() {
            if parts.insert(id) && !matches!(self.get(id), Value::Choose(_)) {
                let inner = self.direct_parts(Part::Value(id)).into_iter();
                work.extend(inner.filter_map(|part| match part {
                    Part::Value(id) => Some(id),
                    Part::Formula(_) => None,
                }));
            }
        }
        for id in parts {
            let text = match self.get(id) {
                Value::Choose(_) | Value::Remembered(_) => format!("v{}", id.number()),
                _ => page.value(id),
            };
            let text = if text.len() > LONG { "...".to_owned() } else { text };
            page.texts.insert(Part::Value(id), text);
        }
        page.text(Part::Value(value)).to_owned()
    }
}

struct Page<'i> {
    ir: &'i Ir,
    lines: String,
    /// What stands for a part: its text, or its name.
    texts: HashMap<Part, String>,
    names: usize,
}

impl Page<'_> {
    fn keep(&mut self, part: Part, text: String, used: usize) {
        if used == 0 {
            self.lines.push_str(&text);
            self.lines.push('\n');
        } else if text.len() > LONG || used > 1 && text.len() > SHORT {
            self.names += 1;
            let kind = if matches!(part, Part::Value(_)) { 'v' } else { 'f' };
            let name = format!("{kind}{}", self.names);
            // Writing to a String cannot fail.
            let _ = writeln!(self.lines, "{name} = {text}");
            self.texts.insert(part, name);
        } else {
            self.texts.insert(part, text);
        }
    }

    fn text(&self, part: Part) -> &str {
        self.texts.get(&part).map_or("?", String::as_str)
    }

    /// An operand, in parentheses if it has operands itself.
    fn inner(&self, id: ValId) -> String {
        let text = self.text(Part::Value(id));
        let is_plain = !matches!(self.ir.get(id), Value::Binary { .. } | Value::Compare { .. });
        if is_plain || !text.contains(' ') { text.to_owned() } else { format!("({text})") }
    }

    fn value(&self, id: ValId) -> String {
        let inner = |id| self.inner(id);
        match *self.ir.get(id) {
            Value::Const(n) => number(n),
            Value::Len => "len".to_owned(),
            Value::Load { base: None, k, width } => format!("[{k}:{}]", width.bytes()),
            Value::Load { base: Some(base), k: 0, width } => {
                format!("[{}:{}]", self.text(Part::Value(base)), width.bytes())
            }
            Value::Load { base: Some(base), k, width } => {
                format!("[{} + {k}:{}]", inner(base), width.bytes())
            }
            Value::Ancillary { field, .. } => format!("kernel[{field}]"),
            Value::Binary { op, left, right } => format!("{} {op} {}", inner(left), inner(right)),
            Value::Neg(of) => format!("-{}", inner(of)),
            Value::Compare { rel, left, right } => {
                let rel = match rel {
                    Rel::Eq => "=",
                    Rel::Gt => ">",
                    Rel::Ge => ">=",
                };
                format!("{} {rel} {}", inner(left), inner(right))
            }
            Value::Choose(choices) => {
                let arm = |&(condition, value): &(FormId, ValId)| {
                    let (condition, value) =
                        (self.text(Part::Formula(condition)), self.text(Part::Value(value)));
                    format!("{condition}: {value}")
                };
                let arms = self.ir.choices(choices).iter();
                format!("choose {{{}}}", arms.map(arm).collect::<Vec<_>>().join("; "))
            }
            Value::Chain { at, ip6, target } => {
                let version = if ip6 { 6 } else { 4 };
                format!("chain(ip{version} at {at}, {target})")
            }
            Value::Remembered(n) => format!("remembered({n})"),
            Value::Fail => "fail".to_owned(),
        }
    }

    fn formula(&self, id: FormId) -> String {
        let join = |list: &[FormId], word: &str| {
            let parts: Vec<String> = list.iter().map(|&part| self.operand(part)).collect();
            parts.join(word)
        };
        match self.ir.formula_of(id) {
            Formula::True => "true".to_owned(),
            Formula::False => "false".to_owned(),
            Formula::Test(value, set) => {
                let value = self.text(Part::Value(value));
                format!("{value} {}", show_set(set))
            }
            Formula::Not(of) => format!("not {}", self.operand(of)),
            Formula::And(list) => join(list, " and "),
            Formula::Or(list) => join(list, " or "),
            Formula::Case { value, arms, otherwise } => {
                let mut text = format!("case {} {{", self.text(Part::Value(value)));
                for (set, of) in arms.iter() {
                    let _ = write!(text, "{}: {}; ", show_set(set), self.text(Part::Formula(of)));
                }
                text + "otherwise " + if otherwise { "true}" } else { "false}" }
            }
        }
    }

    /// A formula's text as a part of another: lists stand in parentheses.
    fn operand(&self, id: FormId) -> String {
        let text = self.text(Part::Formula(id));
        let is_list = matches!(self.ir.formula_of(id), Formula::And(_) | Formula::Or(_));
        if is_list && text.contains(' ') { format!("({text})") } else { text.to_owned() }
    }
}

/// What a value must be to be in the set.
pub fn show_set(set: Ranges<'_>) -> String {
    match *set.ranges() {
        [(low, high)] if low == high => format!("= {}", number(low)),
        [(1, u32::MAX)] => "!= 0".to_owned(),
        [(low, u32::MAX)] => format!(">= {}", number(low)),
        [(0, high)] => format!("<= {}", number(high)),
        [(0, low), (high, u32::MAX)] if high - low == 2 => format!("!= {}", number(low + 1)),
        ref ranges => {
            let range = |&(low, high): &(u32, u32)| match high - low {
                0 => number(low),
                _ => format!("{}..{}", number(low), number(high)),
            };
            format!("in {{{}}}", ranges.iter().map(range).collect::<Vec<_>>().join(", "))
        }
    }
}

fn number(n: u32) -> String {
    if n < 10 { n.to_string() } else { format!("{n:#x}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::ast::BinOp;
    use crate::filter::ir::Width;

    #[test]
    fn shared_parts_get_names() {
        let mut ir = Ir::new();
        let first = ir.load(None, 14, Width::Byte);
        let words = ir.mask(first, 0xf);
        let two = ir.constant(2);
        let length = ir.binary(BinOp::Lsh, words, two);
        let [src, dst] = [14, 16].map(|k| ir.load(Some(length), k, Width::Half));
        let src = ir.is(src, 80);
        let dst = ir.in_range(dst, 80, 90);
        let either = ir.or(src, dst);
        let not = ir.not(either);
        let len = ir.len();
        let long = ir.is_not(len, 60);
        let both = ir.and(long, not);
        let text = "v1 = ([14:1] & 0xf) << 2\n\
             len != 0x3c and not ([v1 + 14:2] = 0x50 or [v1 + 16:2] in {0x50..0x5a})\n";
        assert_eq!(ir.show(both), text);
    }

    #[test]
    fn nothing_nests_without_end() {
        let mut ir = Ir::new();
        let mut sum = ir.len();
        for _ in 0..100_000 {
            sum = ir.binary(BinOp::Add, sum, sum);
        }
        let test = ir.is(sum, 0);
        assert_eq!(ir.eval(test, &[], 3, None), Some(true));
        assert!(ir.show(test).lines().count() > 90_000);
    }
}
