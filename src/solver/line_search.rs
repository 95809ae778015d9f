//! Step lengths along a direction of descent, for all targets at once.

use crate::Result;
use crate::objective::Objective;

/// A step must bring this part of what the slope promises (Armijo).
const SUFFICIENT: f64 = 1e-4;
/// Trials before a direction is given up.
const MAX_TRIALS: usize = 40;

/// Step lengths along the direction that `f` aims at; `slopes` are the directional derivatives (negative).
/// Starts at 1; a loss change that is not finite is a rejected trial. `None` where no trial is acceptable.
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
