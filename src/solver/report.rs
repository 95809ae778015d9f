//! What a solver says: statuses, outcomes, progress.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::math::dense::Matrix;
use crate::stop::Stop;
use crate::{Result, number};

/// How the fit of one target ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// At the optimum, with proof.
    Converged,
    /// Out of iterations before the tolerance.
    MaxIterations,
    /// No acceptable step before the tolerance.
    Stalled,
    /// A direction exists along which the loss falls for ever: the estimate is infinite.
    Separated,
    /// No event in the used bins, or, of a model of one or none, one in each: the intercept is infinite.
    NoEvents,
    /// Out of the time allowed, or interrupted.
    Stopped,
    /// Non-finite numbers that no retry cured.
    Failed,
}

impl Status {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::MaxIterations => "max_iterations",
            Self::Stalled => "stalled",
            Self::Separated => "separated",
            Self::NoEvents => "no_events",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// One point on the way to the optimum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Iterate {
    /// Steps taken to get there.
    pub iteration: usize,
    /// Mean loss.
    #[serde(with = "number")]
    pub loss: f64,
    /// Estimate of `loss - optimum` by the solver's own matrix.
    #[serde(with = "number")]
    pub loss_gap: f64,
    /// The optimality residual.
    #[serde(with = "number")]
    pub kkt_residual: f64,
}

/// How one target ended in a solver.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Why it left.
    pub status: Status,
    /// Steps taken.
    pub iterations: usize,
    /// Passes over the rows that it needed.
    pub passes: usize,
    /// Whether Newton's method took it over.
    pub taken_over: bool,
    /// The direction of recession if `status` is [`Status::Separated`], intercept first.
    pub recession: Option<Vec<f64>>,
    /// The points from the start to the end, one per step; empty without [`Watch::residuals`].
    pub history: Vec<Iterate>,
}

/// The end of a minimisation.
#[derive(Clone, Debug)]
pub struct Solution {
    /// Parameters, shape (parameters, targets).
    pub at: Matrix,
    /// One outcome per target.
    pub outcomes: Vec<Outcome>,
}

impl Solution {
    /// Parameters and outcome of every target, side by side.
    pub(super) fn new(ends: Vec<(Vec<f64>, Outcome)>) -> Self {
        let n_parameters = ends.first().map_or(0, |(at, _)| at.len());
        let at = Matrix::from_shape_fn((n_parameters, ends.len()), |(j, k)| ends[k].0[j]);
        Self { at, outcomes: ends.into_iter().map(|(_, outcome)| outcome).collect() }
    }
}

/// Where a target stands, or stood when a minimisation failed.
#[derive(Clone, Debug)]
pub struct Halted {
    /// Column of the response.
    pub target: usize,
    /// The best point so far.
    pub at: Vec<f64>,
    /// Steps taken.
    pub iterations: usize,
    /// Passes over the rows that it needed.
    pub passes: usize,
}

/// Where a minimisation stands.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Iterations so far.
    pub iteration: usize,
    /// Targets that are not done.
    pub n_active: usize,
    /// Those among them that a solver has not begun with.
    pub n_waiting: usize,
    /// Passes over the rows so far, the most that a target took.
    pub passes: usize,
    /// Largest estimated loss gap, relative to the loss, among them.
    pub worst_gap: f64,
    /// Which of several fits this is.
    pub part: Part,
}

/// Which of several fits a minimisation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// The only one, or the last.
    #[default]
    Whole,
    /// To all bins at the k-th of several strengths.
    Strength {
        /// From 1.
        number: usize,
        /// How many.
        of: usize,
    },
    /// To the bins of these of several folds, at strengths side by side.
    Folds {
        /// From 1.
        first: usize,
        /// From 1.
        last: usize,
        /// How many.
        of: usize,
        /// The strengths that are done with.
        n_strengths: usize,
        /// How many.
        of_strengths: usize,
    },
}

/// Losses and optimality residuals, in `f64`, of the given targets at points of shape (parameters, targets); `None` for
/// a target whose history is not wanted.
pub type Residuals<'a> = dyn FnMut(&Matrix, &[usize]) -> Result<Vec<Option<(f64, f64)>>> + 'a;

/// Told where the targets of a minimisation stand.
pub type Keep<'a> = dyn FnMut(&[Halted]) + 'a;

/// How often at most it is told.
const BETWEEN_KEEPS: Duration = Duration::from_millis(200);

/// Limits of a minimisation and who is told about it.
pub struct Watch<'a> {
    /// Largest allowed loss gap, relative to [`crate::observation::Null::scale`], of counts `max(|loss|, mean y)`.
    pub tolerance: f64,
    /// The relative gap at which a solver stops although it could go on, at most the tolerance.
    pub goal: f64,
    /// Most iterations of a target; `None` is the solver's own limit.
    pub max_iterations: Option<usize>,
    /// Iterations that each target of the response took in minimisations before this one.
    pub used: Vec<usize>,
    /// When to stop at the latest.
    pub deadline: Option<Instant>,
    /// Targets that a solver has not begun with; it says so itself.
    pub n_waiting: usize,
    /// Where the targets of a minimisation stood when it failed.
    pub halted: Vec<Halted>,
    /// Looked at after every iteration; a request ends all targets where they are.
    pub stop: Stop,
    /// Told after every iteration.
    pub progress: &'a mut dyn FnMut(Progress),
    /// Told the best points so far, not at every iteration.
    pub keep: Option<&'a mut Keep<'a>>,
    /// When it was told for the last time.
    pub kept: Instant,
    /// Asked at every point if a history is wanted. It costs a pass that is not counted.
    pub residuals: Option<&'a mut Residuals<'a>>,
    /// Time that the histories took so far, which the deadline does not count.
    pub history_time: Duration,
}

impl<'a> Watch<'a> {
    /// No limit but the tolerance, for a response of so many targets.
    pub fn new(tolerance: f64, n_targets: usize, progress: &'a mut dyn FnMut(Progress)) -> Self {
        Self {
            tolerance,
            goal: tolerance,
            max_iterations: None,
            used: vec![0; n_targets],
            deadline: None,
            n_waiting: 0,
            halted: Vec::new(),
            stop: Stop::default(),
            progress,
            keep: None,
            kept: Instant::now(),
            residuals: None,
            history_time: Duration::ZERO,
        }
    }

    /// Tells where the targets stand, if somebody wants to know and was not told just now.
    pub(super) fn keep(&mut self, points: impl FnOnce() -> Vec<Halted>) {
        if let Some(keep) = &mut self.keep
            && self.kept.elapsed() >= BETWEEN_KEEPS
        {
            keep(&points());
            self.kept = Instant::now();
        }
    }

    /// Iterations that are left to a target, if there is a limit.
    pub(super) fn iterations_left(&self, target: usize) -> Option<usize> {
        self.max_iterations.map(|most| most.saturating_sub(self.used[target]))
    }

    /// Whether time is up, or somebody asked to stop.
    pub fn is_late(&self) -> bool {
        self.stop.is_requested() || self.until().is_some_and(|until| Instant::now() >= until)
    }

    /// When time is up, if there is a limit.
    pub fn until(&self) -> Option<Instant> {
        self.deadline.map(|deadline| deadline + self.history_time)
    }

    /// Losses and residuals of these targets at these points, if histories are wanted.
    ///
    /// # Errors
    /// What computing them returns.
    pub fn residuals(&mut self, at: &Matrix, targets: &[usize]) -> Result<Vec<Option<(f64, f64)>>> {
        let started = Instant::now();
        let Some(residuals) = &mut self.residuals else { return Ok(vec![None; targets.len()]) };
        let found = residuals(at, targets)?;
        self.history_time += started.elapsed();
        Ok(found)
    }
}
