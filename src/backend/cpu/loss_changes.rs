//! Trial steps along a line: changes of the loss without touching the design again.

use super::{Array, Line};
use crate::backend::{Model, Reach};
use crate::inverse_link::{Exp, InverseLink, InvertLink};
use crate::observation::{ObservationModel, Observe, Poisson};

/// Change of each target's total loss from step 0 to its step.
pub(super) fn loss_changes(line: &Line, model: Model, y: &Array, steps: &[f64]) -> Vec<f64> {
    match (model.observation, model.inverse_link) {
        (ObservationModel::Poisson, InverseLink::Exp) => changes(line, Poisson, Exp, y, steps),
    }
}

fn changes(
    line: &Line,
    observation: impl Observe,
    link: impl InvertLink,
    y: &Array,
    steps: &[f64],
) -> Vec<f64> {
    let term = |k: usize, total: &mut f64, y: &[f64], eta: &[f64], direction: &[f64]| {
        for ((&y, &eta), &direction) in y.iter().zip(eta).zip(direction) {
            let mean = link.mean(eta);
            *total += observation.loss_change(y, mean, link.mean_change(mean, steps[k] * direction));
        }
    };
    line.fold(y, 0.0, term, |a, b| a + b)
}

/// How far the direction moves each target's linear predictor.
pub(super) fn reach(line: &Line, y: &Array) -> Vec<Reach> {
    let none = Reach { all: 0.0, events: 0.0, silent: f64::NEG_INFINITY };
    let term = |_: usize, reach: &mut Reach, y: &[f64], _: &[f64], direction: &[f64]| {
        for (&y, &direction) in y.iter().zip(direction) {
            reach.all = reach.all.max(direction.abs());
            if y == 0.0 {
                reach.silent = reach.silent.max(direction);
            } else {
                reach.events = reach.events.max(direction.abs());
            }
        }
    };
    let join = |a: Reach, b: Reach| Reach {
        all: a.all.max(b.all),
        events: a.events.max(b.events),
        silent: a.silent.max(b.silent),
    };
    line.fold(y, none, term, join)
}
