//! Kernels on a row-major matrix that is read in place, up to a tile's rows a call.
//!
//! Columns are taken eight at a time. Where their number is no multiple of eight, a last window of eight columns
//! overlaps the one before it, so that nothing outside of a row is read and no loop runs over single columns; what
//! an earlier window has counted is left out. Less than eight columns are taken one after the other.

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
        // a loop: the closure of `from_fn` would not be inlined
        let mut rows: [&[S]; N] = [&[]; N];
        for k in 0..N {
            rows[k] = self.row(first + k);
        }
        rows
    }
}

/// The first `n` windows of each row.
#[inline(always)]
fn windows<S, const N: usize>(rows: [&[S]; N], n: usize) -> [&[[S; WIDTH]]; N] {
    let mut windows: [&[[S; WIDTH]]; N] = [&[]; N];
    for k in 0..N {
        windows[k] = &rows[k].as_chunks().0[..n];
    }
    windows
}

/// Window `c` of each row.
#[inline(always)]
fn nth<'a, S, const N: usize>(windows: &[&'a [[S; WIDTH]]; N], c: usize) -> [&'a [S; WIDTH]; N] {
    let mut nth = [&windows[0][c]; N];
    for k in 1..N {
        nth[k] = &windows[k][c];
    }
    nth
}

/// The last window of `N` rows that have at least one.
#[inline(always)]
fn last_windows<'a, S, const N: usize>(rows: [&'a [S]; N], else_this: &'a [S; WIDTH]) -> [&'a [S; WIDTH]; N] {
    let mut windows = [else_this; N];
    for k in 0..N {
        windows[k] = rows[k].last_chunk().unwrap_or(else_this);
    }
    windows
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

/// Adds the sums of the last window to those columns that no earlier window has.
#[inline(always)]
fn add_last<A: Real>(sums: &mut [A], window: &[A; WIDTH]) {
    let first = sums.len() / WIDTH * WIDTH;
    let counted = counted(sums.len());
    for (sum, &add) in sums[first..].iter_mut().zip(&window[counted..]) {
        *sum += add;
    }
}
