//! Fits to labels that are only scored, on bins that they have not seen.

use super::response::Labelled;
use super::start::{ClassPoint, parameters};
use crate::Result;
use crate::backend::{Cpu, Every};
use crate::design::{Column, DesignPlan};
use crate::glm::rank::varying;
use crate::math::contrasts::Contrasts;
use crate::math::dense::Matrix;
use crate::objective::{ClassObjective, Objective, Packed};

/// The bins of a fold that are scored.
pub(super) struct HeldOut<'p, 'd> {
    objective: ClassObjective<'p, Cpu<f64>>,
    plan: &'p DesignPlan<'d>,
    varying: Vec<usize>,
    contrasts: Contrasts,
}

impl<'p, 'd> HeldOut<'p, 'd> {
    pub(super) fn new(on: &'p Cpu<f64>, plan: &'p DesignPlan<'d>, response: &Labelled) -> Result<Self> {
        let (varying, contrasts) = (varying(plan), Contrasts::centred(response.classes().len()));
        let columns: Vec<Column> = varying.iter().map(|&column| Column::Source(column)).collect();
        let numbers = response.numbers();
        let y = Packed::new(numbers.view(), plan.rows());
        let objective = ClassObjective::new(on, plan, &columns, &y, contrasts.clone())?;
        Ok(Self { objective, plan, varying, contrasts })
    }

    /// The log-likelihood per bin, what bins count for included.
    pub(super) fn score(&mut self, point: &ClassPoint) -> Result<f64> {
        let at = parameters(self.plan.scaling(), point, &self.varying, &self.contrasts);
        let mut gradient = Matrix::zeros(at.dim());
        let losses = self.objective.loss_gradient(&at, &[0], Every::ROW, &mut gradient)?;
        Ok(-losses[0])
    }
}
