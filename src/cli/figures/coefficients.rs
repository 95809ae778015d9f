//! The figure of coefficients of features without a basis.

use std::collections::HashMap;
use std::fmt::Write;

use super::statistics::{MOST_TARGETS, busiest_and, title, unquoted};
use crate::cli::data::{Data, Part};
use crate::cli::fit::Fitting;
use crate::features::{Expansion, StudyFeature};
use crate::figure::Figure;
use crate::figure::coefficients::{CoefficientPanel, coefficients};

/// Coefficients in one panel.
const MOST_COEFFICIENTS: usize = 40;
/// Where those of other targets are.
const OTHERS: &str = "fit.json has the coefficients of all.";

/// One coefficient: its effect per standard deviation of its column, and the error of that.
#[derive(Clone, Copy)]
struct Effect {
    value: f64,
    error: f64,
}

impl Effect {
    const UNKNOWN: Self = Self { value: f64::NAN, error: f64::NAN };
}

/// The figure; `None` without such features, or for one coefficient of one target: the table says it better.
pub(super) fn of(fitting: &Fitting) -> Option<Figure> {
    let (data, fit) = (&fitting.data, &fitting.model.fit);
    let deviations: Vec<HashMap<&String, f64>> =
        data.parts.iter().map(|part| plain_deviations(data, part)).collect();
    let is_plain = |label: &&String| deviations.iter().any(|known| known.contains_key(label));
    let columns: Vec<(usize, &String)> =
        fit.labels.iter().enumerate().filter(|(_, label)| is_plain(label)).collect();
    let effect = |target: usize, (column, label): (usize, &String)| {
        let part = data.parts.iter().position(|part| part.group.targets.contains(&target));
        let sd = part.and_then(|part| deviations[part].get(label));
        let own = &fit.targets[target];
        sd.map_or(Effect::UNKNOWN, |sd| Effect {
            value: sd * own.coef[column],
            error: sd * own.standard_errors[column],
        })
    };
    if let [column] = columns[..] {
        // the targets side by side
        let (targets, note) = busiest_and(data, MOST_COEFFICIENTS, OTHERS);
        let names = targets.iter().map(|&target| data.names[target].clone()).collect();
        let along = match (data.is_of_classes(), data.epochs_s.is_empty()) {
            (true, _) => "class",
            (false, true) => "target",
            (false, false) => "unit",
        };
        let effects: Vec<Effect> = targets.iter().map(|&target| effect(target, column)).collect();
        let panel = panel(unquoted(column.1), along, names, &effects);
        return if targets.len() < 2 { None } else { coefficients(&[panel], fitting.effects(), &note) };
    }
    let (targets, mut note) = busiest_and(data, MOST_TARGETS, OTHERS);
    let largest = |&column: &(usize, &String)| {
        targets.iter().map(|&target| effect(target, column).value.abs()).fold(0.0, f64::max)
    };
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    if columns.len() > MOST_COEFFICIENTS {
        let sizes: Vec<f64> = columns.iter().map(largest).collect();
        shown.sort_by(|&a, &b| sizes[b].total_cmp(&sizes[a]));
        shown.truncate(MOST_COEFFICIENTS);
        shown.sort_unstable();
        let n = columns.len();
        let _ = write!(note, " The {MOST_COEFFICIENTS} of {n} features with the largest effects.");
    }
    let of_target = |&target: &usize| {
        let names = shown.iter().map(|&k| unquoted(columns[k].1)).collect();
        let effects: Vec<Effect> = shown.iter().map(|&k| effect(target, columns[k])).collect();
        panel(title(data, target), "feature", names, &effects)
    };
    let panels: Vec<CoefficientPanel> =
        if columns.is_empty() { Vec::new() } else { targets.iter().map(of_target).collect() };
    coefficients(&panels, fitting.effects(), &note)
}

fn panel(title: String, along: &str, names: Vec<String>, effects: &[Effect]) -> CoefficientPanel {
    CoefficientPanel {
        title,
        along: along.into(),
        names,
        effects: effects.iter().map(|effect| effect.value).collect(),
        standard_errors: effects.iter().map(|effect| effect.error).collect(),
    }
}

/// Standard deviations in the used bins of the columns of features without a basis, by label.
fn plain_deviations<'a>(data: &'a Data, part: &'a Part) -> HashMap<&'a String, f64> {
    let n = part.used.len() as f64;
    let mut deviations = HashMap::new();
    for piece in &part.group.pieces {
        let feature = data.features.get(piece.block);
        let is_plain =
            |feature: &StudyFeature| feature.spec.terms().all(|term| term.expansion == Expansion::Plain);
        if feature.is_some_and(|feature| !is_plain(feature)) {
            continue;
        }
        for (label, column) in piece.labels.iter().zip(piece.columns.clone()) {
            let column = data.blocks[piece.block].x.column(column);
            let values = column.values();
            let value = |bin: usize| values[bin];
            let mean = part.used.iter().map(|&bin| value(bin)).sum::<f64>() / n;
            let variance = part.used.iter().map(|&bin| (value(bin) - mean).powi(2)).sum::<f64>() / n;
            deviations.insert(label, variance.sqrt());
        }
    }
    deviations
}
