//! Objectives: what a solver minimises, one loss per target, all targets of a population at once.

mod glm;

use crate::Result;
use crate::backend::Reach;
use crate::math::dense::Matrix;

pub use glm::{GlmObjective, Optimality};

/// Which weights a Gram matrix has.
#[derive(Clone, Copy, Debug)]
pub enum Weight<'a> {
    /// 1 for every row: shared by all targets.
    Flat,
    /// 1 for the rows in which this target's response is not 0.
    Events(usize),
    /// The curvature of one target's loss at these parameters: its Hessian.
    Point {
        /// Column of the response.
        target: usize,
        /// Its parameters, intercept first.
        at: &'a [f64],
    },
}

/// Mean losses of several targets as functions of their parameters: a matrix (1 + features, targets), row 0 the
/// intercepts. Each target's loss depends on its own column alone.
pub trait Objective {
    /// Parameters of a target: 1 + features.
    fn n_parameters(&self) -> usize;

    /// Losses of the given targets and, into `gradient` (same shape as `at`), their gradients. One pass over the rows.
    ///
    /// # Errors
    /// If the backend fails.
    fn loss_gradient(&mut self, at: &Matrix, targets: &[usize], gradient: &mut Matrix) -> Result<Vec<f64>>;

    /// Takes aim from `at` along `direction` (one pass over the rows), so that trial steps need none.
    ///
    /// # Errors
    /// If the backend fails.
    fn aim(&mut self, at: &Matrix, direction: &Matrix, targets: &[usize]) -> Result<()>;

    /// Change of each loss for its step along the direction that was aimed at, accurate relative to itself.
    ///
    /// # Errors
    /// If the backend fails.
    fn loss_changes(&mut self, steps: &[f64]) -> Result<Vec<f64>>;

    /// How far a step of 1 along that direction moves each target's linear predictor.
    ///
    /// # Errors
    /// If the backend fails.
    fn reach(&mut self) -> Result<Vec<Reach>>;

    /// `[1 X]ᵀ·diag(w)·[1 X] / n`, shape (parameters, parameters).
    ///
    /// # Errors
    /// If the backend fails.
    fn gram(&mut self, weight: Weight) -> Result<Matrix>;

    /// Passes over the rows so far.
    fn passes(&self) -> usize;
}
