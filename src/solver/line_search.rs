//! Which steps are taken, and step lengths along a direction whose full step is not, for all targets at once.

use super::dot;
use super::run::{Heading, Point};
use crate::Result;
use crate::objective::Objective;

/// A step must bring this part of what the slope promises (Armijo).
const SUFFICIENT: f64 = 1e-4;
/// Part of the slope that may be left, with the other sign, where losses cannot be compared.
const SLOPE_LEFT: f64 = 0.8;
/// Trials before a direction is given up.
const MAX_TRIALS: usize = 40;

/// Whether the full step to `to` is taken. Losses are compared where their difference is more than `rounding` times
/// `scale`; closer together the slope at the end of the step decides. A slope that still falls is always good, because
/// the loss is convex along a line.
pub(super) fn is_acceptable(from: &Point, heading: &Heading, to: &Point, rounding: f64, scale: f64) -> bool {
    if !to.loss.is_finite() || to.gradient.iter().any(|g| !g.is_finite()) {
        return false;
    }
    let (before, after) = (dot(&heading.direction, &from.gradient), dot(&heading.direction, &to.gradient));
    if after <= 0.0 {
        return true;
    }
    let change = to.loss - from.loss;
    if change.abs() > rounding * scale {
        change <= SUFFICIENT * before
    } else {
        after <= SLOPE_LEFT * before.abs()
    }
}

/// Step lengths along the direction that `f` aims at; `slopes` are the directional derivatives (negative).
/// Starts at 1, which the accurate change may still find good; a loss change that is not finite is a rejected trial. `None` where no trial is
/// acceptable.
pub(super) fn search(f: &mut dyn Objective, slopes: &[f64]) -> Result<Vec<Option<f64>>> {
    let mut steps = vec![1.0; slopes.len()];
    let mut found: Vec<Option<f64>> = vec![None; slopes.len()];
    for _ in 0..MAX_TRIALS {
        let changes = f.loss_changes(&steps)?;
        for (k, (&change, &slope)) in changes.iter().zip(slopes).enumerate() {
            if found[k].is_some() {
                continue;
            }
            let step = steps[k];
            if change <= SUFFICIENT * step * slope {
                found[k] = Some(step);
            } else {
                // minimum of the parabola through the slope and the trial, kept inside the interval
                let parabola = -slope * step * step / (2.0 * (change - slope * step));
                steps[k] =
                    if parabola.is_finite() { parabola.clamp(0.1 * step, 0.5 * step) } else { 0.1 * step };
            }
        }
        if found.iter().all(Option::is_some) {
            break;
        }
    }
    Ok(found)
}
