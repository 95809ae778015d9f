//! What rows have beside their columns: weights, and parts of the linear predictor that are given.

use std::sync::Arc;

use super::{DesignPlan, Rows};
use crate::backend::Backend;
use crate::math::real::Real;
use crate::math::sum::Sum;
use crate::{Error, Result};

/// How often a bin counts: one of weight 2 is two bins with the same response and features.
///
/// The loss of a fit is the weighted mean of the losses of its bins, so coefficients do not depend on the unit of the weights;
/// sums (log-likelihood, deviance) and what follows from the amount of data (standard errors, degrees of freedom) do.
#[derive(Clone, Debug)]
pub struct Weights {
    /// One per bin.
    values: Arc<Vec<f64>>,
    /// Over the used rows.
    total: f64,
    /// The largest of them.
    largest: f64,
}

/// A part of the linear predictor with coefficient 1: of counts with an exponential inverse link the logarithm of the exposure.
#[derive(Clone, Debug)]
pub struct Offset(Arc<Vec<f64>>);

impl Weights {
    /// Weights of all bins, of which these rows are used.
    pub(crate) fn new(values: Vec<f64>, rows: &Rows) -> Self {
        Self { values: Arc::new(values), total: 0.0, largest: 0.0 }.of(rows)
    }

    /// The weight of a bin.
    ///
    /// # Panics
    /// If there is no such bin.
    pub fn get(&self, bin: usize) -> f64 {
        self.values[bin]
    }

    /// The sum over the used rows.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// Those of used rows must be above 0.
    fn check(&self, rows: &Rows) -> Result<()> {
        match rows.iter().find(|&row| self.values[row] <= 0.0 || !self.values[row].is_finite()) {
            Some(row) => {
                let found = format!("{} in row {row}", self.values[row]);
                let help = "leave bins that do not count out of the used rows";
                Err(Error::argument("weights", "finite numbers above 0", found, help))
            }
            None => Ok(()),
        }
    }

    /// The largest of the used rows, in parts of their mean.
    pub(crate) fn largest(&self, n_rows: usize) -> f64 {
        self.largest * n_rows as f64 / self.total
    }

    /// The same for other rows, which must be bins.
    fn of(&self, rows: &Rows) -> Self {
        let total: Sum = rows.iter().map(|row| self.values[row]).collect();
        let largest = rows.iter().map(|row| self.values[row]).fold(0.0, f64::max);
        Self { values: Arc::clone(&self.values), total: total.value(), largest }
    }

    /// Brings those of the used rows to a backend, with mean 1.
    ///
    /// # Errors
    /// If the backend refuses, and for a weight that is not above 0.
    pub(crate) fn place<'p, B: Backend + 'p>(&self, on: &B, rows: &Rows) -> Result<B::Array<'p>> {
        self.check(rows)?;
        let factor = rows.len() as f64 / self.total;
        on.response(rows.len(), 1, &|span, out| {
            let own = rows.some(span).map(|row| B::Scalar::from_f64(self.values[row] * factor));
            out.iter_mut().zip(own).for_each(|(out, value)| *out = value);
        })
    }
}

impl Offset {
    /// Those of all bins.
    pub(crate) fn new(values: Vec<f64>) -> Self {
        Self(Arc::new(values))
    }

    /// That of a bin.
    ///
    /// # Panics
    /// If there is no such bin.
    pub fn get(&self, bin: usize) -> f64 {
        self.0[bin]
    }

    /// Those of all bins.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// Brings those of the used rows to a backend, as a matrix of one column.
    ///
    /// # Errors
    /// If the backend refuses, and for one that is not finite.
    pub(crate) fn place<'p, B: Backend + 'p>(&self, on: &B, rows: &Rows) -> Result<B::Array<'p>> {
        if let Some(row) = rows.iter().find(|&row| !self.0[row].is_finite()) {
            return Err(Error::NonFinite { what: "offset".into(), row, column: 0, value: self.0[row] });
        }
        on.matrix(rows.len(), 1, &|span, out| {
            let own = rows.some(span).map(|row| B::Scalar::from_f64(self.0[row]));
            out.iter_mut().zip(own).for_each(|(out, value)| *out = value);
        })
    }
}

impl DesignPlan<'_> {
    /// The same with weights, one per bin; those of used rows must be positive.
    ///
    /// # Errors
    /// [`Error::Length`] if there are not as many as bins, [`Error::NonFinite`] or [`Error::Argument`] with the first used
    /// row whose weight is not a positive number.
    pub fn with_weights(mut self, weights: impl Into<Arc<Vec<f64>>>) -> Result<Self> {
        let values = self.row_values("weights", weights.into())?;
        let weights = Weights { values, total: 0.0, largest: 0.0 }.of(&self.rows);
        weights.check(&self.rows)?;
        if !weights.total.is_finite() {
            let help = "divide them by their mean";
            return Err(Error::argument("weights", "a sum that is finite", weights.total.to_string(), help));
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// The same with a part of the linear predictor that is given, one number per bin.
    ///
    /// # Errors
    /// [`Error::Length`] if there are not as many as bins, [`Error::NonFinite`] with the first used row where it is not
    /// finite.
    pub fn with_offset(mut self, offset: impl Into<Arc<Vec<f64>>>) -> Result<Self> {
        let values = self.row_values("offset", offset.into())?;
        self.offset = Some(Offset(values));
        Ok(self)
    }

    /// Weights, if there are any.
    pub fn weights(&self) -> Option<&Weights> {
        self.weights.as_ref()
    }

    /// The part of the linear predictor that is given, if there is one.
    pub fn offset(&self) -> Option<&Offset> {
        self.offset.as_ref()
    }

    /// The sum of the weights of the used rows; their number where there are none.
    pub fn total_weight(&self) -> f64 {
        self.weights.as_ref().map_or(self.rows.len() as f64, Weights::total)
    }

    /// The same sum over other rows, which must be bins.
    pub fn total_weight_of(&self, rows: &Rows) -> f64 {
        self.weights_of(rows).map_or(rows.len() as f64, |weights| weights.total())
    }

    /// Weights of other rows.
    pub(crate) fn weights_of(&self, rows: &Rows) -> Option<Weights> {
        self.weights.as_ref().map(|weights| weights.of(rows))
    }

    fn row_values(&self, what: &str, values: Arc<Vec<f64>>) -> Result<Arc<Vec<f64>>> {
        let n_bins = self.sources.first().map_or(values.len(), super::Values::nrows);
        if values.len() != n_bins {
            let what = format!("{what}, one per bin");
            return Err(Error::Length { what, expected: n_bins, found: values.len() });
        }
        match self.rows.iter().find(|&row| values.get(row).is_none_or(|value| !value.is_finite())) {
            Some(row) => {
                let value = values.get(row).copied().unwrap_or(f64::NAN);
                Err(Error::NonFinite { what: what.into(), row, column: 0, value })
            }
            None => Ok(values),
        }
    }
}
