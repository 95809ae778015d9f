//! Convolved columns on a GPU, written out or not: the numbers of the CPU in double precision.
//!
//! Software adapters count here; without any adapter these tests say so and pass, unless the variable
//! `RHEOBASE_REQUIRE_GPU` asks for one.
#![cfg(feature = "gpu")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::common::{Random, at_a_point, gpu_number};
use ndarray::Array2;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::backend::gpu::Limits;
use rheobase::backend::{Backend, Cpu, Every, Gpu};
use rheobase::design::{Column, Convolution, Course, DesignPlan, Rows, Source, Values};
use rheobase::glm::{FittedGlm, GlmSpec, Response};
use rheobase::solver::Status;

const N_BINS: usize = 20_000;
const WINDOW: usize = 30;
const N_FUNCTIONS: usize = 4;

/// A device that writes out computed columns of so many bytes, for one test at a time.
fn gpu(most_bytes: u64) -> Option<(Gpu, MutexGuard<'static, ()>)> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let number = gpu_number()?;
    let limits = Limits { most_bytes: Some(most_bytes), ..Limits::default() };
    Some((Gpu::open_within(Some(&number), limits).unwrap(), turn))
}

fn source<'a>(name: &str, x: Values<'a>) -> Source<'a> {
    let labels = (0..x.ncols()).map(|j| format!("{name}{j}")).collect();
    Source { name: name.into(), labels, x }
}

/// Two epochs with a gap between them.
fn convolution(channels: Vec<Course>) -> Convolution {
    let functions = Array2::from_shape_fn((WINDOW, N_FUNCTIONS), |(lag, i)| {
        let z = (lag as f64 - 7.0 * i as f64) / 4.0;
        (-z * z).exp() * (1.0 - lag as f64 / WINDOW as f64)
    });
    let lags = Lags { window_bins: WINDOW, shift: -1 };
    Convolution::new(channels, N_BINS, functions, lags, &[0..8123, 8200..N_BINS]).unwrap()
}

/// Spike trains, signals far from 0, and two plain columns.
struct Problem {
    trains: Convolution,
    signals: Convolution,
    plain: Array2<f64>,
    y: Array2<f64>,
}

impl Problem {
    fn new() -> Self {
        let mut random = Random(5);
        let count = |random: &mut Random| f64::from(u8::from(random.uniform() < 0.04));
        let trains: Vec<Vec<f64>> =
            (0..3).map(|_| (0..N_BINS).map(|_| count(&mut random)).collect()).collect();
        let signals = (0..2).map(|_| Course::Samples((0..N_BINS).map(|_| 40.0 + random.normal()).collect()));
        let signals = convolution(signals.collect());
        let plain = Array2::from_shape_simple_fn((N_BINS, 2), || random.normal());
        let rate = |bin: usize| {
            let recent = trains[0][bin.saturating_sub(5)..bin].iter().sum::<f64>() + 0.3 * plain[[bin, 0]];
            (0.4 * recent - 1.5).exp()
        };
        let y = Array2::from_shape_fn((N_BINS, 1), |(bin, _)| random.poisson(rate(bin)));
        let trains = convolution(trains.iter().map(|x| Course::of_counts(x)).collect());
        Self { trains, signals, plain, y }
    }

    /// Trains alone, signals alone, and all kinds of columns side by side.
    fn plans(&self) -> [DesignPlan<'_>; 3] {
        let mut rows: Vec<usize> = self.trains.complete().iter().cloned().flatten().collect();
        rows.retain(|row| row % 1013 != 0 && !(4000..4100).contains(row));
        let rows: Rows = rows.into();
        let plan = |sources| DesignPlan::new(sources, rows.clone()).unwrap();
        [
            plan(vec![source("t", self.trains.all().into())]),
            plan(vec![source("s", self.signals.all().into())]),
            plan(vec![
                source("t", self.trains.all().into()),
                source("p", self.plain.view().into()),
                source("s", self.signals.all().into()),
            ]),
        ]
    }
}

fn assert_close(found: &[Vec<f64>], expected: &[Vec<f64>], what: &str) {
    for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
        let largest = expected.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        for (j, (a, b)) in found.iter().zip(expected).enumerate() {
            assert!((a - b).abs() <= 3e-6 * largest, "{what}, {k}[{j}]: {a}, not {b} (of {largest})");
        }
    }
}

#[test]
fn every_operation_is_that_of_the_cpu() {
    let problem = Problem::new();
    let expected = problem.plans().map(|plan| {
        [1, 4].map(|every| at_a_point(&Cpu::<f64>::default(), &plan, &problem.y, Every(every), -1.0))
    });
    for most_bytes in [0, u64::MAX] {
        let Some((gpu, _turn)) = gpu(most_bytes) else { return };
        for (k, (plan, expected)) in problem.plans().iter().zip(&expected).enumerate() {
            for (every, expected) in [1, 4].into_iter().zip(expected) {
                let what = format!("plan {k}, every {every}, {most_bytes} bytes");
                assert_close(&at_a_point(&gpu, plan, &problem.y, Every(every), -1.0), expected, &what);
            }
        }
    }
}

fn fit<B: Backend>(on: &B, plan: &DesignPlan, y: &Array2<f64>) -> FittedGlm {
    let response = Response { y: y.view().into(), names: vec!["y".into()] };
    GlmSpec::default().check().unwrap().fit(on, plan, &response, &mut |_| {}).unwrap()
}

#[test]
fn a_fit_without_a_matrix_is_that_of_the_cpu() {
    let problem = Problem::new();
    let Some((gpu, _turn)) = gpu(0) else { return };
    for plan in problem.plans() {
        let found = fit(&gpu, &plan, &problem.y).targets.remove(0);
        let expected = fit(&Cpu::<f64>::default(), &plan, &problem.y).targets.remove(0);
        assert_eq!((found.status, expected.status), (Status::Converged, Status::Converged));
        let apart = crate::common::relative(&found.coef, &expected.coef);
        assert!(apart <= 1e-8, "coefficients {apart:e}");
    }
}

#[test]
fn columns_that_do_not_fit_are_not_written_out() {
    let problem = Problem::new();
    let peak = |most_bytes: u64| {
        let (gpu, _turn) = gpu(most_bytes)?;
        let [_, plan, _] = &problem.plans();
        let columns: Vec<Column> = (0..plan.n_columns()).map(Column::Source).collect();
        let _design = plan.place(&gpu, &columns, 1).unwrap();
        Some(gpu.peak_bytes())
    };
    let n_bytes = (problem.plans()[1].rows().len() * 8 * 4) as u64;
    let (Some(written), Some(free)) = (peak(n_bytes), peak(n_bytes - 1)) else { return };
    assert!(written >= n_bytes && free < n_bytes, "{written} and {free} of {n_bytes} bytes");
}
