//! A fit that is only scored: the solver's part alone.

use std::time::{Duration, Instant};

use super::certificate::Reported;
use super::fit::{Fit, Views};
use super::plan::Plan;
use super::start::StartPoint;
use crate::Result;
use crate::backend::Every;
use crate::math::dense::Matrix;
use crate::objective::{Objective, Weight};
use crate::observation::Null;
use crate::solver::{Chord, Lbfgs, Minimize, Newton, Objectives, Progress, Solution, Status, Watch};

/// Bytes of the Hessians of all targets that are kept from one fit to the next, at most.
const MOST_KEPT_BYTES: usize = 1 << 28;
/// Passes that a fit with a kept Hessian takes at most where there is nothing to gain from a new one.
const QUICK: usize = 4;

/// Where a target came to without a certificate.
#[derive(Clone, Debug)]
pub(super) struct Solved {
    pub(super) point: StartPoint,
    pub(super) status: Status,
}

impl Fit<'_, '_, '_> {
    /// The solver's part alone, without sample, certificate and another round; silent targets stay at their mean. Where
    /// Newton's method would form Hessians, those of an earlier fit to the same rows are used while they lead on quickly.
    pub(super) fn solve(
        &self,
        chosen: &Plan,
        views: Views,
        (started, kept): (Instant, &mut Option<Vec<Matrix>>),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Solved>> {
        let (spec, nulls) = (self.spec.get(), &self.metric.nulls);
        let live: Vec<usize> = (0..nulls.len()).filter(|&target| !nulls[target].is_silent).collect();
        let left = |limit: f64| started.checked_add(Duration::try_from_secs_f64(limit).ok()?);
        let mut watch = Watch {
            tolerance: spec.tolerance,
            goal: spec.tolerance,
            max_iterations: spec.max_iterations,
            used: vec![0; nulls.len()],
            deadline: spec.time_limit_s.and_then(left),
            n_waiting: 0,
            halted: Vec::new(),
            progress,
            residuals: None,
            history_time: Duration::ZERO,
        };
        let lbfgs = Lbfgs { newton_if_slow: chosen.newton_if_slow };
        let is_newton = chosen.solver == Newton.name();
        let bytes = nulls.len() * (1 + self.rank.n_members()).pow(2) * size_of::<f64>();
        let may_be_kept = is_newton && self.rank.is_whole(&self.varying) && bytes <= MOST_KEPT_BYTES;
        let chord = kept.as_deref().filter(|_| may_be_kept).map(|hessians| Chord { hessians });
        let solver: &dyn Minimize = match &chord {
            Some(chord) => chord,
            None if is_newton => &Newton,
            None => &lbfgs,
        };
        let silent = |null: &Null| Solved {
            point: StartPoint { coef: vec![0.0; self.plan.n_columns()], intercept: null.eta },
            status: Status::NoEvents,
        };
        let mut solved: Vec<Solved> = nulls.iter().map(silent).collect();
        if live.is_empty() {
            return Ok(solved);
        }
        let mut objectives = Objectives { fast: views.fast, exact: views.exact, sample: None };
        let start = self.start(&live, false);
        let solution = solver.minimize(&mut objectives, &self.metric, &live, start, &mut watch);
        let solution = solution.map_err(|error| self.unfinished(error, &watch.halted))?;
        if may_be_kept {
            let f = objectives.fast.unwrap_or(objectives.exact);
            self.renew(kept, f, &live, &solution)?;
        } else {
            *kept = None;
        }
        let reports = self.reports(&solution.at).into_iter().zip(&solution.outcomes);
        for (&target, (Reported { coef, intercept }, outcome)) in live.iter().zip(reports) {
            solved[target] = Solved { point: StartPoint { coef, intercept }, status: outcome.status };
        }
        Ok(solved)
    }

    /// Hessians of the losses, without the penalty, one for each target of the response: anew where there was none and where
    /// the one that there was took long to lead to the optimum. Those of silent targets are empty.
    fn renew(
        &self,
        kept: &mut Option<Vec<Matrix>>,
        f: &mut dyn Objective,
        live: &[usize],
        solution: &Solution,
    ) -> Result<()> {
        let is_first = kept.is_none();
        let hessians = kept.get_or_insert_with(|| vec![Matrix::zeros((0, 0)); self.metric.nulls.len()]);
        for ((&target, at), outcome) in live.iter().zip(solution.at.columns()).zip(&solution.outcomes) {
            if is_first || outcome.taken_over || outcome.passes > QUICK {
                let mut hessian = f.gram(Every::ROW, Weight::Point { target, at: &at.to_vec() })?;
                self.penalty.add_to(&mut hessian, -1.0);
                hessians[target] = hessian;
            }
        }
        Ok(())
    }
}
