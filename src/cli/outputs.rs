//! Files of a fit: `fit.json`, `model.json`, the tables and the report.

use std::path::{Path, PathBuf};

use ndarray::Array1;
use serde_json::{Map, Value};

use super::data::{Block, Data};
use super::fit::Fitting;
use super::progress::{Progress, Total};
use super::{
    categorical, couplings, figures, filters, left_out, report, surfaces, tuning_curves, tuning_table,
};
use crate::Result;
use crate::features::{ColumnOf, Piece};
use crate::report::FigureSvg;
use crate::write::json::json_bytes;
use crate::write::nwb::FilterRows;
use crate::write::save::{INDEX_NAME, PendingFile, Saver};
use crate::write::table::{Values, csv_bytes};

/// Values of arrays that are written again as a table at most.
const MOST_REPEATED: usize = 1 << 20;
/// Dots per pixel of the images.
const PNG_SCALE: f64 = 2.0;

/// What tables and figures call a model: the last part of its folder, or plain `model`.
pub(super) fn model_name(folder: Option<&Path>) -> String {
    let name = folder.and_then(Path::file_name);
    name.map_or("model".into(), |name| name.to_string_lossy().into_owned())
}

/// Why features are no table, if they are none.
fn why_unlisted(data: &Data, block: &Block) -> Option<&'static str> {
    if block.x.is_computed() {
        return Some("its columns are computed when they are needed");
    }
    let is_given = data.centres_s.is_empty();
    (is_given && data.n_bins() * block.labels.len() > MOST_REPEATED)
        .then_some("its many values are those of the data")
}

/// What tables and figures leave out.
pub(super) fn notices(data: &Data) -> Vec<String> {
    let why = data.blocks.iter().find_map(|block| why_unlisted(data, block));
    let mut notices: Vec<String> =
        why.map(|why| format!("tables/features.csv is left out: {why}")).into_iter().collect();
    notices.extend(surfaces::notices(data));
    notices.extend(couplings::notices(data));
    notices
}

/// Writes everything into `folder`, and the copy of the recording to its place; `fit.json`, which names all, last.
pub(super) fn write(
    folder: &Path,
    fitting: &Fitting,
    document: Map<String, Value>,
    copy: Option<PendingFile>,
    progress: &Progress,
) -> Result<Vec<PathBuf>> {
    progress.stage("writing tables", None);
    let mut saver = Saver::open(folder)?;
    if let Some(of_classes) = &fitting.of_classes {
        categorical::stage(fitting, of_classes, &mut saver)?;
    } else {
        saver.stage("model.json", &json_bytes(&fitting.model)?)?;
        bins(fitting, &mut saver)?;
    }
    features(fitting, &mut saver)?;
    if let Some(bytes) = filters(fitting)? {
        saver.stage("tables/filters.csv", &bytes)?;
    }
    if let Some(bytes) = surfaces(fitting)? {
        saver.stage("tables/surfaces.csv", &bytes)?;
    }
    if let Some(bytes) = couplings::bytes(fitting)? {
        saver.stage("tables/couplings.csv", &bytes)?;
    }
    let curves = tuning_curves::curves(fitting)?;
    if let Some(bytes) = tuning_table::bytes(&curves, fitting)? {
        saver.stage("tables/tuning.csv", &bytes)?;
    }
    progress.stage("computing figures", None);
    let drawn = figures::all(fitting, &curves)?;
    progress.stage("drawing figures", Some(Total::Items(drawn.len() as u64)));
    let mut figures = Vec::new();
    for figure in drawn {
        let svg = figure.drawing.svg();
        saver.stage(&format!("figures/{}.svg", figure.name), svg.as_bytes())?;
        saver.stage(&format!("figures/{}.png", figure.name), &figure.drawing.png(PNG_SCALE)?)?;
        let (name, title, caption) = (figure.name, figure.title, figure.caption);
        figures.push(FigureSvg { name, title, caption, svg });
        progress.advance(1);
    }
    let beside = report::Beside {
        command: document.get("command").and_then(Value::as_str).unwrap_or_default().into(),
        study_toml: document.get("study_toml").and_then(Value::as_str).map(String::from),
        events: left_out::device_events(&document),
        figures,
        files: [INDEX_NAME]
            .into_iter()
            .chain(saver.digests().map(|(name, _)| name))
            .map(String::from)
            .collect(),
    };
    saver.stage("report.html", report::html(fitting, beside).as_bytes())?;
    copy.map(PendingFile::commit).transpose()?;
    saver.finish(document)
}

/// One row per bin: time, epoch, whether it was used, counts and predicted rates.
fn bins(fitting: &Fitting, saver: &mut Saver) -> Result<()> {
    let data = &fitting.data;
    let n_bins = data.n_bins();
    // which bins are used depends on windows and series, which all targets share
    let mut used = vec![0i64; n_bins];
    data.parts.iter().flat_map(|part| &part.used).for_each(|&bin| used[bin] = 1);
    let rows: Vec<i64> = (0..n_bins as i64).collect();
    let epochs = data.epoch_of_bins();
    let expected = &fitting.expected;
    // without the width of a bin a rate has no meaning
    let per_s = if data.bin_s.is_finite() { 1.0 / data.bin_s } else { 1.0 };
    let rates: Vec<Array1<f64>> = expected.iter().map(|expected| expected * per_s).collect();
    let [count, expected] = data.quantities();
    let quantity = if data.bin_s.is_finite() { "rate_hz" } else { expected };
    let names: Vec<[String; 2]> =
        data.names.iter().map(|name| [format!("{count}_{name}"), format!("{quantity}_{name}")]).collect();
    let mut columns: Vec<(&str, Values)> = vec![("bin", Values::Integers(&rows))];
    if !data.centres_s.is_empty() {
        columns.push(("t_s", data.centres_s.as_slice().into()));
        columns.push(("epoch", Values::Integers(&epochs)));
    }
    columns.push(("used", Values::Integers(&used)));
    for ((target, [count, rate]), rates) in names.iter().enumerate().zip(&rates) {
        columns.push((count, Values::counts(&data.y, target)));
        columns.push((rate, Values::Numbers(rates.view())));
    }
    saver.stage_table("tables/bins.csv", &columns)
}

/// One row per bin, one column per feature; a table of its own for each target that sees features of its own. Features that
/// are too many to be kept in memory are no table.
fn features(fitting: &Fitting, saver: &mut Saver) -> Result<()> {
    let data = &fitting.data;
    let rows: Vec<i64> = (0..data.n_bins() as i64).collect();
    let is_new =
        |k: &usize| data.parts[..*k].iter().all(|own| own.group.pieces != data.parts[*k].group.pieces);
    let different: Vec<usize> = (0..data.parts.len()).filter(is_new).collect();
    for part in different.iter().map(|&k| &data.parts[k]) {
        let is_unlisted = |piece: &Piece| why_unlisted(data, &data.blocks[piece.block]).is_some();
        if part.group.pieces.iter().any(is_unlisted) {
            continue;
        }
        let mut columns: Vec<(&str, Values)> = vec![("bin", Values::Integers(&rows))];
        if !data.centres_s.is_empty() {
            columns.push(("t_s", data.centres_s.as_slice().into()));
        }
        let pieces = &part.group.pieces;
        let of_piece = |piece: &'_ Piece| -> Vec<ColumnOf> {
            piece.columns.clone().map(|column| data.blocks[piece.block].x.column(column)).collect()
        };
        let values: Vec<ColumnOf> = pieces.iter().flat_map(of_piece).collect();
        let labels = pieces.iter().flat_map(|piece| &piece.labels);
        columns.extend(labels.map(String::as_str).zip(values.iter().map(Values::column)));
        let name = if different.len() == 1 {
            "tables/features.csv".to_string()
        } else {
            format!("tables/features-{}.csv", data.response_name(part.group.targets[0]))
        };
        saver.stage_table(&name, &columns)?;
    }
    Ok(())
}

/// The filters of convolved features and the response curves of evaluated ones: one row per channel, target and lag or
/// value; the other of the two is NaN. `None` without any.
fn filters(fitting: &Fitting) -> Result<Option<Vec<u8>>> {
    let (mut targets, mut channels): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut numbers: [Vec<f64>; 4] = Default::default();
    for filter in filters::filters(fitting)? {
        let unknown = vec![f64::NAN; filter.x.len()];
        targets.extend(vec![fitting.data.names[filter.target].clone(); filter.x.len()]);
        channels.extend(vec![filter.channel; filter.x.len()]);
        let over_lags = filters::over_lags(&fitting.data.features[filter.feature]);
        let [lags_s, at] = if over_lags { [filter.x, unknown] } else { [unknown, filter.x] };
        let columns = [lags_s, at, filter.values, filter.standard_errors];
        numbers.iter_mut().zip(columns).for_each(|(column, values)| column.extend(values));
    }
    if targets.is_empty() {
        return Ok(None);
    }
    let titles = ["lag_s", "value", "filter", "standard_error"];
    let mut columns: Vec<(&str, Values)> =
        vec![("target", Values::Texts(&targets)), ("channel", Values::Texts(&channels))];
    columns.extend(titles.into_iter().zip(numbers.iter().map(|column| column.as_slice().into())));
    csv_bytes(&columns).map(Some)
}

/// The surfaces of products of two evaluated bases: one row per channel, target and cell. `None` without any.
fn surfaces(fitting: &Fitting) -> Result<Option<Vec<u8>>> {
    let mut texts: [Vec<String>; 3] = Default::default();
    let mut numbers: [Vec<f64>; 4] = Default::default();
    for surface in surfaces::surfaces(fitting)? {
        let [one, other] = surface.channels;
        let cells = [fitting.data.names[surface.target].clone(), one, other];
        let n = surface.values.len();
        texts.iter_mut().zip(cells).for_each(|(column, cell)| column.extend(vec![cell; n]));
        for ((i, j), value) in surface.values.indexed_iter() {
            let error = surface.standard_errors[(i, j)];
            let row = [surface.centres[0][i], surface.centres[1][j], *value, error];
            numbers.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
    }
    if texts[0].is_empty() {
        return Ok(None);
    }
    let titles = ["target", "channel_1", "channel_2"];
    let mut columns: Vec<(&str, Values)> =
        titles.into_iter().zip(texts.iter().map(|own| Values::Texts(own))).collect();
    let titles = ["value_1", "value_2", "surface", "standard_error"];
    columns.extend(titles.into_iter().zip(numbers.iter().map(|column| column.as_slice().into())));
    csv_bytes(&columns).map(Some)
}

/// The filters of convolved features as a copy of the recording holds them; `None` without any.
pub(super) fn filter_rows(fitting: &Fitting) -> Result<Option<FilterRows>> {
    let mut rows = FilterRows::default();
    for filter in filters::filters(fitting)? {
        if !filters::over_lags(&fitting.data.features[filter.feature]) {
            continue;
        }
        let n = filter.x.len();
        rows.targets.extend(vec![fitting.data.response_name(filter.target).clone(); n]);
        rows.classes.extend(fitting.class_of(filter.target).into_iter().flat_map(|class| vec![class; n]));
        rows.channels.extend(vec![filter.channel; n]);
        rows.lags_s.extend(filter.x);
        rows.values.extend(filter.values);
        rows.standard_errors.extend(filter.standard_errors);
    }
    Ok((!rows.values.is_empty()).then_some(rows))
}
