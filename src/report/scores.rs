//! The table of scores: the fitted data, held-out data, this model and others.

use std::f64::consts::LN_2;

use maud::{Markup, html};

use super::page::{self, Section, column, number_column};
use super::typeset::{Digits, count, number};
use super::{MOST_TARGETS, Report, ScoreRow, classes};
use crate::glm::Scores;

/// Most rows that are shown before the rest is folded away.
const MOST_ROWS: usize = 4 * MOST_TARGETS;

/// Which columns a table needs.
#[derive(Clone, Copy)]
struct Columns {
    model: bool,
    target: bool,
}

pub(super) fn section(report: &Report) -> Section {
    let rows = &report.scores;
    let held_out = rows.iter().any(|row| !row.is_fitted);
    let columns =
        Columns { model: rows.iter().any(|row| row.model != report.model), target: report.words.len() > 1 };
    let (first, rest) = rows.split_at(rows.len().min(MOST_ROWS));
    let body = html! {
        p {
            "How well predictions agree with the "
            @if report.is_of_classes() { "labels" } @else if report.has_events() { (report.events()) } @else { "responses" }
            ". The null model of each line has no features: it " (report.null_model()) "."
            @if !held_out {
                " Nothing was held out: these are scores on the data that were fitted, which flatter a model."
            }
        }
        (table("Scores", report, columns, first))
        @if !rest.is_empty() {
            details {
                summary { "The other " (count(rest.len())) " rows" }
                (table("More scores", report, columns, rest))
            }
        }
        @if !report.tests.is_empty() {
            p { "Against a smaller model, fitted to the same " (report.rows(2)) ":" }
            ul { @for test in &report.tests { li { (test) } } }
        }
        (classes::confusions(report))
    };
    Section { id: "scores", title: "Scores", body }
}

fn table(label: &str, report: &Report, columns: Columns, rows: &[ScoreRow]) -> Markup {
    let header = html! {
        (column("data"))
        @if columns.target { (column("target")) }
        @if columns.model { (column("model")) }
        @if report.has_events() { (number_column(report.events())) }
        (number_column(report.rows(2)))
        th.number scope="col" { "log-likelihood per " (report.rows(1)) }
        @if report.has_events() {
            th.number scope="col" { "bits per " (report.events().trim_end_matches('s')) }
        }
        (number_column("deviance"))
        th.number scope="col" { "McFadden " (R2) } th.number scope="col" { "Cohen " (R2) }
        @if rows.iter().any(|row| row.accuracy.is_some()) { (number_column("accuracy")) }
    };
    let r2 = Digits::Decimals(4);
    let row = |row: &ScoreRow| {
        html! {
            tr {
                th scope="row" { (row.data) @if row.is_fitted { " (fitted)" } @else { " (held out)" } }
                @if columns.target { td { (row.target) } }
                @if columns.model { td { (row.model) } }
                @if report.has_events() { td.number { (number(row.n_events, 7)) } }
                td.number { (count(row.n_bins)) }
                td.number { (number(row.scores.log_likelihood, 7)) }
                @if report.has_events() {
                    td.number { (number(bits_per_event(&row.scores, row.n_events), 4)) }
                }
                td.number { (number(row.scores.deviance, 6)) }
                td.number { (r2.set(row.scores.pseudo_r2_mcfadden)) }
                td.number { (r2.set(row.scores.pseudo_r2_cohen)) }
                @if let Some(accuracy) = row.accuracy { td.number { (r2.set(accuracy)) } }
            }
        }
    };
    page::table(label, header, html! { tbody { @for one in rows { (row(one)) } } })
}

const R2: &str = "R²";

/// Log-likelihood over that of the mean rate, in bits per event.
///
/// `McFadden`'s `R = 1 - ll / ll0` gives the null model's `ll0 = ll / (1 - R)`.
fn bits_per_event(scores: &Scores, n_events: f64) -> f64 {
    let (ll, r2) = (scores.log_likelihood_sum, scores.pseudo_r2_mcfadden);
    if ll == f64::NEG_INFINITY { ll } else { -ll * r2 / (1.0 - r2) / (n_events * LN_2) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Model;
    use crate::glm::score;

    #[test]
    fn bits_are_those_over_the_mean_rate() {
        let y = [0.0, 1.0, 2.0, 0.0, 3.0];
        let scores = score(Model::default(), &y, &[0.5, 1.2, 1.5, 0.3, 2.5]);
        let null = score(Model::default(), &y, &[1.2; 5]);
        let expected = (scores.log_likelihood_sum - null.log_likelihood_sum) / 6.0 / LN_2;
        assert!((bits_per_event(&scores, 6.0) - expected).abs() < 1e-14);
        let impossible = score(Model::default(), &[1.0, 0.0], &[0.0, 0.5]);
        assert_eq!(bits_per_event(&impossible, 1.0), f64::NEG_INFINITY);
        let silent = score(Model::default(), &[0.0, 0.0], &[0.0, 0.0]);
        assert!(bits_per_event(&silent, 0.0).is_nan());
    }
}
