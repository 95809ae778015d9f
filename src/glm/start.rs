//! Where a fit begins: no effect of any feature, the mean rate.

use super::fit::Fit;
use crate::backend::{Every, Model};
use crate::inverse_link::{Exp, InverseLink, InvertLink, Mean};
use crate::math::dense::Matrix;
use crate::math::elementary::Standard;
use crate::observation::{ObservationModel, Observe, Poisson};
use crate::solver::Sample;

impl Fit<'_, '_, '_> {
    /// These rows for the first steps of a target, from the mean rate on.
    pub(super) fn sample(&self, target: usize, every: Every) -> Sample {
        let mean_y = self.metric.mean_y[target];
        // the loss is linear in the response: at a constant rate its mean is the loss of the mean
        let Model { observation: ObservationModel::Poisson, inverse_link: InverseLink::Exp } =
            self.spec.get().model;
        let mean = Mean { mu: mean_y, log_mu: mean_y.ln() };
        Sample { every, start_loss: Poisson.loss(mean_y, mean, Standard) }
    }

    /// No effect of any feature, the mean rate.
    pub(super) fn start(&self, live: &[usize]) -> Matrix {
        let link = |mean: f64| match self.spec.get().model.inverse_link {
            InverseLink::Exp => Exp.link(mean),
        };
        Matrix::from_shape_fn((1 + self.rank.n_members(), live.len()), |(j, k)| {
            if j > 0 { 0.0 } else { link(self.metric.mean_y[live[k]]) }
        })
    }
}
