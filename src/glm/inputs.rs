//! What goes into a fit, and what is wrong with it.

use std::ops::Range;

use super::spec::CheckedSpec;
use crate::backend::Costs;
use crate::design::DesignPlan;
use crate::math::sum::Sum;
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
    /// Checks shapes, every used value of the response and the memory that the design takes beside its sources; the
    /// null model of every target.
    pub(super) fn check_inputs(
        &self,
        plan: &DesignPlan,
        response: &Response,
        bytes_per_value: usize,
        costs: &Costs,
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
        if let Some(columns) = self.get().covariance_of.iter().find(|columns| columns.end > plan.n_columns())
        {
            let (expected, help) =
                (format!("columns below {}", plan.n_columns()), "give columns of the design");
            return Err(Error::argument("covariance of", expected, format!("{columns:?}"), help));
        }
        let Some(means) = self.means(plan, response) else {
            return Err(self.first_bad(plan, response));
        };
        let needed_bytes = plan.needed_bytes(response.y.ncols(), bytes_per_value, costs);
        match self.get().memory_limit_bytes {
            Some(limit_bytes) if needed_bytes > limit_bytes => {
                Err(Error::Memory { what: "the design".into(), needed_bytes, limit_bytes })
            }
            _ => Ok(self.nulls(plan, response, means)),
        }
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

    /// The mean of every target over the used bins; `None` if a value is not finite or not what the model knows.
    fn means(&self, plan: &DesignPlan, response: &Response) -> Option<Vec<f64>> {
        let rows = plan.rows();
        let n_targets = response.y.ncols();
        let is_0_good = self.outside(0.0).is_none();
        let of_piece = |used: Range<usize>| {
            let (mut sums, mut are_good) = (vec![Sum::default(); n_targets], true);
            response.y.visit(rows, used, |target, y| {
                if y != 0.0 || !is_0_good {
                    are_good &= y.is_finite() && self.outside(y).is_none();
                    sums[target].add(y);
                }
            });
            are_good.then_some(sums)
        };
        let parts = response.y.pieces(rows, of_piece).into_iter().collect::<Option<Vec<_>>>()?;
        let total = |target: usize| parts.iter().map(|part| part[target].value()).collect::<Sum>().value();
        Some((0..n_targets).map(|target| total(target) / rows.len() as f64).collect())
    }

    /// The null models; the mean deviance of a response is for those alone that need it.
    fn nulls(&self, plan: &DesignPlan, response: &Response, means: Vec<f64>) -> Vec<Null> {
        let (model, rows) = (self.get().model, plan.rows());
        let mut spreads = vec![0.0; means.len()];
        if Null::needs_spread(model.observation) {
            let of_piece = |used: Range<usize>| {
                let mut sums = vec![Sum::default(); means.len()];
                response.y.visit(rows, used, |target, y| {
                    sums[target].add(model.observation.deviance(y, means[target]));
                });
                sums
            };
            let parts = response.y.pieces(rows, of_piece);
            for (target, spread) in spreads.iter_mut().enumerate() {
                let total = parts.iter().map(|part| part[target].value()).collect::<Sum>().value();
                *spread = total / rows.len() as f64;
            }
        }
        means.into_iter().zip(spreads).map(|(mean, spread)| Null::new(model, mean, spread)).collect()
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
