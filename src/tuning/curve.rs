//! Tuning curves of events and of signals over one or more features.

use ndarray::{ArrayD, IxDyn};

use super::edges::{self, FeatureBins};
use crate::time::{IntervalSet, Lookup, TsGroup, TsdFrame, matches, mean_spacing};
use crate::{Error, Result};

/// The most cells of one curve.
const MOST_CELLS: usize = 1 << 28;

/// What to compute a tuning curve over.
#[derive(Clone, Debug, PartialEq)]
pub struct TuningPlan {
    /// Bins along each column of the feature; one entry serves all columns.
    pub bins: Vec<FeatureBins>,
    /// Epochs to use; by default the support of the feature.
    pub epochs: Option<IntervalSet>,
    /// Samples of the feature per second; by default 1 / mean spacing inside the epochs.
    pub fs_hz: Option<f64>,
    /// Signals only: 0 instead of NaN in bins that the feature visits but that hold no data, or hold a NaN.
    pub zero_fill: bool,
}

impl TuningPlan {
    /// These bins along every column, everything else by default.
    pub fn new(bins: FeatureBins) -> Self {
        Self { bins: vec![bins], epochs: None, fs_hz: None, zero_fill: false }
    }
}

/// One curve per unit or column over the bins of the features.
#[derive(Clone, Debug, PartialEq)]
pub struct TuningCurves {
    /// Keys of the units, or labels of the columns.
    pub labels: Vec<String>,
    /// Rate in Hz, or mean of the signal: (curves, bins of the first feature, ..). NaN: never visited, or no data.
    pub values: ArrayD<f64>,
    /// Events, or samples of the signal, in each bin: the same shape.
    pub counts: ArrayD<f64>,
    /// Samples of the feature in each bin: (bins of the first feature, ..).
    pub occupancy: ArrayD<f64>,
    /// Edges along each feature, in its units.
    pub edges: Vec<Vec<f64>>,
    /// Samples of the feature per second; NaN where it was not needed and cannot be told.
    pub fs_hz: f64,
    /// Events per second over the epochs, one per curve; empty for signals.
    pub rates_hz: Vec<f64>,
}

impl TuningCurves {
    /// Middle of the bins along each feature.
    pub fn centres(&self) -> Vec<Vec<f64>> {
        self.edges.iter().map(|edges| edges::centres(edges)).collect()
    }
}

/// The cells that curves are taken over, and how often the feature was in each.
pub(super) struct Cells {
    pub(super) epochs: IntervalSet,
    pub(super) edges: Vec<Vec<f64>>,
    pub(super) occupancy: Vec<f64>,
    pub(super) fs_hz: Option<f64>,
}

/// A feature sorted into cells.
struct Sorted {
    cells: Cells,
    /// Flat cell of every sample of the unrestricted feature.
    of_sample: Vec<Option<usize>>,
}

impl Sorted {
    /// Restricts the feature to the epochs, makes the edges and finds every sample's cell.
    fn new(feature: &TsdFrame, plan: &TuningPlan) -> Result<Self> {
        let n_features = feature.d().ncols();
        let epochs = plan.epochs.clone().unwrap_or_else(|| feature.support().clone());
        if n_features == 0 || (plan.bins.len() != 1 && plan.bins.len() != n_features) {
            let expected = format!("one entry, or one for each of {n_features} features");
            let found = format!("{} entries", plan.bins.len());
            return Err(Error::argument("bins", expected, found, "give one number of bins per feature"));
        }
        let inside: Vec<usize> = epochs.sample_ranges(feature.t()).into_iter().flatten().collect();
        if inside.is_empty() {
            return Err(never_recorded());
        }
        let mut all_edges = Vec::with_capacity(n_features);
        let mut of_sample: Vec<Option<usize>> = vec![None; feature.len()];
        for &row in &inside {
            of_sample[row] = Some(0);
        }
        let mut n_cells = 1_usize;
        for (i, column) in feature.d().columns().into_iter().enumerate() {
            let values: Vec<f64> = inside.iter().map(|&row| column[row]).collect();
            if values.iter().all(|value| value.is_nan()) {
                let what = format!("feature {}", feature.columns()[i]);
                return Err(Error::NonFinite { what, row: inside[0], column: i, value: f64::NAN });
            }
            let edges = plan.bins[if plan.bins.len() == 1 { 0 } else { i }].edges(&values)?;
            let n_bins = edges.len() - 1;
            n_cells = n_cells.saturating_mul(n_bins);
            if n_cells > MOST_CELLS {
                let found = format!("{n_cells} cells or more");
                return Err(Error::argument("bins", "at most 2^28 cells in all", found, "use fewer bins"));
            }
            for &row in &inside {
                let bin = edges::bin_of(&edges, column[row]);
                of_sample[row] = of_sample[row].zip(bin).map(|(cell, bin)| cell * n_bins + bin);
            }
            all_edges.push(edges);
        }
        let mut occupancy = vec![0.0; n_cells];
        for cell in of_sample.iter().flatten() {
            occupancy[*cell] += 1.0;
        }
        let fs_hz = match plan.fs_hz {
            Some(fs_hz) if !fs_hz.is_finite() || fs_hz <= 0.0 => {
                let help = "give the sampling rate of the feature";
                return Err(Error::argument("fs", "a finite rate above 0 Hz", fs_hz.to_string(), help));
            }
            Some(fs_hz) => Some(fs_hz),
            None => {
                mean_spacing(feature.t(), &epochs).map(|spacing| 1.0 / spacing).filter(|fs| fs.is_finite())
            }
        };
        Ok(Self { cells: Cells { epochs, edges: all_edges, occupancy, fs_hz }, of_sample })
    }

    /// The cells of the samples of the feature closest to the times `t`, with the numbers of those times.
    fn at<'a>(&'a self, t: &'a [f64], feature: &'a TsdFrame) -> impl Iterator<Item = (usize, usize)> + 'a {
        matches(t, feature.t(), &self.cells.epochs, Lookup::Closest)
            .into_iter()
            .filter_map(|found| Some((found.row, self.of_sample[found.sample?]?)))
    }
}

impl Cells {
    /// Samples of the feature per second, without which events have no rate.
    pub(super) fn known_fs_hz(&self) -> Result<f64> {
        self.fs_hz.ok_or_else(|| {
            let expected = "two successive feature samples in an epoch";
            Error::argument("fs", expected, "none", "give the sampling rate of the feature")
        })
    }

    /// Curves of units from their events in each cell, one unit after the other.
    pub(super) fn curves_of_events(&self, units: &TsGroup, counts: Vec<f64>) -> Result<TuningCurves> {
        let (fs_hz, n_cells) = (self.known_fs_hz()?, self.occupancy.len());
        let rate_hz = |(i, n): (usize, &f64)| n / self.occupancy[i % n_cells] * fs_hz;
        let values = counts.iter().enumerate().map(rate_hz).collect();
        Ok(TuningCurves {
            labels: units.units().keys().map(ToString::to_string).collect(),
            values: self.shaped(Some(units.len()), values)?,
            counts: self.shaped(Some(units.len()), counts)?,
            occupancy: self.shaped(None, self.occupancy.clone())?,
            rates_hz: units.restrict(&self.epochs).rates(),
            edges: self.edges.clone(),
            fs_hz,
        })
    }

    /// Curves of columns from the number and the sum of their samples in each cell, one column after the other.
    pub(super) fn curves_of_signal(
        &self,
        labels: &[String],
        counts: Vec<f64>,
        sums: &[f64],
        zero_fill: bool,
    ) -> Result<TuningCurves> {
        let (n_cells, n_curves) = (self.occupancy.len(), labels.len());
        let value = |i: usize| match sums[i] / counts[i] {
            _ if self.occupancy[i % n_cells] == 0.0 => f64::NAN,
            mean if zero_fill && mean.is_nan() => 0.0,
            mean => mean,
        };
        let values = (0..sums.len()).map(value).collect();
        Ok(TuningCurves {
            labels: labels.to_vec(),
            values: self.shaped(Some(n_curves), values)?,
            counts: self.shaped(Some(n_curves), counts)?,
            occupancy: self.shaped(None, self.occupancy.clone())?,
            rates_hz: Vec::new(),
            edges: self.edges.clone(),
            fs_hz: self.fs_hz.unwrap_or(f64::NAN),
        })
    }

    /// `(curves, bins ..)`, or `(bins ..)` without a number of curves.
    fn shaped(&self, n_curves: Option<usize>, values: Vec<f64>) -> Result<ArrayD<f64>> {
        let shape: Vec<usize> =
            n_curves.into_iter().chain(self.edges.iter().map(|edges| edges.len() - 1)).collect();
        let what = "cells of the tuning curves".to_string();
        let (expected, found) = (shape.iter().product(), values.len());
        ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(|_| Error::Length { what, expected, found })
    }
}

/// The error of a feature without samples.
pub(super) fn never_recorded() -> Error {
    Error::Empty {
        what: "feature of the tuning curve".to_string(),
        problem: "it has no sample in these epochs".to_string(),
        help: "choose epochs in which the feature was recorded".to_string(),
    }
}

/// Rate of the events of each unit while the feature was in each bin.
///
/// `rate = events / occupancy * fs`: each event takes the feature sample closest in time in the same epoch (a tie
/// goes to the later one), `occupancy` counts feature samples, `fs` is the feature's sampling rate. NaN in a bin
/// the feature never visits. `feature` has one column per dimension.
///
/// # Errors
/// [`Error::Argument`] for bad bins, ranges or rates, or where `fs` cannot be told from the samples;
/// [`Error::Empty`] without a feature sample in the epochs; [`Error::NonFinite`] for a feature with NaN and no
/// range, or of NaN only.
///
/// # Source
/// pynapple's `compute_tuning_curves`.
pub fn tuning_curves_of_events(
    units: &TsGroup,
    feature: &TsdFrame,
    plan: &TuningPlan,
) -> Result<TuningCurves> {
    let sorted = Sorted::new(feature, plan)?;
    sorted.cells.known_fs_hz()?;
    let n_cells = sorted.cells.occupancy.len();
    let mut counts = vec![0.0; units.len() * n_cells];
    for (counts, unit) in counts.chunks_mut(n_cells).zip(units.units().values()) {
        for (_, cell) in sorted.at(unit.t(), feature) {
            counts[cell] += 1.0;
        }
    }
    sorted.cells.curves_of_events(units, counts)
}

/// Mean of each column of `data` while the feature was in each bin.
///
/// Each sample takes the feature sample closest in time in the same epoch. NaN samples are left out. A bin without
/// data is NaN, or 0 with `zero_fill` (then a NaN sample makes its bin 0, too); a bin the feature never visits is
/// always NaN.
///
/// # Errors
/// Those of [`tuning_curves_of_events`], except that `fs` is not needed.
///
/// # Source
/// pynapple's `compute_tuning_curves` for continuous data, which `zero_fill` reproduces.
pub fn tuning_curves_of_signal(
    data: &TsdFrame,
    feature: &TsdFrame,
    plan: &TuningPlan,
) -> Result<TuningCurves> {
    let sorted = Sorted::new(feature, plan)?;
    let (n_cells, n_curves) = (sorted.cells.occupancy.len(), data.d().ncols());
    let found: Vec<(usize, usize)> = sorted.at(data.t(), feature).collect();
    let mut counts = vec![0.0; n_curves * n_cells];
    let mut sums = vec![0.0; n_curves * n_cells];
    for (i, column) in data.d().columns().into_iter().enumerate() {
        for &(row, cell) in &found {
            if plan.zero_fill || !column[row].is_nan() {
                counts[i * n_cells + cell] += 1.0;
                sums[i * n_cells + cell] += column[row];
            }
        }
    }
    sorted.cells.curves_of_signal(data.columns(), counts, &sums, plan.zero_fill)
}
