//! From tiles to rows: columns that were just written, turned.
//!
//! Compilers do not vectorise a transposition, so vectors of four columns are exchanged in registers, as for the panels of
//! products (see [`crate::backend::cpu::pack`]). Rows are written from one end to the other.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::backend::cpu::TILE_ROWS;
use crate::backend::cpu::pack::{TOGETHER, exchange_transposes, exchanged, piece};
use crate::backend::cpu::simd::{Level, dispatch};
use crate::backend::cpu::vector::Lanes;

/// Copies the rows `which` of tiles with `n_columns` columns to rows that begin `stride` numbers apart.
pub(super) fn copy_rows<T: Lanes>(
    level: Level,
    tiles: &[T],
    n_columns: usize,
    which: Range<usize>,
    rows: &mut [T],
    stride: usize,
) {
    dispatch(level, CopyRows { tiles, n_columns, which, rows, stride });
}

struct CopyRows<'a, T> {
    tiles: &'a [T],
    n_columns: usize,
    which: Range<usize>,
    rows: &'a mut [T],
    stride: usize,
}

impl<T: Lanes> WithSimd for CopyRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tiles, n_columns, which, rows, stride } = self;
        let count = T::count::<S>();
        let turned = if exchange_transposes::<S, T>(simd) { n_columns / TOGETHER * TOGETHER } else { 0 };
        let mut row = which.start;
        while row < which.end {
            let tile = &tiles[row / TILE_ROWS * TILE_ROWS * n_columns..][..TILE_ROWS * n_columns];
            let inside = row % TILE_ROWS;
            // as many rows as a vector of a column holds, from where one begins
            let n = (count - inside % count).min(which.end - row);
            let whole = if n == count { turned } else { 0 };
            for column in (0..whole).step_by(TOGETHER) {
                let four: [T::Vector<S>; TOGETHER] = std::array::from_fn(|c| {
                    T::vectors::<S>(&tile[(column + c) * TILE_ROWS..][..TILE_ROWS])[inside / count]
                });
                let block = exchanged::<S, T>(simd, four);
                for r in 0..count {
                    let out = &mut rows[(row + r) * stride + column..][..TOGETHER];
                    for (k, out) in out.chunks_exact_mut(T::RUN).enumerate() {
                        out.copy_from_slice(&block[piece::<S, T>(r, k)..][..T::RUN]);
                    }
                }
            }
            for column in whole..n_columns {
                for r in 0..n {
                    rows[(row + r) * stride + column] = tile[column * TILE_ROWS + inside + r];
                }
            }
            row += n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copies<T: Lanes>() {
        for level in Level::available() {
            for (n_columns, which) in [(1, 0..9), (8, 0..512), (11, 3..300), (80, 250..700), (4, 5..6)] {
                let value = |row: usize, column: usize| T::from_f64((row * 100 + column) as f64);
                let mut tiles = vec![T::ZERO; 3 * TILE_ROWS * n_columns];
                for (place, x) in tiles.iter_mut().enumerate() {
                    let (tile, inside) = (place / (TILE_ROWS * n_columns), place % (TILE_ROWS * n_columns));
                    *x = value(tile * TILE_ROWS + inside % TILE_ROWS, inside / TILE_ROWS);
                }
                let stride = n_columns + 2;
                let mut rows = vec![T::ZERO; 3 * TILE_ROWS * stride];
                copy_rows(level, &tiles, n_columns, which.clone(), &mut rows, stride);
                for (place, x) in rows.iter().enumerate() {
                    let (row, column) = (place / stride, place % stride);
                    let is_copied = which.contains(&row) && column < n_columns;
                    let expected = if is_copied { value(row, column) } else { T::ZERO };
                    assert_eq!(*x, expected, "{level:?} {n_columns} {row} {column}");
                }
            }
        }
    }

    #[test]
    fn rows_are_those_of_the_tiles() {
        copies::<f32>();
        copies::<f64>();
    }
}
