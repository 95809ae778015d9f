//! A fit that is only scored: the solver's part alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ndarray::Axis;

use super::certificate::Reported;
use super::fit::{Fit, Views};
use super::plan::Plan;
use super::start::StartPoint;
use crate::backend::{Cast, Cpu, Every, Home};
use crate::design::DesignPlan;
use crate::math::dense::Matrix;
use crate::objective::{GlmObjective, Objective, Weight};
use crate::observation::{Null, Observe};
use crate::solver::{Chord, Lbfgs, Minimize, Newton, Objectives, Progress, Solution, Status, Watch};
use crate::{Error, Result};

/// Bytes of the Hessians of all targets that are kept from one fit to the next, at most.
pub(super) const MOST_KEPT_BYTES: usize = 1 << 28;
/// Passes that a fit with a kept Hessian takes at most where there is nothing to gain from a new one.
const QUICK: usize = 4;

/// Where a target came to without a certificate.
#[derive(Clone, Debug)]
pub(super) struct Solved {
    pub(super) point: StartPoint,
    pub(super) status: Status,
    /// The scale that the target shows, 1 where the model is given its variance.
    pub(super) scale: f64,
}

/// The Hessian of a target's loss, without the penalty, and where it was formed; empty of a silent target.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) hessian: Arc<Matrix>,
    pub(super) at: Arc<StartPoint>,
}

/// Hessians that do instead of those of the point.
pub(super) enum Hessians<'h> {
    /// One for each target, of an earlier fit to the same rows; renewed where they do not lead on quickly. `None` before the first
    /// fit.
    Kept(&'h mut Option<Vec<Kept>>),
    /// One for each target; `None` where there are none.
    Given(Option<&'h [Arc<Matrix>]>),
}

impl Hessians<'_> {
    fn all(&self) -> Option<Vec<Arc<Matrix>>> {
        match self {
            Self::Kept(own) => {
                own.as_ref().map(|own| own.iter().map(|kept| Arc::clone(&kept.hessian)).collect())
            }
            Self::Given(own) => own.map(<[Arc<Matrix>]>::to_vec),
        }
    }
}

impl Fit<'_, '_, '_> {
    /// The solver's part alone, without sample, certificate and another round; silent targets stay at their mean. Where
    /// Newton's method would form Hessians, those at hand are used while they lead on quickly.
    pub(super) fn solve(
        &self,
        chosen: &Plan,
        views: Views,
        (of_parts, cast, started): (&[DesignPlan], Cast, Instant),
        hessians: &mut Hessians,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Solved>> {
        let (spec, nulls) = (self.spec.get(), &self.metric.nulls);
        let live: Vec<usize> = (0..nulls.len()).filter(|&target| !nulls[target].is_silent).collect();
        let left = |limit: f64| started.checked_add(Duration::try_from_secs_f64(limit).ok()?);
        let mut watch = Watch {
            max_iterations: spec.max_iterations,
            deadline: spec.time_limit_s.and_then(left),
            stop: spec.stop.clone(),
            ..Watch::new(spec.tolerance, nulls.len(), progress)
        };
        let lbfgs = Lbfgs { newton_if_slow: chosen.newton_if_slow };
        let is_newton = chosen.solver == Newton.name();
        let bytes = nulls.len() * (1 + self.rank.n_members()).pow(2) * size_of::<f64>();
        let may_be_kept = match hessians {
            Hessians::Kept(_) => {
                is_newton && self.rank.is_whole(&self.varying) && bytes <= self.spec.most_kept_bytes()
            }
            Hessians::Given(_) => self.rank.is_whole(&self.varying),
        };
        let at_hand = hessians.all().filter(|_| may_be_kept);
        let chord = at_hand.as_deref().map(|hessians| Chord { hessians });
        let solver: &dyn Minimize = match &chord {
            Some(chord) => chord,
            None if is_newton => &Newton,
            None => &lbfgs,
        };
        let silent = |null: &Null| Solved {
            point: StartPoint { coef: vec![0.0; self.plan.n_columns()], intercept: null.eta },
            status: Status::NoEvents,
            scale: 1.0,
        };
        let mut solved: Vec<Solved> = nulls.iter().map(silent).collect();
        if live.is_empty() {
            return Ok(solved);
        }
        let Views { mut fast, exact, .. } = views;
        let own = fast.take().map(|fast| -> &mut dyn Objective { fast });
        let mut objectives = Objectives { fast: own, exact: &mut *exact, sample: None };
        let start = self.start(&live, false);
        let solution = solver.minimize(&mut objectives, &self.metric, &live, start, &mut watch);
        // where they were stopped is nowhere to go on from
        spec.stop.check()?;
        let mut solution = solution.map_err(|error| match error {
            // of parts of the rows no other fit goes on
            Error::Gpu(source) if !of_parts.is_empty() => Error::Gpu(source),
            error => self.unfinished(error, &watch.halted),
        })?;
        if self.costs.home != Home::Host
            && let Some(fast) = &mut objectives.fast
        {
            let doubted = self.doubted(*fast, &live, &solution)?;
            let solver: &dyn Minimize = if is_newton { &Newton } else { &lbfgs };
            self.finish_doubted(solver, objectives.exact, (&live, &doubted), &mut solution, &mut watch)?;
            spec.stop.check()?;
        }
        let reports = self.reports(&solution.at);
        if let Hessians::Kept(kept) = hessians {
            if may_be_kept {
                let f = objectives.fast.unwrap_or(objectives.exact);
                self.renew(kept, f, (&live, &reports), &solution)?;
            } else {
                **kept = None;
            }
        }
        let scales = self.scales(exact, (&live, &solution.at, &reports), (of_parts, cast))?;
        let found = reports.into_iter().zip(&solution.outcomes).zip(scales);
        for (&target, ((Reported { coef, intercept }, outcome), scale)) in live.iter().zip(found) {
            solved[target] = Solved { point: StartPoint { coef, intercept }, status: outcome.status, scale };
        }
        Ok(solved)
    }

    /// Brings targets to the optimum in `f64` that a device has not.
    fn finish_doubted(
        &self,
        solver: &dyn Minimize,
        exact: &mut dyn Objective,
        (live, doubted): (&[usize], &[usize]),
        solution: &mut Solution,
        watch: &mut Watch,
    ) -> Result<()> {
        if doubted.is_empty() {
            return Ok(());
        }
        let targets: Vec<usize> = doubted.iter().map(|&k| live[k]).collect();
        let start = solution.at.select(Axis(1), doubted).into();
        let mut objectives = Objectives { fast: None, exact, sample: None };
        let again = solver.minimize(&mut objectives, &self.metric, &targets, start, watch)?;
        for ((&k, at), mut outcome) in doubted.iter().zip(again.at.columns()).zip(again.outcomes) {
            outcome.iterations += solution.outcomes[k].iterations;
            outcome.passes += solution.outcomes[k].passes;
            solution.at.column_mut(k).assign(&at);
            solution.outcomes[k] = outcome;
        }
        Ok(())
    }

    /// The scales that targets show where the solver left them.
    fn scales(
        &self,
        exact: &mut GlmObjective<Cpu<f64>>,
        (live, at, reports): (&[usize], &Matrix, &[Reported]),
        (of_parts, cast): (&[DesignPlan], Cast),
    ) -> Result<Vec<f64>> {
        if self.spec.get().model.observation.scale_term(1.0, 1.0).is_none() {
            return Ok(vec![1.0; live.len()]);
        }
        let losses = exact.loss_gradient(at, live, Every::ROW, &mut Matrix::zeros(at.dim()))?;
        let scale = |(k, loss): (usize, f64)| {
            let target = live[k];
            let unpenalised = loss - exact.penalty(target).value(&at.column(k).to_vec());
            let (response, reported) = (cast.response(target), &reports[k]);
            match of_parts.get(cast.part(target)) {
                Some(plan) => self.scale_of_rows(plan, response, reported, unpenalised),
                None => self.scale_of_rows(self.plan, response, reported, unpenalised),
            }
        };
        Ok(losses.into_iter().enumerate().map(scale).collect())
    }

    /// The Hessians that are kept, one for each target: anew where there was none and where
    /// the one that there was took long to lead to the optimum. Those of silent targets are empty.
    fn renew(
        &self,
        kept: &mut Option<Vec<Kept>>,
        f: &mut dyn Objective,
        (live, reports): (&[usize], &[Reported]),
        solution: &Solution,
    ) -> Result<()> {
        let is_first = kept.is_none();
        let nothing = || Kept {
            hessian: Arc::new(Matrix::zeros((0, 0))),
            at: Arc::new(StartPoint { coef: Vec::new(), intercept: 0.0 }),
        };
        let n_targets = self.metric.nulls.len();
        let kept = kept.get_or_insert_with(|| (0..n_targets).map(|_| nothing()).collect());
        let ends = live.iter().zip(reports).zip(solution.at.columns()).zip(&solution.outcomes);
        for (((&target, reported), at), outcome) in ends {
            if is_first || outcome.taken_over || outcome.passes > QUICK {
                let mut hessian = f.gram(Every::ROW, Weight::Point { target, at: &at.to_vec() })?;
                f.penalty(target).add_to(&mut hessian, -1.0);
                let at = StartPoint { coef: reported.coef.clone(), intercept: reported.intercept };
                kept[target] = Kept { hessian: Arc::new(hessian), at: Arc::new(at) };
            }
        }
        Ok(())
    }
}
