//! The Hessian of all predictors from one Gram for each pair of classes.

use crate::backend::cpu::bytes_of_sums;
use crate::math::contrasts::Contrasts;
use crate::math::dense::{Matrix, symmetric};

/// Bytes of the Grams that one pass sums up, unless one alone has more: many more would leave no room for the sums of several threads.
const BATCH_BYTES: usize = 4 << 20;

/// Grams of so many parameters that one pass sums up.
fn n_together(p: usize) -> usize {
    (BATCH_BYTES / (size_of::<f64>() * p * p)).max(1)
}

/// Pairs of classes whose Grams, of `p` parameters each, are summed up together; one empty batch of none.
pub(super) fn batches(pairs: &[(usize, usize)], p: usize) -> Vec<&[(usize, usize)]> {
    if pairs.is_empty() { vec![pairs] } else { pairs.chunks(n_together(p)).collect() }
}

/// Most bytes that the Grams of all pairs of classes take while a Hessian is made, for predictors of `p` parameters.
pub fn bytes_of_grams(n_classes: usize, p: usize, n_rows: usize) -> u64 {
    let (pairs, of_one) = (n_classes * n_classes.saturating_sub(1) / 2, p.saturating_mul(p));
    let kept = of_one.saturating_mul(pairs * size_of::<f64>()) as u64;
    kept.saturating_add(bytes_of_sums(n_rows, p, of_one.saturating_mul(pairs.min(n_together(p)))))
}

/// The Hessian over `n` rows, blocks of `p` parameters: block (a, b) is the sum of the Grams times [`Contrasts::differences`].
///
/// Work of a row is a product for each pair of classes; what is left depends on no row. Terms of differences keep small blocks
/// exact beside large ones.
pub(super) fn hessian(contrasts: &Contrasts, grams: &[Vec<f64>], p: usize, n: usize) -> Matrix {
    let n_parameters = p * contrasts.n_free();
    let mut all = Matrix::zeros((n_parameters, n_parameters));
    for (a, b) in contrasts.pairs() {
        let mut own = vec![0.0; p * p];
        for (k, l, factor) in contrasts.differences((a, b)) {
            // in the order of `Contrasts::class_pairs`
            let gram = &grams[l * (l - 1) / 2 + k];
            // a Gram stands at the end of its sums
            let gram = &gram[gram.len() - p * p..];
            own.iter_mut().zip(gram).for_each(|(to, value)| *to += factor * value);
        }
        let own = symmetric(&own, p, 1.0 / n as f64);
        for (a, b) in [(a, b), (b, a)] {
            own.indexed_iter().for_each(|((i, j), value)| all[(a * p + i, b * p + j)] = *value);
        }
    }
    all
}

/// Leaves nothing of the intercepts of blocks of `p` parameters, which are none of them, but a 1, which a step of 0 belongs to.
pub(super) fn without_intercepts(mut gram: Matrix, p: usize) -> Matrix {
    for place in (0..gram.nrows()).step_by(p) {
        gram.row_mut(place).fill(0.0);
        gram.column_mut(place).fill(0.0);
        gram[(place, place)] = 1.0;
    }
    gram
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_pair_once_and_no_more_than_fits() {
        let pairs = Contrasts::none(9).class_pairs();
        for p in [1, 20, 120, 400, 2000] {
            let found = batches(&pairs, p);
            assert_eq!(found.concat(), pairs);
            assert!(found.iter().all(|own| own.len() == 1 || own.len() * p * p * 8 <= BATCH_BYTES), "{p}");
        }
        assert_eq!(batches(&pairs, 20).len(), 1, "few columns take one pass");
        assert_eq!(batches(&pairs, 400).len(), 12);
        assert_eq!(batches(&[], 3), [&[] as &[(usize, usize)]]);
    }

    #[test]
    fn bytes_count_what_is_kept_and_what_is_summed_up() {
        // 36 pairs that are kept, and the sums of the last batch at least
        let found = bytes_of_grams(9, 400, 1_000_000);
        assert!(found > 8 * 160_000 * 36 && found < 8 * 160_000 * 36 + (400 << 20), "{found}");
        assert!(bytes_of_grams(2, 3, 100) < 1 << 16);
        assert!(bytes_of_grams(256, 100_000, 1_000_000) > 1 << 48);
    }
}
