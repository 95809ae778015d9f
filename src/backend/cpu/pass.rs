//! Tiles, chunks and the order of sums.

use std::ops::Range;

use rayon::prelude::*;

use super::weighted_gram::running_bytes;
use super::{Cpu, FLUSH, Line, Storage, Sums, TILE_ROWS, Worker};
use crate::Result;
use crate::backend::{Body, Every, Into, Sweep};

/// Most chunks, and tiles of a chunk at least: opening and closing the sums of many columns costs as much as a tile.
const MOST_CHUNKS: usize = 256;
const LEAST_TILES: usize = 6;
/// Tiles of a chunk at least where there are so many sums, those of a Gram, that opening and closing them costs more.
const LEAST_TILES_OF_MANY: usize = 15;
/// Most chunks whose sums are in memory at the same time.
const WAVE: usize = 32;
/// Bytes of their sums above which there are no more of them than keep the threads busy, and most bytes.
const LARGE_WAVE_BYTES: usize = 32 << 20;
const WAVE_BYTES: usize = 64 << 20;
/// Below this many multiplications a pass runs on the calling thread: waking another costs as much.
pub(super) const SMALL: usize = 100_000;
/// Below this many a pass has few chunks.
const FEW_CHUNKS: usize = 300_000;
/// Chunks of such a pass, or a multiple of so many, for as many threads to have the same to do.
const EVEN: usize = 4;
/// Sums that are worth adding up by several threads.
const MANY_SUMS: usize = 16_384;

/// Runs of tiles, by their number and the numbers that each target sums up, so not by the number of targets.
pub(super) fn chunks(n_tiles: usize, n_columns: usize, n_sums: usize, grain: usize) -> Vec<Range<usize>> {
    let least = if n_sums < MANY_SUMS { LEAST_TILES } else { LEAST_TILES_OF_MANY };
    let most = match n_tiles * TILE_ROWS * (n_columns + 1) {
        ..SMALL => n_tiles.div_ceil(FLUSH),
        SMALL..FEW_CHUNKS => n_tiles.div_ceil(FLUSH).next_multiple_of(EVEN).min(n_tiles),
        _ => n_tiles.div_ceil(least).min(MOST_CHUNKS),
    };
    let by_grain = n_tiles * TILE_ROWS / grain.max(TILE_ROWS);
    let n_chunks = by_grain.min(most).max(1);
    (0..n_chunks).map(|k| k * n_tiles / n_chunks..(k + 1) * n_tiles / n_chunks).collect()
}

/// Chunks whose sums are in memory at the same time, by the number of sums of each: of large ones two for each thread,
/// and no more than memory allows. Sums are added in the same order whatever it is.
fn wave(n_sums: usize) -> usize {
    let bytes = 8 * n_sums.max(1);
    if WAVE * bytes <= LARGE_WAVE_BYTES {
        return WAVE;
    }
    WAVE.min(WAVE_BYTES / bytes).min(2 * rayon::current_num_threads()).max(1)
}

/// Most bytes that the sums of a pass over so many rows take, however many threads there are: those of every chunk that is in memory
/// at the same time, beside the running ones of its thread in both precisions, and the totals.
pub fn bytes_of_sums(n_rows: usize, n_columns: usize, n_sums: usize) -> u64 {
    let bytes = size_of::<f64>().saturating_mul(n_sums.max(1));
    let n_chunks = chunks(n_rows.div_ceil(TILE_ROWS), n_columns, n_sums, 0).len();
    let at_once = n_chunks.min(WAVE).min(WAVE_BYTES / bytes).max(1);
    let of_chunk = n_sums.saturating_mul(size_of::<f64>() + 2 * running_bytes(n_columns));
    bytes.saturating_add(of_chunk.saturating_mul(at_once)) as u64
}

/// Whether the calling thread does it all.
fn is_small(sweep: Sweep) -> bool {
    let rows = sweep.n_rows / sweep.every.0;
    rows * (sweep.n_columns + 1) * sweep.targets.len() < SMALL
}

/// See [`crate::backend::Backend::n_rows_of`].
pub(in crate::backend) fn n_rows_of(n_rows: usize, every: Every) -> usize {
    let last = n_rows.div_ceil(TILE_ROWS).saturating_sub(1);
    let n_tiles = last / every.0 + 1;
    let missing = if last.is_multiple_of(every.0) { (last + 1) * TILE_ROWS - n_rows } else { 0 };
    n_tiles * TILE_ROWS - missing
}

impl<T: Storage> Worker<T> {
    /// The row vector that a product is added to, target after target.
    pub(super) fn row_vector(&mut self, into: Into) -> &mut [T] {
        match into {
            Into::Eta => &mut self.eta,
            Into::Direction => &mut self.direction,
        }
    }

    /// Makes ready for a chunk of a sweep.
    fn begin(&mut self, sweep: Sweep, n_sums: &[usize]) {
        if self.targets != sweep.targets {
            self.targets = sweep.targets.to_vec();
        }
        self.alone = sweep.alone;
        let size = TILE_ROWS * self.targets.len();
        for rows in [&mut self.eta, &mut self.direction, &mut self.residual, &mut self.beside] {
            rows.resize(size, T::ZERO);
        }
        self.design.clear();
        self.rebuilt.of = None;
        self.row_tile.of = None;
        self.ahead.clear();
        self.sums.resize_with(n_sums.len(), Sums::default);
        for (sums, n) in self.sums.iter_mut().zip(n_sums) {
            sums.reset(n * self.targets.len());
        }
    }
}

impl<T: Storage> Cpu<T> {
    /// Scratch of one thread; [`Cpu::put_back`] keeps it for the next.
    fn worker(&self) -> Worker<T> {
        self.idle.lock().ok().and_then(|mut idle| idle.pop()).unwrap_or_default()
    }

    fn put_back(&self, worker: Worker<T>) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(worker);
        }
    }

    /// Runs `body` on the tiles `chunk` of the sweep and leaves the sums in the worker.
    fn chunk(
        work: &mut Worker<T>,
        chunk: Range<usize>,
        sweep: Sweep,
        n_sums: &[usize],
        body: &Body<Worker<T>>,
    ) -> Result<()> {
        work.begin(sweep, n_sums);
        for (done, tile) in chunk.enumerate() {
            let first = tile * sweep.every.0 * TILE_ROWS;
            let rows = first..(first + TILE_ROWS).min(sweep.n_rows);
            work.n = rows.len();
            body(work, rows)?;
            if (done + 1) % FLUSH == 0 {
                work.sums.iter_mut().for_each(Sums::flush);
            }
        }
        work.sums.iter_mut().for_each(Sums::close);
        Ok(())
    }
}

/// Adds parts in their order, element by element.
fn add_all(total: &mut [f64], parts: &[Vec<Vec<f64>>], k: usize) {
    let add = |first: usize, out: &mut [f64]| {
        for part in parts {
            let part = &part[k][first..first + out.len()];
            out.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
    };
    if total.len() < MANY_SUMS {
        add(0, total);
    } else {
        total.par_chunks_mut(MANY_SUMS / 4).enumerate().for_each(|(k, out)| add(k * (MANY_SUMS / 4), out));
    }
}

/// See [`crate::backend::Backend::pass`].
pub(super) fn pass<T: Storage>(
    cpu: &Cpu<T>,
    sweep: Sweep,
    n_sums: &[usize],
    body: &Body<Worker<T>>,
) -> Result<Vec<Vec<f64>>> {
    let n_tiles = sweep.n_rows.div_ceil(TILE_ROWS).div_ceil(sweep.every.0);
    let chunks = chunks(n_tiles, sweep.n_columns, n_sums.iter().sum(), sweep.grain);
    let mut total: Vec<Vec<f64>> = n_sums.iter().map(|n| vec![0.0; n * sweep.targets.len()]).collect();
    if is_small(sweep) {
        let mut work = cpu.worker();
        for chunk in chunks {
            Cpu::chunk(&mut work, chunk, sweep, n_sums, body)?;
            for (total, sums) in total.iter_mut().zip(&work.sums) {
                total.iter_mut().zip(sums.totals()).for_each(|(total, sum)| *total += sum);
            }
        }
        cpu.put_back(work);
        return Ok(total);
    }
    for wave in chunks.chunks(wave(total.iter().map(Vec::len).sum())) {
        let on_chunk = |chunk: &Range<usize>| -> Result<Vec<Vec<f64>>> {
            let mut work = cpu.worker();
            Cpu::chunk(&mut work, chunk.clone(), sweep, n_sums, body)?;
            let sums = work.sums.iter_mut().map(Sums::take).collect();
            cpu.put_back(work);
            Ok(sums)
        };
        let parts: Vec<Vec<Vec<f64>>> = wave.par_iter().map(on_chunk).collect::<Result<_>>()?;
        for (k, total) in total.iter_mut().enumerate() {
            add_all(total, &parts, k);
        }
    }
    Ok(total)
}

/// See [`crate::backend::Backend::trace`].
pub(super) fn trace<T: Storage>(
    cpu: &Cpu<T>,
    sweep: Sweep,
    rows: Range<usize>,
    body: &Body<Worker<T>>,
) -> Result<Line<T>> {
    let size = TILE_ROWS * sweep.targets.len();
    let mut values = cpu.spare.buffer(2 * rows.len().div_ceil(TILE_ROWS) * size);
    // a run of tiles, so that blocks computed ahead are not computed again
    let n_together = (sweep.grain / TILE_ROWS).max(1);
    let on_run = |(run, out): (usize, &mut [T])| -> Result<()> {
        let mut work = cpu.worker();
        work.begin(sweep, &[]);
        for (tile, out) in out.chunks_mut(2 * size).enumerate() {
            let first = rows.start + (run * n_together + tile) * TILE_ROWS;
            let rows = first..(first + TILE_ROWS).min(rows.end);
            work.n = rows.len();
            body(&mut work, rows)?;
            out[..size].copy_from_slice(&work.eta);
            out[size..].copy_from_slice(&work.direction);
        }
        cpu.put_back(work);
        Ok(())
    };
    if is_small(sweep) {
        values.chunks_mut(2 * size * n_together).enumerate().try_for_each(on_run)?;
    } else {
        values.par_chunks_mut(2 * size * n_together).enumerate().try_for_each(on_run)?;
    }
    Ok(Line { values, targets: sweep.targets.to_vec(), rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_the_tiles() {
        for n_tiles in [0, 1, 2, 257, 4000] {
            for n_sums in [0, 3, 160 * 160, 4000 * 4000] {
                let chunks = chunks(n_tiles, 10, n_sums, 0);
                assert_eq!((chunks[0].start, chunks[chunks.len() - 1].end), (0, n_tiles));
                assert!(chunks.windows(2).all(|pair| pair[0].end == pair[1].start));
            }
        }
        assert_eq!(chunks(4000, 10, 800, 0).len(), 256);
        assert_eq!(chunks(391, 160, 800, 0).len(), 66, "of six tiles");
        assert_eq!(chunks(4000, 10, 800, 100 * TILE_ROWS).len(), 40);
        assert_eq!(chunks(4000, 10, 1000 * 1000, 0).len(), 256);
        assert_eq!(chunks(782, 800, 801 * 801, 0).len(), 53, "of fifteen tiles");
        assert_eq!(chunks(64, 10, 20, 0).len(), 4);
        assert_eq!(chunks(100, 8, 81, 0).len(), 8, "as many for each of four threads");
        assert_eq!(chunks(2, 200, 201, 0).len(), 2);
    }

    #[test]
    fn a_wave_is_no_larger_than_memory_and_threads_ask_for() {
        assert_eq!(wave(10), WAVE);
        assert_eq!(wave(10_000 * 10_000), 1);
        for n_sums in [1000, 300_000, 801 * 801, 3000 * 3000] {
            let n = wave(n_sums);
            assert!(n >= 1 && (n == 1 || 8 * n * n_sums <= WAVE_BYTES), "{n_sums}: {n}");
            assert!(n == WAVE || n <= 2 * rayon::current_num_threads());
        }
    }

    #[test]
    fn the_sums_of_all_chunks_at_once_are_counted() {
        // as many sets as a wave has beside the totals, and twice the running sums of each
        let n = 100 * 100;
        assert_eq!(bytes_of_sums(10_000_000, 99, n), 8 * n as u64 * (1 + 32 * 3));
        assert_eq!(bytes_of_sums(100, 99, n), 8 * n as u64 * 4, "one chunk");
        let n = 4000 * 4000;
        assert_eq!(bytes_of_sums(10_000_000, 3999, n), 8 * n as u64 * 4, "larger than a wave may be");
    }

    #[test]
    fn rows_of_a_part_of_the_tiles() {
        for n_rows in [1, 255, 256, 257, 1000, 65_537] {
            for every in [1, 2, 3, 16] {
                let counted = (0..n_rows).filter(|row| (row / TILE_ROWS).is_multiple_of(every)).count();
                assert_eq!(n_rows_of(n_rows, Every(every)), counted, "{n_rows} {every}");
            }
        }
    }
}
