//! Tails of the normal distribution.
//!
//! The Mills ratio `R(x)`, the probability above `x` over the density there, falls slowly where both vanish. With
//! `t = (x - 3) / (x + 5.125)`, which takes `x` from -1.0625 to infinity to -1 to 1, `(x + 3) R(x)` is a polynomial in `t`:
//! interpolated at Chebyshev nodes, to 1e-17 (2e-8 in `f32`). The derivative of `ln R` is `x - 1 / R`, so that of the
//! logarithm of the probability is `-1 / R`.
//!
//! # Source
//! M. M. Shepherd, J. G. Laframboise, "Chebyshev approximation of `(1 + 2x) exp(x²) erfc(x)` in `0 <= x < infinity`",
//! Math. Comp. 36 (1981), for the change of variable.

use super::{Elementary, Standard, Vector};
use crate::math::real::Real;

/// The change of variable, and what the ratio is multiplied with.
const CENTRE: f64 = 3.0;
const SHIFT: f64 = 5.125;
/// Where the ratio is `1 / x` to all digits; beyond it nothing must overflow.
const FAR: f64 = 1e18;
/// Where the definition loses digits to the rounding of a square, and terms of the continued fraction from there on.
const FRACTION_FROM: f64 = 4.0;
const N_TERMS: usize = 80;
/// Nodes and weights of the integral over -1 to 1 with eight nodes (Gauss), the positive ones.
const NODES: [[f64; 2]; 4] = [
    [0.960_289_856_497_536_2, 0.101_228_536_290_376_26],
    [0.796_666_477_413_626_7, 0.222_381_034_453_374_48],
    [0.525_532_409_916_329, 0.313_706_645_877_887_27],
    [0.183_434_642_495_649_8, 0.362_683_783_378_362],
];

/// The variable of the polynomial.
#[inline(always)]
fn variable<T: Real>(x: T) -> T {
    (x - T::from_f64(CENTRE)) / (x + T::from_f64(SHIFT))
}

/// `R(x)` for `x >= -1.0625`.
#[inline(always)]
pub(super) fn mills<T: Real, const FUSED: bool>(x: T) -> T {
    let x = Real::min(T::from_f64(FAR), x);
    let t = variable(x);
    let (c, square) = (T::MILLS, t * t);
    let (mut upper, mut lower) = (c[c.len() - 1], c[c.len() - 2]);
    for k in (0..c.len() - 2).rev() {
        (upper, lower) = (lower, upper.fma::<FUSED>(square, c[k]));
    }
    upper.fma::<FUSED>(t, lower) / (x + T::from_f64(CENTRE))
}

/// `ln Q(x + delta) - ln Q(x)` of the probability `Q` above, for `x >= 0` and `|delta| <= 1`.
///
/// With `R = p(t) / (x + 3)` it is `-delta (x + delta/2) + ln(R(x + delta) / R(x))`; the difference of `p` is that of `t`
/// times a divided difference, which Horner's rule gives beside the value.
#[inline(always)]
pub(super) fn ln_tail_change<T: Real, const FUSED: bool>(x: T, delta: T) -> T {
    let [centre, shift] = [CENTRE, SHIFT].map(T::from_f64);
    let there = x + delta;
    let (from, to) = (variable(x), variable(there));
    let c = T::MILLS;
    let (mut value, mut slope) = (c[c.len() - 1], T::ZERO);
    for k in (0..c.len() - 1).rev() {
        slope = slope.fma::<FUSED>(to, value);
        value = value.fma::<FUSED>(from, c[k]);
    }
    let change = slope * (centre + shift) * delta / ((x + shift) * (there + shift));
    let ratio = (change / value * (x + centre) - delta) / (there + centre);
    Vector::<FUSED>.ln_1p(ratio) - delta * (x + T::from_f64(0.5) * delta)
}

/// `R(x)` by the error function, or far out by its continued fraction `1 / (x + 1 / (x + 2 / (x + ..)))`.
pub(super) fn mills_by_definition(x: f64) -> f64 {
    if x < FRACTION_FROM {
        let above = libm::erfc(x * std::f64::consts::FRAC_1_SQRT_2);
        return (0.5 * std::f64::consts::PI).sqrt() * (0.5 * x * x).exp() * above;
    }
    (1..=N_TERMS).rev().fold(x, |rest, k| x + k as f64 / rest).recip()
}

/// The integral of `-1 / R` from `x` to `x + delta`.
pub(super) fn ln_tail_change_by_definition(x: f64, delta: f64) -> f64 {
    let half = 0.5 * delta;
    let hazard = |at: f64| Elementary::<f64>::mills(Standard, x + half + half * at).recip();
    -half * NODES.iter().map(|&[node, weight]| weight * (hazard(node) + hazard(-node))).sum::<f64>()
}
