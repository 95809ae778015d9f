//! Labels and most probable classes of each target.

use maud::{Markup, html};

use super::page::{self, number_column};
use super::typeset::{Digits, count};
use super::{Classes, MOST_TARGETS, Report, TargetWords};

/// Most classes that have a column each.
const MOST_CLASSES: usize = 12;

/// Accuracy and confusion matrices; nothing of other models.
pub(super) fn confusions(report: &Report) -> Markup {
    let shown = report.words.iter().zip(&report.classes).take(MOST_TARGETS);
    html! {
        @if report.is_of_classes() {
            h3 { "Labels and most probable classes" }
            @for (words, own) in shown { (confusion(report, words, own)) }
            @if report.classes.len() > MOST_TARGETS {
                p.note {
                    "Shown are the first " (MOST_TARGETS) " of " (count(report.classes.len())) " targets; all are in "
                    code { "fit.json" } " and " code { "tables/confusion.csv" } "."
                }
            }
        }
    }
}

fn confusion(report: &Report, words: &TargetWords, own: &Classes) -> Markup {
    let of_label: Vec<usize> = own.confusion.iter().map(|row| row.iter().sum()).collect();
    let (n, most) = (of_label.iter().sum::<usize>(), of_label.iter().copied().max().unwrap_or(0));
    let part = |part: f64| Digits::Decimals(4).set(part);
    let header = html! {
        th scope="col" { "label" }
        @for name in &own.names { th.number scope="col" { (name) } }
        (number_column("all"))
    };
    let body = html! {
        tbody {
            @for ((name, row), total) in own.names.iter().zip(&own.confusion).zip(&of_label) {
                tr {
                    th scope="row" { (name) }
                    @for bins in row { td.number { (count(*bins)) } }
                    td.number { (count(*total)) }
                }
            }
        }
    };
    html! {
        p {
            @if report.words.len() > 1 { b { (words.title) } ": the" } @else { "The" }
            " most probable class is the label in " b { (part(own.accuracy)) } " of the " (report.rows(2))
            " (the accuracy); the most frequent class alone would be in " (part(most as f64 / n as f64)) "."
            @if report.is_weighted() { " A " (report.rows(1)) " counts once here, whatever its weight." }
        }
        @if own.names.len() <= MOST_CLASSES {
            (page::table(&format!("Most probable classes of {}", words.title), header, body))
            p.note { "A row for each label, a column for each most probable class: " (report.rows(2)) "." }
        } @else {
            p.note {
                "The " (count(own.names.len())) " x " (count(own.names.len())) " counts are in " code { "tables/confusion.csv" } "."
            }
        }
    }
}
