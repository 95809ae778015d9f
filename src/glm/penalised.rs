//! The penalty of a fit, and what of the coefficients neither it nor the data determine.
//!
//! A smoothness penalty leaves constants (and straight lines) free, and so do the data where the functions of a basis sum to
//! a constant. Along such a direction loss and penalty are flat. Of all optima the one of smallest norm in the user's units
//! is wanted: the one whose coefficients are orthogonal to these directions. A square of their product, which is 0 there, is
//! added to the penalty, and all solvers go there.

use super::rank::Rank;
use super::spec::CheckedSpec;
use crate::design::DesignPlan;
use crate::math::dense::{Matrix, null_space};
use crate::objective::Penalty;
use crate::regularizer::Regularizer;

/// Eigenvalue below which neither data nor penalty see a direction, relative to the largest.
const UNSEEN: f64 = 1e-12;
/// What such a direction weighs, in parts of the flat Gram; of the size of null curvatures, and the same for all targets.
const WEIGHT: f64 = 1e-2;
/// A column takes part in a direction if its coefficient is larger than this part of the largest.
const TAKES_PART: f64 = 1e-6;

impl CheckedSpec {
    /// The penalty on the parameters of these columns.
    pub(super) fn penalty(&self, plan: &DesignPlan, varying: &[usize]) -> Penalty {
        penalty(&self.get().regularizer, plan, varying)
    }
}

/// That of a regularizer.
pub(super) fn penalty(regularizer: &Regularizer, plan: &DesignPlan, varying: &[usize]) -> Penalty {
    let features: Vec<[usize; 2]> = plan.layout().features.iter().map(|own| own.columns).collect();
    let terms = regularizer.terms(plan.n_columns(), &features);
    Penalty::new(&terms, varying, &plan.scaling().sd)
}

/// Keeps the coefficients off directions that are not determined, and notes the columns that take part in one. `gram` is the flat
/// Gram of the `varying` columns, intercept first.
pub(super) fn anchor(
    plan: &DesignPlan,
    varying: &[usize],
    gram: &Matrix,
    penalty: &mut Penalty,
    rank: &mut Rank,
) {
    let (anchors, taking_part) = anchors(plan, varying, gram, penalty);
    rank.aliased.extend(taking_part);
    rank.aliased.sort_unstable();
    rank.aliased.dedup();
    penalty.anchor(anchors);
}

/// Combinations of the parameters whose squares keep coefficients off directions that are not determined, and the columns that
/// take part in one.
pub(super) fn anchors(
    plan: &DesignPlan,
    varying: &[usize],
    gram: &Matrix,
    penalty: &Penalty,
) -> (Vec<Vec<f64>>, Vec<usize>) {
    if penalty.is_flat() || penalty.bounds_all() || !penalty.kinks().is_none() {
        return (Vec::new(), Vec::new());
    }
    let mut own = Matrix::zeros(gram.dim());
    penalty.add_to(&mut own, 1.0);
    let largest = own.diag().iter().fold(0.0, |a: f64, b| a.max(*b));
    if largest > 0.0 {
        own /= largest;
    }
    own += gram;
    let Some(unseen) = null_space(&own, UNSEEN) else { return (Vec::new(), Vec::new()) };
    let sd = |k: usize| if k == 0 { 1.0 } else { plan.scaling().sd[varying[k - 1]] };
    let anchor = |direction: ndarray::ArrayView1<f64>| -> Vec<f64> {
        // in the user's units, and again by those units: a product with parameters is one with coefficients
        let mut anchor: Vec<f64> =
            direction.iter().enumerate().map(|(k, v)| if k == 0 { 0.0 } else { v / sd(k) / sd(k) }).collect();
        let along: f64 = anchor.iter().zip(&direction).map(|(a, v)| a * v).sum();
        anchor.iter_mut().for_each(|a| *a *= WEIGHT.sqrt() / along);
        anchor
    };
    let anchors = unseen.columns().into_iter().map(anchor).collect();
    let mut all_taking_part = Vec::new();
    for direction in unseen.columns() {
        let coef: Vec<f64> = (1..direction.len()).map(|k| (direction[k] / sd(k)).abs()).collect();
        let largest = coef.iter().copied().fold(0.0, f64::max);
        let taking_part = varying.iter().zip(&coef).filter(|(_, own)| **own > TAKES_PART * largest);
        all_taking_part.extend(taking_part.map(|(&column, _)| column));
    }
    (anchors, all_taking_part)
}
