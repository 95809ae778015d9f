//! The quality of the data: bins, epochs, gaps and what was noticed.

use maud::{Markup, html};

use super::page::{self, Section, column, number_column};
use super::typeset::{count, duration, number, percent};
use super::{Epoch, Report};

/// Most epochs that are shown before the rest is folded away.
const MOST_EPOCHS: usize = 40;
/// Most targets with a column of their own.
const MOST_COLUMNS: usize = 6;

/// Why bins are left out by design.
const EDGE: &str = "their window reaches beyond the epoch, or a value lies outside the range of its basis";

pub(super) fn section(report: &Report) -> Section {
    let body = html! {
        (bins(report))
        @if !report.bins.left_out.is_empty() {
            p { "Why they were left out; of several reasons the first counts:" }
            ul { @for (reason, n) in &report.bins.left_out { li { (count(*n)) ": " (reason) } } }
        }
        @if !report.epochs.is_empty() {
            h3 { "Epochs" }
            (epochs(report))
            (gaps(&report.epochs))
        }
        h3 { "Notices about the data" }
        @if report.notices.is_empty() {
            p { "None." }
        } @else {
            ul { @for notice in &report.notices { li { (notice) } } }
        }
    };
    Section { id: "data", title: "Data quality", body }
}

fn bins(report: &Report) -> Markup {
    let bins = &report.bins;
    let row = |name: &str, n: usize, why: &str| {
        html! {
            tr {
                th scope="row" { (name) }
                td.number { (count(n)) }
                td.number { (percent(n, bins.n)) }
                td.text { (why) }
            }
        }
    };
    let what = report.rows(2);
    let header = html! {
        (column(what)) (number_column("number")) (number_column("share")) (column("why"))
    };
    let body = html! {
        tbody {
            (row("used", bins.n_used, if report.words.len() > 1 {
                "fitted; of the target with the fewest"
            } else {
                "fitted"
            }))
            @if report.is_recording() {
                (row("at edges", bins.n_edge, EDGE))
            }
            (row("dropped", bins.n_dropped, if report.is_of_classes() {
                "a feature is not a number there, or there is no label"
            } else if report.is_recording() {
                "a feature has no sample there, or one that is not a number"
            } else {
                "a number in the row is not finite"
            }))
            (row("all", bins.n, ""))
        }
    };
    page::table("What became of the bins", header, body)
}

fn epochs(report: &Report) -> Markup {
    let (first, rest) = report.epochs.split_at(report.epochs.len().min(MOST_EPOCHS));
    html! {
        (epoch_table("Epochs", report, 0, first))
        @if !report.is_of_classes() && report.words.len() > MOST_COLUMNS {
            p.note { "Spikes are those of all " (report.words.len()) " units together, in the used bins." }
        }
        @if !rest.is_empty() {
            details {
                summary { "The other " (count(rest.len())) " epochs" }
                (epoch_table("More epochs", report, MOST_EPOCHS, rest))
            }
        }
    }
}

fn epoch_table(label: &str, report: &Report, offset: usize, epochs: &[Epoch]) -> Markup {
    let titles = report.titles();
    let each = titles.len() <= MOST_COLUMNS;
    // of too many classes there is nothing to add up
    let together = !each && !report.is_of_classes();
    let what = if report.is_of_classes() { "bins of" } else { "spikes of" };
    let header = html! {
        (number_column("epoch")) (number_column("start (s)")) (number_column("stop (s)"))
        (number_column("duration (s)")) (number_column("bins")) (number_column("used"))
        @if each && titles.len() > 1 {
            @for title in &titles { th.number scope="col" { (what) " " (title) } }
        } @else if each || together {
            (number_column("spikes"))
        }
    };
    let body = html! {
        tbody {
            @for (k, epoch) in epochs.iter().enumerate() {
                tr {
                    th.number scope="row" { (offset + k) }
                    td.number { (seconds(epoch.start_s)) }
                    td.number { (seconds(epoch.stop_s)) }
                    td.number { (seconds(epoch.stop_s - epoch.start_s)) }
                    td.number { (count(epoch.n_bins)) }
                    td.number { (count(epoch.n_used)) }
                    @if each {
                        @for n in &epoch.n_events { td.number { (number(*n, 7)) } }
                    } @else if together {
                        td.number { (number(epoch.n_events.iter().sum(), 7)) }
                    }
                }
            }
        }
    };
    page::table(label, header, body)
}

/// Times on one scale: milliseconds are enough to find a place.
fn seconds(s: f64) -> Markup {
    super::typeset::Digits::Decimals(3).set(s)
}

/// What lies between the epochs.
fn gaps(epochs: &[Epoch]) -> Markup {
    let gaps: Vec<f64> = epochs.windows(2).map(|pair| pair[1].start_s - pair[0].stop_s).collect();
    let longest = gaps.iter().copied().fold(0.0, f64::max);
    let total: f64 = gaps.iter().sum();
    html! {
        @match gaps.len() {
            0 => p { "One epoch, so no gaps." },
            n => p {
                (count(n)) @if n == 1 { " gap" } @else { " gaps" }
                " between the epochs, together " (duration(total))
                @if n > 1 { ", the longest " (duration(longest)) }
                ". No window reaches across a gap."
            }
        }
    }
}
