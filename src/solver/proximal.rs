//! Newton's step where the penalty has kinks: the minimum of the quadratic model of the loss plus the penalty as it is.
//!
//! `m(d) = gᵀd + dᵀHd/2 + k(v + d) - k(v)`, `k` the part with kinks. Parameters move one after the other (groups together),
//! each to its own optimum, and those of which the loss sees differences alone by a common shift to the optimum of their penalty,
//! until it is settled which of them are 0; then those that are not are solved for at once, which leaves no more than rounding. The model's minimum is minus the estimate of `loss - optimum`: without kinks, half the
//! squared Newton decrement.

use ndarray::{Array1, ArrayView1};

use super::dot;
use super::run::Heading;
use crate::math::dense::{Cholesky, Matrix, symmetric_eigen};
use crate::objective::{Group, Kinks, hold};

/// Rounds over all parameters.
const MOST_ROUNDS: usize = 100;
/// Rounds over those that are not 0, within one over all.
const MOST_INNER: usize = 200;
/// A round that brings less than this part of the largest so far is the last of its kind.
const SETTLED: f64 = 1e-6;
/// The same for the whole.
const DONE: f64 = 1e-24;
/// Steps of Newton's method for the norm of a group.
const NORM_STEPS: usize = 100;
/// Part of a value that may be rounding.
const ROUNDING: f64 = 1e-9;
/// Steps of all parameters that are not 0 together.
const POLISH: usize = 6;

/// The work on one step.
struct Step<'a> {
    hessian: &'a Matrix,
    kinks: &'a Kinks,
    /// Where it begins, and the gradient there.
    from: (&'a [f64], &'a [f64]),
    at: Vec<f64>,
    /// The gradient of the quadratic model at `at`.
    gradient: Vec<f64>,
    /// Parameters that move alone.
    single: Vec<usize>,
    groups: Vec<Block>,
}

/// The quadratic model of a group in its scaled parameters, in the directions in which it is diagonal.
struct Block {
    curvatures: Vec<f64>,
    directions: Matrix,
}

/// The heading from `at`, where the smooth part has this gradient and Hessian. `None` if numbers are not finite.
pub(super) fn heading(hessian: &Matrix, kinks: &Kinks, at: &[f64], gradient: &[f64]) -> Option<Heading> {
    let mut step = Step::new(hessian, kinks, at, gradient)?;
    step.minimise();
    let direction: Vec<f64> = step.at.iter().zip(at).map(|(to, from)| to - from).collect();
    let slope = kinks.change(at, &direction, 1.0, gradient);
    let change: Vec<f64> = step.gradient.iter().zip(gradient).map(|(now, before)| now - before).collect();
    let gap = -(slope + 0.5 * dot(&direction, &change));
    // what rounding leaves of nothing may have either sign
    let gap = if gap < 0.0 && gap.abs() <= f64::EPSILON * slope.abs() { 0.0 } else { gap };
    (gap.is_finite() && slope.is_finite()).then_some(Heading { direction, gap, slope })
}

impl<'a> Step<'a> {
    fn new(hessian: &'a Matrix, kinks: &'a Kinks, from: &'a [f64], gradient: &'a [f64]) -> Option<Self> {
        let mut is_single = vec![true; from.len()];
        let block = |group: &Group| {
            let members = &group.members;
            let own = Matrix::from_shape_fn((members.len(), members.len()), |(a, b)| {
                let ((i, f), (j, g)) = (members[a], members[b]);
                hessian[(i, j)] / (f * g)
            });
            let (mut curvatures, directions) = symmetric_eigen(&own)?;
            let least = curvatures.last().map_or(0.0, |largest| 1e-14 * largest);
            curvatures.iter_mut().for_each(|curvature| *curvature = curvature.max(least));
            Some(Block { curvatures, directions })
        };
        let groups = kinks.groups.iter().map(block).collect::<Option<_>>()?;
        kinks.groups.iter().flat_map(|group| &group.members).for_each(|(j, _)| is_single[*j] = false);
        let movable = |j: &usize| is_single[*j] && hessian[(*j, *j)] > 0.0;
        let single = (0..from.len()).filter(movable).collect();
        let from = (from, gradient);
        let (at, gradient) = (from.0.to_vec(), from.1.to_vec());
        Some(Self { hessian, kinks, from, at, gradient, single, groups })
    }

    fn minimise(&mut self) {
        self.shift_together();
        let mut largest: f64 = 0.0;
        for _ in 0..MOST_ROUNDS {
            let zeros = self.zeros();
            let moved = self.round(false);
            largest = largest.max(moved);
            if moved <= DONE * largest {
                break;
            }
            for _ in 0..MOST_INNER {
                if self.round(true) <= SETTLED * moved {
                    break;
                }
            }
            let is_settled = self.zeros() == zeros;
            if self.polish() && is_settled && self.round(false) <= SETTLED * SETTLED * largest {
                break;
            }
        }
    }

    /// Which parameters are 0.
    fn zeros(&self) -> Vec<bool> {
        self.at.iter().map(|value| *value == 0.0).collect()
    }

    /// Moves every parameter once, or every one that is not 0 and could be; the largest fall of the model by one.
    fn round(&mut self, only_others: bool) -> f64 {
        let mut most: f64 = 0.0;
        for k in 0..self.single.len() {
            let j = self.single[k];
            let strength = self.kinks.magnitudes.get(j).copied().unwrap_or(0.0);
            if only_others && strength > 0.0 && self.at[j] == 0.0 {
                continue;
            }
            let curvature = self.hessian[(j, j)];
            let best = self.at[j] - self.gradient[j] / curvature;
            let shrunk = best.signum() * (best.abs() - strength / curvature).max(0.0);
            let by = shrunk - self.at[j];
            self.shift(j, by, shrunk);
            most = most.max(by * by * curvature);
        }
        for k in 0..self.groups.len() {
            let group = &self.kinks.groups[k];
            let own = group.scaled(&self.at);
            if only_others && own.iter().all(|u| *u == 0.0) {
                continue;
            }
            let slope: Vec<f64> =
                group.members.iter().map(|(j, factor)| self.gradient[*j] / factor).collect();
            let to = self.groups[k].best(&own, &slope, group.strength);
            let mut fall = 0.0;
            for (number, (j, factor)) in group.members.iter().enumerate() {
                let by = to[number] / factor - self.at[*j];
                fall += by * by * self.hessian[(*j, *j)];
                self.shift(*j, by, to[number] / factor);
            }
            most = most.max(fall);
        }
        most.max(self.shift_together())
    }

    /// Moves parameters of which the loss sees differences alone together; the largest move as [`Step::round`] measures it.
    fn shift_together(&mut self) -> f64 {
        let mut most: f64 = 0.0;
        for shift in &self.kinks.shifts {
            let by = shift.best(&self.at);
            if by != 0.0 {
                shift.add(by, &mut self.at);
                // the loss has neither slope nor curvature along it
                shift.add(by * shift.curvature, &mut self.gradient);
                let curvature = shift.members.iter().map(|&j| self.hessian[(j, j)]).fold(0.0, f64::max);
                most = most.max(by * by * curvature);
            }
        }
        most
    }

    fn shift(&mut self, j: usize, by: f64, to: f64) {
        if by != 0.0 {
            self.at[j] = to;
            let column = self.hessian.column(j);
            self.gradient.iter_mut().zip(column).for_each(|(g, h)| *g += by * h);
        }
    }

    /// Solves for all parameters that are not 0 at once; false, and nothing changes, if one of them would cross its kink.
    fn polish(&mut self) -> bool {
        let free = self.kinks.free(&self.at, &vec![0.0; self.at.len()]);
        let (at, gradient, before) = (self.at.clone(), self.gradient.clone(), self.model());
        let n_steps = if self.groups.is_empty() { 1 } else { POLISH };
        let all = (0..n_steps).all(|_| self.polish_once(&free));
        // steps that end above where they began were too long for the norms of groups
        if !all || self.model().is_nan() || self.model() > before + ROUNDING * before.abs() {
            (self.at, self.gradient) = (at, gradient);
            return false;
        }
        true
    }

    /// The value of the model, 0 where it begins.
    fn model(&self) -> f64 {
        let (from, slope) = self.from;
        let moved: Vec<f64> = self.at.iter().zip(from).map(|(to, from)| to - from).collect();
        let curved =
            moved.iter().zip(self.gradient.iter().zip(slope)).map(|(d, (now, then))| d * (now - then));
        self.kinks.change(from, &moved, 1.0, slope) + 0.5 * curved.sum::<f64>()
    }

    fn polish_once(&mut self, free: &[usize]) -> bool {
        let slope = self.kinks.subgradient(&self.at, &self.gradient);
        let mut curved = self.hessian.clone();
        self.kinks.add_to(&mut curved, &self.at);
        let mut own = Matrix::from_shape_fn((free.len(), free.len()), |(a, b)| curved[(free[a], free[b])]);
        let mut loose = self.kinks.whole(free);
        // the model has neither slope nor curvature along these
        loose.retain(|(shift, _)| shift.curvature == 0.0);
        for (_, places) in &loose {
            hold(&mut own, places);
        }
        let Some(factor) = Cholesky::new(&own).filter(|factor| factor.jitter() == 0.0) else { return false };
        let left: Vec<f64> = free.iter().map(|&j| -(self.gradient[j] + slope[j])).collect();
        let step = factor.solve(&left);
        let mut to = self.at.clone();
        free.iter().zip(&step).for_each(|(&j, by)| to[j] += by);
        // what may move together at no cost crosses no kink if it need not
        loose.iter().for_each(|(shift, _)| shift.add(shift.best(&to), &mut to));
        let crosses =
            |&j: &usize| self.kinks.magnitudes.get(j).is_some_and(|s| *s > 0.0) && self.at[j] * to[j] <= 0.0;
        if free.iter().any(crosses) || step.iter().any(|by| !by.is_finite()) {
            return false;
        }
        self.at = to;
        // from the start, so that rounding does not pile up
        let moved: Array1<f64> = self.at.iter().zip(self.from.0).map(|(to, from)| to - from).collect();
        let products = self.hessian.dot(&moved);
        self.gradient = products.iter().zip(self.from.1).map(|(product, g)| g + product).collect();
        self.kinks.groups.iter().all(|group| {
            let was_free = group.members.first().is_some_and(|(j, _)| free.contains(j));
            !was_free || group.norm(&self.at) > 0.0
        })
    }
}

impl Block {
    /// Where `slopeᵀ(u - from) + (u - from)ᵀ A (u - from) / 2 + strength norm(u)` is smallest.
    fn best(&self, from: &[f64], slope: &[f64], strength: f64) -> Vec<f64> {
        let turned = |u: &[f64]| self.directions.t().dot(&ArrayView1::from(u));
        // the pull on u at 0, in directions in which A is diagonal
        let pull: Vec<f64> = turned(from)
            .iter()
            .zip(turned(slope))
            .zip(&self.curvatures)
            .map(|((u, g), curvature)| curvature * u - g)
            .collect();
        let Some(norm) = self.norm(&pull, strength) else { return vec![0.0; from.len()] };
        let own =
            pull.iter().zip(&self.curvatures).map(|(b, curvature)| b * norm / (curvature * norm + strength));
        self.directions.dot(&own.collect::<Array1<f64>>()).to_vec()
    }

    /// The norm `r` of that point, the root of `sum_i (b_i / (a_i r + strength))² = 1`; `None` if it is 0.
    fn norm(&self, pull: &[f64], strength: f64) -> Option<f64> {
        let size = dot(pull, pull).sqrt();
        if size <= strength {
            return None;
        }
        // between what the largest and the smallest curvature alone would give
        let ends = [self.curvatures.last(), self.curvatures.first()];
        let [mut low, mut high] = ends.map(|end| (size - strength) / end.copied().unwrap_or(1.0));
        let mut r = low;
        for _ in 0..NORM_STEPS {
            let terms = pull
                .iter()
                .zip(&self.curvatures)
                .map(|(b, a)| (b / (a * r + strength), a / (a * r + strength)));
            let (sum, fall) = terms.fold((0.0, 0.0), |(sum, fall), (b, a)| (sum + b * b, fall + b * b * a));
            if sum >= 1.0 {
                low = r;
            } else {
                high = r;
            }
            // Newton's method for 1 / sqrt(sum) = 1, which is nearly straight
            let next = r + (sum.sqrt() - 1.0) * sum / fall;
            let next = if next > low && next < high { next } else { f64::midpoint(low, high) };
            if (next - r).abs() <= f64::EPSILON * r {
                return Some(next);
            }
            r = next;
        }
        Some(r)
    }
}
