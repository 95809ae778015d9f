//! The metric that all targets share: what the Hessian of each would be if no feature had an effect.

use crate::math::dense::{Cholesky, Matrix, symmetric_eigen};
use crate::objective::Penalty;
use crate::observation::Null;

/// The flat Gram `[1 X]ᵀ[1 X]/n` and the penalty, factored, and each target's null model.
///
/// The Hessian of target t at no effect is `M_t = c_t G + P`, with its null curvature `c_t`, the Gram `G` and the Hessian `P`
/// of the penalty. Without one all are multiples of `G`. With one, `B = G + P/c` of any curvature `c` is factored, `B =
/// L Lᵀ`, and `L⁻¹ P L⁻ᵀ / c = Q diag(s) Qᵀ` found once: `M_t = L Q diag(c_t (1 - s) + c s) Qᵀ Lᵀ` for every target, where `s`
/// is the part of the penalty in a direction, between 0 and 1. A target alone is factored with its own `c`.
#[derive(Debug)]
pub struct Metric {
    /// Factor of `G`, or of `B`.
    factor: Cholesky,
    /// Null model of each target.
    pub nulls: Vec<Null>,
    /// What targets of other curvatures need.
    parts: Option<Parts>,
}

/// Directions in which Gram and penalty are both diagonal.
#[derive(Debug)]
struct Parts {
    /// `c`.
    curvature: f64,
    /// `Q`.
    directions: Matrix,
    /// `s`.
    shares: Vec<f64>,
}

impl Metric {
    /// Factors the flat Gram of targets with these null models; `alone` if there is no other target. `None` if numbers are
    /// not finite.
    pub fn new(mut gram: Matrix, penalty: &Penalty, nulls: Vec<Null>, alone: bool) -> Option<Self> {
        if penalty.is_flat() {
            return Some(Self { factor: Cholesky::new(&gram)?, nulls, parts: None });
        }
        // what is shared must not depend on which targets there are
        let curvature = if alone && !nulls[0].is_silent { nulls[0].curvature } else { 1.0 };
        penalty.add_to(&mut gram, 1.0 / curvature);
        let factor = Cholesky::new(&gram)?;
        let parts = if alone { None } else { Some(Parts::new(&factor, penalty, curvature)?) };
        Some(Self { factor, nulls, parts })
    }

    /// The smallest squared pivot of what was factored, 0 if it had to be changed; see [`Cholesky::smallest_pivot`].
    pub fn smallest_pivot(&self) -> f64 {
        if self.factor.jitter() == 0.0 { self.factor.smallest_pivot() } else { 0.0 }
    }

    /// `M⁻¹ g` with the target's estimated Hessian `M`.
    pub fn step(&self, target: usize, gradient: &[f64]) -> Vec<f64> {
        let own = self.nulls[target].curvature;
        let Some(parts) = &self.parts else {
            let mut step = self.factor.solve(gradient);
            step.iter_mut().for_each(|d| *d /= own);
            return step;
        };
        let mut along = parts.directions.t().dot(&ndarray::Array1::from(self.factor.half_solve(gradient)));
        for (along, share) in along.iter_mut().zip(&parts.shares) {
            *along /= own * (1.0 - share) + parts.curvature * share;
        }
        self.factor.half_solve_transposed(&parts.directions.dot(&along).to_vec())
    }

    /// `dᵀ G d`, or that of `B`.
    pub(super) fn form(&self, direction: &[f64]) -> f64 {
        self.factor.form(direction)
    }
}

impl Parts {
    fn new(factor: &Cholesky, penalty: &Penalty, curvature: f64) -> Option<Self> {
        let p = factor.len();
        let unit = |k: usize| -> Vec<f64> { (0..p).map(|j| f64::from(u8::from(j == k))).collect() };
        // columns of L⁻ᵀ, whose products by the penalty are those that are wanted
        let inverse: Vec<Vec<f64>> = (0..p).map(|k| factor.half_solve_transposed(&unit(k))).collect();
        let product = |(i, j): (usize, usize)| penalty.product(&inverse[i], &inverse[j]) / curvature;
        let (shares, directions) = symmetric_eigen(&Matrix::from_shape_fn((p, p), product))?;
        let shares = shares.into_iter().map(|share| share.clamp(0.0, 1.0)).collect();
        Some(Self { curvature, directions, shares })
    }
}
