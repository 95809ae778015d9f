//! `--test-against`: whether a fit explains more than a smaller model, by likelihood ratios.
//!
//! The smaller model is fitted once more, to the bins of the fit: one with a shorter window has more of its own, and likelihoods
//! of different bins do not compare.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::args::FitArgs;
use super::data::{Data, Part};
use super::engine::Engine;
use super::fit::fit_part;
use super::{mask, merge};
use crate::backend::Model;
use crate::features::Group;
use crate::glm::{FittedGlm, GlmSpec, LikelihoodRatio, PlanFrom, StandardErrors, TargetFit};
use crate::regularizer::Regularizer;
use crate::write::digest::digest_file;
use crate::write::model::{Input, ModelFile, RecordingStudy, Study};
use crate::{Error, Result};

/// A model to test against, read before anything is fitted.
pub(super) struct Smaller {
    input: Input,
    labels: Vec<String>,
    /// Names of its targets, and the columns that have an effect on each.
    targets: Vec<(String, Vec<String>)>,
    /// The study of a recording, whose features must be those of the fit.
    study: Option<RecordingStudy>,
}

/// The tests.
pub(super) struct Tested {
    input: Input,
    /// Names of the targets.
    names: Vec<String>,
    /// One per target, or why there is none.
    ratios: Vec<std::result::Result<LikelihoodRatio, String>>,
}

impl Smaller {
    /// Reads the model, if there is one to test against.
    ///
    /// # Errors
    /// Those of reading; [`Error::Argument`] beside a penalty, which leaves likelihoods below their maximum.
    pub(super) fn read(args: &FitArgs) -> Result<Option<Self>> {
        let Some(path) = Self::asked_for(args)? else { return Ok(None) };
        let model = ModelFile::load(path)?;
        let (own, other) = (args.model.model()?, model.fit.model);
        if own.observation.name() != other.observation.name() || own.inverse_link != other.inverse_link {
            let names =
                |model: Model| format!("{} with {}", model.observation.name(), model.inverse_link.name());
            let help = "fit the smaller model with the same --observation and --link";
            return Err(Error::argument("--test-against", names(own), names(other), help));
        }
        Self::check_terms(args, model.fit.has_intercept, &model.study)?;
        let is_used = |target: &TargetFit, column: usize| target.coef[column] != 0.0;
        let targets = model.fit.targets.iter().map(|target| (target.name.clone(), target));
        Self::new(path, &model.fit.labels, targets, is_used, &model.study).map(Some)
    }

    /// Checks that a smaller model has an intercept, and the offset, as the fit has.
    ///
    /// # Errors
    /// [`Error::Argument`] if it has not.
    pub(super) fn check_terms(args: &FitArgs, has_intercept: bool, study: &Study) -> Result<()> {
        let (intercepts, offsets) =
            ([!args.model.no_intercept, has_intercept], [args.data.offset.clone(), study.row_terms().offset]);
        if intercepts[0] != intercepts[1] || offsets[0] != offsets[1] {
            let words = |k: usize| {
                let intercept = if intercepts[k] { "an intercept" } else { "no intercept" };
                let offset =
                    offsets[k].as_ref().map_or("no offset".into(), |own| format!("the offset {own}"));
                format!("a model with {intercept} and {offset}")
            };
            let help = "fit the smaller model with the same --no-intercept and --offset";
            return Err(Error::argument("--test-against", words(0), words(1), help));
        }
        Ok(())
    }

    /// The file to test against, if there is one.
    ///
    /// # Errors
    /// [`Error::Argument`] beside a penalty, which leaves likelihoods below their maximum.
    pub(super) fn asked_for(args: &FitArgs) -> Result<Option<&PathBuf>> {
        if args.test_against.is_some() && args.penalty.is_some() {
            let help =
                "leave --regularizer out, or compare scores on held-out epochs (--compare, --test-epochs)";
            return Err(Error::argument("--test-against", "a fit without a penalty", "one with", help));
        }
        Ok(args.test_against.as_ref())
    }

    /// A model of any kind: its columns, its targets with their names, which columns have an effect on each, and what they
    /// were made of.
    ///
    /// # Errors
    /// Those of reading the file.
    pub(super) fn new<T>(
        path: &Path,
        labels: &[String],
        targets: impl Iterator<Item = (String, T)>,
        is_used: impl Fn(T, usize) -> bool,
        study: &Study,
    ) -> Result<Self>
    where
        T: Copy,
    {
        let input = Input { path: path.into(), sha256: digest_file(path)? };
        let study = if let Study::Recording(study) = study { Some(study.clone()) } else { None };
        let of_target = |(name, target): (String, T)| {
            let used = labels.iter().enumerate().filter(|(column, _)| is_used(target, *column));
            (name, used.map(|(_, label)| label.clone()).collect())
        };
        let targets: Vec<(String, Vec<String>)> = targets.map(of_target).collect();
        // a column that a mask kept from all targets is none of the model
        let is_used = |label: &&String| targets.iter().any(|(_, used)| used.contains(label));
        let labels = labels.iter().filter(is_used).cloned().collect();
        Ok(Self { input, labels, targets, study })
    }

    /// Fits the columns of the smaller model to the bins of the fit, and tests every target.
    ///
    /// # Errors
    /// [`Error::Argument`] if its columns are not among those of the fit, or are all of them; those of fitting.
    pub(super) fn test(
        self,
        on: &mut Engine,
        data: &Data,
        fit: &FittedGlm,
        spec: &GlmSpec,
    ) -> Result<Tested> {
        self.check_within(data, &fit.labels)?;
        let spec = Self::spec(spec).check()?;
        let mut fits = Vec::with_capacity(data.parts.len());
        for part in &data.parts {
            let own = self.part(part);
            let plan = own.plan(data, spec.get().memory_limit_bytes)?;
            fits.push(fit_part(on, data, &own, &plan, (&spec, None), &mut |_| {})?);
        }
        let smaller = merge::merge(data, fits)?;
        Ok(self.tested(data, |target| LikelihoodRatio::new((fit, target), (&smaller, target))))
    }

    /// How the smaller model is fitted where the fit has this specification.
    pub(super) fn spec(of_fit: &GlmSpec) -> GlmSpec {
        GlmSpec {
            regularizer: Regularizer::None,
            plan_from: PlanFrom::Sizes,
            standard_errors: StandardErrors::Off,
            n_histories: 0,
            covariance_of: Vec::new(),
            ..of_fit.clone()
        }
    }

    /// The tests of all targets.
    pub(super) fn tested(self, data: &Data, ratio: impl Fn(usize) -> Result<LikelihoodRatio>) -> Tested {
        let of_target = |target: usize| match self.unseen(data, target) {
            Some(column) => {
                Err(format!("the smaller model has the column {column}, which the fit does not see"))
            }
            None => ratio(target).map_err(|error| error.to_string()),
        };
        let ratios = (0..data.names.len()).map(of_target).collect();
        Tested { input: self.input, names: data.names.clone(), ratios }
    }

    /// A column that has an effect on a target in the smaller model and that the fit keeps from it.
    fn unseen(&self, data: &Data, target: usize) -> Option<&String> {
        let (_, used) = self.targets.iter().find(|(name, _)| *name == data.names[target])?;
        let part = data.parts.iter().find(|part| part.group.targets.contains(&target))?;
        let is_seen = |label: &String| part.group.pieces.iter().any(|piece| piece.labels.contains(label));
        used.iter().find(|label| !is_seen(label))
    }

    /// Checks that the model lies within a fit with these columns.
    ///
    /// # Errors
    /// [`Error::Argument`] if its columns are not among them, or are all of them.
    pub(super) fn check_within(&self, data: &Data, labels: &[String]) -> Result<()> {
        let what = format!("--test-against {}", self.input.path.display());
        if let Some(label) = self.labels.iter().find(|label| !labels.contains(label)) {
            let help = "test against a model whose columns are among those of the fit";
            return Err(Error::argument(what, "a model within the fit", format!("the column {label}"), help));
        }
        self.check_features(&what, data)?;
        if self.labels.len() == labels.len() {
            let help = "test against a model with fewer features";
            return Err(Error::argument(what, "a smaller model", "the same columns", help));
        }
        Ok(())
    }

    /// Columns of one name must be the same functions of the same signal.
    fn check_features(&self, what: &str, data: &Data) -> Result<()> {
        let Some(study) = &self.study else { return Ok(()) };
        let help = "fit the smaller model with the same bins, bases and ranges (range=a:b) as those features of the larger";
        if study.bin_s != data.bin_s {
            let found = format!("{} s", study.bin_s);
            return Err(Error::argument(what, format!("bins of {} s", data.bin_s), found, help));
        }
        for feature in &study.features {
            let own = data.features.iter().find(|own| own.name == feature.name);
            if own.is_none_or(|own| own.spec != feature.spec || own.ranges != feature.ranges) {
                let expected = own.map_or("a feature of the fit".into(), |own| own.spec.to_string());
                return Err(Error::argument(what, expected, feature.spec.to_string(), help));
            }
        }
        Ok(())
    }

    /// A part with the columns of the smaller model alone.
    pub(super) fn part(&self, part: &Part) -> Part {
        let labels = part.group.pieces.iter().flat_map(|piece| &piece.labels);
        let may: Vec<bool> = labels.map(|label| self.labels.contains(label)).collect();
        let group =
            Group { targets: part.group.targets.clone(), pieces: mask::pieces(&part.group.pieces, &may) };
        Part { group, used: part.used.clone() }
    }
}

impl Tested {
    /// The tests in a result.
    pub(super) fn json(&self) -> Value {
        let of_target = |(ratio, name): (&std::result::Result<LikelihoodRatio, String>, &String)| {
            let mut fields = Map::new();
            fields.insert("name".into(), name.clone().into());
            match ratio {
                Ok(ratio) => {
                    if let Value::Object(ratio) = json!(ratio) {
                        fields.extend(ratio);
                    }
                }
                Err(reason) => drop(fields.insert("left_out".into(), reason.clone().into())),
            }
            Value::Object(fields)
        };
        let targets: Vec<Value> = self.ratios.iter().zip(&self.names).map(of_target).collect();
        json!({ "model": self.input, "targets": targets })
    }

    /// The tests for people, one each, by what targets are called there.
    pub(super) fn lines(&self, titles: impl Iterator<Item = String>) -> Vec<String> {
        let line = |(ratio, title): (&std::result::Result<LikelihoodRatio, String>, String)| {
            let told = match ratio {
                Ok(ratio) => format!(
                    "likelihood ratio {:.4}, {} degrees of freedom, p = {:.2e}",
                    ratio.statistic, ratio.degrees_of_freedom, ratio.p_value
                ),
                Err(reason) => format!("not tested: {reason}"),
            };
            format!("{title} against {}: {told}", self.input.path.display())
        };
        self.ratios.iter().zip(titles).map(line).collect()
    }
}
