//! How large formulas are, and how many bytes of a packet they need.

use crate::filter::ir::{FormId, Formula, Ir, Ranges};
use smallvec::{SmallVec, smallvec};

/// What is told of a formula.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// The most bytes that are needed to decide it; all ones if that depends on the packet.
    pub most: u32,
    /// The fewest with which it is true.
    pub to_hold: u32,
    /// The fewest with which it is false.
    pub to_fail: u32,
    /// How many ranges it tells apart, with all that is in it.
    pub size: u32,
}

impl Measure {
    const NOTHING: Self = Self { most: 0, to_hold: 0, to_fail: u32::MAX, size: 0 };

    /// Of the opposite.
    const fn turned(self) -> Self {
        Self { to_hold: self.to_fail, to_fail: self.to_hold, ..self }
    }

    /// With a part that is asked next, if this held: it fails after what is before it held.
    fn and(self, part: Self) -> Self {
        Self {
            most: self.most.max(part.most),
            to_hold: self.to_hold.max(part.to_hold),
            to_fail: self.to_fail.min(part.to_fail.max(self.to_hold)),
            size: self.size.saturating_add(part.size),
        }
    }

    /// With a part that is asked instead, where the value that decides between them is in a set.
    fn or_where(self, set: Ranges<'_>, part: Self) -> Self {
        Self {
            most: self.most.max(part.most),
            to_hold: self.to_hold.min(part.to_hold),
            to_fail: self.to_fail.min(part.to_fail),
            size: self.size.saturating_add(part.size).saturating_add(ranges(set)),
        }
    }
}

/// Room is made for so many formulas at once.
const ROOM: usize = 32;

/// The measures of formulas, as far as they were asked for.
#[derive(Debug, Default)]
pub struct Measures(Vec<Option<Measure>>);

impl Measures {
    /// The measure of a formula.
    pub fn of(&mut self, ir: &Ir, id: FormId) -> Measure {
        // Parts before wholes, without recursion: a text decides how deep formulas nest.
        let mut work: SmallVec<[FormId; 16]> = smallvec![id];
        while let Some(&at) = work.last() {
            let formula = ir.formula_of(at);
            let asked = work.len();
            if self.known(at).is_none() {
                work.extend(formula.parts().filter(|&part| self.known(part).is_none()));
            }
            if work.len() == asked {
                work.pop();
                let measure = self.by_parts(ir, formula);
                if self.0.len() <= at.index() {
                    self.0.resize((at.index() + 1).next_multiple_of(ROOM), None);
                }
                self.0[at.index()] = Some(measure);
            }
        }
        self.part(id)
    }

    fn known(&self, id: FormId) -> Option<Measure> {
        self.0.get(id.index()).copied().flatten()
    }

    /// Of a part, which was measured.
    fn part(&self, id: FormId) -> Measure {
        self.known(id).unwrap_or(Measure::NOTHING)
    }

    /// Of a formula whose parts were measured.
    fn by_parts(&self, ir: &Ir, formula: Formula<'_>) -> Measure {
        match formula {
            Formula::True => Measure::NOTHING,
            Formula::False => Measure::NOTHING.turned(),
            Formula::Test(value, set) => {
                let (bytes, exact) = ir.extent(value);
                let most = if exact { bytes } else { u32::MAX };
                Measure { most, to_hold: bytes, to_fail: bytes, size: ranges(set) }
            }
            Formula::Not(inner) => self.part(inner).turned(),
            Formula::And(list) => {
                list.iter().fold(Measure::NOTHING, |all, &part| all.and(self.part(part)))
            }
            Formula::Or(list) => {
                let part = |&part| self.part(part).turned();
                list.iter().map(part).fold(Measure::NOTHING, Measure::and).turned()
            }
            Formula::Case { value, arms, otherwise } => {
                let (bytes, exact) = ir.extent(value);
                let end = Measure::NOTHING;
                let elsewhere = if otherwise { end } else { end.turned() };
                let own = Measure { most: if exact { bytes } else { u32::MAX }, ..elsewhere };
                let all =
                    arms.iter().fold(own, |all, (set, arm)| all.or_where(set, self.part(arm)));
                Measure { to_hold: all.to_hold.max(bytes), to_fail: all.to_fail.max(bytes), ..all }
            }
        }
    }
}

fn ranges(set: Ranges<'_>) -> u32 {
    u32::try_from(set.ranges().len()).unwrap_or(u32::MAX)
}
