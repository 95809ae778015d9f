//! Convolution of a signal with several functions by Fourier transforms of blocks.
//!
//! For long windows. The block is transformed once, multiplied with the spectrum of each function and transformed
//! back. Blocks are cut by the caller at fixed rows, so bits do not depend on the thread count.

use realfft::num_complex::Complex;

use super::filters::Filters;
use super::transforms::{Fourier, TransformScratch, Transforms};

/// Functions by their spectra.
#[derive(Clone)]
pub struct FunctionSpectra<T> {
    transforms: Transforms<T>,
    spectra: Vec<Vec<Complex<T>>>,
}

impl<T: Fourier> FunctionSpectra<T> {
    /// The spectra of all filters, for blocks of at most `block_rows` rows.
    pub fn new(filters: &Filters<T>, block_rows: usize) -> Self {
        let transforms = Transforms::new(filters.lags(), block_rows);
        let mut scratch = transforms.scratch();
        let mut spectra = Vec::with_capacity(filters.len());
        for index in 0..filters.len() {
            transforms.of_filter(filters, index, &mut scratch);
            spectra.push(scratch.spectrum.clone());
        }
        Self { transforms, spectra }
    }

    /// The transforms, for scratch and block length.
    pub fn transforms(&self) -> &Transforms<T> {
        &self.transforms
    }
}

/// Convolves a channel with every function: `store(i, v)` receives the rows of function i,
/// `v[r] = sum_k filter_i[k] (x[r + W - 1 - k] - offset)`, for at most [`Transforms::block_rows`] rows.
///
/// `x` holds the bins that the rows use (see [`super::lags::Lags::bins`]), which must be finite: one number that is not
/// would spread over the block.
pub fn convolve_fft<T: Fourier>(
    functions: &FunctionSpectra<T>,
    x: &[f64],
    offset: f64,
    scratch: &mut TransformScratch<T>,
    mut store: impl FnMut(usize, &[T]),
) {
    let transforms = &functions.transforms;
    transforms.of_bins(x, offset, scratch);
    let block = scratch.spectrum.clone();
    let first = transforms.lags().window_bins.saturating_sub(1);
    let n_rows = x.len().saturating_sub(first).min(transforms.block_rows());
    for (index, function) in functions.spectra.iter().enumerate() {
        for ((to, a), b) in scratch.spectrum.iter_mut().zip(&block).zip(function) {
            *to = Complex::new(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
        }
        transforms.to_values(scratch);
        store(index, &scratch.values[first..first + n_rows]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_signals::{Uniform, allowed, plain_sum, windows};
    use super::*;

    fn agrees<T: Fourier>(eps: f64) {
        let n_bins = 900;
        for lags in windows() {
            let mut random = Uniform::new(lags.window_bins as u64);
            let x = random.signal(n_bins);
            let centred: Vec<f64> = x.iter().map(|x| x - 0.25).collect();
            let taps = random.signal(2 * lags.window_bins);
            let functions = FunctionSpectra::new(&Filters::<T>::new(lags, &taps), 300);
            let mut scratch = functions.transforms().scratch();
            let complete = lags.complete_rows(&(0..n_bins));
            for rows in [complete.start..complete.start + 300, complete.end - 41..complete.end] {
                let mut n_stored = 0;
                convolve_fft(&functions, &x[lags.bins(&rows)], 0.25, &mut scratch, |function, values| {
                    let taps = &taps[function * lags.window_bins..][..lags.window_bins];
                    for (row, value) in rows.clone().zip(values) {
                        let error = (value.to_f64() - plain_sum(&centred, taps, lags, row)).abs();
                        assert!(error <= allowed(&centred, taps, eps), "{lags:?} row {row}: {error:e}");
                        n_stored += 1;
                    }
                });
                assert_eq!(n_stored, 2 * rows.len());
            }
        }
    }

    #[test]
    fn equals_the_plain_sum() {
        agrees::<f64>(1e-12);
        agrees::<f32>(1e-6);
    }
}
