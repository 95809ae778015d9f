//! Numbers of the figures over time: raw signals by pieces, spikes, smoothed rates, each thinned to what can be seen.

use std::fmt::Write;
use std::ops::Range;

use ndarray::Array1;

use super::statistics::{title, unquoted};
use super::unit::scaled_unit;
use crate::Result;
use crate::cli::data::Data;
use crate::cli::fit::Fitting;
use crate::cli::smooth_rates::{runs, smooth_within, smoothing};
use crate::features::Signal;
use crate::figure::{Decimator, Rates, Stimulus, Stretch, onset_of};
use crate::read::nwb::{NwbFile, Series};
use crate::time::Smoothing;

/// Columns of pixels of the widest panel.
const COLUMNS: usize = 800;
/// Rows of a series that are in memory at once.
const PIECE: usize = 1 << 16;
/// Columns of a series that are drawn.
const MOST_COLUMNS: usize = 8;
/// Series that are drawn.
const MOST_SERIES: usize = 4;
/// Steps of an epoch in which a signal is averaged to find its pulses.
const N_STEPS: usize = 2000;
/// Units in a raster.
pub(super) const MOST_UNITS: usize = 40;
/// Standard deviation of the smoothing for arrays, which have no time: rows.
const SMOOTHING_ROWS: f64 = 10.0;
/// Part of the largest rate that may be rounding of the smoothing.
const ROUNDING: f64 = 1e-9;

/// A series among the features.
pub(super) struct SignalLines {
    series: Series,
    column: Option<usize>,
    scale: f64,
    label: String,
}

/// The series among the features, each once; and a sentence about those that are left out.
pub(super) fn signals(file: &NwbFile, data: &Data) -> Result<(Vec<SignalLines>, String)> {
    let mut found: Vec<SignalLines> = Vec::new();
    for term in data.features.iter().flat_map(|feature| feature.spec.terms()) {
        let Signal::Series { name, column, .. } = &term.signal else { continue };
        let label = term.signal.name();
        if found.iter().all(|known| known.label != label) {
            let series = file.series(name)?;
            let column = column.as_ref().map(|column| series.facts().column(column)).transpose()?;
            found.push(SignalLines { series, column, scale: term.scale, label });
        }
    }
    let mut notes = String::new();
    if found.len() > MOST_SERIES {
        let _ = write!(notes, " The first {MOST_SERIES} of {} series are drawn.", found.len());
        found.truncate(MOST_SERIES);
    }
    for signal in &found {
        let (drawn, all) = (signal.columns().len(), signal.series.facts().column_names.len());
        if signal.column.is_none() && drawn < all {
            let _ = write!(notes, " The first {drawn} of {all} columns of {}.", unquoted(&signal.label));
        }
    }
    Ok((found, notes))
}

/// The parts of an interval that lie in epochs.
pub(super) fn pieces(data: &Data, [from, to]: [f64; 2]) -> Vec<[f64; 2]> {
    let inside = |epoch: &Vec<f64>| [epoch[0].max(from), epoch[1].min(to)];
    data.epochs_s.iter().map(inside).filter(|[start, stop]| start < stop).collect()
}

impl SignalLines {
    fn columns(&self) -> Vec<String> {
        match self.column {
            Some(_) => vec![self.label.clone()],
            None => match &self.series.facts().column_names[..] {
                [_] => vec![self.label.clone()],
                names => {
                    let label = unquoted(&self.label);
                    names.iter().take(MOST_COLUMNS).map(|name| format!("{label}[{name}]")).collect()
                }
            },
        }
    }

    /// Gives every sample of an interval, (time, column, value), by pieces.
    fn visit(&self, [start, stop]: [f64; 2], mut found: impl FnMut(f64, usize, f64)) -> Result<()> {
        let n_columns = self.columns().len();
        let rows = self.series.rows_between(start, stop)?;
        for first in rows.clone().step_by(PIECE) {
            let samples = self.series.read_rows(first..(first + PIECE).min(rows.end), self.column)?;
            for (t, values) in samples.t.iter().zip(samples.values.rows()) {
                values
                    .iter()
                    .take(n_columns)
                    .enumerate()
                    .for_each(|(k, value)| found(*t, k, value * self.scale));
            }
        }
        Ok(())
    }

    /// Whether features know it by this name.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.label == name
    }

    /// The lines of an interval, with gaps between its pieces.
    pub(super) fn stimulus(&self, range_s: [f64; 2], pieces: &[[f64; 2]]) -> Result<Stimulus> {
        let names = self.columns();
        let mut lines = vec![Decimator::new(range_s, COLUMNS); names.len()];
        for (k, piece) in pieces.iter().enumerate() {
            if k > 0 {
                lines.iter_mut().for_each(|line| line.add(piece[0], f64::NAN));
            }
            self.visit(*piece, |t, column, value| lines[column].add(t, value))?;
        }
        let line = |(name, line): (String, Decimator)| {
            let (x, y) = line.finish();
            (name, x, y)
        };
        let columns = names.into_iter().zip(lines).map(line).collect();
        let unit = scaled_unit(self.series.unit(), self.scale);
        Ok(Stimulus { label: unquoted(&self.label), unit, columns })
    }

    /// Means of the first column over equal steps of an interval.
    pub(super) fn means(&self, [start, stop]: [f64; 2], pieces: &[[f64; 2]]) -> Result<Vec<f64>> {
        let (mut sums, mut counts) = (vec![0.0; N_STEPS], vec![0.0; N_STEPS]);
        for piece in pieces {
            self.visit(*piece, |t, column, value| {
                if column == 0 && value.is_finite() {
                    let step = (((t - start) / (stop - start) * N_STEPS as f64) as usize).min(N_STEPS - 1);
                    sums[step] += value;
                    counts[step] += 1.0;
                }
            })?;
        }
        Ok(sums.iter().zip(&counts).map(|(sum, count)| sum / count).collect())
    }

    /// The sample with which the first column leaves its level, near the step that begins at `at_s`.
    pub(super) fn onset(&self, at_s: f64, [start, stop]: [f64; 2]) -> Result<Option<f64>> {
        let step = (stop - start) / N_STEPS as f64;
        let around = [(at_s - 4.0 * step).max(start), (at_s + 3.0 * step).min(stop)];
        let mut samples = Vec::new();
        self.visit(around, |t, column, value| {
            if column == 0 {
                samples.push((t, value));
            }
        })?;
        Ok(onset_of(&samples, at_s - step, at_s + step))
    }
}

/// Signals, spikes and rates of an interval.
pub(super) fn stretch(
    fitting: &Fitting,
    signals: &[SignalLines],
    smooth: &[Smoothed],
    range_s: [f64; 2],
) -> Result<Stretch> {
    let data = &fitting.data;
    let pieces = pieces(data, range_s);
    let mut stimuli = Vec::new();
    for signal in signals {
        let stimulus = signal.stimulus(range_s, &pieces)?;
        if stimulus.columns.iter().any(|(_, _, y)| y.iter().any(|y| y.is_finite())) {
            stimuli.push(stimulus);
        }
    }
    let inside =
        |times: &Vec<f64>| times.iter().copied().filter(|t| (range_s[0]..=range_s[1]).contains(t)).collect();
    let names = data.responses().into_iter().cloned();
    let units = names.zip(data.spike_times_s.iter().map(inside)).take(MOST_UNITS);
    let is_silent = data.spike_times_s.iter().all(Vec::is_empty);
    let raster = if is_silent { Vec::new() } else { units.collect() };
    let gaps_s = gaps(range_s, &pieces);
    Ok(Stretch { range_s, gaps_s, stimuli, raster, rates: rates(data, smooth, range_s) })
}

/// What lies between the pieces and is wide enough to be seen.
fn gaps([start, stop]: [f64; 2], pieces: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let ends = std::iter::once(start).chain(pieces.iter().map(|piece| piece[1]));
    let starts = pieces.iter().map(|piece| piece[0]).chain(std::iter::once(stop));
    let is_seen = |[from, to]: &[f64; 2]| to - from > (stop - start) / COLUMNS as f64;
    ends.zip(starts).map(|(from, to)| [from, to]).filter(is_seen).collect()
}

/// Smoothed rates of one target.
pub(super) struct Smoothed {
    target: usize,
    observed: (Vec<f64>, Vec<f64>),
    models: Vec<(String, Vec<f64>, Vec<f64>)>,
}

/// Smooths the observed counts and the predictions of some targets over an interval, each epoch by itself.
pub(super) fn smoothed(fitting: &Fitting, targets: &[usize], range: [f64; 2]) -> Result<Vec<Smoothed>> {
    let data = &fitting.data;
    let is_timed = !data.centres_s.is_empty();
    let t: Vec<f64> =
        if is_timed { data.centres_s.clone() } else { (0..data.n_bins()).map(|row| row as f64).collect() };
    let rows = Smoothing { std_s: SMOOTHING_ROWS, ..smoothing() };
    let (smoothing, unit) = if is_timed { (smoothing(), data.bin_s) } else { (rows, 1.0) };
    // a probability is that of a bin
    let per = if data.is_of_classes() { 1.0 } else { unit };
    let bins = t.partition_point(|t| *t < range[0])..t.partition_point(|t| *t <= range[1]);
    let t = &t[bins.clone()];
    let line = |counts: &dyn Fn(usize) -> f64| -> Result<(Vec<f64>, Vec<f64>)> {
        let rates: Vec<f64> = bins.clone().map(|bin| counts(bin) / per).collect();
        let runs = runs(t, |i| rates[i].is_finite(), &data.epochs_s, unit);
        Ok(lines(t, &smooth_within(&rates, &runs, &smoothing, unit)?, &runs, unit))
    };
    let models: Vec<(&String, &Vec<Array1<f64>>)> = fitting.predictions();
    let of_target = |&target: &usize| {
        let observed = line(&|bin| data.y.get(bin, target))?;
        let mut models_lines = Vec::new();
        for (name, expected) in &models {
            let (x, y) = line(&|bin| expected[target][bin])?;
            models_lines.push(((*name).clone(), x, y));
        }
        Ok(Smoothed { target, observed, models: models_lines })
    };
    targets.iter().map(of_target).collect()
}

/// The points of the runs, with a gap between two of them.
fn lines(t: &[f64], rates: &[f64], runs: &[Range<usize>], unit: f64) -> (Vec<f64>, Vec<f64>) {
    let (mut x, mut y): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for run in runs {
        if !x.is_empty() {
            x.push(t[run.start] - unit / 2.0);
            y.push(f64::NAN);
        }
        x.extend(&t[run.clone()]);
        // the transform behind the smoothing leaves rounding below zero
        let largest = rates[run.clone()].iter().fold(0.0, |largest: f64, rate| largest.max(rate.abs()));
        let shown = |rate: &f64| if *rate > -ROUNDING * largest { rate.max(0.0) } else { *rate };
        y.extend(rates[run.clone()].iter().map(shown));
    }
    (x, y)
}

/// The rates of an interval, thinned.
pub(super) fn rates(data: &Data, smooth: &[Smoothed], range: [f64; 2]) -> Vec<Rates> {
    let thin = |x: &[f64], y: &[f64]| {
        let mut decimator = Decimator::new(range, COLUMNS);
        x.iter().zip(y).for_each(|(x, y)| decimator.add(*x, *y));
        decimator.finish()
    };
    let of_target = |rates: &Smoothed| {
        let model = |(name, x, y): &(String, Vec<f64>, Vec<f64>)| {
            let (x, y) = thin(x, y);
            (name.clone(), x, y)
        };
        let target = if data.names.len() > 1 { title(data, rates.target) } else { String::new() };
        let has_line = |(_, x, _): &(String, Vec<f64>, Vec<f64>)| !x.is_empty();
        let models = rates.models.iter().map(model).filter(has_line).collect();
        let observed = thin(&rates.observed.0, &rates.observed.1);
        Rates { target, observed, models, of_class: data.is_of_classes() }
    };
    smooth.iter().map(of_target).collect()
}
