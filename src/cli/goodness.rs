//! Goodness of fit of every target over its used bins, and of several models over the bins that they all have.

use std::ops::Range;

use ndarray::Array1;
use serde_json::{Map, Value};

use super::beside::Compared;
use super::data::Data;
use super::fit::Fitting;
use crate::glm::goodness::{Rescaled, rescale, runs};
use crate::number;
use crate::observation::ObservationModel;

/// Models and the bins to test them on.
pub(super) struct Goodness<'a> {
    data: &'a Data,
    /// Counts that the fit expects in every bin, one entry per target.
    expected: &'a [Array1<f64>],
    compared: &'a [Compared],
    /// First bins of all epochs but the first.
    starts: Vec<usize>,
}

/// Bins of one target as the tests take them.
pub(super) struct TestedBins {
    /// The bins, ascending.
    bins: Vec<usize>,
    /// Counts.
    pub(super) y: Vec<f64>,
    /// Runs of neighbours within one epoch, as positions in these lists.
    pub(super) runs: Vec<Range<usize>>,
}

/// Models of one target over the bins that they all have.
pub(super) struct Together {
    /// The bins.
    pub(super) n_bins: usize,
    /// The fit there.
    pub(super) fit: Rescaled,
    /// The compared models there; `None` for one that shares no whole interval between events with those before it.
    pub(super) others: Vec<Option<Rescaled>>,
}

impl<'a> Goodness<'a> {
    /// Counts that the fit and the other models expect in the bins of the fit; `None` unless it is of Poisson counts, which
    /// the tests are for.
    pub(super) fn new(fitting: &'a Fitting) -> Option<Self> {
        let Fitting { data, expected, compared, .. } = fitting;
        let epochs = data.epoch_of_bins();
        let starts = (1..epochs.len()).filter(|&bin| epochs[bin] != epochs[bin - 1]).collect();
        (data.observation == ObservationModel::Poisson).then_some(Self { data, expected, compared, starts })
    }

    /// The bins that the fit uses.
    pub(super) fn used(&self, target: usize) -> TestedBins {
        self.tested(target, self.data.used(target).to_vec())
    }

    fn tested(&self, target: usize, bins: Vec<usize>) -> TestedBins {
        let y = bins.iter().map(|&bin| self.data.y.get(bin, target)).collect();
        TestedBins { y, runs: runs(&bins, &self.starts), bins }
    }

    /// The fit over the bins that it uses; `None` if no interval between events is whole.
    pub(super) fn of_fit(&self, target: usize) -> Option<Rescaled> {
        self.used(target).rescaled(&self.expected[target])
    }

    /// The fit and the other models over the bins that they all have; `None` without intervals or other models.
    pub(super) fn together(&self, target: usize) -> Option<Together> {
        let mut common = self.used(target);
        for other in self.compared.iter().filter(|other| is_tested(other)) {
            let theirs = &other.expected[target];
            let shared = common.bins.iter().copied().filter(|&bin| !theirs[bin].is_nan()).collect();
            let shared = self.tested(target, shared);
            if shared.rescaled(theirs).is_some() {
                common = shared;
            }
        }
        let fit = common.rescaled(&self.expected[target])?;
        // one that was passed over has no number in some of these bins
        let rescaled = |other: &Compared| common.rescaled(&other.expected[target]);
        let others =
            self.compared.iter().map(|other| is_tested(other).then(|| rescaled(other)).flatten()).collect();
        (!self.compared.is_empty()).then_some(Together { n_bins: common.bins.len(), fit, others })
    }

    /// What `fit.json` says of every target.
    pub(super) fn document(&self) -> Value {
        let of_target = |(target, name): (usize, &String)| {
            let mut fields = numbers(name, self.of_fit(target).as_ref());
            if let Some(together) = self.together(target) {
                let other = |(compared, rescaled): (&Compared, &Option<Rescaled>)| {
                    let mut fields = numbers(&compared.name, rescaled.as_ref());
                    if rescaled.is_some() {
                        fields.insert("ks_statistic_of_fit".into(), number::to_value(together.fit.statistic));
                        fields.insert("n_bins".into(), together.n_bins.into());
                    }
                    Value::Object(fields)
                };
                let others = self.compared.iter().zip(&together.others).map(other).collect();
                fields.insert("compared".into(), others);
            }
            Value::Object(fields)
        };
        self.data.names.iter().enumerate().map(of_target).collect()
    }
}

impl TestedBins {
    /// The entries of these bins.
    pub(super) fn of(&self, all: &Array1<f64>) -> Vec<f64> {
        self.bins.iter().map(|&bin| all[bin]).collect()
    }

    /// Rescaled intervals under expected counts of every bin.
    fn rescaled(&self, expected: &Array1<f64>) -> Option<Rescaled> {
        rescale(&self.y, &self.of(expected), &self.runs)
    }
}

/// Whether the tests are for this model.
fn is_tested(other: &Compared) -> bool {
    other.model.fit.model.observation == ObservationModel::Poisson
}

fn numbers(name: &str, rescaled: Option<&Rescaled>) -> Map<String, Value> {
    let [statistic, band] = rescaled.map_or([f64::NAN; 2], |rescaled| [rescaled.statistic, rescaled.band]);
    let mut fields = Map::new();
    fields.insert("name".into(), name.into());
    fields.insert("ks_statistic".into(), number::to_value(statistic));
    fields.insert("ks_band".into(), number::to_value(band));
    fields.insert("n_intervals".into(), rescaled.map_or(0, Rescaled::n).into());
    fields.insert("n_intervals_left_out".into(), rescaled.map_or(0, |rescaled| rescaled.n_left_out).into());
    fields
}
