//! The directions that are left to ask about.

use super::Sides;
use crate::math::dense::{Matrix, null_space, orthonormal};
use crate::objective::Penalty;

/// Part of the largest squared cost of a direction that is rounding.
const FREE: f64 = 1e-12;

/// Directions of so many parameters: all, or combinations of the columns of a basis.
#[derive(Clone, Debug)]
pub(super) struct Space {
    n: usize,
    basis: Option<Matrix>,
}

impl Space {
    /// Those that cost nothing with this penalty and leave out intercepts that are no parameters; `None` if it is not finite.
    pub(super) fn free(penalty: &Penalty, n: usize, of_block: usize, has_intercept: bool) -> Option<Self> {
        if penalty.is_none() && has_intercept {
            return Some(Self { n, basis: None });
        }
        let mut costs = Matrix::zeros((n, n));
        penalty.add_to(&mut costs, 1.0);
        let largest = costs.diag().iter().fold(0.0, |a: f64, b| a.max(*b));
        if largest > 0.0 {
            costs /= largest;
        }
        for j in (0..n).filter(|&j| penalty.has_kink(j) || (!has_intercept && j.is_multiple_of(of_block))) {
            costs[(j, j)] += 1.0;
        }
        if costs.iter().all(|cost| *cost == 0.0) {
            return Some(Self { n, basis: None });
        }
        Some(Self { n, basis: Some(null_space(&costs, FREE)?) })
    }

    /// Dimension.
    pub(super) fn dim(&self) -> usize {
        self.basis.as_ref().map_or(self.n, Matrix::ncols)
    }

    /// Whether they are all.
    pub(super) fn is_whole(&self) -> bool {
        self.basis.is_none()
    }

    /// The direction of these coordinates.
    pub(super) fn up(&self, z: &[f64]) -> Vec<f64> {
        match &self.basis {
            Some(basis) => basis.dot(&ndarray::ArrayView1::from(z)).to_vec(),
            None => z.to_vec(),
        }
    }

    /// A row with respect to the coordinates; what may be rounding is 0.
    pub(super) fn down(&self, gradient: &[f64], sides: &Sides) -> Vec<f64> {
        let Some(basis) = &self.basis else { return gradient.to_vec() };
        let coordinate = |column: ndarray::ArrayView1<f64>| {
            let (mut sum, mut rounding) = (0.0, 0.0);
            for (j, (g, b)) in gradient.iter().zip(column).enumerate() {
                sum += g * b;
                rounding += sides.known(j) * (g * b).abs();
            }
            if f64::abs(sum) > rounding { sum } else { 0.0 }
        };
        basis.columns().into_iter().map(coordinate).collect()
    }

    /// The directions whose coordinates are combinations of these columns.
    pub(super) fn within(&self, coordinates: &Matrix) -> Self {
        let basis = match &self.basis {
            Some(basis) => basis.dot(coordinates),
            None => coordinates.clone(),
        };
        // of vectors nearly along one another a difference would have the roundings of both
        Self { n: self.n, basis: Some(orthonormal(&basis)) }
    }
}
