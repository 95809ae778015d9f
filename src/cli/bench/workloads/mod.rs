//! The built-in workloads: data from fixed seeds, and what is timed on them.
//!
//! One file each. The data are drawn by blocks of rows, every block from a stream of its own, so that they do not
//! depend on the number of threads, and are the same wherever the same build runs.

mod dense_normal;
mod population;
mod spike_features;
mod spike_histories;
mod stimulus_history;
mod tutorial;

use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};
use serde_json::{Map, Value};

use super::args::Workload;
use super::problem::Fitting;
use crate::Result;

/// The seed of all workloads.
const SEED: u64 = 1;
/// Rows that are drawn from one stream of random numbers.
const ROWS_OF_A_STREAM: usize = 4096;

/// A workload with its data in memory.
pub(super) trait Prepared {
    /// Fields of the result that say what is timed: `rows`, `columns`, `targets`, `precision` and more.
    fn size(&self) -> Map<String, Value>;

    /// Runs once; the seconds that count.
    fn time(&mut self) -> Result<f64>;

    /// Seconds of evaluations of loss and gradient for one target, if they are worth a look of their own.
    fn evaluations(&mut self, _n: usize) -> Result<Vec<f64>> {
        Ok(Vec::new())
    }

    /// After the last run: fields that say how good its result is, `converged` among them.
    fn proof(&mut self) -> Result<Map<String, Value>>;

    /// Writes the data into a folder, for other programs.
    fn write(&self, folder: &Path) -> Result<()>;
}

/// Makes the data of a workload.
pub(super) fn prepare(workload: Workload, quick: bool) -> Result<Box<dyn Prepared>> {
    let rows = |all: usize| if quick { all / 10 } else { all };
    let fitting = |problem| Ok(Box::new(Fitting::new(workload.name(), problem)) as Box<dyn Prepared>);
    let free = |n_bins, n_channels, n_targets| {
        let has_twin = workload == Workload::G;
        let workload =
            spike_histories::MatrixFree::new(workload.name(), rows(n_bins), n_channels, n_targets, has_twin)?;
        Ok(Box::new(workload) as Box<dyn Prepared>)
    };
    match workload {
        Workload::A => fitting(stimulus_history::problem()?),
        Workload::B => fitting(dense_normal::problem(rows(500_000), 100)),
        Workload::C => Ok(Box::new(spike_features::SpikeFeatures::new(rows(1_000_000), 10, false)?)),
        Workload::CGiven => Ok(Box::new(spike_features::SpikeFeatures::new(rows(1_000_000), 10, true)?)),
        Workload::CFit => free(1_000_000, 10, 1),
        Workload::D1 => fitting(population::problem(rows(100_000), 20, 20)?),
        Workload::D2 => fitting(population::problem(rows(200_000), 100, 100)?),
        Workload::E => Ok(Box::new(tutorial::Tutorial::new()?)),
        Workload::F5 => free(100_000, 1, 1),
        Workload::F6 => free(1_000_000, 1, 1),
        Workload::F7 => free(10_000_000, 1, 1),
        Workload::F8 => free(100_000_000, 1, 1),
        Workload::F30 => free(1_000_000, 1, 30),
        Workload::F300 => free(1_000_000, 1, 300),
        Workload::G => free(1_000_000, 100, 1),
    }
}

/// How often a workload is timed.
pub(super) fn n_repetitions(workload: Workload, quick: bool) -> usize {
    match (workload, quick) {
        (_, true) => 3,
        (Workload::A, false) => 31,
        (Workload::B | Workload::E | Workload::F5 | Workload::F6, false) => 7,
        (_, false) => 5,
    }
}

/// Random numbers of a block of rows.
fn stream(number: usize) -> ChaCha8Rng {
    let mut stream = ChaCha8Rng::seed_from_u64(SEED);
    stream.set_stream(number as u64);
    stream
}

/// A count with this mean; 0 for a mean that is not positive.
fn count(mean: f64, random: &mut ChaCha8Rng) -> f64 {
    Poisson::new(mean).map_or(0.0, |poisson| poisson.sample(random))
}
