//! Observation models: how a response scatters around its mean.
//!
//! With a canonical inverse link `d loss / d eta` is `mu - y` and its derivative the variance, both times a factor where
//! the loss is not a log-likelihood; the loss leaves out terms that the mean does not enter. Methods that kernels call are
//! generic over the arithmetic, without branches and `#[inline(always)]`, so that a loop over rows becomes vectors; the
//! others score single bins in `f64`. To add one: a file, its `mod`, and its entry in [`ObservationModel`].

mod bernoulli;
mod categorical;
mod gamma;
mod gaussian;
mod label;
mod menu;
mod model;
mod negative_binomial;
mod null;
mod pair;
mod poisson;
mod sample;

#[cfg(test)]
mod tests;

pub use bernoulli::Bernoulli;
pub use categorical::{CATEGORICAL, LOG_SOFTMAX, draw_class, log_softmax, most_probable};
pub use gamma::Gamma;
pub use gaussian::Gaussian;
pub use label::Label;
pub use menu::ObservationModel;
pub use model::{Model, WithPair};
pub use negative_binomial::NegativeBinomial;
pub use null::Null;
pub use pair::Pair;
pub use poisson::Poisson;

use crate::inverse_link::{Mean, MeanChange};
use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// What an observation model can do, per bin.
pub trait Observe: Copy + Send + Sync {
    /// Negative log-likelihood of `y` at scale 1, times [`Observe::factor`], terms free of the mean dropped.
    fn loss<T: Real>(&self, y: T, mean: Mean<T>, functions: impl Elementary<T>) -> T;
    /// `loss` after the change minus `loss` before, accurate relative to itself however small the change is.
    fn loss_change<T: Real>(
        &self,
        y: T,
        mean: Mean<T>,
        change: MeanChange<T>,
        functions: impl Elementary<T>,
    ) -> T;
    /// `variance · d loss / d mu`, which is `d loss / d eta` with the canonical link: `factor (mu - y)`.
    fn residual<T: Real>(&self, y: T, mean: Mean<T>) -> T;
    /// Sum of the magnitudes of the terms that the residual is made of.
    fn magnitude<T: Real>(&self, y: T, mean: Mean<T>) -> T;
    /// Variance of a response with this mean, at scale 1.
    fn variance<T: Real>(&self, mean: Mean<T>) -> T;
    /// `slope / variance`, formed so that neither can vanish or overflow alone.
    #[inline(always)]
    fn steepness<T: Real>(&self, mean: Mean<T>) -> T {
        mean.slope / self.variance(mean)
    }
    /// `d loss / d eta` with any link: the residual times the steepness.
    #[inline(always)]
    fn residual_along<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        self.residual(y, mean) * self.steepness(mean)
    }
    /// Sum of the magnitudes of its terms.
    #[inline(always)]
    fn magnitude_along<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        self.magnitude(y, mean) * self.steepness(mean).abs()
    }
    /// `slope² / variance`, the expectation of `d2 loss / d eta2` over [`Observe::factor`].
    #[inline(always)]
    fn curvature_along<T: Real>(&self, mean: Mean<T>) -> T {
        mean.slope * self.steepness(mean)
    }
    /// The loss in negative log-likelihoods at scale 1.
    fn factor(&self) -> f64 {
        1.0
    }
    /// Along which directions the loss may fall for ever.
    fn recession(&self) -> Recession;
    /// Log-likelihood of `y` (natural logarithm, all terms); the limit where `mu` is at a bound.
    fn log_likelihood(&self, y: f64, mu: f64, scale: f64) -> f64;
    /// The terms of the log-likelihood that the mean does not enter: log-likelihood = these - loss / (factor·scale).
    fn free_of_mean(&self, y: f64, scale: f64) -> f64;
    /// Deviance `2 (ll(y, y) - ll(y, mu))` at scale 1; the limit where `y` or `mu` is at a bound.
    fn deviance(&self, y: f64, mu: f64) -> f64;
    /// Squared residual over the variance at scale 1, whose sum over the bins divided by their number less that of the
    /// parameters estimates the scale; `None` where the model knows its variance.
    fn scale_term(&self, _y: f64, _mu: f64) -> Option<f64> {
        None
    }
    /// The dispersion that the model was given, if it has one.
    fn dispersion(&self) -> Option<f64> {
        None
    }
    /// What a response may be, or `None` if `y` is such a value.
    fn outside(&self, y: f64) -> Option<&'static str>;
}

/// Along which directions a loss may fall for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recession {
    /// Along none.
    Never,
    /// Those that lower rows without events and leave the others where they are.
    Down,
    /// Those that raise rows with events or lower rows without: they tell the two apart.
    Apart,
}
