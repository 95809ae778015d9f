//! What goes into a fit, and what is wrong with it.

use rayon::prelude::*;

use super::spec::CheckedSpec;
use crate::backend::cpu::simd::Level;
use crate::design::DesignPlan;
use crate::math::sum::Sum;
use crate::objective::Counts;
use crate::observation::{ObservationModel, Observe, Poisson};
use crate::{Error, Result};

/// Rows that one thread looks at together.
const PIECE: usize = 1 << 16;

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
    /// mean response of every target.
    pub(super) fn check_inputs(
        &self,
        plan: &DesignPlan,
        response: &Response,
        bytes_per_value: usize,
        level: Level,
    ) -> Result<Vec<f64>> {
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
        let of_target = |target: usize| self.mean_of(plan, response, target);
        let means: Vec<Option<f64>> = match response.y.ncols() {
            1 => vec![of_target(0)],
            n_targets => (0..n_targets).into_par_iter().map(of_target).collect(),
        };
        if means.iter().any(Option::is_none) {
            return Err(self.first_bad(plan, response));
        }
        let needed_bytes = plan.needed_bytes(response.y.ncols(), bytes_per_value, level);
        match self.get().memory_limit_bytes {
            Some(limit_bytes) if needed_bytes > limit_bytes => {
                Err(Error::Memory { what: "the design".into(), needed_bytes, limit_bytes })
            }
            _ => Ok(means.into_iter().flatten().collect()),
        }
    }

    /// The mean of one target over its used bins; `None` if a value is not finite or not what the model knows.
    fn mean_of(&self, plan: &DesignPlan, response: &Response, target: usize) -> Option<f64> {
        let y = response.y.target(target);
        let slice = if let Counts::F64(y) = &y { y.to_slice() } else { None };
        let rows = plan.rows();
        let of_piece = |first: usize| {
            let mut sum = Sum::default();
            for row in rows.some(first..rows.len().min(first + PIECE)) {
                let y = slice.map_or_else(|| y.get(row, 0), |y| y[row]);
                if y != 0.0 {
                    if !y.is_finite() || self.outside(y).is_some() {
                        return None;
                    }
                    sum.add(y);
                }
            }
            Some(sum.value())
        };
        let firsts: Vec<usize> = (0..rows.len()).step_by(PIECE).collect();
        let parts: Vec<Option<f64>> = firsts.into_par_iter().map(of_piece).collect();
        let total = parts.into_iter().collect::<Option<Vec<f64>>>()?;
        Some(total.into_iter().collect::<Sum>().value() / rows.len() as f64)
    }

    fn outside(&self, y: f64) -> Option<&'static str> {
        match self.get().model.observation {
            ObservationModel::Poisson => Poisson.outside(y),
        }
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
