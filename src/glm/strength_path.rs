//! Fits to all bins along strengths, with the Hessians that fits to parts of the bins take over, and the memory that these may take.

use std::sync::Arc;

use super::solve::{Kept, MOST_KEPT_BYTES, Solved};
use super::spec::{CheckedSpec, GlmSpec};
use crate::design::DesignPlan;

/// Fits that go side by side at most, unless a single fold has more targets: linear predictors and residuals of a tile of theirs
/// take a megabyte in `f64`.
pub(super) const MOST_TOGETHER: usize = 256;
/// Numbers that the weights of folds side by side are at most.
const MOST_WEIGHTS: usize = 1 << 25;

/// The part of the memory that Hessians may take: one in so many bytes, twice, for all bins and for those of folds.
const PART_OF_MEMORY: u64 = 8;

/// Fits to all bins, one for each strength.
#[derive(Default)]
pub(super) struct Path {
    /// Where every target came to.
    pub(super) points: Vec<Vec<Solved>>,
    /// Hessians of its losses near there, if the solver had some.
    pub(super) kept: Vec<Option<Vec<Kept>>>,
    /// Bytes of all that are kept, and of those of one strength.
    pub(super) n_bytes: usize,
    pub(super) of_strength: usize,
    /// Bytes that may be kept.
    pub(super) most_bytes: usize,
}

impl Path {
    /// Keeps the Hessians of one more strength; where they would take too much memory, those of the strength before.
    pub(super) fn remember(&mut self, kept: Option<&[Kept]>) {
        let last = self.kept.last().cloned().flatten();
        let Some(own) = kept else {
            self.kept.push(None);
            return;
        };
        let is_new = |k: usize| {
            last.as_ref().is_none_or(|last: &Vec<Kept>| !Arc::ptr_eq(&last[k].hessian, &own[k].hessian))
        };
        let size = |k: usize| own[k].hessian.len() * size_of::<f64>();
        let n_bytes = self.n_bytes + (0..own.len()).filter(|&k| is_new(k)).map(size).sum::<usize>();
        self.of_strength = (0..own.len()).map(size).sum();
        if n_bytes <= self.most_bytes || last.is_none() {
            self.n_bytes = n_bytes;
            self.kept.push(Some(own.to_vec()));
        } else {
            self.kept.push(last);
        }
    }

    /// What was kept at every strength; `None` if that was nothing at one of them.
    pub(super) fn kept(&self) -> Option<Vec<&[Kept]>> {
        self.kept.iter().map(Option::as_deref).collect()
    }

    /// How many folds of so many rows go side by side.
    pub(super) fn folds_together(&self, n_rows: usize, n_targets: usize) -> usize {
        let by_targets = MOST_TOGETHER / n_targets.max(1);
        by_targets.min(MOST_WEIGHTS / n_rows.max(1)).min(self.most_bytes / self.n_bytes.max(1)).max(1)
    }
}

impl CheckedSpec {
    /// Bytes of Hessians that are kept from one fit to others, at most.
    pub(super) fn most_kept_bytes(&self) -> usize {
        let by_limit = self.get().memory_limit_bytes.map(|limit| limit / PART_OF_MEMORY);
        by_limit
            .and_then(|bytes| usize::try_from(bytes).ok())
            .map_or(MOST_KEPT_BYTES, |own| own.min(MOST_KEPT_BYTES))
    }

    /// Nothing fitted yet.
    pub(super) fn no_path(&self) -> Path {
        Path { most_bytes: self.most_kept_bytes(), ..Path::default() }
    }

    /// The same, and the design, in what so many Hessians leave of the memory, if that is limited.
    pub(super) fn beside_hessians<'d>(
        &self,
        plan: &DesignPlan<'d>,
        n_hessians: usize,
    ) -> Option<(Self, DesignPlan<'d>)> {
        let limit = self.get().memory_limit_bytes?;
        let of_one = (1 + plan.n_columns()).saturating_pow(2).saturating_mul(size_of::<f64>());
        let of_all = self.most_kept_bytes().min(of_one.saturating_mul(n_hessians));
        let left = Some(limit.saturating_sub(2 * of_all as u64));
        let own = Self::clone(self).with(|own| GlmSpec { memory_limit_bytes: left, ..own });
        let within = plan.limit_bytes().map_or(left, |own| left.map(|left| left.min(own)));
        Some((own, plan.clone().with_limit(within)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hessians_take_a_part_of_the_memory_and_never_more_than_is_worth_it() {
        let most = |memory_limit_bytes| {
            GlmSpec { memory_limit_bytes, ..GlmSpec::default() }.check().unwrap().most_kept_bytes()
        };
        assert_eq!((most(None), most(Some(u64::MAX))), (MOST_KEPT_BYTES, MOST_KEPT_BYTES));
        assert_eq!((most(Some(80_000_000)), most(Some(0))), (10_000_000, 0));
    }
}
