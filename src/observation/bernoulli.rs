use super::{Observe, Recession};
use crate::inverse_link::{Mean, MeanChange};
use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// An event, or none: `P(1) = mu`, variance `mu (1 - mu)`.
///
/// Loss `-(y ln mu + (1 - y) ln(1 - mu))`, which is the negative log-likelihood. The residual `mu - y` is `mu` without and
/// `-(1 - mu)` with an event, each with all its digits, so it is made of one term: magnitude `2 |mu - y|`, the same for
/// an event as for none. Deviance twice the loss. A direction of recession may move any row that is nearly sure; rows whose
/// residual is above 0.01 hold their place.
#[derive(Clone, Copy, Debug)]
pub struct Bernoulli;

impl Observe for Bernoulli {
    #[inline(always)]
    fn loss<T: Real>(&self, y: T, mean: Mean<T>, _functions: impl Elementary<T>) -> T {
        if y == T::ZERO { -mean.log_rest } else { -mean.log_mu }
    }

    #[inline(always)]
    fn loss_change<T: Real>(
        &self,
        y: T,
        _mean: Mean<T>,
        change: MeanChange<T>,
        _functions: impl Elementary<T>,
    ) -> T {
        if y == T::ZERO { -change.log_rest } else { -change.log_mu }
    }

    #[inline(always)]
    fn residual<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        if y == T::ZERO { mean.mu } else { -mean.rest }
    }

    #[inline(always)]
    fn magnitude<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        let size = self.residual(y, mean).abs();
        size + size
    }

    #[inline(always)]
    fn variance<T: Real>(&self, mean: Mean<T>) -> T {
        mean.mu * mean.rest
    }

    #[inline(always)]
    fn residual_along<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        // relative slopes, which stay where both probability and slope vanish
        if y == T::ZERO { mean.fall } else { -mean.rise }
    }

    #[inline(always)]
    fn magnitude_along<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        let size = self.residual_along(y, mean).abs();
        size + size
    }

    #[inline(always)]
    fn curvature_along<T: Real>(&self, mean: Mean<T>) -> T {
        mean.rise * mean.fall
    }

    fn recession(&self) -> Recession {
        Recession::Apart
    }

    fn log_likelihood(&self, y: f64, mu: f64, _scale: f64) -> f64 {
        if y == 0.0 { (-mu).ln_1p() } else { mu.ln() }
    }

    fn free_of_mean(&self, _y: f64, _scale: f64) -> f64 {
        0.0
    }

    fn deviance(&self, y: f64, mu: f64) -> f64 {
        -2.0 * self.log_likelihood(y, mu, 1.0)
    }

    fn outside(&self, y: f64) -> Option<&'static str> {
        (y != 0.0 && y != 1.0).then_some("0 or 1, no event or one")
    }
}
