//! From a formula to a graph: each term knows where to go if it holds and where if not.

use super::{Graph, NodeId, cases_of, cases_of_set};
use crate::filter::ir::{FormId, Formula, Ir, Map, Ranges, ValId};
use smallvec::SmallVec;

/// Makes the nodes of `formula`, which go to `holds` or `fails` in the end, and gives the first one.
pub fn build(graph: &mut Graph, ir: &Ir, formula: FormId, holds: NodeId, fails: NodeId) -> NodeId {
    let mut builder =
        Builder { graph, ir, done: Done::default(), work: SmallVec::new(), made: SmallVec::new() };
    builder.run(Goal { formula, holds, fails })
}

/// A formula and where it leads.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Goal {
    formula: FormId,
    holds: NodeId,
    fails: NodeId,
}

enum Step {
    /// Make the node of a goal.
    Make(Goal),
    /// Make what comes before the last made node: the list's part before number `before`.
    List { goal: Goal, before: usize },
    /// Make the test of a case formula, whose arms were made last.
    Case(Goal),
}

struct Builder<'g> {
    graph: &'g mut Graph,
    ir: &'g Ir,
    done: Done,
    work: SmallVec<[Step; 16]>,
    made: SmallVec<[NodeId; 16]>,
}

/// The nodes of goals that were reached.
#[derive(Default)]
struct Done {
    /// The first ones: most filters have no more.
    few: SmallVec<[(Goal, NodeId); 16]>,
    more: Map<Goal, NodeId>,
}

impl Done {
    fn get(&self, goal: &Goal) -> Option<NodeId> {
        let few = self.few.iter().find(|(known, _)| known == goal).map(|&(_, node)| node);
        few.or_else(|| self.more.get(goal).copied())
    }

    fn insert(&mut self, goal: Goal, node: NodeId) {
        if self.few.len() < self.few.inline_size() {
            self.few.push((goal, node));
        } else {
            self.more.insert(goal, node);
        }
    }
}

impl Builder<'_> {
    fn run(&mut self, goal: Goal) -> NodeId {
        // A list of its own, not recursion: a text decides how deep formulas nest.
        self.work.push(Step::Make(goal));
        while let Some(step) = self.work.pop() {
            match step {
                Step::Make(goal) => self.make(goal),
                Step::List { goal, before } => self.list(goal, before),
                Step::Case(goal) => self.case(goal),
            }
        }
        self.made.pop().unwrap_or(Graph::REJECT)
    }

    fn make(&mut self, goal: Goal) {
        let Goal { formula, holds, fails } = goal;
        match self.ir.formula_of(formula) {
            Formula::True => self.made.push(holds),
            Formula::False => self.made.push(fails),
            Formula::Not(formula) => {
                self.work.push(Step::Make(Goal { formula, holds: fails, fails: holds }));
            }
            Formula::Test(value, set) => {
                let node = self.test(value, set, holds, fails);
                self.made.push(node);
            }
            list => self.make_list(goal, list),
        }
    }

    fn test(&mut self, value: ValId, set: Ranges<'_>, holds: NodeId, fails: NodeId) -> NodeId {
        match *set.ranges() {
            // Most sets are one number.
            [(low, high)] if low > 0 && high < u32::MAX => {
                let cases = [(low - 1, fails), (high, holds), (u32::MAX, fails)];
                self.graph.test(self.ir, value, cases.iter().copied())
            }
            _ => self.graph.test(self.ir, value, cases_of_set(set, holds, fails)),
        }
    }

    /// Makes the nodes of what has parts.
    fn make_list(&mut self, goal: Goal, formula: Formula<'_>) {
        let Goal { holds, fails, .. } = goal;
        if let Some(node) = self.done.get(&goal) {
            return self.made.push(node);
        }
        match formula {
            Formula::And(list) => {
                self.made.push(holds);
                self.work.push(Step::List { goal, before: list.len() });
            }
            Formula::Or(list) => {
                self.made.push(fails);
                self.work.push(Step::List { goal, before: list.len() });
            }
            Formula::Case { .. } => {
                self.work.push(Step::Case(goal));
                let make = |formula| Step::Make(Goal { formula, holds, fails });
                self.work.extend(formula.parts().map(make));
            }
            _ => {}
        }
    }

    fn list(&mut self, goal: Goal, before: usize) {
        let (list, is_and) = match self.ir.formula_of(goal.formula) {
            Formula::And(list) => (list, true),
            Formula::Or(list) => (list, false),
            _ => return,
        };
        let Some(mut then) = self.made.pop() else { return };
        for (at, &formula) in list[..before].iter().enumerate().rev() {
            let (holds, fails) = if is_and { (then, goal.fails) } else { (goal.holds, then) };
            // Most parts are tests, which are made at once.
            let Formula::Test(value, set) = self.ir.formula_of(formula) else {
                self.work.push(Step::List { goal, before: at });
                return self.make(Goal { formula, holds, fails });
            };
            then = self.test(value, set, holds, fails);
        }
        self.done.insert(goal, then);
        self.made.push(then);
    }

    fn case(&mut self, goal: Goal) {
        let Formula::Case { value, arms, otherwise } = self.ir.formula_of(goal.formula) else {
            return;
        };
        let elsewhere = if otherwise { goal.holds } else { goal.fails };
        // The work list is a stack: the last arm was made first.
        let first = self.made.len().saturating_sub(arms.count());
        let mut ranges: SmallVec<[(u32, u32, NodeId); 8]> = SmallVec::new();
        for ((set, _), node) in arms.iter().zip(self.made.drain(first..).rev()) {
            ranges.extend(set.into_iter().map(|(low, high)| (low, high, node)));
        }
        ranges.sort_unstable();
        let node = self.graph.test(self.ir, value, cases_of(ranges, elsewhere));
        self.done.insert(goal, node);
        self.made.push(node);
    }
}
