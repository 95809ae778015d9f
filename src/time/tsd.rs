//! [`Tsd`]: one value per time.

use std::ops::Range;

use ndarray::Array2;

use super::epoch_rows;
use super::grid::BinGrid;
use super::interval_set::IntervalSet;
use super::tsd_frame::TsdFrame;
use crate::{Error, Result};

/// Sorted times in seconds with one `f64` value each, inside a time support.
///
/// # Source
/// pynapple's `Tsd`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tsd {
    t: Vec<f64>,
    d: Vec<f64>,
    support: IntervalSet,
}

impl Tsd {
    /// Samples whose times never go back; those outside `support` are dropped, its edges belong to it.
    ///
    /// Without a support it is `[first, last]`, gaps included (see [`Tsd::support_from_gaps`]).
    ///
    /// # Errors
    /// [`Error::Length`] when there is not one value per time, [`Error::NonFinite`] at the first NaN or infinite
    /// time, [`Error::Unsorted`] at the first time that goes back.
    pub fn new(t: Vec<f64>, d: Vec<f64>, support: Option<IntervalSet>) -> Result<Self> {
        check_lengths(&t, &d)?;
        epoch_rows::check_times("times of the series", &t)?;
        let (support, kept) = epoch_rows::settle_support(&t, support);
        Ok(match kept {
            None => Self { t, d, support },
            Some(rows) => Self { t: epoch_rows::take(&t, &rows), d: epoch_rows::take(&d, &rows), support },
        })
    }

    /// [`Tsd::new`] after a stable sort by time in which values follow their times.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::NonFinite`] as [`Tsd::new`].
    pub fn sorted(t: &[f64], d: &[f64], support: Option<IntervalSet>) -> Result<Self> {
        check_lengths(t, d)?;
        let order = epoch_rows::sorting_order(t);
        Self::new(epoch_rows::take(t, &order), epoch_rows::take(d, &order), support)
    }

    /// A series from parts that an operation has put in order.
    pub(super) fn from_parts(t: Vec<f64>, d: Vec<f64>, support: IntervalSet) -> Self {
        Self { t, d, support }
    }

    /// The times, seconds.
    pub fn t(&self) -> &[f64] {
        &self.t
    }

    /// The values.
    pub fn d(&self) -> &[f64] {
        &self.d
    }

    /// The epochs in which the series was observed.
    pub fn support(&self) -> &IntervalSet {
        &self.support
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.t.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    /// `N / total length of the support`, Hz; not the sampling rate; NaN on an empty support.
    pub fn rate(&self) -> f64 {
        epoch_rows::rate(self.t.len(), &self.support)
    }

    /// What a user should know about this series.
    pub fn notices(&self) -> Vec<String> {
        epoch_rows::support_notices(self.t.len(), &self.support)
    }

    /// The samples inside `epochs`, which become the support.
    #[must_use]
    pub fn restrict(&self, epochs: &IntervalSet) -> Self {
        let rows: Vec<usize> = epochs.sample_ranges(&self.t).into_iter().flatten().collect();
        let (t, d) = (epoch_rows::take(&self.t, &rows), epoch_rows::take(&self.d, &rows));
        Self { t, d, support: epochs.clone() }
    }

    /// The samples with numbers `rows` (cut at the length); the support stays, so the rate falls.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        let end = rows.end.min(self.t.len());
        let rows = rows.start.min(end)..end;
        Self { t: self.t[rows.clone()].to_vec(), d: self.d[rows].to_vec(), support: self.support.clone() }
    }

    /// The samples in `[start, end]`; the support stays.
    ///
    /// # Errors
    /// [`Error::Argument`] when `start > end`.
    pub fn get(&self, start: f64, end: f64) -> Result<Self> {
        Ok(self.slice(epoch_rows::closed_range(&self.t, start, end)?))
    }

    /// Number of the sample nearest to `at`, a tie going to the later one; `None` without samples.
    pub fn nearest(&self, at: f64) -> Option<usize> {
        epoch_rows::nearest(&self.t, at)
    }

    /// The same times and support with `f` of every value.
    #[must_use]
    pub fn map(&self, f: impl FnMut(f64) -> f64) -> Self {
        self.with_values(self.d.iter().copied().map(f).collect())
    }

    /// This series as the only column of a frame.
    pub fn to_frame(&self) -> TsdFrame {
        let d = Array2::from_shape_fn((self.len(), 1), |(row, _)| self.d[row]);
        TsdFrame::from_parts(self.t.clone(), d, vec!["0".to_string()], self.support.clone())
    }

    /// The same times and support with other values, one per time.
    pub(super) fn with_values(&self, d: Vec<f64>) -> Self {
        Self { t: self.t.clone(), d, support: self.support.clone() }
    }

    /// Mean per bin of `bin_s` seconds over `epochs` (default: the support); NaN in an empty bin.
    ///
    /// # Errors
    /// Those of [`BinGrid::new`].
    pub fn bin_average(&self, bin_s: f64, epochs: Option<&IntervalSet>) -> Result<Self> {
        let grid = BinGrid::new(epochs.unwrap_or(&self.support), bin_s)?;
        let d = grid.average(&self.t, &self.d);
        Ok(Self { t: grid.centres().to_vec(), d, support: grid.support().clone() })
    }
}

/// Fails unless there is one value per time.
fn check_lengths(t: &[f64], d: &[f64]) -> Result<()> {
    if t.len() == d.len() {
        Ok(())
    } else {
        let what = "values of the series, one per time".to_string();
        Err(Error::Length { what, expected: t.len(), found: d.len() })
    }
}
