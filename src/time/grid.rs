//! [`BinGrid`]: the equal bins that all arrays of one analysis share.
//!
//! A grid is built once from a support and a bin width; counts, averages and feature rows made on it have one
//! row per bin, and two arrays can be joined exactly when their grids are equal. There is no other code that
//! decides in which bin a sample falls.

use std::ops::Range;

use super::interval_set::IntervalSet;
use super::unit::round9;
use crate::{Error, Result};

/// The shortest bin: edges are rounded to nine decimals of a second.
const SHORTEST_BIN_S: f64 = 1e-9;
/// The most bins of a grid: 4 GiB of edges and centres.
const MOST_BINS: f64 = 268_435_456.0;

/// The bins of one epoch: no window reaches from one segment into another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Row of the support.
    pub epoch: usize,
    /// Its bins.
    pub rows: Range<usize>,
}

/// Equal half-open bins over a time support, restarting at every epoch.
///
/// For an epoch `[s, e]` and width `b`: `L_0 = s`, `centre_j = L_j + b/2`, `R_j = round9(L_j + b)`,
/// `L_{j+1} = R_j`, while `centre_j <= e`. A time with `s <= t <= e` belongs to the first bin with `t < R_j`.
/// So a last bin is kept when its centre is inside the epoch, and times behind the last bin belong to none.
///
/// # Source
/// The grid of pynapple's `count` and `bin_average`, in the same floating-point order.
#[derive(Clone, Debug, PartialEq)]
pub struct BinGrid {
    bin_s: f64,
    support: IntervalSet,
    segments: Vec<Segment>,
    centres: Vec<f64>,
    right_edges: Vec<f64>,
}

impl BinGrid {
    /// The grid of width `bin_s` seconds over `support`.
    ///
    /// ```
    /// use rheobase::time::{BinGrid, IntervalSet};
    /// let grid = BinGrid::new(&IntervalSet::new(&[0.0], &[1.0])?, 0.4)?;
    /// assert_eq!(grid.n_bins(), 3); // the last centre, 1.0, is still inside
    /// assert_eq!(grid.count(&[0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), [3, 1, 2]);
    /// # Ok::<(), rheobase::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Argument`] when `bin_s` is not finite or below 1 ns, the support is infinite, or there would be
    /// more than 2²⁸ bins.
    pub fn new(support: &IntervalSet, bin_s: f64) -> Result<Self> {
        check_width(support, bin_s)?;
        let mut grid = Self {
            bin_s,
            support: support.clone(),
            segments: Vec::new(),
            centres: Vec::new(),
            right_edges: Vec::new(),
        };
        for (epoch, (start, end)) in support.iter().enumerate() {
            let first = grid.centres.len();
            let most = if end - start > bin_s { ((end + bin_s - start) / bin_s).ceil() as usize } else { 1 };
            let mut left = start;
            for _ in 0..most {
                let centre = left + bin_s / 2.0;
                if centre > end {
                    break;
                }
                left = round9(left + bin_s);
                grid.centres.push(centre);
                grid.right_edges.push(left);
            }
            let rows = first..grid.centres.len();
            if !rows.is_empty() {
                grid.segments.push(Segment { epoch, rows });
            }
        }
        Ok(grid)
    }

    /// Width of a bin, seconds.
    pub fn bin_s(&self) -> f64 {
        self.bin_s
    }

    /// Number of bins of all segments.
    pub fn n_bins(&self) -> usize {
        self.centres.len()
    }

    /// The segments, one per epoch that holds at least one bin, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Middle of every bin, seconds.
    pub fn centres(&self) -> &[f64] {
        &self.centres
    }

    /// The time at which every bin ends and its successor begins, seconds.
    pub fn right_edges(&self) -> &[f64] {
        &self.right_edges
    }

    /// The epochs that the grid was built on.
    pub fn support(&self) -> &IntervalSet {
        &self.support
    }

    /// Events per bin: `t` are sorted times in seconds.
    pub fn count(&self, t: &[f64]) -> Vec<u32> {
        let mut counts = vec![0; self.n_bins()];
        self.visit(t, |_, bin| counts[bin] += 1);
        counts
    }

    /// Mean of `values` (one per sorted time of `t`) in every bin, added left to right; NaN where a bin is empty.
    ///
    /// Times without a value are ignored.
    pub fn average(&self, t: &[f64], values: &[f64]) -> Vec<f64> {
        let t = &t[..t.len().min(values.len())];
        let mut sums = vec![0.0; self.n_bins()];
        let mut counts = vec![0_u32; self.n_bins()];
        self.visit(t, |row, bin| {
            sums[bin] += values[row];
            counts[bin] += 1;
        });
        // 0/0 is the NaN of an empty bin
        sums.iter().zip(&counts).map(|(sum, &n)| sum / f64::from(n)).collect()
    }

    /// The bin of every sorted time of `t`; `None` outside the epochs and behind the last bin of one.
    pub fn bins_of(&self, t: &[f64]) -> Vec<Option<usize>> {
        let mut bins = vec![None; t.len()];
        self.visit(t, |row, bin| bins[row] = Some(bin));
        bins
    }

    /// Calls `found(row of t, bin)` for every time that has a bin, in order.
    fn visit(&self, t: &[f64], mut found: impl FnMut(usize, usize)) {
        let ranges = self.support.sample_ranges(t);
        for segment in &self.segments {
            let mut bin = segment.rows.start;
            for row in ranges[segment.epoch].clone() {
                while bin < segment.rows.end && t[row] >= self.right_edges[bin] {
                    bin += 1;
                }
                if bin == segment.rows.end {
                    break;
                }
                found(row, bin);
            }
        }
    }
}

/// Fails on a width or support that gives no finite grid.
fn check_width(support: &IntervalSet, bin_s: f64) -> Result<()> {
    if !bin_s.is_finite() || bin_s <= 0.0 {
        let help = "give a positive width in seconds, such as 0.001";
        return Err(Error::argument("bin", "a finite width above 0 s", bin_s.to_string(), help));
    }
    let length_s = support.tot_length();
    let n_bins = length_s / bin_s + support.len() as f64;
    if bin_s < SHORTEST_BIN_S || n_bins.is_nan() || n_bins >= MOST_BINS {
        return Err(Error::argument(
            "bin",
            format!("at least 1 ns, and at most 2^28 bins over {length_s} s"),
            format!("{bin_s} s"),
            "widen the bins or restrict to fewer epochs",
        ));
    }
    Ok(())
}
