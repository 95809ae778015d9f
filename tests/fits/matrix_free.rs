//! Designs that are not written out: the same numbers as those that are.

use crate::common::{Random, at_a_point};
use ndarray::{Array1, Array2, Axis};
use rheobase::Error;
use rheobase::backend::cpu::convolution::lags::Lags;
use rheobase::backend::cpu::simd::Level;
use rheobase::backend::{Costs, Cpu, Every};
use rheobase::design::{Convolution, Course, DesignPlan, Form, Rows, Source, Values};
use rheobase::glm::{
    CrossValidation, FittedGlm, Folds, GlmSpec, Pick, Response, SolverChoice, StandardErrors,
};
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;

const N_BINS: usize = 60_000;
const WINDOW: usize = 40;
const N_FUNCTIONS: usize = 6;

/// Overlapping bumps over the window, all of them 0 at its end.
fn functions() -> Array2<f64> {
    Array2::from_shape_fn((WINDOW, N_FUNCTIONS), |(lag, i)| {
        let z = (lag as f64 - 6.0 * i as f64) / 4.0;
        (-z * z).exp() * (1.0 - lag as f64 / WINDOW as f64)
    })
}

/// Three epochs, one shorter than the window.
fn segments() -> Vec<std::ops::Range<usize>> {
    vec![0..21_234, 21_234..21_260, 21_260..N_BINS]
}

fn convolution(channels: Vec<Course>) -> Convolution {
    let lags = Lags { window_bins: WINDOW, shift: -1 };
    Convolution::new(channels, N_BINS, functions(), lags, &segments()).unwrap()
}

fn trains(random: &mut Random, n: usize) -> Vec<Course> {
    let count = |random: &mut Random| if random.uniform() < 0.03 { 1.0 + random.poisson(0.2) } else { 0.0 };
    (0..n).map(|_| Course::of_counts(&(0..N_BINS).map(|_| count(random)).collect::<Vec<f64>>())).collect()
}

/// Far from 0, so that offsets matter.
fn signals(random: &mut Random, n: usize) -> Vec<Course> {
    (0..n).map(|_| Course::Samples((0..N_BINS).map(|_| 40.0 + random.normal()).collect())).collect()
}

fn source<'a>(name: &str, x: Values<'a>) -> Source<'a> {
    let labels = (0..x.ncols()).map(|j| format!("{name}{j}")).collect();
    Source { name: name.into(), labels, x }
}

/// The same columns written out by the definition.
fn written(of: &Convolution, channels: &[Course]) -> Array2<f64> {
    let functions = functions();
    let mut x = Array2::from_elem((N_BINS, of.n_columns()), f64::NAN);
    for (c, course) in channels.iter().enumerate() {
        let values = course.clone().into_values(N_BINS, 1.0);
        for rows in segments().into_iter().filter(|rows| rows.len() > WINDOW) {
            for row in rows.start + WINDOW..rows.end {
                for i in 0..N_FUNCTIONS {
                    x[[row, c * N_FUNCTIONS + i]] =
                        (0..WINDOW).map(|k| functions[[k, i]] * values[row - 1 - k]).sum();
                }
            }
        }
    }
    x
}

/// Counts whose rate depends on all columns.
fn counts(x: &[&Array2<f64>], random: &mut Random, n_targets: usize) -> Array2<f64> {
    let mut y = Array2::zeros((N_BINS, n_targets));
    for mut target in y.columns_mut() {
        let mut eta = Array1::from_elem(N_BINS, -2.5);
        for column in x.iter().flat_map(|x| x.columns()) {
            let known: Vec<f64> = column.iter().copied().filter(|x| x.is_finite()).collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let sd = (known.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / known.len() as f64).sqrt();
            let weight = 0.15 * random.normal();
            eta.zip_mut_with(&column, |eta, x| *eta += weight * (x - mean) / sd);
        }
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

fn assert_same(found: &FittedGlm, expected: &FittedGlm, tolerance: f64, what: &str) {
    for (found, expected) in found.targets.iter().zip(&expected.targets) {
        assert_eq!((found.status, expected.status), (Status::Converged, Status::Converged), "{what}");
        let apart = crate::common::relative(&found.coef, &expected.coef);
        assert!(apart <= tolerance, "{what}: coefficients {apart:e}");
        let apart = (found.loss - expected.loss).abs() / expected.loss.abs();
        assert!(apart <= 1e-12, "{what}: loss {apart:e}");
        if expected.standard_errors[0].is_finite() {
            let apart = crate::common::relative(&found.standard_errors, &expected.standard_errors);
            assert!(apart <= 1e-6, "{what}: standard errors {apart:e}");
        }
    }
}

fn form(plan: &DesignPlan, source: usize, n_targets: usize) -> Form {
    plan.form(source, n_targets, &Costs::of_cpu(Level::best()))
}

#[test]
fn a_fit_without_a_matrix_is_the_fit_with_one() {
    let mut random = Random(1);
    for (what, channels) in [("events", trains(&mut random, 4)), ("signals", signals(&mut random, 4))] {
        let of = convolution(channels.clone());
        let x = written(&of, &channels);
        let y = counts(&[&x], &mut random, 1);
        let rows = Rows::from_ranges(of.complete().iter().cloned());
        let free = DesignPlan::new(vec![source("x", of.all().into())], rows.clone()).unwrap();
        assert_eq!(form(&free, 0, 1), Form::MatrixFree);
        let dense = DesignPlan::new(vec![source("x", x.view().into())], rows).unwrap();
        assert!(crate::common::relative(&free.scaling().mean, &dense.scaling().mean) < 1e-12, "{what}");
        assert!(crate::common::relative(&free.scaling().sd, &dense.scaling().sd) < 1e-6, "{what}");
        for solver in [SolverChoice::Newton, SolverChoice::Lbfgs] {
            let spec = || GlmSpec { solver, ..GlmSpec::default() };
            assert_same(&fit(&free, &y, spec()), &fit(&dense, &y, spec()), 1e-8, what);
        }
    }
}

#[test]
fn blocks_of_all_kinds_stand_side_by_side() {
    let mut random = Random(2);
    let (trains, signals) = (trains(&mut random, 4), signals(&mut random, 5));
    let (of_trains, of_signals) = (convolution(trains.clone()), convolution(signals.clone()));
    let plain = Array2::from_shape_simple_fn((N_BINS, 2), || random.normal());
    let (x, z) = (written(&of_trains, &trains), written(&of_signals, &signals));
    let y = counts(&[&x, &plain, &z], &mut random, 1);
    // some rows left out, others before those that come earlier
    let mut rows: Vec<usize> = of_trains.complete().iter().cloned().flatten().collect();
    rows.retain(|row| row % 5003 != 0);
    rows.rotate_left(7777);
    // some of the channels, in two pieces
    let k = N_FUNCTIONS;
    let some = |x: &Array2<f64>, columns: std::ops::Range<usize>| {
        x.select(Axis(1), &columns.collect::<Vec<usize>>())
    };
    let (head, tail) = (some(&x, 0..k), some(&x, 2 * k..4 * k));
    let free = vec![
        source("a", of_trains.columns(&(0..k)).unwrap().into()),
        source("b", of_trains.columns(&(2 * k..4 * k)).unwrap().into()),
        source("p", plain.view().into()),
        source("s", of_signals.all().into()),
    ];
    let dense = vec![
        source("a", head.view().into()),
        source("b", tail.view().into()),
        source("p", plain.view().into()),
        source("s", z.view().into()),
    ];
    let free = DesignPlan::new(free, rows.clone()).unwrap();
    let forms = [0, 1, 2, 3].map(|source| form(&free, source, 1));
    assert_eq!(forms, [Form::Written, Form::Written, Form::Written, Form::MatrixFree]);
    let dense = DesignPlan::new(dense, rows).unwrap();
    let fits = [&free, &dense].map(|plan| fit(plan, &y, GlmSpec::default()));
    assert_same(&fits[0], &fits[1], 1e-8, "mixed");
    // all of them, in two blocks that are not written and one that is
    let rows = Rows::from_ranges(of_trains.complete().iter().cloned());
    let free = vec![
        source("x", of_trains.all().into()),
        source("p", plain.view().into()),
        source("s", of_signals.all().into()),
    ];
    let dense =
        vec![source("x", x.view().into()), source("p", plain.view().into()), source("s", z.view().into())];
    let free = DesignPlan::new(free, rows.clone()).unwrap();
    assert_eq!(
        [0, 1, 2].map(|source| form(&free, source, 1)),
        [Form::MatrixFree, Form::Written, Form::MatrixFree]
    );
    let dense = DesignPlan::new(dense, rows).unwrap();
    let fits = [&free, &dense].map(|plan| fit(plan, &y, GlmSpec::default()));
    assert_same(&fits[0], &fits[1], 1e-8, "three blocks");
    // what is expected needs no matrix either
    let sources = vec![
        source("p", plain.view().into()),
        source("x", of_trains.columns(&(2 * k..4 * k)).unwrap().into()),
    ];
    let same = vec![source("p", plain.view().into()), source("x", tail.view().into())];
    let expected = [sources, same].map(|sources| fits[0].expected_counts(0, &sources, None).unwrap());
    for (row, (a, b)) in expected[0].iter().zip(&expected[1]).enumerate() {
        assert!((a - b).abs() <= 1e-12 * b || (a.is_nan() && b.is_nan()), "{row}: {a} {b}");
    }
}

#[test]
fn every_operation_is_that_of_the_matrix() {
    let mut random = Random(3);
    for (what, channels) in [("events", trains(&mut random, 5)), ("signals", signals(&mut random, 5))] {
        let of = convolution(channels.clone());
        let x = written(&of, &channels);
        let y = counts(&[&x], &mut random, 1);
        let rows = Rows::from_ranges(of.complete().iter().cloned());
        let free = DesignPlan::new(vec![source("x", of.all().into())], rows.clone()).unwrap();
        assert_eq!(form(&free, 0, 1), Form::MatrixFree);
        let dense = DesignPlan::new(vec![source("x", x.view().into())], rows).unwrap();
        for every in [Every::ROW, Every(5)] {
            let expected = at_a_point(&Cpu::<f64>::default(), &dense, &y, every, -2.0);
            let exact = at_a_point(&Cpu::<f64>::default(), &free, &y, every, -2.0);
            let fast = at_a_point(&Cpu::<f32>::default(), &free, &y, every, -2.0);
            for (k, expected) in expected.iter().enumerate() {
                let apart = crate::common::relative(&exact[k], expected);
                assert!(apart <= 1e-10, "{what}, number {k}, {every:?}: {apart:e}");
                let apart = crate::common::relative(&fast[k], expected);
                assert!(apart <= 2e-4, "{what}, number {k}, {every:?} in f32: {apart:e}");
            }
        }
    }
}

#[test]
fn several_targets_share_columns_that_are_written_again() {
    let mut random = Random(4);
    let channels = trains(&mut random, 4);
    let of = convolution(channels.clone());
    let x = written(&of, &channels);
    let y = counts(&[&x], &mut random, 3);
    let rows = Rows::from_ranges(of.complete().iter().cloned());
    let plan = DesignPlan::new(vec![source("x", of.all().into())], rows).unwrap();
    assert_eq!(form(&plan, 0, 3), Form::Written);
    let small = plan.clone().with_limit(Some(1 << 20));
    assert_eq!((form(&small, 0, 3), form(&small, 0, 1)), (Form::Rewritten, Form::MatrixFree));
    let fits = [&plan, &small].map(|plan| fit(plan, &y, GlmSpec::default()));
    assert_same(&fits[0], &fits[1], 1e-9, "population");
}

#[test]
fn a_channel_that_stands_still_where_it_is_seen_has_no_effect() {
    let mut random = Random(8);
    let mut channels = signals(&mut random, 4);
    // constant in the second epoch, which is used, and not before
    if let Course::Samples(values) = &mut channels[2] {
        values[21_260..].fill(0.1);
    }
    let of = convolution(channels);
    let plan = DesignPlan::new(vec![source("x", of.all().into())], 21_300..N_BINS).unwrap();
    for (column, &sd) in plan.scaling().sd.iter().enumerate() {
        assert_eq!(sd == 0.0, column / N_FUNCTIONS == 2, "{column}: {sd}");
    }
    let y = Array2::from_shape_simple_fn((N_BINS, 1), || random.poisson(0.1));
    let target = &fit(&plan, &y, GlmSpec::default()).targets[0];
    assert_eq!(target.status, Status::Converged);
    assert!(target.coef[2 * N_FUNCTIONS..3 * N_FUNCTIONS].iter().all(|&w| w == 0.0));
    assert!(target.coef[..2 * N_FUNCTIONS].iter().all(|w| w.abs() < 1.0));
}

#[test]
fn the_least_window_and_the_largest_numbers() {
    // one bin, the present one: windows of neighbouring epochs touch
    let lags = Lags { window_bins: 1, shift: 0 };
    let mut random = Random(9);
    let values: Vec<f64> = (0..100).map(|_| random.normal()).collect();
    let segments = [0..40, 40..100];
    let new = |values: Vec<f64>| {
        Convolution::new(vec![Course::Samples(values)], 100, Array2::ones((1, 1)), lags, &segments)
    };
    let of = new(values.clone()).unwrap();
    let plan = DesignPlan::new(vec![source("x", of.all().into())], 0..100).unwrap();
    assert!((plan.scaling().mean[0] - values.iter().sum::<f64>() / 100.0).abs() < 1e-15);
    let sd = plan.scaling().sd[0];
    for factor in [1e-250, 1e150] {
        let of = new(values.iter().map(|x| x * factor).collect()).unwrap();
        let plan = DesignPlan::new(vec![source("x", of.all().into())], 0..100).unwrap();
        assert!((plan.scaling().sd[0] / factor / sd - 1.0).abs() < 1e-12, "{factor:e}");
    }
    let of = new(values.iter().map(|x| x.signum() * 1.7e308).collect()).unwrap();
    let error = DesignPlan::new(vec![source("x", of.all().into())], 0..100).unwrap_err();
    assert!(matches!(error, Error::Argument { .. }), "{error}");
    // an event in a bin that is not there
    let events = Course::of_counts(&[vec![0.0; 120], vec![1.0]].concat());
    let error = Convolution::new(vec![events], 100, Array2::ones((1, 1)), lags, &segments).unwrap_err();
    assert!(matches!(error, Error::Length { expected: 100, found: 121, .. }), "{error}");
}

#[test]
fn what_is_written_stays_below_the_limit() {
    let mut random = Random(10);
    let of = convolution(trains(&mut random, 4));
    let sources = || vec![source("a", of.all().into()), source("b", of.all().into())];
    let plan = DesignPlan::new(sources(), 100..20_000).unwrap();
    assert_eq!((form(&plan, 0, 2), form(&plan, 1, 2)), (Form::Written, Form::Written));
    let rows = Rows::from_ranges(of.complete().iter().cloned());
    let plan = DesignPlan::new(sources(), rows).unwrap().with_limit(Some(25_000_000));
    assert_eq!((form(&plan, 0, 2), form(&plan, 1, 2)), (Form::Written, Form::Rewritten));
}

/// Folds and strengths are several targets also of one response: columns that are not written out have another form for these.
#[test]
fn a_cross_validation_without_a_matrix_is_that_with_one() {
    let mut random = Random(11);
    let channels = trains(&mut random, 4);
    let of = convolution(channels.clone());
    let x = written(&of, &channels);
    let y = counts(&[&x], &mut random, 1);
    let rows = Rows::from_ranges(of.complete().iter().cloned());
    let free = DesignPlan::new(vec![source("x", of.all().into())], rows.clone()).unwrap();
    let free = free.with_limit(Some(10_000_000));
    assert_eq!((form(&free, 0, 1), form(&free, 0, 2)), (Form::MatrixFree, Form::Rewritten));
    let dense = DesignPlan::new(vec![source("x", x.view().into())], rows.clone()).unwrap();
    let folds = Folds::blocked(&rows, 4, WINDOW).unwrap();
    let how = CrossValidation { strengths: vec![1e-4, 1e-2, 1.0], folds, pick: Pick::Best };
    let regularizer = Regularizer::Ridge { strength: 1.0.into() };
    let spec = GlmSpec { regularizer, ..GlmSpec::default() }.check().unwrap();
    let response = Response { y: y.view().into(), names: vec!["y".into()] };
    let [found, expected] = [&free, &dense]
        .map(|plan| spec.cross_validate(&Cpu::<f32>::default(), plan, &response, &how, &mut |_| {}).unwrap());
    assert_eq!(found.targets[0].strength, expected.targets[0].strength);
    assert_same(&found, &expected, 1e-8, "cross-validation");
    let scores = |fit: &FittedGlm| fit.targets[0].cv.as_ref().unwrap().by_fold.concat();
    assert!(crate::common::relative(&scores(&found), &scores(&expected)) < 1e-7);
}

/// Every third row: hardly a window is whole.
#[test]
fn rows_without_neighbours_are_no_blocks() {
    let mut random = Random(7);
    let (trains, signals) = (trains(&mut random, 12), signals(&mut random, 12));
    for (channels, expected) in [(trains, Form::MatrixFree), (signals, Form::Written)] {
        let of = convolution(channels.clone());
        let x = written(&of, &channels);
        let y = counts(&[&x], &mut random, 1);
        let rows: Vec<usize> = of.complete().iter().cloned().flatten().step_by(3).collect();
        let free = DesignPlan::new(vec![source("x", of.all().into())], rows.clone()).unwrap();
        assert_eq!(form(&free, 0, 1), expected);
        let dense = DesignPlan::new(vec![source("x", x.view().into())], rows).unwrap();
        let fits = [&free, &dense].map(|plan| fit(plan, &y, GlmSpec::default()));
        assert_same(&fits[0], &fits[1], 1e-8, "scattered");
    }
}

#[test]
fn bits_do_not_depend_on_the_threads() {
    let mut random = Random(5);
    for channels in [trains(&mut random, 4), signals(&mut random, 4)] {
        let of = convolution(channels.clone());
        let x = written(&of, &channels);
        let y = counts(&[&x], &mut random, 1);
        let rows = Rows::from_ranges(of.complete().iter().cloned());
        let spec = || GlmSpec { standard_errors: StandardErrors::Off, ..GlmSpec::default() };
        let coef = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| {
                let plan = DesignPlan::new(vec![source("x", of.all().into())], rows.clone()).unwrap();
                fit(&plan, &y, spec()).targets.remove(0).coef
            })
        };
        let one = coef(1);
        assert!(coef(2) == one && coef(5) == one);
    }
}

#[test]
fn rows_that_cannot_be_known_are_refused_and_not_a_number() {
    let mut random = Random(6);
    let mut channels = signals(&mut random, 2);
    if let Course::Samples(values) = &mut channels[1] {
        values[30_000] = f64::NAN;
    }
    let of = convolution(channels);
    let coef = vec![0.01; of.n_columns()];
    let eta = Values::from(of.all()).product(&coef);
    let column = of.all().column(N_FUNCTIONS + 2);
    for row in [0, 39, 21_240, 21_299, 30_001, 30_040] {
        assert!(eta[row].is_nan() && column[row].is_nan(), "{row}");
        assert!(of.all().get(row, N_FUNCTIONS + 2).is_nan(), "{row}");
    }
    for row in [40, 21_300, 30_000, 30_041] {
        assert!(eta[row].is_finite(), "{row}");
        assert!((of.all().get(row, N_FUNCTIONS + 2) - column[row]).abs() < 1e-12, "{row}");
    }
    for bad in [39, 21_299, 30_040] {
        let error = DesignPlan::new(vec![source("x", of.all().into())], vec![45, bad]).unwrap_err();
        assert!(
            matches!(&error, Error::Argument { .. }) && error.to_string().contains(&bad.to_string()),
            "{error}"
        );
    }
    // the first channel alone knows all of them
    let first = of.columns(&(0..N_FUNCTIONS)).unwrap();
    assert!(DesignPlan::new(vec![source("x", first.into())], vec![45, 30_040]).is_ok());
    assert!(of.columns(&(1..N_FUNCTIONS)).is_err());
}
