use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::{ObservationModel, Observe, Recession};
use crate::inverse_link::{Mean, MeanChange};
use crate::math::deviance::{excess, is_near};
use crate::math::elementary::{Elementary, Standard};
use crate::math::real::Real;
use crate::math::special::{ln_factorial, ln_rising};
use crate::{Error, Result};

/// Counts that vary more than Poisson's: variance `mu + dispersion mu²`, a Poisson count whose rate is drawn from a Gamma
/// distribution of shape `1 / dispersion`.
///
/// With the dispersion `a`: loss `y ln(1 + 1 / (a mu)) + ln(1 + a mu) / a`, residual `mu - y`, magnitude `mu + |mu - y|`;
/// log-likelihood `ln Gamma(y + 1/a) - ln Gamma(1/a) - ln y! - loss`; deviance
/// `2 (y ln(y / mu) - (y + 1/a) ln((1 + a y) / (1 + a mu)))`. Poisson's is the limit of dispersion 0. A scale is not
/// estimated: the dispersion stands for it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct NegativeBinomial {
    dispersion: f64,
    shape: f64,
    log: f64,
}

impl NegativeBinomial {
    /// That of dispersion 1.
    pub const UNIT: Self = Self { dispersion: 1.0, shape: 1.0, log: 0.0 };

    /// That of a dispersion.
    ///
    /// # Errors
    /// [`Error::Argument`] for one that is no number above 0.
    pub fn new(dispersion: f64) -> Result<Self> {
        if dispersion > 0.0 && dispersion.is_finite() {
            return Ok(Self { dispersion, shape: dispersion.recip(), log: dispersion.ln() });
        }
        Err(Error::argument(
            "dispersion",
            "a number above 0",
            dispersion.to_string(),
            "give the dispersion a of the variance mu + a mu²; without any the observation model is poisson",
        ))
    }

    /// The dispersion.
    pub fn dispersion(self) -> f64 {
        self.dispersion
    }
}

impl Default for NegativeBinomial {
    fn default() -> Self {
        Self::UNIT
    }
}

impl TryFrom<f64> for NegativeBinomial {
    type Error = Error;

    fn try_from(dispersion: f64) -> Result<Self> {
        Self::new(dispersion)
    }
}

impl From<NegativeBinomial> for f64 {
    fn from(model: NegativeBinomial) -> Self {
        model.dispersion
    }
}

impl From<NegativeBinomial> for ObservationModel {
    fn from(model: NegativeBinomial) -> Self {
        Self::NegativeBinomial(model)
    }
}

impl PartialEq for NegativeBinomial {
    fn eq(&self, other: &Self) -> bool {
        self.dispersion == other.dispersion
    }
}

impl Eq for NegativeBinomial {}

impl Hash for NegativeBinomial {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.dispersion.to_bits().hash(state);
    }
}

impl Observe for NegativeBinomial {
    #[inline(always)]
    fn loss<T: Real>(&self, y: T, mean: Mean<T>, functions: impl Elementary<T>) -> T {
        let [dispersion, shape, log] = [self.dispersion, self.shape, self.log].map(T::from_f64);
        let spikes = if y == T::ZERO { T::ZERO } else { y * functions.softplus(-(log + mean.log_mu)) };
        shape * functions.ln_1p(dispersion * mean.mu) + spikes
    }

    #[inline(always)]
    fn loss_change<T: Real>(
        &self,
        y: T,
        mean: Mean<T>,
        change: MeanChange<T>,
        functions: impl Elementary<T>,
    ) -> T {
        let [dispersion, shape, log] = [self.dispersion, self.shape, self.log].map(T::from_f64);
        // long steps by the difference, short ones so that no digit is lost
        let is_far = change.log_mu.abs() > T::ONE;
        let pick = |far: T, near: T| if is_far { far } else { near };
        let (from, to) = (log + mean.log_mu, log + mean.log_mu + change.log_mu);
        let rest = T::ONE / (T::ONE + dispersion * mean.mu);
        let of_spikes = pick(
            functions.softplus(-to) - functions.softplus(-from),
            functions.ln_1p(rest * functions.exp_m1(-change.log_mu)),
        );
        let of_rate = pick(
            functions.softplus(to) - functions.softplus(from),
            functions.ln_1p(rest * dispersion * change.mu),
        );
        shape * of_rate + if y == T::ZERO { T::ZERO } else { y * of_spikes }
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
        mean.mu + T::from_f64(self.dispersion) * mean.mu * mean.mu
    }

    #[inline(always)]
    fn steepness<T: Real>(&self, mean: Mean<T>) -> T {
        // without the square of the mean, which may be no number of single precision
        mean.rise / (T::ONE + T::from_f64(self.dispersion) * mean.mu)
    }

    fn recession(&self) -> Recession {
        Recession::Down
    }

    fn log_likelihood(&self, y: f64, mu: f64, scale: f64) -> f64 {
        if mu == f64::INFINITY {
            return f64::NEG_INFINITY;
        }
        let spikes = if y == 0.0 { 0.0 } else { y * Standard.softplus(-(self.log + mu.ln())) };
        self.free_of_mean(y, scale) - spikes - self.shape * (self.dispersion * mu).ln_1p()
    }

    fn free_of_mean(&self, y: f64, _scale: f64) -> f64 {
        ln_rising(self.shape, y) - ln_factorial(y)
    }

    fn deviance(&self, y: f64, mu: f64) -> f64 {
        if mu == f64::INFINITY {
            return f64::INFINITY;
        }
        let ratio = self.dispersion * (mu - y) / (1.0 + self.dispersion * y);
        if is_near(y, mu) {
            return 2.0 * (y * excess((mu - y) / y) - (y + self.shape) * excess(ratio));
        }
        let spikes = if y == 0.0 { 0.0 } else { y * (y / mu).ln() };
        2.0 * (spikes + (y + self.shape) * ratio.ln_1p())
    }

    fn dispersion(&self) -> Option<f64> {
        Some(self.dispersion)
    }

    fn outside(&self, y: f64) -> Option<&'static str> {
        (y < 0.0).then_some("a count, 0 or more")
    }
}
