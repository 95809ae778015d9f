//! The objective of a generalized linear model, written once for every backend and design.
//!
//! Loss of a target = mean over the used bins of the observation model's loss, without terms free of the mean, + the penalty.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Instant;

use ndarray::{Axis, Slice};

use super::line::{Aimed, LineSizes};
use super::{Objective, Packed, Penalty, Quadratic, Separation, Weight};
use crate::Result;
use crate::backend::{
    Backend, Beside, Cast, Cpu, Every, Into, Model, Observed, POINTWISE_SUMS, Reach, Sweep,
};
use crate::design::{Block, Column, Design, DesignPlan};
use crate::math::dense::{Matrix, symmetric};
use crate::math::whitening::Whitening;
use crate::observation::Recession;

/// A design, a response and a model on a backend.
pub struct GlmObjective<'a, B: Backend> {
    pub(super) on: &'a B,
    pub(super) design: Design<'a, B>,
    y: B::Array<'a>,
    pub(super) weights: Option<B::Array<'a>>,
    offset: Option<B::Array<'a>>,
    pub(super) cast: Cast,
    /// Whether the intercept is a parameter; if not it stays 0.
    pub(super) has_intercept: bool,
    pub(super) model: Model,
    /// At least one; each is that of so many targets after those of the one before.
    pub(super) penalties: Vec<Penalty>,
    pub(super) of_each: usize,
    pub(super) passes: usize,
    /// Targets of the fit.
    n_targets: usize,
    /// What trial steps go along.
    pub(super) aimed: Option<Aimed<B>>,
    /// How long lines may be.
    pub(super) line_sizes: LineSizes,
    /// Of columns beside their own magnitude, 1 for each if there are none.
    pub(super) roundings: Vec<f64>,
    /// Of targets that were asked about.
    pub(super) separations: BTreeMap<usize, Separation>,
}

impl<'a, B: Backend> GlmObjective<'a, B> {
    /// Places some columns of a plan and the used rows of the response on a backend.
    ///
    /// # Errors
    /// If the backend refuses, and as [`DesignPlan::place`].
    pub fn new(
        on: &'a B,
        plan: &'a DesignPlan,
        columns: &[Column],
        y: &Packed,
        model: Model,
    ) -> Result<Self> {
        Self::of(on, plan.place(on, columns, y.n_targets())?, plan, y, model)
    }

    /// The same columns as `exact` has, in the numbers of another backend.
    ///
    /// # Errors
    /// As [`GlmObjective::new`].
    pub fn like(
        exact: &GlmObjective<Cpu<f64>>,
        on: &'a B,
        plan: &'a DesignPlan,
        columns: &[Column],
        y: &Packed,
    ) -> Result<Self> {
        let rounded = if plan.is_rounded(on, y.n_targets()) { exact.design.rounded(on)? } else { None };
        let design = match rounded {
            Some(design) => design,
            None => plan.place(on, columns, y.n_targets())?,
        };
        Self::of(on, design, plan, y, exact.model)
    }

    /// The columns of `exact`, which are these of the plan, in the numbers of another backend, as others that are not
    /// correlated.
    ///
    /// # Errors
    /// As [`GlmObjective::new`].
    pub fn whitened(
        exact: &GlmObjective<Cpu<f64>>,
        on: &'a B,
        plan: &'a DesignPlan,
        columns: &[usize],
        y: &Packed,
        whitening: Whitening,
    ) -> Result<Self> {
        Self::of(on, plan.place_whitened(on, columns, y.n_targets(), whitening)?, plan, y, exact.model)
    }

    fn of(on: &'a B, design: Design<'a, B>, plan: &DesignPlan, y: &Packed, model: Model) -> Result<Self> {
        let n_targets = y.n_targets();
        let weights = match (y.parts(), plan.weights()) {
            (Some(parts), _) => Some(parts.place(on, plan)?),
            (None, Some(own)) => Some(own.place(on, plan.rows())?),
            (None, None) => None,
        };
        let cast = y.cast();
        let offset = plan.offset().map(|own| own.place(on, plan.rows())).transpose()?;
        let (y, has_intercept) = (y.place(on, plan.rows())?, plan.has_intercept());
        let (penalties, of_each, aimed, passes) = (vec![Penalty::default()], usize::MAX, None, 0);
        let line_sizes = LineSizes::of(on.costs().home).within(plan.limit_bytes());
        Ok(Self {
            on,
            design,
            y,
            weights,
            offset,
            cast,
            has_intercept,
            model,
            penalties,
            of_each,
            passes,
            n_targets,
            aimed,
            line_sizes,
            roundings: Vec::new(),
            separations: BTreeMap::new(),
        })
    }

    /// The same with a penalty on the parameters.
    #[must_use]
    pub fn with_penalty(mut self, penalty: Penalty) -> Self {
        self.set_penalties(&[penalty], usize::MAX);
        self
    }

    /// The same whose columns have these roundings, in parts of their own magnitude: residuals of others have more than 1.
    #[must_use]
    pub fn with_roundings(self, roundings: Vec<f64>) -> Self {
        Self { roundings, ..self }
    }

    /// Other penalties from now on, at least one: the first for the first `of_each` targets, the next for as many after these.
    pub fn set_penalties(&mut self, penalties: &[Penalty], of_each: usize) {
        (self.penalties, self.of_each) = (penalties.to_vec(), of_each);
        self.separations.clear();
    }

    pub(super) fn penalty_of(&self, target: usize) -> &Penalty {
        &self.penalties[target / self.of_each]
    }

    /// Keeps lines of at most so many numbers for trial steps: longer ones are computed again for each trial.
    #[must_use]
    pub fn with_lines_of(self, most_kept: usize) -> Self {
        Self { line_sizes: LineSizes { most_kept, ..self.line_sizes }, ..self }
    }

    /// The responses with what they count for.
    pub(super) fn observed(&self) -> Observed<'_, B::Array<'a>> {
        Observed { y: &self.y, weights: self.weights.as_ref(), cast: self.cast }
    }

    pub(super) fn sweep<'t>(&self, every: Every, targets: &'t [usize]) -> Sweep<'t> {
        Sweep {
            n_rows: self.design.n_rows,
            n_columns: self.design.n_columns(),
            grain: self.design.grain(),
            every,
            alone: self.n_targets == 1,
            targets,
        }
    }

    /// Every block's coefficients on the backend, from `at` (1 + columns, targets), then those of the offset.
    pub(super) fn load(&self, at: &Matrix) -> Result<Vec<B::Array<'static>>> {
        let mut own = Cow::Borrowed(at);
        for whitening in &self.design.whitening {
            for mut column in own.to_mut().columns_mut() {
                let mut all = column.to_vec();
                whitening.transposed(&mut all);
                column.iter_mut().zip(all).for_each(|(to, value)| *to = value);
            }
        }
        let load = |(first, block): (usize, &(dyn Block<'a, B> + 'a))| {
            block
                .load(self.on, own.slice_axis(Axis(0), Slice::from(1 + first..1 + first + block.n_columns())))
        };
        let mut loaded = self.design.columns().map(load).collect::<Result<Vec<_>>>()?;
        if self.offset.is_some() {
            loaded.push(self.on.upload(&vec![1.0; at.ncols()])?);
        }
        Ok(loaded)
    }

    pub(super) fn forward(
        &self,
        work: &mut B::Worker<'a>,
        rows: &Range<usize>,
        intercepts: &[f64],
        loaded: &[B::Array<'static>],
        into: Into,
    ) {
        self.start(work, rows, intercepts, loaded, into);
        for (block, loaded) in self.design.blocks.iter().zip(loaded) {
            block.forward(self.on, work, rows.clone(), loaded, into);
        }
    }

    /// Linear predictors without an effect of any feature.
    fn start(
        &self,
        work: &mut B::Worker<'a>,
        rows: &Range<usize>,
        intercepts: &[f64],
        loaded: &[B::Array<'static>],
        into: Into,
    ) {
        self.on.start(work, into, intercepts);
        if let (Some(offset), Some(ones), Into::Eta) = (&self.offset, loaded.last(), into) {
            self.on.matmul(work, rows.clone(), offset, ones, into);
        }
    }

    /// Sizes of the sums of a gradient pass: losses, residual totals, then the blocks'.
    pub(super) fn gradient_sums(&self) -> Vec<usize> {
        POINTWISE_SUMS.into_iter().chain(self.design.blocks.iter().map(|block| block.n_sums())).collect()
    }

    /// Adds the blocks' gradients of a tile.
    pub(super) fn backward(&self, work: &mut B::Worker<'a>, rows: &Range<usize>) {
        for (k, block) in self.design.blocks.iter().enumerate() {
            block.backward(self.on, work, rows.clone(), POINTWISE_SUMS.len() + k);
        }
    }

    /// Writes the tile's rows of all blocks side by side, unless the design is one matrix of the backend.
    pub(super) fn write(&self, work: &mut B::Worker<'a>, rows: &Range<usize>) {
        if self.design.matrix().is_none() {
            for (first, block) in self.design.columns() {
                block.write(self.on, work, rows.clone(), first);
            }
        }
    }

    /// The gradient of target number `k` of a pass over `n` rows, without the penalty.
    pub(super) fn gradient_of(&self, sums: &[Vec<f64>], k: usize, n: usize) -> Vec<f64> {
        let mut out = vec![0.0; 1 + self.design.n_columns()];
        let residual_sum = sums[1][k];
        out[0] = if self.has_intercept { residual_sum } else { 0.0 };
        for ((first, block), sums) in self.design.columns().zip(&sums[POINTWISE_SUMS.len()..]) {
            let own = &sums[k * block.n_sums()..(k + 1) * block.n_sums()];
            block.finish(own, residual_sum, (&mut out[1 + first..1 + first + block.n_columns()]).into());
        }
        self.design.whitening.iter().for_each(|whitening| whitening.forward(&mut out));
        out.iter_mut().for_each(|g| *g /= n as f64);
        out
    }
}

/// Whether the numbers of a backend are `f64`.
pub(super) fn is_exact<B: Backend>() -> bool {
    size_of::<B::Scalar>() == size_of::<f64>()
}

pub(super) fn column(values: &[f64]) -> Matrix {
    Matrix::from_shape_fn((values.len(), 1), |(j, _)| values[j])
}

impl<B: Backend> Objective for GlmObjective<'_, B> {
    fn n_parameters(&self) -> usize {
        1 + self.design.n_columns()
    }

    fn n_rows_of(&self, every: Every) -> usize {
        self.on.n_rows_of(self.design.n_rows, every)
    }

    fn rounding(&self) -> f64 {
        if is_exact::<B>() { 1e-13 } else { 2e-7 }
    }

    fn penalty(&self, target: usize) -> &Penalty {
        self.penalty_of(target)
    }

    fn loss_gradient(
        &mut self,
        at: &Matrix,
        targets: &[usize],
        every: Every,
        gradient: &mut Matrix,
    ) -> Result<Vec<f64>> {
        let intercepts = at.row(0).to_vec();
        let loaded = self.load(at)?;
        self.passes += 1;
        // where no feature has an effect there is nothing to add
        let is_flat = at.iter().skip(at.ncols()).all(|&w| w == 0.0);
        let sums = self.on.pass(self.sweep(every, targets), &self.gradient_sums(), &|work, rows| {
            self.design.stop.check()?;
            if is_flat {
                self.start(work, &rows, &intercepts, &loaded, Into::Eta);
            } else {
                self.forward(work, &rows, &intercepts, &loaded, Into::Eta);
            }
            self.on.pointwise(work, rows.clone(), self.model, self.observed(), Beside::Nothing);
            self.backward(work, &rows);
            Ok(())
        })?;
        let n = self.n_rows_of(every);
        for k in 0..targets.len() {
            let own = self.gradient_of(&sums, k, n);
            gradient.column_mut(k).iter_mut().zip(own).for_each(|(g, value)| *g = value);
        }
        let mut losses: Vec<f64> = sums[0].iter().map(|loss| loss / n as f64).collect();
        for ((k, loss), &target) in losses.iter_mut().enumerate().zip(targets) {
            let penalty = self.penalty_of(target);
            if !penalty.is_none() {
                let at = at.column(k).to_vec();
                *loss += penalty.value(&at);
                let smooth = penalty.gradient(&at);
                gradient.column_mut(k).iter_mut().zip(smooth).for_each(|(g, own)| *g += own);
            }
        }
        Ok(losses)
    }

    fn quadratic(&mut self, at: &[f64], target: usize) -> Result<Quadratic> {
        let p = self.n_parameters();
        let (intercept, loaded) = ([at[0]], self.load(&column(at))?);
        let mut sizes = self.gradient_sums();
        sizes.push(p * p);
        let gram = sizes.len() - 1;
        self.passes += 1;
        let sums = self.on.pass(self.sweep(Every::ROW, &[target]), &sizes, &|work, rows| {
            self.design.stop.check()?;
            self.forward(work, &rows, &intercept, &loaded, Into::Eta);
            self.on.pointwise(work, rows.clone(), self.model, self.observed(), Beside::Curvature);
            self.backward(work, &rows);
            self.write(work, &rows);
            self.on.weighted_gram(work, rows, self.design.matrix(), false, gram);
            Ok(())
        })?;
        let n = self.design.n_rows;
        let penalty = self.penalty_of(target);
        let loss = sums[0][0] / n as f64 + penalty.value(at);
        let mut gradient = self.gradient_of(&sums, 0, n);
        gradient.iter_mut().zip(penalty.gradient(at)).for_each(|(g, own)| *g += own);
        let mut hessian = symmetric(&sums[gram], p, 1.0 / n as f64);
        self.without_intercept(&mut hessian);
        self.in_terms_of_columns(&mut hessian);
        penalty.add_to(&mut hessian, 1.0);
        Ok(Quadratic { loss, gradient, hessian })
    }

    fn aim(&mut self, at: &Matrix, direction: &Matrix, targets: &[usize]) -> Result<bool> {
        self.take_aim(at, direction, targets)
    }

    fn loss_changes(&mut self, steps: &[f64]) -> Result<Vec<f64>> {
        self.changes(steps)
    }

    fn reach(&mut self) -> Result<Vec<Reach>> {
        self.reaches()
    }

    fn is_expected(&self) -> bool {
        !self.model.is_canonical()
    }

    fn recession(&self) -> Recession {
        // those of one objective differ in strength alone
        self.penalties[0].recession(self.model.observation)
    }

    fn separation(
        &mut self,
        target: usize,
        hints: [&[f64]; 2],
        until: Option<Instant>,
    ) -> Result<Separation> {
        self.find_recession(target, hints, until)
    }

    fn gram(&mut self, every: Every, weight: Weight) -> Result<Matrix> {
        let mut gram = self.gram_of_blocks(every, weight)?;
        self.in_terms_of_columns(&mut gram);
        if let Weight::Point { target, .. } = weight {
            self.penalty_of(target).add_to(&mut gram, 1.0);
        }
        Ok(gram)
    }

    fn passes(&self) -> usize {
        self.passes
    }
}
