//! Convolution of events, each channel with its own filter, all channels added up.
//!
//! A block of rows pulls: its sums stay in registers while the events that reach it go by, and are stored once. The
//! other way round, each event adding its filter to the rows after it, reads again what the event before has just
//! stored at another alignment, which a processor cannot forward: it is several times slower.

use pulp::{Simd, WithSimd};

use crate::math::real::Real;

use super::events::{EventChannels, Group};
use super::filters::PADDING;
use super::lags::Lags;
use crate::backend::cpu::simd::{Level, dispatch, multiply_add};

/// Adds the events convolved with the filter of their channel to `eta`, the rows from `first_row` on:
/// `eta[t] += sum_c sum_k filter_c[k] x_c[t + shift - k]`.
///
/// `filters` holds one filter per channel with its zeros (see [`super::filters::Filters::padded`]), of the window that the
/// channels were made for; channels without a filter add nothing. The rows must be complete (see [`Lags::complete_rows`]).
pub fn convolve_events<T: Real>(
    level: Level,
    channels: &EventChannels,
    filters: &[T],
    first_row: usize,
    eta: &mut [T],
) {
    let lags = channels.lags();
    for (first, group) in channels.groups() {
        let Some(filters) = filters.get(first..) else { return };
        dispatch(level, Pull { group, filters, lags, first_row, eta: &mut *eta });
    }
}

struct Pull<'a, T> {
    group: &'a Group,
    filters: &'a [T],
    lags: Lags,
    first_row: usize,
    eta: &'a mut [T],
}

impl<T: Real> WithSimd for Pull<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // sums of 256 bytes: eight registers of 32
        if size_of::<T>() == 4 { self.run::<S, 64>() } else { self.run::<S, 32>() }
    }
}

impl<T: Real> Pull<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self) {
        for (block, eta) in self.eta.chunks_mut(ROWS).enumerate() {
            let row = self.first_row + block * ROWS;
            let newest = (row + PADDING).wrapping_add_signed(self.lags.shift);
            let mut sums = [T::ZERO; ROWS];
            for event in self.group.around(&self.lags.bins(&(row..row + ROWS))) {
                // tap of the first row; out of range only where the event has no filter
                let place = (event.filter as usize).wrapping_add(newest).wrapping_sub(event.bin as usize);
                let Some(taps) = self.filters.get(place..).and_then(|taps| taps.first_chunk::<ROWS>()) else {
                    continue;
                };
                let count = T::from_f32(event.count);
                for (sum, &tap) in sums.iter_mut().zip(taps) {
                    *sum = multiply_add::<S, T>(count, tap, *sum);
                }
            }
            for (eta, &sum) in eta.iter_mut().zip(&sums) {
                *eta += sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::events::Events;
    use super::super::filters::Filters;
    use super::super::test_signals::{Uniform, allowed, plain_sum, windows};
    use super::*;

    fn agrees<T: Real>(eps: f64) {
        let n_bins = 800;
        for lags in windows() {
            let mut random = Uniform::new(lags.window_bins as u64);
            let counts: Vec<Vec<f64>> = (0..9).map(|_| random.counts(n_bins, 0.05)).collect();
            let taps = random.signal(9 * lags.window_bins);
            let events = counts.iter().map(|x| Events::from_counts(x).unwrap()).collect();
            let channels = EventChannels::new(lags, events);
            let filters = Filters::<T>::new(lags, &taps);
            let complete = lags.complete_rows(&(0..n_bins));
            for level in Level::available() {
                for rows in [complete.clone(), complete.start + 3..complete.start + 72] {
                    let mut eta = vec![T::ONE; rows.len()];
                    convolve_events(level, &channels, filters.padded(), rows.start, &mut eta);
                    for (row, eta) in rows.zip(eta) {
                        let (mut expected, mut slack) = (1.0, 0.0);
                        for (x, taps) in counts.iter().zip(taps.chunks(lags.window_bins)) {
                            expected += plain_sum(x, taps, lags, row);
                            slack += allowed(x, taps, eps);
                        }
                        let error = (eta.to_f64() - expected).abs();
                        assert!(error <= slack, "{level:?} {lags:?} row {row}: {error:e} > {slack:e}");
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
