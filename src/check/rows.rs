//! Rows of a design, one list of numbers each.

use std::ops::Range;

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::Result;

/// Parts that rows are cut into, so that sums do not depend on the number of threads.
pub const MOST_PARTS: usize = 16;
/// Rows that are worth a part of their own.
const FEWEST_ROWS: usize = 256;

/// Rows that are computed one after the other.
pub trait Rows: Sync {
    /// How many rows there are.
    fn n_rows(&self) -> usize;
    /// Columns of each.
    fn n_columns(&self) -> usize;
    /// Writes the columns of a row.
    ///
    /// # Errors
    /// If a basis has no values.
    fn write(&self, row: usize, out: &mut [f64]) -> Result<()>;
}

/// The rows of a matrix, shape (rows, columns).
#[derive(Clone, Copy, Debug)]
pub struct MatrixRows<'a>(pub ArrayView2<'a, f64>);

impl Rows for MatrixRows<'_> {
    fn n_rows(&self) -> usize {
        self.0.nrows()
    }

    fn n_columns(&self) -> usize {
        self.0.ncols()
    }

    fn write(&self, row: usize, out: &mut [f64]) -> Result<()> {
        out.iter_mut().zip(self.0.row(row)).for_each(|(out, x)| *out = *x);
        Ok(())
    }
}

/// Sums over all rows, in parts that are to be joined in their order.
pub(super) fn over_rows<T: Send>(
    rows: &dyn Rows,
    new: &(dyn Fn() -> T + Sync),
    add: &(dyn Fn(&mut T, usize, &[f64]) + Sync),
) -> Result<Vec<T>> {
    let n_parts = rows.n_rows().div_ceil(FEWEST_ROWS).clamp(1, MOST_PARTS);
    let of_part = |part: usize| -> Result<T> {
        let own: Range<usize> = part * rows.n_rows() / n_parts..(part + 1) * rows.n_rows() / n_parts;
        let (mut sums, mut x) = (new(), vec![0.0; rows.n_columns()]);
        for row in own {
            rows.write(row, &mut x)?;
            add(&mut sums, row, &x);
        }
        Ok(sums)
    };
    (0..n_parts).into_par_iter().map(of_part).collect()
}
