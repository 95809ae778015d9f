//! Fits that share design and response on a backend.

use std::sync::Arc;
use std::time::Instant;

use super::fitted::FittedGlm;
use super::inputs::Response;
use super::part_hessians::hessians;
use super::precision::Fast;
use super::rank::{Rank, varying};
use super::solve::{Hessians, Kept, Solved};
use super::spec::{CheckedSpec, Dispersion};
use crate::backend::{Backend, Cpu};
use crate::design::{Column, DesignPlan};
use crate::math::dense::Matrix;
use crate::objective::{GlmObjective, Packed, Parts};
use crate::observation::Null;
use crate::regularizer::Regularizer;
use crate::solver::Progress;
use crate::{Error, Result};

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
        self.fit_parts(on, plan, response, None, fit)
    }

    /// The same for fits of every response to each of several parts of the rows.
    pub(super) fn fit_parts<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        parts: Option<Parts>,
        fit: &mut dyn FnMut(&mut dyn Fits) -> Result<()>,
    ) -> Result<()> {
        let started = Some(Instant::now());
        let n_targets =
            response.y.ncols() * parts.as_ref().map_or(1, |parts| parts.rows.len() * parts.n_penalties);
        let guided = self.guided(plan, n_targets, on.costs(), size_of::<B::Scalar>())?;
        let plan = guided.as_ref().unwrap_or(plan);
        let not_centred = (!self.get().has_intercept).then(|| plan.without_intercept());
        let plan = not_centred.as_ref().unwrap_or(plan);
        let mut nulls =
            self.check_inputs(plan, response, n_targets, (size_of::<B::Scalar>(), &on.costs()))?;
        let mut y = Packed::new(response.y, plan.rows());
        let mut of_parts = Vec::new();
        if let Some(parts) = parts {
            of_parts = parts.rows.iter().map(|rows| plan.with_rows(rows.clone())).collect();
            y = y.in_parts(parts);
            // what is good over all rows is so over some of them
            let own = of_parts.iter().filter_map(|own| self.nulls(own, response, &own.into()));
            nulls = own.flatten().collect();
        }
        let varying = varying(plan);
        let own: Vec<Column> = varying.iter().map(|&column| Column::Source(column)).collect();
        let exact = GlmObjective::new(on.exact(), plan, &own, &y, self.get().model)?;
        let (fast, gram, rank) = (None, None, None);
        let own = &own;
        fit(&mut Problem {
            on,
            plan,
            of_parts: &of_parts,
            response,
            nulls,
            y: &y,
            varying,
            own,
            exact,
            fast,
            gram,
            rank,
            started,
            tells_parts_apart: false,
        })
    }
}

/// What can be fitted again and again.
pub(super) trait Fits {
    /// One fit, with its certificate.
    fn fit(&mut self, spec: &CheckedSpec, progress: &mut dyn FnMut(Progress)) -> Result<FittedGlm>;

    /// Where the solver comes to with each of some regularizers, without a certificate: for each the targets of all parts, one
    /// part after the other. Starts of the specification are those of all of them.
    fn solve(
        &mut self,
        spec: &CheckedSpec,
        regularizers: &[Regularizer],
        hessians: Hessians,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Solved>>;

    /// From what fits to all rows keep of each response, one list for every regularizer: the same over each part of the rows. For
    /// every regularizer those of the first part, then those of the next.
    fn hessians(&self, spec: &CheckedSpec, kept: &[&[Kept]]) -> Result<Vec<Arc<Matrix>>>;
}

/// Design and response on a backend.
pub(super) struct Problem<'p, 'd, 'r, B: Backend> {
    pub(super) on: &'p B,
    pub(super) plan: &'p DesignPlan<'d>,
    /// The same with the rows of every part, if these are not all.
    pub(super) of_parts: &'p [DesignPlan<'d>],
    pub(super) response: &'p Response<'r>,
    /// Of all responses in every part.
    pub(super) nulls: Vec<Null>,
    pub(super) y: &'p Packed<'r>,
    pub(super) varying: Vec<usize>,
    pub(super) own: &'p [Column<'p>],
    pub(super) exact: GlmObjective<'p, Cpu<f64>>,
    /// Once they were wanted.
    pub(super) fast: Option<Fast<'p, B>>,
    /// The flat Gram in `f64`.
    pub(super) gram: Option<Matrix>,
    /// What the data determine, if a penalty kept it from being seen.
    pub(super) rank: Option<Rank>,
    /// When the first fit began, until it takes place.
    pub(super) started: Option<Instant>,
    /// Whether every part has a metric of its own.
    pub(super) tells_parts_apart: bool,
}

impl<B: Backend> Fits for Problem<'_, '_, '_, B> {
    fn fit(&mut self, spec: &CheckedSpec, progress: &mut dyn FnMut(Progress)) -> Result<FittedGlm> {
        let spec = &spec.going_on(self.response.y.ncols(), self.plan.n_columns());
        let regularizer = std::slice::from_ref(&spec.get().regularizer);
        let mut fitted = self.with(spec, regularizer, &mut |fit, chosen, views, started| {
            fit.run(chosen, views, started, progress)
        })?;
        if fitted.identifiability.is_none() && fitted.inference_left_out.is_none() {
            let started = Instant::now();
            fitted.identifiability = match self.identifiability(spec) {
                Err(Error::Interrupted) => None,
                found => Some(found?),
            };
            fitted.seconds.inference += started.elapsed().as_secs_f64();
        }
        Ok(fitted)
    }

    fn solve(
        &mut self,
        spec: &CheckedSpec,
        regularizers: &[Regularizer],
        mut hessians: Hessians,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Solved>> {
        let (of_parts, cast) = (self.of_parts, self.y.cast());
        self.tells_parts_apart = matches!(hessians, Hessians::Given(None));
        self.with(spec, regularizers, &mut |fit, chosen, views, started| {
            fit.solve(&chosen, views, (of_parts, cast, started), &mut hessians, progress)
        })
    }

    fn hessians(&self, spec: &CheckedSpec, kept: &[&[Kept]]) -> Result<Vec<Arc<Matrix>>> {
        let (columns, of) = ((self.own, self.varying.as_slice()), (spec.get().model, self.response));
        let mut of_parts = Vec::with_capacity(self.of_parts.len());
        for part in self.of_parts {
            of_parts.push(hessians(self.on, (self.plan, part), columns, of, kept)?);
        }
        let n_targets = self.response.y.ncols();
        let of_one = |k: usize| {
            let own = k * n_targets..(k + 1) * n_targets;
            of_parts.iter().flat_map(move |all| all[own.clone()].iter().cloned())
        };
        Ok((0..kept.len()).flat_map(of_one).collect())
    }
}
