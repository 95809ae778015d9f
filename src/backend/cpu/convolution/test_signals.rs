//! Signals, filters and plain sums that the tests of the convolutions compare with.

use super::lags::Lags;

/// Uniform numbers in 0 .. 1, the same in every run.
pub(super) struct Uniform(u64);

impl Uniform {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn signal(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| 2.0 * self.next() - 1.0).collect()
    }

    /// Counts of 0 to 4, a part `density` of them not 0.
    pub(super) fn counts(&mut self, n: usize, density: f64) -> Vec<f64> {
        (0..n)
            .map(|_| if self.next() < density { (1.0 + 4.0 * self.next().powi(3)).floor() } else { 0.0 })
            .collect()
    }
}

/// `sum_k filter[k] x[t + shift - k]` over the bins that exist.
pub(super) fn plain_sum(x: &[f64], filter: &[f64], lags: Lags, row: usize) -> f64 {
    let mut sum = 0.0;
    for (k, tap) in filter.iter().enumerate() {
        let bin = row as isize + lags.shift - k as isize;
        if (0..x.len() as isize).contains(&bin) {
            sum += tap * x[bin as usize];
        }
    }
    sum
}

/// The rounding allowed for a convolution: `eps max|x| max(1, sum|filter|)`.
pub(super) fn allowed(x: &[f64], filter: &[f64], eps: f64) -> f64 {
    let largest = x.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    eps * largest * filter.iter().map(|tap| tap.abs()).sum::<f64>().max(1.0)
}

/// Windows of every kind: causal with and without the present bin, of the future, of both sides; lengths that fit no
/// block.
pub(super) fn windows() -> Vec<Lags> {
    let mut windows = Vec::new();
    for window_bins in [1, 33, 105, 200, 331] {
        for shift in [-1, 0, window_bins as isize, window_bins as isize / 2] {
            windows.push(Lags { window_bins, shift });
        }
    }
    windows
}
