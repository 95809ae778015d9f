//! The figures over time: session, enlarged pulses, predictions, features around an onset.

use std::fmt::Write;

use super::scope::{MOST_TARGETS, Scope, part_length, scope};
use super::statistics::{busiest as busiest_targets, unquoted};
use super::traces::{SignalLines, pieces, rates, signals, smoothed, stretch};
use crate::Result;
use crate::cli::filters;
use crate::cli::fit::Fitting;
use crate::features::{Expansion, Signal};
use crate::figure::{Decimator, Figure, Onset, Prediction, Pulses, Session, busiest};
use crate::read::nwb;

/// Half the length of the smoothing kernel, seconds.
const MARGIN_S: f64 = 0.5;
/// Columns of a feature that are drawn.
const MOST_FEATURE_COLUMNS: usize = 12;
/// Columns of pixels of a panel.
const PIXELS: usize = 800;

/// The figures, in the order of the report.
pub(super) fn all(fitting: &Fitting) -> Result<Vec<Figure>> {
    let data = &fitting.data;
    if data.centres_s.is_empty() {
        return of_arrays(fitting);
    }
    let file = nwb::open(&data.input.path)?;
    let (signals, notes) = signals(&file, data)?;
    let Some(scope) = scope(data, &signals, &notes)? else { return Ok(Vec::new()) };
    // what lies just outside counts for the rates at the edges of a part of an epoch
    let [from, to] = scope.range_s;
    let smooth = smoothed(fitting, &scope.targets, [from - MARGIN_S, to + MARGIN_S])?;
    let whole = stretch(fitting, &signals, &smooth, scope.range_s)?;
    let mut stretches = Vec::new();
    for part in &scope.parts(data.bin_s) {
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
    let part =
        part_length(scope.range_s, data.bin_s).map(|length| busiest(scope.range_s, &scope.events, length));
    let prediction = Prediction {
        along: ("time".into(), "s".into()),
        unit: "Hz".into(),
        whole: scope.range_s,
        part,
        rates: rates(data, &smooth, scope.range_s),
        rates_of_part: part.map_or_else(Vec::new, |part| rates(data, &smooth, part)),
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
    if !data.has_events() {
        return Ok(Vec::new());
    }
    let (targets, more) = busiest_targets(data, MOST_TARGETS);
    let n = data.n_bins() as f64;
    let whole = [0.0, (n - 1.0).max(1.0)];
    let smooth = smoothed(fitting, &targets, whole)?;
    let Some(&first) = targets.first() else { return Ok(Vec::new()) };
    let has_event = |row: &usize| data.y.get(*row, first) > 0.0;
    let events: Vec<f64> = (0..data.n_bins()).filter(has_event).map(|row| row as f64).collect();
    let part = part_length(whole, 1.0).map(|length| busiest(whole, &events, length));
    let prediction = Prediction {
        along: ("row".into(), String::new()),
        unit: "counts per row".into(),
        whole,
        part,
        rates: rates(data, &smooth, whole),
        rates_of_part: part.map_or_else(Vec::new, |part| rates(data, &smooth, part)),
        place: format!("{} rows", data.n_bins()),
        notes: format!("Both are smoothed with a Gaussian (standard deviation 10 rows).{more}"),
    };
    Ok(vec![prediction.figure()])
}

/// The first convolved feature around the first pulse, or around the event in the middle.
fn onset(fitting: &Fitting, signals: &[SignalLines], scope: &Scope) -> Result<Option<Figure>> {
    let data = &fitting.data;
    let is_convolved = |k: &usize| filters::over_lags(&data.features[*k]);
    let of_series = |k: &usize| matches!(data.features[*k].spec.first.signal, Signal::Series { .. });
    let convolved: Vec<usize> = (0..data.features.len()).filter(is_convolved).collect();
    let Some(&k) = convolved.iter().find(|k| of_series(k)).or(convolved.first()) else { return Ok(None) };
    let (feature, block) = (&data.features[k], &data.blocks[k]);
    let Expansion::Convolved { window_s, .. } = &feature.spec.first.expansion else { return Ok(None) };
    let window_s = *window_s;
    let name = feature.spec.first.signal.name();
    // pulses are those of the first signal
    let is_first = signals.first().is_some_and(|signal| signal.is_called(&name));
    let pulse = scope.pulses.iter().find(|pulse| pulse[0] > scope.range_s[0]).filter(|_| is_first);
    let at_s = match (pulse, signals.first()) {
        (Some(pulse), Some(signal)) => Some(signal.onset(pulse[0], scope.range_s)?.unwrap_or(pulse[0])),
        _ => scope.events.get(scope.events.len() / 2).copied(),
    };
    let Some(at_s) = at_s else { return Ok(None) };
    let Some([start, stop]) = pieces(data, scope.range_s).into_iter().find(|piece| at_s <= piece[1]) else {
        return Ok(None);
    };
    let range_s = [(at_s - window_s).max(start), (at_s + 2.5 * window_s).min(stop)];
    let mut stretch = stretch(fitting, &[], &[], range_s)?;
    for signal in signals.iter().filter(|signal| signal.is_called(&name)) {
        stretch.stimuli.push(signal.stimulus(range_s, &[range_s])?);
    }
    let bins = data.centres_s.partition_point(|t| *t < range_s[0])
        ..data.centres_s.partition_point(|t| *t <= range_s[1]);
    let column = |(k, label): (usize, &String)| {
        let mut line = Decimator::new(range_s, PIXELS);
        bins.clone().for_each(|bin| line.add(data.centres_s[bin], block.x.get(bin, k)));
        let (x, y) = line.finish();
        (unquoted(label), x, y)
    };
    let n_functions = feature.spec.n_functions(data.bin_s)?;
    let n_columns = n_functions.min(MOST_FEATURE_COLUMNS);
    let columns: Vec<_> = block.labels.iter().enumerate().take(n_columns).map(column).collect();
    if columns.iter().all(|(_, _, y)| y.iter().all(|y| !y.is_finite())) {
        return Ok(None);
    }
    let (mut feature, mut notes) = (unquoted(&feature.name), String::new());
    let n_channels = block.labels.len() / n_functions;
    if n_channels > 1 {
        feature = columns[0].0.rsplit_once('.').map_or(feature, |(channel, _)| channel.to_string());
        let _ = write!(notes, "Of {n_channels} channels the first, {feature}.");
    }
    if n_functions > n_columns {
        let _ = write!(notes, " The first {n_columns} of {n_functions} columns.");
    }
    let (is_pulse, place) = (pulse.is_some(), scope.place.clone());
    Ok(Some(Onset { stretch, at_s, is_pulse, feature, columns, window_s, place, notes }.figure()))
}
