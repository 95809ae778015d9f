use super::{InvertLink, Mean, MeanChange};
use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// `mu = eta`: effects add up; the canonical link of Gaussian responses.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

impl InvertLink for Identity {
    #[inline(always)]
    fn mean<T: Real>(&self, eta: T, _functions: impl Elementary<T>) -> Mean<T> {
        Mean {
            mu: eta,
            rest: T::ONE - eta,
            slope: T::ONE,
            log_mu: T::NAN,
            log_rest: T::NAN,
            rise: T::NAN,
            fall: T::NAN,
        }
    }

    #[inline(always)]
    fn mean_change<T: Real>(
        &self,
        _eta: T,
        _mean: Mean<T>,
        delta: T,
        _functions: impl Elementary<T>,
    ) -> MeanChange<T> {
        MeanChange { mu: delta, log_mu: T::NAN, log_rest: T::NAN }
    }

    #[inline]
    fn link(&self, mu: f64) -> f64 {
        mu
    }
}
