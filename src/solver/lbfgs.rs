//! L-BFGS preconditioned by the flat Gram: one factorisation for all targets, then passes without any.

use std::collections::{HashMap, VecDeque};

use rayon::prelude::*;

use super::descent::{Direct, Stage, Taken, descend};
use super::run::{Heading, Run};
use super::{Metric, Minimize, Objectives, Solution, Start, Watch, dot, newton};
use crate::Result;
use crate::backend::Every;
use crate::objective::Objective;

/// Secant pairs that are remembered.
const MEMORY: usize = 20;
/// The relative gap at which numbers of a backend have done their part.
const FAST_GOAL: f64 = 1e-11;
/// The loss gap, in parameters per row of the sample, at which a sample has told what it knows.
const SAMPLE_GOAL: f64 = 0.005;
/// Full steps refused from which on the metric is scaled by the last change of the gradient. Before that it is the better one:
/// of most data it is close to the Hessian.
const SEVERAL: usize = 2;
/// Part of the tolerance that is aimed at, so that the certificate agrees.
const INSIDE: f64 = 0.8;

/// Limited-memory BFGS whose initial inverse Hessian is that of the flat Gram divided by the target's null curvature
/// (the Hessian if the mean were constant), so that correlated features cost no extra iterations; after full steps that were
/// refused, times the factor that fits the last change of the gradient.
///
/// The estimated gap is `gᵀM⁻¹g / 2` with that metric. # Source: J. Nocedal, Math. Comp. 35 (1980), two-loop form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lbfgs {
    /// Whether [`super::Newton`] takes over a target whose gap none of several passes in a row halves.
    pub newton_if_slow: bool,
}

impl Lbfgs {
    /// Its name in results.
    pub const NAME: &'static str = "lbfgs";
}

/// One target's past.
#[derive(Default)]
pub(super) struct History {
    /// Last point, gradient `g`, and `M⁻¹ g`.
    last: Option<(Vec<f64>, Vec<f64>, Vec<f64>)>,
    /// Steps, changes of the gradient, and one over their product; oldest first.
    pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
    /// How much longer than `M⁻¹` the inverse Hessian makes the last change of the gradient, if there is one.
    longer: Option<f64>,
    /// Full steps that were refused: where there are several, `M⁻¹` is not of the right size.
    n_refused: usize,
}

struct Rule<'a> {
    metric: &'a Metric,
    histories: HashMap<usize, History>,
}

fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn add_scaled(a: &mut [f64], factor: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += factor * b);
}

impl History {
    /// Notes a point, its gradient and the latter divided by a metric.
    pub(super) fn remember(&mut self, at: &[f64], gradient: &[f64], scaled: &[f64]) {
        let now = (at.to_vec(), gradient.to_vec(), scaled.to_vec());
        if let Some((before, slope, scaled_slope)) = self.last.replace(now) {
            let (step, change) = (minus(at, &before), minus(gradient, &slope));
            let product = dot(&step, &change);
            if product > 0.0 && (1.0 / product).is_finite() {
                let longer = product / dot(&change, &minus(scaled, &scaled_slope));
                self.longer = Some(longer).filter(|longer| *longer > 0.0 && longer.is_finite());
                if self.pairs.len() == MEMORY {
                    self.pairs.pop_front();
                }
                self.pairs.push_back((step, change, 1.0 / product));
            }
        }
    }

    /// `-H·gradient` with the inverse Hessian of the pairs on top of `initial`.
    pub(super) fn direction(&self, gradient: &[f64], initial: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
        let mut q = gradient.to_vec();
        let mut factors = Vec::with_capacity(self.pairs.len());
        for (step, change, inverse) in self.pairs.iter().rev() {
            let factor = inverse * dot(step, &q);
            add_scaled(&mut q, -factor, change);
            factors.push(factor);
        }
        let mut direction = initial(&q);
        for ((step, change, inverse), factor) in self.pairs.iter().zip(factors.iter().rev()) {
            let back = inverse * dot(change, &direction);
            add_scaled(&mut direction, factor - back, step);
        }
        direction.iter_mut().for_each(|d| *d = -*d);
        direction
    }

    /// Whether no change of the gradient is known; what was known is forgotten.
    pub(super) fn clear(&mut self) -> bool {
        let is_empty = self.pairs.is_empty();
        self.pairs.clear();
        is_empty
    }

    /// The heading from a point that was just taken.
    fn heading(&mut self, metric: &Metric, taken: &Taken) -> Heading {
        let gradient = &taken.point.gradient;
        let scaled = metric.step(taken.target, gradient);
        self.remember(&taken.point.at, gradient, &scaled);
        let gap = 0.5 * dot(&scaled, gradient);
        let longer = self.longer.filter(|_| self.n_refused >= SEVERAL).unwrap_or(1.0);
        let initial = |g: &[f64]| {
            let mut step = metric.step(taken.target, g);
            step.iter_mut().for_each(|d| *d *= longer);
            step
        };
        let mut direction = self.direction(gradient, initial);
        if dot(&direction, gradient) >= 0.0 {
            self.pairs.clear();
            direction = self.direction(gradient, initial);
        }
        let slope = dot(&direction, gradient);
        Heading { direction, gap, slope }
    }
}

impl Direct for Rule<'_> {
    fn headings(&mut self, _: &mut dyn Objective, points: &[Taken]) -> Result<Vec<Option<Heading>>> {
        let mut work: Vec<(&Taken, History)> = points
            .iter()
            .map(|taken| (taken, self.histories.remove(&taken.target).unwrap_or_default()))
            .collect();
        let metric = self.metric;
        let head = |(taken, history): &mut (&Taken, History)| Some(history.heading(metric, taken));
        // waking a thread costs more than the heading of one target
        let headings = match work.as_mut_slice() {
            [only] => vec![head(only)],
            several => several.par_iter_mut().map(head).collect(),
        };
        self.histories.extend(work.into_iter().map(|(taken, history)| (taken.target, history)));
        Ok(headings)
    }

    fn reject(&mut self, target: usize) {
        self.histories.entry(target).or_default().n_refused += 1;
    }

    fn forget(&mut self, target: usize) -> bool {
        let history = self.histories.entry(target).or_default();
        let had = !history.pairs.is_empty();
        history.pairs.clear();
        had
    }

    fn change_stage(&mut self) {
        // gradients of two objectives must not be subtracted from each other; the pairs stay
        self.histories.values_mut().for_each(|history| history.last = None);
    }

    fn max_iterations(&self) -> usize {
        2000
    }

    fn patience(&self) -> usize {
        10
    }
}

impl Minimize for Lbfgs {
    fn name(&self) -> &'static str {
        Self::NAME
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

impl Lbfgs {
    /// All stages.
    fn descend_all(
        self,
        f: &mut Objectives,
        metric: &Metric,
        runs: &mut [Run],
        watch: &mut Watch,
    ) -> Result<()> {
        let mut rule = Rule { metric, histories: HashMap::new() };
        if let (Some(every), [only]) = (f.sample, &*runs) {
            let target = only.target;
            let sampled: &mut dyn Objective = match &mut f.fast {
                Some(fast) => *fast,
                None => f.exact,
            };
            let parameters = sampled.n_parameters() as f64 / sampled.n_rows_of(every) as f64;
            let goal = SAMPLE_GOAL * parameters * metric.nulls[target].noise;
            let stage = Stage { every, goal, tolerance: None, is_last: false, may_leave: false };
            descend(&mut rule, sampled, metric, runs, stage, watch)?;
        }
        let every = Every::ROW;
        if let Some(fast) = &mut f.fast {
            let goal = FAST_GOAL.max(INSIDE * watch.goal);
            // what is near enough here is left to the certificate
            let tolerance = (watch.tolerance >= FAST_GOAL).then_some(watch.tolerance);
            let stage = Stage { every, goal, tolerance, is_last: false, may_leave: self.newton_if_slow };
            descend(&mut rule, *fast, metric, runs, stage, watch)?;
        }
        let (goal, tolerance) = (watch.goal, Some(watch.tolerance));
        let stage = Stage { every, goal, tolerance, is_last: true, may_leave: self.newton_if_slow };
        descend(&mut rule, f.exact, metric, runs, stage, watch)?;
        while let Some(k) = runs.iter().rposition(|run| run.leaves) {
            watch.n_waiting = runs[..k].iter().filter(|run| run.leaves).count();
            (runs[k].leaves, runs[k].taken_over) = (false, true);
            newton::finish(f, metric, &mut runs[k], watch)?;
        }
        Ok(())
    }
}
