//! The objective of a response that is one of several classes: multinomial logistic regression.
//!
//! Loss = mean over the used bins of `-ln p_y`, `p = softmax(eta)`, plus the penalty. The predictors of the classes are
//! `eta_k = sum_a c_ka zeta_a` with contrasts `c` ([`Contrasts`]), which take the place of targets in the kernels; but one loss
//! couples them, so that a solver sees one target whose parameters are those of all `zeta_a`, one block (intercept first) after
//! the other. Weights of the rows multiply their terms. An offset of the classes is one of the `zeta_a`, `sum_k c_ka offset_k`.

use std::ops::Range;
use std::time::Instant;

use ndarray::{Axis, Slice};

use super::class_hessian::{batches, hessian, without_intercepts};
use super::class_line::Aimed;
use super::glm::is_exact;
use super::line::LineSizes;
use super::{Objective, Packed, Penalty, Quadratic, Separation, Weight};
use crate::Result;
use crate::backend::{Backend, Beside, Classes, Every, Into, Model, Observed, POINTWISE_SUMS, Reach, Sweep};
use crate::design::{Block, Column, Design, DesignPlan};
use crate::math::contrasts::Contrasts;
use crate::math::dense::{Matrix, symmetric};
use crate::observation::Recession;

/// A design and a response of classes on a backend.
pub struct ClassObjective<'a, B: Classes> {
    pub(super) on: &'a B,
    pub(super) design: Design<'a, B>,
    y: B::Array<'a>,
    weights: Option<B::Array<'a>>,
    /// Of the free numbers.
    offset: Option<B::Array<'a>>,
    /// Whether intercepts are parameters; if not they stay 0.
    pub(super) has_intercept: bool,
    pub(super) contrasts: Contrasts,
    pub(super) penalty: Penalty,
    recession: Recession,
    pub(super) passes: usize,
    pub(super) aimed: Option<Aimed<B>>,
    pub(super) line_sizes: LineSizes,
    /// Of columns beside their own magnitude, 1 for each if there are none.
    pub(super) roundings: Vec<f64>,
    /// Once it was asked for.
    pub(super) separation: Option<Separation>,
}

/// What a pass computes the predictors from: intercepts, and the coefficients on the backend, those of the offset last.
pub(super) type Loaded<B> = (Vec<f64>, Vec<<B as Backend>::Array<'static>>);

impl<'a, B: Classes> ClassObjective<'a, B> {
    /// Places some columns of a plan and a response, the numbers of the classes from 0, on a backend.
    ///
    /// # Errors
    /// If the backend refuses, and as [`DesignPlan::place`].
    pub fn new(
        on: &'a B,
        plan: &'a DesignPlan,
        columns: &[Column],
        y: &Packed,
        contrasts: Contrasts,
    ) -> Result<Self> {
        // forms for several targets also where there is one predictor: the certificate has one for each class
        let design = plan.place(on, columns, contrasts.n_classes())?;
        let y = y.place(on, plan.rows())?;
        let weights = plan.weights().map(|own| own.place(on, plan.rows())).transpose()?;
        let offset = plan.offset().map(|own| own.place_contrasts(on, plan.rows(), &contrasts)).transpose()?;
        let has_intercept = plan.has_intercept();
        let line_sizes = LineSizes::of(on.costs().home).within(plan.limit_bytes());
        let (penalty, recession) = (Penalty::default(), Recession::Apart);
        Ok(Self {
            on,
            design,
            y,
            weights,
            offset,
            has_intercept,
            contrasts,
            penalty,
            recession,
            passes: 0,
            aimed: None,
            line_sizes,
            roundings: Vec::new(),
            separation: None,
        })
    }

    /// Another penalty on the parameters from now on, and along which directions the loss may fall for ever beside it.
    pub fn set_penalty(&mut self, penalty: &Penalty, recession: Recession) {
        (self.penalty, self.recession) = (penalty.clone(), recession);
        self.separation = None;
    }

    /// The same whose columns have these roundings, in parts of their own magnitude.
    #[must_use]
    pub fn with_roundings(self, roundings: Vec<f64>) -> Self {
        Self { roundings, ..self }
    }

    /// Parameters of a block: an intercept and the columns.
    pub(super) fn of_block(&self) -> usize {
        1 + self.design.n_columns()
    }

    /// Parameters as a matrix, one column per block.
    pub(super) fn blocks(&self, parameters: &[f64]) -> Matrix {
        let p = self.of_block();
        Matrix::from_shape_fn((p, parameters.len() / p), |(j, a)| parameters[a * p + j])
    }

    pub(super) fn sweep<'t>(&self, every: Every, targets: &'t [usize]) -> Sweep<'t> {
        Sweep {
            n_rows: self.design.n_rows,
            n_columns: self.design.n_columns(),
            grain: self.design.grain(),
            every,
            alone: false,
            targets,
        }
    }

    /// The responses with what they count for.
    pub(super) fn observed(&self) -> Observed<'_, B::Array<'a>> {
        Observed { weights: self.weights.as_ref(), ..Observed::from(&self.y) }
    }

    /// Parameters of the numbers that these contrasts are of: the own ones, or one for each class.
    pub(super) fn load(&self, at: &Matrix, contrasts: &Contrasts) -> Result<Loaded<B>> {
        let load = |(first, block): (usize, &(dyn Block<'a, B> + 'a))| {
            block.load(self.on, at.slice_axis(Axis(0), Slice::from(1 + first..1 + first + block.n_columns())))
        };
        let mut loaded = self.design.columns().map(load).collect::<Result<Vec<_>>>()?;
        if self.offset.is_some() {
            let own = Contrasts::none(self.contrasts.n_free());
            let of_numbers = if *contrasts == self.contrasts { &own } else { &self.contrasts };
            loaded.push(self.on.upload(of_numbers.factors())?);
        }
        Ok((at.row(0).to_vec(), loaded))
    }

    pub(super) fn forward(
        &self,
        work: &mut B::Worker<'a>,
        rows: &Range<usize>,
        point: &Loaded<B>,
        into: Into,
    ) {
        self.on.start(work, into, &point.0);
        if let (Some(offset), Some(factors), Into::Eta) = (&self.offset, point.1.last(), into) {
            self.on.matmul(work, rows.clone(), offset, factors, into);
        }
        for (block, loaded) in self.design.blocks.iter().zip(&point.1) {
            block.forward(self.on, work, rows.clone(), loaded, into);
        }
    }

    pub(super) fn backward(&self, work: &mut B::Worker<'a>, rows: &Range<usize>) {
        for (k, block) in self.design.blocks.iter().enumerate() {
            block.backward(self.on, work, rows.clone(), POINTWISE_SUMS.len() + k);
        }
    }

    pub(super) fn write(&self, work: &mut B::Worker<'a>, rows: &Range<usize>) {
        if self.design.matrix().is_none() {
            for (first, block) in self.design.columns() {
                block.write(self.on, work, rows.clone(), first);
            }
        }
    }

    /// Sizes of the sums of a gradient pass.
    pub(super) fn gradient_sums(&self) -> Vec<usize> {
        POINTWISE_SUMS.into_iter().chain(self.design.blocks.iter().map(|block| block.n_sums())).collect()
    }

    /// The gradient of predictor number `a`, without the penalty.
    pub(super) fn gradient_of(&self, sums: &[Vec<f64>], a: usize, n: usize) -> Vec<f64> {
        let mut out = vec![0.0; self.of_block()];
        let residual_sum = sums[1][a];
        out[0] = if self.has_intercept { residual_sum } else { 0.0 };
        for ((first, block), sums) in self.design.columns().zip(&sums[POINTWISE_SUMS.len()..]) {
            let own = &sums[a * block.n_sums()..(a + 1) * block.n_sums()];
            block.finish(own, residual_sum, (&mut out[1 + first..1 + first + block.n_columns()]).into());
        }
        out.iter_mut().for_each(|g| *g /= n as f64);
        out
    }

    /// The Gram of a block over the rows of a sweep, `[1 X]ᵀ·diag(w)·[1 X] / n`, with what rows count for ([`Weight::Flat`]) or
    /// without ([`Weight::One`]).
    ///
    /// # Errors
    /// If the backend fails.
    pub fn flat_gram(&mut self, every: Every, weight: Weight) -> Result<Matrix> {
        let p = self.of_block();
        let is_weighted = self.weights.is_some() && !matches!(weight, Weight::One);
        self.passes += 1;
        let sums = self.on.pass(self.sweep(every, &[0]), &[1, 1, p * p], &|work, rows| {
            self.design.stop.check()?;
            if is_weighted {
                // weights come with a pointwise stage, whatever its model
                self.on.start(work, Into::Eta, &[0.0]);
                self.on.pointwise(work, rows.clone(), Model::default(), self.observed(), Beside::One);
            }
            self.write(work, &rows);
            self.on.weighted_gram(work, rows, self.design.matrix(), !is_weighted, 2);
            Ok(())
        })?;
        let gram = symmetric(&sums[2], p, 1.0 / self.n_rows_of(every) as f64);
        Ok(if self.has_intercept { gram } else { without_intercepts(gram, p) })
    }

    /// Sums of a gradient pass and, where they are asked for, of the Grams of all pairs of classes: in further passes those that are
    /// too many for one.
    fn sums(&mut self, at: &[f64], every: Every, with_grams: bool) -> Result<Vec<Vec<f64>>> {
        let loaded = self.load(&self.blocks(at), &self.contrasts)?;
        let targets: Vec<usize> = (0..self.contrasts.n_free()).collect();
        let pairs = if with_grams { self.contrasts.class_pairs() } else { Vec::new() };
        let beside = if with_grams { Beside::Curvature } else { Beside::Nothing };
        // sizes are those of one target, and a Gram is one for all of them
        let of_gram = self.of_block().pow(2).div_ceil(targets.len());
        let mut all = Vec::new();
        for pairs in batches(&pairs, self.of_block()) {
            let is_first = all.is_empty();
            let mut sizes = if is_first { self.gradient_sums() } else { POINTWISE_SUMS.to_vec() };
            let first = sizes.len();
            sizes.extend(pairs.iter().map(|_| of_gram));
            self.passes += 1;
            let found = self.on.pass(self.sweep(every, &targets), &sizes, &|work, rows| {
                self.design.stop.check()?;
                self.forward(work, &rows, &loaded, Into::Eta);
                self.on.pointwise_classes(work, rows.clone(), &self.contrasts, self.observed(), beside);
                if is_first {
                    self.backward(work, &rows);
                }
                if with_grams {
                    self.write(work, &rows);
                }
                for (k, &pair) in pairs.iter().enumerate() {
                    self.on.class_weights(work, rows.clone(), pair, self.observed().weights);
                    self.on.weighted_gram(work, rows.clone(), self.design.matrix(), false, first + k);
                }
                Ok(())
            })?;
            all.extend(found.into_iter().skip(if is_first { 0 } else { first }));
        }
        Ok(all)
    }

    fn of_pairs(&self, grams: &[Vec<f64>], n: usize) -> Matrix {
        let of_all = hessian(&self.contrasts, grams, self.of_block(), n);
        if self.has_intercept { of_all } else { without_intercepts(of_all, self.of_block()) }
    }

    fn gradient(&self, sums: &[Vec<f64>], n: usize) -> Vec<f64> {
        (0..self.contrasts.n_free()).flat_map(|a| self.gradient_of(sums, a, n)).collect()
    }
}

impl<B: Classes> Objective for ClassObjective<'_, B> {
    fn n_parameters(&self) -> usize {
        self.of_block() * self.contrasts.n_free()
    }

    fn n_rows_of(&self, every: Every) -> usize {
        self.on.n_rows_of(self.design.n_rows, every)
    }

    fn rounding(&self) -> f64 {
        if is_exact::<B>() { 1e-13 } else { 2e-7 }
    }

    fn penalty(&self, _: usize) -> &Penalty {
        &self.penalty
    }

    fn loss_gradient(
        &mut self,
        at: &Matrix,
        targets: &[usize],
        every: Every,
        gradient: &mut Matrix,
    ) -> Result<Vec<f64>> {
        let mut losses = Vec::with_capacity(targets.len());
        for (k, at) in at.columns().into_iter().enumerate() {
            let at = at.to_vec();
            let sums = self.sums(&at, every, false)?;
            let n = self.n_rows_of(every);
            let own = with_penalty(self.gradient(&sums, n), self.penalty.gradient(&at));
            gradient.column_mut(k).iter_mut().zip(own).for_each(|(g, value)| *g = value);
            losses.push(sums[0][0] / n as f64 + self.penalty.value(&at));
        }
        Ok(losses)
    }

    fn quadratic(&mut self, at: &[f64], _: usize) -> Result<Quadratic> {
        let sums = self.sums(at, Every::ROW, true)?;
        let n = self.design.n_rows;
        let gradient = with_penalty(self.gradient(&sums, n), self.penalty.gradient(at));
        let mut hessian = self.of_pairs(&sums[self.gradient_sums().len()..], n);
        self.penalty.add_to(&mut hessian, 1.0);
        Ok(Quadratic { loss: sums[0][0] / n as f64 + self.penalty.value(at), gradient, hessian })
    }

    fn aim(&mut self, at: &Matrix, direction: &Matrix, _: &[usize]) -> Result<bool> {
        let ends = [at, direction].map(|point| point.column(0).to_vec());
        let [at, direction] =
            [&ends[0], &ends[1]].map(|point| self.load(&self.blocks(point), &self.contrasts));
        let mut aimed = Aimed { at: at?, direction: direction?, ends, line: None };
        if let [all] = self.parts().as_slice() {
            aimed.line = Some(self.trace(&aimed, all.clone())?);
            self.passes += 1;
        }
        let is_kept = aimed.line.is_some();
        self.aimed = Some(aimed);
        Ok(is_kept)
    }

    fn loss_changes(&mut self, steps: &[f64]) -> Result<Vec<f64>> {
        let [step] = steps else { return Ok(vec![0.0; steps.len()]) };
        let mut change = 0.0;
        self.along(|f, line| {
            change += f.on.class_changes(line, &f.contrasts, f.observed(), *step)?;
            Ok(())
        })?;
        change /= self.design.n_rows as f64;
        if let Some(Aimed { ends: [at, direction], .. }) = &self.aimed {
            let [slope, curvature] = [at, direction].map(|point| self.penalty.product(point, direction));
            change += step * (slope + 0.5 * step * curvature);
            if !self.penalty.kinks().is_none() {
                change += self.penalty.kinks().change(at, direction, *step, &vec![0.0; at.len()]);
            }
        }
        Ok(vec![change])
    }

    fn reach(&mut self) -> Result<Vec<Reach>> {
        let mut reach = Reach::NONE;
        self.along(|f, line| {
            let own = f.on.class_reach(line, &f.contrasts, &f.y)?;
            reach.all = reach.all.max(own.all);
            reach.events = reach.events.max(own.events);
            reach.fall = reach.fall.max(own.fall);
            Ok(())
        })?;
        Ok(vec![reach])
    }

    fn recession(&self) -> Recession {
        self.recession
    }

    fn separation(&mut self, _: usize, hints: [&[f64]; 2], until: Option<Instant>) -> Result<Separation> {
        self.find_recession(hints, until)
    }

    fn gram(&mut self, every: Every, weight: Weight) -> Result<Matrix> {
        let at = match weight {
            Weight::Flat | Weight::One | Weight::Part(_) => {
                let (own, p) = (self.flat_gram(every, weight)?, self.of_block());
                let entry = |(i, j): (usize, usize)| if i / p == j / p { own[(i % p, j % p)] } else { 0.0 };
                return Ok(Matrix::from_shape_fn((self.n_parameters(), self.n_parameters()), entry));
            }
            Weight::Point { at, .. } => at,
        };
        let sums = self.sums(at, every, true)?;
        let mut gram = self.of_pairs(&sums[self.gradient_sums().len()..], self.n_rows_of(every));
        self.penalty.add_to(&mut gram, 1.0);
        Ok(gram)
    }

    fn passes(&self) -> usize {
        self.passes
    }
}

fn with_penalty(mut gradient: Vec<f64>, own: Vec<f64>) -> Vec<f64> {
    gradient.iter_mut().zip(own).for_each(|(g, own)| *g += own);
    gradient
}
