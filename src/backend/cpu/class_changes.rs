//! Trial steps along a line for responses that are one of several classes.

use std::ops::Range;

use rayon::prelude::*;

use super::lanes::{LANES, total};
use super::pass::SMALL;
use super::simd::{Kernel, Level, run};
use super::{Array, Line, Piece, Storage, TILE_ROWS};
use crate::backend::{LINE_ROWS, Observed};
use crate::math::contrasts::Contrasts;
use crate::math::elementary::{Elementary, Vector};
use crate::math::real::Real;

/// Exponent whose power is large and finite in `f32`.
const MOST: f64 = 80.0;

/// See [`crate::backend::Classes::class_changes`].
pub(super) fn class_changes<T: Storage>(
    level: Level,
    line: &Line<T>,
    contrasts: &Contrasts,
    observed: Observed<Array<'_, T>>,
    step: f64,
) -> f64 {
    let factors: Vec<T> = contrasts.factors().iter().map(|&factor| T::from_f64(factor)).collect();
    let on_tile = |total: &mut f64, rows: Stretch<T>| {
        let mut classes = vec![[T::ZERO; LANES]; 3 * contrasts.n_classes()];
        let step = T::from_f64(step);
        *total += run(level, Change { factors: &factors, rows, step, classes: &mut classes });
    };
    fold(level, line, observed, 0.0, on_tile).into_iter().sum()
}

/// The rows of one tile of a line.
pub(super) struct Stretch<'a, T> {
    pub(super) n: usize,
    pub(super) y: &'a Piece<T>,
    /// What rows count for.
    weights: Option<&'a Piece<T>>,
    zeta: &'a [Piece<T>],
    pub(super) direction: &'a [Piece<T>],
}

/// What `on_tile` makes of the tiles of a line, [`LINE_ROWS`] by [`LINE_ROWS`].
pub(super) fn fold<T: Storage, S: Send + Sync + Copy>(
    level: Level,
    line: &Line<T>,
    observed: Observed<Array<'_, T>>,
    start: S,
    on_tile: impl Fn(&mut S, Stretch<T>) + Sync,
) -> Vec<S> {
    let n_free = line.targets.len();
    let on_chunk = |tiles: &Range<usize>| {
        let mut sum = start;
        for tile in tiles.clone() {
            let size = 2 * TILE_ROWS * n_free;
            let values: &[Piece<T>] = line.values[tile * size..(tile + 1) * size].as_chunks().0;
            let (zeta, direction) = values.split_at(n_free);
            let first = line.rows.start + tile * TILE_ROWS;
            let (mut scratch, mut of_weights) = ([T::ZERO; TILE_ROWS], [T::ZERO; TILE_ROWS]);
            let y = observed.y.piece(level, first, 0, &mut scratch);
            let weights = observed.weights.map(|weights| weights.piece(level, first, 0, &mut of_weights));
            let n = TILE_ROWS.min(line.rows.end - first);
            on_tile(&mut sum, Stretch { n, y, weights, zeta, direction });
        }
        sum
    };
    let n_tiles = line.rows.len().div_ceil(TILE_ROWS);
    let of_chunk = LINE_ROWS / TILE_ROWS;
    let chunks: Vec<Range<usize>> =
        (0..n_tiles).step_by(of_chunk).map(|first| first..n_tiles.min(first + of_chunk)).collect();
    if line.values.len() < SMALL {
        chunks.iter().map(on_chunk).collect()
    } else {
        chunks.par_iter().map(on_chunk).collect()
    }
}

struct Change<'a, T> {
    factors: &'a [T],
    rows: Stretch<'a, T>,
    step: T,
    /// Scratch: predictors, their exponentials and moves of every class.
    classes: &'a mut [[T; LANES]],
}

impl<T: Real> Kernel for Change<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) -> f64 {
        let mut lanes = [T::ZERO; LANES];
        for first in (0..TILE_ROWS).step_by(LANES) {
            let mut own = self.lanes::<FUSED>(first);
            if let Some(weights) = self.rows.weights {
                for lane in 0..LANES {
                    own[lane] *= weights[first + lane];
                }
            }
            for lane in 0..LANES {
                lanes[lane] += if first + lane < self.rows.n { own[lane] } else { T::ZERO };
            }
        }
        total(&lanes)
    }
}

impl<T: Real> Change<'_, T> {
    #[inline(always)]
    fn lanes<const FUSED: bool>(&mut self, first: usize) -> [T; LANES] {
        let functions = Vector::<FUSED>;
        let Self { factors, rows: Stretch { y, zeta, direction, .. }, step, classes } = self;
        let n_free = zeta.len();
        let n_classes = classes.len() / 3;
        let (etas, rest) = classes.split_at_mut(n_classes);
        let (powers, moves) = rest.split_at_mut(n_classes);
        let (mut largest, mut of_y) = ([-T::INFINITY; LANES], [T::ZERO; LANES]);
        for (k, (eta, to)) in etas.iter_mut().zip(moves.iter_mut()).enumerate() {
            let class = T::from_f64(k as f64);
            (*eta, *to) = ([T::ZERO; LANES], [T::ZERO; LANES]);
            for ((zeta, direction), &factor) in zeta.iter().zip(*direction).zip(&factors[k * n_free..]) {
                for lane in 0..LANES {
                    eta[lane] = zeta[first + lane].fma::<FUSED>(factor, eta[lane]);
                    to[lane] = direction[first + lane].fma::<FUSED>(factor, to[lane]);
                }
            }
            for lane in 0..LANES {
                largest[lane] = if eta[lane] > largest[lane] { eta[lane] } else { largest[lane] };
                of_y[lane] = if y[first + lane] == class { to[lane] } else { of_y[lane] };
            }
        }
        let (mut sum, mut top) = ([T::ZERO; LANES], [-T::INFINITY; LANES]);
        for ((eta, power), to) in etas.iter_mut().zip(powers.iter_mut()).zip(moves.iter_mut()) {
            for lane in 0..LANES {
                eta[lane] -= largest[lane];
                power[lane] = functions.exp(eta[lane]);
                sum[lane] += power[lane];
                to[lane] = *step * (to[lane] - of_y[lane]);
                let moved = eta[lane] + to[lane];
                top[lane] = if moved > top[lane] { moved } else { top[lane] };
            }
        }
        // sum_k p_k (exp(m_k) - 1) where moves are small; where they are not, the difference of logarithms of sums, each with its
        // largest term taken out. A class whose probability underflows may be the largest of all after the step.
        let (mut near, mut far) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        let (one, most) = (T::ONE, T::from_f64(MOST));
        let scale: [T; LANES] =
            std::array::from_fn(|lane| functions.exp(if top[lane] > most { most } else { top[lane] }));
        for ((eta, power), to) in etas.iter().zip(powers.iter()).zip(moves.iter()) {
            for lane in 0..LANES {
                let moved = to[lane];
                let after = functions.exp(eta[lane] + moved - top[lane]);
                let small = power[lane] * functions.exp_m1(if moved > one { one } else { moved });
                near[lane] += if moved > one { after * scale[lane] - power[lane] } else { small };
                far[lane] += after;
            }
        }
        let half = T::from_f64(0.5);
        std::array::from_fn(|lane| {
            let near = near[lane] / sum[lane];
            let is_near = near.abs() < half;
            let of_near = functions.ln_1p(if is_near { near } else { T::ZERO });
            let of_far = top[lane] + (functions.ln(far[lane]) - functions.ln(sum[lane]));
            if is_near { of_near } else { of_far }
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::backend::{Classes, Cpu, Every, Into, Sweep};
    use crate::math::contrasts::Contrasts;

    /// The change of one row of two classes whose predictors are `eta`, along (0, `direction`).
    fn change<B: Classes>(on: &B, eta: f64, direction: f64, of: f64) -> f64 {
        let y = on.response(1, 1, &|_, out| out[0] = crate::math::real::Real::from_f64(of)).unwrap();
        let sweep =
            Sweep { n_rows: 1, n_columns: 0, grain: 0, every: Every::ROW, alone: false, targets: &[0, 1] };
        let line = on.trace(sweep, 0..1, &|work, _| {
            on.start(work, Into::Eta, &[0.0, eta]);
            on.start(work, Into::Direction, &[0.0, direction]);
            Ok(())
        });
        on.class_changes(&line.unwrap(), &Contrasts::none(2), (&y).into(), 1.0).unwrap()
    }

    #[test]
    fn a_class_whose_probability_underflows_may_win() {
        let (single, double) = (Cpu::<f32>::default(), Cpu::<f64>::default());
        // (eta, direction, class, ln sum_k p_k exp(d_k - d_y))
        for (eta, direction, of, expected) in [
            (-200.0, 300.0, 0.0, 100.0),
            (-200.0, 300.0, 1.0, -200.0),
            (-2000.0, 3000.0, 0.0, 1000.0),
            (-2000.0, 3000.0, 1.0, -2000.0),
            (-30.0, 20.0, 0.0, (-10f64).exp().ln_1p() - (-30f64).exp().ln_1p()),
            (-120.0, 110.0, 0.0, (-10f64).exp().ln_1p()),
            (200.0, -300.0, 0.0, -200.0),
        ] {
            for (found, tolerance) in
                [(change(&double, eta, direction, of), 1e-13), (change(&single, eta, direction, of), 1e-5)]
            {
                assert!((found / expected - 1.0).abs() < tolerance, "{eta} {direction} {of}: {found}");
            }
        }
    }
}
