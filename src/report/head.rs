//! The head of the page: what was fitted to what.

use maud::{Markup, html};

use super::page::names;
use super::typeset::{count, duration, number};
use super::{MOST_TARGETS, Report};
use crate::inverse_link::InverseLink;
use crate::observation::ObservationModel;

/// The title of the window.
pub(super) fn window_title(report: &Report) -> String {
    format!("{} · {} · rheobase", report.targets_title(), report.file_name())
}

/// Title, one sentence, the formula.
pub(super) fn header(report: &Report) -> Markup {
    let several = report.words.len() > 1;
    html! {
        header {
            p.eyebrow { "rheobase " (report.computed.version) " · model " b { (report.model) } }
            h1 { @if report.is_of_classes() { "Categorical model" } @else { "Encoding model" } @if several { "s" } " of " (report.targets_title()) }
            p.lead {
                @if report.is_of_classes() {
                    "A categorical model (multinomial logistic regression)"
                } @else {
                    "A " (capital(report.fit.model.observation)) " generalized linear model"
                }
                @if several { " for each" } ", fitted to "
                code { (report.file_name()) } (data(report)) "."
            }
            @if several {
                p { "Targets: " (names(report.words.iter().map(|words| words.title.as_str()), MOST_TARGETS)) "." }
            }
            (formula(report))
        }
    }
}

/// The data in a few words.
fn data(report: &Report) -> Markup {
    let n_events: f64 = report.words.iter().map(|words| words.n_events).sum();
    let bins = &report.bins;
    html! {
        @if report.is_recording() {
            @let seconds: f64 = report.epochs.iter().map(|epoch| epoch.stop_s - epoch.start_s).sum();
            @let n = report.epochs.len();
            ": "
            @if !report.epochs_asked.is_empty() { b { (report.epochs_asked) } ", " }
            @if n == 1 { "1 epoch of " } @else { (count(n)) " epochs, together " }
            (duration(seconds)) ", "
        } @else {
            ": "
        }
        (count(bins.n_used)) " of " (count(bins.n)) " " (report.rows(bins.n))
        @if let Some(bin_s) = bins.bin_s { " of " (duration(bin_s)) }
        @if report.has_events() { ", " (number(n_events, 7)) " " (report.events()) }
    }
}

/// The model as a formula, and what its features are.
fn formula(report: &Report) -> Markup {
    html! {
        @if report.is_of_classes() {
            p.formula {
                "P(" i { "k" } ", " i { "t" } ") = exp( " i { "η" } sub { i { "k" } } " ) / Σ" sub { i { "l" } } " exp( "
                i { "η" } sub { i { "l" } } " ),  " i { "η" } sub { i { "k" } } "(" i { "t" } ") = " (terms(report))
            }
            (about_sums(report))
        } @else { p.formula {
            @match (report.is_recording(), report.fit.model.observation) {
                (true, _) => "rate",
                (false, ObservationModel::Poisson | ObservationModel::NegativeBinomial(_)) => "expected count",
                (false, ObservationModel::Gaussian | ObservationModel::Gamma) => "expected response",
                (false, ObservationModel::Bernoulli) => "probability",
            }
            "(" i { "t" } ") = " (function(report.fit.model.inverse_link)) "( " (terms(report)) " )"
            @if let Some(bin_s) = report.bins.bin_s { " / " (duration(bin_s)) }
        } }
        ul.features {
            @for (k, feature) in report.fit.features.iter().enumerate() {
                @let [first, end] = feature.columns;
                li {
                    (column_range(first, end)) " "
                    code { (report.features_typed.get(k).unwrap_or(&feature.name)) }
                }
            }
        }
    }
}

/// The name of an observation model.
fn capital(observation: ObservationModel) -> &'static str {
    match observation {
        ObservationModel::Poisson => "Poisson",
        ObservationModel::Gaussian => "Gaussian",
        ObservationModel::Bernoulli => "Bernoulli",
        ObservationModel::Gamma => "Gamma",
        ObservationModel::NegativeBinomial(_) => "negative binomial",
    }
}

/// The inverse link before its argument.
fn function(link: InverseLink) -> &'static str {
    match link {
        InverseLink::Identity => "",
        InverseLink::Probit => "Phi",
        InverseLink::OneOverX => "1 / ",
        other => other.name(),
    }
}

/// The sum inside the inverse link: of a class each term but the columns is its own.
fn terms(report: &Report) -> Markup {
    let (fit, n) = (report.fit, report.fit.labels.len());
    let of_class = || html! { @if report.is_of_classes() { i { "k" } } };
    let own = || html! { @if report.is_of_classes() { sub { (of_class()) } } };
    let term =
        |k: usize| html! { i { "w" } sub { (k) (of_class()) } " " i { "x" } sub { (k) } "(" i { "t" } ")" };
    let mut all = Vec::new();
    if fit.has_intercept {
        all.push(html! { i { "b" } (own()) });
    }
    if n > 0 {
        all.push(term(1));
    }
    if n > 2 {
        all.push(html! { "… " });
    }
    if n > 1 {
        all.push(term(n));
    }
    if fit.has_offset {
        all.push(html! { "offset" (own()) "(" i { "t" } ")" });
    }
    html! {
        @if all.is_empty() { "0" }
        @for (k, term) in all.iter().enumerate() { @if k > 0 { " + " } (term) }
    }
}

/// What the sum of a class is, if those of all classes have a sum.
fn about_sums(report: &Report) -> Markup {
    let fit = report.fit;
    html! {
        @if fit.regularizer.centres_classes() {
            p.note {
                "Of a column the coefficients of all classes sum to 0" @if fit.has_intercept { ", as the intercepts do" } ": "
                @if fit.has_offset { "what features add to η they add to" } @else { "η is" }
                " ln(P) less its mean over the classes."
            }
        }
    }
}

/// `x1`, or `x1 to x8`.
fn column_range(first: usize, end: usize) -> Markup {
    html! {
        i { "x" } sub { (first + 1) }
        @if end > first + 1 { " to " i { "x" } sub { (end) } }
        ":"
    }
}
