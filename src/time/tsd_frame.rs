//! [`TsdFrame`]: several values per time, in named columns.

use ndarray::{Array1, Array2, Axis};

use super::epoch_rows;
use super::grid::BinGrid;
use super::interval_set::IntervalSet;
use super::tsd::Tsd;
use crate::{Error, Result};

/// Sorted times in seconds with a row of values each, (times, columns), inside a time support.
///
/// # Source
/// pynapple's `TsdFrame`.
#[derive(Clone, Debug, PartialEq)]
pub struct TsdFrame {
    t: Vec<f64>,
    d: Array2<f64>,
    columns: Vec<String>,
    support: IntervalSet,
}

impl TsdFrame {
    /// Rows whose times never go back; those outside `support` are dropped. An empty list
    /// of labels numbers the columns from 0.
    ///
    /// # Errors
    /// [`Error::Length`] when there is not one row per time or not one label per column, and the errors of the
    /// times as in [`Tsd::new`].
    pub fn new(
        t: Vec<f64>,
        d: Array2<f64>,
        columns: Vec<String>,
        support: Option<IntervalSet>,
    ) -> Result<Self> {
        if t.len() != d.nrows() {
            let what = "rows of the frame, one per time".to_string();
            return Err(Error::Length { what, expected: t.len(), found: d.nrows() });
        }
        let numbers = || (0..d.ncols()).map(|i| i.to_string()).collect();
        let columns = if columns.is_empty() { numbers() } else { columns };
        if columns.len() != d.ncols() {
            let what = "labels of the frame, one per column".to_string();
            return Err(Error::Length { what, expected: d.ncols(), found: columns.len() });
        }
        epoch_rows::check_times("times of the frame", &t)?;
        let (support, kept) = epoch_rows::settle_support(&t, support);
        Ok(match kept {
            None => Self { t, d, columns, support },
            Some(rows) => {
                Self { t: epoch_rows::take(&t, &rows), d: d.select(Axis(0), &rows), columns, support }
            }
        })
    }

    /// [`TsdFrame::new`] after a stable sort by time in which rows follow their times.
    ///
    /// # Errors
    /// Those of [`TsdFrame::new`], except that times may go back.
    pub fn sorted(
        t: &[f64],
        d: &Array2<f64>,
        columns: Vec<String>,
        support: Option<IntervalSet>,
    ) -> Result<Self> {
        if t.len() != d.nrows() {
            let what = "rows of the frame, one per time".to_string();
            return Err(Error::Length { what, expected: t.len(), found: d.nrows() });
        }
        let order = epoch_rows::sorting_order(t);
        Self::new(epoch_rows::take(t, &order), d.select(Axis(0), &order), columns, support)
    }

    /// A frame from parts that an operation has put in order.
    pub(super) fn from_parts(
        t: Vec<f64>,
        d: Array2<f64>,
        columns: Vec<String>,
        support: IntervalSet,
    ) -> Self {
        Self { t, d, columns, support }
    }

    /// The same frame with `f` of every column, whose times and support must all be alike.
    ///
    /// # Errors
    /// Those of `f`, and [`Error::Length`] when it returns columns of different lengths.
    pub fn map_columns(&self, mut f: impl FnMut(Tsd) -> Result<Tsd>) -> Result<Self> {
        let columns = (0..self.d.ncols()).filter_map(|i| self.column(i)).map(&mut f);
        let columns: Vec<Tsd> = columns.collect::<Result<_>>()?;
        let Some(first) = columns.first() else {
            return Ok(self.clone());
        };
        if let Some(other) = columns.iter().find(|other| other.len() != first.len()) {
            let what = "columns of the frame".to_string();
            return Err(Error::Length { what, expected: first.len(), found: other.len() });
        }
        let d = Array2::from_shape_fn((first.len(), columns.len()), |(row, column)| columns[column].d()[row]);
        let (t, support) = (first.t().to_vec(), first.support().clone());
        Ok(Self { t, d, columns: self.columns.clone(), support })
    }

    /// The times, seconds.
    pub fn t(&self) -> &[f64] {
        &self.t
    }

    /// The values, (times, columns).
    pub fn d(&self) -> &Array2<f64> {
        &self.d
    }

    /// The labels of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The epochs in which the frame was observed.
    pub fn support(&self) -> &IntervalSet {
        &self.support
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.t.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    /// `N / total length of the support`, Hz; NaN on an empty support.
    pub fn rate(&self) -> f64 {
        epoch_rows::rate(self.t.len(), &self.support)
    }

    /// Column number `index` as a series.
    pub fn column(&self, index: usize) -> Option<Tsd> {
        let d = (index < self.d.ncols()).then(|| self.d.column(index).to_vec())?;
        Some(Tsd::from_parts(self.t.clone(), d, self.support.clone()))
    }

    /// The column labelled `label` as a series.
    ///
    /// # Errors
    /// [`Error::Unknown`] when no column has that label.
    pub fn column_named(&self, label: &str) -> Result<Tsd> {
        self.columns.iter().position(|other| other == label).and_then(|i| self.column(i)).ok_or_else(|| {
            Error::Unknown {
                kind: "column",
                name: label.to_string(),
                place: "the series".to_string(),
                present: self.columns.clone(),
            }
        })
    }

    /// The rows inside `epochs`, which become the support.
    #[must_use]
    pub fn restrict(&self, epochs: &IntervalSet) -> Self {
        let rows: Vec<usize> = epochs.sample_ranges(&self.t).into_iter().flatten().collect();
        Self {
            t: epoch_rows::take(&self.t, &rows),
            d: self.d.select(Axis(0), &rows),
            columns: self.columns.clone(),
            support: epochs.clone(),
        }
    }

    /// Mean per bin and column over `epochs` (default: the support); NaN in an empty bin.
    ///
    /// # Errors
    /// Those of [`BinGrid::new`].
    pub fn bin_average(&self, bin_s: f64, epochs: Option<&IntervalSet>) -> Result<Self> {
        let grid = BinGrid::new(epochs.unwrap_or(&self.support), bin_s)?;
        let mut d = Array2::zeros((grid.n_bins(), self.d.ncols()));
        for (column, mut out) in self.d.columns().into_iter().zip(d.columns_mut()) {
            out.assign(&Array1::from(grid.average(&self.t, &column.to_vec())));
        }
        let (t, support) = (grid.centres().to_vec(), grid.support().clone());
        Ok(Self { t, d, columns: self.columns.clone(), support })
    }
}
