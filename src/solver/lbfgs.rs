//! L-BFGS preconditioned by the flat Gram: one factorisation for all targets, then passes without any.

use std::collections::{HashMap, VecDeque};

use super::descent::{Direct, Heading, descend};
use super::{Metric, Minimize, Solution, Watch, dot};
use crate::Result;
use crate::math::dense::Matrix;
use crate::objective::Objective;

/// Secant pairs that are remembered.
const MEMORY: usize = 20;

/// Limited-memory BFGS whose initial inverse Hessian is that of the flat Gram divided by the target's mean response
/// (the Hessian if the rate were constant), so that correlated features cost no extra iterations.
///
/// The estimated gap is `gᵀM⁻¹g / 2` with that metric. # Source: J. Nocedal, Math. Comp. 35 (1980), two-loop form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lbfgs;

/// One target's past.
#[derive(Default)]
struct History {
    /// Last point and gradient.
    last: Option<(Vec<f64>, Vec<f64>)>,
    /// Steps, changes of the gradient, and one over their product; oldest first.
    pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
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
    fn remember(&mut self, at: &[f64], gradient: &[f64]) {
        if let Some((before, slope)) = self.last.replace((at.to_vec(), gradient.to_vec())) {
            let (step, change) = (minus(at, &before), minus(gradient, &slope));
            let product = dot(&step, &change);
            if product > 0.0 && (1.0 / product).is_finite() {
                if self.pairs.len() == MEMORY {
                    self.pairs.pop_front();
                }
                self.pairs.push_back((step, change, 1.0 / product));
            }
        }
    }

    /// `-H·gradient` with the inverse Hessian of the pairs on top of `initial`.
    fn direction(&self, gradient: &[f64], initial: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
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
}

impl Direct for Rule<'_> {
    fn heading(
        &mut self,
        _: &mut dyn Objective,
        target: usize,
        at: &[f64],
        gradient: &[f64],
    ) -> Result<Option<Heading>> {
        let mean_y = self.metric.mean_y[target];
        let initial = |g: &[f64]| {
            let mut x = self.metric.factor.solve(g);
            x.iter_mut().for_each(|x| *x /= mean_y);
            x
        };
        let history = self.histories.entry(target).or_default();
        history.remember(at, gradient);
        let gap = 0.5 * dot(&initial(gradient), gradient);
        let mut direction = history.direction(gradient, initial);
        if dot(&direction, gradient) >= 0.0 {
            history.pairs.clear();
            direction = history.direction(gradient, initial);
        }
        Ok(Some(Heading { direction, gap }))
    }

    fn forget(&mut self, target: usize) -> bool {
        let history = self.histories.entry(target).or_default();
        let had = !history.pairs.is_empty();
        history.pairs.clear();
        had
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
        "lbfgs"
    }

    fn minimize(
        &self,
        f: &mut dyn Objective,
        metric: &Metric,
        targets: &[usize],
        start: Matrix,
        watch: &mut Watch,
    ) -> Result<Solution> {
        let mut rule = Rule { metric, histories: HashMap::new() };
        descend(&mut rule, f, metric, targets, start, watch)
    }
}
