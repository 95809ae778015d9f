//! Loss and residuals of the rows of one tile whose response is one of several classes.

use super::lanes::{LANES, total};
use super::simd::{Kernel, Level, run};
use super::{Array, Piece, Storage, TILE_ROWS, Worker};
use crate::backend::{Beside, Observed};
use crate::math::contrasts::Contrasts;
use crate::math::elementary::{Elementary, Vector};
use crate::math::real::Real;

/// Residuals into the worker; probabilities into its scratch. See [`crate::backend::Classes`].
pub(super) fn pointwise_classes<T: Storage>(
    level: Level,
    work: &mut Worker<T>,
    contrasts: &Contrasts,
    first: usize,
    observed: Observed<Array<'_, T>>,
    beside: Beside,
) {
    let (mut scratch, mut of_weights) = ([T::ZERO; TILE_ROWS], [T::ZERO; TILE_ROWS]);
    let factors: Vec<T> = contrasts.factors().iter().map(|&factor| T::from_f64(factor)).collect();
    work.probabilities.resize(contrasts.n_classes() * TILE_ROWS, T::ZERO);
    let tile = Tile {
        factors: &factors,
        zeta: work.eta.as_chunks().0,
        y: observed.y.piece(level, first, 0, &mut scratch),
        weights: observed.weights.map(|weights| weights.piece(level, first, 0, &mut of_weights)),
        n_valid: work.n,
        with_magnitudes: beside == Beside::Magnitude,
        residual: work.residual.as_chunks_mut().0,
        beside: work.beside.as_chunks_mut().0,
        probabilities: work.probabilities.as_chunks_mut().0,
    };
    let loss = run(level, tile);
    work.sums[0].totals_mut()[0] += loss;
    let residuals = work.residual.as_chunks::<TILE_ROWS>().0;
    for (sum, residual) in work.sums[1].totals_mut().iter_mut().zip(residuals) {
        *sum += residual.iter().map(|r| r.to_f64()).sum::<f64>();
    }
}

struct Tile<'a, T> {
    /// Contrasts, class after class.
    factors: &'a [T],
    zeta: &'a [Piece<T>],
    y: &'a Piece<T>,
    /// What rows count for.
    weights: Option<&'a Piece<T>>,
    n_valid: usize,
    with_magnitudes: bool,
    residual: &'a mut [Piece<T>],
    beside: &'a mut [Piece<T>],
    /// First predictors, then probabilities, of every class.
    probabilities: &'a mut [Piece<T>],
}

impl<T: Real> Kernel for Tile<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) -> f64 {
        let mut losses = [T::ZERO; LANES];
        for first in (0..TILE_ROWS).step_by(LANES) {
            let own = self.lanes::<FUSED>(first);
            for lane in 0..LANES {
                losses[lane] += if first + lane < self.n_valid { own[lane] } else { T::ZERO };
            }
        }
        let n_valid = self.n_valid;
        for rows in [self.residual, self.beside, self.probabilities].into_iter().flatten() {
            rows[n_valid..].fill(T::ZERO);
        }
        total(&losses)
    }
}

impl<T: Real> Tile<'_, T> {
    /// Losses of some rows; everything else where it belongs.
    #[inline(always)]
    fn lanes<const FUSED: bool>(&mut self, first: usize) -> [T; LANES] {
        let functions = Vector::<FUSED>;
        let n_free = self.zeta.len();
        let (mut largest, mut of_y) = ([-T::INFINITY; LANES], [T::ZERO; LANES]);
        let y: [T; LANES] = std::array::from_fn(|lane| self.y[first + lane]);
        for (k, eta) in self.probabilities.iter_mut().enumerate() {
            let class = T::from_f64(k as f64);
            let mut own = [T::ZERO; LANES];
            for (zeta, &factor) in self.zeta.iter().zip(&self.factors[k * n_free..]) {
                for lane in 0..LANES {
                    own[lane] = zeta[first + lane].fma::<FUSED>(factor, own[lane]);
                }
            }
            for lane in 0..LANES {
                largest[lane] = if own[lane] > largest[lane] { own[lane] } else { largest[lane] };
                of_y[lane] = if y[lane] == class { own[lane] } else { of_y[lane] };
                eta[first + lane] = own[lane];
            }
        }
        // `others` without the class of the row, `rest` without the largest: what is near 1 is never subtracted
        let (mut sum, mut others) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        for (k, eta) in self.probabilities.iter_mut().enumerate() {
            let class = T::from_f64(k as f64);
            for lane in 0..LANES {
                let own = functions.exp(eta[first + lane] - largest[lane]);
                sum[lane] += own;
                others[lane] += if y[lane] == class { T::ZERO } else { own };
                eta[first + lane] = own;
            }
        }
        let mut losses = [T::ZERO; LANES];
        let mut inverse = [T::ZERO; LANES];
        for lane in 0..LANES {
            let rest = if of_y[lane] == largest[lane] { others[lane] } else { sum[lane] - T::ONE };
            losses[lane] = (largest[lane] - of_y[lane]) + functions.ln_1p(rest);
            inverse[lane] = T::ONE / sum[lane];
        }
        for (rows, beside) in self.residual.iter_mut().zip(self.beside.iter_mut()) {
            rows[first..first + LANES].fill(T::ZERO);
            if self.with_magnitudes {
                beside[first..first + LANES].fill(T::ZERO);
            }
        }
        for (k, probability) in self.probabilities.iter_mut().enumerate() {
            let class = T::from_f64(k as f64);
            let mut own = [T::ZERO; LANES];
            for lane in 0..LANES {
                let p = probability[first + lane] * inverse[lane];
                own[lane] = if y[lane] == class { -(others[lane] * inverse[lane]) } else { p };
                probability[first + lane] = p;
            }
            for (a, residual) in self.residual.iter_mut().enumerate() {
                let factor = self.factors[k * n_free + a];
                for lane in 0..LANES {
                    residual[first + lane] = own[lane].fma::<FUSED>(factor, residual[first + lane]);
                }
                if self.with_magnitudes {
                    let beside = &mut self.beside[a];
                    for lane in 0..LANES {
                        let size = (own[lane] * factor).abs();
                        beside[first + lane] += size + size;
                    }
                }
            }
        }
        let Some(weights) = self.weights else { return losses };
        let own: [T; LANES] = std::array::from_fn(|lane| weights[first + lane]);
        for lane in 0..LANES {
            losses[lane] *= own[lane];
        }
        // probabilities stay those of the row
        let sizes = self.beside.iter_mut().filter(|_| self.with_magnitudes);
        for rows in self.residual.iter_mut().chain(sizes) {
            for lane in 0..LANES {
                rows[first + lane] *= own[lane];
            }
        }
        losses
    }
}
