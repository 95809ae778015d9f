//! What a model is, for people: its penalty and strength, and what its bins have beside response and features.

use std::fmt::Write;

use crate::glm::Curve;
use crate::regularizer::Regularizer;
use crate::write::model::RowTermNames;

/// What the bins have beside response and features, and a missing intercept.
pub(super) fn row_terms(terms: &RowTermNames, has_intercept: bool) -> String {
    let mut text = String::new();
    if !has_intercept {
        text.push_str(", no intercept");
    }
    for (what, name) in [("weights", &terms.weights), ("offset", &terms.offset)] {
        let _ = name.as_ref().map(|name| write!(text, ", {what} {name}"));
    }
    text
}

/// A penalty, whose strength is chosen by folds if there are some.
pub(super) fn penalty(regularizer: &Regularizer, n_folds: Option<usize>) -> String {
    match (regularizer.strength(), n_folds) {
        (Some(_), Some(n)) => {
            format!(", {} penalty, its strength by {n}-fold cross-validation", regularizer.name())
        }
        (Some(strength), None) => format!(", {} penalty of strength {strength}", regularizer.name()),
        (None, _) => String::new(),
    }
}

/// The strength that cross-validation chose.
pub(super) fn strength_line(strength: Option<f64>, curve: Option<&Curve>) -> String {
    let (Some(strength), Some(curve)) = (strength, curve) else { return String::new() };
    let k = curve.strengths.iter().position(|own| *own == strength).unwrap_or(curve.best);
    let [first, last] = [curve.strengths[0], curve.strengths[curve.strengths.len() - 1]];
    let end =
        if first < last && (strength == first || strength == last) { ", the end of those tried" } else { "" };
    if !curve.scores[k].is_finite() {
        return format!("strength {strength:.4e}{end}: no strength could be scored on held-out bins\n");
    }
    format!(
        "strength {strength:.4e}{end}: held-out log-likelihood {:.6} ± {:.6} per bin (best at {:.4e}, within one standard \
         error up to {:.4e})\n",
        curve.scores[k], curve.standard_errors[k], curve.strengths[curve.best], curve.strengths[curve.one_se]
    )
}
