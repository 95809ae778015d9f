//! Kernels on a row-major matrix that is read in place, up to a tile's rows a call.
//!
//! Columns are taken eight at a time. Where their number is no multiple of eight, a last window of eight columns
//! overlaps the one before it, so that nothing outside of a row is read and no loop runs over single columns; what
//! an earlier window has counted is left out.

mod magnitudes;
mod matmul;
mod matmul_transposed;
mod moments;
mod products;
#[cfg(test)]
mod tests;

pub use magnitudes::magnitudes_rows;
pub use matmul::matmul_rows;
pub use matmul_transposed::matmul_transposed_rows;
pub use moments::moments;

use crate::math::real::Real;

/// Columns of a window.
pub(super) const WIDTH: usize = 8;

/// Rows of a row-major matrix: row `i` is `values[i·stride..][..n_columns]`.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, S> {
    /// Numbers from the first row on.
    pub values: &'a [S],
    /// Distance from one row to the next, at least `n_columns`.
    pub stride: usize,
    /// Columns of the matrix.
    pub n_columns: usize,
}

impl<'a, S: Real> Rows<'a, S> {
    /// Row `i`.
    #[inline(always)]
    pub(super) fn row(self, i: usize) -> &'a [S] {
        &self.values[i * self.stride..i * self.stride + self.n_columns]
    }

    /// Rows `first..first + N`.
    #[inline(always)]
    pub(super) fn block<const N: usize>(self, first: usize) -> [&'a [S]; N] {
        std::array::from_fn(|k| self.row(first + k))
    }
}

/// The last window of a row; zeros follow a row that is shorter.
#[inline(always)]
pub(super) fn last<S: Real>(row: &[S]) -> [S; WIDTH] {
    match row.last_chunk() {
        Some(window) => *window,
        None => std::array::from_fn(|lane| row.get(lane).copied().unwrap_or(S::ZERO)),
    }
}

/// Columns of the last window that an earlier window of `n_columns` has counted.
#[inline(always)]
pub(super) fn counted(n_columns: usize) -> usize {
    if n_columns < WIDTH { 0 } else { (WIDTH - n_columns % WIDTH) % WIDTH }
}

/// Adds the sums of the last window to those columns that no earlier window has.
#[inline(always)]
fn add_last<A: Real>(sums: &mut [A], window: &[A; WIDTH]) {
    let first = sums.len() / WIDTH * WIDTH;
    let counted = counted(sums.len());
    for (sum, &add) in sums[first..].iter_mut().zip(&window[counted..]) {
        *sum += add;
    }
}
