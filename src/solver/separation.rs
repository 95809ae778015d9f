//! The suspicion that a target is on its way to infinity, before the objective is asked whether it is
//! ([`Objective::separation`]), which takes several passes.
//!
//! It gives itself away: Newton's step keeps moving some rows by about 1, and moves no row the wrong way by much.

use crate::Result;
use crate::backend::Reach;
use crate::math::dense::Matrix;
use crate::objective::Objective;
use crate::observation::Recession;

/// How far a step moves the linear predictor if the target may be running away.
pub(super) const RUNNING: f64 = 0.3;
/// The largest part of its reach by which such a step moves rows the wrong way.
const WRONG: f64 = 0.1;

/// Whether a step of `target` from the point `at` may be one of many to infinity.
///
/// # Errors
/// If the objective fails.
pub(super) fn is_suspect(f: &mut dyn Objective, target: usize, at: &[f64], step: &[f64]) -> Result<bool> {
    let (kind, reach) = (f.recession(), reach(f, target, at, step)?);
    Ok(reach.all > RUNNING && wrong_way(kind, &reach) <= WRONG * reach.all)
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
