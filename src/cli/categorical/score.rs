//! `rheobase score` with a model of classes.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::super::args::ScoreArgs;
use super::super::fit_text::{SHOWN_WHOLE, labelled_bins_line};
use super::super::machine::default_memory_limit_bytes;
use super::super::progress::Progress;
use super::super::result::{bins, head};
use super::super::run::{Report, pretty, say};
use super::super::score::command_line;
use super::applied::Applied;
use super::result::confusion_text;
use super::scored::{ClassScores, of_classes};
use crate::Result;
use crate::write::digest::digest_file;
use crate::write::model::Input;
use crate::write::save::{check_writable, save_bytes};
use crate::write::table::terminal_table;

/// Scores of one target.
struct TargetScores {
    name: String,
    n_bins_used: usize,
    scores: ClassScores,
}

/// Scores a model file on data.
pub(in super::super) fn score(args: &ScoreArgs) -> Result<Report> {
    if let Some(folder) = &args.common.out {
        check_writable(folder)?;
    }
    let progress = Progress::new(args.common.quiet);
    progress.stage("reading", None);
    let limit_bytes = args.common.memory_limit.or_else(default_memory_limit_bytes);
    let (mut applied, labels) = Applied::score(&args.model, &args.data, limit_bytes, &progress)?;
    let notices = applied.notices(&args.model, &args.data, ["scored", "scores"]);
    applied.data.notices.extend(notices);
    let mut targets = Vec::with_capacity(applied.data.names.len());
    for (target, name) in applied.data.names.iter().enumerate() {
        let used = applied.data.used(target);
        let classes = &applied.model.fit.targets[applied.fitted[target]].classes;
        let help = "score rows of these classes, or fit a model to rows of all of them";
        let response = of_classes(&labels, &applied.data, target, (classes, help))?;
        let scores = ClassScores::new(&applied.data, &response, &applied.probabilities[target], used);
        targets.push(TargetScores { name: name.clone(), n_bins_used: used.len(), scores });
    }
    drop(progress);
    if !args.common.quiet {
        applied.data.notices.iter().for_each(|notice| say(&format!("note: {notice}")));
    }
    let document = document(args, &applied, &targets)?;
    let text = if args.common.json { pretty(&document.clone().into()) } else { text(&applied, &targets) };
    if let Some(folder) = &args.common.out {
        save_bytes(&folder.join("score.json"), pretty(&document.into()).as_bytes())?;
    }
    Ok(Report { text, converged: true })
}

fn document(args: &ScoreArgs, applied: &Applied, targets: &[TargetScores]) -> Result<Map<String, Value>> {
    let mut document = head(&applied.data, &command_line(args));
    let model = Input { path: args.model.clone(), sha256: digest_file(&args.model)? };
    document.insert("model".into(), json!(model));
    bins(&applied.data, &mut |name, value| {
        document.insert(name.into(), value);
    });
    let of_target = |target: &TargetScores| {
        let mut fields = Map::new();
        fields.insert("name".into(), target.name.clone().into());
        fields.insert("n_bins_used".into(), target.n_bins_used.into());
        if let Value::Object(scores) = json!(target.scores) {
            fields.extend(scores);
        }
        Value::Object(fields)
    };
    let row_terms = applied.data.row_terms.names.clone();
    row_terms.weights.into_iter().for_each(|own| drop(document.insert("weights".into(), own.into())));
    row_terms.offset.into_iter().for_each(|own| drop(document.insert("offset".into(), own.into())));
    document.insert("targets".into(), targets.iter().map(of_target).collect());
    document.insert("notices".into(), json!(applied.data.notices));
    Ok(document)
}

fn text(applied: &Applied, targets: &[TargetScores]) -> String {
    let row = |target: &TargetScores| {
        let scores = &target.scores.scores;
        vec![
            target.name.clone(),
            format!("{:.9}", scores.log_likelihood),
            format!("{:.4}", scores.deviance),
            format!("{:.4}", scores.pseudo_r2_mcfadden),
            format!("{:.4}", scores.pseudo_r2_cohen),
            format!("{:.4}", target.scores.confusion.accuracy),
        ]
    };
    let rows: Vec<Vec<String>> = targets.iter().map(row).collect();
    let header = [
        "target",
        "log-likelihood per bin",
        "deviance",
        "pseudo-R2 (McFadden)",
        "pseudo-R2 (Cohen)",
        "accuracy",
    ];
    let mut text = format!(
        "{}\n{}\n",
        labelled_bins_line(&applied.data),
        terminal_table(&header, &rows, None).trim_end()
    );
    // of many the table is enough
    let shown = if targets.len() <= SHOWN_WHOLE { targets } else { &[] };
    for (target, &fitted) in shown.iter().zip(&applied.fitted) {
        let classes = &applied.model.fit.targets[fitted].classes;
        if let Some(table) = confusion_text(classes, &target.scores.confusion) {
            let _ = write!(text, "\n{}\n{table}", target.name);
        }
    }
    text
}
