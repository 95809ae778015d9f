//! `sums += |X|ᵀ·m` on one tile: the denominators of the optimality residual.

use super::Worker;

/// Adds the products of the magnitudes of the copied design's columns with each target's `m`.
pub(super) fn magnitudes(work: &mut Worker, sums: usize) {
    let n = work.n;
    let n_columns = work.design.len() / n;
    for (m, out) in work.beside.chunks_exact(n).zip(work.sums[sums].chunks_exact_mut(n_columns)) {
        for (column, sum) in work.design.chunks_exact(n).zip(out) {
            *sum += column.iter().zip(m).map(|(&x, &m)| x.abs() * m).sum::<f64>();
        }
    }
}
