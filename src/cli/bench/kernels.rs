//! Times of the kernels that fits are made of, on data that are made here.
//!
//! The numbers of the data do not matter, only how many there are: dense designs are as large as they are asked for, and
//! convolved ones have the window, the functions and the density of spikes that recordings have.

use std::hint::black_box;
use std::time::Instant;

use ndarray::Array2;

use crate::backend::cpu::convolution::build_features::{Channel, FeatureBuilder, Span};
use crate::backend::cpu::convolution::events::Events;
use crate::backend::cpu::convolution::filters::Filters;
use crate::backend::cpu::convolution::lags::Lags;
use crate::backend::cpu::simd::Level;
use crate::backend::cpu::{FILL_ROWS, Storage};
use crate::backend::{Cpu, Every, Model};
use crate::design::{Column, Convolution, Course, DesignPlan, Form, Rows, Source};
use crate::math::dense::{Cholesky, Matrix};
use crate::objective::{GlmObjective, Objective, Packed, Weight};
use crate::{Error, Result};

/// Repetitions of which the best counts.
const REPETITIONS: usize = 7;
/// Lags of the window.
pub(super) const WINDOW: usize = 200;
/// The window.
pub(super) const LAGS: Lags = Lags { window_bins: WINDOW, shift: -1 };
/// Functions of the window.
pub(super) const N_FUNCTIONS: usize = 8;
/// Bins of a channel.
pub(super) const N_BINS: usize = 1 << 16;
/// One bin in so many has a spike.
pub(super) const SPARSITY: u64 = 50;
/// Rows that a channel is written for.
const N_WRITTEN: usize = N_BINS / FILL_ROWS * FILL_ROWS - FILL_ROWS;

/// Seconds of the fastest of several runs, after one that counts for nothing.
fn best(mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let mut least = f64::INFINITY;
    for _ in 0..REPETITIONS {
        let started = Instant::now();
        work()?;
        least = least.min(started.elapsed().as_secs_f64());
    }
    Ok(least)
}

/// Runs work on a thread of its own, for the option that asks for it.
pub(super) fn on_one_thread<T: Send>(option: &str, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let help = "allow this process more threads (ulimit -u)";
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    one.map_err(|error| Error::argument(option, "a thread", error.to_string(), help))?.install(work)
}

/// What is done with a design.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// Losses and gradients of so many targets.
    Pass(usize),
    /// The flat Gram of all rows.
    Gram,
    /// Loss, gradient and Hessian.
    Hessian,
    /// Loss, gradient and optimality residual.
    Residual,
    /// Change of the loss along a line that is kept.
    Change,
}

/// Seconds of work with columns that lie in memory, in numbers of one kind.
pub(super) fn dense<T: Storage>(n_rows: usize, n_columns: usize, work: Work) -> Result<f64> {
    let x = Array2::from_shape_fn((n_rows, n_columns), |(i, j)| ((31 * i + 17 * j) % 101) as f64);
    let labels = (0..n_columns).map(|j| format!("x{j}")).collect();
    let source = Source { name: "x".into(), labels, x: x.view().into() };
    design::<T>(&DesignPlan::new(vec![source], 0..n_rows)?, n_rows, work)
}

/// Seconds of a pass in `f32`, for each bin, over the features of channels in this form.
pub(super) fn convolved(channels: Vec<Course>, form: Form) -> Result<f64> {
    let functions = Array2::from_shape_fn((WINDOW, N_FUNCTIONS), |(lag, i)| tap(i, lag));
    let of = Convolution::new(channels, N_BINS, functions, LAGS, std::slice::from_ref(&(0..N_BINS)))?;
    let labels = (0..of.n_columns()).map(|j| format!("x{j}")).collect();
    let source = Source { name: "x".into(), labels, x: of.all().into() };
    let plan = DesignPlan::new(vec![source], Rows::from_ranges(of.complete().iter().cloned()))?;
    let plan = plan.with_forms("cpu", vec![form]);
    Ok(design::<f32>(&plan, N_BINS, Work::Pass(1))? / plan.n_rows() as f64)
}

fn design<T: Storage>(plan: &DesignPlan, n_bins: usize, work: Work) -> Result<f64> {
    let n_targets = if let Work::Pass(n_targets) = work { n_targets } else { 1 };
    let y = Array2::from_shape_fn((n_bins, n_targets), |(i, k)| f64::from(u8::from((i + k) % 10 == 0)));
    let y = Packed::new(y.view(), plan.rows());
    let on = Cpu::<T>::default();
    let columns: Vec<Column> = (0..plan.n_columns()).map(Column::Source).collect();
    let f = GlmObjective::new(&on, plan, &columns, &y, Model::default())?;
    let mut f = f.with_lines_of(usize::MAX);
    let targets: Vec<usize> = (0..n_targets).collect();
    // not 0, where a pass would leave half of its work out
    let at = Matrix::from_elem((f.n_parameters(), n_targets), 1e-3);
    let (of_one, mut gradient) = (at.column(0).to_vec(), at.clone());
    if let Work::Change = work {
        f.aim(&at, &at, &targets)?;
    }
    best(|| match work {
        Work::Pass(_) => f.loss_gradient(&at, &targets, Every::ROW, &mut gradient).map(drop),
        Work::Gram => f.gram(Every::ROW, Weight::Flat).map(drop),
        Work::Hessian => f.quadratic(&of_one, 0).map(drop),
        Work::Residual => f.optimality(&at, &targets, &[1e-6]).map(drop),
        Work::Change => f.loss_changes(&[0.5]).map(drop),
    })
}

/// Seconds of a Cholesky factorisation of so many rows.
pub(super) fn cholesky(n: usize) -> Result<f64> {
    let a = Matrix::from_shape_fn((n, n), |(i, j)| 0.5_f64.powi(i.abs_diff(j) as i32));
    best(|| {
        black_box(Cholesky::new(&a));
        Ok(())
    })
}

/// Seconds of writing the features of a channel, for each bin, into memory that is in cache.
pub(super) fn written(channel: Channel) -> Result<f64> {
    let taps: Vec<f64> = (0..N_FUNCTIONS).flat_map(|i| (0..WINDOW).map(move |lag| tap(i, lag))).collect();
    let filters = Filters::new(LAGS, &taps);
    let builder = FeatureBuilder::<f32>::new(Level::best(), vec![channel], filters);
    let mut tiles = vec![0.0; FILL_ROWS * N_FUNCTIONS];
    let seconds = best(|| {
        for start in (FILL_ROWS..FILL_ROWS + N_WRITTEN).step_by(FILL_ROWS) {
            let span = Span { rows: start..start + FILL_ROWS, to: 0 };
            builder.write_tiles(&[span], 0, &mut tiles, N_FUNCTIONS, 0);
        }
        Ok(())
    })?;
    black_box(&tiles);
    Ok(seconds / N_WRITTEN as f64)
}

fn tap(function: usize, lag: usize) -> f64 {
    (-((lag as f64 - 25.0 * function as f64) / 20.0).powi(2)).exp()
}

/// Spikes in one of so many bins on average, at irregular distances; other numbers of a channel are other bins.
pub(super) fn spikes(channel: usize, sparsity: u64) -> Events {
    let has_one = |bin: usize| {
        let number = (bin + N_BINS * channel) as u64 + 1;
        let mixed = (number ^ (number << 21)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        f64::from(u8::from((mixed >> 32).is_multiple_of(sparsity)))
    };
    let counts: Vec<f64> = (0..N_BINS).map(has_one).collect();
    Events::from_counts(&counts).unwrap_or_default()
}

/// A signal that is never 0.
pub(super) fn signal(channel: usize) -> Vec<f64> {
    (0..N_BINS).map(|bin| 2.0 + (0.1 * bin as f64 + channel as f64).sin()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spikes_are_as_dense_as_asked_and_those_of_their_channel() {
        for sparsity in [4, SPARSITY] {
            let (n, expected) = (spikes(0, sparsity).all().len() as f64, N_BINS as f64 / sparsity as f64);
            assert!((n - expected).abs() < 0.1 * expected, "{n} spikes, not {expected}");
        }
        let bins =
            |channel| spikes(channel, SPARSITY).all().iter().map(|event| event.bin).collect::<Vec<u32>>();
        assert!(bins(0) != bins(1) && bins(2) == bins(2));
        assert!(signal(1).iter().all(|&x| x != 0.0));
    }
}
