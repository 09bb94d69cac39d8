//! Sets of 32-bit numbers, as sorted ranges: what a value is tested against.

use smallvec::{SmallVec, smallvec};
use std::ops::Deref;

/// A range: its first number and its last.
pub type Range = (u32, u32);

/// A set: ranges that ascend, with gaps between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Set<R = SmallVec<[Range; 2]>>(R);

/// A set whose ranges are kept elsewhere.
pub type Ranges<'i> = Set<&'i [Range]>;

impl Set {
    /// Every number.
    #[must_use]
    pub fn full() -> Self {
        Self(smallvec![(0, u32::MAX)])
    }

    /// No number.
    #[must_use]
    pub fn empty() -> Self {
        Self(SmallVec::new())
    }

    /// One number.
    #[must_use]
    pub fn one(n: u32) -> Self {
        Self(smallvec![(n, n)])
    }

    /// From `low` to `high`, both included; empty if they are the wrong way round.
    #[must_use]
    pub fn range(low: u32, high: u32) -> Self {
        if low > high { Self::empty() } else { Self(smallvec![(low, high)]) }
    }

    /// The union of ranges in any order.
    #[must_use]
    pub fn from_ranges(ranges: impl IntoIterator<Item = Range>) -> Self {
        let some = ranges.into_iter().filter(|(low, high)| low <= high);
        let mut ranges: SmallVec<[Range; 8]> = some.collect();
        ranges.sort_unstable();
        let mut set = Self::empty();
        ranges.into_iter().for_each(|range| set.extend_to(range));
        set
    }

    /// Adds a range that begins before none of the others.
    pub fn extend_to(&mut self, (low, high): Range) {
        match self.0.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => self.0.push((low, high)),
        }
    }
}

impl<'i> Ranges<'i> {
    /// The set of ranges that ascend and have gaps between them.
    #[must_use]
    pub(super) const fn ascending(ranges: &'i [Range]) -> Self {
        Self(ranges)
    }
}

impl<'i> IntoIterator for Ranges<'i> {
    type Item = Range;
    type IntoIter = std::iter::Copied<std::slice::Iter<'i, Range>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().copied()
    }
}

impl<R: Deref<Target = [Range]>> Set<R> {
    /// The set, without the ranges being its own.
    #[must_use]
    pub fn view(&self) -> Ranges<'_> {
        Set(&self.0)
    }

    /// The ranges.
    #[must_use]
    pub fn ranges(&self) -> &[Range] {
        &self.0
    }

    /// Whether no number is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every number is in it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0[..] == [(0, u32::MAX)]
    }

    /// Whether `n` is in it.
    #[must_use]
    pub fn contains(&self, n: u32) -> bool {
        let at = self.0.partition_point(|&(_, high)| high < n);
        self.0.get(at).is_some_and(|&(low, _)| low <= n)
    }

    /// Every number that is not in it.
    #[must_use]
    pub fn complement(&self) -> Set {
        let mut gaps = SmallVec::with_capacity(self.0.len() + 1);
        let mut from = Some(0);
        for &(low, high) in self.ranges() {
            if let Some(start) = from
                && start < low
            {
                gaps.push((start, low - 1));
            }
            from = high.checked_add(1);
        }
        if let Some(start) = from {
            gaps.push((start, u32::MAX));
        }
        Set(gaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_merge_and_sort() {
        let set = Set::from_ranges(vec![(5, 6), (1, 2), (7, 9), (4, 3), (2, 3)]);
        assert_eq!(set.ranges(), [(1, 3), (5, 9)]);
        assert!(set.contains(1) && set.contains(3) && !set.contains(4) && !set.contains(10));
        assert!(Set::from_ranges(vec![(0, 9), (10, u32::MAX)]).is_full());
    }

    #[test]
    fn complements() {
        let set = Set::from_ranges(vec![(0, 0), (5, 9)]);
        assert_eq!(set.complement().ranges(), [(1, 4), (10, u32::MAX)]);
        assert_eq!(set.complement().complement(), set);
        assert!(Set::full().complement().is_empty() && Set::empty().complement().is_full());
        assert!(Set::from_ranges(set.view().into_iter().chain(set.complement().view())).is_full());
    }
}
