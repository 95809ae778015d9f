//! Matrices of the user, read where they lie.
//!
//! With one target the kernels for rows multiply raw numbers; centring and scaling go into the coefficients before
//! and into the sums after. That costs nothing per row, and digits where a mean is many deviations away from 0; such
//! columns go through a tile that is written in cache, centred and scaled, and so do several targets, whose tiles keep
//! one row after the other.

use std::ops::Range;

use super::compiled::Compiled;
use super::convolution::transforms::Fourier;
use super::rows::{Rows, magnitudes_rows, matmul_rows, matmul_transposed_rows, standardised_rows};
use super::simd::Level;
use super::standardise::standardise;
use super::vector::Lanes;
use super::{Piece, TILE_ROWS};
use crate::backend::{HostRows, HostValues, runs_within};
use crate::math::real::{Real, Widen};

/// Means of this many deviations cost too many digits.
const FAR: f64 = 100.0;
/// Inverse deviations of which products stay within single precision.
const ORDINARY: Range<f64> = 1e-25..1e25;

/// Stretches of the tile that starts at used row `first`: rows of the tile, and where they begin in the source.
fn stretches(x: &HostRows, first: usize) -> impl Iterator<Item = (Range<usize>, usize)> {
    runs_within(x.runs, first..first + TILE_ROWS)
        .map(move |run| (run.used - first..run.used - first + run.len, run.row))
}

/// Rows of a host matrix from `row` on.
fn rows_of<'x, S>(x: &HostRows, values: &'x [S], row: usize) -> Rows<'x, S> {
    Rows { values: &values[row * x.stride..], stride: x.stride, n_columns: x.shift.len() }
}

/// Whether the raw numbers may be multiplied.
pub(super) fn is_near_zero(x: &HostRows) -> bool {
    let ordinary = |shift: f64, factor: f64| ORDINARY.contains(&factor) && shift.abs() * factor < FAR;
    x.shift.iter().zip(&x.factor).all(|(&shift, &factor)| ordinary(shift, factor))
}

/// Numbers that a backend stores, and how rows in place become products. Only matrices that [`Storage::reads`] says yes to
/// are kept in place, so the others never get to these kernels.
pub trait Storage: Real + Lanes + Fourier + Compiled {
    /// `eta += X w` with raw numbers.
    fn matmul(level: Level, eta: &mut Piece<Self>, x: &HostRows, first: usize, w: &[Self]);
    /// `sums += Xᵀ r` with raw numbers.
    fn matmul_transposed(level: Level, sums: &mut [Self], x: &HostRows, first: usize, r: &Piece<Self>);
    /// Whether the matrix can be read in place at all.
    fn reads(values: &HostValues) -> bool;
}

macro_rules! storage {
    ($t:ident: $($kind:ident),*) => {
        impl Storage for $t {
            fn matmul(level: Level, eta: &mut Piece<Self>, x: &HostRows, first: usize, w: &[Self]) {
                match x.values {
                    $(HostValues::$kind(values) => {
                        for (rows, row) in stretches(x, first) {
                            matmul_rows(level, &mut eta[rows], rows_of(x, values, row), w);
                        }
                    })*
                    #[allow(unreachable_patterns, reason = "some numbers read all kinds")]
                    _ => {}
                }
            }

            fn matmul_transposed(level: Level, sums: &mut [Self], x: &HostRows, first: usize, r: &Piece<Self>) {
                match x.values {
                    $(HostValues::$kind(values) => {
                        for (rows, row) in stretches(x, first) {
                            matmul_transposed_rows(level, sums, rows_of(x, values, row), &r[rows]);
                        }
                    })*
                    #[allow(unreachable_patterns, reason = "some numbers read all kinds")]
                    _ => {}
                }
            }

            fn reads(values: &HostValues) -> bool {
                #[allow(unreachable_patterns, reason = "some numbers read all kinds")]
                match values {
                    $(HostValues::$kind(_) => true,)*
                    _ => false,
                }
            }
        }
    };
}
storage!(f32: F32);
storage!(f64: F32, F64);

/// `sums[j] += sum_i |x_ij - shift_j| factor_j m_i` in the numbers of the matrix: single precision keeps all digits of a
/// sum of sizes that matter. Where it overflows, in `f64`.
pub(super) fn magnitudes<T: Real>(level: Level, sums: &mut [f64], x: &HostRows, first: usize, m: &Piece<T>) {
    match x.values {
        HostValues::F32(values) => {
            if !add_sizes::<f32, f32, T>(level, sums, (x, values), first, m) {
                add_sizes::<f32, f64, T>(level, sums, (x, values), first, m);
            }
        }
        HostValues::F64(values) => {
            add_sizes::<f64, f64, T>(level, sums, (x, values), first, m);
        }
    }
}

/// Adds the sizes in the arithmetic `A`, unless one overflows; whether none did.
fn add_sizes<S: Widen<A>, A: Real, T: Real>(
    level: Level,
    sums: &mut [f64],
    (x, values): (&HostRows, &[S]),
    first: usize,
    m: &Piece<T>,
) -> bool {
    let m: Piece<A> = std::array::from_fn(|i| A::from_f64(m[i].to_f64()));
    let mean: Vec<A> = x.shift.iter().map(|&shift| A::from_f64(shift)).collect();
    let mut found = vec![A::ZERO; mean.len()];
    for (rows, row) in stretches(x, first) {
        magnitudes_rows(level, &mut found, rows_of(x, values, row), &mean, &m[rows]);
    }
    let is_finite = found.iter().all(|size| size.to_f64().is_finite());
    if is_finite || size_of::<A>() == size_of::<f64>() {
        for ((sum, found), factor) in sums.iter_mut().zip(found).zip(&x.factor) {
            *sum += found.to_f64() * factor;
        }
    }
    is_finite
}

/// Writes the tile that starts at used row `first`, centred and scaled.
pub(super) fn standardise_tile<T: Lanes>(level: Level, x: &HostRows, first: usize, tile: &mut [T]) {
    let mut stretches = stretches(x, first).peekable();
    let whole = stretches.peek().is_some_and(|(rows, _)| rows.len() == TILE_ROWS);
    if whole && let Some((_, row)) = stretches.next() {
        match x.values {
            HostValues::F32(v) => {
                standardise(level, tile, rows_of(x, v, row), TILE_ROWS, &x.shift, &x.factor);
            }
            HostValues::F64(v) => {
                standardise(level, tile, rows_of(x, v, row), TILE_ROWS, &x.shift, &x.factor);
            }
        }
    } else {
        match x.values {
            HostValues::F32(v) => gathered(level, x, v, first, tile),
            HostValues::F64(v) => gathered(level, x, v, first, tile),
        }
    }
}

/// Writes a tile of rows that do not lie one after the other.
fn gathered<S: Widen<f64>, T: Lanes>(level: Level, x: &HostRows, values: &[S], first: usize, tile: &mut [T]) {
    let p = x.shift.len();
    let mut rows: Vec<S> = Vec::with_capacity(TILE_ROWS * p);
    for (of_tile, row) in stretches(x, first) {
        (row..row + of_tile.len()).for_each(|row| rows.extend(&values[row * x.stride..][..p]));
    }
    let n_rows = rows.len() / p.max(1);
    let rows = Rows { values: &rows, stride: p, n_columns: p };
    standardise(level, tile, rows, n_rows, &x.shift, &x.factor);
}

/// Writes the rows of the tile that starts at used row `first`, centred and scaled, one after the other.
pub(super) fn standardise_rows<T: Lanes>(level: Level, x: &HostRows, first: usize, tile: &mut Vec<T>) {
    let p = x.shift.len();
    tile.resize(TILE_ROWS * p, T::ZERO);
    let end = stretches(x, first).last().map_or(0, |(rows, _)| rows.end);
    tile.truncate(end * p);
    standardise_span(level, x, &(first..first + end), p, tile);
}

/// The same of any used rows, with so many numbers from one row to the next.
pub(in crate::backend) fn standardise_span<T: Lanes>(
    level: Level,
    x: &HostRows,
    span: &Range<usize>,
    stride: usize,
    out: &mut [T],
) {
    for run in runs_within(x.runs, span.clone()) {
        let out = &mut out[(run.used - span.start) * stride..][..run.len * stride];
        match x.values {
            HostValues::F32(v) => {
                standardised_rows(level, out, stride, rows_of(x, v, run.row), &x.shift, &x.factor);
            }
            HostValues::F64(v) => {
                standardised_rows(level, out, stride, rows_of(x, v, run.row), &x.shift, &x.factor);
            }
        }
    }
}
