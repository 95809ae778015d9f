//! Scores of points on bins that their fits have not seen.

use std::sync::Arc;

use super::bins::Bins;
use super::certificate::{Reported, read_back};
use super::inputs::Response;
use super::rank::varying;
use super::solve::Solved;
use super::spec::CheckedSpec;
use super::start::StartPoint;
use super::strength_path::MOST_TOGETHER;
use crate::Result;
use crate::backend::{Cpu, Every};
use crate::design::{Column, DesignPlan};
use crate::math::dense::Matrix;
use crate::math::sum::Sum;
use crate::objective::{GlmObjective, Objective, Packed, Parts};
use crate::observation::Observe;
use crate::solver::Status;

/// The bins of a fold that are scored.
pub(super) struct HeldOut<'p, 'd, 'r> {
    objective: GlmObjective<'p, Cpu<f64>>,
    plan: &'p DesignPlan<'d>,
    varying: Vec<usize>,
    response: &'p Response<'r>,
    spec: &'p CheckedSpec,
}

impl<'p, 'd, 'r> HeldOut<'p, 'd, 'r> {
    /// For points of all responses of so many fits.
    pub(super) fn new(
        on: &'p Cpu<f64>,
        plan: &'p DesignPlan<'d>,
        response: &'p Response<'r>,
        spec: &'p CheckedSpec,
        n_fits: usize,
    ) -> Result<Self> {
        let varying = varying(plan);
        let columns: Vec<Column> = varying.iter().map(|&column| Column::Source(column)).collect();
        let parts = Parts { rows: Arc::new(vec![plan.rows().clone()]), n_penalties: n_fits };
        let y = Packed::new(response.y, plan.rows()).in_parts(parts);
        let objective = GlmObjective::new(on, plan, &columns, &y, spec.get().model)?;
        Ok(Self { objective, plan, varying, response, spec })
    }

    /// The log-likelihood per bin of the points of every fit, one fit after the other; NaN of one whose fit did not arrive or had no
    /// event.
    pub(super) fn scores(&mut self, targets: &[&Solved]) -> Result<Vec<f64>> {
        let is_known = |k: &usize| targets[*k].status == Status::Converged;
        let known: Vec<usize> = (0..targets.len()).filter(is_known).collect();
        let point = |k: &usize| {
            let StartPoint { coef, intercept } = &targets[*k].point;
            let reported = Reported { coef: coef.clone(), intercept: *intercept };
            read_back(self.plan.scaling(), &reported, &self.varying)
        };
        let mut losses = vec![f64::NAN; targets.len()];
        for known in known.chunks(MOST_TOGETHER) {
            let points: Vec<Vec<f64>> = known.iter().map(point).collect();
            let at = Matrix::from_shape_fn((1 + self.varying.len(), known.len()), |(j, k)| points[k][j]);
            let mut gradient = Matrix::zeros(at.dim());
            let found = self.objective.loss_gradient(&at, known, Every::ROW, &mut gradient)?;
            known.iter().zip(found).for_each(|(&k, loss)| losses[k] = loss);
        }
        Ok(targets.iter().enumerate().map(|(k, fit)| self.score(k, fit, losses[k])).collect())
    }

    fn score(&self, target: usize, fit: &Solved, loss: f64) -> f64 {
        let target = target % self.response.y.ncols();
        let (model, bins) = (self.spec.get().model, Bins::from(self.plan));
        let n = bins.total_weight();
        if loss.is_nan() {
            return f64::NAN;
        }
        let observation = model.observation;
        // a dispersion is part of the model
        let scale = if observation.dispersion().is_some() { 1.0 } else { fit.scale };
        let free =
            |row: usize| bins.weight(row) * observation.free_of_mean(self.response.y.get(row, target), scale);
        let free: Sum = bins.rows.iter().map(free).collect();
        (free.value() - loss * n / (observation.factor() * scale)) / n
    }
}
