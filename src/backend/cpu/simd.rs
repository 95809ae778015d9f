//! Which vector instructions a kernel runs with.
//!
//! The binary is built for every machine of its family and chooses at run time: a kernel is a struct whose body is
//! compiled once per [`Level`]. Bodies are plain loops over arrays of known length, which the compiler turns into
//! vectors of the level's width; everything a body calls is `#[inline(always)]`, because a function that is not
//! inlined is compiled for the weakest level. Bits differ between levels (fused multiplication, or not), never
//! between runs on one level.

use pulp::{Scalar, Simd, WithSimd};

use crate::math::real::Real;

/// A set of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// What every processor of the family has, without fused multiplication: the twin of the tests.
    Scalar,
    /// x86-64 with AVX2 and FMA: 256 bits.
    Avx2,
    /// x86-64 with the AVX-512 subset of current servers: 512 bits.
    Avx512,
    /// 64-bit ARM: 128 bits.
    Neon,
}

impl Level {
    /// Every level that this machine has, weakest first.
    pub fn available() -> Vec<Self> {
        [Self::Scalar, Self::Avx2, Self::Avx512, Self::Neon]
            .into_iter()
            .filter(|l| l.is_available())
            .collect()
    }

    /// The strongest level that this machine has.
    pub fn best() -> Self {
        [Self::Avx512, Self::Avx2, Self::Neon].into_iter().find(|l| l.is_available()).unwrap_or(Self::Scalar)
    }

    /// The word for it in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            Self::Avx2 => pulp::x86::V3::try_new().is_some(),
            Self::Avx512 => pulp::x86::V4::try_new().is_some(),
            Self::Neon => false,
        }
    }

    #[cfg(target_arch = "aarch64")]
    fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            Self::Avx2 | Self::Avx512 => false,
            Self::Neon => pulp::aarch64::Neon::try_new().is_some(),
        }
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn is_available(self) -> bool {
        self == Self::Scalar
    }
}

/// A kernel whose body is plain loops: `FUSED` says whether the level multiplies and adds in one instruction.
pub trait Kernel {
    /// What it returns.
    type Output;
    /// The body; `#[inline(always)]` in every implementation.
    fn run<const FUSED: bool>(self) -> Self::Output;
}

struct Plain<K>(K);

impl<K: Kernel> WithSimd for Plain<K> {
    type Output = K::Output;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> K::Output {
        if S::IS_SCALAR { self.0.run::<false>() } else { self.0.run::<true>() }
    }
}

/// Runs a kernel of plain loops at a level (at the scalar one if the machine does not have it).
#[inline]
pub fn run<K: Kernel>(level: Level, kernel: K) -> K::Output {
    dispatch(level, Plain(kernel))
}

/// Runs a kernel of explicit vectors at a level (at the scalar one if the machine does not have it).
#[inline]
pub fn dispatch<Op: WithSimd>(level: Level, op: Op) -> Op::Output {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => {
            if let Some(simd) = pulp::x86::V4::try_new() {
                return Simd::vectorize(simd, op);
            }
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => {
            if let Some(simd) = pulp::x86::V3::try_new() {
                return Simd::vectorize(simd, op);
            }
        }
        #[cfg(target_arch = "aarch64")]
        Level::Neon => {
            if let Some(simd) = pulp::aarch64::Neon::try_new() {
                return Simd::vectorize(simd, op);
            }
        }
        _ => {}
    }
    Simd::vectorize(Scalar, op)
}

/// `a b + c` in a kernel of explicit vectors, fused where the level has it.
#[inline(always)]
pub fn multiply_add<S: Simd, T: Real>(a: T, b: T, c: T) -> T {
    if S::IS_SCALAR { a * b + c } else { a.mul_add(b, c) }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Product;

    impl Kernel for Product {
        type Output = (f64, bool);

        #[inline(always)]
        fn run<const FUSED: bool>(self) -> Self::Output {
            (std::hint::black_box(3.0) * 2.0, FUSED)
        }
    }

    #[test]
    fn levels_are_ordered_and_each_runs() {
        let levels = Level::available();
        assert_eq!(levels.first(), Some(&Level::Scalar));
        assert_eq!(levels.last(), Some(&Level::best()));
        for level in levels {
            assert_eq!(run(level, Product), (6.0, level != Level::Scalar), "{}", level.name());
        }
    }

    #[test]
    fn a_level_that_is_missing_runs_as_scalar() {
        for level in [Level::Scalar, Level::Avx2, Level::Avx512, Level::Neon] {
            if !Level::available().contains(&level) {
                assert_eq!(run(level, Product), (6.0, false));
            }
        }
    }
}
