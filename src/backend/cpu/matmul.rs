//! `eta += X·B` on one tile.

use super::Worker;
use crate::backend::Into;

/// Adds the product of the tile `x` (columns of `work.n` rows) with each target's coefficients. The order of
/// additions in a row is that of the columns, whatever the number of targets.
pub(super) fn matmul(work: &mut Worker, x: &[f64], coef: &[f64], into: Into) {
    let n = work.n;
    let n_columns = x.len() / n;
    let out = match into {
        Into::Eta => &mut work.eta,
        Into::Direction => &mut work.direction,
    };
    for (k, sums) in out.chunks_exact_mut(n).enumerate() {
        let coef = &coef[k * n_columns..(k + 1) * n_columns];
        let mut columns = x.chunks_exact(4 * n);
        let mut weights = coef.chunks_exact(4);
        for (four, w) in (&mut columns).zip(&mut weights) {
            let (x0, x1) = four.split_at(n);
            let (x1, x2) = x1.split_at(n);
            let (x2, x3) = x2.split_at(n);
            for ((((sum, &x0), &x1), &x2), &x3) in sums.iter_mut().zip(x0).zip(x1).zip(x2).zip(x3) {
                *sum += x0 * w[0] + x1 * w[1] + x2 * w[2] + x3 * w[3];
            }
        }
        for (column, &w) in columns.remainder().chunks_exact(n).zip(weights.remainder()) {
            for (sum, &x) in sums.iter_mut().zip(column) {
                *sum += x * w;
            }
        }
    }
}
