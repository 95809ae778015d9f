//! Times of whole fits: from features in memory to certified coefficients with standard errors.
//!
//! Both solvers must first arrive at the same coefficients.
#![forbid(unsafe_code)]

#[path = "../tests/common/mod.rs"]
mod common;
mod machine;

use std::hint::black_box;
use std::time::Duration;

use common::{Random, data, relative};
use criterion::{Criterion, criterion_group};
use ndarray::{Array2, Axis};
use rheobase::basis::{Expand, RaisedCosineLog};
use rheobase::features::{Causality, Channel, convolved};
use rheobase::glm::{GlmSpec, SolverChoice, TargetFit};
use rheobase::time::{BinGrid, IntervalSet};

const SOLVERS: [(&str, SolverChoice); 2] = [("newton", SolverChoice::Newton), ("lbfgs", SolverChoice::Lbfgs)];

fn spec(solver: SolverChoice) -> GlmSpec {
    GlmSpec { solver, ..GlmSpec::default() }
}

/// Features and counts of the tutorial's history model: the first `Noise 1` sweep in bins of 1 ms, the last 200 ms
/// of the current through 8 functions.
fn history() -> (Array2<f64>, Array2<f64>) {
    let grid = BinGrid::new(&IntervalSet::new(&[39.02], &[67.04]).unwrap(), 0.001).unwrap();
    let file = hdf5::File::open(data("patchclamp_small.nwb")).unwrap();
    let read = |path: &str| -> Vec<f64> { file.dataset(path).unwrap().read_raw().unwrap() };
    let current_pa: Vec<f64> = read("stimulus/presentation/stimulus/data").iter().map(|x| x * 1e12).collect();
    let values = grid.average(&read("stimulus/presentation/stimulus/timestamps"), &current_pa);
    let counts = grid.count(&read("units/spike_times"));
    let channel = Channel { label: "stimulus".into(), values };
    let kernel = RaisedCosineLog::new(8).unwrap().kernel(200).unwrap();
    let block = convolved(&grid, "stimulus", &[channel], &kernel, Causality::Causal, false).unwrap();
    let rows: Vec<usize> = (0..counts.len()).filter(|&row| !block.edge[row]).collect();
    let y = Array2::from_shape_fn((rows.len(), 1), |(i, _)| f64::from(counts[rows[i]]));
    (block.x.select(Axis(0), &rows), y)
}

/// Normal features and the counts of ten targets with a mean of about 0.2 per bin.
fn population() -> (Array2<f64>, Array2<f64>) {
    let mut random = Random(3);
    let x = Array2::from_shape_simple_fn((20_000, 40), || random.normal());
    let w = Array2::from_shape_simple_fn((40, 10), || 0.1 * random.normal());
    let mean = x.dot(&w).mapv(|eta| (eta - 1.8).exp());
    let y = mean.mapv(|mu| random.poisson(mu));
    (x, y)
}

fn bench(criterion: &mut Criterion, name: &str, (x, y): &(Array2<f64>, Array2<f64>)) {
    let fitted = SOLVERS.map(|(_, solver)| common::fit(spec(solver), x, y));
    for ((label, _), fitted) in SOLVERS.iter().zip(&fitted) {
        assert!(fitted.converged(), "{name}: {label} did not arrive");
        let most = |of: fn(&TargetFit) -> usize| fitted.targets.iter().map(of).max().unwrap_or(0);
        let (steps, passes) = (most(|target| target.iterations), most(|target| target.passes));
        println!("{name}, {label}: at most {steps} iterations and {passes} passes a target, all converged");
    }
    for (newton, lbfgs) in fitted[0].targets.iter().zip(&fitted[1].targets) {
        let error = relative(&lbfgs.coef, &newton.coef);
        assert!(error < 1e-8, "{name}: coefficients differ by {error:e}");
        assert!((lbfgs.intercept / newton.intercept - 1.0).abs() < 1e-8, "{name}: intercepts differ");
    }
    let mut group = criterion.benchmark_group(name);
    for (label, solver) in SOLVERS {
        group.bench_function(label, |bencher| {
            bencher.iter(|| common::fit(spec(solver), black_box(x), black_box(y)));
        });
    }
    group.finish();
}

fn one_neuron(criterion: &mut Criterion) {
    bench(criterion, "history model, 27820 x 8", &history());
}

fn ten_neurons(criterion: &mut Criterion) {
    bench(criterion, "population, 20000 x 40, 10 targets", &population());
}

fn quick() -> Criterion {
    Criterion::default().sample_size(10).measurement_time(Duration::from_secs(5)).configure_from_args()
}

criterion_group! { name = fits; config = quick(); targets = one_neuron, ten_neurons }

fn main() {
    machine::print();
    fits();
    Criterion::default().configure_from_args().final_summary();
}
