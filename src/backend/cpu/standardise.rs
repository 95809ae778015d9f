//! From rows to tiles: centred, scaled and transposed in one step.
//!
//! Sixteen rows are taken at a time, so that a column receives whole lines of cache, and the rows are read from
//! front to back. A vector of columns by four rows is turned in registers.

use pulp::{Simd, WithSimd};

use super::pack::{TOGETHER, exchange_transposes, exchanged, piece};
use super::rows::Rows;
use super::simd::{Level, dispatch};
use super::vector::Lanes;
use super::{Piece, TILE_ROWS};
use crate::math::real::Widen;

/// Rows of a block.
const HEIGHT: usize = 16;
/// Columns of a window, unless a vector holds more.
const WIDTH: usize = 8;
/// Most numbers of a vector.
const MOST_LANES: usize = 16;

/// `tile[j·256 + i] = (x_ij - shift[j]) inverse[j]`, computed in `f64`, for `n_rows` rows (at most 256) of
/// `shift.len()` columns; further rows of the tile become 0.
pub(super) fn standardise<S: Widen<f64>, T: Lanes>(
    level: Level,
    tile: &mut [T],
    x: Rows<S>,
    n_rows: usize,
    shift: &[f64],
    inverse: &[f64],
) {
    dispatch(level, Standardise { pieces: tile.as_chunks_mut().0, x, n_rows, shift, inverse });
}

struct Standardise<'a, S, T> {
    pieces: &'a mut [Piece<T>],
    x: Rows<'a, S>,
    n_rows: usize,
    shift: &'a [f64],
    inverse: &'a [f64],
}

impl<X: Widen<f64>, T: Lanes> WithSimd for Standardise<'_, X, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if T::count::<S>() > WIDTH {
            self.blocks::<S, MOST_LANES>(simd);
        } else {
            self.blocks::<S, WIDTH>(simd);
        }
    }
}

impl<X: Widen<f64>, T: Lanes> Standardise<'_, X, T> {
    /// `W` columns at a time: one vector or more.
    #[inline(always)]
    fn blocks<S: Simd, const W: usize>(self, simd: S) {
        let Self { pieces, x, n_rows, shift, inverse } = self;
        let p = shift.len();
        // a matrix of fewer columns has no window: one entry after the other
        let turns = p >= W && exchange_transposes::<S, T>(simd);
        let n_whole = if turns { n_rows / HEIGHT * HEIGHT } else { 0 };
        for first in (0..n_whole).step_by(HEIGHT) {
            for window in 0..p.div_ceil(W) {
                // the last window may overlap the one before it and write the same numbers again
                let j = (window * W).min(p - W);
                let factors = (shift[j..].first_chunk(), inverse[j..].first_chunk());
                if let (Some(pieces), (Some(shift), Some(inverse))) = (pieces[j..].first_chunk_mut(), factors)
                {
                    for first in (first..first + HEIGHT).step_by(TOGETHER) {
                        four_rows::<S, X, T, W>(simd, pieces, x, (first, j), shift, inverse);
                    }
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

/// Four rows from `at.0` on and `W` columns from `at.1` on.
#[inline(always)]
fn four_rows<S: Simd, X: Widen<f64>, T: Lanes, const W: usize>(
    simd: S,
    pieces: &mut [Piece<T>; W],
    x: Rows<X>,
    at: (usize, usize),
    shift: &[f64; W],
    inverse: &[f64; W],
) {
    let (first, j) = at;
    let mut scaled = [[T::ZERO; W]; TOGETHER];
    for k in 0..TOGETHER {
        let Some(x) = x.row(first + k)[j..].first_chunk::<W>() else { return };
        let mut wide = [0.0; W];
        for lane in 0..W {
            wide[lane] = x[lane].widen();
        }
        for lane in 0..W {
            wide[lane] = (wide[lane] - shift[lane]) * inverse[lane];
        }
        for lane in 0..W {
            scaled[k][lane] = T::from_f64(wide[lane]);
        }
    }
    let [a, b, c, d] = &scaled;
    let rows = [T::vectors::<S>(a), T::vectors::<S>(b), T::vectors::<S>(c), T::vectors::<S>(d)];
    let count = T::count::<S>();
    for v in 0..W / count {
        let turned = exchanged::<S, T>(simd, [rows[0][v], rows[1][v], rows[2][v], rows[3][v]]);
        for (lane, column) in pieces[v * count..(v + 1) * count].iter_mut().enumerate() {
            let out = &mut column[first..first + TOGETHER];
            for (run, out) in out.chunks_exact_mut(T::RUN).enumerate() {
                out.copy_from_slice(&turned[piece::<S, T>(lane, run)..][..T::RUN]);
            }
        }
    }
}
