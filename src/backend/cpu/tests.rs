//! Every kernel at every level against a plain loop in `f64`.

use super::buffer::Spare;
use super::lanes::{LANES, flush};
use super::loss_changes::loss_changes;
use super::magnitudes::magnitudes;
use super::matmul::matmul;
use super::matmul_transposed::matmul_transposed;
use super::pointwise::pointwise;
use super::simd::Level;
use super::sums::Sums;
use super::{Array, Piece, Storage, TILE_ROWS, Worker, tile};
use crate::backend::{Beside, HostRows, HostValues, Into, Model, Run};
use crate::math::real::Real;

const COLUMNS: [usize; 10] = [0, 1, 2, 3, 4, 7, 8, 9, 17, 100];

/// Numbers in [-1, 1) that look random and do not change.
pub(super) fn numbers<T: Real>(n: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        T::from_f64((state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
    };
    (0..n).map(|_| next()).collect()
}

pub(super) fn piece<T: Real>(seed: u64) -> Piece<T> {
    let values = numbers(TILE_ROWS, seed);
    std::array::from_fn(|i| values[i])
}

/// Rounding of `n` terms whose magnitudes add up to `size`.
pub(super) fn slack<T: Real>(size: f64) -> f64 {
    32.0 * T::EPSILON.to_f64() * size
}

pub(super) fn close<T: Real>(value: f64, truth: f64, size: f64, what: &str) {
    assert!((value - truth).abs() <= slack::<T>(size), "{what}: {value}, not {truth}");
}

fn products<T: Real>() {
    for level in Level::available() {
        for p in COLUMNS {
            let (x, w, r) = (numbers::<T>(p * TILE_ROWS, 1), numbers::<T>(p, 2), piece::<T>(3));
            let start = piece::<T>(4);
            let mut eta = start;
            matmul(level, &mut eta, &x, &w);
            for i in 0..TILE_ROWS {
                let terms = (0..p).map(|j| x[j * TILE_ROWS + i].to_f64() * w[j].to_f64());
                let truth = start[i].to_f64() + terms.clone().sum::<f64>();
                close::<T>(eta[i].to_f64(), truth, 1.0 + terms.map(f64::abs).sum::<f64>(), "matmul");
            }

            let (mut lanes, mut sums, mut sizes) = (vec![[T::ZERO; LANES]; p], vec![1.0; p], vec![2.0; p]);
            matmul_transposed(level, &mut lanes, &x, &r);
            matmul_transposed(level, &mut lanes, &x, &r);
            flush(&mut lanes, &mut sums);
            magnitudes(level, &mut sizes, &x, &r.map(Real::abs));
            for j in 0..p {
                let column = x[j * TILE_ROWS..(j + 1) * TILE_ROWS].iter();
                let terms: Vec<f64> = column.zip(&r).map(|(x, r)| x.to_f64() * r.to_f64()).collect();
                let (sum, size) = (terms.iter().sum::<f64>(), terms.iter().map(|t| t.abs()).sum::<f64>());
                close::<T>(sums[j], 1.0 + 2.0 * sum, 1.0 + size, "matmul_transposed");
                close::<T>(sizes[j], 2.0 + size, 2.0 + size, "magnitudes");
            }
        }
    }
}

#[test]
fn products_of_a_tile() {
    products::<f32>();
    products::<f64>();
}

const BESIDES: [Beside; 4] = [Beside::Nothing, Beside::One, Beside::Curvature, Beside::Magnitude];

/// Counts: mostly 0, then 1, 2, ...
fn counts<T: Real>() -> Piece<T> {
    std::array::from_fn(|i| T::from_f64(if i % 5 == 0 { (i % 3) as f64 } else { 0.0 }))
}

fn residuals<T: Real>() {
    let scale = T::from_f64(6.0);
    let (eta, y) = (piece::<T>(5).map(|e| scale * e - T::ONE), counts::<T>());
    let weights = piece::<T>(8).map(|u| u + T::from_f64(1.5));
    for level in Level::available() {
        for n_valid in [0, 1, 15, 16, 255, TILE_ROWS] {
            let cases = BESIDES.into_iter().flat_map(|beside| [(beside, None), (beside, Some(&weights))]);
            for (beside, weights) in cases {
                let (mut residual, mut out) = ([T::ONE; TILE_ROWS], [T::ONE; TILE_ROWS]);
                let sums = pointwise(
                    level,
                    Model::default(),
                    beside,
                    &eta,
                    &y,
                    weights,
                    n_valid,
                    &mut residual,
                    &mut out,
                );
                let (mut loss, mut total, mut size) = (0.0, 0.0, 1.0);
                for i in 0..n_valid {
                    let (eta, y) = (eta[i].to_f64(), y[i].to_f64());
                    let (mu, w) = (eta.exp(), weights.map_or(1.0, |weights| weights[i].to_f64()));
                    close::<T>(residual[i].to_f64(), w * (mu - y), w * (mu + y), "residual");
                    let (truth, size_out) = match beside {
                        Beside::One => (1.0, 0.0),
                        Beside::Nothing | Beside::Curvature => (mu, mu),
                        Beside::Magnitude => (mu + (mu - y).abs(), mu + y),
                    };
                    close::<T>(out[i].to_f64(), w * truth, w * size_out, "beside");
                    loss += w * (mu - y * eta);
                    total += w * (mu - y);
                    size += w * (mu + (y * eta).abs() + y);
                }
                assert!(residual[n_valid..].iter().chain(&out[n_valid..]).all(|&v| v == T::ZERO));
                close::<T>(sums.loss, loss, size, "loss");
                close::<T>(sums.residual, total, size, "sum of residuals");
            }
        }
    }
}

#[test]
fn residuals_of_a_tile() {
    residuals::<f32>();
    residuals::<f64>();
}

#[test]
fn a_diverging_row_is_seen_and_a_row_outside_is_not() {
    for level in Level::available() {
        let (mut eta, y) = ([0.0_f64; TILE_ROWS], counts::<f64>());
        let (mut residual, mut out) = ([0.0; TILE_ROWS], [0.0; TILE_ROWS]);
        for (bad, fine) in [(800.0, false), (f64::NAN, false), (-800.0, true)] {
            eta[100] = bad;
            for (n_valid, counts) in [(101, true), (100, false)] {
                let model = Model::default();
                let sums = pointwise(
                    level,
                    model,
                    Beside::Curvature,
                    &eta,
                    &y,
                    None,
                    n_valid,
                    &mut residual,
                    &mut out,
                );
                assert_eq!(sums.loss.is_finite(), fine || !counts, "{bad} {n_valid}");
                assert!(residual[n_valid..].iter().chain(&out[n_valid..]).all(|&v| v == 0.0));
                let change = loss_changes(level, model, &eta, &[0.5; TILE_ROWS], &y, None, n_valid, 1.0);
                assert_eq!(change.is_finite(), fine || !counts, "{bad} {n_valid}");
            }
        }
    }
}

fn changes<T: Real>(bound: f64) {
    let (eta, y) = (piece::<T>(6), counts::<T>());
    let direction = piece::<T>(7);
    for level in Level::available() {
        for step in [1.0, 1e-3, 1e-8, 1e-15] {
            for n_valid in [0, 100, TILE_ROWS] {
                let step = T::from_f64(step);
                let change = loss_changes(level, Model::default(), &eta, &direction, &y, None, n_valid, step);
                let (mut truth, mut size) = (0.0, 0.0_f64);
                for i in 0..n_valid {
                    let delta = step.to_f64() * direction[i].to_f64();
                    let (up, down) = (eta[i].to_f64().exp() * delta.exp_m1(), y[i].to_f64() * delta);
                    truth += up - down;
                    size += up.abs() + down.abs();
                }
                assert!((change - truth).abs() <= bound * size, "{change}, not {truth} ({step:?})");
            }
        }
    }
}

#[test]
fn changes_of_the_loss_along_a_line() {
    changes::<f32>(3e-7);
    changes::<f64>(1e-15);
}

/// One tile of `x` as a worker of several targets, or of one alone, sees it: linear predictors, sums of products with
/// the residuals and of magnitudes.
fn through_a_worker<T: Storage>(x: &Array<T>, first: usize, n: usize, n_targets: usize) -> [Vec<f64>; 3] {
    let (level, p) = (Level::best(), x.n_columns());
    let rows = TILE_ROWS * n_targets;
    let mut work = Worker::<T> {
        n,
        targets: (0..n_targets).collect(),
        alone: n_targets == 1,
        eta: vec![T::ZERO; rows],
        residual: numbers(rows, 5),
        beside: numbers::<T>(rows, 6).into_iter().map(Real::abs).collect(),
        ..Worker::default()
    };
    for row in (0..rows).filter(|row| row % TILE_ROWS >= n) {
        (work.residual[row], work.beside[row]) = (T::ZERO, T::ZERO);
    }
    work.sums.resize_with(2, Sums::default);
    work.sums[0].reset(p * n_targets);
    work.sums[1].reset((1 + p) * n_targets);
    tile::matmul(level, &mut work, first, x, &numbers(p * n_targets, 7), Into::Eta);
    tile::matmul_transposed(level, &mut work, first, x, 0);
    tile::magnitudes(level, &mut work, first, Some(x), 1);
    work.sums.iter_mut().for_each(Sums::close);
    let valid = |k: usize| work.eta[k * TILE_ROWS..k * TILE_ROWS + n].iter().map(|eta| eta.to_f64());
    [(0..n_targets).flat_map(valid).collect(), work.sums[0].take(), work.sums[1].take()]
}

/// Which of its answers are the sums of magnitudes.
const MAGNITUDES: usize = 2;

/// `source` is 500 rows of 11 columns, the same numbers as `values`.
fn rows_are_tiles<S: Real, T: Storage>(source: &[S], values: HostValues) {
    let p = 11;
    // three stretches with gaps between them, one across the border of two tiles
    let runs = [
        Run { used: 0, row: 3, len: 100 },
        Run { used: 100, row: 110, len: 250 },
        Run { used: 350, row: 400, len: 60 },
    ];
    let rows = HostRows {
        values,
        stride: p,
        runs: &runs,
        shift: (0..p).map(|j| 0.3 - 0.1 * j as f64).collect(),
        factor: (0..p).map(|j| 1.5 + 0.2 * j as f64).collect(),
    };
    let tiles = Array::<T>::filled(&Spare::default(), 410, p, &|span, out| {
        for row in span.clone() {
            let run = runs[runs.partition_point(|run| run.used <= row) - 1];
            for j in 0..p {
                let x = source[(run.row + row - run.used) * p + j].to_f64();
                let place = row - span.start;
                out[(place / TILE_ROWS * p + j) * TILE_ROWS + place % TILE_ROWS] =
                    T::from_f64((x - rows.shift[j]) * rows.factor[j]);
            }
        }
    });
    let in_place = Array::<T>::of_rows(rows.clone());
    for (first, n) in [(0, 256), (256, 154)] {
        for n_targets in [1, 3] {
            let expected = through_a_worker(&tiles, first, n, n_targets);
            let found = through_a_worker(&in_place, first, n, n_targets);
            for (k, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_eq!(found.len(), expected.len());
                for (&found, &expected) in found.iter().zip(expected) {
                    if k == MAGNITUDES {
                        // sizes are added up in the numbers of the matrix
                        close::<S>(found, expected, 300.0, "sizes in place");
                    } else {
                        close::<T>(found, expected, 300.0, "in place");
                    }
                }
            }
        }
    }
}

#[test]
fn a_matrix_in_place_is_like_its_tiles() {
    let (single, double) = (numbers::<f32>(5500, 9), numbers::<f64>(5500, 9));
    rows_are_tiles::<f32, f32>(&single, HostValues::F32(&single));
    rows_are_tiles::<f32, f64>(&single, HostValues::F32(&single));
    rows_are_tiles::<f64, f64>(&double, HostValues::F64(&double));
}
