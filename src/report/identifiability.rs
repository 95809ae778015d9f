//! What the data do not determine: which columns repeat which.

use maud::{Markup, html};

use super::Report;
use super::page::{self, column};
use super::typeset::count;
use crate::glm::{Dependence, DeterminedBy};

/// Most equations that are shown.
const MOST_EQUATIONS: usize = 60;

/// Nothing if every coefficient is determined, or it was not looked for.
pub(super) fn told(report: &Report) -> Markup {
    let fit = report.fit;
    let Some(found) = fit.identifiability.as_ref().filter(|found| !found.is_whole()) else {
        return html! {};
    };
    let shown = &found.dependences[..found.dependences.len().min(MOST_EQUATIONS)];
    let of_feature =
        |name: &str| -> Vec<&Dependence> { shown.iter().filter(|own| own.feature == name).collect() };
    html! {
        h3 { "What the data do not determine" }
        p {
            "Here " (found.summary()) ". Along each of them no prediction changes when the coefficient of the column on the left "
            "grows and those on the right" @if found.has_intercept { ", with the intercept," } " make up for it."
        }
        (page::table("Columns that repeat others", html! { (column("feature")) (column("column")) (column("decided by")) }, html! {
            @for feature in &fit.features {
                @let own = of_feature(&feature.name);
                @if !own.is_empty() {
                    tbody {
                        @for (k, dependence) in own.iter().enumerate() {
                            tr {
                                th scope="row" { @if k == 0 { (feature.name) } }
                                td.text { code { (dependence.equation(&fit.features)) } }
                                td.text { (decided(dependence.determined_by)) }
                            }
                        }
                    }
                }
            }
        }))
        @if shown.len() < found.dependences.len() {
            p.note { (count(found.dependences.len() - shown.len())) " more are in " code { "fit.json" } "." }
        }
    }
}

fn decided(by: DeterminedBy) -> &'static str {
    match by {
        DeterminedBy::SmallestNorm => "smallest norm",
        DeterminedBy::LeavingOut => "left out: 0",
        DeterminedBy::Penalty => "the penalty",
        DeterminedBy::Kinks => "the penalty, one of its optima",
    }
}
