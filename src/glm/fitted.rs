//! The result of a fit.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use ndarray::ArrayView2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::curve::Curve;
use super::identifiability::Identifiability;
use super::plan::Plan;
use super::score::Scores;
use crate::backend::Model;
use crate::design::{DesignPlan, FeatureColumns, Offset, Source, Values};
use crate::math::dense::Matrix;
use crate::number;
use crate::observation::Null;
use crate::regularizer::Regularizer;
use crate::solver::{Iterate, Status};
use crate::{Error, Result};

/// Bins that are worth a thread of their own.
const MANY_BINS: usize = 4096;

/// Which matrix the loss gap was estimated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapFrom {
    /// The Hessian at the point: half the squared Newton decrement.
    Hessian,
    /// The flat Gram times the curvature of the target's null model.
    FlatGram,
}

/// Covariance of the estimates of neighbouring coefficients.
#[derive(Clone, Debug)]
pub struct Covariance {
    /// Their columns.
    pub columns: Range<usize>,
    /// The block of the inverse Fisher information, in the units of the coefficients, shape (columns, columns);
    /// NaN where a column is aliased.
    pub values: Matrix,
}

/// What a target has for itself where not all targets of a fit have the same columns and penalty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Apart {
    /// Columns that it does not see: its own spikes among those of all units, or those that a mask keeps from it.
    pub unseen: Vec<String>,
    /// What is added to its mean loss, on the columns of the whole fit.
    pub regularizer: Regularizer,
}

/// One fitted target and its certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TargetFit {
    /// The target.
    pub name: String,
    /// How its fit ended.
    pub status: Status,
    /// Coefficients in the units of the features, one per column.
    #[serde(with = "number")]
    pub coef: Vec<f64>,
    /// Intercept: the linear predictor where all features are 0.
    #[serde(with = "number")]
    pub intercept: f64,
    /// Standard errors of the coefficients from the Fisher information; NaN where aliased or not computed.
    #[serde(with = "number")]
    pub standard_errors: Vec<f64>,
    /// Standard error of the intercept.
    #[serde(with = "number")]
    pub intercept_standard_error: f64,
    /// `max_j |sum_i c_ij r_i + n p_j| / (sum_i |c_ij| m_i + n |p_j|)` over the centred columns.
    #[serde(with = "number")]
    pub kkt_residual: f64,
    /// Estimate of `loss - optimum`, `gᵀM⁻¹g / 2`.
    #[serde(with = "number")]
    pub loss_gap: f64,
    /// Which `M`.
    pub gap_from: GapFrom,
    /// Mean loss over the used bins, terms free of the mean dropped, plus the penalty.
    #[serde(with = "number")]
    pub loss: f64,
    /// Steps of the solver.
    pub iterations: usize,
    /// Passes over the rows.
    pub passes: usize,
    /// Bins that were used.
    pub n_bins_used: usize,
    /// What `loss_gap` is compared with: it is at most the tolerance times this where a target converged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_scale: Option<f64>,
    /// The sum of their weights, if there were weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_weight: Option<f64>,
    /// Variance of a response in parts of that of its model: of a Gaussian one `sum (y - mu)^2 / dof_resid`, of a Gamma one
    /// `sum ((y - mu) / mu)^2 / dof_resid`, of a negative binomial one its dispersion, else 1.
    #[serde(with = "number", default = "one")]
    pub scale: f64,
    /// Standard error of a dispersion that was estimated, by the curvature of its likelihood.
    #[serde(with = "number", default = "nan", skip_serializing_if = "is_nan")]
    pub scale_standard_error: f64,
    /// Bins that were used less the parameters that were fitted to them: the rank and the intercept, with a penalty all
    /// columns and the intercept.
    #[serde(default)]
    pub dof_resid: usize,
    /// The parameters that were fitted to them, which weights that sum to less do not take from. Not part of result files.
    #[serde(skip)]
    pub n_parameters: usize,
    /// What cross-validation multiplied the strength of the regularizer by for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<f64>,
    /// How well every strength predicted bins that were not fitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cv: Option<Curve>,
    /// What it has for itself where targets differ in columns or penalty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<Apart>,
    /// Agreement with the response that was fitted.
    #[serde(flatten)]
    pub scores: Scores,
    /// Names of the columns whose coefficients are not determined by the data.
    pub aliased: Vec<String>,
    /// What a user should know.
    pub warnings: Vec<String>,
    /// The way to the optimum, the certificate's numbers last; empty unless [`super::GlmSpec::n_histories`] asks for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Iterate>,
    /// The blocks that [`super::GlmSpec::covariance_of`] asks for, where standard errors are computed. Not part of
    /// result files.
    #[serde(skip)]
    pub covariances: Vec<Covariance>,
}

/// The scale of models that know their variance.
fn one() -> f64 {
    1.0
}

/// The standard error of a scale that has none.
fn nan() -> f64 {
    f64::NAN
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_nan(value: &f64) -> bool {
    value.is_nan()
}

impl TargetFit {
    /// Every coefficient in its standard errors; NaN where it has none.
    pub fn z(&self) -> Vec<f64> {
        self.coef.iter().zip(&self.standard_errors).map(|(coef, error)| coef / error).collect()
    }

    /// Chance of a coefficient at least as far from 0 where the true one is 0, by the normal approximation to its
    /// distribution (Wald, both sides); NaN where it has no standard error.
    ///
    /// # Source
    /// Abraham Wald, "Tests of statistical hypotheses concerning several parameters when the number of observations is large",
    /// Trans. Am. Math. Soc. 54 (1943).
    pub fn p_values(&self) -> Vec<f64> {
        self.z().iter().map(|z| libm::erfc(z.abs() * std::f64::consts::FRAC_1_SQRT_2)).collect()
    }
}

/// Seconds of the parts of a fit.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Seconds {
    /// Data in memory to certified coefficients.
    pub fit: f64,
    /// Standard errors, exact decrement, condition.
    pub inference: f64,
    /// What the histories took beside.
    #[serde(default)]
    pub history: f64,
}

/// A fitted model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FittedGlm {
    /// Observation model and inverse link.
    pub model: Model,
    /// What was added to the mean loss.
    #[serde(default)]
    pub regularizer: Regularizer,
    /// Whether the intercept was a parameter; if not it is 0.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub has_intercept: bool,
    /// Whether a part of the linear predictor was given, so that predictions need one too.
    #[serde(default, skip_serializing_if = "is_no")]
    pub has_offset: bool,
    /// The solver that ran.
    pub solver: String,
    /// Largest relative loss gap of a converged target.
    pub tolerance: f64,
    /// The features and their columns.
    pub features: Vec<FeatureColumns>,
    /// Names of the columns.
    pub labels: Vec<String>,
    /// One entry per column of the response.
    pub targets: Vec<TargetFit>,
    /// Condition of the standardised Hessian, the largest over the targets; NaN if it was not computed.
    #[serde(with = "number")]
    pub condition: f64,
    /// Columns that are linearly independent.
    pub rank: usize,
    /// Which columns repeat which; `None` if it was not looked for: beside a penalty where standard errors are left out, and of
    /// models from other programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifiability: Option<Identifiability>,
    /// Why standard errors were left out, if they were.
    pub inference_left_out: Option<String>,
    /// What it took.
    pub seconds: Seconds,
    /// How it was carried out.
    pub plan: Plan,
}

impl FittedGlm {
    /// The model of one target: with its own dispersion, if it has one.
    pub fn model_of(&self, target: &TargetFit) -> Model {
        self.model.with_dispersion(target.scale)
    }

    /// Expected responses (counts) per bin, shape (bins, targets), for features `x`, shape (bins, columns), given in the order
    /// of [`FittedGlm::labels`]. A NaN in a row makes its prediction NaN.
    ///
    /// # Errors
    /// [`Error::Length`] if `x` has another number of columns, [`Error::Argument`] for a fit with an offset.
    pub fn predict(&self, x: ArrayView2<f64>) -> Result<Matrix> {
        self.predict_beside(x, None)
    }

    /// The same beside what is given of the linear predictor, one number per bin.
    ///
    /// # Errors
    /// [`Error::Length`] if `x` has another number of columns, or the offset of bins; [`Error::Argument`] for none of a fit with
    /// one.
    pub fn predict_beside(&self, x: ArrayView2<f64>, offset: Option<&[f64]>) -> Result<Matrix> {
        self.check_offset(x.nrows(), offset)?;
        if x.ncols() != self.labels.len() {
            return Err(Error::Length {
                what: "columns of the features".into(),
                expected: self.labels.len(),
                found: x.ncols(),
            });
        }
        Ok(Matrix::from_shape_fn((x.nrows(), self.targets.len()), |(row, target)| {
            let target = &self.targets[target];
            let terms = x.row(row);
            let effects = terms.iter().zip(&target.coef).map(|(x, w)| x * w).sum::<f64>();
            self.model.mean(target.intercept + effects + offset.map_or(0.0, |offset| offset[row]))
        }))
    }

    fn check_offset(&self, n_bins: usize, offset: Option<&[f64]>) -> Result<()> {
        match offset {
            Some(offset) if offset.len() != n_bins => {
                let (what, found) = ("numbers of the offset, one per bin".into(), offset.len());
                Err(Error::Length { what, expected: n_bins, found })
            }
            None if self.has_offset => Err(Error::argument(
                "offset",
                "the offset of these bins, since the fit had one",
                "none",
                "give one number per bin, 0 for what is predicted beside an offset of 0",
            )),
            _ => Ok(()),
        }
    }

    /// Expected counts per bin of one target for features given in any order, columns are found by their labels, and what is
    /// given of the linear predictor of every bin.
    /// One that the model does not have counts for nothing; see [`FittedGlm::missing_from`] for the other way.
    ///
    /// # Errors
    /// As [`FittedGlm::predict_beside`] of the offset.
    ///
    /// # Panics
    /// If there is no target of this number, or the features have different numbers of bins.
    pub fn expected_counts(
        &self,
        target: usize,
        features: &[Source],
        offset: Option<&[f64]>,
    ) -> Result<Vec<f64>> {
        self.check_offset(features.first().map_or(0, |feature| feature.x.nrows()), offset)?;
        let own = &self.targets[target];
        let known: HashMap<&String, f64> = self.labels.iter().zip(own.coef.iter().copied()).collect();
        let coef_of = |label: &String| known.get(label).copied().unwrap_or(0.0);
        let coef: Vec<f64> = features.iter().flat_map(|feature| feature.labels.iter().map(coef_of)).collect();
        let sources: Vec<Values> = features.iter().map(|feature| feature.x).collect();
        Ok(means(self.model, (&sources, offset), own.intercept, &coef))
    }

    /// Linear predictor per bin of one target for features in any order, without the columns that are `left_out` by their
    /// labels, and what is given of it (`offset`). See [`FittedGlm::expected_counts`], which is the mean at the whole of it.
    ///
    /// # Panics
    /// As [`FittedGlm::expected_counts`].
    pub fn linear_predictor(
        &self,
        target: usize,
        features: &[Source],
        left_out: &HashSet<String>,
        offset: Option<&[f64]>,
    ) -> Vec<f64> {
        let own = &self.targets[target];
        let known: HashMap<&String, f64> = self.labels.iter().zip(own.coef.iter().copied()).collect();
        let known_of = |label: &String| known.get(label).copied().filter(|_| !left_out.contains(label));
        let labels = features.iter().flat_map(|feature| &feature.labels);
        let coef: Vec<f64> = labels.map(|label| known_of(label).unwrap_or(0.0)).collect();
        let sources: Vec<Values> = features.iter().map(|feature| feature.x).collect();
        linear_predictor((&sources, offset), own.intercept, &coef)
    }

    /// A column that the model of `target` needs (its coefficient is not 0) and that is not among `labels`.
    pub fn missing_from(&self, target: usize, labels: &[&String]) -> Option<&String> {
        let needed = self.labels.iter().zip(&self.targets[target].coef).filter(|(_, coef)| **coef != 0.0);
        needed.map(|(label, _)| label).find(|label| !labels.contains(label))
    }

    /// What the loss gap of a target is compared with, from the sum of its response over its used bins: `max(|loss|, size)`,
    /// see [`Null`].
    pub fn gap_scale(&self, target: &TargetFit, sum: f64) -> f64 {
        if let Some(scale) = target.gap_scale {
            return scale;
        }
        // of a model file that does not say: the mean deviance of the null model, of a Gaussian response its variance
        let n = target.n_bins_used as f64;
        let spread = target.scores.deviance / n / (1.0 - target.scores.pseudo_r2_cohen);
        Null::new(self.model_of(target), sum / n, spread).scale(target.loss)
    }

    /// Folds of the cross-validation that chose the strengths, if there was one.
    pub fn n_folds(&self) -> Option<usize> {
        self.targets.iter().find_map(|target| Some(target.cv.as_ref()?.by_fold.len()))
    }

    /// Whether every target converged.
    pub fn converged(&self) -> bool {
        self.targets.iter().all(|target| target.status == Status::Converged)
    }
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_no(value: &bool) -> bool {
    !value
}

/// Expected counts in every bin of a design.
pub(super) fn expected_counts(model: Model, plan: &DesignPlan, intercept: f64, coef: &[f64]) -> Vec<f64> {
    means(model, (plan.sources(), plan.offset().map(Offset::values)), intercept, coef)
}

/// Expected counts in every bin of these matrices side by side, and of what is given of the linear predictor.
fn means(model: Model, of: (&[Values], Option<&[f64]>), intercept: f64, coef: &[f64]) -> Vec<f64> {
    let mut eta = linear_predictor(of, intercept, coef);
    eta.par_iter_mut().with_min_len(MANY_BINS).for_each(|eta| *eta = model.mean(*eta));
    eta
}

fn linear_predictor(
    (sources, offset): (&[Values], Option<&[f64]>),
    intercept: f64,
    coef: &[f64],
) -> Vec<f64> {
    let n_bins = sources.first().map_or(0, Values::nrows);
    let (mut eta, mut first) = (vec![intercept; n_bins], 0);
    for source in sources {
        let product = source.product(&coef[first..first + source.ncols()]);
        eta.iter_mut().zip(product).for_each(|(eta, x)| *eta += x);
        first += source.ncols();
    }
    if let Some(offset) = offset {
        eta.iter_mut().zip(offset).for_each(|(eta, offset)| *eta += offset);
    }
    eta
}
