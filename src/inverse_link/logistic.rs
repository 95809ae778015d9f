use super::{InvertLink, Mean, MeanChange, choose};
use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// `mu = 1 / (1 + exp(-eta))`: effects multiply the odds; the canonical link of Bernoulli responses.
///
/// Everything is written with `exp(-|eta|)`, which neither overflows nor cancels:
/// `ln mu = min(eta, 0) - ln(1 + exp(-|eta|))`, and `ln(1 - mu)` is that of `-eta`. A short step changes `ln mu` by
/// `-ln(1 + (1 - mu) (exp(-delta) - 1))`; for a long one, where this overflows or cancels, the difference does.
#[derive(Clone, Copy, Debug)]
pub struct Logistic;

impl InvertLink for Logistic {
    #[inline(always)]
    fn mean<T: Real>(&self, eta: T, functions: impl Elementary<T>) -> Mean<T> {
        let small = functions.exp(-eta.abs());
        let part = T::ONE / (T::ONE + small);
        let log_part = -functions.ln_1p(small);
        let is_likely = eta > T::ZERO;
        let (mu, rest) = (choose(is_likely, part, small * part), choose(is_likely, small * part, part));
        let (log_mu, log_rest) = (Real::min(eta, T::ZERO) + log_part, Real::min(-eta, T::ZERO) + log_part);
        Mean { mu, rest, slope: mu * rest, log_mu, log_rest, rise: rest, fall: mu }
    }

    #[inline(always)]
    fn mean_change<T: Real>(
        &self,
        eta: T,
        mean: Mean<T>,
        delta: T,
        functions: impl Elementary<T>,
    ) -> MeanChange<T> {
        let there = self.mean(eta + delta, functions);
        let (rise, fall) = (functions.exp_m1(delta), functions.exp_m1(-delta));
        let is_long = delta.abs() > T::ONE;
        let mu = choose(delta > T::ZERO, -(there.mu * mean.rest * fall), mean.mu * there.rest * rise);
        let log_mu = choose(is_long, there.log_mu - mean.log_mu, -functions.ln_1p(mean.rest * fall));
        let log_rest = choose(is_long, there.log_rest - mean.log_rest, -functions.ln_1p(mean.mu * rise));
        MeanChange { mu, log_mu, log_rest }
    }

    #[inline]
    fn link(&self, mu: f64) -> f64 {
        mu.ln() - (-mu).ln_1p()
    }
}
