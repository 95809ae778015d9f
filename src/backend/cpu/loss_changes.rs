//! Trial steps along a line: changes of the loss without touching the design again.

use super::lanes::{LANES, total};
use super::simd::{Kernel, Level, run};
use super::{Piece, TILE_ROWS};
use crate::backend::Model;
use crate::inverse_link::InvertLink;
use crate::math::elementary::Vector;
use crate::math::real::Real;
use crate::observation::{Observe, Pair, WithPair};

/// Sum over the first `n_valid` rows of `loss(y, eta + step·direction) - loss(y, eta)`, each term accurate relative
/// to itself however short the step, times the weights if there are any.
#[allow(clippy::too_many_arguments)]
pub(super) fn loss_changes<T: Real>(
    level: Level,
    model: Model,
    eta: &Piece<T>,
    direction: &Piece<T>,
    y: &Piece<T>,
    weights: Option<&Piece<T>>,
    n_valid: usize,
    step: T,
) -> f64 {
    model.with(Rows { level, eta, direction, y, weights, n_valid, step })
}

/// Rows, before the model is known.
struct Rows<'a, T> {
    level: Level,
    eta: &'a Piece<T>,
    direction: &'a Piece<T>,
    y: &'a Piece<T>,
    weights: Option<&'a Piece<T>>,
    n_valid: usize,
    step: T,
}

impl<T: Real> WithPair for Rows<'_, T> {
    type Output = f64;

    #[inline]
    fn run<O: Observe, L: InvertLink, const CANONICAL: bool>(self, pair: Pair<O, L, CANONICAL>) -> f64 {
        run(self.level, Change { pair, rows: self })
    }
}

/// Rows and the pair that the loop is compiled for.
struct Change<'a, T, P> {
    pair: P,
    rows: Rows<'a, T>,
}

impl<T: Real, O: Observe, L: InvertLink, const CANONICAL: bool> Kernel
    for Change<'_, T, Pair<O, L, CANONICAL>>
{
    type Output = f64;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> f64 {
        let functions = Vector::<FUSED>;
        let Self { pair: Pair { observation, link }, rows } = self;
        let mut lanes = [T::ZERO; LANES];
        for first in (0..TILE_ROWS).step_by(LANES) {
            let mut terms = [T::ZERO; LANES];
            for lane in 0..LANES {
                let i = first + lane;
                let mean = link.mean(rows.eta[i], functions);
                let change = link.mean_change(rows.eta[i], mean, rows.step * rows.direction[i], functions);
                let term = observation.loss_change(rows.y[i], mean, change, functions);
                terms[lane] = if i < rows.n_valid { term } else { T::ZERO };
            }
            if let Some(weights) = rows.weights {
                for lane in 0..LANES {
                    terms[lane] *= weights[first + lane];
                }
            }
            for lane in 0..LANES {
                lanes[lane] += terms[lane];
            }
        }
        total(&lanes)
    }
}
