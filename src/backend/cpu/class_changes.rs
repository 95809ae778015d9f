//! Trial steps along a line for responses that are one of several classes.

use std::ops::Range;

use rayon::prelude::*;

use super::lanes::{LANES, total};
use super::pass::SMALL;
use super::simd::{Kernel, Level, run};
use super::{Array, Line, Piece, Storage, TILE_ROWS};
use crate::backend::LINE_ROWS;
use crate::math::contrasts::Contrasts;
use crate::math::elementary::{Elementary, Vector};
use crate::math::real::Real;

/// See [`crate::backend::Classes::class_changes`].
pub(super) fn class_changes<T: Storage>(
    level: Level,
    line: &Line<T>,
    contrasts: &Contrasts,
    y: &Array<'_, T>,
    step: f64,
) -> f64 {
    let factors: Vec<T> = contrasts.factors().iter().map(|&factor| T::from_f64(factor)).collect();
    let on_tile = |total: &mut f64, rows: Stretch<T>| {
        let mut classes = vec![[T::ZERO; LANES]; 2 * contrasts.n_classes()];
        let step = T::from_f64(step);
        *total += run(level, Change { factors: &factors, rows, step, classes: &mut classes });
    };
    fold(level, line, y, 0.0, on_tile).into_iter().sum()
}

/// The rows of one tile of a line.
pub(super) struct Stretch<'a, T> {
    pub(super) n: usize,
    pub(super) y: &'a Piece<T>,
    zeta: &'a [Piece<T>],
    pub(super) direction: &'a [Piece<T>],
}

/// What `on_tile` makes of the tiles of a line, [`LINE_ROWS`] by [`LINE_ROWS`].
pub(super) fn fold<T: Storage, S: Send + Sync + Copy>(
    level: Level,
    line: &Line<T>,
    y: &Array<'_, T>,
    start: S,
    on_tile: impl Fn(&mut S, Stretch<T>) + Sync,
) -> Vec<S> {
    let n_free = line.targets.len();
    let on_chunk = |tiles: &Range<usize>| {
        let mut sum = start;
        for tile in tiles.clone() {
            let size = 2 * TILE_ROWS * n_free;
            let values: &[Piece<T>] = line.values[tile * size..(tile + 1) * size].as_chunks().0;
            let (zeta, direction) = values.split_at(n_free);
            let first = line.rows.start + tile * TILE_ROWS;
            let mut scratch = [T::ZERO; TILE_ROWS];
            let y = y.piece(level, first, 0, &mut scratch);
            on_tile(&mut sum, Stretch { n: TILE_ROWS.min(line.rows.end - first), y, zeta, direction });
        }
        sum
    };
    let n_tiles = line.rows.len().div_ceil(TILE_ROWS);
    let of_chunk = LINE_ROWS / TILE_ROWS;
    let chunks: Vec<Range<usize>> =
        (0..n_tiles).step_by(of_chunk).map(|first| first..n_tiles.min(first + of_chunk)).collect();
    if line.values.len() < SMALL {
        chunks.iter().map(on_chunk).collect()
    } else {
        chunks.par_iter().map(on_chunk).collect()
    }
}

struct Change<'a, T> {
    factors: &'a [T],
    rows: Stretch<'a, T>,
    step: T,
    /// Scratch: predictors and moves of every class.
    classes: &'a mut [[T; LANES]],
}

impl<T: Real> Kernel for Change<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) -> f64 {
        let mut lanes = [T::ZERO; LANES];
        for first in (0..TILE_ROWS).step_by(LANES) {
            let own = self.lanes::<FUSED>(first);
            for lane in 0..LANES {
                lanes[lane] += if first + lane < self.rows.n { own[lane] } else { T::ZERO };
            }
        }
        total(&lanes)
    }
}

impl<T: Real> Change<'_, T> {
    #[inline(always)]
    fn lanes<const FUSED: bool>(&mut self, first: usize) -> [T; LANES] {
        let functions = Vector::<FUSED>;
        let Self { factors, rows: Stretch { y, zeta, direction, .. }, step, classes } = self;
        let n_free = zeta.len();
        let n_classes = classes.len() / 2;
        let (etas, moves) = classes.split_at_mut(n_classes);
        let (mut largest, mut of_y) = ([-T::INFINITY; LANES], [T::ZERO; LANES]);
        for (k, (eta, to)) in etas.iter_mut().zip(moves.iter_mut()).enumerate() {
            let class = T::from_f64(k as f64);
            (*eta, *to) = ([T::ZERO; LANES], [T::ZERO; LANES]);
            for ((zeta, direction), &factor) in zeta.iter().zip(*direction).zip(&factors[k * n_free..]) {
                for lane in 0..LANES {
                    eta[lane] = zeta[first + lane].fma::<FUSED>(factor, eta[lane]);
                    to[lane] = direction[first + lane].fma::<FUSED>(factor, to[lane]);
                }
            }
            for lane in 0..LANES {
                largest[lane] = if eta[lane] > largest[lane] { eta[lane] } else { largest[lane] };
                of_y[lane] = if y[first + lane] == class { to[lane] } else { of_y[lane] };
            }
        }
        let mut sum = [T::ZERO; LANES];
        for eta in etas.iter_mut() {
            for lane in 0..LANES {
                eta[lane] = functions.exp(eta[lane] - largest[lane]);
                sum[lane] += eta[lane];
            }
        }
        // sum_k p_k (exp(m_k) - 1) where moves are small, sum_k p_k exp(m_k) where they are not
        let (mut near, mut far) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        for (eta, to) in etas.iter().zip(moves.iter()) {
            for lane in 0..LANES {
                let p = eta[lane] / sum[lane];
                let moved = *step * (to[lane] - of_y[lane]);
                near[lane] += p * functions.exp_m1(moved);
                far[lane] += p * functions.exp(moved);
            }
        }
        let half = T::from_f64(0.5);
        std::array::from_fn(|lane| {
            let is_near = near[lane].abs() < half;
            let of_near = functions.ln_1p(if is_near { near[lane] } else { T::ZERO });
            if is_near { of_near } else { functions.ln(far[lane]) }
        })
    }
}
