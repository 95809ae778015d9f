//! One response per named set of epochs.

use ndarray::Array2;

use crate::time::{IntervalSet, TsGroup, TsdFrame};

/// The responses of units or columns in named sets of epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponsePerEpoch {
    /// Keys of the units, or labels of the columns.
    pub labels: Vec<String>,
    /// Names of the sets.
    pub sets: Vec<String>,
    /// Rate in Hz, or mean of the signal: (units, sets); NaN for an empty set.
    pub values: Array2<f64>,
}

/// Events of each unit in each set of epochs over the total length of the set, Hz.
///
/// Events on both edges of an epoch count.
///
/// # Source
/// pynapple's `compute_response_per_epoch`.
pub fn response_of_events(units: &TsGroup, sets: &[(&str, &IntervalSet)]) -> ResponsePerEpoch {
    let values: Vec<&crate::time::Ts> = units.units().values().collect();
    let rate = |(unit, set): (usize, usize)| {
        let n: usize = sets[set].1.sample_ranges(values[unit].t()).iter().map(ExactSizeIterator::len).sum();
        n as f64 / sets[set].1.tot_length()
    };
    ResponsePerEpoch {
        labels: units.units().keys().map(ToString::to_string).collect(),
        sets: sets.iter().map(|(name, _)| (*name).to_string()).collect(),
        values: Array2::from_shape_fn((units.len(), sets.len()), rate),
    }
}

/// Mean of each column in each set of epochs; NaN samples are left out.
///
/// # Source
/// pynapple's `compute_response_per_epoch`.
pub fn response_of_signal(data: &TsdFrame, sets: &[(&str, &IntervalSet)]) -> ResponsePerEpoch {
    let rows: Vec<Vec<usize>> =
        sets.iter().map(|(_, set)| set.sample_ranges(data.t()).into_iter().flatten().collect()).collect();
    let mean = |(column, set): (usize, usize)| {
        let (mut sum, mut n) = (0.0, 0.0);
        for value in rows[set].iter().map(|&row| data.d()[[row, column]]).filter(|value| !value.is_nan()) {
            sum += value;
            n += 1.0;
        }
        sum / n
    };
    ResponsePerEpoch {
        labels: data.columns().to_vec(),
        sets: sets.iter().map(|(name, _)| (*name).to_string()).collect(),
        values: Array2::from_shape_fn((data.d().ncols(), sets.len()), mean),
    }
}
