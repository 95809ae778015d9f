//! From a worker's tile to the kernels: one target has kernels of its own, several go through products.

use super::simd::Level;
use super::weighted_gram::GramSums;
use super::{Array, Piece, Rebuilt, Storage, TILE_ROWS, Worker};
use super::{magnitudes as magnitude_kernel, matmul as matmul_kernel, matmul_transposed as transposed_kernel};
use super::{pointwise as pointwise_kernel, targets};
use crate::backend::{Beside, HostRows, Into, Model};

/// The pieces of a vector of whole tiles.
fn pieces<T>(values: &[T]) -> &[Piece<T>] {
    values.as_chunks().0
}

/// `eta += X·B`.
pub(super) fn matmul<T: Storage>(
    level: Level,
    work: &mut Worker<T>,
    first: usize,
    x: &Array<'_, T>,
    coef: &[T],
    into: Into,
) {
    let mut rebuilt = std::mem::take(&mut work.rebuilt);
    let n_targets = work.targets.len();
    let n = work.n;
    match work.row_vector(into).as_chunks_mut().0 {
        [eta] => match x.raw_rows() {
            Some(rows) => raw_matmul(level, eta, n, rows, first, coef),
            None => matmul_kernel::matmul(level, eta, x.tile(level, first, &mut rebuilt), coef),
        },
        eta => {
            let tile = x.tile(level, first, &mut rebuilt);
            targets::matmul_targets(level, eta.as_flattened_mut(), tile, coef, n_targets);
        }
    }
    work.rebuilt = rebuilt;
}

/// `eta += X w` with the raw numbers of rows in place: `sum_j (x_ij - shift_j) factor_j w_j`.
fn raw_matmul<T: Storage>(
    level: Level,
    eta: &mut Piece<T>,
    n: usize,
    rows: &HostRows,
    first: usize,
    coef: &[T],
) {
    let scaled: Vec<T> = coef.iter().zip(&rows.factor).map(|(w, f)| T::from_f64(w.to_f64() * f)).collect();
    // the same rounded numbers as above, so that centring is exact for them
    let shift: f64 = scaled.iter().zip(&rows.shift).map(|(w, shift)| w.to_f64() * shift).sum();
    let shift = T::from_f64(shift);
    eta[..n].iter_mut().for_each(|eta| *eta -= shift);
    T::matmul(level, eta, rows, first, &scaled);
}

/// `sums[k] += Xᵀ·R`.
pub(super) fn matmul_transposed<T: Storage>(
    level: Level,
    work: &mut Worker<T>,
    first: usize,
    x: &Array<'_, T>,
    sums: usize,
) {
    let mut rebuilt = std::mem::take(&mut work.rebuilt);
    let n_targets = work.targets.len();
    match pieces(&work.residual) {
        [residual] => match x.raw_rows() {
            Some(rows) => {
                raw_matmul_transposed(level, work.sums[sums].plain(), rows, first, residual, &mut rebuilt);
            }
            None => {
                let tile = x.tile(level, first, &mut rebuilt);
                transposed_kernel::matmul_transposed(level, work.sums[sums].lanes(), tile, residual);
            }
        },
        _ => {
            let tile = x.tile(level, first, &mut rebuilt);
            let sums = work.sums[sums].plain();
            targets::matmul_transposed_targets(level, sums, tile, &work.residual, n_targets);
        }
    }
    work.rebuilt = rebuilt;
}

/// `sums += Xᵀ r` with the raw numbers of rows in place.
fn raw_matmul_transposed<T: Storage>(
    level: Level,
    sums: &mut [T],
    rows: &HostRows,
    first: usize,
    residual: &Piece<T>,
    scratch: &mut Rebuilt<T>,
) {
    let total: f64 = residual.iter().map(|r| r.to_f64()).sum();
    scratch.of = None;
    scratch.tile.clear();
    scratch.tile.resize(sums.len(), T::ZERO);
    T::matmul_transposed(level, &mut scratch.tile, rows, first, residual);
    let factors = rows.shift.iter().zip(&rows.factor);
    for ((sum, raw), (shift, factor)) in sums.iter_mut().zip(&scratch.tile).zip(factors) {
        *sum += T::from_f64((raw.to_f64() - shift * total) * factor);
    }
}

/// Residual, loss and residual total; `y` holds one column per target of the fit.
pub(super) fn pointwise<T: Storage>(
    level: Level,
    work: &mut Worker<T>,
    model: Model,
    y: &[T],
    beside: Beside,
) {
    let y = pieces(y);
    let eta = pieces(&work.eta);
    let residual = work.residual.as_chunks_mut().0;
    let out = work.beside.as_chunks_mut().0;
    let rows = eta.iter().zip(residual).zip(out);
    for (k, (&target, ((eta, residual), out))) in work.targets.iter().zip(rows).enumerate() {
        let found =
            pointwise_kernel::pointwise(level, model, beside, eta, &y[target], work.n, residual, out);
        work.sums[0].totals_mut()[k] += found.loss;
        work.sums[1].totals_mut()[k] += found.residual;
    }
}

/// `sums[k] += [1 X]ᵀ·diag(w)·[1 X]`.
pub(super) fn weighted_gram<T: Storage>(
    level: Level,
    work: &mut Worker<T>,
    first: usize,
    x: Option<&Array<'_, T>>,
    flat: bool,
    sums: usize,
) {
    let mut rebuilt = std::mem::take(&mut work.rebuilt);
    let tile = x.map_or(work.design.as_slice(), |x| x.tile(level, first, &mut rebuilt));
    let n_columns = tile.len() / TILE_ROWS;
    let weight = if flat { None } else { pieces(&work.beside).first() };
    if let Some(gram) = work.sums[sums].gram(n_columns, || GramSums::new(level, n_columns)) {
        gram.add(tile, weight, work.n);
    }
    work.rebuilt = rebuilt;
}

/// `sums[k] += [1 |X|]ᵀ·m`.
pub(super) fn magnitudes<T: Storage>(
    level: Level,
    work: &mut Worker<T>,
    first: usize,
    x: Option<&Array<'_, T>>,
    sums: usize,
) {
    let mut rebuilt = std::mem::take(&mut work.rebuilt);
    let tile = x.map_or(work.design.as_slice(), |x| x.tile(level, first, &mut rebuilt));
    let n = 1 + tile.len() / TILE_ROWS;
    for (m, sums) in pieces(&work.beside).iter().zip(work.sums[sums].totals_mut().chunks_exact_mut(n)) {
        if let [intercept, of_columns @ ..] = sums {
            *intercept += m.iter().map(|m| m.to_f64()).sum::<f64>();
            magnitude_kernel::magnitudes(level, of_columns, tile, m);
        }
    }
    work.rebuilt = rebuilt;
}

/// `sums[k] +=` the rows whose magnitude is below the limit of their target.
pub(super) fn faint<T: Storage>(work: &mut Worker<T>, below: &[f64], sums: usize) {
    let counts = work.sums[sums].totals_mut();
    for ((m, &below), count) in pieces(&work.beside).iter().zip(below).zip(counts) {
        *count += m[..work.n].iter().filter(|m| m.to_f64() < below).count() as f64;
    }
}
