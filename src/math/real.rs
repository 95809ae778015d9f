//! Floating-point numbers that kernels are generic over.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use super::elementary::Functions;

/// `f32` or `f64`: the arithmetic that a kernel needs, every method a few instructions without a branch.
pub trait Real:
    Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + Debug
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Functions
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// Distance from 1 to the next larger number.
    const EPSILON: Self;

    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
    /// The same number in `f64`.
    fn to_f64(self) -> f64;
    /// The same number.
    fn from_f32(value: f32) -> Self;
    /// The nearest number of single precision.
    fn to_f32(self) -> f32;
    /// Whether it is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// `|self|`.
    #[must_use]
    fn abs(self) -> Self;
    /// `self·b + c` rounded once. A library call where the machine cannot fuse: see [`Real::fma`].
    #[must_use]
    fn mul_add(self, b: Self, c: Self) -> Self;

    /// `self·b + c`, rounded once if `FUSED`, else twice: one instruction, or two.
    #[must_use]
    #[inline(always)]
    fn fma<const FUSED: bool>(self, b: Self, c: Self) -> Self {
        if FUSED { self.mul_add(b, c) } else { self * b + c }
    }

    /// The larger of two numbers, `other` if one of them is NaN: what one vector instruction does.
    #[must_use]
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        if self > other { self } else { other }
    }

    /// The smaller of two numbers, `other` if one of them is NaN.
    #[must_use]
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        if self < other { self } else { other }
    }
}

/// Numbers of this type are exactly representable as `A`.
pub trait Widen<A: Real>: Real {
    /// The same number.
    fn widen(self) -> A;
}

macro_rules! real {
    ($($t:ident),*) => {$(
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const INFINITY: Self = $t::INFINITY;
            const NAN: Self = $t::NAN;
            const EPSILON: Self = $t::EPSILON;

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $t
            }

            #[inline(always)]
            #[allow(clippy::useless_conversion, clippy::cast_lossless, clippy::unnecessary_cast)]
            fn to_f64(self) -> f64 {
                self as f64
            }

            #[inline(always)]
            fn from_f32(value: f32) -> Self {
                Self::from(value)
            }

            #[inline(always)]
            #[allow(clippy::unnecessary_cast)]
            fn to_f32(self) -> f32 {
                self as f32
            }

            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }

            #[inline(always)]
            fn abs(self) -> Self {
                $t::abs(self)
            }

            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                $t::mul_add(self, b, c)
            }
        }
    )*};
}
real!(f32, f64);

macro_rules! widen {
    ($($from:ident => $to:ident),*) => {$(
        impl Widen<$to> for $from {
            #[inline(always)]
            #[allow(clippy::useless_conversion, clippy::cast_lossless, clippy::unnecessary_cast)]
            fn widen(self) -> $to {
                self as $to
            }
        }
    )*};
}
widen!(f32 => f32, f32 => f64, f64 => f64);
