use super::{InvertLink, Mean, MeanChange};
use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// `mu = exp(eta)`: effects multiply the rate; the canonical link of Poisson counts.
#[derive(Clone, Copy, Debug)]
pub struct Exp;

impl InvertLink for Exp {
    #[inline(always)]
    fn mean<T: Real>(&self, eta: T, functions: impl Elementary<T>) -> Mean<T> {
        let mu = functions.exp(eta);
        Mean { mu, rest: T::ONE - mu, slope: mu, log_mu: eta, log_rest: T::NAN, rise: T::ONE, fall: T::NAN }
    }

    #[inline(always)]
    fn mean_change<T: Real>(
        &self,
        _eta: T,
        mean: Mean<T>,
        delta: T,
        functions: impl Elementary<T>,
    ) -> MeanChange<T> {
        MeanChange { mu: mean.mu * functions.exp_m1(delta), log_mu: delta, log_rest: T::NAN }
    }

    #[inline]
    fn link(&self, mu: f64) -> f64 {
        mu.ln()
    }
}
