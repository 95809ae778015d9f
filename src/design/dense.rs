//! Columns written out as a matrix, by us or by the user.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut1};

use super::Block;
use crate::Result;
use crate::backend::{Backend, Into};

/// A block whose columns are stored on the backend, or read in place by it.
pub struct Dense<'a, B: Backend> {
    x: B::Array<'a>,
    n_columns: usize,
}

impl<'a, B: Backend> Dense<'a, B> {
    /// A block of a matrix of the backend with `n_columns` columns.
    pub fn new(x: B::Array<'a>, n_columns: usize) -> Self {
        Self { x, n_columns }
    }
}

impl<'a, B: Backend> Block<'a, B> for Dense<'a, B> {
    fn n_columns(&self) -> usize {
        self.n_columns
    }

    fn n_sums(&self) -> usize {
        self.n_columns
    }

    fn stored(&self) -> Option<&B::Array<'a>> {
        Some(&self.x)
    }

    fn load(&self, on: &B, coef: ArrayView2<f64>) -> Result<B::Array<'static>> {
        let by_target: Vec<f64> = coef.columns().into_iter().flatten().copied().collect();
        on.upload(&by_target)
    }

    fn forward(
        &self,
        on: &B,
        work: &mut B::Worker<'a>,
        rows: Range<usize>,
        loaded: &B::Array<'static>,
        into: Into,
    ) {
        on.matmul(work, rows, &self.x, loaded, into);
    }

    fn backward(&self, on: &B, work: &mut B::Worker<'a>, rows: Range<usize>, sums: usize) {
        on.matmul_transposed(work, rows, &self.x, sums);
    }

    fn write(&self, on: &B, work: &mut B::Worker<'a>, rows: Range<usize>, first: usize) {
        on.copy_rows(work, rows, &self.x, first);
    }

    fn finish(&self, sums: &[f64], _: f64, mut gradient: ArrayViewMut1<f64>) {
        gradient.iter_mut().zip(sums).for_each(|(g, &sum)| *g = sum);
    }
}
