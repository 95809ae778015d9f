//! What a device says is looked at before it is built upon.
//!
//! A fit with a certificate needs no trust: its proof is computed in `f64` on the CPU. Two things have none. The flat Gram is the
//! metric of every step and, where standard errors are left out, of the loss gap: it must be one that data can have. And fits
//! that are only scored end by the solver's word: of a device it is asked twice.

use super::fit::Fit;
use crate::backend::Every;
use crate::error::DeviceError;
use crate::math::dense::Matrix;
use crate::objective::Objective;
use crate::solver::{Solution, Status};
use crate::{Error, Result};

/// How far a product may be above the square root of its squares, and a mean square of standardised columns from 1, relative.
const ROUNDING: f64 = 1e-3;
const FAR: f64 = 0.5;
/// A loss gap by the metric that is this many tolerances is not one by the Hessian below the tolerance.
pub(super) const DOUBTED: f64 = 1e3;

/// Checks that columns can have this Gram; `are_standard` says that their mean squares are 1.
///
/// # Errors
/// [`DeviceError::Wrong`] if none can.
pub(super) fn believe(gram: &Matrix, are_standard: bool) -> Result<()> {
    let wrong = |what: String| Err(Error::Gpu(DeviceError::Wrong { what }));
    let squares = gram.diag();
    for (column, &square) in squares.iter().enumerate() {
        let expected = if are_standard { FAR..=1.0 / FAR } else { 0.0..=f64::MAX };
        if !expected.contains(&square) {
            return wrong(format!("the mean square of column {column} of the design is {square:e}"));
        }
    }
    for ((i, j), &product) in gram.indexed_iter() {
        let most = (1.0 + ROUNDING) * (squares[i] * squares[j]).sqrt()
            + ROUNDING * f64::from(u8::from(are_standard));
        if product.is_nan() || product.abs() > most {
            return wrong(format!(
                "the mean product of columns {i} and {j} of the design is {product:e}, at most {most:e} by their squares"
            ));
        }
    }
    Ok(())
}

impl Fit<'_, '_, '_> {
    /// The targets, by their place among `live`, that a device says have arrived and another look at them there does not.
    pub(super) fn doubted(
        &self,
        fast: &mut dyn Objective,
        live: &[usize],
        solution: &Solution,
    ) -> Result<Vec<usize>> {
        let mut gradient = Matrix::zeros(solution.at.dim());
        let losses = fast.loss_gradient(&solution.at, live, Every::ROW, &mut gradient)?;
        let has_arrived = |k: usize| {
            let (target, at) = (live[k], solution.at.column(k).to_vec());
            let mut left = gradient.column(k).to_vec();
            let own = fast.penalty(target).kinks().subgradient(&at, &left);
            left.iter_mut().zip(own).for_each(|(g, own)| *g += own);
            let step = self.metric.step(target, &left);
            let gap = 0.5 * step.iter().zip(&left).map(|(d, g)| d * g).sum::<f64>();
            gap <= DOUBTED * self.spec.get().tolerance * self.metric.nulls[target].scale(losses[k])
        };
        let says_so = |k: &usize| solution.outcomes[*k].status == Status::Converged;
        Ok((0..live.len()).filter(says_so).filter(|&k| !has_arrived(k)).collect())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_gram_that_no_columns_have_is_not_believed() {
        let own = array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.9], [0.0, 0.9, 1.0]];
        believe(&own, true).unwrap();
        for (place, value, are_standard) in [
            ((1, 1), 0.0, true),
            ((2, 2), f64::NAN, false),
            ((1, 2), f64::NAN, false),
            ((1, 1), f64::INFINITY, false),
            ((1, 2), -1.1, false),
            ((0, 0), 64.0, true),
            ((2, 2), -1.0, false),
        ] {
            let mut wrong = own.clone();
            wrong[place] = value;
            let error = believe(&wrong, are_standard).unwrap_err();
            assert!(matches!(error, Error::Gpu(DeviceError::Wrong { .. })), "{place:?} {value}: {error}");
        }
        // of part of the rows, without an intercept
        believe(&array![[1.0, 0.0], [0.0, 0.0]], false).unwrap();
    }
}
