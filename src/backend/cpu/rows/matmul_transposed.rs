//! `sums += Xᵀ·r` with rows read in place.

use super::Rows;
use super::products::{Entry, add_products};
use crate::backend::cpu::simd::{Kernel, Level, run};
use crate::math::real::{Real, Widen};

/// `sums[j] += sum_i x_ij r[i]` in the arithmetic `A`, for `r.len()` rows of `sums.len()` columns. In `f32` the sums
/// should move to `f64` every few thousand rows.
pub fn matmul_transposed_rows<S: Widen<A>, A: Real>(level: Level, sums: &mut [A], x: Rows<S>, r: &[A]) {
    run(level, MatmulTransposed { sums, x, r });
}

struct MatmulTransposed<'a, S, A> {
    sums: &'a mut [A],
    x: Rows<'a, S>,
    r: &'a [A],
}

impl<S: Widen<A>, A: Real> Kernel for MatmulTransposed<'_, S, A> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        add_products::<S, A, Itself, FUSED>(self.sums, self.x, self.r, Itself);
    }
}

/// The entry as it is.
#[derive(Clone, Copy)]
struct Itself;

impl<A: Real> Entry<A> for Itself {
    #[inline(always)]
    fn column(self, _: usize) -> A {
        A::ZERO
    }

    #[inline(always)]
    fn of(x: A, _: A) -> A {
        x
    }
}
