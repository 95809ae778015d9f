//! Tiles turned into rows.

use std::ops::Range;

use super::transforms::Fourier;
use crate::backend::cpu::TILE_ROWS;
use crate::backend::cpu::simd::Kernel;

/// Columns that are turned together.
const TURNED: usize = 8;
/// Rows that are turned together: a line of each column.
const LINE: usize = 16;

/// Copies some rows of tiles with `n_columns` columns to rows that are `stride` numbers apart.
pub(super) struct CopyRows<'a, T> {
    pub(super) tiles: &'a [T],
    pub(super) n_columns: usize,
    pub(super) which: Range<usize>,
    pub(super) rows: &'a mut [T],
    pub(super) stride: usize,
}

impl<T: Fourier> Kernel for CopyRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { tiles, n_columns, which, rows, stride } = self;
        let mut start = which.start;
        while start < which.end {
            let tile = &tiles[start / TILE_ROWS * TILE_ROWS * n_columns..][..TILE_ROWS * n_columns];
            let end = which.end.min((start / TILE_ROWS + 1) * TILE_ROWS);
            // whole lines of the columns, so that rows are written from one end to the other
            let mut row = start;
            while row < end {
                let n = LINE.min(end - row);
                for (group, columns) in tile.chunks(TURNED * TILE_ROWS).enumerate() {
                    let out = &mut rows[row * stride + group * TURNED..];
                    match columns.as_chunks::<TILE_ROWS>().0 {
                        [a, b, c, d, e, f, g, h] if n == LINE => {
                            turn([a, b, c, d, e, f, g, h], row % TILE_ROWS, out, stride);
                        }
                        columns => {
                            for (r, out) in out.chunks_mut(stride).take(n).enumerate() {
                                out.iter_mut()
                                    .zip(columns)
                                    .for_each(|(out, x)| *out = x[row % TILE_ROWS + r]);
                            }
                        }
                    }
                }
                row += n;
            }
            start = end;
        }
    }
}

/// A line of each of eight columns, from row `first` of the tile on.
#[inline(always)]
fn turn<T: Fourier>(columns: [&[T; TILE_ROWS]; TURNED], first: usize, out: &mut [T], stride: usize) {
    let mut block = [[T::ZERO; TURNED]; LINE];
    for (k, column) in columns.iter().enumerate() {
        let Some(values) = column[first..].first_chunk::<LINE>() else { return };
        for (row, &value) in block.iter_mut().zip(values) {
            row[k] = value;
        }
    }
    for (row, out) in block.iter().zip(out.chunks_mut(stride)) {
        out[..TURNED].copy_from_slice(row);
    }
}
