//! Separation: directions along which the loss falls for ever.
//!
//! The loss of Poisson counts has no minimum if and only if a direction leaves the rows with events where they are, raises
//! none of the others and lowers some. That of a model of an event or none has none if and only if a direction lowers no
//! row with an event, raises none without, and moves some. The loss of a Gaussian response always has one. A target on its
//! way to infinity gives itself away: Newton's step keeps moving some rows by about 1. Its step is nearly such a
//! direction; projected onto the directions that leave the rows that hold their place exactly where they are it becomes
//! one, or vanishes.

use crate::Result;
use crate::backend::{Every, Reach};
use crate::math::dense::{Matrix, null_space};
use crate::objective::{Objective, Weight};
use crate::observation::Recession;

/// How far a step moves the linear predictor if the target may be running away.
pub(super) const RUNNING: f64 = 0.3;
/// Rounding of the products of a direction, relative to the farthest row it moves.
const ROUNDING: f64 = 1e-6;
/// Eigenvalue below which the rows that hold their place do not see a direction, relative to the largest.
const UNSEEN: f64 = 1e-12;
/// Part of the reach of a step that must be left after the projection.
const LEFT: f64 = 0.1;

/// The direction of recession near a step of `target` at the point `at`, scaled to move the farthest row by 1;
/// `None` if there is none.
///
/// # Errors
/// If the objective fails.
pub fn recession(f: &mut dyn Objective, target: usize, at: &[f64], step: &[f64]) -> Result<Option<Vec<f64>>> {
    let kind = f.recession();
    if kind == Recession::Never {
        return Ok(None);
    }
    let reach = reach(f, target, at, step)?;
    if !(reach.all > 0.0 && wrong_way(kind, &reach) <= 0.1 * reach.all) {
        return Ok(None);
    }
    let held = f.gram(Every::ROW, Weight::Held { target, at })?;
    let Some(unseen) = null_space(&held, UNSEEN) else { return Ok(None) };
    let along = unseen.t().dot(&ndarray::ArrayView1::from(step));
    let projected = unseen.dot(&along).to_vec();
    let own = self::reach(f, target, at, &projected)?;
    let recedes = own.all > LEFT * reach.all && wrong_way(kind, &own) <= ROUNDING * own.all;
    Ok(recedes.then(|| projected.iter().map(|d| d / own.all).collect()))
}

/// How far a step moves rows where no direction of recession does.
fn wrong_way(kind: Recession, reach: &Reach) -> f64 {
    match kind {
        Recession::Never => reach.all,
        Recession::Down => reach.events.max(reach.silent),
        Recession::Apart => reach.fall.max(reach.silent),
    }
}

/// How far a step moves the linear predictor of `target`.
///
/// # Errors
/// If the objective fails.
pub fn reach(f: &mut dyn Objective, target: usize, at: &[f64], step: &[f64]) -> Result<Reach> {
    let column = |values: &[f64]| Matrix::from_shape_fn((values.len(), 1), |(j, _)| values[j]);
    f.aim(&column(at), &column(step), &[target])?;
    Ok(f.reach()?.first().copied().unwrap_or(Reach::NONE))
}
