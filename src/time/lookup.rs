//! Which sample of one series goes with a time of another: `value_from`.

use super::epoch_rows;
use super::interval_set::IntervalSet;
use super::ts::Ts;
use super::tsd::Tsd;

/// Which sample to take for a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lookup {
    /// The nearest one; a tie goes to the later.
    #[default]
    Closest,
    /// The last one at or before the time.
    Before,
    /// The first one at or after the time.
    After,
}

/// A time and the sample that was found for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Number of the time.
    pub row: usize,
    /// Number of the sample, if its epoch has a suitable one.
    pub sample: Option<usize>,
}

/// For every sorted time of `t` inside `epochs` the sample of `target` (sorted times) in the *same* epoch.
///
/// There is no greatest distance; without a suitable sample in the epoch the match is empty.
///
/// # Source
/// The rule of pynapple's `value_from`.
pub fn matches(t: &[f64], target: &[f64], epochs: &IntervalSet, lookup: Lookup) -> Vec<Match> {
    let rows = epochs.sample_ranges(t);
    let samples = epochs.sample_ranges(target);
    let mut found = Vec::with_capacity(t.len());
    for (rows, samples) in rows.into_iter().zip(samples) {
        let here = &target[samples.clone()];
        for row in rows {
            let at = t[row];
            let sample = match lookup {
                Lookup::Closest => epoch_rows::nearest(here, at),
                Lookup::Before => here.partition_point(|&x| x <= at).checked_sub(1),
                Lookup::After => Some(here.partition_point(|&x| x < at)).filter(|&i| i < here.len()),
            };
            found.push(Match { row, sample: sample.map(|i| samples.start + i) });
        }
    }
    found
}

/// The values of `target` at the times `t` inside `epochs` (default: the support of the target).
fn values_at(t: &[f64], target: &Tsd, epochs: Option<&IntervalSet>, lookup: Lookup) -> Tsd {
    let epochs = epochs.unwrap_or(target.support());
    let found = matches(t, target.t(), epochs, lookup);
    let times = found.iter().map(|m| t[m.row]).collect();
    let values = found.iter().map(|m| m.sample.map_or(f64::NAN, |i| target.d()[i])).collect();
    Tsd::from_parts(times, values, epochs.clone())
}

impl Ts {
    /// The values of `target` at these times inside `epochs` (default: its support), NaN where it has none.
    #[must_use]
    pub fn value_from(&self, target: &Tsd, epochs: Option<&IntervalSet>, lookup: Lookup) -> Tsd {
        values_at(self.t(), target, epochs, lookup)
    }
}

impl Tsd {
    /// The values of `target` at these times inside `epochs` (default: its support), NaN where it has none.
    #[must_use]
    pub fn value_from(&self, target: &Self, epochs: Option<&IntervalSet>, lookup: Lookup) -> Self {
        values_at(self.t(), target, epochs, lookup)
    }
}
