//! One row per target, set of epochs and model: how well each predicts.

use std::fmt::Write;

use super::beside::Compared;
use super::data::Data;
use super::fit::Fitting;
use super::fit_text;
use super::report::epochs_asked;
use crate::glm::Scores;
use crate::report::ScoreRow;
use crate::write::model::Study;
use crate::write::table::terminal_table;

/// Most rows that are printed; the result has all.
const MOST_ROWS: usize = 24;

/// All scores of a fit: fitted data first, target by target, the fit before the models beside it.
pub(super) fn score_rows(fitting: &Fitting) -> Vec<ScoreRow> {
    let scores: Vec<&Scores> = fitting.model.fit.targets.iter().map(|target| &target.scores).collect();
    let fitted = match &fitting.model.study {
        Study::Arrays(_) => "all rows".into(),
        study @ Study::Recording(_) => match epochs_asked(study) {
            asked if asked.is_empty() => "whole recording".into(),
            asked => asked,
        },
    };
    let mut rows = rows_of(fitting, &fitted, &fitting.data, &scores, &fitting.compared);
    rows.iter_mut().for_each(|row| row.is_fitted = true);
    for set in &fitting.held_out {
        let scores: Vec<&Scores> = set.scores.iter().collect();
        rows.extend(rows_of(fitting, &set.selector, &set.data, &scores, &set.compared));
    }
    rows
}

fn rows_of(
    fitting: &Fitting,
    set: &str,
    data: &Data,
    scores: &[&Scores],
    compared: &[Compared],
) -> Vec<ScoreRow> {
    let mut rows = Vec::new();
    for k in 0..data.names.len() {
        let row = |model: String, n_bins, n_events, scores: &Scores| ScoreRow {
            data: set.into(),
            is_fitted: false,
            target: fit_text::title(data, &fitting.model.fit.targets[k]),
            model,
            n_bins,
            n_events,
            scores: scores.clone(),
        };
        let n_own = data.used(k).len();
        rows.push(row(fitting.name.clone(), n_own, data.n_events(k), scores[k]));
        for other in compared {
            if other.n_bins[k] < n_own {
                let model = format!("{} on the bins of {}", fitting.name, other.name);
                rows.push(row(model, other.n_bins[k], other.n_events[k], &other.scores_of_fit[k]));
            }
            rows.push(row(other.name.clone(), other.n_bins[k], other.n_events[k], &other.scores[k]));
        }
    }
    rows
}

/// The table for people; empty for a fit that stands alone, whose scores are printed with it.
pub(super) fn text(fitting: &Fitting) -> String {
    if fitting.compared.is_empty() && fitting.held_out.is_empty() {
        return String::new();
    }
    let rows = score_rows(fitting);
    let several = fitting.data.names.len() > 1;
    let cells = |row: &ScoreRow| {
        let set = if row.is_fitted { "fitted" } else { row.data.as_str() };
        let mut cells = vec![set.into(), row.target.clone(), row.model.clone(), row.n_bins.to_string()];
        cells.push(row.n_events.to_string());
        cells.push(format!("{:.9}", row.scores.log_likelihood));
        cells.push(format!("{:.4}", row.scores.pseudo_r2_mcfadden));
        cells.push(format!("{:.4}", row.scores.pseudo_r2_cohen));
        if !several {
            cells.remove(1);
        }
        cells
    };
    let shown: Vec<Vec<String>> = rows.iter().take(MOST_ROWS).map(cells).collect();
    let mut header = vec![
        "epochs",
        "target",
        "model",
        "bins",
        "events",
        "log-likelihood per bin",
        "McFadden R2",
        "Cohen R2",
    ];
    if !several {
        header.remove(1);
    }
    let mut text = format!("\n{}", terminal_table(&header, &shown, None));
    if !text.ends_with('\n') {
        text.push('\n');
    }
    if rows.len() > MOST_ROWS {
        // writing to a string cannot fail
        let _ = writeln!(text, "and {} more, in fit.json", rows.len() - MOST_ROWS);
    }
    text
}
