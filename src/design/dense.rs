//! Columns written out as a matrix.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut1};

use super::Block;
use crate::Result;
use crate::backend::{Backend, Into};

/// A block whose columns are stored on the backend.
pub struct Dense<B: Backend> {
    x: B::Array,
    n_columns: usize,
}

impl<B: Backend> Dense<B> {
    /// Stores a matrix (rows, columns); `fill(rows, out)` writes rows, one column after the other.
    ///
    /// # Errors
    /// If the backend refuses.
    pub fn new(
        on: &B,
        n_rows: usize,
        n_columns: usize,
        fill: &(dyn Fn(Range<usize>, &mut [f64]) + Sync),
    ) -> Result<Self> {
        Ok(Self { x: on.matrix(n_rows, n_columns, fill)?, n_columns })
    }
}

impl<B: Backend> Block<B> for Dense<B> {
    fn n_columns(&self) -> usize {
        self.n_columns
    }

    fn n_sums(&self) -> usize {
        self.n_columns
    }

    fn load(&self, on: &B, coef: ArrayView2<f64>) -> Result<B::Array> {
        let by_target: Vec<f64> = coef.columns().into_iter().flatten().copied().collect();
        on.upload(&by_target)
    }

    fn forward(&self, on: &B, work: &mut B::Worker, rows: Range<usize>, loaded: &B::Array, into: Into) {
        on.matmul(work, rows, &self.x, loaded, into);
    }

    fn backward(&self, on: &B, work: &mut B::Worker, rows: Range<usize>, sums: usize) {
        on.matmul_transposed(work, rows, &self.x, sums);
    }

    fn write(&self, on: &B, work: &mut B::Worker, rows: Range<usize>, first: usize) {
        on.copy_rows(work, rows, &self.x, first);
    }

    fn finish(&self, sums: &[f64], mut gradient: ArrayViewMut1<f64>) {
        gradient.iter_mut().zip(sums).for_each(|(g, &sum)| *g = sum);
    }
}
