//! The loop that all smooth solvers share; they differ in the direction they take.

use super::line_search::search;
use super::separation::{RUNNING, recession};
use super::{Iterate, Metric, Outcome, Progress, Solution, Status, Watch, columns, dot};
use crate::Result;
use crate::math::dense::Matrix;
use crate::objective::Objective;

/// Iterations after which a direction that still moves the linear predictor is looked at for separation.
const SETTLED: usize = 10;
/// Where to go from a point.
pub(super) struct Heading {
    /// A direction of descent.
    pub(super) direction: Vec<f64>,
    /// Estimate of `loss - optimum`.
    pub(super) gap: f64,
}

/// A rule for directions; it may keep a history per target.
pub(super) trait Direct {
    /// The heading of target number `k` of the fit at a point with this gradient; `None` if there is none.
    fn heading(
        &mut self,
        f: &mut dyn Objective,
        k: usize,
        at: &[f64],
        gradient: &[f64],
    ) -> Result<Option<Heading>>;
    /// Forgets a target's history; false if there is none to forget.
    fn forget(&mut self, k: usize) -> bool;
    /// Iterations allowed unless the user says otherwise.
    fn max_iterations(&self) -> usize;
    /// Iterations without progress below the tolerance after which the rounding floor is reached.
    fn patience(&self) -> usize;
}

/// What the loop knows of one target.
struct Run {
    outcome: Option<Status>,
    iterations: usize,
    passes: usize,
    best_gap: f64,
    idle: usize,
    recession: Option<Vec<f64>>,
    history: Vec<Iterate>,
}

impl Run {
    /// Adds the present point to the history; one that is visited again replaces its entry.
    fn remember(&mut self, loss: f64, loss_gap: f64, kkt_residual: f64) {
        let iteration = self.iterations;
        self.history.retain(|earlier| earlier.iteration != iteration);
        self.history.push(Iterate { iteration, loss, loss_gap, kkt_residual });
    }

    /// The end of this target at a relative gap, if it is one.
    fn judge(&mut self, gap: f64, patience: usize, max_iterations: usize, watch: &Watch) -> Option<Status> {
        if !gap.is_finite() {
            return Some(Status::Failed);
        }
        self.idle = if gap <= 0.5 * self.best_gap { 0 } else { self.idle + 1 };
        self.best_gap = self.best_gap.min(gap);
        let arrived = gap <= watch.tolerance;
        if gap <= watch.goal || (arrived && self.idle >= patience) {
            Some(Status::Converged)
        } else if self.iterations >= max_iterations {
            Some(Status::MaxIterations)
        } else if watch.is_late() {
            Some(Status::Stopped)
        } else {
            None
        }
    }
}

/// Minimises from `start` with directions from `rule`.
pub(super) fn descend(
    rule: &mut dyn Direct,
    f: &mut dyn Objective,
    metric: &Metric,
    targets: &[usize],
    start: Matrix,
    watch: &mut Watch,
) -> Result<Solution> {
    let max_iterations = watch.max_iterations.unwrap_or(rule.max_iterations());
    let mut at = start;
    let mut runs: Vec<Run> = targets.iter().map(|_| Run::new()).collect();
    for iteration in 0.. {
        let mut active: Vec<usize> = (0..targets.len()).filter(|&k| runs[k].outcome.is_none()).collect();
        if active.is_empty() {
            break;
        }
        let ids: Vec<usize> = active.iter().map(|&k| targets[k]).collect();
        let mut gradient = Matrix::zeros((f.n_parameters(), active.len()));
        let points = columns(&at, &active);
        let losses = f.loss_gradient(&points, &ids, &mut gradient)?;
        let residuals = watch.residuals(&points, &ids)?;
        let mut worst_gap: f64 = 0.0;
        let mut headings = Vec::new();
        for (column, &k) in active.iter().enumerate() {
            let (here, slope) = (at.column(k).to_vec(), gradient.column(column).to_vec());
            let before = f.passes();
            let heading = rule.heading(f, targets[k], &here, &slope)?;
            runs[k].passes += f.passes() - before;
            let scale = losses[column].abs().max(metric.mean_y[targets[k]]);
            let gap = heading.as_ref().map_or(f64::NAN, |heading| heading.gap);
            if let Some(residual) = residuals[column] {
                runs[k].remember(losses[column], gap, residual);
            }
            let gap = gap / scale;
            runs[k].outcome = runs[k].judge(gap, rule.patience(), max_iterations, watch);
            if runs[k].outcome.is_none() {
                worst_gap = worst_gap.max(gap);
            }
            headings.push((heading, slope));
        }
        (watch.progress)(Progress { iteration, n_active: active.len(), worst_gap });
        let going: Vec<bool> = active.iter().map(|&k| runs[k].outcome.is_none()).collect();
        let ahead: Vec<(Heading, Vec<f64>)> = headings
            .into_iter()
            .zip(going)
            .filter_map(|((heading, slope), going)| heading.filter(|_| going).map(|heading| (heading, slope)))
            .collect();
        active.iter().for_each(|&k| runs[k].passes += 1);
        active.retain(|&k| runs[k].outcome.is_none());
        if !active.is_empty() {
            advance(rule, f, targets, &active, &ahead, &mut at, &mut runs, watch, iteration)?;
        }
    }
    Ok(Solution { at, outcomes: runs.into_iter().map(Run::finish).collect() })
}

/// One step of the targets `active` along their headings.
#[allow(clippy::too_many_arguments, reason = "the state of the one loop, taken apart for length only")]
fn advance(
    rule: &mut dyn Direct,
    f: &mut dyn Objective,
    targets: &[usize],
    active: &[usize],
    ahead: &[(Heading, Vec<f64>)],
    at: &mut Matrix,
    runs: &mut [Run],
    watch: &Watch,
    iteration: usize,
) -> Result<()> {
    let ids: Vec<usize> = active.iter().map(|&k| targets[k]).collect();
    let direction = Matrix::from_shape_fn((f.n_parameters(), active.len()), |(j, k)| ahead[k].0.direction[j]);
    f.aim(&columns(at, active), &direction, &ids)?;
    active.iter().for_each(|&k| runs[k].passes += 1);
    let slopes: Vec<f64> = ahead.iter().map(|(heading, g)| dot(&heading.direction, g)).collect();
    let steps = search(f, &slopes)?;
    let running: Vec<usize> = if iteration < SETTLED {
        Vec::new()
    } else {
        let reaches = f.reach()?;
        (0..active.len()).filter(|&column| reaches[column].all > RUNNING).collect()
    };
    for column in running {
        let k = active[column];
        let step = &ahead[column].0.direction;
        if let Some(direction) = recession(f, targets[k], &at.column(k).to_vec(), step)? {
            runs[k].outcome = Some(Status::Separated);
            runs[k].recession = Some(direction);
        }
    }
    for (column, (&k, step)) in active.iter().zip(steps).enumerate() {
        if runs[k].outcome.is_some() {
            continue;
        }
        match step {
            Some(step) => {
                runs[k].iterations += 1;
                let mut here = at.column_mut(k);
                here.iter_mut().zip(&ahead[column].0.direction).for_each(|(w, d)| *w += step * d);
            }
            // at the rounding floor no step is better; before the tolerance a fresh start of the history may be
            None if runs[k].best_gap <= watch.tolerance => runs[k].outcome = Some(Status::Converged),
            None if rule.forget(targets[k]) => {}
            None => runs[k].outcome = Some(Status::Stalled),
        }
    }
    Ok(())
}

impl Run {
    fn new() -> Self {
        Self {
            outcome: None,
            iterations: 0,
            passes: 0,
            best_gap: f64::INFINITY,
            idle: 0,
            recession: None,
            history: Vec::new(),
        }
    }

    fn finish(self) -> Outcome {
        Outcome {
            status: self.outcome.unwrap_or(Status::Failed),
            iterations: self.iterations,
            passes: self.passes,
            recession: self.recession,
            history: self.history,
        }
    }
}
