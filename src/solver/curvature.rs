//! What is kept of a Hessian, and the step it leads to.

use super::dot;
use super::proximal;
use super::run::{Heading, Point};
use crate::math::dense::{Cholesky, Matrix};
use crate::objective::Kinks;

/// One target's Hessian.
pub(super) enum Curvature {
    /// Its factor.
    Factor(Cholesky),
    /// All of it, where the penalty has kinks.
    Whole(Matrix),
}

/// A direction as a heading.
pub(super) fn smooth(mut direction: Vec<f64>, gradient: &[f64]) -> Heading {
    direction.iter_mut().for_each(|d| *d = -*d);
    let slope = dot(&direction, gradient);
    Heading { direction, gap: -0.5 * slope, slope }
}

impl Curvature {
    /// `None` if numbers are not finite.
    pub(super) fn new(hessian: Matrix, kinks: &Kinks) -> Option<Self> {
        if !kinks.is_none() {
            return hessian.iter().all(|value| value.is_finite()).then_some(Self::Whole(hessian));
        }
        Cholesky::new(&hessian).map(Self::Factor)
    }

    /// Newton's step from a point; `None` if numbers are not finite.
    pub(super) fn heading(&self, kinks: &Kinks, point: &Point) -> Option<Heading> {
        match self {
            Self::Whole(hessian) => proximal::heading(hessian, kinks, &point.at, &point.gradient),
            Self::Factor(factor) => Some(smooth(factor.solve(&point.gradient), &point.gradient)),
        }
    }
}
