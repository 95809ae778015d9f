//! Tiles, chunks and the order of sums.

use std::ops::Range;

use rayon::prelude::*;

use super::{Array, Line, TILE_ROWS, Worker};
use crate::Result;
use crate::backend::{Body, Sweep};

/// Chunks whose sums are in memory at the same time.
const WAVE: usize = 32;
/// Bytes that the sums of all chunks may take for one target; only a Gram comes near.
const GRAM_BYTES: usize = 64 << 20;
/// Below this many multiplications a pass runs on the calling thread: waking another costs as much.
const SMALL: usize = 300_000;

/// Runs of whole tiles, by rows and the numbers that each target sums up, so not by the number of targets.
fn chunks(n_rows: usize, n_sums: usize) -> Vec<Range<usize>> {
    let n_tiles = n_rows.div_ceil(TILE_ROWS);
    let by_memory = GRAM_BYTES / (8 * n_sums.max(1));
    let n_chunks = n_tiles.min(256).min(by_memory).max(1);
    (0..n_chunks)
        .map(|k| {
            let tile = |k: usize| (k * n_tiles / n_chunks * TILE_ROWS).min(n_rows);
            tile(k)..tile(k + 1)
        })
        .collect()
}

fn tiles(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = rows.end;
    rows.step_by(TILE_ROWS).map(move |first| first..(first + TILE_ROWS).min(end))
}

impl Worker {
    fn for_sweep(sweep: Sweep, n_sums: &[usize]) -> Self {
        let n_targets = sweep.targets.len();
        let sums = n_sums.iter().map(|n| vec![0.0; n * n_targets]).collect();
        Self { targets: sweep.targets.to_vec(), sums, ..Self::default() }
    }

    fn take(&mut self, n: usize) {
        if self.n == n {
            return;
        }
        self.n = n;
        let size = n * self.targets.len();
        for rows in [&mut self.eta, &mut self.direction, &mut self.residual, &mut self.beside] {
            rows.resize(size, 0.0);
        }
        self.design.clear();
    }
}

/// See [`crate::backend::Backend::pass`].
pub(super) fn pass(sweep: Sweep, n_sums: &[usize], body: &Body<Worker>) -> Result<Vec<Vec<f64>>> {
    let on_chunk = |rows: &Range<usize>| -> Result<Vec<Vec<f64>>> {
        let mut work = Worker::for_sweep(sweep, n_sums);
        for tile in tiles(rows.clone()) {
            work.take(tile.len());
            body(&mut work, tile)?;
        }
        Ok(work.sums)
    };
    let chunks = chunks(sweep.n_rows, n_sums.iter().sum());
    let mut total = Worker::for_sweep(sweep, n_sums).sums;
    let small = sweep.n_rows * (sweep.n_columns + 1) * sweep.targets.len() < SMALL;
    for wave in chunks.chunks(WAVE) {
        let parts: Vec<Result<Vec<Vec<f64>>>> =
            if small { wave.iter().map(on_chunk).collect() } else { wave.par_iter().map(on_chunk).collect() };
        for part in parts {
            for (sum, part) in total.iter_mut().zip(part?) {
                sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
            }
        }
    }
    Ok(total)
}

/// See [`crate::backend::Backend::trace`].
pub(super) fn trace(sweep: Sweep, body: &Body<Worker>) -> Result<Line> {
    let n_targets = sweep.targets.len();
    let mut values = vec![0.0; 2 * sweep.n_rows * n_targets];
    values.par_chunks_mut(2 * TILE_ROWS * n_targets).enumerate().try_for_each_init(
        || Worker::for_sweep(sweep, &[]),
        |work, (tile, out)| {
            let first = tile * TILE_ROWS;
            let n = out.len() / (2 * n_targets);
            work.take(n);
            body(work, first..first + n)?;
            out[..n * n_targets].copy_from_slice(&work.eta);
            out[n * n_targets..].copy_from_slice(&work.direction);
            Ok(())
        },
    )?;
    Ok(Line { values, targets: sweep.targets.to_vec(), n_rows: sweep.n_rows })
}

/// See [`crate::backend::Backend::matrix`].
pub(super) fn matrix(
    n_rows: usize,
    n_columns: usize,
    fill: &(dyn Fn(Range<usize>, &mut [f64]) + Sync),
) -> Array {
    let mut values = vec![0.0; n_rows * n_columns];
    if n_columns > 0 {
        values.par_chunks_mut(TILE_ROWS * n_columns).enumerate().for_each(|(tile, out)| {
            let first = tile * TILE_ROWS;
            fill(first..first + out.len() / n_columns, out);
        });
    }
    Array { values, n_columns }
}

impl Line {
    /// For every target in turn: sums `term(y, eta, direction, total)` over the rows, chunk by chunk.
    pub(super) fn fold<T: Send + Sync + Copy>(
        &self,
        y: &Array,
        start: T,
        term: impl Fn(usize, &mut T, &[f64], &[f64], &[f64]) + Sync,
        join: impl Fn(T, T) -> T,
    ) -> Vec<T> {
        let n_targets = self.targets.len();
        let on_chunk = |rows: &Range<usize>| -> Vec<T> {
            let mut totals = vec![start; n_targets];
            for tile in tiles(rows.clone()) {
                let n = tile.len();
                let values = &self.values[2 * tile.start * n_targets..2 * tile.end * n_targets];
                let y = y.tile(tile.start, n);
                for (k, (total, &target)) in totals.iter_mut().zip(&self.targets).enumerate() {
                    let eta = &values[k * n..(k + 1) * n];
                    let direction = &values[(n_targets + k) * n..(n_targets + k + 1) * n];
                    term(k, total, &y[target * n..(target + 1) * n], eta, direction);
                }
            }
            totals
        };
        let parts: Vec<Vec<T>> = chunks(self.n_rows, 0).par_iter().map(on_chunk).collect();
        let mut totals = vec![start; n_targets];
        for part in parts {
            totals.iter_mut().zip(part).for_each(|(total, part)| *total = join(*total, part));
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_the_rows_in_whole_tiles() {
        for n in [0, 1, 255, 256, 257, 65_537, 1_000_003] {
            for n_sums in [0, 3, 160 * 160, 4000 * 4000] {
                let chunks = chunks(n, n_sums);
                assert_eq!(chunks[0].start, 0);
                assert_eq!(chunks[chunks.len() - 1].end, n);
                assert!(
                    chunks
                        .windows(2)
                        .all(|pair| pair[0].end == pair[1].start && pair[0].end % TILE_ROWS == 0)
                );
            }
        }
        assert_eq!(chunks(1_000_003, 800).len(), 256);
        assert_eq!(chunks(1_000_003, 1000 * 1000).len(), 8);
    }
}
