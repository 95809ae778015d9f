//! Which way to convolve is the fastest.
//!
//! By the speeds of [`Speeds`], with the output in cache: all ways write the same numbers, so what writing to memory
//! costs decides nothing.

use crate::backend::cpu::simd::Level;
use crate::backend::cpu::speeds::Speeds;

/// How a channel is convolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Its non-zero bins, pulled by blocks of rows.
    Events,
    /// Direct summation.
    Direct,
    /// Fourier transforms of blocks.
    Fft,
}

/// A channel and what is to be done with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Task {
    /// Bins of the channel.
    pub n_bins: usize,
    /// Its part of bins that are not zero, if events can stand for it exactly.
    pub density: Option<f64>,
    /// Lags of the window.
    pub window_bins: usize,
    /// Functions it is convolved with.
    pub n_functions: usize,
    /// Channels that share the transforms of an evaluation without features.
    pub n_channels: usize,
}

/// Direct summation that costs less in all is kept: it is more exact than transforms.
const ALWAYS_DIRECT_NS: f64 = 5e6;

impl Task {
    /// Nanoseconds per bin of writing the features out.
    pub fn write_ns(&self, speeds: &Speeds, method: Method) -> f64 {
        let (lags, functions) = (self.window_bins as f64, self.n_functions as f64);
        match method {
            Method::Events => {
                let near = self.density.map_or(f64::INFINITY, |density| density * (lags + 64.0));
                functions * (speeds.store_ns + speeds.event_ns * near)
            }
            Method::Direct => functions * (speeds.store_ns + speeds.direct_ns * lags),
            Method::Fft => speeds.transform_ns * (1.0 + functions),
        }
    }

    /// Nanoseconds per bin of one evaluation without features, from events or by spectra: the channel convolved with one
    /// filter, and the residuals correlated with it.
    pub fn evaluate_ns(&self, speeds: &Speeds) -> f64 {
        match self.density {
            Some(density) => {
                speeds.store_ns + speeds.event_both_ns * density * (self.window_bins as f64 + 64.0)
            }
            None => speeds.spectra_ns + 2.0 * speeds.transform_ns / self.n_channels.max(1) as f64,
        }
    }

    /// The fastest way to write the features out, by the speeds that are compiled in, whatever a fit is given: features
    /// have the same bits in every fit. Of equals, the first of events, direct, transforms.
    pub fn to_write(&self, level: Level) -> Method {
        let speeds = Speeds::of(level);
        self.cheapest(|method| self.write_ns(&speeds, method))
    }

    fn cheapest(&self, cost: impl Fn(Method) -> f64) -> Method {
        let direct = cost(Method::Direct);
        if cost(Method::Events) <= direct.min(cost(Method::Fft)) {
            Method::Events
        } else if direct <= cost(Method::Fft) || direct * self.n_bins as f64 <= ALWAYS_DIRECT_NS {
            Method::Direct
        } else {
            Method::Fft
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(n_bins: usize, density: Option<f64>, window_bins: usize) -> Task {
        Task { n_bins, density, window_bins, n_functions: 8, n_channels: 10 }
    }

    #[test]
    fn sparse_channels_are_events_and_dense_ones_are_not() {
        for level in [Level::Scalar, Level::Neon, Level::Avx2, Level::Avx512] {
            assert_eq!(task(1_000_000, Some(0.02), 200).to_write(level), Method::Events);
            let speeds = Speeds::of(level);
            let (sparse, analogue) = (task(1_000_000, Some(0.01), 200), task(1_000_000, None, 200));
            assert!(sparse.evaluate_ns(&speeds) < analogue.evaluate_ns(&speeds));
            assert!(analogue.evaluate_ns(&speeds) < analogue.write_ns(&speeds, Method::Fft));
            assert_eq!(task(1_000_000, Some(0.9), 200).to_write(level), Method::Fft);
            assert_eq!(task(1_000_000, None, 1000).to_write(level), Method::Fft);
            assert_eq!(task(1_000_000, None, 10).to_write(level), Method::Direct);
        }
    }

    #[test]
    fn small_tasks_are_summed_directly() {
        assert_eq!(task(28_000, None, 200).to_write(Level::Avx2), Method::Direct);
        assert_eq!(task(1_000_000, None, 200).to_write(Level::Avx2), Method::Fft);
    }

    #[test]
    fn events_lose_where_the_rates_say() {
        let at = |density| task(1_000_000, Some(density), 200).to_write(Level::Avx2);
        assert_eq!(at(0.15), Method::Events);
        assert_eq!(at(0.20), Method::Fft);
    }
}
