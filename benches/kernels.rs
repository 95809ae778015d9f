//! Times of the CPU kernels. Every kernel is first compared with a plain loop or with its alternative.

#[path = "../tests/common/mod.rs"]
mod common;
mod machine;

use std::hint::black_box;
use std::time::Duration;

use common::{Random, poisson_data, source};
use criterion::{BenchmarkId, Criterion, criterion_group};
use ndarray::{Array2, Axis};
use rheobase::backend::cpu::convolution::build_features::{Channel as Way, FeatureBuilder, Span};
use rheobase::backend::cpu::convolution::filters::Filters;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::backend::cpu::simd::Level;
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

/// Features, counts and a point, with what a plain loop needs to compute the same.
struct Problem {
    x: Array2<f64>,
    y: Array2<f64>,
    /// Intercept and coefficients of the standardised columns, shape (1 + columns, 1).
    at: Array2<f64>,
    /// [1 X] with standardised columns.
    rows: Array2<f64>,
}

impl Problem {
    fn new(n: usize, p: usize) -> Self {
        let (x, y) = poisson_data(2, n, p, 1);
        let plan = DesignPlan::new(source(&x), 0..n).unwrap();
        let scaling = plan.scaling().clone();
        let mut rows = Array2::ones((n, 1 + p));
        for (j, mut column) in rows.columns_mut().into_iter().enumerate().skip(1) {
            let (mean, sd) = (scaling.mean[j - 1], scaling.sd[j - 1]);
            column.iter_mut().zip(x.column(j - 1)).for_each(|(to, value)| *to = (value - mean) / sd);
        }
        let at = Array2::from_shape_fn((1 + p, 1), |(j, _)| if j == 0 { -1.0 } else { 0.05 });
        Self { x, y, at, rows }
    }

    fn means(&self) -> Vec<f64> {
        self.rows.dot(&self.at).mapv(f64::exp).into_raw_vec_and_offset().0
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
    let mut group = criterion.benchmark_group("loss and gradient");
    for (n, p) in SIZES {
        let problem = Problem::new(n, p);
        let residuals: Vec<f64> = problem.means().iter().zip(&problem.y).map(|(mu, y)| mu - y).collect();
        let expected = problem.rows.t().dot(&ndarray::aview1(&residuals)) / n as f64;
        problem.everywhere(|name, allowed, f| {
            let mut gradient = problem.at.clone();
            f.loss_gradient(&problem.at, &[0], Every::ROW, &mut gradient).unwrap();
            let error = largest(&gradient.column(0) - &expected);
            assert!(error <= allowed * largest(expected.iter().copied()), "gradient of {name}: {error:e}");
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    f.loss_gradient(black_box(&problem.at), &[0], Every::ROW, &mut gradient).unwrap()
                });
            });
        });
    }
    group.finish();
}

fn grams(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("loss, gradient and Hessian");
    for (n, p) in SIZES {
        let problem = Problem::new(n, p);
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

criterion_group! { name = kernels; config = quick(); targets = convolutions, passes, grams }

fn main() {
    machine::print();
    kernels();
    Criterion::default().configure_from_args().final_summary();
}
