//! The result of a fit to labels.

use std::collections::HashMap;
use std::ops::Range;

use ndarray::Array2;
use rand::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::design::{FeatureColumns, Source};
use crate::glm::curve::Curve;
use crate::glm::fitted::{Apart, GapFrom, Seconds};
use crate::glm::identifiability::Identifiability;
use crate::glm::plan::Plan;
use crate::glm::score::Scores;
use crate::math::dense::Matrix;
use crate::number;
use crate::observation::{Label, draw_class, log_softmax, most_probable};
use crate::regularizer::Regularizer;
use crate::solver::{Iterate, Status};
use crate::{Error, Result};

/// Bins that are worth a thread of their own.
const MANY_BINS: usize = 1024;

/// Covariances of the estimates of neighbouring coefficients, class by class.
#[derive(Clone, Debug)]
pub struct ClassCovariance {
    /// Their columns.
    pub columns: Range<usize>,
    /// For every class the block of its coefficients in the inverse Fisher information, in the units of the coefficients, shape
    /// (columns, columns); NaN where a column is aliased.
    pub of_classes: Vec<Matrix>,
}

/// One fitted target with `K` classes, and its certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClassFit {
    /// The target.
    pub name: String,
    /// How its fit ended.
    pub status: Status,
    /// The labels, ascending.
    pub classes: Vec<Label>,
    /// Coefficients in the units of the features, shape (columns, classes), row after row; those of a column sum to 0, but with lasso and
    /// elastic net, of which the lasso has a median of 0 in every column.
    #[serde(with = "number")]
    pub coef: Vec<f64>,
    /// Intercepts of the classes; they sum to 0.
    #[serde(with = "number")]
    pub intercept: Vec<f64>,
    /// Standard errors of the coefficients, of the same shape; NaN where aliased or not computed.
    #[serde(with = "number")]
    pub standard_errors: Vec<f64>,
    /// Standard errors of the intercepts.
    #[serde(with = "number")]
    pub intercept_standard_error: Vec<f64>,
    /// As [`crate::glm::TargetFit::kkt_residual`], the largest over columns and classes: the residual of a class is
    /// `p_k - [k = y]`, of magnitude `2 |p_k - [k = y]|`.
    #[serde(with = "number")]
    pub kkt_residual: f64,
    /// Estimate of `loss - optimum`, `gᵀM⁻¹g / 2`.
    #[serde(with = "number")]
    pub loss_gap: f64,
    /// Which `M`.
    pub gap_from: GapFrom,
    /// Mean of `-ln p_y` over the used bins, plus the penalty.
    #[serde(with = "number")]
    pub loss: f64,
    /// Steps of the solver.
    pub iterations: usize,
    /// Passes over the rows.
    pub passes: usize,
    /// Bins that were used.
    pub n_bins_used: usize,
    /// The sum of their weights, if there were weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_weight: Option<f64>,
    /// Bins that were used (with weights the sum of these, rounded down) less `K - 1` intercepts and `K - 1` coefficients of every independent column, with a penalty of every
    /// column, or the coefficients that it chose, of all `K` classes.
    pub dof_resid: usize,
    /// The parameters that were taken off: as [`crate::glm::TargetFit::n_parameters`]. Not part of result files.
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
    /// Agreement with the labels that were fitted.
    #[serde(flatten)]
    pub scores: Scores,
    /// Names of the columns whose coefficients are not determined by the data.
    pub aliased: Vec<String>,
    /// What a user should know.
    pub warnings: Vec<String>,
    /// What `loss_gap` is compared with: it is at most the tolerance times this where a target converged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_scale: Option<f64>,
    /// As [`crate::glm::TargetFit::history`]: of all classes together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Iterate>,
    /// The blocks that [`crate::glm::GlmSpec::covariance_of`] asks for, where standard errors are computed. Not part of result
    /// files.
    #[serde(skip)]
    pub covariances: Vec<ClassCovariance>,
}

fn yes() -> bool {
    true
}

/// A model fitted to labels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FittedCategorical {
    /// What was added to the mean loss.
    pub regularizer: Regularizer,
    /// The solver that ran.
    pub solver: String,
    /// Largest relative loss gap of a converged target.
    pub tolerance: f64,
    /// Whether there are intercepts; if not they are 0.
    #[serde(default = "yes")]
    pub has_intercept: bool,
    /// Whether bins had an offset, without which nothing can be expected of others.
    #[serde(default)]
    pub has_offset: bool,
    /// The features and their columns.
    pub features: Vec<FeatureColumns>,
    /// Names of the columns.
    pub labels: Vec<String>,
    /// One entry per target.
    pub targets: Vec<ClassFit>,
    /// Condition of the standardised Hessian, the largest over the targets; NaN if it was not computed.
    #[serde(with = "number")]
    pub condition: f64,
    /// Columns that are linearly independent, the fewest of any target.
    pub rank: usize,
    /// Which columns repeat which; `None` if it was not looked for: with a penalty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifiability: Option<Identifiability>,
    /// Why standard errors were left out, if they were.
    pub inference_left_out: Option<String>,
    /// What it took.
    pub seconds: Seconds,
    /// How the first target was fitted; of several its `groups` have the plan of each.
    pub plan: Plan,
}

impl ClassFit {
    /// Classes.
    pub fn n_classes(&self) -> usize {
        self.classes.len()
    }

    /// Coefficients of one class.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn coef_of(&self, class: usize) -> Vec<f64> {
        self.coef.chunks(self.n_classes()).map(|row| row[class]).collect()
    }

    /// Every coefficient in its standard errors; NaN where it has none.
    pub fn z(&self) -> Vec<f64> {
        self.coef.iter().zip(&self.standard_errors).map(|(coef, error)| coef / error).collect()
    }

    /// As [`crate::glm::TargetFit::p_values`], of every coefficient.
    pub fn p_values(&self) -> Vec<f64> {
        self.z().iter().map(|z| libm::erfc(z.abs() * std::f64::consts::FRAC_1_SQRT_2)).collect()
    }

    /// Labels of the most probable classes by probabilities or their logarithms, the first of equals; `None` where one is NaN.
    pub fn most_probable(&self, probabilities: &Matrix) -> Vec<Option<&Label>> {
        let of_row = |row: ndarray::ArrayView1<f64>| most_probable(&row.to_vec()).map(|k| &self.classes[k]);
        probabilities.rows().into_iter().map(of_row).collect()
    }

    /// Classes drawn with these probabilities, shape (bins, classes), one-hot: 1 for the class that was drawn, 0 for the others;
    /// NaN where there are no probabilities.
    pub fn sample<R: Rng + ?Sized>(&self, probabilities: &Matrix, random: &mut R) -> Matrix {
        let mut drawn = Matrix::zeros(probabilities.dim());
        for (mut to, row) in drawn.rows_mut().into_iter().zip(probabilities.rows()) {
            match draw_class(&row.to_vec(), random) {
                Some(class) => to[class] = 1.0,
                None => to.fill(f64::NAN),
            }
        }
        drawn
    }
}

impl FittedCategorical {
    /// Logarithms of the probabilities of the classes of a target, shape (bins, classes), for features with the columns of
    /// [`FittedCategorical::labels`] in any order: columns are found by their labels. A NaN in a row makes its probabilities NaN.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a column that the target needs (some coefficient is not 0) and the features do not have, and for one
    /// of theirs that the model does not have; [`Error::Argument`] for a fit with an offset.
    ///
    /// # Panics
    /// If there is no such target, or the features have different numbers of bins.
    pub fn log_probabilities(&self, target: usize, features: &[Source]) -> Result<Matrix> {
        self.log_probabilities_beside(target, features, None)
    }

    /// The same beside an offset of the bins, shape (bins, classes), bin after bin.
    ///
    /// # Errors
    /// As [`FittedCategorical::log_probabilities`]; [`Error::Length`] for an offset that has not a number for each bin and class,
    /// [`Error::Argument`] for none of a fit with one.
    ///
    /// # Panics
    /// As [`FittedCategorical::log_probabilities`].
    pub fn log_probabilities_beside(
        &self,
        target: usize,
        features: &[Source],
        offset: Option<&[f64]>,
    ) -> Result<Matrix> {
        let own = &self.targets[target];
        let given: Vec<&String> = features.iter().flat_map(|source| &source.labels).collect();
        let unknown = |name: &String, place: &str, present: Vec<String>| {
            Err(Error::Unknown { kind: "column", name: name.clone(), place: place.into(), present })
        };
        let rows = self.labels.iter().zip(own.coef.chunks(own.n_classes()));
        let mut needed = rows.filter(|(_, row)| row.iter().any(|coef| *coef != 0.0)).map(|(label, _)| label);
        if let Some(missing) = needed.find(|label| !given.contains(label)) {
            return unknown(missing, "the features", given.into_iter().cloned().collect());
        }
        let places: HashMap<&String, usize> =
            self.labels.iter().enumerate().map(|(k, label)| (label, k)).collect();
        if let Some(other) = given.iter().find(|label| !places.contains_key(*label)) {
            return unknown(other, "the model", self.labels.clone());
        }
        let n_bins = features.first().map_or(0, |source| source.x.nrows());
        let n_classes = own.n_classes();
        self.check_offset(n_bins * n_classes, offset)?;
        let given = |bin: usize, class: usize| offset.map_or(0.0, |offset| offset[bin * n_classes + class]);
        let mut eta: Matrix = Array2::from_shape_fn((n_bins, n_classes), |(bin, class)| {
            own.intercept[class] + given(bin, class)
        });
        for class in 0..n_classes {
            let of_class = own.coef_of(class);
            for source in features {
                let coef: Vec<f64> = source.labels.iter().map(|label| of_class[places[label]]).collect();
                let product = source.x.product(&coef);
                eta.column_mut(class).iter_mut().zip(product).for_each(|(eta, x)| *eta += x);
            }
        }
        if let Some(rows) = eta.as_slice_mut() {
            rows.par_chunks_mut(n_classes).with_min_len(MANY_BINS).for_each(|row| {
                let own = log_softmax(row);
                row.copy_from_slice(&own);
            });
        }
        Ok(eta)
    }

    fn check_offset(&self, expected: usize, offset: Option<&[f64]>) -> Result<()> {
        match offset {
            Some(offset) if offset.len() != expected => {
                let (what, found) =
                    ("numbers of the offset, one for each bin and class".into(), offset.len());
                Err(Error::Length { what, expected, found })
            }
            None if self.has_offset => Err(Error::argument(
                "offset",
                "the offset of these bins, since the fit had one",
                "none",
                "give one number for each bin and class, 0 for what is predicted beside an offset of 0",
            )),
            _ => Ok(()),
        }
    }

    /// The probabilities themselves.
    ///
    /// # Errors
    /// As [`FittedCategorical::log_probabilities`].
    ///
    /// # Panics
    /// As [`FittedCategorical::log_probabilities`].
    pub fn probabilities(&self, target: usize, features: &[Source]) -> Result<Matrix> {
        Ok(self.log_probabilities(target, features)?.mapv(f64::exp))
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
