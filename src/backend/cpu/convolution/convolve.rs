//! Convolution of a signal with several functions by direct summation, written out into tiles.
//!
//! The sums of four functions for a few vectors of rows stay in registers while the lags go by: one load of the
//! signal serves four functions, one tap serves all rows. Lags at which all four functions are zero, as at the ends
//! of bumps, are not visited. Every row is summed from lag 0 on, whatever block it lies in.

use pulp::{Simd, WithSimd};

use crate::math::real::Real;

use super::filters::{Filters, PADDING};
use crate::backend::cpu::TILE_ROWS;
use crate::backend::cpu::simd::{Level, dispatch, multiply_add};

/// Functions summed together.
const TOGETHER: usize = 4;

/// Writes a channel convolved with every function of `filters` to columns of one tile:
/// `columns[i][to + r] = sum_k filter_i[k] x[r + W - 1 - k]`.
///
/// `x` holds the bins that the rows use (see [`super::lags::Lags::bins`]), which must be finite: `W - 1` more than there
/// are rows. `columns` holds 256 rows of each function, one function after the other; at most `256 - to` rows are written.
pub fn convolve<T: Real>(level: Level, x: &[T], filters: &Filters<T>, columns: &mut [T], to: usize) {
    let n_rows = (x.len() + 1).saturating_sub(filters.lags().window_bins).min(TILE_ROWS.saturating_sub(to));
    dispatch(
        level,
        Direct { x: &x[..n_rows + filters.lags().window_bins - 1], filters, n_rows, columns, to },
    );
}

struct Direct<'a, T> {
    /// The bins that the rows use.
    x: &'a [T],
    filters: &'a Filters<T>,
    n_rows: usize,
    columns: &'a mut [T],
    to: usize,
}

impl<T: Real> WithSimd for Direct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // sums of four functions fill half of the registers: 32 of 64 bytes, or 16 of 32
        match (size_of::<S::f32s>(), size_of::<T>()) {
            (64, 4) => self.run::<S, 64, 128>(),
            (64, _) => self.run::<S, 32, 64>(),
            (_, 4) => self.run::<S, 16, 64>(),
            _ => self.run::<S, 8, 32>(),
        }
    }
}

impl<T: Real> Direct<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const ROWS_OF_ONE: usize>(mut self) {
        let n_functions = self.filters.len();
        let mut function = 0;
        while function + TOGETHER <= n_functions {
            self.functions::<S, TOGETHER, ROWS>(function);
            function += TOGETHER;
        }
        while function < n_functions {
            self.functions::<S, 1, ROWS_OF_ONE>(function);
            function += 1;
        }
    }

    /// `N` functions from `first` on, all rows.
    #[inline(always)]
    fn functions<S: Simd, const N: usize, const ROWS: usize>(&mut self, first: usize) {
        let window_bins = self.filters.lags().window_bins;
        let taps: [&[T]; N] =
            std::array::from_fn(|i| &self.filters.filter(first + i)[PADDING..][..window_bins]);
        let some = |lag: &usize| taps.iter().any(|taps| taps[*lag] != T::ZERO);
        let start = (0..window_bins).find(some).unwrap_or(window_bins);
        let end = (start..window_bins).rfind(some).map_or(start, |last| last + 1);
        let taps = taps.map(|taps| &taps[start..end]);
        // the signal from the oldest lag that counts to the newest
        let x = &self.x[window_bins - end..self.x.len() - start];
        let mut row = 0;
        while row < self.n_rows {
            let left = self.n_rows - row;
            if left >= ROWS {
                let sums = sums::<S, T, N, ROWS>(&x[row..], taps);
                self.store(&sums, first, row);
                row += ROWS;
            } else if self.n_rows >= ROWS {
                // the last rows, some of them once more
                row = self.n_rows - ROWS;
            } else {
                let sums = sums::<S, T, N, 1>(&x[row..], taps);
                self.store(&sums, first, row);
                row += 1;
            }
        }
    }

    #[inline(always)]
    fn store<const N: usize, const ROWS: usize>(&mut self, sums: &[[T; ROWS]; N], first: usize, row: usize) {
        for (sums, column) in sums.iter().zip(self.columns.chunks_mut(TILE_ROWS).skip(first)) {
            let to = self.to + row;
            if let Some(out) = column.get_mut(to..to + ROWS) {
                out.iter_mut().zip(sums).for_each(|(out, &sum)| *out = sum);
            }
        }
    }
}

/// Sums of `ROWS` rows and `N` functions; `x` begins with the oldest bin of the first row.
#[inline(always)]
fn sums<S: Simd, T: Real, const N: usize, const ROWS: usize>(x: &[T], taps: [&[T]; N]) -> [[T; ROWS]; N] {
    let n_lags = taps[0].len();
    let mut sums = [[T::ZERO; ROWS]; N];
    let Some(x) = x.get(..n_lags + ROWS - 1) else { return sums };
    for (lag, x) in x.windows(ROWS).rev().enumerate().take(n_lags) {
        let Some(x) = x.first_chunk::<ROWS>() else { continue };
        for (sums, taps) in sums.iter_mut().zip(&taps) {
            let tap = taps[lag];
            for (sum, &x) in sums.iter_mut().zip(x) {
                *sum = multiply_add::<S, T>(tap, x, *sum);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::test_signals::{Uniform, allowed, plain_sum, windows};
    use super::*;

    fn agrees<T: Real>(eps: f64) {
        let n_bins = 900;
        for lags in windows() {
            let mut random = Uniform::new(lags.window_bins as u64);
            let x: Vec<T> = random.signal(n_bins).into_iter().map(T::from_f64).collect();
            let exact: Vec<f64> = x.iter().map(|x| x.to_f64()).collect();
            let mut taps = random.signal(6 * lags.window_bins);
            // bumps: the first four functions end early, the last two begin late
            for (place, tap) in taps.iter_mut().enumerate() {
                let lag = place % lags.window_bins;
                let early = place < 4 * lags.window_bins;
                let third = lags.window_bins / 3;
                if (early && lag > third) || (!early && lag < third) {
                    *tap = 0.0;
                }
            }
            let filters = Filters::<T>::new(lags, &taps);
            let complete = lags.complete_rows(&(0..n_bins));
            for level in Level::available() {
                for (start, n_rows, to) in
                    [(complete.start, 256, 0), (complete.start + 1, 100, 31), (complete.end - 5, 5, 0)]
                {
                    let rows = start..start + n_rows;
                    let mut columns = vec![T::from_f64(-7.0); 6 * TILE_ROWS];
                    convolve(level, &x[lags.bins(&rows)], &filters, &mut columns, to);
                    for (taps, column) in taps.chunks(lags.window_bins).zip(columns.chunks(TILE_ROWS)) {
                        let written = rows.clone().zip(&column[to..]);
                        for (row, value) in written {
                            let error = (value.to_f64() - plain_sum(&exact, taps, lags, row)).abs();
                            assert!(
                                error <= allowed(&exact, taps, eps),
                                "{level:?} {lags:?} {row}: {error:e}"
                            );
                        }
                        assert_eq!(column.iter().filter(|x| x.to_f64() != -7.0).count(), n_rows);
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
