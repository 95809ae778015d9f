//! `--test-against`: whether a fit explains more than a smaller model, by likelihood ratios.
//!
//! The smaller model is fitted once more, to the bins of the fit: one with a shorter window has more of its own, and likelihoods
//! of different bins do not compare.

use serde_json::{Map, Value, json};

use super::args::FitArgs;
use super::data::{Data, Part};
use super::engine::Engine;
use super::fit::fit_part;
use super::{fit_text, mask, merge};
use crate::features::Group;
use crate::glm::{FittedGlm, GlmSpec, LikelihoodRatio, PlanFrom, StandardErrors, TargetFit};
use crate::regularizer::Regularizer;
use crate::solver::Status;
use crate::write::digest::digest_file;
use crate::write::model::{Input, ModelFile};
use crate::{Error, Result};

/// Why a target is not tested.
const OPEN: &str = "one of the two fits is not at an optimum";

/// A model to test against, read before anything is fitted.
pub(super) struct Smaller {
    input: Input,
    labels: Vec<String>,
}

/// The tests.
pub(super) struct Tested {
    input: Input,
    /// One per target; none of targets that are not at an optimum.
    ratios: Vec<Option<LikelihoodRatio>>,
}

impl Smaller {
    /// Reads the model, if there is one to test against.
    ///
    /// # Errors
    /// Those of reading; [`Error::Argument`] beside a penalty, which leaves likelihoods below their maximum.
    pub(super) fn read(args: &FitArgs) -> Result<Option<Self>> {
        let Some(path) = &args.test_against else { return Ok(None) };
        if args.penalty.is_some() {
            let help =
                "leave --regularizer out, or compare scores on held-out epochs (--compare, --test-epochs)";
            return Err(Error::argument("--test-against", "a fit without a penalty", "one with", help));
        }
        let model = ModelFile::load(path)?;
        let input = Input { path: path.clone(), sha256: digest_file(path)? };
        Ok(Some(Self { input, labels: model.fit.labels }))
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
        let what = format!("--test-against {}", self.input.path.display());
        if let Some(label) = self.labels.iter().find(|label| !fit.labels.contains(label)) {
            let help = "test against a model whose columns are among those of the fit";
            return Err(Error::argument(what, "a model within the fit", format!("the column {label}"), help));
        }
        if self.labels.len() == fit.labels.len() {
            let help = "test against a model with fewer features";
            return Err(Error::argument(what, "a smaller model", "the same columns", help));
        }
        let spec = GlmSpec {
            regularizer: Regularizer::None,
            plan_from: PlanFrom::Sizes,
            standard_errors: StandardErrors::Off,
            n_histories: 0,
            covariance_of: Vec::new(),
            ..spec.clone()
        };
        let spec = spec.check()?;
        let mut fits = Vec::with_capacity(data.parts.len());
        for part in &data.parts {
            let own = self.part(part);
            let plan = own.plan(&data.blocks, spec.get().memory_limit_bytes)?;
            fits.push(fit_part(on, data, &own, &plan, (&spec, None), &mut |_| {})?);
        }
        let smaller = merge::merge(data, fits)?;
        let ratio = |target: usize| {
            let are_open = [fit, &smaller].iter().any(|fit| fit.targets[target].status != Status::Converged);
            if are_open {
                Ok(None)
            } else {
                LikelihoodRatio::new((fit, target), (&smaller, target)).map(Some)
            }
        };
        let ratios = (0..fit.targets.len()).map(ratio).collect::<Result<_>>()?;
        Ok(Tested { input: self.input, ratios })
    }

    /// A part with the columns of the smaller model alone.
    fn part(&self, part: &Part) -> Part {
        let labels = part.group.pieces.iter().flat_map(|piece| &piece.labels);
        let may: Vec<bool> = labels.map(|label| self.labels.contains(label)).collect();
        let group =
            Group { targets: part.group.targets.clone(), pieces: mask::pieces(&part.group.pieces, &may) };
        Part { group, used: part.used.clone() }
    }
}

impl Tested {
    /// The tests in a result.
    pub(super) fn json(&self, fit: &FittedGlm) -> Value {
        let of_target = |(ratio, target): (&Option<LikelihoodRatio>, &TargetFit)| {
            let mut fields = Map::new();
            fields.insert("name".into(), target.name.clone().into());
            match json!(ratio) {
                Value::Object(ratio) => fields.extend(ratio),
                _ => drop(fields.insert("left_out".into(), OPEN.into())),
            }
            Value::Object(fields)
        };
        let targets: Vec<Value> = self.ratios.iter().zip(&fit.targets).map(of_target).collect();
        json!({ "model": self.input, "targets": targets })
    }

    /// The tests for people, a line each.
    pub(super) fn text(&self, data: &Data, fit: &FittedGlm) -> String {
        let line = |(ratio, target): (&Option<LikelihoodRatio>, &TargetFit)| {
            let told = match ratio {
                Some(ratio) => format!(
                    "likelihood ratio {:.4}, {} degrees of freedom, p = {:.2e}",
                    ratio.statistic, ratio.degrees_of_freedom, ratio.p_value
                ),
                None => format!("not tested: {OPEN}"),
            };
            format!("{} against {}: {told}\n", fit_text::title(data, target), self.input.path.display())
        };
        self.ratios.iter().zip(&fit.targets).map(line).collect()
    }
}
