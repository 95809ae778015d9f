//! Designs that do not fit on a device: what does not stay there is sent or built again in every pass, and nothing else
//! changes.
//!
//! Software adapters count here; without any adapter these tests say so and pass, unless the variable
//! `RHEOBASE_REQUIRE_GPU` asks for one.
#![cfg(feature = "gpu")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::common::{Random, at_a_point, gpu_number, poisson_data, relative, source};
use ndarray::Array2;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::backend::gpu::Limits;
use rheobase::backend::{Backend, Cpu, Every, Gpu, Model};
use rheobase::basis::RaisedCosineLog;
use rheobase::design::{Column, Convolution, Course, DesignPlan, Evaluation, Form, Source};
use rheobase::glm::{FittedGlm, GlmSpec, PlanFrom, Response, SolverChoice};
use rheobase::objective::{GlmObjective, Objective, Packed};
use rheobase::solver::Status;

const N_BINS: usize = 30_000;

/// A device on which matrices of so many bytes stay, for one test at a time.
fn gpu(most_bytes: u64) -> Option<(Gpu, MutexGuard<'static, ()>)> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let number = gpu_number()?;
    // few rows to a buffer, so that there are many runs of them
    let limits = Limits { most_bytes: Some(most_bytes), binding_bytes: Some(1 << 19), ..Limits::default() };
    Some((Gpu::open_within(Some(&number), limits).unwrap(), turn))
}

fn spike_trains(n_channels: usize) -> Convolution {
    let mut random = Random(11);
    let train = |random: &mut Random| -> Vec<f64> {
        (0..N_BINS).map(|_| f64::from(u8::from(random.uniform() < 0.05))).collect()
    };
    let channels = (0..n_channels).map(|_| Course::of_counts(&train(&mut random))).collect();
    let functions =
        Array2::from_shape_fn((20, 3), |(lag, i)| (-((lag as f64 - 6.0 * i as f64) / 4.0).powi(2)).exp());
    let lags = Lags { window_bins: 20, shift: -1 };
    Convolution::new(channels, N_BINS, functions, lags, &[0..14_000, 14_100..N_BINS]).unwrap()
}

fn named<'a>(name: &str, x: impl Into<rheobase::design::Values<'a>>) -> Source<'a> {
    let x = x.into();
    let labels = (0..x.ncols()).map(|j| format!("{name}{j}")).collect();
    Source { name: name.into(), labels, x }
}

fn fit(on: &impl Backend, plan: &DesignPlan, y: &Array2<f64>, spec: GlmSpec) -> FittedGlm {
    let names = (0..y.ncols()).map(|k| format!("y{k}")).collect();
    spec.check().unwrap().fit(on, plan, &Response { y: y.view().into(), names }, &mut |_| {}).unwrap()
}

fn forms(fit: &FittedGlm) -> Vec<&str> {
    fit.plan.features.iter().map(|own| own.form.as_str()).collect()
}

/// Losses and gradients of some targets.
fn gradient(on: &Gpu, plan: &DesignPlan, y: &Array2<f64>, targets: &[usize]) -> Vec<f64> {
    let columns: Vec<Column> = (0..plan.n_columns()).map(Column::Source).collect();
    let y = Packed::new(y.view(), plan.rows());
    let mut f = GlmObjective::new(on, plan, &columns, &y, Model::default()).unwrap();
    let at = Array2::from_shape_fn((1 + columns.len(), targets.len()), |(j, k)| {
        0.02 * ((j + k) as f64).sin() - 0.1
    });
    let mut gradient = Array2::zeros(at.dim());
    let mut all = f.loss_gradient(&at, targets, Every::ROW, &mut gradient).unwrap();
    all.extend(gradient);
    all
}

#[test]
fn a_matrix_that_is_sent_again_gives_the_same_bits() {
    let (x, y) = poisson_data(3, 20_000, 50, 3);
    let single = x.mapv(|x| x as f32);
    let wide = Array2::from_shape_fn((20_000, 53), |(i, j)| if j < 50 { x[(i, j)] } else { 0.0 });
    let of_wide = wide.slice_axis(ndarray::Axis(1), (..50).into());
    let rows: Vec<usize> = (0..20_000).filter(|row| row % 7 != 3).collect();
    let plans = || {
        let single = DesignPlan::new(vec![named("x", single.view())], rows.clone()).unwrap();
        let double = DesignPlan::new(source(&x), rows.clone()).unwrap();
        // rows that do not follow each other in memory
        let strided = DesignPlan::new(vec![named("x", of_wide)], rows.clone()).unwrap();
        let two = DesignPlan::new(vec![named("x", single.sources()[0]), named("z", x.view())], rows.clone());
        [single, double, strided].into_iter().chain(two.ok()).collect::<Vec<_>>()
    };
    for targets in [&[0][..], &[0, 2]] {
        let y = y.select(ndarray::Axis(1), if targets.len() == 1 { &[0] } else { &[0, 1, 2] });
        let results = |most_bytes: u64| {
            let (gpu, _turn) = gpu(most_bytes)?;
            Some(plans().iter().map(|plan| gradient(&gpu, plan, &y, targets)).collect::<Vec<_>>())
        };
        let (Some(stays), Some(sent)) = (results(u64::MAX), results(0)) else { return };
        for (k, (stays, sent)) in stays.iter().zip(&sent).enumerate() {
            let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            // two matrices are one where they stay
            if k < 3 {
                assert_eq!(bits(stays), bits(sent), "plan {k}, {targets:?}");
            } else {
                assert!(relative(sent, stays) < 1e-6, "plan {k}");
            }
        }
    }
}

#[test]
fn every_operation_of_rows_that_are_sent_or_built_is_that_of_the_cpu() {
    let (x, _) = poisson_data(4, N_BINS, 9, 1);
    let trains = spike_trains(4);
    let level = (0..N_BINS).map(|bin| 0.5 + 0.5 * (bin as f64 * 0.01).sin()).collect();
    let mut random = Random(2);
    let y = Array2::from_shape_simple_fn((N_BINS, 1), || random.poisson(0.2));
    let basis = RaisedCosineLog::new(4).unwrap();
    let evaluation = Evaluation::new(vec![level], N_BINS, basis.into()).unwrap();
    let rows = trains.complete().iter().cloned().flatten().filter(|row| row % 11 != 5).collect::<Vec<_>>();
    let sources = || vec![named("x", x.view()), named("t", trains.all()), named("e", evaluation.all())];
    let plan = DesignPlan::new(sources(), rows).unwrap();
    let Some((gpu, _turn)) = gpu(0) else { return };
    for every in [1, 4] {
        let expected = at_a_point(&Cpu::<f64>::default(), &plan, &y, Every(every), -1.0);
        let found = at_a_point(&gpu, &plan, &y, Every(every), -1.0);
        for (k, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!(relative(found, expected) < 1e-5, "every {every}, result {k}: {found:?} {expected:?}");
        }
    }
}

#[test]
fn a_fit_whose_design_does_not_stay_ends_where_the_others_end() {
    let (x, y) = poisson_data(5, 20_000, 40, 3);
    let Some((gpu, _turn)) = gpu(0) else { return };
    for (solver, n_targets) in [(SolverChoice::Newton, 1), (SolverChoice::Lbfgs, 1), (SolverChoice::Auto, 3)]
    {
        let y = y.select(ndarray::Axis(1), &(0..n_targets).collect::<Vec<_>>());
        let plan = DesignPlan::new(source(&x), 0..20_000).unwrap();
        let spec = GlmSpec { solver, ..GlmSpec::default() };
        let [truth, found] =
            [fit(&Cpu::<f64>::default(), &plan, &y, spec.clone()), fit(&gpu, &plan, &y, spec)];
        assert_eq!(
            (forms(&found), found.plan.storage.as_str()),
            (vec!["written again in every pass"], "f32")
        );
        assert_eq!(found.plan.finishing[0].form, "written out");
        for (truth, found) in truth.targets.iter().zip(&found.targets) {
            assert_eq!((truth.status, found.status), (Status::Converged, Status::Converged));
            assert!(relative(&found.coef, &truth.coef) < 1e-10);
        }
    }
    // no more than rows on their way, vectors and sums
    assert!(gpu.peak_bytes() < 12 << 20, "{}", gpu.peak_bytes());
}

#[test]
fn a_population_shares_columns_that_are_built_in_every_pass() {
    let trains = spike_trains(6);
    let mut random = Random(7);
    let y = Array2::from_shape_fn((N_BINS, 5), |(_, k)| if k == 3 { 0.0 } else { random.poisson(0.1) });
    let rows: Vec<usize> = trains.complete().iter().cloned().flatten().collect();
    let plan = DesignPlan::new(vec![named("t", trains.all())], rows).unwrap();
    let truth = fit(&Cpu::<f64>::default(), &plan, &y, GlmSpec::default());
    let found = {
        let Some((gpu, _turn)) = gpu(0) else { return };
        fit(&gpu, &plan, &y, GlmSpec::default())
    };
    assert_eq!((forms(&found), found.plan.storage.as_str()), (vec!["written again in every pass"], "f32"));
    for (truth, found) in truth.targets.iter().zip(&found.targets) {
        assert_eq!(truth.status, found.status);
        assert!(
            found.status == Status::NoEvents || relative(&found.coef, &truth.coef) < 1e-8,
            "{}",
            found.name
        );
    }
    // the plan gives the same bits where there is room
    let Some((gpu, _turn)) = gpu(u64::MAX) else { return };
    let again = GlmSpec { plan_from: PlanFrom::Plan(Box::new(found.plan.clone())), ..GlmSpec::default() };
    let again = fit(&gpu, &plan, &y, again);
    assert_eq!(forms(&again), forms(&found));
    for (again, found) in again.targets.iter().zip(&found.targets) {
        assert_eq!(again.coef, found.coef);
    }
}

#[test]
fn a_limit_of_memory_is_one_of_the_device_too() {
    let (x, y) = poisson_data(6, 20_000, 20, 1);
    let Some((gpu, _turn)) = gpu(u64::MAX) else { return };
    let plan = |limit: u64| DesignPlan::new(source(&x), 0..20_000).unwrap().with_limit(Some(limit));
    let n_bytes = 20_000 * 20 * 4;
    for (limit, form) in [(n_bytes, Form::Written), (n_bytes - 1, Form::Rewritten)] {
        let found = fit(&gpu, &plan(limit), &y, GlmSpec::default());
        assert_eq!(forms(&found), [form.name()]);
    }
}
