use super::{Observe, Recession};
use crate::inverse_link::{Mean, MeanChange};
use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// Numbers of any kind around their mean: `N(mu, scale)`, the scale being the variance of the noise.
///
/// Loss `(y - mu)^2`, twice the negative log-likelihood at scale 1, so residual `2 (mu - y)`, magnitude `2 (|mu| + |y|)`;
/// log-likelihood `-ln(2 pi scale) / 2 - (y - mu)^2 / (2 scale)`; deviance `(y - mu)^2`. The scale of a fit is
/// `sum (y - mu)^2 / (n - parameters)`.
#[derive(Clone, Copy, Debug)]
pub struct Gaussian;

impl Observe for Gaussian {
    #[inline(always)]
    fn loss<T: Real>(&self, y: T, mean: Mean<T>, _functions: impl Elementary<T>) -> T {
        let rest = y - mean.mu;
        rest * rest
    }

    #[inline(always)]
    fn loss_change<T: Real>(
        &self,
        y: T,
        mean: Mean<T>,
        change: MeanChange<T>,
        _functions: impl Elementary<T>,
    ) -> T {
        let rest = mean.mu - y;
        change.mu * (rest + rest + change.mu)
    }

    #[inline(always)]
    fn residual<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        let rest = mean.mu - y;
        rest + rest
    }

    #[inline(always)]
    fn magnitude<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        let size = mean.mu.abs() + y.abs();
        size + size
    }

    #[inline(always)]
    fn variance<T: Real>(&self, _mean: Mean<T>) -> T {
        T::ONE
    }

    #[inline(always)]
    fn factor(&self) -> f64 {
        2.0
    }

    fn recession(&self) -> Recession {
        Recession::Never
    }

    fn log_likelihood(&self, y: f64, mu: f64, scale: f64) -> f64 {
        let deviance = self.deviance(y, mu);
        // nothing is left of a response that is met exactly, however small the scale
        let cost = if deviance == 0.0 { 0.0 } else { deviance / (2.0 * scale) };
        self.free_of_mean(y, scale) - cost
    }

    fn free_of_mean(&self, _y: f64, scale: f64) -> f64 {
        -0.5 * (std::f64::consts::TAU * scale).ln()
    }

    fn deviance(&self, y: f64, mu: f64) -> f64 {
        (y - mu) * (y - mu)
    }

    fn scale_term(&self, y: f64, mu: f64) -> Option<f64> {
        Some(self.deviance(y, mu))
    }

    fn outside(&self, _y: f64) -> Option<&'static str> {
        None
    }
}
