//! `rheobase simulate` with a model of classes: labels drawn at the probabilities that `predict` gives.

use std::fmt::Write;
use std::path::PathBuf;

use ndarray::Array1;
use serde_json::{Map, Value, json};

use super::super::args::DataArgs;
use super::super::fit_text::bins_line;
use super::super::machine::default_memory_limit_bytes;
use super::super::predict::{Format, checked_out, refuse_weights};
use super::super::progress::Progress;
use super::super::result::{bins, head};
use super::super::run::{Report, pretty, say};
use super::super::simulate::{SimulateArgs, command_words, fed_back};
use super::applied::{Applied, Probabilities, class_array, label_array, label_texts};
use crate::math::dense::Matrix;
use crate::observation::{Label, most_probable};
use crate::read::npz_entries::Entry;
use crate::simulate::Source;
use crate::write::digest::digest_file;
use crate::write::model::Input;
use crate::write::npz::{Array, npz_bytes};
use crate::write::save::save_bytes;
use crate::write::table::{Values, csv_bytes, terminal_table};
use crate::{Error, Result, number};

/// The number of a class that was not drawn.
const NONE: usize = usize::MAX;

/// Labels drawn for every repeat.
struct Draws {
    n_repeats: usize,
    /// Of every target the numbers of the classes that were drawn, repeat after repeat.
    classes: Vec<Vec<usize>>,
    /// Of every target the probabilities that they were drawn at, shape (bins, classes).
    probabilities: Vec<Matrix>,
}

/// Draws, prints a summary and writes the draws.
pub(in super::super) fn simulate(
    args: &SimulateArgs,
    (model, choice): (&PathBuf, &DataArgs),
) -> Result<Report> {
    let out = args.out.as_ref().map(|path| Ok((path, checked_out(path, &[model, &choice.data])?)));
    let out = out.transpose()?;
    let n_repeats = args.n_repeats()?;
    refuse_weights(choice)?;
    args.refuse_max_rate("a categorical model", "labels have no rate")?;
    let progress = Progress::new(args.quiet);
    progress.stage("reading", None);
    let limit_bytes = args.memory_limit.or_else(default_memory_limit_bytes);
    let mut applied = Applied::predict(model, choice, limit_bytes, &progress)?;
    refuse_feedback(&applied)?;
    let notices = applied.notices(model, choice, ["drawn", "draws"]);
    applied.data.notices.extend(notices);
    progress.stage("drawing labels", None);
    let draws = Draws::new(&applied, args.seed, n_repeats, limit_bytes)?;
    let text = if args.json {
        pretty(&document(args, (model, choice), &applied, &draws)?.into())
    } else {
        text(args.seed, &applied, &draws)
    };
    if let Some((path, format)) = out {
        let bytes = match format {
            Format::Csv => csv(&applied, &draws)?,
            Format::Npz => npz(&applied, &draws)?,
        };
        save_bytes(path, &bytes)?;
    }
    drop(progress);
    if !args.quiet {
        applied.data.notices.iter().for_each(|notice| say(&format!("note: {notice}")));
        args.out.iter().for_each(|path| say(&format!("labels written to {}", path.display())));
    }
    Ok(Report { text, converged: true })
}

/// A label is no spike that could act on later bins, so draws cannot be fed back.
fn refuse_feedback(applied: &Applied) -> Result<()> {
    match fed_back(&applied.data)? {
        None => Ok(()),
        Some(feature) => {
            let expected = "none of the spikes of the targets in a model of classes: draws are labels, which cannot act on later bins";
            let help =
                "fit without it, or take `rheobase predict`, which goes by the spikes that were recorded";
            Err(Error::argument("feature", expected, feature, help))
        }
    }
}

impl Draws {
    /// Draws everything: repeat after repeat, target after target, bin after bin.
    ///
    /// # Errors
    /// [`Error::Memory`] for more draws than fit.
    fn new(applied: &Applied, seed: u64, n_repeats: usize, limit_bytes: Option<u64>) -> Result<Self> {
        let data = &applied.data;
        let probabilities: Vec<Matrix> = applied.probabilities.iter().map(Probabilities::values).collect();
        let n_classes: usize = probabilities.iter().map(Matrix::ncols).sum();
        let n_values = n_repeats.saturating_mul(data.n_bins());
        // labels and probabilities are written as texts of some 20 characters, beside four columns that say which row it is
        let bytes_of_row = 28 * (4 + data.names.len() + n_classes);
        let needed_bytes = (n_values as u64).saturating_mul(bytes_of_row as u64);
        if let Some(limit_bytes) = limit_bytes.filter(|limit| needed_bytes > *limit) {
            let what = format!("{n_repeats} repeats of {} bins", data.n_bins());
            return Err(Error::Memory { what, needed_bytes, limit_bytes });
        }
        let mut classes = vec![Vec::with_capacity(n_values); data.names.len()];
        for repeat in 0..n_repeats {
            let mut random = Source::Draws(repeat).stream(seed);
            for ((target, to), values) in classes.iter_mut().enumerate().zip(&probabilities) {
                let fit = &applied.model.fit.targets[applied.fitted[target]];
                let drawn = fit.sample(values, &mut random);
                to.extend(drawn.rows().into_iter().map(|row| most_probable(&row.to_vec()).unwrap_or(NONE)));
            }
        }
        Ok(Self { n_repeats, classes, probabilities })
    }

    /// The labels of a target in all repeats.
    fn labels<'a>(&'a self, applied: &'a Applied, target: usize) -> impl Iterator<Item = Option<&'a Label>> {
        let classes = &applied.model.fit.targets[applied.fitted[target]].classes;
        self.classes[target].iter().map(move |&class| classes.get(class))
    }
}

/// One row per repeat and bin.
fn csv(applied: &Applied, draws: &Draws) -> Result<Vec<u8>> {
    let (data, n_repeats) = (&applied.data, draws.n_repeats);
    let of_all = |values: Vec<i64>| values.repeat(n_repeats);
    let repeats: Vec<i64> = (0..n_repeats as i64).flat_map(|k| vec![k; data.n_bins()]).collect();
    let (rows, epochs) = (of_all((0..data.n_bins() as i64).collect()), of_all(data.epoch_of_bins()));
    let t_s = data.centres_s.repeat(n_repeats);
    let mut columns: Vec<(&str, Values)> = vec![("repeat", Values::Integers(&repeats))];
    if data.bin_s.is_finite() {
        columns.push(("t_s", t_s.as_slice().into()));
        columns.push(("epoch", Values::Integers(&epochs)));
    } else {
        columns.push(("row", Values::Integers(&rows)));
    }
    let names: Vec<String> = data.names.iter().map(|name| format!("label_{name}")).collect();
    let texts: Vec<Vec<String>> =
        (0..names.len()).map(|target| label_texts(draws.labels(applied, target))).collect();
    let values: Vec<Vec<Vec<f64>>> = draws
        .probabilities
        .iter()
        .map(|own| own.columns().into_iter().map(|column| column.to_vec().repeat(n_repeats)).collect())
        .collect();
    for (target, own) in applied.probabilities.iter().enumerate() {
        columns.push((&names[target], Values::Texts(&texts[target])));
        let of_classes = own.names.iter().zip(&values[target]);
        columns.extend(of_classes.map(|(name, values)| (name.as_str(), values.as_slice().into())));
    }
    csv_bytes(&columns)
}

/// Labels of shape (repeats, bins) and classes, numbers where all classes are, and probabilities of shape (bins, classes).
fn npz(applied: &Applied, draws: &Draws) -> Result<Vec<u8>> {
    let data = &applied.data;
    let named =
        |what: &str| -> Vec<String> { data.names.iter().map(|name| format!("{what}_{name}")).collect() };
    let (of_labels, of_classes, of_probabilities) = (named("label"), named("classes"), named("probability"));
    let of_target = |target: usize| {
        let classes = &applied.model.fit.targets[applied.fitted[target]].classes;
        let shape = vec![draws.n_repeats, data.n_bins()];
        (label_array(draws.labels(applied, target), classes, shape), class_array(classes))
    };
    let (labels, classes): (Vec<Entry>, Vec<Entry>) = (0..data.names.len()).map(of_target).unzip();
    let (t, epochs) = (Array1::from(data.centres_s.clone()), data.epoch_of_bins());
    let mut arrays: Vec<(&str, Array)> = Vec::new();
    if data.bin_s.is_finite() {
        arrays.push(("t", Array::Numbers(t.view())));
        arrays.push(("epoch", Array::Integers(&epochs)));
    }
    for target in 0..data.names.len() {
        arrays.push((&of_labels[target], Array::Entry(&labels[target])));
        arrays.push((&of_probabilities[target], Array::Table(draws.probabilities[target].view())));
        arrays.push((&of_classes[target], Array::Entry(&classes[target])));
    }
    arrays.push(("targets", Array::Texts(&data.names)));
    npz_bytes(&arrays)
}

/// Of one target: draws, bins without one, and of every class the draws and the mean probability.
struct Summary {
    n_drawn: usize,
    n_nan: usize,
    classes: Vec<(String, usize, f64)>,
}

impl Summary {
    fn of(applied: &Applied, draws: &Draws, target: usize) -> Self {
        let own = &applied.model.fit.targets[applied.fitted[target]];
        let mut counts = vec![0; own.n_classes()];
        draws.classes[target].iter().filter(|class| **class != NONE).for_each(|&class| counts[class] += 1);
        let n_drawn: usize = counts.iter().sum();
        let mean = |class: usize| {
            let column = draws.probabilities[target].column(class);
            let known = column.iter().filter(|p| !p.is_nan());
            known.clone().sum::<f64>() / known.count() as f64
        };
        let of_class = |(class, label): (usize, &Label)| (label.to_string(), counts[class], mean(class));
        let classes = own.classes.iter().enumerate().map(of_class).collect();
        Self { n_drawn, n_nan: draws.classes[target].len() - n_drawn, classes }
    }
}

/// The summary for programs.
fn document(
    args: &SimulateArgs,
    (model, choice): (&PathBuf, &DataArgs),
    applied: &Applied,
    draws: &Draws,
) -> Result<Map<String, Value>> {
    let data = &applied.data;
    let mut document = head(data, &command_words(args, (model, choice), None).join(" "));
    document.insert("model".into(), json!(Input { path: model.clone(), sha256: digest_file(model)? }));
    document.insert("seed".into(), args.seed.into());
    document.insert("repeats".into(), draws.n_repeats.into());
    document.insert("observation".into(), applied.model.observation.clone().into());
    bins(data, &mut |name, value| {
        document.insert(name.into(), value);
    });
    let of_target = |(target, name): (usize, &String)| {
        let summary = Summary::of(applied, draws, target);
        let of_class = |(label, n, mean): &(String, usize, f64)| {
            let drawn = *n as f64 / summary.n_drawn as f64;
            json!({"label": label, "mean_drawn": number::to_value(drawn), "mean_probability": number::to_value(*mean)})
        };
        let classes: Vec<Value> = summary.classes.iter().map(of_class).collect();
        json!({"name": name, "classes": classes, "n_drawn": summary.n_drawn, "n_nan": summary.n_nan})
    };
    document.insert("targets".into(), data.names.iter().enumerate().map(of_target).collect());
    document.insert("notices".into(), json!(data.notices));
    Ok(document)
}

/// The summary for people.
fn text(seed: u64, applied: &Applied, draws: &Draws) -> String {
    let (data, n) = (&applied.data, draws.n_repeats);
    let mut rows = Vec::new();
    for (target, name) in data.names.iter().enumerate() {
        let summary = Summary::of(applied, draws, target);
        for (label, n, mean) in &summary.classes {
            let drawn = *n as f64 / summary.n_drawn as f64;
            rows.push(vec![
                name.clone(),
                label.clone(),
                format!("{drawn:.6}"),
                format!("{mean:.6}"),
                n.to_string(),
                summary.n_nan.to_string(),
            ]);
        }
    }
    let mut text = bins_line(data);
    // writing to a string cannot fail
    let _ = writeln!(
        text,
        "{n} {} of {} responses, seed {seed}: every bin by itself",
        if n == 1 { "repeat" } else { "repeats" },
        applied.model.observation,
    );
    let header = ["target", "class", "drawn (part)", "probability (mean)", "draws", "NaN"];
    format!("{text}{}\n", terminal_table(&header, &rows, None).trim_end())
}
