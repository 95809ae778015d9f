//! The bins of a grid that a design uses.

use std::ops::Range;

use crate::backend::{Run, runs_within};

/// Bins in the order in which they are used, kept as runs of neighbours: a long recording takes no number per bin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    runs: Vec<Run>,
}

impl From<Vec<usize>> for Rows {
    fn from(rows: Vec<usize>) -> Self {
        rows.into_iter().collect()
    }
}

impl From<Range<usize>> for Rows {
    fn from(rows: Range<usize>) -> Self {
        Self::from_ranges([rows])
    }
}

impl FromIterator<usize> for Rows {
    fn from_iter<I: IntoIterator<Item = usize>>(rows: I) -> Self {
        Self::from_ranges(rows.into_iter().map(|row| row..row + 1))
    }
}

impl Rows {
    /// The bins of these ranges, one range after the other.
    pub fn from_ranges(ranges: impl IntoIterator<Item = Range<usize>>) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        let mut used = 0;
        for Range { start, end } in ranges {
            if start >= end {
                continue;
            }
            let len = end - start;
            match runs.last_mut() {
                Some(last) if last.row + last.len == start => last.len += len,
                _ => runs.push(Run { used, row: start, len }),
            }
            used += len;
        }
        Self { runs }
    }

    /// Runs of neighbours.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The number of bins.
    pub fn len(&self) -> usize {
        self.runs.last().map_or(0, |run| run.used + run.len)
    }

    /// Whether no bin is used.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// All bins.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.runs.iter().flat_map(|run| run.row..run.row + run.len)
    }

    /// The bins number `used` of them, as runs of neighbours.
    pub fn runs_of(&self, used: Range<usize>) -> impl Iterator<Item = Run> + '_ {
        runs_within(&self.runs, used)
    }

    /// The bins number `used` of them.
    pub fn some(&self, used: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        self.runs_of(used).flat_map(|run| run.row..run.row + run.len)
    }

    /// Whether blocks of `block` neighbours would hold more gaps than bins.
    pub(super) fn are_scattered(&self, block: usize) -> bool {
        self.n_blocks(block).saturating_mul(block) > 4 * self.len().max(block)
    }

    /// Blocks of at most `block` neighbours.
    pub(super) fn n_blocks(&self, block: usize) -> usize {
        self.runs.iter().map(|run| run.len.div_ceil(block)).sum()
    }

    /// The largest bin.
    pub fn max(&self) -> Option<usize> {
        self.runs.iter().map(|run| run.row + run.len - 1).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_hold_the_bins_in_their_order() {
        let bins = vec![3, 4, 5, 9, 1, 2, 3];
        let rows = Rows::from(bins.clone());
        assert_eq!(rows.runs().len(), 3);
        assert_eq!((rows.len(), rows.max()), (7, Some(9)));
        assert_eq!(rows.iter().collect::<Vec<_>>(), bins);
        for start in 0..7 {
            for end in start..=7 {
                assert_eq!(rows.some(start..end).collect::<Vec<_>>(), bins[start..end]);
            }
        }
        assert_eq!(Rows::from(2..2), Rows::default());
        assert_eq!(Rows::from_ranges([0..4, 4..6, 7..8]).runs().len(), 2);
    }
}
