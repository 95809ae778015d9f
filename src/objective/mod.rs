//! Objectives: what a solver minimises, one loss per target, its penalty included, all targets of a population at once.

mod class_hessian;
mod class_line;
mod class_optimality;
mod classes;
mod counts;
mod glm;
mod gram;
mod line;
mod optimality;
mod owned_counts;
mod parts;
mod penalty;
mod separation;

use std::time::Instant;

use crate::Result;
use crate::backend::{Every, Reach};
use crate::math::dense::Matrix;
use crate::observation::Recession;

pub use class_hessian::bytes_of_grams;
pub use class_optimality::ClassOptimality;
pub use classes::ClassObjective;
pub use counts::{Counts, Packed};
pub use glm::GlmObjective;
pub use optimality::Optimality;
pub use owned_counts::OwnedCounts;
pub use parts::Parts;
pub use penalty::{Group, Kinks, Penalty, Shift, hold, release};
pub use separation::Separation;

/// Which weights a Gram matrix has.
#[derive(Clone, Copy, Debug)]
pub enum Weight<'a> {
    /// What every row counts for, 1 without weights: shared by all targets. Of fits to parts of the rows it is 1.
    Flat,
    /// 1 for every row, whatever it counts for.
    One,
    /// What every row counts for in a part of the rows.
    Part(usize),
    /// The curvature of one target's loss at these parameters: its Hessian.
    Point {
        /// Column of the response.
        target: usize,
        /// Its parameters, intercept first.
        at: &'a [f64],
    },
}

/// Loss, gradient and Hessian of one target at one point.
#[derive(Clone, Debug)]
pub struct Quadratic {
    /// Mean loss.
    pub loss: f64,
    /// Its gradient, intercept first.
    pub gradient: Vec<f64>,
    /// Its Hessian (Fisher), shape (parameters, parameters).
    pub hessian: Matrix,
}

/// Mean losses of several targets as functions of their parameters: a matrix (1 + features, targets), row 0 the
/// intercepts. Each target's loss depends on its own column alone.
pub trait Objective {
    /// Parameters of a target: 1 + features.
    fn n_parameters(&self) -> usize;

    /// Rows that a pass over every so many tiles sees.
    fn n_rows_of(&self, every: Every) -> usize;

    /// The part of a loss that is rounding: differences of losses below it mean nothing.
    fn rounding(&self) -> f64;

    /// The penalty of a target, which its loss contains; gradients and Hessians contain its smooth part.
    fn penalty(&self, target: usize) -> &Penalty;

    /// Losses of the given targets over some of the rows and, into `gradient` (same shape as `at`), their gradients.
    /// One pass over these rows.
    ///
    /// # Errors
    /// If the backend fails.
    fn loss_gradient(
        &mut self,
        at: &Matrix,
        targets: &[usize],
        every: Every,
        gradient: &mut Matrix,
    ) -> Result<Vec<f64>>;

    /// Loss, gradient and Hessian of one target, in one pass over the rows.
    ///
    /// # Errors
    /// If the backend fails.
    fn quadratic(&mut self, at: &[f64], target: usize) -> Result<Quadratic>;

    /// Takes aim from `at` along `direction` (one pass over the rows), so that trial steps need none, unless there are so
    /// many rows that each costs a pass; whether they need none.
    ///
    /// # Errors
    /// If the backend fails.
    fn aim(&mut self, at: &Matrix, direction: &Matrix, targets: &[usize]) -> Result<bool>;

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

    /// Along which directions a loss may fall for ever.
    fn recession(&self) -> Recession;

    /// Whether the Hessian is the expected one and not that of the point: so where the link is not canonical.
    fn is_expected(&self) -> bool {
        false
    }

    /// Whether the loss of a target has a minimum, by an exact test over all rows; of the hints, it stands at the first and might fall
    /// along the second for ever. It does not depend on where the target stands: an answer is kept. Where none is found `until` then, or
    /// in the memory that the plan allows, it is [`Separation::Undecided`].
    ///
    /// # Errors
    /// If the backend fails, and [`crate::Error::Interrupted`] if somebody asked to stop.
    fn separation(
        &mut self,
        _target: usize,
        _hints: [&[f64]; 2],
        _until: Option<Instant>,
    ) -> Result<Separation> {
        Ok(Separation::Undecided)
    }

    /// `[1 X]ᵀ·diag(w)·[1 X] / n` over some of the rows, shape (parameters, parameters).
    ///
    /// # Errors
    /// If the backend fails.
    fn gram(&mut self, every: Every, weight: Weight) -> Result<Matrix>;

    /// Passes over the rows so far.
    fn passes(&self) -> usize;
}
