//! Sources of a design on the host, and the scale of their columns.

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::{Dense, Design, Layout};
use crate::backend::Backend;
use crate::{Error, Result};

/// Rows whose sums are formed before they are added up.
const PIECE: usize = 1024;
/// A column is constant if no value is farther from its mean than this part of the mean.
const CONSTANT: f64 = 8.0 * f64::EPSILON;

/// Mean and standard deviation of every column over the used rows.
#[derive(Clone, Debug)]
pub struct Scaling {
    /// Means.
    pub mean: Vec<f64>,
    /// Standard deviations (divided by n), 0 for a constant column.
    pub sd: Vec<f64>,
}

/// One feature: a matrix (bins, columns) with its name and those of its columns.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// The feature.
    pub name: String,
    /// One name per column.
    pub labels: Vec<String>,
    /// The values.
    pub x: ArrayView2<'a, f64>,
}

/// A column to place.
#[derive(Clone, Copy, Debug)]
pub enum Column<'v> {
    /// This column of the sources, centred and scaled; a constant one is 0.
    Source(usize),
    /// These values, one per used row.
    Values(&'v [f64]),
}

/// The sources of a design: matrices (bins, columns) side by side, and the bins that are used.
#[derive(Clone, Debug)]
pub struct DesignPlan<'a> {
    sources: Vec<ArrayView2<'a, f64>>,
    layout: Layout,
    rows: Vec<usize>,
    scaling: Scaling,
}

impl<'a> DesignPlan<'a> {
    /// Plans a design from features of which the bins `rows` are used.
    ///
    /// # Errors
    /// [`Error::Length`] if the matrices have different numbers of bins, [`Error::Empty`] if no row is used,
    /// [`Error::NonFinite`] with the first used row and column that is not finite, [`Error::Argument`] for a row
    /// that is not a bin.
    pub fn new(features: Vec<Source<'a>>, rows: Vec<usize>) -> Result<Self> {
        let mut layout = Layout::default();
        for feature in &features {
            layout.push(&feature.name, feature.labels.iter().cloned())?;
        }
        let sources: Vec<ArrayView2<'a, f64>> = features.into_iter().map(|feature| feature.x).collect();
        if let Some(first) = sources.first() {
            for source in &sources[1..] {
                if source.nrows() != first.nrows() {
                    return Err(Error::Length {
                        what: "bins of the feature blocks".into(),
                        expected: first.nrows(),
                        found: source.nrows(),
                    });
                }
            }
        }
        if rows.is_empty() {
            return Err(Error::Empty {
                what: "design".into(),
                problem: "no bin is left to fit".into(),
                help: "check for features that are NaN everywhere, and windows against epochs".into(),
            });
        }
        let n_bins = sources.first().map_or(0, ArrayView2::nrows);
        if let Some(row) = rows.iter().find(|&&row| row >= n_bins && !sources.is_empty()) {
            let expected = format!("rows below {n_bins}, the number of bins");
            return Err(Error::argument("used rows", expected, row.to_string(), "give rows of the features"));
        }
        let scaling = Self::scale(&sources, &rows)?;
        Ok(Self { sources, layout, rows, scaling })
    }

    /// Means and deviations in two passes, pieces of rows added in their order.
    fn scale(sources: &[ArrayView2<f64>], rows: &[usize]) -> Result<Scaling> {
        let (mut mean, mut sd) = (Vec::new(), Vec::new());
        for source in sources {
            let first_column = mean.len();
            let n_columns = source.ncols();
            // differences from the first row: a constant column has exactly its mean, an offset costs no digits
            let first = source.row(rows[0]);
            let sums = Self::by_piece(rows, n_columns, |row, sums| {
                for ((sum, &x), &first) in sums.iter_mut().zip(source.row(row)).zip(first) {
                    *sum += x - first;
                }
            });
            let means: Vec<f64> =
                sums.iter().zip(first).map(|(sum, first)| first + sum / rows.len() as f64).collect();
            if means.iter().any(|mean| !mean.is_finite()) {
                return Err(Self::first_non_finite(source, rows, first_column));
            }
            // deviations relative to the largest, so that squares neither overflow nor vanish
            let largest = Self::largest_deviations(source, rows, &means);
            let squares = Self::by_piece(rows, n_columns, |row, sums| {
                let values = source.row(row).into_iter().zip(&means).zip(&largest);
                for (sum, ((&x, mean), largest)) in sums.iter_mut().zip(values) {
                    let part = if *largest > 0.0 { (x - mean) / largest } else { 0.0 };
                    *sum += part * part;
                }
            });
            for ((mean, square), largest) in means.iter().zip(squares).zip(largest) {
                let deviation = largest * (square / rows.len() as f64).sqrt();
                let constant = largest <= CONSTANT * mean.abs();
                sd.push(if constant { 0.0 } else { deviation });
            }
            mean.extend(means);
        }
        Ok(Scaling { mean, sd })
    }

    /// Largest distance of each column's used values from its mean.
    fn largest_deviations(source: &ArrayView2<f64>, rows: &[usize], means: &[f64]) -> Vec<f64> {
        let mut largest = vec![0.0_f64; means.len()];
        for &row in rows {
            for ((largest, &x), mean) in largest.iter_mut().zip(source.row(row)).zip(means) {
                *largest = largest.max((x - mean).abs());
            }
        }
        largest
    }

    fn by_piece(rows: &[usize], n_columns: usize, add: impl Fn(usize, &mut [f64]) + Sync) -> Vec<f64> {
        let parts: Vec<Vec<f64>> = rows
            .par_chunks(PIECE)
            .map(|piece| {
                let mut sums = vec![0.0; n_columns];
                piece.iter().for_each(|&row| add(row, &mut sums));
                sums
            })
            .collect();
        let mut total = vec![0.0; n_columns];
        for part in parts {
            total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
        }
        total
    }

    fn first_non_finite(source: &ArrayView2<f64>, rows: &[usize], first_column: usize) -> Error {
        for &row in rows {
            for (column, &value) in source.row(row).iter().enumerate() {
                if !value.is_finite() {
                    let what = "features".into();
                    return Error::NonFinite { what, row, column: first_column + column, value };
                }
            }
        }
        Error::argument(
            "features",
            "values whose squares can be added",
            "values that overflow",
            "divide the largest features by a power of ten",
        )
    }

    /// Rows that are used.
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// Columns of all sources.
    pub fn n_columns(&self) -> usize {
        self.scaling.mean.len()
    }

    /// The bins that are used.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The sources, shape (bins, columns) each.
    pub fn sources(&self) -> &[ArrayView2<'a, f64>] {
        &self.sources
    }

    /// Names and ranges of the columns.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Means and standard deviations of the columns.
    pub fn scaling(&self) -> &Scaling {
        &self.scaling
    }

    /// One column over the used rows, centred and scaled. Zeros for a column that is constant or not there.
    pub fn standardised(&self, column: usize) -> Vec<f64> {
        let mut values = vec![0.0; self.rows.len()];
        self.subtract(&[column], &[-1.0], &mut values);
        values
    }

    /// Inner products of these columns, centred and scaled, with `values`, one value per used row.
    pub fn products(&self, columns: &[usize], values: &[f64]) -> Vec<f64> {
        let product = |&column: &usize| match self.values(column) {
            Some((x, mean, sd)) => {
                self.rows.iter().zip(values).map(|(&row, value)| (x[row] - mean) / sd * value).sum()
            }
            None => 0.0,
        };
        columns.par_iter().map(product).collect()
    }

    /// Subtracts these columns, centred and scaled, times `factors` from `values`, one value per used row.
    pub fn subtract(&self, columns: &[usize], factors: &[f64], values: &mut [f64]) {
        for (&column, factor) in columns.iter().zip(factors) {
            if let Some((x, mean, sd)) = self.values(column) {
                for (value, &row) in values.iter_mut().zip(&self.rows) {
                    *value -= factor * ((x[row] - mean) / sd);
                }
            }
        }
    }

    /// A column that varies, with its mean and standard deviation.
    fn values(&self, column: usize) -> Option<(ArrayView1<'_, f64>, f64, f64)> {
        let (source, inside) = self.locate(column).ok()?;
        let (mean, sd) = (self.scaling.mean[column], self.scaling.sd[column]);
        (sd > 0.0).then(|| (self.sources[source].column(inside), mean, sd))
    }

    /// Places columns on a backend: those of the sources, centred and scaled, and given ones as they are.
    ///
    /// # Errors
    /// If the backend refuses; [`Error::Argument`] for a column that is not there, [`Error::Length`]
    /// for values that are not one per used row.
    pub fn place<B: Backend + 'static>(&self, on: &B, columns: &[Column]) -> Result<Design<B>> {
        for column in columns {
            match column {
                Column::Source(column) => {
                    self.locate(*column)?;
                }
                Column::Values(values) if values.len() == self.rows.len() => {}
                Column::Values(values) => {
                    let (expected, found) = (self.rows.len(), values.len());
                    return Err(Error::Length { what: "values of a column".into(), expected, found });
                }
            }
        }
        let fill = |span: std::ops::Range<usize>, out: &mut [f64]| {
            let n = span.len();
            for (column, out) in columns.iter().zip(out.chunks_exact_mut(n)) {
                match column {
                    Column::Values(values) => out.copy_from_slice(&values[span.clone()]),
                    Column::Source(column) => {
                        let Some((x, mean, sd)) = self.values(*column) else { continue };
                        for (out, &row) in out.iter_mut().zip(&self.rows[span.clone()]) {
                            *out = (x[row] - mean) / sd;
                        }
                    }
                }
            }
        };
        let block = Dense::new(on, self.rows.len(), columns.len(), &fill)?;
        Ok(Design { blocks: vec![Box::new(block)], n_rows: self.rows.len() })
    }

    fn locate(&self, column: usize) -> Result<(usize, usize)> {
        let mut first = 0;
        for (k, source) in self.sources.iter().enumerate() {
            if column < first + source.ncols() {
                return Ok((k, column - first));
            }
            first += source.ncols();
        }
        let expected = format!("columns below {first}");
        Err(Error::argument(
            "columns of a design",
            expected,
            column.to_string(),
            "give columns of the features",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    fn source(x: &Array2<f64>) -> Vec<Source<'_>> {
        let labels = (0..x.ncols()).map(|j| format!("x{j}")).collect();
        vec![Source { name: "x".into(), labels, x: x.view() }]
    }

    #[test]
    fn scaling_is_that_of_the_used_rows() {
        let x = array![[1.0, 1e6], [f64::NAN, 0.0], [3.0, 1e6 + 2.0], [5.0, 1e6 + 4.0]];
        let plan = DesignPlan::new(source(&x), vec![0, 2, 3]).unwrap();
        assert_eq!(plan.scaling().mean, [3.0, 1e6 + 2.0]);
        assert!((plan.scaling().sd[1] - (8.0f64 / 3.0).sqrt()).abs() < 1e-12);
        let error = DesignPlan::new(source(&x), vec![0, 1]).unwrap_err();
        assert!(matches!(error, Error::NonFinite { row: 1, column: 0, .. }), "{error}");
        let huge = array![[1e308, 1.0], [-1e308, 2.0]];
        let error = DesignPlan::new(source(&huge), vec![0, 1]).unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error}");
    }

    #[test]
    fn a_constant_column_has_no_deviation() {
        let x = array![[0.1, 0.1], [0.1, 0.1 + 1e-9], [0.1, 0.1]];
        let plan = DesignPlan::new(source(&x), vec![0, 1, 2]).unwrap();
        assert_eq!(plan.scaling().sd[0], 0.0);
        assert!(plan.scaling().sd[1] > 0.0);
    }
}
