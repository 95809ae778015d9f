//! A fit that is asked to stop, and one that goes on where another had stopped.

use std::time::Duration;

use super::certificate::{Reported, report};
use super::ending::UNPROVEN;
use super::fit::Fit;
use super::fitted::{FittedGlm, GapFrom, Seconds, TargetFit};
use super::inputs::Response;
use super::journal::Waypoint;
use super::plan::Plan;
use super::score::Scores;
use super::spec::CheckedSpec;
use super::standing::Standing;
use crate::design::{DesignPlan, Weights};
use crate::objective::Optimality;
use crate::observation::{Null, Observe};
use crate::solver::{Halted, Outcome, Solution, Status};
use crate::{Error, Result};

/// How long the certificate of a fit that was asked to stop may take.
pub(super) const TIME_FOR_PROOF: Duration = Duration::from_millis(250);

/// Iterations and passes of every target before a fit.
pub(super) type Taken = [[usize; 2]];

impl Fit<'_, '_, '_> {
    /// What the points took that the fit goes on from.
    pub(super) fn taken_before(&self) -> Vec<[usize; 2]> {
        let mut taken = vec![[0; 2]; self.metric.nulls.len()];
        // of other columns no point is followed
        if self.rank.is_whole(&self.varying) {
            for (target, point) in self.spec.get().journal.points() {
                taken.get_mut(target).into_iter().for_each(|own| *own = [point.iterations, point.passes]);
            }
        }
        taken
    }

    /// Where a target stands, in the user's units.
    pub(super) fn waypoint(&self, halted: &Halted, taken: &Taken) -> Waypoint {
        let Reported { coef, intercept } = report(&self.rank, self.plan.scaling(), &halted.at);
        let [iterations, passes] = taken[halted.target];
        Waypoint {
            target: halted.target,
            coef,
            intercept: vec![intercept],
            iterations: iterations + halted.iterations,
            passes: passes + halted.passes,
            status: None,
            scale: 1.0,
        }
    }

    /// Notes the ends of targets; whether the fit was asked to stop. Then, the first time, the certificate gets a moment.
    pub(super) fn is_stopped(
        &self,
        has_time: &mut bool,
        (targets, solution): (&[usize], &Solution),
        taken: &Taken,
    ) -> bool {
        let spec = self.spec.get();
        if spec.journal.is_kept() {
            let end = |(k, outcome): (usize, &Outcome)| {
                let &Outcome { iterations, passes, .. } = outcome;
                let (target, at) = (targets[k], solution.at.column(k).to_vec());
                self.waypoint(&Halted { target, at, iterations, passes }, taken)
            };
            spec.journal.note(solution.outcomes.iter().enumerate().map(end));
        }
        let is_stopped = spec.stop.is_requested();
        if is_stopped && std::mem::take(has_time) {
            spec.stop.grant(TIME_FOR_PROOF);
        }
        is_stopped
    }

    /// Where targets stand without a certificate.
    pub(super) fn unproven(&self, solution: &Solution) -> Vec<Standing> {
        let end = |(reported, outcome): (Reported, &Outcome)| {
            let optimality = Optimality {
                loss: f64::NAN,
                unpenalised: f64::NAN,
                gradient: Vec::new(),
                kkt_residual: f64::NAN,
                n_faint: 0.0,
            };
            let outcome = Outcome { status: Status::Stopped, ..outcome.clone() };
            Standing {
                reported,
                optimality,
                flat_gap: f64::NAN,
                inference: None,
                separation: None,
                is_examined: false,
                is_singular: false,
                outcome,
                scale: f64::NAN,
            }
        };
        self.reports(&solution.at).into_iter().zip(&solution.outcomes).map(end).collect()
    }
}

impl CheckedSpec {
    /// What a fit that was asked to stop before its first step has: where its targets stand in its journal, else no effect of any feature
    /// and the mean response. Loss, certificate and scores are NaN, statuses [`Status::Stopped`].
    ///
    /// # Errors
    /// [`Error::Domain`] for a response that the model cannot have.
    pub fn not_begun(&self, plan: &DesignPlan, response: &Response) -> Result<FittedGlm> {
        let (spec, layout) = (self.get(), plan.layout());
        let nulls = self.nulls(plan, response, &plan.into()).ok_or(Error::Interrupted)?;
        let mut points = spec.journal.points();
        points.retain(|_, point| point.coef.len() == plan.n_columns());
        let of_target = |(target, null): (usize, &Null)| {
            self.unbegun(plan, response, (target, null), points.get(&target))
        };
        Ok(FittedGlm {
            model: spec.model,
            regularizer: spec.regularizer.clone(),
            has_intercept: spec.has_intercept,
            has_offset: plan.offset().is_some(),
            solver: String::new(),
            tolerance: spec.tolerance,
            features: layout.features.clone(),
            labels: layout.labels.clone(),
            targets: nulls.iter().enumerate().map(of_target).collect(),
            condition: f64::NAN,
            rank: plan.n_columns(),
            identifiability: None,
            inference_left_out: Some("the fit was stopped".into()),
            seconds: Seconds::default(),
            plan: Plan { n_rows: plan.n_rows(), n_targets: nulls.len(), ..Plan::default() },
        })
    }

    fn unbegun(
        &self,
        plan: &DesignPlan,
        response: &Response,
        (target, null): (usize, &Null),
        point: Option<&Waypoint>,
    ) -> TargetFit {
        let nan = f64::NAN;
        let n_parameters = plan.n_columns() + usize::from(plan.has_intercept());
        TargetFit {
            name: response.names[target].clone(),
            status: Status::Stopped,
            coef: point.map_or_else(|| vec![0.0; plan.n_columns()], |point| point.coef.clone()),
            intercept: point.map_or(null.eta, |point| point.start().intercept),
            standard_errors: vec![nan; plan.n_columns()],
            intercept_standard_error: nan,
            kkt_residual: nan,
            loss_gap: nan,
            gap_from: GapFrom::FlatGram,
            loss: nan,
            iterations: point.map_or(0, |point| point.iterations),
            passes: point.map_or(0, |point| point.passes),
            n_bins_used: plan.n_rows(),
            scale: self.get().model.observation.dispersion().unwrap_or(1.0),
            gap_scale: None,
            apart: None,
            total_weight: plan.weights().map(Weights::total),
            scale_standard_error: nan,
            dof_resid: (plan.total_weight() - n_parameters as f64).max(0.0) as usize,
            n_parameters,
            strength: None,
            cv: None,
            scores: Scores {
                log_likelihood: nan,
                log_likelihood_sum: nan,
                deviance: nan,
                pseudo_r2_mcfadden: nan,
                pseudo_r2_cohen: nan,
            },
            aliased: Vec::new(),
            warnings: vec![UNPROVEN.into()],
            history: Vec::new(),
            covariances: Vec::new(),
        }
    }
}
