//! Columns that single precision could not tell apart, on a GPU: the tutorial's model of the stimulus' past, whose eight columns have
//! a condition of 657 when they are centred and scaled.
//!
//! Software adapters count here; without any adapter these tests say so and pass, unless the variable
//! `RHEOBASE_REQUIRE_GPU` asks for one.
#![cfg(feature = "gpu")]

use crate::common::{golden, gpu_number, number, numbers, relative, sweep};
use ndarray::{Array2, Axis};
use rheobase::backend::Gpu;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::backend::gpu::Limits;
use rheobase::basis::{Basis, Expand, RaisedCosineLog};
use rheobase::design::{Convolution, Course, DesignPlan, Source, Values};
use rheobase::features::{Causality, Channel, convolved};
use rheobase::glm::{FittedGlm, GlmSpec, PlanFrom, Response, SolverChoice, TOLERANCE_F64};
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;

const WINDOW: usize = 200;
/// Passes over the rows that a fit may take, those in double precision included.
const PASSES: usize = 30;

fn gpu(most_bytes: u64) -> Option<Gpu> {
    let limits = Limits { most_bytes: Some(most_bytes), ..Limits::default() };
    Some(Gpu::open_within(Some(&gpu_number()?), limits).unwrap())
}

fn named(x: Values<'_>) -> Source<'_> {
    let labels = (0..x.ncols()).map(|j| format!("x{j}")).collect();
    Source { name: "x".into(), labels, x }
}

fn fit(gpu: &Gpu, plan: &DesignPlan, counts: &[f64], spec: GlmSpec) -> FittedGlm {
    let y = Array2::from_shape_fn((counts.len(), 1), |(i, _)| counts[i]);
    let response = Response { y: y.view().into(), names: vec!["y".into()] };
    spec.check().unwrap().fit(gpu, plan, &response, &mut |_| {}).unwrap()
}

fn check(fitted: &FittedGlm, tolerance: f64, what: &str) {
    let golden = &golden("reference_tutorial.json")["glm_history"];
    let target = &fitted.targets[0];
    assert_eq!(target.status, Status::Converged, "{what}: {:?}", target.warnings);
    assert_eq!((fitted.plan.backend.as_str(), fitted.plan.storage.as_str()), ("gpu", "f32"), "{what}");
    let apart = relative(&target.coef, &numbers(&golden["polished_coef"]));
    assert!(apart < tolerance, "{what}: coefficients {apart:e}");
    assert!((target.intercept / number(&golden["polished_intercept"]) - 1.0).abs() < tolerance, "{what}");
    assert!(target.passes <= PASSES, "{what}: {} passes", target.passes);
}

#[test]
fn the_tutorials_history_takes_few_passes_however_its_columns_come() {
    let (grid, counts, current) = sweep();
    let kernel = Basis::RaisedCosineLog(RaisedCosineLog::new(8).unwrap()).kernel(WINDOW).unwrap();
    let channel = Channel { label: "stimulus".into(), values: current.clone() };
    let block = convolved(&grid, "stimulus", &[channel], &kernel, Causality::Causal, false).unwrap();
    let used: Vec<usize> = (0..counts.len()).filter(|&row| !block.edge[row]).collect();
    let x = block.x.select(Axis(0), &used);
    let of_rows: Vec<f64> = used.iter().map(|&row| counts[row]).collect();
    let given = DesignPlan::new(vec![named(x.view().into())], 0..used.len()).unwrap();
    // without a matrix of the host: the windows of the columns end at the bin before their own
    let lags = Lags { window_bins: WINDOW, shift: -1 };
    let n_bins = counts.len();
    let channels = Convolution::new(
        vec![Course::Samples(current)],
        n_bins,
        kernel,
        lags,
        std::slice::from_ref(&(0..n_bins)),
    )
    .unwrap();
    let built = DesignPlan::new(vec![named(channels.all().into())], used).unwrap();
    for most_bytes in [u64::MAX, 0] {
        let Some(gpu) = gpu(most_bytes) else { return };
        // to fewer digits, and to the last one
        for (solver, tolerance, digits) in
            [(SolverChoice::Lbfgs, 1e-15, 1e-6), (SolverChoice::Newton, TOLERANCE_F64, 1e-8)]
        {
            let spec = GlmSpec { solver, tolerance, ..GlmSpec::default() };
            let fitted = fit(&gpu, &given, &of_rows, spec.clone());
            check(&fitted, digits, &format!("a matrix, {}, {solver:?}", fitted.plan.features[0].form));
            let fitted = fit(&gpu, &built, &counts, spec);
            check(&fitted, digits, &format!("channels, {}, {solver:?}", fitted.plan.features[0].form));
        }
    }
}

#[test]
fn a_penalty_is_on_the_columns_themselves() {
    let (grid, counts, current) = sweep();
    let kernel = Basis::RaisedCosineLog(RaisedCosineLog::new(8).unwrap()).kernel(WINDOW).unwrap();
    let channel = Channel { label: "stimulus".into(), values: current };
    let block = convolved(&grid, "stimulus", &[channel], &kernel, Causality::Causal, false).unwrap();
    let used: Vec<usize> = (0..counts.len()).filter(|&row| !block.edge[row]).collect();
    let plan = DesignPlan::new(vec![named(block.x.view().into())], used).unwrap();
    let Some(gpu) = gpu(u64::MAX) else { return };
    for strength in [1e-9, 1e-3] {
        let spec =
            GlmSpec { regularizer: Regularizer::Ridge { strength: strength.into() }, ..GlmSpec::default() };
        let found = fit(&gpu, &plan, &counts, spec.clone());
        let y = Array2::from_shape_fn((counts.len(), 1), |(i, _)| counts[i]);
        let response = Response { y: y.view().into(), names: vec!["y".into()] };
        let cpu = rheobase::backend::Cpu::<f64>::default();
        let truth = spec.check().unwrap().fit(&cpu, &plan, &response, &mut |_| {}).unwrap();
        let apart = relative(&found.targets[0].coef, &truth.targets[0].coef);
        assert!(apart < 1e-8 && found.plan.storage == "f32", "{strength}: {apart:e}");
    }
}

/// Columns of which one is almost another: single precision alone would not do.
fn nearly_the_same() -> (Array2<f64>, Vec<f64>) {
    let (mut x, y) = crate::common::poisson_data(8, 20_000, 6, 1);
    for row in 0..x.nrows() {
        x[(row, 5)] = x[(row, 1)] + 3e-3 * x[(row, 5)];
    }
    (x, y.column(0).to_vec())
}

#[test]
fn columns_that_are_almost_the_same_take_the_same_path_again() {
    let (x, counts) = nearly_the_same();
    let plan = DesignPlan::new(vec![named(x.view().into())], 0..x.nrows()).unwrap();
    let y = Array2::from_shape_fn((counts.len(), 1), |(i, _)| counts[i]);
    let response = Response { y: y.view().into(), names: vec!["y".into()] };
    let cpu = rheobase::backend::Cpu::<f64>::default();
    let truth = GlmSpec::default().check().unwrap().fit(&cpu, &plan, &response, &mut |_| {}).unwrap();
    for most_bytes in [u64::MAX, 0] {
        let Some(gpu) = gpu(most_bytes) else { return };
        let found = fit(&gpu, &plan, &counts, GlmSpec::default());
        assert!(found.plan.whitened && found.plan.storage == "f32", "{:?}", found.plan);
        assert_eq!(found.plan.features[0].is_written(), most_bytes > 0);
        let apart = relative(&found.targets[0].coef, &truth.targets[0].coef);
        assert!(found.targets[0].status == Status::Converged && apart < 1e-8, "{apart:e}");
        let again = GlmSpec { plan_from: PlanFrom::Plan(Box::new(found.plan.clone())), ..GlmSpec::default() };
        assert_eq!(fit(&gpu, &plan, &counts, again).targets[0].coef, found.targets[0].coef);
    }
}
