//! The certificate: proof of optimality in `f64` at the numbers that are reported, for every class.

use std::time::Instant;

use ndarray::{ArrayView1, Axis};

use super::course::Course;
use super::fitted::ClassCovariance;
use crate::Result;
use crate::backend::{Cpu, Every};
use crate::glm::certificate::{RESTLESS, RUNNING, Reported, UNKNOWN, read_back, report, spread};
use crate::math::dense::{Cholesky, Matrix, condition};
use crate::objective::{ClassObjective, ClassOptimality, Objective, Separation, Weight, hold, release};
use crate::observation::Recession;
use crate::solver::{Outcome, Status, reach};

/// Parameters up to which a target whose Hessian costs too much is asked whether it is separated.
const MOST_ASKED: usize = 512;

/// Where a target stands.
pub(super) struct Standing {
    /// Of every class.
    pub(super) reported: Vec<Reported>,
    pub(super) loss: f64,
    pub(super) unpenalised: f64,
    /// With respect to the parameters of the members.
    pub(super) gradient: Vec<f64>,
    pub(super) kkt_residual: f64,
    /// The loss gap by the Hessian of the null model.
    pub(super) flat_gap: f64,
    pub(super) inference: Option<ClassInference>,
    pub(super) outcome: Outcome,
    /// Whether the loss has a minimum, if there was reason to ask.
    pub(super) separation: Option<Separation>,
    /// Whether all was looked at that there was reason to look at: Hessian and separation.
    pub(super) is_examined: bool,
    /// Whether its Hessian was looked at and is singular to rounding.
    pub(super) is_singular: bool,
}

/// What the Hessian tells.
pub(super) struct ClassInference {
    pub(super) loss_gap: f64,
    /// Of every column and class, row after row.
    pub(super) standard_errors: Vec<f64>,
    pub(super) intercept_standard_errors: Vec<f64>,
    pub(super) covariances: Vec<ClassCovariance>,
    pub(super) condition: f64,
    /// How far the Newton step moves the farthest row.
    step_reach: f64,
    /// Newton's step, as parameters of the members.
    step: Vec<f64>,
    /// The largest standard error of these.
    spread: f64,
}

impl ClassInference {
    /// Whether a class may be running away.
    fn runs(&self) -> bool {
        self.step_reach > RUNNING || self.spread > UNKNOWN
    }
}

/// Newton's step and the inverse of the Hessian, 0 for parameters that are held at a kink.
struct Curvature {
    step: Vec<f64>,
    inverse: Matrix,
    free: Vec<bool>,
    condition: f64,
}

impl Standing {
    /// The direction along which the loss falls for ever, if there is one.
    pub(super) fn recession(&self) -> Option<&Vec<f64>> {
        match &self.separation {
            Some(Separation::Recedes(direction)) => Some(direction),
            _ => self.outcome.recession.as_ref(),
        }
    }

    /// Whether it may be running away without end, and nobody can tell.
    pub(super) fn is_in_doubt(&self) -> bool {
        (self.runs() || self.is_singular) && self.separation == Some(Separation::Undecided)
    }

    /// Whether it may be running away.
    fn runs(&self) -> bool {
        self.inference.as_ref().is_some_and(ClassInference::runs)
    }

    /// Whether the next Newton step would still move rows by much.
    pub(super) fn is_restless(&self) -> bool {
        self.inference.as_ref().is_some_and(|inference| inference.step_reach > RESTLESS)
    }

    /// Adds the work of an earlier round.
    pub(super) fn after(mut self, earlier: Option<Self>) -> Self {
        if let Some(mut earlier) = earlier {
            let mut history = std::mem::take(&mut earlier.outcome.history);
            // it went on from the last point
            history.pop();
            self.outcome.history.iter_mut().for_each(|point| point.iteration += earlier.outcome.iterations);
            history.append(&mut self.outcome.history);
            self.outcome.history = history;
            self.outcome.iterations += earlier.outcome.iterations;
            self.outcome.passes += earlier.outcome.passes;
            self.outcome.taken_over |= earlier.outcome.taken_over;
        }
        self
    }
}

impl Course<'_, '_> {
    /// Coefficients and intercepts of every class, in the user's units, at a point of the solver.
    pub(super) fn reports(&self, at: &[f64]) -> Vec<Reported> {
        let p = 1 + self.rank.n_members();
        let free: Vec<Reported> =
            at.chunks(p).map(|block| report(&self.rank, self.plan.scaling(), block)).collect();
        let of_class = |class: usize| {
            let mut own = Reported { coef: vec![0.0; self.plan.n_columns()], intercept: 0.0 };
            for (a, free) in free.iter().enumerate() {
                let factor = self.contrasts.factor(class, a);
                own.intercept += factor * free.intercept;
                own.coef.iter_mut().zip(&free.coef).for_each(|(to, w)| *to += factor * w);
            }
            own
        };
        let mut reported: Vec<Reported> = (0..self.contrasts.n_classes()).map(of_class).collect();
        if !self.contrasts.are_centred() {
            // intercepts that sum to 0 are those of the user's columns, not of centred ones
            let mean = reported.iter().map(|own| own.intercept).sum::<f64>() / reported.len() as f64;
            reported.iter_mut().for_each(|own| own.intercept -= mean);
        }
        reported
    }

    /// Loss, gradient and optimality residual at reported numbers, over the columns that vary as they are.
    pub(super) fn optimality(
        &self,
        over_all: &mut ClassObjective<Cpu<f64>>,
        reported: &[Reported],
    ) -> Result<ClassOptimality> {
        let scaling = self.plan.scaling();
        let points: Vec<Vec<f64>> =
            reported.iter().map(|own| read_back(scaling, own, &self.varying)).collect();
        let point = Matrix::from_shape_fn((1 + self.varying.len(), points.len()), |(j, k)| points[k][j]);
        over_all.optimality(&point, &self.penalty.blocks(self.contrasts.n_classes()))
    }

    /// Loss, gradient and optimality residual where the solver left it, at the reported numbers. `over_all` has the columns that
    /// vary as they are.
    pub(super) fn standing(
        &self,
        over_all: &mut ClassObjective<Cpu<f64>>,
        at: &[f64],
        outcome: Outcome,
    ) -> Result<Standing> {
        let reported = self.reports(at);
        let found = self.optimality(over_all, &reported)?;
        let of_members = self.of_members(&found.gradient);
        let mut gradient = vec![0.0; of_members.len()];
        let p = of_members.nrows();
        for (j, row) in of_members.rows().into_iter().enumerate() {
            let free = self.contrasts.of_free(&row.to_vec());
            free.into_iter().enumerate().for_each(|(a, g)| gradient[a * p + j] = g);
        }
        gradient.truncate(p * self.contrasts.n_free());
        let flat = self.metric.step(0, &gradient);
        let flat_gap = 0.5 * flat.iter().zip(&gradient).map(|(a, b)| a * b).sum::<f64>();
        Ok(Standing {
            reported,
            loss: found.loss,
            unpenalised: found.unpenalised,
            gradient,
            kkt_residual: found.kkt_residual,
            flat_gap,
            inference: None,
            outcome,
            separation: None,
            is_examined: false,
            is_singular: false,
        })
    }

    /// The gradient of every class with respect to the parameters of the members.
    fn of_members(&self, gradient: &Matrix) -> Matrix {
        if self.rank.is_whole(&self.varying) {
            return gradient.clone();
        }
        let factors = self.rank.to_standard.select(Axis(0), &self.varying);
        let mut all = Matrix::zeros((1 + self.rank.n_members(), gradient.ncols()));
        all.row_mut(0).assign(&gradient.row(0));
        let columns: Vec<usize> = (1..gradient.nrows()).collect();
        let products = factors.t().dot(&gradient.select(Axis(0), &columns));
        products.indexed_iter().for_each(|((j, k), value)| all[(1 + j, k)] = *value);
        all
    }

    /// The Hessian at the point: for the gap, standard errors, and to see whether a class runs away. `None` if it is singular.
    fn look(
        &self,
        f: &mut ClassObjective<Cpu<f64>>,
        at: &[f64],
        standing: &Standing,
    ) -> Result<Option<ClassInference>> {
        let hessian = f.gram(Every::ROW, Weight::Point { target: 0, at })?;
        let Some(Curvature { step, inverse, free, condition }) =
            Self::curvature(f, hessian, at, &standing.gradient)
        else {
            return Ok(None);
        };
        let loss_gap = -0.5 * step.iter().zip(&standing.gradient).map(|(d, g)| d * g).sum::<f64>();
        let covariance = inverse / self.plan.total_weight();
        let (standard_errors, intercept_standard_errors) = self.errors(&covariance, &free);
        let may_recede = f.recession() != Recession::Never;
        let step_reach = if may_recede { reach(f, 0, at, &step)?.all } else { 0.0 };
        Ok(Some(ClassInference {
            loss_gap,
            standard_errors,
            intercept_standard_errors,
            covariances: self.covariances(&covariance),
            condition,
            step_reach,
            step,
            spread: if may_recede { spread(&covariance) } else { 0.0 },
        }))
    }

    /// Looks at a target where the solver left it, and asks whether it is separated where that is in doubt.
    pub(super) fn examine(
        &self,
        f: &mut ClassObjective<Cpu<f64>>,
        at: &[f64],
        standing: &mut Standing,
        until: Option<Instant>,
    ) -> Result<()> {
        // unless it would cost too much
        if !self.is_too_costly() {
            standing.inference = self.look(f, at, standing)?;
            standing.is_singular = standing.inference.is_none();
        }
        self.ask(f, at, standing, until)?;
        standing.is_examined = true;
        Ok(())
    }

    /// Asks whether the loss has a minimum if the target did not come to rest at one, or if nothing tells whether it did.
    fn ask(
        &self,
        f: &mut ClassObjective<Cpu<f64>>,
        at: &[f64],
        standing: &mut Standing,
        until: Option<Instant>,
    ) -> Result<()> {
        let status = standing.outcome.status;
        let ended = matches!(status, Status::MaxIterations | Status::Stalled | Status::Failed);
        let is_unseen = standing.is_singular
            || (standing.inference.is_none() && !self.spec.is_scored() && f.n_parameters() <= MOST_ASKED);
        if standing.outcome.recession.is_none() && (ended || standing.runs() || is_unseen) {
            let step = standing.inference.as_ref().map_or(at, |inference| &inference.step);
            standing.separation = Some(f.separation(0, [at, step], until)?);
        }
        Ok(())
    }

    /// What the Hessian says; `None` if it is singular to rounding or not finite.
    fn curvature(
        f: &ClassObjective<Cpu<f64>>,
        mut hessian: Matrix,
        at: &[f64],
        gradient: &[f64],
    ) -> Option<Curvature> {
        let penalty = f.penalty(0);
        let kinks = penalty.kinks();
        if kinks.is_none() {
            let factor = Cholesky::new(&hessian).filter(|factor| factor.jitter() == 0.0)?;
            let step = factor.solve(gradient).iter().map(|d| -d).collect();
            let mut inverse = factor.inverse();
            penalty.confine(&mut inverse);
            let condition = condition(&hessian);
            return Some(Curvature { step, inverse, free: vec![true; at.len()], condition });
        }
        kinks.add_to(&mut hessian, at);
        let free = kinks.free(at, gradient);
        let mut own = hessian.select(Axis(0), &free).select(Axis(1), &free);
        // common shifts of free coefficients: the loss has no part in them, and answers do not move there
        let whole = kinks.whole(&free);
        let held: Vec<f64> = whole.iter().map(|(_, places)| hold(&mut own, places)).collect();
        let factor = Cholesky::new(&own)?;
        let left: Vec<f64> = free.iter().map(|&j| gradient[j]).collect();
        let (mut step, mut inverse) = (vec![0.0; at.len()], Matrix::zeros(hessian.dim()));
        let (mut own_step, mut own_inverse) = (factor.solve(&left), factor.inverse());
        for ((shift, places), held) in whole.iter().zip(held) {
            release(&mut own_inverse, places);
            if shift.curvature > 0.0 {
                // the step along it is that of the penalty
                let n = places.len() as f64;
                let slope = places.iter().map(|&j| left[j]).sum::<f64>() / n;
                let more = slope * (1.0 / shift.curvature - 1.0 / (shift.curvature + n * held));
                places.iter().for_each(|&j| own_step[j] += more);
            }
        }
        let mut is_free = vec![false; at.len()];
        for (a, &i) in free.iter().enumerate() {
            (step[i], is_free[i]) = (-own_step[a], true);
            free.iter().enumerate().for_each(|(b, &j)| inverse[(i, j)] = own_inverse[(a, b)]);
        }
        Some(Curvature { step, inverse, free: is_free, condition: condition(&own) })
    }

    /// Standard errors of the coefficients of every column and class, and of the intercepts, from the covariance of the
    /// parameters.
    fn errors(&self, covariance: &Matrix, free: &[bool]) -> (Vec<f64>, Vec<f64>) {
        let (scaling, p) = (self.plan.scaling(), 1 + self.rank.n_members());
        let (n_classes, n_columns) = (self.contrasts.n_classes(), self.plan.n_columns());
        let n_free = self.contrasts.n_free();
        let spread = |of_class: &dyn Fn(usize) -> f64, of_block: &[f64]| -> Vec<f64> {
            (0..n_free).flat_map(|a| of_block.iter().map(move |own| of_class(a) * own)).collect()
        };
        // sqrt(aᵀ C a), a scaled first so that its squares neither overflow nor vanish
        let error = |mut all: Vec<f64>| -> f64 {
            let largest = all.iter().fold(f64::MIN_POSITIVE, |m: f64, a| m.max(a.abs()));
            all.iter_mut().for_each(|a| *a /= largest);
            let product = covariance.dot(&ArrayView1::from(&all));
            largest * all.iter().zip(&product).map(|(a, b)| a * b).sum::<f64>().sqrt()
        };
        let mut of_intercept = vec![0.0; p];
        of_intercept[0] = 1.0;
        let mut errors = vec![f64::NAN; n_columns * n_classes];
        for (column, row) in self.rank.to_user.rows().into_iter().enumerate() {
            let own: Vec<f64> = std::iter::once(0.0).chain(row.iter().copied()).collect();
            // intercept = v0 - sum_j mean_j coef_j
            of_intercept.iter_mut().zip(&own).for_each(|(to, a)| *to -= scaling.mean[column] * a);
            for class in 0..n_classes {
                let all = spread(&|a| self.contrasts.factor(class, a), &own);
                let rests = all.iter().zip(free).all(|(a, free)| !free || *a == 0.0);
                if !self.rank.aliased.contains(&column) && !rests {
                    errors[column * n_classes + class] = error(all);
                }
            }
        }
        // intercepts sum to 0
        let shift = if self.contrasts.are_centred() { 0.0 } else { 1.0 / n_classes as f64 };
        let of_class = |class: usize| {
            if !self.plan.has_intercept() {
                // one that is given has none
                return 0.0;
            }
            error(spread(&|a| self.contrasts.factor(class, a) - shift, &of_intercept))
        };
        (errors, (0..n_classes).map(of_class).collect())
    }
}
