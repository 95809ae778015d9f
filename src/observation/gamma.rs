use super::{Observe, Recession};
use crate::inverse_link::{Mean, MeanChange};
use crate::math::deviance::excess;
use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// The shape from which Stirling's series has all digits.
const STIRLING_FROM: f64 = 60.0;

/// Numbers above 0 whose standard deviation is in proportion to their mean: shape `1 / scale`, variance `scale mu²`.
///
/// Loss `y / mu + ln mu`, residual `mu - y`, magnitude `mu + |mu - y|`; with `k = 1 / scale` the log-likelihood is
/// `(k - 1) ln y + k ln k - ln Gamma(k) - k (y / mu + ln mu)`; deviance `2 ((y - mu) / mu - ln(y / mu))`. The scale of a
/// fit is `sum ((y - mu) / mu)^2 / (n - parameters)` (Pearson).
#[derive(Clone, Copy, Debug)]
pub struct Gamma;

impl Observe for Gamma {
    #[inline(always)]
    fn loss<T: Real>(&self, y: T, mean: Mean<T>, _functions: impl Elementary<T>) -> T {
        y / mean.mu + mean.log_mu
    }

    #[inline(always)]
    fn loss_change<T: Real>(
        &self,
        y: T,
        mean: Mean<T>,
        change: MeanChange<T>,
        functions: impl Elementary<T>,
    ) -> T {
        y / mean.mu * functions.exp_m1(-change.log_mu) + change.log_mu
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
        mean.mu * mean.mu
    }

    #[inline(always)]
    fn steepness<T: Real>(&self, mean: Mean<T>) -> T {
        // without the square of the mean, which may be no number of single precision
        mean.rise / mean.mu
    }

    fn recession(&self) -> Recession {
        Recession::Never
    }

    fn log_likelihood(&self, y: f64, mu: f64, scale: f64) -> f64 {
        let deviance = self.deviance(y, mu);
        // nothing is left of a response that is met exactly, however small the scale
        let cost = if deviance == 0.0 { 0.0 } else { deviance / (2.0 * scale) };
        concentration(scale.recip()) - y.ln() - cost
    }

    fn free_of_mean(&self, y: f64, scale: f64) -> f64 {
        let shape = scale.recip();
        (shape - 1.0) * y.ln() + shape + concentration(shape)
    }

    fn deviance(&self, y: f64, mu: f64) -> f64 {
        let ratio = (y - mu) / mu;
        // near 1 the ratio has the digits, else the quotient
        2.0 * if ratio.abs() < 0.5 { excess(ratio) } else { ratio - (y / mu).ln() }
    }

    fn scale_term(&self, y: f64, mu: f64) -> Option<f64> {
        let excess = (y - mu) / mu;
        Some(excess * excess)
    }

    fn outside(&self, y: f64) -> Option<&'static str> {
        (y <= 0.0).then_some("a number above 0")
    }
}

/// `k ln k - k - ln Gamma(k)`, of a large `k` by Stirling's series: it is small against its terms.
fn concentration(k: f64) -> f64 {
    if k < STIRLING_FROM {
        return k * k.ln() - k - libm::lgamma(k);
    }
    let r = k.recip();
    0.5 * (k / std::f64::consts::TAU).ln() - r * (1.0 / 12.0 - r * r * (1.0 / 360.0 - r * r / 1260.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likelihood_of_a_narrow_distribution_keeps_its_digits() {
        // both forms where they meet
        let [below, above] = [STIRLING_FROM * (1.0 - 1e-15), STIRLING_FROM].map(concentration);
        assert!((below - above).abs() < 1e-13, "{below} {above}");
        // nearly a normal distribution of standard deviation 1e-6: one such deviation from the mean
        let found = Gamma.log_likelihood(2.0 + 2e-6, 2.0, 1e-12);
        let normal = -0.5 - (2e-6 * std::f64::consts::TAU.sqrt()).ln();
        assert!((found - normal).abs() < 3e-6, "{found} {normal}");
        assert_eq!(Gamma.log_likelihood(2.0, 2.0, 0.0), f64::INFINITY);
    }
}
