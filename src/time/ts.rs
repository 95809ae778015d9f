//! [`Ts`]: times of events.

use std::ops::Range;

use super::epoch_rows;
use super::grid::BinGrid;
use super::interval_set::IntervalSet;
use super::tsd::Tsd;
use crate::Result;

/// Sorted times in seconds, equal times allowed, inside a time support.
///
/// # Source
/// pynapple's `Ts`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ts {
    t: Vec<f64>,
    support: IntervalSet,
}

impl Ts {
    /// Times that never go back; those outside `support` are dropped, its edges belong to it.
    ///
    /// Without a support it is `[first, last]`. A lone time then keeps its sample on an empty support and has
    /// rate NaN ([`Ts::notices`] says so).
    ///
    /// # Errors
    /// [`Error::NonFinite`](crate::Error::NonFinite) at the first NaN or infinity,
    /// [`Error::Unsorted`](crate::Error::Unsorted) at the first time that goes back.
    pub fn new(t: Vec<f64>, support: Option<IntervalSet>) -> Result<Self> {
        epoch_rows::check_times("times", &t)?;
        let (support, kept) = epoch_rows::settle_support(&t, support);
        let t = match kept {
            None => t,
            Some(rows) => epoch_rows::take(&t, &rows),
        };
        Ok(Self { t, support })
    }

    /// [`Ts::new`] after sorting.
    ///
    /// # Errors
    /// [`Error::NonFinite`](crate::Error::NonFinite) when a time is NaN or infinite.
    pub fn sorted(mut t: Vec<f64>, support: Option<IntervalSet>) -> Result<Self> {
        t.sort_by(f64::total_cmp);
        Self::new(t, support)
    }

    /// The times, seconds.
    pub fn t(&self) -> &[f64] {
        &self.t
    }

    /// The epochs in which the events were observed.
    pub fn support(&self) -> &IntervalSet {
        &self.support
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.t.len()
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    /// `N / total length of the support`, Hz; NaN on an empty support.
    pub fn rate(&self) -> f64 {
        epoch_rows::rate(self.t.len(), &self.support)
    }

    /// What a user should know about these times.
    pub fn notices(&self) -> Vec<String> {
        epoch_rows::support_notices(self.t.len(), &self.support)
    }

    /// The times inside `epochs`, which become the support.
    #[must_use]
    pub fn restrict(&self, epochs: &IntervalSet) -> Self {
        let rows = epochs.sample_ranges(&self.t).into_iter().flatten();
        Self { t: rows.map(|row| self.t[row]).collect(), support: epochs.clone() }
    }

    /// The times with numbers `rows` (cut at the length); the support stays, so the rate falls.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        let end = rows.end.min(self.t.len());
        Self { t: self.t[rows.start.min(end)..end].to_vec(), support: self.support.clone() }
    }

    /// The times in `[start, end]`; the support stays.
    ///
    /// # Errors
    /// [`Error::Argument`](crate::Error::Argument) when `start > end`.
    pub fn get(&self, start: f64, end: f64) -> Result<Self> {
        Ok(self.slice(epoch_rows::closed_range(&self.t, start, end)?))
    }

    /// Number of the time nearest to `at`, a tie going to the later one; `None` without times.
    pub fn nearest(&self, at: f64) -> Option<usize> {
        epoch_rows::nearest(&self.t, at)
    }

    /// Events per bin of `bin_s` seconds over `epochs` (default: the support), at the bin centres.
    ///
    /// # Errors
    /// Those of [`BinGrid::new`].
    pub fn count(&self, bin_s: f64, epochs: Option<&IntervalSet>) -> Result<Tsd> {
        let grid = BinGrid::new(epochs.unwrap_or(&self.support), bin_s)?;
        let counts = grid.count(&self.t).into_iter().map(f64::from).collect();
        Ok(Tsd::from_parts(grid.centres().to_vec(), counts, grid.support().clone()))
    }

    /// Events per epoch (default: of the support), closed at both ends, at the middle of the epochs.
    #[must_use]
    pub fn count_epochs(&self, epochs: Option<&IntervalSet>) -> Tsd {
        let epochs = epochs.unwrap_or(&self.support);
        let counts = epochs.sample_ranges(&self.t).iter().map(|rows| rows.len() as f64).collect();
        let middles = epochs.iter().map(|(start, end)| start + (end - start) / 2.0).collect();
        Tsd::from_parts(middles, counts, epochs.clone())
    }
}
