//! Signals stored as spectra: convolution and its adjoint without writing features out.
//!
//! The bins of each block of rows are transformed once. An evaluation then costs one complex multiply-add per channel
//! and frequency each way, one inverse transform per block for all channels together, and one forward transform of
//! the residuals. The sums over rows stay in the frequency domain until the caller has added up enough blocks.
//!
//! Spectra are stored by pieces of 16 frequencies, real parts before imaginary parts, and the pieces of all channels
//! follow each other: a sum over channels stays in registers, and all memory is read from one end to the other.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use realfft::num_complex::Complex;

use crate::math::real::Real;

use super::filters::Filters;
use super::lags::Lags;
use super::transforms::{Fourier, PIECE, TransformScratch, Transforms};
use crate::backend::cpu::simd::{Level, dispatch, multiply_add};

/// Channels of a signal, block by block, as spectra.
#[derive(Clone)]
pub struct Spectra<T> {
    transforms: Transforms<T>,
    /// For sums over rows, in `f64` whatever the spectra are.
    of_sums: Transforms<f64>,
    blocks: Vec<Range<usize>>,
    n_channels: usize,
    /// (blocks, pieces, channels, 2, 16).
    pieces: Vec<T>,
}

/// One spectrum per channel: of the filters, or of the sums over rows.
#[derive(Clone, Debug)]
pub struct ChannelSpectra<T> {
    /// (pieces, channels, 2, 16).
    pieces: Vec<T>,
}

/// The buffers of one thread.
#[derive(Clone, Debug)]
pub struct SpectraScratch<T> {
    transform: TransformScratch<T>,
    /// (pieces, 2, 16).
    pieces: Vec<T>,
}

impl<T> ChannelSpectra<T> {
    /// The numbers, as [`Spectra::convolve`] takes them.
    pub fn into_numbers(self) -> Vec<T> {
        self.pieces
    }
}

impl<T: Fourier> Spectra<T> {
    /// The spectra of `channels` (their values, and what is subtracted from them) for blocks of complete rows, each of at
    /// most `block_rows` rows. Values must be finite where the rows use them.
    pub fn new(lags: Lags, block_rows: usize, blocks: Vec<Range<usize>>, channels: &[(&[f64], f64)]) -> Self {
        let transforms = Transforms::new(lags, block_rows);
        let size = channels.len() * piece_numbers(&transforms);
        let mut pieces = vec![T::ZERO; blocks.len() * size];
        pieces.par_chunks_mut(size.max(1)).zip(&blocks).for_each_init(
            || transforms.scratch(),
            |scratch, (pieces, rows)| {
                for (channel, (x, offset)) in channels.iter().enumerate() {
                    transforms.of_bins(&x[lags.bins(rows)], *offset, scratch);
                    store(&scratch.spectrum, pieces, channel, channels.len());
                }
            },
        );
        let of_sums = Transforms::new(lags, block_rows);
        Self { transforms, of_sums, blocks, n_channels: channels.len(), pieces }
    }

    /// The rows of each block.
    pub fn blocks(&self) -> &[Range<usize>] {
        &self.blocks
    }

    /// The window.
    pub fn lags(&self) -> Lags {
        self.transforms.lags()
    }

    /// Buffers for one thread.
    pub fn scratch(&self) -> SpectraScratch<T> {
        SpectraScratch {
            transform: self.transforms.scratch(),
            pieces: vec![T::ZERO; piece_numbers(&self.transforms)],
        }
    }

    /// The spectra of one filter per channel, for [`Self::convolve`].
    pub fn of_filters(&self, filters: &Filters<T>) -> ChannelSpectra<T> {
        let mut all = self.no_sums();
        let mut scratch = self.transforms.scratch();
        for channel in 0..self.n_channels {
            self.transforms.of_filter(filters, channel, &mut scratch);
            store(&scratch.spectrum, &mut all.pieces, channel, self.n_channels);
        }
        all
    }

    /// Sums of no rows yet, for [`Self::correlate`].
    pub fn no_sums(&self) -> ChannelSpectra<T> {
        ChannelSpectra { pieces: vec![T::ZERO; self.n_channels * piece_numbers(&self.transforms)] }
    }

    /// Adds all channels convolved with their filters to the rows of one block:
    /// `eta[t] += sum_c sum_k filter_c[k] x_c[t + shift - k]`.
    pub fn convolve(
        &self,
        level: Level,
        block: usize,
        filters: &[T],
        scratch: &mut SpectraScratch<T>,
        eta: &mut [T],
    ) {
        let signals = self.block(block);
        dispatch(level, Multiply { signals, filters, sum: &mut scratch.pieces });
        load(&scratch.pieces, &mut scratch.transform.spectrum, 0, 1);
        self.transforms.to_values(&mut scratch.transform);
        let first = self.transforms.lags().window_bins.saturating_sub(1);
        for (eta, &value) in eta.iter_mut().zip(&scratch.transform.values[first..]) {
            *eta += value;
        }
    }

    /// Adds the residuals of one block, weighed by all channels, to `sums`.
    pub fn correlate(
        &self,
        level: Level,
        block: usize,
        residuals: &[T],
        scratch: &mut SpectraScratch<T>,
        sums: &mut ChannelSpectra<T>,
    ) {
        self.transforms.of_rows(residuals, &mut scratch.transform);
        store(&scratch.transform.spectrum, &mut scratch.pieces, 0, 1);
        let signals = self.block(block);
        dispatch(level, Conjugate { signals, residuals: &scratch.pieces, sums: &mut sums.pieces });
    }

    /// Adds the sums of [`Self::correlate`] to `totals`, one per channel and lag:
    /// `totals[c W + k] += sum_t r[t] x_c[t + shift - k]`, and forgets them.
    pub fn add_lags(&self, sums: &mut ChannelSpectra<T>, totals: &mut [f64]) {
        let lags = self.transforms.lags();
        let transforms = &self.of_sums;
        let mut scratch = transforms.scratch();
        let scale = 1.0 / transforms.length() as f64;
        for (channel, totals) in totals.chunks_mut(lags.window_bins).enumerate().take(self.n_channels) {
            load(&sums.pieces, &mut scratch.spectrum, channel, self.n_channels);
            transforms.to_values(&mut scratch);
            for (total, value) in totals.iter_mut().zip(&scratch.values) {
                *total += value * scale;
            }
        }
        sums.pieces.fill(T::ZERO);
    }

    fn block(&self, block: usize) -> &[T] {
        let size = self.n_channels * piece_numbers(&self.transforms);
        &self.pieces[block * size..(block + 1) * size]
    }
}

/// Numbers in the pieces of one spectrum.
fn piece_numbers<T: Fourier>(transforms: &Transforms<T>) -> usize {
    2 * transforms.spectrum_length().next_multiple_of(PIECE)
}

/// Stores the spectrum of one of `n_channels` channels.
fn store<T: Real>(spectrum: &[Complex<T>], pieces: &mut [T], channel: usize, n_channels: usize) {
    let own = pieces.chunks_exact_mut(2 * PIECE).skip(channel).step_by(n_channels);
    for (values, piece) in spectrum.chunks(PIECE).zip(own) {
        let (real, imaginary) = piece.split_at_mut(PIECE);
        for ((value, re), im) in values.iter().zip(real).zip(imaginary) {
            (*re, *im) = (value.re, value.im);
        }
    }
}

/// The other way round, in f64 if the spectrum is.
fn load<T: Real, U: Real>(pieces: &[T], spectrum: &mut [Complex<U>], channel: usize, n_channels: usize) {
    let own = pieces.chunks_exact(2 * PIECE).skip(channel).step_by(n_channels);
    for (values, piece) in spectrum.chunks_mut(PIECE).zip(own) {
        let (real, imaginary) = piece.split_at(PIECE);
        for ((value, &re), &im) in values.iter_mut().zip(real).zip(imaginary) {
            (value.re, value.im) = (U::from_f64(re.to_f64()), U::from_f64(im.to_f64()));
        }
    }
}

/// `sum = sum_c signal_c filter_c`.
struct Multiply<'a, T> {
    signals: &'a [T],
    filters: &'a [T],
    sum: &'a mut [T],
}

impl<T: Real> WithSimd for Multiply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let size = 2 * PIECE * (self.signals.len() / self.sum.len());
        let sums = self.sum.as_chunks_mut::<PIECE>().0.as_chunks_mut::<2>().0;
        for ((sum, a), b) in sums.iter_mut().zip(self.signals.chunks(size)).zip(self.filters.chunks(size)) {
            let [mut re, mut im] = [[T::ZERO; PIECE]; 2];
            for ([a_re, a_im], [b_re, b_im]) in pieces(a).iter().zip(pieces(b)) {
                for i in 0..PIECE {
                    re[i] = multiply_add::<S, T>(a_re[i], b_re[i], re[i]);
                    im[i] = multiply_add::<S, T>(a_re[i], b_im[i], im[i]);
                    re[i] = multiply_add::<S, T>(-a_im[i], b_im[i], re[i]);
                    im[i] = multiply_add::<S, T>(a_im[i], b_re[i], im[i]);
                }
            }
            *sum = [re, im];
        }
    }
}

/// `sum_c += residuals conj(signal_c)`.
struct Conjugate<'a, T> {
    signals: &'a [T],
    residuals: &'a [T],
    sums: &'a mut [T],
}

impl<T: Real> WithSimd for Conjugate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let size = 2 * PIECE * (self.signals.len() / self.residuals.len());
        let signals = self.signals.chunks(size);
        for ((r, a), sums) in pieces(self.residuals).iter().zip(signals).zip(self.sums.chunks_mut(size)) {
            let [r_re, r_im] = *r;
            let sums = sums.as_chunks_mut::<PIECE>().0.as_chunks_mut::<2>().0;
            for ([a_re, a_im], sum) in pieces(a).iter().zip(sums) {
                let [mut re, mut im] = *sum;
                for i in 0..PIECE {
                    re[i] = multiply_add::<S, T>(r_re[i], a_re[i], re[i]);
                    im[i] = multiply_add::<S, T>(r_im[i], a_re[i], im[i]);
                    re[i] = multiply_add::<S, T>(r_im[i], a_im[i], re[i]);
                    im[i] = multiply_add::<S, T>(-r_re[i], a_im[i], im[i]);
                }
                *sum = [re, im];
            }
        }
    }
}

/// Pieces of real and imaginary parts.
#[inline(always)]
fn pieces<T>(values: &[T]) -> &[[[T; PIECE]; 2]] {
    values.as_chunks().0.as_chunks().0
}

#[cfg(test)]
mod tests {
    use super::super::test_signals::{Uniform, allowed, plain_sum, windows};
    use super::*;

    fn agrees<T: Fourier>(eps: f64) {
        let n_bins = 900;
        for lags in windows() {
            let mut random = Uniform::new(lags.window_bins as u64);
            let x: Vec<Vec<f64>> = (0..3).map(|_| random.signal(n_bins)).collect();
            let exact: Vec<Vec<f64>> = x.iter().map(|x| x.iter().map(|x| x - 0.25).collect()).collect();
            let taps = random.signal(3 * lags.window_bins);
            let first = lags.complete_rows(&(0..n_bins)).start;
            let blocks = vec![first..first + 150, first + 150..first + 211];
            let channels: Vec<(&[f64], f64)> = x.iter().map(|x| (x.as_slice(), 0.25)).collect();
            let spectra = Spectra::new(lags, 150, blocks.clone(), &channels);
            let mut scratch = spectra.scratch();
            let filters = spectra.of_filters(&Filters::new(lags, &taps));
            for level in Level::available() {
                let mut sums = spectra.no_sums();
                let mut totals = vec![1.0; taps.len()];
                let mut expected_totals = vec![1.0; taps.len()];
                let mut slack_totals = 1.0;
                for (block, rows) in blocks.iter().enumerate() {
                    let mut eta = vec![T::ONE; rows.len()];
                    spectra.convolve(level, block, &filters.pieces, &mut scratch, &mut eta);
                    let r: Vec<T> = random.signal(rows.len()).into_iter().map(T::from_f64).collect();
                    spectra.correlate(level, block, &r, &mut scratch, &mut sums);
                    for ((row, eta), r) in rows.clone().zip(eta).zip(r) {
                        let (mut expected, mut slack) = (1.0, 0.0);
                        for (c, (x, taps)) in exact.iter().zip(taps.chunks(lags.window_bins)).enumerate() {
                            expected += plain_sum(x, taps, lags, row);
                            slack += allowed(x, taps, eps);
                            for k in 0..lags.window_bins {
                                let bin = row.wrapping_add_signed(lags.shift) - k;
                                expected_totals[c * lags.window_bins + k] += r.to_f64() * x[bin];
                            }
                        }
                        slack_totals += f64::abs(r.to_f64());
                        let error = (eta.to_f64() - expected).abs();
                        assert!(error <= slack, "{level:?} {lags:?} row {row}: {error:e} > {slack:e}");
                    }
                }
                spectra.add_lags(&mut sums, &mut totals);
                for (total, expected) in totals.iter().zip(&expected_totals) {
                    let error = (total - expected).abs();
                    assert!(error <= eps * slack_totals, "{level:?} {lags:?}: {error:e}");
                }
            }
        }
    }

    #[test]
    fn equals_the_plain_sums() {
        agrees::<f64>(1e-12);
        agrees::<f32>(1e-6);
    }
}
