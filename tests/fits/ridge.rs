//! Ridge fits: golden values, a dense Newton solution, what a penalty makes of columns that repeat one another and of
//! responses that can be told apart.

use crate::common::{Random, fit, golden, matrix, number, numbers, poisson_data, relative, source};
use ndarray::{Array1, Array2, Axis, concatenate};
use rheobase::backend::{Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{GapFrom, GlmSpec, Response, SolverChoice, StandardErrors, TargetFit};
use rheobase::inverse_link::InverseLink;
use rheobase::math::dense::{Cholesky, Matrix};
use rheobase::observation::{NegativeBinomial, ObservationModel};
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;

const SOLVERS: [SolverChoice; 2] = [SolverChoice::Newton, SolverChoice::Lbfgs];

fn spec(model: Model, solver: SolverChoice, strength: f64) -> GlmSpec {
    GlmSpec {
        model,
        solver,
        regularizer: Regularizer::Ridge { strength: strength.into() },
        ..GlmSpec::default()
    }
}

/// The optimum by Newton's method in the user's units, with nothing of the library but a Cholesky factor: parameters,
/// intercept first, and the inverse of the Hessian of the mean loss, penalty included.
fn newton(model: Model, x: &Array2<f64>, y: &[f64], strength: f64) -> (Vec<f64>, Matrix) {
    let (n, p) = x.dim();
    let with_ones = concatenate![Axis(1), Array2::ones((n, 1)), *x];
    let mut at = Array1::<f64>::zeros(1 + p);
    for _ in 0..200 {
        let eta = with_ones.dot(&at);
        let (mut gradient, mut hessian) = (Array1::<f64>::zeros(1 + p), Matrix::zeros((1 + p, 1 + p)));
        for i in 0..n {
            let (e, row) = (eta[i], with_ones.row(i));
            let (residual, curvature) = match (model.observation, model.inverse_link) {
                (ObservationModel::Gaussian, _) => (2.0 * (e - y[i]), 2.0),
                (ObservationModel::Bernoulli, _) => {
                    let mu = 1.0 / (1.0 + (-e).exp());
                    (mu - y[i], mu * (1.0 - mu))
                }
                (ObservationModel::Gamma, _) => (1.0 - y[i] / e.exp(), 1.0),
                (ObservationModel::NegativeBinomial(_), _) => {
                    let mu = e.exp();
                    ((mu - y[i]) / (1.0 + 0.5 * mu), mu / (1.0 + 0.5 * mu))
                }
                (_, InverseLink::Softplus) => {
                    let (mu, slope) = (e.exp().ln_1p(), 1.0 / (1.0 + (-e).exp()));
                    ((mu - y[i]) * slope / mu, slope * slope / mu)
                }
                _ => (e.exp() - y[i], e.exp()),
            };
            for j in 0..=p {
                gradient[j] += row[j] * residual / n as f64;
                for k in 0..=p {
                    hessian[(j, k)] += row[j] * row[k] * curvature / n as f64;
                }
            }
        }
        for j in 1..=p {
            gradient[j] += strength * at[j];
            hessian[(j, j)] += strength;
        }
        let factor = Cholesky::new(&hessian).unwrap();
        let step = Array1::from(factor.solve(gradient.as_slice().unwrap()));
        let length = step.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        at = at - step * (1.0 / length).min(1.0);
        if length < 1e-14 {
            return (at.to_vec(), factor.inverse());
        }
    }
    panic!("no optimum");
}

fn models() -> [Model; 6] {
    let softplus = Model { inverse_link: InverseLink::Softplus, ..Model::default() };
    let gamma = Model { observation: ObservationModel::Gamma, inverse_link: InverseLink::Exp };
    let dispersed = Model::from(ObservationModel::from(NegativeBinomial::new(0.5).unwrap()));
    let [gaussian, bernoulli] = [ObservationModel::Gaussian, ObservationModel::Bernoulli].map(Model::from);
    [Model::default(), softplus, gaussian, bernoulli, gamma, dispersed]
}

/// Columns of different sizes and offsets, and responses of several targets of different means.
fn data(model: Model, n: usize, n_targets: usize) -> (Array2<f64>, Array2<f64>) {
    let mut random = Random(11);
    let x = Array2::from_shape_fn((n, 4), |(_, j)| {
        [1.0, 0.2, 3.0, 1.0][j] * random.normal() + [0.0, 1.0, 0.0, -2.0][j]
    });
    let y = Array2::from_shape_fn((n, n_targets), |(i, k)| {
        let mu = model.mean(0.4 * x[(i, 0)] - x[(i, 1)] + 0.1 * x[(i, 2)] + 0.8 * k as f64 - 0.5);
        match model.observation {
            ObservationModel::Poisson | ObservationModel::NegativeBinomial(_) => random.poisson(mu),
            ObservationModel::Gamma => -mu * (1.0 - random.uniform()).ln(),
            ObservationModel::Gaussian => mu + random.normal(),
            ObservationModel::Bernoulli => f64::from(random.uniform() < mu),
        }
    });
    (x, y)
}

fn is_proven(target: &TargetFit) {
    assert_eq!(target.status, Status::Converged, "{target:?}");
    assert!(target.kkt_residual < 1e-11 && target.loss_gap < 1e-18 * target.loss.abs(), "{target:?}");
}

#[test]
fn fits_agree_with_the_reference() {
    let reference = golden("reference_nemos.json");
    let x = matrix(&reference["fit_data"]["X"]);
    let mut n_found = 0;
    for record in reference["fits"].as_array().unwrap() {
        let name = record["observation"].as_str().unwrap_or_default().to_lowercase();
        let is_default = record["link"] == "default";
        let own = ObservationModel::ALL.into_iter().find(|model| is_default && model.name() == name);
        let (Some(observation), "Ridge", "GLM") =
            (own, record["regularizer"].as_str().unwrap_or_default(), record["model"].as_str().unwrap())
        else {
            continue;
        };
        n_found += 1;
        let y = Array1::from(numbers(&reference["fit_data"][record["data_key"].as_str().unwrap()]));
        let (y, strength) = (y.insert_axis(Axis(1)), number(&record["strength"]));
        for solver in SOLVERS {
            let target = fit(spec(observation.into(), solver, strength), &x, &y).targets.remove(0);
            is_proven(&target);
            assert_eq!(target.gap_from, GapFrom::Hessian);
            assert!(relative(&target.coef, &numbers(&record["coef"])) < 1e-8, "{target:?}");
            let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-8;
            assert!(near(target.intercept, numbers(&record["intercept"])[0]));
            let penalty = 0.5 * strength * target.coef.iter().map(|w| w * w).sum::<f64>();
            assert!(near(target.loss, number(&record["loss_unpenalised"]) + penalty));
            assert!(near(target.scale, numbers(&record["scale"])[0]));
            assert!(near(target.scores.log_likelihood, number(&record["score_loglik"])));
            assert!(near(target.scores.pseudo_r2_mcfadden, number(&record["score_mcfadden"])));
            assert!(near(target.scores.pseudo_r2_cohen, number(&record["score_cohen"])));
        }
    }
    assert_eq!(n_found, 3);
}

#[test]
fn every_model_and_target_is_where_a_dense_solution_is() {
    for model in models() {
        let (x, y) = data(model, 500, 3);
        for strength in [1e-6, 0.03, 20.0] {
            for solver in SOLVERS {
                let together = fit(spec(model, solver, strength), &x, &y);
                for (k, target) in together.targets.iter().enumerate() {
                    let (expected, inverse) = newton(model, &x, &y.column(k).to_vec(), strength);
                    is_proven(target);
                    let what = format!("{model:?} {strength} {solver:?}: {target:?} {expected:?}");
                    assert!(relative(&target.coef, &expected[1..]) < 1e-10, "{what}");
                    assert!(
                        (target.intercept - expected[0]).abs() < 1e-10 * expected[0].abs().max(1.0),
                        "{what}"
                    );
                    let factor = match model.observation {
                        ObservationModel::Gaussian => 2.0 * target.scale,
                        ObservationModel::Gamma => target.scale,
                        _ => 1.0,
                    };
                    for (j, error) in target.standard_errors.iter().enumerate() {
                        let expected = (factor * inverse[(1 + j, 1 + j)] / 500.0).sqrt();
                        assert!((error / expected - 1.0).abs() < 1e-8, "{what}");
                    }
                    let expected = (factor * inverse[(0, 0)] / 500.0).sqrt();
                    assert!((target.intercept_standard_error / expected - 1.0).abs() < 1e-8, "{what}");
                    let alone = fit(spec(model, solver, strength), &x, &y.select(Axis(1), &[k]));
                    is_proven(&alone.targets[0]);
                    assert!(relative(&target.coef, &alone.targets[0].coef) < 1e-9, "{what}");
                    let pair = fit(spec(model, solver, strength), &x, &y.select(Axis(1), &[(k + 1) % 3, k]));
                    assert_eq!(target.coef, pair.targets[1].coef, "bits, whatever the company");
                }
            }
        }
    }
}

#[test]
fn numbers_in_single_precision_are_finished_in_double() {
    let (x, y) = poisson_data(21, 20_000, 12, 1);
    let plan = DesignPlan::new(source(&x), 0..x.nrows()).unwrap();
    let response = Response { y: y.view().into(), names: vec!["y".into()] };
    for solver in SOLVERS {
        let checked = spec(Model::default(), solver, 0.02).check().unwrap();
        let exact = checked.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {}).unwrap();
        let single = checked.fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {}).unwrap();
        is_proven(&single.targets[0]);
        assert!(relative(&single.targets[0].coef, &exact.targets[0].coef) < 1e-10);
        // the estimate by the flat Gram and the penalty is of the size of the exact one
        let left_out = GlmSpec { standard_errors: StandardErrors::Off, ..checked.get().clone() };
        let target = fit(GlmSpec { tolerance: 1e-6, ..left_out }, &x, &y).targets.remove(0);
        assert_eq!((target.status, target.gap_from), (Status::Converged, GapFrom::FlatGram));
    }
}

#[test]
fn columns_that_repeat_one_another_share_and_have_errors() {
    let (x, y) = poisson_data(22, 800, 2, 1);
    let twice = concatenate![Axis(1), x, x.column(0).mapv(|v| 3.0 * v).insert_axis(Axis(1))];
    for solver in SOLVERS {
        let target = fit(spec(Model::default(), solver, 0.1), &twice, &y).targets.remove(0);
        is_proven(&target);
        assert!(target.aliased.is_empty() && target.warnings.is_empty(), "{target:?}");
        let (expected, inverse) = newton(Model::default(), &twice, &y.column(0).to_vec(), 0.1);
        assert!(relative(&target.coef, &expected[1..]) < 1e-9, "{:?} {expected:?}", target.coef);
        assert!((target.coef[2] / target.coef[0] - 3.0).abs() < 1e-9);
        let error = (inverse[(1, 1)] / 800.0).sqrt();
        assert!((target.standard_errors[0] / error - 1.0).abs() < 1e-8);
    }
}

#[test]
fn more_columns_than_rows_have_one_answer() {
    let mut random = Random(23);
    let x = Array2::from_shape_simple_fn((12, 30), || random.normal());
    let y = Array2::from_shape_fn((12, 2), |(i, k)| 1.0 + ((i + k) % 3) as f64);
    for solver in SOLVERS {
        let fitted = fit(spec(Model::default(), solver, 0.05), &x, &y);
        for (k, target) in fitted.targets.iter().enumerate() {
            is_proven(target);
            let (expected, _) = newton(Model::default(), &x, &y.column(k).to_vec(), 0.05);
            assert!(relative(&target.coef, &expected[1..]) < 1e-9);
        }
    }
}

#[test]
fn what_is_separated_without_a_penalty_has_an_optimum_with_one() {
    let mut random = Random(24);
    let x = Array2::from_shape_simple_fn((300, 2), || random.normal());
    let y = Array2::from_shape_fn((300, 1), |(i, _)| f64::from(x[(i, 1)] > 0.1));
    let bernoulli = Model::from(ObservationModel::Bernoulli);
    for solver in SOLVERS {
        for standard_errors in [StandardErrors::On, StandardErrors::Off] {
            for strength in [1e-4, 0.1] {
                let spec = GlmSpec { standard_errors, ..spec(bernoulli, solver, strength) };
                let target = fit(spec, &x, &y).targets.remove(0);
                assert_eq!(target.status, Status::Converged, "{solver:?} {strength} {target:?}");
                let (expected, _) = newton(bernoulli, &x, &y.column(0).to_vec(), strength);
                assert!(relative(&target.coef, &expected[1..]) < 1e-7, "{:?} {expected:?}", target.coef);
            }
        }
    }
}

#[test]
fn the_penalty_is_on_coefficients_in_their_units() {
    let (x, y) = poisson_data(25, 1000, 2, 1);
    let scale = [1e6, 1e-3];
    let wild = Array2::from_shape_fn(x.dim(), |(i, j)| x[(i, j)] * scale[j] + 5.0 * scale[j]);
    for solver in SOLVERS {
        let target = fit(spec(Model::default(), solver, 1e-3), &wild, &y).targets.remove(0);
        assert_eq!(target.status, Status::Converged);
        let free = fit(GlmSpec { solver, ..GlmSpec::default() }, &wild, &y).targets.remove(0);
        // a coefficient per large unit is small and costs nothing, one per small unit is shrunk
        assert!((target.coef[0] / free.coef[0] - 1.0).abs() < 0.2);
        assert!((target.coef[1] / free.coef[1]).abs() < 1e-2, "{} {}", target.coef[1], free.coef[1]);
    }
    // a constant column has nothing to say; a target without events none to hear
    let constant = concatenate![Axis(1), x, Array2::from_elem((1000, 1), 4.2)];
    let with_silent = concatenate![Axis(1), y, Array2::zeros((1000, 1))];
    let fitted = fit(spec(Model::default(), SolverChoice::Auto, 0.1), &constant, &with_silent);
    assert_eq!(
        fitted.targets.iter().map(|t| t.status).collect::<Vec<_>>(),
        [Status::Converged, Status::NoEvents]
    );
    assert_eq!(fitted.targets[0].coef[2], 0.0);
}
