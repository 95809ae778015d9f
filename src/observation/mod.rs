//! Observation models: how a response scatters around its mean.
//!
//! With a canonical inverse link `d loss / d eta` is `mu - y` and its derivative the variance, both times a factor where
//! the loss is not a log-likelihood; the loss leaves out terms that the mean does not enter. Methods that kernels call are
//! generic over the arithmetic, without branches and `#[inline(always)]`, so that a loop over rows becomes vectors; the
//! others score single bins in `f64`. To add one: a file, its `mod`, and its entry in [`ObservationModel`].

mod bernoulli;
mod gaussian;
mod menu;
mod model;
mod null;
mod pair;
mod poisson;

#[cfg(test)]
mod tests;

pub use bernoulli::Bernoulli;
pub use gaussian::Gaussian;
pub use menu::ObservationModel;
pub use model::{Model, WithPair};
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
    /// Whether no direction of recession moves a row with this response and mean, see [`Observe::recession`].
    fn holds<T: Real>(&self, y: T, mean: Mean<T>) -> bool;
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
    /// The scale (variance over that at scale 1) that explains a mean loss; `1` where the model knows its variance.
    /// `n` bins, `n_parameters` fitted to them, the intercept among them.
    fn scale(&self, _loss: f64, _n: usize, _n_parameters: usize) -> f64 {
        1.0
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
