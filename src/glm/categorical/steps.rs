//! The course of a fit to labels: start, solver, certificate, in that order; back to the solver if the proof fails.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::certificate::{ClassInference, Standing};
use super::course::{Course, Fitted, Views};
use super::start::ClassPoint;
use crate::backend::Classes;
use crate::glm::fit::{CLOSER, FLOOR, NEAR_FLOOR};
use crate::glm::fitted::Seconds;
use crate::glm::journal::Waypoint;
use crate::glm::plan::Plan;
use crate::glm::spec::TOLERANCE_F64;
use crate::glm::stopped::TIME_FOR_PROOF;
use crate::math::dense::Matrix;
use crate::objective::Objective;
use crate::solver::{
    Halted, Keep, Lbfgs, Minimize, Newton, Objectives, Outcome, Progress, Residuals, Status, Watch,
};
use crate::{Error, Result};

impl Course<'_, '_> {
    /// From the start to the certificate.
    pub(super) fn run<B: Classes>(
        &self,
        chosen: Plan,
        views: Views<B>,
        started: Instant,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Fitted> {
        let Views { mut fast, exact, mut all, mut beside } = views;
        let spec = self.spec.get();
        let deadline =
            spec.time_limit_s.and_then(|limit| started.checked_add(Duration::try_from_secs_f64(limit).ok()?));
        let first_goal = if fast.is_some() { NEAR_FLOOR } else { FLOOR };
        let keeps_history = beside.is_some();
        let mut residuals = |at: &Matrix, _: &[usize]| {
            let Some(beside) = &mut beside else { return Ok(vec![None]) };
            let found = self.optimality(beside, &self.reports(&at.column(0).to_vec()))?;
            Ok(vec![Some((found.loss, found.kkt_residual))])
        };
        let residuals: Option<&mut Residuals> = if keeps_history { Some(&mut residuals) } else { None };
        // before the fit, and before the present round
        let before = self.taken_before();
        let taken = Cell::new(before);
        let mut keep =
            |points: &[Halted]| spec.journal.note(points.iter().map(|own| self.waypoint(own, taken.get())));
        let keep: Option<&mut Keep> = if spec.journal.is_kept() { Some(&mut keep) } else { None };
        let mut watch = Watch {
            goal: if spec.tolerance <= TOLERANCE_F64 { first_goal } else { spec.tolerance },
            max_iterations: spec.max_iterations,
            used: vec![before[0]],
            deadline,
            stop: spec.stop.clone(),
            keep,
            residuals,
            ..Watch::new(spec.tolerance, 1, progress)
        };
        let lbfgs = Lbfgs { newton_if_slow: chosen.newton_if_slow };
        let mut solver: &dyn Minimize = if chosen.solver == Newton.name() { &Newton } else { &lbfgs };
        let (mut start, mut earlier, mut inference): (_, Option<Standing>, f64) = (self.start(), None, 0.0);
        let mut standing = loop {
            let mut own = fast.take();
            let is_by_device = own.is_some() && self.is_on_device;
            let fast = own.as_mut().map(|fast| -> &mut dyn Objective { fast });
            let mut objectives = Objectives { fast, exact: &mut *exact, sample: None };
            let solution = solver.minimize(&mut objectives, &self.metric, &[0], start, &mut watch)?;
            let mut at = solution.at.column(0).to_vec();
            // of all optimal answers that of smallest norm
            exact.penalty(0).kinks().settle(&mut at);
            let over_all = all.as_deref_mut().unwrap_or(&mut *exact);
            let is_stopped = self.is_stopped(&at, &solution.outcomes[0], taken.get());
            let mut standing = match self.standing(over_all, &at, solution.outcomes[0].clone()) {
                Err(Error::Interrupted) => self.unproven(&at, &solution.outcomes[0]),
                standing => standing?,
            };
            let inferring = Instant::now();
            if !is_stopped {
                let until = watch.until().map(|until| until.max(inferring + TIME_FOR_PROOF));
                match self.examine(exact, &at, &mut standing, until) {
                    Err(Error::Interrupted) => {}
                    examined => examined?,
                }
            }
            inference += inferring.elapsed().as_secs_f64();
            standing = standing.after(earlier.take());
            let Outcome { iterations, passes, .. } = &standing.outcome;
            taken.set([before[0] + iterations, before[1] + passes]);
            watch.used[0] = taken.get()[0];
            // a device's word is not enough where nothing else is asked for
            let is_doubted = is_by_device && !is_stopped && self.is_doubted(&standing);
            if !is_doubted && !self.goes_on(&mut standing, &watch) {
                break standing;
            }
            watch.goal = (watch.goal * CLOSER).max(FLOOR);
            if standing.outcome.taken_over {
                // what Newton has taken over stays with it
                solver = &Newton;
            }
            let at = Matrix::from_shape_fn((at.len(), 1), |(j, _)| at[j]);
            (start, earlier) = (at.into(), Some(standing));
        };
        [standing.outcome.iterations, standing.outcome.passes] = taken.get();
        let stopped = || spec.stop.is_requested().then(|| "the fit was stopped".into());
        let left_out = self.left_out.clone().or_else(stopped);
        let condition = match &standing.inference {
            Some(ClassInference { condition, .. }) if self.left_out.is_none() => *condition,
            _ => f64::NAN,
        };
        let plan = Plan { n_taken_over: usize::from(standing.outcome.taken_over), ..chosen };
        Ok(Fitted {
            target: self.target(standing),
            plan,
            condition,
            rank: self.rank.n_members(),
            identifiability: None,
            left_out,
            seconds: Seconds { fit: 0.0, inference, history: watch.history_time.as_secs_f64() },
        })
    }
}

impl From<Waypoint> for ClassPoint {
    fn from(point: Waypoint) -> Self {
        Self { coef: point.coef, intercept: point.intercept }
    }
}

impl Course<'_, '_> {
    /// Iterations and passes of the point that the fit goes on from; of other columns none is followed.
    fn taken_before(&self) -> [usize; 2] {
        let noted = self.spec.get().journal.points().remove(&0);
        let noted = noted.filter(|_| self.rank.is_whole(&self.varying));
        noted.map_or([0; 2], |point| [point.iterations, point.passes])
    }

    /// Where the target stands, in the user's units.
    fn waypoint(&self, halted: &Halted, taken: [usize; 2]) -> Waypoint {
        let classes = self.reports(&halted.at);
        let n_columns = self.plan.n_columns();
        Waypoint {
            target: 0,
            coef: (0..n_columns).flat_map(|column| classes.iter().map(move |own| own.coef[column])).collect(),
            intercept: classes.iter().map(|own| own.intercept).collect(),
            iterations: taken[0] + halted.iterations,
            passes: taken[1] + halted.passes,
            status: None,
            scale: 1.0,
        }
    }

    /// Notes the end of the target; whether the fit was asked to stop. Then the certificate gets a moment.
    fn is_stopped(&self, at: &[f64], outcome: &Outcome, taken: [usize; 2]) -> bool {
        let spec = self.spec.get();
        if spec.journal.is_kept() {
            let &Outcome { iterations, passes, .. } = outcome;
            let halted = Halted { target: 0, at: at.to_vec(), iterations, passes };
            spec.journal.note([self.waypoint(&halted, taken)]);
        }
        let is_stopped = spec.stop.is_requested();
        if is_stopped {
            spec.stop.grant(TIME_FOR_PROOF);
        }
        is_stopped
    }

    /// Where the target stands without a certificate.
    fn unproven(&self, at: &[f64], outcome: &Outcome) -> Standing {
        Standing {
            reported: self.reports(at),
            loss: f64::NAN,
            unpenalised: f64::NAN,
            gradient: Vec::new(),
            kkt_residual: f64::NAN,
            flat_gap: f64::NAN,
            inference: None,
            separation: None,
            is_examined: false,
            is_singular: false,
            outcome: Outcome { status: Status::Stopped, ..outcome.clone() },
        }
    }
}
