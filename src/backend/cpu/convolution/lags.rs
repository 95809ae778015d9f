//! Which bins a row of a convolved feature uses.

use std::ops::Range;

/// Rows of the grid between used rows that are computed with them, because a block of rows costs the same however many
/// of them are used.
pub const GAP_ROWS: usize = 64;

/// Whether used rows that begin at `next` are computed with those that end at `end`, with at most `gap` rows between.
pub fn are_near(end: usize, next: usize, gap: usize) -> bool {
    next.checked_sub(end).is_some_and(|between| between <= gap)
}

/// The window of a convolution: row t is `sum_k filter[k] x[t + shift - k]`, k = 0 .. `window_bins`.
///
/// The strictly causal window has shift -1: row t uses the bins `t - W .. t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lags {
    /// The number of lags W.
    pub window_bins: usize,
    /// Bin that tap 0 weighs, minus the row.
    pub shift: isize,
}

impl Lags {
    /// The rows of a segment whose window lies inside it; none if the segment is too short.
    ///
    /// Only these may be handed to the kernels, so that no window crosses the border of a segment.
    pub fn complete_rows(self, segment: &Range<usize>) -> Range<usize> {
        let oldest = self.shift + 1 - self.window_bins as isize;
        let (start, end) = (segment.start as isize, segment.end as isize);
        let first = start.max(start - oldest);
        let last = end.min(end - self.shift);
        if first < last { first as usize..last as usize } else { segment.start..segment.start }
    }

    /// The rows that use a bin.
    pub fn rows_of(self, bin: usize, n_rows: usize) -> Range<usize> {
        let first = bin.saturating_add_signed(-self.shift).min(n_rows);
        let end = (bin + self.window_bins).saturating_add_signed(-self.shift).min(n_rows);
        first..end
    }

    /// The bins that `rows` use. They exist if the rows are complete.
    pub fn bins(self, rows: &Range<usize>) -> Range<usize> {
        let oldest = self.shift + 1 - self.window_bins as isize;
        rows.start.saturating_add_signed(oldest)..rows.end.saturating_add_signed(self.shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_rows_keep_their_window_inside() {
        for window_bins in 1..9 {
            for shift in -3..9 {
                let lags = Lags { window_bins, shift };
                for segment in [5..6, 5..9, 10..30] {
                    let inside = |row: usize| {
                        let newest = row as isize + shift;
                        let oldest = newest + 1 - window_bins as isize;
                        oldest >= segment.start as isize && newest < segment.end as isize
                    };
                    let expected: Vec<usize> = segment.clone().filter(|&row| inside(row)).collect();
                    let found = lags.complete_rows(&segment);
                    assert_eq!(found.clone().collect::<Vec<_>>(), expected, "{lags:?} {segment:?}");
                    for bin in segment.clone() {
                        let uses = |row: &usize| {
                            let newest = *row as isize + shift;
                            (newest + 1 - window_bins as isize..=newest).contains(&(bin as isize))
                        };
                        assert!((0..40).filter(uses).eq(lags.rows_of(bin, 40)), "{lags:?} {bin}");
                    }
                    if !found.is_empty() {
                        let bins = lags.bins(&found);
                        assert_eq!(bins.len(), found.len() + window_bins - 1);
                        assert!(bins.start >= segment.start && bins.end <= segment.end);
                    }
                }
            }
        }
    }
}
