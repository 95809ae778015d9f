//! Penalties with kinks: golden values, optimality by the proximal operator, penalties of single coefficients and groups,
//! columns that repeat one another, more columns than rows.

use crate::common::{Random, fit, golden, matrix, number, numbers, poisson_data, relative, source};
use ndarray::{Array1, Array2, Axis, concatenate};
use rheobase::backend::{Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{GapFrom, GlmSpec, Response, SolverChoice, StandardErrors, TargetFit};
use rheobase::observation::ObservationModel;
use rheobase::regularizer::{Groups, Regularizer, Strength};
use rheobase::solver::Status;
use serde_json::Value;

fn spec(model: Model, regularizer: Regularizer) -> GlmSpec {
    GlmSpec { model, regularizer, ..GlmSpec::default() }
}

fn is_proven(target: &TargetFit) {
    assert_eq!(target.status, Status::Converged, "{target:?}");
    assert!(target.kkt_residual < 1e-11 && target.loss_gap < 1e-18 * target.loss.abs(), "{target:?}");
    assert_eq!(target.gap_from, GapFrom::Hessian);
}

fn strength(value: &Value) -> Strength {
    if value.is_array() { Strength::Each(numbers(value)) } else { Strength::All(number(value)) }
}

fn groups(mask: &Value) -> Groups {
    let mask = matrix(mask);
    let members = |row: ndarray::ArrayView1<f64>| (0..row.len()).filter(|&j| row[j] != 0.0).collect();
    Groups::Columns(mask.rows().into_iter().map(members).collect())
}

/// The regularizer of a record of the reference.
fn regularizer(record: &Value) -> Regularizer {
    let own = &record["strength"];
    match record["regularizer"].as_str().unwrap() {
        "Ridge" => Regularizer::Ridge { strength: strength(own) },
        "Lasso" => Regularizer::Lasso { strength: strength(own) },
        "ElasticNet" => Regularizer::ElasticNet { strength: number(&own[0]).into(), ratio: number(&own[1]) },
        "GroupLasso" => Regularizer::GroupLasso { strength: strength(own), groups: groups(&record["mask"]) },
        other => panic!("{other}"),
    }
}

#[test]
fn penalties_and_proximal_operators_are_those_of_the_reference() {
    let reference = golden("reference_nemos.json");
    let mut n_found = 0;
    for record in reference["regularizers"].as_array().unwrap() {
        let (penalty, step) = (number(&record["penalty"]), number(&record["prox_scaling"]));
        n_found += 1;
        if record["regularizer"].as_str().unwrap().contains("population") {
            // one group per target, each with all of its coefficients
            let (coef, prox) = (matrix(&record["coef"]), matrix(&record["prox_coef"]));
            let own =
                Regularizer::GroupLasso { strength: strength(&record["strength"]), groups: Groups::Features };
            let mut total = 0.0;
            for (coef, prox) in coef.columns().into_iter().zip(prox.columns()) {
                total += own.value(&coef.to_vec(), &[[0, 3]]);
                let found = own.prox(&coef.to_vec(), &[[0, 3]], step).unwrap();
                assert!(relative(&found, &prox.to_vec()) < 1e-12, "{record}");
            }
            assert!((total / penalty - 1.0).abs() < 1e-12, "{record}");
            continue;
        }
        let (own, coef) = (regularizer(record), numbers(&record["coef"]));
        own.check().unwrap();
        own.check_columns(coef.len(), &[]).unwrap();
        assert!((own.value(&coef, &[]) / penalty - 1.0).abs() < 1e-12, "{record}");
        let found = own.prox(&coef, &[], step).unwrap();
        assert!(relative(&found, &numbers(&record["prox_coef"])) < 1e-12, "{record} {found:?}");
    }
    assert_eq!(n_found, 8);
}

#[test]
fn fits_agree_with_the_polished_reference() {
    let reference = golden("reference_nemos.json");
    let x = matrix(&reference["fit_data"]["X"]);
    let mut n_found = 0;
    for record in reference["fits"].as_array().unwrap() {
        if record["coef_polished"].is_null() {
            continue;
        }
        n_found += 1;
        let y = Array1::from(numbers(&reference["fit_data"][record["data_key"].as_str().unwrap()]));
        let (y, own) = (y.insert_axis(Axis(1)), regularizer(record));
        let target = fit(spec(Model::default(), own.clone()), &x, &y).targets.remove(0);
        is_proven(&target);
        assert!(relative(&target.coef, &numbers(&record["coef_polished"])) < 1e-8, "{target:?}");
        assert_eq!(target.coef[2], 0.0, "exactly");
        assert!((target.intercept / numbers(&record["intercept_polished"])[0] - 1.0).abs() < 1e-8);
        let unpenalised = target.loss - own.value(&target.coef, &[]);
        assert!((unpenalised / number(&record["loss_unpenalised"]) - 1.0).abs() < 1e-8);
        let near = |found: f64, expected: &Value| (found / number(expected) - 1.0).abs() < 1e-7;
        // the stored scores belong to a point 1e-8 away
        assert!(near(target.scores.log_likelihood, &record["score_loglik"]));
        assert!(near(target.scores.pseudo_r2_mcfadden, &record["score_mcfadden"]));
        assert!(near(target.scores.pseudo_r2_cohen, &record["score_cohen"]));
    }
    assert_eq!(n_found, 3);
}

fn models() -> [Model; 3] {
    [Model::default(), ObservationModel::Gaussian.into(), ObservationModel::Bernoulli.into()]
}

/// Columns of different sizes, half of them without an effect, and responses of two targets.
fn data(model: Model, n: usize, p: usize) -> (Array2<f64>, Array2<f64>) {
    let mut random = Random(31);
    let size = |j: usize| [1.0, 0.2, 3.0][j % 3];
    let x = Array2::from_shape_fn((n, p), |(_, j)| size(j) * random.normal() + (j % 2) as f64);
    let y = Array2::from_shape_fn((n, 2), |(i, k)| {
        let along: f64 = (0..p).step_by(2).map(|j| 0.3 / size(j) * (x[(i, j)] - (j % 2) as f64)).sum();
        let mu = model.mean(along - 0.3 + 0.5 * k as f64);
        match model.observation {
            ObservationModel::Poisson => random.poisson(mu),
            ObservationModel::Gaussian => mu + random.normal(),
            _ => f64::from(random.uniform() < mu),
        }
    });
    (x, y)
}

/// The gradient of the mean loss by the coefficients and by the intercept.
fn gradient(model: Model, x: &Array2<f64>, y: &[f64], target: &TargetFit) -> (Vec<f64>, f64) {
    let n = y.len() as f64;
    let factor = if model.observation == ObservationModel::Gaussian { 2.0 } else { 1.0 };
    let residual = |(row, y): (ndarray::ArrayView1<f64>, &f64)| {
        let eta: f64 = row.iter().zip(&target.coef).map(|(x, w)| x * w).sum();
        factor * (model.mean(target.intercept + eta) - y)
    };
    let residuals: Array1<f64> = x.rows().into_iter().zip(y).map(residual).collect();
    ((x.t().dot(&residuals) / n).to_vec(), residuals.sum() / n)
}

#[test]
fn every_fit_is_a_fixed_point_of_the_proximal_operator() {
    let features = [[0, 3], [3, 5], [5, 8]];
    let each: Vec<f64> = (0..8).map(|j| 0.01 * f64::from(j)).collect();
    for model in models() {
        let (x, y) = data(model, 400, 8);
        let menu = |s: f64| {
            let groups = Groups::Columns(features.iter().map(|own| (own[0]..own[1]).collect()).collect());
            [
                Regularizer::Lasso { strength: s.into() },
                Regularizer::Lasso {
                    strength: each.iter().map(|own| own * s * 20.0).collect::<Vec<_>>().into(),
                },
                Regularizer::ElasticNet { strength: s.into(), ratio: 0.4 },
                Regularizer::GroupLasso { strength: s.into(), groups: groups.clone() },
                Regularizer::GroupLasso { strength: vec![s, 0.0, 3.0 * s].into(), groups },
            ]
        };
        for own in [1e-4, 0.02, 0.3, 50.0].into_iter().flat_map(menu) {
            let fitted = fit(spec(model, own.clone()), &x, &y);
            for (k, target) in fitted.targets.iter().enumerate() {
                is_proven(target);
                let y = y.column(k).to_vec();
                let (slope, of_intercept) = gradient(model, &x, &y, target);
                let moved: Vec<f64> = target.coef.iter().zip(&slope).map(|(w, g)| w - g).collect();
                let fixed = own.prox(&moved, &features, 1.0).unwrap();
                let off = fixed
                    .iter()
                    .zip(&target.coef)
                    .map(|(a, b)| (a - b).abs())
                    .fold(of_intercept.abs(), f64::max);
                assert!(off < 1e-13, "{model:?} {own:?}: {off:e} {target:?}");
                for (error, w) in target.standard_errors.iter().zip(&target.coef) {
                    assert_eq!(error.is_finite(), *w != 0.0, "an error for what was chosen: {target:?}");
                }
            }
            let alone = fit(spec(model, own.clone()), &x, &y.select(Axis(1), &[1]));
            let pair = alone.targets[0].coef.iter().zip(&fitted.targets[1].coef);
            assert!(pair.clone().all(|(a, b)| (a - b).abs() <= 1e-10 * a.abs()), "{pair:?}");
        }
    }
}

#[test]
fn a_strength_of_0_is_no_penalty_and_a_large_one_leaves_the_mean() {
    let (x, y) = poisson_data(32, 500, 4, 1);
    let free = fit(GlmSpec::default(), &x, &y).targets.remove(0);
    let own = Regularizer::Lasso { strength: vec![0.0; 4].into() };
    let target = fit(spec(Model::default(), own), &x, &y).targets.remove(0);
    assert!(relative(&target.coef, &free.coef) < 1e-10 && (target.intercept - free.intercept).abs() < 1e-10);
    let own = Regularizer::Lasso { strength: 1e6.into() };
    let target = fit(spec(Model::default(), own), &x, &y).targets.remove(0);
    is_proven(&target);
    assert_eq!(target.coef, [0.0; 4]);
    assert!((target.intercept - y.mean().unwrap().ln()).abs() < 1e-14);
}

#[test]
fn columns_that_repeat_one_another_and_more_columns_than_rows() {
    let (x, y) = poisson_data(33, 300, 3, 1);
    let twice = concatenate![Axis(1), x, x];
    let own = Regularizer::Lasso { strength: 0.02.into() };
    let once = fit(spec(Model::default(), own.clone()), &x, &y).targets.remove(0);
    let target = fit(spec(Model::default(), own), &twice, &y).targets.remove(0);
    assert_eq!(target.status, Status::Converged, "{target:?}");
    let sums: Vec<f64> = (0..3).map(|j| target.coef[j] + target.coef[3 + j]).collect();
    assert!(relative(&sums, &once.coef) < 1e-8, "{:?} {:?}", target.coef, once.coef);
    let mut random = Random(34);
    let wide = Array2::from_shape_simple_fn((40, 100), || random.normal());
    let y = Array2::from_shape_fn((40, 1), |(i, _)| f64::from(u8::from(wide[(i, 0)] + wide[(i, 1)] > 0.0)));
    for (own, most) in [
        (Regularizer::Lasso { strength: 0.05.into() }, 40),
        (Regularizer::ElasticNet { strength: 0.05.into(), ratio: 0.5 }, 100),
        (
            Regularizer::GroupLasso {
                strength: 0.05.into(),
                groups: Groups::Columns((0..20).map(|g| (5 * g..5 * g + 5).collect()).collect()),
            },
            100,
        ),
    ] {
        for model in models() {
            let target = fit(spec(model, own.clone()), &wide, &y).targets.remove(0);
            assert_eq!(target.status, Status::Converged, "{model:?} {own:?} {target:?}");
            let n_chosen = target.coef.iter().filter(|w| **w != 0.0).count();
            assert!((1..most).contains(&n_chosen), "{n_chosen} {own:?}");
            let (slope, _) = gradient(model, &wide, &y.column(0).to_vec(), &target);
            let moved: Vec<f64> = target.coef.iter().zip(&slope).map(|(w, g)| w - g).collect();
            let fixed = own.prox(&moved, &[], 1.0).unwrap();
            assert!(fixed.iter().zip(&target.coef).all(|(a, b)| (a - b).abs() < 1e-12), "{model:?} {own:?}");
        }
    }
}

#[test]
fn numbers_in_single_precision_are_finished_in_double_and_separation_is_bounded() {
    let (x, y) = poisson_data(35, 20_000, 12, 1);
    let plan = DesignPlan::new(source(&x), 0..x.nrows()).unwrap();
    let response = Response { y: y.view().into(), names: vec!["y".into()] };
    let groups = Groups::Columns(vec![(0..6).collect(), (6..12).collect()]);
    for own in [
        Regularizer::Lasso { strength: 0.02.into() },
        Regularizer::GroupLasso { strength: 0.02.into(), groups },
    ] {
        for standard_errors in [StandardErrors::On, StandardErrors::Off] {
            let checked = GlmSpec { standard_errors, ..spec(Model::default(), own.clone()) }.check().unwrap();
            let exact = checked.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {}).unwrap();
            let single = checked.fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {}).unwrap();
            is_proven(&single.targets[0]);
            assert!(relative(&single.targets[0].coef, &exact.targets[0].coef) < 1e-10);
            assert_eq!(single.inference_left_out.is_some(), standard_errors == StandardErrors::Off);
        }
    }
    let y = Array2::from_shape_fn((300, 1), |(i, _)| f64::from(x[(i, 1)] > 0.1));
    let x = x.select(Axis(0), &(0..300).collect::<Vec<_>>());
    let own = Regularizer::Lasso { strength: 0.01.into() };
    let target = fit(spec(ObservationModel::Bernoulli.into(), own), &x, &y).targets.remove(0);
    assert_eq!(target.status, Status::Converged, "{target:?}");
}

#[test]
fn lbfgs_is_refused() {
    let own = Regularizer::Lasso { strength: 0.01.into() };
    let error = GlmSpec { solver: SolverChoice::Lbfgs, ..spec(Model::default(), own) }.check().unwrap_err();
    assert!(error.to_string().contains("newton for lasso"), "{error}");
}

#[test]
fn groups_of_columns_that_resemble_each_other_are_found_however_weak_the_penalty() {
    let mut random = Random(36);
    for (n, p, own_part, strengths) in [(60, 120, 0.5, [1e-4, 1e-3]), (120, 60, 0.03, [1e-3, 0.03])] {
        let shared = Array2::from_shape_simple_fn((n, p / 6), || random.normal());
        let x = Array2::from_shape_fn((n, p), |(i, j)| shared[(i, j / 6)] + own_part * random.normal());
        let y =
            Array2::from_shape_fn((n, 1), |(i, _)| random.poisson((0.5 * x[(i, 0)] - 0.3 * x[(i, 7)]).exp()));
        let groups = Groups::Columns((0..p / 6).map(|g| (6 * g..6 * g + 6).collect()).collect());
        for strength in strengths {
            let own = Regularizer::GroupLasso { strength: strength.into(), groups: groups.clone() };
            let target =
                fit(GlmSpec { tolerance: 1e-10, ..spec(Model::default(), own) }, &x, &y).targets.remove(0);
            assert_eq!(
                target.status,
                Status::Converged,
                "{n} x {p}, {strength}: {} {}",
                target.loss_gap,
                target.iterations
            );
        }
    }
}
