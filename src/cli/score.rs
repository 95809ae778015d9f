//! `rheobase score`: a fitted model on other data.

use serde_json::{Map, Value, json};

use super::args::ScoreArgs;
use super::data::{self, Data, is_arrays};
use super::fit_text::bins_line;
use super::machine::default_memory_limit_bytes;
use super::progress::Spinner;
use super::result;
use super::run::{Report, pretty, say};
use crate::glm::{FittedGlm, Scores, score as score_counts};
use crate::write::digest::digest_file;
use crate::write::model::{Input, ModelFile, Study};
use crate::write::save::save_bytes;
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
    let spinner = Spinner::new(args.common.quiet);
    spinner.say("reading");
    let (data, targets) = targets(args)?;
    drop(spinner);
    if !args.common.quiet {
        data.notices.iter().for_each(|notice| say(&format!("note: {notice}")));
    }
    let document = document(args, &data, &targets)?;
    let text = if args.common.json { pretty(&document.clone().into()) } else { text(&data, &targets) };
    if let Some(folder) = &args.common.out {
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        save_bytes(&folder.join("score.json"), pretty(&document.into()).as_bytes())?;
    }
    Ok(Report { text, converged: true })
}

/// The data and the scores of every target.
pub(super) fn targets(args: &ScoreArgs) -> Result<(Data, Vec<TargetScores>)> {
    let model = ModelFile::load(&args.model)?;
    let data = data_for(&model, args)?;
    let targets = score_targets(&model.fit, &data)?;
    Ok((data, targets))
}

/// The data of the model's study, from the new file.
fn data_for(model: &ModelFile, args: &ScoreArgs) -> Result<Data> {
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
            data::arrays(&choice, limit_bytes)
        }
        Study::Recording(_) if is_arrays(&args.data.data) => {
            wrong_kind("an NWB file, as the model was fitted to")
        }
        Study::Recording(study) => {
            let mut choice = args.data.clone();
            if choice.epochs.is_empty() {
                choice.epochs.clone_from(&study.selectors);
            }
            if choice.unit.is_empty() {
                choice.unit = model.fit.targets.iter().map(|target| target.name.clone()).collect();
            }
            let detect = choice.detect_spikes.as_ref().or(study.detect_spikes.as_ref());
            data::recording(&choice, study.bin_s, detect, study.features.clone(), limit_bytes)
        }
    }
}

/// Scores every target of the data by the model's target of that name, or by its only target.
fn score_targets(fit: &FittedGlm, data: &Data) -> Result<Vec<TargetScores>> {
    let mut targets = Vec::with_capacity(data.names.len());
    for part in &data.parts {
        let x = part.columns()?;
        let labels: Vec<&String> = part.blocks.iter().flat_map(|block| &block.labels).collect();
        for &target in &part.targets {
            let name = &data.names[target];
            let fitted = model_target(fit, name)?;
            if let Some(missing) = fit.missing_from(fitted, &labels) {
                return Err(Error::Unknown {
                    kind: "column",
                    name: missing.clone(),
                    place: "the features of these data".into(),
                    present: labels.iter().map(ToString::to_string).collect(),
                });
            }
            let expected = fit.seen_by(fitted, &labels).predict(x.view())?;
            let y: Vec<f64> = part.used.iter().map(|&bin| data.y[(bin, target)]).collect();
            let mu: Vec<f64> = part.used.iter().map(|&bin| expected[(bin, 0)]).collect();
            if let Some(row) = y.iter().position(|&y| y < 0.0) {
                let (row, value) = (part.used[row], y[row]);
                let what = "counts".into();
                return Err(Error::Domain {
                    what,
                    row,
                    column: target,
                    expected: "a count, 0 or more",
                    value,
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
    let command = format!("rheobase score {} {}", args.model.display(), args.data.data.display());
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
