//! In which numbers a fit is computed before its last steps.
//!
//! Those of the backend, if the flat Gram shows columns that single precision can tell apart. If it does not, the Gram is formed
//! again in `f64`: a device, which has no other numbers, then sees the columns in terms of others, and the CPU goes on in `f64`
//! from the start, as every fit does whose columns are not independent.

use std::time::Instant;

use super::choice::Size;
use super::doubt::believe;
use super::fit::{CERTAIN, Fit, Views};
use super::fits::Problem;
use super::identifiability::Identifiability;
use super::penalised::{anchor, penalty};
use super::plan::Plan;
use super::rank::Rank;
use super::spec::CheckedSpec;
use crate::backend::{Backend, Cpu, Every, Home};
use crate::design::{Column, DesignPlan};
use crate::math::dense::{Cholesky, Matrix};
use crate::math::whitening::Whitening;
use crate::objective::{GlmObjective, Objective, Packed, Penalty, Weight};
use crate::observation::Null;
use crate::regularizer::Regularizer;
use crate::solver::Metric;
use crate::{Error, Result};

/// The smallest pivot of a Gram of columns in terms of others that single precision tells apart: nothing of them is left out
/// from there on ([`Rank::new`]).
const PLAIN: f64 = 2e-6;

/// What is done with a fit that is ready to begin.
type Finish<'f, R> = dyn FnMut(&Fit, Plan, Views, Instant) -> Result<R> + 'f;

/// What the numbers of the backend are for.
pub(super) struct Fast<'p, B: Backend> {
    objective: GlmObjective<'p, B>,
    /// The flat Gram, and the smallest pivot of it that leaves no doubt.
    gram: Matrix,
    least: f64,
}

impl<B: Backend> Fast<'_, B> {
    /// Whether the data alone tell all columns apart.
    fn is_certain(&self) -> bool {
        Cholesky::new(&self.gram)
            .is_some_and(|factor| factor.jitter() == 0.0 && factor.smallest_pivot() > self.least)
    }
}

impl<B: Backend> Problem<'_, '_, '_, B> {
    /// Makes a fit ready with each of some regularizers, in the numbers that it needs.
    pub(super) fn with<R>(
        &mut self,
        spec: &CheckedSpec,
        regularizers: &[Regularizer],
        finish: &mut Finish<R>,
    ) -> Result<R> {
        let started = self.started.take().unwrap_or_else(Instant::now);
        let penalty = |own: &Regularizer| penalty(own, self.plan, &self.varying);
        let penalties: Vec<Penalty> = regularizers.iter().map(penalty).collect();
        // what all rows determine beside a penalty, the rows of a part may not
        self.tells_parts_apart |= !penalties.iter().all(Penalty::bounds_all);
        self.exact.set_penalties(&penalties, self.nulls.len());
        let replayed = spec.replayed();
        let is_fast =
            size_of::<B::Scalar>() < size_of::<f64>() && replayed.is_none_or(|own| own.storage == "f32");
        if is_fast && replayed.is_none_or(|own| !own.whitened) {
            if let Some(fitted) = self.fit_fast(spec, &penalties, started, finish)? {
                return Ok(fitted);
            }
            if replayed.is_some() {
                return Err(Plan::too_coarse());
            }
        }
        self.fit_all_digits(spec, penalties, is_fast, started, finish)
    }

    /// The null models of all targets.
    fn all_nulls(&self, penalties: &[Penalty]) -> Vec<Null> {
        penalties.iter().flat_map(|_| self.nulls.iter().copied()).collect()
    }

    /// What of a fit its penalty alone determines.
    pub(super) fn identifiability(&mut self, spec: &CheckedSpec) -> Result<Identifiability> {
        let (plan, varying) = (self.plan, &self.varying);
        let rank = match self.rank.take() {
            Some(rank) => rank,
            None if self.fast.as_ref().is_some_and(Fast::is_certain) => Rank::plain(plan, varying),
            None => {
                let gram = match self.gram.take() {
                    Some(gram) => gram,
                    None => self.exact.gram(Every::ROW, Weight::Flat)?,
                };
                let rank = Rank::new(plan, varying, &without_intercept(&gram));
                self.gram = Some(gram);
                rank
            }
        };
        let found = Identifiability::new(plan, varying, &rank, &spec.penalty(plan, varying));
        self.rank = Some(rank);
        Ok(found)
    }

    /// With the numbers of the backend before the last steps, if they can tell the columns apart.
    fn fit_fast<R>(
        &mut self,
        spec: &CheckedSpec,
        penalties: &[Penalty],
        started: Instant,
        finish: &mut Finish<R>,
    ) -> Result<Option<R>> {
        let (on, plan, costs) = (self.on, self.plan, self.on.costs());
        let nulls = self.all_nulls(penalties);
        let size = Size::new(plan, &nulls, self.own.len(), size_of::<B::Scalar>(), &costs);
        let chosen = spec.chosen(size, costs)?;
        let fast = match &mut self.fast {
            Some(fast) => fast,
            none => {
                let mut objective = GlmObjective::like(&self.exact, on, plan, self.own, self.y)?;
                let (gram, are_apart) = objective.flat_gram(Every(chosen.gram_every), CERTAIN)?;
                if costs.home != Home::Host {
                    let are_standard =
                        chosen.gram_every == 1 && plan.has_intercept() && plan.weights().is_none();
                    believe(&gram, are_standard)?;
                }
                none.insert(Fast { objective, gram, least: if are_apart { PLAIN } else { CERTAIN } })
            }
        };
        let every = Every(chosen.gram_every);
        let of_parts = grams_of_parts(&mut fast.objective, self.of_parts, self.tells_parts_apart, every)?;
        if costs.home != Home::Host {
            of_parts.iter().try_for_each(|gram| believe(gram, false))?;
        }
        let grams = if of_parts.is_empty() { vec![fast.gram.clone()] } else { of_parts };
        let sets = penalties.iter().flat_map(|penalty| grams.iter().map(move |gram| (gram, penalty)));
        let metric = Metric::of_sets(&sets.collect::<Vec<_>>(), nulls);
        let Some(metric) = metric.filter(|metric| metric.smallest_pivot() > fast.least) else {
            return Ok(None);
        };
        fast.objective.set_penalties(penalties, self.nulls.len());
        let rank = Rank::plain(plan, &self.varying);
        let (varying, penalty) = (self.varying.clone(), penalties[0].clone());
        let fit = Fit { spec, plan, response: self.response, costs, varying, rank, metric, penalty };
        let beside = beside(spec, on.exact(), plan, self.own, self.y, &fit.penalty)?;
        let views = Views { fast: Some(&mut fast.objective), exact: &mut self.exact, all: None, beside };
        finish(&fit, chosen, views, started).map(Some)
    }

    /// Columns that are nearly dependent: all digits from the start.
    fn fit_all_digits<R>(
        &mut self,
        spec: &CheckedSpec,
        mut penalties: Vec<Penalty>,
        is_fast: bool,
        started: Instant,
        finish: &mut Finish<R>,
    ) -> Result<R> {
        let (on, plan, response, own, y) = (self.on, self.plan, self.response, self.own, self.y);
        let (nulls, varying) = (self.all_nulls(&penalties), self.varying.clone());
        let (exact_on, model) = (on.exact(), spec.get().model);
        let gram = match self.gram.take() {
            Some(gram) => gram,
            None => self.exact.gram(Every::ROW, Weight::Flat)?,
        };
        self.gram = Some(gram.clone());
        // a penalty determines what the data do not
        let mut rank = if penalties.iter().all(Penalty::is_none) {
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
        let of_parts = grams_of_parts(&mut self.exact, self.of_parts, self.tells_parts_apart, Every::ROW)?;
        let grams = if of_parts.is_empty() { vec![gram.clone()] } else { of_parts };
        // directions that the rows of a part do not determine are its own
        penalties = penalties.iter().flat_map(|own| grams.iter().map(|_| own.clone())).collect();
        for (penalty, gram) in penalties.iter_mut().zip(grams.iter().cycle()) {
            anchor(plan, &varying, gram, penalty, &mut rank);
        }
        let of_each = self.nulls.len() / grams.len();
        self.exact.set_penalties(&penalties, of_each);
        let penalty = penalties[0].clone();
        let metric = |grams: &[Matrix]| {
            let sets: Vec<(&Matrix, &Penalty)> = grams.iter().cycle().zip(&penalties).collect();
            Metric::of_sets(&sets, nulls.clone())
        };
        let is_whitened = is_fast && on.costs().home != Home::Host && rank.is_whole(&varying);
        if is_whitened && let Some(metric) = metric(&grams) {
            // a device has no other numbers: there the columns stand in terms of others
            let whitened = plan.whitened(y.n_targets(), &on.costs());
            let whitening = Whitening::new(0..varying.len(), &without_intercept(&gram));
            let mut fast = GlmObjective::whitened(&self.exact, on, &whitened, &varying, y, whitening)?;
            fast.set_penalties(&penalties, of_each);
            let size = Size::new(&whitened, &nulls, own.len(), size_of::<B::Scalar>(), &on.costs());
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
        let mut own_grams = grams;
        if !rank.is_whole(&varying) {
            let objective = GlmObjective::new(exact_on, plan, &rank.columns(), y, model)?;
            let mut objective = objective.with_roundings(rank.roundings());
            own_grams = vec![objective.gram(Every::ROW, Weight::Flat)?];
            members = Some(objective);
        }
        let Some(metric) = metric(&own_grams) else {
            return Err(Error::argument(
                "features",
                "columns that can be centred and scaled",
                "values that overflow",
                "divide the largest features by a power of ten",
            ));
        };
        let costs = exact_on.costs();
        let size = Size::new(plan, &nulls, rank.n_members(), size_of::<f64>(), &costs);
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

/// The flat Gram over the rows of each part, if that is wanted.
fn grams_of_parts<B: Backend>(
    f: &mut GlmObjective<B>,
    parts: &[DesignPlan],
    are_wanted: bool,
    every: Every,
) -> Result<Vec<Matrix>> {
    let n_parts = if are_wanted { parts.len() } else { 0 };
    (0..n_parts).map(|part| f.gram(every, Weight::Part(part))).collect()
}
