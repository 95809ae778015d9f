//! Tuning curves over every series that is a feature: of the data, of the fit, and of the models it is compared with.
//!
//! The curve of the data takes every sample of the series; the curve of a model takes the bins that it predicts,
//! once as they are and once after the gaps are dropped and the prediction is smoothed like an observed rate.

use ndarray::{Array1, Array2, ArrayD, Ix2};

use super::data::Data;
use super::fit::Fitting;
use super::series_samples::{self, ColumnCurves, spikes};
use super::smooth_rates::{runs, smooth_within, smoothing};
use crate::Result;
use crate::features::{Signal, Term};
use crate::read::nwb::{self, NwbFile};
use crate::time::{IntervalSet, Tsd, TsdFrame};
use crate::tuning::FeatureBins;

/// Bins of a curve, between the least and the greatest value.
const N_BINS: usize = 15;

/// Curves over one column of one series.
pub(super) struct SeriesCurves {
    /// The feature's name, with the column where there are several.
    pub(super) label: String,
    /// Unit of the series, before the feature's factor.
    pub(super) unit: String,
    /// The feature's factor.
    pub(super) scale: f64,
    /// Edges of the bins, in the units of the feature.
    pub(super) edges: Vec<f64>,
    /// Middles of the bins.
    pub(super) centres: Vec<f64>,
    /// Samples of the series in each bin.
    pub(super) occupancy: Vec<f64>,
    /// Events, shape (targets, bins).
    pub(super) counts: Array2<f64>,
    /// Events per second of occupancy, shape (targets, bins).
    pub(super) hz: Array2<f64>,
    /// The fit first, then the models that it is compared with.
    pub(super) models: Vec<ModelCurves>,
}

/// Mean predicted rates in Hz, shape (targets, bins); NaN where there is no prediction.
pub(super) struct ModelCurves {
    /// Of the prediction as it is.
    pub(super) hz: Array2<f64>,
    /// Of the smoothed prediction.
    pub(super) smoothed_hz: Array2<f64>,
}

/// The rates that one model predicts, one column per target.
struct Predicted {
    rates_hz: TsdFrame,
    smoothed_hz: Option<TsdFrame>,
}

impl Predicted {
    fn signals(&self) -> impl Iterator<Item = &TsdFrame> {
        std::iter::once(&self.rates_hz).chain(&self.smoothed_hz)
    }
}

/// The curves over all series; none for arrays and classes.
pub(super) fn curves(fitting: &Fitting) -> Result<Vec<SeriesCurves>> {
    let data = &fitting.data;
    // events per second are not what classes are about
    if data.epochs_s.is_empty() || data.is_of_classes() {
        return Ok(Vec::new());
    }
    let file = nwb::open(&data.input.path)?;
    let start: Vec<f64> = data.epochs_s.iter().map(|epoch| epoch[0]).collect();
    let stop: Vec<f64> = data.epochs_s.iter().map(|epoch| epoch[1]).collect();
    let support = IntervalSet::new(&start, &stop)?;
    let units = spikes(&data.spike_times_s, &support)?;
    let own = &fitting.expected;
    let compared = fitting.compared.iter().map(|compared| &compared.expected);
    let models: Vec<Predicted> =
        std::iter::once(own).chain(compared).map(|e| predicted(data, e, &support)).collect::<Result<_>>()?;
    let signals: Vec<&TsdFrame> = models.iter().flat_map(Predicted::signals).collect();
    let bins = FeatureBins::equal(N_BINS);
    let mut curves = Vec::new();
    let mut done: Vec<(Signal, f64)> = Vec::new();
    for feature in &data.features {
        for (term, name) in feature.spec.terms().zip(feature.spec.term_names(&feature.name)) {
            // two terms of one signal have one tuning curve
            let key = (term.signal.clone(), term.scale);
            if done.contains(&key) {
                continue;
            }
            done.push(key);
            let unit = unit(&file, term)?;
            let found = series_samples::curves(&file, (term, &name), &support, &bins, &units, &signals)?;
            let of_column = |found| of_column(found, unit.clone(), term.scale, &models);
            curves.extend(found.into_iter().map(of_column));
        }
    }
    Ok(curves)
}

/// Predicted rates at the centres of the used bins.
fn predicted(data: &Data, expected: &[Array1<f64>], support: &IntervalSet) -> Result<Predicted> {
    let mut used = vec![false; data.n_bins()];
    data.parts.iter().flat_map(|part| &part.used).for_each(|&bin| used[bin] = true);
    let rate_hz = Array2::from_shape_fn((data.n_bins(), expected.len()), |(bin, target)| {
        if used[bin] { expected[target][bin] / data.bin_s } else { f64::NAN }
    });
    let rates_hz = TsdFrame::new(data.centres_s.clone(), rate_hz, data.names.clone(), Some(support.clone()))?;
    let kept = rates_hz.dropna();
    if kept.is_empty() {
        return Ok(Predicted { rates_hz, smoothed_hz: None });
    }
    let smoothing = smoothing();
    let runs = runs(kept.t(), |_| true, &data.epochs_s, data.bin_s);
    let n_taps = smoothing.kernel(1.0 / data.bin_s)?.len();
    // zeros beyond the ends as in pynapple, unless a piece is shorter than the kernel: they would weigh too much
    let smoothed_hz = if runs.iter().all(|run| run.len() >= n_taps) {
        kept.smooth(&smoothing)?.0
    } else {
        kept.map_columns(|column| {
            let smooth = smooth_within(column.d(), &runs, &smoothing, data.bin_s)?;
            Tsd::new(column.t().to_vec(), smooth, Some(column.support().clone()))
        })?
    };
    let smoothed_hz = Some(smoothed_hz);
    Ok(Predicted { rates_hz, smoothed_hz })
}

/// Unit of the series that a term is made of; empty for a term of spikes.
fn unit(file: &NwbFile, term: &Term) -> Result<String> {
    match &term.signal {
        Signal::Series { name, .. } => Ok(file.series(name)?.facts().unit.clone()),
        _ => Ok(String::new()),
    }
}

/// The curves of all targets over one column; those of signals are in the order of the models.
fn of_column(found: ColumnCurves, unit: String, scale: f64, models: &[Predicted]) -> SeriesCurves {
    let ColumnCurves { label, of_events, of_signals, .. } = found;
    let n_targets = of_events.labels.len();
    let mut of_signals = of_signals.into_iter().map(|curves| table(curves.values, n_targets));
    let unknown = || Array2::from_elem((n_targets, N_BINS), f64::NAN);
    let model = |predicted: &Predicted| {
        let hz = of_signals.next().unwrap_or_else(unknown);
        let smoothed_hz = predicted.smoothed_hz.as_ref().and_then(|_| of_signals.next());
        ModelCurves { hz, smoothed_hz: smoothed_hz.unwrap_or_else(unknown) }
    };
    SeriesCurves {
        label,
        unit,
        scale,
        models: models.iter().map(model).collect(),
        centres: of_events.centres().swap_remove(0),
        occupancy: of_events.occupancy.iter().copied().collect(),
        counts: table(of_events.counts, n_targets),
        hz: table(of_events.values, n_targets),
        edges: of_events.edges.into_iter().next().unwrap_or_default(),
    }
}

/// Curves over one feature as a table, shape (curves, bins).
fn table(curves: ArrayD<f64>, n_curves: usize) -> Array2<f64> {
    // curves over one feature have two axes
    curves.into_dimensionality::<Ix2>().unwrap_or_else(|_| Array2::from_elem((n_curves, N_BINS), f64::NAN))
}
