//! The loop that all smooth solvers share; they differ in the direction they take.
//!
//! Every pass looks at one point of each target that is not done: the start of a stage, a full step, or what a search
//! along a rejected step found. So a step that is taken at once costs one pass over the rows. The last step of all costs
//! none: where gaps shrink so fast that the next is surely small enough, the certificate, which is a pass over all
//! rows anyway, is the first to look at it.

use super::line_search::{is_acceptable, search, shorter};
use super::run::{Heading, Next, Point, Run};
use super::separation::{RUNNING, is_suspect};
use super::{Metric, Part, Progress, Status, Watch};
use crate::Result;
use crate::backend::Every;
use crate::math::dense::Matrix;
use crate::objective::{Objective, Separation};
use crate::observation::Recession;

/// Iterations after which a direction that still moves the linear predictor is looked at for separation.
const SETTLED: usize = 10;
/// Iterations after which that is enough of a suspicion, whatever else it does.
const LATE: usize = 50;

/// The relative gap below which the numbers of a backend may have no more digits to give.
const NEAR: f64 = 1e-6;
/// A gap that a step left more than this part of may shrink less the next time.
const STEADY: f64 = 0.1;
/// Passes in a row, none of which halves the gap, after which another solver may do better.
const SLOW: usize = 8;
/// How much less a step may shrink the gap than the one before it did.
const DOUBT: f64 = 4.0;

/// A rule for directions; it may keep a history per target.
pub(super) trait Direct {
    /// Losses and gradients of the targets at these points.
    fn evaluate(
        &mut self,
        f: &mut dyn Objective,
        at: &Matrix,
        targets: &[usize],
        every: Every,
        gradient: &mut Matrix,
    ) -> Result<Vec<f64>> {
        f.loss_gradient(at, targets, every, gradient)
    }
    /// The headings from points that were just taken; `None` where there is none.
    fn headings(&mut self, f: &mut dyn Objective, points: &[Taken]) -> Result<Vec<Option<Heading>>>;
    /// The point that was just looked at is not taken.
    fn reject(&mut self, _target: usize) {}
    /// Forgets a target's history; false if there is none to forget.
    fn forget(&mut self, target: usize) -> bool;
    /// The objective is another from now on.
    fn change_stage(&mut self) {}
    /// Iterations allowed unless the user says otherwise.
    fn max_iterations(&self) -> usize;
    /// Iterations without progress after which a stage is over.
    fn patience(&self) -> usize;
}

/// A point of a target that was just taken.
pub(super) struct Taken {
    /// Which run.
    pub(super) k: usize,
    /// Column of the response.
    pub(super) target: usize,
    pub(super) point: Point,
    /// The loss that gaps are relative to.
    pub(super) scale: f64,
}

/// One stage of a minimisation.
#[derive(Clone, Copy)]
pub(super) struct Stage {
    /// Which rows.
    pub(super) every: Every,
    /// The relative gap at which it ends.
    pub(super) goal: f64,
    /// The relative gap at which a target has arrived; `None` if only a later stage can tell.
    pub(super) tolerance: Option<f64>,
    /// Whether no other stage follows, which would go on from wherever this one ends.
    pub(super) is_last: bool,
    /// Whether a target that is slow leaves for another solver.
    pub(super) may_leave: bool,
}

/// Runs one stage of all targets that have no outcome yet.
pub(super) fn descend(
    rule: &mut dyn Direct,
    f: &mut dyn Objective,
    metric: &Metric,
    runs: &mut [Run],
    stage: Stage,
    watch: &mut Watch,
) -> Result<()> {
    rule.change_stage();
    runs.iter_mut().for_each(Run::start_stage);
    for iteration in 0.. {
        let active: Vec<usize> = (0..runs.len()).filter(|&k| runs[k].is_active()).collect();
        if active.is_empty() {
            break;
        }
        let targets: Vec<usize> = active.iter().map(|&k| runs[k].target).collect();
        let points: Vec<Vec<f64>> = active.iter().map(|&k| runs[k].candidate()).collect();
        let at = Matrix::from_shape_fn((f.n_parameters(), active.len()), |(j, column)| points[column][j]);
        let mut gradient = Matrix::zeros(at.dim());
        let losses = rule.evaluate(f, &at, &targets, stage.every, &mut gradient)?;
        let (mut taken, mut rejected) = (Vec::new(), Vec::new());
        for ((column, at), &k) in points.into_iter().enumerate().zip(&active) {
            let run = &mut runs[k];
            run.passes += usize::from(stage.every == Every::ROW);
            let point = Point { at, loss: losses[column], gradient: gradient.column(column).to_vec() };
            let null = metric.nulls[run.target];
            if stage.every == Every::ROW && run.goes_back(point.loss, f.rounding(), &null) {
                // what was learnt on the way is forgotten
                rule.forget(run.target);
                rule.reject(run.target);
                continue;
            }
            if let Next::Try(from, heading) = &run.next {
                let kinks = f.penalty(run.target).kinks();
                if !is_acceptable(from, heading, &point, kinks, f.rounding(), null.scale(from.loss)) {
                    rule.reject(run.target);
                    rejected.push((k, point.loss - from.loss));
                    continue;
                }
                run.iterations += usize::from(stage.every == Every::ROW);
            }
            taken.push(Taken { k, target: run.target, scale: null.scale(point.loss), point });
        }
        let mut worst_gap: f64 = 0.0;
        remember(runs, &taken, watch, stage)?;
        let headings = rule.headings(f, &taken)?;
        for (taken, heading) in taken.into_iter().zip(headings) {
            worst_gap = worst_gap.max(set_out(rule, &mut runs[taken.k], taken, heading, stage, watch));
        }
        look_for_separation(f, metric, runs, stage, watch)?;
        turn_back(rule, f, metric, runs, &rejected, stage)?;
        (watch.progress)(Progress {
            iteration,
            n_active: watch.n_waiting + runs.iter().filter(|run| run.outcome.is_none()).count(),
            n_waiting: watch.n_waiting,
            passes: runs.iter().map(|run| run.passes).max().unwrap_or(0),
            worst_gap,
            part: Part::Whole,
        });
        watch.keep(|| runs.iter().map(Run::standing).collect());
    }
    Ok(())
}

/// Judges a target at a point that was taken and gives it its next heading; its relative gap if it goes on.
fn set_out(
    rule: &dyn Direct,
    run: &mut Run,
    taken: Taken,
    heading: Option<Heading>,
    stage: Stage,
    watch: &Watch,
) -> f64 {
    let Taken { point, scale, .. } = taken;
    let gap = heading.as_ref().map_or(f64::NAN, |heading| heading.gap / scale);
    if let (Some(last), Some(heading)) = (run.history.last_mut(), &heading)
        && last.iteration == run.iterations
    {
        last.loss_gap = heading.gap;
    }
    run.at.clone_from(&point.at);
    run.next = Next::Take;
    let Some(heading) = heading.filter(|_| gap.is_finite()) else {
        // numbers of another precision may do better
        run.end(stage, Status::Failed);
        return 0.0;
    };
    let before = run.best_gap;
    run.count(gap);
    let arrived = stage.tolerance.is_some_and(|tolerance| gap <= tolerance);
    let is_idle = run.idle >= rule.patience() && (arrived || (!stage.is_last && gap <= NEAR));
    let max_iterations = watch.iterations_left(run.target).unwrap_or(rule.max_iterations());
    if gap <= stage.goal || is_idle {
        run.end(stage, if arrived { Status::Converged } else { Status::Stalled });
    } else if run.iterations >= max_iterations && stage.every == Every::ROW {
        run.outcome = Some(Status::MaxIterations);
    } else if watch.is_late() {
        run.outcome = Some(Status::Stopped);
    } else if stage.every == Every::ROW && is_enough(before, gap, stage.goal) {
        run.take_unseen(&heading.direction);
        run.end(stage, if stage.tolerance.is_some() { Status::Converged } else { Status::Stalled });
    } else if stage.may_leave
        && !arrived
        && run.passes_without_halving() >= SLOW
        && (stage.is_last || gap > NEAR)
    {
        run.leaves = true;
    } else {
        run.next = Next::Try(point, heading);
        return gap;
    }
    0.0
}

/// Whether the next step will bring the gap to the goal, after one that brought it from `before` to `gap`.
fn is_enough(before: f64, gap: f64, goal: f64) -> bool {
    let left = gap / before;
    before.is_finite() && left <= STEADY && DOUBT * left * gap <= goal
}

impl Run {
    /// The end of a stage: of the whole if it is the last, or if the target has arrived.
    fn end(&mut self, stage: Stage, status: Status) {
        if stage.is_last || status == Status::Converged {
            self.outcome = Some(status);
        } else {
            self.rests = true;
        }
    }
}

/// Keeps the optimality residuals of the points that were taken, where a history is wanted.
fn remember(runs: &mut [Run], taken: &[Taken], watch: &mut Watch, stage: Stage) -> Result<()> {
    if watch.residuals.is_none() || taken.is_empty() || stage.every != Every::ROW {
        return Ok(());
    }
    let n_parameters = taken[0].point.at.len();
    let at = Matrix::from_shape_fn((n_parameters, taken.len()), |(j, column)| taken[column].point.at[j]);
    let targets: Vec<usize> = taken.iter().map(|taken| taken.target).collect();
    for (taken, found) in taken.iter().zip(watch.residuals(&at, &targets)?) {
        if let Some((loss, residual)) = found {
            runs[taken.k].remember(loss, f64::NAN, residual);
        }
    }
    Ok(())
}

/// Looks at targets that do not settle: a direction of recession ends them.
fn look_for_separation(
    f: &mut dyn Objective,
    metric: &Metric,
    runs: &mut [Run],
    stage: Stage,
    watch: &Watch,
) -> Result<()> {
    if f.recession() == Recession::Never {
        return Ok(());
    }
    let n_rows = f.n_rows_of(Every::ROW) as f64;
    let is_unsettled =
        |run: &&mut Run| run.is_active() && run.iterations >= SETTLED && run.separation.is_none();
    for run in runs.iter_mut().filter(is_unsettled) {
        let Next::Try(point, heading) = &run.next else { continue };
        // the sum over the rows of what the step moves is at least the square of the largest
        let moved = n_rows * metric.form(run.target, &heading.direction);
        if moved < RUNNING * RUNNING {
            continue;
        }
        if !stage.is_last {
            // only f64 can tell
            run.rests = true;
            continue;
        }
        let before = f.passes();
        if run.iterations >= LATE || is_suspect(f, run.target, &point.at, &heading.direction)? {
            let found = f.separation(run.target, [&point.at, &heading.direction], watch.until())?;
            if matches!(found, Separation::Recedes(_)) {
                run.outcome = Some(Status::Separated);
            }
            run.separation = Some(found);
        }
        run.passes += f.passes() - before;
    }
    Ok(())
}

/// Finds shorter steps for the targets whose full step was refused, given with the change of the loss that it brought:
/// one pass, however many trials, or one for each where the objective does not keep the line.
fn turn_back(
    rule: &mut dyn Direct,
    f: &mut dyn Objective,
    metric: &Metric,
    runs: &mut [Run],
    rejected: &[(usize, f64)],
    stage: Stage,
) -> Result<()> {
    if stage.every != Every::ROW {
        // trial steps are those of all rows, which the next stage looks at anyway
        rejected.iter().for_each(|&(k, _)| runs[k].rests = true);
        return Ok(());
    }
    let from: Vec<(usize, Point, Heading, f64)> = rejected
        .iter()
        .filter_map(|&(k, change)| match std::mem::replace(&mut runs[k].next, Next::Take) {
            Next::Try(point, heading) => Some((k, point, heading, change)),
            Next::Take => None,
        })
        .collect();
    if from.is_empty() {
        return Ok(());
    }
    let shape = (f.n_parameters(), from.len());
    let at = Matrix::from_shape_fn(shape, |(j, column)| from[column].1.at[j]);
    let direction = Matrix::from_shape_fn(shape, |(j, column)| from[column].2.direction[j]);
    let targets: Vec<usize> = from.iter().map(|(k, ..)| runs[*k].target).collect();
    let trials_are_free = f.aim(&at, &direction, &targets)?;
    let slopes: Vec<f64> = from.iter().map(|(_, _, heading, _)| heading.slope).collect();
    let rounding = f.rounding();
    let first = from.iter().zip(&slopes).map(|((k, point, _, change), &slope)| {
        let scale = metric.nulls[runs[*k].target].scale(point.loss);
        // a change that may be rounding says nothing about the full step
        if change.abs() > rounding * scale { shorter(1.0, *change, slope) } else { 1.0 }
    });
    let first = first.collect();
    let steps = search(f, &slopes, first)?;
    for ((k, point, heading, _), (step, n_trials)) in from.into_iter().zip(steps) {
        let run = &mut runs[k];
        run.passes += if trials_are_free { 1 } else { n_trials };
        run.at = point.at;
        match step {
            Some(step) => {
                run.iterations += 1;
                run.at.iter_mut().zip(&heading.direction).for_each(|(w, d)| *w += step * d);
            }
            // at the rounding floor no step is better; before the tolerance a fresh start of the history may be
            None if stage.tolerance.is_some_and(|tolerance| run.best_gap <= tolerance) => {
                run.outcome = Some(Status::Converged);
            }
            None if rule.forget(run.target) => {}
            None => run.end(stage, Status::Stalled),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_is_taken_unseen_only_where_gaps_shrink_fast() {
        // 1e-8 after 1e-5: the next is near 1e-11
        assert!(is_enough(1e-5, 1e-8, 1e-10));
        assert!(!is_enough(1e-5, 1e-8, 1e-11), "not surely");
        assert!(!is_enough(1e-5, 2e-6, 1e-6), "too slow to tell");
        assert!(!is_enough(1e-8, 1e-8, 1.0), "no progress");
        assert!(!is_enough(f64::INFINITY, 1e-12, 1e-10), "the first of a stage");
    }
}
