use super::{InvertLink, Mean, MeanChange, choose};
use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// `mu = ln(1 + exp(eta))`: like `exp` where the mean is small, like `eta` where it is large, so that effects on high
/// rates add up.
///
/// With `s = exp(-|eta|)`: `mu = max(eta, 0) + ln(1 + s)`, and for negative `eta` `ln mu = eta + ln(ln(1 + s) / s)`, whose
/// quotient goes to 1. A short step changes `mu` by `ln(1 + mu' (exp(delta) - 1))` and `ln mu` by `ln(1 + change / mu)`; for
/// a long one, where this overflows or cancels, the difference does.
#[derive(Clone, Copy, Debug)]
pub struct Softplus;

impl InvertLink for Softplus {
    #[inline(always)]
    fn mean<T: Real>(&self, eta: T, functions: impl Elementary<T>) -> Mean<T> {
        let small = functions.exp(-eta.abs());
        let log_part = functions.ln_1p(small);
        let mu = Real::max(eta, T::ZERO) + log_part;
        let is_high = eta > T::ZERO;
        let log_mu = functions.ln_1p(choose(is_high, mu, log_part / small) - T::ONE);
        let slope = choose(is_high, T::ONE, small) / (T::ONE + small);
        Mean {
            mu,
            rest: T::ONE - mu,
            slope,
            log_mu: Real::min(eta, T::ZERO) + log_mu,
            log_rest: T::NAN,
            rise: slope / mu,
            fall: T::NAN,
        }
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
        let is_long = delta.abs() > T::ONE;
        let short = functions.ln_1p(mean.slope * functions.exp_m1(delta));
        MeanChange {
            mu: choose(is_long, there.mu - mean.mu, short),
            log_mu: choose(is_long, there.log_mu - mean.log_mu, functions.ln_1p(short / mean.mu)),
            log_rest: T::NAN,
        }
    }

    #[inline]
    fn link(&self, mu: f64) -> f64 {
        // ln(e^mu - 1) = mu + ln(1 - e^-mu)
        mu + (-(-mu).exp_m1()).ln()
    }
}
