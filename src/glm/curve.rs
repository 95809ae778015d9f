//! How well the strengths of a penalty predict held-out bins, and which one is taken.

use serde::{Deserialize, Serialize};

use crate::number;

/// Which strength is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pick {
    /// The one with the best mean score.
    #[default]
    Best,
    /// The largest whose mean score is within one standard error of the best.
    OneStandardError,
}

/// How well each strength predicts bins that were not fitted: one target's curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The strengths, ascending: what the regularizer of the fit is multiplied by.
    pub strengths: Vec<f64>,
    /// For each the mean over the folds of the log-likelihood per held-out bin.
    #[serde(with = "number")]
    pub scores: Vec<f64>,
    /// Its standard error: the standard deviation over the folds, divided by the square root of their number.
    #[serde(with = "number")]
    pub standard_errors: Vec<f64>,
    /// The scores of every fold, fold after fold.
    #[serde(with = "number")]
    pub by_fold: Vec<Vec<f64>>,
    /// Which strength has the best mean score.
    pub best: usize,
    /// Which one is the largest whose mean score is within one standard error of the best.
    pub one_se: usize,
}

impl Curve {
    pub(super) fn new(strengths: &[f64], by_fold: Vec<Vec<f64>>) -> Self {
        // folds that could not be scored at any strength say nothing
        let is_counted = |fold: &&Vec<f64>| fold.iter().any(|score| score.is_finite());
        let counted: Vec<&Vec<f64>> = by_fold.iter().filter(is_counted).collect();
        let n = counted.len() as f64;
        let of_strength = |k: usize| counted.iter().map(move |fold| fold[k]);
        let mean = |k: usize| of_strength(k).sum::<f64>() / n;
        let scores: Vec<f64> = (0..strengths.len()).map(mean).collect();
        let error = |k: usize| {
            let squares: f64 = of_strength(k).map(|score| (score - scores[k]).powi(2)).sum();
            (squares / (n - 1.0) / n).sqrt()
        };
        let standard_errors: Vec<f64> = (0..strengths.len()).map(error).collect();
        // of equal ones the larger strength, and of a target without a score
        let known = (0..strengths.len()).rev().filter(|&k| scores[k].is_finite());
        let best = known.fold(None, |best: Option<usize>, k| match best {
            Some(best) if scores[best] >= scores[k] => Some(best),
            _ => Some(k),
        });
        let best = best.unwrap_or(strengths.len() - 1);
        let enough = scores[best] - standard_errors[best];
        let one_se = (0..strengths.len()).rev().find(|&k| scores[k] >= enough).unwrap_or(best);
        Self { strengths: strengths.to_vec(), scores, standard_errors, by_fold, best, one_se }
    }

    /// What a user should know about the scores that are missing, if some are.
    pub(super) fn warning(&self) -> Option<String> {
        let missing = self.by_fold.iter().flatten().filter(|score| !score.is_finite()).count();
        let all = self.by_fold.len() * self.strengths.len();
        let told = if self.scores.iter().any(|score| score.is_finite()) {
            ""
        } else {
            ", so that the largest strength is taken"
        };
        (missing > 0).then(|| {
            format!(
                "cross-validation: {missing} of {all} scores are missing (folds without an event to fit, held-out bins that the model has no mean for, or fits that did not \
                 arrive){told}"
            )
        })
    }

    /// Which strength is taken.
    pub fn chosen(&self, pick: Pick) -> usize {
        match pick {
            Pick::Best => self.best,
            Pick::OneStandardError => self.one_se,
        }
    }
}
