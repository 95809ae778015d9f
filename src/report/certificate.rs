//! [`Certificate`]: the proof of an optimum, of a target or of all classes of one.

use crate::glm::{ClassFit, Curve, FittedGlm, GapFrom, TargetFit};
use crate::solver::{Iterate, Status};

/// How a fit ended, and the numbers that prove it.
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    /// The target.
    pub name: &'a str,
    /// How it ended.
    pub status: Status,
    /// The largest component of the gradient relative to the terms that it is the sum of.
    pub kkt_residual: f64,
    /// Estimate of `loss - optimum`.
    pub loss_gap: f64,
    /// What that is compared with: it is at most the tolerance times this where a target converged.
    pub gap_scale: f64,
    /// The matrix that it was estimated with.
    pub gap_from: GapFrom,
    /// Mean loss, the penalty included.
    pub loss: f64,
    /// Steps of the solver.
    pub iterations: usize,
    /// Passes over the rows.
    pub passes: usize,
    /// Columns whose coefficients the data do not determine.
    pub aliased: &'a [String],
    /// What a user should know.
    pub warnings: &'a [String],
    /// The way to the optimum, where it was kept.
    pub history: &'a [Iterate],
    /// How well every strength of the penalty predicted bins that were not fitted, after a cross-validation.
    pub cv: Option<&'a Curve>,
}

impl<'a> Certificate<'a> {
    /// That of a target of a fit with so many events in its used bins.
    pub fn of(fit: &FittedGlm, target: &'a TargetFit, n_events: f64) -> Self {
        Self {
            name: &target.name,
            status: target.status,
            kkt_residual: target.kkt_residual,
            loss_gap: target.loss_gap,
            gap_scale: fit.gap_scale(target, n_events),
            gap_from: target.gap_from,
            loss: target.loss,
            iterations: target.iterations,
            passes: target.passes,
            aliased: &target.aliased,
            warnings: &target.warnings,
            history: &target.history,
            cv: target.cv.as_ref(),
        }
    }

    /// That of all classes of a target.
    pub fn of_classes(target: &'a ClassFit) -> Self {
        Self {
            name: &target.name,
            status: target.status,
            kkt_residual: target.kkt_residual,
            loss_gap: target.loss_gap,
            gap_scale: target.gap_scale.unwrap_or(target.loss.abs()),
            gap_from: target.gap_from,
            loss: target.loss,
            iterations: target.iterations,
            passes: target.passes,
            aliased: &target.aliased,
            warnings: &target.warnings,
            history: &target.history,
            cv: target.cv.as_ref(),
        }
    }
}
