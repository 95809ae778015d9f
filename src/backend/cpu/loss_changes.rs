//! Trial steps along a line: changes of the loss without touching the design again.

use super::lanes::{LANES, total};
use super::simd::{Kernel, Level, run};
use super::{Piece, TILE_ROWS};
use crate::backend::Model;
use crate::inverse_link::{Exp, InverseLink, InvertLink};
use crate::math::elementary::Vector;
use crate::math::real::Real;
use crate::observation::{ObservationModel, Observe, Poisson};

/// Sum over the first `n_valid` rows of `loss(y, eta + step·direction) - loss(y, eta)`, each term accurate relative
/// to itself however short the step.
pub(super) fn loss_changes<T: Real>(
    level: Level,
    model: Model,
    eta: &Piece<T>,
    direction: &Piece<T>,
    y: &Piece<T>,
    n_valid: usize,
    step: T,
) -> f64 {
    match (model.observation, model.inverse_link) {
        (ObservationModel::Poisson, InverseLink::Exp) => {
            run(level, Change { observation: Poisson, link: Exp, eta, direction, y, n_valid, step })
        }
    }
}

struct Change<'a, T, O, L> {
    observation: O,
    link: L,
    eta: &'a Piece<T>,
    direction: &'a Piece<T>,
    y: &'a Piece<T>,
    n_valid: usize,
    step: T,
}

impl<T: Real, O: Observe, L: InvertLink> Kernel for Change<'_, T, O, L> {
    type Output = f64;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> f64 {
        let functions = Vector::<FUSED>;
        let mut lanes = [T::ZERO; LANES];
        for first in (0..TILE_ROWS).step_by(LANES) {
            for lane in 0..LANES {
                let i = first + lane;
                let mean = self.link.mean(self.eta[i], functions);
                let change = self.link.mean_change(mean, self.step * self.direction[i], functions);
                let term = self.observation.loss_change(self.y[i], mean, change, functions);
                lanes[lane] += if i < self.n_valid { term } else { T::ZERO };
            }
        }
        total(&lanes)
    }
}
