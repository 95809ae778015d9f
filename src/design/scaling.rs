//! Means and deviations of the columns.

use std::ops::Range;

use rayon::prelude::*;

use super::convolved_scaling::moments as moments_of_convolved;
use super::{Rows, Values};
use crate::backend::HostValues;
use crate::backend::cpu::rows::{Rows as RowMajor, moments};
use crate::backend::cpu::simd::Level;
use crate::math::real::Widen;
use crate::{Error, Result};

/// Rows whose sums are formed before they are added up.
const PIECE: usize = 4096;
/// Values below which one thread does it all.
const SMALL: usize = 300_000;
/// A column is constant if no value is farther from its mean than this part of the mean.
const CONSTANT: f64 = 8.0 * f64::EPSILON;
/// The square of the distance between mean and shift, in variances, up to which one read is enough.
const FAR: f64 = 1e6;
/// Variances that squares neither overflow nor vanish around.
const ORDINARY: Range<f64> = 1e-200..1e200;

/// Mean and standard deviation of every column over the used rows.
#[derive(Clone, Debug, Default)]
pub struct Scaling {
    /// Means.
    pub mean: Vec<f64>,
    /// Standard deviations (divided by n), 0 for a constant column.
    pub sd: Vec<f64>,
    /// For every source what is subtracted from its channels, if it has any.
    pub(super) offsets: Vec<Vec<f64>>,
    /// For every source the largest that the terms of one of its columns can add up to, in deviations of that column.
    pub(super) largest_terms: Vec<f64>,
}

impl Scaling {
    /// Means and deviations of all columns. `rows` are the bins that are used.
    ///
    /// # Errors
    /// [`Error::NonFinite`] with the first used row and column that is not finite, [`Error::Argument`] for values
    /// that cannot be added up.
    pub(super) fn new(sources: &[Values], used: &Rows) -> Result<Self> {
        let mut scaling = Self::default();
        for source in sources {
            let first_column = scaling.mean.len();
            if let Values::Convolved(x) = source {
                let found = moments_of_convolved(x, used);
                if found.mean.iter().chain(&found.sd).any(|value| !value.is_finite()) {
                    return Err(overflow());
                }
                scaling.mean.extend(found.mean);
                scaling.sd.extend(found.sd);
                scaling.offsets.push(found.offsets);
                scaling.largest_terms.push(found.largest_terms);
                continue;
            }
            scaling.offsets.push(Vec::new());
            scaling.largest_terms.push(0.0);
            let (shift, moments) = one_read(source, used);
            if !moments.is_finite {
                return Err(first_non_finite(source, used, first_column));
            }
            for column in 0..source.ncols() {
                let (sum, square) = (moments.sums[column], moments.squares[column]);
                let n = used.len() as f64;
                let mean = shift[column] + sum / n;
                let variance = (square - sum * (sum / n)) / n;
                let is_near = (sum / n).powi(2) <= FAR * variance && ORDINARY.contains(&variance);
                let (mean, sd) = if is_near && variance.sqrt() > CONSTANT * mean.abs() && mean.is_finite() {
                    (mean, variance.sqrt())
                } else {
                    careful(source, used, column, shift[column])
                };
                if !mean.is_finite() || !sd.is_finite() {
                    return Err(first_non_finite(source, used, first_column));
                }
                scaling.mean.push(mean);
                scaling.sd.push(sd);
            }
        }
        Ok(scaling)
    }
}

impl Scaling {
    /// Means of 0, root mean squares as deviations.
    pub(super) fn do_not_centre(&mut self) {
        for (mean, sd) in self.mean.iter_mut().zip(&mut self.sd) {
            *sd = mean.hypot(*sd);
            *mean = 0.0;
        }
    }
}

/// Sums of one read.
struct Moments {
    sums: Vec<f64>,
    squares: Vec<f64>,
    is_finite: bool,
}

impl Moments {
    fn new(n_columns: usize) -> Self {
        Self { sums: vec![0.0; n_columns], squares: vec![0.0; n_columns], is_finite: true }
    }

    /// Adds the rows number `piece` of those that are used. The sums are those of the rows alone, wherever they lie.
    fn add<S: Widen<f64>>(&mut self, level: Level, x: &[S], used: &Rows, piece: Range<usize>, shift: &[f64]) {
        let n = shift.len();
        let mut runs = used.runs_of(piece.clone());
        match runs.next() {
            Some(run) if run.len == piece.len() => {
                self.add_rows(level, &x[run.row * n..(run.row + run.len) * n], run.len, shift);
            }
            _ => {
                let rows = used.some(piece.clone());
                let gathered: Vec<S> =
                    rows.flat_map(|row| x[row * n..(row + 1) * n].iter().copied()).collect();
                self.add_rows(level, &gathered, piece.len(), shift);
            }
        }
    }

    fn add_rows<S: Widen<f64>>(&mut self, level: Level, values: &[S], n_rows: usize, shift: &[f64]) {
        let x = RowMajor { values, stride: shift.len(), n_columns: shift.len() };
        self.is_finite &= moments(level, &mut self.sums, &mut self.squares, x, n_rows, shift);
    }
}

/// Sums and sums of squares of the differences from the first used row, which are returned with it.
fn one_read(source: &Values, used: &Rows) -> (Vec<f64>, Moments) {
    let (n_columns, n_rows) = (source.ncols(), used.len());
    let first = used.iter().next().unwrap_or(0);
    let shift: Vec<f64> = (0..n_columns).map(|column| source.get(first, column)).collect();
    let level = Level::best();
    let in_rows = source.in_rows();
    let of_piece = |piece: usize| {
        let piece = piece * PIECE..n_rows.min((piece + 1) * PIECE);
        let mut found = Moments::new(n_columns);
        match in_rows {
            Some(HostValues::F32(x)) => found.add(level, x, used, piece, &shift),
            Some(HostValues::F64(x)) => found.add(level, x, used, piece, &shift),
            None => {
                let rows = used.some(piece.clone());
                let values: Vec<f64> = match source {
                    Values::Evaluated(x) => x.rows(&rows.collect::<Vec<usize>>()),
                    _ => rows
                        .flat_map(|row| (0..n_columns).map(move |column| source.get(row, column)))
                        .collect(),
                };
                found.add_rows(level, &values, piece.len(), &shift);
            }
        }
        found
    };
    let n_pieces = n_rows.div_ceil(PIECE);
    let parts: Vec<Moments> = if n_rows * n_columns < SMALL {
        (0..n_pieces).map(of_piece).collect()
    } else {
        (0..n_pieces).into_par_iter().map(of_piece).collect()
    };
    let mut total = Moments::new(n_columns);
    for part in &parts {
        total.is_finite &= part.is_finite;
        total.sums.iter_mut().zip(&part.sums).for_each(|(total, part)| *total += part);
        total.squares.iter_mut().zip(&part.squares).for_each(|(total, part)| *total += part);
    }
    (shift, total)
}

/// Mean and deviation of a column whose values are far from where one read expects them: nearly constant, huge or tiny.
fn careful(source: &Values, used: &Rows, column: usize, first: f64) -> (f64, f64) {
    let rows: Vec<usize> = used.iter().collect();
    let column = source.column(column);
    let n = rows.len() as f64;
    let total = |term: &(dyn Fn(f64) -> f64 + Sync)| -> f64 {
        let of_piece = |piece: &[usize]| piece.iter().map(|&row| term(column.get(row))).sum::<f64>();
        rows.par_chunks(PIECE).map(of_piece).collect::<Vec<f64>>().iter().sum()
    };
    // differences from the first row: a constant column has exactly its mean, an offset costs no digits
    let mean = first + total(&|x| x - first) / n;
    if !mean.is_finite() {
        return (f64::NAN, f64::NAN);
    }
    // deviations relative to the largest, so that squares neither overflow nor vanish
    let largest = rows.iter().map(|&row| (column.get(row) - mean).abs()).fold(0.0, f64::max);
    if largest <= CONSTANT * mean.abs() {
        return (mean, 0.0);
    }
    (mean, largest * (total(&|x| ((x - mean) / largest).powi(2)) / n).sqrt())
}

fn first_non_finite(source: &Values, used: &Rows, first_column: usize) -> Error {
    for row in used.iter() {
        for column in 0..source.ncols() {
            let value = source.get(row, column);
            if !value.is_finite() {
                let what = "features".into();
                return Error::NonFinite { what, row, column: first_column + column, value };
            }
        }
    }
    overflow()
}

fn overflow() -> Error {
    Error::argument(
        "features",
        "values whose squares can be added",
        "values that overflow",
        "divide the largest features by a power of ten",
    )
}
