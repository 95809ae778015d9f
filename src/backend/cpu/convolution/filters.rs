//! Filters with zeros on both sides.
//!
//! A kernel that adds an event to 64 neighbouring rows reads 64 neighbouring taps. With [`PADDING`] zeros before
//! and after the taps it may do so for every event near the rows: one that reaches only some of them, or none, adds
//! zeros, and no inner loop has a bound to test.

use crate::math::real::Real;

use super::lags::Lags;

/// Zeros before and after the taps: a block of 64 rows, and the events of 64 bins that share an entry of the index.
pub const PADDING: usize = 128;

/// Filters of one window, each with its zeros.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters<T> {
    lags: Lags,
    stride: usize,
    taps: Vec<T>,
}

impl<T: Real> Filters<T> {
    /// Filters of the taps in `columns`, one after the other, `window_bins` each: tap k weighs lag k.
    ///
    /// Missing taps of the last filter are 0.
    pub fn new(lags: Lags, columns: &[f64]) -> Self {
        let stride = Self::stride_of(lags);
        let mut taps = vec![T::ZERO; columns.len().div_ceil(lags.window_bins.max(1)) * stride];
        for (to, from) in taps.chunks_mut(stride).zip(columns.chunks(lags.window_bins.max(1))) {
            for (tap, &value) in to.iter_mut().skip(PADDING).zip(from) {
                *tap = T::from_f64(value);
            }
        }
        Self { lags, stride, taps }
    }

    /// Numbers from one filter to the next.
    pub fn stride_of(lags: Lags) -> usize {
        (lags.window_bins + 2 * PADDING).next_multiple_of(16)
    }

    /// The window.
    pub fn lags(&self) -> Lags {
        self.lags
    }

    /// The number of filters.
    pub fn len(&self) -> usize {
        self.taps.len() / self.stride
    }

    /// Whether there are no filters.
    pub fn is_empty(&self) -> bool {
        self.taps.is_empty()
    }

    /// All filters with their zeros, one every [`Self::stride_of`].
    pub fn padded(&self) -> &[T] {
        &self.taps
    }

    /// One filter with its zeros: tap k is at `PADDING + k`.
    pub fn filter(&self, index: usize) -> &[T] {
        &self.taps[index * self.stride..(index + 1) * self.stride]
    }
}
