//! What the descent knows of one target.

use super::{Halted, Iterate, Outcome, Solution, Status, Watch};
use crate::observation::Null;
use crate::{Error, Result};

/// A point that was looked at.
#[derive(Clone)]
pub(super) struct Point {
    pub(super) at: Vec<f64>,
    pub(super) loss: f64,
    pub(super) gradient: Vec<f64>,
}

/// Where to go from a point.
#[derive(Clone)]
pub(super) struct Heading {
    /// A direction of descent.
    pub(super) direction: Vec<f64>,
    /// Estimate of `loss - optimum`.
    pub(super) gap: f64,
    /// What a full step would bring if the loss were a straight line and the penalty as it is: below 0.
    pub(super) slope: f64,
}

/// Why a point is looked at next.
pub(super) enum Next {
    /// It is the start of a stage, or what a search along the direction found: it is taken.
    Take,
    /// A full step from here: it is taken if it is good.
    Try(Point, Heading),
}

/// One target in a minimisation.
pub(super) struct Run {
    /// Column of the response.
    pub(super) target: usize,
    /// The best point so far; the next to look at while `next` is [`Next::Take`].
    pub(super) at: Vec<f64>,
    pub(super) next: Next,
    /// How it ended, if it did.
    pub(super) outcome: Option<Status>,
    /// Whether it has done what the present stage is for.
    pub(super) rests: bool,
    /// Whether another solver is to go on with it.
    pub(super) leaves: bool,
    /// Whether another solver did.
    pub(super) taken_over: bool,
    /// A point to go back to and its loss over all rows, until the first look at all rows.
    pub(super) known: Option<(Vec<f64>, f64)>,
    pub(super) iterations: usize,
    pub(super) passes: usize,
    pub(super) best_gap: f64,
    /// Steps without progress.
    pub(super) idle: usize,
    /// The gap of the last step, and the passes it had taken when a step halved the gap for the last time.
    last_gap: f64,
    halved_at: usize,
    /// Whether its loss has a minimum, once that was asked.
    pub(super) separation: Option<Separation>,
    pub(super) history: Vec<Iterate>,
}

impl Run {
    pub(super) fn new(target: usize, at: Vec<f64>) -> Self {
        Self {
            target,
            at,
            next: Next::Take,
            outcome: None,
            rests: false,
            leaves: false,
            taken_over: false,
            known: None,
            iterations: 0,
            passes: 0,
            best_gap: f64::INFINITY,
            idle: 0,
            last_gap: f64::INFINITY,
            halved_at: 0,
            separation: None,
            history: Vec::new(),
        }
    }

    /// Whether it ended where Newton's own Hessian may lead on.
    pub(super) fn needs_newton(&self) -> bool {
        matches!(self.outcome, Some(Status::Stalled | Status::Failed | Status::MaxIterations))
    }

    /// Makes ready for the next stage, at the best point so far.
    pub(super) fn start_stage(&mut self) {
        if let Next::Try(point, _) = std::mem::replace(&mut self.next, Next::Take) {
            self.at = point.at;
        }
        self.rests = false;
        self.idle = 0;
        self.best_gap = f64::INFINITY;
        self.last_gap = f64::INFINITY;
    }

    pub(super) fn is_active(&self) -> bool {
        self.outcome.is_none() && !self.rests && !self.leaves
    }

    /// The point to look at next.
    pub(super) fn candidate(&self) -> Vec<f64> {
        match &self.next {
            Next::Take => self.at.clone(),
            Next::Try(point, heading) => {
                point.at.iter().zip(&heading.direction).map(|(w, d)| w + d).collect()
            }
        }
    }

    /// Goes back to the known point if the loss over all rows, at the first look at them, is larger; whether it does.
    /// `rounding` is that of a loss, relative to it or to the size of the null model's.
    pub(super) fn goes_back(&mut self, loss: f64, rounding: f64, null: &Null) -> bool {
        let Some((known, known_loss)) = self.known.take() else { return false };
        let misled = loss.is_nan() || loss > known_loss + rounding * null.scale(known_loss);
        if misled {
            self.at = known;
        }
        misled
    }

    /// Counts a step that brought the relative gap to this; whether it made progress.
    pub(super) fn count(&mut self, gap: f64) {
        self.idle = if gap <= 0.5 * self.best_gap { 0 } else { self.idle + 1 };
        self.best_gap = self.best_gap.min(gap);
        if gap <= 0.5 * self.last_gap {
            self.halved_at = self.passes;
        }
        self.last_gap = gap;
    }

    /// Passes in a row, refused steps among them, that did not halve the gap.
    pub(super) fn passes_without_halving(&self) -> usize {
        self.passes - self.halved_at
    }

    /// Adds the present point to the history; one that is visited again replaces its entry.
    pub(super) fn remember(&mut self, loss: f64, loss_gap: f64, kkt_residual: f64) {
        let iteration = self.iterations;
        self.history.retain(|earlier| earlier.iteration != iteration);
        self.history.push(Iterate { iteration, loss, loss_gap, kkt_residual });
    }

    /// Takes a full step from the present point without a look at where it ends.
    pub(super) fn take_unseen(&mut self, direction: &[f64]) {
        self.at.iter_mut().zip(direction).for_each(|(w, d)| *w += d);
        self.iterations += 1;
        if !self.history.is_empty() {
            // a later stage or the certificate fills it in
            self.remember(f64::NAN, f64::NAN, f64::NAN);
        }
    }

    /// Where it stands.
    pub(super) fn standing(&self) -> Halted {
        let at = match &self.next {
            Next::Take => &self.at,
            Next::Try(point, _) => &point.at,
        };
        Halted { target: self.target, at: at.clone(), iterations: self.iterations, passes: self.passes }
    }

    /// The ends of all runs, also where somebody asked to stop, or how far they had come if something failed.
    pub(super) fn end_all(outcome: Result<()>, mut runs: Vec<Self>, watch: &mut Watch) -> Result<Solution> {
        if matches!(outcome, Err(Error::Interrupted)) {
            let open = runs.iter_mut().filter(|run| run.outcome.is_none());
            open.for_each(|run| run.outcome = Some(Status::Stopped));
        } else if let Err(error) = outcome {
            let halted = |run: Self| {
                let (target, (at, Outcome { iterations, passes, .. })) = (run.target, run.finish());
                Halted { target, at, iterations, passes }
            };
            watch.halted = runs.into_iter().map(halted).collect();
            return Err(error);
        }
        Ok(Solution::new(runs.into_iter().map(Self::finish).collect()))
    }

    pub(super) fn finish(self) -> (Vec<f64>, Outcome) {
        let at = match self.next {
            Next::Take => self.at,
            Next::Try(point, _) => point.at,
        };
        let outcome = Outcome {
            status: self.outcome.unwrap_or(Status::Stalled),
            iterations: self.iterations,
            passes: self.passes,
            taken_over: self.taken_over,
            recession: self.separation.and_then(Separation::direction),
            history: self.history,
        };
        (at, outcome)
    }
}
