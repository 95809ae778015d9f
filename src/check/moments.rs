//! Means and deviations of the columns.

use super::rows::{Rows, over_rows};
use crate::math::sum::Sum;
use crate::{Error, Result};

/// A column is constant if no value is farther from its mean than this part of the mean: the rounding of its numbers.
const CONSTANT: f64 = 8.0 * f64::EPSILON;

/// Mean and standard deviation of every column, over the rows alike, whatever their weights.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Means; 0 of a model without an intercept, whose columns are not centred.
    pub mean: Vec<f64>,
    /// Standard deviations (divided by n), without an intercept root mean squares; 0 for a constant column.
    pub sd: Vec<f64>,
}

impl Moments {
    /// Those of the columns of these rows.
    ///
    /// # Errors
    /// [`Error::NonFinite`] with the first row and column that is not finite, and if a row cannot be computed.
    pub fn of(rows: &dyn Rows, has_intercept: bool) -> Result<Self> {
        let (n, p) = (rows.n_rows() as f64, rows.n_columns());
        let mut first = vec![0.0; p];
        if rows.n_rows() > 0 {
            rows.write(0, &mut first)?;
        }
        let parts = over_rows(rows, &|| (vec![Sum::default(); p], None), &|(sums, bad), row, x| {
            for (j, x) in x.iter().enumerate() {
                sums[j].add(x - first[j]);
                if !x.is_finite() && bad.is_none() {
                    *bad = Some((row, j, *x));
                }
            }
        })?;
        if let Some((row, column, value)) = parts.iter().find_map(|(_, bad)| *bad) {
            return Err(Error::NonFinite { what: "features".into(), row, column, value });
        }
        let total = |j: usize| parts.iter().map(|(sums, _)| sums[j].value()).collect::<Sum>().value();
        let mut mean: Vec<f64> =
            (0..p).map(|j| if n > 0.0 { first[j] + total(j) / n } else { 0.0 }).collect();
        let parts =
            over_rows(rows, &|| (vec![Sum::default(); p], vec![0.0_f64; p]), &|(squares, largest), _, x| {
                for (j, x) in x.iter().enumerate() {
                    let distance = (x - mean[j]).abs();
                    squares[j].add(distance * distance);
                    largest[j] = largest[j].max(distance);
                }
            })?;
        let deviation = |j: usize| {
            let largest = parts.iter().map(|(_, largest)| largest[j]).fold(0.0, f64::max);
            let square = parts.iter().map(|(squares, _)| squares[j].value()).collect::<Sum>().value();
            if largest <= CONSTANT * mean[j].abs() { 0.0 } else { (square / n).sqrt() }
        };
        let mut sd: Vec<f64> = (0..p).map(deviation).collect();
        if !has_intercept {
            for (mean, sd) in mean.iter_mut().zip(&mut sd) {
                *sd = mean.hypot(*sd);
                *mean = 0.0;
            }
        }
        Ok(Self { mean, sd })
    }

    /// The columns that vary.
    pub(super) fn varying(&self) -> Vec<usize> {
        (0..self.sd.len()).filter(|&j| self.sd[j] > 0.0).collect()
    }
}
