//! The figures over time: session, enlarged pulses, predictions, features around an onset.

use super::statistics::busiest as busiest_targets;
use super::traces::{SignalLines, rates, signals, smoothed, stretch};
use crate::Result;
use crate::cli::data::Data;
use crate::cli::fit::Fitting;
use crate::features::{Expansion, Signal};
use crate::figure::{
    Decimator, Figure, Onset, Prediction, Pulses, Session, busiest, busy_parts, pulses_of, richest,
};
use crate::read::nwb;

/// Targets with a panel of rates.
const MOST_TARGETS: usize = 4;
/// Seconds of an epoch that are drawn.
const LONGEST_S: f64 = 60.0;
/// Half the length of the smoothing kernel, seconds.
const MARGIN_S: f64 = 0.5;
/// Parts that are enlarged, and the share of the epoch that each takes where there are no pulses.
const N_PARTS: usize = 3;
const PART: f64 = 0.1;
/// Share of a pulse that is shown before and after it.
const AROUND: f64 = 0.15;
/// Columns of a feature that are drawn.
const MOST_FEATURE_COLUMNS: usize = 12;
/// Columns of pixels of a panel.
const PIXELS: usize = 800;

const SMOOTHED: &str =
    "Rates are smoothed with a Gaussian (standard deviation 50 ms), the predictions like the data.";

/// What is drawn of a recording.
struct Scope {
    epoch_s: [f64; 2],
    range_s: [f64; 2],
    place: String,
    /// Spikes of all targets inside, sorted.
    events: Vec<f64>,
    targets: Vec<usize>,
    notes: String,
    /// Pulses of the first signal, if it has any.
    pulses: Vec<[f64; 2]>,
}

/// The figures, in the order of the report.
pub(super) fn all(fitting: &Fitting) -> Result<Vec<Figure>> {
    let data = &fitting.data;
    if data.centres_s.is_empty() {
        return of_arrays(fitting);
    }
    let file = nwb::open(&data.input.path)?;
    let signals = signals(&file, data)?;
    let Some(scope) = scope(data, &signals)? else { return Ok(Vec::new()) };
    // what lies just outside counts for the rates at the edges
    let [from, to] = scope.range_s;
    let around = [(from - MARGIN_S).max(scope.epoch_s[0]), (to + MARGIN_S).min(scope.epoch_s[1])];
    let smooth = smoothed(fitting, &scope.targets, around)?;
    let whole = stretch(fitting, &signals, &smooth, scope.range_s)?;
    let parts = parts(&scope);
    let mut stretches = Vec::new();
    for part in &parts {
        let mut part = stretch(fitting, &signals, &smooth, *part)?;
        // all have the panels of the first
        part.stimuli.truncate(whole.stimuli.len());
        stretches.push(part);
    }
    let n_stimuli = stretches.iter().map(|part| part.stimuli.len()).min().unwrap_or(0);
    stretches.iter_mut().for_each(|part| part.stimuli.truncate(n_stimuli));
    let (place, notes) = (scope.place.clone(), scope.notes.clone());
    let are_pulses = !scope.pulses.is_empty();
    let mut figures = vec![
        Session { stretch: whole, place: place.clone(), notes: notes.clone() }.figure(),
        Pulses { stretches, are_pulses, place: place.clone(), notes: notes.clone() }.figure(),
    ];
    let length = scope.range_s[1] - scope.range_s[0];
    let part = busiest(scope.range_s, &scope.events, PART * length);
    let prediction = Prediction {
        along: ("time".into(), "s".into()),
        unit: "Hz".into(),
        whole: scope.range_s,
        part,
        rates: rates(data, &smooth, scope.range_s),
        rates_of_part: rates(data, &smooth, part),
        place,
        notes,
    };
    if !prediction.rates.is_empty() {
        figures.push(prediction.figure());
    }
    figures.extend(onset(fitting, &signals, &scope)?);
    figures.retain(|figure| !figure.drawing.rows.is_empty());
    Ok(figures)
}

/// Predictions over the rows of arrays.
fn of_arrays(fitting: &Fitting) -> Result<Vec<Figure>> {
    let data = &fitting.data;
    let (targets, more) = busiest_targets(data, MOST_TARGETS);
    let n = data.n_bins() as f64;
    let whole = [0.0, (n - 1.0).max(1.0)];
    let smooth = smoothed(fitting, &targets, whole)?;
    let Some(&first) = targets.first() else { return Ok(Vec::new()) };
    let column = data.y.column(first);
    let events: Vec<f64> =
        column.iter().enumerate().filter(|(_, y)| **y > 0.0).map(|(row, _)| row as f64).collect();
    let part = busiest(whole, &events, PART * n);
    let prediction = Prediction {
        along: ("row".into(), String::new()),
        unit: "counts per row".into(),
        whole,
        part,
        rates: rates(data, &smooth, whole),
        rates_of_part: rates(data, &smooth, part),
        place: format!("{} rows", data.n_bins()),
        notes: format!("Both are smoothed with a Gaussian (standard deviation 10 rows).{more}"),
    };
    Ok(vec![prediction.figure()])
}

/// The epoch with most events, or the busiest minute of it.
fn scope(data: &Data, signals: &[SignalLines]) -> Result<Option<Scope>> {
    let mut all: Vec<f64> = data.spike_times_s.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let inside =
        |[from, to]: [f64; 2]| &all[all.partition_point(|t| *t < from)..all.partition_point(|t| *t <= to)];
    let has_bins = |epoch: &[f64]| {
        let from = data.centres_s.partition_point(|t| *t < epoch[0]);
        data.centres_s.get(from + 1).is_some_and(|t| *t <= epoch[1])
    };
    let epochs = data.epochs_s.iter().enumerate().filter(|(_, epoch)| has_bins(epoch));
    // of equals the first
    let most = epochs.rev().max_by_key(|(_, epoch)| inside([epoch[0], epoch[1]]).len());
    let Some((index, epoch)) = most else { return Ok(None) };
    let whole = [epoch[0], epoch[1]];
    let events = inside(whole);
    let range_s = if whole[1] - whole[0] > LONGEST_S { busiest(whole, events, LONGEST_S) } else { whole };
    let number = if data.epochs_s.len() > 1 {
        format!("epoch {} of {}, ", index + 1, data.epochs_s.len())
    } else {
        String::new()
    };
    let busy = if range_s == whole { "" } else { "the busiest minute of it: " };
    let busy = if number.is_empty() { busy.replace(" of it", "") } else { busy.into() };
    let place = format!("{number}{busy}{:.2} to {:.2} s", range_s[0], range_s[1]);
    let (targets, more) = busiest_targets(data, MOST_TARGETS);
    let mut notes = format!("{SMOOTHED}{more}");
    if data.names.len() > 40 {
        notes.push_str(" The first 40 units are drawn as spikes.");
    }
    let pulses = match signals.first() {
        Some(signal) => pulses_of(range_s, &signal.means(range_s)?),
        None => Vec::new(),
    };
    Ok(Some(Scope {
        epoch_s: whole,
        range_s,
        place,
        events: inside(range_s).to_vec(),
        targets,
        notes,
        pulses,
    }))
}

/// The parts to enlarge, with some time around pulses.
fn parts(scope: &Scope) -> Vec<[f64; 2]> {
    let [start, stop] = scope.range_s;
    if scope.pulses.is_empty() {
        return busy_parts(scope.range_s, &scope.events, PART * (stop - start), N_PARTS);
    }
    let around = |[from, to]: [f64; 2]| {
        let more = AROUND * (to - from);
        [(from - more).max(start), (to + more).min(stop)]
    };
    richest(&scope.pulses, &scope.events, N_PARTS).into_iter().map(around).collect()
}

/// The first convolved feature around the first pulse, or around the event in the middle.
fn onset(fitting: &Fitting, signals: &[SignalLines], scope: &Scope) -> Result<Option<Figure>> {
    let data = &fitting.data;
    let is_convolved = |k: &usize| matches!(data.features[*k].spec.expansion, Expansion::Convolved { .. });
    let of_series = |k: &usize| matches!(data.features[*k].spec.signal, Signal::Series { .. });
    let convolved: Vec<usize> = (0..data.features.len()).filter(is_convolved).collect();
    let Some(&k) = convolved.iter().find(|k| of_series(k)).or(convolved.first()) else { return Ok(None) };
    let (feature, block) = (&data.features[k], &data.blocks[k]);
    let Expansion::Convolved { window_s, .. } = feature.spec.expansion else { return Ok(None) };
    let first = scope.pulses.iter().find(|pulse| pulse[0] > scope.range_s[0]);
    let is_pulse = of_series(&k) && first.is_some();
    let event = scope.events.get(scope.events.len() / 2).copied();
    let Some(at_s) = first.filter(|_| is_pulse).map(|pulse| pulse[0]).or(event) else { return Ok(None) };
    let range_s = [(at_s - window_s).max(scope.range_s[0]), (at_s + 2.5 * window_s).min(scope.range_s[1])];
    let name = feature.spec.signal.name();
    let own: Vec<&SignalLines> = signals.iter().filter(|signal| signal.is_called(&name)).collect();
    let mut stretch = stretch(fitting, &[], &[], range_s)?;
    for signal in own {
        stretch.stimuli.push(signal.stimulus(range_s)?);
    }
    let bins = data.centres_s.partition_point(|t| *t < range_s[0])
        ..data.centres_s.partition_point(|t| *t <= range_s[1]);
    let column = |(label, values): (&String, ndarray::ArrayView1<f64>)| {
        let mut line = Decimator::new(range_s, PIXELS);
        bins.clone().for_each(|bin| line.add(data.centres_s[bin], values[bin]));
        let (x, y) = line.finish();
        (label.clone(), x, y)
    };
    let columns: Vec<_> =
        block.labels.iter().zip(block.x.columns()).take(MOST_FEATURE_COLUMNS).map(column).collect();
    if columns.iter().all(|(_, _, y)| y.iter().all(|y| !y.is_finite())) {
        return Ok(None);
    }
    let place = scope.place.clone();
    let onset = Onset { stretch, at_s, is_pulse, feature: feature.name.clone(), columns, window_s, place };
    Ok(Some(onset.figure()))
}
