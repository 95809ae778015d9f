//! Inverse links: from the linear predictor `eta` to the mean `mu`.
//!
//! A link answers for one value at a time, in the arithmetic and with the elementary functions that it is given;
//! kernels match the menu once per call and run a loop compiled for that member. Methods that kernels call have no
//! branches and are `#[inline(always)]`, so that the loop becomes vectors. To add one: a file, its `mod`, and its
//! entry in [`InverseLink`].

mod exp;

pub use exp::Exp;

use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// The mean at a linear predictor.
#[derive(Clone, Copy, Debug)]
pub struct Mean<T> {
    /// The mean `mu`.
    pub mu: T,
    /// `ln mu`, without the rounding of going through `mu`.
    pub log_mu: T,
}

/// How the mean changes when the linear predictor does.
#[derive(Clone, Copy, Debug)]
pub struct MeanChange<T> {
    /// `mu(eta + delta) - mu(eta)`, accurate relative to itself however small `delta` is.
    pub mu: T,
    /// `ln mu(eta + delta) - ln mu(eta)`, likewise.
    pub log_mu: T,
}

/// What an inverse link can do.
pub trait InvertLink: Copy + Send + Sync {
    /// The mean at `eta`.
    fn mean<T: Real>(&self, eta: T, functions: impl Elementary<T>) -> Mean<T>;
    /// The change of the mean from `eta` to `eta + delta`; `mean` is the one at `eta`.
    fn mean_change<T: Real>(&self, mean: Mean<T>, delta: T, functions: impl Elementary<T>) -> MeanChange<T>;
    /// The linear predictor at which the mean is `mu`.
    fn link(&self, mu: f64) -> f64;
}

/// The menu of inverse links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InverseLink {
    /// `mu = exp(eta)`.
    #[default]
    Exp,
}
