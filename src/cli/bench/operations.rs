//! How many operations kernels of convolutions take by definition, each for one bin.
//!
//! W lags, K functions, C channels. Direct sums and events: a multiplication and an addition for each lag that counts, of a
//! spike train `W / SPARSITY` in a bin on average. Transforms of blocks of R bins have a length N of at least `R + W - 1`; one of
//! real numbers is counted as `2.5 N log2 N` operations, half of the usual `5 N log2 N` of a complex one. That is what halving
//! a power of two takes; the best ways take a fifth less, so a part of the roof is up to a quarter too large there. The product
//! of two spectra is `N / 2 + 1` complex multiplications of 6 operations each, or 8 with an addition.
//!
//! ```text
//! features by transforms         ((1 + K) 2.5 N log2 N + 6 K (N / 2 + 1)) / R
//! loss and gradient by spectra   (2 2.5 N log2 N + 16 C (N / 2 + 1)) / R + 2 C 2.5 N log2 N / bins
//! ```
//!
//! The last term is that of the filters and of the sums over all bins, one transform per channel and pass each. Products of
//! spectra do one operation for each byte that they read, so that they meet the bandwidth of a cache, or of memory, before the
//! roof of the arithmetic.

use super::kernels::{LAGS, N_FUNCTIONS, SPARSITY, WINDOW};
use crate::backend::cpu::FILL_ROWS;
use crate::backend::cpu::convolution::transforms::{Transforms, block_rows};

/// Writing the features of a spike train.
pub(super) fn written_events() -> f64 {
    seen() * N_FUNCTIONS as f64
}

/// Writing the features of a signal by direct sums.
pub(super) fn written_directly() -> f64 {
    2.0 * (WINDOW * N_FUNCTIONS) as f64
}

/// Writing the features of a signal by transforms.
pub(super) fn written_by_transforms() -> f64 {
    let (transform, n_frequencies) = of_block(FILL_ROWS);
    let functions = N_FUNCTIONS as f64;
    ((1.0 + functions) * transform + 6.0 * functions * n_frequencies) / FILL_ROWS as f64
}

/// Loss and gradient of spike trains without features.
pub(super) fn evaluated_events(n_channels: usize) -> f64 {
    2.0 * n_channels as f64 * seen()
}

/// Loss and gradient of signals as spectra, over so many bins.
pub(super) fn evaluated_spectra(n_channels: usize, n_bins: usize) -> f64 {
    let rows = block_rows(WINDOW);
    let (transform, n_frequencies) = of_block(rows);
    let channels = n_channels as f64;
    let of_blocks = (2.0 * transform + 16.0 * channels * n_frequencies) / rows as f64;
    of_blocks + 2.0 * channels * transform / n_bins as f64
}

/// Loss and gradient of features that take so many operations to be written, once for each channel.
pub(super) fn evaluated_rewritten(n_channels: usize, written: f64) -> f64 {
    n_channels as f64 * (written + 4.0 * N_FUNCTIONS as f64)
}

/// For the lags of the spikes that a bin sees.
fn seen() -> f64 {
    2.0 * WINDOW as f64 / SPARSITY as f64
}

/// A real transform of blocks of so many rows, and its frequencies.
fn of_block(rows: usize) -> (f64, f64) {
    let length = Transforms::<f32>::new(LAGS, rows).length();
    (2.5 * length as f64 * (length as f64).log2(), (length / 2 + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_take_less_than_the_sums_that_they_stand_for() {
        // blocks of 4096 numbers
        assert_eq!(of_block(block_rows(WINDOW)), (122_880.0, 2049.0));
        assert!(written_by_transforms() < 0.5 * written_directly());
        let (of_signals, direct) = (evaluated_spectra(20, 1 << 20), 4.0 * 20.0 * WINDOW as f64);
        assert!(of_signals < 0.1 * direct, "{of_signals}");
        // products of spectra alone: eight operations a channel, twice, for half of the bins and the overlap
        assert!(of_signals > 20.0 * 8.0);
        let trains = evaluated_rewritten(20, written_events());
        assert!(trains > evaluated_events(20) && trains < evaluated_rewritten(20, written_directly()));
    }
}
