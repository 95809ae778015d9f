//! Fits on a GPU end where those on the CPU end: the same statuses, the same coefficients to the digits that the tolerance
//! leaves, whatever the device is. Software adapters count here; without any adapter these tests say so and pass, unless
//! the variable `RHEOBASE_REQUIRE_GPU` asks for one.
#![cfg(feature = "gpu")]

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::common::gpu_number;
use ndarray::{Array1, Array2};
use rheobase::backend::{Cpu, Gpu, Model};
use rheobase::design::{DesignPlan, Source};
use rheobase::glm::{
    CategoricalSpec, Dispersion, FittedGlm, GlmSpec, Labelled, Response, SolverChoice, TOLERANCE_F32,
    TOLERANCE_F64,
};
use rheobase::observation::{Label, NegativeBinomial, ObservationModel};
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;

/// The device of all tests, one test at a time.
pub(super) fn gpu() -> Option<(&'static Gpu, MutexGuard<'static, ()>)> {
    static GPU: OnceLock<Option<Gpu>> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    let open = || gpu_number().map(|number| Gpu::open(Some(&number)).unwrap());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    Some((GPU.get_or_init(open).as_ref()?, turn))
}

/// Smooth features that depend on one another, and counts that they drive.
fn problem(n: usize, p: usize, m: usize) -> (Array2<f64>, Array2<f64>) {
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut level = vec![0.0; p];
    let mut x = Array2::zeros((n, p));
    for mut row in x.rows_mut() {
        for (j, out) in row.iter_mut().enumerate() {
            level[j] = 0.9 * level[j] + uniform() - 0.5;
            // scales and offsets of units that people use
            *out =
                10_f64.powi((j % 5) as i32 - 2) * (level[j] + if j > 0 { 0.5 * level[j - 1] } else { 3.0 });
        }
    }
    let weights = Array2::from_shape_fn((p, m), |(j, k)| {
        0.3 * ((j + 2 * k) as f64).sin() / 10_f64.powi((j % 5) as i32 - 2) / (p as f64).sqrt()
    });
    let drive = x.dot(&weights);
    let mean = drive.mean_axis(ndarray::Axis(0)).unwrap();
    let y = Array2::from_shape_fn((n, m), |(i, k)| {
        let rate = (drive[(i, k)] - mean[k] - 2.0 - 0.1 * k as f64).exp();
        let (mut count, mut left) = (0.0, (-rate).exp());
        let (mut term, u) = (left, uniform());
        while u > left && count < 50.0 {
            count += 1.0;
            term *= rate / count;
            left += term;
        }
        count
    });
    (x, y)
}

fn fits(spec: GlmSpec, x: &Array2<f64>, y: &Array2<f64>, gpu: &Gpu) -> [FittedGlm; 2] {
    let labels = (0..x.ncols()).map(|j| format!("x{j}")).collect();
    let source = Source { name: "x".into(), labels, x: x.view().into() };
    let plan = DesignPlan::new(vec![source], 0..x.nrows()).unwrap();
    let names = (0..y.ncols()).map(|k| format!("y{k}")).collect();
    let response = Response { y: y.view().into(), names };
    let spec = spec.check().unwrap();
    let truth = spec.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {}).unwrap();
    [truth, spec.fit(gpu, &plan, &response, &mut |_| {}).unwrap()]
}

/// Compares what is reported of every target.
fn agree([truth, found]: &[FittedGlm; 2], tolerance: f64) {
    assert_eq!(found.targets.len(), truth.targets.len());
    for (truth, found) in truth.targets.iter().zip(&found.targets) {
        assert_eq!(found.status, truth.status, "{}", found.name);
        let largest = truth.coef.iter().fold(1e-300, |a: f64, b| a.max(b.abs()));
        for (a, b) in found.coef.iter().zip(&truth.coef) {
            assert!((a - b).abs() <= tolerance * largest, "{}: {a} {b}", found.name);
        }
        let same = |a: f64, b: f64| a == b || (a - b).abs() <= tolerance * b.abs();
        assert!(same(found.intercept, truth.intercept), "{} {}", found.intercept, truth.intercept);
        assert!(same(found.loss, truth.loss), "{} {}", found.loss, truth.loss);
    }
}

#[test]
fn one_target_ends_at_the_optimum_with_both_solvers() {
    let Some((gpu, _turn)) = gpu() else { return };
    let (x, y) = problem(6000, 12, 1);
    for solver in [SolverChoice::Newton, SolverChoice::Lbfgs, SolverChoice::Auto] {
        let spec = GlmSpec { solver, tolerance: TOLERANCE_F64, ..GlmSpec::default() };
        let both = fits(spec, &x, &y, gpu);
        assert_eq!((both[1].plan.backend.as_str(), both[1].plan.storage.as_str()), ("gpu", "f32"));
        assert!(both[1].targets.iter().all(|target| target.status == Status::Converged));
        agree(&both, 1e-8);
    }
}

#[test]
fn a_population_ends_at_the_optimum_and_a_silent_target_disturbs_nobody() {
    let Some((gpu, _turn)) = gpu() else { return };
    let (x, mut y) = problem(5000, 20, 12);
    y.column_mut(4).fill(0.0);
    for tolerance in [TOLERANCE_F64, TOLERANCE_F32] {
        let both = fits(GlmSpec { tolerance, ..GlmSpec::default() }, &x, &y, gpu);
        assert_eq!(both[1].targets[4].status, Status::NoEvents);
        assert_eq!(both[1].targets.iter().filter(|target| target.status == Status::Converged).count(), 11);
        agree(&both, if tolerance == TOLERANCE_F64 { 1e-8 } else { 1e-3 });
    }
}

#[test]
fn bits_of_a_target_do_not_depend_on_its_companions() {
    let Some((gpu, _turn)) = gpu() else { return };
    let (x, y) = problem(3000, 10, 6);
    let spec = || GlmSpec { solver: SolverChoice::Lbfgs, ..GlmSpec::default() };
    let all = fits(spec(), &x, &y, gpu)[1].clone();
    let some = fits(spec(), &x, &y.select(ndarray::Axis(1), &[5, 2]), gpu)[1].clone();
    for (own, of_all) in some.targets.iter().zip([5, 2]) {
        assert_eq!(own.coef, all.targets[of_all].coef);
        assert_eq!(own.intercept, all.targets[of_all].intercept);
    }
}

#[test]
fn hard_targets_have_the_same_statuses() {
    let Some((gpu, _turn)) = gpu() else { return };
    let (x, y) = problem(2000, 6, 1);
    // a feature that is 0 in every bin with an event: its coefficient runs to minus infinity
    let mut separated = x.clone();
    let lower: Array1<f64> = y
        .column(0)
        .iter()
        .enumerate()
        .map(|(i, &y)| if y == 0.0 && i % 3 == 0 { 1.0 } else { 0.0 })
        .collect();
    separated.column_mut(2).assign(&lower);
    let both = fits(GlmSpec::default(), &separated, &y, gpu);
    assert_eq!([both[0].targets[0].status, both[1].targets[0].status], [Status::Separated; 2]);
    // columns that repeat one another: all digits from the start, on the CPU
    let mut repeated = x.clone();
    let sum = &x.column(0) + &x.column(1);
    repeated.column_mut(3).assign(&sum);
    let both = fits(GlmSpec::default(), &repeated, &y, gpu);
    assert_eq!(both[1].targets[0].aliased, both[0].targets[0].aliased);
    assert_eq!(both[1].plan.backend, "cpu");
    agree(&both, 1e-8);
    // out of iterations
    let both = fits(GlmSpec { max_iterations: Some(1), ..GlmSpec::default() }, &x, &y, gpu);
    assert_eq!(both[1].targets[0].status, both[0].targets[0].status);
}

#[test]
fn every_pair_of_model_and_link_with_and_without_a_penalty() {
    let Some((gpu, _turn)) = gpu() else { return };
    let (x, counts) = problem(4000, 8, 1);
    for observation in ObservationModel::ALL {
        let y = match observation {
            ObservationModel::Poisson | ObservationModel::NegativeBinomial(_) => counts.clone(),
            ObservationModel::Gamma => counts.mapv(|y| y + 0.4),
            ObservationModel::Gaussian => {
                counts.mapv(|y| 2.0 * y - 0.3) + x.column(1).insert_axis(ndarray::Axis(1))
            }
            ObservationModel::Bernoulli => counts.mapv(|y| f64::from(u8::from(y > 0.0))),
        };
        for &inverse_link in Model::links_of(observation) {
            let lasso = Regularizer::Lasso { strength: 0.02.into() };
            for regularizer in [Regularizer::None, Regularizer::Ridge { strength: 1e-3.into() }, lasso] {
                let spec =
                    GlmSpec { model: Model { observation, inverse_link }, regularizer, ..GlmSpec::default() };
                let both = fits(spec, &x, &y, gpu);
                assert_eq!(both[1].plan.backend, "gpu");
                assert_eq!(both[1].targets[0].status, Status::Converged, "{observation:?} {inverse_link:?}");
                agree(&both, 1e-8);
            }
        }
    }
}

/// Full steps leave the domain of one over the mean, where a device has no NaN to tell by.
#[test]
fn steps_out_of_the_domain_are_refused_on_a_device() {
    let Some((gpu, _turn)) = gpu() else { return };
    let (noise, _) = problem(2000, 1, 1);
    let x = Array2::from_shape_fn((2000, 2), |(i, j)| if j == 0 { i as f64 / 2000.0 } else { noise[(i, 0)] });
    // means from 1 to 1000
    let y =
        Array2::from_shape_fn((2000, 1), |(i, _)| (0.3 + (i * 7 % 11) as f64 / 8.0) / (1.001 - x[(i, 0)]));
    for solver in [SolverChoice::Newton, SolverChoice::Lbfgs] {
        let spec = GlmSpec { model: ObservationModel::Gamma.into(), solver, ..GlmSpec::default() };
        let both = fits(spec, &x, &y, gpu);
        assert_eq!((both[1].targets[0].status, both[1].plan.backend.as_str()), (Status::Converged, "gpu"));
        let mu = both[1].predict(x.view()).unwrap();
        assert!(mu.iter().all(|&mu| mu > 0.0));
        agree(&both, 1e-8);
    }
}

#[test]
fn dispersions_by_maximum_likelihood_are_those_of_the_cpu() {
    let Some((gpu, _turn)) = gpu() else { return };
    let (x, y) = problem(3000, 4, 2);
    // twice and three times the counts vary more than Poisson's
    let y = Array2::from_shape_fn(y.dim(), |(i, k)| (2.0 + k as f64) * y[(i, k)]);
    let model = Model::from(ObservationModel::from(NegativeBinomial::UNIT));
    let both =
        fits(GlmSpec { model, dispersion: Dispersion::MaximumLikelihood, ..GlmSpec::default() }, &x, &y, gpu);
    agree(&both, 1e-8);
    for (truth, found) in both[0].targets.iter().zip(&both[1].targets) {
        assert!(truth.scale > 0.1 && (found.scale / truth.scale - 1.0).abs() < 1e-8);
        assert_eq!(found.status, Status::Converged);
    }
}

#[test]
fn classes_end_where_those_of_the_cpu_end() {
    let Some((gpu, _turn)) = gpu() else { return };
    let (x, y) = problem(3000, 6, 2);
    let labels = || (0..3000).map(|row| Some(Label::from(y[(row, 0)].min(1.0) + 2.0 * y[(row, 1)].min(1.0))));
    let response = [Labelled::learn("y", labels())];
    assert_eq!(response[0].classes().len(), 4);
    let names = (0..6).map(|j| format!("x{j}")).collect();
    let source = Source { name: "x".into(), labels: names, x: x.view().into() };
    let plan = DesignPlan::new(vec![source], 0..3000).unwrap();
    let lasso = Regularizer::Lasso { strength: vec![0.003, 0.0, 1e-4, 0.001, 0.02, 0.3].into() };
    for (solver, regularizer) in [
        (SolverChoice::Newton, Regularizer::None),
        (SolverChoice::Lbfgs, Regularizer::None),
        (SolverChoice::Newton, lasso),
    ] {
        let may_select = regularizer.selects();
        let spec = CategoricalSpec::new(GlmSpec { solver, regularizer, ..GlmSpec::default() }).unwrap();
        let there = spec.fit(gpu, &plan, &response, &mut |_| {}).unwrap();
        let here = spec.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {}).unwrap();
        assert_eq!((there.plan.backend.as_str(), here.plan.backend.as_str()), ("gpu", "cpu"));
        let scaled = |coef: &[f64]| -> Vec<f64> {
            coef.iter().enumerate().map(|(k, w)| w * plan.scaling().sd[k / 4]).collect()
        };
        let (a, b) = (scaled(&there.targets[0].coef), scaled(&here.targets[0].coef));
        assert!(crate::common::relative(&a, &b) < 1e-10, "{solver:?}: {a:?} {b:?}");
        assert_eq!((may_select, a.contains(&0.0)), (b.contains(&0.0), may_select), "{b:?}");
        assert_eq!((there.targets[0].status, here.targets[0].status), (Status::Converged, Status::Converged));
    }
}
