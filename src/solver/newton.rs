//! Newton's method: few passes, each with a weighted Gram. For small designs; targets go one after the other.

use super::curvature::{Curvature, smooth};
use super::descent::{Direct, Stage, Taken, descend};
use super::lbfgs::History;
use super::run::{Heading, Run};
use super::{Metric, Minimize, Objectives, Solution, Start, Watch, dot};
use crate::Result;
use crate::backend::Every;
use crate::math::dense::Matrix;
use crate::objective::{Kinks, Objective};

/// The relative gap above which a full step is often refused: the Hessian waits until the point is taken.
const FAR: f64 = 0.2;
/// The relative gap at which numbers of a backend have done their part.
const FAST_GOAL: f64 = 1e-8;
/// Columns above which a Hessian costs much more than a pass.
const DEAR: usize = 32;
/// The relative gap below which the last Hessian does for the rest of a stage.
const NEAR: f64 = 1e-4;
/// The same in `f64` for a Hessian that is not dear: steps with one from so near gain eight digits each.
const NEARER: f64 = 1e-8;
/// Iterations of one target.
const MOST: usize = 200;
/// A kept Hessian that leaves more than this part of the gap is replaced.
const STALE: f64 = 0.05;
/// The relative gap below which steps with the Hessian of the point leave little of it.
const QUADRATIC: f64 = 1e-2;
/// Steps in a row that leave more than [`STALE`] from there on after which the Hessian is not the one of the point.
const SLOW: usize = 3;
/// Numbers without digits to spare for changes of a gradient.
const COARSE: f64 = 1e-10;

/// Newton's method with the Hessian (Fisher information), a Cholesky factorisation and a backtracking line search; where the
/// penalty has kinks a step is the minimum of the quadratic model plus the penalty (proximal Newton).
/// The last Hessian of the backend's numbers does for the last steps, whose gradients are `f64`, unless one of them helps
/// too little. Where the expected Hessian is not that of the point (links that are not canonical, few rows), steps with it gain few
/// digits each: then changes of the gradient correct it, as in L-BFGS. The estimated gap
/// is half the squared Newton decrement, `gᵀH⁻¹g / 2`, with kinks minus the minimum of that model.
///
/// # Source
/// J. D. Lee, Y. Sun, M. A. Saunders, SIAM J. Optim. 24 (2014), for the steps with kinks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Newton;

/// One target's Hessian.
struct Rule<'a> {
    metric: &'a Metric,
    curvature: Option<Curvature>,
    /// The Hessian of the point that was looked at last.
    fresh: Option<Matrix>,
    /// Whether the next look asks for none.
    keeps: bool,
    /// Whether it does so although the point wants one, once it is taken.
    waits: bool,
    last_gap: f64,
    /// The relative gap below which the Hessian is kept.
    near: f64,
    /// Iterations at which it ends.
    most: usize,
    /// Changes of the gradient.
    history: History,
    /// Steps in a row that left much of a small gap.
    n_slow: usize,
}

impl Direct for Rule<'_> {
    fn evaluate(
        &mut self,
        f: &mut dyn Objective,
        at: &Matrix,
        targets: &[usize],
        every: Every,
        gradient: &mut Matrix,
    ) -> Result<Vec<f64>> {
        // where no feature has an effect the Hessian is the flat Gram times the null curvature
        let is_known = self.curvature.is_none()
            && f.penalty(targets[0]).kinks().is_none()
            && at.iter().skip(1).all(|&w| w == 0.0);
        if is_known || self.waits || (self.keeps && self.curvature.is_some()) {
            return f.loss_gradient(at, targets, every, gradient);
        }
        let found = f.quadratic(&at.column(0).to_vec(), targets[0])?;
        gradient.column_mut(0).iter_mut().zip(&found.gradient).for_each(|(to, &g)| *to = g);
        self.fresh = Some(found.hessian);
        Ok(vec![found.loss])
    }

    fn headings(&mut self, f: &mut dyn Objective, points: &[Taken]) -> Result<Vec<Option<Heading>>> {
        let heading = |taken: &Taken| {
            if self.waits {
                self.waits = false;
                self.fresh = Some(f.quadratic(&taken.point.at, taken.target)?.hessian);
            }
            let heading = self.heading(f.penalty(taken.target).kinks(), taken);
            let is_smooth = f.penalty(taken.target).kinks().is_none() && f.rounding() < COARSE;
            let corrects = is_smooth && f.is_expected();
            Ok(heading.map(|heading| if corrects { self.corrected(heading, taken) } else { heading }))
        };
        points.iter().map(heading).collect()
    }

    fn reject(&mut self, _: usize) {
        self.fresh = None;
        self.keeps = false;
        // what a search finds is taken
        self.waits = false;
    }

    fn change_stage(&mut self) {
        self.waits = false;
        (self.history, self.n_slow) = (History::default(), 0);
    }

    fn forget(&mut self, _: usize) -> bool {
        let was_used = self.n_slow >= SLOW && !self.history.clear();
        self.n_slow = 0;
        was_used
    }

    fn max_iterations(&self) -> usize {
        self.most
    }

    fn patience(&self) -> usize {
        2
    }
}

impl Minimize for Newton {
    fn name(&self) -> &'static str {
        "newton"
    }

    fn minimize(
        &self,
        f: &mut Objectives,
        metric: &Metric,
        targets: &[usize],
        start: Start,
        watch: &mut Watch,
    ) -> Result<Solution> {
        let mut runs = start.runs(targets);
        let outcome = (0..runs.len()).try_for_each(|k| {
            watch.n_waiting = runs.len() - 1 - k;
            finish(f, metric, &mut runs[k], watch)
        });
        Run::end_all(outcome, runs, watch)
    }
}

/// Brings one target from where it is to the end.
pub(super) fn finish(f: &mut Objectives, metric: &Metric, run: &mut Run, watch: &mut Watch) -> Result<()> {
    let runs = std::slice::from_mut(run);
    let mut rule = Rule {
        metric,
        curvature: None,
        fresh: None,
        keeps: false,
        waits: false,
        last_gap: f64::INFINITY,
        near: NEAR,
        // another solver may have brought it here
        most: runs[0].iterations + MOST,
        history: History::default(),
        n_slow: 0,
    };
    let every = Every::ROW;
    if let Some(fast) = &mut f.fast {
        let goal = FAST_GOAL.max(0.5 * watch.tolerance);
        let stage = Stage { every, goal, tolerance: None, is_last: false, may_leave: false };
        let is_dear = fast.n_parameters() > DEAR;
        rule.near = if is_dear { NEAR } else { 0.0 };
        descend(&mut rule, *fast, metric, runs, stage, watch)?;
        if is_dear {
            rule.renew(*fast, &runs[0])?;
        }
        // what is at hand does for the first steps in `f64`
        rule.last_gap = f64::INFINITY;
        rule.keeps = true;
    }
    let tolerance = Some(watch.tolerance);
    let stage = Stage { every, goal: watch.goal, tolerance, is_last: true, may_leave: false };
    rule.near = if f.exact.n_parameters() > DEAR { NEAR } else { NEARER };
    if runs[0].outcome.is_none() {
        descend(&mut rule, f.exact, metric, runs, stage, watch)?;
    }
    Ok(())
}

impl Rule<'_> {
    fn heading(&mut self, kinks: &Kinks, taken: &Taken) -> Option<Heading> {
        let Taken { point, scale, .. } = taken;
        let is_fresh = self.fresh.is_some();
        if let Some(hessian) = self.fresh.take() {
            self.curvature = Some(Curvature::new(hessian, kinks)?);
        }
        let heading = match &self.curvature {
            Some(curvature) => curvature.heading(kinks, point)?,
            None => smooth(self.metric.step(taken.target, &point.gradient), &point.gradient),
        };
        let gap = heading.gap;
        self.keeps = if is_fresh { gap < self.near * scale } else { gap <= STALE * self.last_gap };
        self.waits = !self.keeps && gap > FAR * scale;
        if self.n_slow < SLOW {
            let is_slow = gap > STALE * self.last_gap && gap < QUADRATIC * scale;
            self.n_slow = if is_slow { self.n_slow + 1 } else { 0 };
        }
        self.last_gap = gap;
        Some(heading)
    }

    /// The same heading, or where steps are slow one by what is known of the changes of the gradient.
    fn corrected(&mut self, heading: Heading, taken: &Taken) -> Heading {
        let Some(Curvature::Factor(factor)) = &self.curvature else { return heading };
        let gradient = &taken.point.gradient;
        let step: Vec<f64> = heading.direction.iter().map(|d| -d).collect();
        self.history.remember(&taken.point.at, gradient, &step);
        if self.n_slow < SLOW {
            return heading;
        }
        let direction = self.history.direction(gradient, |g| factor.solve(g));
        let slope = dot(&direction, gradient);
        if slope < 0.0 { Heading { direction, slope, ..heading } } else { heading }
    }

    /// At the end of the backend's part: the Hessian of where it ended, unless the last one is that.
    fn renew(&mut self, f: &mut dyn Objective, run: &Run) -> Result<()> {
        if self.keeps && self.curvature.is_some() && run.outcome.is_none() {
            let hessian = f.quadratic(&run.at, run.target)?.hessian;
            self.curvature = Curvature::new(hessian, f.penalty(run.target).kinks()).or(self.curvature.take());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Model, Reach};
    use crate::objective::{Penalty, Quadratic, Weight};
    use crate::observation::{Null, Recession};
    use crate::solver::Status;

    /// `a² / 2 + b²⁰`: Newton's method leaves 18/19 of `b` in each step.
    #[derive(Default)]
    struct Twentieth {
        penalty: Penalty,
        line: Option<(Matrix, Matrix)>,
        passes: usize,
    }

    fn loss(at: &[f64]) -> f64 {
        0.5 * at[0] * at[0] + at[1].powi(20)
    }

    impl Objective for Twentieth {
        fn n_parameters(&self) -> usize {
            2
        }

        fn n_rows_of(&self, _: Every) -> usize {
            1
        }

        fn rounding(&self) -> f64 {
            f64::EPSILON
        }

        fn penalty(&self, _: usize) -> &Penalty {
            &self.penalty
        }

        fn loss_gradient(
            &mut self,
            at: &Matrix,
            _: &[usize],
            _: Every,
            gradient: &mut Matrix,
        ) -> Result<Vec<f64>> {
            let at = at.column(0).to_vec();
            let found = self.quadratic(&at, 0)?;
            (gradient[(0, 0)], gradient[(1, 0)]) = (found.gradient[0], found.gradient[1]);
            Ok(vec![found.loss])
        }

        fn quadratic(&mut self, at: &[f64], _: usize) -> Result<Quadratic> {
            self.passes += 1;
            let hessian = ndarray::array![[1.0, 0.0], [0.0, 380.0 * at[1].powi(18)]];
            Ok(Quadratic { loss: loss(at), gradient: vec![at[0], 20.0 * at[1].powi(19)], hessian })
        }

        fn aim(&mut self, at: &Matrix, direction: &Matrix, _: &[usize]) -> Result<bool> {
            self.line = Some((at.clone(), direction.clone()));
            Ok(true)
        }

        fn loss_changes(&mut self, steps: &[f64]) -> Result<Vec<f64>> {
            let change = |(at, direction): &(Matrix, Matrix)| {
                loss(&(at + steps[0] * direction).column(0).to_vec()) - loss(&at.column(0).to_vec())
            };
            Ok(self.line.iter().map(change).collect())
        }

        fn reach(&mut self) -> Result<Vec<Reach>> {
            Ok(vec![Reach::NONE])
        }

        fn recession(&self) -> Recession {
            Recession::Down
        }

        fn gram(&mut self, _: Every, _: Weight) -> Result<Matrix> {
            Ok(Matrix::eye(2))
        }

        fn passes(&self) -> usize {
            self.passes
        }
    }

    #[test]
    fn a_target_that_is_handed_over_late_has_all_iterations_of_newton() {
        let nulls = vec![Null::new(Model::default(), 1.0, 1.0)];
        let metric = Metric::new(Matrix::eye(2), &Penalty::default(), nulls).unwrap();
        let iterations = |before: usize, max_iterations: Option<usize>| {
            let mut progress = |_| {};
            let mut watch = Watch::new(1e-10, 1, &mut progress);
            watch.max_iterations = max_iterations;
            let mut run = Run::new(0, vec![0.5, 1.0]);
            run.iterations = before;
            let mut f = Twentieth::default();
            let mut objectives = Objectives { fast: None, exact: &mut f, sample: None };
            finish(&mut objectives, &metric, &mut run, &mut watch).unwrap();
            let (at, outcome) = run.finish();
            assert_eq!(loss(&at) < 1e-9, outcome.status == Status::Converged, "{at:?}");
            (outcome.status, outcome.iterations)
        };
        let (status, own) = iterations(0, None);
        assert_eq!(status, Status::Converged);
        assert!((15..50).contains(&own), "{own}");
        assert_eq!(iterations(MOST - 5, None), (Status::Converged, MOST - 5 + own));
        assert_eq!(iterations(1500, None), (Status::Converged, 1500 + own));
        // what the user allows counts all iterations
        assert_eq!(iterations(30, Some(35)), (Status::MaxIterations, 35));
    }
}
