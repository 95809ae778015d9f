//! Convolution of a series with a kernel, epoch by epoch.
//!
//! Short kernels are summed directly; long ones go through a blockwise FFT (overlap-add), which is why a long
//! epoch costs no accuracy: rounding grows with the block, not with the epoch. A sample that is not finite
//! spoils the outputs it reaches, at most one kernel length, whichever way is taken.

use ndarray::{Array2, ArrayView2};
use realfft::RealFftPlanner;

use super::epoch_rows;
use super::tsd::Tsd;
use super::tsd_frame::TsdFrame;
use crate::{Error, Result};

/// Products up to this many are summed directly.
const DIRECT_PRODUCTS: usize = 1 << 18;
/// Kernels up to this long are summed directly.
const DIRECT_KERNEL: usize = 32;

/// Which `n` of the `n + k - 1` values of a full convolution of `n` samples with `k` taps are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trim {
    /// Those from number `(k - 1) / 2`: a symmetric kernel does not shift the series.
    #[default]
    Both,
    /// Those from number `k - 1`: an output uses its own and later samples.
    Left,
    /// Those from number 0: an output uses its own and earlier samples.
    Right,
}

impl Trim {
    /// Number of the first value kept.
    fn offset(self, n_taps: usize) -> usize {
        match self {
            Self::Both => (n_taps - 1) / 2,
            Self::Left => n_taps - 1,
            Self::Right => 0,
        }
    }
}

impl Tsd {
    /// Every epoch convolved with `kernel`, zeros beyond its ends: as many samples, at the same times.
    ///
    /// Samples are taken as equally spaced; the times are not looked at.
    ///
    /// # Errors
    /// [`Error::Empty`] for a kernel without taps, [`Error::NonFinite`] for a tap that is NaN or infinite.
    pub fn convolve(&self, kernel: &[f64], trim: Trim) -> Result<Self> {
        check_kernel(kernel)?;
        let mut out = vec![f64::NAN; self.len()];
        for rows in epoch_rows::sample_rows(self.t(), self.support()) {
            if rows.is_empty() {
                continue;
            }
            let full = convolve_full(&self.d()[rows.clone()], kernel);
            let offset = trim.offset(kernel.len());
            let n = rows.len();
            out[rows].copy_from_slice(&full[offset..offset + n]);
        }
        Ok(self.with_values(out))
    }

    /// [`Tsd::convolve`] with every column of `kernels`, (taps, columns).
    ///
    /// # Errors
    /// Those of [`Tsd::convolve`].
    pub fn convolve_columns(&self, kernels: &ArrayView2<f64>, trim: Trim) -> Result<TsdFrame> {
        let mut d = Array2::zeros((self.len(), kernels.ncols()));
        for (kernel, mut out) in kernels.columns().into_iter().zip(d.columns_mut()) {
            out.assign(&ndarray::ArrayView1::from(self.convolve(&kernel.to_vec(), trim)?.d()));
        }
        TsdFrame::new(self.t().to_vec(), d, Vec::new(), Some(self.support().clone()))
    }
}

/// Fails on a kernel that cannot be used.
fn check_kernel(kernel: &[f64]) -> Result<()> {
    if kernel.is_empty() {
        return Err(Error::Empty {
            what: "kernel".to_string(),
            problem: "it has no taps".to_string(),
            help: "give at least one tap".to_string(),
        });
    }
    match kernel.iter().position(|tap| !tap.is_finite()) {
        None => Ok(()),
        Some(row) => Err(Error::NonFinite { what: "kernel".to_string(), row, column: 0, value: kernel[row] }),
    }
}

/// Full linear convolution: `out[i] = sum_l kernel[l] * x[i - l]`, of length `n + k - 1`.
///
/// Outputs that a non-finite sample reaches are NaN. Empty when `x` or `kernel` is.
pub fn convolve_full(x: &[f64], kernel: &[f64]) -> Vec<f64> {
    let n_products = x.len().saturating_mul(kernel.len());
    if kernel.len().min(x.len()) <= DIRECT_KERNEL || n_products <= DIRECT_PRODUCTS {
        convolve_direct(x, kernel)
    } else {
        convolve_fft(x, kernel)
    }
}

/// [`convolve_full`] as a plain sum.
pub fn convolve_direct(x: &[f64], kernel: &[f64]) -> Vec<f64> {
    if x.is_empty() || kernel.is_empty() {
        return Vec::new();
    }
    let mut out = vec![0.0; x.len() + kernel.len() - 1];
    for (i, &value) in x.iter().enumerate().filter(|(_, value)| value.is_finite()) {
        for (sum, tap) in out[i..].iter_mut().zip(kernel) {
            *sum += tap * value;
        }
    }
    spoil(x, kernel.len(), &mut out);
    out
}

/// [`convolve_full`] by FFT in blocks (overlap-add).
pub fn convolve_fft(x: &[f64], kernel: &[f64]) -> Vec<f64> {
    if x.is_empty() || kernel.is_empty() {
        return Vec::new();
    }
    // The shorter of the two is transformed once, the longer one in blocks.
    let finite: Vec<f64> = x.iter().map(|&value| if value.is_finite() { value } else { 0.0 }).collect();
    let mut out = if finite.len() >= kernel.len() {
        overlap_add(&finite, kernel)
    } else {
        overlap_add(kernel, &finite)
    };
    spoil(x, kernel.len(), &mut out);
    out
}

/// Overlap-add: blocks of `long`, each convolved with all of `short`.
fn overlap_add(long: &[f64], short: &[f64]) -> Vec<f64> {
    let n_out = long.len() + short.len() - 1;
    let n_fft = (4 * short.len()).min(n_out).next_power_of_two();
    let n_block = n_fft - short.len() + 1;
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(n_fft), planner.plan_fft_inverse(n_fft));
    let mut block = forward.make_input_vec();
    let mut response = forward.make_output_vec();
    let mut spectrum = forward.make_output_vec();

    let fits = "the buffers were made by the plan";
    block[..short.len()].copy_from_slice(short);
    forward.process(&mut block, &mut response).expect(fits);

    let mut out = vec![0.0; n_out];
    for (number, chunk) in long.chunks(n_block).enumerate() {
        block.fill(0.0);
        block[..chunk.len()].copy_from_slice(chunk);
        forward.process(&mut block, &mut spectrum).expect(fits);
        for (value, factor) in spectrum.iter_mut().zip(&response) {
            *value *= factor;
        }
        // the spectrum of a real block is real at both ends
        spectrum[0].im = 0.0;
        spectrum[n_fft / 2].im = 0.0;
        inverse.process(&mut spectrum, &mut block).expect(fits);
        for (sum, value) in out[number * n_block..].iter_mut().zip(&block) {
            *sum += value / n_fft as f64;
        }
    }
    out
}

/// Sets the `n_taps` outputs that each non-finite sample reaches to NaN.
fn spoil(x: &[f64], n_taps: usize, out: &mut [f64]) {
    let mut done = 0;
    for (i, _) in x.iter().enumerate().filter(|(_, value)| !value.is_finite()) {
        let end = (i + n_taps).min(out.len());
        out[i.max(done)..end].fill(f64::NAN);
        done = end;
    }
}

#[cfg(test)]
mod tests {
    use super::{convolve_direct, convolve_fft};

    /// Portable pseudo-random numbers in [0, 1).
    fn noise(n: usize, mut seed: u64) -> Vec<f64> {
        let mut next = || {
            seed = (1_103_515_245 * seed + 12_345) % 2_147_483_648;
            seed as f64 / 2_147_483_648.0
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn fft_equals_direct() {
        for (n, k) in [(1, 1), (7, 3), (3, 7), (1000, 1001), (5000, 129), (129, 5000), (28_020, 1001)] {
            let (x, kernel) = (noise(n, 1), noise(k, 2));
            let tolerance = 1e-12 * kernel.iter().sum::<f64>().max(1.0);
            for (a, b) in convolve_direct(&x, &kernel).iter().zip(convolve_fft(&x, &kernel)) {
                assert!((a - b).abs() <= tolerance, "{n} samples, {k} taps: {a} and {b}");
            }
        }
    }

    #[test]
    fn a_nan_spoils_one_kernel_length() {
        let mut x = noise(5000, 3);
        x[2000] = f64::NAN;
        x[2100] = f64::INFINITY;
        let kernel = noise(201, 4);
        for out in [convolve_direct(&x, &kernel), convolve_fft(&x, &kernel)] {
            let bad: Vec<usize> = (0..out.len()).filter(|&i| out[i].is_nan()).collect();
            assert_eq!(bad, (2000..2301).collect::<Vec<_>>());
        }
    }
}
