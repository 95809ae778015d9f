//! Bins of a feature's values: half-open, the last one closed.

use crate::{Error, Result};

/// The most bins along one feature.
const MOST_BINS: usize = 1 << 26;

/// The bins along one feature.
#[derive(Clone, Debug, PartialEq)]
pub enum FeatureBins {
    /// Equal bins over `range`, or from the least to the greatest value of the feature.
    Equal {
        /// Number of bins.
        n_bins: usize,
        /// First and last edge, in the units of the feature.
        range: Option<(f64, f64)>,
    },
    /// Increasing edges, one more than there are bins.
    Edges(Vec<f64>),
}

impl FeatureBins {
    /// `n_bins` equal bins over the values of the feature.
    pub fn equal(n_bins: usize) -> Self {
        Self::Equal { n_bins, range: None }
    }

    /// The edges for a feature with these values.
    ///
    /// Equal bins have `edge_i = i * step + lo` and the last edge exactly `hi`; where `lo = hi` they reach from
    /// `lo - 1/2` to `hi + 1/2`.
    pub(super) fn edges(&self, values: &[f64]) -> Result<Vec<f64>> {
        match self {
            Self::Edges(edges) => {
                let increasing = edges.windows(2).all(|pair| pair[0] < pair[1]);
                if edges.len() < 2 || !increasing || edges.iter().any(|edge| !edge.is_finite()) {
                    let expected = "at least two finite edges that increase";
                    return Err(Error::argument("edges", expected, format!("{edges:?}"), "sort the edges"));
                }
                Ok(edges.clone())
            }
            &Self::Equal { n_bins, range } => {
                let (lo, hi) = match range {
                    Some(range) => range,
                    None => span(values)?,
                };
                equal_edges(lo, hi, n_bins)
            }
        }
    }
}

/// Least and greatest value; fails on the first value that is not finite, and without values.
pub(super) fn span(values: &[f64]) -> Result<(f64, f64)> {
    let what = "values to be binned".to_string();
    if let Some(row) = values.iter().position(|value| !value.is_finite()) {
        return Err(Error::NonFinite { what, row, column: 0, value: values[row] });
    }
    if values.is_empty() {
        let problem = "there are none in these epochs".to_string();
        let help = "choose epochs in which the feature was recorded, or give a range".to_string();
        return Err(Error::Empty { what, problem, help });
    }
    Ok(values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), &x| (lo.min(x), hi.max(x))))
}

/// Edges of `n_bins` equal bins from `lo` to `hi`.
pub(super) fn equal_edges(lo: f64, hi: f64, n_bins: usize) -> Result<Vec<f64>> {
    if n_bins == 0 || n_bins > MOST_BINS {
        return Err(Error::argument("bins", "1 to 2^26", n_bins.to_string(), "give the number of bins"));
    }
    if !lo.is_finite() || !hi.is_finite() || lo > hi {
        let found = format!("{lo} to {hi}");
        return Err(Error::argument("range", "two finite numbers in order", found, "give low:high"));
    }
    let (lo, hi) = if lo == hi { (lo - 0.5, hi + 0.5) } else { (lo, hi) };
    let step = (hi - lo) / n_bins as f64;
    let mut edges: Vec<f64> = (0..=n_bins).map(|i| i as f64 * step + lo).collect();
    edges[n_bins] = hi;
    Ok(edges)
}

/// The bin of `x` by binary search; the last edge belongs to the last bin; NaN and values outside have none.
pub(super) fn bin_of(edges: &[f64], x: f64) -> Option<usize> {
    let n_bins = edges.len() - 1;
    if x == edges[n_bins] {
        return Some(n_bins - 1);
    }
    // NaN compares false everywhere and ends up before the first edge
    let after = edges.partition_point(|&edge| edge <= x);
    after.checked_sub(1).filter(|&bin| bin < n_bins)
}

/// `edge_i + (edge_{i+1} - edge_i) / 2`.
pub(super) fn centres(edges: &[f64]) -> Vec<f64> {
    edges.windows(2).map(|pair| pair[0] + (pair[1] - pair[0]) / 2.0).collect()
}

#[cfg(test)]
mod tests {
    use super::{bin_of, equal_edges};

    #[test]
    fn bins_are_half_open_and_the_last_is_closed() {
        let edges = equal_edges(0.0, 3.0, 3).unwrap();
        let found: Vec<_> =
            [-0.1, 0.0, 0.9, 1.0, 3.0, 3.1, f64::NAN].iter().map(|&x| bin_of(&edges, x)).collect();
        assert_eq!(found, [None, Some(0), Some(0), Some(1), Some(2), None, None]);
    }
}
