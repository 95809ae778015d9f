//! Newton's method with Hessians that are given, those of the same rows at points nearby: no step costs more than a pass, which
//! serves all targets together. For paths of strengths.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::curvature::Curvature;
use super::descent::{Direct, Stage, Taken, descend};
use super::run::{Heading, Run};
use super::{Metric, Minimize, Objectives, Solution, Start, Watch, newton};
use crate::Result;
use crate::backend::Every;
use crate::math::dense::Matrix;
use crate::objective::{Kinks, Objective, Penalty};

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
    /// `d2 loss / d parameters2` of every target over its rows near its optimum, without the penalty.
    pub hessians: &'h [Arc<Matrix>],
}

/// What every target has of its Hessian.
struct Rule {
    curvatures: HashMap<usize, Curvature>,
}

impl Direct for Rule {
    fn headings(&mut self, f: &mut dyn Objective, points: &[Taken]) -> Result<Vec<Option<Heading>>> {
        let kinks: Vec<&Kinks> = points.iter().map(|taken| f.penalty(taken.target).kinks()).collect();
        let heading = |(taken, kinks): (&Taken, &Kinks)| {
            self.curvatures.get(&taken.target)?.heading(kinks, &taken.point)
        };
        Ok(points.par_iter().zip(kinks).map(heading).collect())
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
        let targets: Vec<(usize, &Penalty)> =
            runs.iter().map(|run| (run.target, f.exact.penalty(run.target))).collect();
        let curvature = |&(target, penalty): &(usize, &Penalty)| {
            let mut hessian = Matrix::clone(&self.hessians[target]);
            penalty.add_to(&mut hessian, 1.0);
            Some((target, Curvature::new(hessian, penalty.kinks())?))
        };
        let mut rule = Rule { curvatures: targets.par_iter().filter_map(curvature).collect() };
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

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::backend::{Cpu, Model};
    use crate::design::{Column, DesignPlan, Source};
    use crate::objective::{GlmObjective, Packed, Weight};
    use crate::observation::Null;
    use crate::solver::{Outcome, Status};

    /// Counts of two targets that three columns drive.
    fn data() -> (Array2<f64>, Array2<f64>) {
        let x = Array2::from_shape_fn((600, 3), |(i, j)| ((i * (j + 2) * 7) as f64).sin());
        let y = Array2::from_shape_fn((600, 2), |(i, k)| {
            (1.2 + x[(i, k)] + 0.7 * ((i * i) as f64).cos()).floor().max(0.0)
        });
        (x, y)
    }

    /// Ends of both targets, by Hessians that are `factor` times those of the optimum.
    fn ends(factor: Option<f64>) -> (Matrix, Vec<Outcome>) {
        let (x, y) = data();
        let labels = (0..3).map(|j| format!("x{j}")).collect();
        let source = Source { name: "x".into(), labels, x: x.view().into() };
        let plan = DesignPlan::new(vec![source], 0..600).unwrap();
        let columns: Vec<Column> = (0..3).map(Column::Source).collect();
        let on = Cpu::<f64>::default();
        let packed = Packed::new(y.view(), plan.rows());
        let mut f = GlmObjective::new(&on, &plan, &columns, &packed, Model::default()).unwrap();
        let means = y.columns().into_iter().map(|y| y.sum() / 600.0);
        let nulls: Vec<Null> = means.map(|mean| Null::new(Model::default(), mean, 1.0)).collect();
        let start =
            || Start::from(Matrix::from_shape_fn((4, 2), |(j, k)| if j == 0 { nulls[k].eta } else { 0.0 }));
        let gram = f.gram(Every::ROW, Weight::Flat).unwrap();
        let metric = Metric::new(gram, &Penalty::default(), nulls.clone()).unwrap();
        let minimize = |solver: &dyn Minimize, f: &mut GlmObjective<Cpu<f64>>| {
            let mut progress = |_| {};
            let mut watch = Watch::new(1e-10, 2, &mut progress);
            let mut objectives = Objectives { fast: None, exact: f, sample: None };
            solver.minimize(&mut objectives, &metric, &[0, 1], start(), &mut watch).unwrap()
        };
        let by_newton = minimize(&newton::Newton, &mut f);
        let Some(factor) = factor else { return (by_newton.at, by_newton.outcomes) };
        let hessian = |target: usize, f: &mut GlmObjective<Cpu<f64>>| {
            let at = by_newton.at.column(target).to_vec();
            f.gram(Every::ROW, Weight::Point { target, at: &at }).unwrap() * factor
        };
        let hessians: Vec<Arc<Matrix>> = (0..2).map(|target| hessian(target, &mut f).into()).collect();
        let solution = minimize(&Chord { hessians: &hessians }, &mut f);
        (solution.at, solution.outcomes)
    }

    #[test]
    fn kept_hessians_lead_to_the_optimum_and_bad_ones_to_newton() {
        let (truth, _) = ends(None);
        for (factor, takes_over) in [(1.0, false), (1.1, false), (30.0, true), (f64::NAN, true)] {
            let (at, outcomes) = ends(Some(factor));
            for outcome in &outcomes {
                assert_eq!((outcome.status, outcome.taken_over), (Status::Converged, takes_over), "{factor}");
            }
            let apart = (&at - &truth).iter().fold(0.0, |a: f64, b| a.max(b.abs()));
            assert!(apart < 1e-4, "{factor}: {apart:e}");
        }
    }
}
