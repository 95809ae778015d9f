//! One row per target, set of epochs and model: how well each predicts.

use super::beside::{Compared, HeldOut};
use super::comparable::{Agreement, Comparable};
use super::data::Data;
use super::fit::Fitting;
use super::fit_text;
use super::report::epochs_asked;
use crate::report::ScoreRow;
use crate::write::model::{ModelFile, Study};
use crate::write::table::terminal_table;

/// Most rows that are printed; the result has all.
const MOST_ROWS: usize = 24;

/// A fit of some kind with everything beside it that was scored.
pub(super) struct Scored<'f, M: Comparable> {
    /// What tables call the model.
    pub(super) name: &'f str,
    pub(super) study: &'f Study,
    pub(super) data: &'f Data,
    /// What tables call the targets.
    pub(super) titles: Vec<String>,
    /// Scores of each target on the bins that were fitted.
    pub(super) scores: Vec<&'f M::Scores>,
    pub(super) compared: &'f [Compared<M>],
    pub(super) held_out: &'f [HeldOut<M>],
}

impl<'f> Scored<'f, ModelFile> {
    fn of(fitting: &'f Fitting) -> Self {
        let targets = &fitting.model.fit.targets;
        Self {
            name: &fitting.name,
            study: &fitting.model.study,
            data: &fitting.data,
            titles: targets.iter().map(|target| fit_text::title(&fitting.data, target)).collect(),
            scores: targets.iter().map(|target| &target.scores).collect(),
            compared: &fitting.compared,
            held_out: &fitting.held_out,
        }
    }
}

/// All scores of a fit: fitted data first, target by target, the fit before the models beside it.
pub(super) fn score_rows(fitting: &Fitting) -> Vec<ScoreRow> {
    match &fitting.of_classes {
        Some(of_classes) => of_classes.scores.clone(),
        None => rows(&Scored::of(fitting)),
    }
}

/// The same of a fit of any kind.
pub(super) fn rows<M: Comparable>(of: &Scored<M>) -> Vec<ScoreRow> {
    let fitted = match of.study {
        Study::Arrays(_) | Study::Nemos => "all rows".into(),
        study @ Study::Recording(_) => match epochs_asked(study) {
            asked if asked.is_empty() => "whole recording".into(),
            asked => asked,
        },
    };
    let mut rows = rows_of(of, &fitted, of.data, &of.scores, of.compared);
    rows.iter_mut().for_each(|row| row.is_fitted = true);
    for set in of.held_out {
        let scores: Vec<&M::Scores> = set.scores.iter().collect();
        rows.extend(rows_of(of, &set.selector, &set.data, &scores, &set.compared));
    }
    rows
}

fn rows_of<M: Comparable>(
    of: &Scored<M>,
    set: &str,
    data: &Data,
    scores: &[&M::Scores],
    compared: &[Compared<M>],
) -> Vec<ScoreRow> {
    let mut rows = Vec::new();
    for k in 0..data.names.len() {
        let row = |model: String, n_bins, n_events, scores: &M::Scores| ScoreRow {
            data: set.into(),
            is_fitted: false,
            target: of.titles[k].clone(),
            model,
            n_bins,
            n_events,
            scores: scores.scores().clone(),
            accuracy: scores.accuracy(),
        };
        let n_own = data.used(k).len();
        rows.push(row(of.name.into(), n_own, data.n_events(k), scores[k]));
        for other in compared {
            if other.n_bins[k] < n_own {
                let model = format!("{} on the bins of {}", of.name, other.name);
                rows.push(row(model, other.n_bins[k], other.n_events[k], &other.scores_of_fit[k]));
            }
            rows.push(row(other.name.clone(), other.n_bins[k], other.n_events[k], &other.scores[k]));
        }
    }
    rows
}

/// The table for people; empty for a fit that stands alone, whose scores are printed with it.
pub(super) fn text(fitting: &Fitting) -> String {
    text_of(&Scored::of(fitting))
}

/// The same for a fit of any kind.
pub(super) fn text_of<M: Comparable>(of: &Scored<M>) -> String {
    if of.compared.is_empty() && of.held_out.is_empty() {
        return String::new();
    }
    let rows = rows(of);
    let has_events = M::COUNTS && of.data.has_events();
    let mut text = String::from("\n");
    if rows.len() > MOST_ROWS {
        text.push_str(&medians(&rows, M::COUNTS));
    } else {
        text.push_str(&row_by_row(&rows, of.data.names.len() > 1, has_events));
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn set(row: &ScoreRow) -> &str {
    if row.is_fitted { "fitted" } else { &row.data }
}

fn row_by_row(rows: &[ScoreRow], several: bool, has_events: bool) -> String {
    let cells = |row: &ScoreRow| {
        let mut cells = vec![
            set(row).into(),
            row.target.clone(),
            row.model.clone(),
            row.n_bins.to_string(),
            row.n_events.to_string(),
            format!("{:.9}", row.scores.log_likelihood),
            format!("{:.4}", row.scores.pseudo_r2_mcfadden),
            format!("{:.4}", row.scores.pseudo_r2_cohen),
        ];
        cells.extend(row.accuracy.map(|accuracy| format!("{accuracy:.4}")));
        if !has_events {
            cells.remove(4);
        }
        if !several {
            cells.remove(1);
        }
        cells
    };
    let shown: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let score = "log-likelihood per bin";
    let mut header = vec!["epochs", "target", "model", "bins", "events", score, "McFadden R2", "Cohen R2"];
    if rows.iter().any(|row| row.accuracy.is_some()) {
        header.push("accuracy");
    }
    if !has_events {
        header.remove(4);
    }
    if !several {
        header.remove(1);
    }
    terminal_table(&header, &shown, None)
}

/// One row per set and model: the median of the targets, those without a score left out.
fn medians(rows: &[ScoreRow], counts: bool) -> String {
    let mut groups: Vec<(&str, &str, Vec<&ScoreRow>)> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|group| (group.0, group.1) == (set(row), row.model.as_str())) {
            Some(group) => group.2.push(row),
            None => groups.push((set(row), &row.model, vec![row])),
        }
    }
    let cells = |(set, model, rows): &(&str, &str, Vec<&ScoreRow>)| {
        let events: f64 = rows.iter().map(|row| row.n_events).sum();
        let mut cells = vec![
            set.to_string(),
            model.to_string(),
            rows.len().to_string(),
            events.to_string(),
            format!("{:.4}", median(rows.iter().map(|row| row.scores.pseudo_r2_mcfadden))),
            format!("{:.4}", median(rows.iter().map(|row| row.scores.pseudo_r2_cohen))),
        ];
        if !counts {
            cells.remove(3);
            cells.push(format!("{:.4}", median(rows.iter().filter_map(|row| row.accuracy))));
        }
        cells
    };
    let shown: Vec<Vec<String>> = groups.iter().map(cells).collect();
    let mut header = vec!["epochs", "model", "targets", "events", "median McFadden R2", "median Cohen R2"];
    if !counts {
        header.remove(3);
        header.push("median accuracy");
    }
    format!("{}\nscores of every target are in fit.json\n", terminal_table(&header, &shown, None).trim_end())
}

/// The middle of the values that are numbers; NaN without any.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_leaves_out_what_is_no_number() {
        assert_eq!(median([3.0, f64::NAN, 1.0].into_iter()), 2.0);
        assert_eq!(median([5.0, 1.0, 2.0].into_iter()), 2.0);
        assert!(median([f64::NAN].into_iter()).is_nan());
    }
}
