//! Scores: how well predictions agree with a response.

use serde::{Deserialize, Serialize};

use crate::backend::Model;
use crate::math::sum::Sum;
use crate::number;
use crate::observation::{ObservationModel, Observe, Poisson};

/// Agreement of expected and observed counts of one target over its used bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Mean over the bins of the full log-likelihood, natural logarithm.
    #[serde(with = "number")]
    pub log_likelihood: f64,
    /// Its sum.
    #[serde(with = "number")]
    pub log_likelihood_sum: f64,
    /// Sum of the deviances `2 (ll(y, y) - ll(y, mu))`.
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
/// ```
/// let scores = rheobase::glm::score(Default::default(), &[0.0, 1.0, 2.0, 0.0, 3.0], &[0.5, 1.2, 1.5, 0.3, 2.5]);
/// assert!((scores.log_likelihood + 0.9485565362).abs() < 1e-10);
/// assert!((scores.pseudo_r2_mcfadden - 0.3583010091).abs() < 1e-10);
/// assert!((scores.pseudo_r2_cohen - 0.7380283250).abs() < 1e-10);
/// ```
pub fn score(model: Model, y: &[f64], mu: &[f64]) -> Scores {
    match model.observation {
        ObservationModel::Poisson => score_with(Poisson, y, mu),
    }
}

fn score_with(observation: impl Observe, y: &[f64], mu: &[f64]) -> Scores {
    let n = y.len() as f64;
    let mean = y.iter().copied().collect::<Sum>().value() / n;
    let total = |term: &dyn Fn(f64, f64) -> f64, mu: &dyn Fn(usize) -> f64| {
        y.iter().enumerate().map(|(i, &y)| term(y, mu(i))).collect::<Sum>().value()
    };
    let log_likelihood = |y, mu| observation.log_likelihood(y, mu);
    let deviance = |y, mu| observation.deviance(y, mu);
    let log_likelihood_sum = total(&log_likelihood, &|i| mu[i]);
    let deviance_sum = total(&deviance, &|i| mu[i]);
    Scores {
        log_likelihood: log_likelihood_sum / n,
        log_likelihood_sum,
        deviance: deviance_sum,
        pseudo_r2_mcfadden: 1.0 - log_likelihood_sum / total(&log_likelihood, &|_| mean),
        pseudo_r2_cohen: 1.0 - deviance_sum / total(&deviance, &|_| mean),
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
