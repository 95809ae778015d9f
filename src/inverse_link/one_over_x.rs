use super::{InvertLink, Mean, MeanChange, choose};
use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// `mu = 1 / eta` for `eta > 0`: effects add up in the time between events; the canonical link of Gamma responses, but for
/// its sign.
///
/// No mean belongs to a linear predictor of 0 or less. There everything is NaN: a loss and its changes are no numbers then,
/// and no solver takes a step that has none. A step changes `mu` by `-mu delta / (eta + delta)` and `ln mu` by
/// `-ln(1 + mu delta)`.
#[derive(Clone, Copy, Debug)]
pub struct OneOverX;

/// `eta` where it has a mean, else NaN.
#[inline(always)]
fn inside<T: Real>(eta: T) -> T {
    if eta > T::ZERO { eta } else { T::NAN }
}

impl InvertLink for OneOverX {
    #[inline(always)]
    fn mean<T: Real>(&self, eta: T, functions: impl Elementary<T>) -> Mean<T> {
        let mu = T::ONE / inside(eta);
        Mean {
            mu,
            rest: T::ONE - mu,
            slope: -(mu * mu),
            log_mu: -functions.ln(inside(eta)),
            log_rest: T::NAN,
            rise: -mu,
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
        let there = inside(eta + delta);
        MeanChange {
            mu: -(mean.mu * (delta / there)),
            // also where rounding hides from the product that there is no mean
            log_mu: choose(there > T::ZERO, -functions.ln_1p(mean.mu * delta), T::NAN),
            log_rest: T::NAN,
        }
    }

    #[inline]
    fn link(&self, mu: f64) -> f64 {
        mu.recip()
    }
}
