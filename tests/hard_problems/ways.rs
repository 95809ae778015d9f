//! All ways to solve a problem, and the numbers of problems solved.

use std::sync::{Mutex, PoisonError};

use ndarray::Array2;
use rheobase::backend::Cpu;
use rheobase::design::{DesignPlan, Source, Values};
use rheobase::glm::{FittedGlm, GlmSpec, Response, SolverChoice, TargetFit};
use rheobase::solver::Status;

use crate::reference::Exact;
use crate::tally::tally;

pub(crate) const SOLVERS: [SolverChoice; 2] = [SolverChoice::Newton, SolverChoice::Lbfgs];

/// Problems and fits that passed so far.
static SOLVED: Mutex<[u64; 2]> = Mutex::new([0, 0]);

/// Notes that a problem was solved by so many fits.
pub(crate) fn solved(n_problems: usize, n_fits: usize) {
    let mut all = SOLVED.lock().unwrap_or_else(PoisonError::into_inner);
    all[0] += n_problems as u64;
    all[1] += n_fits as u64;
    tally("hard problems", &[("problems solved", all[0]), ("fits that were right", all[1])]);
}

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// `f64` data in `f64`.
    Double,
    /// `f64` data, first steps in `f32`.
    Mixed,
    /// `f32` data.
    Single,
}

/// One way to solve a problem.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) solver: SolverChoice,
    pub(crate) storage: Storage,
}

/// All ways; without `f32` data if these cannot hold the problem.
pub(crate) fn ways(fits_single: bool) -> Vec<Way> {
    let mut all = Vec::new();
    for solver in SOLVERS {
        for storage in [Storage::Double, Storage::Mixed, Storage::Single] {
            if fits_single || storage != Storage::Single {
                all.push(Way { solver, storage });
            }
        }
    }
    all
}

/// Whether single precision holds the same numbers.
pub(crate) fn fits_single(x: &Array2<f64>) -> bool {
    x.iter().all(|&x| f64::from(x as f32) == x)
}

/// The same data, rounded so that single precision holds them.
pub(crate) fn rounded(x: &Array2<f64>) -> Array2<f64> {
    x.mapv(|x| f64::from(x as f32))
}

fn source(values: Values<'_>, n_columns: usize) -> Vec<Source<'_>> {
    let labels = (0..n_columns).map(|j| format!("x{j}")).collect();
    vec![Source { name: "x".into(), labels, x: values }]
}

/// Fits all rows in one way.
pub(crate) fn fit_by(way: Way, spec: &GlmSpec, x: &Array2<f64>, y: &Array2<f64>) -> FittedGlm {
    let single = x.mapv(|x| x as f32);
    let values = if way.storage == Storage::Single { single.view().into() } else { x.view().into() };
    let plan = DesignPlan::new(source(values, x.ncols()), 0..x.nrows()).unwrap();
    let names = (0..y.ncols()).map(|k| format!("y{k}")).collect();
    let response = Response { y: y.view().into(), names };
    let spec = GlmSpec { solver: way.solver, ..spec.clone() }.check().unwrap();
    match way.storage {
        Storage::Double => spec.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {}).unwrap(),
        _ => spec.fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {}).unwrap(),
    }
}

/// Fits a problem in all ways, each of which must converge to this answer: coefficients, in standard deviations of their columns,
/// within 1e-8 of the largest, and the mean linear predictor to 1e-9 of its size. How many ways there were.
pub(crate) fn solve(name: &str, spec: &GlmSpec, x: &Array2<f64>, y: &Array2<f64>, exact: &Exact) -> usize {
    let ways = ways(fits_single(x));
    for &way in &ways {
        let target = fit_by(way, spec, x, y).targets.remove(0);
        assert_eq!(target.status, Status::Converged, "{name} {way:?}: {target:?}");
        assert_near(&format!("{name} {way:?}"), x, &target, exact);
    }
    ways.len()
}

pub(crate) fn assert_near(name: &str, x: &Array2<f64>, target: &TargetFit, exact: &Exact) {
    let n = x.nrows() as f64;
    let mean = |j: usize| x.column(j).sum() / n;
    let sd = |j: usize| {
        let mean = mean(j);
        (x.column(j).iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt()
    };
    let sds: Vec<f64> = (0..x.ncols()).map(sd).collect();
    let scaled = |coef: &[f64]| -> Vec<f64> { coef.iter().zip(&sds).map(|(w, sd)| w * sd).collect() };
    let (found, expected) = (scaled(&target.coef), scaled(&exact.coef));
    let largest = expected.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    for (j, (a, b)) in found.iter().zip(&expected).enumerate() {
        assert!((a - b).abs() <= 1e-8 * largest.max(1e-3), "{name} x{j}: {a:e} {b:e}");
    }
    // the predictor at the mean of the columns, which an offset of a feature does not change
    let middle = |intercept: f64, coef: &[f64]| {
        // differences first: with offsets of 1e6 the terms are large
        intercept + coef.iter().enumerate().map(|(j, w)| w * mean(j)).sum::<f64>()
    };
    let (a, b) = (middle(target.intercept, &target.coef), exact.middle);
    let terms: f64 = target.coef.iter().enumerate().map(|(j, w)| (w * mean(j)).abs()).sum();
    let allowed = 1e-9 * b.abs().max(1.0) + 1e-15 * terms;
    assert!((a - b).abs() <= allowed, "{name}: mean predictor {a:e} {b:e}");
}
