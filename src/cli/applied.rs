//! A fitted model on data: what `score`, `predict` and comparisons begin with.

use std::path::Path;

use ndarray::Array1;

use super::args::DataArgs;
use super::array_columns::column_list;
use super::data::{Data, Targets};
use super::progress::Progress;
use super::study_data::{Known, data_of};
use crate::glm::{FittedGlm, Scores, score_weighted};
use crate::observation::Observe;
use crate::solver::Status;
use crate::write::model::{ModelFile, Study};
use crate::write::save::is_mixed;
use crate::{Error, Result};

/// A model, the data it was put on, and what it expects of them.
pub(super) struct Applied {
    pub(super) model: ModelFile,
    /// The data, with the features of the model's study; columns are called as in the model.
    pub(super) data: Data,
    /// The model's target for each target of the data.
    pub(super) fitted: Vec<usize>,
    /// Expected counts of every bin, one entry per target of the data; NaN where a feature is unknown.
    pub(super) expected: Vec<Array1<f64>>,
}

impl Applied {
    /// Reads a model file and puts the model on data; see [`Applied::new`].
    pub(super) fn load(
        model: &Path,
        choice: &DataArgs,
        limit_bytes: Option<u64>,
        progress: &Progress,
    ) -> Result<Self> {
        Self::new(ModelFile::load(model)?, choice, limit_bytes, progress)
    }

    /// Puts a model on data: whatever is not chosen is as in the model's study.
    ///
    /// Each target of the data takes the model's target of its name, or the only one.
    ///
    /// # Errors
    /// [`Error::Argument`] for data of another kind than the model's, [`Error::Unknown`] for a target that the model
    /// does not have, [`Error::Object`] for other columns; whatever reading returns.
    pub(super) fn new(
        model: ModelFile,
        choice: &DataArgs,
        limit_bytes: Option<u64>,
        progress: &Progress,
    ) -> Result<Self> {
        let data = data_of(&known(&model), choice, &Targets::Counted, limit_bytes, progress)?;
        Self::of(model, data)
    }

    /// The same on data whose counts nobody knows: the targets are those of the model, or those chosen of them.
    ///
    /// # Errors
    /// Those of [`Applied::new`].
    pub(super) fn predict(
        model: ModelFile,
        choice: &DataArgs,
        limit_bytes: Option<u64>,
        progress: &Progress,
    ) -> Result<Self> {
        let names = known(&model).chosen(choice)?;
        let data = data_of(&known(&model), choice, &Targets::Named(names), limit_bytes, progress)?;
        Self::of(model, data)
    }

    fn of(model: ModelFile, data: Data) -> Result<Self> {
        let data = Data { observation: model.fit.model.observation, ..data };
        let own = known(&model);
        let targets = data.names.iter().enumerate();
        let fitted: Vec<usize> = targets.map(|(k, name)| own.target_of(k, name)).collect::<Result<_>>()?;
        let expected = expected_counts(&model.fit, &fitted, &data)?;
        Ok(Self { model, data, fitted, expected })
    }

    /// What keeps results from meaning what they seem to; `done` says what was done: `scored` and `scores`.
    pub(super) fn notices(&self, path: &Path, choice: &DataArgs, done: [&str; 2]) -> Vec<String> {
        let targets = self.model.fit.targets.iter().enumerate().filter(|(k, _)| self.fitted.contains(k));
        let fitted = targets.map(|(_, target)| (&target.name, target.status));
        notices((path, &self.model.study), (choice, &self.data), fitted, done)
    }
}

/// What to say of a model file that is not of the run that the `fit.json` beside it is of.
pub(super) fn mixed(path: &Path) -> Option<String> {
    let said = "is not the file that the fit.json beside it lists: they are of different runs";
    is_mixed(path).then(|| format!("{} {said}", path.display()))
}

/// What keeps results of any model from meaning what they seem to: of a model file and its study on the data of a choice, by names and
/// statuses of the targets that were put on them; `done` says what was done: `scored` and `scores`.
pub(super) fn notices<'t>(
    (path, study): (&Path, &Study),
    (choice, data): (&DataArgs, &Data),
    fitted: impl Iterator<Item = (&'t String, Status)>,
    done: [&str; 2],
) -> Vec<String> {
    let mut notices = Vec::new();
    if let Some(weights) = &data.row_terms.names.weights {
        notices.push(format!("{} with the weights {weights}; --weights none leaves them out", done[0]));
    }
    notices.extend(mixed(path));
    if matches!(study, Study::Nemos) {
        notices.push(format!("{} is of NeMoS: it does not say whether it is at an optimum", path.display()));
        return notices;
    }
    for (name, status) in fitted.filter(|(_, status)| *status != Status::Converged) {
        notices.push(format!(
            "the model of {name} is not at an optimum ({}): its {} mean little",
            status.name(),
            done[1]
        ));
    }
    if let Study::Recording(study) = study
        && choice.epochs.is_empty()
        && choice.epoch.is_none()
    {
        let which = if study.input.sha256 == data.input.sha256 {
            "the epochs that were fitted"
        } else {
            "epochs of the same name as those fitted"
        };
        notices.push(format!("{} on {which}; --epochs TAG chooses others", done[0]));
    }
    notices
}

/// Expected counts of every bin, one entry per target of the data.
fn expected_counts(fit: &FittedGlm, fitted: &[usize], data: &Data) -> Result<Vec<Array1<f64>>> {
    let mut expected = vec![Array1::zeros(0); data.names.len()];
    for part in &data.parts {
        let sources = part.sources(&data.blocks)?;
        let labels: Vec<&String> = part.group.pieces.iter().flat_map(|piece| &piece.labels).collect();
        for &target in &part.group.targets {
            check_columns(fit, fitted[target], &labels, data)?;
            let offset = data.row_terms.offset.as_ref().map(|offset| offset.as_slice());
            expected[target] = fit.expected_counts(fitted[target], &sources, offset)?.into();
        }
    }
    Ok(expected)
}

/// Scores of a target of a fit on some bins of a target of the data.
///
/// # Errors
/// [`Error::Domain`] with the first row whose response is none that the model knows.
pub(super) fn scored(
    (fit, fitted): (&FittedGlm, usize),
    data: &Data,
    target: usize,
    bins: &[usize],
    expected: &Array1<f64>,
) -> Result<Scores> {
    let y: Vec<f64> = bins.iter().map(|&bin| data.y.get(bin, target)).collect();
    let mu: Vec<f64> = bins.iter().map(|&bin| expected[bin]).collect();
    let outside = |(k, &y): (usize, &f64)| Some((k, fit.model.observation.outside(y)?));
    match y.iter().enumerate().find_map(outside) {
        None => {
            let [weights, offset] = data.row_terms.of_bins(bins);
            let beside = [weights.as_deref(), offset.as_deref()];
            let own = &fit.targets[fitted];
            Ok(score_weighted(fit.model_of(own), own.scale, &y, &mu, beside))
        }
        Some((k, expected)) => Err(Error::Domain {
            what: data.response_of(target),
            row: data.row(bins[k]),
            column: target,
            expected,
            value: y[k],
        }),
    }
}

/// The data must have the columns that the target was fitted with, and no others.
fn check_columns(fit: &FittedGlm, fitted: usize, labels: &[&String], data: &Data) -> Result<()> {
    let problem =
        match (fit.missing_from(fitted, labels), labels.iter().find(|label| !fit.labels.contains(label))) {
            (None, None) => return Ok(()),
            (Some(missing), _) => format!("expected the columns of the model, found none called {missing}"),
            (None, Some(other)) => {
                format!("expected the columns of the model, found {other}, which it has not")
            }
        };
    let help = format!("the model has: {}", column_list(&fit.labels));
    Err(Error::object(&data.input.path, "features", problem, help))
}

/// What the model knows of its data.
fn known(model: &ModelFile) -> Known<'_> {
    let names = model.fit.targets.iter().map(|target| target.name.clone()).collect();
    Known { study: &model.study, labels: &model.fit.labels, names }
}
