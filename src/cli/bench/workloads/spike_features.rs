//! Workload c: features of many spike trains, written out in float32, row after row.
//!
//! Nothing is fitted. Into fresh memory the time holds the pages that the system hands out for the result, as it would in
//! a fit; into memory that is there already it is the arithmetic and the writing.

use std::path::Path;
use std::time::Instant;

use ndarray::{Array2, Axis};
use serde_json::{Map, Value, json};

use super::super::arrays_file::write_arrays;
use super::Prepared;
use super::spike_histories::Histories;
use crate::Result;

/// Rows of the features that are written for comparison.
const N_WRITTEN: usize = 5_000;

/// Spike trains, the functions over their past, and where the features go.
pub(super) struct SpikeFeatures {
    of: Histories,
    /// Memory that is there already, if it is to be used.
    given: Option<Array2<f32>>,
}

impl SpikeFeatures {
    /// So many bins of 1 ms of so many spike trains.
    pub(super) fn new(n_bins: usize, n_channels: usize, is_given: bool) -> Result<Self> {
        let of = Histories::new(n_bins, n_channels)?;
        let given = is_given.then(|| Array2::from_elem((n_bins, of.convolution.n_columns()), 0.0));
        Ok(Self { of, given })
    }
}

impl Prepared for SpikeFeatures {
    fn size(&self) -> Map<String, Value> {
        let columns = self.of.convolution.n_columns();
        let rows = self.of.convolution.n_bins();
        let fields = [("rows", json!(rows)), ("columns", json!(columns)), ("precision", json!("f32"))];
        fields.map(|(name, value)| (name.to_string(), value)).into_iter().collect()
    }

    fn time(&mut self) -> Result<f64> {
        let started = Instant::now();
        if let Some(given) = &mut self.given {
            self.of.convolution.write(given.view_mut())?;
            return Ok(started.elapsed().as_secs_f64());
        }
        let mut features =
            Array2::<f32>::zeros((self.of.convolution.n_bins(), self.of.convolution.n_columns()));
        self.of.convolution.write(features.view_mut())?;
        let seconds = started.elapsed().as_secs_f64();
        std::hint::black_box(&features);
        Ok(seconds)
    }

    fn proof(&mut self) -> Result<Map<String, Value>> {
        Ok(Map::new())
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let n_bins = self.of.convolution.n_bins();
        let counts = self.of.counts();
        let mut features = Array2::from_elem((n_bins, self.of.convolution.n_columns()), f64::NAN);
        self.of.convolution.write(features.view_mut())?;
        let head = features.slice_axis(Axis(0), (..N_WRITTEN.min(n_bins)).into());
        write_arrays(&folder.join("c.npz"), |file| {
            file.add("counts", &counts)?;
            file.add("kernel", &self.of.kernel)?;
            file.add("features_head", &head)
        })
    }
}
