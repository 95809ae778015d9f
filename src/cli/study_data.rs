//! The data of a model's study, out of another file.

use super::args::DataArgs;
use super::array_columns::column_list;
use super::arrays::{Format, arrays};
use super::data::{self, Data, Targets};
use super::progress::Progress;
use crate::features::DETECTED;
use crate::write::model::Study;
use crate::{Error, Result};

/// What a model knows of the data it was fitted to.
pub(super) struct Known<'m> {
    pub(super) study: &'m Study,
    /// Names of the columns.
    pub(super) labels: &'m [String],
    /// Names of the targets.
    pub(super) names: Vec<String>,
}

impl Known<'_> {
    /// Whether some feature counts spikes of units.
    pub(super) fn needs_units(&self) -> bool {
        match self.study {
            Study::Recording(study) => study.features.iter().any(|feature| feature.spec.units().is_some()),
            Study::Arrays(_) | Study::Nemos => false,
        }
    }

    /// The targets to predict: those of the model, or those chosen of them.
    ///
    /// # Errors
    /// [`Error::Unknown`] for one that the model does not have, where nothing in the data can tell one from another.
    pub(super) fn chosen(&self, choice: &DataArgs) -> Result<Vec<String>> {
        let is_all = choice.unit.is_empty() || choice.unit.iter().any(|unit| unit == "all");
        let names = match is_all {
            true if self.needs_units() && choice.detect_spikes.is_some() => vec![DETECTED.to_string()],
            true => self.names.clone(),
            false => choice.unit.clone(),
        };
        match names.iter().find(|name| !self.needs_units() && !self.names.contains(name)) {
            Some(name) => Err(self.unknown_target(name)),
            None => Ok(names),
        }
    }

    /// The number of the target of this name, or of the only one.
    ///
    /// # Errors
    /// [`Error::Unknown`] without one.
    pub(super) fn target(&self, name: &str) -> Result<usize> {
        match self.names.iter().position(|own| own == name) {
            Some(target) => Ok(target),
            // a model of one neuron may be tried on another
            None if self.names.len() == 1 => Ok(0),
            None => Err(self.unknown_target(name)),
        }
    }

    /// The number of the target of this name, by which the data have a place: those of a model of `NeMoS` have no names.
    ///
    /// # Errors
    /// [`Error::Unknown`] without one.
    pub(super) fn target_of(&self, place: usize, name: &str) -> Result<usize> {
        if matches!(self.study, Study::Nemos) { Ok(place) } else { self.target(name) }
    }

    /// Checks that a model of `NeMoS` has as many targets as were named.
    ///
    /// # Errors
    /// [`Error::Argument`] if it has not.
    pub(super) fn check_number(&self, n: usize, option: &str, found: &str) -> Result<()> {
        let expected = self.names.len();
        if !matches!(self.study, Study::Nemos) || n == expected {
            return Ok(());
        }
        let expected = format!("as many columns as the model has targets ({expected})");
        Err(Error::argument(option, expected, found, "name them in the order of the model"))
    }

    fn unknown_target(&self, name: &str) -> Error {
        Error::Unknown {
            kind: "target",
            name: name.into(),
            place: "the model".into(),
            present: self.names.clone(),
        }
    }
}

/// The data of the model's study, from the new file.
pub(super) fn data_of(
    model: &Known,
    choice: &DataArgs,
    targets: &Targets,
    limit_bytes: Option<u64>,
    progress: &Progress,
) -> Result<Data> {
    let mut choice = choice.clone();
    choice.take_row_terms(&model.study.row_terms(), *targets == Targets::Counted)?;
    match (model.study, Format::of(&choice)) {
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
                choice.unit = if detect.is_some() { vec![DETECTED.to_string()] } else { model.names.clone() };
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
fn check_targets(model: &Known, data: &Data) -> Result<()> {
    let (expected, found) = (model.names.len(), data.names.len());
    if expected == found {
        return Ok(());
    }
    let problem = format!("expected as many columns as the model has targets ({expected}), found {found}");
    Err(Error::object(&data.input.path, "counts", problem, "choose them with --y, in the order of the model"))
}

/// The columns of a csv file that the model's columns and targets are called after. Columns that are chosen and of
/// which the model knows none are its columns under other names, in its order.
fn by_name(model: &Known, mut choice: DataArgs, targets: &Targets, limit_bytes: Option<u64>) -> Result<Data> {
    let names = model.names.clone();
    let typed: Vec<String> = choice.x.iter().chain(&choice.y).cloned().collect();
    let is_chosen = choice.x.is_some();
    choice.x = choice.x.or_else(|| Some(column_list(model.labels)));
    let y = Some(column_list(&names)).filter(|_| *targets == Targets::Counted);
    choice.y = choice.y.or(y);
    let data = arrays(Format::Csv, &choice, targets, limit_bytes).map_err(|error| match error {
        Error::Unknown { kind: "column", name, present, .. }
            if !typed.iter().any(|list| list.contains(&name)) =>
        {
            let present = present.join(", ");
            if choice.row_term_columns().is_ok_and(|columns| columns.contains(&name)) {
                let problem = format!("expected the column {}, as of the model, found none", column_list(&[name]));
                let help = format!(
                    "--offset and --weights take NAME or FILE.npy, and --weights none leaves weights out; present are: \
                     {present}"
                );
                return Error::object(&choice.data, "weights and offset", problem, help);
            }
            let (object, problem, help) = if names.contains(&name) && !model.labels.contains(&name) {
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
    let is_known = data.labels[0].iter().any(|label| model.labels.contains(label));
    if is_chosen && !is_known { by_position(data, model) } else { Ok(data) }
}

/// Arrays have columns without names of their own: they are those of the model, in its order.
fn by_position(mut data: Data, model: &Known) -> Result<Data> {
    let (expected, found) = (model.labels.len(), data.labels[0].len());
    if expected != found {
        let problem = format!("expected the {expected} columns of the model, found {found}");
        let help = format!("the model has: {}", column_list(model.labels));
        return Err(Error::object(&data.input.path, "features", problem, help));
    }
    for piece in data.parts.iter_mut().flat_map(|part| &mut part.group.pieces) {
        piece.labels = model.labels.to_vec();
    }
    data.labels = vec![model.labels.to_vec()];
    Ok(data)
}
