//! Solvers: from an objective to the point where every target's loss is smallest.
//!
//! A solver sees [`crate::objective::Objective`] alone: no rows, no model, no device. All targets advance together
//! (each pass over the rows serves all that are still active), each with its own step, history and status; a target
//! that is done leaves. A minimisation goes through stages: part of the rows (for one target with many events), all
//! rows in the numbers of the backend, and all rows in `f64`. What a solver has learnt (Hessian, secant pairs) goes
//! from one stage to the next; an answer on part of the rows that is worse than the start on all is given up. L-BFGS
//! may hand a target that is slow over to Newton's method. Near the optimum steps are judged by slopes and loss
//! *changes*, never by the difference of two losses.

mod chord;
mod curvature;
mod descent;
mod lbfgs;
mod line_search;
mod metric;
mod newton;
mod proximal;
mod report;
mod run;
mod separation;

use run::Run;

use crate::Result;
use crate::backend::Every;
use crate::math::dense::Matrix;
use crate::objective::Objective;

pub use chord::Chord;
pub use lbfgs::Lbfgs;
pub use metric::Metric;
pub use newton::Newton;
pub use report::{Halted, Iterate, Keep, Outcome, Part, Progress, Residuals, Solution, Status, Watch};
pub use separation::reach;

/// The same losses twice.
pub struct Objectives<'a> {
    /// In the numbers of a backend, if that is something else.
    pub fast: Option<&'a mut dyn Objective>,
    /// In `f64`.
    pub exact: &'a mut dyn Objective,
    /// The part of the rows that the first steps of one target see, if that pays.
    pub sample: Option<Every>,
}

/// Where a minimisation starts: one column of parameters for each target.
pub struct Start {
    /// The points, shape (parameters, targets).
    pub at: Matrix,
    /// Points to go back to, of the same shape, and their losses over all rows: for starts that may be bad, and first steps
    /// that see part of the rows. A target goes back if its first look at all rows finds a larger loss.
    pub known: Option<(Matrix, Vec<f64>)>,
}

impl From<Matrix> for Start {
    fn from(at: Matrix) -> Self {
        Self { at, known: None }
    }
}

impl Start {
    /// What a solver has to do: one run for each target.
    fn runs(&self, targets: &[usize]) -> Vec<Run> {
        let run = |(k, &target): (usize, &usize)| {
            let mut run = Run::new(target, self.at.column(k).to_vec());
            run.known = self.known.as_ref().map(|(at, losses)| (at.column(k).to_vec(), losses[k]));
            run
        };
        targets.iter().enumerate().map(run).collect()
    }
}

/// What a solver can do.
pub trait Minimize {
    /// Its name in results.
    fn name(&self) -> &'static str;

    /// Minimises the losses of the given targets from `start`.
    ///
    /// # Errors
    /// If the objective fails; not arriving is a status.
    fn minimize(
        &self,
        f: &mut Objectives,
        metric: &Metric,
        targets: &[usize],
        start: Start,
        watch: &mut Watch,
    ) -> Result<Solution>;
}

/// The inner product of two vectors.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
