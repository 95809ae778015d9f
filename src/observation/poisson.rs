use super::Observe;
use crate::inverse_link::{Mean, MeanChange};
use crate::math::special::ln_factorial;

/// Spike counts: `P(y) = mu^y exp(-mu) / y!`, variance `mu`.
///
/// Loss `mu - y ln mu`; log-likelihood `y ln mu - mu - ln y!`; deviance `2 (y ln(y/mu) - (y - mu))`.
#[derive(Clone, Copy, Debug)]
pub struct Poisson;

impl Observe for Poisson {
    #[inline]
    fn loss(&self, y: f64, mean: Mean) -> f64 {
        // 0 ln 0 = 0: a bin without spikes costs its mean, whatever ln mu is
        if y == 0.0 { mean.mu } else { mean.mu - y * mean.log_mu }
    }

    #[inline]
    fn loss_change(&self, y: f64, _mean: Mean, change: MeanChange) -> f64 {
        if y == 0.0 { change.mu } else { change.mu - y * change.log_mu }
    }

    #[inline]
    fn variance(&self, mu: f64) -> f64 {
        mu
    }

    fn log_likelihood(&self, y: f64, mu: f64) -> f64 {
        if y == 0.0 || mu == f64::INFINITY { -mu } else { y * mu.ln() - mu - ln_factorial(y) }
    }

    fn deviance(&self, y: f64, mu: f64) -> f64 {
        if y == 0.0 || mu == f64::INFINITY { 2.0 * mu } else { 2.0 * (y * (y / mu).ln() - (y - mu)) }
    }

    fn outside(&self, y: f64) -> Option<&'static str> {
        (y < 0.0).then_some("a count, 0 or more")
    }
}
