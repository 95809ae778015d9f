//! Where targets stand after a round of the solver, and whether it goes on with them.

use std::time::Instant;

use rayon::prelude::*;

use super::certificate::{Inference, RESTLESS, Reported};
use super::fit::{FLOOR, Fit};
use crate::Result;
use crate::backend::Cpu;
use crate::objective::{GlmObjective, Objective, Optimality, Separation};
use crate::solver::{Outcome, Solution, Status, Watch};

/// Where one target stands.
pub(super) struct Standing {
    pub(super) reported: Reported,
    pub(super) optimality: Optimality,
    /// The loss gap by the flat Gram.
    pub(super) flat_gap: f64,
    pub(super) inference: Option<Inference>,
    pub(super) outcome: Outcome,
    /// Whether its loss has a minimum, if there was reason to ask.
    pub(super) separation: Option<Separation>,
    /// Whether all was looked at that there was reason to look at: Hessian and separation.
    pub(super) is_examined: bool,
    /// Whether its Hessian was wanted and is singular to rounding.
    pub(super) is_singular: bool,
    /// See [`super::TargetFit::scale`]; 1 where the model is given its variance.
    pub(super) scale: f64,
}

impl Fit<'_, '_, '_> {
    /// The certificate of every target where the solver left it.
    pub(super) fn ends(
        &self,
        over_all: &mut GlmObjective<Cpu<f64>>,
        solution: &Solution,
        targets: &[usize],
    ) -> Result<Vec<Standing>> {
        let reports = self.reports(&solution.at);
        let optimality = self.optimality(over_all, &reports, targets)?;
        let gap = |(&target, optimality): (&usize, &Optimality)| self.flat_gap(target, optimality);
        let gaps: Vec<f64> = if targets.len() == 1 {
            targets.iter().zip(&optimality).map(gap).collect()
        } else {
            targets.par_iter().zip(&optimality).map(gap).collect()
        };
        let ends = reports.into_iter().zip(optimality).zip(gaps).zip(&solution.outcomes);
        let end = |(k, (((reported, optimality), flat_gap), outcome)): (usize, (_, &Outcome))| Standing {
            scale: self.scale(targets[k], &reported, &optimality),
            reported,
            optimality,
            flat_gap,
            inference: None,
            outcome: outcome.clone(),
            separation: None,
            is_examined: false,
            is_singular: false,
        };
        Ok(ends.enumerate().map(end).collect())
    }

    /// Whether the Hessian at the point is wanted: for standard errors, or, where these are left out, to see whether a target
    /// with rows far from the mean is running away. Where the penalty has kinks no other matrix tells the gap.
    fn wants_hessian(
        &self,
        target: usize,
        n_parameters: usize,
        end: &Standing,
        left_out: bool,
    ) -> Result<bool> {
        let selects = !self.penalty.kinks().is_none();
        Ok(!left_out
            || selects
            || (self.is_proven(target, end, left_out)
                && end.optimality.n_faint > 0.0
                && !self.events_span(target, n_parameters)?))
    }

    /// Looks at a target where the solver left it, and asks whether it is separated where that is in doubt.
    pub(super) fn examine(
        &self,
        f: &mut GlmObjective<Cpu<f64>>,
        (target, at): (usize, &[f64]),
        end: &mut Standing,
        left_out: bool,
        until: Option<Instant>,
    ) -> Result<()> {
        if self.wants_hessian(target, f.n_parameters(), end, left_out)? {
            end.inference = self.infer(f, target, at, end)?;
            end.is_singular = end.inference.is_none();
        }
        Self::ask(f, (target, at), end, until)?;
        end.is_examined = true;
        Ok(())
    }

    /// Asks whether the loss of a target has a minimum if it did not come to rest at one, or if nothing tells whether it did.
    fn ask(
        f: &mut GlmObjective<Cpu<f64>>,
        (target, at): (usize, &[f64]),
        end: &mut Standing,
        until: Option<Instant>,
    ) -> Result<()> {
        let ended = matches!(end.outcome.status, Status::MaxIterations | Status::Stalled | Status::Failed);
        if end.outcome.recession.is_none() && (ended || end.runs() || end.is_singular) {
            let step = end.inference.as_ref().map_or(at, |inference| &inference.step);
            end.separation = Some(f.separation(target, [at, step], until)?);
        }
        Ok(())
    }

    /// Whether the solver should go on although it says that it has arrived.
    fn is_open(&self, target: usize, standing: &Standing, left_out: bool) -> bool {
        standing.outcome.status == Status::Converged
            && standing.recession().is_none()
            && (standing.is_restless() || !self.is_proven(target, standing, left_out))
    }

    /// Whether the solver goes on with a target. One that should, but may not, is told why: its last step may be one that
    /// only the certificate has looked at.
    pub(super) fn goes_on(
        &self,
        target: usize,
        standing: &mut Standing,
        left_out: bool,
        watch: &Watch,
    ) -> bool {
        if !self.is_open(target, standing, left_out) {
            return false;
        }
        let outcome = &mut standing.outcome;
        if watch.max_iterations.is_some_and(|most| outcome.iterations >= most) {
            outcome.status = Status::MaxIterations;
            return false;
        }
        if watch.is_late() {
            outcome.status = Status::Stopped;
            return false;
        }
        watch.goal > FLOOR
    }
}

impl Standing {
    /// Whether the fit was asked to stop before a certificate could be computed.
    pub(super) fn is_unproven(&self) -> bool {
        self.outcome.status == Status::Stopped && self.optimality.loss.is_nan()
    }

    /// The direction along which the loss falls for ever, if there is one.
    pub(super) fn recession(&self) -> Option<&Vec<f64>> {
        match &self.separation {
            Some(Separation::Recedes(direction)) => Some(direction),
            _ => self.outcome.recession.as_ref(),
        }
    }

    /// Whether it may be running away.
    fn runs(&self) -> bool {
        self.inference.as_ref().is_some_and(Inference::runs)
    }

    /// Whether the next Newton step would still move rows by much.
    fn is_restless(&self) -> bool {
        self.inference.as_ref().is_some_and(|inference| inference.step_reach > RESTLESS)
    }

    /// Whether it may be running away without end, and nobody can tell.
    pub(super) fn is_in_doubt(&self) -> bool {
        (self.runs() || self.is_singular) && self.separation == Some(Separation::Undecided)
    }

    /// Adds the work of an earlier round.
    pub(super) fn after(mut self, earlier: Option<Self>) -> Self {
        if let Some(mut earlier) = earlier {
            let mut history = std::mem::take(&mut earlier.outcome.history);
            // it went on from the last point
            history.pop();
            self.outcome.history.iter_mut().for_each(|point| point.iteration += earlier.outcome.iterations);
            history.append(&mut self.outcome.history);
            self.outcome.history = history;
            self.outcome.iterations += earlier.outcome.iterations;
            self.outcome.passes += earlier.outcome.passes;
            self.outcome.taken_over |= earlier.outcome.taken_over;
        }
        self
    }
}
