//! Linear predictors and a direction of rows, kept for trial steps: changes of the loss without touching the
//! design again.

use std::ops::Range;

use rayon::prelude::*;

use super::buffer::Buffer;
use super::pass::SMALL;
use super::simd::Level;
use super::{Array, Piece, Storage, TILE_ROWS, loss_changes as kernel};
use crate::backend::{LINE_ROWS, Model, Observed, Reach};

/// Linear predictor and direction of rows, tile by tile: (targets, rows) of the one, then of the other.
#[derive(Debug)]
pub struct Line<T> {
    pub(super) values: Buffer<T>,
    pub(super) targets: Vec<usize>,
    pub(super) rows: Range<usize>,
}

/// Adds the change of each target's total loss from step 0 to its step.
pub(super) fn loss_changes<T: Storage>(
    level: Level,
    line: &Line<T>,
    model: Model,
    observed: Observed<Array<'_, T>>,
    steps: &[f64],
    changes: &mut [f64],
) {
    let term = |total: &mut f64, rows: Stretch<T>| {
        let step = T::from_f64(steps[rows.k]);
        let Stretch { eta, direction, y, weights, n, .. } = rows;
        *total += kernel::loss_changes(level, model, eta, direction, y, weights, n, step);
    };
    line.fold(level, observed, 0.0, changes, term, |a, b| a + b);
}

/// Joins how far the direction moves each target's linear predictor.
pub(super) fn reach<T: Storage>(
    level: Level,
    line: &Line<T>,
    observed: Observed<Array<'_, T>>,
    reach: &mut [Reach],
) {
    let term = |reach: &mut Reach, rows: Stretch<T>| {
        for (i, (&y, direction)) in rows.y.iter().zip(rows.direction).take(rows.n).enumerate() {
            if rows.weights.is_some_and(|weights| weights[i] == T::ZERO) {
                continue;
            }
            let direction = direction.to_f64();
            reach.all = reach.all.max(direction.abs());
            if y == T::ZERO {
                reach.silent = reach.silent.max(direction);
            } else {
                reach.events = reach.events.max(direction.abs());
                reach.fall = reach.fall.max(-direction);
            }
        }
    };
    let join = |a: Reach, b: Reach| Reach {
        all: a.all.max(b.all),
        events: a.events.max(b.events),
        silent: a.silent.max(b.silent),
        fall: a.fall.max(b.fall),
    };
    line.fold(level, observed, Reach::NONE, reach, term, join);
}

/// One target's rows of one tile of a line.
struct Stretch<'a, T> {
    /// Which of the line's targets.
    k: usize,
    /// Rows that count.
    n: usize,
    /// The response.
    y: &'a Piece<T>,
    /// What rows count for.
    weights: Option<&'a Piece<T>>,
    /// The linear predictor.
    eta: &'a Piece<T>,
    /// Its direction.
    direction: &'a Piece<T>,
}

impl<T: Storage> Line<T> {
    /// For every target in turn: adds `term` of its stretches up, [`LINE_ROWS`] by [`LINE_ROWS`], and joins it to `totals`.
    fn fold<S: Send + Sync + Copy>(
        &self,
        level: Level,
        observed: Observed<Array<'_, T>>,
        start: S,
        totals: &mut [S],
        term: impl Fn(&mut S, Stretch<T>) + Sync,
        join: impl Fn(S, S) -> S,
    ) {
        let n_targets = self.targets.len();
        let size = TILE_ROWS * n_targets;
        let on_chunk = |tiles: &Range<usize>| -> Vec<S> {
            let mut totals = vec![start; n_targets];
            for tile in tiles.clone() {
                let values = self.values[2 * tile * size..2 * (tile + 1) * size].as_chunks().0;
                let first = self.rows.start + tile * TILE_ROWS;
                let (mut scratch, mut of_weights) = ([T::ZERO; TILE_ROWS], [T::ZERO; TILE_ROWS]);
                let cast = observed.cast;
                for (k, (total, &target)) in totals.iter_mut().zip(&self.targets).enumerate() {
                    let stretch = Stretch {
                        k,
                        n: TILE_ROWS.min(self.rows.end - first),
                        y: observed.y.piece(level, first, cast.response(target), &mut scratch),
                        weights: observed
                            .weights
                            .map(|own| own.piece(level, first, cast.part(target), &mut of_weights)),
                        eta: &values[k],
                        direction: &values[n_targets + k],
                    };
                    term(total, stretch);
                }
            }
            totals
        };
        let n_tiles = self.rows.len().div_ceil(TILE_ROWS);
        let of_chunk = LINE_ROWS / TILE_ROWS;
        let chunks: Vec<Range<usize>> =
            (0..n_tiles).step_by(of_chunk).map(|first| first..n_tiles.min(first + of_chunk)).collect();
        let parts: Vec<Vec<S>> = if self.values.len() < SMALL {
            chunks.iter().map(on_chunk).collect()
        } else {
            chunks.par_iter().map(on_chunk).collect()
        };
        for part in parts {
            totals.iter_mut().zip(part).for_each(|(total, part)| *total = join(*total, part));
        }
    }
}
