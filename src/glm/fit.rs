//! The course of a fit: start, solver, certificate, in that order; back to the solver if the proof fails.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use super::certificate::{Reported, report};
use super::fitted::{FittedGlm, Seconds, TargetFit};
use super::inputs::Response;
use super::plan::{Placed, Plan};
use super::rank::Rank;
use super::response_sums::response_sums;
use super::spec::{CheckedSpec, TOLERANCE_F64};
use super::standing::Standing;
use super::stopped::TIME_FOR_PROOF;
use crate::backend::{Backend, Costs, Cpu, Every, Home};
use crate::design::DesignPlan;
use crate::error::Reached;
use crate::math::dense::{Cholesky, Matrix};
use crate::objective::{GlmObjective, Objective, Packed, Penalty, Weight};
use crate::observation::Recession;
use crate::solver::{
    Halted, Keep, Lbfgs, Metric, Minimize, Newton, Objectives, Outcome, Progress, Residuals, Start, Watch,
};
use crate::{Error, Result};

/// The smallest relative gap worth aiming at: the rounding floor. At the default tolerance of `f64` data it is the
/// first goal: one or two more steps buy digits of the coefficients, of which a gap of 1e-16 alone guarantees few.
pub(super) const FLOOR: f64 = 1e-30;
/// The same where the columns are known to be far from dependent: coefficients are good to all digits that matter.
pub(super) const NEAR_FLOOR: f64 = 1e-26;
/// The smallest pivot of a Gram of single precision that leaves no doubt about the rank.
pub(super) const CERTAIN: f64 = 1e-4;
/// The same for a Gram of `f64`.
const SPANS: f64 = 1e-10;
/// Rows with events per parameter that are asked whether they span all directions: first, and at most.
const SPANNING_ROWS: [usize; 2] = [2, 4];
/// How much closer the solver is asked to come if its word does not hold.
pub(super) const CLOSER: f64 = 1e-2;
/// Distance of a row's linear predictor below the mean above which a target may be running away.
const FAR: f64 = 3.0;
/// How much larger than estimated the rates of such rows may be.
const SURELY: f64 = 10.0;

/// A fit in progress: everything but the parameters.
pub(super) struct Fit<'a, 'd, 'r> {
    pub(super) spec: &'a CheckedSpec,
    pub(super) plan: &'a DesignPlan<'d>,
    pub(super) response: &'a Response<'r>,
    /// Those of the backend before the last steps.
    pub(super) costs: Costs,
    pub(super) varying: Vec<usize>,
    pub(super) rank: Rank,
    pub(super) metric: Metric,
    pub(super) penalty: Penalty,
}

/// Targets that the solver goes on with, by their numbers among those with events.
struct Round {
    open: Vec<usize>,
    start: Start,
    /// The relative gap to aim at.
    goal: f64,
    /// Whether Newton's method has taken them over.
    taken_over: bool,
}

/// Objectives of a fit.
pub(super) struct Views<'v, 'f> {
    /// In the numbers of the backend, if these are not `f64`.
    pub(super) fast: Option<&'f mut dyn Objective>,
    /// Over the members of the basis, in `f64`.
    pub(super) exact: &'f mut GlmObjective<'v, Cpu<f64>>,
    /// Over the columns that vary, if these are not the members.
    pub(super) all: Option<&'f mut GlmObjective<'v, Cpu<f64>>>,
    /// Over the columns that vary, for histories, which a solver asks for while it has the others.
    pub(super) beside: Option<GlmObjective<'v, Cpu<f64>>>,
}

impl Fit<'_, '_, '_> {
    /// From the start to the certificate.
    pub(super) fn run(
        &self,
        mut chosen: Plan,
        views: Views,
        started: Instant,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedGlm> {
        let Views { mut fast, exact, mut all, mut beside } = views;
        let spec = self.spec.get();
        let live: Vec<usize> =
            (0..self.metric.nulls.len()).filter(|&target| !self.metric.nulls[target].is_silent).collect();
        let left_out = self.inference_left_out(live.len());
        let deadline =
            spec.time_limit_s.and_then(|limit| started.checked_add(Duration::try_from_secs_f64(limit).ok()?));
        let is_far = fast.is_some() && self.metric.smallest_pivot() > CERTAIN;
        let first_goal = if is_far { NEAR_FLOOR } else { FLOOR };
        let goal = if spec.tolerance <= TOLERANCE_F64 { first_goal } else { spec.tolerance };
        let mut residuals = |at: &Matrix, targets: &[usize]| self.residuals(beside.as_mut(), at, targets);
        let residuals: Option<&mut Residuals> =
            if spec.n_histories > 0 { Some(&mut residuals) } else { None };
        // before the fit, and before the present round
        let before = self.taken_before();
        let taken = RefCell::new(before.clone());
        let mut keep = |points: &[Halted]| {
            spec.journal.note(points.iter().map(|point| self.waypoint(point, &taken.borrow())));
        };
        let keep: Option<&mut Keep> = if spec.journal.is_kept() { Some(&mut keep) } else { None };
        let mut watch = Watch {
            goal,
            max_iterations: spec.max_iterations,
            used: before.iter().map(|own| own[0]).collect(),
            deadline,
            stop: spec.stop.clone(),
            keep,
            residuals,
            ..Watch::new(spec.tolerance, self.metric.nulls.len(), progress)
        };
        self.note_placement(&mut chosen);
        chosen.n_gram_rows = exact.n_rows_of(Every(chosen.gram_every));
        let lbfgs = Lbfgs { newton_if_slow: chosen.newton_if_slow };
        let solver: &dyn Minimize = if chosen.solver == Newton.name() { &Newton } else { &lbfgs };
        if !spec.start.is_empty() || !spec.has_intercept {
            chosen.sample_every = None;
        }
        let mut sample = chosen.sample_every.map(Every);
        chosen.n_sample_rows = sample.map(|every| exact.n_rows_of(every));
        let start = self.start(&live, sample.is_some());
        let mut standings: Vec<Option<Standing>> = live.iter().map(|_| None).collect();
        let open = (0..live.len()).collect();
        let mut rounds = vec![Round { open, start, goal, taken_over: false }];
        let (mut inference_seconds, mut has_time) = (0.0, true);
        while let Some(Round { open, start, goal, taken_over }) = rounds.pop() {
            if open.is_empty() {
                continue;
            }
            watch.goal = goal;
            let targets: Vec<usize> = open.iter().map(|&k| live[k]).collect();
            let fast = fast.take().map(|fast| -> &mut dyn Objective { fast });
            let mut objectives = Objectives { fast, exact: &mut *exact, sample: sample.take() };
            let solver = if taken_over { &Newton } else { solver };
            let solved = solver.minimize(&mut objectives, &self.metric, &targets, start, &mut watch);
            let solution = solved.map_err(|error| self.unfinished(error, &watch.halted))?;
            let is_stopped = self.is_stopped(&mut has_time, (&targets, &solution), &taken.borrow());
            let ends = match self.ends(all.as_deref_mut().unwrap_or(&mut *exact), &solution, &targets) {
                Err(Error::Interrupted) => self.unproven(&solution),
                ends => ends?,
            };
            let inferring = Instant::now();
            let until = watch.until().map(|until| until.max(inferring + TIME_FOR_PROOF));
            // what Newton has taken over stays with it
            let mut again = [false, true].map(|taken_over| (taken_over, Vec::new()));
            for (column, mut end) in ends.into_iter().enumerate() {
                let (k, at) = (open[column], solution.at.column(column).to_vec());
                if !is_stopped {
                    match self.examine(exact, (live[k], &at), &mut end, left_out.is_some(), until) {
                        Err(Error::Interrupted) => {}
                        examined => examined?,
                    }
                }
                let mut standing = end.after(standings[k].take());
                let (Outcome { iterations, passes, .. }, earlier) = (&standing.outcome, before[live[k]]);
                let own = [earlier[0] + iterations, earlier[1] + passes];
                (taken.borrow_mut()[live[k]], watch.used[live[k]]) = (own, own[0]);
                if self.goes_on(live[k], &mut standing, left_out.is_some(), &watch) {
                    again[usize::from(standing.outcome.taken_over)].1.push(column);
                }
                standings[k] = Some(standing);
            }
            inference_seconds += inferring.elapsed().as_secs_f64();
            rounds.extend(again.into_iter().map(|(taken_over, columns)| Round {
                start: solution.at.select(ndarray::Axis(1), &columns).into(),
                open: columns.into_iter().map(|column| open[column]).collect(),
                goal: (goal * CLOSER).max(FLOOR),
                taken_over,
            }));
        }
        let left_out = left_out.or_else(|| spec.stop.is_requested().then(|| "the fit was stopped".into()));
        let history = watch.history_time.as_secs_f64();
        let fit = started.elapsed().as_secs_f64() - inference_seconds - history;
        let seconds = Seconds { fit, inference: inference_seconds, history };
        let taken_over = |standing: &&Standing| standing.outcome.taken_over;
        chosen.n_taken_over = standings.iter().flatten().filter(taken_over).count();
        let mut standings: Vec<(usize, Standing)> =
            live.into_iter().zip(standings.into_iter().flatten()).collect();
        for (target, Standing { outcome, .. }) in &mut standings {
            let [iterations, passes] = before[*target];
            (outcome.iterations, outcome.passes) = (outcome.iterations + iterations, outcome.passes + passes);
        }
        Ok(self.finish(chosen, left_out, standings, seconds))
    }

    /// Where the features are, for the steps and for the end.
    fn note_placement(&self, chosen: &mut Plan) {
        let placed = |costs: &Costs| Placed::all(self.plan, self.response.y.ncols(), costs);
        chosen.features = placed(&self.costs);
        chosen.finishing = match self.costs.home {
            Home::Host => Vec::new(),
            Home::Device { .. } => placed(&Costs::of_cpu(self.costs.level)),
        };
    }

    /// Loss and optimality residual at points of shape (parameters, targets), of targets whose history is wanted.
    fn residuals(
        &self,
        beside: Option<&mut GlmObjective<Cpu<f64>>>,
        at: &Matrix,
        targets: &[usize],
    ) -> Result<Vec<Option<(f64, f64)>>> {
        let n_histories = self.spec.get().n_histories;
        let asked: Vec<usize> = (0..targets.len()).filter(|&k| targets[k] < n_histories).collect();
        let mut residuals = vec![None; targets.len()];
        let Some(beside) = beside.filter(|_| !asked.is_empty()) else { return Ok(residuals) };
        let ids: Vec<usize> = asked.iter().map(|&k| targets[k]).collect();
        let points = self.reports(&at.select(ndarray::Axis(1), &asked));
        let found = self.optimality(beside, &points, &ids)?;
        for (k, found) in asked.into_iter().zip(found) {
            residuals[k] = Some((found.loss, found.kkt_residual));
        }
        Ok(residuals)
    }

    /// The error of a device that failed, with how far targets had come.
    pub(super) fn unfinished(&self, error: Error, halted: &[Halted]) -> Error {
        let Error::Gpu(source) = error else { return error };
        let reached = halted.iter().map(|&Halted { target, ref at, iterations, passes }| {
            let Reported { coef, intercept } = report(&self.rank, self.plan.scaling(), at);
            Reached { target, coef, intercept, iterations, passes }
        });
        Error::Unfinished { source, reached: reached.collect() }
    }

    fn finish(
        &self,
        plan: Plan,
        left_out: Option<String>,
        standings: Vec<(usize, Standing)>,
        seconds: Seconds,
    ) -> FittedGlm {
        let (model, y) = (self.spec.get().model, self.response.y);
        let mut scales = vec![1.0; y.ncols()];
        standings.iter().for_each(|(target, standing)| scales[*target] = standing.scale);
        let sums = response_sums(model, y, &self.plan.into(), &self.metric.nulls, &scales);
        let mut targets: Vec<TargetFit> =
            sums.iter().enumerate().map(|(target, sums)| self.silent(target, sums)).collect();
        let mut condition = f64::NAN;
        for (target, standing) in standings {
            if let (Some(inference), None) = (&standing.inference, &left_out) {
                condition = inference.condition.max(condition);
            }
            targets[target] = self.target(target, standing, &sums[target], left_out.is_some());
        }
        let layout = self.plan.layout();
        FittedGlm {
            model,
            regularizer: self.spec.get().regularizer.clone(),
            has_intercept: self.spec.get().has_intercept,
            has_offset: self.plan.offset().is_some(),
            solver: plan.solver.clone(),
            tolerance: self.spec.get().tolerance,
            features: layout.features.clone(),
            labels: layout.labels.clone(),
            targets,
            condition,
            rank: self.rank.n_members(),
            identifiability: self.identifiability(),
            inference_left_out: left_out,
            seconds,
            plan,
        }
    }

    /// The magnitude below which a row may be on its way to certainty, without events to a rate of 0.
    ///
    /// Along a direction of recession the gradient is the sum of the residuals of the rows that it moves: of counts, of the
    /// rates of those that it lowers. In a target whose gap is below the tolerance that sum is at most about `sqrt(tolerance
    /// n)` residuals of the null model, which are `sqrt(size · curvature)`: of counts mean rates.
    pub(super) fn faint(&self, target: usize) -> f64 {
        let spec = self.spec.get();
        if self.recession() == Recession::Never {
            return 0.0;
        }
        let null = &self.metric.nulls[target];
        let proven = (spec.tolerance * self.plan.n_rows() as f64).sqrt() * SURELY;
        // magnitudes come times the weight of their row
        let largest = self.plan.weights().map_or(1.0, |weights| weights.largest(self.plan.n_rows()));
        2.0 * (null.size * null.curvature).sqrt() * proven.min((-FAR).exp()) * largest
    }

    /// Along which directions the loss may fall for ever.
    pub(super) fn recession(&self) -> Recession {
        self.penalty.recession(self.spec.get().model.observation)
    }

    /// Whether some of the rows with events of this target span all directions: then none of them is one of recession, if
    /// those leave rows with events where they are.
    pub(super) fn events_span(&self, target: usize, n_parameters: usize) -> Result<bool> {
        if self.recession() != Recession::Down {
            return Ok(false);
        }
        let with_events = |row: &usize| self.response.y.get(*row, target) != 0.0;
        let [few, many] = SPANNING_ROWS.map(|rows| rows * n_parameters);
        let rows: Vec<usize> = self.plan.rows().iter().filter(with_events).take(many).collect();
        if rows.len() < n_parameters || !self.rank.is_plain() {
            return Ok(false);
        }
        if rows.len() > few {
            // most often half of them will do, in numbers of single precision
            let single = Cpu::<f32>::at(self.costs.level);
            if self.rows_span(&single, rows[..few].to_vec(), target, CERTAIN)? {
                return Ok(true);
            }
        }
        self.rows_span(&Cpu::<f64>::at(self.costs.level), rows, target, SPANS)
    }

    /// Whether the Gram of these rows has no pivot below `least`.
    fn rows_span<B: Backend>(&self, on: &B, rows: Vec<usize>, target: usize, least: f64) -> Result<bool> {
        let rows = self.plan.with_rows(rows);
        let y = Packed::new(self.response.y.target(target), rows.rows());
        let mut f = GlmObjective::new(on, &rows, &self.rank.columns(), &y, self.spec.get().model)?;
        let gram = f.gram(Every::ROW, Weight::Flat)?;
        Ok(Cholesky::new(&gram)
            .is_some_and(|factor| factor.jitter() == 0.0 && factor.smallest_pivot() > least))
    }
}
