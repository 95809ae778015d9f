//! Loss and residual of the rows of one tile.

use super::Worker;
use crate::backend::{Beside, Model, POINTWISE_SUMS};
use crate::inverse_link::{Exp, InverseLink, InvertLink};
use crate::observation::{ObservationModel, Observe, Poisson};

/// Turns the linear predictors of the tile into residuals; `y` holds one column per target of the fit.
pub(super) fn pointwise(work: &mut Worker, model: Model, y: &[f64], beside: Beside) {
    match (model.observation, model.inverse_link) {
        (ObservationModel::Poisson, InverseLink::Exp) => canonical(work, Poisson, Exp, y, beside),
    }
}

/// The loop for an observation model with its canonical link: residual `mu - y`, curvature the variance.
fn canonical(work: &mut Worker, observation: impl Observe, link: impl InvertLink, y: &[f64], beside: Beside) {
    let n = work.n;
    for (k, &target) in work.targets.iter().enumerate() {
        let rows = k * n..(k + 1) * n;
        let (mut loss, mut total) = (0.0, 0.0);
        let written = work.residual[rows.clone()].iter_mut().zip(&mut work.beside[rows.clone()]);
        let given = work.eta[rows].iter().zip(&y[target * n..(target + 1) * n]);
        for ((residual, beside_row), (&eta, &y)) in written.zip(given) {
            let mean = link.mean(eta);
            *residual = mean.mu - y;
            loss += observation.loss(y, mean);
            total += *residual;
            *beside_row = match beside {
                Beside::Nothing => 0.0,
                Beside::Curvature => observation.variance(mean.mu),
                Beside::Magnitude => mean.mu + residual.abs(),
                Beside::Events => f64::from(u8::from(y != 0.0)),
            };
        }
        work.sums[POINTWISE_SUMS[0]][k] += loss;
        work.sums[POINTWISE_SUMS[1]][k] += total;
    }
}
