//! `sums += Xᵀ·R` on one tile.

use super::Worker;

/// Partial sums of a dot product that are kept apart: enough for the compiler to use vectors.
const LANES: usize = 8;

/// Adds the products of the tile's columns with each target's residuals to sum `sums`.
pub(super) fn matmul_transposed(work: &mut Worker, x: &[f64], sums: usize) {
    let n = work.n;
    let n_columns = x.len() / n;
    for (residual, out) in
        work.residual.chunks_exact(n).zip(work.sums[sums].chunks_exact_mut(n_columns.max(1)))
    {
        for (column, sum) in x.chunks_exact(n).zip(out) {
            *sum += dot(column, residual);
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (mut a, mut b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    for (a, b) in (&mut a).zip(&mut b) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    let tail: f64 = a.remainder().iter().zip(b.remainder()).map(|(&a, &b)| a * b).sum();
    lanes.iter().sum::<f64>() + tail
}
