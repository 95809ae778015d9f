//! The design: what multiplies the coefficients, as column blocks on a backend.
//!
//! A [`DesignPlan`] keeps the sources on the host as they came (the user's matrices and the rows that are used) and can
//! be placed on any backend as often as needed: for a subset of its columns, again after a device was lost, or in
//! `f64` for the certificate. On a backend every column is centred by its mean and divided by its standard deviation
//! over the used rows, in `f64` before it becomes `f32`, so that solvers meet well-scaled numbers whatever the units of
//! the features are. Without an intercept they are divided by their root mean square and not centred. Where a device builds convolved columns itself, it builds others in place of those of each channel, hardly
//! correlated ones ([`crate::math::whitening`]), because single precision could not tell the columns apart; coefficients, gradients and Grams
//! are translated in `f64` on the host, so that solvers see the same parameters everywhere.
//!
//! Each kind of block is one file: it answers [`Block`] in terms of the backend's kernels.

mod convolution;
mod convolved_columns;
mod convolved_scaling;
mod course;
mod dense;
mod evaluation;
mod form;
mod form_on_device;
mod layout;
mod matrix_free;
mod placement;
mod plan;
mod product;
mod row_terms;
mod rows;
mod scaling;
mod shared_events;
mod some_columns;
mod values;
mod whitened;

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut1};

use crate::backend::{Backend, Cpu, Into};
use crate::math::whitening::Whitening;
use crate::stop::Stop;
use crate::{Error, Result};

pub use convolution::{Convolution, Convolved};
pub use course::Course;
pub use dense::Dense;
pub use evaluation::{Evaluated, EvaluatedChannel, Evaluation};
pub use form::{Form, Placement};
pub use form_on_device::DeviceWork;
pub use layout::{FeatureColumns, Layout};
pub use matrix_free::MatrixFree;
pub use plan::{Column, DesignPlan, Source};
pub use product::Product;
pub use row_terms::{Offset, Weights};
pub use rows::Rows;
pub use scaling::Scaling;
pub use values::{ColumnValues, Values};

/// A run of columns of the design that are computed together.
pub trait Block<'a, B: Backend>: Sync {
    /// Columns of the block.
    fn n_columns(&self) -> usize;
    /// Numbers per target in which its gradient is summed (columns, lags, frequencies).
    fn n_sums(&self) -> usize;
    /// Rows that it likes to have together in one thread.
    fn grain(&self) -> usize {
        0
    }
    /// Its columns as a matrix of the backend, if it has one.
    fn stored(&self) -> Option<&B::Array<'a>>;
    /// Brings its coefficients, shape (columns, targets), to the backend.
    ///
    /// # Errors
    /// If the backend refuses.
    fn load(&self, on: &B, coef: ArrayView2<f64>) -> Result<B::Array<'static>>;
    /// Adds its part of the linear predictor of these rows.
    fn forward(
        &self,
        on: &B,
        work: &mut B::Worker<'a>,
        rows: Range<usize>,
        loaded: &B::Array<'static>,
        into: Into,
    );
    /// Adds `Xᵀ·residual` of these rows to the worker's sums number `sums`.
    fn backward(&self, on: &B, work: &mut B::Worker<'a>, rows: Range<usize>, sums: usize);
    /// Writes the rows themselves into the worker's design columns from `first` on.
    fn write(&self, on: &B, work: &mut B::Worker<'a>, rows: Range<usize>, first: usize);
    /// Turns one target's sums, and the sum of its residuals, into its gradient with respect to the block's columns.
    fn finish(&self, sums: &[f64], residual_sum: f64, gradient: ArrayViewMut1<f64>);
}

/// Column blocks on a backend, together shape (rows, columns).
pub struct Design<'a, B: Backend> {
    /// The blocks, in the order of their columns.
    pub blocks: Vec<Box<dyn Block<'a, B> + 'a>>,
    /// Rows of every block.
    pub n_rows: usize,
    /// Where the columns of the blocks stand for those of the plan, counted with the intercept before them.
    pub whitening: Vec<Whitening>,
    /// What passes over the rows look at between tiles.
    pub stop: Stop,
    /// Memory that work on it may take, if that is limited.
    pub limit_bytes: Option<u64>,
}

impl<'a, B: Backend> Design<'a, B> {
    /// Columns of all blocks.
    pub fn n_columns(&self) -> usize {
        self.blocks.iter().map(|block| block.n_columns()).sum()
    }

    /// The matrix of the backend that is all of the design, if there is one.
    pub fn matrix(&self) -> Option<&B::Array<'a>> {
        match self.blocks.as_slice() {
            [only] => only.stored(),
            _ => None,
        }
    }

    /// Rows that one of the blocks likes to have together.
    pub fn grain(&self) -> usize {
        self.blocks.iter().map(|block| block.grain()).max().unwrap_or(0)
    }

    /// The blocks with the index of their first column.
    pub fn columns(&self) -> impl Iterator<Item = (usize, &(dyn Block<'a, B> + 'a))> {
        self.blocks.iter().scan(0, |next, block| {
            let first = *next;
            *next += block.n_columns();
            Some((first, block.as_ref()))
        })
    }
}

impl Design<'_, Cpu<f64>> {
    /// The same design in the numbers of another backend, if all of it lies in tiles here: rounding these is faster than
    /// to centre and scale the sources once more.
    ///
    /// # Errors
    /// If the backend refuses.
    pub fn rounded<'p, B: Backend + 'p>(&self, on: &B) -> Result<Option<Design<'p, B>>> {
        let Some(x) = self.matrix().filter(|x| x.is_in_tiles()) else { return Ok(None) };
        let rounded = on.matrix(self.n_rows, x.n_columns(), &|rows, out| x.write_tiles(&rows, out))?;
        let blocks: Vec<Box<dyn Block<B>>> = vec![Box::new(Dense::new(rounded, x.n_columns()))];
        Ok(Some(Design {
            blocks,
            n_rows: self.n_rows,
            whitening: Vec::new(),
            stop: self.stop.clone(),
            limit_bytes: self.limit_bytes,
        }))
    }
}

/// The channels whose columns these are, of `n_channels` with `n_functions` columns each.
fn whole_channels(columns: &Range<usize>, n_functions: usize, n_channels: usize) -> Result<Range<usize>> {
    let k = n_functions;
    if columns.end > n_channels * k || !columns.start.is_multiple_of(k) || !columns.len().is_multiple_of(k) {
        let expected = format!("all {k} columns of a channel");
        return Err(Error::argument("columns", expected, format!("{columns:?}"), "give whole channels"));
    }
    Ok(columns.start / k..columns.end / k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn a_design_rounded_is_the_one_that_would_be_placed() {
        let x =
            Array2::from_shape_fn((700, 9), |(i, j)| ((i * 31 + j * 17) % 101) as f64 / 7.0 + 1e3 * j as f64);
        let labels = (0..9).map(|j| format!("x{j}")).collect();
        let source = Source { name: "x".into(), labels, x: x.view().into() };
        let plan =
            DesignPlan::new(vec![source], (0..700).filter(|i| i % 5 != 0).collect::<Vec<_>>()).unwrap();
        let columns: Vec<Column> = (0..9).map(Column::Source).collect();
        let (single, double) = (Cpu::<f32>::default(), Cpu::<f64>::default());
        let rounded = plan.place(&double, &columns, 1).unwrap().rounded(&single).unwrap().unwrap();
        let placed = plan.place(&single, &columns, 1).unwrap();
        let rows = 256..560;
        let [rounded, placed] = [rounded, placed].map(|design| {
            let mut out = vec![f32::NAN; 2 * 256 * 9];
            design.matrix().unwrap().write_tiles(&rows, &mut out);
            out
        });
        assert_eq!(rounded, placed);
        assert!(rounded.iter().all(|x| x.abs() < 3.0) && rounded.iter().any(|&x| x != 0.0));
    }
}
