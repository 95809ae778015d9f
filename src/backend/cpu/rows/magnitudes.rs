//! `sums += |X - mean|ᵀ·m` with rows read in place: the denominators of the optimality residual.

use super::Rows;
use super::products::{Entry, add_products};
use crate::backend::cpu::simd::{Kernel, Level, run};
use crate::math::real::{Real, Widen};

/// `sums[j] += sum_i |x_ij - mean[j]| m[i]` in the arithmetic `A`, for `m.len()` rows of `sums.len()` columns.
pub fn magnitudes_rows<S: Widen<A>, A: Real>(level: Level, sums: &mut [A], x: Rows<S>, mean: &[A], m: &[A]) {
    run(level, Magnitudes { sums, x, mean, m });
}

struct Magnitudes<'a, S, A> {
    sums: &'a mut [A],
    x: Rows<'a, S>,
    mean: &'a [A],
    m: &'a [A],
}

impl<S: Widen<A>, A: Real> Kernel for Magnitudes<'_, S, A> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let entry = Distance { mean: self.mean };
        add_products::<S, A, Distance<A>, FUSED>(self.sums, self.x, self.m, entry);
    }
}

/// The distance from the column's mean.
#[derive(Clone, Copy)]
struct Distance<'a, A> {
    mean: &'a [A],
}

impl<A: Real> Entry<A> for Distance<'_, A> {
    #[inline(always)]
    fn column(self, j: usize) -> A {
        self.mean[j]
    }

    #[inline(always)]
    fn of(x: A, mean: A) -> A {
        (x - mean).abs()
    }
}
