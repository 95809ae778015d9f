//! A quadratic penalty on the parameters of a target.

use crate::math::dense::Matrix;

/// `sum_j curvature_j v_j² / 2` over the parameters `v`, intercept first.
#[derive(Clone, Debug, Default)]
pub struct Penalty {
    /// One number per parameter, 0 for the intercept; empty for no penalty.
    curvature: Vec<f64>,
}

impl Penalty {
    /// That of coefficients with one `curvature` in units in which the parameters are `sd` times as large.
    pub fn new(curvature: f64, sd: impl IntoIterator<Item = f64>) -> Self {
        if curvature == 0.0 {
            return Self::default();
        }
        let own = |sd: f64| curvature / (sd * sd);
        Self { curvature: std::iter::once(0.0).chain(sd.into_iter().map(own)).collect() }
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.curvature.is_empty()
    }

    /// Its value.
    pub fn value(&self, v: &[f64]) -> f64 {
        0.5 * self.product(v, v)
    }

    /// `sum_j curvature_j a_j b_j`.
    pub fn product(&self, a: &[f64], b: &[f64]) -> f64 {
        self.curvature.iter().zip(a).zip(b).map(|((c, a), b)| c * a * b).sum()
    }

    /// Its gradient; nothing if there is none.
    pub fn gradient(&self, v: &[f64]) -> Vec<f64> {
        self.curvature.iter().zip(v).map(|(c, v)| c * v).collect()
    }

    /// Adds `part` of its Hessian.
    pub fn add_to(&self, hessian: &mut Matrix, part: f64) {
        hessian.diag_mut().iter_mut().zip(&self.curvature).for_each(|(to, c)| *to += part * c);
    }
}
