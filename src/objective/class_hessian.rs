//! The Hessian of all predictors from one Gram for each pair of classes.

use crate::math::contrasts::Contrasts;
use crate::math::dense::{Matrix, symmetric};

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
