//! What to fit and how far.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::choice::CostConstants;
use super::journal::Journal;
use super::plan::Plan;
use super::start::StartPoint;
use crate::backend::Model;
use crate::observation::Observe;
use crate::regularizer::Regularizer;
use crate::solver::Lbfgs;
use crate::stop::Stop;
use crate::{Error, Result};

/// Default tolerance for `f64` data: the rounding floor of a fit of ordinary size.
pub const TOLERANCE_F64: f64 = 1e-16;
/// Default tolerance for `f32` data.
pub const TOLERANCE_F32: f64 = 1e-10;

/// Which solver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SolverChoice {
    /// By estimated cost.
    #[default]
    Auto,
    /// [`crate::solver::Newton`].
    Newton,
    /// [`crate::solver::Lbfgs`].
    Lbfgs,
}

/// Where the dispersion of negative binomial counts is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dispersion {
    /// The observation model has it.
    #[default]
    OfModel,
    /// The maximum-likelihood estimate of each target.
    MaximumLikelihood,
}

/// Whether standard errors (and with them the exact Newton decrement) are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StandardErrors {
    /// While rows x columns x (columns + 1) x targets is at most 1e11.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never. A later fit with [`GlmSpec::start`] at the answer adds them for a pass or two and the Hessians.
    Off,
}

/// Where the plan of a fit is from.
#[derive(Clone, Debug, Default)]
pub enum PlanFrom {
    /// Made from sizes, by constants that are compiled in.
    #[default]
    Sizes,
    /// Made from sizes, by other constants.
    Constants(CostConstants),
    /// That of an earlier fit to the same problem, for the backend and [`GlmSpec::solver`] to agree with.
    Plan(Box<Plan>),
}

/// What to fit and how far.
#[derive(Clone, Debug)]
pub struct GlmSpec {
    /// Observation model and inverse link.
    pub model: Model,
    /// Where the dispersion is from, of a model that has one.
    pub dispersion: Dispersion,
    /// What is added to the mean loss.
    pub regularizer: Regularizer,
    /// Whether there is an intercept; without one the linear predictor is 0 where all features are, and a constant column is
    /// one like others.
    pub has_intercept: bool,
    /// Which solver.
    pub solver: SolverChoice,
    /// How the fit is carried out.
    pub plan_from: PlanFrom,
    /// Where each target begins, one entry for each; empty for no effect of any feature and the mean rate. A start with a
    /// larger loss than that, one with numbers that are not finite (of a silent target) and all of columns that repeat one
    /// another are not followed. First steps then see all rows.
    pub start: Vec<StartPoint>,
    /// Largest loss gap of a converged target, relative to `max(|loss|, size)`: the size is the mean of counts, and the loss of the null
    /// model of other responses, see [`crate::observation::Null`].
    pub tolerance: f64,
    /// Most iterations; `None` is the solver's own limit.
    pub max_iterations: Option<usize>,
    /// Longest time for the solver, seconds.
    pub time_limit_s: Option<f64>,
    /// Whether standard errors are computed.
    pub standard_errors: StandardErrors,
    /// Bytes that the design may take.
    pub memory_limit_bytes: Option<u64>,
    /// Of how many targets, the first ones, loss gap and optimality residual are kept of every step. Each step then
    /// costs a pass over the rows that neither `passes` nor a time limit counts; the answer is the same.
    pub n_histories: usize,
    /// Blocks of columns whose covariance is kept beside the standard errors, where these are computed.
    pub covariance_of: Vec<Range<usize>>,
    /// Looked at by passes and between steps. A fit that is asked to stop returns the best points so far, with the status
    /// [`crate::solver::Status::Stopped`], without standard errors, and without a certificate where that would take longer than about a
    /// quarter of a second. Of targets that are fitted one after the other those that are done keep their answers, and those not begun are
    /// where they would have started. [`Error::Interrupted`] before there is a point, of a cross-validation before its last fits, and of
    /// several responses of classes before all of them have begun: what is done with is in the journal.
    pub stop: Stop,
    /// Where the fit writes down how far it has come, and what it goes on from.
    pub journal: Journal,
}

impl Default for GlmSpec {
    fn default() -> Self {
        Self {
            model: Model::default(),
            dispersion: Dispersion::OfModel,
            regularizer: Regularizer::None,
            has_intercept: true,
            solver: SolverChoice::Auto,
            plan_from: PlanFrom::Sizes,
            start: Vec::new(),
            tolerance: TOLERANCE_F64,
            max_iterations: None,
            time_limit_s: None,
            standard_errors: StandardErrors::Auto,
            memory_limit_bytes: None,
            n_histories: 0,
            covariance_of: Vec::new(),
            stop: Stop::default(),
            journal: Journal::default(),
        }
    }
}

/// A specification whose every number is in its domain.
#[derive(Clone, Debug)]
pub struct CheckedSpec(GlmSpec);

impl GlmSpec {
    /// Checks every number.
    ///
    /// # Errors
    /// [`Error::Argument`] for a link that does not suit the observation model, a regularizer as in [`Regularizer::check`], L-BFGS
    /// for one with kinks, for a tolerance outside (0, 1), no iterations or a time limit that is not positive, speeds that
    /// are not, and for fields of a plan that no fit writes.
    pub fn check(self) -> Result<CheckedSpec> {
        self.model.check()?;
        self.regularizer.check()?;
        let follows_lbfgs = matches!(&self.plan_from, PlanFrom::Plan(plan) if plan.solver == Lbfgs::NAME);
        if self.regularizer.selects() && (self.solver == SolverChoice::Lbfgs || follows_lbfgs) {
            return Err(Error::argument(
                "solver",
                format!("newton for {}, whose kinks L-BFGS has no steps for", self.regularizer.name()),
                Lbfgs::NAME,
                "leave the solver out, or use ridge",
            ));
        }
        if self.dispersion == Dispersion::MaximumLikelihood && self.model.observation.dispersion().is_none() {
            return Err(Error::argument(
                "dispersion",
                "a model that has one to estimate",
                self.model.observation.name(),
                "choose negative binomial observations",
            ));
        }
        match &self.plan_from {
            PlanFrom::Sizes => {}
            PlanFrom::Constants(given) => given.check()?,
            PlanFrom::Plan(plan) => plan.check(self.solver)?,
        }
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            let found = self.tolerance.to_string();
            return Err(Error::argument(
                "tolerance",
                "a number between 0 and 1",
                found,
                "leave it out, or try 1e-10",
            ));
        }
        if self.max_iterations == Some(0) {
            return Err(Error::argument("max-iterations", "1 or more", "0", "leave it out"));
        }
        if let Some(limit) = self.time_limit_s
            && !(limit > 0.0 && limit.is_finite())
        {
            return Err(Error::argument(
                "time-limit",
                "a positive time",
                limit.to_string(),
                "give it as 10s",
            ));
        }
        Ok(CheckedSpec(self))
    }
}

impl CheckedSpec {
    /// The same from the points of its journal, where that has some, for so many targets and columns.
    pub(super) fn going_on(&self, n_targets: usize, n_columns: usize) -> Self {
        let (mut own, points) = (self.0.clone(), self.0.journal.points());
        if !points.is_empty() {
            // no number stands for no point
            let nowhere = StartPoint { coef: vec![0.0; n_columns], intercept: f64::NAN };
            own.start.resize(n_targets, nowhere);
            for (target, point) in points {
                if let Some(start) = own.start.get_mut(target).filter(|_| point.coef.len() == n_columns) {
                    *start = point.start();
                }
            }
        }
        Self(own)
    }

    /// The same with other limits.
    pub(super) fn with(self, change: impl FnOnce(GlmSpec) -> GlmSpec) -> Self {
        Self(change(self.0))
    }

    /// The same for a part of the work, which its journal tells from others.
    pub(super) fn of_part(&self, part: impl std::fmt::Display) -> Self {
        Self(GlmSpec { journal: self.0.journal.within(part), ..self.0.clone() })
    }

    /// The numbers.
    pub fn get(&self) -> &GlmSpec {
        &self.0
    }
}
