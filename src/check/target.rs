//! The certificate of a target with one linear predictor.

use super::determined::{Columns, degrees, errors};
use super::dispersion::{MostLikely, most_likely};
use super::linear::Factor;
use super::moments::Moments;
use super::nulls::Null;
use super::penalty::{At, Penalty};
use super::pointwise::{deviance, log_likelihood, mean, point};
use super::residual::{Left, residual};
use super::rows::{Rows, over_rows};
use crate::math::dense::{Matrix, condition};
use crate::math::sum::Sum;
use crate::observation::{Model, ObservationModel};
use crate::regularizer::Regularizer;
use crate::{Error, Result};

/// Roundings of the terms of a residual: of the response's own, and of every term of its predictor.
pub(super) const ROUNDINGS: f64 = 8.0;

/// A target, and the coefficients that are said to be its optimum.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    /// The rows that are used.
    pub rows: &'a dyn Rows,
    /// Means and deviations of their columns.
    pub moments: &'a Moments,
    /// One response per row.
    pub y: &'a [f64],
    /// What rows count for; 1 without.
    pub weights: Option<&'a [f64]>,
    /// What is given of the linear predictor.
    pub offset: Option<&'a [f64]>,
    /// Observation model, with the dispersion of the target, and inverse link.
    pub model: Model,
    /// Whether the dispersion was estimated.
    pub has_own_dispersion: bool,
    /// Whether the intercept was a parameter.
    pub has_intercept: bool,
    /// What was added to the mean loss.
    pub regularizer: &'a Regularizer,
    /// The columns of each feature, `[first, end)`.
    pub features: &'a [[usize; 2]],
    /// Coefficients in the units of the columns.
    pub coef: &'a [f64],
    /// The intercept.
    pub intercept: f64,
}

/// What was found at a point.
#[derive(Clone, Debug)]
pub struct Found {
    /// `max_j |sum_i c_ij r_i + n p_j| / (sum_i |c_ij| m_i + n |p_j|)`.
    pub kkt_residual: f64,
    /// What of it may be rounding here.
    pub kkt_rounding: f64,
    /// The same of a fit, which makes the constant of its predictors of rounded terms.
    pub kkt_noise: f64,
    /// The column of the largest component; `None` for the intercept.
    pub worst_column: Option<usize>,
    /// `gᵀ H⁻¹ g / 2`, null directions left out; `None` if the Hessian was not asked for.
    pub loss_gap: Option<f64>,
    /// What of the gap may be the rounding of the gradient.
    pub gap_rounding: f64,
    /// The same of a fit.
    pub gap_noise: f64,
    /// What gaps are compared with: `max(|loss|, size of the null model)`.
    pub gap_scale: f64,
    /// Mean loss, the penalty included.
    pub loss: f64,
    /// Mean log-likelihood.
    pub log_likelihood: f64,
    /// Its sum.
    pub log_likelihood_sum: f64,
    /// Degrees of freedom that are left: the least and the most that they may be rounded down to; `None` if the rank is not known.
    pub dof_resid: Option<[f64; 2]>,
    /// What they are if all columns that vary are independent.
    pub dof_if_whole: f64,
    /// Whether scale and likelihood take them.
    pub is_scale_estimated: bool,
    /// Sum of the deviances.
    pub deviance: f64,
    /// That of `McFadden` and that of Cohen.
    pub pseudo_r2: [f64; 2],
    /// See [`crate::glm::TargetFit::scale`].
    pub scale: f64,
    /// What the counts say of their dispersion, if it was estimated.
    pub most_likely: Option<MostLikely>,
    /// Whether the response is met to rounding, so that scale and likelihood have no digits.
    pub is_exact: bool,
    /// Standard errors of the coefficients, the intercept's last; `None` where they are not determined, or not asked for.
    pub standard_errors: Option<Vec<f64>>,
    /// Why there are none.
    pub why_no_errors: &'static str,
    /// Columns that take part in a linear relation, ascending; `None` if that was not looked for.
    pub aliased: Option<Vec<usize>>,
    /// Why it was not.
    pub why_no_aliased: &'static str,
    /// Columns that are linearly independent; `None` if the Hessian was not asked for, or rounding hides which are.
    pub rank: Option<usize>,
    /// Condition of the Hessian of the standardised columns; NaN if it was not asked for.
    pub condition: f64,
    /// Whether it is that of the parameters of a fit: no column is close to a combination of others.
    pub is_plain: bool,
    /// Rows.
    pub n_rows: usize,
}

/// Sums of the pass for the gradient.
struct Sums {
    /// Loss, log-likelihood at scale 1 free of it, deviance, squares for the scale, squares of the response.
    scalars: [Sum; 4],
    gradient: Vec<Sum>,
    magnitudes: Vec<Sum>,
    rounding: Vec<Sum>,
    /// What a change of the constant does to the gradient at most.
    steepness: Vec<Sum>,
}

impl Problem<'_> {
    /// What a row counts for.
    pub(super) fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// The sum of the weights.
    pub(super) fn total_weight(&self) -> f64 {
        match self.weights {
            None => self.y.len() as f64,
            Some(weights) => weights.iter().copied().collect::<Sum>().value(),
        }
    }

    /// The linear predictor of a row, and the magnitudes of what it is made of around the means of the columns.
    fn predictor(&self, row: usize, x: &[f64], centre: f64) -> [f64; 2] {
        let offset = self.offset.map_or(0.0, |offset| offset[row]);
        let mut size = centre.abs() + offset.abs();
        x.iter()
            .zip(self.coef)
            .zip(&self.moments.mean)
            .for_each(|((x, w), mean)| size += (w * (x - mean)).abs());
        [predictor([self.intercept, offset], x, self.coef), size]
    }

    /// Scale by the squares of the responses around their means, over the degrees of freedom that are left.
    fn scale_of(&self, squares: f64, n_parameters: usize) -> f64 {
        match self.model.observation {
            ObservationModel::Gaussian | ObservationModel::Gamma => {
                let dof = (self.total_weight() - n_parameters as f64).max(0.0);
                if dof > 0.0 { squares / dof } else { f64::NAN }
            }
            ObservationModel::NegativeBinomial(own) => own.dispersion(),
            ObservationModel::Poisson | ObservationModel::Bernoulli => 1.0,
        }
    }
}

/// What rounding may do to the constant that a fit has instead of the intercept: the predictor where all columns are at their means.
pub(super) fn constant_noise(intercept: f64, means: &[f64], coef: &[f64]) -> f64 {
    let terms = means.iter().zip(coef).map(|(mean, w)| (mean * w).abs());
    f64::EPSILON * (intercept.abs() + terms.sum::<f64>())
}

/// `a + b + xᵀ w` in twice the precision of its terms.
pub(super) fn predictor([a, b]: [f64; 2], x: &[f64], w: &[f64]) -> f64 {
    let (mut sum, mut left) = (Sum::default(), 0.0);
    sum.add(a);
    sum.add(b);
    for (x, w) in x.iter().zip(w) {
        let product = x * w;
        sum.add(product);
        left += x.mul_add(*w, -product);
    }
    sum.value() + left
}

/// Rows of standardised columns, 1 before them if there is an intercept.
pub(super) fn standardised(x: &[f64], moments: &Moments, varying: &[usize], has_intercept: bool) -> Vec<f64> {
    let own = varying.iter().map(|&j| (x[j] - moments.mean[j]) / moments.sd[j]);
    std::iter::once(f64::from(u8::from(has_intercept))).chain(own).collect()
}

/// The matrix `sum_i w_i z_i z_iᵀ` of rows, which `weigh` gives a weight each.
pub(super) fn gram(
    (rows, moments, has_intercept): (&dyn Rows, &Moments, bool),
    varying: &[usize],
    weigh: &(dyn Fn(usize, &[f64]) -> f64 + Sync),
) -> Result<Matrix> {
    let p = 1 + varying.len();
    let parts = over_rows(rows, &|| Matrix::zeros((p, p)), &|sums, row, x| {
        let weight = weigh(row, x);
        let z = standardised(x, moments, varying, has_intercept);
        for i in 0..p {
            for j in 0..=i {
                sums[(i, j)] += weight * z[i] * z[j];
            }
        }
    })?;
    let mut all = Matrix::zeros((p, p));
    parts.iter().for_each(|part| all += part);
    Ok(Matrix::from_shape_fn((p, p), |(i, j)| all[(i.max(j), i.min(j))]))
}

/// Over the rows: loss, deviance, squares for the scale and squares of the response; and of every parameter, the intercept first,
/// gradient, magnitudes, roundings and what a change of the constant does.
fn sums(problem: &Problem, varying: &[usize]) -> Result<([f64; 4], [Vec<f64>; 4])> {
    let (model, moments) = (problem.model, problem.moments);
    let centre = predictor([problem.intercept, 0.0], &moments.mean, problem.coef);
    let roundings = f64::EPSILON * (ROUNDINGS + (varying.len() as f64).sqrt());
    let p = 1 + varying.len();
    let new = || Sums {
        scalars: [Sum::default(); 4],
        gradient: vec![Sum::default(); p],
        magnitudes: vec![Sum::default(); p],
        rounding: vec![Sum::default(); p],
        steepness: vec![Sum::default(); p],
    };
    let parts = over_rows(problem.rows, &new, &|sums: &mut Sums, row, x| {
        let [eta, size] = problem.predictor(row, x, centre);
        let (y, weight, at) = (problem.y[row], problem.weight(row), mean(model.inverse_link, eta));
        let own = point(model.observation, y, at);
        let square = match model.observation {
            ObservationModel::Gamma => ((y - at.mu) / at.mu).powi(2),
            _ => (y - at.mu) * (y - at.mu),
        };
        let terms = [own.loss, deviance(model.observation, y, at), square, y * y];
        sums.scalars.iter_mut().zip(terms).for_each(|(sum, term)| sum.add(weight * term));
        let rounding = roundings * (own.magnitude + own.curvature * size);
        for (k, z) in standardised(x, moments, varying, problem.has_intercept).into_iter().enumerate() {
            sums.gradient[k].add(weight * z * own.residual);
            sums.magnitudes[k].add(weight * z.abs() * own.magnitude);
            sums.rounding[k].add(weight * z.abs() * rounding);
            sums.steepness[k].add(weight * z.abs() * own.curvature);
        }
    })?;
    let sum = |of: &dyn Fn(&Sums) -> Sum| parts.iter().map(|part| of(part).value()).collect::<Sum>().value();
    let scalars = [0, 1, 2, 3].map(|k| sum(&|part| part.scalars[k]));
    let of_parameters = [
        (0..p).map(|k| sum(&|part| part.gradient[k])).collect(),
        (0..p).map(|k| sum(&|part| part.magnitudes[k])).collect(),
        (0..p).map(|k| sum(&|part| part.rounding[k])).collect(),
        (0..p).map(|k| sum(&|part| part.steepness[k])).collect(),
    ];
    Ok((scalars, of_parameters))
}

/// Computes everything that a certificate says of a target; Hessian, errors and rank only if they are wanted.
///
/// # Errors
/// [`Error::Length`] for responses or coefficients that do not fit the rows, and if a row cannot be computed.
pub fn certify(problem: &Problem, wants_hessian: bool) -> Result<Found> {
    check(problem)?;
    let (total, varying) = (problem.total_weight(), problem.moments.varying());
    let penalty = Penalty::new(problem.regularizer, problem.features, &problem.moments.sd);
    let (model, moments) = (problem.model, problem.moments);
    let ([unpenalised, deviance, squares, of_response], [gradient, magnitudes, rounding, steepness]) =
        sums(problem, &varying)?;
    let of_constant = constant_noise(problem.intercept, &moments.mean, problem.coef);
    let noise: Vec<f64> = rounding.iter().zip(&steepness).map(|(own, s)| own + of_constant * s).collect();
    // with respect to the coefficients in their units
    let mut of_coef = vec![0.0; problem.coef.len()];
    varying.iter().enumerate().for_each(|(k, &j)| of_coef[j] = gradient[1 + k] * moments.sd[j] / total);
    let at = penalty.at(problem.coef, &of_coef);
    let Left { gradient: left, kkt_residual, kkt_rounding, kkt_noise, worst } =
        residual(&[gradient, magnitudes, rounding.clone(), noise], &at, (moments, &varying), total);
    let loss = unpenalised / total + penalty.value(problem.coef);
    let second = if wants_hessian { Some(curvature(problem, &penalty, &at, &varying)?) } else { None };
    let of_rows = (problem.rows, moments, problem.has_intercept);
    let flat = if wants_hessian { Some(gram(of_rows, &varying, &|_, _| 1.0)?) } else { None };
    let n_columns = problem.coef.len();
    let asked = (problem.regularizer, problem.has_intercept);
    let of_columns = Columns::new(asked, flat.as_ref(), (&varying, n_columns));
    let rank = of_columns.rank;
    let n_intercepts = usize::from(problem.has_intercept);
    let (n_free, is_known) = match problem.regularizer {
        Regularizer::None => (rank.unwrap_or(varying.len()), rank.is_some()),
        own if own.selects() => (problem.coef.iter().filter(|w| **w != 0.0).count(), true),
        _ => (problem.coef.len(), true),
    };
    let scale = problem.scale_of(squares, n_free + n_intercepts);
    let (dof_if_whole, dof_resid) = degrees(total, n_free + n_intercepts, problem.weights.is_some());
    let null = Null::of(problem, scale);
    let log_likelihood_sum = likelihood(problem, scale)?;
    let mut found = Found {
        kkt_residual,
        kkt_rounding,
        kkt_noise,
        worst_column: worst.checked_sub(1).map(|k| varying[k]),
        loss_gap: None,
        gap_rounding: 0.0,
        gap_noise: 0.0,
        gap_scale: loss.abs().max(null.size),
        loss,
        log_likelihood: log_likelihood_sum / total,
        log_likelihood_sum,
        dof_resid: Some(dof_resid).filter(|_| is_known),
        dof_if_whole,
        is_scale_estimated: matches!(model.observation, ObservationModel::Gaussian | ObservationModel::Gamma),
        deviance,
        pseudo_r2: [1.0 - log_likelihood_sum / null.log_likelihood, 1.0 - deviance / null.deviance],
        scale,
        most_likely: if problem.has_own_dispersion { most_likely(problem)? } else { None },
        is_exact: squares <= 1e-20 * of_response,
        standard_errors: None,
        why_no_errors: "the Hessian was left out",
        aliased: of_columns.aliased,
        why_no_aliased: of_columns.why_no_aliased,
        rank,
        condition: f64::NAN,
        is_plain: false,
        n_rows: problem.y.len(),
    };
    if let Some((factor, free, condition)) = second {
        let own: Vec<f64> = free.iter().map(|&k| left[k]).collect();
        let noise: Vec<f64> = free.iter().map(|&k| rounding[k] / total).collect();
        found.loss_gap = Some(0.5 * factor.form(&own));
        let spread = |(k, noise): (usize, &f64)| noise * noise * factor.form(&unit(free.len(), k));
        found.gap_rounding = 0.5 * free.len() as f64 * noise.iter().enumerate().map(spread).sum::<f64>();
        let steepest = steepness.iter().copied().fold(0.0, f64::max);
        found.gap_noise = found.gap_rounding + 0.5 * of_constant * of_constant * steepest / total;
        found.condition = condition;
        found.is_plain = of_columns.is_plain && factor.kept.len() == free.len();
        found.standard_errors = errors(problem, &factor, (&free, &varying), scale);
        found.why_no_errors = "some coefficients are not determined";
    }
    Ok(found)
}

fn check(problem: &Problem) -> Result<()> {
    let (n, p) = (problem.rows.n_rows(), problem.rows.n_columns());
    for (what, expected, found) in [
        ("responses", n, problem.y.len()),
        ("coefficients", p, problem.coef.len()),
        ("moments", p, problem.moments.sd.len()),
        ("weights", n, problem.weights.map_or(n, <[f64]>::len)),
        ("numbers of the offset", n, problem.offset.map_or(n, <[f64]>::len)),
    ] {
        if expected != found {
            return Err(Error::Length { what: what.into(), expected, found });
        }
    }
    Ok(())
}

pub(super) fn unit(n: usize, at: usize) -> Vec<f64> {
    (0..n).map(|k| f64::from(u8::from(k == at))).collect()
}

/// The sum of the log-likelihoods at a scale.
fn likelihood(problem: &Problem, scale: f64) -> Result<f64> {
    let parts = over_rows(problem.rows, &Sum::default, &|sum: &mut Sum, row, x| {
        let offset = problem.offset.map_or(0.0, |offset| offset[row]);
        let at = mean(problem.model.inverse_link, predictor([problem.intercept, offset], x, problem.coef));
        sum.add(problem.weight(row) * log_likelihood(problem.model.observation, scale, problem.y[row], at));
    })?;
    Ok(parts.into_iter().map(Sum::value).collect::<Sum>().value())
}

/// The Hessian over the parameters that are free: its factor, which these are, and its condition.
fn curvature(
    problem: &Problem,
    penalty: &Penalty,
    at: &At,
    varying: &[usize],
) -> Result<(Factor, Vec<usize>, f64)> {
    let total = problem.total_weight();
    let of_rows = (problem.rows, problem.moments, problem.has_intercept);
    let mut hessian = gram(of_rows, varying, &|row, x| {
        let offset = problem.offset.map_or(0.0, |offset| offset[row]);
        let there = mean(problem.model.inverse_link, predictor([problem.intercept, offset], x, problem.coef));
        problem.weight(row) * point(problem.model.observation, problem.y[row], there).curvature
    })?;
    hessian /= total;
    let mut place = vec![0; problem.coef.len()];
    varying.iter().enumerate().for_each(|(k, &j)| place[j] = 1 + k);
    penalty.add_curvature(&mut hessian, problem.coef, &problem.moments.sd, &|j| place[j]);
    let first = usize::from(!problem.has_intercept);
    let is_free = |k: &usize| k.checked_sub(1).is_none_or(|k| at.is_free[varying[k]]);
    let free: Vec<usize> = (first..=varying.len()).filter(is_free).collect();
    let own = Matrix::from_shape_fn((free.len(), free.len()), |(i, j)| hessian[(free[i], free[j])]);
    let condition = condition(&own);
    Ok((Factor::of(&own), free, condition))
}
