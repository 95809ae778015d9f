//! Vectors of numbers, one name for `f32` and `f64`, for the kernels that keep whole blocks of sums in registers.
//!
//! Most kernels are plain loops that the compiler vectorises. Matrix products are not: which sums stay in
//! registers decides their speed, so they say it.

use pulp::Simd;

use crate::math::real::Real;

/// A number that fills the vectors of a [`Simd`] level.
pub trait Lanes: Real {
    /// As many numbers as fit a register of `S`.
    type Vector<S: Simd>: Copy;

    /// Numbers in 16 bytes.
    const RUN: usize = 16 / size_of::<Self>();

    /// Numbers in a vector.
    fn count<S: Simd>() -> usize;
    /// `value` in every lane.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    /// `a·b`, lane by lane.
    fn mul_lanes<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a + b`, lane by lane.
    fn add_lanes<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a·b + c`, rounded once where the machine can.
    fn mul_add_lanes<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// Exchanges the numbers of neighbouring vectors as the machine does it fastest, so that each run of
    /// [`Lanes::RUN`] lanes holds one row of as many columns (see [`super::pack`], which checks it).
    fn exchange<S: Simd>(simd: S, columns: [Self::Vector<S>; 4]) -> [Self::Vector<S>; 4];
    /// `values` as whole vectors; what is left over is left out.
    fn vectors<S: Simd>(values: &[Self]) -> &[Self::Vector<S>];
    /// `values` as whole vectors to write to; what is left over is left out.
    fn vectors_mut<S: Simd>(values: &mut [Self]) -> &mut [Self::Vector<S>];
}

macro_rules! lanes {
    ($t:ty, $vector:ident, $count:ident, $splat:ident, $mul:ident, $add:ident, $mul_add:ident, $view:ident, $view_mut:ident, $exchange:ident) => {
        impl Lanes for $t {
            type Vector<S: Simd> = S::$vector;

            #[inline(always)]
            fn count<S: Simd>() -> usize {
                S::$count
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> S::$vector {
                simd.$splat(value)
            }
            #[inline(always)]
            fn mul_lanes<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn add_lanes<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn mul_add_lanes<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
                simd.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn exchange<S: Simd>(simd: S, columns: [S::$vector; 4]) -> [S::$vector; 4] {
                $exchange(simd, columns)
            }
            #[inline(always)]
            fn vectors<S: Simd>(values: &[Self]) -> &[S::$vector] {
                S::$view(values).0
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(values: &mut [Self]) -> &mut [S::$vector] {
                S::$view_mut(values).0
            }
        }
    };
}

#[inline(always)]
fn exchange_f32<S: Simd>(simd: S, columns: [S::f32s; 4]) -> [S::f32s; 4] {
    simd.deinterleave_shfl_f32s(columns)
}

#[inline(always)]
fn exchange_f64<S: Simd>(simd: S, [a, b, c, d]: [S::f64s; 4]) -> [S::f64s; 4] {
    let [a, b] = simd.deinterleave_shfl_f64s([a, b]);
    let [c, d] = simd.deinterleave_shfl_f64s([c, d]);
    [a, b, c, d]
}

lanes!(f32, f32s, F32_LANES, splat_f32s, mul_f32s, add_f32s, mul_add_e_f32s, as_simd_f32s, as_mut_simd_f32s, exchange_f32);
lanes!(f64, f64s, F64_LANES, splat_f64s, mul_f64s, add_f64s, mul_add_e_f64s, as_simd_f64s, as_mut_simd_f64s, exchange_f64);
