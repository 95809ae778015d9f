//! `rheobase score`: a fitted model on other data.

use serde_json::{Map, Value, json};

use super::applied::{Applied, scored};
use super::args::ScoreArgs;
use super::data::Data;
use super::fit_text::bins_line;
use super::machine::default_memory_limit_bytes;
use super::progress::Progress;
use super::run::{Report, pretty, say};
use super::shell::shell_word;
use super::{result, undefined};
use crate::Result;
use crate::glm::Scores;
use crate::write::digest::digest_file;
use crate::write::model::Input;
use crate::write::save::{check_writable, save_bytes};
use crate::write::table::terminal_table;

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
    let limit_bytes = args.common.memory_limit.or_else(default_memory_limit_bytes);
    let mut applied = Applied::load(&args.model, &args.data, limit_bytes, progress)?;
    let notices = applied.notices(&args.model, &args.data, ["scored", "scores"]);
    applied.data.notices.extend(notices);
    let targets = score_targets(&applied)?;
    let undefined = undefined::notices(&applied.model.fit, &applied.data, &applied.expected);
    applied.data.notices.extend(undefined);
    Ok((applied.data, targets))
}

/// Scores every target over its used bins.
fn score_targets(applied: &Applied) -> Result<Vec<TargetScores>> {
    let Applied { model, data, expected, .. } = applied;
    let mut targets = Vec::with_capacity(data.names.len());
    for part in &data.parts {
        for &target in &part.group.targets {
            let own = TargetScores {
                name: data.names[target].clone(),
                n_bins_used: part.used.len(),
                n_events: data.n_events(target),
                scores: scored(
                    (&model.fit, applied.fitted[target]),
                    data,
                    target,
                    &part.used,
                    &expected[target],
                )?,
            };
            targets.push((target, own));
        }
    }
    targets.sort_by_key(|(target, _)| *target);
    Ok(targets.into_iter().map(|(_, own)| own).collect())
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
        if data.has_events() {
            fields.insert("n_events".into(), target.n_events.into());
        }
        if let Value::Object(scores) = json!(target.scores) {
            fields.extend(scores);
        }
        Value::Object(fields)
    };
    let row_terms = data.row_terms.names.clone();
    row_terms.weights.into_iter().for_each(|own| drop(document.insert("weights".into(), own.into())));
    row_terms.offset.into_iter().for_each(|own| drop(document.insert("offset".into(), own.into())));
    document.insert("targets".into(), targets.iter().map(of_target).collect());
    document.insert("notices".into(), json!(data.notices));
    Ok(document)
}

/// The command with everything that decides the result.
pub(super) fn command_line(args: &ScoreArgs) -> String {
    let mut words = vec!["rheobase".into(), "score".into(), shell_word(&args.model.display().to_string())];
    words.extend(args.data.words());
    words.join(" ")
}

fn text(data: &Data, targets: &[TargetScores]) -> String {
    let row = |target: &TargetScores| {
        let mut row = vec![
            target.name.clone(),
            target.n_events.to_string(),
            format!("{:.9}", target.scores.log_likelihood),
            format!("{:.4}", target.scores.deviance),
            format!("{:.4}", target.scores.pseudo_r2_mcfadden),
            format!("{:.4}", target.scores.pseudo_r2_cohen),
        ];
        if !data.has_events() {
            row.remove(1);
        }
        row
    };
    let rows: Vec<Vec<String>> = targets.iter().map(row).collect();
    let mut header =
        vec!["target", "events", "log-likelihood per bin", "deviance", "McFadden R2", "Cohen R2"];
    if !data.has_events() {
        header.remove(1);
    }
    let mut text = format!("{}\n{}", bins_line(data), terminal_table(&header, &rows, None));
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
