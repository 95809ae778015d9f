//! The values of a channel over the bins of a grid.

use std::ops::Range;

use crate::backend::cpu::convolution::events::Events;
use crate::backend::cpu::convolution::lags::Lags;
use crate::{Error, Result};

/// Part of the bins that are not 0 up to which counts are kept as events.
const SPARSE: f64 = 0.1;

/// The values of a channel, bin by bin.
#[derive(Clone, Debug, PartialEq)]
pub enum Course {
    /// Counts, most of them 0.
    Events(Events),
    /// One number per bin; those that are not finite are taken as 0, and rows that see them are not complete.
    Samples(Vec<f64>),
}

impl Default for Course {
    fn default() -> Self {
        Self::Events(Events::default())
    }
}

impl From<Vec<f64>> for Course {
    fn from(values: Vec<f64>) -> Self {
        Self::Samples(values)
    }
}

impl Course {
    /// Counts per bin, as events if they are sparse.
    pub fn of_counts(counts: &[f64]) -> Self {
        match Events::from_counts(counts) {
            Some(events) if (events.all().len() as f64) <= SPARSE * counts.len() as f64 => {
                Self::Events(events)
            }
            _ => Self::Samples(counts.to_vec()),
        }
    }

    /// Refuses values that are not one for each of `n_bins` bins.
    ///
    /// # Errors
    /// [`Error::Length`] if there are more or fewer, or an event in a bin that is not there.
    pub fn check(&self, n_bins: usize) -> Result<()> {
        let found = match self {
            Self::Samples(values) => values.len(),
            Self::Events(events) => events.all().last().map_or(0, |last| last.bin as usize + 1).max(n_bins),
        };
        if found == n_bins {
            return Ok(());
        }
        Err(Error::Length { what: "values of a channel".into(), expected: n_bins, found })
    }

    /// Sets values that are not finite to 0; the rows whose window holds one.
    pub(super) fn strike(&mut self, lags: Lags) -> Vec<Range<usize>> {
        let mut unknown: Vec<Range<usize>> = Vec::new();
        let Self::Samples(values) = self else { return unknown };
        let n_bins = values.len();
        for (bin, value) in values.iter_mut().enumerate().filter(|(_, value)| !value.is_finite()) {
            *value = 0.0;
            let rows = lags.rows_of(bin, n_bins);
            match unknown.last_mut() {
                Some(last) if rows.start <= last.end => last.end = last.end.max(rows.end),
                _ => unknown.push(rows),
            }
        }
        unknown
    }

    /// One number for each of `n_bins` bins, multiplied by `scale`.
    pub fn into_values(self, n_bins: usize, scale: f64) -> Vec<f64> {
        match self {
            Self::Samples(mut values) => {
                values.iter_mut().for_each(|value| *value *= scale);
                values
            }
            Self::Events(events) => {
                let mut values = vec![0.0; n_bins];
                for event in events.all() {
                    if let Some(value) = values.get_mut(event.bin as usize) {
                        *value = f64::from(event.count) * scale;
                    }
                }
                values
            }
        }
    }
}
