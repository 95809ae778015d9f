//! Times of the CPU kernels. Every kernel is first compared with a plain loop or with its alternative.
#![forbid(unsafe_code)]

#[path = "../tests/common/mod.rs"]
mod common;
mod machine;

use std::hint::black_box;
use std::ops::Range;
use std::time::Duration;

use common::{Random, poisson_data, source};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group};
use ndarray::{Array2, Axis};
use rheobase::backend::cpu::convolution::build_features::{Channel as Way, FeatureBuilder, Span};
use rheobase::backend::cpu::convolution::convolve_events::convolve_events;
use rheobase::backend::cpu::convolution::correlate_events::{Residuals, correlate_events};
use rheobase::backend::cpu::convolution::events::{EventChannels, Events};
use rheobase::backend::cpu::convolution::filters::Filters;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::backend::cpu::convolution::spectra::Spectra;
use rheobase::backend::cpu::convolution::transforms::{Fourier, block_rows};
use rheobase::backend::cpu::simd::Level;
use rheobase::backend::cpu::{FILL_ROWS, TILE_ROWS};
use rheobase::backend::{Backend, Cpu, Every, Model};
use rheobase::basis::{Expand, RaisedCosineLog};
use rheobase::design::{Column, DesignPlan};
use rheobase::objective::{GlmObjective, Objective, Packed};

/// Rows and columns of the history model on one sweep, and of a larger problem.
const SIZES: [(usize, usize); 2] = [(27_820, 8), (100_000, 40)];

fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |m: f64, x| if x.abs() > m || x.is_nan() { x.abs() } else { m })
}

fn convolutions(criterion: &mut Criterion) {
    let mut random = Random(1);
    let signal: Vec<f64> = (0..28_000).map(|_| random.normal()).collect();
    let mut group = criterion.benchmark_group("convolve 28000 bins, 8 functions");
    for window_bins in [25, 200, 1000] {
        let kernel = RaisedCosineLog::new(8).unwrap().kernel(window_bins).unwrap();
        let lags = Lags { window_bins, shift: -1 };
        let taps: Vec<f64> = kernel.columns().into_iter().flatten().copied().collect();
        let builder = |way| FeatureBuilder::new(Level::best(), vec![way], Filters::<f64>::new(lags, &taps));
        let rows = lags.complete_rows(&(0..signal.len()));
        let spans = [Span { to: rows.start, rows }];
        let (direct, fft) = (builder(Way::Direct(&signal, 0.0)), builder(Way::Fft(&signal, 0.0)));
        let mut summed = Array2::zeros((signal.len(), 8));
        let mut transformed = summed.clone();
        direct.write_rows(&spans, summed.as_slice_mut().unwrap(), 8);
        fft.write_rows(&spans, transformed.as_slice_mut().unwrap(), 8);
        let weight = largest(kernel.columns().into_iter().map(|taps| taps.mapv(f64::abs).sum()));
        let allowed = 1e-12 * largest(signal.iter().copied()) * weight.max(1.0);
        assert!(largest(&summed - &transformed) <= allowed, "window of {window_bins} bins");
        for (name, builder) in [("direct", &direct), ("fft", &fft)] {
            group.bench_function(BenchmarkId::new(name, window_bins), |bencher| {
                bencher.iter(|| builder.write_rows(&spans, black_box(summed.as_slice_mut().unwrap()), 8));
            });
        }
    }
    group.finish();
}

/// Channels with one filter each, residuals of the rows, and what the plain sums of both are.
struct Channels {
    lags: Lags,
    x: Vec<Vec<f64>>,
    taps: Vec<f64>,
    rows: Range<usize>,
    residuals: Vec<f64>,
    eta: Vec<f64>,
    lag_sums: Vec<f64>,
}

impl Channels {
    fn new(mut value: impl FnMut(&mut Random) -> f64) -> Self {
        let (n_bins, n_channels, lags) = (28_000, 10, Lags { window_bins: 200, shift: -1 });
        let mut random = Random(3);
        let x: Vec<Vec<f64>> =
            (0..n_channels).map(|_| (0..n_bins).map(|_| value(&mut random)).collect()).collect();
        let taps: Vec<f64> = (0..n_channels * lags.window_bins).map(|_| random.normal()).collect();
        let rows = lags.complete_rows(&(0..n_bins));
        let residuals: Vec<f64> = rows.clone().map(|_| random.normal()).collect();
        let (mut eta, mut lag_sums) = (vec![0.0; rows.len()], vec![0.0; taps.len()]);
        for (k, (tap, sum)) in taps.iter().zip(&mut lag_sums).enumerate() {
            let (channel, lag) = (k / lags.window_bins, k % lags.window_bins);
            let first = rows.start - 1 - lag;
            let values = &x[channel][first..first + rows.len()];
            eta.iter_mut().zip(values).for_each(|(eta, x)| *eta += tap * x);
            *sum = residuals.iter().zip(values).map(|(r, x)| r * x).sum();
        }
        Self { lags, x, taps, rows, residuals, eta, lag_sums }
    }

    /// Checks two kernels, which add to linear predictors and to sums over lags, and measures them.
    fn bench<T: Fourier>(
        &self,
        group: &mut BenchmarkGroup<WallTime>,
        level: Level,
        mut convolve: impl FnMut(&mut [T]),
        mut correlate: impl FnMut(&[T], &mut [f64]),
    ) {
        let (numbers, allowed) = if size_of::<T>() == 4 { ("f32", 1e-5) } else { ("f64", 1e-12) };
        let name = format!("{numbers} {}", level.name());
        let residuals: Vec<T> = self.residuals.iter().map(|&r| T::from_f64(r)).collect();
        let (mut eta, mut lag_sums) = (vec![T::ZERO; self.rows.len()], vec![0.0; self.taps.len()]);
        convolve(&mut eta);
        correlate(&residuals, &mut lag_sums);
        let error = largest(eta.iter().zip(&self.eta).map(|(eta, expected)| eta.to_f64() - expected));
        assert!(error <= allowed * largest(self.eta.iter().copied()), "convolution, {name}: {error:e}");
        let error = largest(lag_sums.iter().zip(&self.lag_sums).map(|(sum, expected)| sum - expected));
        assert!(error <= allowed * largest(self.lag_sums.iter().copied()), "correlation, {name}: {error:e}");
        group.bench_function(format!("forward, {name}"), |bencher| {
            bencher.iter(|| convolve(black_box(&mut eta)));
        });
        group.bench_function(format!("back, {name}"), |bencher| {
            bencher.iter(|| correlate(black_box(&residuals), &mut lag_sums));
        });
    }
}

fn events(criterion: &mut Criterion) {
    let channels = Channels::new(|random| f64::from(u8::from(random.uniform() < 0.02)));
    let mut group = criterion.benchmark_group("10 spike trains, 28000 bins, 200 lags");
    for level in Level::available() {
        events_at::<f32>(&mut group, level, &channels);
        events_at::<f64>(&mut group, level, &channels);
    }
    group.finish();
}

fn events_at<T: Fourier>(group: &mut BenchmarkGroup<WallTime>, level: Level, channels: &Channels) {
    let Channels { lags, x, taps, rows, .. } = channels;
    let trains = EventChannels::new(*lags, x.iter().map(|x| Events::from_counts(x).unwrap()).collect());
    let filters = Filters::<T>::new(*lags, taps);
    let mut padded = Residuals::new(*lags);
    let convolve = |eta: &mut [T]| {
        for (tile, eta) in eta.chunks_mut(TILE_ROWS).enumerate() {
            convolve_events(level, &trains, filters.padded(), rows.start + tile * TILE_ROWS, eta);
        }
    };
    let correlate = |residuals: &[T], sums: &mut [f64]| {
        for (span, residuals) in residuals.chunks(FILL_ROWS).enumerate() {
            let first = rows.start + span * FILL_ROWS;
            padded.set(first..first + residuals.len(), std::iter::once((first, residuals)));
            for (events, sums) in trains.channels().iter().zip(sums.chunks_mut(lags.window_bins)) {
                correlate_events(level, events, &padded, sums);
            }
        }
    };
    channels.bench(group, level, convolve, correlate);
}

fn spectra(criterion: &mut Criterion) {
    let channels = Channels::new(Random::normal);
    let mut group = criterion.benchmark_group("10 signals as spectra, 28000 bins, 200 lags");
    for level in Level::available() {
        spectra_at::<f32>(&mut group, level, &channels);
        spectra_at::<f64>(&mut group, level, &channels);
    }
    group.finish();
}

fn spectra_at<T: Fourier>(group: &mut BenchmarkGroup<WallTime>, level: Level, channels: &Channels) {
    let Channels { lags, x, taps, rows, .. } = channels;
    let most = block_rows(lags.window_bins);
    let blocks = rows.clone().step_by(most).map(|first| first..rows.end.min(first + most)).collect();
    let signals: Vec<(&[f64], f64)> = x.iter().map(|x| (x.as_slice(), 0.0)).collect();
    let spectra = Spectra::<T>::new(*lags, most, blocks, &signals);
    let filters = spectra.of_filters(&Filters::new(*lags, taps)).into_numbers();
    let (mut scratch, mut sums) = (spectra.scratch(), spectra.no_sums());
    let mut scratch_back = spectra.scratch();
    let convolve = |eta: &mut [T]| {
        for (block, eta) in eta.chunks_mut(most).enumerate() {
            spectra.convolve(level, block, &filters, &mut scratch, eta);
        }
    };
    let correlate = |residuals: &[T], totals: &mut [f64]| {
        for (block, residuals) in residuals.chunks(most).enumerate() {
            spectra.correlate(level, block, residuals, &mut scratch_back, &mut sums);
        }
        spectra.add_lags(&mut sums, totals);
    };
    channels.bench(group, level, convolve, correlate);
}

/// Features, counts and a point, with what a plain loop needs to compute the same.
struct Problem {
    x: Array2<f64>,
    y: Array2<f64>,
    /// Intercepts and coefficients of the standardised columns, shape (1 + columns, targets).
    at: Array2<f64>,
    /// [1 X] with standardised columns.
    rows: Array2<f64>,
}

impl Problem {
    fn new(n: usize, p: usize, n_targets: usize) -> Self {
        let (x, y) = poisson_data(2, n, p, n_targets);
        let plan = DesignPlan::new(source(&x), 0..n).unwrap();
        let scaling = plan.scaling().clone();
        let mut rows = Array2::ones((n, 1 + p));
        for (j, mut column) in rows.columns_mut().into_iter().enumerate().skip(1) {
            let (mean, sd) = (scaling.mean[j - 1], scaling.sd[j - 1]);
            column.iter_mut().zip(x.column(j - 1)).for_each(|(to, value)| *to = (value - mean) / sd);
        }
        let at = Array2::from_shape_fn((1 + p, n_targets), |(j, _)| if j == 0 { -1.0 } else { 0.05 });
        Self { x, y, at, rows }
    }

    fn means(&self) -> Array2<f64> {
        self.rows.dot(&self.at).mapv(f64::exp)
    }

    /// Runs `bench` with the objective at every level of vector instructions, in both precisions.
    fn everywhere(&self, mut bench: impl FnMut(&str, f64, &mut dyn Objective)) {
        for level in Level::available() {
            self.on(&Cpu::<f32>::at(level), &format!("f32 {}", level.name()), 1e-5, &mut bench);
            self.on(&Cpu::<f64>::at(level), &format!("f64 {}", level.name()), 1e-12, &mut bench);
        }
    }

    fn on<B: Backend>(
        &self,
        on: &B,
        name: &str,
        allowed: f64,
        bench: &mut impl FnMut(&str, f64, &mut dyn Objective),
    ) {
        let (n, p) = self.x.dim();
        let plan = DesignPlan::new(source(&self.x), 0..n).unwrap();
        let columns: Vec<Column> = (0..p).map(Column::Source).collect();
        let mut f = GlmObjective::new(
            on,
            &plan,
            &columns,
            &Packed::new(self.y.view(), plan.rows()),
            Model::default(),
        )
        .unwrap();
        bench(&format!("{n} x {p}, {name}"), allowed, &mut f);
    }
}

fn passes(criterion: &mut Criterion) {
    passes_of(criterion, "loss and gradient", 1);
}

/// Products of columns that are written out and, of the larger problem in `f64`, of rows in place.
fn populations(criterion: &mut Criterion) {
    passes_of(criterion, "losses and gradients of 20 targets", 20);
}

fn passes_of(criterion: &mut Criterion, name: &str, n_targets: usize) {
    let mut group = criterion.benchmark_group(name);
    for (n, p) in SIZES {
        let problem = Problem::new(n, p, n_targets);
        let expected = problem.rows.t().dot(&(problem.means() - &problem.y)) / n as f64;
        let targets: Vec<usize> = (0..n_targets).collect();
        problem.everywhere(|name, allowed, f| {
            let mut gradient = problem.at.clone();
            f.loss_gradient(&problem.at, &targets, Every::ROW, &mut gradient).unwrap();
            let error = largest(&gradient - &expected);
            assert!(error <= allowed * largest(expected.iter().copied()), "gradient of {name}: {error:e}");
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    f.loss_gradient(black_box(&problem.at), &targets, Every::ROW, &mut gradient).unwrap()
                });
            });
        });
    }
    group.finish();
}

fn grams(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("loss, gradient and Hessian");
    for (n, p) in SIZES {
        let problem = Problem::new(n, p, 1);
        let at = problem.at.column(0).to_vec();
        let mut weighted = problem.rows.clone();
        for (mut row, mu) in weighted.axis_iter_mut(Axis(0)).zip(problem.means()) {
            row *= mu;
        }
        let expected = problem.rows.t().dot(&weighted) / n as f64;
        problem.everywhere(|name, allowed, f| {
            let found = f.quadratic(&at, 0).unwrap().hessian;
            let error = largest(&found - &expected);
            assert!(error <= allowed * largest(expected.iter().copied()), "Gram of {name}: {error:e}");
            group.bench_function(name, |bencher| bencher.iter(|| f.quadratic(black_box(&at), 0).unwrap()));
        });
    }
    group.finish();
}

fn quick() -> Criterion {
    Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3)).configure_from_args()
}

criterion_group! { name = kernels; config = quick(); targets = convolutions, events, spectra, passes, populations, grams }

fn main() {
    machine::print();
    kernels();
    Criterion::default().configure_from_args().final_summary();
}
