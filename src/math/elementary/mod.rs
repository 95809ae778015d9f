//! Exponential and logarithm for kernels: without branches, so that a loop over an array becomes vectors.
//!
//! The library functions are one call a value and keep a kernel from being vectorised at all. [`Vector`] has the
//! same functions as polynomials after a reduction of the argument, in `f32` and `f64`, with bounds that the tests
//! of this module hold against a reference of twice the precision. NaN in gives NaN out, everywhere.

mod double;
mod normal;
mod single;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use super::real::Real;

/// The functions that a model needs, of one number.
pub trait Elementary<T>: Copy + Send + Sync {
    /// `e^x`.
    fn exp(self, x: T) -> T;
    /// `e^x - 1`, accurate relative to itself however small `x` is.
    fn exp_m1(self, x: T) -> T;
    /// `ln(1 + x)`, accurate relative to itself however small `x` is.
    fn ln_1p(self, x: T) -> T;
    /// `ln(1 + e^x)`.
    fn softplus(self, x: T) -> T;
    /// `ln x`.
    fn ln(self, x: T) -> T;
    /// Mills ratio of the normal distribution, the probability above `x` over the density there, for `x >= -1`.
    fn mills(self, x: T) -> T;
    /// Change of the logarithm of the probability above `x` from `x >= 0` to `x + delta`, `|delta| <= 1`, accurate
    /// relative to itself however small `delta` is.
    fn ln_tail_change(self, x: T, delta: T) -> T;
}

/// The functions of the standard library: for single values, and as the twin of the tests.
#[derive(Clone, Copy, Debug)]
pub struct Standard;

/// Functions that vectorise; `FUSED` if the machine multiplies and adds in one instruction.
///
/// | | largest relative error `f32` | `f64` | outside of the range |
/// |---|---|---|---|
/// | `exp` | 1e-7 | 2e-16 | below -87 (-708) the value there, above 88.37 (709.4) infinity |
/// | `exp_m1` | 1.3e-7 | 3e-16 | below -87 (-708) -1, above 88.37 (709.4) infinity |
/// | `ln_1p` | 1.3e-7 | 3e-16 | -1 gives -infinity, less NaN; above 2^126 (2^1022) the value there |
/// | `softplus` | 1.6e-7 | 3e-16 | below -87 (-708) the value there |
/// | `ln` | 1.3e-7 | 3e-16 | 0 gives -infinity, less NaN; above 2^126 (2^1022) the value there |
/// | `mills` | 6e-7 | 1e-15 | below -1 no digits |
/// | `ln_tail_change` | 3e-6 | 4e-15 | outside of its domain no digits |
#[derive(Clone, Copy, Debug)]
pub struct Vector<const FUSED: bool>;

/// What [`Vector`] is made of for one type.
pub trait Functions: Sized + 'static {
    /// Coefficients of the Mills ratio.
    const MILLS: &'static [Self];

    /// `e^x`.
    #[must_use]
    fn exp<const FUSED: bool>(self) -> Self;
    /// `e^x - 1`.
    #[must_use]
    fn exp_m1<const FUSED: bool>(self) -> Self;
    /// `ln(1 + x)`.
    #[must_use]
    fn ln_1p<const FUSED: bool>(self) -> Self;
    /// `ln x`.
    #[must_use]
    fn ln<const FUSED: bool>(self) -> Self;
}

impl<T: Real, const FUSED: bool> Elementary<T> for Vector<FUSED> {
    #[inline(always)]
    fn exp(self, x: T) -> T {
        Functions::exp::<FUSED>(x)
    }

    #[inline(always)]
    fn exp_m1(self, x: T) -> T {
        Functions::exp_m1::<FUSED>(x)
    }

    #[inline(always)]
    fn ln_1p(self, x: T) -> T {
        Functions::ln_1p::<FUSED>(x)
    }

    #[inline(always)]
    fn softplus(self, x: T) -> T {
        x.max(T::ZERO) + self.ln_1p(self.exp(-x.abs()))
    }

    #[inline(always)]
    fn ln(self, x: T) -> T {
        Functions::ln::<FUSED>(x)
    }

    #[inline(always)]
    fn mills(self, x: T) -> T {
        normal::mills::<T, FUSED>(x)
    }

    #[inline(always)]
    fn ln_tail_change(self, x: T, delta: T) -> T {
        normal::ln_tail_change::<T, FUSED>(x, delta)
    }
}

macro_rules! standard {
    ($($t:ident),*) => {$(
        impl Elementary<$t> for Standard {
            #[inline]
            fn exp(self, x: $t) -> $t {
                x.exp()
            }

            #[inline]
            fn exp_m1(self, x: $t) -> $t {
                x.exp_m1()
            }

            #[inline]
            fn ln_1p(self, x: $t) -> $t {
                x.ln_1p()
            }

            #[inline]
            fn softplus(self, x: $t) -> $t {
                Real::max(x, 0.0) + (-x.abs()).exp().ln_1p()
            }

            #[inline]
            fn ln(self, x: $t) -> $t {
                x.ln()
            }

            #[inline]
            fn mills(self, x: $t) -> $t {
                $t::from_f64(normal::mills_by_definition(x.to_f64()))
            }

            #[inline]
            fn ln_tail_change(self, x: $t, delta: $t) -> $t {
                $t::from_f64(normal::ln_tail_change_by_definition(x.to_f64(), delta.to_f64()))
            }
        }
    )*};
}
standard!(f32, f64);

/// `c[0] + c[1] x + c[2] x² + ...`, with `square = x²`: Horner's rule for the even and for the odd powers, so that
/// the chain of operations that wait for each other is half as long.
#[inline(always)]
fn polynomial<T: Real, const FUSED: bool, const N: usize>(x: T, square: T, c: &[T; N]) -> T {
    let (mut upper, mut lower) = (c[N - 1], c[N - 2]);
    for k in (0..N - 2).rev() {
        (upper, lower) = (lower, upper.fma::<FUSED>(square, c[k]));
    }
    upper.fma::<FUSED>(x, lower)
}
