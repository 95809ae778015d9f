//! Kernels on a row-major matrix that is read in place, up to a tile's rows a call.
//!
//! Columns are taken in windows of eight, or strips of sixteen and then eight. Where their number is no multiple of
//! eight, a last window of eight columns overlaps the one before it, so that nothing outside of a row is read and no loop
//! runs over single columns; what an earlier window has counted is left out. Less than eight columns are taken one after
//! the other.

mod magnitudes;
mod matmul;
mod matmul_transposed;
mod moments;
mod products;
mod standardised;
#[cfg(test)]
mod tests;

pub use magnitudes::magnitudes_rows;
pub use matmul::matmul_rows;
pub use matmul_transposed::matmul_transposed_rows;
pub use moments::moments;
pub use standardised::standardised_rows;

use crate::math::real::Real;

/// Columns of a window.
pub(super) const WIDTH: usize = 8;
/// Columns of a strip, as far as they go: a line of cache in single precision.
const STRIP: usize = 16;

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

    /// The `W` numbers of row `i` from column `first` on.
    #[inline(always)]
    fn window<const W: usize>(self, i: usize, first: usize) -> [S; W] {
        self.row(i)[first..].first_chunk().copied().unwrap_or([S::ZERO; W])
    }
}

/// The last eight numbers of columns that are at least eight, else zeros.
#[inline(always)]
fn last<A: Real>(columns: &[A]) -> [A; WIDTH] {
    columns.last_chunk().copied().unwrap_or([A::ZERO; WIDTH])
}

/// Columns of the last window that an earlier window of `n_columns` has counted.
#[inline(always)]
fn counted(n_columns: usize) -> usize {
    (WIDTH - n_columns % WIDTH) % WIDTH
}
