use super::Observe;
use crate::inverse_link::{InvertLink, Mean};
use crate::math::real::Real;

/// An observation model and an inverse link, `CANONICAL` if the slope of the link is the variance.
///
/// Residual and curvature (Fisher) of the loss as a function of the linear predictor are those of the model times
/// `slope / variance`, which is 1 of a canonical pair.
#[derive(Clone, Copy, Debug)]
pub struct Pair<O, L, const CANONICAL: bool> {
    /// How a response scatters around its mean.
    pub observation: O,
    /// From the linear predictor to the mean.
    pub link: L,
}

impl<O: Observe, L: InvertLink, const CANONICAL: bool> Pair<O, L, CANONICAL> {
    /// `d loss / d eta`.
    #[inline(always)]
    pub fn residual<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        let observation = &self.observation;
        if CANONICAL { observation.residual(y, mean) } else { observation.residual_along(y, mean) }
    }

    /// Sum of the magnitudes of the terms that the residual is made of.
    #[inline(always)]
    pub fn magnitude<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        let observation = &self.observation;
        if CANONICAL { observation.magnitude(y, mean) } else { observation.magnitude_along(y, mean) }
    }

    /// The expectation of `d2 loss / d eta2`: `factor · slope² / variance`.
    #[inline(always)]
    pub fn curvature<T: Real>(&self, mean: Mean<T>) -> T {
        let observation = &self.observation;
        let own = if CANONICAL { observation.variance(mean) } else { observation.curvature_along(mean) };
        T::from_f64(observation.factor()) * own
    }
}
