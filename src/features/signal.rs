//! Signals on the grid: one value per bin.

use serde::{Deserialize, Serialize};

use crate::time::BinGrid;
use crate::{Error, Result};

/// How the samples of a series become one value per bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resample {
    /// The mean of the samples in the bin; NaN where there is none.
    Average,
    /// Linear interpolation at the centre of the bin.
    Linear,
    /// The sample nearest to the centre of the bin, the later one of two equally near.
    Nearest,
}

impl Resample {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Average, Self::Linear, Self::Nearest];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Average => "mean",
            Self::Linear => "linear",
            Self::Nearest => "nearest",
        }
    }

    /// What suits a series whose samples are `spacing_s` apart (median; `None` without two samples): averages where
    /// they are at most one bin apart, interpolation where they are sparser, since most bins would be empty.
    pub fn for_spacing(spacing_s: Option<f64>, bin_s: f64) -> Self {
        // stamps carry rounding; a series sampled once per bin has no empty bins
        if spacing_s.is_some_and(|spacing_s| spacing_s > bin_s * (1.0 + 1e-6)) {
            Self::Linear
        } else {
            Self::Average
        }
    }
}

/// One value per bin of a series with samples `values` at the sorted times `t` (seconds).
///
/// Only samples inside a bin's own epoch count, whatever the way. [`Resample::Linear`] holds the first and last
/// sample of an epoch constant towards its ends, and gives NaN between two samples of which one is NaN. An epoch
/// without samples is NaN.
///
/// # Errors
/// [`Error::Length`] if the lengths of `t` and `values` differ.
///
/// # Source
/// `pynapple`: `bin_average`, `interpolate` and `value_from`.
pub fn binned_signal(grid: &BinGrid, t: &[f64], values: &[f64], how: Resample) -> Result<Vec<f64>> {
    if t.len() != values.len() {
        return Err(Error::Length {
            what: "times and values of a series".into(),
            expected: t.len(),
            found: values.len(),
        });
    }
    let at = match how {
        Resample::Average => return Ok(grid.average(t, values)),
        Resample::Linear => interpolate,
        Resample::Nearest => nearest,
    };
    let mut binned = vec![f64::NAN; grid.n_bins()];
    let samples = grid.support().sample_ranges(t);
    for segment in grid.segments() {
        let Some(inside) = samples.get(segment.epoch).filter(|inside| !inside.is_empty()) else { continue };
        let (t, values) = (&t[inside.clone()], &values[inside.clone()]);
        for row in segment.rows.clone() {
            binned[row] = at(t, values, grid.centres()[row]);
        }
    }
    Ok(binned)
}

/// The number of events of the sorted `times` (seconds) in each bin.
pub fn spike_counts(grid: &BinGrid, times: &[f64]) -> Vec<f64> {
    grid.count(times).into_iter().map(f64::from).collect()
}

/// Linear interpolation of at least one sample, constant beyond the ends.
fn interpolate(t: &[f64], values: &[f64], at: f64) -> f64 {
    let after = t.partition_point(|&time| time <= at);
    if after == 0 {
        return values[0];
    }
    let before = after - 1;
    if after == t.len() || t[before] == at {
        return values[before];
    }
    let part = (at - t[before]) / (t[after] - t[before]);
    values[before] + part * (values[after] - values[before])
}

/// The nearest of at least one sample; of two equally near ones, the later.
fn nearest(t: &[f64], values: &[f64], at: f64) -> f64 {
    let after = t.partition_point(|&time| time < at);
    if after == 0 {
        return values[0];
    }
    let earlier = after == t.len() || at - t[after - 1] < t[after] - at;
    values[if earlier { after - 1 } else { after }]
}
