//! `rheobase predict` with a model of classes.

use ndarray::{Array1, ArrayView1};
use serde_json::{Map, Value, json};

use super::super::data::Data;
use super::super::fit_text::bins_line;
use super::super::machine::default_memory_limit_bytes;
use super::super::predict::{Format, PredictArgs, checked_out, command_line, refuse_weights};
use super::super::progress::Progress;
use super::super::result::{bins, head};
use super::super::run::{Report, pretty, say};
use super::applied::{Applied, Probabilities, class_array, label_array, label_texts};
use crate::math::dense::Matrix;
use crate::observation::Label;
use crate::read::npz_entries::Entry;
use crate::write::digest::digest_file;
use crate::write::model::Input;
use crate::write::npz::{Array, npz_bytes};
use crate::write::save::save_bytes;
use crate::write::table::{Values, csv_bytes, terminal_table};
use crate::{Result, number};

/// Predicts, prints a summary and writes the prediction.
pub(in super::super) fn predict(args: &PredictArgs) -> Result<Report> {
    let inputs = [&args.model, &args.data.data];
    let out = args.out.as_ref().map(|path| Ok((path, checked_out(path, &inputs)?))).transpose()?;
    refuse_weights(&args.data)?;
    let progress = Progress::new(args.quiet);
    progress.stage("reading", None);
    let limit_bytes = args.memory_limit.or_else(default_memory_limit_bytes);
    let mut applied = Applied::predict(&args.model, &args.data, limit_bytes, &progress)?;
    let notices = applied.notices(&args.model, &args.data, ["predicted", "predictions"]);
    applied.data.notices.extend(notices);
    let text = if args.json { pretty(&document(args, &applied)?.into()) } else { text(&applied) };
    if let Some((path, format)) = out {
        let bytes = match format {
            Format::Csv => csv(&applied)?,
            Format::Npz => npz(&applied)?,
        };
        save_bytes(path, &bytes)?;
    }
    drop(progress);
    if !args.quiet {
        applied.data.notices.iter().for_each(|notice| say(&format!("note: {notice}")));
        args.out.iter().for_each(|path| say(&format!("prediction written to {}", path.display())));
    }
    Ok(Report { text, converged: true })
}

/// The most probable label of every bin of a target.
fn labels(applied: &Applied, target: usize) -> Vec<Option<&Label>> {
    let own = &applied.model.fit.targets[applied.fitted[target]];
    own.most_probable(&applied.probabilities[target].logarithms)
}

fn csv(applied: &Applied) -> Result<Vec<u8>> {
    let data = &applied.data;
    let rows: Vec<i64> = (0..data.n_bins() as i64).collect();
    let epochs = data.epoch_of_bins();
    let names: Vec<String> = data.names.iter().map(|name| format!("label_{name}")).collect();
    let texts: Vec<Vec<String>> =
        (0..names.len()).map(|target| label_texts(labels(applied, target).into_iter())).collect();
    let mut columns: Vec<(&str, Values)> = if data.centres_s.is_empty() {
        vec![("row", Values::Integers(&rows))]
    } else {
        vec![("t_s", data.centres_s.as_slice().into()), ("epoch", Values::Integers(&epochs))]
    };
    let values: Vec<Matrix> = applied.probabilities.iter().map(Probabilities::values).collect();
    for (((own, values), texts), name) in applied.probabilities.iter().zip(&values).zip(&texts).zip(&names) {
        columns.push((name, Values::Texts(texts)));
        for (name, column) in own.names.iter().zip(values.columns()) {
            columns.push((name, Values::Numbers(column)));
        }
    }
    csv_bytes(&columns)
}

/// Labels of shape (bins) and classes, numbers where all classes are, and probabilities of shape (bins, classes).
fn npz(applied: &Applied) -> Result<Vec<u8>> {
    let data = &applied.data;
    let epochs = data.epoch_of_bins();
    let t = Array1::from(data.centres_s.clone());
    let named =
        |what: &str| -> Vec<String> { data.names.iter().map(|name| format!("{what}_{name}")).collect() };
    let (of_labels, of_classes, of_probabilities) = (named("label"), named("classes"), named("probability"));
    let n_targets = data.names.len();
    let of_target = |target: usize| {
        let classes = &applied.model.fit.targets[applied.fitted[target]].classes;
        let labels = label_array(labels(applied, target).into_iter(), classes, vec![data.n_bins()]);
        (labels, class_array(classes))
    };
    let (labels, classes): (Vec<Entry>, Vec<Entry>) = (0..n_targets).map(of_target).unzip();
    let mut arrays: Vec<(&str, Array)> = Vec::new();
    if !data.centres_s.is_empty() {
        arrays.push(("t", Array::Numbers(t.view())));
        arrays.push(("epoch", Array::Integers(&epochs)));
    }
    let values: Vec<Matrix> = applied.probabilities.iter().map(Probabilities::values).collect();
    for target in 0..n_targets {
        arrays.push((&of_labels[target], Array::Entry(&labels[target])));
        arrays.push((&of_probabilities[target], Array::Table(values[target].view())));
        arrays.push((&of_classes[target], Array::Entry(&classes[target])));
    }
    arrays.push(("targets", Array::Texts(&data.names)));
    npz_bytes(&arrays)
}

/// Of every class its label, its mean probability and the bins where it is the most probable one.
fn summaries(applied: &Applied, target: usize) -> Vec<(String, f64, usize)> {
    let most_probable = labels(applied, target);
    let own = &applied.model.fit.targets[applied.fitted[target]];
    let values = applied.probabilities[target].values();
    let mean = |column: ArrayView1<f64>| {
        let known = || column.iter().filter(|p| !p.is_nan());
        known().sum::<f64>() / known().count() as f64
    };
    let of_class = |(class, column): (&Label, ArrayView1<f64>)| {
        let n = most_probable.iter().filter(|label| **label == Some(class)).count();
        (class.to_string(), mean(column), n)
    };
    own.classes.iter().zip(values.columns()).map(of_class).collect()
}

fn n_nan(applied: &Applied, target: usize) -> usize {
    labels(applied, target).iter().filter(|label| label.is_none()).count()
}

fn document(args: &PredictArgs, applied: &Applied) -> Result<Map<String, Value>> {
    let data: &Data = &applied.data;
    let mut document = head(data, &command_line(args));
    let model = Input { path: args.model.clone(), sha256: digest_file(&args.model)? };
    document.insert("model".into(), json!(model));
    bins(data, &mut |name, value| {
        document.insert(name.into(), value);
    });
    let of_target = |(target, name): (usize, &String)| {
        let of_class = |(label, mean, n): (String, f64, usize)| json!({"label": label, "mean_probability": number::to_value(mean), "n_most_probable": n});
        let classes: Vec<Value> = summaries(applied, target).into_iter().map(of_class).collect();
        json!({"name": name, "classes": classes, "n_nan": n_nan(applied, target)})
    };
    document.insert("targets".into(), data.names.iter().enumerate().map(of_target).collect());
    document.insert("notices".into(), json!(data.notices));
    Ok(document)
}

fn text(applied: &Applied) -> String {
    let data = &applied.data;
    let mut rows = Vec::new();
    for (target, name) in data.names.iter().enumerate() {
        for (label, mean, n) in summaries(applied, target) {
            let counts = [n, data.n_bins(), n_nan(applied, target)].map(|n| n.to_string());
            rows.push([vec![name.clone(), label, format!("{mean:.6}")], counts.to_vec()].concat());
        }
    }
    let header = ["target", "class", "mean probability", "most probable in", "bins", "NaN"];
    format!("{}\n{}\n", bins_line(data), terminal_table(&header, &rows, None).trim_end())
}
