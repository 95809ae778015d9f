//! Matrices of the user, in the precision they came in.

use ndarray::{ArrayView1, ArrayView2};

use rayon::prelude::*;

use super::Product;
use super::convolution::Convolved;
use super::evaluation::Evaluated;
use crate::backend::HostValues;
use crate::math::real::Real;

/// Bins that one thread takes together.
const MANY_BINS: usize = 4096;

/// Sums of an inner product that are kept apart.
const LANES: usize = 8;

/// A matrix (bins, columns) that is looked at, never copied.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Single precision.
    F32(ArrayView2<'a, f32>),
    /// Double precision.
    F64(ArrayView2<'a, f64>),
    /// Columns that are computed when they are wanted.
    Convolved(Convolved<'a>),
    /// The same, of a basis evaluated at channels.
    Evaluated(Evaluated<'a>),
}

impl<'a> From<Convolved<'a>> for Values<'a> {
    fn from(x: Convolved<'a>) -> Self {
        Self::Convolved(x)
    }
}

impl<'a> From<Evaluated<'a>> for Values<'a> {
    fn from(x: Evaluated<'a>) -> Self {
        Self::Evaluated(x)
    }
}

impl<'a> From<ArrayView2<'a, f64>> for Values<'a> {
    fn from(x: ArrayView2<'a, f64>) -> Self {
        Self::F64(x)
    }
}

impl<'a> From<ArrayView2<'a, f32>> for Values<'a> {
    fn from(x: ArrayView2<'a, f32>) -> Self {
        Self::F32(x)
    }
}

/// One column of a [`Values`].
#[derive(Clone, Debug)]
pub enum ColumnValues<'a> {
    /// Single precision.
    F32(ArrayView1<'a, f32>),
    /// Double precision.
    F64(ArrayView1<'a, f64>),
    /// Computed, NaN where unknown.
    Computed(Vec<f64>),
}

impl<'a> Values<'a> {
    /// Bins.
    pub fn nrows(&self) -> usize {
        match self {
            Self::F32(x) => x.nrows(),
            Self::F64(x) => x.nrows(),
            Self::Convolved(x) => x.n_bins(),
            Self::Evaluated(x) => x.n_bins(),
        }
    }

    /// Columns.
    pub fn ncols(&self) -> usize {
        match self {
            Self::F32(x) => x.ncols(),
            Self::F64(x) => x.ncols(),
            Self::Convolved(x) => x.n_columns(),
            Self::Evaluated(x) => x.n_columns(),
        }
    }

    /// One value.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn get(&self, row: usize, column: usize) -> f64 {
        match self {
            Self::F32(x) => f64::from(x[(row, column)]),
            Self::F64(x) => x[(row, column)],
            Self::Convolved(x) => x.get(row, column),
            Self::Evaluated(x) => x.get(row, column),
        }
    }

    /// One column.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn column(&self, column: usize) -> ColumnValues<'_> {
        match self {
            Self::F32(x) => ColumnValues::F32(x.column(column)),
            Self::F64(x) => ColumnValues::F64(x.column(column)),
            Self::Convolved(x) => ColumnValues::Computed(x.column(column)),
            Self::Evaluated(x) => ColumnValues::Computed(x.column(column)),
        }
    }

    /// The values row after row, if they lie in memory like that.
    pub fn in_rows(&self) -> Option<HostValues<'a>> {
        match self {
            Self::F32(x) => x.to_slice().map(HostValues::F32),
            Self::F64(x) => x.to_slice().map(HostValues::F64),
            Self::Convolved(_) | Self::Evaluated(_) => None,
        }
    }

    /// `sum_j x_ij w_j` of every bin, NaN where a value is.
    pub fn product(&self, weights: &[f64]) -> Vec<f64> {
        let product = Product::new(*self, weights);
        let mut eta = vec![0.0; self.nrows()];
        eta.par_chunks_mut(MANY_BINS).enumerate().for_each(|(piece, eta)| {
            let first = piece * MANY_BINS;
            product.add(first..first + eta.len(), eta);
        });
        eta
    }

    /// `sum_j x_ij w_j` of one bin.
    ///
    /// # Panics
    /// If there is no such row.
    pub(super) fn product_of(&self, row: usize, weights: &[f64]) -> f64 {
        match self {
            Self::F32(x) => dot(x.row(row), weights),
            Self::F64(x) => dot(x.row(row), weights),
            Self::Convolved(_) | Self::Evaluated(_) => {
                (0..self.ncols()).map(|column| self.get(row, column) * weights[column]).sum()
            }
        }
    }
}

/// An inner product in several sums side by side, which the compiler turns into vectors.
fn dot<T: Real>(x: ArrayView1<T>, weights: &[f64]) -> f64 {
    let Some(x) = x.to_slice() else {
        return x.iter().zip(weights).map(|(x, w)| x.to_f64() * w).sum();
    };
    let ((x, x_rest), (w, w_rest)) = (x.as_chunks::<LANES>(), weights.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (x, w) in x.iter().zip(w) {
        for lane in 0..LANES {
            sums[lane] += x[lane].to_f64() * w[lane];
        }
    }
    let rest: f64 = x_rest.iter().zip(w_rest).map(|(x, w)| x.to_f64() * w).sum();
    sums.iter().sum::<f64>() + rest
}

impl ColumnValues<'_> {
    /// The value of one bin.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn get(&self, row: usize) -> f64 {
        match self {
            Self::F32(x) => f64::from(x[row]),
            Self::F64(x) => x[row],
            Self::Computed(x) => x[row],
        }
    }

    /// Writes `(x - shift) * factor` of some bins, computed in `f64`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn standardise<T: Real>(
        &self,
        rows: impl Iterator<Item = usize>,
        shift: f64,
        factor: f64,
        out: &mut [T],
    ) {
        for (out, row) in out.iter_mut().zip(rows) {
            *out = T::from_f64((self.get(row) - shift) * factor);
        }
    }
}
