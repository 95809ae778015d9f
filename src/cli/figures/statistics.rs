//! Figures of what a fit found and how good it is: tuning, convergence, intervals, goodness of fit, epochs.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::unit::scaled_unit;
use super::{classes, coefficients, couplings, cross_validation, goodness, learned, surfaces};
use crate::Result;
use crate::cli::certificates::certificates;
use crate::cli::data::Data;
use crate::cli::fit::{Fitting, MOST_HISTORIES};
use crate::cli::tuning_curves::SeriesCurves;
use crate::figure::Figure;
use crate::figure::convergence::{Descent, convergence};
use crate::figure::epochs::{EpochPanel, epochs};
use crate::figure::intervals::{IntervalPanel, intervals};
use crate::figure::tuning::{TuningModel, TuningPanel, tuning};
use crate::observation::ObservationModel;
use crate::report::Certificate;
use crate::time::{IntervalSet, Metadata, Ts, TsGroup};
use crate::tuning::{IntervalBins, interval_histogram};

/// Targets that have a panel of their own.
pub(super) const MOST_TARGETS: usize = 4;
/// Series with tuning curves.
const MOST_SERIES: usize = 6;
/// Panels of tuning curves.
const MOST_TUNING: usize = 8;

/// The figures, in the order of the report.
pub(super) fn all(fitting: &Fitting, curves: &[SeriesCurves]) -> Result<Vec<Figure>> {
    let [basis, filter] = learned::all(fitting)?;
    let figures = [
        intervals_of(fitting)?,
        tuning_of(fitting, curves),
        basis,
        filter,
        surfaces::of(fitting)?,
        coefficients::of(fitting),
        couplings::of(fitting)?,
        epochs_of(fitting),
        goodness::of(fitting),
        classes::calibration_of(fitting),
        classes::confusion_of(fitting),
        convergence_of(fitting),
        cross_validation::of(fitting),
    ];
    Ok(figures.into_iter().flatten().collect())
}

/// What a target is called in a figure.
pub(super) fn title(data: &Data, target: usize) -> String {
    let name = &data.names[target];
    if is_unit(data.response_name(target)) { format!("unit {name}") } else { name.clone() }
}

/// What all classes of a target together are called in a figure.
pub(super) fn response_title(name: &str) -> String {
    if is_unit(name) { format!("unit {name}") } else { name.into() }
}

fn is_unit(name: &str) -> bool {
    name.parse::<i64>().is_ok()
}

/// The name of a feature as an axis shows it: names with spaces have quotes in commands only.
pub(super) fn unquoted(name: &str) -> String {
    name.replace('\'', "")
}

/// The targets with most events, at most `most`, in their order; and a sentence if there are more. Of several responses that have
/// classes those of the first ones: of all the most frequent would be the same label of each.
pub(super) fn busiest(data: &Data, most: usize) -> (Vec<usize>, String) {
    let mut targets: Vec<usize> =
        (0..data.names.len()).filter(|&target| data.n_events(target) != 0.0).collect();
    let n = targets.len();
    if n <= most {
        return (targets, String::new());
    }
    let response =
        |target: usize| data.classes.iter().position(|own| own.targets.contains(&target)).unwrap_or(0);
    targets
        .sort_by(|&a, &b| response(a).cmp(&response(b)).then(data.n_events(b).total_cmp(&data.n_events(a))));
    targets.truncate(most);
    targets.sort_unstable();
    let what = if most == 1 { "The one".to_string() } else { format!("The {most}") };
    let which = match (data.classes.len(), data.has_events()) {
        (0, true) => "targets with most events",
        (0, false) => "targets whose response has the largest sum",
        (1, _) => "classes with most bins",
        _ => "classes with most bins, of the first targets",
    };
    (targets, format!(" {what} of {n} {which}."))
}

/// The same, and a sentence on where the others are.
pub(super) fn busiest_and(data: &Data, most: usize, others: &str) -> (Vec<usize>, String) {
    let (targets, note) = busiest(data, most);
    let note = if note.is_empty() { note } else { format!("{note} {others}") };
    (targets, note)
}

fn tuning_of(fitting: &Fitting, curves: &[SeriesCurves]) -> Option<Figure> {
    let data = &fitting.data;
    let n_series = curves.len().min(MOST_SERIES);
    let most = (MOST_TUNING / n_series.max(1)).clamp(1, MOST_TARGETS);
    let (targets, mut note) = busiest_and(data, most, "tables/tuning.csv has all.");
    if curves.len() > n_series {
        let _ = write!(note, " The first {n_series} of {} columns of series.", curves.len());
    }
    let names =
        || std::iter::once(&fitting.name).chain(fitting.compared.iter().map(|compared| &compared.name));
    let panel = |of_series: &SeriesCurves, target: usize| TuningPanel {
        series: unquoted(&of_series.label),
        unit: scaled_unit(&of_series.unit, of_series.scale),
        target: title(data, target),
        centres: of_series.centres.clone(),
        data_hz: of_series.hz.row(target).to_vec(),
        models: (names().zip(&of_series.models))
            .map(|(name, model)| TuningModel {
                name: name.clone(),
                hz: model.hz.row(target).to_vec(),
                smoothed_hz: model.smoothed_hz.row(target).to_vec(),
            })
            .collect(),
    };
    let panels: Vec<TuningPanel> = (curves.iter().take(n_series))
        .flat_map(|of_series| targets.iter().map(|&target| panel(of_series, target)).collect::<Vec<_>>())
        .collect();
    let n_columns = if targets.len() == 3 { 3 } else { 2 };
    tuning(&panels, n_columns, &note)
}

fn convergence_of(fitting: &Fitting) -> Option<Figure> {
    let certificates = certificates(fitting);
    let n = certificates.len();
    let note = if n > MOST_HISTORIES {
        format!(" Of the first {MOST_HISTORIES} of {n} targets, dark to light.")
    } else {
        String::new()
    };
    let descent = |own: &Certificate| {
        let of =
            |value: fn(&crate::solver::Iterate) -> f64| own.history.iter().map(value).collect::<Vec<f64>>();
        Descent {
            target: response_title(own.name),
            iterations: of(|point| point.iteration as f64),
            loss_gap: of(|point| point.loss_gap).into_iter().map(|gap| gap / own.gap_scale).collect(),
            kkt_residual: of(|point| point.kkt_residual),
        }
    };
    let descents: Vec<Descent> =
        certificates.iter().filter(|own| own.history.len() > 1).map(descent).collect();
    convergence(&descents, fitting.model.fit.tolerance, &note)
}

fn intervals_of(fitting: &Fitting) -> Result<Option<Figure>> {
    let data = &fitting.data;
    if data.spike_times_s.is_empty() || data.is_of_classes() {
        return Ok(None);
    }
    let start: Vec<f64> = data.epochs_s.iter().map(|epoch| epoch[0]).collect();
    let stop: Vec<f64> = data.epochs_s.iter().map(|epoch| epoch[1]).collect();
    let support = IntervalSet::new(&start, &stop)?;
    let (targets, note) = busiest(data, MOST_TARGETS);
    let mut units = Vec::new();
    let mut lengths: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for &target in &targets {
        let times = Ts::new(data.spike_times_s[target].clone(), Some(support.clone()))?;
        let mut own = times.time_diff().d().to_vec();
        if !own.is_empty() {
            own.sort_by(f64::total_cmp);
            lengths.insert(target as i64, own);
            units.push((target as i64, times));
        }
    }
    let all = || lengths.values().flatten().copied();
    let (shortest, longest) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    if units.is_empty() || longest <= 0.0 {
        return Ok(None);
    }
    let most = lengths.values().map(Vec::len).max().unwrap_or(1);
    let n_bins = ((2.0 * (most as f64).sqrt()) as usize).clamp(8, 50);
    let bins = if shortest == longest {
        IntervalBins::Edges(vec![0.5 * longest, 0.8 * longest, 1.25 * longest, 2.0 * longest])
    } else if shortest > 0.0 {
        IntervalBins::Logarithmic(n_bins)
    } else {
        IntervalBins::Equal(n_bins)
    };
    let (group, _) = TsGroup::new(units, Some(support), &Metadata::default())?;
    let histogram = interval_histogram(&group, &bins)?;
    let panel = |(k, unit): (usize, &i64)| IntervalPanel {
        target: title(data, *unit as usize),
        edges_ms: histogram.edges_s.iter().map(|edge| 1e3 * edge).collect(),
        counts: histogram.counts.column(k).to_vec(),
        median_ms: lengths.get(unit).map_or(f64::NAN, |lengths| 1e3 * lengths[lengths.len() / 2]),
    };
    let panels: Vec<IntervalPanel> = histogram.units.iter().enumerate().map(panel).collect();
    Ok(intervals(&panels, &note))
}

fn epochs_of(fitting: &Fitting) -> Option<Figure> {
    let data = &fitting.data;
    let n_epochs = data.epochs_s.len();
    // the bars are those of Poisson counts
    if n_epochs < 2 || data.observation != ObservationModel::Poisson {
        return None;
    }
    let others = "tables/bins.csv has counts and rates of all.";
    let (targets, note) = busiest_and(data, MOST_TARGETS, others);
    let expected = &fitting.expected;
    let panel = |&target: &usize| {
        let mut sums = vec![[0.0; 3]; n_epochs];
        for &bin in data.used(target) {
            let sum = &mut sums[data.epoch_of(bin)];
            sum[0] += data.y.get(bin, target);
            sum[1] += expected[target][bin];
            sum[2] += data.bin_s;
        }
        EpochPanel {
            target: title(data, target),
            epochs: (0..n_epochs).map(|epoch| epoch as f64).collect(),
            observed_hz: sums.iter().map(|sum| sum[0] / sum[2]).collect(),
            predicted_hz: sums.iter().map(|sum| sum[1] / sum[2]).collect(),
            used_s: sums.iter().map(|sum| sum[2]).collect(),
        }
    };
    let panels: Vec<EpochPanel> = targets.iter().map(panel).collect();
    epochs(&panels, &note)
}
