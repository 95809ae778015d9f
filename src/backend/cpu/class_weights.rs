//! What the Gram of a pair of predictors weighs rows with.

use super::simd::{Kernel, Level, run};
use super::{Array, Piece, Storage, TILE_ROWS, Worker};
use crate::backend::Beside;
use crate::math::contrasts::Contrasts;
use crate::math::real::Real;

/// Probability above which a class holds its place beside that of the row, see [`Beside::Events`].
const HELD: f64 = 0.01;

/// See [`crate::backend::Classes::class_weights`].
pub(super) fn class_weights<T: Storage>(
    level: Level,
    work: &mut Worker<T>,
    contrasts: &Contrasts,
    pair: (usize, usize),
    first: usize,
    y: &Array<'_, T>,
    beside: Beside,
) {
    let mut scratch = [T::ZERO; TILE_ROWS];
    let differences = contrasts.differences(pair);
    let differences = differences.into_iter().map(|(k, l, factor)| (k, l, T::from_f64(factor)));
    let Some(out) = work.beside.as_chunks_mut().0.first_mut() else { return };
    let weights = Weights {
        differences: &differences.collect::<Vec<_>>(),
        probabilities: work.probabilities.as_chunks().0,
        y: (beside == Beside::Events).then(|| y.piece(level, first, 0, &mut scratch)),
        out,
    };
    run(level, weights);
}

struct Weights<'a, T> {
    differences: &'a [(usize, usize, T)],
    probabilities: &'a [Piece<T>],
    /// The response, where rows that hold their place are asked for.
    y: Option<&'a Piece<T>>,
    out: &'a mut Piece<T>,
}

impl<T: Real> Kernel for Weights<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { differences, probabilities, y, out } = self;
        out.fill(T::ZERO);
        let held = T::from_f64(HELD);
        for &(k, l, factor) in differences {
            let (of_k, of_l) = (&probabilities[k], &probabilities[l]);
            let Some(y) = y else {
                for i in 0..TILE_ROWS {
                    out[i] = (of_k[i] * of_l[i]).fma::<FUSED>(factor, out[i]);
                }
                continue;
            };
            let (k, l) = (T::from_f64(k as f64), T::from_f64(l as f64));
            for i in 0..TILE_ROWS {
                let other = if y[i] == k { of_l[i] } else { of_k[i] };
                let counts = (y[i] == k || y[i] == l) && other > held;
                out[i] += if counts { factor } else { T::ZERO };
            }
        }
    }
}
