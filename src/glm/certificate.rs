//! The certificate: proof of optimality in `f64` at the numbers that are reported.
//!
//! Coefficients are reported in the user's units. They are taken back to the standardised columns with all the
//! rounding they have suffered, and residual, gradient and gap are computed there.

use super::rank::Rank;
use crate::Result;
use crate::backend::Backend;
use crate::design::Scaling;
use crate::math::dense::{Cholesky, Matrix, condition};
use crate::math::sum::Sum;
use crate::objective::{GlmObjective, Objective, Optimality, Weight};

/// How far a Newton step may move the linear predictor at an optimum. Where it moves it further although the loss
/// is flat, the loss falls for ever.
const RESTLESS: f64 = 0.1;

/// Coefficients of one target in the user's units.
#[derive(Clone, Debug)]
pub(super) struct Reported {
    pub(super) coef: Vec<f64>,
    pub(super) intercept: f64,
}

/// What the Hessian at the reported point tells.
#[derive(Clone, Debug)]
pub(super) struct Inference {
    pub(super) loss_gap: f64,
    pub(super) standard_errors: Vec<f64>,
    pub(super) intercept_standard_error: f64,
    pub(super) condition: f64,
    /// Kept column with the largest variance inflation.
    pub(super) worst_column: Option<usize>,
    /// The Newton step, if the loss falls for ever along it.
    pub(super) recession: Option<Vec<f64>>,
}

/// From standardised parameters (intercept first) of the kept columns to the user's.
pub(super) fn report(rank: &Rank, scaling: &Scaling, parameters: &[f64]) -> Reported {
    let coef: Vec<f64> = rank
        .to_user
        .rows()
        .into_iter()
        .map(|row| row.iter().zip(&parameters[1..]).map(|(a, v)| a * v).sum())
        .collect();
    let shift: Sum = coef.iter().zip(&scaling.mean).map(|(w, mean)| -w * mean).collect();
    Reported { intercept: parameters[0] + shift.value(), coef }
}

/// The reported numbers as standardised parameters. Without aliased columns this is the exact inverse of
/// [`report`] but for the rounding of what is reported; the aliased part of a coefficient cannot be told from it,
/// so there the solver's own coefficients stand for it.
pub(super) fn read_back(rank: &Rank, scaling: &Scaling, reported: &Reported, parameters: &[f64]) -> Vec<f64> {
    let shift: Sum = reported.coef.iter().zip(&scaling.mean).map(|(w, mean)| w * mean).collect();
    let own = |(k, &column): (usize, &usize)| {
        if rank.aliased.is_empty() { reported.coef[column] * scaling.sd[column] } else { parameters[1 + k] }
    };
    std::iter::once(reported.intercept + shift.value()).chain(rank.kept.iter().enumerate().map(own)).collect()
}

/// Standard errors, exact decrement, condition and a test for separation of one target.
pub(super) fn infer<B: Backend>(
    f: &mut GlmObjective<B>,
    rank: &Rank,
    scaling: &Scaling,
    target: usize,
    at: &[f64],
    optimality: &Optimality,
) -> Result<Option<Inference>> {
    let hessian = f.gram(Weight::Point { target, at })?;
    let Some(factor) = Cholesky::new(&hessian) else { return Ok(None) };
    let step: Vec<f64> = factor.solve(&optimality.gradient).iter().map(|d| -d).collect();
    let loss_gap = -0.5 * step.iter().zip(&optimality.gradient).map(|(d, g)| d * g).sum::<f64>();
    let covariance = factor.inverse() / f.n_rows() as f64;
    let variance = |a: &[f64]| -> f64 {
        let product = covariance.dot(&ndarray::ArrayView1::from(a));
        a.iter().zip(&product).map(|(a, b)| a * b).sum()
    };
    let p = at.len();
    let mut standard_errors = vec![f64::NAN; scaling.sd.len()];
    for (k, &column) in rank.kept.iter().enumerate() {
        if !rank.aliased.contains(&column) {
            standard_errors[column] = covariance[(1 + k, 1 + k)].sqrt() / scaling.sd[column];
        }
    }
    // intercept = v0 - sum_j mean_j coef_j, linear in the parameters
    let mut of_intercept = vec![1.0; p];
    for k in 0..rank.kept.len() {
        of_intercept[1 + k] =
            -rank.to_user.column(k).iter().zip(&scaling.mean).map(|(a, mean)| a * mean).sum::<f64>();
    }
    let inflation = |k: &usize| covariance[(1 + k, 1 + k)] * hessian[(1 + k, 1 + k)];
    let worst_column =
        (0..rank.kept.len()).max_by(|a, b| inflation(a).total_cmp(&inflation(b))).map(|k| rank.kept[k]);
    let recession = recession(f, target, at, &step)?;
    Ok(Some(Inference {
        loss_gap,
        standard_errors,
        intercept_standard_error: variance(&of_intercept).sqrt(),
        condition: condition(&hessian),
        worst_column,
        recession,
    }))
}

fn recession<B: Backend>(
    f: &mut GlmObjective<B>,
    target: usize,
    at: &[f64],
    step: &[f64],
) -> Result<Option<Vec<f64>>> {
    let column = |values: &[f64]| Matrix::from_shape_fn((values.len(), 1), |(j, _)| values[j]);
    f.aim(&column(at), &column(step), &[target])?;
    let runs_away = f.reach()?.iter().all(|reach| reach.all > RESTLESS && reach.recedes());
    Ok(runs_away.then(|| step.to_vec()))
}
