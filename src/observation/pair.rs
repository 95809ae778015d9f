use super::Observe;
use crate::inverse_link::{InvertLink, Mean};
use crate::math::real::Real;

/// An observation model and an inverse link, `CANONICAL` if the slope of the link is the variance.
///
/// Residual and curvature (Fisher) of the loss as a function of the linear predictor are those of the model times
/// `slope / variance`, which is 1 of a canonical pair and near it in the tails of others: formed first, so that neither
/// factor can vanish alone.
#[derive(Clone, Copy, Debug)]
pub struct Pair<O, L, const CANONICAL: bool> {
    /// How a response scatters around its mean.
    pub observation: O,
    /// From the linear predictor to the mean.
    pub link: L,
}

impl<O: Observe, L: InvertLink, const CANONICAL: bool> Pair<O, L, CANONICAL> {
    /// `value · slope / variance`.
    #[inline(always)]
    fn along<T: Real>(&self, value: T, mean: Mean<T>) -> T {
        if CANONICAL { value } else { value * (mean.slope / self.observation.variance(mean)) }
    }

    /// `d loss / d eta`.
    #[inline(always)]
    pub fn residual<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        self.along(self.observation.residual(y, mean), mean)
    }

    /// Sum of the magnitudes of the terms that the residual is made of.
    #[inline(always)]
    pub fn magnitude<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        self.along(self.observation.magnitude(y, mean), mean)
    }

    /// The expectation of `d2 loss / d eta2`: `factor · slope² / variance`.
    #[inline(always)]
    pub fn curvature<T: Real>(&self, mean: Mean<T>) -> T {
        let own = if CANONICAL { self.observation.variance(mean) } else { mean.slope };
        T::from_f64(self.observation.factor()) * self.along(own, mean)
    }
}
