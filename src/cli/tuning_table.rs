//! Tuning curves of the data and of the model over every series that is a feature: `tables/tuning.csv`.
//!
//! The curve of the data takes every sample of the series, the curve of the model the bins that were used.

use ndarray::Array2;

use super::fit::Fitting;
use super::outputs::expected_counts;
use super::series_samples::{finite, samples, spikes};
use crate::Result;
use crate::features::Signal;
use crate::read::nwb;
use crate::time::{IntervalSet, TsGroup, TsdFrame};
use crate::tuning::{FeatureBins, TuningPlan, tuning_curves_of_events, tuning_curves_of_signal};
use crate::write::table::{Values, csv_bytes};

/// Bins of a curve, between the least and the greatest value.
const N_BINS: usize = 15;

#[derive(Default)]
struct Table {
    feature: Vec<String>,
    target: Vec<String>,
    numbers: [Vec<f64>; 7],
}

/// The table; `None` if no feature is a series.
pub(super) fn bytes(fitting: &Fitting) -> Result<Option<Vec<u8>>> {
    let data = &fitting.data;
    if data.epochs_s.is_empty() {
        return Ok(None);
    }
    let file = nwb::open(&data.input.path)?;
    let start: Vec<f64> = data.epochs_s.iter().map(|epoch| epoch[0]).collect();
    let stop: Vec<f64> = data.epochs_s.iter().map(|epoch| epoch[1]).collect();
    let support = IntervalSet::new(&start, &stop)?;
    let units = spikes(&data.spike_times_s, &support)?;
    let rates = predicted(fitting, &support)?;
    let mut table = Table::default();
    let mut done: Vec<(Signal, f64)> = Vec::new();
    for feature in &data.features {
        // two features of one signal have one tuning curve
        let key = (feature.spec.signal.clone(), feature.spec.scale);
        if done.contains(&key) {
            continue;
        }
        done.push(key);
        for samples in samples(&file, feature, &support)? {
            table.add(&data.names, &units, &rates, &finite(&samples)?)?;
        }
    }
    if table.feature.is_empty() { Ok(None) } else { table.bytes().map(Some) }
}

/// Predicted rates in Hz at the centres of the used bins, one column per target.
fn predicted(fitting: &Fitting, support: &IntervalSet) -> Result<TsdFrame> {
    let data = &fitting.data;
    let expected = expected_counts(fitting);
    let mut used = vec![false; data.n_bins()];
    data.parts.iter().flat_map(|part| &part.used).for_each(|&bin| used[bin] = true);
    let rate_hz = Array2::from_shape_fn((data.n_bins(), expected.len()), |(bin, target)| {
        if used[bin] { expected[target][bin] / data.bin_s } else { f64::NAN }
    });
    TsdFrame::new(data.centres_s.clone(), rate_hz, data.names.clone(), Some(support.clone()))
}

impl Table {
    /// Adds the curves of all targets over one series.
    fn add(&mut self, names: &[String], units: &TsGroup, rates: &TsdFrame, samples: &TsdFrame) -> Result<()> {
        let plan = TuningPlan::new(FeatureBins::equal(N_BINS));
        let events = tuning_curves_of_events(units, samples, &plan)?;
        let model = tuning_curves_of_signal(rates, samples, &plan)?;
        let centres = &events.centres()[0];
        for (target, name) in names.iter().enumerate() {
            for (bin, &centre) in centres.iter().enumerate() {
                self.feature.push(samples.columns()[0].clone());
                self.target.push(name.clone());
                let row = [
                    events.edges[0][bin],
                    events.edges[0][bin + 1],
                    centre,
                    events.occupancy[[bin]],
                    events.counts[[target, bin]],
                    events.values[[target, bin]],
                    model.values[[target, bin]],
                ];
                self.numbers.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
            }
        }
        Ok(())
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        let names = ["from", "to", "centre", "occupancy_samples", "spikes", "hz", "model_hz"];
        let mut columns: Vec<(&str, Values)> =
            vec![("feature", Values::Texts(&self.feature)), ("target", Values::Texts(&self.target))];
        columns.extend(names.into_iter().zip(self.numbers.iter().map(|column| column.as_slice().into())));
        csv_bytes(&columns)
    }
}
