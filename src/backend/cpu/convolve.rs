//! Convolution of one signal with several kernels, by direct summation.
//!
//! Features written out once are worth a plain loop: sixteen neighbouring rows stay in registers while the taps
//! of one function run through, taps that are zero at the ends of a function are never visited, and every row is
//! summed in the same order whatever the number of threads. The rule that chooses between this and the
//! transforms of [`super::convolve_fft`] is compiled in, because a rate measured at start would let the same
//! input take another path, and other bits, on the next run.

use ndarray::{Array2, ArrayViewMut2, Axis};
use rayon::prelude::*;

use crate::{Error, Result};

/// Rows of one parallel piece; fixed, so that the pieces do not depend on the thread count.
const BLOCK_ROWS: usize = 4096;

/// Rows whose sums are held in registers.
const LANES: usize = 16;

/// How to convolve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Direct summation: [`convolve`].
    Direct,
    /// Transforms of blocks: [`super::convolve_fft::convolve_fft`].
    Fft,
}

/// Multiply-adds a nanosecond of direct summation, one thread.
const DIRECT_RATE: f64 = 6.0;

/// Nanoseconds of transforms per row and function, the transform of the signal counting as one function.
const TRANSFORM_NS: f64 = 5.0;

/// Direct summation cheaper than this (a tenth of a second or less) is never replaced: it is a little more exact.
const ALWAYS_DIRECT_NS: f64 = 8e7;

/// How to convolve `n_rows` rows (of all channels together) with `n_functions` functions of `window_bins` taps.
///
/// The cheaper way by the cost of a row, transforms only where they save something worth having. The choice
/// depends on these sizes and on nothing else.
///
/// ```text
/// direct = K W / 6 ns        transforms = 5 (1 + K) ns
/// ```
pub fn choose(n_rows: usize, window_bins: usize, n_functions: usize) -> Method {
    let n_functions = n_functions as f64;
    let direct_ns = n_functions * window_bins as f64 / DIRECT_RATE;
    let transforms_ns = TRANSFORM_NS * (1.0 + n_functions);
    let worth_saving = direct_ns * n_rows as f64 > ALWAYS_DIRECT_NS;
    if worth_saving && transforms_ns < direct_ns { Method::Fft } else { Method::Direct }
}

/// Convolution of `signal` with every column of `kernel`, where they overlap completely:
/// `out[m, i] = sum_k kernel[k, i] signal[m + W - 1 - k]`, shapes (T), (W, K) and (T - W + 1, K); no rows if the
/// signal is shorter than the window.
///
/// A sample that is not finite makes exactly the rows NaN whose window contains it. Rounding error at most
/// `W 2^-53 max|signal| sum|kernel|`. Bits do not depend on the thread count.
///
/// # Errors
/// [`Error::Length`] if `out` has another shape, [`Error::Empty`] for a kernel without taps or functions,
/// [`Error::NonFinite`] for a tap that is not finite.
pub fn convolve(signal: &[f64], kernel: &Array2<f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
    check(signal.len(), kernel, out.dim())?;
    let filters: Vec<Filter> = kernel.columns().into_iter().map(|taps| Filter::new(&taps.to_vec())).collect();
    let blocks: Vec<_> = out.axis_chunks_iter_mut(Axis(0), BLOCK_ROWS).enumerate().collect();
    blocks.into_par_iter().for_each(|(block, mut rows)| {
        let first = block * BLOCK_ROWS;
        for (filter, mut column) in filters.iter().zip(rows.columns_mut()) {
            let span = &signal[first + filter.offset..];
            for (group, mut values) in column.axis_chunks_iter_mut(Axis(0), LANES).enumerate() {
                let sums = filter.sums(&span[group * LANES..], values.len());
                values.iter_mut().zip(sums).for_each(|(value, sum)| *value = sum);
            }
        }
    });
    spoil(signal, kernel.nrows(), &mut out);
    Ok(())
}

/// The taps of one function in the order of time, without the zeros at both ends.
struct Filter {
    /// Sample of the window that the first tap weighs, 0 = the oldest.
    offset: usize,
    taps: Vec<f64>,
}

impl Filter {
    fn new(taps: &[f64]) -> Self {
        let newest = taps.iter().position(|&tap| tap != 0.0).unwrap_or(taps.len());
        let oldest = taps.iter().rposition(|&tap| tap != 0.0).map_or(newest, |lag| lag + 1);
        Self { offset: taps.len() - oldest, taps: taps[newest..oldest].iter().rev().copied().collect() }
    }

    /// Sums of `n_rows` (at most [`LANES`]) neighbouring windows, the first of which starts with `span`.
    fn sums(&self, span: &[f64], n_rows: usize) -> [f64; LANES] {
        let mut sums = [0.0; LANES];
        if n_rows == LANES {
            for (samples, &tap) in span.windows(LANES).zip(&self.taps) {
                for (sum, &x) in sums.iter_mut().zip(samples) {
                    *sum += tap * x;
                }
            }
        } else {
            for (row, sum) in sums.iter_mut().enumerate().take(n_rows) {
                for (&x, &tap) in span[row..].iter().zip(&self.taps) {
                    *sum += tap * x;
                }
            }
        }
        sums
    }
}

/// The number of complete windows, which is the number of rows of the result.
pub fn n_windows(n_samples: usize, window_bins: usize) -> usize {
    (n_samples + 1).saturating_sub(window_bins)
}

/// Checks shapes and taps of a convolution.
pub(super) fn check(n_samples: usize, kernel: &Array2<f64>, out: (usize, usize)) -> Result<()> {
    let (window_bins, n_functions) = kernel.dim();
    if window_bins == 0 || n_functions == 0 {
        return Err(Error::Empty {
            what: "convolution kernel".into(),
            problem: format!("it has {window_bins} taps and {n_functions} functions"),
            help: "give a window of at least one bin and a basis of at least one function".into(),
        });
    }
    for (what, expected, found) in [
        ("rows of the convolved signal", n_windows(n_samples, window_bins), out.0),
        ("columns of the convolved signal", n_functions, out.1),
    ] {
        if expected != found {
            return Err(Error::Length { what: what.into(), expected, found });
        }
    }
    match kernel.indexed_iter().find(|(_, tap)| !tap.is_finite()) {
        Some(((row, column), &value)) => {
            Err(Error::NonFinite { what: "convolution kernel".into(), row, column, value })
        }
        None => Ok(()),
    }
}

/// Makes the rows NaN whose window contains a sample that is not finite.
pub(super) fn spoil(signal: &[f64], window_bins: usize, out: &mut ArrayViewMut2<'_, f64>) {
    let mut done = 0;
    for (sample, _) in signal.iter().enumerate().filter(|(_, x)| !x.is_finite()) {
        let first = (sample + 1).saturating_sub(window_bins).max(done);
        done = (sample + 1).min(out.nrows()).max(done);
        for row in first..done {
            out.row_mut(row).fill(f64::NAN);
        }
    }
}
