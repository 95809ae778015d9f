//! What the responses alone say: the parts of the scores that no coefficient enters.
//!
//! With them the scores of a fit follow from its loss, which the certificate has computed: no further pass over the
//! design.

use std::ops::Range;

use super::bins::Bins;
use super::score::Scores;
use crate::backend::Model;
use crate::math::sum::Sum;
use crate::objective::Counts;
use crate::observation::{Null, Observe};

/// What rounding may be of a score that is a difference of sums.
const DIGITS: f64 = 1e-13;
/// Smaller counts, which most are, are counted; the terms of larger ones are added up one by one.
const KNOWN: usize = 16;

/// Sums over the used bins of one target.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResponseSums {
    /// Whether all are whole numbers.
    pub(super) are_whole: bool,
    /// The bins, or the sum of their weights.
    n: f64,
    /// The scale that log-likelihoods are at, see [`Observe::scale`].
    pub(super) scale: f64,
    /// The terms of the log-likelihood that the mean does not enter.
    free_of_mean: f64,
    /// Log-likelihood and deviance of the null model, which expects the mean response in every bin.
    null: f64,
    null_deviance: f64,
    /// Its mean loss.
    null_loss: f64,
    /// What a loss is in log-likelihoods of scale 1, see [`Observe::factor`].
    factor: f64,
}

/// The three terms of the response of a target in a bin. Where all bins are alike any of them will do.
type Terms<'a> = dyn Fn(f64, usize, usize) -> [f64; 3] + Sync + 'a;

/// Those of every target, from its null model and scale.
pub(super) fn response_sums(
    model: Model,
    y: Counts,
    bins: &Bins,
    nulls: &[Null],
    scales: &[f64],
) -> Vec<ResponseSums> {
    let observation = model.observation;
    let terms = |y: f64, target: usize, bin: usize| {
        let scale = scales[target];
        let mean = match bins.offset {
            None => nulls[target].mean,
            Some(offset) => model.mean(nulls[target].eta + offset.get(bin)),
        };
        [
            observation.free_of_mean(y, scale),
            observation.log_likelihood(y, mean, scale),
            observation.deviance(y, mean),
        ]
    };
    let mut sums =
        if bins.are_alike() { sums(y, bins, nulls.len(), &terms) } else { all(y, bins, nulls.len(), &terms) };
    for ((sums, null), &scale) in sums.iter_mut().zip(nulls).zip(scales) {
        (sums.null_loss, sums.factor, sums.scale) = (null.loss, observation.factor(), scale);
    }
    sums
}

/// Bin by bin.
fn all(y: Counts, bins: &Bins, n_targets: usize, terms: &Terms) -> Vec<ResponseSums> {
    let of_piece = |used: Range<usize>| {
        let mut sums = vec![([Sum::default(); 3], true); n_targets];
        bins.visit(y, used, |target, bin, weight, y| {
            let (sums, are_whole) = &mut sums[target];
            *are_whole &= y.fract() == 0.0;
            sums.iter_mut().zip(terms(y, target, bin)).for_each(|(sum, term)| sum.add(weight * term));
        });
        sums
    };
    let parts = y.pieces(bins.rows, of_piece);
    let of_target = |target: usize| {
        let total = |k: usize| parts.iter().map(|part| part[target].0[k].value()).collect::<Sum>().value();
        let are_whole = parts.iter().all(|part| part[target].1);
        ResponseSums::new(are_whole, bins.total_weight(), [0, 1, 2].map(total))
    };
    (0..n_targets).map(of_target).collect()
}

/// Counts of one target in a piece: of the small whole ones how many, of the others the terms.
#[derive(Clone)]
struct Seen {
    known: [usize; KNOWN],
    others: [Sum; 3],
    are_whole: bool,
}

/// By the counts of each, since most are small and alike.
fn sums(y: Counts, bins: &Bins, n_targets: usize, terms: &Terms) -> Vec<ResponseSums> {
    let rows = bins.rows;
    let nothing = Seen { known: [0; KNOWN], others: [Sum::default(); 3], are_whole: true };
    let of_piece = |used: Range<usize>| {
        let mut seen = vec![nothing.clone(); n_targets];
        y.visit(rows, used, |target, y| {
            let (seen, whole) = (&mut seen[target], y as usize);
            if whole as f64 == y && whole < KNOWN {
                seen.known[whole] += 1;
                return;
            }
            seen.are_whole &= y.fract() == 0.0;
            seen.others.iter_mut().zip(terms(y, target, 0)).for_each(|(sum, term)| sum.add(term));
        });
        seen
    };
    let pieces = y.pieces(rows, of_piece);
    let of_target = |target: usize| {
        let mut totals = [Sum::default(); 3];
        for seen in pieces.iter().map(|piece| &piece[target]) {
            totals.iter_mut().zip(seen.others).for_each(|(total, sum)| total.add(sum.value()));
        }
        for count in 0..KNOWN {
            let n: usize = pieces.iter().map(|piece| piece[target].known[count]).sum();
            if n > 0 {
                let terms = terms(count as f64, target, 0);
                totals.iter_mut().zip(terms).for_each(|(total, term)| total.add(n as f64 * term));
            }
        }
        let are_whole = pieces.iter().all(|piece| piece[target].are_whole);
        ResponseSums::new(are_whole, bins.total_weight(), totals.map(Sum::value))
    };
    (0..n_targets).map(of_target).collect()
}

impl ResponseSums {
    fn new(are_whole: bool, n: f64, [free_of_mean, null, null_deviance]: [f64; 3]) -> Self {
        let (scale, null_loss, factor) = (1.0, 0.0, 1.0);
        Self { are_whole, n, scale, free_of_mean, null, null_deviance, null_loss, factor }
    }

    /// The scores of a model whose mean loss over the bins is `loss`.
    pub(super) fn scores(&self, loss: f64) -> Scores {
        let n = self.n;
        // likelihoods are at the scale, deviances at 1
        let log_likelihood_sum = self.free_of_mean - loss * n / (self.factor * self.scale);
        // what the mean does not enter is in both and would cost digits
        let gain = (self.null_loss - loss) * n / self.factor;
        Scores {
            log_likelihood: log_likelihood_sum / n,
            log_likelihood_sum,
            deviance: self.null_deviance - 2.0 * gain,
            pseudo_r2_mcfadden: -gain / self.scale / self.null,
            pseudo_r2_cohen: 2.0 * gain / self.null_deviance,
        }
    }

    /// The scores of a model of this log-likelihood and deviance over the bins, beside the null model.
    pub(super) fn against_null(&self, log_likelihood_sum: f64, deviance: f64) -> Scores {
        Scores {
            log_likelihood: log_likelihood_sum / self.n,
            log_likelihood_sum,
            deviance,
            pseudo_r2_mcfadden: 1.0 - log_likelihood_sum / self.null,
            pseudo_r2_cohen: 1.0 - deviance / self.null_deviance,
        }
    }

    /// Whether these scores kept their digits: of very large counts they are small differences of large sums.
    pub(super) fn keep_digits(&self, scores: &Scores, loss: f64) -> bool {
        let terms = [self.free_of_mean, self.null, loss * self.n / (self.factor * self.scale)];
        let rounding = f64::EPSILON * terms.map(f64::abs).iter().sum::<f64>();
        rounding <= DIGITS * scores.deviance.abs().min(scores.log_likelihood_sum.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glm::score;

    /// Scores as they are defined, term by term.
    fn by_definition(y: &[f64], mu: &[f64]) -> Scores {
        let ln_factorial = |y: f64| (1..=y as usize).map(|k| (k as f64).ln()).sum::<f64>();
        // of 2.5: the logarithm of 15/8 the square root of pi, times 2.5 / 1.5 by the recurrence
        let ln_gamma = |y: f64| if y == 2.5 { (3.323_350_970_447_843_f64).ln() } else { ln_factorial(y) };
        let log = |y: f64, mu: f64| if y > 0.0 { y * mu.ln() } else { 0.0 };
        let sum_of = |mu: &dyn Fn(usize) -> f64, term: &dyn Fn(f64, f64) -> f64| -> f64 {
            (0..y.len()).map(|k| term(y[k], mu(k))).sum()
        };
        let log_likelihood = |y: f64, mu: f64| log(y, mu) - mu - ln_gamma(y);
        let deviance = |y: f64, mu: f64| 2.0 * (log(y, y) - y - log(y, mu) + mu);
        let mean = y.iter().sum::<f64>() / y.len() as f64;
        let (own, null) = (|k: usize| mu[k], |_: usize| mean);
        let log_likelihood_sum = sum_of(&own, &log_likelihood);
        Scores {
            log_likelihood: log_likelihood_sum / y.len() as f64,
            log_likelihood_sum,
            deviance: sum_of(&own, &deviance),
            pseudo_r2_mcfadden: 1.0 - log_likelihood_sum / sum_of(&null, &log_likelihood),
            pseudo_r2_cohen: 1.0 - sum_of(&own, &deviance) / sum_of(&null, &deviance),
        }
    }

    #[test]
    fn scores_by_the_loss_are_scores_by_the_means() {
        let model = Model::default();
        let y = [0.0, 1.0, 2.0, 0.0, 3.0, 40.0, 2.5];
        let mu: [f64; 7] = [0.5, 1.2, 1.5, 0.3, 2.5, 33.0, 2.0];
        let loss = y.iter().zip(mu).map(|(y, mu)| mu - y * mu.ln()).sum::<f64>() / y.len() as f64;
        let mean = y.iter().sum::<f64>() / y.len() as f64;
        let counts = ndarray::arr2(&y.map(|y| [y, 1.0]));
        let rows: crate::design::Rows = (0..y.len()).into();
        let sums = response_sums(
            model,
            counts.view().into(),
            &(&rows).into(),
            &[Null::new(model, mean, 0.0), Null::new(model, 1.0, 0.0)],
            &[1.0; 2],
        );
        let (found, expected) = (sums[0].scores(loss), by_definition(&y, &mu));
        let by_means = score(model, &y, &mu);
        for (found, expected) in [
            (found.log_likelihood, expected.log_likelihood),
            (found.log_likelihood_sum, expected.log_likelihood_sum),
            (found.deviance, expected.deviance),
            (found.pseudo_r2_mcfadden, expected.pseudo_r2_mcfadden),
            (found.pseudo_r2_cohen, expected.pseudo_r2_cohen),
            (by_means.log_likelihood_sum, expected.log_likelihood_sum),
            (by_means.deviance, expected.deviance),
            (by_means.pseudo_r2_mcfadden, expected.pseudo_r2_mcfadden),
            (by_means.pseudo_r2_cohen, expected.pseudo_r2_cohen),
        ] {
            assert!((found / expected - 1.0).abs() < 1e-13, "{found} {expected}");
        }
        assert_eq!([sums[0].are_whole, sums[1].are_whole], [false, true]);
        assert!(sums[0].keep_digits(&expected, loss));
        assert_eq!(sums[0].scores(f64::INFINITY).log_likelihood, f64::NEG_INFINITY);
    }
}
