//! The bins that are used, and what they have beside their responses.

use std::ops::Range;

use crate::design::{DesignPlan, Offset, Rows, Weights};
use crate::objective::Counts;

/// Rows, what they count for and the parts of their linear predictors that are given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bins<'a> {
    pub(super) rows: &'a Rows,
    pub(super) weights: Option<&'a Weights>,
    pub(super) offset: Option<&'a Offset>,
}

impl<'a> From<&'a DesignPlan<'_>> for Bins<'a> {
    fn from(plan: &'a DesignPlan) -> Self {
        Self { rows: plan.rows(), weights: plan.weights(), offset: plan.offset() }
    }
}

impl<'a> From<&'a Rows> for Bins<'a> {
    fn from(rows: &'a Rows) -> Self {
        Self { rows, weights: None, offset: None }
    }
}

impl Bins<'_> {
    /// What a bin counts for.
    pub(super) fn weight(&self, bin: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights.get(bin))
    }

    /// What is given of its linear predictor.
    pub(super) fn offset(&self, bin: usize) -> f64 {
        self.offset.map_or(0.0, |offset| offset.get(bin))
    }

    /// The sum of the weights.
    pub(super) fn total_weight(&self) -> f64 {
        self.weights.map_or(self.rows.len() as f64, Weights::total)
    }

    /// Calls `visit` with target, bin, weight and response of the used bins number `used`, bin by bin.
    pub(super) fn visit(&self, y: Counts, used: Range<usize>, mut visit: impl FnMut(usize, usize, f64, f64)) {
        let n_targets = y.ncols().max(1);
        let mut bins = self.rows.some(used.clone());
        let (mut seen, mut bin, mut weight) = (0, 0, 1.0);
        y.visit(self.rows, used, |target, y| {
            if seen == 0 {
                bin = bins.next().unwrap_or(bin);
                weight = self.weight(bin);
            }
            seen = (seen + 1) % n_targets;
            visit(target, bin, weight, y);
        });
    }

    /// Whether all bins are alike but for response and features.
    pub(super) fn are_alike(&self) -> bool {
        self.weights.is_none() && self.offset.is_none()
    }
}
