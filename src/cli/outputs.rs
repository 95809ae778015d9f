//! Files of a fit: `fit.json`, `model.json` and the tables.

use std::path::{Path, PathBuf};

use ndarray::Array1;
use serde_json::{Map, Value};

use super::fit::Fitting;
use super::tuning_table;
use crate::Result;
use crate::basis::Expand;
use crate::features::{Expansion, Window};
use crate::write::json::json_bytes;
use crate::write::save::Saver;
use crate::write::table::{Values, csv_bytes};

/// Writes everything into `folder`, `fit.json` last.
pub(super) fn write(folder: &Path, fitting: &Fitting, document: Map<String, Value>) -> Result<Vec<PathBuf>> {
    let mut saver = Saver::open(folder)?;
    saver.stage("model.json", &json_bytes(&fitting.model)?)?;
    saver.stage("tables/bins.csv", &bins(fitting)?)?;
    for (name, bytes) in features(fitting)? {
        saver.stage(&name, &bytes)?;
    }
    if let Some(bytes) = filters(fitting)? {
        saver.stage("tables/filters.csv", &bytes)?;
    }
    if let Some(bytes) = tuning_table::bytes(fitting)? {
        saver.stage("tables/tuning.csv", &bytes)?;
    }
    saver.finish(document)
}

/// Expected counts of every bin, one column per target, NaN where a feature is unknown.
pub(super) fn expected_counts(fitting: &Fitting) -> Vec<Array1<f64>> {
    let data = &fitting.data;
    let mut expected = vec![Array1::zeros(0); data.names.len()];
    for part in &data.parts {
        let sources = part.sources(&data.blocks);
        for &target in &part.group.targets {
            expected[target] = fitting.model.fit.expected_counts(target, &sources).into();
        }
    }
    expected
}

/// One row per bin: time, epoch, whether it was used, counts and predicted rates.
fn bins(fitting: &Fitting) -> Result<Vec<u8>> {
    let data = &fitting.data;
    let n_bins = data.n_bins();
    // which bins are used depends on windows and series, which all targets share
    let mut used = vec![0i64; n_bins];
    data.parts.iter().flat_map(|part| &part.used).for_each(|&bin| used[bin] = 1);
    let rows: Vec<i64> = (0..n_bins as i64).collect();
    let epochs = data.epoch_of_bins();
    let expected = expected_counts(fitting);
    // without the width of a bin a rate has no meaning
    let per_s = if data.bin_s.is_finite() { 1.0 / data.bin_s } else { 1.0 };
    let rates: Vec<Array1<f64>> = expected.iter().map(|expected| expected * per_s).collect();
    let quantity = if data.bin_s.is_finite() { "rate_hz" } else { "expected_count" };
    let names: Vec<[String; 2]> =
        data.names.iter().map(|name| [format!("count_{name}"), format!("{quantity}_{name}")]).collect();
    let mut columns: Vec<(&str, Values)> = vec![("bin", Values::Integers(&rows))];
    if !data.centres_s.is_empty() {
        columns.push(("t_s", data.centres_s.as_slice().into()));
        columns.push(("epoch", Values::Integers(&epochs)));
    }
    columns.push(("used", Values::Integers(&used)));
    for ((target, [count, rate]), rates) in names.iter().enumerate().zip(&rates) {
        columns.push((count, Values::Numbers(data.y.column(target))));
        columns.push((rate, Values::Numbers(rates.view())));
    }
    csv_bytes(&columns)
}

/// One row per bin, one column per feature; a table of its own for each target that sees features of its own.
fn features(fitting: &Fitting) -> Result<Vec<(String, Vec<u8>)>> {
    let data = &fitting.data;
    let rows: Vec<i64> = (0..data.n_bins() as i64).collect();
    let table = |part: &super::data::Part| -> Result<(String, Vec<u8>)> {
        let mut columns: Vec<(&str, Values)> = vec![("bin", Values::Integers(&rows))];
        if !data.centres_s.is_empty() {
            columns.push(("t_s", data.centres_s.as_slice().into()));
        }
        let sources = part.sources(&data.blocks);
        for source in &sources {
            let values = source.x.columns().into_iter().map(Values::Numbers);
            columns.extend(source.labels.iter().map(String::as_str).zip(values));
        }
        let name = if data.parts.len() == 1 {
            "tables/features.csv".into()
        } else {
            format!("tables/features-{}.csv", data.names[part.group.targets[0]])
        };
        Ok((name, csv_bytes(&columns)?))
    };
    data.parts.iter().map(table).collect()
}

/// The filters of convolved features: one row per lag, one column per target and channel. `None` without any.
fn filters(fitting: &Fitting) -> Result<Option<Vec<u8>>> {
    let (data, fit) = (&fitting.data, &fitting.model.fit);
    let (mut targets, mut channels) = (Vec::new(), Vec::new());
    let (mut lags, mut values) = (Vec::new(), Vec::new());
    for (feature, columns) in data.features.iter().zip(&fit.features) {
        let Expansion::Convolved { basis, window_s, causality, include_present } = &feature.spec.expansion
        else {
            continue;
        };
        let window = Window::from_duration(*window_s, data.bin_s)?.n_bins();
        let kernel = basis.kernel(window)?;
        let offset = causality.offset(*include_present, window)?;
        let n_functions = kernel.ncols();
        for first in (columns.columns[0]..columns.columns[1]).step_by(n_functions) {
            let channel = fit.labels[first].rsplit_once('.').map_or("", |(channel, _)| channel);
            for target in &fit.targets {
                let coef = Array1::from(target.coef[first..first + n_functions].to_vec());
                for (k, value) in kernel.dot(&coef).into_iter().enumerate() {
                    // row t of the features holds kernel[k] times the bin t - offset + window - 1 - k
                    lags.push((offset - (window as isize - 1) + k as isize) as f64 * data.bin_s);
                    values.push(value);
                    targets.push(target.name.clone());
                    channels.push(channel.to_string());
                }
            }
        }
    }
    if values.is_empty() {
        return Ok(None);
    }
    let columns = [
        ("target", Values::Texts(&targets)),
        ("channel", Values::Texts(&channels)),
        ("lag_s", lags.as_slice().into()),
        ("filter", values.as_slice().into()),
    ];
    csv_bytes(&columns).map(Some)
}
