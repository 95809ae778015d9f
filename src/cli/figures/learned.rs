//! Figures of features with a basis: the functions, and the filters and response curves that they add up to.

use std::fmt::Write;

use super::statistics::{MOST_TARGETS, busiest_and, title, unquoted};
use super::unit::scaled_unit;
use crate::Result;
use crate::cli::filters::{self, Filter};
use crate::cli::fit::Fitting;
use crate::features::Signal;
use crate::figure::basis::{BasisPanel, basis};
use crate::figure::filter::{FilterPanel, filter};
use crate::figure::{Figure, sum_of_effects};
use crate::read::nwb;
use crate::solver::Status;

/// Panels of basis functions.
const MOST_BASES: usize = 6;
/// Panels of filters.
const MOST_FILTERS: usize = 8;
/// Letters that fit above a third of the width.
const SHORT_TITLE: usize = 20;

/// Basis functions and filters.
pub(super) fn all(fitting: &Fitting) -> Result<[Option<Figure>; 2]> {
    let units = units(fitting)?;
    Ok([basis_of(fitting, &units)?, filter_of(fitting, &units)?])
}

/// The unit of every feature's signal after its factor.
fn units(fitting: &Fitting) -> Result<Vec<String>> {
    let data = &fitting.data;
    if data.features.is_empty() {
        return Ok(Vec::new());
    }
    let file = nwb::open(&data.input.path)?;
    let unit = |feature: &crate::features::StudyFeature| match &feature.spec.first.signal {
        Signal::Series { name, .. } => {
            Ok(scaled_unit(&file.series(name)?.facts().unit, feature.spec.first.scale))
        }
        _ => Ok("spike".into()),
    };
    data.features.iter().map(unit).collect()
}

/// Label and unit of the axis along a filter, and its numbers as they are shown.
fn along(over_lags: bool, channel: &str, unit: &str, x: Vec<f64>) -> ([String; 2], Vec<f64>) {
    if over_lags {
        (["lag".into(), "ms".into()], x.into_iter().map(|lag_s| 1e3 * lag_s).collect())
    } else {
        ([unquoted(channel), unit.into()], x)
    }
}

fn basis_of(fitting: &Fitting, units: &[String]) -> Result<Option<Figure>> {
    let data = &fitting.data;
    let (mut panels, mut n_left_out) = (Vec::new(), 0);
    for (k, feature) in data.features.iter().enumerate() {
        // over lags all channels have the same functions
        let is_convolved = filters::over_lags(feature);
        let channels = filters::channels(fitting, k);
        for (channel, _) in channels.iter().take(if is_convolved { 1 } else { channels.len() }) {
            let Some(functions) = filters::functions(feature, channel, data.bin_s)? else { continue };
            if panels.len() == MOST_BASES {
                n_left_out += 1;
                continue;
            }
            let (axis, x) = along(functions.over_lags, channel, &units[k], functions.x);
            let title = unquoted(if is_convolved { &feature.name } else { channel });
            let functions = functions.values.columns().into_iter().map(|column| column.to_vec()).collect();
            panels.push(BasisPanel { title, axis, from_zero: is_convolved, x, functions });
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
    let most = (MOST_FILTERS / channels.len().max(1)).clamp(1, MOST_TARGETS);
    let (targets, mut note) = busiest_and(data, most, "tables/filters.csv has all.");
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
        let _ = write!(
            note,
            " Of {n} the {MOST_FILTERS} that stand out most from 0; tables/filters.csv has all."
        );
    }
    let several = data.names.len() > 1;
    let effects = fitting.effects();
    let panel = |filter: Filter| {
        let over_lags = filters::over_lags(&data.features[filter.feature]);
        let unit = &units[filter.feature];
        let (x_axis, x) = along(over_lags, &filter.channel, unit, filter.x);
        let y_axis = match (over_lags, unit.is_empty()) {
            (true, false) => ["filter".into(), format!("1/{unit}")],
            (true, true) => ["filter".into(), String::new()],
            _ => [sum_of_effects(effects)[0].into(), String::new()],
        };
        let target = title(data, filter.target);
        let channel = unquoted(&filter.channel);
        let title = if several { format!("{target}: {channel}") } else { channel };
        FilterPanel {
            title,
            x_axis,
            from_zero: over_lags,
            y_axis,
            x,
            values: filter.values,
            standard_errors: filter.standard_errors,
            feature: filter.feature,
            no_estimate: no_estimate(fitting.model.fit.targets[filter.target].status).into(),
        }
    };
    let panels: Vec<FilterPanel> = found.into_iter().map(panel).collect();
    // three columns leave room for short titles only
    let short = panels.iter().all(|panel| panel.title.len() <= SHORT_TITLE && panel.no_estimate.is_empty());
    let n_columns = if targets.len() == 3 && short { 3 } else { 2 };
    Ok(filter(&panels, n_columns, effects, &note))
}

/// Why coefficients are no estimate; empty where they are.
pub(super) fn no_estimate(status: Status) -> &'static str {
    match status {
        Status::Converged => "",
        Status::Separated => "separated: not an estimate",
        _ => "not at the optimum",
    }
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
