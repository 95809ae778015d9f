//! What several test files need.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(unreachable_pub, reason = "a module of several binaries, none of which exports it")]

use std::path::PathBuf;

use ndarray::Array2;
use rheobase::backend::{Backend, Every, Model};
use rheobase::design::{Column, DesignPlan, Source};
use rheobase::glm::{FittedGlm, GlmSpec, Response};
use rheobase::objective::{GlmObjective, Objective, Packed, Weight};
use rheobase::time::{BinGrid, IntervalSet};
use serde_json::Value;

/// A file of `tests/data`.
pub fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// A golden JSON file.
pub fn golden(name: &str) -> Value {
    let text = std::fs::read_to_string(data(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Bin counts and the binned current of the first `Noise 1` sweep of the tutorial's recording.
pub fn sweep() -> (BinGrid, Vec<f64>, Vec<f64>) {
    let grid = BinGrid::new(&IntervalSet::new(&[39.02], &[67.04]).unwrap(), 0.001).unwrap();
    let file = hdf5::File::open(data("patchclamp_small.nwb")).unwrap();
    let read = |path: &str| -> Vec<f64> { file.dataset(path).unwrap().read_raw().unwrap() };
    let current: Vec<f64> = read("stimulus/presentation/stimulus/data").iter().map(|x| x * 1e12).collect();
    let binned = grid.average(&read("stimulus/presentation/stimulus/timestamps"), &current);
    let counts = grid.count(&read("units/spike_times")).into_iter().map(f64::from).collect();
    (grid, counts, binned)
}

/// A number of a golden file, where non-finite ones are strings.
pub fn number(value: &Value) -> f64 {
    rheobase::number::from_value(value).unwrap()
}

/// A list of numbers of a golden file.
pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// A matrix of a golden file, rows first.
pub fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(numbers).collect();
    let n_columns = rows[0].len();
    Array2::from_shape_vec((rows.len(), n_columns), rows.concat()).unwrap()
}

/// `max|a - b| / max|b|`.
pub fn relative(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |m: f64, x| if x > m || x.is_nan() { x } else { m })
        / largest
}

/// Random numbers in [0, 1), the same everywhere (a 64-bit linear congruential generator).
pub struct Random(pub u64);

impl Random {
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Sum of twelve uniform numbers, less 6: mean 0, variance 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// A Poisson count with this mean (by counting products, for small means).
    pub fn poisson(&mut self, mean: f64) -> f64 {
        let (limit, mut product, mut count) = ((-mean).exp(), self.uniform(), 0.0);
        while product > limit {
            product *= self.uniform();
            count += 1.0;
        }
        count
    }
}

/// One feature block named `x` with columns `x0`, `x1`, ...
pub fn source(x: &Array2<f64>) -> Vec<Source<'_>> {
    let labels = (0..x.ncols()).map(|j| format!("x{j}")).collect();
    vec![Source { name: "x".into(), labels, x: x.view().into() }]
}

/// Fits all rows of `x` and `y` on the CPU.
pub fn fit(spec: GlmSpec, x: &Array2<f64>, y: &Array2<f64>) -> FittedGlm {
    let plan = DesignPlan::new(source(x), 0..x.nrows()).unwrap();
    let names = (0..y.ncols()).map(|k| format!("y{k}")).collect();
    let response = Response { y: y.view().into(), names };
    spec.check()
        .unwrap()
        .fit(&rheobase::backend::Cpu::<f32>::default(), &plan, &response, &mut |_| {})
        .unwrap()
}

/// A design of standard normal columns and Poisson counts of `n_targets` targets that depend on it.
pub fn poisson_data(seed: u64, n: usize, p: usize, n_targets: usize) -> (Array2<f64>, Array2<f64>) {
    let mut random = Random(seed);
    let x = Array2::from_shape_simple_fn((n, p), || random.normal());
    let w = Array2::from_shape_simple_fn((p, n_targets), || 0.3 * random.normal());
    let eta = x.dot(&w);
    let y = Array2::from_shape_fn((n, n_targets), |(i, k)| random.poisson((eta[(i, k)] - 1.0).exp()));
    (x, y)
}

/// Loss, gradient, Gram and Hessian of one target at a point with this intercept, the change along a line and its reach.
pub fn at_a_point<B: Backend>(
    on: &B,
    plan: &DesignPlan,
    y: &Array2<f64>,
    every: Every,
    intercept: f64,
) -> Vec<Vec<f64>> {
    let columns: Vec<Column> = (0..plan.n_columns()).map(Column::Source).collect();
    let mut f =
        GlmObjective::new(on, plan, &columns, &Packed::new(y.view(), plan.rows()), Model::default()).unwrap();
    let mut random = Random(9);
    let mut at = Array2::from_shape_simple_fn((1 + columns.len(), 1), || 0.1 * random.normal());
    at[[0, 0]] = intercept;
    let mut gradient = Array2::zeros(at.dim());
    let losses = f.loss_gradient(&at, &[0], every, &mut gradient).unwrap();
    let gram = f.gram(every, Weight::Flat).unwrap();
    let quadratic = f.quadratic(&at.column(0).to_vec(), 0).unwrap();
    let direction = at.mapv(|x| 0.3 - x);
    f.aim(&at, &direction, &[0]).unwrap();
    let changes = f.loss_changes(&[0.7]).unwrap();
    let reach = f.reach().unwrap()[0];
    vec![
        losses,
        gradient.into_raw_vec_and_offset().0,
        gram.iter().copied().collect(),
        quadratic.gradient,
        quadratic.hessian.iter().copied().collect(),
        changes,
        vec![reach.all, reach.events, reach.silent],
    ]
}

/// The number of the adapter that tests of the GPU take: software ones count. Without any the test says so and passes, unless the
/// variable `RHEOBASE_REQUIRE_GPU` asks for one.
#[cfg(feature = "gpu")]
pub fn gpu_number() -> Option<String> {
    let all = rheobase::backend::gpu::adapter::list();
    let usable = all.iter().filter(|facts| facts.unusable.is_none());
    let best = usable.min_by_key(|facts| facts.is_software());
    if best.is_none() {
        assert!(std::env::var_os("RHEOBASE_REQUIRE_GPU").is_none(), "there is no adapter");
        eprintln!("skipped: there is no adapter");
    }
    best.map(|facts| facts.number.to_string())
}
