//! Newton's method: few passes, each with a weighted Gram per target. For small designs.

use super::descent::{Direct, Heading, descend};
use super::{Metric, Minimize, Solution, Watch, dot};
use crate::Result;
use crate::math::dense::{Cholesky, Matrix};
use crate::objective::{Objective, Weight};

/// Newton's method with the Hessian (Fisher information) at every accepted point, a Cholesky factorisation and a
/// backtracking line search. The estimated gap is half the squared Newton decrement, `gᵀH⁻¹g / 2`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Newton;

impl Direct for Newton {
    fn heading(
        &mut self,
        f: &mut dyn Objective,
        target: usize,
        at: &[f64],
        gradient: &[f64],
    ) -> Result<Option<Heading>> {
        let hessian = f.gram(Weight::Point { target, at })?;
        let Some(factor) = Cholesky::new(&hessian) else { return Ok(None) };
        let mut direction = factor.solve(gradient);
        direction.iter_mut().for_each(|d| *d = -*d);
        let gap = -0.5 * dot(&direction, gradient);
        Ok(Some(Heading { direction, gap }))
    }

    fn forget(&mut self, _: usize) -> bool {
        false
    }

    fn max_iterations(&self) -> usize {
        200
    }

    fn patience(&self) -> usize {
        2
    }
}

impl Minimize for Newton {
    fn name(&self) -> &'static str {
        "newton"
    }

    fn minimize(
        &self,
        f: &mut dyn Objective,
        metric: &Metric,
        targets: &[usize],
        start: Matrix,
        watch: &mut Watch,
    ) -> Result<Solution> {
        descend(&mut Self, f, metric, targets, start, watch)
    }
}
