//! Scores of labels, and which classes are taken for which.

use serde::Serialize;

use super::super::data::Data;
use super::applied::Probabilities;
use super::labels::Labels;
use crate::glm::{Confusion, Labelled, Scores, confusion, score_weighted_classes};
use crate::observation::Label;
use crate::{Error, Result};

/// How well the probabilities of one target agree with its labels over some bins.
#[derive(Clone, Debug, Serialize)]
pub(in super::super) struct ClassScores {
    #[serde(flatten)]
    pub(super) scores: Scores,
    #[serde(flatten)]
    pub(super) confusion: Confusion,
}

impl ClassScores {
    /// Scores of labels whose probabilities were not computed.
    pub(super) fn unknown(scores: &Scores) -> Self {
        let confusion = Confusion { accuracy: f64::NAN, confusion: Vec::new() };
        Self { scores: scores.clone(), confusion }
    }

    /// Those of labels that are classes of the probabilities, with the weights of the data and beside their offset.
    pub(super) fn new(data: &Data, response: &Labelled, found: &Probabilities, bins: &[usize]) -> Self {
        let terms = [&data.row_terms.weights, &data.row_terms.offset];
        let beside = terms.map(|values| values.as_ref().map(|values| values.as_slice()));
        Self {
            scores: score_weighted_classes(response, &found.logarithms, bins, beside),
            confusion: confusion(response, &found.logarithms, bins),
        }
    }
}

/// The labels of a target as classes of a model.
///
/// # Errors
/// [`Error::Object`] with the first used row whose label is none of them, and what helps.
pub(super) fn of_classes(
    labels: &Labels,
    data: &Data,
    target: usize,
    (classes, help): (&[Label], &str),
) -> Result<Labelled> {
    let (used, response) = (data.used(target), labels.of(data, target));
    let is_unknown =
        |&bin: &usize| response.code(bin).is_some_and(|code| !classes.contains(&response.classes()[code]));
    let unknown = used.iter().copied().find(is_unknown);
    response.of_classes(classes, used).map_err(|error| match (error, unknown) {
        (Error::Unknown { name, present, .. }, Some(bin)) => {
            let object = format!("row {}", data.row(bin));
            let problem = format!("expected a class of the model ({}), found {name:?}", present.join(", "));
            Error::object(&data.input.path, object, problem, help)
        }
        (other, _) => other,
    })
}
