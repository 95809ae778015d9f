use super::{Observe, Recession};
use crate::inverse_link::{Mean, MeanChange};
use crate::math::deviance::{excess, is_near};
use crate::math::elementary::Elementary;
use crate::math::real::Real;
use crate::math::special::ln_factorial;

/// Spike counts: `P(y) = mu^y exp(-mu) / y!`, variance `mu`.
///
/// Loss `mu - y ln mu`, residual `mu - y`, magnitude `mu + |mu - y|`; log-likelihood `y ln mu - mu - ln y!`; deviance `2 (y ln(y/mu) - (y - mu))`.
#[derive(Clone, Copy, Debug)]
pub struct Poisson;

impl Observe for Poisson {
    #[inline(always)]
    fn loss<T: Real>(&self, y: T, mean: Mean<T>, _functions: impl Elementary<T>) -> T {
        // 0 ln 0 = 0: a bin without spikes costs its mean, whatever ln mu is
        let spikes = if y == T::ZERO { T::ZERO } else { y * mean.log_mu };
        mean.mu - spikes
    }

    #[inline(always)]
    fn loss_change<T: Real>(
        &self,
        y: T,
        _mean: Mean<T>,
        change: MeanChange<T>,
        _functions: impl Elementary<T>,
    ) -> T {
        let spikes = if y == T::ZERO { T::ZERO } else { y * change.log_mu };
        change.mu - spikes
    }

    #[inline(always)]
    fn residual<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        mean.mu - y
    }

    #[inline(always)]
    fn magnitude<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        mean.mu + (mean.mu - y).abs()
    }

    #[inline(always)]
    fn variance<T: Real>(&self, mean: Mean<T>) -> T {
        mean.mu
    }

    fn recession(&self) -> Recession {
        Recession::Down
    }

    fn log_likelihood(&self, y: f64, mu: f64, _scale: f64) -> f64 {
        if y == 0.0 || mu == f64::INFINITY { -mu } else { y * mu.ln() - mu - ln_factorial(y) }
    }

    fn free_of_mean(&self, y: f64, _scale: f64) -> f64 {
        -ln_factorial(y)
    }

    fn deviance(&self, y: f64, mu: f64) -> f64 {
        if y == 0.0 || mu == f64::INFINITY {
            return 2.0 * mu;
        }
        if is_near(y, mu) { 2.0 * y * excess((mu - y) / y) } else { 2.0 * (y * (y / mu).ln() - (y - mu)) }
    }

    fn outside(&self, y: f64) -> Option<&'static str> {
        (y < 0.0).then_some("a count, 0 or more")
    }
}
