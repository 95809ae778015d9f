//! Matrices that stay in the precision they came in.
//!
//! A matrix of features is the largest thing in memory, so what a file holds in single precision is never widened as a
//! whole: whoever looks at single values gets them as `f64`, which is exact.

use ndarray::{Array2, ArrayView2, Axis, Slice};
use rayon::prelude::*;

use super::real::Real;

/// Values that are looked at together.
const PIECE: usize = 1 << 15;

/// A matrix that is owned, shape (rows, columns).
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// Single precision.
    F32(Array2<f32>),
    /// Double precision.
    F64(Array2<f64>),
}

impl From<Array2<f32>> for Numbers {
    fn from(values: Array2<f32>) -> Self {
        Self::F32(values)
    }
}

impl From<Array2<f64>> for Numbers {
    fn from(values: Array2<f64>) -> Self {
        Self::F64(values)
    }
}

impl Numbers {
    /// Rows and columns.
    pub fn dim(&self) -> (usize, usize) {
        match self {
            Self::F32(values) => values.dim(),
            Self::F64(values) => values.dim(),
        }
    }

    /// Whether the values are in single precision.
    pub fn is_f32(&self) -> bool {
        matches!(self, Self::F32(_))
    }

    /// One value.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn get(&self, row: usize, column: usize) -> f64 {
        match self {
            Self::F32(values) => f64::from(values[(row, column)]),
            Self::F64(values) => values[(row, column)],
        }
    }

    /// All values in double precision; a copy of those that are not.
    pub fn into_f64(self) -> Array2<f64> {
        match self {
            Self::F32(values) => values.mapv(f64::from),
            Self::F64(values) => values,
        }
    }

    /// Sets `keep[row]` to false for every row that has a number that is not finite.
    pub fn strike_non_finite(&self, keep: &mut [bool]) {
        match self {
            Self::F32(values) => strike_non_finite(values.view(), keep),
            Self::F64(values) => strike_non_finite(values.view(), keep),
        }
    }
}

/// Sets `keep[row]` to false for every row of `x` that has a number that is not finite.
///
/// Pieces of many rows are looked at as a whole, in parallel: most have no such number.
pub fn strike_non_finite<T: Real>(x: ArrayView2<T>, keep: &mut [bool]) {
    let n_rows = (PIECE / x.ncols().max(1)).max(1);
    keep.par_chunks_mut(n_rows).enumerate().for_each(|(k, keep)| {
        let first = k * n_rows;
        let piece = x.slice_axis(Axis(0), Slice::from(first..first + keep.len()));
        if piece.to_slice().is_some_and(are_finite) {
            return;
        }
        for (row, keep) in piece.rows().into_iter().zip(keep) {
            *keep &= row.to_slice().map_or_else(|| row.iter().all(is_finite), are_finite);
        }
    });
}

/// Without a way out in between, so that it becomes vector instructions.
fn are_finite<T: Real>(values: &[T]) -> bool {
    values.iter().fold(true, |all, value| all & is_finite(value))
}

fn is_finite<T: Real>(value: &T) -> bool {
    value.abs() < T::INFINITY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(x: ArrayView2<f64>) -> Vec<usize> {
        let mut keep = vec![true; x.nrows()];
        strike_non_finite(x, &mut keep);
        (0..keep.len()).filter(|&row| keep[row]).collect()
    }

    #[test]
    fn rows_with_a_number_that_is_not_finite_are_struck() {
        let n_rows = 3 * PIECE / 7;
        let mut x = Array2::from_shape_fn((n_rows, 7), |(row, column)| row as f64 - column as f64);
        let bad = [(0, 6, f64::NAN), (5000, 0, f64::INFINITY), (n_rows - 1, 3, f64::NEG_INFINITY)];
        bad.iter().for_each(|&(row, column, value)| x[(row, column)] = value);
        let good: Vec<usize> = (0..n_rows).filter(|row| ![0, 5000, n_rows - 1].contains(row)).collect();
        assert_eq!(kept(x.view()), good);
        // columns in the middle, and columns that lie in memory one after the other
        let inner = x.slice_axis(Axis(1), Slice::from(1..6));
        assert_eq!(kept(inner), (0..n_rows - 1).collect::<Vec<_>>());
        let reversed = x.t().as_standard_layout().into_owned();
        assert_eq!(kept(reversed.t()), good);
        let mut keep = vec![true; n_rows];
        Numbers::F32(x.mapv(|x| x as f32)).strike_non_finite(&mut keep);
        assert_eq!((0..n_rows).filter(|&row| keep[row]).collect::<Vec<_>>(), good);
    }

    #[test]
    fn what_was_struck_stays_so_and_no_column_strikes_nothing() {
        let mut keep = [false, true];
        strike_non_finite(Array2::<f64>::zeros((2, 3)).view(), &mut keep);
        strike_non_finite(Array2::<f64>::zeros((2, 0)).view(), &mut keep);
        assert_eq!(keep, [false, true]);
    }

    #[test]
    fn single_precision_is_seen_as_it_is() {
        let x = Numbers::from(ndarray::array![[0.1_f32, 2.0]]);
        assert!(x.is_f32() && x.dim() == (1, 2));
        assert_eq!(x.get(0, 0), f64::from(0.1_f32));
        assert_eq!(x.into_f64(), ndarray::array![[f64::from(0.1_f32), 2.0]]);
    }
}
