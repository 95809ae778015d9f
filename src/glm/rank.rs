//! Rank of a design, and the answer of smallest norm when columns repeat each other.
//!
//! Columns are taken in their order; one whose variance the earlier ones explain but for a part of 1e-10 is left out
//! of the fit (as is a constant one). The fit of the others is then moved along the null space to the point where
//! the Euclidean norm of the coefficients, in the user's units, is smallest: the prediction does not change.

use crate::design::Scaling;
use crate::math::dense::{Cholesky, Matrix};

/// A column is aliased if this part of its variance or less is its own.
const ALIASED: f64 = 1e-10;
/// A column takes part in an aliased one if its standardised coefficient is larger than this.
const TAKES_PART: f64 = 1e-8;

/// Which columns are fitted and how their coefficients become those of all columns.
#[derive(Clone, Debug)]
pub(super) struct Rank {
    /// Columns that are fitted, ascending.
    pub(super) kept: Vec<usize>,
    /// Columns that take part in a linear relation (a constant column is one by itself), ascending.
    pub(super) aliased: Vec<usize>,
    /// From standardised coefficients of the kept columns to those of all columns in the user's units,
    /// shape (columns, kept).
    pub(super) to_user: Matrix,
}

/// Columns that vary, ascending.
pub(super) fn varying(scaling: &Scaling) -> Vec<usize> {
    (0..scaling.sd.len()).filter(|&column| scaling.sd[column] > 0.0).collect()
}

/// The rank from `gram`, the correlation matrix of the `varying` columns.
pub(super) fn rank(scaling: &Scaling, varying: &[usize], gram: &Matrix) -> Rank {
    let n_columns = scaling.sd.len();
    let (kept, relations) = eliminate(gram);
    let mut nulls: Vec<Vec<f64>> = Vec::new();
    let mut aliased = vec![false; n_columns];
    for column in (0..n_columns).filter(|column| !varying.contains(column)) {
        let mut null = vec![0.0; n_columns];
        null[column] = 1.0;
        aliased[column] = true;
        nulls.push(null);
    }
    for (column, factors) in relations {
        let own = varying[column];
        let mut null = vec![0.0; n_columns];
        null[own] = 1.0;
        aliased[own] = true;
        for (&k, factor) in kept.iter().zip(factors) {
            if factor.abs() > TAKES_PART {
                let other = varying[k];
                null[other] = -factor * scaling.sd[own] / scaling.sd[other];
                aliased[other] = true;
            }
        }
        nulls.push(null);
    }
    let kept: Vec<usize> = kept.into_iter().map(|k| varying[k]).collect();
    let to_user = smallest_norm(scaling, &kept, &nulls);
    let aliased = (0..n_columns).filter(|&column| aliased[column]).collect();
    Rank { kept, aliased, to_user }
}

/// Independent columns in their order and, for each of the others, its coefficients on those before it.
fn eliminate(gram: &Matrix) -> (Vec<usize>, Vec<(usize, Vec<f64>)>) {
    let p = gram.nrows();
    if Cholesky::new(gram).is_some_and(|factor| factor.jitter() == 0.0 && factor.smallest_pivot() > ALIASED) {
        return ((0..p).collect(), Vec::new());
    }
    // rows of the Cholesky factor of the kept columns
    let mut rows: Vec<Vec<f64>> = Vec::new();
    let (mut kept, mut relations) = (Vec::new(), Vec::new());
    for j in 0..p {
        let mut row: Vec<f64> = Vec::with_capacity(rows.len() + 1);
        for (k, &earlier) in kept.iter().enumerate() {
            let known: f64 = rows[k][..k].iter().zip(&row).map(|(a, b)| a * b).sum();
            row.push((gram[(j, earlier)] - known) / rows[k][k]);
        }
        let left = gram[(j, j)] - row.iter().map(|x| x * x).sum::<f64>();
        if left > ALIASED * gram[(j, j)] {
            row.push(left.sqrt());
            rows.push(row);
            kept.push(j);
        } else {
            // back substitution
            for k in (0..row.len()).rev() {
                let known: f64 = (k + 1..row.len()).map(|i| rows[i][k] * row[i]).sum();
                row[k] = (row[k] - known) / rows[k][k];
            }
            relations.push((j, row));
        }
    }
    (kept, relations)
}

/// Embeds the kept columns in all, in the user's units, and projects out the null space.
fn smallest_norm(scaling: &Scaling, kept: &[usize], nulls: &[Vec<f64>]) -> Matrix {
    let mut to_user = Matrix::zeros((scaling.sd.len(), kept.len()));
    for (k, &column) in kept.iter().enumerate() {
        to_user[(column, k)] = 1.0 / scaling.sd[column];
    }
    if nulls.is_empty() {
        return to_user;
    }
    // an orthonormal basis of the null space by two rounds of Gram-Schmidt
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for null in nulls {
        let mut direction = null.clone();
        for _ in 0..2 {
            for other in &basis {
                let along: f64 = direction.iter().zip(other).map(|(a, b)| a * b).sum();
                direction.iter_mut().zip(other).for_each(|(d, o)| *d -= along * o);
            }
        }
        let norm = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
        direction.iter_mut().for_each(|x| *x /= norm);
        basis.push(direction);
    }
    for k in 0..kept.len() {
        for null in &basis {
            let along: f64 = to_user.column(k).iter().zip(null).map(|(a, b)| a * b).sum();
            to_user.column_mut(k).iter_mut().zip(null).for_each(|(w, n)| *w -= along * n);
        }
    }
    to_user
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_duplicate_shares_its_weight_and_a_constant_has_none() {
        // columns: a, a again in other units (twice as large), constant
        let scaling = Scaling { mean: vec![0.0, 0.0, 7.0], sd: vec![1.0, 2.0, 0.0] };
        let gram = array![[1.0, 1.0], [1.0, 1.0]];
        let rank = rank(&scaling, &varying(&scaling), &gram);
        assert_eq!((rank.kept, rank.aliased), (vec![0], vec![0, 1, 2]));
        // w0 + 2 w1 = 1 with the smallest norm: (1, 2) / 5
        for (found, expected) in rank.to_user.column(0).iter().zip([0.2, 0.4, 0.0]) {
            assert!((found - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn independent_columns_are_all_kept() {
        let scaling = Scaling { mean: vec![0.0; 2], sd: vec![2.0, 4.0] };
        let rank = rank(&scaling, &[0, 1], &array![[1.0, 0.999], [0.999, 1.0]]);
        assert_eq!((rank.kept.len(), rank.aliased.len()), (2, 0));
        assert_eq!(rank.to_user, array![[0.5, 0.0], [0.0, 0.25]]);
    }

    #[test]
    fn a_sum_of_two_columns_is_found() {
        let r = 0.5f64.sqrt();
        let scaling = Scaling { mean: vec![0.0; 3], sd: vec![1.0, 1.0, 1.0 / r] };
        let rank = rank(&scaling, &[0, 1, 2], &array![[1.0, 0.0, r], [0.0, 1.0, r], [r, r, 1.0]]);
        assert_eq!((rank.kept, rank.aliased), (vec![0, 1], vec![0, 1, 2]));
        // b = (1, 0) is (1, 0, 0) + t (-1, -1, 1): t = 1/3
        for (found, expected) in rank.to_user.column(0).iter().zip([2.0 / 3.0, -1.0 / 3.0, 1.0 / 3.0]) {
            assert!((found - expected).abs() < 1e-12);
        }
    }
}
