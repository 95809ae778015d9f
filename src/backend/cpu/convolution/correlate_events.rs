//! Correlation of events with residuals: the adjoint of the convolution, one sum per lag.
//!
//! The sums of up to 104 lags stay in registers while the events of the channel go by. Sums run over one span of a
//! few thousand rows in the type of the residuals and are added up in f64.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::math::real::Real;

use super::events::{Event, Events};
use super::lags::Lags;
use crate::backend::cpu::simd::{Level, dispatch, multiply_add};

/// The most lags whose sums are held in registers (of f32; half as many of f64).
const LAGS: usize = 104;

/// The residuals of neighbouring rows, with zeros on both sides for the events that reach only some of them.
#[derive(Clone, Debug)]
pub struct Residuals<T> {
    lags: Lags,
    first_row: usize,
    n_rows: usize,
    padded: Vec<T>,
}

impl<T: Real> Residuals<T> {
    /// No residuals yet.
    pub fn new(lags: Lags) -> Self {
        Self { lags, first_row: 0, n_rows: 0, padded: Vec::new() }
    }

    /// Takes the residuals of neighbouring `rows`: stretches of them with their first row, which must be complete; 0 for
    /// the rows between.
    pub fn set<'r>(&mut self, rows: Range<usize>, stretches: impl Iterator<Item = (usize, &'r [T])>)
    where
        T: 'r,
    {
        let padding = self.lags.window_bins + LAGS;
        self.first_row = rows.start;
        self.n_rows = rows.len();
        self.padded.clear();
        self.padded.resize(rows.len() + 2 * padding, T::ZERO);
        for (row, residuals) in stretches {
            let place = padding + row - rows.start;
            self.padded[place..place + residuals.len()].copy_from_slice(residuals);
        }
    }
}

/// Adds the residuals of a span, weighed by the events of a channel, to one sum per lag:
/// `sums[k] += sum_t r[t] x[t + shift - k]`, k = 0 .. `window_bins`.
pub fn correlate_events<T: Real>(level: Level, events: &Events, residuals: &Residuals<T>, sums: &mut [f64]) {
    let lags = residuals.lags;
    let rows = residuals.first_row..residuals.first_row + residuals.n_rows;
    let events = events.within(&lags.bins(&rows));
    let n_lags = lags.window_bins.min(sums.len());
    if !events.is_empty() {
        dispatch(level, Weigh { events, residuals, sums: &mut sums[..n_lags] });
    }
}

struct Weigh<'a, T> {
    events: &'a [Event],
    residuals: &'a Residuals<T>,
    sums: &'a mut [f64],
}

impl<T: Real> WithSimd for Weigh<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        let mut lag = 0;
        while lag < self.sums.len() {
            let left = self.sums.len() - lag;
            lag += match (size_of::<T>(), left) {
                (4, 65..) => self.run::<S, 104>(lag),
                (4, 33..) => self.run::<S, 64>(lag),
                (4, _) => self.run::<S, 32>(lag),
                (_, 33..) => self.run::<S, 52>(lag),
                _ => self.run::<S, 32>(lag),
            };
        }
    }
}

impl<T: Real> Weigh<'_, T> {
    /// The sums of `N` lags from `first_lag` on; returns their number.
    #[inline(always)]
    fn run<S: Simd, const N: usize>(&mut self, first_lag: usize) -> usize {
        let Residuals { lags, first_row, ref padded, .. } = *self.residuals;
        // lag k of bin e is row e - shift + k
        let zero =
            (lags.window_bins + LAGS + first_lag).wrapping_add_signed(-lags.shift).wrapping_sub(first_row);
        let mut sums = [T::ZERO; N];
        for event in self.events {
            let place = zero.wrapping_add(event.bin as usize);
            let Some(residuals) = padded.get(place..).and_then(|r| r.first_chunk::<N>()) else { continue };
            let count = T::from_f32(event.count);
            for (sum, &r) in sums.iter_mut().zip(residuals) {
                *sum = multiply_add::<S, T>(count, r, *sum);
            }
        }
        for (total, &sum) in self.sums[first_lag..].iter_mut().zip(&sums) {
            *total += sum.to_f64();
        }
        N
    }
}

#[cfg(test)]
mod tests {
    use super::super::convolve_events::convolve_events;
    use super::super::events::EventChannels;
    use super::super::filters::Filters;
    use super::super::test_signals::{Uniform, windows};
    use super::*;

    /// `<X f, r> = <f, X' r>`, for each channel and for filters of one tap, so that every lag is tested alone.
    fn is_adjoint<T: Real>(eps: f64) {
        let n_bins = 1200;
        for lags in windows() {
            let mut random = Uniform::new(lags.window_bins as u64);
            let events = Events::from_counts(&random.counts(n_bins, 0.05)).unwrap();
            let channels = EventChannels::new(lags, vec![events.clone()]);
            let complete = lags.complete_rows(&(0..n_bins));
            for level in Level::available() {
                for rows in [complete.clone(), complete.start + 5..complete.start + 90] {
                    let r: Vec<T> = random.signal(rows.len()).into_iter().map(T::from_f64).collect();
                    let mut residuals = Residuals::new(lags);
                    let (head, tail) = r.split_at(r.len() / 2);
                    let stretches = [(rows.start, head), (rows.start + head.len(), tail)];
                    residuals.set(rows.clone(), stretches.into_iter());
                    let mut sums = vec![1.0; lags.window_bins];
                    correlate_events(level, &events, &residuals, &mut sums);
                    for lag in (0..lags.window_bins).step_by(13).chain([lags.window_bins - 1]) {
                        let mut taps = vec![0.0; lags.window_bins];
                        taps[lag] = 1.0;
                        let mut column = vec![0.0; rows.len()];
                        let filters = Filters::<f64>::new(lags, &taps);
                        convolve_events(Level::Scalar, &channels, filters.padded(), rows.start, &mut column);
                        let terms = || column.iter().zip(&r).map(|(x, r)| x * r.to_f64());
                        let error = (1.0 + terms().sum::<f64>() - sums[lag]).abs();
                        let slack = eps * (1.0 + terms().map(f64::abs).sum::<f64>());
                        assert!(error <= slack, "{level:?} {lags:?} lag {lag}: {error:e} > {slack:e}");
                    }
                }
            }
        }
    }

    #[test]
    fn is_the_adjoint_of_the_convolution() {
        is_adjoint::<f64>(1e-13);
        is_adjoint::<f32>(1e-6);
    }
}
