//! What is printed and written of draws.

use std::fmt::Write;
use std::path::PathBuf;

use ndarray::Array1;
use serde_json::{Map, Value, json};

use super::super::applied::Applied;
use super::super::args::DataArgs;
use super::super::data::Data;
use super::super::fit_text::bins_line;
use super::super::result;
use super::super::shell::shell_word;
use super::args::SimulateArgs;
use super::draws::{Draws, Repeat};
use super::growth_line;
use crate::read::npz_entries::{Entry, EntryValues};
use crate::write::digest::digest_file;
use crate::write::model::Input;
use crate::write::npz::{Array, npz_bytes};
use crate::write::table::{Values, csv_bytes, terminal_table};
use crate::{Result, number};

/// Means over the repeats and the bins that were drawn, of one target.
struct Summary {
    drawn: f64,
    expected: f64,
    n_drawn: usize,
    n_nan: usize,
}

impl Summary {
    fn of(draws: &Draws, target: usize) -> Self {
        let mut summary = Self { drawn: 0.0, expected: 0.0, n_drawn: 0, n_nan: 0 };
        for repeat in &draws.repeats {
            for (&count, &mean) in repeat.counts.column(target).iter().zip(repeat.expected.column(target)) {
                if count.is_nan() {
                    summary.n_nan += 1;
                } else {
                    summary.n_drawn += 1;
                    summary.drawn += count;
                    summary.expected += mean;
                }
            }
        }
        summary.drawn /= summary.n_drawn as f64;
        summary.expected /= summary.n_drawn as f64;
        summary
    }
}

/// One row per repeat and bin.
pub(super) fn csv(data: &Data, draws: &Draws) -> Result<Vec<u8>> {
    let n_repeats = draws.repeats.len();
    let of_all = |values: &[i64]| values.repeat(n_repeats);
    let n_bins = data.n_bins() as i64;
    let repeats: Vec<i64> = (0..n_repeats as i64).flat_map(|k| vec![k; data.n_bins()]).collect();
    let (rows, epochs) = (of_all(&(0..n_bins).collect::<Vec<i64>>()), of_all(&data.epoch_of_bins()));
    let t_s = data.centres_s.repeat(n_repeats);
    let mut columns: Vec<(&str, Values)> = vec![("repeat", Values::Integers(&repeats))];
    if data.bin_s.is_finite() {
        columns.push(("t_s", t_s.as_slice().into()));
        columns.push(("epoch", Values::Integers(&epochs)));
    } else {
        columns.push(("row", Values::Integers(&rows)));
    }
    let column = |target: usize, of: fn(&Repeat) -> &ndarray::Array2<f64>| -> Array1<f64> {
        draws.repeats.iter().flat_map(|repeat| of(repeat).column(target).to_vec()).collect()
    };
    let quantities = data.quantities();
    let names: Vec<[String; 2]> =
        data.names.iter().map(|name| quantities.map(|quantity| format!("{quantity}_{name}"))).collect();
    let values: Vec<[Array1<f64>; 2]> = (0..data.names.len())
        .map(|target| [column(target, |repeat| &repeat.counts), column(target, |repeat| &repeat.expected)])
        .collect();
    for (names, values) in names.iter().zip(&values) {
        columns
            .extend(names.iter().map(String::as_str).zip(values.iter().map(|v| Values::Numbers(v.view()))));
    }
    csv_bytes(&columns)
}

/// Arrays of shape (repeats, bins, targets).
pub(super) fn npz(data: &Data, draws: &Draws) -> Result<Vec<u8>> {
    let shape = vec![draws.repeats.len(), data.n_bins(), data.names.len()];
    let entry = |of: fn(&Repeat) -> &ndarray::Array2<f64>| Entry {
        shape: shape.clone(),
        values: EntryValues::Numbers(
            draws.repeats.iter().flat_map(|repeat| of(repeat).iter().copied()).collect(),
        ),
    };
    let (counts, expected) = (entry(|repeat| &repeat.counts), entry(|repeat| &repeat.expected));
    let (t, epochs) = (Array1::from(data.centres_s.clone()), data.epoch_of_bins());
    let [quantity, mean] = data.quantities();
    let mut arrays: Vec<(&str, Array)> = Vec::new();
    if data.bin_s.is_finite() {
        arrays.push(("t", Array::Numbers(t.view())));
        arrays.push(("epoch", Array::Integers(&epochs)));
    }
    arrays.push((quantity, Array::Entry(&counts)));
    arrays.push((mean, Array::Entry(&expected)));
    arrays.push(("targets", Array::Texts(&data.names)));
    npz_bytes(&arrays)
}

/// The command with everything that decides the draws.
pub(in super::super) fn command_words(
    args: &SimulateArgs,
    (model, choice): (&PathBuf, &DataArgs),
    most_hz: Option<f64>,
) -> Vec<String> {
    let mut words = vec!["rheobase".into(), "simulate".into(), shell_word(&model.display().to_string())];
    words.extend(choice.words());
    words.extend(["--seed".into(), args.seed.to_string()]);
    words.extend(["--repeats".into(), args.repeats.to_string()]);
    most_hz.iter().for_each(|most_hz| words.extend(["--max-rate".into(), most_hz.to_string()]));
    args.out.iter().for_each(|out| words.extend(["--out".into(), shell_word(&out.display().to_string())]));
    words
}

/// The summary for programs.
pub(super) fn document(
    args: &SimulateArgs,
    (model, choice): (&PathBuf, &DataArgs),
    applied: &Applied,
    draws: &Draws,
) -> Result<Map<String, Value>> {
    let data = &applied.data;
    let words = command_words(args, (model, choice), draws.n_held.map(|_| draws.chance.most_hz));
    let mut document = result::head(data, &words.join(" "));
    document.insert("model".into(), json!(Input { path: model.clone(), sha256: digest_file(model)? }));
    document.insert("seed".into(), draws.chance.seed.into());
    document.insert("repeats".into(), draws.chance.n_repeats.into());
    document.insert("observation".into(), applied.model.fit.model.observation.name().into());
    document.insert("fed_back".into(), json!(draws.features));
    if let Some(n_held) = draws.n_held {
        document.insert("max_rate_hz".into(), draws.chance.most_hz.into());
        document.insert("n_held".into(), n_held.into());
    }
    if let Some(growth) = draws.growth {
        document.insert("growth".into(), number::to_value(growth));
    }
    result::bins(data, &mut |name, value| {
        document.insert(name.into(), value);
    });
    let [quantity, mean] = data.quantities();
    let of_target = |(k, name): (usize, &String)| {
        let summary = Summary::of(draws, k);
        let mut fields = Map::new();
        fields.insert("name".into(), name.clone().into());
        fields.insert(format!("mean_{quantity}"), number::to_value(summary.drawn));
        fields.insert(format!("mean_{mean}"), number::to_value(summary.expected));
        fields.insert("n_drawn".into(), summary.n_drawn.into());
        fields.insert("n_nan".into(), summary.n_nan.into());
        Value::Object(fields)
    };
    document.insert("targets".into(), data.names.iter().enumerate().map(of_target).collect());
    document.insert("notices".into(), json!(data.notices));
    document.insert("warnings".into(), json!(draws.warnings()));
    Ok(document)
}

/// The summary for people.
pub(super) fn text(applied: &Applied, draws: &Draws) -> String {
    let data = &applied.data;
    let per_s = if data.bin_s.is_finite() { data.bin_s.recip() } else { 1.0 };
    let row = |(k, name): (usize, &String)| {
        let summary = Summary::of(draws, k);
        let number = |x: f64| format!("{:.6}", x * per_s);
        vec![
            name.clone(),
            number(summary.drawn),
            number(summary.expected),
            summary.n_drawn.to_string(),
            summary.n_nan.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = data.names.iter().enumerate().map(row).collect();
    let header = match (data.bin_s.is_finite(), data.has_events()) {
        (true, _) => ["target", "drawn (Hz)", "expected (Hz)", "draws", "NaN"],
        (false, true) => ["target", "drawn count", "expected count", "draws", "NaN"],
        (false, false) => ["target", "drawn response", "expected response", "draws", "NaN"],
    };
    let n = draws.chance.n_repeats;
    let mut text = bins_line(data);
    // writing to a string cannot fail, here and below
    let _ = writeln!(
        text,
        "{n} {} of {} responses, seed {}: {}",
        if n == 1 { "repeat" } else { "repeats" },
        applied.model.fit.model.observation.name(),
        draws.chance.seed,
        if draws.features.is_empty() {
            "every bin by itself".to_string()
        } else {
            format!("bin by bin, fed back through {}", draws.features.join(" and "))
        }
    );
    if let Some(n_held) = draws.n_held {
        let most_hz = draws.chance.most_hz;
        let _ = writeln!(text, "rates held at {most_hz} Hz at most (--max-rate): {n_held} draws");
    }
    if let Some(growth) = draws.growth {
        text.push_str(&growth_line(growth, draws.n_held.unwrap_or(0)));
    }
    format!("{text}{}\n", terminal_table(&header, &rows, None).trim_end())
}
