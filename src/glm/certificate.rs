//! The certificate: proof of optimality in `f64` at the numbers that are reported.
//!
//! Coefficients are reported in the user's units. Gradient and optimality residual are computed from them as they
//! are, rounding included, over the columns that the user gave, centred and scaled.

use std::ops::Range;

use ndarray::{ArrayView1, Axis};

use super::fit::Fit;
use super::fitted::{Covariance, expected_counts};
use super::rank::Rank;
use super::score::estimate_scale;
use super::spec::StandardErrors;
use super::standing::Standing;
use crate::Result;
use crate::backend::{Cpu, Every};
use crate::design::DesignPlan;
use crate::design::Scaling;
use crate::math::dense::{Cholesky, Matrix, condition};
use crate::math::sum::Sum;
use crate::objective::{GlmObjective, Objective, Optimality, Weight};
use crate::observation::{ObservationModel, Observe, Recession};
use crate::regularizer::Regularizer;
use crate::solver::reach;

/// Largest rows x columns x (columns + 1) x targets for which standard errors are computed without asking.
pub(super) const INFERENCE_LIMIT: f64 = 1e11;
/// How far a Newton step moves some row's linear predictor if the target has not settled.
pub(super) const RESTLESS: f64 = 0.1;
/// The same of a target that may be running away: where probabilities vanish like those of a normal distribution, steps to
/// infinity become shorter on the way, and are of this size where `f64` ends.
pub(super) const RUNNING: f64 = 0.02;
/// Standard error of a linear predictor per standard deviation of a column above which nothing is known of it: it may be running
/// away, however short its steps have become.
pub(super) const UNKNOWN: f64 = 1e3;

/// The Hessian at a point.
struct Curvature {
    /// Newton's step.
    step: Vec<f64>,
    /// Its inverse, 0 for members that are held at a kink.
    inverse: Matrix,
    /// Which members are not held, if the penalty has kinks.
    free: Option<Vec<bool>>,
    condition: f64,
}

/// Coefficients of one target in the user's units.
#[derive(Clone, Debug)]
pub(super) struct Reported {
    pub(super) coef: Vec<f64>,
    pub(super) intercept: f64,
}

/// What the Hessian tells.
#[derive(Clone, Debug)]
pub(super) struct Inference {
    pub(super) loss_gap: f64,
    pub(super) standard_errors: Vec<f64>,
    pub(super) intercept_standard_error: f64,
    pub(super) covariances: Vec<Covariance>,
    pub(super) condition: f64,
    /// Column with the largest variance inflation.
    pub(super) worst_column: Option<usize>,
    /// How far the Newton step moves the farthest row.
    pub(super) step_reach: f64,
    /// Newton's step, as parameters of the members.
    pub(super) step: Vec<f64>,
    /// The largest standard error of these.
    pub(super) spread: f64,
}

impl Inference {
    /// Whether the target may be running away.
    pub(super) fn runs(&self) -> bool {
        self.step_reach > RUNNING || self.spread > UNKNOWN
    }
}

/// The largest standard error on the diagonal of a covariance.
pub(super) fn spread(covariance: &Matrix) -> f64 {
    covariance.diag().iter().fold(0.0, |m: f64, variance| m.max(variance.sqrt()))
}

/// The largest magnitude in a vector, and the vector divided by it.
fn scaled(a: &[f64]) -> (f64, Vec<f64>) {
    let largest = a.iter().fold(f64::MIN_POSITIVE, |m: f64, a| m.max(a.abs()));
    (largest, a.iter().map(|a| a / largest).collect())
}

/// From parameters (intercept first) of the members to the user's coefficients.
pub(super) fn report(rank: &Rank, scaling: &Scaling, parameters: &[f64]) -> Reported {
    let coef: Vec<f64> = if rank.is_plain() {
        rank.to_user.diag().iter().zip(&parameters[1..]).map(|(a, v)| a * v).collect()
    } else {
        let rows = rank.to_user.rows().into_iter();
        rows.map(|row| row.iter().zip(&parameters[1..]).map(|(a, v)| a * v).sum()).collect()
    };
    let shift: Sum = coef.iter().zip(&scaling.mean).map(|(w, mean)| -w * mean).collect();
    Reported { intercept: parameters[0] + shift.value(), coef }
}

/// The user's coefficients of some columns as parameters of these columns, centred and scaled.
pub(super) fn read_back(scaling: &Scaling, reported: &Reported, columns: &[usize]) -> Vec<f64> {
    let shift: Sum = reported.coef.iter().zip(&scaling.mean).map(|(w, mean)| w * mean).collect();
    let own = |&column: &usize| reported.coef[column] * scaling.sd[column];
    std::iter::once(reported.intercept + shift.value()).chain(columns.iter().map(own)).collect()
}

impl Fit<'_, '_, '_> {
    /// Why standard errors are left out, if they are.
    pub(super) fn inference_left_out(&self, n_targets: usize) -> Option<String> {
        let p = self.rank.n_members() as f64;
        let cost = self.plan.n_rows() as f64 * p * (p + 1.0) * n_targets as f64;
        match self.spec.get().standard_errors {
            StandardErrors::Off => Some("not asked for".into()),
            StandardErrors::Auto if cost > INFERENCE_LIMIT => Some(format!(
                "rows x columns x (columns + 1) x targets = {cost:.1e} is above {INFERENCE_LIMIT:.0e}; \
                 `--standard-errors on` computes them all the same"
            )),
            _ => None,
        }
    }

    /// The user's coefficients at points of shape (parameters, targets).
    pub(super) fn reports(&self, at: &Matrix) -> Vec<Reported> {
        let columns = at.columns().into_iter();
        columns.map(|column| report(&self.rank, self.plan.scaling(), &column.to_vec())).collect()
    }

    /// Loss and optimality residual of the given targets at the reported numbers, over all columns that vary; the
    /// gradient with respect to the parameters of the members. `over_all` has those columns as they are.
    pub(super) fn optimality(
        &self,
        over_all: &mut GlmObjective<Cpu<f64>>,
        reports: &[Reported],
        targets: &[usize],
    ) -> Result<Vec<Optimality>> {
        let scaling = self.plan.scaling();
        let points: Vec<Vec<f64>> =
            reports.iter().map(|reported| read_back(scaling, reported, &self.varying)).collect();
        let at = Matrix::from_shape_fn((1 + self.varying.len(), points.len()), |(j, k)| points[k][j]);
        let faint: Vec<f64> = targets.iter().map(|&target| self.faint(target)).collect();
        let mut found = over_all.optimality(&at, targets, &faint)?;
        if self.rank.is_plain() {
            return Ok(found);
        }
        for optimality in &mut found {
            let of_member = |k: usize| {
                let factors = self.varying.iter().map(|&column| self.rank.to_standard[(column, k)]);
                factors.zip(&optimality.gradient[1..]).map(|(a, g)| a * g).collect::<Sum>().value()
            };
            let members = (0..self.rank.n_members()).map(of_member);
            optimality.gradient = std::iter::once(optimality.gradient[0]).chain(members).collect();
        }
        Ok(found)
    }

    /// Standard errors, exact decrement, condition and how far Newton's step goes, of one target whose parameters are
    /// `at`. `None` if the Hessian is singular to rounding or not finite.
    pub(super) fn infer(
        &self,
        f: &mut GlmObjective<Cpu<f64>>,
        target: usize,
        at: &[f64],
        end: &Standing,
    ) -> Result<Option<Inference>> {
        let gradient = &end.optimality.gradient;
        let hessian = f.gram(Every::ROW, Weight::Point { target, at })?;
        let Some(Curvature { step, inverse, free, condition }) = self.curvature(hessian, at, gradient) else {
            return Ok(None);
        };
        let loss_gap = -0.5 * step.iter().zip(gradient).map(|(d, g)| d * g).sum::<f64>();
        let covariance = inverse * self.information(end.scale) / self.plan.total_weight();
        // sqrt(aᵀ C a), a scaled first so that its squares neither overflow nor vanish
        let error = |a: &[f64]| -> f64 {
            let (largest, a) = scaled(a);
            let product = covariance.dot(&ArrayView1::from(&a));
            largest * a.iter().zip(&product).map(|(a, b)| a * b).sum::<f64>().sqrt()
        };
        let scaling = self.plan.scaling();
        let n_members = self.rank.n_members();
        let mut standard_errors = vec![f64::NAN; scaling.sd.len()];
        let mut of_intercept = vec![1.0; 1 + n_members];
        of_intercept[1..].fill(0.0);
        for (column, row) in self.rank.to_user.rows().into_iter().enumerate() {
            let own: Vec<f64> = std::iter::once(0.0).chain(row.iter().copied()).collect();
            // intercept = v0 - sum_j mean_j coef_j
            of_intercept.iter_mut().zip(&own).for_each(|(to, a)| *to -= scaling.mean[column] * a);
            let rests = free
                .as_ref()
                .is_some_and(|free| row.iter().zip(&free[1..]).all(|(a, free)| !free || *a == 0.0));
            if !self.rank.aliased.contains(&column) && !rests {
                standard_errors[column] = error(&own);
            }
        }
        // where nothing recedes a step in the units of the response says nothing
        let may_recede = f.recession() != Recession::Never;
        let step_reach = if may_recede { reach(f, target, at, &step)?.all } else { 0.0 };
        let (condition, worst_column) = self.condition(condition, &standard_errors);
        Ok(Some(Inference {
            loss_gap,
            // one that is given has none
            intercept_standard_error: if self.plan.has_intercept() { error(&of_intercept) } else { 0.0 },
            standard_errors,
            covariances: self.covariances(&covariance),
            condition,
            worst_column,
            step_reach,
            step,
            spread: if may_recede { spread(&covariance) } else { 0.0 },
        }))
    }

    /// What the Hessian says at a point, over all members, or over those that are not held at a kink of the penalty. `None` if
    /// it is singular to rounding or not finite.
    fn curvature(&self, mut hessian: Matrix, at: &[f64], gradient: &[f64]) -> Option<Curvature> {
        let kinks = self.penalty.kinks();
        if kinks.is_none() {
            let factor = Cholesky::new(&hessian).filter(|factor| factor.jitter() == 0.0)?;
            let step = factor.solve(gradient).iter().map(|d| -d).collect();
            let condition = condition(&hessian);
            let mut inverse = factor.inverse();
            self.penalty.confine(&mut inverse);
            return Some(Curvature { step, inverse, free: None, condition });
        }
        kinks.add_to(&mut hessian, at);
        let free = kinks.free(at, gradient);
        let own = hessian.select(Axis(0), &free).select(Axis(1), &free);
        // columns that repeat one another may both be chosen
        let factor = Cholesky::new(&own)?;
        let left: Vec<f64> = free.iter().map(|&j| gradient[j]).collect();
        let (mut step, mut inverse) = (vec![0.0; at.len()], Matrix::zeros(hessian.dim()));
        let (own_step, own_inverse) = (factor.solve(&left), factor.inverse());
        for (a, &i) in free.iter().enumerate() {
            step[i] = -own_step[a];
            free.iter().enumerate().for_each(|(b, &j)| inverse[(i, j)] = own_inverse[(a, b)]);
        }
        let mut is_free = vec![false; at.len()];
        free.iter().for_each(|&j| is_free[j] = true);
        Some(Curvature { step, inverse, free: Some(is_free), condition: condition(&own) })
    }

    /// The degrees of freedom that the fit leaves: rows less the intercept and the rank, with a penalty all columns, or
    /// those that it chose. With weights they stand for the rows.
    pub(super) fn dof_resid(&self, coef: &[f64]) -> usize {
        self.dof(coef) as usize
    }

    /// The same before it is rounded down.
    fn dof(&self, coef: &[f64]) -> f64 {
        (self.plan.total_weight() - self.n_parameters(coef) as f64).max(0.0)
    }

    /// The parameters that the data were used up for.
    pub(super) fn n_parameters(&self, coef: &[f64]) -> usize {
        let regularizer = &self.spec.get().regularizer;
        let of_columns = match regularizer {
            Regularizer::None => self.rank.n_members(),
            _ if regularizer.selects() => coef.iter().filter(|w| **w != 0.0).count(),
            _ => self.plan.n_columns(),
        };
        of_columns + usize::from(self.plan.has_intercept())
    }

    /// The scale that a target shows, 1 where the model is given its variance.
    pub(super) fn scale(&self, target: usize, reported: &Reported, optimality: &Optimality) -> f64 {
        let dof = self.dof(&reported.coef);
        if dof == 0.0 && self.spec.get().model.observation.scale_term(1.0, 1.0).is_some() {
            return f64::NAN;
        }
        self.scale_over(self.plan, target, reported, (optimality.unpenalised, dof))
    }

    /// The same over the rows of a plan, where no degrees of freedom are left by what the rows alone show.
    pub(super) fn scale_of_rows(
        &self,
        plan: &DesignPlan,
        target: usize,
        reported: &Reported,
        unpenalised: f64,
    ) -> f64 {
        let total = plan.total_weight();
        let dof = total - self.n_parameters(&reported.coef) as f64;
        self.scale_over(plan, target, reported, (unpenalised, if dof > 0.0 { dof } else { total }))
    }

    fn scale_over(
        &self,
        plan: &DesignPlan,
        target: usize,
        reported: &Reported,
        (unpenalised, dof): (f64, f64),
    ) -> f64 {
        let model = self.spec.get().model;
        match model.observation {
            // its loss is the sum of squares
            ObservationModel::Gaussian => unpenalised * plan.total_weight() / dof,
            ObservationModel::Gamma => {
                let (y, mu) = self.expected_over(plan, target, reported);
                match plan.weights() {
                    None => estimate_scale(model, &y, &mu, dof),
                    Some(weights) => {
                        let rows = plan.rows().iter().zip(y.iter().zip(&mu));
                        let term = |(row, (&y, &mu)): (usize, (&f64, &f64))| {
                            Some(weights.get(row) * model.observation.scale_term(y, mu)?)
                        };
                        rows.filter_map(term).collect::<Sum>().value() / dof
                    }
                }
            }
            ObservationModel::Poisson
            | ObservationModel::Bernoulli
            | ObservationModel::NegativeBinomial(_) => 1.0,
        }
    }

    /// Responses and expected responses of a target in the used rows.
    pub(super) fn expected(&self, target: usize, reported: &Reported) -> (Vec<f64>, Vec<f64>) {
        self.expected_over(self.plan, target, reported)
    }

    fn expected_over(&self, plan: &DesignPlan, target: usize, reported: &Reported) -> (Vec<f64>, Vec<f64>) {
        let model = self.spec.get().model;
        let mu = expected_counts(model, plan, reported.intercept, &reported.coef);
        let of_row = |row: usize| (self.response.y.get(row, target), mu[row]);
        plan.rows().iter().map(of_row).unzip()
    }

    /// What the inverse of the Fisher information is of that of the Hessian.
    fn information(&self, scale: f64) -> f64 {
        self.spec.get().model.observation.factor() * scale
    }

    /// The blocks of the covariance that are asked for, from that of the members' parameters, intercept first.
    fn covariances(&self, of_members: &Matrix) -> Vec<Covariance> {
        let block = |columns: &Range<usize>| {
            let rows: Vec<(f64, Vec<f64>, Vec<f64>)> = columns
                .clone()
                .map(|column| {
                    let own: Vec<f64> =
                        std::iter::once(0.0).chain(self.rank.to_user.row(column).iter().copied()).collect();
                    let (largest, a) = scaled(&own);
                    let product = of_members.dot(&ArrayView1::from(&a)).to_vec();
                    (largest, a, product)
                })
                .collect();
            let known = |k: usize| !self.rank.aliased.contains(&(columns.start + k));
            let value = |(i, j): (usize, usize)| {
                let (left, right) = (&rows[i], &rows[j]);
                let product: f64 = left.1.iter().zip(&right.2).map(|(a, b)| a * b).sum();
                if known(i) && known(j) { left.0 * (right.0 * product) } else { f64::NAN }
            };
            Covariance {
                columns: columns.clone(),
                values: Matrix::from_shape_fn((columns.len(), columns.len()), value),
            }
        };
        self.spec.get().covariance_of.iter().map(block).collect()
    }

    /// Condition of the Hessian, and the column whose error is the most inflated by the others. Where members stand
    /// for nearly dependent columns this is the condition in the members times the square of the largest factor that
    /// leads back to a column: an upper estimate.
    fn condition(&self, of_members: f64, standard_errors: &[f64]) -> (f64, Option<usize>) {
        let scaling = self.plan.scaling();
        let inflation = |column: &usize| standard_errors[*column] * scaling.sd[*column];
        let worst = self
            .varying
            .iter()
            .copied()
            .filter(|column| standard_errors[*column].is_finite())
            .max_by(|a, b| inflation(a).total_cmp(&inflation(b)));
        let factors = &self.rank.to_standard;
        let largest = factors.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
        (of_members * largest * largest, worst)
    }
}
