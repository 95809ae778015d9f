//! Observation models: how a response scatters around its mean.
//!
//! With a canonical inverse link `d loss / d eta` is `mu - y` and its derivative the variance; the loss leaves out
//! terms that the mean does not enter. Methods that kernels call are generic over the arithmetic, without branches
//! and `#[inline(always)]`, so that a loop over rows becomes vectors; the others score single bins in `f64`. To add
//! one: a file, its `mod`, and its entry in [`ObservationModel`].

mod poisson;

pub use poisson::Poisson;

use crate::inverse_link::{Mean, MeanChange};
use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// What an observation model can do, per bin.
pub trait Observe: Copy + Send + Sync {
    /// Negative log-likelihood of `y`, terms free of the mean dropped.
    fn loss<T: Real>(&self, y: T, mean: Mean<T>, functions: impl Elementary<T>) -> T;
    /// `loss` after the change minus `loss` before, accurate relative to itself however small the change is.
    fn loss_change<T: Real>(
        &self,
        y: T,
        mean: Mean<T>,
        change: MeanChange<T>,
        functions: impl Elementary<T>,
    ) -> T;
    /// Variance of a response whose mean is `mu`.
    fn variance<T: Real>(&self, mu: T) -> T;
    /// Log-likelihood of `y` (natural logarithm, all terms); the limit where `mu` is 0 or infinite.
    fn log_likelihood(&self, y: f64, mu: f64) -> f64;
    /// The terms of the log-likelihood that the mean does not enter: log-likelihood = these - loss.
    fn free_of_mean(&self, y: f64) -> f64;
    /// Deviance `2 (ll(y, y) - ll(y, mu))`; the limit where `y` or `mu` is 0, or `mu` infinite.
    fn deviance(&self, y: f64, mu: f64) -> f64;
    /// What a response may be, or `None` if `y` is such a value.
    fn outside(&self, y: f64) -> Option<&'static str>;
}

/// The menu of observation models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObservationModel {
    /// Counts whose variance is their mean.
    #[default]
    Poisson,
}
