//! Inverse links: from the linear predictor `eta` to the mean `mu`.
//!
//! A link answers for one value at a time, in the arithmetic and with the elementary functions that it is given;
//! kernels match the menu once per call and run a loop compiled for that member. Methods that kernels call have no
//! branches and are `#[inline(always)]`, so that the loop becomes vectors; what a model does not use of a mean costs
//! nothing. To add one: a file, its `mod`, and its entry in [`InverseLink`].

mod exp;
mod identity;
mod logistic;
mod menu;
mod one_over_x;
mod probit;
mod softplus;

#[cfg(test)]
mod tests;

pub use exp::Exp;
pub use identity::Identity;
pub use logistic::Logistic;
pub use menu::InverseLink;
pub use one_over_x::OneOverX;
pub use probit::Probit;
pub use softplus::Softplus;

use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// The mean at a linear predictor.
#[derive(Clone, Copy, Debug)]
pub struct Mean<T> {
    /// The mean `mu`.
    pub mu: T,
    /// `1 - mu`, without the rounding of the difference where `mu` is a probability.
    pub rest: T,
    /// The slope `d mu / d eta`.
    pub slope: T,
    /// `ln mu`, without the rounding of going through `mu`; NaN where a link gives means of both signs.
    pub log_mu: T,
    /// `ln(1 - mu)`, likewise; NaN where a link gives means above 1.
    pub log_rest: T,
    /// `d ln mu / d eta`, where a tail would make a quotient of 0 and 0 too; NaN where a link gives means of both signs.
    pub rise: T,
    /// `-d ln(1 - mu) / d eta`, likewise; NaN where a link gives means above 1.
    pub fall: T,
}

/// How the mean changes when the linear predictor does.
#[derive(Clone, Copy, Debug)]
pub struct MeanChange<T> {
    /// `mu(eta + delta) - mu(eta)`, accurate relative to itself however small `delta` is.
    pub mu: T,
    /// That of `ln mu`, likewise.
    pub log_mu: T,
    /// That of `ln(1 - mu)`, likewise.
    pub log_rest: T,
}

/// What an inverse link can do.
pub trait InvertLink: Copy + Send + Sync {
    /// The mean at `eta`.
    fn mean<T: Real>(&self, eta: T, functions: impl Elementary<T>) -> Mean<T>;
    /// The change of the mean from `eta` to `eta + delta`; `mean` is the one at `eta`.
    fn mean_change<T: Real>(
        &self,
        eta: T,
        mean: Mean<T>,
        delta: T,
        functions: impl Elementary<T>,
    ) -> MeanChange<T>;
    /// The linear predictor at which the mean is `mu`.
    fn link(&self, mu: f64) -> f64;
}

/// `yes` or `no`, both of which are there: an instruction that picks, not a branch.
#[inline(always)]
fn choose<T: Real>(is_yes: bool, yes: T, no: T) -> T {
    if is_yes { yes } else { no }
}
