//! Tuning curves of the data and of the model over every series that is a feature: `tables/tuning.csv`.
//!
//! The curve of the data takes every sample of the series, the curve of the model the bins that were used.

use ndarray::{Array2, Axis};

use super::fit::Fitting;
use crate::Result;
use crate::features::{Signal, StudyFeature};
use crate::read::nwb::{self, NwbFile};
use crate::time::{IntervalSet, Metadata, Ts, TsGroup, TsdFrame};
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
    let units: Vec<(i64, Ts)> = (0i64..)
        .zip(&data.spike_times_s)
        .map(|(key, times)| Ok((key, Ts::new(times.clone(), Some(support.clone()))?)))
        .collect::<Result<_>>()?;
    let (units, _) = TsGroup::new(units, Some(support.clone()), &Metadata::default())?;
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
        for (label, samples) in series(&file, feature, &support)? {
            table.add(&label, &data.names, &units, &rates, &samples)?;
        }
    }
    if table.feature.is_empty() { Ok(None) } else { table.bytes().map(Some) }
}

/// Predicted rates in Hz at the centres of the used bins, one column per target.
fn predicted(fitting: &Fitting, support: &IntervalSet) -> Result<TsdFrame> {
    let data = &fitting.data;
    let expected = data.expected(&fitting.model.fit);
    let mut used = vec![false; data.n_bins()];
    data.parts.iter().flat_map(|part| &part.used).for_each(|&bin| used[bin] = true);
    let rate_hz = Array2::from_shape_fn((data.n_bins(), expected.len()), |(bin, target)| {
        if used[bin] { expected[target][bin] / data.bin_s } else { f64::NAN }
    });
    TsdFrame::new(data.centres_s.clone(), rate_hz, data.names.clone(), Some(support.clone()))
}

/// The samples of a feature's series in the epochs, scaled: one frame per column.
fn series(file: &NwbFile, feature: &StudyFeature, support: &IntervalSet) -> Result<Vec<(String, TsdFrame)>> {
    let Signal::Series { name, column, .. } = &feature.spec.signal else { return Ok(Vec::new()) };
    let series = file.series(name)?;
    let column = column.as_ref().map(|column| series.facts().column(column)).transpose()?;
    let (mut t, mut pieces) = (Vec::new(), Vec::new());
    for (start, end) in support.iter() {
        let samples = series.read_range(start, end, column)?;
        t.extend(samples.t);
        pieces.push(samples.values);
    }
    let n_columns = pieces.first().map_or(0, Array2::ncols);
    let frame = |k: usize| {
        let values: Vec<f64> = pieces
            .iter()
            .flat_map(|piece| piece.index_axis(Axis(1), k))
            .map(|x| x * feature.spec.scale)
            .collect();
        // a sample that is not a number belongs to no bin
        let (t, values): (Vec<f64>, Vec<f64>) =
            t.iter().zip(values).filter(|(_, value)| value.is_finite()).unzip();
        let label = if n_columns == 1 {
            feature.name.clone()
        } else {
            format!("{}[{}]", feature.name, series.facts().column_names[k])
        };
        let values = Array2::from_shape_fn((t.len(), 1), |(row, _)| values[row]);
        Ok((label, TsdFrame::new(t, values, Vec::new(), Some(support.clone()))?))
    };
    (0..n_columns).map(frame).collect()
}

impl Table {
    /// Adds the curves of all targets over one series.
    fn add(
        &mut self,
        label: &str,
        names: &[String],
        units: &TsGroup,
        rates: &TsdFrame,
        samples: &TsdFrame,
    ) -> Result<()> {
        let plan = TuningPlan::new(FeatureBins::equal(N_BINS));
        let events = tuning_curves_of_events(units, samples, &plan)?;
        let model = tuning_curves_of_signal(rates, samples, &plan)?;
        let centres = &events.centres()[0];
        for (target, name) in names.iter().enumerate() {
            for (bin, &centre) in centres.iter().enumerate() {
                self.feature.push(label.into());
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
