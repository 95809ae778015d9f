use super::{InvertLink, Mean, MeanChange, choose};
use crate::math::elementary::{Elementary, Standard};
use crate::math::real::Real;

/// `ln sqrt(2 pi)`.
const LN_ROOT_TAU: f64 = 0.918_938_533_204_672_8;
/// `1 / sqrt(2 pi)`.
const DENSITY_AT_0: f64 = 0.398_942_280_401_432_7;
/// Newton steps of the quantile from a start that is good to 5e-4.
const STEPS: usize = 4;

/// `mu = Phi(eta)`, the distribution function of the normal distribution: an event where a normal variable stays below `eta`.
///
/// With `x = |eta|`, the density `phi` and the Mills ratio `R` the smaller of `mu` and `1 - mu` is `phi(x) R(x)`, and its
/// logarithm `-x²/2 - ln sqrt(2 pi) + ln R(x)`, which no tail can take to 0; the relative slope there is `1 / R(x)`. A
/// short step changes that logarithm by what [`Elementary::ln_tail_change`] says, and the other by `ln(1 - change / mu)`; for
/// a long one the difference does.
#[derive(Clone, Copy, Debug)]
pub struct Probit;

impl InvertLink for Probit {
    #[inline(always)]
    fn mean<T: Real>(&self, eta: T, functions: impl Elementary<T>) -> Mean<T> {
        let x = eta.abs();
        let ratio = functions.mills(x);
        let half_square = T::from_f64(0.5) * x * x;
        let slope = T::from_f64(DENSITY_AT_0) * functions.exp(-half_square);
        let tail = slope * ratio;
        let whole = T::ONE - tail;
        let log_tail = functions.ln(ratio) - T::from_f64(LN_ROOT_TAU) - half_square;
        let log_whole = functions.ln_1p(-tail);
        let (steep, flat) = (T::ONE / ratio, slope / whole);
        let is_high = eta > T::ZERO;
        Mean {
            mu: choose(is_high, whole, tail),
            rest: choose(is_high, tail, whole),
            slope,
            log_mu: choose(is_high, log_whole, log_tail),
            log_rest: choose(is_high, log_tail, log_whole),
            rise: choose(is_high, flat, steep),
            fall: choose(is_high, steep, flat),
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
        let is_high = eta > T::ZERO;
        let is_long = delta.abs() > T::ONE;
        // what is not taken stays in the domain of its functions
        let short = choose(is_long, T::ZERO, delta);
        let log_tail = functions.ln_tail_change(eta.abs(), choose(is_high, short, -short));
        let (tail, whole) = (choose(is_high, mean.rest, mean.mu), choose(is_high, mean.mu, mean.rest));
        let of_tail = tail * functions.exp_m1(log_tail);
        let log_whole = functions.ln_1p(-(of_tail / whole));
        let by_rest = is_high && there.mu > there.rest;
        let far = choose(by_rest, mean.rest - there.rest, there.mu - mean.mu);
        let log_mu = choose(is_high, log_whole, log_tail);
        let log_rest = choose(is_high, log_tail, log_whole);
        MeanChange {
            mu: choose(is_long, far, choose(is_high, -of_tail, of_tail)),
            log_mu: choose(is_long, there.log_mu - mean.log_mu, log_mu),
            log_rest: choose(is_long, there.log_rest - mean.log_rest, log_rest),
        }
    }

    #[inline]
    fn link(&self, mu: f64) -> f64 {
        let tail = Real::min(mu, 1.0 - mu);
        if tail.is_nan() || tail <= 0.0 {
            let end = if mu > 0.5 { f64::INFINITY } else { f64::NEG_INFINITY };
            return if tail == 0.0 { end } else { f64::NAN };
        }
        // Hastings' approximation, then Newton's method for the logarithm
        let t = (-2.0 * tail.ln()).sqrt();
        let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
        let mut x = t - above / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
        for _ in 0..STEPS {
            let there = self.mean(-x, Standard);
            x += (there.log_mu - tail.ln()) / there.rise;
        }
        if mu > 0.5 { x } else { -x }
    }
}
