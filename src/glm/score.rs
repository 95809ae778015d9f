//! Scores: how well predictions agree with a response.

use ndarray::{ArrayView1, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bins::Bins;
use super::null_models::{means, null_models};
use super::response_sums::{ResponseSums, response_sums};
use crate::backend::Model;
use crate::design::{Offset, Rows, Weights};
use crate::math::sum::Sum;
use crate::number;
use crate::objective::Counts;
use crate::observation::{Null, Observe};

/// Bins whose terms are added up by one thread.
const PIECE: usize = 8192;
/// Terms that are added up without correction.
const TOGETHER: usize = 32;

/// Agreement of expected and observed responses of one target over its used bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Mean over the bins of the full log-likelihood, natural logarithm.
    #[serde(with = "number")]
    pub log_likelihood: f64,
    /// Its sum.
    #[serde(with = "number")]
    pub log_likelihood_sum: f64,
    /// Sum of the deviances `2 (ll(y, y) - ll(y, mu))` at scale 1: of a Gaussian response that of the squared residuals.
    #[serde(with = "number")]
    pub deviance: f64,
    /// `1 - ll(model) / ll(null)`; the null model is the mean of the scored response over the same bins.
    #[serde(with = "number")]
    pub pseudo_r2_mcfadden: f64,
    /// `1 - deviance(model) / deviance(null)`.
    #[serde(with = "number")]
    pub pseudo_r2_cohen: f64,
}

/// Scores `mu` against `y`, one entry per used bin.
///
/// A response without events has no null model to compare with: its pseudo-R2 are NaN.
///
/// # Source
/// Daniel `McFadden`, "Conditional logit analysis of qualitative choice behavior" (1973); Jacob Cohen et al.,
/// "Applied Multiple Regression" (2003), section 13.
///
/// # Panics
/// If there are fewer `mu` than `y`.
///
/// ```
/// let scores = rheobase::glm::score(Default::default(), &[0.0, 1.0, 2.0, 0.0, 3.0], &[0.5, 1.2, 1.5, 0.3, 2.5]);
/// assert!((scores.log_likelihood + 0.9485565362).abs() < 1e-10);
/// assert!((scores.pseudo_r2_mcfadden - 0.3583010091).abs() < 1e-10);
/// assert!((scores.pseudo_r2_cohen - 0.7380283250).abs() < 1e-10);
/// ```
pub fn score(model: Model, y: &[f64], mu: &[f64]) -> Scores {
    score_scaled(model, 1.0, y, mu)
}

/// The same with the scale of a fit, see [`super::TargetFit::scale`]: of Gaussian responses the variance that their
/// likelihood is computed with, of Gamma responses the square of their coefficient of variation. A negative binomial model
/// has its dispersion instead. Deviances are those at scale 1.
///
/// # Panics
/// If there are fewer `mu` than `y`.
pub fn score_scaled(model: Model, scale: f64, y: &[f64], mu: &[f64]) -> Scores {
    score_weighted(model, scale, y, mu, [None, None])
}

/// The same with a weight and an offset of every used bin, where there are some: sums are weighted sums, means are divided by
/// the sum of the weights, and the null model is the offset and the constant beside it that makes the responses most likely.
///
/// # Panics
/// If there are fewer `mu`, weights or offsets than `y`.
pub fn score_weighted(
    model: Model,
    scale: f64,
    y: &[f64],
    mu: &[f64],
    [weights, offset]: [Option<&[f64]>; 2],
) -> Scores {
    let rows: Rows = (0..y.len()).into();
    let weights = weights.map(|weights| Weights::new(weights[..y.len()].to_vec(), &rows));
    let offset = offset.map(|offset| Offset::new(offset[..y.len()].to_vec()));
    let bins = Bins { rows: &rows, weights: weights.as_ref(), offset: offset.as_ref() };
    let column: Counts = ArrayView1::from(y).insert_axis(Axis(1)).into();
    let mean = means(column, &bins, &|_| true).unwrap_or_default();
    let nulls = if offset.is_some() {
        null_models(model, column, &bins, mean)
    } else {
        mean.into_iter().map(|mean| Null::new(model, mean, 0.0)).collect()
    };
    let of_response = response_sums(model, column, &bins, &nulls, &[scale]);
    score_by(model, &of_response[0], &bins, y, mu)
}

/// Scores of means against responses, one of each per used bin, whose own sums are known.
pub(super) fn score_by(
    model: Model,
    of_response: &ResponseSums,
    bins: &Bins,
    y: &[f64],
    mu: &[f64],
) -> Scores {
    let (observation, mu, scale) = (model.observation, &mu[..y.len()], of_response.scale);
    let of_piece = |(piece, (y, mu)): (usize, (&[f64], &[f64]))| -> [f64; 2] {
        let mut totals = [Sum::default(); 2];
        let mut rows = bins.rows.some(piece * PIECE..piece * PIECE + y.len());
        for (y, mu) in y.chunks(TOGETHER).zip(mu.chunks(TOGETHER)) {
            let mut sums = [0.0; 2];
            for (&y, &mu) in y.iter().zip(mu) {
                let weight = match bins.weights {
                    Some(weights) => rows.next().map_or(1.0, |row| weights.get(row)),
                    None => 1.0,
                };
                let terms = [observation.log_likelihood(y, mu, scale), observation.deviance(y, mu)];
                sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += weight * term);
            }
            totals.iter_mut().zip(sums).for_each(|(total, sum)| total.add(sum));
        }
        totals.map(Sum::value)
    };
    let pieces = y.par_chunks(PIECE).zip(mu.par_chunks(PIECE)).enumerate();
    let parts: Vec<[f64; 2]> = pieces.map(of_piece).collect();
    let [log_likelihood_sum, deviance] =
        [0, 1].map(|k| parts.iter().map(|part| part[k]).collect::<Sum>().value());
    of_response.against_null(log_likelihood_sum, deviance)
}

/// The scale that responses `y` show around their means `mu`, one entry per used bin: of Gaussian ones
/// `sum (y - mu)^2 / dof`, of Gamma ones `sum ((y - mu) / mu)^2 / dof`; of a negative binomial model its dispersion, of
/// others 1. `dof` is the number of bins less that of the parameters.
///
/// # Source
/// Peter `McCullagh`, John A. Nelder, "Generalized Linear Models" (1989), section 8.3.6.
///
/// # Panics
/// If there are fewer `mu` than `y`.
///
/// ```
/// use rheobase::observation::ObservationModel;
/// let scale = rheobase::glm::estimate_scale(ObservationModel::Gamma.into(), &[1.0, 4.0], &[2.0, 2.0], 1.0);
/// assert_eq!(scale, 1.25);
/// ```
pub fn estimate_scale(model: Model, y: &[f64], mu: &[f64], dof: f64) -> f64 {
    let terms = y.iter().zip(&mu[..y.len()]).map(|(&y, &mu)| model.observation.scale_term(y, mu));
    match terms.collect::<Option<Sum>>() {
        Some(sum) => sum.value() / dof,
        None => model.observation.dispersion().unwrap_or(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_response_has_limits_and_no_null_model() {
        let scores = score(Model::default(), &[0.0, 0.0], &[0.0, 0.0]);
        assert_eq!((scores.log_likelihood, scores.deviance), (0.0, 0.0));
        assert!(scores.pseudo_r2_mcfadden.is_nan() && scores.pseudo_r2_cohen.is_nan());
    }

    #[test]
    fn an_impossible_event_has_no_likelihood() {
        let scores = score(Model::default(), &[1.0, 0.0], &[0.0, 0.5]);
        assert_eq!(scores.log_likelihood, f64::NEG_INFINITY);
        assert_eq!(scores.deviance, f64::INFINITY);
        // so has an endless rate, with events and without
        let scores = score(Model::default(), &[1.0, 0.0], &[f64::INFINITY, f64::INFINITY]);
        assert_eq!(scores.log_likelihood, f64::NEG_INFINITY);
        assert_eq!((scores.deviance, scores.pseudo_r2_mcfadden), (f64::INFINITY, f64::NEG_INFINITY));
    }
}
