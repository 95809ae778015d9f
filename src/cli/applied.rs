//! A fitted model on data: what `score`, `predict` and comparisons begin with.

use std::path::Path;

use ndarray::Array1;

use super::args::DataArgs;
use super::data::{self, Data, is_arrays};
use super::progress::Progress;
use crate::glm::FittedGlm;
use crate::write::model::{ModelFile, Study};
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
        let data = data_of(&model, choice, limit_bytes, progress)?;
        let of_name = |name: &String| model_target(&model.fit, name);
        let fitted: Vec<usize> = data.names.iter().map(of_name).collect::<Result<_>>()?;
        let expected = expected_counts(&model.fit, &fitted, &data)?;
        Ok(Self { model, data, fitted, expected })
    }
}

/// The data of the model's study, from the new file.
fn data_of(
    model: &ModelFile,
    choice: &DataArgs,
    limit_bytes: Option<u64>,
    progress: &Progress,
) -> Result<Data> {
    let wrong_kind = |expected: &str| {
        let help = "score a model on the kind of data that it was fitted to";
        Err(Error::argument("data", expected, choice.data.display().to_string(), help))
    };
    let mut choice = choice.clone();
    match &model.study {
        Study::Arrays(_) if !is_arrays(&choice.data) => {
            wrong_kind("an npz or npy file, as the model was fitted to")
        }
        Study::Arrays(study) => {
            if choice.data.extension().is_some_and(|ending| ending == "npz") {
                choice.x = choice.x.or_else(|| study.x.clone());
                choice.y = choice.y.or_else(|| study.x.is_some().then(|| study.y.clone()));
            }
            by_position(data::arrays(&choice, limit_bytes)?, model)
        }
        Study::Recording(_) if is_arrays(&choice.data) => {
            wrong_kind("an NWB file, as the model was fitted to")
        }
        Study::Recording(study) => {
            if choice.epochs.is_empty() {
                choice.epochs.clone_from(&study.selectors);
                choice.epoch = choice.epoch.or(study.epoch);
            }
            let mut detect = choice.detect_spikes.as_ref();
            if choice.unit.is_empty() {
                choice.unit = model.fit.targets.iter().map(|target| target.name.clone()).collect();
                detect = detect.or(study.detect_spikes.as_ref());
            }
            data::recording(&choice, study.bin_s, detect, study.features.clone(), limit_bytes, progress)
        }
    }
}

/// Arrays have columns without names of their own: they are those of the model, in its order.
fn by_position(mut data: Data, model: &ModelFile) -> Result<Data> {
    let (expected, found) = (model.fit.labels.len(), data.labels[0].len());
    if expected != found {
        let problem = format!("expected the {expected} columns of the model, found {found}");
        let help = format!("the model has: {}", model.fit.labels.join(", "));
        return Err(Error::object(&data.input.path, "features", problem, help));
    }
    for piece in data.parts.iter_mut().flat_map(|part| &mut part.group.pieces) {
        piece.labels.clone_from(&model.fit.labels);
    }
    data.labels = vec![model.fit.labels.clone()];
    Ok(data)
}

/// Expected counts of every bin, one entry per target of the data.
fn expected_counts(fit: &FittedGlm, fitted: &[usize], data: &Data) -> Result<Vec<Array1<f64>>> {
    let mut expected = vec![Array1::zeros(0); data.names.len()];
    for part in &data.parts {
        let sources = part.sources(&data.blocks);
        let labels: Vec<&String> = part.group.pieces.iter().flat_map(|piece| &piece.labels).collect();
        for &target in &part.group.targets {
            check_columns(fit, fitted[target], &labels, data)?;
            expected[target] = fit.expected_counts(fitted[target], &sources).into();
        }
    }
    Ok(expected)
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
    let help = format!("the model has: {}", fit.labels.join(", "));
    Err(Error::object(&data.input.path, "features", problem, help))
}

fn model_target(fit: &FittedGlm, name: &str) -> Result<usize> {
    match fit.targets.iter().position(|target| target.name == name) {
        Some(target) => Ok(target),
        // a model of one neuron may be tried on another
        None if fit.targets.len() == 1 => Ok(0),
        None => Err(Error::Unknown {
            kind: "target",
            name: name.into(),
            place: "the model".into(),
            present: fit.targets.iter().map(|target| target.name.clone()).collect(),
        }),
    }
}
