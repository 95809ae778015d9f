//! The course of a fit to labels: start, solver, certificate, in that order; back to the solver if the proof fails.

use std::time::{Duration, Instant};

use super::certificate::{ClassInference, Standing};
use super::fitted::{ClassFit, FittedCategorical};
use super::penalty::ClassPenalty;
use super::response::Labelled;
use super::spec::CategoricalSpec;
use crate::backend::{Backend, Classes, Cpu, Every, Home};
use crate::design::{Column, DesignPlan};
use crate::glm::certificate::INFERENCE_LIMIT;
use crate::glm::choice::Size;
use crate::glm::fit::{CERTAIN, CLOSER, FLOOR, NEAR_FLOOR};
use crate::glm::fitted::Seconds;
use crate::glm::identifiability::Identifiability;
use crate::glm::plan::{Placed, Plan};
use crate::glm::rank::{Rank, varying};
use crate::glm::spec::{StandardErrors, TOLERANCE_F64};
use crate::math::contrasts::Contrasts;
use crate::math::dense::Matrix;
use crate::objective::{ClassObjective, Objective, Packed};
use crate::observation::Null;
use crate::solver::{Lbfgs, Metric, Minimize, Newton, Objectives, Progress, Residuals, Start, Watch};
use crate::{Error, Result};

/// A fit in progress: everything but the parameters.
pub(super) struct Course<'a, 'd> {
    pub(super) spec: &'a CategoricalSpec,
    pub(super) plan: &'a DesignPlan<'d>,
    pub(super) response: &'a Labelled,
    pub(super) contrasts: Contrasts,
    pub(super) varying: Vec<usize>,
    pub(super) rank: Rank,
    pub(super) penalty: ClassPenalty,
    pub(super) metric: Metric,
    /// Why standard errors are left out, if they are.
    pub(super) left_out: Option<String>,
}

/// Objectives of a fit.
struct Views<'v, 'f, B: Classes> {
    /// In the numbers of the backend, if these are not `f64`.
    fast: Option<ClassObjective<'v, B>>,
    /// Over the members of the basis, in `f64`.
    exact: &'f mut ClassObjective<'v, Cpu<f64>>,
    /// Over the columns that vary, if these are not the members.
    all: Option<&'f mut ClassObjective<'v, Cpu<f64>>>,
    /// Over the columns that vary, for a history, which a solver asks for while it has the others.
    beside: Option<ClassObjective<'v, Cpu<f64>>>,
}

/// One fitted target, and what it took.
struct Fitted {
    target: ClassFit,
    plan: Plan,
    condition: f64,
    rank: usize,
    identifiability: Option<Identifiability>,
    left_out: Option<String>,
    seconds: Seconds,
}

impl CategoricalSpec {
    /// Fits the labels of every target to the rows of the design that the plan uses, each target on its own.
    ///
    /// # Errors
    /// [`Error::Length`] if response and design have different numbers of bins; [`Error::Empty`] for a used bin without a label,
    /// fewer than two classes, and a class that no used bin has; [`Error::Argument`] for more than 256 classes, and for weights or
    /// an offset of the bins; [`Error::Memory`] if the design is larger than allowed;
    /// [`Error::Gpu`] if a device fails. Not arriving is a status, not an error.
    ///
    /// ```
    /// use ndarray::array;
    /// use rheobase::backend::Cpu;
    /// use rheobase::design::{DesignPlan, Source};
    /// use rheobase::glm::{CategoricalSpec, GlmSpec, Labelled};
    /// use rheobase::observation::Label;
    ///
    /// let x = array![[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]];
    /// let labels = ["left", "right", "left", "stop", "right", "stop"].map(|text| Some(Label::from(text)));
    /// let source = Source { name: "x".into(), labels: vec!["x".into()], x: x.view().into() };
    /// let plan = DesignPlan::new(vec![source], 0..6)?;
    /// let response = [Labelled::learn("turn", labels)];
    /// let spec = CategoricalSpec::new(GlmSpec::default())?;
    /// let fitted = spec.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {})?;
    /// assert!(fitted.converged());
    /// assert_eq!(fitted.targets[0].coef.len(), 3);
    /// # Ok::<(), rheobase::Error>(())
    /// ```
    pub fn fit<B: Classes>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &[Labelled],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedCategorical> {
        let started = Instant::now();
        let (mut fits, n_targets) = (Vec::with_capacity(response.len()), response.len());
        for (k, target) in response.iter().enumerate() {
            let mut of_all = |at: Progress| {
                progress(Progress { n_active: at.n_active + n_targets - 1 - k, ..at });
            };
            let keeps_history = k < self.get().n_histories;
            let own = self.fit_target(on, plan, target, (started, keeps_history), &mut of_all)?;
            fits.push(self.fitted(plan, own));
        }
        FittedCategorical::join(fits)?.ok_or_else(|| Error::Empty {
            what: "response".into(),
            problem: "there is no target to fit".into(),
            help: "give the labels of one target or more".into(),
        })
    }

    /// The fit of one target as a result.
    fn fitted(&self, plan: &DesignPlan, own: Fitted) -> FittedCategorical {
        let layout = plan.layout();
        FittedCategorical {
            regularizer: self.get().regularizer.clone(),
            solver: own.plan.solver.clone(),
            tolerance: self.get().tolerance,
            features: layout.features.clone(),
            labels: layout.labels.clone(),
            condition: own.condition,
            rank: own.rank,
            identifiability: own.identifiability,
            inference_left_out: own.left_out,
            seconds: own.seconds,
            plan: own.plan,
            targets: vec![own.target],
        }
    }

    fn fit_target<B: Classes>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Labelled,
        (started, keeps_history): (Instant, bool),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Fitted> {
        let (n_classes, begun) = (response.classes().len(), Instant::now());
        let guided = self.checked().guided(plan, n_classes, on.costs(), size_of::<B::Scalar>())?;
        let plan = guided.as_ref().unwrap_or(plan);
        let counts = self.check_inputs(on, plan, response)?;
        let contrasts = Contrasts::centred(n_classes);
        let numbers = response.numbers();
        let y = Packed::new(numbers.view(), plan.rows());
        let varying = varying(plan);
        let own: Vec<Column> = varying.iter().map(|&column| Column::Source(column)).collect();
        let mut exact = ClassObjective::new(on.exact(), plan, &own, &y, contrasts.clone())?;
        let mut gram = exact.flat_gram(Every::ROW)?;
        let mut penalty = ClassPenalty::new(self.checked(), plan, &varying, n_classes);
        let mut rank = if penalty.of_block.is_none() {
            Rank::new(plan, &varying, &without_intercept(&gram))
        } else {
            Rank::plain(plan, &varying)
        };
        let found = Identifiability::new(plan, &varying, &rank, &penalty.of_block);
        let identifiability = penalty.of_block.is_none().then_some(found);
        rank.aliased.extend(penalty.anchor(plan, &gram));
        rank.aliased.sort_unstable();
        rank.aliased.dedup();
        let mut members = None;
        if !rank.is_whole(&varying) {
            let mut objective =
                ClassObjective::new(on.exact(), plan, &rank.columns(), &y, contrasts.clone())?;
            gram = objective.flat_gram(Every::ROW)?;
            members = Some(objective);
        }
        let null = null(&counts);
        let (on_parameters, recession) = (penalty.blocks(contrasts.n_free()), penalty.recession());
        let of_null = null_curvature(&contrasts, &counts, &gram);
        let Some(metric) = Metric::new(of_null, &on_parameters, vec![null]) else {
            return Err(Error::argument(
                "features",
                "columns that can be centred and scaled",
                "values that overflow",
                "divide the largest features by a power of ten",
            ));
        };
        let (is_plain, is_apart) = (rank.is_whole(&varying), metric.smallest_pivot() > CERTAIN);
        let mut fast = None;
        if size_of::<B::Scalar>() < size_of::<f64>() && is_plain && is_apart {
            let mut objective = ClassObjective::new(on, plan, &own, &y, contrasts.clone())?;
            objective.set_penalty(&on_parameters, recession);
            fast = Some(objective);
        }
        let n_parameters = contrasts.n_free() * gram.nrows();
        let costs = if fast.is_some() { on.costs() } else { on.exact().costs() };
        let n_bytes = if fast.is_some() { size_of::<B::Scalar>() } else { size_of::<f64>() };
        let size = Size::new(plan, &[null], n_parameters - 1, n_bytes, &costs);
        let mut chosen = Plan { sample_every: None, gram_every: 1, ..self.checked().chosen(size, costs)? };
        chosen.n_gram_rows = plan.n_rows();
        chosen.features = Placed::all(plan, n_classes, &costs);
        if costs.home != Home::Host {
            chosen.finishing = Placed::all(plan, n_classes, &on.exact().costs());
        }
        let left_out = self.inference_left_out(plan, gram.nrows(), contrasts.n_free());
        let course = Course {
            spec: self,
            plan,
            response,
            contrasts,
            varying: varying.clone(),
            rank,
            penalty,
            metric,
            left_out,
        };
        let (exact, all) = match &mut members {
            Some(members) => (members, Some(&mut exact)),
            None => (&mut exact, None),
        };
        exact.set_penalty(&on_parameters, recession);
        let beside = |()| ClassObjective::new(on.exact(), plan, &own, &y, course.contrasts.clone());
        let beside = keeps_history.then_some(()).map(beside).transpose()?;
        let views = Views { fast, exact, all, beside };
        let mut found = course.run(chosen, &counts, views, started, progress)?;
        found.seconds.fit = begun.elapsed().as_secs_f64() - found.seconds.inference - found.seconds.history;
        found.identifiability = identifiability;
        Ok(found)
    }

    /// Checks shapes and labels; the used bins of every class.
    fn check_inputs<B: Classes>(&self, on: &B, plan: &DesignPlan, response: &Labelled) -> Result<Vec<usize>> {
        if let Some(source) = plan.sources().first()
            && source.nrows() != response.n_bins()
        {
            return Err(Error::Length {
                what: "bins of the response, as the features have".into(),
                expected: source.nrows(),
                found: response.n_bins(),
            });
        }
        for (what, is_given) in [("weights", plan.weights().is_some()), ("offset", plan.offset().is_some())] {
            if is_given {
                let help = "leave them out: every bin of a categorical fit counts once, and every part of it is fitted";
                return Err(Error::argument(what, "none in a fit to labels", "some", help));
            }
        }
        self.checked().check_blocks(plan)?;
        let features: Vec<[usize; 2]> = plan.layout().features.iter().map(|own| own.columns).collect();
        self.get().regularizer.check_columns(plan.n_columns(), &features)?;
        let counts = response.counts(plan.rows())?;
        let bytes = size_of::<B::Scalar>();
        let n_parameters = ((1 + plan.n_columns()) * (counts.len() - 1)) as u64;
        // a Hessian, its factor, the metric and its factor
        let of_matrices =
            n_parameters.saturating_mul(n_parameters).saturating_mul(4 * size_of::<f64>() as u64);
        let needed_bytes = plan.needed_bytes(counts.len(), bytes, &on.costs()).saturating_add(of_matrices);
        match self.get().memory_limit_bytes {
            Some(limit_bytes) if needed_bytes > limit_bytes => {
                let what = "the design and the matrices of all classes".into();
                Err(Error::Memory { what, needed_bytes, limit_bytes })
            }
            _ => Ok(counts),
        }
    }

    /// Why there are no standard errors, if there are none, from the parameters of a predictor and the number of these.
    fn inference_left_out(&self, plan: &DesignPlan, p: usize, n_free: usize) -> Option<String> {
        let pairs = n_free * (n_free + 1) / 2;
        // of every pair of classes a Gram, whose weights are one product for each row
        let cost = plan.n_rows() as f64 * (p * (p + 1)) as f64 * pairs as f64;
        match self.get().standard_errors {
            StandardErrors::Off => Some("not asked for".into()),
            StandardErrors::Auto if cost > INFERENCE_LIMIT => Some(format!(
                "rows x columns x (columns + 1) x pairs of classes = {cost:.1e} is above {INFERENCE_LIMIT:.0e}; \
                 `--standard-errors on` computes them all the same"
            )),
            _ => None,
        }
    }
}

impl Course<'_, '_> {
    /// From the start to the certificate.
    fn run<B: Classes>(
        &self,
        chosen: Plan,
        counts: &[usize],
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
        let mut watch = Watch {
            tolerance: spec.tolerance,
            goal: if spec.tolerance <= TOLERANCE_F64 { first_goal } else { spec.tolerance },
            max_iterations: spec.max_iterations,
            used: vec![0],
            deadline,
            n_waiting: 0,
            halted: Vec::new(),
            progress,
            residuals,
            history_time: Duration::ZERO,
        };
        let lbfgs = Lbfgs { newton_if_slow: chosen.newton_if_slow };
        let mut solver: &dyn Minimize = if chosen.solver == Newton.name() { &Newton } else { &lbfgs };
        let (mut start, mut earlier, mut inference): (Start, Option<Standing>, f64) =
            (self.start(counts).into(), None, 0.0);
        let standing = loop {
            let mut own = fast.take();
            let fast = own.as_mut().map(|fast| -> &mut dyn Objective { fast });
            let mut objectives = Objectives { fast, exact: &mut *exact, sample: None };
            let solution = solver.minimize(&mut objectives, &self.metric, &[0], start, &mut watch)?;
            let at = solution.at.column(0).to_vec();
            let over_all = all.as_deref_mut().unwrap_or(&mut *exact);
            let mut standing = self.standing(over_all, &at, solution.outcomes[0].clone())?;
            let inferring = Instant::now();
            standing.inference = self.look(exact, &at, &standing)?;
            inference += inferring.elapsed().as_secs_f64();
            standing = standing.after(earlier.take());
            watch.used[0] = standing.outcome.iterations;
            if !self.goes_on(&mut standing, &watch) {
                break standing;
            }
            watch.goal = (watch.goal * CLOSER).max(FLOOR);
            if standing.outcome.taken_over {
                // what Newton has taken over stays with it
                solver = &Newton;
            }
            (start, earlier) = (solution.at.into(), Some(standing));
        };
        let condition = match &standing.inference {
            Some(ClassInference { condition, .. }) if self.left_out.is_none() => *condition,
            _ => f64::NAN,
        };
        let plan = Plan { n_taken_over: usize::from(standing.outcome.taken_over), ..chosen };
        Ok(Fitted {
            target: self.target(standing, counts),
            plan,
            condition,
            rank: self.rank.n_members(),
            identifiability: None,
            left_out: self.left_out.clone(),
            seconds: Seconds { fit: 0.0, inference, history: watch.history_time.as_secs_f64() },
        })
    }

    /// No effect of any feature, the frequencies of the classes.
    fn start(&self, counts: &[usize]) -> Matrix {
        let logs: Vec<f64> = counts.iter().map(|&count| (count as f64).ln()).collect();
        let intercepts = self.contrasts.of_free(&logs);
        let p = 1 + self.rank.n_members();
        let value = |(k, _): (usize, usize)| if k % p == 0 { intercepts[k / p] } else { 0.0 };
        Matrix::from_shape_fn((p * intercepts.len(), 1), value)
    }
}

/// The Gram of the columns alone.
fn without_intercept(gram: &Matrix) -> Matrix {
    let p = gram.nrows() - 1;
    Matrix::from_shape_fn((p, p), |(i, j)| gram[(1 + i, 1 + j)])
}

/// The null model: the frequencies of the classes in every bin. Gaps are judged in parts of its loss, the entropy.
fn null(counts: &[usize]) -> Null {
    let n: f64 = counts.iter().map(|&count| count as f64).sum();
    let part = |&count: &usize| count as f64 / n;
    let loss = counts.iter().map(|count| -part(count) * part(count).ln()).sum();
    let events = counts.iter().map(part).fold(1.0, f64::min);
    // the metric holds the curvature of the classes
    let (mean, eta, curvature, noise) = (events, 0.0, 1.0, 1.0 / loss);
    Null { mean, eta, loss, curvature, size: loss, noise, events, is_silent: false }
}

/// The Hessian where no feature has an effect: that of the frequencies, times the flat Gram.
fn null_curvature(contrasts: &Contrasts, counts: &[usize], gram: &Matrix) -> Matrix {
    let n: f64 = counts.iter().map(|&count| count as f64).sum();
    let (p, d) = (gram.nrows(), contrasts.n_free());
    let mut of_classes = Matrix::zeros((d, d));
    for (a, b) in contrasts.pairs() {
        let term = |(k, l, factor)| counts[k] as f64 / n * (counts[l] as f64 / n) * factor;
        let value: f64 = contrasts.differences((a, b)).into_iter().map(term).sum();
        (of_classes[(a, b)], of_classes[(b, a)]) = (value, value);
    }
    Matrix::from_shape_fn((p * d, p * d), |(i, j)| of_classes[(i / p, j / p)] * gram[(i % p, j % p)])
}
