//! `rheobase predict`: what a fitted model expects of other data.

use std::path::{Path, PathBuf};

use clap::Args;
use ndarray::{Array1, Array2, Axis};
use serde_json::{Map, Value, json};

use super::applied::Applied;
use super::args::{DataArgs, size};
use super::data::Data;
use super::fit_text::bins_line;
use super::machine::default_memory_limit_bytes;
use super::progress::Progress;
use super::result;
use super::run::{Report, pretty, say};
use super::shell::shell_word;
use crate::write::digest::digest_file;
use crate::write::model::{Input, ModelFile};
use crate::write::npz::{Array, npz_bytes};
use crate::write::same_file::is_same_file;
use crate::write::save::{check_writable_file, save_bytes};
use crate::write::table::{Values, csv_bytes, terminal_table};
use crate::{Error, Result, number};

/// What the help of `predict` ends with.
const PREDICT_HELP: &str = "\
A recording needs units only if the model has features of spikes (`spikes`, `units`, ..).
rate.csv has one row per bin: t_s, epoch and, for each target, rate_hz_NAME and
expected_count_NAME. rate.npz has the arrays t, epoch, rate_hz and expected_count (bins, targets)
and targets. A categorical model gives label_NAME and probability_NAME_CLASS instead (npz: tables
probability_NAME, classes_NAME). Arrays have no time: a row number (from 0) and the expected count only (`expected` of
a gaussian model). Bins whose features are unknown are NaN. A model that NeMoS saved takes arrays,
with the columns in the order that it was fitted with.

Examples:
  rheobase predict out/model.json FILE.nwb --epochs 'Noise 2' --out rate.csv
  rheobase predict out/model.json NEW.csv --out rate.npz
  rheobase predict nemos.npz NEW.npz --x X --out rate.npz
  rheobase predict out/model.json FILE.nwb --epochs 'Noise 2' --json";

/// Arguments of `predict`.
#[derive(Debug, Args)]
#[command(after_help = PREDICT_HELP)]
pub struct PredictArgs {
    /// A model.json that `fit --out` wrote, a copy that `fit --write-nwb` wrote, or an npz file of nemos
    pub model: PathBuf,
    #[command(flatten)]
    /// Which data.
    pub data: DataArgs,
    /// Write the prediction of every bin into this file, .csv or .npz
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
    /// No progress and no notices
    #[arg(long)]
    pub quiet: bool,
    /// Threads; all cores without it
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Memory that may be used, with its unit: 4GB; half of the machine's without it
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub memory_limit: Option<u64>,
}

/// How a prediction is written.
#[derive(Clone, Copy)]
pub(super) enum Format {
    Csv,
    Npz,
}

/// Mean, least and greatest of the values that are known.
struct Range {
    mean: f64,
    lowest: f64,
    highest: f64,
    n_nan: usize,
}

/// Predicts, prints a summary and writes the prediction.
pub(super) fn predict(args: &PredictArgs) -> Result<Report> {
    let inputs = [&args.model, &args.data.data];
    let out = args.out.as_ref().map(|path| Ok((path, checked_out(path, &inputs)?))).transpose()?;
    refuse_weights(&args.data)?;
    let progress = Progress::new(args.quiet);
    progress.stage("reading", None);
    let limit_bytes = args.memory_limit.or_else(default_memory_limit_bytes);
    let mut applied = Applied::predict(ModelFile::load(&args.model)?, &args.data, limit_bytes, &progress)?;
    let notices = applied.notices(&args.model, &args.data, ["predicted", "predictions"]);
    applied.data.notices.extend(notices);
    let (data, expected) = (&applied.data, &applied.expected);
    let text = if args.json { pretty(&document(args, data, expected)?.into()) } else { text(data, expected) };
    if let Some((path, format)) = out {
        let bytes = match format {
            Format::Csv => csv(data, expected)?,
            Format::Npz => npz(data, expected)?,
        };
        save_bytes(path, &bytes)?;
    }
    drop(progress);
    if !args.quiet {
        data.notices.iter().for_each(|notice| say(&format!("note: {notice}")));
        args.out.iter().for_each(|path| say(&format!("prediction written to {}", path.display())));
    }
    Ok(Report { text, converged: true })
}

/// Refuses weights, which say nothing of a mean.
pub(super) fn refuse_weights(choice: &DataArgs) -> Result<()> {
    match &choice.weights {
        None => Ok(()),
        Some(weights) => {
            let help = "leave it out: a weight says how often a bin counts, not what is expected of it";
            Err(Error::argument("--weights", "a fit or a score", weights.clone(), help))
        }
    }
}

/// How a file is written, by its name; refused if it is an input or cannot be written.
pub(super) fn checked_out(path: &Path, inputs: &[&PathBuf]) -> Result<Format> {
    let format = format_of(path)?;
    if inputs.iter().any(|input| is_same_file(input, path)) {
        let found = format!("an input ({})", path.display());
        let help = "give another name: inputs are never changed";
        return Err(Error::argument("--out", "the name of a new file", found, help));
    }
    check_writable_file(path)?;
    Ok(format)
}

fn format_of(path: &Path) -> Result<Format> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => Ok(Format::Csv),
        Some("npz") => Ok(Format::Npz),
        _ => {
            let found = path.display().to_string();
            let help = "end the name in .csv for a table, in .npz for numpy";
            Err(Error::argument("--out", "a file that ends in .csv or .npz", found, help))
        }
    }
}

/// Expected counts divided by the width of a bin; none for arrays, which have no time.
fn rates_hz(data: &Data, expected: &[Array1<f64>]) -> Option<Vec<Array1<f64>>> {
    let bin_s = Some(data.bin_s).filter(|bin_s| bin_s.is_finite())?;
    Some(expected.iter().map(|expected| expected / bin_s).collect())
}

fn csv(data: &Data, expected: &[Array1<f64>]) -> Result<Vec<u8>> {
    let name = |quantity: &str| -> Vec<String> {
        data.names.iter().map(|name| format!("{quantity}_{name}")).collect()
    };
    let (rate_names, count_names) = (name("rate_hz"), name(data.quantities()[1]));
    let rates = rates_hz(data, expected);
    let rows: Vec<i64> = (0..data.n_bins() as i64).collect();
    let epochs = data.epoch_of_bins();
    let mut columns: Vec<(&str, Values)> = if rates.is_some() {
        vec![("t_s", data.centres_s.as_slice().into()), ("epoch", Values::Integers(&epochs))]
    } else {
        vec![("row", Values::Integers(&rows))]
    };
    for (k, expected) in expected.iter().enumerate() {
        if let Some(rates) = &rates {
            columns.push((&rate_names[k], Values::Numbers(rates[k].view())));
        }
        columns.push((&count_names[k], Values::Numbers(expected.view())));
    }
    csv_bytes(&columns)
}

fn npz(data: &Data, expected: &[Array1<f64>]) -> Result<Vec<u8>> {
    let table = |columns: &[Array1<f64>]| {
        Array2::from_shape_fn((data.n_bins(), columns.len()), |(bin, target)| columns[target][bin])
    };
    let rates = rates_hz(data, expected).map(|rates| table(&rates));
    let expected = table(expected);
    let epochs = data.epoch_of_bins();
    let t = Array1::from(data.centres_s.clone());
    let mut arrays: Vec<(&str, Array)> = Vec::new();
    if let Some(rates) = &rates {
        arrays.push(("t", Array::Numbers(t.view())));
        arrays.push(("epoch", Array::Integers(&epochs)));
        arrays.push(("rate_hz", Array::Table(rates.view())));
    }
    arrays.push((data.quantities()[1], Array::Table(expected.view())));
    arrays.push(("targets", Array::Texts(&data.names)));
    npz_bytes(&arrays)
}

impl Range {
    fn of(values: &Array1<f64>) -> Self {
        let known = || values.iter().copied().filter(|value| !value.is_nan());
        let n = known().count();
        let extreme = |pick: fn(f64, f64) -> f64| known().reduce(pick).unwrap_or(f64::NAN);
        Self {
            mean: known().sum::<f64>() / n as f64,
            lowest: extreme(f64::min),
            highest: extreme(f64::max),
            n_nan: values.len_of(Axis(0)) - n,
        }
    }

    fn insert(&self, quantity: &str, fields: &mut Map<String, Value>) {
        for (name, value) in [("mean", self.mean), ("lowest", self.lowest), ("highest", self.highest)] {
            fields.insert(format!("{name}_{quantity}"), number::to_value(value));
        }
    }
}

fn document(args: &PredictArgs, data: &Data, expected: &[Array1<f64>]) -> Result<Map<String, Value>> {
    let mut document = result::head(data, &command_line(args));
    let model = Input { path: args.model.clone(), sha256: digest_file(&args.model)? };
    document.insert("model".into(), json!(model));
    result::bins(data, &mut |name, value| {
        document.insert(name.into(), value);
    });
    let rates = rates_hz(data, expected);
    let of_target = |(k, name): (usize, &String)| {
        let count = Range::of(&expected[k]);
        let mut fields = Map::new();
        fields.insert("name".into(), name.clone().into());
        if let Some(rates) = &rates {
            Range::of(&rates[k]).insert("rate_hz", &mut fields);
        }
        count.insert(data.quantities()[1], &mut fields);
        fields.insert("n_nan".into(), count.n_nan.into());
        Value::Object(fields)
    };
    document.insert("targets".into(), data.names.iter().enumerate().map(of_target).collect());
    document.insert("notices".into(), json!(data.notices));
    Ok(document)
}

/// The command with everything that decides the result.
pub(super) fn command_line(args: &PredictArgs) -> String {
    let mut words = vec!["rheobase".into(), "predict".into(), shell_word(&args.model.display().to_string())];
    words.extend(args.data.words());
    args.out.iter().for_each(|out| words.extend(["--out".into(), shell_word(&out.display().to_string())]));
    words.join(" ")
}

fn text(data: &Data, expected: &[Array1<f64>]) -> String {
    let rates = rates_hz(data, expected);
    let shown = rates.as_deref().unwrap_or(expected);
    let row = |(name, values): (&String, &Array1<f64>)| {
        let range = Range::of(values);
        let number = |x: f64| format!("{x:.6}");
        let numbers = [range.mean, range.lowest, range.highest].map(number);
        let mut row = vec![name.clone()];
        row.extend(numbers);
        row.extend([values.len(), range.n_nan].map(|n| n.to_string()));
        row
    };
    let rows: Vec<Vec<String>> = data.names.iter().zip(shown).map(row).collect();
    let header = match rates {
        Some(_) => ["target", "mean rate (Hz)", "lowest", "highest", "bins", "NaN"],
        None if data.has_events() => ["target", "mean expected count", "lowest", "highest", "rows", "NaN"],
        None => ["target", "mean expected response", "lowest", "highest", "rows", "NaN"],
    };
    format!("{}\n{}\n", bins_line(data), terminal_table(&header, &rows, None).trim_end())
}
