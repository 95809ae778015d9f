//! Goodness of fit of every target over its used bins.

use ndarray::Array1;
use serde_json::{Value, json};

use super::data::Data;
use crate::glm::goodness::{Rescaled, rescale, runs};
use crate::number;

/// One target's used bins as the tests take them.
pub(super) struct UsedBins {
    /// Counts.
    pub(super) y: Vec<f64>,
    /// The bins.
    pub(super) bins: Vec<usize>,
    /// Runs of neighbours within one epoch, as positions in these lists.
    pub(super) runs: Vec<std::ops::Range<usize>>,
}

/// Number of the epoch of every bin; empty for arrays.
pub(super) fn epochs_of_bins(data: &Data) -> Vec<usize> {
    let epoch_of = |t: &f64| data.epochs_s.partition_point(|epoch| epoch[1] < *t);
    data.centres_s.iter().map(epoch_of).collect()
}

/// The used bins of a target.
pub(super) fn used_bins(data: &Data, target: usize) -> UsedBins {
    let part = data.parts.iter().find(|part| part.group.targets.contains(&target));
    let bins = part.map_or(Vec::new(), |part| part.used.clone());
    let epochs = epochs_of_bins(data);
    let starts: Vec<usize> = (1..epochs.len()).filter(|&bin| epochs[bin] != epochs[bin - 1]).collect();
    let y = bins.iter().map(|&bin| data.y[(bin, target)]).collect();
    UsedBins { y, runs: runs(&bins, &starts), bins }
}

impl UsedBins {
    /// The entries of these bins.
    pub(super) fn of(&self, all: &Array1<f64>) -> Vec<f64> {
        self.bins.iter().map(|&bin| all[bin]).collect()
    }

    /// Rescaled intervals under expected counts of every bin.
    pub(super) fn rescaled(&self, expected: &Array1<f64>) -> Option<Rescaled> {
        rescale(&self.y, &self.of(expected), &self.runs)
    }
}

/// What `fit.json` says of every target.
pub(super) fn document(data: &Data, expected: &[Array1<f64>]) -> Value {
    let of_target = |(target, name): (usize, &String)| {
        let rescaled = used_bins(data, target).rescaled(&expected[target]);
        let numbers = rescaled.as_ref().map_or([f64::NAN; 2], |rescaled| [rescaled.statistic, rescaled.band]);
        json!({
            "name": name,
            "ks_statistic": number::to_value(numbers[0]),
            "ks_band": number::to_value(numbers[1]),
            "n_intervals": rescaled.as_ref().map_or(0, Rescaled::n),
            "n_intervals_left_out": rescaled.as_ref().map_or(0, |rescaled| rescaled.n_left_out),
        })
    };
    data.names.iter().enumerate().map(of_target).collect()
}
