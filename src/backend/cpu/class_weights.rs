//! What the Gram of a pair of classes weighs rows with.

use super::simd::{Kernel, Level, run};
use super::{Array, Piece, Storage, TILE_ROWS, Worker};
use crate::backend::{Beside, Observed};
use crate::math::real::Real;

/// Probability above which a class holds its place beside that of the row, see [`Beside::Events`].
const HELD: f64 = 0.01;

/// See [`crate::backend::Classes::class_weights`].
pub(super) fn class_weights<T: Storage>(
    level: Level,
    work: &mut Worker<T>,
    (k, l): (usize, usize),
    first: usize,
    observed: Observed<Array<'_, T>>,
    beside: Beside,
) {
    let (mut scratch, mut of_weights) = ([T::ZERO; TILE_ROWS], [T::ZERO; TILE_ROWS]);
    let Some(out) = work.beside.as_chunks_mut().0.first_mut() else { return };
    let probabilities: &[Piece<T>] = work.probabilities.as_chunks().0;
    let weights = Pair {
        probabilities: [&probabilities[k], &probabilities[l]],
        classes: [k, l].map(|class| T::from_f64(class as f64)),
        y: (beside == Beside::Events).then(|| observed.y.piece(level, first, 0, &mut scratch)),
        weights: observed.weights.map(|weights| weights.piece(level, first, 0, &mut of_weights)),
        out,
    };
    run(level, weights);
}

struct Pair<'a, T> {
    /// Of both classes.
    probabilities: [&'a Piece<T>; 2],
    classes: [T; 2],
    /// The response, where rows that hold their place are asked for.
    y: Option<&'a Piece<T>>,
    /// What rows count for.
    weights: Option<&'a Piece<T>>,
    out: &'a mut Piece<T>,
}

impl<T: Real> Kernel for Pair<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { probabilities: [of_k, of_l], classes: [k, l], y, weights, out } = self;
        let held = T::from_f64(HELD);
        for i in 0..TILE_ROWS {
            out[i] = of_k[i] * of_l[i];
        }
        if let Some(y) = y {
            for i in 0..TILE_ROWS {
                let other = if y[i] == k { of_l[i] } else { of_k[i] };
                let counts = (y[i] == k || y[i] == l) && other > held;
                out[i] = if counts { T::ONE } else { T::ZERO };
            }
        }
        if let Some(weights) = weights {
            out.iter_mut().zip(weights).for_each(|(out, &weight)| *out *= weight);
        }
    }
}
