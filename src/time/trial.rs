//! Samples as a table of trials by time, padded with NaN.

use ndarray::Array2;

use super::grid::BinGrid;
use super::interval_set::IntervalSet;
use super::ts::Ts;
use super::tsd::Tsd;
use crate::Result;

/// Which end of the trials lines up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// First samples in column 0.
    #[default]
    Start,
    /// Last samples in the last column.
    End,
}

/// The rows of `values`, one trial each, in a table as wide as the longest.
fn table(values: &[&[f64]], align: Align) -> Array2<f64> {
    let n_columns = values.iter().map(|row| row.len()).max().unwrap_or(0);
    let mut out = Array2::from_elem((values.len(), n_columns), f64::NAN);
    for (trial, row) in values.iter().enumerate() {
        let shift = if align == Align::End { n_columns - row.len() } else { 0 };
        for (i, &value) in row.iter().enumerate() {
            out[[trial, shift + i]] = value;
        }
    }
    out
}

impl Tsd {
    /// One row per epoch with the samples in it (closed at both ends), padded with NaN: (trials, longest).
    pub fn trial_tensor(&self, epochs: &IntervalSet, align: Align) -> Array2<f64> {
        let rows: Vec<&[f64]> =
            epochs.sample_ranges(self.t()).into_iter().map(|rows| &self.d()[rows]).collect();
        table(&rows, align)
    }
}

impl Ts {
    /// One row per epoch with the events in its bins, padded with NaN: (trials, most bins).
    ///
    /// # Errors
    /// Those of [`BinGrid::new`].
    pub fn trial_count(&self, epochs: &IntervalSet, bin_s: f64, align: Align) -> Result<Array2<f64>> {
        let grid = BinGrid::new(epochs, bin_s)?;
        let counts: Vec<f64> = grid.count(self.t()).into_iter().map(f64::from).collect();
        let mut rows: Vec<&[f64]> = vec![&[]; epochs.len()];
        for segment in grid.segments() {
            rows[segment.epoch] = &counts[segment.rows.clone()];
        }
        Ok(table(&rows, align))
    }
}
