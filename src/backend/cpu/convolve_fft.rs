//! Convolution of one signal with several kernels, by Fourier transforms of blocks (overlap-save).
//!
//! For long windows. Blocks are real, their length is fixed by the window, and each block writes its own rows, so
//! bits do not depend on the thread count. A sample that is not finite would spread over its whole block; it is
//! taken as 0 and its windows are marked afterwards.

use ndarray::{Array2, ArrayViewMut2, Axis};
use rayon::prelude::*;
use realfft::num_complex::Complex64;
use realfft::{ComplexToReal, FftError, RealFftPlanner, RealToComplex};
use std::sync::Arc;

use super::convolve::{check, spoil};
use crate::{Error, Result};

/// The same as [`super::convolve::convolve`], up to rounding: each value is within
/// `1e-12 max|signal| max(1, sum|kernel|)` of direct summation.
///
/// # Errors
/// As [`super::convolve::convolve`].
pub fn convolve_fft(signal: &[f64], kernel: &Array2<f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
    check(signal.len(), kernel, out.dim())?;
    if out.is_empty() {
        return Ok(());
    }
    let plan = Plan::new(signal.len(), kernel)?;
    let n_rows = plan.block_length - kernel.nrows() + 1;
    let blocks: Vec<_> = out.axis_chunks_iter_mut(Axis(0), n_rows).enumerate().collect();
    blocks.into_par_iter().try_for_each_init(
        || plan.scratch(),
        |scratch, (block, rows)| plan.run(&signal[block * n_rows..], rows, scratch),
    )?;
    spoil(signal, kernel.nrows(), &mut out);
    Ok(())
}

/// The block length for a window: a power of two, at least 2048 and at least eight windows, but not longer than
/// a short signal needs.
fn block_length(n_samples: usize, window_bins: usize) -> usize {
    (8 * window_bins).max(2048).min(n_samples).next_power_of_two()
}

/// The transforms and the spectra of the kernels, shared by all blocks.
struct Plan {
    block_length: usize,
    window_bins: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    /// One spectrum per function, divided by the block length.
    filters: Vec<Vec<Complex64>>,
}

/// What one thread needs besides the plan.
struct Scratch {
    samples: Vec<f64>,
    spectrum: Vec<Complex64>,
    product: Vec<Complex64>,
    values: Vec<f64>,
    transform: Vec<Complex64>,
}

impl Plan {
    fn new(n_samples: usize, kernel: &Array2<f64>) -> Result<Self> {
        let block_length = block_length(n_samples, kernel.nrows());
        let mut planner = RealFftPlanner::<f64>::new();
        let forward = planner.plan_fft_forward(block_length);
        let inverse = planner.plan_fft_inverse(block_length);
        let scale = 1.0 / block_length as f64;
        let mut filters = Vec::with_capacity(kernel.ncols());
        for taps in kernel.columns() {
            let mut padded = forward.make_input_vec();
            padded.iter_mut().zip(taps).for_each(|(to, tap)| *to = tap * scale);
            let mut spectrum = forward.make_output_vec();
            forward.process(&mut padded, &mut spectrum).map_err(|e| wrong_buffer(&e))?;
            filters.push(spectrum);
        }
        Ok(Self { block_length, window_bins: kernel.nrows(), forward, inverse, filters })
    }

    fn scratch(&self) -> Scratch {
        let n_transform = self.forward.get_scratch_len().max(self.inverse.get_scratch_len());
        Scratch {
            samples: self.forward.make_input_vec(),
            spectrum: self.forward.make_output_vec(),
            product: self.forward.make_output_vec(),
            values: self.inverse.make_output_vec(),
            transform: vec![Complex64::default(); n_transform],
        }
    }

    /// Writes the rows of one block, whose first window starts with `signal`.
    fn run(&self, signal: &[f64], mut rows: ArrayViewMut2<'_, f64>, scratch: &mut Scratch) -> Result<()> {
        let Scratch { samples, spectrum, product, values, transform } = scratch;
        samples.fill(0.0);
        for (to, &x) in samples.iter_mut().zip(signal) {
            *to = if x.is_finite() { x } else { 0.0 };
        }
        self.forward.process_with_scratch(samples, spectrum, transform).map_err(|e| wrong_buffer(&e))?;
        for (filter, column) in self.filters.iter().zip(rows.columns_mut()) {
            for ((to, a), b) in product.iter_mut().zip(&*spectrum).zip(filter) {
                *to = a * b;
            }
            // real by definition, also where a product overflowed
            for end in [0, product.len() - 1] {
                product[end].im = 0.0;
            }
            self.inverse.process_with_scratch(product, values, transform).map_err(|e| wrong_buffer(&e))?;
            column.into_iter().zip(&values[self.window_bins - 1..]).for_each(|(to, &value)| *to = value);
        }
        Ok(())
    }
}

/// A buffer of a transform that does not fit it.
fn wrong_buffer(error: &FftError) -> Error {
    let (expected, found) = match *error {
        FftError::InputBuffer(expected, found)
        | FftError::OutputBuffer(expected, found)
        | FftError::ScratchBuffer(expected, found) => (expected, found),
        FftError::InputValues(..) => (0, 0),
    };
    Error::Length { what: format!("buffer of a Fourier transform ({error})"), expected, found }
}
