//! Where a fit begins: no effect of any feature and the mean response, or coefficients that are near.

use super::certificate::{Reported, read_back};
use super::fit::Fit;
use super::fitted::TargetFit;
use crate::math::dense::Matrix;
use crate::solver::Start;

/// Coefficients of one target to begin with, in the user's units: those of an earlier fit to similar data.
#[derive(Clone, Debug, PartialEq)]
pub struct StartPoint {
    /// One per column of the design.
    pub coef: Vec<f64>,
    /// The intercept.
    pub intercept: f64,
}

impl From<&TargetFit> for StartPoint {
    fn from(fit: &TargetFit) -> Self {
        Self { coef: fit.coef.clone(), intercept: fit.intercept }
    }
}

impl StartPoint {
    /// Parameters of these columns, if they are numbers: the intercept of a silent target is none.
    fn parameters(&self, fit: &Fit) -> Option<Vec<f64>> {
        let reported = Reported { coef: self.coef.clone(), intercept: self.intercept };
        let parameters = read_back(fit.plan.scaling(), &reported, &fit.varying);
        parameters.iter().all(|parameter| parameter.is_finite()).then_some(parameters)
    }
}

impl Fit<'_, '_, '_> {
    /// Where each target begins. Where it may be misled, by coefficients from elsewhere or by part of the rows, with the
    /// mean response to go back to.
    pub(super) fn start(&self, live: &[usize], on_part: bool) -> Start {
        let at = self.mean_responses(live);
        if !self.plan.has_intercept() {
            return self.near(at, live).into();
        }
        if self.spec.get().start.is_empty() {
            let known = on_part.then(|| (at.clone(), self.null_losses(live)));
            return Start { at, known };
        }
        let near = self.near(at.clone(), live);
        Start { at: near, known: Some((at, self.null_losses(live))) }
    }

    /// The coefficients to begin with, where there are some and they are numbers.
    fn near(&self, mut near: Matrix, live: &[usize]) -> Matrix {
        if self.spec.get().start.is_empty() {
            return near;
        }
        // members that are no columns would have to be found by a regression
        if self.rank.is_whole(&self.varying) {
            for (mut column, &target) in near.columns_mut().into_iter().zip(live) {
                if let Some(parameters) = self.spec.get().start[target].parameters(self) {
                    column.iter_mut().zip(parameters).for_each(|(to, parameter)| *to = parameter);
                }
            }
        }
        near
    }

    /// No effect of any feature, the mean response; without an intercept as near to it as the columns come.
    fn mean_responses(&self, live: &[usize]) -> Matrix {
        if !self.plan.has_intercept() {
            return self.near_mean_responses(live);
        }
        Matrix::from_shape_fn((1 + self.rank.n_members(), live.len()), |(j, k)| {
            if j > 0 { 0.0 } else { self.metric.nulls[live[k]].eta }
        })
    }

    /// The linear predictors nearest to those of the mean responses, by least squares.
    fn near_mean_responses(&self, live: &[usize]) -> Matrix {
        let ones = vec![1.0; self.plan.n_rows()];
        let n = ones.len() as f64;
        let of_columns = self.plan.products(&self.varying, &ones);
        let of_member = |k: usize| {
            let factors = self.varying.iter().map(|&column| self.rank.to_standard[(column, k)]);
            factors.zip(&of_columns).map(|(factor, sum)| factor * sum / n).sum::<f64>()
        };
        let along: Vec<f64> = std::iter::once(0.0).chain((0..self.rank.n_members()).map(of_member)).collect();
        let mut at = Matrix::zeros((along.len(), live.len()));
        for (mut column, &target) in at.columns_mut().into_iter().zip(live) {
            let null = &self.metric.nulls[target];
            let gradient: Vec<f64> = along.iter().map(|sum| sum * null.eta * null.curvature).collect();
            let step = self.metric.step(target, &gradient);
            column.iter_mut().zip(step).for_each(|(to, value)| *to = value);
        }
        at
    }

    fn null_losses(&self, live: &[usize]) -> Vec<f64> {
        live.iter().map(|&target| self.metric.nulls[target].loss).collect()
    }
}
