//! The objective of a generalized linear model, written once for every backend and design.
//!
//! Loss of a target = mean over the used bins of the observation model's loss, terms free of the mean dropped.

use std::ops::Range;

use ndarray::{Axis, Slice};

use super::{Objective, Weight};
use crate::Result;
use crate::backend::{Backend, Beside, Into, Model, Reach, Sweep};
use crate::design::Design;
use crate::math::dense::{Matrix, symmetric};

/// A design, a response and a model.
pub struct GlmObjective<'a, B: Backend> {
    on: &'a B,
    design: &'a Design<B>,
    y: &'a B::Array,
    model: Model,
    line: Option<B::Line>,
    passes: usize,
}

/// What the certificate needs of one target at one point.
#[derive(Clone, Debug)]
pub struct Optimality {
    /// Mean loss.
    pub loss: f64,
    /// Mean gradient, intercept first.
    pub gradient: Vec<f64>,
    /// `max_j |sum_i c_ij r_i| / sum_i |c_ij| m_i`, 0/0 being 0.
    pub kkt_residual: f64,
}

impl<'a, B: Backend> GlmObjective<'a, B> {
    /// Joins a design and a response (`y` from [`Backend::matrix`], one column a target).
    pub fn new(on: &'a B, design: &'a Design<B>, y: &'a B::Array, model: Model) -> Self {
        Self { on, design, y, model, line: None, passes: 0 }
    }

    /// Rows of the design.
    pub fn n_rows(&self) -> usize {
        self.design.n_rows
    }

    fn sweep<'t>(&self, targets: &'t [usize]) -> Sweep<'t> {
        Sweep { n_rows: self.design.n_rows, n_columns: self.design.n_columns(), targets }
    }

    /// Every block's coefficients on the backend, from `at` (1 + columns, targets).
    fn load(&self, at: &Matrix) -> Result<Vec<B::Array>> {
        let load = |(first, block): (usize, &dyn crate::design::Block<B>)| {
            block.load(self.on, at.slice_axis(Axis(0), Slice::from(1 + first..1 + first + block.n_columns())))
        };
        self.design.columns().map(load).collect()
    }

    fn forward(
        &self,
        work: &mut B::Worker,
        rows: &Range<usize>,
        intercepts: &[f64],
        loaded: &[B::Array],
        into: Into,
    ) {
        self.on.start(work, into, intercepts);
        for (block, loaded) in self.design.blocks.iter().zip(loaded) {
            block.forward(self.on, work, rows.clone(), loaded, into);
        }
    }

    /// Sizes of the sums of a gradient pass: losses, residual totals, then the blocks'.
    fn gradient_sums(&self) -> Vec<usize> {
        [1, 1].into_iter().chain(self.design.blocks.iter().map(|block| block.n_sums())).collect()
    }

    /// Column `k` of the gradient from the sums of a pass.
    fn gradient_column(&self, sums: &[Vec<f64>], k: usize, out: &mut [f64]) {
        let n = self.design.n_rows as f64;
        out[0] = sums[1][k];
        for ((first, block), sums) in self.design.columns().zip(&sums[2..]) {
            let own = &sums[k * block.n_sums()..(k + 1) * block.n_sums()];
            block.finish(own, (&mut out[1 + first..1 + first + block.n_columns()]).into());
        }
        out.iter_mut().for_each(|g| *g /= n);
    }

    /// Loss, gradient and optimality residual of the given targets at `at` (1 + columns, targets).
    ///
    /// # Errors
    /// If the backend fails.
    pub fn optimality(&mut self, at: &Matrix, targets: &[usize]) -> Result<Vec<Optimality>> {
        let intercepts = at.row(0).to_vec();
        let loaded = self.load(at)?;
        let p = self.n_parameters();
        let mut sizes = self.gradient_sums();
        let magnitudes = sizes.len();
        sizes.push(p);
        self.passes += 1;
        let sums = self.on.pass(self.sweep(targets), &sizes, &|work, rows| {
            self.forward(work, &rows, &intercepts, &loaded, Into::Eta);
            self.on.pointwise(work, rows.clone(), self.model, self.y, Beside::Magnitude);
            for (k, (first, block)) in self.design.columns().enumerate() {
                block.backward(self.on, work, rows.clone(), 2 + k);
                block.write(self.on, work, rows.clone(), 1 + first);
            }
            self.on.magnitudes(work, magnitudes);
            Ok(())
        })?;
        let n = self.design.n_rows as f64;
        let of_target = |k: usize| {
            let mut gradient = vec![0.0; p];
            self.gradient_column(&sums, k, &mut gradient);
            let below = &sums[magnitudes][k * p..(k + 1) * p];
            let ratio = |(&g, &m): (&f64, &f64)| if g == 0.0 { 0.0 } else { (g * n).abs() / m };
            // a NaN must not vanish in a maximum
            let kkt_residual = gradient
                .iter()
                .zip(below)
                .map(ratio)
                .fold(0.0, |a: f64, b| if b > a || b.is_nan() { b } else { a });
            Optimality { loss: sums[0][k] / n, gradient, kkt_residual }
        };
        Ok((0..targets.len()).map(of_target).collect())
    }
}

impl<B: Backend> Objective for GlmObjective<'_, B> {
    fn n_parameters(&self) -> usize {
        1 + self.design.n_columns()
    }

    fn loss_gradient(&mut self, at: &Matrix, targets: &[usize], gradient: &mut Matrix) -> Result<Vec<f64>> {
        let intercepts = at.row(0).to_vec();
        let loaded = self.load(at)?;
        self.passes += 1;
        let sums = self.on.pass(self.sweep(targets), &self.gradient_sums(), &|work, rows| {
            self.forward(work, &rows, &intercepts, &loaded, Into::Eta);
            self.on.pointwise(work, rows.clone(), self.model, self.y, Beside::Nothing);
            for (k, block) in self.design.blocks.iter().enumerate() {
                block.backward(self.on, work, rows.clone(), 2 + k);
            }
            Ok(())
        })?;
        let mut column = vec![0.0; self.n_parameters()];
        for k in 0..targets.len() {
            self.gradient_column(&sums, k, &mut column);
            gradient.column_mut(k).iter_mut().zip(&column).for_each(|(g, &value)| *g = value);
        }
        Ok(sums[0].iter().map(|loss| loss / self.design.n_rows as f64).collect())
    }

    fn aim(&mut self, at: &Matrix, direction: &Matrix, targets: &[usize]) -> Result<()> {
        let (here, there) = (at.row(0).to_vec(), direction.row(0).to_vec());
        let (loaded, aimed) = (self.load(at)?, self.load(direction)?);
        self.passes += 1;
        let line = self.on.trace(self.sweep(targets), &|work, rows| {
            self.forward(work, &rows, &here, &loaded, Into::Eta);
            self.forward(work, &rows, &there, &aimed, Into::Direction);
            Ok(())
        })?;
        self.line = Some(line);
        Ok(())
    }

    fn loss_changes(&mut self, steps: &[f64]) -> Result<Vec<f64>> {
        let Some(line) = &self.line else { return Ok(vec![0.0; steps.len()]) };
        let mut changes = self.on.loss_changes(line, self.model, self.y, steps)?;
        changes.iter_mut().for_each(|change| *change /= self.design.n_rows as f64);
        Ok(changes)
    }

    fn reach(&mut self) -> Result<Vec<Reach>> {
        self.line.as_ref().map_or(Ok(Vec::new()), |line| self.on.reach(line, self.y))
    }

    fn gram(&mut self, weight: Weight) -> Result<Matrix> {
        let p = self.n_parameters();
        let point = |at: &[f64]| -> Result<(Vec<B::Array>, [f64; 1])> {
            let at = Matrix::from_shape_fn((p, 1), |(j, _)| at[j]);
            Ok((self.load(&at)?, [at[(0, 0)]]))
        };
        let (target, weighted) = match weight {
            Weight::Flat => (0, None),
            Weight::Events(target) => (target, Some((point(&vec![0.0; p])?, Beside::Events))),
            Weight::Point { target, at } => (target, Some((point(at)?, Beside::Curvature))),
        };
        self.passes += 1;
        let sums = self.on.pass(self.sweep(&[target]), &[1, 1, p * p], &|work, rows| {
            if let Some(((loaded, intercept), beside)) = &weighted {
                self.forward(work, &rows, intercept, loaded, Into::Eta);
                self.on.pointwise(work, rows.clone(), self.model, self.y, *beside);
            }
            for (first, block) in self.design.columns() {
                block.write(self.on, work, rows.clone(), 1 + first);
            }
            self.on.weighted_gram(work, weighted.is_none(), 2);
            Ok(())
        })?;
        Ok(symmetric(&sums[2], p, 1.0 / self.design.n_rows as f64))
    }

    fn passes(&self) -> usize {
        self.passes
    }
}
