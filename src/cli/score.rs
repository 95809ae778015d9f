//! `rheobase score`: a fitted model on other data.

use serde_json::{Map, Value, json};

use super::args::ScoreArgs;
use super::data::{self, Data, is_arrays};
use super::fit_text::bins_line;
use super::machine::default_memory_limit_bytes;
use super::progress::Progress;
use super::result;
use super::run::{Report, pretty, say};
use super::shell::shell_word;
use crate::glm::{FittedGlm, Scores, score as score_counts};
use crate::solver::Status;
use crate::write::digest::digest_file;
use crate::write::model::{Input, ModelFile, Study};
use crate::write::save::{check_writable, is_mixed, save_bytes};
use crate::write::table::terminal_table;
use crate::{Error, Result};

/// Scores of one target.
pub(super) struct TargetScores {
    pub(super) name: String,
    pub(super) n_bins_used: usize,
    pub(super) n_events: f64,
    pub(super) scores: Scores,
}

/// Scores a model file on data.
pub(super) fn score(args: &ScoreArgs) -> Result<Report> {
    if let Some(folder) = &args.common.out {
        check_writable(folder)?;
    }
    let progress = Progress::new(args.common.quiet);
    progress.stage("reading", None);
    let (data, targets) = targets(args, &progress)?;
    drop(progress);
    if !args.common.quiet {
        data.notices.iter().for_each(|notice| say(&format!("note: {notice}")));
    }
    let document = document(args, &data, &targets)?;
    let text = if args.common.json { pretty(&document.clone().into()) } else { text(&data, &targets) };
    if let Some(folder) = &args.common.out {
        save_bytes(&folder.join("score.json"), pretty(&document.into()).as_bytes())?;
    }
    Ok(Report { text, converged: true })
}

/// The data and the scores of every target.
pub(super) fn targets(args: &ScoreArgs, progress: &Progress) -> Result<(Data, Vec<TargetScores>)> {
    let model = ModelFile::load(&args.model)?;
    let mut data = data_for(&model, args, progress)?;
    if is_mixed(&args.model) {
        data.notices.push(format!(
            "{} is not the file that the fit.json beside it lists: they are of different runs",
            args.model.display()
        ));
    }
    for target in model.fit.targets.iter().filter(|target| target.status != Status::Converged) {
        data.notices.push(format!(
            "the model of {} is not at an optimum ({}): its scores mean little",
            target.name,
            target.status.name()
        ));
    }
    if matches!(model.study, Study::Recording(_)) && args.data.epochs.is_empty() && args.data.epoch.is_none()
    {
        let same = matches!(&model.study, Study::Recording(study) if study.input.sha256 == data.input.sha256);
        let which =
            if same { "the epochs that were fitted" } else { "epochs of the same name as those fitted" };
        data.notices.push(format!("scored on {which}; --epochs TAG chooses others"));
    }
    let targets = score_targets(&model.fit, &data)?;
    Ok((data, targets))
}

/// The data of the model's study, from the new file.
fn data_for(model: &ModelFile, args: &ScoreArgs, progress: &Progress) -> Result<Data> {
    let limit_bytes = args.common.memory_limit.or_else(default_memory_limit_bytes);
    let wrong_kind = |expected: &str| {
        let found = args.data.data.display().to_string();
        Err(Error::argument(
            "data",
            expected,
            found,
            "score a model on the kind of data that it was fitted to",
        ))
    };
    match &model.study {
        Study::Arrays(_) if !is_arrays(&args.data.data) => {
            wrong_kind("an npz or npy file, as the model was fitted to")
        }
        Study::Arrays(study) => {
            let mut choice = args.data.clone();
            if args.data.data.extension().is_some_and(|ending| ending == "npz") {
                choice.x = choice.x.or_else(|| study.x.clone());
                choice.y = choice.y.or_else(|| study.x.is_some().then(|| study.y.clone()));
            }
            by_position(data::arrays(&choice, limit_bytes)?, model)
        }
        Study::Recording(_) if is_arrays(&args.data.data) => {
            wrong_kind("an NWB file, as the model was fitted to")
        }
        Study::Recording(study) => {
            let mut choice = args.data.clone();
            if choice.epochs.is_empty() {
                choice.epochs.clone_from(&study.selectors);
                choice.epoch = choice.epoch.or(study.epoch);
            }
            let mut detect = choice.detect_spikes.as_ref();
            if choice.unit.is_empty() {
                choice.unit = model.fit.targets.iter().map(|target| target.name.clone()).collect();
                detect = detect.or(study.detect_spikes.as_ref());
            }
            data::recording(&choice, study.bin_s, detect, study.features.clone(), limit_bytes, progress)
        }
    }
}

/// Arrays have columns without names of their own: they are those of the model, in its order.
fn by_position(mut data: Data, model: &ModelFile) -> Result<Data> {
    let (expected, found) = (model.fit.labels.len(), data.labels[0].len());
    if expected != found {
        let problem = format!("expected the {expected} columns of the model, found {found}");
        let help = format!("the model has: {}", model.fit.labels.join(", "));
        return Err(Error::object(&data.input.path, "features", problem, help));
    }
    for piece in data.parts.iter_mut().flat_map(|part| &mut part.group.pieces) {
        piece.labels.clone_from(&model.fit.labels);
    }
    data.labels = vec![model.fit.labels.clone()];
    Ok(data)
}

/// Scores every target of the data by the model's target of that name, or by its only target.
fn score_targets(fit: &FittedGlm, data: &Data) -> Result<Vec<TargetScores>> {
    let mut targets = Vec::with_capacity(data.names.len());
    for part in &data.parts {
        let sources = part.sources(&data.blocks);
        let labels: Vec<&String> = part.group.pieces.iter().flat_map(|piece| &piece.labels).collect();
        for &target in &part.group.targets {
            let name = &data.names[target];
            let fitted = model_target(fit, name)?;
            check_columns(fit, fitted, &labels, data)?;
            let expected = fit.expected_counts(fitted, &sources);
            let y: Vec<f64> = part.used.iter().map(|&bin| data.y[(bin, target)]).collect();
            let mu: Vec<f64> = part.used.iter().map(|&bin| expected[bin]).collect();
            if let Some(row) = y.iter().position(|&y| y < 0.0) {
                return Err(Error::Domain {
                    what: data.response.clone(),
                    row: part.used[row],
                    column: target,
                    expected: "a count, 0 or more",
                    value: y[row],
                });
            }
            targets.push(TargetScores {
                name: name.clone(),
                n_bins_used: y.len(),
                n_events: y.iter().sum(),
                scores: score_counts(fit.model, &y, &mu),
            });
        }
    }
    Ok(targets)
}

/// The data must have the columns that the target was fitted with, and no others.
fn check_columns(fit: &FittedGlm, fitted: usize, labels: &[&String], data: &Data) -> Result<()> {
    let problem =
        match (fit.missing_from(fitted, labels), labels.iter().find(|label| !fit.labels.contains(label))) {
            (None, None) => return Ok(()),
            (Some(missing), _) => format!("expected the columns of the model, found none called {missing}"),
            (None, Some(other)) => {
                format!("expected the columns of the model, found {other}, which it has not")
            }
        };
    let help = format!("the model has: {}", fit.labels.join(", "));
    Err(Error::object(&data.input.path, "features", problem, help))
}

fn model_target(fit: &FittedGlm, name: &str) -> Result<usize> {
    match fit.targets.iter().position(|target| target.name == name) {
        Some(target) => Ok(target),
        // a model of one neuron may be tried on another
        None if fit.targets.len() == 1 => Ok(0),
        None => Err(Error::Unknown {
            kind: "target",
            name: name.into(),
            place: "the model".into(),
            present: fit.targets.iter().map(|target| target.name.clone()).collect(),
        }),
    }
}

fn document(args: &ScoreArgs, data: &Data, targets: &[TargetScores]) -> Result<Map<String, Value>> {
    let command = command_line(args);
    let mut document = result::head(data, &command);
    let model = Input { path: args.model.clone(), sha256: digest_file(&args.model)? };
    document.insert("model".into(), json!(model));
    result::bins(data, &mut |name, value| {
        document.insert(name.into(), value);
    });
    let of_target = |target: &TargetScores| {
        let mut fields = Map::new();
        fields.insert("name".into(), target.name.clone().into());
        fields.insert("n_bins_used".into(), target.n_bins_used.into());
        fields.insert("n_events".into(), target.n_events.into());
        if let Value::Object(scores) = json!(target.scores) {
            fields.extend(scores);
        }
        Value::Object(fields)
    };
    document.insert("targets".into(), targets.iter().map(of_target).collect());
    document.insert("notices".into(), json!(data.notices));
    Ok(document)
}

/// The command with everything that decides the result.
fn command_line(args: &ScoreArgs) -> String {
    let mut words = vec!["rheobase".into(), "score".into(), shell_word(&args.model.display().to_string())];
    words.extend(args.data.words());
    words.join(" ")
}

fn text(data: &Data, targets: &[TargetScores]) -> String {
    let row = |target: &TargetScores| {
        vec![
            target.name.clone(),
            target.n_events.to_string(),
            format!("{:.9}", target.scores.log_likelihood),
            format!("{:.4}", target.scores.deviance),
            format!("{:.4}", target.scores.pseudo_r2_mcfadden),
            format!("{:.4}", target.scores.pseudo_r2_cohen),
        ]
    };
    let rows: Vec<Vec<String>> = targets.iter().map(row).collect();
    let header = ["target", "events", "log-likelihood per bin", "deviance", "McFadden R2", "Cohen R2"];
    let mut text = format!("{}\n{}", bins_line(data), terminal_table(&header, &rows, None));
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
