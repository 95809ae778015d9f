//! From rows to tiles: centred, scaled and transposed in one step.
//!
//! Sixteen rows are taken at a time, so that a column receives whole lines of cache, and the rows are read from
//! front to back. Eight columns by sixteen rows go through a small array that stays in cache or registers.

use super::rows::{Rows, WIDTH, last};
use super::simd::{Kernel, Level, run};
use super::{Piece, TILE_ROWS};
use crate::math::real::{Real, Widen};

/// Rows of a block.
const HEIGHT: usize = 16;

/// `tile[j·256 + i] = (x_ij - shift[j]) inverse[j]`, computed in `f64`, for `n_rows` rows (at most 256) of
/// `shift.len()` columns; further rows of the tile become 0.
pub fn standardise<S: Widen<f64>, T: Real>(
    level: Level,
    tile: &mut [T],
    x: Rows<S>,
    n_rows: usize,
    shift: &[f64],
    inverse: &[f64],
) {
    run(level, Standardise { pieces: tile.as_chunks_mut().0, x, n_rows, shift, inverse });
}

struct Standardise<'a, S, T> {
    pieces: &'a mut [Piece<T>],
    x: Rows<'a, S>,
    n_rows: usize,
    shift: &'a [f64],
    inverse: &'a [f64],
}

impl<S: Widen<f64>, T: Real> Kernel for Standardise<'_, S, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { pieces, x, n_rows, shift, inverse } = self;
        // a matrix of less than eight columns has no window: one entry after the other
        let n_whole = if shift.len() < WIDTH { 0 } else { n_rows / HEIGHT * HEIGHT };
        for first in (0..n_whole).step_by(HEIGHT) {
            let rows: [&[S]; HEIGHT] = x.block(first);
            for (c, pieces) in pieces.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
                let windows = rows.map(|row| &row.as_chunks::<WIDTH>().0[c]);
                let (shift, inverse) = (&shift.as_chunks().0[c], &inverse.as_chunks().0[c]);
                block(pieces, first, windows, shift, inverse);
            }
            if let (Some(pieces), false) = (pieces.last_chunk_mut(), shift.len().is_multiple_of(WIDTH)) {
                let windows = rows.map(last);
                block(pieces, first, windows.each_ref(), &last(shift), &last(inverse));
            }
        }
        for i in n_whole..n_rows {
            let factors = shift.iter().zip(inverse);
            for ((piece, x), (&shift, &inverse)) in pieces.iter_mut().zip(x.row(i)).zip(factors) {
                piece[i] = T::from_f64((x.widen() - shift) * inverse);
            }
        }
        pieces.iter_mut().for_each(|piece| piece[n_rows.min(TILE_ROWS)..].fill(T::ZERO));
    }
}

#[inline(always)]
fn block<S: Widen<f64>, T: Real>(
    pieces: &mut [Piece<T>; WIDTH],
    first: usize,
    rows: [&[S; WIDTH]; HEIGHT],
    shift: &[f64; WIDTH],
    inverse: &[f64; WIDTH],
) {
    let mut scaled = [[T::ZERO; WIDTH]; HEIGHT];
    for (scaled, row) in scaled.iter_mut().zip(rows) {
        for lane in 0..WIDTH {
            scaled[lane] = T::from_f64((row[lane].widen() - shift[lane]) * inverse[lane]);
        }
    }
    for (lane, piece) in pieces.iter_mut().enumerate() {
        for (k, to) in piece[first..first + HEIGHT].iter_mut().enumerate() {
            *to = scaled[k][lane];
        }
    }
}
