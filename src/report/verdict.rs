//! The verdict: which targets are at their optimum, with the numbers that prove it, and why the others are not.

use maud::{Markup, html};

use super::page::{self, Section, column, names, number_column};
use super::typeset::{NONE, count, number};
use super::{Certificate, MOST_TARGETS, Report, TargetWords, identifiability};
use crate::glm::GapFrom;
use crate::regularizer::Regularizer;
use crate::solver::Status;

/// Most targets whose trouble is told one by one.
const MOST_TOLD: usize = 200;
/// Most names of aliased columns.
const MOST_NAMES: usize = 12;

pub(super) fn section(report: &Report) -> Section {
    let pairs: Vec<(&Certificate, &TargetWords)> = report.certificates.iter().zip(&report.words).collect();
    let body = html! {
        (banner(report, &pairs))
        (unfinished(&pairs))
        @match &pairs[..] {
            [(target, _)] if has_certificate(target) => { (one(report, target)) }
            [_] => {}
            _ => { (several(report, &pairs)) }
        }
        (numbers(report, &pairs))
        (warnings(&pairs))
        (identifiability::told(report))
        p.note {
            "An optimum says that this model cannot fit these data better, not that it is the right model: that is what "
            @if report.is_of_classes() {
                "the scores and the figure of the calibration are about."
            } @else {
                "the scores and the figures of the goodness of fit are about."
            }
        }
    };
    Section { id: "verdict", title: "Verdict", body }
}

/// The answer in one sentence.
fn banner(report: &Report, pairs: &[(&Certificate, &TargetWords)]) -> Markup {
    let n = pairs.len();
    let n_proven = pairs.iter().filter(|(target, _)| target.status == Status::Converged).count();
    let class = if n_proven == n { "banner good" } else { "banner bad" };
    html! {
        p class=(class) {
            @match (pairs, n_proven) {
                ([(target, words)], _) => {
                    b { (sentence(&words.verdict)) }
                    @if target.status != Status::Converged { " Status of " (words.title) ": " (status(target)) "." }
                }
                (_, proven) if proven == n => { b { "All " (report.targets_title()) ": at the optimum, with proof." } }
                (_, 0) => { b { "None of the " (report.targets_title()) " is at an optimum." } }
                (_, proven) => {
                    b { (count(proven)) " of " (report.targets_title()) " are at the optimum, with proof." }
                    " " (count(n - proven)) @if n - proven == 1 { " is not." } @else { " are not." }
                }
            }
        }
    }
}

/// How a fit ended, without the underscore of the files.
pub(super) fn status(target: &Certificate) -> String {
    target.status.name().replace('_', " ")
}

/// Why targets are not at an optimum, and what to do.
fn unfinished(pairs: &[(&Certificate, &TargetWords)]) -> Markup {
    let is_proven = |pair: &&(&Certificate, &TargetWords)| pair.0.status == Status::Converged;
    let left: Vec<_> = pairs.iter().filter(|pair| !is_proven(pair)).collect();
    let item = |(target, words): &(&Certificate, &TargetWords)| {
        html! {
            li {
                b { (words.title) } " (" (status(target)) "): " (words.verdict) "."
                @for text in target.warnings.iter().chain(&words.remedy) { " " (sentence(text)) }
            }
        }
    };
    let (first, rest) = left.split_at(left.len().min(MOST_TARGETS));
    html! {
        @if !left.is_empty() {
            ul.trouble { @for pair in first { (item(pair)) } }
        }
        @if !rest.is_empty() {
            details {
                summary { (count(rest.len())) " more that are not at an optimum" }
                ul.trouble { @for pair in rest.iter().take(MOST_TOLD) { (item(pair)) } }
                @if rest.len() > MOST_TOLD {
                    p { (count(rest.len() - MOST_TOLD)) " more are in " code { "fit.json" } "." }
                }
            }
        }
    }
}

/// A text with a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let capital = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{capital}{}.", letters.as_str())
}

/// Whether there is a minimum that the numbers are measured from.
fn has_certificate(target: &Certificate) -> bool {
    !matches!(target.status, Status::NoEvents | Status::Separated | Status::Failed)
}

/// The certificate of the only target, in words.
fn one(report: &Report, target: &Certificate) -> Markup {
    let (tolerance, is_penalised) = (report.fit.tolerance, report.fit.regularizer != Regularizer::None);
    html! {
        p {
            "The largest component of the gradient" @if is_penalised { ", the penalty's included," } " is " b { (number(target.kkt_residual, 2)) }
            " of the magnitudes that it is the sum of (the KKT residual: 0 at an exact optimum, about "
            (number(1e-16, 1)) " after rounding). The mean loss per " (report.rows(1)) @if is_penalised { " with its penalty" } " is an estimated "
            b { (number(target.loss_gap, 2)) } " above its minimum, by the " (matrix(target.gap_from))
            ". That is " (number(relative_gap(target), 2)) " of the loss; at most "
            (number(tolerance, 2)) " was asked for, with a residual of at most " (number(tolerance.sqrt(), 2)) "."
        }
    }
}

/// The certificates of several targets.
fn several(report: &Report, pairs: &[(&Certificate, &TargetWords)]) -> Markup {
    let fitted = || pairs.iter().filter(|(target, _)| has_certificate(target));
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::NAN, f64::max);
    let residual = largest(&mut fitted().map(|(target, _)| target.kkt_residual));
    let gap = largest(&mut fitted().map(|(target, _)| relative_gap(target)));
    let row = |(target, words): &(&Certificate, &TargetWords)| {
        let is_silent = target.status == Status::NoEvents;
        let shown = |markup: Markup| {
            if is_silent {
                html! { (NONE) }
            } else {
                markup
            }
        };
        html! {
            tr {
                th scope="row" { (words.title) }
                td { (status(target)) }
                @if report.has_events() { td.number { (number(words.n_events, 7)) } }
                td.number { (shown(number(target.kkt_residual, 2))) }
                td.number { (shown(number(target.loss_gap, 2))) }
                td { (shown(html! { (matrix(target.gap_from)) })) }
                td.number { (shown(number(target.loss, 5))) }
                td.number { (target.iterations) }
            }
        }
    };
    let header = || {
        html! {
            (column("target")) (column("status"))
            @if report.has_events() { (number_column(report.events())) }
            (number_column("KKT residual")) (number_column("loss gap")) (column("gap by"))
            (number_column("loss")) (number_column("iterations"))
        }
    };
    let (first, rest) = pairs.split_at(pairs.len().min(MOST_TARGETS));
    html! {
        @if fitted().count() > 0 {
            p {
                "The largest KKT residual is " b { (number(residual, 2)) } " and the largest loss gap "
                b { (number(gap, 2)) } " of its loss; at most " (number(report.fit.tolerance.sqrt(), 2)) " and "
                (number(report.fit.tolerance, 2)) " were asked for."
            }
        }
        (page::table("Certificates", header(), html! { tbody { @for pair in first { (row(pair)) } } }))
        @if !rest.is_empty() {
            details {
                summary { "The other " (count(rest.len())) " targets" }
                (page::table("More certificates", header(), html! { tbody { @for pair in rest { (row(pair)) } } }))
            }
        }
    }
}

/// The numbers of the only target, and those that hold for all of them.
fn numbers(report: &Report, pairs: &[(&Certificate, &TargetWords)]) -> Markup {
    let fit = report.fit;
    let mut aliased: Vec<&str> = Vec::new();
    for name in report.certificates.iter().flat_map(|target| target.aliased) {
        if !aliased.contains(&name.as_str()) {
            aliased.push(name);
        }
    }
    html! {
        dl.numbers {
            @if let [(target, _)] = pairs && target.status != Status::NoEvents {
                (entry("KKT residual", &number(target.kkt_residual, 2)))
                (entry("Loss gap", &html! {
                    (number(target.loss_gap, 2)) " by the " (matrix(target.gap_from))
                }))
                (entry("Loss", &number(target.loss, 5)))
                (entry("Iterations", &html! { (count(target.iterations)) }))
            }
            (entry("Tolerance", &number(fit.tolerance, 2)))
            (entry("Condition", &html! {
                @if fit.condition.is_nan() { "not computed" } @else { (number(fit.condition, 2)) }
            }))
            (entry("Rank", &html! { (count(fit.rank)) " of " (count(fit.labels.len())) " columns" }))
            (entry("Aliased", &html! {
                @if aliased.is_empty() { "no column" } @else { (names(aliased.iter().copied(), MOST_NAMES)) }
            }))
        }
        @if let Some(reason) = &fit.inference_left_out {
            p.note { "Standard errors were left out: " (reason) "." }
        }
    }
}

/// What a user should know about targets that did arrive.
fn warnings(pairs: &[(&Certificate, &TargetWords)]) -> Markup {
    let proven = pairs.iter().filter(|(target, _)| target.status == Status::Converged);
    let all: Vec<(&str, &str)> = proven
        .flat_map(|(target, words)| target.warnings.iter().map(|text| (words.title.as_str(), text.as_str())))
        .collect();
    let (first, rest) = all.split_at(all.len().min(MOST_TARGETS));
    let item = |(title, text): &(&str, &str)| html! { li { b { (title) } ": " (sentence(text)) } };
    html! {
        @if !first.is_empty() {
            h3 { "Warnings" }
            ul { @for warning in first { (item(warning)) } }
        }
        @if !rest.is_empty() {
            details {
                summary { (count(rest.len())) " more warnings" }
                ul { @for warning in rest.iter().take(MOST_TOLD) { (item(warning)) } }
                @if rest.len() > MOST_TOLD {
                    p { (count(rest.len() - MOST_TOLD)) " more are in " code { "fit.json" } "." }
                }
            }
        }
    }
}

fn matrix(from: GapFrom) -> &'static str {
    match from {
        GapFrom::Hessian => "Hessian",
        GapFrom::FlatGram => "flat Gram",
    }
}

/// The gap in parts of the loss, or of the mean count where that is larger, as it is compared with the tolerance.
fn relative_gap(target: &Certificate) -> f64 {
    target.loss_gap / target.gap_scale
}

/// A name and its value.
pub(super) fn entry(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}
