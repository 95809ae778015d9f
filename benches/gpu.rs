//! Passes on a GPU beside those of the CPU, for the same numbers; `rheobase bench --gpu` has the roofs and more sizes.
//!
//! The adapter is the best there is, a software adapter if there is nothing else: its name stands in every group, and the
//! times of one in software say nothing about a GPU.

#[path = "../tests/common/mod.rs"]
mod common;
mod machine;

use common::{poisson_data, source};
use criterion::{BenchmarkId, Criterion, criterion_group};
use rheobase::backend::gpu::adapter;
use rheobase::backend::{Backend, Cpu, Every, Gpu, Model};
use rheobase::design::{Column, DesignPlan};
use rheobase::math::dense::Matrix;
use rheobase::objective::{GlmObjective, Objective, Packed, Weight};

/// Rows and columns.
const SIZES: [(usize, usize); 3] = [(27_820, 8), (50_000, 40), (20_000, 200)];

/// The results of what is timed.
fn results<B: Backend>(f: &mut GlmObjective<B>, at: &Matrix) -> [Matrix; 2] {
    let mut gradient = Matrix::zeros(at.dim());
    f.loss_gradient(at, &[0], Every::ROW, &mut gradient).unwrap();
    [gradient, f.gram(Every::ROW, Weight::Flat).unwrap()]
}

fn passes(criterion: &mut Criterion) {
    let all = adapter::list();
    let best = all.iter().filter(|facts| facts.unusable.is_none()).min_by_key(|facts| facts.is_software());
    let Some(best) = best else {
        println!("no adapter: nothing to time");
        return;
    };
    let (gpu, cpu) = (Gpu::open(Some(&best.number.to_string())).unwrap(), Cpu::<f32>::default());
    for (n, p) in SIZES {
        let (x, y) = poisson_data(3, n, p, 1);
        let plan = DesignPlan::new(source(&x), 0..n).unwrap();
        let y = Packed::new(y.view(), plan.rows());
        let columns: Vec<Column> = (0..p).map(Column::Source).collect();
        let at = Matrix::from_elem((1 + p, 1), 0.01);
        let mut on_gpu = GlmObjective::new(&gpu, &plan, &columns, &y, Model::default()).unwrap();
        let mut on_cpu = GlmObjective::new(&cpu, &plan, &columns, &y, Model::default()).unwrap();
        for (found, truth) in results(&mut on_gpu, &at).iter().zip(results(&mut on_cpu, &at)) {
            let largest = truth.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
            assert!((found - &truth).iter().all(|error| error.abs() <= 1e-5 * largest), "{n} x {p}");
        }
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

fn quick() -> Criterion {
    Criterion::default().sample_size(10).configure_from_args()
}

criterion_group! { name = kernels; config = quick(); targets = passes }

fn main() {
    machine::print();
    kernels();
    Criterion::default().configure_from_args().final_summary();
}
