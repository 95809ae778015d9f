//! Exponential and logarithm for kernels: without branches, so that a loop over an array becomes vectors.
//!
//! The library functions are one call a value and keep a kernel from being vectorised at all. [`Vector`] has the
//! same functions as polynomials after a reduction of the argument, in `f32` and `f64`, with bounds that the tests
//! of this module hold against a reference of twice the precision. NaN in gives NaN out, everywhere.

mod double;
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
#[derive(Clone, Copy, Debug)]
pub struct Vector<const FUSED: bool>;

/// What [`Vector`] is made of for one type.
pub trait Functions: Sized {
    /// `e^x`.
    fn exp<const FUSED: bool>(self) -> Self;
    /// `e^x - 1`.
    fn exp_m1<const FUSED: bool>(self) -> Self;
    /// `ln(1 + x)`.
    fn ln_1p<const FUSED: bool>(self) -> Self;
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
        }
    )*};
}
standard!(f32, f64);

/// `c[0] + c[1] x + c[2] x² + ...` by Horner's rule.
#[inline(always)]
fn polynomial<T: Real, const FUSED: bool, const N: usize>(x: T, c: &[T; N]) -> T {
    let mut sum = c[N - 1];
    for k in (0..N - 1).rev() {
        sum = sum.fma::<FUSED>(x, c[k]);
    }
    sum
}
