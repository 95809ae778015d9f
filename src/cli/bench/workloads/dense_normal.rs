//! Workload b: a large dense design of standard normal columns in float32.
//!
//! Well conditioned and larger than every cache: what is timed is how often, and how fast, the columns are read.

use ndarray::{Array1, Array2, Axis};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use super::super::problem::{Columns, Problem};
use super::{ROWS_OF_A_STREAM, count, stream};

/// Logarithm of the expected count where all columns are 0.
const INTERCEPT: f32 = -2.0;
/// Standard deviation of the linear predictor.
const EFFECT: f32 = 0.5;
/// Largest relative loss gap.
const TOLERANCE: f64 = 1e-10;

/// Standard normal columns and counts of one target with mean `exp(x·w - 2)`, `|w| = 0.5`.
pub(super) fn problem(n_rows: usize, n_columns: usize) -> Problem {
    let drawn = Array1::from_shape_simple_fn(n_columns, {
        let mut random = stream(0);
        move || -> f32 { StandardNormal.sample(&mut random) }
    });
    let w = &drawn * (EFFECT / drawn.dot(&drawn).sqrt());
    let mut x = Array2::zeros((n_rows, n_columns));
    let mut y = Array2::zeros((n_rows, 1));
    let counts = y.axis_chunks_iter_mut(Axis(0), ROWS_OF_A_STREAM);
    let blocks: Vec<_> = x.axis_chunks_iter_mut(Axis(0), ROWS_OF_A_STREAM).zip(counts).collect();
    blocks.into_par_iter().enumerate().for_each(|(block, (mut x, mut y))| {
        let mut random = stream(1 + block);
        x.iter_mut().for_each(|x| *x = StandardNormal.sample(&mut random));
        let eta = x.dot(&w) + INTERCEPT;
        y.iter_mut().zip(eta).for_each(|(y, eta)| *y = count(f64::from(eta).exp(), &mut random));
    });
    Problem { x: Columns::Single(x), y: y.into(), tolerance: TOLERANCE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_model() {
        let problem = problem(20_000, 10);
        let Columns::Single(x) = &problem.x else { panic!("float32") };
        let mean = x.mean().unwrap();
        let variance = x.mapv(|x| x * x).mean().unwrap();
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
        // of a log-normal: exp(-2 + 0.5²/2)
        let rate = problem.y.to_f64().mean().unwrap();
        assert!((rate / (-1.875_f64).exp() - 1.0).abs() < 0.06, "{rate}");
    }
}
