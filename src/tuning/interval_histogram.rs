//! Distribution of the intervals between successive events.

use ndarray::Array2;

use super::edges;
use crate::time::TsGroup;
use crate::{Error, Result};

/// The bins of an interval histogram.
#[derive(Clone, Debug, PartialEq)]
pub enum IntervalBins {
    /// Equal bins from the shortest to the longest interval of all units.
    Equal(usize),
    /// Bins of equal width in the logarithm, over the same range.
    Logarithmic(usize),
    /// Increasing edges, seconds.
    Edges(Vec<f64>),
}

/// Intervals per bin and unit.
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalHistogram {
    /// Edges, seconds.
    pub edges_s: Vec<f64>,
    /// Keys of the units.
    pub units: Vec<i64>,
    /// Number of intervals: (bins, units).
    pub counts: Array2<f64>,
}

impl IntervalHistogram {
    /// Middle of the bins, seconds.
    pub fn centres_s(&self) -> Vec<f64> {
        edges::centres(&self.edges_s)
    }
}

/// Histogram of the intervals between successive events of one epoch, on edges that all units share.
///
/// # Errors
/// [`Error::Argument`] for bad bins or for logarithmic bins over an interval of 0, [`Error::Empty`] when there is
/// no interval to take the range from.
///
/// # Source
/// pynapple's `compute_isi_distribution`.
pub fn interval_histogram(units: &TsGroup, bins: &IntervalBins) -> Result<IntervalHistogram> {
    let intervals: Vec<Vec<f64>> =
        units.restrict(units.support()).units().values().map(|unit| unit.time_diff().d().to_vec()).collect();
    let all = intervals.concat();
    let edges_s = match bins {
        IntervalBins::Edges(given) => edges::FeatureBins::Edges(given.clone()).edges(&all)?,
        &IntervalBins::Equal(n_bins) => {
            let (lo, hi) = edges::span(&all)?;
            edges::equal_edges(lo, hi, n_bins)?
        }
        &IntervalBins::Logarithmic(n_bins) => {
            let (lo, hi) = edges::span(&all)?;
            if lo <= 0.0 {
                let found = "two events at the same time";
                let help = "give edges, or equal bins";
                return Err(Error::argument("logarithmic bins", "intervals above 0 s", found, help));
            }
            let mut edges: Vec<f64> =
                edges::equal_edges(lo.ln(), hi.ln(), n_bins)?.into_iter().map(f64::exp).collect();
            if lo < hi {
                // exp(ln x) may miss x by a rounding and lose the extreme intervals
                (edges[0], edges[n_bins]) = (lo, hi);
            }
            edges
        }
    };
    let mut counts = Array2::zeros((edges_s.len() - 1, intervals.len()));
    for (unit, intervals) in intervals.iter().enumerate() {
        for bin in intervals.iter().filter_map(|&interval| edges::bin_of(&edges_s, interval)) {
            counts[[bin, unit]] += 1.0;
        }
    }
    Ok(IntervalHistogram { edges_s, units: units.units().keys().copied().collect(), counts })
}
