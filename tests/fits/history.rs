//! The way to the optimum: what is kept of it, and that keeping it changes nothing.

use crate::common::{fit, poisson_data};
use ndarray::{Array2, Axis, concatenate};
use rheobase::glm::{FittedGlm, GlmSpec, SolverChoice, StandardErrors, TargetFit};
use rheobase::solver::{Iterate, Status};

const SOLVERS: [SolverChoice; 2] = [SolverChoice::Newton, SolverChoice::Lbfgs];

fn with_history(spec: &GlmSpec, x: &Array2<f64>, y: &Array2<f64>) -> [FittedGlm; 2] {
    [0, usize::MAX].map(|n_histories| fit(GlmSpec { n_histories, ..spec.clone() }, x, y))
}

fn bits(target: &TargetFit) -> Vec<u64> {
    let numbers = [target.intercept, target.kkt_residual, target.loss_gap, target.loss];
    let all = target.coef.iter().chain(&target.standard_errors).chain(&numbers);
    all.map(|x| x.to_bits()).collect()
}

/// Every step has an entry, and the last holds the numbers of the certificate.
fn check(target: &TargetFit) {
    let iterations: Vec<usize> = target.history.iter().map(|point| point.iteration).collect();
    assert_eq!(iterations, (0..=target.iterations).collect::<Vec<_>>(), "{}", target.name);
    let last = Iterate {
        iteration: target.iterations,
        loss: target.loss,
        loss_gap: target.loss_gap,
        kkt_residual: target.kkt_residual,
    };
    assert_eq!(target.history.last(), Some(&last));
}

#[test]
fn keeping_the_history_changes_no_bit() {
    let (x, y) = poisson_data(3, 2000, 4, 3);
    // a repeated column and one that is nearly another: the members are not the columns
    let copy = x.column(0).to_owned().insert_axis(Axis(1));
    let near = Array2::from_shape_fn((2000, 1), |(t, _)| x[(t, 1)] + 1e-4 * (t as f64).sin());
    let dependent = concatenate(Axis(1), &[x.view(), copy.view(), near.view()]).unwrap();
    for solver in SOLVERS {
        for x in [&x, &dependent] {
            for standard_errors in [StandardErrors::Auto, StandardErrors::Off] {
                let spec = GlmSpec { solver, standard_errors, ..GlmSpec::default() };
                let [plain, kept] = with_history(&spec, x, &y);
                for (plain, kept) in plain.targets.iter().zip(&kept.targets) {
                    assert_eq!(bits(plain), bits(kept), "{solver:?}");
                    assert_eq!((plain.passes, plain.iterations), (kept.passes, kept.iterations));
                    assert!(plain.history.is_empty());
                    check(kept);
                    let (first, last) = (&kept.history[0], &kept.history[kept.iterations]);
                    assert!(first.loss > last.loss && first.kkt_residual > 1e6 * last.kkt_residual);
                }
            }
        }
    }
}

#[test]
fn the_history_starts_at_the_mean_rate_and_tells_the_gap() {
    let (x, y) = poisson_data(5, 3000, 3, 1);
    let mean = y.mean().unwrap();
    for solver in SOLVERS {
        let fitted = fit(GlmSpec { solver, n_histories: usize::MAX, ..GlmSpec::default() }, &x, &y);
        let target = &fitted.targets[0];
        let start = &target.history[0];
        // the loss of the constant model: mean - mean ln(mean)
        assert!((start.loss - (mean - mean * mean.ln())).abs() < 1e-12, "{}", start.loss);
        for point in &target.history {
            let gap = point.loss - target.loss;
            // the estimate is a quadratic one: near the optimum it is the gap, farther off of its size
            let allowed = if solver == SolverChoice::Newton { 3.0 } else { 30.0 };
            if gap > 1e-12 {
                let ratio = point.loss_gap / gap;
                assert!(ratio < allowed && ratio > 1.0 / allowed, "{solver:?} {point:?}, gap {gap}");
            }
        }
    }
}

#[test]
fn a_fit_that_goes_on_has_one_history() {
    // a coarse tolerance and a limit: the solver stops early and is sent on
    let (x, y) = poisson_data(7, 500, 6, 2);
    for solver in SOLVERS {
        for tolerance in [0.3, 1e-2, 1e-6] {
            let spec = GlmSpec { solver, tolerance, ..GlmSpec::default() };
            let [plain, kept] = with_history(&spec, &x, &y);
            for (plain, kept) in plain.targets.iter().zip(&kept.targets) {
                assert_eq!(bits(plain), bits(kept));
                check(kept);
            }
        }
        let spec = GlmSpec { solver, max_iterations: Some(2), ..GlmSpec::default() };
        let [_, kept] = with_history(&spec, &x, &y);
        kept.targets.iter().for_each(check);
    }
}

#[test]
fn histories_are_kept_of_the_first_targets_only() {
    let (x, y) = poisson_data(9, 400, 3, 3);
    for solver in SOLVERS {
        let fitted = fit(GlmSpec { solver, n_histories: 2, ..GlmSpec::default() }, &x, &y);
        let all = fit(GlmSpec { solver, n_histories: usize::MAX, ..GlmSpec::default() }, &x, &y);
        for k in 0..3 {
            let expected = if k < 2 { all.targets[k].history.clone() } else { Vec::new() };
            assert_eq!(fitted.targets[k].history, expected, "{solver:?} {k}");
            assert_eq!(bits(&fitted.targets[k]), bits(&all.targets[k]));
        }
    }
}

#[test]
fn a_silent_target_has_no_history_and_old_files_have_none() {
    let (x, y) = poisson_data(5, 300, 2, 1);
    let silent = concatenate(Axis(1), &[y.view(), Array2::zeros((300, 1)).view()]).unwrap();
    let fitted = fit(GlmSpec { n_histories: usize::MAX, ..GlmSpec::default() }, &x, &silent);
    assert_eq!(fitted.targets[1].status, Status::NoEvents);
    assert!(!fitted.targets[0].history.is_empty() && fitted.targets[1].history.is_empty());
    let mut stored = serde_json::to_value(&fitted).unwrap();
    let back: FittedGlm = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(back.targets[0].history, fitted.targets[0].history);
    stored["targets"][0].as_object_mut().unwrap().remove("history");
    let old: FittedGlm = serde_json::from_value(stored).unwrap();
    assert!(old.targets[0].history.is_empty());
}

#[test]
#[allow(clippy::single_range_in_vec_init, reason = "a list of one range")]
fn blocks_of_the_covariance_are_those_of_the_standard_errors() {
    let (x, y) = poisson_data(9, 1500, 5, 2);
    for columns in [vec![0..3, 3..5], vec![0..5]] {
        let spec = GlmSpec { covariance_of: columns.clone(), ..GlmSpec::default() };
        for target in fit(spec, &x, &y).targets {
            assert_eq!(target.covariances.len(), columns.len());
            for block in &target.covariances {
                for (k, column) in block.columns.clone().enumerate() {
                    let error = block.values[(k, k)].sqrt();
                    assert!((error / target.standard_errors[column] - 1.0).abs() < 1e-12);
                    for other in 0..block.columns.len() {
                        let (a, b) = (block.values[(k, other)], block.values[(other, k)]);
                        assert!((a - b).abs() <= 1e-14 * (a.abs() + b.abs()));
                    }
                }
            }
            let Some(whole) = target.covariances.iter().find(|block| block.columns == (0..5)) else {
                continue;
            };
            // the inverse of the information X' diag(mu) X over the columns and the intercept
            let mu = |t: usize| {
                let eta: f64 =
                    target.intercept + x.row(t).iter().zip(&target.coef).map(|(x, w)| x * w).sum::<f64>();
                eta.exp()
            };
            let at = |t: usize, j: usize| if j < 5 { x[(t, j)] } else { 1.0 };
            let information = Array2::from_shape_fn((6, 6), |(i, j)| {
                (0..1500).map(|t| at(t, i) * at(t, j) * mu(t)).sum::<f64>()
            });
            for i in 0..5 {
                // row i of covariance x information is unit but for the intercept's part, which the last column tells
                let error = whole.values.row(i);
                let with_intercept =
                    -(0..5).map(|j| error[j] * information[(j, 5)]).sum::<f64>() / information[(5, 5)];
                for k in 0..5 {
                    let product = (0..5).map(|j| error[j] * information[(j, k)]).sum::<f64>()
                        + with_intercept * information[(5, k)];
                    assert!((product - f64::from(u8::from(i == k))).abs() < 1e-9, "{i} {k}: {product}");
                }
            }
        }
    }
}
