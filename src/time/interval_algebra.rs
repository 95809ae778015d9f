//! Operations that make an [`IntervalSet`] from others.
//!
//! Comparisons are strict, so epochs that only touch do not overlap; every result goes through the constructor,
//! so epochs that touch in a result lose 1 µs there.

use super::interval_set::{IntervalSet, TRIM_S};
use super::metadata::Metadata;
use super::unit::round9;
use crate::{Error, Result};

/// The most pieces that a set is split into.
const MOST_PIECES: f64 = 1e8;

impl IntervalSet {
    /// The times in both sets; a row of the result takes the metadata of both rows it lies in.
    ///
    /// A column name that both sets have is left out.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let (mut start, mut end) = (Vec::new(), Vec::new());
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        let (mut i, mut j) = (0, 0);
        while i < self.len() && j < other.len() {
            let first = self.start()[i].max(other.start()[j]);
            let last = self.end()[i].min(other.end()[j]);
            if first < last {
                start.push(first);
                end.push(last);
                mine.push(i);
                theirs.push(j);
            }
            if self.end()[i] < other.end()[j] {
                i += 1;
            } else {
                j += 1;
            }
        }
        let metadata = self.metadata().select(&mine).join(&other.metadata().select(&theirs));
        Self::from_pieces(&start, &end, metadata)
    }

    /// The times in either set; metadata are dropped.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let start = [self.start(), other.start()].concat();
        let end = [self.end(), other.end()].concat();
        Self::from_pieces(&start, &end, Metadata::new())
    }

    /// The times in any of `sets`, for three or more of which touching epochs are joined instead of trimmed.
    pub(super) fn union_of(sets: &[&Self]) -> Self {
        match sets {
            [] => Self::empty(),
            [only] => Self::from_pieces(only.start(), only.end(), Metadata::new()),
            [a, b] => a.union(b),
            _ => {
                let mut rows: Vec<(f64, f64)> = sets.iter().flat_map(|set| set.iter()).collect();
                rows.sort_by(|a, b| a.0.total_cmp(&b.0));
                Self::joining(&rows, 0.0)
            }
        }
    }

    /// The times of this set that are not in `other`; the metadata of this set stay.
    #[must_use]
    pub fn set_diff(&self, other: &Self) -> Self {
        let (mut start, mut end, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (row, (first, last)) in self.iter().enumerate() {
            let mut left = first;
            let from = other.end().partition_point(|&x| x <= first);
            let cuts = other.iter().skip(from).take_while(|cut| cut.0 < last);
            for (cut_start, cut_end) in cuts.chain(std::iter::once((last, last))) {
                if left < cut_start {
                    start.push(left);
                    end.push(cut_start);
                    rows.push(row);
                }
                left = left.max(cut_end);
            }
        }
        Self::from_pieces(&start, &end, self.metadata().select(&rows))
    }

    /// Every epoch cut into pieces of `size_s` seconds, 1 µs taken off the end of each; metadata repeat.
    ///
    /// Cuts are at `start + k * size_s`; a remainder shorter than `size_s` is left out.
    ///
    /// # Errors
    /// [`Error::Argument`] when `size_s` is at most 1 µs or gives more than 10⁸ pieces.
    pub fn split(&self, size_s: f64) -> Result<Self> {
        let n_pieces = self.tot_length() / size_s;
        if size_s.is_nan() || size_s <= TRIM_S || n_pieces.is_nan() || n_pieces > MOST_PIECES {
            let (expected, found) = ("above 1e-6 s, and at most 1e8 pieces", format!("{size_s} s"));
            return Err(Error::argument("length of a piece", expected, found, "give longer pieces"));
        }
        let (mut start, mut end, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (row, (first, last)) in self.iter().enumerate() {
            let n_most = (round9(last - first) / size_s).ceil() as usize;
            for k in 0..n_most {
                let cut = first + k as f64 * size_s;
                let next = (first + (k + 1) as f64 * size_s).min(last);
                if round9(next - cut) >= round9(size_s) {
                    start.push(cut);
                    end.push(round9(next) - TRIM_S);
                    rows.push(row);
                }
            }
        }
        Ok(Self::from_pieces(&start, &end, self.metadata().select(&rows)))
    }

    /// The epochs longer than `threshold_s` seconds.
    #[must_use]
    pub fn drop_short(&self, threshold_s: f64) -> Self {
        let rows = self.iter().enumerate().filter(|(_, (start, end))| end - start > threshold_s);
        self.rows(&rows.map(|(row, _)| row).collect::<Vec<_>>())
    }

    /// The epochs shorter than `threshold_s` seconds.
    #[must_use]
    pub fn drop_long(&self, threshold_s: f64) -> Self {
        let rows = self.iter().enumerate().filter(|(_, (start, end))| end - start < threshold_s);
        self.rows(&rows.map(|(row, _)| row).collect::<Vec<_>>())
    }

    /// Neighbours whose gap is at most `gap_s` seconds joined; metadata are dropped.
    #[must_use]
    pub fn merge_close(&self, gap_s: f64) -> Self {
        Self::joining(&self.iter().collect::<Vec<_>>(), gap_s)
    }

    /// `[first start, last end]` as one epoch; metadata are dropped.
    #[must_use]
    pub fn time_span(&self) -> Self {
        match (self.start().first(), self.end().last()) {
            (Some(&start), Some(&end)) => Self::single(start, end),
            _ => Self::empty(),
        }
    }

    /// `start + (end - start) * alpha` of every epoch, seconds: 0 its start, 0.5 its middle, 1 its end.
    pub fn centers(&self, alpha: f64) -> Vec<f64> {
        self.iter().map(|(start, end)| start + (end - start) * alpha).collect()
    }

    /// The epoch of every time, closed at both ends.
    pub fn in_interval(&self, t: &[f64]) -> Vec<Option<usize>> {
        t.iter()
            .map(|&x| {
                let row = self.start().partition_point(|&start| start <= x).checked_sub(1)?;
                (x <= self.end()[row]).then_some(row)
            })
            .collect()
    }

    /// Rows sorted by start, joined where the gap is at most `gap_s`.
    fn joining(rows: &[(f64, f64)], gap_s: f64) -> Self {
        let (mut starts, mut ends): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
        for &(start, end) in rows {
            match ends.last_mut() {
                Some(last) if start - *last <= gap_s => *last = last.max(end),
                _ => {
                    starts.push(start);
                    ends.push(end);
                }
            }
        }
        Self::from_pieces(&starts, &ends, Metadata::new())
    }
}
