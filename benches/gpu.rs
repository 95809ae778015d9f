//! Passes on a GPU beside those of the CPU, for the same numbers: dense designs, and channels of samples and of events that are
//! convolved without a matrix. `rheobase bench --gpu` has the roofs and more sizes.
//!
//! The adapter is the best there is, a software adapter if there is nothing else: its name stands in every group, and the
//! times of one in software say nothing about a GPU.
#![forbid(unsafe_code)]

#[path = "../tests/common/mod.rs"]
mod common;
mod machine;

use common::{Random, poisson_data, source};
use criterion::{BenchmarkId, Criterion, criterion_group};
use ndarray::Array2;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::backend::gpu::Limits;
use rheobase::backend::gpu::adapter::{self, Facts};
use rheobase::backend::{Backend, Cpu, Every, Gpu, Model};
use rheobase::design::{Column, Convolution, Course, DesignPlan, Form, Rows, Source};
use rheobase::math::dense::Matrix;
use rheobase::objective::{GlmObjective, Objective, Packed, Weight};

/// Rows and columns.
const SIZES: [(usize, usize); 3] = [(27_820, 8), (50_000, 40), (20_000, 200)];
/// Bins, channels, lags of what is convolved, and the functions of a window.
const CONVOLVED: [(usize, usize, usize); 2] = [(50_000, 1, 200), (20_000, 10, 50)];
const N_FUNCTIONS: usize = 8;

/// The adapter that is timed.
fn best() -> Option<Facts> {
    let all = adapter::list().into_iter().filter(|facts| facts.unusable.is_none());
    let best = all.min_by_key(Facts::is_software);
    if best.is_none() {
        println!("no adapter: nothing to time");
    }
    best
}

/// The results of what is timed.
fn results<B: Backend>(f: &mut GlmObjective<B>, at: &Matrix) -> [Matrix; 2] {
    let mut gradient = Matrix::zeros(at.dim());
    f.loss_gradient(at, &[0], Every::ROW, &mut gradient).unwrap();
    [gradient, f.gram(Every::ROW, Weight::Flat).unwrap()]
}

/// Both on the same problem, after their results were compared.
fn pair<'a>(
    (gpu, cpu): (&'a Gpu, &'a Cpu<f32>),
    plan: &'a DesignPlan,
    y: &Packed,
    at: &Matrix,
) -> (GlmObjective<'a, Gpu>, GlmObjective<'a, Cpu<f32>>) {
    let columns: Vec<Column> = (0..plan.n_columns()).map(Column::Source).collect();
    let mut on_gpu = GlmObjective::new(gpu, plan, &columns, y, Model::default()).unwrap();
    let mut on_cpu = GlmObjective::new(cpu, plan, &columns, y, Model::default()).unwrap();
    for (found, truth) in results(&mut on_gpu, at).iter().zip(results(&mut on_cpu, at)) {
        let largest = truth.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!((found - &truth).iter().all(|error| error.abs() <= 1e-5 * largest), "{}", plan.n_columns());
    }
    (on_gpu, on_cpu)
}

fn dense(criterion: &mut Criterion) {
    let Some(best) = best() else { return };
    let (gpu, cpu) = (Gpu::open(Some(&best.number.to_string())).unwrap(), Cpu::<f32>::default());
    for (n, p) in SIZES {
        let (x, y) = poisson_data(3, n, p, 1);
        let plan = DesignPlan::new(source(&x), 0..n).unwrap();
        let y = Packed::new(y.view(), plan.rows());
        let at = Matrix::from_elem((1 + p, 1), 0.01);
        let (mut on_gpu, mut on_cpu) = pair((&gpu, &cpu), &plan, &y, &at);
        let mut group = criterion.benchmark_group(format!("{n} x {p}, {}", best.title()));
        let mut gradient = at.clone();
        for (name, f) in [("gpu", &mut on_gpu as &mut dyn Objective), ("cpu f32", &mut on_cpu)] {
            group.bench_function(BenchmarkId::new("loss and gradient", name), |bencher| {
                bencher.iter(|| f.loss_gradient(&at, &[0], Every::ROW, &mut gradient).unwrap());
            });
            group.bench_function(BenchmarkId::new("flat Gram", name), |bencher| {
                bencher.iter(|| f.gram(Every::ROW, Weight::Flat).unwrap());
            });
        }
        group.finish();
    }
}

/// Channels of samples, or of events, and counts that do not depend on them.
fn channels(is_events: bool, (n, c, w): (usize, usize, usize)) -> (Convolution, Array2<f64>) {
    let mut random = Random(11);
    let courses = (0..c).map(|_| {
        let values: Vec<f64> = if is_events {
            (0..n).map(|_| f64::from(u8::from(random.uniform() < 0.02))).collect()
        } else {
            (0..n).map(|_| 2.0 + random.normal()).collect()
        };
        if is_events { Course::of_counts(&values) } else { Course::Samples(values) }
    });
    let courses: Vec<Course> = courses.collect();
    let width = w as f64 / N_FUNCTIONS as f64;
    let tap = |(lag, i): (usize, usize)| (-((lag as f64 + 0.5) / width - i as f64).powi(2)).exp();
    let functions = Array2::from_shape_fn((w, N_FUNCTIONS), tap);
    let lags = Lags { window_bins: w, shift: -1 };
    let of = Convolution::new(courses, n, functions, lags, std::slice::from_ref(&(0..n))).unwrap();
    (of, Array2::from_shape_simple_fn((n, 1), || random.poisson(0.1)))
}

fn convolved(criterion: &mut Criterion) {
    let Some(best) = best() else { return };
    // no column is written out
    let limits = Limits { most_bytes: Some(0), ..Limits::default() };
    let gpu = Gpu::open_within(Some(&best.number.to_string()), limits).unwrap();
    let cpu = Cpu::<f32>::default();
    for (is_events, kind) in [(false, "samples"), (true, "events")] {
        for (n, c, w) in CONVOLVED {
            let (of, y) = channels(is_events, (n, c, w));
            let labels = (0..of.n_columns()).map(|j| format!("x{j}")).collect();
            let source = Source { name: "x".into(), labels, x: of.all().into() };
            let rows = Rows::from_ranges(of.complete().iter().cloned());
            let plan = DesignPlan::new(vec![source], rows).unwrap().with_forms("cpu", vec![Form::MatrixFree]);
            let y = Packed::new(y.view(), plan.rows());
            let mut at = Matrix::from_elem((1 + plan.n_columns(), 1), 0.01);
            at[(0, 0)] = -2.3;
            let (mut on_gpu, mut on_cpu) = pair((&gpu, &cpu), &plan, &y, &at);
            let name = format!("{n} bins, {c} of {kind}, {w} lags, {}", best.title());
            let mut group = criterion.benchmark_group(name);
            let mut gradient = at.clone();
            for (name, f) in [("gpu", &mut on_gpu as &mut dyn Objective), ("cpu f32", &mut on_cpu)] {
                group.bench_function(BenchmarkId::new("loss and gradient", name), |bencher| {
                    bencher.iter(|| f.loss_gradient(&at, &[0], Every::ROW, &mut gradient).unwrap());
                });
            }
            group.finish();
        }
    }
}

fn quick() -> Criterion {
    Criterion::default().sample_size(10).configure_from_args()
}

criterion_group! { name = kernels; config = quick(); targets = dense, convolved }

fn main() {
    machine::print();
    kernels();
    Criterion::default().configure_from_args().final_summary();
}
