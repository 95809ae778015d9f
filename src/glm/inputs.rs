//! What goes into a fit, and what is wrong with it.

use super::bins::Bins;
use super::null_models::{means, null_models};
use super::spec::CheckedSpec;
use crate::backend::Costs;
use crate::design::DesignPlan;
use crate::objective::Counts;
use crate::observation::{Null, Observe};
use crate::{Error, Result};

/// What is to be explained: counts, shape (bins, targets).
#[derive(Clone, Debug)]
pub struct Response<'a> {
    /// The counts.
    pub y: Counts<'a>,
    /// One name per target.
    pub names: Vec<String>,
}

impl CheckedSpec {
    /// Refuses blocks of a covariance that the design does not have.
    pub(super) fn check_blocks(&self, plan: &DesignPlan) -> Result<()> {
        match self.get().covariance_of.iter().find(|columns| columns.end > plan.n_columns()) {
            None => Ok(()),
            Some(columns) => {
                let expected = format!("columns below {}", plan.n_columns());
                let help = "give columns of the design";
                Err(Error::argument("covariance of", expected, format!("{columns:?}"), help))
            }
        }
    }

    /// Checks shapes, every used value of the response and the memory that the design takes beside its sources in a fit of so many
    /// targets; the null model of every response.
    pub(super) fn check_inputs(
        &self,
        plan: &DesignPlan,
        response: &Response,
        n_targets: usize,
        (bytes_per_value, costs): (usize, &Costs),
    ) -> Result<Vec<Null>> {
        if let Some(source) = plan.sources().first()
            && source.nrows() != response.y.nrows()
        {
            return Err(Error::Length {
                what: "bins of the response, as the features have".into(),
                expected: source.nrows(),
                found: response.y.nrows(),
            });
        }
        if response.names.len() != response.y.ncols() {
            let (expected, found) = (response.y.ncols(), response.names.len());
            return Err(Error::Length { what: "names of the targets".into(), expected, found });
        }
        let features: Vec<[usize; 2]> = plan.layout().features.iter().map(|own| own.columns).collect();
        self.get().regularizer.check_columns(plan.n_columns(), &features)?;
        self.check_start(plan.n_columns(), response.y.ncols())?;
        if let Some(row) = plan.rows().max().filter(|&row| row >= response.y.nrows()) {
            let expected = format!("rows below {}", response.y.nrows());
            return Err(Error::argument("used rows", expected, row.to_string(), "give rows of the response"));
        }
        self.check_blocks(plan)?;
        let Some(nulls) = self.nulls(plan, response, &plan.into()) else {
            return Err(self.first_bad(plan, response));
        };
        let needed_bytes = plan.needed_bytes(n_targets, bytes_per_value, costs);
        match self.get().memory_limit_bytes {
            Some(limit_bytes) if needed_bytes > limit_bytes => {
                Err(Error::Memory { what: "the design".into(), needed_bytes, limit_bytes })
            }
            _ => {
                let is_bad = |null: &Null| !null.is_silent && !null.loss.is_finite();
                if let Some(offset) = plan.offset().filter(|_| nulls.iter().any(is_bad)) {
                    let used = plan.rows().iter().map(|row| offset.get(row));
                    let (low, high) =
                        used.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
                    let help = "give the logarithm of an exposure, not the exposure, or subtract a constant";
                    let found = format!("numbers from {low} to {high}");
                    return Err(Error::argument(
                        "offset",
                        "numbers beside which means are finite",
                        found,
                        help,
                    ));
                }
                Ok(nulls)
            }
        }
    }

    /// The null model of every response over some bins; `None` if one of them cannot be.
    pub(super) fn nulls(&self, plan: &DesignPlan, response: &Response, bins: &Bins) -> Option<Vec<Null>> {
        let (model, is_good) = (self.get().model, |y: f64| y.is_finite() && self.outside(y).is_none());
        let means = means(response.y, bins, &is_good)?;
        let nulls = null_models(model, response.y, bins, means).into_iter();
        let is_fitted = |null: Null| {
            // without an intercept nothing but the features can lower the mean to 0
            if plan.has_intercept() { null } else { null.not_silent(model, bins.total_weight()) }
        };
        Some(nulls.map(is_fitted).collect())
    }

    /// Checks the shape of where targets begin.
    fn check_start(&self, n_columns: usize, n_targets: usize) -> Result<()> {
        let start = &self.get().start;
        let wrong = |expected: String, found: usize| {
            Err(Error::argument(
                "start",
                expected,
                found.to_string(),
                "take it from a fit to the same columns",
            ))
        };
        if !start.is_empty() && start.len() != n_targets {
            return wrong(format!("{n_targets} targets, or none"), start.len());
        }
        match start.iter().find(|point| point.coef.len() != n_columns) {
            Some(point) => wrong(format!("{n_columns} coefficients of each target"), point.coef.len()),
            None => Ok(()),
        }
    }

    fn outside(&self, y: f64) -> Option<&'static str> {
        self.get().model.observation.outside(y)
    }

    /// The error of the first used row whose response cannot be.
    fn first_bad(&self, plan: &DesignPlan, response: &Response) -> Error {
        let what = "response".to_string();
        for row in plan.rows().iter() {
            for column in 0..response.y.ncols() {
                let value = response.y.get(row, column);
                if !value.is_finite() {
                    return Error::NonFinite { what, row, column, value };
                }
                if let Some(expected) = self.outside(value) {
                    return Error::Domain { what, row, column, expected, value };
                }
            }
        }
        Error::Length { what, expected: plan.n_rows(), found: 0 }
    }
}
