//! `sums += [1 X]ᵀ·diag(w)·[1 X]` on one tile.

use super::Worker;
use crate::math::dense::add_weighted_gram;

/// Adds the weighted products of the copied design's columns; the sweep has one target.
pub(super) fn weighted_gram(work: &mut Worker, flat: bool, sums: usize) {
    work.scratch.resize(work.design.len(), 0.0);
    if flat {
        work.beside.fill(1.0);
    }
    add_weighted_gram(&mut work.sums[sums], &work.design, &work.beside, &mut work.scratch);
}
