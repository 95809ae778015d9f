//! The lowest point of a smooth loss of few numbers, by Newton's method with Levenberg's damping.
//!
//! A step solves `(H + tau I) s = -g` with slope `g` and curvature `H`, and is taken if the loss falls by at least 1/4 of what the
//! slope and the curvature promise. A smaller slope says nothing of a step that went too far: where probabilities are all but 0 or 1
//! slope and curvature vanish together, whatever the loss. So slopes decide only between losses that agree to rounding.
//!
//! # Source
//! D. W. Marquardt, SIAM J. Appl. Math. 11 (1963).

use crate::math::dense::{Cholesky, Matrix};

/// Points that are looked at, at most.
const MOST_LOOKS: usize = 300;
/// The length of a step, in parts of `1 + |b|`, that is rounding.
const SETTLED: f64 = 4.0 * f64::EPSILON;
/// The length of an undamped step, in the same parts, that moves no loss beyond rounding.
const SHORT: f64 = 1e-8;
/// Losses that differ by less of themselves are the same.
const ROUNDING: f64 = 1e-13;
/// The part of a promised fall that must come, and that from which on less damping is tried.
const ENOUGH: f64 = 0.25;
const GOOD: f64 = 0.75;
/// By what damping changes, and the least of it: in parts of the curvature, and of what makes a step as long as `1 + |b|`.
const FACTOR: f64 = 8.0;
const LEAST: f64 = 1e-3;

/// What a loss does at a point.
pub(super) trait Point {
    /// The numbers.
    fn at(&self) -> &[f64];
    fn loss(&self) -> f64;
    /// The slope by each number.
    fn slope(&self) -> &[f64];
    /// Its Hessian, or what is expected of it: shape (numbers, numbers).
    fn curvature(&self) -> &Matrix;
}

fn size(own: &[f64]) -> f64 {
    own.iter().fold(0.0, |a: f64, b| a.max(b.abs()))
}

/// A step from a point with this damping; `None` if there is none: where a curvature is 0 nothing bounds it.
fn step<P: Point>(here: &P, damping: f64) -> Option<Vec<f64>> {
    let mut damped = here.curvature().clone();
    damped.diag_mut().iter_mut().for_each(|own| *own += damping);
    if damped.diag().iter().any(|own| *own <= 0.0) {
        return None;
    }
    let step: Vec<f64> = Cholesky::new(&damped)?.solve(here.slope()).iter().map(|d| -d).collect();
    step.iter().all(|d| d.is_finite()).then_some(step)
}

/// By how much the loss falls along a step, by slope and curvature.
fn promised<P: Point>(here: &P, step: &[f64]) -> f64 {
    let along: f64 = here.slope().iter().zip(step).map(|(g, d)| g * d).sum();
    let bent: f64 = here.curvature().indexed_iter().map(|((a, b), own)| step[a] * own * step[b]).sum();
    -(along + 0.5 * bent)
}

/// Goes down from a point as far as rounding lets it. No point on the way is higher than the one before by more than rounding, and the
/// numbers of the result are those at its own point: also of a loss so bent that it had not settled when the looks were used up.
pub(super) fn lowest<P: Point>(begin: P, look: impl Fn(Vec<f64>) -> P) -> P {
    let mut here = begin;
    let mut damping = 0.0;
    for _ in 0..MOST_LOOKS {
        let unit = 1.0 + size(here.at());
        let steepness = size(here.slope());
        if !steepness.is_finite() || steepness == 0.0 {
            break;
        }
        let undamped = step(&here, 0.0).map_or(f64::INFINITY, |own| size(&own));
        if undamped <= SETTLED * unit {
            break;
        }
        let bend = here.curvature().diag().iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        let least = LEAST * bend.max(steepness / unit);
        if let Some(step) = step(&here, damping) {
            let promised = promised(&here, &step);
            let there = look(here.at().iter().zip(&step).map(|(a, b)| a + b).collect());
            let (fall, rounding) = (here.loss() - there.loss(), ROUNDING * here.loss().abs());
            let is_even = fall.abs() <= rounding;
            if fall >= ENOUGH * promised || (is_even && size(there.slope()) < steepness) {
                if fall >= GOOD * promised || is_even {
                    damping = if damping > least { damping / FACTOR } else { 0.0 };
                }
                here = there;
                continue;
            }
            if undamped <= SHORT * unit || (is_even && promised <= rounding) || size(&step) <= SETTLED * unit
            {
                break;
            }
        }
        damping = (FACTOR * damping).max(least);
    }
    here
}
