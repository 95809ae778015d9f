//! From a worker's tile to the kernels: one target has kernels of its own, several go through products.

use super::array::Rewritten;
use super::simd::Level;
use super::target_rows::matmul_target_rows;
use super::target_sizes::Tile;
use super::{Array, Piece, Rebuilt, Storage, TILE_ROWS, Worker, in_place};
use super::{
    magnitudes as magnitude_kernel, matmul as matmul_kernel, matmul_transposed as transposed_kernel,
};
use super::{pointwise as pointwise_kernel, targets};
use crate::backend::{Beside, HostRows, Into, Model, Observed, Shown};
use crate::math::real::Real;

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
    let Worker { n, alone, eta, direction, rebuilt, row_tile, products, .. } = work;
    let out = match into {
        Into::Eta => eta,
        Into::Direction => direction,
    };
    match out.as_chunks_mut().0 {
        [eta] if *alone => match x.raw_rows() {
            Some(rows) => raw_matmul(level, eta, *n, rows, first, coef),
            None => matmul_kernel::matmul(level, eta, x.tile(level, first, rebuilt), coef),
        },
        eta => {
            let eta = eta.as_flattened_mut();
            match x.row_tile(level, first, row_tile) {
                Some(rows) => matmul_target_rows(level, products, eta, rows, coef),
                None => targets::matmul_targets(level, products, eta, x.tile(level, first, rebuilt), coef),
            }
        }
    }
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
        [residual] if work.alone => match x.raw_rows() {
            Some(rows) => {
                raw_matmul_transposed(level, work.sums[sums].plain(), rows, first, residual, &mut rebuilt);
            }
            None => {
                let tile = x.tile(level, first, &mut rebuilt);
                transposed_kernel::matmul_transposed(level, work.sums[sums].lanes(), tile, residual);
            }
        },
        _ => {
            let (p, sums) = (x.n_columns(), &mut work.sums[sums]);
            if let Some(rows) = x.row_tile(level, first, &mut work.row_tile) {
                if let Some(sums) = sums.target_rows(level, p, n_targets) {
                    sums.matmul_transposed(rows, &work.residual);
                }
            } else if let Some(sums) = sums.targets(level, p, n_targets) {
                sums.matmul_transposed(x.tile(level, first, &mut rebuilt), &work.residual);
            }
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

/// Residual, loss and residual total.
pub(super) fn pointwise<T: Storage>(
    level: Level,
    work: &mut Worker<T>,
    model: Model,
    first: usize,
    observed: Observed<Array<'_, T>>,
    beside: Beside,
) {
    let (mut scratch, mut of_weights) = ([T::ZERO; TILE_ROWS], [T::ZERO; TILE_ROWS]);
    let cast = observed.cast;
    let eta = pieces(&work.eta);
    let residual = work.residual.as_chunks_mut().0;
    let out = work.beside.as_chunks_mut().0;
    let rows = eta.iter().zip(residual).zip(out);
    for (k, (&target, ((eta, residual), out))) in work.targets.iter().zip(rows).enumerate() {
        let y = observed.y.piece(level, first, cast.response(target), &mut scratch);
        let weights = observed.weights.map(|own| own.piece(level, first, cast.part(target), &mut of_weights));
        let found = pointwise_kernel::pointwise(level, model, beside, eta, y, weights, work.n, residual, out);
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
    if let Some(gram) = work.sums[sums].gram(level, n_columns) {
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
    if let (Some(x), [m], true) = (x, pieces(&work.beside), work.alone) {
        let totals = work.sums[sums].totals_mut();
        let (intercept, columns) = totals.split_at_mut(1);
        if let Some(rows) = x.raw_rows() {
            intercept[0] += total(m);
            in_place::magnitudes(level, columns, rows, first, m);
            work.rebuilt = rebuilt;
            return;
        }
        if let Some(matrix) = x.as_rewritten() {
            intercept[0] += total(m);
            rebuilt.of = None;
            rewritten_magnitudes(level, columns, matrix, first, m, (&mut work.rough, &mut rebuilt.tile));
            work.rebuilt = rebuilt;
            return;
        }
    }
    let rows = if work.alone { None } else { x.and_then(|x| x.row_tile(level, first, &mut work.row_tile)) };
    let (tile, n_columns) = if let (Some(rows), Some(x)) = (rows, x) {
        (Tile::Rows(rows), x.n_columns())
    } else {
        let tile = x.map_or(work.design.as_slice(), |x| x.tile(level, first, &mut rebuilt));
        (Tile::Columns(tile), tile.len() / TILE_ROWS)
    };
    let (m, sums) = (pieces(&work.beside), &mut work.sums[sums]);
    for (m, sums) in m.iter().zip(sums.totals_mut().chunks_exact_mut(1 + n_columns)) {
        sums[0] += total(m);
    }
    match (m, tile) {
        ([m], Tile::Columns(tile)) if work.alone => {
            magnitude_kernel::magnitudes(level, &mut sums.totals_mut()[1..], tile, m);
        }
        _ => {
            if let Some(sums) = sums.target_sizes(level, n_columns, m.len()) {
                sums.add(tile, &work.beside);
            }
        }
    }
    work.rebuilt = rebuilt;
}

/// `sum_i m_i`.
fn total<T: Storage>(m: &Piece<T>) -> f64 {
    m.iter().map(|m| m.to_f64()).sum()
}

/// `sums += |X|ᵀ m` with columns that are written for it: in single precision, of which a sum of sizes loses nothing
/// that matters, unless they overflow there.
fn rewritten_magnitudes<T: Storage>(
    level: Level,
    sums: &mut [f64],
    matrix: &Rewritten<T>,
    first: usize,
    m: &Piece<T>,
    scratch: (&mut Vec<f32>, &mut Vec<T>),
) {
    let (rough, exact) = scratch;
    let rough_m: Piece<f32> = std::array::from_fn(|i| f32::from_f64(m[i].to_f64()));
    for columns in matrix.groups() {
        matrix.rough_tile(first, columns.clone(), rough);
        let mut found = vec![0.0; columns.len()];
        magnitude_kernel::magnitudes(level, &mut found, rough, &rough_m);
        if found.iter().any(|size| !size.is_finite()) {
            matrix.tile(first, columns.clone(), exact);
            found.fill(0.0);
            magnitude_kernel::magnitudes(level, &mut found, exact, m);
        }
        sums[columns].iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
    }
}

/// `sums[k] +=` the rows whose magnitude is below the limit of their target.
pub(super) fn faint<T: Storage>(work: &mut Worker<T>, below: &[f64], sums: usize) {
    let counts = work.sums[sums].totals_mut();
    for ((m, &below), count) in pieces(&work.beside).iter().zip(below).zip(counts) {
        *count += m[..work.n].iter().filter(|m| m.to_f64() < below).count() as f64;
    }
}

/// Shows the rows of the tile to `look`, in `f64`.
pub(super) fn show<T: Storage>(
    level: Level,
    work: &mut Worker<T>,
    first: usize,
    x: Option<&Array<'_, T>>,
    observed: Observed<Array<'_, T>>,
    look: &dyn Fn(&Shown),
) {
    let exactly = |values: &[T]| -> Vec<f64> { values.iter().map(|x| x.to_f64()).collect() };
    let mut rebuilt = std::mem::take(&mut work.rebuilt);
    let columns = exactly(x.map_or(work.design.as_slice(), |x| x.tile(level, first, &mut rebuilt)));
    work.rebuilt = rebuilt;
    let (mut scratch, target) = ([T::ZERO; TILE_ROWS], work.targets.first().copied().unwrap_or_default());
    let cast = observed.cast;
    let y = exactly(&observed.y.piece(level, first, cast.response(target), &mut scratch)[..work.n]);
    let weights = observed
        .weights
        .map(|own| exactly(&own.piece(level, first, cast.part(target), &mut scratch)[..work.n]));
    look(&Shown { first, columns: &columns, y: &y, weights: weights.as_deref() });
}
