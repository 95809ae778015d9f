//! From rows to tiles: centred, scaled and transposed in one step.
//!
//! Sixteen rows are taken at a time, so that a column receives whole lines of cache, and the rows are read from
//! front to back. Eight columns by sixteen rows go through a small array that stays in cache or registers.

use super::rows::{Rows, WIDTH};
use super::simd::{Kernel, Level, run};
use super::{Piece, TILE_ROWS};
use crate::math::real::{Real, Widen};

/// Rows of a block.
const HEIGHT: usize = 16;

/// `tile[j·256 + i] = (x_ij - shift[j]) inverse[j]`, computed in `f64`, for `n_rows` rows (at most 256) of
/// `shift.len()` columns; further rows of the tile become 0.
pub(super) fn standardise<S: Widen<f64>, T: Real>(
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
        let p = shift.len();
        // a matrix of less than eight columns has no window: one entry after the other
        let n_whole = if p < WIDTH { 0 } else { n_rows / HEIGHT * HEIGHT };
        for first in (0..n_whole).step_by(HEIGHT) {
            for window in 0..p.div_ceil(WIDTH) {
                // the last window may overlap the one before it and write the same numbers again
                let j = (window * WIDTH).min(p - WIDTH);
                let factors = (shift[j..].first_chunk(), inverse[j..].first_chunk());
                if let (Some(pieces), (Some(shift), Some(inverse))) = (pieces[j..].first_chunk_mut(), factors)
                {
                    block(pieces, x, first, j, shift, inverse);
                }
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

/// Sixteen rows from `first` on and eight columns from `j` on.
#[inline(always)]
fn block<S: Widen<f64>, T: Real>(
    pieces: &mut [Piece<T>; WIDTH],
    x: Rows<S>,
    first: usize,
    j: usize,
    shift: &[f64; WIDTH],
    inverse: &[f64; WIDTH],
) {
    let mut scaled = [[T::ZERO; WIDTH]; HEIGHT];
    for k in 0..HEIGHT {
        let Some(x) = x.row(first + k)[j..].first_chunk::<WIDTH>() else { return };
        let mut wide = [0.0; WIDTH];
        for lane in 0..WIDTH {
            wide[lane] = x[lane].widen();
        }
        for lane in 0..WIDTH {
            wide[lane] = (wide[lane] - shift[lane]) * inverse[lane];
        }
        for lane in 0..WIDTH {
            scaled[k][lane] = T::from_f64(wide[lane]);
        }
    }
    for lane in 0..WIDTH {
        for k in 0..HEIGHT {
            pieces[lane][first + k] = scaled[k][lane];
        }
    }
}
