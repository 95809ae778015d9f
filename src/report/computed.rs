//! How it was computed, how to repeat it, and what else was written.

use std::fmt::Write;

use maud::{Markup, html};

use super::page::{self, Section, column};
use super::typeset::{bytes, count, duration, number};
use super::verdict::entry;
use super::{Report, WrittenFile};

pub(super) fn section(report: &Report) -> Section {
    let (fit, computed) = (report.fit, &report.computed);
    let iterations = report.certificates.iter().map(|target| target.iterations).max().unwrap_or(0);
    let passes: usize = report.certificates.iter().map(|target| target.passes).sum();
    let plan = &fit.plan;
    let body = html! {
        dl.numbers {
            (entry("Solver", &html! { (fit.solver) " (" (plan.reason) ")" }))
            @if report.is_of_classes() {
                (entry("Design", &html! {
                    (count(plan.n_rows)) " rows × " (count(fit.labels.len())) " columns × " (count(fit.targets.len())) " classes"
                }))
            } @else {
                (entry("Design", &html! {
                    (count(plan.n_rows)) " rows × " (count(plan.n_columns)) " columns × " (count(plan.n_targets))
                    @if plan.n_targets == 1 { " target" } @else { " targets" }
                }))
                (entry(if report.fit.model.observation.has_events() {
                    "Events per parameter"
                } else {
                    "Rows per parameter"
                }, &html! {
                    (number(plan.events_per_parameter, 3)) @if plan.n_targets > 1 { " at least" }
                }))
            }
            @if let Some(strength) = fit.regularizer.strength() {
                (entry("Penalty", &html! {
                    (fit.regularizer.name())
                    @if let Some(n) = report.certificates.iter().find_map(|own| Some(own.cv?.by_fold.len())) {
                        ", strength by " (count(n)) "-fold cross-validation"
                    } @else { " of strength " (number(strength, 3)) }
                }))
            }
            (entry("Iterations", &html! { (count(iterations)) @if report.certificates.len() > 1 { " at most" } }))
            (entry("Passes over the rows", &html! { (count(passes)) }))
            (entry("Arithmetic", &html! {
                (plan.arithmetic()) @if plan.backend == "gpu" { " on the CPU, before that on a GPU" } @else { " on the CPU" }
            }))
            (entry("Reading", &duration(computed.read_s)))
            (entry("Features", &duration(computed.features_s)))
            (entry("Fit", &duration(fit.seconds.fit)))
            (entry("Standard errors", &html! {
                @if fit.inference_left_out.is_some() { "left out" } @else { (duration(fit.seconds.inference)) }
            }))
            (entry("In all", &duration(computed.total_s)))
            @if let Some(n) = computed.peak_memory_bytes { (entry("Peak memory", &bytes(n))) }
            (entry("Threads", &html! { (count(computed.n_threads)) }))
            (entry("Device", &html! { (computed.device) }))
            (entry("Device trouble", &html! {
                @if computed.events.is_empty() { "none" }
                @for (k, event) in computed.events.iter().enumerate() {
                    @if k > 0 { "; " } (event.event) ": " (event.reason)
                }
            }))
            (entry("Version", &html! { "rheobase " (computed.version) }))
        }
        p.note {
            "Input: " code { (report.input) } ", SHA-256 " code.hash { (report.sha256) } "."
        }
    };
    Section { id: "computed", title: "How it was computed", body }
}

/// The study and the command that repeats it.
pub(super) fn study(report: &Report) -> Section {
    let body = html! {
        p { "This command fits the same model again; with " code { "--out DIR" } " it writes these files." }
        pre { code { (report.command) } }
        @if let Some(toml) = &report.study_toml {
            p {
                "The study with every choice that decides the result, as a file for "
                code { "rheobase fit study.toml" } ":"
            }
            pre { code { (toml) } }
        }
    };
    Section { id: "study", title: "Study", body }
}

/// `None` if nothing lies beside the report.
pub(super) fn files(report: &Report) -> Option<Section> {
    if report.files.is_empty() {
        return None;
    }
    let (figures, others): (Vec<&WrittenFile>, Vec<&WrittenFile>) =
        report.files.iter().partition(|file| file.name.starts_with("figures/"));
    let row = |name: &str, what: &str| {
        html! {
            tr {
                th scope="row" { a href=(address(name)) { (name) } }
                td.text { (what) }
            }
        }
    };
    let body: Markup = html! {
        tbody {
            @for file in others { (row(&file.name, &file.what)) }
            @if !figures.is_empty() {
                (row("figures/", "every figure of this report, as SVG to edit and as PNG for slides"))
            }
        }
    };
    let body = html! {
        p { "They lie in the folder of this report." }
        (page::table("Files beside this report", html! { (column("file")) (column("what it holds")) }, body))
    };
    Some(Section { id: "files", title: "Files", body })
}

/// A path as an address: everything but plain characters in per cent.
pub(super) fn address(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // writing to a string cannot fail
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_plain_characters_only() {
        assert_eq!(address("tables/bins.csv"), "tables/bins.csv");
        assert_eq!(address("tables/features-a #1?%ü.csv"), "tables/features-a%20%231%3F%25%C3%BC.csv");
        assert_eq!(address("javascript:x"), "javascript%3Ax");
    }
}
