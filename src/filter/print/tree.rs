//! Lists of steps in postfix order, shown as the trees that they are.
//!
//! How deep a tree is the text decides: what is still to be written is kept in a list, nothing calls itself.

use crate::filter::ast::{ArithStep, Spanned, Step};
use std::fmt::{Display, Formatter, Result};
use std::iter::successors;

/// An expression as it could be written: every identifier with its qualifiers, and parentheses that tell what
/// belongs together. Of a list that is not one expression, each part on its own line.
pub fn infix<T: Display>(expr: &[Step<Spanned<T>>]) -> impl Display {
    Shown(|f: &mut Formatter<'_>| write_infix(f, expr))
}

/// The steps of an expression, one a line, each term with its place.
pub fn postfix<T: Display>(expr: &[Step<Spanned<T>>]) -> impl Display {
    Shown(|f: &mut Formatter<'_>| {
        for (at, step) in expr.iter().enumerate() {
            let line = if at == 0 { "" } else { "\n" };
            match step {
                Step::Term(term) => write!(f, "{line}{term}")?,
                Step::Not => write!(f, "{line}not")?,
                Step::And => write!(f, "{line}and")?,
                Step::Or => write!(f, "{line}or")?,
            }
        }
        Ok(())
    })
}

fn write_infix<T: Display>(f: &mut Formatter<'_>, steps: &[Step<Spanned<T>>]) -> Result {
    let count = |step: &Step<_>| match step {
        Step::Term(_) => 0,
        Step::Not => 1,
        Step::And | Step::Or => 2,
    };
    let list = List::new(steps.iter().map(count));
    let joined = |at: usize| matches!(steps.get(at), Some(Step::And | Step::Or));
    let negated = |at: usize| matches!(steps.get(at), Some(Step::Not));
    let mut todo = Vec::new();
    for root in list.roots() {
        todo.extend([Todo::Step(root), Todo::Text("\n")]);
    }
    todo.pop();
    write_all(f, todo, |at, todo| match (steps.get(at), list.operands(at)) {
        (Some(Step::Term(term)), _) => todo.push(Todo::Written(term.node.to_string())),
        (Some(Step::Not), (Some(operand), _)) => {
            todo.parenthesised(operand, joined(operand) || negated(operand));
            todo.push(Todo::Text("not "));
        }
        (Some(step), (Some(right), Some(left))) => {
            todo.parenthesised(right, joined(right));
            todo.push(Todo::Text(if matches!(step, Step::And) { " and " } else { " or " }));
            todo.push(Todo::Step(left));
        }
        _ => {}
    })
}

/// Arithmetic as it could be written.
pub(super) fn computation(steps: &[ArithStep]) -> impl Display {
    Shown(|f: &mut Formatter<'_>| write_computation(f, steps))
}

fn write_computation(f: &mut Formatter<'_>, steps: &[ArithStep]) -> Result {
    let list = List::new(steps.iter().map(|step| match step {
        ArithStep::Number(_) | ArithStep::Len => 0,
        ArithStep::Load { .. } | ArithStep::Neg => 1,
        ArithStep::Binary(_) => 2,
    }));
    let bound = |at: usize| matches!(steps.get(at), Some(ArithStep::Binary(_) | ArithStep::Neg));
    let todo = steps.len().checked_sub(1).map(Todo::Step).into_iter().collect();
    write_all(f, todo, |at, todo| match (steps.get(at), list.operands(at)) {
        (Some(ArithStep::Number(number)), _) => todo.push(Todo::Written(number.to_string())),
        (Some(ArithStep::Len), _) => todo.push(Todo::Text("len")),
        (Some(ArithStep::Load { proto, size }), (Some(offset), _)) => {
            let size = if *size == 1 { String::new() } else { format!(":{size}") };
            todo.push(Todo::Written(format!("{size}]")));
            todo.push(Todo::Step(offset));
            todo.push(Todo::Written(format!("{proto}[")));
        }
        (Some(ArithStep::Neg), (Some(operand), _)) => {
            todo.parenthesised(operand, bound(operand));
            todo.push(Todo::Text("-"));
        }
        (Some(ArithStep::Binary(op)), (Some(right), Some(left))) => {
            todo.parenthesised(right, bound(right));
            todo.push(Todo::Written(format!(" {op} ")));
            todo.parenthesised(left, bound(left));
        }
        _ => {}
    })
}

/// What a function writes.
struct Shown<F>(F);

impl<F: Fn(&mut Formatter<'_>) -> Result> Display for Shown<F> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.0(f)
    }
}

/// Something to write.
enum Todo {
    Text(&'static str),
    Written(String),
    /// The step of this number with its operands.
    Step(usize),
}

trait Todos {
    fn parenthesised(&mut self, step: usize, needed: bool);
}

impl Todos for Vec<Todo> {
    fn parenthesised(&mut self, step: usize, needed: bool) {
        if needed {
            self.extend([Todo::Text(")"), Todo::Step(step), Todo::Text("(")]);
        } else {
            self.push(Todo::Step(step));
        }
    }
}

/// Writes what is to be written, the last of the list first; `of_step` puts what a step consists of on the list.
fn write_all(
    f: &mut Formatter<'_>,
    mut todo: Vec<Todo>,
    of_step: impl Fn(usize, &mut Vec<Todo>),
) -> Result {
    while let Some(next) = todo.pop() {
        match next {
            Todo::Text(text) => f.write_str(text)?,
            Todo::Written(text) => f.write_str(&text)?,
            Todo::Step(at) => of_step(at, &mut todo),
        }
    }
    Ok(())
}

/// Where the operands of each step of a postfix list begin.
struct List(Vec<usize>);

impl List {
    /// Of steps that take so many operands.
    fn new(operands: impl Iterator<Item = usize>) -> Self {
        let mut begins: Vec<usize> = Vec::new();
        for (at, count) in operands.enumerate() {
            let before = |begin: usize| begins.get(begin.checked_sub(1)?).copied();
            let begin = (0..count).try_fold(at, |begin, _| before(begin));
            // A step whose operands are missing stands for itself.
            begins.push(begin.unwrap_or(at));
        }
        Self(begins)
    }

    /// The step before all that belongs to a step.
    fn before(&self, at: usize) -> Option<usize> {
        self.0.get(at)?.checked_sub(1)
    }

    /// The operands of a step that has two, the last one first; or of one that has one, the first of the two.
    fn operands(&self, at: usize) -> (Option<usize>, Option<usize>) {
        if self.0.get(at) == Some(&at) {
            return (None, None);
        }
        let last = at.checked_sub(1);
        (last, last.and_then(|last| self.before(last)))
    }

    /// The steps that are nobody's operands, the last one first.
    fn roots(&self) -> impl Iterator<Item = usize> {
        successors(self.0.len().checked_sub(1), |&root| self.before(root))
    }
}
