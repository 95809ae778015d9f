//! `sums += |X|ᵀ·m` on one tile: the denominators of the optimality residual.

use super::lanes::{LANES, total};
use super::simd::{Kernel, Level, run};
use super::{Piece, TILE_ROWS};
use crate::math::real::Real;

/// `sums[j] += sum_i |x_ij| m[i]`: `x` a tile of `sums.len()` columns.
pub fn magnitudes<T: Real>(level: Level, sums: &mut [f64], x: &[T], m: &Piece<T>) {
    run(level, Magnitudes { sums, x: x.as_chunks().0, m });
}

struct Magnitudes<'a, T> {
    sums: &'a mut [f64],
    x: &'a [Piece<T>],
    m: &'a Piece<T>,
}

impl<T: Real> Kernel for Magnitudes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (column, sum) in self.x.iter().zip(self.sums) {
            let mut lanes = [T::ZERO; LANES];
            for first in (0..TILE_ROWS).step_by(LANES) {
                for lane in 0..LANES {
                    let x = column[first + lane].abs();
                    lanes[lane] = x.fma::<FUSED>(self.m[first + lane], lanes[lane]);
                }
            }
            *sum += total(&lanes);
        }
    }
}
