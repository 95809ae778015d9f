//! Evaluated columns that are not written out: the same numbers as those that are.

use std::ops::Range;

use crate::common::Random;
use ndarray::{Array1, Array2};
use rheobase::backend::cpu::simd::Level;
use rheobase::backend::{Backend, Costs, Cpu, Every, Model};
use rheobase::basis::{Basis, Expand, RaisedCosineLog};
use rheobase::design::{Column, DesignPlan, Evaluation, Form, Source, Values};
use rheobase::glm::{FittedGlm, GlmSpec, Response, SolverChoice};
use rheobase::objective::{GlmObjective, Objective, Packed, Weight};
use rheobase::solver::Status;

const N_BINS: usize = 80_003;
const N_FUNCTIONS: usize = 7;

fn basis() -> Basis {
    RaisedCosineLog::new(N_FUNCTIONS).unwrap().into()
}

/// Two slow signals between 0 and 1, one of them unknown for a while.
fn channels() -> Vec<Vec<f64>> {
    let slow = |t: usize, period: f64| 0.5 + 0.5 * (t as f64 / period).sin() * (t as f64 / 3e4).cos();
    let mut channels: Vec<Vec<f64>> =
        [700.0, 311.0].map(|period| (0..N_BINS).map(|t| slow(t, period)).collect()).to_vec();
    channels[1][500..520].fill(f64::NAN);
    channels
}

/// The same columns written out by the definition.
fn written(channels: &[Vec<f64>]) -> Array2<f64> {
    let mut x = Array2::zeros((N_BINS, channels.len() * N_FUNCTIONS));
    let mut values = Array2::zeros((N_BINS, N_FUNCTIONS));
    for (channel, mut own) in channels.iter().zip(x.axis_chunks_iter_mut(ndarray::Axis(1), N_FUNCTIONS)) {
        basis().expand(channel, &mut values).unwrap();
        own.assign(&values);
    }
    x
}

fn source<'a>(name: &str, x: Values<'a>) -> Source<'a> {
    let labels = (0..x.ncols()).map(|j| format!("{name}{j}")).collect();
    Source { name: name.into(), labels, x }
}

fn used() -> Vec<usize> {
    (0..N_BINS).filter(|row| !(500..520).contains(row) && row % 4001 != 7).collect()
}

fn counts(x: &Array2<f64>, random: &mut Random, n_targets: usize) -> Array2<f64> {
    let mut y = Array2::zeros((N_BINS, n_targets));
    for mut target in y.columns_mut() {
        let weights = Array1::from_shape_simple_fn(x.ncols(), || random.normal());
        let eta = x.dot(&weights) - 2.5;
        target
            .zip_mut_with(&eta, |y, eta| *y = if eta.is_finite() { random.poisson(eta.exp()) } else { 0.0 });
    }
    y
}

fn fit(plan: &DesignPlan, y: &Array2<f64>, spec: GlmSpec) -> FittedGlm {
    let names = (0..y.ncols()).map(|k| format!("y{k}")).collect();
    let response = Response { y: y.view().into(), names };
    spec.check().unwrap().fit(&Cpu::<f32>::default(), plan, &response, &mut |_| {}).unwrap()
}

fn assert_same(found: &FittedGlm, expected: &FittedGlm, what: &str) {
    for (found, expected) in found.targets.iter().zip(&expected.targets) {
        assert_eq!((found.status, expected.status), (Status::Converged, Status::Converged), "{what}");
        let apart = crate::common::relative(&found.coef, &expected.coef);
        assert!(apart <= 1e-9, "{what}: coefficients {apart:e}");
        let apart = crate::common::relative(&found.standard_errors, &expected.standard_errors);
        assert!(apart <= 1e-6, "{what}: standard errors {apart:e}");
    }
}

#[test]
fn they_are_written_again_only_if_they_do_not_fit() {
    let mut random = Random(1);
    let channels = channels();
    let of = Evaluation::new(channels.clone(), N_BINS, basis()).unwrap();
    let x = written(&channels);
    let plain = Array2::from_shape_simple_fn((N_BINS, 2), || random.normal());
    for n_targets in [1, 3] {
        let y = counts(&x, &mut random, n_targets);
        let free = vec![source("p", plain.view().into()), source("x", of.all().into())];
        let dense = vec![source("p", plain.view().into()), source("x", x.view().into())];
        let roomy = DesignPlan::new(free, used()).unwrap();
        let tight = roomy.clone().with_limit(Some(4 << 20));
        let dense = DesignPlan::new(dense, used()).unwrap();
        assert_eq!(roomy.scaling().mean, dense.scaling().mean);
        assert_eq!(roomy.scaling().sd, dense.scaling().sd);
        let costs = Costs::of_cpu(Level::best());
        let forms = [&roomy, &tight].map(|plan| plan.form(1, n_targets, &costs));
        assert_eq!(forms, [Form::Written, Form::Rewritten]);
        let plain_bytes = (2 * used().len() * 12) as u64;
        assert_eq!(tight.needed_bytes(n_targets, 4, &costs), plain_bytes);
        for solver in [SolverChoice::Newton, SolverChoice::Lbfgs] {
            let spec = || GlmSpec { solver, ..GlmSpec::default() };
            let expected = fit(&dense, &y, spec());
            assert_same(&fit(&roomy, &y, spec()), &expected, "written");
            let found = fit(&tight, &y, spec());
            assert_same(&found, &expected, "written again");
            let own = &found.plan.features[1];
            assert_eq!((own.feature.as_str(), own.form.as_str()), ("x", "written again in every pass"));
            assert_eq!((own.n_columns, own.n_bytes_kept), (2 * N_FUNCTIONS, 0));
        }
    }
}

/// Loss, gradient, Hessian and Gram of some rows at a point.
fn numbers<B: Backend>(on: &B, plan: &DesignPlan, columns: &[Column], y: &Array2<f64>) -> Vec<Vec<f64>> {
    let packed = Packed::new(y.view(), plan.rows());
    let mut f = GlmObjective::new(on, plan, columns, &packed, Model::default()).unwrap();
    let at = Array2::from_shape_fn((1 + columns.len(), 1), |(j, _)| if j == 0 { -2.0 } else { 0.1 });
    let mut gradient = Array2::zeros(at.dim());
    let losses = f.loss_gradient(&at, &[0], Every(3), &mut gradient).unwrap();
    let gram = f.gram(Every::ROW, Weight::Flat).unwrap();
    let quadratic = f.quadratic(&at.column(0).to_vec(), 0).unwrap();
    let flat = |x: &Array2<f64>| x.iter().copied().collect::<Vec<f64>>();
    vec![losses, flat(&gradient), flat(&gram), quadratic.gradient, flat(&quadratic.hessian)]
}

#[test]
fn every_operation_is_that_of_the_matrix() {
    let channels = channels();
    let of = Evaluation::new(channels.clone(), N_BINS, basis()).unwrap();
    let x = written(&channels);
    let y = counts(&x, &mut Random(2), 1);
    let free = DesignPlan::new(vec![source("x", of.all().into())], used()).unwrap().with_limit(Some(0));
    let dense = DesignPlan::new(vec![source("x", x.view().into())], used()).unwrap();
    let all: Vec<Column> = (0..2 * N_FUNCTIONS).map(Column::Source).collect();
    let some: Vec<Column> = [1, 3, 4, 9, 12].map(Column::Source).to_vec();
    for columns in [all, some] {
        let expected = numbers(&Cpu::<f64>::default(), &dense, &columns, &y);
        let exact = numbers(&Cpu::<f64>::default(), &free, &columns, &y);
        let fast = numbers(&Cpu::<f32>::default(), &free, &columns, &y);
        for (k, expected) in expected.iter().enumerate() {
            let apart = crate::common::relative(&exact[k], expected);
            assert!(apart <= 1e-12, "number {k}: {apart:e}");
            let apart = crate::common::relative(&fast[k], expected);
            assert!(apart <= 1e-4, "number {k} in f32: {apart:e}");
        }
    }
}

#[test]
fn values_are_those_of_the_basis_and_unknown_where_the_signal_is() {
    let channels = channels();
    let of = Evaluation::new(channels.clone(), N_BINS, basis()).unwrap();
    let x = written(&channels);
    let weights: Vec<f64> = (0..x.ncols()).map(|j| 1.0 + 0.1 * j as f64).collect();
    let eta = Values::from(of.all()).product(&weights);
    let expected = x.dot(&Array1::from(weights));
    let second = of.all().column(N_FUNCTIONS + 1);
    for row in (0..N_BINS).step_by(37).chain(490..530) {
        let is_unknown = (500..520).contains(&row);
        assert!(eta[row].is_nan() == is_unknown && (is_unknown || (eta[row] - expected[row]).abs() < 1e-12));
        assert!(second[row] == x[(row, N_FUNCTIONS + 1)] || is_unknown, "{row}");
        assert!(of.all().get(row, 2) == x[(row, 2)], "{row}");
        assert_eq!(second[row].is_nan(), is_unknown);
    }
    let unknown = |columns: Range<usize>| of.unknown(&columns).collect::<Vec<_>>();
    assert_eq!(unknown(0..N_FUNCTIONS), []);
    assert_eq!(unknown(0..2 * N_FUNCTIONS), std::slice::from_ref(&(500..520)));
    assert!(of.columns(&(N_FUNCTIONS..2 * N_FUNCTIONS)).is_ok() && of.columns(&(1..N_FUNCTIONS)).is_err());
    assert!(Evaluation::new(channels, N_BINS - 1, basis()).is_err());
    let error = DesignPlan::new(vec![source("x", of.all().into())], vec![1, 2, 510]).unwrap_err();
    assert!(matches!(error, rheobase::Error::NonFinite { row: 510, column: N_FUNCTIONS, .. }), "{error}");
}
