//! What the Gram of a pair of classes weighs rows with.

use super::simd::{Kernel, Level, run};
use super::{Array, Piece, Storage, TILE_ROWS, Worker};
use crate::math::real::Real;

/// See [`crate::backend::Classes::class_weights`].
pub(super) fn class_weights<T: Storage>(
    level: Level,
    work: &mut Worker<T>,
    (k, l): (usize, usize),
    first: usize,
    weights: Option<&Array<'_, T>>,
) {
    let mut scratch = [T::ZERO; TILE_ROWS];
    let Some(out) = work.beside.as_chunks_mut().0.first_mut() else { return };
    let probabilities: &[Piece<T>] = work.probabilities.as_chunks().0;
    let weights = weights.map(|weights| weights.piece(level, first, 0, &mut scratch));
    run(level, Pair { probabilities: [&probabilities[k], &probabilities[l]], weights, out });
}

struct Pair<'a, T> {
    /// Of both classes.
    probabilities: [&'a Piece<T>; 2],
    /// What rows count for.
    weights: Option<&'a Piece<T>>,
    out: &'a mut Piece<T>,
}

impl<T: Real> Kernel for Pair<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { probabilities: [of_k, of_l], weights, out } = self;
        for i in 0..TILE_ROWS {
            out[i] = of_k[i] * of_l[i];
        }
        if let Some(weights) = weights {
            out.iter_mut().zip(weights).for_each(|(out, &weight)| *out *= weight);
        }
    }
}
