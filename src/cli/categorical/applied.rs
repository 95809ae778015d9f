//! A model of classes on data.

use std::collections::HashMap;
use std::path::Path;

use super::super::applied;
use super::super::args::DataArgs;
use super::super::array_columns::{column_list, column_names as columns_of};
use super::super::arrays::Format;
use super::super::data::{Data, Targets};
use super::super::progress::Progress;
use super::super::study_data::{Known, data_of};
use super::labels::{Kind, Labels, of_columns, only_labelled};
use crate::glm::FittedCategorical;
use crate::math::dense::Matrix;
use crate::observation::Label;
use crate::read::npz_entries::{Entry, EntryValues};
use crate::write::categorical::CategoricalFile;
use crate::{Error, Result};

/// Probabilities of the classes of one target in every bin.
pub(in super::super) struct Probabilities {
    /// What the columns of tables are called.
    pub(super) names: Vec<String>,
    /// Their logarithms, shape (bins, classes), NaN where a feature is unknown: a probability may be too small for a number.
    pub(super) logarithms: Matrix,
}

impl Probabilities {
    /// Themselves.
    pub(super) fn values(&self) -> Matrix {
        self.logarithms.mapv(f64::exp)
    }
}

/// A model, the data it was put on, and what it expects of them.
pub(super) struct Applied {
    pub(super) model: CategoricalFile,
    pub(super) data: Data,
    /// The model's target for each target of the data.
    pub(super) fitted: Vec<usize>,
    pub(super) probabilities: Vec<Probabilities>,
}

fn known(model: &CategoricalFile) -> Known<'_> {
    let names = model.fit.targets.iter().map(|target| target.name.clone()).collect();
    Known { study: &model.study, labels: &model.fit.labels, names }
}

/// Data whose offset has a column for each class.
pub(super) fn of_classes(choice: &DataArgs) -> DataArgs {
    DataArgs { offset_of_classes: true, ..choice.clone() }
}

impl Applied {
    /// Puts a model on data whose labels nobody knows.
    pub(super) fn predict(
        path: &Path,
        choice: &DataArgs,
        limit_bytes: Option<u64>,
        progress: &Progress,
    ) -> Result<Self> {
        let (model, choice) = (CategoricalFile::load(path)?, &of_classes(choice));
        let names = known(&model).chosen(choice)?;
        let data = data_of(&known(&model), choice, &Targets::Named(names), limit_bytes, progress)?;
        Self::of(model, data)
    }

    /// Reads a model file and puts the model on data with labels.
    pub(super) fn score(
        path: &Path,
        choice: &DataArgs,
        limit_bytes: Option<u64>,
        progress: &Progress,
    ) -> Result<(Self, Labels)> {
        Self::labelled(CategoricalFile::load(path)?, choice, limit_bytes, progress)
    }

    /// Puts a model on data with labels.
    pub(super) fn labelled(
        model: CategoricalFile,
        choice: &DataArgs,
        limit_bytes: Option<u64>,
        progress: &Progress,
    ) -> Result<(Self, Labels)> {
        let (data, labels) = labelled_data(&model, choice, limit_bytes, progress)?;
        Ok((Self::of(model, data)?, labels))
    }

    fn of(model: CategoricalFile, data: Data) -> Result<Self> {
        let own = known(&model);
        let targets = data.names.iter().enumerate();
        let fitted: Vec<usize> = targets.map(|(k, name)| own.target_of(k, name)).collect::<Result<_>>()?;
        let probabilities = probabilities(&model.fit, &fitted, &data)?;
        Ok(Self { model, data, fitted, probabilities })
    }

    /// What keeps results from meaning what they seem to; `done` says what was done: `scored` and `scores`.
    pub(super) fn notices(&self, path: &Path, choice: &DataArgs, done: [&str; 2]) -> Vec<String> {
        let targets = self.model.fit.targets.iter().enumerate().filter(|(k, _)| self.fitted.contains(k));
        let fitted = targets.map(|(_, target)| (&target.name, target.status));
        applied::notices((path, &self.model.study), (choice, &self.data), fitted, done)
    }
}

/// The data of a model's study with labels, out of another file.
pub(super) fn labelled_data(
    model: &CategoricalFile,
    choice: &DataArgs,
    limit_bytes: Option<u64>,
    progress: &Progress,
) -> Result<(Data, Labels)> {
    let (own, choice) = (known(model), &of_classes(choice));
    if Format::of(choice) != Some(Format::Csv) {
        let mut data = data_of(&own, choice, &Targets::Counted, limit_bytes, progress)?;
        only_labelled(&mut data, &Labels::Numbers, choice.nan)?;
        return Ok((data, Labels::Numbers));
    }
    // labels may be texts: the features first, then these
    let y = choice.y.clone().unwrap_or_else(|| column_list(&own.names));
    let names = match columns_of("--y", &y)? {
        // a name that holds a comma may stand alone
        _ if own.names.len() == 1 && choice.y.is_some() => vec![y.trim().trim_matches('"').into()],
        names => names,
    };
    let mut features = DataArgs { y: None, ..choice.clone() };
    // targets that are named have no weights of the model's own
    features.take_row_terms(&model.study.row_terms(), true)?;
    let mut kinds = Vec::with_capacity(names.len());
    own.check_number(names.len(), "--y", &y)?;
    for (k, name) in names.iter().enumerate() {
        let classes = &model.fit.targets[own.target_of(k, name)?].classes;
        let is_text = classes.iter().any(|class| matches!(class, Label::Text(_)));
        kinds.push(if is_text { Kind::Texts } else { Kind::Numbers });
    }
    let targets = Targets::Named(names);
    let mut data = data_of(&own, &features, &targets, limit_bytes, progress)?;
    let labels = of_columns(&mut data, choice, &y, &kinds, limit_bytes)?;
    Ok((data, labels))
}

/// Probabilities of every target of the data, by the target of the model that is `fitted` to it.
pub(super) fn probabilities(
    fit: &FittedCategorical,
    fitted: &[usize],
    data: &Data,
) -> Result<Vec<Probabilities>> {
    let mut all = Vec::with_capacity(data.names.len());
    for target in 0..data.names.len() {
        let part = data.parts.iter().find(|part| part.group.targets.contains(&target));
        let sources = part.map_or(Ok(Vec::new()), |part| part.sources(&data.blocks))?;
        let offset = data.row_terms.offset.as_ref().map(|offset| offset.as_slice());
        check_classes(fit, fitted[target], data)?;
        let found = fit.log_probabilities_beside(fitted[target], &sources, offset);
        let logarithms = found.map_err(|error| match error {
            Error::Unknown { kind: "column", name, place, .. } => {
                let problem = format!("expected the columns of the model, but {name} is not in {place}");
                let help = format!("the model has: {}", column_list(&fit.labels));
                Error::object(&data.input.path, "features", problem, help)
            }
            other => other,
        })?;
        all.push(Probabilities { names: Vec::new(), logarithms });
    }
    let classes = fitted.iter().map(|&target| fit.targets[target].classes.as_slice());
    let names = column_names(&data.names, &classes.collect::<Vec<_>>());
    all.iter_mut().zip(names).for_each(|(own, names)| own.names = names);
    Ok(all)
}

/// An offset has a column for each class of the target.
fn check_classes(fit: &FittedCategorical, fitted: usize, data: &Data) -> Result<()> {
    let (own, n) = (&fit.targets[fitted], data.row_terms.n_offsets);
    match &data.row_terms.names.offset {
        Some(offset) if n != own.n_classes() => {
            let classes: Vec<String> = own.classes.iter().map(ToString::to_string).collect();
            let expected = format!("a column for each of the {} classes of {}", classes.len(), own.name);
            let help = format!("give the classes in their order: {}", column_list(&classes));
            Err(Error::argument("--offset", expected, format!("{offset} with {n}"), help))
        }
        _ => Ok(()),
    }
}

/// `probability_NAME_CLASS` of every target and class; names that would be those of several columns end in the numbers of target and
/// class, from 0.
fn column_names(targets: &[String], classes: &[&[Label]]) -> Vec<Vec<String>> {
    let plain = |name: &String, class: &Label| format!("probability_{name}_{class}");
    let mut n_columns: HashMap<String, usize> = HashMap::new();
    for (name, classes) in targets.iter().zip(classes) {
        classes.iter().for_each(|class| *n_columns.entry(plain(name, class)).or_default() += 1);
    }
    let of_target = |(target, (name, classes)): (usize, (&String, &&[Label]))| {
        let of_class = |(k, class): (usize, &Label)| {
            let own = plain(name, class);
            if n_columns.get(&own) == Some(&1) { own } else { format!("{own} (target {target}, class {k})") }
        };
        classes.iter().enumerate().map(of_class).collect()
    };
    targets.iter().zip(classes).enumerate().map(of_target).collect()
}

/// Labels as texts, empty where there is none.
pub(super) fn label_texts<'l>(labels: impl Iterator<Item = Option<&'l Label>>) -> Vec<String> {
    labels.map(|label| label.map_or(String::new(), ToString::to_string)).collect()
}

/// Labels that are some of the classes of a target as an array of this shape: numbers, NaN where there is none, if all classes are
/// numbers that `f64` holds to the last digit, else texts, empty where there is none.
pub(super) fn label_array<'l>(
    labels: impl Iterator<Item = Option<&'l Label>>,
    classes: &[Label],
    shape: Vec<usize>,
) -> Entry {
    let number = |label: Option<&Label>| label.and_then(Label::exact).unwrap_or(f64::NAN);
    let values = if classes.iter().all(|class| class.exact().is_some()) {
        EntryValues::Numbers(labels.map(number).collect())
    } else {
        EntryValues::Texts(label_texts(labels))
    };
    Entry { shape, values }
}

/// The classes of a target as an array of the same kind.
pub(super) fn class_array(classes: &[Label]) -> Entry {
    label_array(classes.iter().map(Some), classes, vec![classes.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_columns_have_one_name() {
        let labels = |texts: &[&str]| -> Vec<Label> { texts.iter().map(|text| Label::from(*text)).collect() };
        let (a, b) = (labels(&["b_c", "d"]), labels(&["c", "e"]));
        let names = column_names(&["a".into(), "a_b".into()], &[&a, &b]);
        assert_eq!(names[0], ["probability_a_b_c (target 0, class 0)", "probability_a_d"]);
        assert_eq!(names[1], ["probability_a_b_c (target 1, class 0)", "probability_a_b_e"]);
        let mixed = [Label::from(1), Label::from("1")];
        let names = column_names(&["y".into()], &[&mixed]);
        assert_ne!(names[0][0], names[0][1]);
    }
}
