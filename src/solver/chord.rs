//! Newton's method with Hessians that are given, those of a problem nearby: no step costs more than a pass, which serves all
//! targets together. For the folds of a cross-validation, which differ little from all bins.

use rayon::prelude::*;

use super::curvature::Curvature;
use super::descent::{Direct, Stage, Taken, descend};
use super::run::{Heading, Run};
use super::{Metric, Minimize, Objectives, Solution, Start, Watch, newton};
use crate::Result;
use crate::backend::Every;
use crate::math::dense::Matrix;
use crate::objective::Objective;

/// The relative gap at which numbers of a backend have done their part.
const FAST_GOAL: f64 = 1e-11;
/// Part of the tolerance that is aimed at, since the Hessian is not the one of the point.
const INSIDE: f64 = 0.5;
/// Iterations of a target.
const MOST: usize = 100;

/// Newton's method with kept Hessians of the losses, one per target of the response, to which the penalty of the objective is
/// added (the chord method). A target that this brings too slowly to its optimum goes on with [`super::Newton`]. The estimated
/// gap is that of Newton's method, by the kept Hessian.
///
/// # Source
/// C. T. Kelley, "Solving Nonlinear Equations with Newton's Method" (2003), section 2.3.
#[derive(Clone, Copy, Debug)]
pub struct Chord<'h> {
    /// `d2 loss / d parameters2` of every target near its optimum, without the penalty.
    pub hessians: &'h [Matrix],
}

/// What every target has of its Hessian.
struct Rule {
    curvatures: Vec<(usize, Option<Curvature>)>,
}

impl Direct for Rule {
    fn headings(&mut self, f: &mut dyn Objective, points: &[Taken]) -> Result<Vec<Option<Heading>>> {
        let kinks = f.penalty().kinks();
        let of = |target: usize| {
            let own = self.curvatures.iter().find(|(known, _)| *known == target);
            own.and_then(|(_, curvature)| curvature.as_ref())
        };
        let heading = |taken: &Taken| of(taken.target)?.heading(kinks, &taken.point);
        Ok(points.par_iter().map(heading).collect())
    }

    fn forget(&mut self, _: usize) -> bool {
        false
    }

    fn max_iterations(&self) -> usize {
        MOST
    }

    fn patience(&self) -> usize {
        2
    }
}

impl Minimize for Chord<'_> {
    fn name(&self) -> &'static str {
        newton::Newton.name()
    }

    fn minimize(
        &self,
        f: &mut Objectives,
        metric: &Metric,
        targets: &[usize],
        start: Start,
        watch: &mut Watch,
    ) -> Result<Solution> {
        watch.n_waiting = 0;
        let mut runs = start.runs(targets);
        let outcome = self.descend_all(f, metric, &mut runs, watch);
        Run::end_all(outcome, runs, watch)
    }
}

impl Chord<'_> {
    fn descend_all(
        self,
        f: &mut Objectives,
        metric: &Metric,
        runs: &mut [Run],
        watch: &mut Watch,
    ) -> Result<()> {
        let penalty = f.exact.penalty();
        let curvature = |run: &Run| {
            let mut hessian = self.hessians[run.target].clone();
            penalty.add_to(&mut hessian, 1.0);
            (run.target, Curvature::new(hessian, penalty.kinks()))
        };
        let mut rule = Rule { curvatures: runs.iter().map(curvature).collect() };
        let (every, may_leave) = (Every::ROW, true);
        if let Some(fast) = &mut f.fast {
            let goal = FAST_GOAL.max(INSIDE * watch.goal);
            let tolerance = (watch.tolerance >= FAST_GOAL).then_some(watch.tolerance);
            let stage = Stage { every, goal, tolerance, is_last: false, may_leave };
            descend(&mut rule, *fast, metric, runs, stage, watch)?;
        }
        let (goal, tolerance) = (INSIDE * watch.goal, Some(watch.tolerance));
        let stage = Stage { every, goal, tolerance, is_last: true, may_leave };
        descend(&mut rule, f.exact, metric, runs, stage, watch)?;
        for run in runs.iter_mut().filter(|run| run.leaves || run.needs_newton()) {
            (run.leaves, run.taken_over, run.outcome) = (false, true, None);
            newton::finish(f, metric, run, watch)?;
        }
        Ok(())
    }
}
