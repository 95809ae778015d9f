//! Workloads d1 and d2: many targets that share the spike histories of many neurons, in float32.
//!
//! Every neuron's past 200 bins go through 8 functions, and every target is driven by all of them. Mean counts of the
//! targets lie between 0.008 and 0.34 a bin, which is what makes sharing one metric among them hard.

use ndarray::{Array1, Array2, Axis, Zip};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use super::super::problem::{Columns, Problem};
use super::{ROWS_OF_A_STREAM, count, stream};
use crate::Result;
use crate::basis::{Expand, RaisedCosineLog};
use crate::features::{Causality, Channel, convolved};
use crate::time::{BinGrid, IntervalSet};

/// Bins of the window.
pub(super) const WINDOW: usize = 200;
/// Functions over the window.
pub(super) const N_FUNCTIONS: usize = 8;
/// Lowest and highest probability of a neuron's spike in a bin.
const SPIKES: [f64; 2] = [0.02, 0.03];
/// Lowest and highest expected count of a target in a bin where its features have their means.
const RATES: [f64; 2] = [0.008, 0.34];
/// Standard deviation of the linear predictor, were the columns independent.
const EFFECT: f32 = 0.3;
/// Largest relative loss gap.
const TOLERANCE: f64 = 1e-8;

/// A grid of bins of 1 ms without a gap.
pub(super) fn grid(n_bins: usize) -> Result<BinGrid> {
    BinGrid::new(&IntervalSet::new(&[0.0], &[n_bins as f64 * 1e-3])?, 1e-3)
}

/// Spikes of a neuron: at most one in a bin.
pub(super) fn spikes(n_bins: usize, probability: f64, random: &mut ChaCha8Rng) -> Vec<f64> {
    (0..n_bins).map(|_| f64::from(u8::from(random.random_bool(probability)))).collect()
}

/// The histories of `n_neurons` neurons, and the counts of `n_targets` targets that depend on them.
pub(super) fn problem(n_rows: usize, n_neurons: usize, n_targets: usize) -> Result<Problem> {
    let x = histories(n_rows, n_neurons)?;
    let y = counts(&x, n_targets);
    Ok(Problem { x: Columns::Single(x), y: y.into(), tolerance: TOLERANCE })
}

/// A value between two, `part` of the way.
fn between([low, high]: [f64; 2], k: usize, n: usize) -> f64 {
    low + (high - low) * k as f64 / (n.max(2) - 1) as f64
}

/// Neuron by neuron, so that no more than its own columns are held in float64.
fn histories(n_rows: usize, n_neurons: usize) -> Result<Array2<f32>> {
    let grid = grid(n_rows + WINDOW)?;
    let kernel = RaisedCosineLog::new(N_FUNCTIONS)?.kernel(WINDOW)?;
    let mut x = Array2::zeros((n_rows, n_neurons * N_FUNCTIONS));
    for (neuron, mut columns) in x.axis_chunks_iter_mut(Axis(1), N_FUNCTIONS).enumerate() {
        let values = spikes(grid.n_bins(), between(SPIKES, neuron, n_neurons), &mut stream(neuron));
        let channel = Channel { label: format!("neuron {neuron}"), values };
        let block = convolved(&grid, "units", &[channel], &kernel, Causality::Causal, false)?;
        let complete = block.x.rows().into_iter().zip(&block.edge).filter(|(_, is_edge)| !**is_edge);
        for (mut row, (values, _)) in columns.rows_mut().into_iter().zip(complete) {
            Zip::from(&mut row).and(values).for_each(|x, &value| *x = value as f32);
        }
    }
    Ok(x)
}

/// Counts with mean `rate_k exp(sum_j v_jk (x_j - mean_j) / sd_j)`, rates evenly spaced in their logarithm.
fn counts(x: &Array2<f32>, n_targets: usize) -> Array2<f64> {
    let mut random = stream(x.ncols());
    let scale = EFFECT / (x.ncols() as f32).sqrt();
    // moments of single precision will do: they only set how strong an effect is
    let moments = x.slice_axis(Axis(0), (..x.nrows().min(ROWS_OF_A_STREAM)).into());
    let mean = moments.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(x.ncols()));
    let sd = moments.std_axis(Axis(0), 0.0);
    let mut w = Array2::from_shape_simple_fn((x.ncols(), n_targets), || -> f32 {
        let drawn: f32 = StandardNormal.sample(&mut random);
        scale * drawn
    });
    w.rows_mut().into_iter().zip(sd).for_each(|(mut w, sd)| w /= sd.max(f32::MIN_POSITIVE));
    let logarithms = RATES.map(f64::ln);
    let offset =
        Array1::from_shape_fn(n_targets, |k| between(logarithms, k, n_targets) as f32) - mean.dot(&w);
    let mut y = Array2::zeros((x.nrows(), n_targets));
    let counts = y.axis_chunks_iter_mut(Axis(0), ROWS_OF_A_STREAM);
    let blocks: Vec<_> = x.axis_chunks_iter(Axis(0), ROWS_OF_A_STREAM).zip(counts).collect();
    blocks.into_par_iter().enumerate().for_each(|(block, (x, mut y))| {
        let mut random = stream(x.ncols() + 1 + block);
        let eta = x.dot(&w) + &offset;
        y.iter_mut().zip(eta).for_each(|(y, eta)| *y = count(f64::from(eta).exp(), &mut random));
    });
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_span_their_range_and_columns_are_complete() {
        let problem = problem(10_000, 3, 5).unwrap();
        let Columns::Single(x) = &problem.x else { panic!("float32") };
        assert_eq!((x.dim(), problem.y.to_f64().dim()), ((10_000, 24), (10_000, 5)));
        assert!(x.iter().all(|x| x.is_finite()) && x.columns().into_iter().all(|x| x.sum() > 0.0));
        let rates = problem.y.to_f64().mean_axis(Axis(0)).unwrap();
        assert!((0.005..0.015).contains(&rates[0]) && (0.25..0.5).contains(&rates[4]), "{rates}");
    }
}
