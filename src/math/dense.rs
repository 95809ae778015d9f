//! Dense symmetric algebra on small matrices, a thin layer over faer with arrays of ndarray at its face.

use faer::linalg::solvers::{Llt, Solve};
use faer::{Mat, MatRef, Side};
use ndarray::Array2;

/// A squared pivot of the scaled matrix that is rounding.
const SINGULAR: f64 = 1e-15;

/// A matrix of `f64`: (bins, features), (features, targets) or (parameters, parameters).
pub type Matrix = Array2<f64>;

fn to_faer(a: &Matrix) -> Mat<f64> {
    Mat::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)])
}

/// Cholesky factor of a symmetric positive definite matrix, scaled to a unit diagonal before it is factored.
///
/// A matrix that is singular to rounding gets `jitter` on the scaled diagonal: 1e-13, ten times more at each
/// failure. A direction with a zero diagonal is left alone (its solution component is 0).
#[derive(Debug)]
pub struct Cholesky {
    factor: Llt<f64>,
    /// `1 / sqrt(a_jj)`, 0 where the diagonal is not positive.
    scale: Vec<f64>,
    jitter: f64,
}

impl Cholesky {
    /// Factors the symmetric matrix `a`, shape (p, p). `None` if it holds a non-finite number or no jitter up
    /// to 1 makes it positive definite.
    pub fn new(a: &Matrix) -> Option<Self> {
        if a.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let p = a.nrows();
        let mut scale: Vec<f64> =
            a.diag().iter().map(|&d| if d > 0.0 { 1.0 / d.sqrt() } else { 0.0 }).collect();
        let mut jitter = 0.0;
        while jitter <= 1.0 {
            let scaled = Mat::from_fn(p, p, |i, j| {
                let value = a[(i, j)] * scale[i] * scale[j];
                if i == j { if value > 0.0 { 1.0 + jitter } else { 1.0 } } else { value }
            });
            if let Ok(factor) = Llt::new(scaled.as_ref(), Side::Lower) {
                let found = Self { factor, scale, jitter };
                if found.smallest_pivot() > SINGULAR {
                    return Some(found);
                }
                scale = found.scale;
            }
            jitter = if jitter == 0.0 { 1e-13 } else { jitter * 10.0 };
        }
        None
    }

    /// What had to be added to the unit diagonal, 0 for a matrix that is positive definite to rounding.
    pub fn jitter(&self) -> f64 {
        self.jitter
    }

    /// Smallest squared pivot of the scaled matrix: the part of some column's variance that the columns before it
    /// do not explain, if the matrix is a Gram.
    pub fn smallest_pivot(&self) -> f64 {
        let lower = self.factor.L();
        (0..self.scale.len()).map(|j| lower[(j, j)] * lower[(j, j)]).fold(1.0, f64::min)
    }

    /// Solves `a x = b` for one right-hand side.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let rhs = Mat::from_fn(b.len(), 1, |i, _| b[i] * self.scale[i]);
        let x = self.factor.solve(rhs);
        (0..b.len()).map(|i| x[(i, 0)] * self.scale[i]).collect()
    }

    /// Parameters.
    #[allow(clippy::len_without_is_empty, reason = "a matrix without rows is none")]
    pub fn len(&self) -> usize {
        self.scale.len()
    }

    /// Solves `h x = b` with the half `h` of `a = h hᵀ`.
    pub fn half_solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = Mat::from_fn(b.len(), 1, |i, _| b[i] * self.scale[i]);
        self.factor.L().solve_lower_triangular_in_place(&mut x);
        (0..b.len()).map(|i| x[(i, 0)]).collect()
    }

    /// Solves `hᵀ x = b`.
    pub fn half_solve_transposed(&self, b: &[f64]) -> Vec<f64> {
        let mut x = Mat::from_fn(b.len(), 1, |i, _| b[i]);
        self.factor.L().transpose().solve_upper_triangular_in_place(&mut x);
        (0..b.len()).map(|i| x[(i, 0)] * self.scale[i]).collect()
    }

    /// `dᵀ a d`.
    pub fn form(&self, d: &[f64]) -> f64 {
        let lower = self.factor.L();
        let scaled: Vec<f64> =
            d.iter().zip(&self.scale).map(|(d, &s)| if s > 0.0 { d / s } else { 0.0 }).collect();
        let product = |j: usize| (j..d.len()).map(|i| lower[(i, j)] * scaled[i]).sum::<f64>();
        (0..d.len()).map(|j| product(j).powi(2)).sum()
    }

    /// The inverse of `a`, shape (p, p).
    pub fn inverse(&self) -> Matrix {
        let p = self.scale.len();
        let rhs = Mat::from_fn(p, p, |i, j| if i == j { self.scale[i] } else { 0.0 });
        let x = self.factor.solve(rhs);
        Matrix::from_shape_fn((p, p), |(i, j)| x[(i, j)] * self.scale[i])
    }
}

/// Eigenvalues of the symmetric matrix `a`, ascending; `None` if the iteration fails or `a` is not finite.
pub fn eigenvalues(a: &Matrix) -> Option<Vec<f64>> {
    if a.iter().any(|value| !value.is_finite()) {
        return None;
    }
    to_faer(a).self_adjoint_eigenvalues(Side::Lower).ok()
}

/// The largest modulus of the eigenvalues of the square matrix `a`; `None` if the iteration fails or `a` is not finite.
pub fn largest_modulus(a: &Matrix) -> Option<f64> {
    if a.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let values = to_faer(a).eigenvalues().ok()?;
    Some(values.iter().map(|value| value.re.hypot(value.im)).fold(0.0, f64::max))
}

/// Eigenvalues of the symmetric matrix `a`, ascending, and its eigenvectors as columns; `None` if the iteration fails or `a`
/// is not finite.
pub fn symmetric_eigen(a: &Matrix) -> Option<(Vec<f64>, Matrix)> {
    if a.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let eigen = to_faer(a).self_adjoint_eigen(Side::Lower).ok()?;
    let values = (0..a.nrows()).map(|k| eigen.S()[k]).collect();
    Some((values, Matrix::from_shape_fn(a.dim(), |(i, j)| eigen.U()[(i, j)])))
}

/// An orthonormal basis of the null space of the symmetric positive semidefinite `a`, shape (p, dimension):
/// eigenvectors of `a` scaled to a unit diagonal whose eigenvalue is at most `tolerance` of the largest, scaled
/// back. `None` if `a` is not finite.
pub fn null_space(a: &Matrix, tolerance: f64) -> Option<Matrix> {
    if a.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let scale: Vec<f64> = a.diag().iter().map(|&d| if d > 0.0 { 1.0 / d.sqrt() } else { 1.0 }).collect();
    let p = a.nrows();
    let scaled = Mat::from_fn(p, p, |i, j| a[(i, j)] * scale[i] * scale[j]);
    let eigen = scaled.self_adjoint_eigen(Side::Lower).ok()?;
    let values: Vec<f64> = (0..p).map(|k| eigen.S()[k]).collect();
    let largest = values.iter().copied().fold(0.0, f64::max);
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for k in (0..p).filter(|&k| values[k] <= tolerance * largest) {
        let mut vector: Vec<f64> = (0..p).map(|i| eigen.U()[(i, k)] * scale[i]).collect();
        for _ in 0..2 {
            for other in &basis {
                let along: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
            }
        }
        let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        basis.push(vector.iter().map(|x| x / norm).collect());
    }
    Some(Matrix::from_shape_fn((p, basis.len()), |(i, k)| basis[k][i]))
}

/// An orthonormal basis of the vectors of `n` numbers that all `rows` send to 0, shape (n, dimension): right singular vectors
/// whose singular value is at most `tolerance` of the largest. The rows are not squared, so that singular values are known to
/// rounding of the largest. `None` if a number is not finite.
pub fn null_space_of_rows(rows: &[Vec<f64>], n: usize, tolerance: f64) -> Option<Matrix> {
    if rows.iter().flatten().any(|value| !value.is_finite()) {
        return None;
    }
    let all = Mat::from_fn(rows.len().max(n), n, |i, j| rows.get(i).map_or(0.0, |row| row[j]));
    let qr = all.qr();
    let svd = qr.thin_R().svd().ok()?;
    let values: Vec<f64> = (0..n).map(|k| svd.S()[k]).collect();
    let largest = values.iter().copied().fold(0.0, f64::max);
    let unseen: Vec<usize> = (0..n).filter(|&k| values[k] <= tolerance * largest).collect();
    Some(Matrix::from_shape_fn((n, unseen.len()), |(i, k)| svd.V()[(i, unseen[k])]))
}

/// Orthonormal columns that span what the columns of `a` do, which are independent.
pub fn orthonormal(a: &Matrix) -> Matrix {
    let q = to_faer(a).qr().compute_thin_Q();
    Matrix::from_shape_fn((q.nrows(), q.ncols()), |(i, k)| q[(i, k)])
}

/// Ratio of the largest to the smallest eigenvalue of the symmetric positive definite `a` scaled to a unit
/// diagonal; infinite if it is singular to rounding.
pub fn condition(a: &Matrix) -> f64 {
    let scaled = Matrix::from_shape_fn(a.dim(), |(i, j)| a[(i, j)] / (a[(i, i)] * a[(j, j)]).sqrt());
    match eigenvalues(&scaled) {
        Some(values) if values.is_empty() => 1.0,
        Some(values) if values[0] > 0.0 => values[values.len() - 1] / values[0],
        _ => f64::INFINITY,
    }
}

/// Adds `xᵀ·diag(weight)·x` to the lower triangle of `sums`, a (p, p) matrix stored by columns.
///
/// `x` holds p columns of `weight.len()` rows each, one after the other, and `weighted` is scratch of that size.
pub fn add_weighted_gram(sums: &mut [f64], x: &[f64], weight: &[f64], weighted: &mut [f64]) {
    use faer::linalg::matmul::triangular::{BlockStructure, matmul};
    let n = weight.len();
    let p = x.len() / n;
    for (out, column) in weighted.chunks_exact_mut(n).zip(x.chunks_exact(n)) {
        for ((o, &v), &w) in out.iter_mut().zip(column).zip(weight) {
            *o = v * w;
        }
    }
    matmul(
        faer::MatMut::from_column_major_slice_mut(sums, p, p),
        BlockStructure::TriangularLower,
        faer::Accum::Add,
        MatRef::from_column_major_slice(x, n, p).transpose(),
        BlockStructure::Rectangular,
        MatRef::from_column_major_slice(weighted, n, p),
        BlockStructure::Rectangular,
        1.0,
        faer::Par::Seq,
    );
}

/// The symmetric matrix whose lower triangle is stored by columns in `lower`, each entry times `factor`.
pub fn symmetric(lower: &[f64], p: usize, factor: f64) -> Matrix {
    Matrix::from_shape_fn((p, p), |(i, j)| lower[j.min(i) * p + i.max(j)] * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_badly_scaled_system_is_solved_to_rounding() {
        let a = array![[4e12, 2e5, 0.0], [2e5, 3.0, 1e-7], [0.0, 1e-7, 5e-12]];
        let x = [1e-6, 2.0, -3e6];
        let b: Vec<f64> = (0..3).map(|i| (0..3).map(|j| a[(i, j)] * x[j]).sum()).collect();
        let factor = Cholesky::new(&a).unwrap();
        assert_eq!(factor.jitter(), 0.0);
        for (found, expected) in factor.solve(&b).iter().zip(x) {
            assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
        }
        let form: f64 = x.iter().zip(&b).map(|(x, b)| x * b).sum();
        assert!((factor.form(&x) / form - 1.0).abs() < 1e-12);
        let product = a.dot(&factor.inverse());
        for i in 0..3 {
            assert!((product[(i, i)] - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_singular_matrix_gets_jitter_and_nan_none() {
        assert!(Cholesky::new(&array![[1.0, 1.0], [1.0, 1.0]]).unwrap().jitter() > 0.0);
        assert!(Cholesky::new(&array![[1.0, f64::NAN], [f64::NAN, 1.0]]).is_none());
        let solution = Cholesky::new(&array![[2.0, 0.0], [0.0, 0.0]]).unwrap().solve(&[4.0, 1.0]);
        assert!((solution[0] - 2.0).abs() < 1e-15 && solution[1] == 0.0);
    }

    #[test]
    fn weighted_gram_equals_its_definition() {
        let (n, p) = (7, 5);
        let x: Vec<f64> = (0..n * p).map(|i| ((i * 37 % 11) as f64 - 5.0) / 3.0).collect();
        let weight: Vec<f64> = (0..n).map(|i| 0.1 + i as f64).collect();
        let mut sums = vec![0.0; p * p];
        add_weighted_gram(&mut sums, &x, &weight, &mut vec![0.0; n * p]);
        add_weighted_gram(&mut sums, &x, &weight, &mut vec![0.0; n * p]);
        let gram = symmetric(&sums, p, 0.5);
        for i in 0..p {
            for j in 0..p {
                let expected: f64 = (0..n).map(|r| x[i * n + r] * weight[r] * x[j * n + r]).sum();
                assert!((gram[(i, j)] - expected).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_null_space_is_found_whatever_the_scale() {
        // rows (1, 2, 0) and (0, 0, 1e6): the null space is (2, -1, 0)
        let a = array![[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 1e12]];
        let basis = null_space(&a, 1e-12).unwrap();
        assert_eq!(basis.ncols(), 1);
        assert!((basis[(0, 0)] / basis[(1, 0)] + 2.0).abs() < 1e-12 && basis[(2, 0)].abs() < 1e-12);
        assert_eq!(null_space(&array![[2.0, 1.0], [1.0, 2.0]], 1e-12).unwrap().ncols(), 0);
    }

    #[test]
    fn rows_are_not_squared_before_their_null_space_is_found() {
        let rows = vec![vec![1.0, 1.0, 0.0], vec![1.0, 1.0 + 1e-9, 0.0]];
        let basis = null_space_of_rows(&rows, 3, 1e-12).unwrap();
        assert_eq!(basis.ncols(), 1);
        assert!((basis[(2, 0)].abs() - 1.0).abs() < 1e-12);
        assert_eq!(null_space_of_rows(&rows, 3, 1e-8).unwrap().ncols(), 2);
        assert_eq!(null_space_of_rows(&[], 2, 1e-12).unwrap().ncols(), 2);
        assert!(null_space_of_rows(&[vec![f64::NAN, 1.0]], 2, 1e-12).is_none());
    }

    #[test]
    fn condition_does_not_depend_on_scale() {
        let a = array![[1.0, 0.5], [0.5, 1.0]];
        let b = array![[1e10, 0.5e3], [0.5e3, 1e-4]];
        assert!((condition(&a) - 3.0).abs() < 1e-12);
        assert!((condition(&b) - 3.0).abs() < 1e-12);
        assert_eq!(condition(&array![[1.0, 1.0], [1.0, 1.0]]), f64::INFINITY);
    }
}
