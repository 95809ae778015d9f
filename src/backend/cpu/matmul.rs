//! `eta += X·w` on one tile.
//!
//! Eight columns share one read and write of `eta`; the tile is read once, from front to back.

use super::simd::{Kernel, Level, run};
use super::{Piece, TILE_ROWS};
use crate::math::real::Real;

/// `eta[i] += sum_j x_ij w[j]`: `x` a tile of `w.len()` columns.
pub(super) fn matmul<T: Real>(level: Level, eta: &mut Piece<T>, x: &[T], w: &[T]) {
    run(level, Matmul { eta, x: x.as_chunks().0, w });
}

struct Matmul<'a, T> {
    eta: &'a mut Piece<T>,
    x: &'a [Piece<T>],
    w: &'a [T],
}

impl<T: Real> Kernel for Matmul<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { eta, x, w } = self;
        let (x8, x) = x.as_chunks::<8>();
        let (w8, w) = w.as_chunks::<8>();
        for (x, w) in x8.iter().zip(w8) {
            columns::<T, FUSED, 8>(eta, x, w);
        }
        let (x2, x) = x.as_chunks::<2>();
        let (w2, w) = w.as_chunks::<2>();
        for (x, w) in x2.iter().zip(w2) {
            columns::<T, FUSED, 2>(eta, x, w);
        }
        for (x, &w) in x.iter().zip(w) {
            columns::<T, FUSED, 1>(eta, std::array::from_ref(x), &[w]);
        }
    }
}

#[inline(always)]
fn columns<T: Real, const FUSED: bool, const N: usize>(eta: &mut Piece<T>, x: &[Piece<T>; N], w: &[T; N]) {
    let w = *w;
    for i in 0..TILE_ROWS {
        let mut sum = eta[i];
        for k in 0..N {
            sum = x[k][i].fma::<FUSED>(w[k], sum);
        }
        eta[i] = sum;
    }
}
