//! Workload c: features of many spike trains, written out into fresh memory.
//!
//! Nothing is fitted. The time holds the pages that the system hands out for the result, as it would in a fit.

use std::path::Path;
use std::time::Instant;

use ndarray::{Array2, Axis};
use serde_json::{Map, Value, json};

use super::super::arrays_file::write_arrays;
use super::population::{N_FUNCTIONS, WINDOW, grid, spikes};
use super::{Prepared, stream};
use crate::Result;
use crate::basis::{Expand, RaisedCosineLog};
use crate::features::{Causality, Channel, FeatureBlock, convolved};
use crate::time::BinGrid;

/// Probability of a spike in a bin.
const SPIKES: f64 = 0.02;
/// Rows of the features that are written for comparison.
const N_WRITTEN: usize = 5_000;

/// Spike trains and the functions over their past.
pub(super) struct SpikeFeatures {
    grid: BinGrid,
    channels: Vec<Channel>,
    kernel: Array2<f64>,
}

impl SpikeFeatures {
    /// So many bins of 1 ms of so many spike trains.
    pub(super) fn new(n_bins: usize, n_channels: usize) -> Result<Self> {
        let grid = grid(n_bins)?;
        let channel = |k: usize| Channel {
            label: format!("neuron {k}"),
            values: spikes(grid.n_bins(), SPIKES, &mut stream(k)),
        };
        let channels = (0..n_channels).map(channel).collect();
        let kernel = RaisedCosineLog::new(N_FUNCTIONS)?.kernel(WINDOW)?;
        Ok(Self { grid, channels, kernel })
    }

    fn features(&self) -> Result<FeatureBlock> {
        convolved(&self.grid, "units", &self.channels, &self.kernel, Causality::Causal, false)
    }
}

impl Prepared for SpikeFeatures {
    fn size(&self) -> Map<String, Value> {
        let columns = self.channels.len() * self.kernel.ncols();
        let fields =
            [("rows", json!(self.grid.n_bins())), ("columns", json!(columns)), ("precision", json!("f64"))];
        fields.map(|(name, value)| (name.to_string(), value)).into_iter().collect()
    }

    fn time(&mut self) -> Result<f64> {
        let started = Instant::now();
        let block = self.features()?;
        let seconds = started.elapsed().as_secs_f64();
        std::hint::black_box(&block);
        Ok(seconds)
    }

    fn proof(&mut self) -> Result<Map<String, Value>> {
        Ok(Map::new())
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let counts = Array2::from_shape_fn((self.grid.n_bins(), self.channels.len()), |(bin, channel)| {
            self.channels[channel].values[bin] as f32
        });
        let features = self.features()?.x;
        let head = features.slice_axis(Axis(0), (..N_WRITTEN.min(features.nrows())).into());
        write_arrays(&folder.join("c.npz"), |file| {
            file.add("counts", &counts)?;
            file.add("kernel", &self.kernel)?;
            file.add("features_head", &head)
        })
    }
}
