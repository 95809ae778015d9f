//! Events convolved with several functions, written out into tiles.
//!
//! The same pull as in [`super::convolve_events`]: the sums of a block of rows stay in registers while the events
//! that reach it go by, function after function, and each number of the tile is stored once.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::math::real::Real;

use super::events::Event;
use super::filters::{Filters, PADDING};
use crate::backend::cpu::TILE_ROWS;
use crate::backend::cpu::simd::{Level, dispatch, multiply_add};

/// The most blocks of rows in a tile.
const MOST_BLOCKS: usize = 8;

/// Writes the channel with these events, convolved with every function of `filters`, to columns of one tile:
/// `columns[i][to + t - rows.start] = sum_k filter_i[k] x[t + shift - k]`.
///
/// `columns` holds 256 rows of each function, one function after the other; at most `256 - to` rows are written. The
/// rows must be complete. `events` may hold any others besides those that reach them, in order of time.
pub fn write_events<T: Real>(
    level: Level,
    events: &[Event],
    filters: &Filters<T>,
    rows: &Range<usize>,
    columns: &mut [T],
    to: usize,
) {
    dispatch(level, Write { events, filters, rows: rows.clone(), columns, to });
}

struct Write<'a, T> {
    events: &'a [Event],
    filters: &'a Filters<T>,
    rows: Range<usize>,
    columns: &'a mut [T],
    to: usize,
}

impl<T: Real> WithSimd for Write<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if size_of::<T>() == 4 { self.run::<S, 64>() } else { self.run::<S, 32>() }
    }
}

impl<T: Real> Write<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self) {
        let lags = self.filters.lags();
        // the events near each block of rows
        let mut near: [&[Event]; MOST_BLOCKS] = [&[]; MOST_BLOCKS];
        let mut rest = self.events;
        for (near, row) in near.iter_mut().zip(self.rows.clone().step_by(ROWS)) {
            let bins = lags.bins(&(row..row + ROWS));
            let n_past = rest.iter().take_while(|event| (event.bin as usize) < bins.start).count();
            rest = &rest[n_past..];
            let n_near = rest.iter().take_while(|event| (event.bin as usize) < bins.end).count();
            *near = &rest[..n_near];
        }
        let newest = (self.rows.start + PADDING).wrapping_add_signed(lags.shift);
        // column by column, so that memory is written from one end to the other
        for (function, column) in self.columns.chunks_mut(TILE_ROWS).enumerate() {
            let filter = self.filters.filter(function);
            let Some(column) = column.get_mut(self.to..self.to + self.rows.len()) else { return };
            for (block, (out, near)) in column.chunks_mut(ROWS).zip(near).enumerate() {
                let newest = newest + block * ROWS;
                if let Some(out) = out.first_chunk_mut::<ROWS>() {
                    sum_events::<S, T, ROWS>(near, filter, newest, out);
                } else {
                    let mut all = [T::ZERO; ROWS];
                    sum_events::<S, T, ROWS>(near, filter, newest, &mut all);
                    out.copy_from_slice(&all[..out.len()]);
                }
            }
        }
    }
}

/// The events convolved with one function, for a block of rows; the tap of the first row is at `newest - bin`.
#[inline(always)]
fn sum_events<S: Simd, T: Real, const ROWS: usize>(
    events: &[Event],
    filter: &[T],
    newest: usize,
    out: &mut [T; ROWS],
) {
    let mut sums = [T::ZERO; ROWS];
    for event in events {
        let place = newest.wrapping_sub(event.bin as usize);
        let Some(taps) = filter.get(place..).and_then(|taps| taps.first_chunk::<ROWS>()) else { continue };
        let count = T::from_f32(event.count);
        for (sum, &tap) in sums.iter_mut().zip(taps) {
            *sum = multiply_add::<S, T>(count, tap, *sum);
        }
    }
    // by sixteens: a loop over all of them would keep the sums in memory instead of registers
    for (out, sums) in out.as_chunks_mut::<16>().0.iter_mut().zip(sums.as_chunks::<16>().0) {
        *out = *sums;
    }
}

#[cfg(test)]
mod tests {
    use super::super::events::Events;
    use super::super::test_signals::{Uniform, allowed, plain_sum, windows};
    use super::*;

    fn agrees<T: Real>(eps: f64) {
        let n_bins = 900;
        for lags in windows() {
            let mut random = Uniform::new(lags.window_bins as u64);
            let x = random.counts(n_bins, 0.05);
            let events = Events::from_counts(&x).unwrap();
            let taps = random.signal(3 * lags.window_bins);
            let filters = Filters::<T>::new(lags, &taps);
            let first = lags.complete_rows(&(0..n_bins)).start + 1;
            for level in Level::available() {
                for (n_rows, to) in [(256, 0), (100, 31), (192, 64), (1, 255)] {
                    let untouched = T::from_f64(-7.0);
                    let mut columns = vec![untouched; 3 * TILE_ROWS];
                    let rows = first..first + n_rows;
                    write_events(level, events.all(), &filters, &rows, &mut columns, to);
                    for (taps, column) in taps.chunks(lags.window_bins).zip(columns.chunks(TILE_ROWS)) {
                        for (place, value) in column.iter().enumerate() {
                            if !(to..to + n_rows).contains(&place) {
                                assert_eq!(*value, untouched);
                                continue;
                            }
                            let expected = plain_sum(&x, taps, lags, first + place - to);
                            let error = (value.to_f64() - expected).abs();
                            assert!(error <= allowed(&x, taps, eps), "{level:?} {lags:?} {place}: {error:e}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn equals_the_plain_sum() {
        agrees::<f64>(1e-12);
        agrees::<f32>(1e-6);
    }
}
