//! Designs that nearly repeat themselves, and data without a finite estimate: proof at every tolerance, or a status.

use crate::common::{Random, fit};
use ndarray::{Array1, Array2, Axis};
use rheobase::backend::Model;
use rheobase::glm::{GlmSpec, SolverChoice, StandardErrors, TargetFit, score};
use rheobase::solver::Status;

fn spec(solver: SolverChoice) -> GlmSpec {
    GlmSpec { solver, ..GlmSpec::default() }
}

const SOLVERS: [SolverChoice; 2] = [SolverChoice::Newton, SolverChoice::Lbfgs];

/// `max_j |sum_i c_ij r_i| / sum_i |c_ij| m_i` from the reported numbers, the slow way.
fn slow_kkt(x: &Array2<f64>, y: &Array2<f64>, target: &TargetFit) -> f64 {
    let n = x.nrows();
    let eta = |i: usize| target.intercept + (0..x.ncols()).map(|j| x[(i, j)] * target.coef[j]).sum::<f64>();
    let mu: Vec<f64> = (0..n).map(|i| eta(i).exp()).collect();
    let ratio = |c: &dyn Fn(usize) -> f64| {
        let above: f64 = (0..n).map(|i| c(i) * (mu[i] - y[(i, 0)])).sum();
        let below: f64 = (0..n).map(|i| c(i).abs() * (mu[i] + (mu[i] - y[(i, 0)]).abs())).sum();
        above.abs() / below
    };
    let means: Vec<f64> = (0..x.ncols()).map(|j| x.column(j).sum() / n as f64).collect();
    (0..x.ncols()).map(|j| ratio(&|i| x[(i, j)] - means[j])).fold(ratio(&|_| 1.0), f64::max)
}

#[test]
fn nearly_dependent_columns_are_fitted_and_certified_as_they_are() {
    let mut random = Random(21);
    let powers = Array2::from_shape_fn((500, 10), |(i, j)| (i as f64 / 499.0).powi(j as i32 + 1));
    let bumps = Array2::from_shape_fn((500, 20), |(i, j)| {
        let distance = (i as f64 / 499.0 - j as f64 / 19.0) / 0.2;
        (-0.5 * distance * distance).exp()
    });
    for x in [powers.clone(), powers.select(Axis(1), &[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]), bumps] {
        let y = Array2::from_shape_fn((500, 1), |(i, _)| random.poisson((i as f64 / 80.0).sin().exp()));
        for solver in SOLVERS {
            let target = fit(spec(solver), &x, &y).targets.remove(0);
            assert_eq!(target.status, Status::Converged, "{target:?}");
            assert!(slow_kkt(&x, &y, &target) < 1e-8, "{}", slow_kkt(&x, &y, &target));
        }
    }
    // the order of the columns does not matter
    let y = Array2::from_shape_fn((500, 1), |(i, _)| f64::from(i % 7 == 0) + f64::from(i > 400));
    let reversed = powers.select(Axis(1), &[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    let loss = |x: &Array2<f64>| fit(spec(SolverChoice::Newton), x, &y).targets[0].loss;
    assert!((loss(&powers) / loss(&reversed) - 1.0).abs() < 1e-10);
}

#[test]
fn exact_relations_are_named_and_the_answer_holds() {
    let mut random = Random(22);
    for _ in 0..3 {
        let t: Vec<f64> = (0..400).map(|i| f64::from(i) / 399.0).collect();
        let x = Array2::from_shape_fn((400, 7), |(i, j)| match j {
            6 => t[i].powi(2) - t[i].powi(5),
            j => t[i].powi(j as i32 + 1),
        });
        let y = Array2::from_shape_fn((400, 1), |_| f64::from(u8::from(random.uniform() < 0.3)));
        let target = fit(spec(SolverChoice::Auto), &x, &y).targets.remove(0);
        assert_eq!((target.status, target.aliased.join(" ").as_str()), (Status::Converged, "x1 x4 x6"));
        assert!(slow_kkt(&x, &y, &target) < 1e-8);
        let eta = x.dot(&Array1::from(target.coef.clone())) + target.intercept;
        let scores = score(Model::default(), &y.column(0).to_vec(), &eta.exp().to_vec());
        assert!((scores.log_likelihood - target.scores.log_likelihood).abs() < 1e-12, "{target:?}");
        // counts of 0 and 1 have no factorial term
        assert!((target.loss + scores.log_likelihood).abs() < 1e-12, "{target:?}");
        // smallest norm: no part along the relation
        assert!((target.coef[6] - target.coef[1] + target.coef[4]).abs() < 1e-6 * target.coef[0].abs());
    }
}

#[test]
fn a_copy_with_an_offset_shares_its_weight() {
    let mut random = Random(27);
    let mut x = Array2::from_shape_simple_fn((1000, 2), || random.normal());
    let y = Array2::from_shape_fn((1000, 1), |(i, _)| random.poisson((0.8 * x[(i, 0)] - 0.5).exp()));
    for i in 0..1000 {
        x[(i, 1)] = x[(i, 0)] + 1e6;
    }
    for solver in SOLVERS {
        let target = fit(spec(solver), &x, &y).targets.remove(0);
        assert_eq!((target.status, target.aliased.len()), (Status::Converged, 2), "{target:?}");
        assert!((target.coef[0] / target.coef[1] - 1.0).abs() < 1e-6, "{target:?}");
    }
}

#[test]
fn a_column_that_rounding_hides_is_left_out_and_named() {
    let mut random = Random(28);
    let x = Array2::from_shape_fn((2000, 2), |(i, j)| {
        (i as f64).sin() + j as f64 * 3e-9 * (1.7 * i as f64).cos()
    });
    let y = Array2::from_shape_fn((2000, 1), |(i, _)| random.poisson((1.7 * i as f64).cos().exp()));
    let target = fit(spec(SolverChoice::Auto), &x, &y).targets.remove(0);
    assert_eq!((target.aliased.join(" ").as_str(), target.coef[1]), ("x0 x1", 0.0));
    assert!(
        target.warnings.iter().any(|warning| warning.starts_with("x1 cannot be told from")),
        "{target:?}"
    );
}

#[test]
fn the_limit_of_iterations_is_one_for_the_whole_fit() {
    let (x, y) = crate::common::poisson_data(29, 500, 6, 1);
    for solver in SOLVERS {
        for most in 1..4 {
            let asked = GlmSpec { tolerance: 0.3, max_iterations: Some(most), ..spec(solver) };
            let target = fit(asked, &x, &y).targets.remove(0);
            assert!(target.iterations <= most, "{target:?}");
        }
    }
}

/// Columns with heavy tails, so that rates vary strongly, and counts of targets that depend on them more and more.
fn skewed(seed: u64, n_targets: usize) -> (Array2<f64>, Array2<f64>) {
    let mut random = Random(seed);
    let x = Array2::from_shape_simple_fn((2000, 4), || random.normal().powi(3) / 3.0);
    let strength = 0.2 + 0.1 * (seed % 6) as f64;
    let w = Array2::from_shape_fn((4, n_targets), |(_, k)| {
        strength * (1.0 + k as f64) * (random.uniform() - 0.5)
    });
    let eta = x.dot(&w);
    let y = eta.mapv(|eta| random.poisson((eta - 1.0).clamp(-20.0, 3.0).exp()));
    (x, y)
}

#[test]
fn who_is_out_of_iterations_is_said_to_be() {
    let mut n_out = 0;
    for seed in 2..6 {
        let (x, y) = skewed(seed, 1);
        for (solver, tolerance) in [
            (SolverChoice::Newton, 1e-3),
            (SolverChoice::Newton, 1e-5),
            (SolverChoice::Lbfgs, 1e-3),
            (SolverChoice::Lbfgs, 1e-6),
            (SolverChoice::Lbfgs, 1e-8),
        ] {
            for most in 1..10 {
                let asked = GlmSpec { tolerance, max_iterations: Some(most), ..spec(solver) };
                let target = fit(asked, &x, &y).targets.remove(0);
                // also where nobody but the certificate has looked at the last step
                let statuses = [Status::Converged, Status::MaxIterations];
                assert!(statuses.contains(&target.status), "{solver:?} {tolerance} {most} {target:?}");
                n_out += usize::from(target.status == Status::MaxIterations);
            }
        }
    }
    assert!(n_out > 40, "{n_out}");
}

#[test]
fn companions_do_not_use_up_the_iterations_of_a_target() {
    let mut n_out = 0;
    for seed in [1, 3] {
        let (x, y) = skewed(seed, 3);
        for solver in SOLVERS {
            for (tolerance, most) in [(1e-1, 2), (1e-1, 3), (1e-1, 4), (1e-1, 5), (1e-2, 6)] {
                let own = |columns: &[usize], silent: bool| {
                    let mut y = y.select(Axis(1), columns);
                    y.column_mut(1).mapv_inplace(|y| if silent { 0.0 } else { y });
                    let asked = GlmSpec { tolerance, max_iterations: Some(most), ..spec(solver) };
                    let target = fit(asked, &x, &y).targets.remove(0);
                    assert!(target.iterations <= most, "{target:?}");
                    (target.coef, target.status, target.iterations)
                };
                let expected = own(&[0, 1], true);
                for columns in [[0, 1], [0, 2]] {
                    assert_eq!(own(&columns, false), expected, "{seed} {solver:?} {tolerance} {most}");
                }
                n_out += usize::from(expected.2 == most);
            }
        }
    }
    assert!(n_out > 2, "{n_out}");
}

/// The tiles that the first stage sees say the opposite of the others.
#[test]
fn a_sample_that_misleads_is_given_up() {
    let mut random = Random(31);
    let x = Array2::from_shape_simple_fn((60_000, 3), || random.normal());
    let sampled = |row: usize| (row / 256).is_multiple_of(16);
    let y = Array2::from_shape_fn((60_000, 1), |(i, _)| {
        let effect = if sampled(i) { 0.4 } else { -0.4 };
        random.poisson((effect * x[(i, 0)] - 0.5).min(3.0).exp())
    });
    let asked = GlmSpec { n_histories: 1, ..spec(SolverChoice::Lbfgs) };
    let fitted = fit(asked, &x, &y);
    assert_eq!(fitted.plan.sample_every, Some(16));
    let target = &fitted.targets[0];
    assert_eq!(target.status, Status::Converged, "{target:?}");
    // all rows are gone through from the mean rate on
    let mean = y.sum() / 60_000.0;
    let start = mean - mean * mean.ln();
    assert!((target.history[0].loss / start - 1.0).abs() < 1e-12, "{:?}", target.history);
    assert!(target.history.windows(2).all(|pair| pair[1].loss <= pair[0].loss + 1e-12));
    // one that does not is gone on from
    let y = Array2::from_shape_fn((60_000, 1), |(i, _)| random.poisson((0.4 * x[(i, 0)] - 0.5).exp()));
    let fitted = fit(GlmSpec { n_histories: 1, ..spec(SolverChoice::Lbfgs) }, &x, &y);
    let (target, mean) = (&fitted.targets[0], y.sum() / 60_000.0);
    assert!(target.history[0].loss < mean - mean * mean.ln() - 1e-3, "{:?}", target.history);
}

#[test]
fn every_tolerance_is_met() {
    let mut random = Random(23);
    for round in 0..6 {
        // three rare dummies beside normal columns
        let x = Array2::from_shape_fn((3000, 8), |(i, j)| {
            if j < 3 { f64::from(u8::from((i + 37 * j) % 100 == round)) } else { random.normal() }
        });
        let y = Array2::from_shape_fn((3000, 1), |(i, _)| {
            random.poisson((0.8 * x[(i, 0)] + 0.4 * x[(i, 4)] - 0.7 * x[(i, 5)] - 0.5).exp())
        });
        for tolerance in [1e-4, 1e-6, 1e-10, 1e-13, 1e-16] {
            for solver in SOLVERS {
                for standard_errors in [StandardErrors::On, StandardErrors::Off] {
                    let asked = GlmSpec { tolerance, standard_errors, ..spec(solver) };
                    let target = fit(asked, &x, &y).targets.remove(0);
                    assert_eq!(target.status, Status::Converged, "{solver:?} {tolerance} {target:?}");
                }
            }
        }
    }
}

#[test]
fn separation_is_found_at_every_tolerance() {
    let mut random = Random(24);
    for round in 0..4 {
        // a silent condition, coded in two columns
        let x = Array2::from_shape_fn((600, 4), |(i, j)| match j {
            0 => f64::from(u8::from(i % 5 == 0)) + f64::from(u8::from(i % 3 == round % 3)),
            1 => f64::from(u8::from(i % 3 == round % 3)),
            _ => random.normal(),
        });
        let y = Array2::from_shape_fn((600, 1), |(i, _)| if i % 5 == 0 { 0.0 } else { random.poisson(0.7) });
        for tolerance in [1e-6, 1e-10, 1e-16] {
            for solver in SOLVERS {
                for standard_errors in [StandardErrors::On, StandardErrors::Off] {
                    let asked = GlmSpec { tolerance, standard_errors, ..spec(solver) };
                    let target = fit(asked, &x, &y).targets.remove(0);
                    assert_eq!(target.status, Status::Separated, "{solver:?} {tolerance} {target:?}");
                }
            }
        }
    }
}

#[test]
fn an_artefact_in_a_silent_row_is_not_separation() {
    let mut random = Random(25);
    for artefact in [1e3, 1e6, 1e7] {
        let mut x = Array2::from_shape_simple_fn((20_000, 2), || random.normal());
        let y = Array2::from_shape_fn((20_000, 1), |(i, _)| {
            if i == 7 { 0.0 } else { random.poisson((0.3 * x[(i, 0)] - 2.0).exp()) }
        });
        x[(7, 0)] = artefact;
        for solver in SOLVERS {
            let target = fit(spec(solver), &x, &y).targets.remove(0);
            assert_eq!(target.status, Status::Converged, "{solver:?} {artefact} {target:?}");
        }
    }
}
