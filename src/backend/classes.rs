//! Kernels of responses that are one of several classes: one loss couples the linear predictors of a row.

use std::ops::Range;

use super::{Backend, Beside, Observed, Reach};
use crate::Result;
use crate::math::contrasts::Contrasts;

/// What a backend does with the predictors `eta_k = sum_a c_ka zeta_a` of the classes of a row. The targets of a sweep are the
/// `zeta_a`; the response is the number of the class, from 0. With `p = softmax(eta)` the loss of a row of class `y` is
/// `-ln p_y`, its gradient with respect to `zeta_a` is `sum_k c_ka (p_k - [k = y])`, and its Hessian
/// `sum_{k<l} p_k p_l (c_ka - c_la) (c_kb - c_lb)`.
pub trait Classes: Backend {
    /// Residuals `d loss / d zeta_a`, loss (added to the first of the sums 0) and residual totals (added to sums 1) of the
    /// tile's rows, times their weights; [`Beside::Magnitude`] leaves `2 sum_k |c_ka (p_k - [k = y])|` beside: each term has all
    /// its digits. [`Classes::class_weights`] may follow.
    fn pointwise_classes<'a>(
        &self,
        work: &mut Self::Worker<'a>,
        rows: Range<usize>,
        contrasts: &Contrasts,
        observed: Observed<Self::Array<'a>>,
        beside: Beside,
    );

    /// Leaves beside what a Gram of the classes `k < l` weighs rows with, after [`Classes::pointwise_classes`]: `p_k p_l` times the
    /// weight of the row. The Hessian of a pair of predictors is the sum of these Grams times [`Contrasts::differences`].
    fn class_weights<'a>(
        &self,
        work: &mut Self::Worker<'a>,
        rows: Range<usize>,
        classes: (usize, usize),
        weights: Option<&Self::Array<'a>>,
    );

    /// The change of the total loss over the rows of the line for this step, each term `ln(sum_k p_k exp(step (d_k - d_y)))`
    /// accurate relative to itself however short the step, times the weight of the row.
    ///
    /// # Errors
    /// If the device refuses.
    fn class_changes(
        &self,
        line: &Self::Line,
        contrasts: &Contrasts,
        observed: Observed<Self::Array<'_>>,
        step: f64,
    ) -> Result<f64>;

    /// How far the line's direction moves differences of predictors: `all` the largest `|d_y - d_k|`, `fall` the largest
    /// `d_k - d_y`, by which the class of a row loses against another.
    ///
    /// # Errors
    /// If the device refuses.
    fn class_reach(&self, line: &Self::Line, contrasts: &Contrasts, y: &Self::Array<'_>) -> Result<Reach>;
}
