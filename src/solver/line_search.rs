//! Which steps are taken, and step lengths along a direction whose full step is not, for all targets at once.

use super::dot;
use super::run::{Heading, Point};
use crate::Result;
use crate::objective::{Kinks, Objective};

/// A step must bring this part of what the slope promises (Armijo).
const SUFFICIENT: f64 = 1e-4;
/// Part of the slope that may be left, with the other sign, where losses cannot be compared.
const SLOPE_LEFT: f64 = 0.8;
/// Rise of a loss, relative, that is no rounding, in numbers of any precision.
const RISEN: f64 = 1e-3;
/// How much longer a step is tried next that a parabola calls too short.
const LONGER: f64 = 3.0;
/// Trials before a direction is given up.
const MAX_TRIALS: usize = 40;

/// Whether the full step to `to` is taken. Losses are compared where their difference is more than `rounding` times
/// `scale`; closer together the slope at the end of the step decides. A slope that still falls is good, because the loss is
/// convex along a line; of the few models where it need not be it must not have risen on the way. A penalty with `kinks` has
/// its slope just before the end.
pub(super) fn is_acceptable(
    from: &Point,
    heading: &Heading,
    to: &Point,
    kinks: &Kinks,
    rounding: f64,
    scale: f64,
) -> bool {
    if !to.loss.is_finite() || to.gradient.iter().any(|g| !g.is_finite()) {
        return false;
    }
    let direction = &heading.direction;
    let (before, after) =
        (heading.slope, dot(direction, &to.gradient) + kinks.slope_before(&to.at, direction));
    let change = to.loss - from.loss;
    if after <= 0.0 {
        return change <= RISEN * scale;
    }
    if change.abs() > rounding * scale {
        change <= SUFFICIENT * before
    } else {
        after <= SLOPE_LEFT * before.abs()
    }
}

/// The step after one that brought `change`: the minimum of the parabola through the slope and that trial, kept inside
/// the interval. A change that is not finite is that of a step far too long.
pub(super) fn shorter(step: f64, change: f64, slope: f64) -> f64 {
    let minimum = parabola(step, change, slope);
    if minimum.is_finite() { minimum.clamp(0.1 * step, 0.5 * step) } else { 0.1 * step }
}

/// Where the parabola through the slope and the change of a trial is smallest.
fn parabola(step: f64, change: f64, slope: f64) -> f64 {
    -slope * step * step / (2.0 * (change - slope * step))
}

/// Step lengths along the direction that `f` aims at, from the trials `steps` on; `slopes` are the directional
/// derivatives (negative). A step that is acceptable, but far too short by the parabola, is made longer as long as that
/// helps: a trial costs much less than another direction. `None` where no trial is acceptable. With each the trials that it
/// took.
pub(super) fn search(
    f: &mut dyn Objective,
    slopes: &[f64],
    mut steps: Vec<f64>,
) -> Result<Vec<(Option<f64>, usize)>> {
    let mut n_trials = vec![0; slopes.len()];
    let mut found: Vec<Option<f64>> = vec![None; slopes.len()];
    // acceptable steps that may be too short, with their changes
    let mut best: Vec<Option<(f64, f64)>> = vec![None; slopes.len()];
    for _ in 0..MAX_TRIALS {
        let changes = f.loss_changes(&steps)?;
        for (k, (&change, &slope)) in changes.iter().zip(slopes).enumerate() {
            if found[k].is_some() {
                continue;
            }
            n_trials[k] += 1;
            let step = steps[k];
            let is_better = best[k].is_none_or(|(_, least)| change < least);
            if change <= SUFFICIENT * step * slope && is_better {
                let minimum = parabola(step, change, slope);
                if step < 1.0 / LONGER && minimum > LONGER * step {
                    best[k] = Some((step, change));
                    steps[k] = LONGER * step;
                } else {
                    found[k] = Some(step);
                }
            } else if let Some((step, _)) = best[k] {
                found[k] = Some(step);
            } else {
                steps[k] = shorter(step, change, slope);
            }
        }
        if found.iter().all(Option::is_some) {
            break;
        }
    }
    let any = found.into_iter().zip(best).map(|(found, best)| found.or(best.map(|(step, _)| step)));
    Ok(any.zip(n_trials).collect())
}
