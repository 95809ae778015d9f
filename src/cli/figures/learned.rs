//! Figures of the coefficients: basis functions, filters, coefficients of plain features.

use std::collections::HashMap;

use super::statistics::{MOST_TARGETS, busiest, title};
use super::unit::scaled_unit;
use crate::Result;
use crate::cli::filters::{self, Filter};
use crate::cli::fit::Fitting;
use crate::features::{Expansion, Signal};
use crate::figure::Figure;
use crate::figure::basis::{BasisPanel, basis};
use crate::figure::coefficients::{CoefficientPanel, coefficients};
use crate::figure::filter::{FilterPanel, filter};
use crate::read::nwb;

/// Panels of basis functions.
const MOST_BASES: usize = 6;
/// Panels of filters.
const MOST_FILTERS: usize = 12;
/// Coefficients in one panel.
const MOST_COEFFICIENTS: usize = 40;

/// Basis functions, filters, coefficients.
pub(super) fn all(fitting: &Fitting) -> Result<[Option<Figure>; 3]> {
    let units = units(fitting)?;
    Ok([basis_of(fitting, &units)?, filter_of(fitting, &units)?, coefficients_of(fitting)])
}

/// The unit of every feature's signal after its factor.
fn units(fitting: &Fitting) -> Result<Vec<String>> {
    let data = &fitting.data;
    if data.features.is_empty() {
        return Ok(Vec::new());
    }
    let file = nwb::open(&data.input.path)?;
    let unit = |feature: &crate::features::StudyFeature| match &feature.spec.signal {
        Signal::Series { name, .. } => Ok(scaled_unit(&file.series(name)?.facts().unit, feature.spec.scale)),
        _ => Ok("spike".into()),
    };
    data.features.iter().map(unit).collect()
}

/// Label and unit of the axis along a filter, and its numbers as they are shown.
fn along(over_lags: bool, channel: &str, unit: &str, x: Vec<f64>) -> ([String; 2], Vec<f64>) {
    if over_lags {
        (["lag".into(), "ms".into()], x.into_iter().map(|lag_s| 1e3 * lag_s).collect())
    } else {
        ([channel.into(), unit.into()], x)
    }
}

fn basis_of(fitting: &Fitting, units: &[String]) -> Result<Option<Figure>> {
    let data = &fitting.data;
    let (mut panels, mut n_left_out) = (Vec::new(), 0);
    for (k, feature) in data.features.iter().enumerate() {
        // over lags all channels have the same functions
        let is_convolved = matches!(feature.spec.expansion, Expansion::Convolved { .. });
        let channels = filters::channels(fitting, k);
        for (channel, _) in channels.iter().take(if is_convolved { 1 } else { channels.len() }) {
            let Some(functions) = filters::functions(feature, channel, data.bin_s)? else { continue };
            if panels.len() == MOST_BASES {
                n_left_out += 1;
                continue;
            }
            let (axis, x) = along(functions.over_lags, channel, &units[k], functions.x);
            let title = if is_convolved { feature.name.clone() } else { channel.clone() };
            let functions = functions.values.columns().into_iter().map(|column| column.to_vec()).collect();
            panels.push(BasisPanel { title, axis, x, functions });
        }
    }
    let note = match n_left_out {
        0 => String::new(),
        n => format!(" The first {MOST_BASES}; {n} more are not drawn."),
    };
    Ok(basis(&panels, &note))
}

fn filter_of(fitting: &Fitting, units: &[String]) -> Result<Option<Figure>> {
    let data = &fitting.data;
    let mut found = filters::filters(fitting)?;
    let mut channels: Vec<(usize, String)> = Vec::new();
    for filter in &found {
        let key = (filter.feature, filter.channel.clone());
        if !channels.contains(&key) {
            channels.push(key);
        }
    }
    let (targets, mut note) = busiest(data, (MOST_FILTERS / channels.len().max(1)).clamp(1, MOST_TARGETS));
    // a channel that a target does not see has coefficients that are all exactly 0
    found
        .retain(|filter| targets.contains(&filter.target) && filter.values.iter().any(|value| *value != 0.0));
    if found.len() > MOST_FILTERS {
        let n = found.len();
        let mut strength: Vec<(f64, usize)> = found.iter().map(stands_out).zip(0..).collect();
        strength.sort_by(|a, b| b.0.total_cmp(&a.0));
        let kept: Vec<usize> = strength.into_iter().take(MOST_FILTERS).map(|(_, k)| k).collect();
        let mut k = 0..;
        found.retain(|_| k.next().is_some_and(|k| kept.contains(&k)));
        note.push_str(&format!(
            " Of {n} the {MOST_FILTERS} that stand out most from 0; tables/filters.csv has all."
        ));
    }
    let several = targets.len() > 1;
    let panel = |filter: Filter| {
        let over_lags = matches!(data.features[filter.feature].spec.expansion, Expansion::Convolved { .. });
        let unit = &units[filter.feature];
        let (x_axis, x) = along(over_lags, &filter.channel, unit, filter.x);
        let y_axis = match (over_lags, unit.is_empty()) {
            (true, false) => ["filter".into(), format!("1/{unit}")],
            (true, true) => ["filter".into(), String::new()],
            _ => ["log rate".into(), String::new()],
        };
        let target = title(data, filter.target);
        let title = if several { format!("{target}: {}", filter.channel) } else { filter.channel };
        FilterPanel {
            title,
            x_axis,
            y_axis,
            x,
            values: filter.values,
            standard_errors: filter.standard_errors,
        }
    };
    let panels: Vec<FilterPanel> = found.into_iter().map(panel).collect();
    let n_columns = if targets.len() == 3 || panels.len() > 8 { 3 } else { 2 };
    Ok(filter(&panels, n_columns, &note))
}

/// How far a filter gets from 0, in standard errors where they are known.
fn stands_out(filter: &Filter) -> f64 {
    let ratios = filter
        .values
        .iter()
        .zip(&filter.standard_errors)
        .map(|(value, error)| if *error > 0.0 { (value / error).abs() } else { 0.0 });
    ratios.fold(0.0, f64::max)
}

/// One coefficient: effect per standard deviation of its column, and error.
type Effect = [f64; 2];

/// The effects of the columns of features without a basis for one target, by label.
fn effects(fitting: &Fitting, target: usize) -> HashMap<String, Effect> {
    let (data, fit) = (&fitting.data, &fitting.model.fit);
    let mut effects = HashMap::new();
    let Some(part) = data.parts.iter().find(|part| part.group.targets.contains(&target)) else {
        return effects;
    };
    let own = &fit.targets[target];
    for (piece, source) in part.group.pieces.iter().zip(part.sources(&data.blocks)) {
        let has_basis = (data.features.get(piece.block))
            .is_some_and(|feature| !matches!(feature.spec.expansion, Expansion::Plain));
        if has_basis {
            continue;
        }
        for (label, column) in source.labels.iter().zip(source.x.columns()) {
            let n = part.used.len() as f64;
            let mean = part.used.iter().map(|&bin| column[bin]).sum::<f64>() / n;
            let variance = part.used.iter().map(|&bin| (column[bin] - mean).powi(2)).sum::<f64>() / n;
            if let Some(k) = fit.labels.iter().position(|known| known == label) {
                let sd = variance.sqrt();
                effects.insert(label.clone(), [sd * own.coef[k], sd * own.standard_errors[k]]);
            }
        }
    }
    effects
}

fn coefficients_of(fitting: &Fitting) -> Option<Figure> {
    let (data, fit) = (&fitting.data, &fitting.model.fit);
    let (mut targets, mut note) = busiest(data, MOST_COEFFICIENTS);
    let mut all: Vec<HashMap<String, Effect>> =
        targets.iter().map(|&target| effects(fitting, target)).collect();
    let mut labels: Vec<&String> =
        fit.labels.iter().filter(|label| all.iter().any(|effects| effects.contains_key(*label))).collect();
    if let [label] = labels[..] {
        // one coefficient: the targets side by side
        let of = |k: usize| all.iter().map(|effects| effects.get(label).map_or(f64::NAN, |e| e[k])).collect();
        let panel = CoefficientPanel {
            title: label.clone(),
            along: if data.epochs_s.is_empty() { "target".into() } else { "unit".into() },
            names: targets.iter().map(|&target| data.names[target].clone()).collect(),
            effects: of(0),
            standard_errors: of(1),
        };
        return coefficients(&[panel], &note);
    }
    if targets.len() > MOST_TARGETS {
        let (kept, said) = busiest(data, MOST_TARGETS);
        all.retain({
            let mut k = targets.iter();
            move |_| k.next().is_some_and(|target| kept.contains(target))
        });
        (targets, note) = (busiest(data, MOST_TARGETS).0, said);
    }
    if labels.len() > MOST_COEFFICIENTS {
        let n = labels.len();
        let largest = |label: &String| {
            all.iter().filter_map(|effects| effects.get(label)).map(|e| e[0].abs()).fold(0.0, f64::max)
        };
        let mut sizes: Vec<f64> = labels.iter().map(|label| largest(label)).collect();
        sizes.sort_by(|a, b| b.total_cmp(a));
        labels.retain(|label| largest(label) > sizes[MOST_COEFFICIENTS]);
        note.push_str(&format!(" The {} of {n} features with the largest effects.", labels.len()));
    }
    if labels.is_empty() {
        return None;
    }
    let panel = |(&target, effects): (&usize, &HashMap<String, Effect>)| {
        let of =
            |k: usize| labels.iter().map(|label| effects.get(*label).map_or(f64::NAN, |e| e[k])).collect();
        CoefficientPanel {
            title: title(data, target),
            along: "feature".into(),
            names: labels.iter().map(|label| (*label).clone()).collect(),
            effects: of(0),
            standard_errors: of(1),
        }
    };
    let panels: Vec<CoefficientPanel> = targets.iter().zip(&all).map(panel).collect();
    coefficients(&panels, &note)
}
