//! Fits that are hard or must not be finished quietly.

use crate::common::{Random, fit, poisson_data, relative};
use ndarray::{Array1, Array2, Axis, array, concatenate};
use rheobase::Error;
use rheobase::backend::{Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{GapFrom, GlmSpec, Response, SolverChoice, StandardErrors, score};
use rheobase::solver::Status;

fn spec(solver: SolverChoice) -> GlmSpec {
    GlmSpec { solver, ..GlmSpec::default() }
}

const SOLVERS: [SolverChoice; 2] = [SolverChoice::Newton, SolverChoice::Lbfgs];

/// Independent values: R's warpbreaks data, `glm(breaks ~ wool * tension, poisson)` in R 4.2.2.
#[test]
fn warpbreaks_agrees_with_r() {
    const AL: [f64; 9] = [26.0, 30.0, 54.0, 25.0, 70.0, 52.0, 51.0, 26.0, 67.0];
    const AM: [f64; 9] = [18.0, 21.0, 29.0, 17.0, 12.0, 18.0, 35.0, 30.0, 36.0];
    const AH: [f64; 9] = [36.0, 21.0, 24.0, 18.0, 10.0, 43.0, 28.0, 15.0, 26.0];
    const BL: [f64; 9] = [27.0, 14.0, 29.0, 19.0, 29.0, 31.0, 41.0, 20.0, 44.0];
    const BM: [f64; 9] = [42.0, 26.0, 19.0, 16.0, 39.0, 28.0, 21.0, 39.0, 29.0];
    const BH: [f64; 9] = [20.0, 21.0, 24.0, 17.0, 13.0, 15.0, 15.0, 16.0, 28.0];
    let y: Vec<f64> = [AL, AM, AH, BL, BM, BH].concat();
    let x = Array2::from_shape_fn((54, 5), |(i, j)| {
        let (wool, tension) = (f64::from(i / 27 == 1), i / 9 % 3);
        let (m, h) = (f64::from(tension == 1), f64::from(tension == 2));
        [wool, m, h, wool * m, wool * h][j]
    });
    let y = Array2::from_shape_vec((54, 1), y).unwrap();
    for solver in SOLVERS {
        let fitted = fit(spec(solver), &x, &y);
        let target = &fitted.targets[0];
        assert_eq!(target.status, Status::Converged);
        assert!((target.intercept - 3.796_736_849_970_4).abs() < 1e-11);
        assert!((target.coef[0] + 0.456_627_160_288_0).abs() < 1e-11);
        assert!((target.coef[1] + 0.618_683_019_622_4).abs() < 1e-11);
        assert!((target.standard_errors[0] - 0.080_192_103_476_8).abs() < 1e-8);
        assert!((target.scores.log_likelihood_sum + 228.484_604_470_675).abs() < 1e-9);
        assert!((target.scores.deviance - 182.305_131_285_847).abs() < 1e-9);
    }
}

#[test]
fn scale_and_offset_of_features_do_not_matter() {
    let (x, y) = poisson_data(1, 3000, 5, 1);
    let scale = [1e-8, 1e8, 1.0, 1e3, 1e-3];
    let shift = [0.0, 1e8, 1e6, -1e6, 5.0];
    let wild = Array2::from_shape_fn(x.dim(), |(i, j)| x[(i, j)] * scale[j] + shift[j]);
    let reference = fit(spec(SolverChoice::Newton), &x, &y);
    for solver in SOLVERS {
        let fitted = fit(spec(solver), &wild, &y);
        let target = &fitted.targets[0];
        assert_eq!(target.status, Status::Converged);
        for (j, (scale, expected)) in scale.iter().zip(&reference.targets[0].coef).enumerate() {
            let found = target.coef[j] * scale;
            // the shifted columns have lost up to 1e-9 of their digits before the fit
            assert!((found - expected).abs() < 1e-8, "column {j}: {found} {expected}");
        }
        assert!(
            (target.scores.log_likelihood / reference.targets[0].scores.log_likelihood - 1.0).abs() < 1e-8
        );
    }
}

#[test]
fn duplicated_and_constant_columns_get_the_answer_of_smallest_norm() {
    let (x, y) = poisson_data(2, 800, 2, 1);
    let twice = x.column(0).mapv(|v| 3.0 * v).insert_axis(Axis(1));
    let wide = concatenate![Axis(1), x, twice, Array2::from_elem((800, 1), 4.2)];
    let alone = fit(spec(SolverChoice::Newton), &x, &y);
    for solver in SOLVERS {
        let fitted = fit(spec(solver), &wide, &y);
        let target = &fitted.targets[0];
        assert_eq!(target.status, Status::Converged, "{target:?}");
        assert_eq!(target.aliased, ["x0", "x2", "x3"]);
        assert_eq!((fitted.rank, target.warnings.len()), (2, 2));
        // w0 + 3 w2 = w: smallest norm at w (1, 3) / 10
        let w = alone.targets[0].coef[0];
        assert!(relative(&target.coef, &[0.1 * w, alone.targets[0].coef[1], 0.3 * w, 0.0]) < 1e-10);
        assert!((target.intercept / alone.targets[0].intercept - 1.0).abs() < 1e-10);
        assert!(target.standard_errors[0].is_nan() && target.standard_errors[3].is_nan());
        assert!((target.standard_errors[1] / alone.targets[0].standard_errors[1] - 1.0).abs() < 1e-9);
        assert!(
            (target.intercept_standard_error / alone.targets[0].intercept_standard_error - 1.0).abs() < 1e-9
        );
    }
}

#[test]
fn numbers_at_the_ends_of_the_range_are_no_excuse() {
    let (x, y) = poisson_data(26, 400, 2, 1);
    let reference = fit(spec(SolverChoice::Newton), &x, &y).targets.remove(0);
    for factor in [1e-170, 1e160] {
        let target = fit(spec(SolverChoice::Newton), &x.mapv(|v| v * factor), &y).targets.remove(0);
        assert_eq!(target.status, Status::Converged);
        assert!((target.coef[0] * factor / reference.coef[0] - 1.0).abs() < 1e-9);
    }
}

#[test]
fn more_columns_than_rows_still_has_a_certified_answer() {
    let mut random = Random(3);
    let x = Array2::from_shape_simple_fn((12, 30), || random.normal());
    let y = Array2::from_shape_fn((12, 1), |(i, _)| 1.0 + (i % 3) as f64);
    let fitted = fit(spec(SolverChoice::Auto), &x, &y);
    let target = &fitted.targets[0];
    assert_eq!((target.status, fitted.rank), (Status::Converged, 11));
    let mu = fitted.predict(x.view()).unwrap();
    assert!(relative(mu.as_slice().unwrap(), y.as_slice().unwrap()) < 1e-6, "saturated: every count is met");
}

#[test]
fn only_an_intercept_is_the_mean() {
    let x = Array2::from_elem((50, 1), 1.0);
    let y = Array2::from_shape_fn((50, 1), |(i, _)| (i % 4) as f64);
    let fitted = fit(spec(SolverChoice::Auto), &x, &y);
    assert_eq!(fitted.targets[0].status, Status::Converged);
    assert!((fitted.targets[0].intercept - (y.sum() / 50.0).ln()).abs() < 1e-14);
}

#[test]
fn a_unit_silent_in_one_condition_is_separated() {
    // 300 rows, a dummy for a condition without events, and a normal column
    let mut random = Random(4);
    let x = Array2::from_shape_fn(
        (300, 2),
        |(i, j)| {
            if j == 0 { f64::from(i % 3 == 0) } else { random.normal() }
        },
    );
    let y = Array2::from_shape_fn((300, 1), |(i, _)| if i % 3 == 0 { 0.0 } else { ((i * 7) % 5) as f64 });
    for solver in SOLVERS {
        for standard_errors in [StandardErrors::On, StandardErrors::Off] {
            let fitted = fit(GlmSpec { standard_errors, ..spec(solver) }, &x, &y);
            let target = &fitted.targets[0];
            assert_eq!(target.status, Status::Separated, "{solver:?} {target:?}");
            assert!(target.warnings[0].contains("x0") && !target.warnings[0].contains("x1"));
            assert!(!fitted.converged());
        }
    }
}

#[test]
fn one_event_in_a_rare_condition_is_not_separated() {
    let x = Array2::from_shape_fn((4000, 1), |(i, _)| f64::from(i % 2 == 0));
    let y = Array2::from_shape_fn((4000, 1), |(i, _)| if i == 0 { 1.0 } else { f64::from(i % 2 == 1) * 3.0 });
    for solver in SOLVERS {
        let fitted = fit(spec(solver), &x, &y);
        let target = &fitted.targets[0];
        assert_eq!(target.status, Status::Converged);
        assert!((target.coef[0] - (1.0f64 / 2000.0 / 3.0).ln()).abs() < 1e-9);
    }
}

#[test]
fn a_silent_target_has_its_own_status_and_disturbs_nobody() {
    let (x, y) = poisson_data(5, 2000, 4, 3);
    let with_silent = concatenate![Axis(1), y, Array2::zeros((2000, 1))];
    let fitted = fit(spec(SolverChoice::Auto), &x, &with_silent);
    let silent = &fitted.targets[3];
    assert_eq!((silent.status, silent.intercept), (Status::NoEvents, f64::NEG_INFINITY));
    assert_eq!(silent.coef, [0.0; 4]);
    assert_eq!(silent.scores.log_likelihood, 0.0);
    assert_eq!(fitted.predict(x.view()).unwrap().column(3).sum(), 0.0);
    let without = fit(spec(SolverChoice::Auto), &x, &y);
    for k in 0..3 {
        assert_eq!(fitted.targets[k].status, Status::Converged);
        assert_eq!(fitted.targets[k].coef, without.targets[k].coef);
    }
}

#[test]
fn a_target_does_not_depend_on_its_companions() {
    let (x, y) = poisson_data(6, 5000, 6, 5);
    for solver in SOLVERS {
        let together = fit(spec(solver), &x, &y);
        let reversed = fit(spec(solver), &x, &y.select(Axis(1), &[4, 3, 2, 1, 0]));
        for k in 0..5 {
            let alone = fit(spec(solver), &x, &y.select(Axis(1), &[k]));
            let target = &together.targets[k];
            assert_eq!(target.coef, reversed.targets[4 - k].coef, "bits, whatever the order");
            // alone it goes another way to the same point
            assert!(relative(&target.coef, &alone.targets[0].coef) < 1e-8);
            assert!((target.intercept / alone.targets[0].intercept - 1.0).abs() < 1e-8);
            let pair = fit(spec(solver), &x, &y.select(Axis(1), &[(k + 2) % 5, k]));
            assert_eq!(target.coef, pair.targets[1].coef, "bits, whatever the company");
            assert_eq!(target.intercept, pair.targets[1].intercept);
            assert_eq!(target.kkt_residual, pair.targets[1].kkt_residual);
            assert_eq!(target.iterations, pair.targets[1].iterations);
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_thread_count() {
    let (x, y) = poisson_data(7, 70_000, 5, 2);
    let run = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| fit(spec(SolverChoice::Lbfgs), &x, &y))
    };
    let one = run(1);
    for n_threads in [2, 5] {
        let more = run(n_threads);
        for (a, b) in one.targets.iter().zip(&more.targets) {
            assert_eq!((&a.coef, a.intercept, a.kkt_residual), (&b.coef, b.intercept, b.kkt_residual));
            assert_eq!(a.standard_errors, b.standard_errors);
        }
    }
}

#[test]
fn solvers_agree_on_correlated_features() {
    let mut random = Random(8);
    let common: Vec<f64> = (0..4000).map(|_| random.normal()).collect();
    let x = Array2::from_shape_fn((4000, 6), |(i, _)| common[i] + 0.03 * random.normal());
    let y = Array2::from_shape_fn((4000, 1), |(i, _)| {
        random.poisson((0.5 * x[(i, 0)] - 0.3 * x[(i, 1)] - 1.5).exp())
    });
    let newton = fit(spec(SolverChoice::Newton), &x, &y);
    let lbfgs = fit(GlmSpec { standard_errors: StandardErrors::Off, ..spec(SolverChoice::Lbfgs) }, &x, &y);
    assert_eq!(lbfgs.targets[0].gap_from, GapFrom::FlatGram);
    assert_eq!((newton.targets[0].status, lbfgs.targets[0].status), (Status::Converged, Status::Converged));
    assert!(relative(&lbfgs.targets[0].coef, &newton.targets[0].coef) < 1e-8);
}

#[test]
fn extreme_rates_converge() {
    let mut random = Random(9);
    let x = Array2::from_shape_simple_fn((20_000, 2), || random.normal());
    let rare = Array2::from_shape_fn((20_000, 1), |(i, _)| f64::from(i % 6000 == 17));
    let many =
        x.map_axis(Axis(1), |row| (1e6 * (0.3 * row[0] - 0.2 * row[1]).exp()).round()).insert_axis(Axis(1));
    let mut outlier = Array2::from_shape_fn((20_000, 1), |_| random.poisson(0.1));
    outlier[(5, 0)] = 1000.0;
    for y in [rare, many, outlier] {
        for solver in SOLVERS {
            let target = &fit(spec(solver), &x, &y).targets[0];
            assert_eq!(target.status, Status::Converged, "{target:?}");
            let eta = x.dot(&Array1::from(target.coef.clone())) + target.intercept;
            let slow = score(Model::default(), &y.column(0).to_vec(), &eta.exp().to_vec());
            // counts near 1e6 leave no digits to a difference of sums
            assert!((target.scores.deviance / slow.deviance - 1.0).abs() < 1e-6, "{target:?}");
            assert!((target.scores.log_likelihood / slow.log_likelihood - 1.0).abs() < 1e-9, "{target:?}");
        }
    }
}

#[test]
fn limits_are_statuses() {
    let (x, y) = poisson_data(10, 2000, 3, 1);
    let few = fit(GlmSpec { max_iterations: Some(1), ..spec(SolverChoice::Newton) }, &x, &y);
    assert_eq!(few.targets[0].status, Status::MaxIterations);
    assert!(few.targets[0].loss_gap > 1e-16 * few.targets[0].loss.abs());
    let unlimited = fit(GlmSpec { time_limit_s: Some(1e30), ..spec(SolverChoice::Newton) }, &x, &y);
    assert_eq!(unlimited.targets[0].status, Status::Converged);
    let late = fit(GlmSpec { time_limit_s: Some(1e-9), ..spec(SolverChoice::Newton) }, &x, &y);
    assert_eq!(late.targets[0].status, Status::Stopped);
    let loose = fit(GlmSpec { tolerance: 1e-4, ..spec(SolverChoice::Newton) }, &x, &y);
    assert_eq!(loose.targets[0].status, Status::Converged);
    let tight = fit(spec(SolverChoice::Newton), &x, &y);
    assert!(loose.targets[0].iterations < tight.targets[0].iterations);
    let memory = GlmSpec { memory_limit_bytes: Some(1000), ..GlmSpec::default() };
    assert!(matches!(try_fit(memory, &x, &y), Err(Error::Memory { needed_bytes: 72_000, .. })));
}

fn try_fit(spec: GlmSpec, x: &Array2<f64>, y: &Array2<f64>) -> rheobase::Result<rheobase::glm::FittedGlm> {
    let plan = DesignPlan::new(crate::common::source(x), 0..x.nrows())?;
    let response = Response { y: y.view().into(), names: vec!["y".into(); y.ncols()] };
    spec.check()?.fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {})
}

#[test]
fn bad_input_names_the_place() {
    let x = array![[1.0], [2.0], [3.0]];
    let cases: [(Array2<f64>, Array2<f64>, &str); 4] = [
        (x.clone(), array![[1.0], [0.0]], "expected length 3, found 2"),
        (x.clone(), array![[1.0], [-2.0], [0.0]], "row 1, target 0"),
        (x.clone(), array![[1.0], [0.0], [f64::NAN]], "row 2, column 0"),
        (array![[1.0], [f64::INFINITY], [3.0]], array![[1.0], [0.0], [0.0]], "row 1, column 0"),
    ];
    for (x, y, expected) in cases {
        let error = try_fit(GlmSpec::default(), &x, &y).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.help().is_empty());
    }
    for tolerance in [0.0, -1.0, 1.0, f64::NAN] {
        assert!(GlmSpec { tolerance, ..GlmSpec::default() }.check().is_err());
    }
    assert!(matches!(DesignPlan::new(crate::common::source(&x), 0..0), Err(Error::Empty { .. })));
}

#[test]
fn the_gradient_of_the_reported_fit_vanishes_by_the_slow_way() {
    let (x, y) = poisson_data(11, 1500, 4, 1);
    let target = fit(spec(SolverChoice::Lbfgs), &x, &y).targets.remove(0);
    let eta = |i: usize| target.intercept + (0..4).map(|j| x[(i, j)] * target.coef[j]).sum::<f64>();
    let residual: Vec<f64> = (0..1500).map(|i| eta(i).exp() - y[(i, 0)]).collect();
    for j in 0..4 {
        let mean = x.column(j).sum() / 1500.0;
        let (mut above, mut below) = (0.0, 0.0);
        for i in 0..1500 {
            let c = x[(i, j)] - mean;
            above += c * residual[i];
            below += c.abs() * (eta(i).exp() + residual[i].abs());
        }
        assert!(f64::abs(above) / below < 1e-13);
    }
}
