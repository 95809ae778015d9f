//! `sums += |X|ᵀ·m` on one tile: the denominators of the optimality residual.

use super::lanes::{LANES, total};
use super::simd::{Kernel, Level, run};
use super::{Piece, TILE_ROWS};
use crate::math::real::Real;

/// `sums[j] += sum_i |x_ij| m[i]`: `x` a tile of `sums.len()` columns.
pub(super) fn magnitudes<T: Real>(level: Level, sums: &mut [f64], x: &[T], m: &Piece<T>) {
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
        // as many columns as pays
        if size_of::<T>() == 4 { self.groups::<FUSED, 4>() } else { self.groups::<FUSED, 1>() }
    }
}

impl<T: Real> Magnitudes<'_, T> {
    #[inline(always)]
    fn groups<const FUSED: bool, const N: usize>(self) {
        let (x, x_rest) = self.x.as_chunks::<N>();
        let (sums, sums_rest) = self.sums.as_chunks_mut::<N>();
        for (x, sums) in x.iter().zip(sums) {
            columns::<T, FUSED, N>(sums, x, self.m);
        }
        for (x, sum) in x_rest.iter().zip(sums_rest) {
            columns::<T, FUSED, 1>(std::array::from_mut(sum), std::array::from_ref(x), self.m);
        }
    }
}

#[inline(always)]
fn columns<T: Real, const FUSED: bool, const N: usize>(sums: &mut [f64; N], x: &[Piece<T>; N], m: &Piece<T>) {
    let mut lanes = [[T::ZERO; LANES]; N];
    for first in (0..TILE_ROWS).step_by(LANES) {
        for k in 0..N {
            let mut size = [T::ZERO; LANES];
            for lane in 0..LANES {
                size[lane] = x[k][first + lane].abs();
            }
            for lane in 0..LANES {
                lanes[k][lane] = size[lane].fma::<FUSED>(m[first + lane], lanes[k][lane]);
            }
        }
    }
    for k in 0..N {
        sums[k] += total(&lanes[k]);
    }
}
