//! In which numbers a fit is computed before its last steps.
//!
//! Those of the backend, if the flat Gram shows columns that single precision can tell apart. If it does not, the Gram is formed
//! again in `f64`: a device, which has no other numbers, then sees the columns in terms of others, and the CPU goes on in `f64`
//! from the start, as every fit does whose columns are not independent.

use std::time::Instant;

use super::choice::Size;
use super::fit::{CERTAIN, Fit, Views};
use super::fitted::FittedGlm;
use super::inputs::Response;
use super::plan::Plan;
use super::rank::{Rank, varying};
use super::spec::{CheckedSpec, Dispersion};
use crate::backend::{Backend, Every, Home};
use crate::design::{Column, DesignPlan};
use crate::math::dense::Matrix;
use crate::math::whitening::Whitening;
use crate::objective::{GlmObjective, Objective, Packed, Penalty, Weight};
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
        let started = Instant::now();
        let guided = self.guided(plan, response.y.ncols(), on.costs(), size_of::<B::Scalar>())?;
        let plan = guided.as_ref().unwrap_or(plan);
        let nulls = self.check_inputs(plan, response, size_of::<B::Scalar>(), &on.costs())?;
        let (model, y) = (self.get().model, Packed::new(response.y, plan.rows()));
        let varying = varying(plan);
        let penalty =
            Penalty::new(self.get().regularizer.curvature(), varying.iter().map(|&k| plan.scaling().sd[k]));
        let alone = response.y.ncols() == 1;
        let own: Vec<Column> = varying.iter().map(|&column| Column::Source(column)).collect();
        let exact_on = on.exact();
        let beside = || {
            let wanted = self.get().n_histories > 0;
            let objective = || GlmObjective::new(exact_on, plan, &own, &y, model);
            wanted.then(|| Ok(objective()?.with_penalty(penalty.clone()))).transpose()
        };
        let mut exact = GlmObjective::new(exact_on, plan, &own, &y, model)?.with_penalty(penalty.clone());
        let replayed = self.replayed();
        let is_fast =
            size_of::<B::Scalar>() < size_of::<f64>() && replayed.is_none_or(|own| own.storage == "f32");
        if is_fast && replayed.is_none_or(|own| !own.whitened) {
            let mut fast = GlmObjective::like(&exact, on, plan, &own, &y)?.with_penalty(penalty.clone());
            let size = Size::new(plan, &nulls, own.len(), size_of::<B::Scalar>(), &on.costs());
            let chosen = self.chosen(size, on.costs())?;
            let (gram, are_apart) = fast.flat_gram(Every(chosen.gram_every), CERTAIN)?;
            let metric = Metric::new(gram, &penalty, nulls.clone(), alone);
            let least = if are_apart { PLAIN } else { CERTAIN };
            if let Some(metric) = metric.filter(|metric| metric.smallest_pivot() > least) {
                let rank = Rank::plain(plan, &varying);
                let fit = Fit { spec: self, plan, response, costs: on.costs(), varying, rank, metric };
                let views = Views { fast: Some(&mut fast), exact, all: None, beside: beside()? };
                return fit.run(chosen, views, started, progress);
            }
            if replayed.is_some() {
                return Err(Plan::too_coarse());
            }
        }
        // columns that are nearly dependent: all digits from the start
        let gram = exact.gram(Every::ROW, Weight::Flat)?;
        // a penalty determines what the data do not
        let rank = if penalty.is_none() {
            Rank::new(plan, &varying, &without_intercept(&gram))
        } else {
            Rank::plain(plan, &varying)
        };
        let is_whitened = is_fast && on.costs().home != Home::Host && rank.is_whole(&varying);
        if is_whitened && let Some(metric) = Metric::new(gram.clone(), &penalty, nulls.clone(), alone) {
            // a device has no other numbers: there the columns stand in terms of others
            let plan = plan.whitened(y.n_targets(), &on.costs());
            let whitening = Whitening::new(0..varying.len(), &without_intercept(&gram));
            let fast = GlmObjective::whitened(&exact, on, &plan, &varying, &y, whitening)?;
            let mut fast = fast.with_penalty(penalty.clone());
            let size = Size::new(&plan, &nulls, own.len(), size_of::<B::Scalar>(), &on.costs());
            let chosen = Plan { gram_every: 1, whitened: true, ..self.chosen(size, on.costs())? };
            let fit = Fit { spec: self, plan: &plan, response, costs: on.costs(), varying, rank, metric };
            let views = Views { fast: Some(&mut fast), exact, all: None, beside: beside()? };
            return fit.run(chosen, views, started, progress);
        }
        if is_fast && replayed.is_some() {
            return Err(Plan::too_coarse());
        }
        let (exact, all, gram) = if rank.is_whole(&varying) {
            (exact, None, gram)
        } else {
            let mut members = GlmObjective::new(exact_on, plan, &rank.columns(), &y, model)?;
            let gram = members.gram(Every::ROW, Weight::Flat)?;
            (members, Some(exact), gram)
        };
        let Some(metric) = Metric::new(gram, &penalty, nulls.clone(), alone) else {
            return Err(Error::argument(
                "features",
                "columns that can be centred and scaled",
                "values that overflow",
                "divide the largest features by a power of ten",
            ));
        };
        let costs = exact_on.costs();
        let size = Size::new(plan, &nulls, rank.n_members(), size_of::<f64>(), &costs);
        let chosen = self.chosen(size, costs)?;
        let views = Views { fast: None, exact, all, beside: beside()? };
        let fit = Fit { spec: self, plan, response, costs, varying, rank, metric };
        fit.run(chosen, views, started, progress)
    }
}

/// The Gram of the columns alone.
fn without_intercept(gram: &Matrix) -> Matrix {
    let p = gram.nrows() - 1;
    Matrix::from_shape_fn((p, p), |(i, j)| gram[(1 + i, 1 + j)])
}
