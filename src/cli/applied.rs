//! A fitted model on data: what `score`, `predict` and comparisons begin with.

use std::path::Path;

use ndarray::Array1;

use super::args::DataArgs;
use super::array_columns::column_list;
use super::arrays::{Format, arrays};
use super::data::{self, Data, Targets};
use super::progress::Progress;
use crate::features::DETECTED;
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
        let data = data_of(&model, choice, &Targets::Counted, limit_bytes, progress)?;
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
        let needs_units = match &model.study {
            Study::Recording(study) => study.features.iter().any(|feature| feature.spec.units().is_some()),
            Study::Arrays(_) | Study::Nemos => false,
        };
        let is_all = choice.unit.is_empty() || choice.unit.iter().any(|unit| unit == "all");
        let names = match is_all {
            true if needs_units && choice.detect_spikes.is_some() => vec![DETECTED.to_string()],
            true => target_names(&model.fit),
            false => choice.unit.clone(),
        };
        if !needs_units {
            // nothing in the data can tell one target from another
            let known = target_names(&model.fit);
            if let Some(name) = names.iter().find(|name| !known.contains(name)) {
                return Err(unknown_target(&model.fit, name));
            }
        }
        let data = data_of(&model, choice, &Targets::Named(names), limit_bytes, progress)?;
        Self::of(model, data)
    }

    fn of(model: ModelFile, data: Data) -> Result<Self> {
        let data = Data { observation: model.fit.model.observation, ..data };
        let of_name = |name: &String| model_target(&model.fit, name);
        let fitted: Vec<usize> = match &model.study {
            Study::Nemos => (0..data.names.len()).collect(),
            _ => data.names.iter().map(of_name).collect::<Result<_>>()?,
        };
        let expected = expected_counts(&model.fit, &fitted, &data)?;
        Ok(Self { model, data, fitted, expected })
    }

    /// What keeps results from meaning what they seem to; `done` says what was done: `scored` and `scores`.
    pub(super) fn notices(&self, path: &Path, choice: &DataArgs, done: [&str; 2]) -> Vec<String> {
        let mut notices = Vec::new();
        if is_mixed(path) {
            notices.push(format!(
                "{} is not the file that the fit.json beside it lists: they are of different runs",
                path.display()
            ));
        }
        if matches!(self.model.study, Study::Nemos) {
            notices
                .push(format!("{} is of NeMoS: it does not say whether it is at an optimum", path.display()));
            return notices;
        }
        let targets = self.model.fit.targets.iter().enumerate().filter(|(k, _)| self.fitted.contains(k));
        for (_, target) in targets.filter(|(_, target)| target.status != Status::Converged) {
            let (name, status) = (&target.name, target.status.name());
            notices.push(format!(
                "the model of {name} is not at an optimum ({status}): its {} mean little",
                done[1]
            ));
        }
        if let Study::Recording(study) = &self.model.study
            && choice.epochs.is_empty()
            && choice.epoch.is_none()
        {
            let which = if study.input.sha256 == self.data.input.sha256 {
                "the epochs that were fitted"
            } else {
                "epochs of the same name as those fitted"
            };
            notices.push(format!("{} on {which}; --epochs TAG chooses others", done[0]));
        }
        notices
    }
}

/// The data of the model's study, from the new file.
fn data_of(
    model: &ModelFile,
    choice: &DataArgs,
    targets: &Targets,
    limit_bytes: Option<u64>,
    progress: &Progress,
) -> Result<Data> {
    let mut choice = choice.clone();
    choice.take_row_terms(&model.study.row_terms())?;
    match (&model.study, Format::of(&choice)) {
        (Study::Arrays(_), None) => Err(other_kind("an npz, npy, csv or HDF5 file", &choice)),
        (Study::Nemos, None) => Err(no_study(&choice)),
        (Study::Nemos, Some(format)) => {
            let data = by_position(arrays(format, &choice, targets, limit_bytes)?, model)?;
            check_targets(model, &data).map(|()| data)
        }
        (Study::Recording(_), Some(_)) => Err(other_kind("an NWB file", &choice)),
        (Study::Arrays(_), Some(Format::Csv)) => by_name(model, choice, targets, limit_bytes),
        (Study::Arrays(study), Some(format)) => {
            // another file of the same format has the same arrays in it
            if format != Format::Npy && Format::of_path(&study.input.path) == Some(format) {
                choice.x = choice.x.or_else(|| study.x.clone());
                let y = Some(study.y.clone()).filter(|_| *targets == Targets::Counted);
                choice.y = choice.y.or(y);
            }
            by_position(arrays(format, &choice, targets, limit_bytes)?, model)
        }
        (Study::Recording(study), None) => {
            if choice.epochs.is_empty() {
                choice.epochs.clone_from(&study.selectors);
                choice.epoch = choice.epoch.or(study.epoch);
            }
            let mut detect = choice.detect_spikes.as_ref();
            if choice.unit.is_empty() {
                choice.unit =
                    if detect.is_some() { vec![DETECTED.to_string()] } else { target_names(&model.fit) };
                detect = detect.or(study.detect_spikes.as_ref());
            }
            data::recording(
                &choice,
                targets,
                study.bin_s,
                detect,
                study.features.clone(),
                limit_bytes,
                progress,
            )
        }
    }
}

fn other_kind(expected: &str, choice: &DataArgs) -> Error {
    let expected = format!("{expected}, as the model was fitted to");
    let help = "use a model on the kind of data that it was fitted to";
    Error::argument("data", expected, choice.data.display().to_string(), help)
}

fn no_study(choice: &DataArgs) -> Error {
    let expected =
        "arrays of its features (npz, npy, csv, h5): a model of NeMoS names no signals, bases or bins";
    let help = "make the features first: `rheobase fit RECORDING .. --out DIR` writes them to DIR/tables/features.csv";
    Error::argument("data", expected, choice.data.display().to_string(), help)
}

/// Targets of a model of `NeMoS` have no names: they are those of the data, in their order.
fn check_targets(model: &ModelFile, data: &Data) -> Result<()> {
    let (expected, found) = (model.fit.targets.len(), data.names.len());
    if expected == found {
        return Ok(());
    }
    let problem = format!("expected as many columns as the model has targets ({expected}), found {found}");
    Err(Error::object(&data.input.path, "counts", problem, "choose them with --y, in the order of the model"))
}

/// The columns of a csv file that the model's columns and targets are called after. Columns that are chosen and of
/// which the model knows none are its columns under other names, in its order.
fn by_name(
    model: &ModelFile,
    mut choice: DataArgs,
    targets: &Targets,
    limit_bytes: Option<u64>,
) -> Result<Data> {
    let names = target_names(&model.fit);
    let typed: Vec<String> = choice.x.iter().chain(&choice.y).cloned().collect();
    let is_chosen = choice.x.is_some();
    choice.x = choice.x.or_else(|| Some(column_list(&model.fit.labels)));
    let y = Some(column_list(&names)).filter(|_| *targets == Targets::Counted);
    choice.y = choice.y.or(y);
    let data = arrays(Format::Csv, &choice, targets, limit_bytes).map_err(|error| match error {
        Error::Unknown { kind: "column", name, present, .. }
            if !typed.iter().any(|list| list.contains(&name)) =>
        {
            let present = present.join(", ");
            let (object, problem, help) = if names.contains(&name) && !model.fit.labels.contains(&name) {
                let help =
                    if names.len() == 1 { "names the column of the counts" } else { "chooses some of them" };
                ("counts", "the targets of the model", format!("--y COL {help}; present are: {present}"))
            } else {
                let help = format!("--x COL,COL names them in their order; present are: {present}");
                ("features", "the columns of the model", help)
            };
            let problem = format!("expected {problem}, found no column {}", column_list(&[name]));
            Error::object(&choice.data, object, problem, help)
        }
        other => other,
    })?;
    let is_known = data.labels[0].iter().any(|label| model.fit.labels.contains(label));
    if is_chosen && !is_known { by_position(data, model) } else { Ok(data) }
}

/// Arrays have columns without names of their own: they are those of the model, in its order.
fn by_position(mut data: Data, model: &ModelFile) -> Result<Data> {
    let (expected, found) = (model.fit.labels.len(), data.labels[0].len());
    if expected != found {
        let problem = format!("expected the {expected} columns of the model, found {found}");
        let help = format!("the model has: {}", column_list(&model.fit.labels));
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
        let sources = part.sources(&data.blocks)?;
        let labels: Vec<&String> = part.group.pieces.iter().flat_map(|piece| &piece.labels).collect();
        for &target in &part.group.targets {
            check_columns(fit, fitted[target], &labels, data)?;
            let offset = data.row_terms.offset.as_ref().map(|offset| offset.as_slice());
            expected[target] = fit.expected_counts(fitted[target], &sources, offset).into();
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

fn model_target(fit: &FittedGlm, name: &str) -> Result<usize> {
    match fit.targets.iter().position(|target| target.name == name) {
        Some(target) => Ok(target),
        // a model of one neuron may be tried on another
        None if fit.targets.len() == 1 => Ok(0),
        None => Err(unknown_target(fit, name)),
    }
}

fn target_names(fit: &FittedGlm) -> Vec<String> {
    fit.targets.iter().map(|target| target.name.clone()).collect()
}

fn unknown_target(fit: &FittedGlm, name: &str) -> Error {
    Error::Unknown {
        kind: "target",
        name: name.into(),
        place: "the model".into(),
        present: target_names(fit),
    }
}
