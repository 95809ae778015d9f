//! A model of classes on data.

use std::path::Path;

use super::super::args::DataArgs;
use super::super::array_columns::column_list;
use super::super::arrays::Format;
use super::super::data::{Data, Targets};
use super::super::progress::Progress;
use super::super::study_data::{Known, data_of};
use super::labels::{Labels, of_columns, only_labelled};
use crate::glm::FittedCategorical;
use crate::math::dense::Matrix;
use crate::observation::Label;
use crate::solver::Status;
use crate::write::categorical::CategoricalFile;
use crate::write::save::is_mixed;
use crate::{Error, Result};

/// Probabilities of the classes of one target in every bin.
pub(super) struct Probabilities {
    /// What the columns of tables are called.
    pub(super) names: Vec<String>,
    /// Shape (bins, classes), NaN where a feature is unknown.
    pub(super) values: Matrix,
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

impl Applied {
    /// Puts a model on data whose labels nobody knows.
    pub(super) fn predict(
        path: &Path,
        choice: &DataArgs,
        limit_bytes: Option<u64>,
        progress: &Progress,
    ) -> Result<Self> {
        let model = CategoricalFile::load(path)?;
        let names = known(&model).chosen(choice)?;
        let data = data_of(&known(&model), choice, &Targets::Named(names), limit_bytes, progress)?;
        Self::of(model, data)
    }

    /// Puts a model on data with labels.
    pub(super) fn score(
        path: &Path,
        choice: &DataArgs,
        limit_bytes: Option<u64>,
        progress: &Progress,
    ) -> Result<(Self, Labels)> {
        let model = CategoricalFile::load(path)?;
        let own = known(&model);
        if let Some(weights) = &choice.weights {
            let help = "leave it out: every bin of a categorical model counts once";
            return Err(Error::argument("--weights", "a model of another kind", weights, help));
        }
        if Format::of(choice) != Some(Format::Csv) {
            let mut data = data_of(&own, choice, &Targets::Counted, limit_bytes, progress)?;
            only_labelled(&mut data, &Labels::Numbers, choice.nan)?;
            return Ok((Self::of(model, data)?, Labels::Numbers));
        }
        // labels may be texts: the features first, then these
        let y = choice.y.clone().unwrap_or_else(|| column_list(&own.names));
        let names: Vec<String> = if choice.y.is_some() && own.names.len() == 1 {
            vec![y.trim().trim_matches('"').into()]
        } else {
            own.names.clone()
        };
        if choice.y.is_some() && y != column_list(&own.names) && own.names.len() > 1 {
            let expected = format!("the columns of all targets: {}", column_list(&own.names));
            return Err(Error::argument("--y", expected, y, "leave it out, or call the columns so"));
        }
        let features = DataArgs { y: None, ..choice.clone() };
        let targets = Targets::Named(names);
        let mut data = data_of(&own, &features, &targets, limit_bytes, progress)?;
        let is_text = |name: &String| -> Result<bool> {
            let classes = &model.fit.targets[own.target(name)?].classes;
            Ok(classes.iter().any(|class| matches!(class, Label::Text(_))))
        };
        let texts: Vec<bool> = data.names.iter().map(is_text).collect::<Result<_>>()?;
        let labels = of_columns(&mut data, choice, &y, &texts, limit_bytes)?;
        Ok((Self::of(model, data)?, labels))
    }

    fn of(model: CategoricalFile, data: Data) -> Result<Self> {
        let own = known(&model);
        let fitted: Vec<usize> = data.names.iter().map(|name| own.target(name)).collect::<Result<_>>()?;
        let probabilities = probabilities(&model.fit, &fitted, &data)?;
        Ok(Self { model, data, fitted, probabilities })
    }

    /// What keeps results from meaning what they seem to; `what` they are: `scores`.
    pub(super) fn notices(&self, path: &Path, what: &str) -> Vec<String> {
        let mut notices = Vec::new();
        if is_mixed(path) {
            notices.push(format!(
                "{} is not the file that the fit.json beside it lists: they are of different runs",
                path.display()
            ));
        }
        for (target, own) in self.model.fit.targets.iter().enumerate() {
            if self.fitted.contains(&target) && own.status != Status::Converged {
                let (name, status) = (&own.name, own.status.name());
                notices.push(format!(
                    "the model of {name} is not at an optimum ({status}): its {what} mean little"
                ));
            }
        }
        notices
    }
}

/// Probabilities of every target of the data, by the target of the model that is `fitted` to it.
pub(super) fn probabilities(
    fit: &FittedCategorical,
    fitted: &[usize],
    data: &Data,
) -> Result<Vec<Probabilities>> {
    let mut all = Vec::with_capacity(data.names.len());
    for (target, name) in data.names.iter().enumerate() {
        let part = data.parts.iter().find(|part| part.group.targets.contains(&target));
        let sources = part.map_or(Ok(Vec::new()), |part| part.sources(&data.blocks))?;
        let values = fit.probabilities(fitted[target], &sources).map_err(|error| match error {
            Error::Unknown { kind: "column", name, place, .. } => {
                let problem = format!("expected the columns of the model, but {name} is not in {place}");
                let help = format!("the model has: {}", column_list(&fit.labels));
                Error::object(&data.input.path, "features", problem, help)
            }
            other => other,
        })?;
        let of_class = |class: &Label| format!("probability_{name}_{class}");
        let names = fit.targets[fitted[target]].classes.iter().map(of_class).collect();
        all.push(Probabilities { names, values });
    }
    Ok(all)
}

/// Labels as texts, empty where there is none.
pub(super) fn label_texts<'l>(labels: impl Iterator<Item = Option<&'l Label>>) -> Vec<String> {
    labels.map(|label| label.map_or(String::new(), ToString::to_string)).collect()
}
