//! Sources of a design on the host, and how they are placed on a backend.

use super::row_terms::{Offset, Weights};
use super::rows::Rows;
use super::scaling::Scaling;
use super::{Block, ColumnValues, Dense, Design, FeatureColumns, Form, Layout, Values};
use crate::backend::cpu::MOST_WRITTEN_OUT;
use crate::backend::cpu::speeds::Speeds;
use crate::backend::{Backend, HostRows};
use crate::stop::Stop;
use crate::{Error, Result};

/// One feature: a matrix (bins, columns) with its name and those of its columns.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// The feature.
    pub name: String,
    /// One name per column.
    pub labels: Vec<String>,
    /// The values.
    pub x: Values<'a>,
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
    pub(super) sources: Vec<Values<'a>>,
    layout: Layout,
    pub(super) rows: Rows,
    pub(super) scaling: Scaling,
    pub(super) limit_bytes: Option<u64>,
    pub(super) speeds: Option<Speeds>,
    /// Whether columns are centred, since an intercept takes up what that moves.
    pub(super) has_intercept: bool,
    pub(super) weights: Option<Weights>,
    pub(super) offset: Option<Offset>,
    /// Forms that were given, by the names of backends.
    pub(super) forms: Vec<(&'static str, Vec<Form>)>,
    pub(super) stop: Stop,
}

impl<'a> DesignPlan<'a> {
    /// Plans a design from features of which the bins `rows` are used.
    ///
    /// # Errors
    /// [`Error::Length`] if the matrices have different numbers of bins, [`Error::Empty`] if no row is used,
    /// [`Error::NonFinite`] with the first used row and column that is not finite, [`Error::Argument`] for a row
    /// that is not a bin.
    pub fn new(features: Vec<Source<'a>>, rows: impl Into<Rows>) -> Result<Self> {
        let rows = rows.into();
        let mut layout = Layout::default();
        for feature in &features {
            layout.push(&feature.name, feature.labels.iter().cloned())?;
        }
        let sources: Vec<Values<'a>> = features.into_iter().map(|feature| feature.x).collect();
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
        let n_bins = sources.first().map_or(0, Values::nrows);
        if let Some(row) = rows.max().filter(|&row| row >= n_bins && !sources.is_empty()) {
            let expected = format!("rows below {n_bins}, the number of bins");
            return Err(Error::argument("used rows", expected, row.to_string(), "give rows of the features"));
        }
        for source in &sources {
            if let Values::Convolved(x) = source
                && let Some(row) = x.first_incomplete(&rows)
            {
                let expected = "rows whose window lies in their epoch and holds finite values";
                return Err(Error::argument("used rows", expected, row.to_string(), "leave it out"));
            }
        }
        let scaling = Scaling::new(&sources, &rows)?;
        Ok(Self {
            sources,
            layout,
            rows,
            scaling,
            limit_bytes: None,
            speeds: None,
            has_intercept: true,
            weights: None,
            offset: None,
            forms: Vec::new(),
            stop: Stop::default(),
        })
    }

    /// Writes no more than so many bytes of columns out that can be computed instead.
    #[must_use]
    pub fn with_limit(mut self, limit_bytes: Option<u64>) -> Self {
        self.limit_bytes = limit_bytes;
        self
    }

    /// Bytes that columns may take, if that is limited.
    pub fn limit_bytes(&self) -> Option<u64> {
        self.limit_bytes
    }

    /// Passes over the rows look at this between tiles.
    #[must_use]
    pub fn stopping_at(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Estimates by these speeds, not by those that are compiled in.
    #[must_use]
    pub fn with_speeds(mut self, speeds: Speeds) -> Self {
        self.speeds = Some(speeds);
        self
    }

    /// Places the sources on backends of this name ([`crate::backend::Costs::backend`]) in these forms, one for each and one of
    /// [`DesignPlan::possible_forms`], whatever they cost; others are refused by [`DesignPlan::place`].
    #[must_use]
    pub fn with_forms(mut self, backend: &'static str, forms: Vec<Form>) -> Self {
        self.forms.retain(|(name, _)| *name != backend);
        self.forms.push((backend, forms));
        self
    }

    /// The same columns, centred and scaled alike, of other rows, which must be bins of the sources. Forms are not kept:
    /// they were chosen for the rows.
    #[must_use]
    pub fn with_rows(&self, rows: impl Into<Rows>) -> Self {
        let rows = rows.into();
        Self { weights: self.weights_of(&rows), rows, forms: Vec::new(), ..self.clone() }
    }

    /// The same for a model without intercept: columns are divided by their root mean square and not centred, since nothing
    /// takes up what that would move. Then a constant column is one like others.
    #[must_use]
    pub fn without_intercept(&self) -> Self {
        let mut plan = self.clone();
        if plan.has_intercept {
            plan.has_intercept = false;
            plan.scaling.do_not_centre();
        }
        plan
    }

    /// Whether the intercept is a parameter.
    pub fn has_intercept(&self) -> bool {
        self.has_intercept
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
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The sources, shape (bins, columns) each.
    pub fn sources(&self) -> &[Values<'a>] {
        &self.sources
    }

    /// Names and ranges of the columns.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The feature that a source belongs to.
    ///
    /// # Panics
    /// If there is no such source.
    pub fn name_of(&self, source: usize) -> &str {
        let first: usize = self.sources[..source].iter().map(Values::ncols).sum();
        let own = |feature: &&FeatureColumns| (feature.columns[0]..feature.columns[1]).contains(&first);
        self.layout.features.iter().find(own).map_or("", |feature| &feature.name)
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
        use rayon::prelude::*;
        let product = |&column: &usize| match self.values(column) {
            Some((x, mean, sd)) => {
                self.rows.iter().zip(values).map(|(row, value)| (x.get(row) - mean) / sd * value).sum()
            }
            None => 0.0,
        };
        columns.par_iter().map(product).collect()
    }

    /// Subtracts these columns, centred and scaled, times `factors` from `values`, one value per used row.
    pub fn subtract(&self, columns: &[usize], factors: &[f64], values: &mut [f64]) {
        for (&column, factor) in columns.iter().zip(factors) {
            if let Some((x, mean, sd)) = self.values(column) {
                for (value, row) in values.iter_mut().zip(self.rows.iter()) {
                    *value -= factor * ((x.get(row) - mean) / sd);
                }
            }
        }
    }

    /// A column that varies, with its mean and standard deviation.
    pub(super) fn values(&self, column: usize) -> Option<(ColumnValues<'_>, f64, f64)> {
        let (source, inside) = self.locate(column).ok()?;
        let (mean, sd) = (self.scaling.mean[column], self.scaling.sd[column]);
        (sd > 0.0).then(|| (self.sources[source].column(inside), mean, sd))
    }

    /// Places columns on a backend, for so many targets: those of the sources, centred and scaled, and given ones as they are.
    ///
    /// A matrix of the user whose columns are all placed may be read in place; convolved columns may stay unwritten.
    ///
    /// # Errors
    /// If the backend refuses; [`Error::Argument`] for a column that is not there, [`Error::Length`]
    /// for values that are not one per used row.
    pub fn place<'p, B: Backend + 'p>(
        &'p self,
        on: &B,
        columns: &[Column],
        n_targets: usize,
    ) -> Result<Design<'p, B>> {
        let costs = on.costs();
        self.check_forms(n_targets, &costs)?;
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
        let n_rows = self.rows.len();
        if let Some(rows) = self.in_place(columns) {
            let stays = self.form(0, n_targets, &costs) == Form::Written;
            let dense = Dense::new(on.in_place(rows, stays)?, columns.len());
            let blocks = vec![Box::new(dense) as Box<dyn Block<'p, B> + 'p>];
            return Ok(Design {
                blocks,
                n_rows,
                whitening: Vec::new(),
                stop: self.stop.clone(),
                limit_bytes: self.limit_bytes,
            });
        }
        self.design(on, columns, n_targets)
    }

    /// Whether all columns are read where they lie in numbers of their own precision.
    pub(super) fn is_read_in_place(&self) -> bool {
        let [source] = self.sources.as_slice() else { return false };
        source.in_rows().is_some()
            && self.scaling.sd.iter().all(|&sd| sd > 0.0)
            && self.rows.len() * source.ncols() > MOST_WRITTEN_OUT
    }

    /// The source, if there is one that has exactly these columns and lies in memory row after row.
    fn in_place(&self, columns: &[Column]) -> Option<HostRows<'_>> {
        let [source] = self.sources.as_slice() else { return None };
        let all =
            columns.iter().enumerate().all(|(k, column)| matches!(column, Column::Source(j) if *j == k));
        if all && columns.len() == source.ncols() { self.host_rows(source) } else { None }
    }

    /// A source as its standardised columns.
    fn host_rows(&self, source: &Values<'a>) -> Option<HostRows<'_>> {
        let inverse = |&sd: &f64| if sd > 0.0 { 1.0 / sd } else { 0.0 };
        Some(HostRows {
            values: source.in_rows()?,
            stride: source.ncols(),
            runs: self.rows.runs(),
            shift: self.scaling.mean.clone(),
            factor: self.scaling.sd.iter().map(inverse).collect(),
        })
    }

    pub(super) fn locate(&self, column: usize) -> Result<(usize, usize)> {
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
        vec![Source { name: "x".into(), labels, x: x.view().into() }]
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
