//! The table of filters: every coefficient with its standard error and interval.

use maud::{Markup, html};

use super::page::{self, Section, column, number_column};
use super::typeset::{Digits, count, number};
use super::{MOST_TARGETS, Report};
use crate::glm::TargetFit;
use crate::inverse_link::InverseLink;
use crate::regularizer::Regularizer;
use crate::solver::Status;

/// Most columns of a target that are shown.
const MOST_COLUMNS: usize = 60;
/// Most targets whose tables are all open.
const MOST_OPEN: usize = 3;
/// The 97.5 % quantile of the normal distribution: half of the width of a 95 % interval, in standard errors.
const QUANTILE: f64 = 1.959_963_984_540_054;

pub(super) fn section(report: &Report) -> Section {
    let titles = report.titles();
    let n_targets = titles.len();
    let n_columns = report.fit.labels.len();
    let pairs = report.fit.targets.iter().zip(&titles).take(MOST_TARGETS);
    let body = html! {
        p {
            "Coefficients are changes of " (changed(report)) " per unit of their column, its factor included. Standard errors "
            "are those of the Fisher information, "
            @if has_tests(report) { "z is the coefficient in standard errors, p the chance of one at least as far from 0 where the true one is 0 (Wald's test, both sides), " }
            "and the interval holds 95 % under the normal approximation."
        }
        @if report.fit.regularizer != Regularizer::None {
            p.note {
                "The penalty shrinks them. Errors and intervals are by the Hessian with the penalty, and say "
                "nothing about how far; a test against 0 would mean nothing."
            }
        }
        @for (k, (target, title)) in pairs.enumerate() {
            @if n_targets <= MOST_OPEN {
                @if n_targets > 1 { h3 { (title) } }
                (whole(report, target, title))
            } @else {
                details open[k == 0] {
                    summary { (title) ": " (target.status.name().replace('_', " ")) }
                    (whole(report, target, title))
                }
            }
        }
        (left_out(report, n_targets, n_columns))
    };
    Section { id: "filters", title: "Filters", body }
}

/// What the effects of features add up to.
fn changed(report: &Report) -> &'static str {
    if report.is_of_classes() {
        return if report.fit.regularizer.centres_classes() {
            "the log odds of a class against the geometric mean of the probabilities of all classes of its target"
        } else {
            "the linear predictor of a class (the difference between two classes of a target is their log odds)"
        };
    }
    match report.fit.model.inverse_link {
        InverseLink::Exp => "ln(rate)",
        InverseLink::Softplus => "x in rate = ln(1 + exp(x))",
        InverseLink::Identity if report.is_recording() => "the expected count of a bin",
        InverseLink::Identity => "the expected response",
        InverseLink::Logistic => "the log odds of an event",
        InverseLink::Probit => "x in probability = Phi(x), the normal distribution function",
        InverseLink::OneOverX => "one over the expected response",
    }
}

/// Says what is not shown and where it is.
fn left_out(report: &Report, n_targets: usize, n_columns: usize) -> Markup {
    let targets = if report.is_of_classes() { "classes" } else { "targets" };
    html! {
        @if n_targets > MOST_TARGETS || n_columns > MOST_COLUMNS {
            p.note {
                "Shown are "
                @if n_targets > MOST_TARGETS { "the first " (MOST_TARGETS) " of " (count(n_targets)) " " (targets) }
                @if n_targets > MOST_TARGETS && n_columns > MOST_COLUMNS { " and " }
                @if n_columns > MOST_COLUMNS { "the first " (MOST_COLUMNS) " of " (count(n_columns)) " columns" }
                "; all are in " code { "fit.json" } ", as " code { "coef" } " and " code { "standard_errors" }
                " of each target."
            }
        }
    }
}

/// One target.
fn whole(report: &Report, target: &TargetFit, title: &str) -> Markup {
    if target.status == Status::NoEvents {
        return html! {
            @if target.intercept > 0.0 {
                p { "An event everywhere: the intercept is ∞ and every coefficient 0." }
            } @else {
                p { "No event: the intercept is −∞ and every coefficient 0." }
            }
        };
    }
    let has_lags = report.lags_ms.iter().any(Option::is_some);
    let has_tests = has_tests(report);
    let p_values = target.p_values();
    // none of the intercept: nobody asks whether it is 0
    let p_value = |k: Option<usize>| has_tests.then(|| k.map_or(f64::NAN, |k| p_values[k]));
    let header = html! {
        (column("column"))
        @if has_lags { (number_column("peak lag (ms)")) }
        (number_column("coefficient")) (number_column("standard error"))
        @if has_tests { (number_column("z")) (number_column("p")) }
        th.number scope="colgroup" colspan="2" { "95 % interval" }
    };
    let body = html! {
        @if report.fit.has_intercept {
            tbody {
                @let digits = Digits::of(&[target.intercept], &[target.intercept_standard_error]);
                (row("intercept", has_lags, None, digits, [target.intercept, target.intercept_standard_error], p_value(None)))
            }
        }
        @for feature in &report.fit.features {
            @let [first, end] = feature.columns.map(|column| column.min(MOST_COLUMNS));
            @if first < end {
                @let digits = Digits::of(&target.coef[first..end], &target.standard_errors[first..end]);
                tbody {
                    @for k in first..end {
                        @let lag = report.lags_ms.get(k).copied().flatten();
                        @let error = target.standard_errors[k];
                        (row(&report.fit.labels[k], has_lags, lag, digits, [target.coef[k], error], p_value(Some(k))))
                    }
                }
            }
        }
    };
    html! {
        @if target.status == Status::Separated {
            p.note {
                "The estimate is infinite: these numbers are where the solver stopped, and mean nothing by "
                "themselves."
            }
        } @else if target.status != Status::Converged {
            p.note { "These numbers are not at an optimum." }
        }
        (page::table(&format!("Coefficients of {title}"), header, body))
        (dashes(target))
    }
}

/// Whether coefficients are tested against 0: a penalty moves them there, which no test knows of.
fn has_tests(report: &Report) -> bool {
    report.fit.regularizer == Regularizer::None && report.fit.inference_left_out.is_none()
}

/// One column; z and the p-value where the table has them.
fn row(
    label: &str,
    has_lags: bool,
    lag_ms: Option<f64>,
    digits: Digits,
    [coef, error]: [f64; 2],
    p_value: Option<f64>,
) -> Markup {
    html! {
        tr {
            th scope="row" { (label) }
            @if has_lags {
                td.number {
                    // what is below a nanosecond is rounding
                    @if let Some(lag_ms) = lag_ms { ((lag_ms * 1e6).round() / 1e6) }
                }
            }
            td.number { (digits.set(coef)) }
            td.number { (digits.set(error)) }
            @if let Some(p_value) = p_value {
                td.number { (Digits::Decimals(2).set(coef / error)) }
                td.number { (number(p_value, 2)) }
            }
            td.number { (digits.set(coef - QUANTILE * error)) }
            td.number { (digits.set(coef + QUANTILE * error)) }
        }
    }
}

/// Why errors are missing.
fn dashes(target: &TargetFit) -> Markup {
    let n_missing = target.standard_errors.iter().filter(|error| error.is_nan()).count();
    html! {
        @if n_missing > 0 {
            p.note {
                "A dash stands where there is no standard error: "
                @match target.status {
                    Status::Separated => "the estimate is infinite.",
                    _ if n_missing < target.standard_errors.len() || !target.aliased.is_empty() => {
                        "the data do not determine the coefficient, or the target does not see the column."
                    }
                    _ => "they were not computed.",
                }
            }
        }
    }
}
