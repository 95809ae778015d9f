//! `sums += Xᵀ·r` on one tile, in lanes.
//!
//! A few columns at a time share the reads of `r`, as many as keep their lanes in registers.

use super::lanes::{LANES, Lanes};
use super::simd::{Kernel, Level, run};
use super::{Piece, TILE_ROWS};
use crate::math::real::Real;

/// `lanes[j] += x_ij r[i]` over the rows `i`: `x` a tile of `lanes.len()` columns; to be flushed every 16 tiles.
pub(super) fn matmul_transposed<T: Real>(level: Level, lanes: &mut [Lanes<T>], x: &[T], r: &Piece<T>) {
    run(level, MatmulTransposed { lanes, x: x.as_chunks().0, r });
}

struct MatmulTransposed<'a, T> {
    lanes: &'a mut [Lanes<T>],
    x: &'a [Piece<T>],
    r: &'a Piece<T>,
}

impl<T: Real> Kernel for MatmulTransposed<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        // eight registers of 256 bits
        if size_of::<T>() == 4 { self.groups::<FUSED, 4>() } else { self.groups::<FUSED, 2>() }
    }
}

impl<T: Real> MatmulTransposed<'_, T> {
    #[inline(always)]
    fn groups<const FUSED: bool, const N: usize>(self) {
        let (x, x_rest) = self.x.as_chunks::<N>();
        let (lanes, lanes_rest) = self.lanes.as_chunks_mut::<N>();
        for (x, lanes) in x.iter().zip(lanes) {
            columns::<T, FUSED, N>(lanes, x, self.r);
        }
        for (x, lanes) in x_rest.iter().zip(lanes_rest) {
            columns::<T, FUSED, 1>(std::array::from_mut(lanes), std::array::from_ref(x), self.r);
        }
    }
}

#[inline(always)]
fn columns<T: Real, const FUSED: bool, const N: usize>(
    lanes: &mut [Lanes<T>; N],
    x: &[Piece<T>; N],
    r: &Piece<T>,
) {
    let mut sums = *lanes;
    for first in (0..TILE_ROWS).step_by(LANES) {
        for k in 0..N {
            for lane in 0..LANES {
                sums[k][lane] = x[k][first + lane].fma::<FUSED>(r[first + lane], sums[k][lane]);
            }
        }
    }
    *lanes = sums;
}
