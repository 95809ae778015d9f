//! Fourier transforms of blocks of rows (overlap-save).
//!
//! A block holds the bins that its rows use, so that the circular convolution of the block is the convolution of
//! every row in it. The length is a power of two, if need be times three or nine: those are the lengths the
//! transforms are fastest at.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::backend::cpu::vector::Lanes;

use super::filters::{Filters, PADDING};
use super::lags::Lags;
use crate::backend::cpu::TILE_ROWS;

/// Frequencies of a spectrum are stored in pieces of this many.
pub(super) const PIECE: usize = 16;

/// Transforms to the spectrum of a block of numbers, and back.
type Both<T> = (Arc<dyn RealToComplex<T>>, Arc<dyn ComplexToReal<T>>);

/// Numbers that can be transformed.
pub trait Fourier: Lanes {
    /// The transforms of blocks of `length` numbers.
    fn transforms(length: usize) -> Both<Self>;
}

macro_rules! fourier {
    ($($t:ident),*) => {$(
        impl Fourier for $t {
            fn transforms(length: usize) -> Both<Self> {
                let mut planner = RealFftPlanner::new();
                (planner.plan_fft_forward(length), planner.plan_fft_inverse(length))
            }
        }
    )*};
}
fourier!(f32, f64);

/// Why a transform cannot fail.
const MADE: &str = "the scratch was made by the transforms that it is given to";

/// The transforms for blocks of a given number of rows. Scratch made by others panics.
#[derive(Clone)]
pub struct Transforms<T> {
    lags: Lags,
    block_rows: usize,
    length: usize,
    forward: Arc<dyn RealToComplex<T>>,
    inverse: Arc<dyn ComplexToReal<T>>,
}

/// The buffers of one thread.
#[derive(Clone, Debug)]
pub struct TransformScratch<T> {
    /// A block of numbers.
    pub(super) values: Vec<T>,
    /// Its spectrum.
    pub(super) spectrum: Vec<Complex<T>>,
    inner: Vec<Complex<T>>,
}

impl<T: Fourier> Transforms<T> {
    /// Transforms for blocks of at most `block_rows` rows.
    pub fn new(lags: Lags, block_rows: usize) -> Self {
        let length = fast_length(block_rows + lags.window_bins.saturating_sub(1));
        let (forward, inverse) = T::transforms(length);
        Self { lags, block_rows, length, forward, inverse }
    }

    /// The window.
    pub fn lags(&self) -> Lags {
        self.lags
    }

    /// The most rows of a block.
    pub fn block_rows(&self) -> usize {
        self.block_rows
    }

    /// Numbers in a block.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Complex numbers in a spectrum.
    pub fn spectrum_length(&self) -> usize {
        self.length / 2 + 1
    }

    /// Buffers for one thread.
    pub fn scratch(&self) -> TransformScratch<T> {
        let n_inner = self.forward.get_scratch_len().max(self.inverse.get_scratch_len());
        TransformScratch {
            values: self.forward.make_input_vec(),
            spectrum: self.forward.make_output_vec(),
            inner: vec![Complex::new(T::ZERO, T::ZERO); n_inner],
        }
    }

    /// The spectrum of the bins that a block of rows uses (see [`Lags::bins`]), less `offset`, left in the scratch.
    pub(super) fn of_bins(&self, x: &[f64], offset: f64, scratch: &mut TransformScratch<T>) {
        scratch.values.fill(T::ZERO);
        for (to, &from) in scratch.values.iter_mut().zip(x) {
            *to = T::from_f64(from - offset);
        }
        self.to_spectrum(scratch);
    }

    /// The spectrum of residuals placed at their rows, left in the scratch.
    pub(super) fn of_rows(&self, residuals: &[T], scratch: &mut TransformScratch<T>) {
        scratch.values.fill(T::ZERO);
        let first = self.lags.window_bins.saturating_sub(1);
        for (to, &from) in scratch.values.iter_mut().skip(first).zip(residuals) {
            *to = from;
        }
        self.to_spectrum(scratch);
    }

    /// The spectrum of one filter, divided by the block length, left in the scratch.
    pub(super) fn of_filter(&self, filters: &Filters<T>, index: usize, scratch: &mut TransformScratch<T>) {
        let scale = T::from_f64(1.0 / self.length as f64);
        scratch.values.fill(T::ZERO);
        let taps = &filters.filter(index)[PADDING..][..self.lags.window_bins];
        for (to, &tap) in scratch.values.iter_mut().zip(taps) {
            *to = tap * scale;
        }
        self.to_spectrum(scratch);
    }

    fn to_spectrum(&self, scratch: &mut TransformScratch<T>) {
        let TransformScratch { values, spectrum, inner } = scratch;
        self.forward.process_with_scratch(values, spectrum, inner).expect(MADE);
    }

    /// The numbers of the spectrum in the scratch; those of the first row are at `window_bins - 1`.
    pub(super) fn to_values(&self, scratch: &mut TransformScratch<T>) {
        let TransformScratch { values, spectrum, inner } = scratch;
        // real by definition, whatever was rounded
        for end in [0, self.length / 2] {
            if let Some(value) = spectrum.get_mut(end) {
                value.im = T::ZERO;
            }
        }
        self.inverse.process_with_scratch(spectrum, values, inner).expect(MADE);
    }
}

/// Rows of a block for a window when nothing else decides them: a whole number of tiles that nearly fills a power of
/// two of at least eight windows.
pub fn block_rows(window_bins: usize) -> usize {
    let length = (8 * window_bins).next_power_of_two().max(4096);
    (length + 1 - window_bins) / TILE_ROWS * TILE_ROWS
}

/// Numbers of the spectrum of such a block.
pub fn numbers_of_a_block(window_bins: usize) -> usize {
    let length = fast_length(block_rows(window_bins) + window_bins.saturating_sub(1));
    2 * (length / 2 + 1).next_multiple_of(PIECE)
}

/// The smallest of `2^a`, `3 2^a`, `9 2^a` that is even and at least `least`: lengths whose transforms are fast.
fn fast_length(least: usize) -> usize {
    let of = |threes: usize| threes * least.div_ceil(threes).next_power_of_two().max(2);
    of(1).min(of(3)).min(of(9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_fast_and_long_enough() {
        for (least, length) in [(1, 2), (2, 2), (3, 4), (5, 6), (1024, 1024), (1025, 1152), (4295, 4608)] {
            assert_eq!(fast_length(least), length, "{least}");
        }
        for window_bins in [1, 200, 511, 1000, 10_000] {
            let rows = block_rows(window_bins);
            assert!(rows.is_multiple_of(TILE_ROWS) && rows >= 7 * window_bins, "{window_bins}");
            assert!(fast_length(rows + window_bins - 1).is_power_of_two(), "{window_bins}");
        }
    }
}
