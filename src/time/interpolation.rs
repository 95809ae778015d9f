//! Linear interpolation inside epochs.

use super::interval_set::IntervalSet;
use super::ts::Ts;
use super::tsd::Tsd;

/// What to give at times beyond the first and last sample of an epoch; `None` holds the nearest sample.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Beyond {
    /// Before the first sample.
    pub left: Option<f64>,
    /// After the last sample.
    pub right: Option<f64>,
}

impl Tsd {
    /// The series at the times `at` inside `epochs` (default: its support), linear between samples of one epoch.
    ///
    /// Never bridges epochs; NaN in an epoch without samples.
    #[must_use]
    pub fn interpolate(&self, at: &Ts, epochs: Option<&IntervalSet>, beyond: Beyond) -> Self {
        let epochs = epochs.unwrap_or(self.support());
        let (mut t, mut d) = (Vec::new(), Vec::new());
        for (rows, samples) in epochs.sample_ranges(at.t()).into_iter().zip(epochs.sample_ranges(self.t())) {
            for &x in &at.t()[rows] {
                t.push(x);
                d.push(value_at(x, &self.t()[samples.clone()], &self.d()[samples.clone()], beyond));
            }
        }
        Self::from_parts(t, d, epochs.clone())
    }
}

/// The value at `x` of the samples of one epoch.
fn value_at(x: f64, t: &[f64], d: &[f64], beyond: Beyond) -> f64 {
    let (Some(&first), Some(&last)) = (d.first(), d.last()) else {
        return f64::NAN;
    };
    let after = t.partition_point(|&sample| sample <= x);
    match after.checked_sub(1) {
        None => beyond.left.unwrap_or(first),
        Some(i) if t[i] == x => d[i],
        Some(_) if after == t.len() => beyond.right.unwrap_or(last),
        Some(i) => (d[after] - d[i]) / (t[after] - t[i]) * (x - t[i]) + d[i],
    }
}
