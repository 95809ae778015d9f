//! Sample times of a series: found on disk, not loaded.
//!
//! A session has tens of millions of stamps and a fit needs one sweep of them. Stamps ascend, so the first row
//! of a range is found by bisection with a few small reads. Whatever is read is checked: finite, ascending,
//! inside the first and the last stamp. A disorder far from the range stays unseen; `check` reads everything.

use std::ops::Range;

use hdf5::Dataset;

use super::storage::Storage;
use crate::error::{Error, Result};

/// Rows left when bisection hands over to one contiguous read.
const SLAB: usize = 2048;

/// Where sample times come from.
#[derive(Clone, Debug)]
pub(super) enum Clock {
    /// Sample i lies at `start_s + i / rate_hz`.
    Rate { start_s: f64, rate_hz: f64, n: usize },
    /// One stored time per sample; `object` is the path that was walked.
    Stamps { set: Dataset, object: String },
}

impl Clock {
    /// Times of these rows, unchecked.
    pub(super) fn times(&self, storage: &Storage, rows: Range<usize>) -> Result<Vec<f64>> {
        match self {
            Self::Rate { start_s, rate_hz, .. } => {
                Ok(rows.map(|row| start_s + row as f64 / rate_hz).collect())
            }
            Self::Stamps { set, object } => storage.numbers_in(set, object, rows),
        }
    }

    fn n(&self) -> usize {
        match self {
            Self::Rate { n, .. } => *n,
            Self::Stamps { set, .. } => set.size(),
        }
    }

    /// First and last time, or none for no samples.
    pub(super) fn span(&self, storage: &Storage) -> Result<Option<(f64, f64)>> {
        let n = self.n();
        if n == 0 {
            return Ok(None);
        }
        let first = self.time(storage, 0)?;
        let last = self.time(storage, n - 1)?;
        if first > last {
            return Err(self.unsorted(storage, n - 1, first, last));
        }
        Ok(Some((first, last)))
    }

    /// Rows with `start_s <= t <= stop_s`, found without reading the others.
    pub(super) fn rows_between(&self, storage: &Storage, start_s: f64, stop_s: f64) -> Result<Range<usize>> {
        let Some((first, last)) = self.span(storage)? else { return Ok(0..0) };
        if stop_s < first || start_s > last || start_s > stop_s {
            return Ok(0..0);
        }
        let from = self.first_row(storage, |t| t >= start_s)?;
        let to = self.first_row(storage, |t| t > stop_s)?;
        Ok(from..to.max(from))
    }

    /// Times of these rows, checked together with the neighbour on each side.
    pub(super) fn checked_times(&self, storage: &Storage, rows: Range<usize>) -> Result<Vec<f64>> {
        let before = rows.start - usize::from(rows.start > 0);
        let after = (rows.end + 1).min(self.n());
        let mut t = self.times(storage, before..after)?;
        if let Self::Stamps { .. } = self {
            for (i, &time) in t.iter().enumerate() {
                if !time.is_finite() {
                    return Err(self.not_finite(storage, before + i, time));
                }
                if i > 0 && time < t[i - 1] {
                    return Err(self.unsorted(storage, before + i, t[i - 1], time));
                }
            }
        }
        t.truncate(rows.end - before);
        t.drain(..rows.start - before);
        Ok(t)
    }

    /// First row whose time fulfils `reached` (false up to some row, true from there on), or n.
    fn first_row(&self, storage: &Storage, reached: impl Fn(f64) -> bool) -> Result<usize> {
        let (mut low, mut high) = (0, self.n());
        while high - low > SLAB {
            let middle = low + (high - low) / 2;
            if reached(self.time(storage, middle)?) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let slab = self.times(storage, low..high)?;
        for (i, &time) in slab.iter().enumerate() {
            if !time.is_finite() {
                return Err(self.not_finite(storage, low + i, time));
            }
            if reached(time) {
                return Ok(low + i);
            }
        }
        Ok(high)
    }

    fn time(&self, storage: &Storage, row: usize) -> Result<f64> {
        let time = self.times(storage, row..row + 1)?.first().copied().unwrap_or(f64::NAN);
        if time.is_finite() { Ok(time) } else { Err(self.not_finite(storage, row, time)) }
    }

    fn object(&self) -> &str {
        match self {
            Self::Rate { .. } => "starting_time",
            Self::Stamps { object, .. } => object,
        }
    }

    fn not_finite(&self, storage: &Storage, row: usize, time: f64) -> Error {
        storage.error(
            self.object(),
            format!("expected finite times, found {time} at row {row}"),
            "repair the timestamps; `rheobase inspect --check` lists every problem of the file",
        )
    }

    fn unsorted(&self, storage: &Storage, row: usize, before: f64, time: f64) -> Error {
        storage.error(
            self.object(),
            format!("expected ascending times, found {time} at row {row} after {before}"),
            "sort the samples together with their times; `rheobase inspect --check` lists every problem",
        )
    }
}
