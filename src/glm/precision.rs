//! In which numbers a fit is computed before its last steps.
//!
//! Those of the backend, if the flat Gram shows columns that single precision can tell apart. If it does not, the Gram is formed
//! again in `f64`: a device, which has no other numbers, then sees the columns in terms of others, and the CPU goes on in `f64`
//! from the start, as every fit does whose columns are not independent.

use std::time::Instant;

use super::choice::Size;
use super::fit::{CERTAIN, Fit, Solved, Views};
use super::fitted::FittedGlm;
use super::inputs::Response;
use super::penalised::anchor;
use super::plan::Plan;
use super::rank::{Rank, varying};
use super::spec::{CheckedSpec, Dispersion};
use crate::backend::{Backend, Cpu, Every, Home};
use crate::design::{Column, DesignPlan};
use crate::math::dense::Matrix;
use crate::math::whitening::Whitening;
use crate::objective::{GlmObjective, Objective, Packed, Penalty, Weight};
use crate::observation::Null;
use crate::solver::{Metric, Progress};
use crate::{Error, Result};

/// The smallest pivot of a Gram of columns in terms of others that single precision tells apart: nothing of them is left out
/// from there on ([`Rank::new`]).
const PLAIN: f64 = 2e-6;

impl CheckedSpec {
    /// Fits every target of the response to the rows of the design that the plan uses.
    ///
    /// Passes over the rows are shared among the threads of rayon's pool. Called on one of them (within [`rayon::scope`]),
    /// as the command line does, small fits take less time: sharing a pass then costs microseconds, not tens of them.
    ///
    /// # Errors
    /// [`Error::Length`] if response and design have different numbers of bins, [`Error::NonFinite`] or
    /// [`Error::Domain`] with the first used row whose response is not finite or not what the model is for, [`Error::Memory`] if
    /// the design is larger than allowed, [`Error::Gpu`] if a device fails, and [`Error::Unfinished`] if it does so on the way, with
    /// how far the targets had come. Not arriving is a status, not an error.
    pub fn fit<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedGlm> {
        match self.get().dispersion {
            Dispersion::OfModel => self.fit_given(on, plan, response, progress),
            Dispersion::MaximumLikelihood => self.fit_dispersed(on, plan, response, progress),
        }
    }

    /// The fit of a model whose every number but the coefficients is given.
    pub(super) fn fit_given<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedGlm> {
        let mut fitted = None;
        self.fit_each(on, plan, response, &mut |problem| {
            fitted = Some(problem.fit(self, progress)?);
            Ok(())
        })?;
        // what was asked for once was done once
        fitted.ok_or_else(|| Error::Empty {
            what: "fit".into(),
            problem: "nothing was fitted".into(),
            help: "this is a mistake of the program: please report it".into(),
        })
    }

    /// Brings design and response to a backend once, for any number of fits that differ in regularizer, start, tolerance,
    /// limits and what is computed beside them.
    pub(super) fn fit_each<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        fit: &mut dyn FnMut(&mut dyn Fits) -> Result<()>,
    ) -> Result<()> {
        let started = Some(Instant::now());
        let guided = self.guided(plan, response.y.ncols(), on.costs(), size_of::<B::Scalar>())?;
        let plan = guided.as_ref().unwrap_or(plan);
        let not_centred = (!self.get().has_intercept).then(|| plan.without_intercept());
        let plan = not_centred.as_ref().unwrap_or(plan);
        let nulls = self.check_inputs(plan, response, size_of::<B::Scalar>(), &on.costs())?;
        let y = Packed::new(response.y, plan.rows());
        let varying = varying(plan);
        let own: Vec<Column> = varying.iter().map(|&column| Column::Source(column)).collect();
        let exact = GlmObjective::new(on.exact(), plan, &own, &y, self.get().model)?;
        let (fast, gram) = (None, None);
        fit(&mut Problem { on, plan, response, nulls, y: &y, varying, own: &own, exact, fast, gram, started })
    }
}

/// What can be fitted again and again.
pub(super) trait Fits {
    /// One fit, with its certificate.
    fn fit(&mut self, spec: &CheckedSpec, progress: &mut dyn FnMut(Progress)) -> Result<FittedGlm>;

    /// Where the solver comes to, without a certificate; with Hessians of the losses that fits to the same rows keep.
    fn solve(
        &mut self,
        spec: &CheckedSpec,
        kept: &mut Option<Vec<Matrix>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Solved>>;
}

/// What is done with a fit that is ready to begin.
type Finish<'f, R> = dyn FnMut(&Fit, Plan, Views, Instant) -> Result<R> + 'f;

/// Design and response on a backend.
struct Problem<'p, 'd, 'r, B: Backend> {
    on: &'p B,
    plan: &'p DesignPlan<'d>,
    response: &'p Response<'r>,
    nulls: Vec<Null>,
    y: &'p Packed<'r>,
    varying: Vec<usize>,
    own: &'p [Column<'p>],
    exact: GlmObjective<'p, Cpu<f64>>,
    /// Once they were wanted.
    fast: Option<Fast<'p, B>>,
    /// The flat Gram in `f64`.
    gram: Option<Matrix>,
    /// When the first fit began, until it takes place.
    started: Option<Instant>,
}

/// What the numbers of the backend are for.
struct Fast<'p, B: Backend> {
    objective: GlmObjective<'p, B>,
    /// The flat Gram, and the smallest pivot of it that leaves no doubt.
    gram: Matrix,
    least: f64,
}

impl<B: Backend> Fits for Problem<'_, '_, '_, B> {
    fn fit(&mut self, spec: &CheckedSpec, progress: &mut dyn FnMut(Progress)) -> Result<FittedGlm> {
        self.with(spec, &mut |fit, chosen, views, started| fit.run(chosen, views, started, progress))
    }

    fn solve(
        &mut self,
        spec: &CheckedSpec,
        kept: &mut Option<Vec<Matrix>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Solved>> {
        self.with(spec, &mut |fit, chosen, views, started| {
            fit.solve(&chosen, views, (started, &mut *kept), progress)
        })
    }
}

impl<B: Backend> Problem<'_, '_, '_, B> {
    /// Makes a fit ready, in the numbers that it needs.
    fn with<R>(&mut self, spec: &CheckedSpec, finish: &mut Finish<R>) -> Result<R> {
        let started = self.started.take().unwrap_or_else(Instant::now);
        let penalty = spec.penalty(self.plan, &self.varying);
        self.exact.set_penalty(&penalty);
        let replayed = spec.replayed();
        let is_fast =
            size_of::<B::Scalar>() < size_of::<f64>() && replayed.is_none_or(|own| own.storage == "f32");
        if is_fast && replayed.is_none_or(|own| !own.whitened) {
            if let Some(fitted) = self.fit_fast(spec, &penalty, started, finish)? {
                return Ok(fitted);
            }
            if replayed.is_some() {
                return Err(Plan::too_coarse());
            }
        }
        self.fit_all_digits(spec, penalty, is_fast, started, finish)
    }

    /// With the numbers of the backend before the last steps, if they can tell the columns apart.
    fn fit_fast<R>(
        &mut self,
        spec: &CheckedSpec,
        penalty: &Penalty,
        started: Instant,
        finish: &mut Finish<R>,
    ) -> Result<Option<R>> {
        let (on, plan, costs) = (self.on, self.plan, self.on.costs());
        let size = Size::new(plan, &self.nulls, self.own.len(), size_of::<B::Scalar>(), &costs);
        let chosen = spec.chosen(size, costs)?;
        let fast = match &mut self.fast {
            Some(fast) => fast,
            none => {
                let mut objective = GlmObjective::like(&self.exact, on, plan, self.own, self.y)?;
                let (gram, are_apart) = objective.flat_gram(Every(chosen.gram_every), CERTAIN)?;
                none.insert(Fast { objective, gram, least: if are_apart { PLAIN } else { CERTAIN } })
            }
        };
        let alone = self.nulls.len() == 1;
        let metric = Metric::new(fast.gram.clone(), penalty, self.nulls.clone(), alone);
        let Some(metric) = metric.filter(|metric| metric.smallest_pivot() > fast.least) else {
            return Ok(None);
        };
        fast.objective.set_penalty(penalty);
        let rank = Rank::plain(plan, &self.varying);
        let (varying, penalty) = (self.varying.clone(), penalty.clone());
        let fit = Fit { spec, plan, response: self.response, costs, varying, rank, metric, penalty };
        let beside = beside(spec, on.exact(), plan, self.own, self.y, &fit.penalty)?;
        let views = Views { fast: Some(&mut fast.objective), exact: &mut self.exact, all: None, beside };
        finish(&fit, chosen, views, started).map(Some)
    }

    /// Columns that are nearly dependent: all digits from the start.
    fn fit_all_digits<R>(
        &mut self,
        spec: &CheckedSpec,
        mut penalty: Penalty,
        is_fast: bool,
        started: Instant,
        finish: &mut Finish<R>,
    ) -> Result<R> {
        let (on, plan, response, own, y) = (self.on, self.plan, self.response, self.own, self.y);
        let (nulls, varying, alone) = (&self.nulls, self.varying.clone(), self.nulls.len() == 1);
        let (exact_on, model) = (on.exact(), spec.get().model);
        let gram = match self.gram.take() {
            Some(gram) => gram,
            None => self.exact.gram(Every::ROW, Weight::Flat)?,
        };
        self.gram = Some(gram.clone());
        // a penalty determines what the data do not
        let mut rank = if penalty.is_none() {
            // weights change no relation between columns, but what they leave of them
            let own = if plan.weights().is_some() {
                self.exact.gram(Every::ROW, Weight::One)?
            } else {
                gram.clone()
            };
            Rank::new(plan, &varying, &without_intercept(&own))
        } else {
            Rank::plain(plan, &varying)
        };
        anchor(plan, &varying, &gram, &mut penalty, &mut rank);
        self.exact.set_penalty(&penalty);
        let is_whitened = is_fast && on.costs().home != Home::Host && rank.is_whole(&varying);
        if is_whitened && let Some(metric) = Metric::new(gram.clone(), &penalty, nulls.clone(), alone) {
            // a device has no other numbers: there the columns stand in terms of others
            let whitened = plan.whitened(y.n_targets(), &on.costs());
            let whitening = Whitening::new(0..varying.len(), &without_intercept(&gram));
            let fast = GlmObjective::whitened(&self.exact, on, &whitened, &varying, y, whitening)?;
            let mut fast = fast.with_penalty(penalty.clone());
            let size = Size::new(&whitened, nulls, own.len(), size_of::<B::Scalar>(), &on.costs());
            let chosen = Plan { gram_every: 1, whitened: true, ..spec.chosen(size, on.costs())? };
            let costs = on.costs();
            let fit = Fit { spec, plan: &whitened, response, costs, varying, rank, metric, penalty };
            let beside = beside(spec, exact_on, plan, own, y, &fit.penalty)?;
            let views = Views { fast: Some(&mut fast), exact: &mut self.exact, all: None, beside };
            return finish(&fit, chosen, views, started);
        }
        if is_fast && spec.replayed().is_some() {
            return Err(Plan::too_coarse());
        }
        let mut members = None;
        let mut own_gram = gram;
        if !rank.is_whole(&varying) {
            let mut objective = GlmObjective::new(exact_on, plan, &rank.columns(), y, model)?;
            own_gram = objective.gram(Every::ROW, Weight::Flat)?;
            members = Some(objective);
        }
        let Some(metric) = Metric::new(own_gram, &penalty, nulls.clone(), alone) else {
            return Err(Error::argument(
                "features",
                "columns that can be centred and scaled",
                "values that overflow",
                "divide the largest features by a power of ten",
            ));
        };
        let costs = exact_on.costs();
        let size = Size::new(plan, nulls, rank.n_members(), size_of::<f64>(), &costs);
        let chosen = spec.chosen(size, costs)?;
        let fit = Fit { spec, plan, response, costs, varying, rank, metric, penalty };
        let beside = beside(spec, exact_on, plan, own, y, &fit.penalty)?;
        let (exact, all) = match &mut members {
            Some(members) => (members, Some(&mut self.exact)),
            None => (&mut self.exact, None),
        };
        finish(&fit, chosen, Views { fast: None, exact, all, beside }, started)
    }
}

/// An objective of its own for histories, if they are wanted.
fn beside<'p>(
    spec: &CheckedSpec,
    exact_on: &'p Cpu<f64>,
    plan: &'p DesignPlan,
    own: &[Column],
    y: &Packed,
    penalty: &Penalty,
) -> Result<Option<GlmObjective<'p, Cpu<f64>>>> {
    if spec.get().n_histories == 0 {
        return Ok(None);
    }
    let objective = GlmObjective::new(exact_on, plan, own, y, spec.get().model)?;
    Ok(Some(objective.with_penalty(penalty.clone())))
}

/// The Gram of the columns alone: of what the intercept leaves of them, where weights have moved their means.
fn without_intercept(gram: &Matrix) -> Matrix {
    let p = gram.nrows() - 1;
    let own =
        |(i, j): (usize, usize)| gram[(1 + i, 1 + j)] - gram[(1 + i, 0)] * gram[(0, 1 + j)] / gram[(0, 0)];
    Matrix::from_shape_fn((p, p), own)
}
