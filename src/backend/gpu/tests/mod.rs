//! Every kernel against plain loops in `f64`, on whatever adapter there is.
//!
//! Software adapters count here. Without any adapter these tests say so and pass, unless the variable
//! `RHEOBASE_REQUIRE_GPU` asks for one.

mod barriers;
mod bin_spikes;
mod classes;
mod convolutions;
mod kernels;
mod models;
mod parts;
mod passes;
mod translations;

use std::sync::{Mutex, MutexGuard, OnceLock};

use super::device::{Device, Limits};
use super::{Gpu, adapter};

/// Opens what there is, software included.
pub(super) fn open(limits: Limits) -> Option<Gpu> {
    let all = adapter::list();
    let best = all.iter().find(|facts| !facts.is_software() && facts.unusable.is_none()).or(all.first());
    let opened = best.map(|facts| Gpu::open_within(Some(&facts.number.to_string()), limits));
    match opened {
        Some(Ok(gpu)) => Some(gpu),
        other => {
            let why = other.map_or("there is no adapter".into(), |error| error.unwrap_err().to_string());
            assert!(std::env::var_os("RHEOBASE_REQUIRE_GPU").is_none(), "{why}");
            eprintln!("skipped: {why}");
            None
        }
    }
}

/// One device for all tests, one test at a time: software adapters use all cores for each.
pub(super) fn gpu() -> Option<(&'static Gpu, MutexGuard<'static, ()>)> {
    static GPU: OnceLock<Option<Gpu>> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    Some((GPU.get_or_init(|| open(Limits::default())).as_ref()?, turn))
}

impl Gpu {
    pub(super) fn device(&self) -> &Device {
        &self.device
    }
}

/// Numbers in [-1, 1) that look random and do not change.
pub(super) fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| f64::from(next() as f32)).collect()
}

/// Sums with the sums of the magnitudes of their terms.
pub(super) struct Truth {
    sums: Vec<Vec<f64>>,
    sizes: Vec<Vec<f64>>,
}

impl Truth {
    pub(super) fn new(sizes: &[usize], m: usize) -> Self {
        let zeros = || sizes.iter().map(|n| vec![0.0; n * m]).collect();
        Self { sums: zeros(), sizes: zeros() }
    }

    pub(super) fn add(&mut self, k: usize, place: usize, term: f64, size: f64) {
        self.sums[k][place] += term;
        self.sizes[k][place] += size;
    }

    /// Takes the size of the largest sum of a kind for all of them.
    pub(super) fn level(&mut self, k: usize) {
        let largest = self.sizes[k].iter().copied().fold(0.0, f64::max);
        self.sizes[k].fill(largest);
    }

    pub(super) fn check(&self, found: &[Vec<f64>], tolerance: f64, what: &str) {
        assert_eq!(found.len(), self.sums.len());
        for (k, (found, (sums, sizes))) in found.iter().zip(self.sums.iter().zip(&self.sizes)).enumerate() {
            assert_eq!(found.len(), sums.len());
            for (j, ((found, sum), size)) in found.iter().zip(sums).zip(sizes).enumerate() {
                let error = (found - sum).abs();
                assert!(
                    error <= tolerance * size.max(1e-30),
                    "{what}, sum {k}[{j}]: {found}, not {sum} ({size})"
                );
            }
        }
    }
}

/// Loss, residual, curvature of Poisson counts with an exponential link.
pub(super) fn poisson(eta: f64, y: f64) -> [f64; 3] {
    [eta.exp() - y * eta, eta.exp() - y, eta.exp()]
}
